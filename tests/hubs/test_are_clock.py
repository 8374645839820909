"""The day on which rights of appeal end: reckoned by hand, and by another's calendar arithmetic."""

from __future__ import annotations

import datetime as dt
import json
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner

from tallystick.cli import main
from tallystick.hubs import are
from tallystick.hubs.are import reckon
from tallystick.hubs.are_errors import DateUnknown, DayNotKnown, RuleNotThere, StageNotThere
from tallystick.hubs.working_days import KNOWN_UNTIL, Country, add_months, why_closed

D = dt.date.fromisoformat
E, W, S, N = Country.ENGLAND, Country.WALES, Country.SCOTLAND, Country.NORTHERN_IRELAND
ALL = (E, W, S, N)
FTT, JR = "ftt-in-country", "ut-judicial-review"
COA = "coa-permission-from-ut-in-country"
DAY = dt.timedelta(days=1)

ORDINARY = {
    # From Wednesday 7 October 2026; no bank holiday anywhere before 30 November.
    FTT: "2026-10-22",  # Wed 21 Oct is in time, one working day more
    "ftt-after-leaving": "2026-11-04",  # Wed 4 Nov, nothing added: held through
    "ftt-out-of-country": "2026-11-05",  # Wed 4 Nov, one more
    "ut-permission-from-ftt-in-country": "2026-10-22",
    "ut-permission-from-ftt-out-of-country": "2026-11-05",
    "ut-permission-in-country": "2026-10-22",
    "ut-permission-out-of-country": "2026-11-10",  # Sat 7 Nov, so Mon 9, one more
    JR: "2027-01-07",  # Thu 7 Jan, nothing added: held through
    COA: "2026-10-26",  # 8 9, 12-16, 19-23 Oct are twelve; then over the weekend
    "coa-permission-from-ut-out-of-country": "2026-11-17",  # Sat 14 Nov, so Mon 16, one more
    "coa-after-ut-refused": "2026-11-09",  # Fri 6 Nov, one more
    "cos-after-ut-refused": "2026-11-20",  # Thu 19 Nov, one more
    "coa-direct": "2026-11-05",  # 28 days, the later: Wed 4 Nov, one more
}
NOWHERE = {
    ("coa-after-ut-refused", S),
    ("coa-after-ut-refused", N),
    ("cos-after-ut-refused", E),
    ("cos-after-ut-refused", W),
    ("cos-after-ut-refused", N),
    ("coa-direct", S),
    ("coa-direct", N),
}
CASES = [
    # Good Friday 3 April 2026; Easter Monday is no holiday in Scotland.
    (FTT, E, "2026-03-20", "2026-04-08"),
    (FTT, W, "2026-03-20", "2026-04-08"),
    (FTT, S, "2026-03-20", "2026-04-07"),
    (FTT, N, "2026-03-20", "2026-04-08"),
    # Ends on 1 January 2027; Scotland's 2 January is a Saturday, so Monday 4 is closed too.
    (FTT, E, "2026-12-18", "2027-01-05"),
    (FTT, S, "2026-12-18", "2027-01-06"),
    # 2 January 2026 is a Friday in Scotland: begins 5 January there, 2 January elsewhere.
    (FTT, E, "2026-01-02", "2026-01-19"),
    (FTT, S, "2026-01-02", "2026-01-20"),
    # Ends on 25 December: 25 to 28 closed, 29 to 31 excluded, then New Year.
    (FTT, N, "2026-12-11", "2027-01-05"),
    # Begins on Christmas Day, so on 4 January (5 in Scotland).
    (FTT, E, "2026-12-25", "2027-01-19"),
    (FTT, S, "2026-12-25", "2027-01-20"),
    # Twelve working days over Christmas: 14-18, 21-24, 4, 5, 6 (Scotland: 5, 6, 7) and one more.
    (COA, E, "2026-12-11", "2027-01-07"),
    (COA, S, "2026-12-11", "2027-01-08"),
    # Saint Patrick's Day 2026, and Monday 18 March in place of Sunday 17 in 2024.
    (FTT, E, "2026-03-03", "2026-03-18"),
    (FTT, N, "2026-03-03", "2026-03-19"),
    (FTT, N, "2024-03-04", "2024-03-20"),
    (FTT, S, "2024-03-04", "2024-03-19"),
    # The twelfth of July 2027 is a Monday; in 2026 a Sunday, so Monday 13.
    (FTT, N, "2027-06-28", "2027-07-14"),
    (FTT, E, "2027-06-28", "2027-07-13"),
    (FTT, N, "2026-06-29", "2026-07-15"),
    (FTT, W, "2026-06-29", "2026-07-14"),
    # Saint Andrew's Day, and the two summer holidays.
    (FTT, S, "2026-11-16", "2026-12-02"),
    (FTT, E, "2026-11-16", "2026-12-01"),
    (FTT, S, "2026-07-20", "2026-08-05"),
    (FTT, E, "2026-07-20", "2026-08-04"),
    (FTT, E, "2026-08-17", "2026-09-02"),
    (FTT, S, "2026-08-17", "2026-09-01"),
    # The holiday falls on the allowance: Friday 28 August is in time, Monday is closed.
    (FTT, E, "2026-08-14", "2026-09-01"),
    (FTT, S, "2026-08-14", "2026-08-31"),
    # The coronation, 8 May 2023; the Queen's funeral, 19 September 2022.
    (FTT, E, "2023-04-24", "2023-05-10"),
    (FTT, S, "2022-09-05", "2022-09-21"),
    # A month from 29 January: 29 February in a leap year, else 28.
    ("ut-permission-out-of-country", E, "2024-01-29", "2024-03-01"),
    ("ut-permission-out-of-country", E, "2025-01-29", "2025-03-03"),
    # Three months from 29 November 2024: Friday 28 February; from 30 November 2026: Sunday, so
    # Monday 1 March; in Scotland begun on 1 December, the same day.
    (JR, E, "2024-11-29", "2025-02-28"),
    (JR, E, "2026-11-30", "2027-03-01"),
    (JR, S, "2026-11-30", "2027-03-01"),
    # Substitute days for Christmas 2021, a Saturday: Monday 27 and Tuesday 28 December.
    ("ftt-after-leaving", W, "2021-11-29", "2022-01-04"),
    ("ftt-after-leaving", S, "2021-11-29", "2022-01-05"),
]
OFFICIAL = {
    # As published for the years 2025 to 2027, written out by hand.
    E: """2025-01-01 2025-04-18 2025-04-21 2025-05-05 2025-05-26 2025-08-25 2025-12-25 2025-12-26
        2026-01-01 2026-04-03 2026-04-06 2026-05-04 2026-05-25 2026-08-31 2026-12-25 2026-12-28
        2027-01-01 2027-03-26 2027-03-29 2027-05-03 2027-05-31 2027-08-30 2027-12-27 2027-12-28""",
    S: """2025-01-01 2025-01-02 2025-04-18 2025-05-05 2025-05-26 2025-08-04 2025-12-01 2025-12-25
        2025-12-26 2026-01-01 2026-01-02 2026-04-03 2026-05-04 2026-05-25 2026-06-15 2026-08-03
        2026-11-30 2026-12-25 2026-12-28 2027-01-01 2027-01-04 2027-03-26 2027-05-03 2027-05-31
        2027-08-02 2027-11-30 2027-12-27 2027-12-28""",
    N: """2025-01-01 2025-03-17 2025-04-18 2025-04-21 2025-05-05 2025-05-26 2025-07-14 2025-08-25
        2025-12-25 2025-12-26 2026-01-01 2026-03-17 2026-04-03 2026-04-06 2026-05-04 2026-05-25
        2026-07-13 2026-08-31 2026-12-25 2026-12-28 2027-01-01 2027-03-17 2027-03-26 2027-03-29
        2027-05-03 2027-05-31 2027-07-12 2027-08-30 2027-12-27 2027-12-28""",
}
OFFICIAL[W] = OFFICIAL[E]
CLOSURE = [f"{year}-12-{day}" for year in (2025, 2026, 2027) for day in range(27, 32)]


