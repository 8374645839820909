"""What every step of a case stands on: the clock, the vault, and each sender's law with adoptions.

One desk a process. The law is read anew in each step's own transaction, so that an officer's
adoption counts from the moment that it is journalled.
"""

from __future__ import annotations

import datetime as dt
import functools
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from tallystick.core.clock import Clock
from tallystick.core.rulebook import adoptions
from tallystick.core.rulebook.place import Adoption
from tallystick.core.store import Tx
from tallystick.core.vault import Vault
from tallystick.hubs import law
from tallystick.hubs.law import Law

LAWS_KEPT: Final = 64
Adopted = tuple[tuple[str, str, str, dt.date], ...]


@dataclass(frozen=True, slots=True)
class Desk:
    """Clock, vault, and where the gates come from."""

    clock: Clock
    vault: Vault
    load: Callable[[str], Law] = law.load

    def today(self) -> dt.date:
        """Return the present day, in UTC."""
        return self.clock.now().date()

    def law(self, tx: Tx, sender: str) -> Law:
        """Return a sender's gates with what was adopted; raise `GatesUnreadable`."""
        plain = self.load(sender)
        given = adoptions.adopted(tx, plain.code)
        return _adopted(plain, tuple((a.subject, a.by, a.source, a.on) for a in given))


@functools.lru_cache(maxsize=LAWS_KEPT)
def _adopted(plain: Law, given: Adopted) -> Law:
    """Return a law with adoptions; one of a gate that is no longer open has nothing to add."""
    open_ = {gate.id for gate in plain.gates if not gate.verified}
    return plain.adopt(
        Adoption(plain.code, subject, {}, by, source, on)
        for subject, by, source, on in given
        if subject in open_
    )
