"""What agreement a thing needs: how many of which role, after what delay, within what time.

A rule is fixed with its proposal and journalled in it, so that a later change of policy cannot
lower what an open proposal needs.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

import msgspec

from tallystick.core import journal
from tallystick.core.approvals.errors import RuleUnsound

PEOPLE_MAX: Final = 32
NAMES_MAX: Final = 64
DELAY_S_MAX: Final = 90 * 86_400
EXPIRES_S_MAX: Final = 366 * 86_400
EXPIRES_S: Final = 7 * 86_400


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """``needs``: how many people of each role; a role with 0 may add to the ``quorum``.

    ``quorum``: how many in all, where that is more than the sum. ``excluded``: people who may not
    approve, beside the maker who never may. ``proposers``: roles that may propose; empty, any
    person. ``vetoes``: roles any one of whose holders may stop it, approved or not, until it is
    used. ``delay_s`` runs from the moment of agreement, ``expires_s`` from the proposal.

    Raises `RuleUnsound` for one that nobody could keep or that asks nobody.
    """

    needs: Mapping[str, int]
    quorum: int = 0
    excluded: frozenset[str] = field(default_factory=frozenset)
    proposers: frozenset[str] = field(default_factory=frozenset)
    vetoes: frozenset[str] = field(default_factory=frozenset)
    delay_s: int = 0
    expires_s: int = EXPIRES_S

    def __post_init__(self) -> None:
        for name in ("excluded", "proposers", "vetoes"):
            object.__setattr__(self, name, frozenset(getattr(self, name)))
        object.__setattr__(self, "needs", dict(self.needs))
        object.__setattr__(self, "quorum", max(self.quorum, sum(self.needs.values())))
        self._check()

    def _check(self) -> None:
        if not self.needs or min(self.needs.values()) < 0 or "" in self.needs:
            raise RuleUnsound("a rule names roles, and how many of each")
        if not 1 <= self.quorum <= PEOPLE_MAX:
            raise RuleUnsound(f"a rule asks 1 to {PEOPLE_MAX} people, not {self.quorum}")
        if max(len(self.excluded), len(self.vetoes), len(self.proposers)) > NAMES_MAX:
            raise RuleUnsound(f"a rule names at most {NAMES_MAX} people or roles of a kind")
        if not 0 <= self.delay_s <= DELAY_S_MAX or not 0 < self.expires_s <= EXPIRES_S_MAX:
            raise RuleUnsound("a delay or an expiry out of bounds")
        if self.delay_s >= self.expires_s:
            raise RuleUnsound("it would expire before its delay is over")

    def missing(self, counts: Mapping[str, int]) -> dict[str, int]:
        """Return how many of each role are still missing; of any of the roles under ``""``."""
        lacking = {role: most - counts.get(role, 0) for role, most in self.needs.items()}
        left = {role: count for role, count in lacking.items() if count > 0}
        more = self.quorum - sum(counts.values()) - sum(left.values())
        return left | ({"": more} if more > 0 else {})

    def encode(self) -> str:
        """Return the rule as JSON, one text for one rule."""
        names = {key: sorted(getattr(self, key)) for key in ("excluded", "proposers", "vetoes")}
        sums = {"quorum": self.quorum, "delay_s": self.delay_s, "expires_s": self.expires_s}
        return journal.canonical({"needs": self.needs, **names, **sums}).decode()

    @classmethod
    def decode(cls, text: str) -> Rule:
        """Read what `encode` wrote."""
        return cls(**msgspec.json.decode(text))