def pairs() -> list[tuple[str, Country]]:
    return [(stage, c) for stage in are.stages() for c in ALL if (stage, c) not in NOWHERE]


@pytest.mark.parametrize(("stage", "country"), pairs())
def test_every_stage_in_every_country_on_an_ordinary_day(stage: str, country: Country) -> None:
    assert reckon(stage, country, D("2026-10-07")).are_date == D(ORDINARY[stage])


@pytest.mark.parametrize(("stage", "country", "start", "date"), CASES)
def test_reckoned_by_hand(stage: str, country: Country, start: str, date: str) -> None:
    assert reckon(stage, country, D(start)).are_date == D(date)


def by_numpy(rule: are.Rule, start: dt.date, country: Country) -> dt.date:
    """Reckon with NumPy's business days over the official list: nothing of ours is in it."""
    shut = [*OFFICIAL[country].split(), *CLOSURE]

    def working(day: Any, count: int = 0) -> Any:
        return np.busday_offset(day, count, roll="forward", holidays=shut)

    first, ends = working(np.datetime64(start)), []
    for limit in rule.limits:
        if limit.unit == "days":
            end = first + np.timedelta64(limit.value, "D")
        elif limit.unit == "working_days":
            end = working(first, limit.value)
        else:
            end = np.datetime64(add_months(first.astype(dt.date), limit.value))
        ends.append(working(working(end), rule.allowance))
    return max(ends).astype(dt.date)


