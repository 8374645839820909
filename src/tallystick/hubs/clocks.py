"""Set a case's clocks by the rules themselves: the reckoning is the evidence.

The day on which rights of appeal are exhausted, and the end of the time for judicial review, come
from `are.reckon`, with the rule, the beginning and the last day in time on record beside them. A
new decision, a remittal or a refusal of submissions is reckoned anew.
"""

from __future__ import annotations

import datetime as dt
from typing import Final

from tallystick.core.store import Tx
from tallystick.hubs import are, cases
from tallystick.hubs.are import Reckoning
from tallystick.hubs.asking import Outcome
from tallystick.hubs.desk import Desk
from tallystick.hubs.working_days import Country

REVIEW: Final = "ut-judicial-review"
APPEAL_FACT: Final = "appeal.are_date"
REVIEW_FACT: Final = "court.review_ends"
RECKONED: Final = (APPEAL_FACT, REVIEW_FACT)
"""Facts that a rule gives; the gates hold through the day itself."""


def fact_of(stage: str) -> str:
    """Return which fact a stage's reckoning sets."""
    return REVIEW_FACT if stage == REVIEW else APPEAL_FACT


def stages_for(name: str) -> list[tuple[str, str]]:
    """Return the stages, with their titles, whose reckoning sets a fact."""
    return [(one.id, one.title) for one in are.stages().values() if fact_of(one.id) == name]


def set_clock(
    tx: Tx, desk: Desk, case: str, stage: str, country: Country, start: dt.date, by: str, paper: str
) -> tuple[Outcome, Reckoning]:
    """Reckon when a stage ends, and record it; ``paper`` shows the day on which time began.

    Raises `StageNotThere`, `RuleNotThere` or `DayNotKnown`, and writes nothing.
    """
    found = are.reckon(stage, country, start, desk.today())
    shown = (
        f"{paper}; reckoned from {start}, {found.rule.cite}: last day in time "
        f"{found.last_day_in_time}"
    )
    values = {fact_of(stage): found.are_date}
    evidence = shown[: cases.EVIDENCE_CHARS_MAX]
    return cases.attest_all(tx, desk, case, values, by, evidence), found
