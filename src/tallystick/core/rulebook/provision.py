"""One dated rule with its source, and whether it binds on a day: yes, no, or not known.

A start that nobody read is unknown, never "always"; inside a range of possible days nothing is
decided (Decision 9).
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

Days = tuple[dt.date, dt.date]

LIMITS: Final = {"daily-limit", "transaction-limit", "period-limit", "first-period-limit"}
GATING: Final = LIMITS | {"fee-cap", "new-customer", "hold", "hold-or-cancel", "ban"}
"""Kinds without which no sale can be judged: one that is unsettled closes the place."""
KINDS: Final = GATING | {
    "analytics",
    "commencement",
    "destination",
    "hosting",
    "identification",
    "identification-threshold",
    "live-support",
    "moratorium",
    "payout-duty",
    "price-reference",
    "receipt",
    "refund",
    "registration",
    "removal",
    "report",
    "security",
    "series-rule",
    "staffing",
    "warning",
    "wording",
}
WHO: Final = {"all", "new", "existing", "victims"}
READ_SAYS: Final = {
    "primary": "Read in the law itself",
    "secondary": "Read in a secondary source",
    "memory": "From memory; not read",
    "none": "Not read",
    "demonstration": "Made up for the demonstration",
}
"""How a provision was read, in words."""
READ: Final = set(READ_SAYS)
COUNTS: Final = {"more than", "at least", "less than", "at most", "not stated"}
BASES: Final = {"coins", "transaction", "cash", "not stated", ""}
NEEDED: Final = {
    "daily-limit": ("minor",),
    "transaction-limit": ("minor",),
    "period-limit": ("minor", "days"),
    "first-period-limit": ("minor", "days"),
    "fee-cap": ("basis_points",),
    "hold": ("hours",),
    "hold-or-cancel": ("hours",),
}
"""The figures that a kind must have before it can decide anything."""


@dataclass(frozen=True, slots=True, eq=False)
class Provision:
    """One rule. Money in minor units, shares in basis points, durations in hours or days."""

    id: str
    kind: str
    say: str
    cite: str
    since: dt.date | None
    until: dt.date | None = None
    since_between: Days | None = None
    until_between: Days | None = None
    known_from: dt.date | None = None
    seen: dt.date | None = None
    """A day on which it was found in force, where its first day is not known."""
    source: str = ""
    read: str = "none"
    settled: bool = True
    who: str = "all"
    scope: str = ""
    base: str = ""
    counts: str = "not stated"
    figures: Mapping[str, int] = field(default_factory=dict)
    words: Mapping[str, str] = field(default_factory=dict)
    terms: Mapping[str, Any] = field(default_factory=dict)
    """What the law says beyond figures: the rule, items, events that start a clock."""
    note: str = ""
    adopted: str = ""
    """Who adopted its figures and from which source; empty for what was read in the law."""
    adopted_on: dt.date | None = None
    """The first day for which an officer's figures hold."""
    before: Provision | None = None
    """What it was until then: still open, as it was on every earlier day."""

    def as_on(self, on: dt.date) -> Provision:
        """Return it as it stood on a day: what an officer settled later was open then."""
        later = self.adopted_on is not None and on < self.adopted_on
        return self.before if later and self.before is not None else self

    def in_force(self, on: dt.date) -> bool | None:
        """Say whether it binds on a day; None when that is not known."""
        started, ended = self._started(on), self._ended(on)
        if started is False or ended is True:
            return False
        return None if started is None or ended is None else True

    def _started(self, on: dt.date) -> bool | None:
        if self.since is not None:
            return self.since <= on
        if self.since_between is not None:
            return _inside(on, self.since_between)
        if self.known_from is not None and on < self.known_from:
            return False
        return True if self.seen is not None and self.seen <= on else None

    def _ended(self, on: dt.date) -> bool | None:
        if self.until is not None:
            return on > self.until
        return _inside(on, self.until_between) if self.until_between is not None else False

    def known(self, on: dt.date) -> bool:
        """Say whether it was known on a day: announced, begun, or found in force by then."""
        day = self.known_from or self.since or self.seen
        return day is not None and day <= on

    @property
    def decides(self) -> bool:
        """Say whether it has every figure that its kind needs, and nobody must settle it."""
        return self.settled and all(name in self.figures for name in NEEDED.get(self.kind, ()))


def _inside(on: dt.date, days: Days) -> bool | None:
    """Say whether an event that fell on one of these days has happened; None inside them."""
    if on < days[0]:
        return False
    return True if on > days[1] else None