@pytest.mark.parametrize("country", ALL)
def test_two_years_of_consecutive_days_agree_with_other_arithmetic(country: Country) -> None:
    days = [D("2025-01-01") + n * DAY for n in range(2 * 365)]
    for stage, where in pairs():
        if where is country:
            rule = are.stages()[stage].rule[-1]
            for day in days[:: 1 if stage in (FTT, COA, JR) else 5]:
                assert reckon(stage, country, day).are_date == by_numpy(rule, day, country), day


@pytest.mark.parametrize(("stage", "country"), pairs())
def test_never_early_never_going_back_and_always_on_a_working_day(
    stage: str, country: Country
) -> None:
    before = dt.date.min
    for n in range(400):
        start = D("2017-11-20") + n * DAY  # over a change of the rules in May 2018
        found = reckon(stage, country, start)
        limit = found.rule.limits[0]
        least = add_months(start, limit.value) if limit.unit == "months" else None
        assert found.last_day_in_time >= (least or start + limit.value * DAY)
        assert found.are_date >= found.calculator_date, "never earlier than the Home Office's own"
        assert found.are_date >= before, "a later start never ends earlier"
        assert why_closed(found.are_date, country) == ""
        assert why_closed(found.last_day_in_time, country) == ""
        assert found.holds(found.last_day_in_time), "an appeal in time is held for"
        assert found.exhausted_from == found.hold_through + DAY
        before = found.are_date


@pytest.mark.parametrize("stage", ["ftt-after-leaving", JR])
def test_where_nothing_is_added_the_date_itself_is_still_in_time(stage: str) -> None:
    found = reckon(stage, E, D("2026-10-07"))
    assert found.are_date == found.last_day_in_time == found.hold_through
    assert found.holds(found.are_date) and not found.holds(found.are_date + DAY)


def test_with_an_allowance_the_date_is_the_first_day_without_a_right() -> None:
    found = reckon(FTT, E, D("2026-10-07"))
    assert found.holds(D("2026-10-21")) and not found.holds(D("2026-10-22"))


