"""Who looks at a page of the hubs console, which roles they hold, and whose cases they may see.

A person's lawyer sees that person's case and no other; the monitor sees all and changes nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from tallystick.core.identity import grants
from tallystick.core.identity.errors import NotAllowed
from tallystick.core.identity.people import Person
from tallystick.core.store import Tx
from tallystick.hubs.model import Role
from tallystick.hubs.record import Case
from tallystick.web.hubs.sayings import ROLES

ALL_CASES: Final = frozenset(
    {Role.CASEWORKER.value, Role.OFFICIAL.value, Role.INDEPENDENT.value, Role.MONITOR.value}
)


@dataclass(frozen=True, slots=True)
class Actor:
    """A signed-in person with the roles of this programme."""

    person: Person
    roles: frozenset[str]

    @property
    def id(self) -> str:
        """Return the person's id."""
        return self.person.id

    @property
    def said(self) -> str:
        """Return the roles in words."""
        return ", ".join(word for role, word in ROLES.items() if role in self.roles)

    @property
    def sees_all(self) -> bool:
        """Say whether every case may be seen, and not only a client's."""
        return bool(self.roles & ALL_CASES)

    @property
    def client_of(self) -> str:
        """Return the lawyer's id whose cases alone are shown; empty for everybody's."""
        return "" if self.sees_all else self.id

    def has(self, role: str) -> bool:
        """Say whether this person holds a role of the programme, such as ``caseworker``."""
        return f"hubs.{role}" in self.roles

    def may_see(self, case: Case) -> bool:
        """Say whether this person may see a case."""
        return self.sees_all or (self.has("lawyer") and case.lawyer == self.id)


def actor(tx: Tx, person: Person) -> Actor:
    """Return who acts; raise `NotAllowed` for somebody without a role in this programme."""
    held = frozenset(role for role in grants.held(tx, person.id) if role in ROLES)
    if not held:
        raise NotAllowed
    return Actor(person, held)
