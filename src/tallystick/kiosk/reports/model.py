"""A report's kinds, states and the one transition table; what a draft says, in the form's fields.

Two people file: who proposes the filing does not approve it. What was filed does not change.
"""

from __future__ import annotations

import datetime as dt
import enum
from typing import Final

import msgspec

from tallystick.core import journal

ROLE: Final = "kiosk.compliance"
SECRET: Final = frozenset({"sar"})
"""Kinds of which nobody outside the role may learn that there is one (31 U.S.C. 5318(g)(2))."""
NARRATIVE_LENGTH_MAX: Final = 20_000


class Kind(enum.StrEnum):
    """What is reported."""

    CTR = "ctr"
    SAR = "sar"


class State(enum.StrEnum):
    """Where a report stands."""

    DRAFT = "draft"
    PROPOSED = "proposed"
    FILED = "filed"
    DROPPED = "dropped"


NEXT: Final[dict[State, frozenset[State]]] = {
    State.DRAFT: frozenset({State.PROPOSED, State.DROPPED}),
    State.PROPOSED: frozenset({State.DRAFT, State.FILED}),
    State.FILED: frozenset(),
    State.DROPPED: frozenset(),
}


class Draft(msgspec.Struct, frozen=True):
    """What a report says. Whole currency units are rounded up, as FinCEN's forms want them.

    Names, documents and the narrative are in the vault, under ``person`` and the report's own id;
    the digest of a draft covers the digest of its narrative.
    """

    kind: Kind
    person: str
    jurisdiction: str
    provision: str
    cite: str
    currency: str
    first_day: dt.date
    last_day: dt.date
    due: dt.date
    cash_in_minor: int
    cash_out_minor: int
    cash_in_whole: int
    cash_out_whole: int
    purchases: tuple[str, ...]
    machines: tuple[str, ...]
    aggregated: bool
    note_to_fincen: str = ""
    activity: tuple[str, ...] = ()
    narrative_digest: str = ""
    zone: str = ""
    """By whose calendar its days are reckoned; empty: by that of its place."""
    voluntary: str = ""
    """The law that lets a report be filed which none requires; empty: it is required."""

    @property
    def digest(self) -> str:
        """Return SHA-256 over the draft, in hex: what people approve."""
        told = msgspec.to_builtins(self)
        if not self.voluntary:
            del told["voluntary"]  # drafts from before have none, and keep their digest
        return journal.commit(b"", told)


def whole(minor: int, per_whole: int) -> int:
    """Return whole currency units, rounded up."""
    return -(-minor // per_whole)