def test_twelve_working_days_are_followed_and_the_calculator_is_contradicted() -> None:
    found = reckon(COA, E, D("2026-10-07"))
    assert found.calculator_date == D("2026-10-20") < found.last_day_in_time == D("2026-10-23")
    assert "twelve working days" in found.differs


def test_the_unsettled_nine_days_give_way_to_the_later_date() -> None:
    found = reckon("coa-direct", E, D("2026-10-07"))
    assert found.calculator_date == D("2026-10-19") < found.are_date
    assert "not settled" in found.differs and "52D" in found.steps[1].what


@pytest.mark.parametrize(("stage", "country"), sorted(NOWHERE))
def test_a_court_of_another_country_gives_no_date(stage: str, country: Country) -> None:
    with pytest.raises(StageNotThere, match=stage):
        reckon(stage, country, D("2026-10-07"))


@pytest.mark.parametrize("stage", ["ftt-detained-fast-track", "ut-detained-fast-track"])
def test_the_quashed_fast_track_is_not_offered(stage: str) -> None:
    with pytest.raises(StageNotThere, match="quashed"):
        reckon(stage, E, D("2015-01-05"))


def test_what_begins_the_time_changed_on_14_may_2018() -> None:
    stage = "ut-permission-from-ftt-in-country"
    assert "received" in reckon(stage, E, D("2018-05-11")).rule.begins
    assert "sent" in reckon(stage, E, D("2018-05-14")).rule.begins
    with pytest.raises(RuleNotThere, match="2018-05-01"):
        reckon(stage, E, D("2018-05-14"), known_on=D("2018-05-01"))
    with pytest.raises(RuleNotThere, match="2014-10-20"):
        reckon(stage, E, D("2014-10-17"))


@pytest.mark.parametrize("start", ["2028-12-20", "2031-06-02"])
def test_a_year_whose_holidays_are_not_known_is_not_guessed(start: str) -> None:
    with pytest.raises(DayNotKnown, match=str(KNOWN_UNTIL)):
        reckon(FTT, E, D(start))


def test_the_steps_name_every_day_passed_over() -> None:
    found = reckon(FTT, S, D("2026-12-18"))
    assert [step.day for step in found.steps] == [
        D("2026-12-18"),
        D("2027-01-01"),
        D("2027-01-05"),
        D("2027-01-06"),
    ]
    assert [day.day.day for day in found.steps[2].passed] == [1, 2, 3, 4]
    assert "New Year Holiday" in found.steps[2].passed[3].name


def run(*args: str) -> Any:
    return CliRunner().invoke(main, ["hubs", "are-date", *args])


def test_the_command_prints_the_reckoning_as_json() -> None:
    asked = ("--stage", FTT, "--country", "england", "--from", "2026-03-20", "--json")
    found = json.loads(run(*asked).output)
    assert found["are_date"] == "2026-04-08" and found["hold_through"] == "2026-04-07"
    assert "r.19(2)" in found["rule"]["cite"]
    passed = [day["name"] for day in found["steps"][2]["passed_over"]]
    assert passed == ["Good Friday", "Saturday", "Sunday", "Easter Monday"]


def test_the_command_says_what_it_does_not_know_and_that_the_case_is_held() -> None:
    for stage, start in (("coa-direct", "2026-10-07"), (FTT, "2029-01-02")):
        said = run("--stage", stage, "--country", "northern-ireland", "--from", start)
        assert said.exit_code == 1 and "the case is held" in said.output
    assert issubclass(DayNotKnown, DateUnknown) and issubclass(StageNotThere, DateUnknown)


def test_the_command_contradicts_the_calculator_in_words() -> None:
    said = run("--stage", COA, "--country", "england", "--from", "2026-10-07").output
    assert "calculator says 2026-10-20" in said and "twelve working days" in said


def test_stages_are_listed_with_what_was_not_verified() -> None:
    said = CliRunner().invoke(main, ["hubs", "stages"]).output
    assert all(stage in said for stage in are.stages())
    assert "NOT VERIFIED" in said and "ftt-detained-fast-track: not offered" in said
