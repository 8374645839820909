"""What each place's law grants a victim, by hand from its text; nobody is late by an unread day."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from zoneinfo import ZoneInfo

import pytest

from tallystick.core import rulebook
from tallystick.core.rulebook.place import codes
from tallystick.kiosk.scams import grant
from tallystick.kiosk.scams.grant import Case

BOUGHT = dt.datetime(2026, 11, 20, 15, tzinfo=dt.UTC)
DAY = BOUGHT.date()
CASE = Case(BOUGHT, BOUGHT, DAY, DAY + dt.timedelta(2))
NEW, EXISTING = replace(CASE, customer="new"), replace(CASE, customer="existing")


def days(number: int) -> dt.date:
    return DAY + dt.timedelta(number)


@pytest.mark.parametrize(
    ("code", "case", "amount", "contact_by", "evidence_by", "pay_hours"),
    [
        ("US-SD", CASE, "full", days(90), days(122), 72),
        ("US-IL", EXISTING, "fees", days(30), days(60), None),
        ("US-IL", NEW, "full", None, None, None),
        ("US-IL", CASE, "full", None, None, None),
        ("US-ME", CASE, "full", None, None, None),
        ("US-RI", EXISTING, "fees", None, None, None),
        ("US-NE", NEW, "full", None, None, None),
        ("US-NE", EXISTING, "fees", None, None, None),
        ("US-MD", CASE, "fees", None, None, None),
        ("US-AZ", CASE, "unknown", None, None, None),
        ("US-TX", CASE, "unknown", None, None, None),
    ],
)
def test_the_grant_is_what_the_law_says(
    code: str,
    case: Case,
    amount: str,
    contact_by: dt.date | None,
    evidence_by: dt.date | None,
    pay_hours: int | None,
) -> None:
    duty = grant.duty_of(rulebook.load(code), case)
    assert (duty.amount, duty.contact_by, duty.pay_hours) == (amount, contact_by, pay_hours)
    assert (duty.evidence_by and duty.evidence_by.date()) == evidence_by
    assert duty.cite


def test_the_days_of_the_law_end_where_the_machine_stands() -> None:
    """A victim in the west is not late by Greenwich's clock, and the day of buying is local."""
    place, zone = rulebook.load("US-SD"), ZoneInfo("America/Denver")
    evening = dt.datetime(2026, 11, 20, 22, 0, tzinfo=zone).astimezone(dt.UTC)
    day = dt.date(2026, 11, 20)
    case = Case(evening, evening, day, day, zone="America/Denver")
    assert case.start("the transaction or transactions at issue") == day
    assert Case(evening, evening, day, day).start(
        "the transaction or transactions at issue"
    ) == day + dt.timedelta(1)
    ends = grant.duty_of(place, case).evidence_by
    assert ends is not None
    assert ends.astimezone(zone).time() == dt.time(23, 59, 59)


def test_the_notice_of_the_fraud_starts_south_dakotas_days() -> None:
    late = replace(CASE, learnt=days(40), contacted=days(100))
    duty = grant.duty_of(rulebook.load("US-SD"), late)
    assert duty.contact_by == days(130) and duty.evidence_by is not None
    assert duty.evidence_by.date() == days(220)
    assert set(duty.evidence) == {"police report", "government agency report", "sworn statement"}


@pytest.mark.parametrize(("after", "granted"), [(90, "full"), (91, "unknown")])
def test_maines_ninety_days_run_from_the_first_purchase(after: int, granted: str) -> None:
    case = replace(CASE, first=BOUGHT - dt.timedelta(days=after))
    assert grant.duty_of(rulebook.load("US-ME"), case).amount == granted


@pytest.mark.parametrize("code", codes())
def test_a_person_of_unknown_class_never_gets_less_than_one_of_either(code: str) -> None:
    place = rulebook.load(code)
    found = [grant.duty_of(place, case) for case in (CASE, NEW, EXISTING)]
    worth = [grant.WORTH[duty.amount] for duty in found]
    assert worth[0] >= max(worth[1:])


@pytest.mark.parametrize("code", codes())
def test_only_a_window_whose_start_was_read_can_be_missed(code: str) -> None:
    place = rulebook.load(code)
    for case in (CASE, NEW, EXISTING):
        if grant.duty_of(place, case).contact_by is not None:
            starts = [p.terms.get("clock_starts", {}) for p in place.of("refund", DAY)]
            assert any(grant.STARTS.keys() & set(map(str, s.values())) for s in starts)
