"""What interventions did: counted by person, as assigned, with what is not known said as a range.

A line is one arm among those whom the signals flagged alike, so arms are compared as assigned
(intention to treat), each person once. Fewer than a hundred in an arm or its control are counted
and not ranked. Confirmed and false alarm are settled only after ninety days.
"""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final

import sqlalchemy as sa

from tallystick.core.store import Tx
from tallystick.kiosk.scams import trial
from tallystick.kiosk.scams.intervals import Interval, newcombe, upper_if_none, wilson
from tallystick.kiosk.scams.intervene import RETURNED, After, Outcome
from tallystick.kiosk.scams.policy import Step
from tallystick.kiosk.scams.tables import AFTER, INTERVENTIONS, TRIALS

FOLLOWED: Final = dt.timedelta(days=90)
LOSS_AFTER: Final = dt.timedelta(days=30)
RANKED_MIN: Final = 100
VICTIMS_MIN: Final = 2
"""Independent victims of one listed address that confirm a scam."""

Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Line:
    """One arm at one floor. Counts are persons; sums are minor units of ``currency``."""

    trial: str
    arm: str
    floor: str
    currency: str
    shown: int
    proceeded: int
    cancelled: int
    confirmed: int
    probable: int
    false_least: int
    false_most: int
    stopped_minor: int
    """Given back in confirmed scams, less the later loss: an upper bound, for losses elsewhere
    are not seen."""
    cancels: Interval
    frauds: Interval
    frauds_upper_if_none: float | None
    against_control: Interval | None
    """Difference in cancels to control; None where it may not be ranked."""
    still_needed: int


@dataclass(frozen=True, slots=True)
class Followed:
    """One person's first intervention, and what followed it within ninety days."""

    row: Row
    confirmed: bool
    probable: bool
    verified: bool
    settled: bool
    later_minor: int


def interventions(tx: Tx, now: dt.datetime) -> list[Line]:
    """Return the report's lines: those that may be ranked first, by cancels, then the others."""
    groups: dict[tuple[str, str, int, str], list[Followed]] = defaultdict(list)
    for one in _persons(tx, now):
        row = one.row
        groups[row["trial"], row["arm"], row["floor_first"], row["currency"]].append(one)
    needed = {row["id"]: row["persons_per_arm"] for row in tx.execute(sa.select(TRIALS)).mappings()}
    lines = []
    for (name, arm, floor, currency), those in sorted(groups.items()):
        control = groups.get((name, trial.CONTROL, floor, currency), []) if name else []
        lines.append(_line(those, [] if arm == trial.CONTROL else control, needed.get(name, 0)))
    return sorted(lines, key=_rank)


def _rank(line: Line) -> tuple[bool, float, str, str]:
    ranked = line.against_control is not None
    return not ranked, -line.cancels.estimate if ranked else 0.0, line.trial, line.arm


def _line(those: list[Followed], control: list[Followed], needed: int) -> Line:
    row, shown = those[0].row, len(those)
    cancelled, confirmed = _cancelled(those), sum(one.confirmed for one in those)
    honest = [one for one in those if not one.confirmed and not one.probable]
    verified = sum(one.verified and one.settled for one in honest)
    ranked = min(shown, len(control)) >= RANKED_MIN
    gap = newcombe(cancelled, shown, _cancelled(control), len(control)) if ranked else None
    return Line(
        trial=row["trial"],
        arm=row["arm"],
        floor=Step(row["floor_first"]).word,
        currency=row["currency"],
        shown=shown,
        proceeded=sum(one.row["outcome"] == Outcome.PROCEEDED for one in those),
        cancelled=cancelled,
        confirmed=confirmed,
        probable=sum(one.probable for one in those),
        false_least=verified,
        false_most=len(honest),
        stopped_minor=_stopped(those),
        cancels=wilson(cancelled, shown),
        frauds=wilson(confirmed, shown),
        frauds_upper_if_none=None if confirmed else upper_if_none(shown),
        against_control=gap,
        still_needed=max(0, needed - shown),
    )


def _cancelled(those: Iterable[Followed]) -> int:
    return sum(one.row["outcome"] in (Outcome.CANCELLED, Outcome.HELPED) for one in those)


def _stopped(those: Iterable[Followed]) -> int:
    return sum(
        one.row["returned_minor"] - one.later_minor
        for one in those
        if one.confirmed and one.row["outcome"] in RETURNED
    )


def losses(tx: Tx, name: str, now: dt.datetime) -> dict[str, Sequence[int]]:
    """Return each person's confirmed loss in minor units, by assigned arm, for `trial.look`."""
    found: dict[str, list[int]] = defaultdict(list)
    for one in _persons(tx, now):
        if one.row["trial"] == name:
            sent = one.row["sent_minor"] if one.confirmed else 0
            found[one.row["arm"]].append(sent + one.later_minor)
    return dict(found)


def _persons(tx: Tx, now: dt.datetime) -> list[Followed]:
    """Return each flagged person's first intervention of each trial; unknown persons each once."""
    i = INTERVENTIONS.c
    query = sa.select(INTERVENTIONS).where(i.step > 0, i.at <= now).order_by(i.at, i.id)
    first: dict[tuple[str, str], Row] = {}
    for row in tx.execute(query).mappings():
        first.setdefault((row["trial"], row["person"] or row["id"]), dict(row))
    after: dict[str, list[Row]] = defaultdict(list)
    for row in tx.execute(sa.select(AFTER)).mappings():
        after[row["intervention"]].append(dict(row))
    return [_followed(row, after[row["id"]], now) for row in first.values()]


def _followed(row: Row, after: list[Row], now: dt.datetime) -> Followed:
    soon = [a for a in after if row["at"] <= a["at"] <= row["at"] + FOLLOWED]
    kinds = {a["kind"] for a in soon}
    victims = {a["detail"] for a in soon if a["kind"] == After.LIST_HIT}
    confirmed = bool(kinds & {After.CLAIM_UPHELD, After.AGENCY_REPORT})
    confirmed = confirmed or len(victims) >= VICTIMS_MIN
    in_time = [a for a in soon if a["at"] <= row["at"] + LOSS_AFTER]
    later = [a["minor"] for a in in_time if a["kind"] == After.LATER_LOSS]
    return Followed(
        row=row,
        confirmed=confirmed,
        probable=not confirmed and bool(victims),
        verified=bool(kinds & {After.CALLED_BACK, After.REPEATED}),
        settled=now >= row["at"] + FOLLOWED,
        later_minor=sum(later),
    )
