"""Working days in the four countries of the United Kingdom, as the tribunals' rules count them.

A working day is none of: Saturday, Sunday, Christmas Day, Good Friday, a bank holiday of that
country, or 27 to 31 December (SI 2014/2604 r.1(4)). Bank holidays come from the `holidays`
library, within the years for which they are known: a proclamation may still add one later, so a
date beyond is refused rather than guessed.
"""

from __future__ import annotations

import calendar
import datetime as dt
import functools
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

import holidays

from tallystick.hubs.are_errors import DayNotKnown

KNOWN_FROM: Final = dt.date(2014, 1, 1)
KNOWN_UNTIL: Final = dt.date(2028, 12, 31)
"""Bank holidays are published about two years ahead; later years may still gain one."""
CLOSED_FIRST, CLOSED_LAST = 27, 31
"""Days of December on which the tribunals count nothing."""
DAY: Final = dt.timedelta(days=1)
SATURDAY: Final = 5


class Country(StrEnum):
    """A country of the United Kingdom with bank holidays of its own."""

    ENGLAND = "england"
    WALES = "wales"
    SCOTLAND = "scotland"
    NORTHERN_IRELAND = "northern-ireland"


SUBDIVISION: Final = {
    Country.ENGLAND: "ENG",
    Country.WALES: "WLS",
    Country.SCOTLAND: "SCT",
    Country.NORTHERN_IRELAND: "NIR",
}


@dataclass(frozen=True, slots=True)
class Passed:
    """A day that did not count, and what it was."""

    day: dt.date
    name: str


@functools.cache
def bank_holidays(country: Country, year: int) -> Mapping[dt.date, str]:
    """Return a year's bank holidays, substitute days among them, by day."""
    found = holidays.country_holidays("GB", subdiv=SUBDIVISION[country], years=year)
    return {day: found[day] for day in sorted(found)}


def why_closed(day: dt.date, country: Country) -> str:
    """Return what makes a day no working day, or an empty text; raise `DayNotKnown`."""
    if not KNOWN_FROM <= day <= KNOWN_UNTIL:
        raise DayNotKnown(
            f"{day}: bank holidays are known from {KNOWN_FROM} to {KNOWN_UNTIL}; "
            "beyond these a date would be a guess"
        )
    if name := bank_holidays(country, day.year).get(day):
        return name
    if day.weekday() >= SATURDAY:
        return f"{day:%A}"
    if day.month == 12 and CLOSED_FIRST <= day.day <= CLOSED_LAST:
        return "27 to 31 December"
    return ""


def next_working(day: dt.date, country: Country) -> tuple[dt.date, tuple[Passed, ...]]:
    """Return the day itself if it is a working day, else the next; and the days passed over."""
    passed = []
    while name := why_closed(day, country):
        passed.append(Passed(day, name))
        day += DAY
    return day, tuple(passed)


def add_working(day: dt.date, count: int, country: Country) -> tuple[dt.date, tuple[Passed, ...]]:
    """Return the ``count``-th working day after a day; and the days passed over."""
    passed: list[Passed] = []
    for _ in range(count):
        day, over = next_working(day + DAY, country)
        passed.extend(over)
    return day, tuple(passed)


def add_months(day: dt.date, count: int) -> dt.date:
    """Return the corresponding day of a later month, or its last day where there is none.

    The corresponding date rule: Dodds v Walker [1981] 1 WLR 1027.
    """
    years, month = divmod(day.month - 1 + count, 12)
    year = day.year + years
    last = calendar.monthrange(year, month + 1)[1]
    return dt.date(year, month + 1, min(day.day, last))
