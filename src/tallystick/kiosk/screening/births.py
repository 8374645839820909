"""Dates of birth as the lists write them: exact, a month, a year, about, between; and compared.

A date is kept as the first and the last day that it may be. What cannot be read is left out and
never guessed: an entry without a date supports and contradicts nothing.
"""

from __future__ import annotations

import calendar
import datetime as dt
import enum
import re
from typing import Final

from tallystick.kiosk.screening.entry import Born

MONTHS: Final = {name.lower(): n for n, name in enumerate(calendar.month_abbr) if name}
CIRCA_DAYS: Final = 730
"""How far from a date that is only about right somebody may still be born."""
NEAR_DAYS: Final = 366
FAR_DAYS: Final = CIRCA_DAYS + NEAR_DAYS
"""Days between two dates beyond which nothing can bring them together."""
YEAR_MIN, YEAR_MAX = 1850, 2100
TEXT_LENGTH_MAX: Final = 80

_ABOUT = re.compile(r"^(circa|ca\.?|c\.|approximately|approx\.?|about)\s*", re.I)
_DAY = re.compile(r"^(\d{1,2})[ -]([A-Za-z]{3})[a-z]*[ -](\d{4})$")
_MONTH = re.compile(r"^([A-Za-z]{3})[a-z]*[ -](\d{4})$")
_YEAR = re.compile(r"^(\d{4})$")
_ISO = re.compile(r"^(\d{4})-(\d{2})-(\d{2})(?:T.*|Z)?$")
_SLASHED = re.compile(r"^(\d{1,2}|dd)/(\d{1,2}|mm)/(\d{4})$", re.I)
_BETWEEN = re.compile(r"\s+(?:to|and|or|-)\s+|(?<=\d{4})\s*-\s*(?=\d{4})", re.I)


class Said(enum.StrEnum):
    """What two dates say of each other."""

    UNKNOWN = "unknown"
    SAME_DAY = "same day"
    SWAPPED = "day and month swapped"
    AGREES = "agrees as far as it is known"
    NEAR = "a year apart"
    CONTRADICTS = "contradicts"


def read(text: str) -> Born | None:
    """Return when somebody was born, from a list's own text; None if it says nothing readable."""
    plain = text.strip().strip(".;").removeprefix("Between ").removeprefix("between ")
    if not plain or len(plain) > TEXT_LENGTH_MAX:
        return None
    about = _ABOUT.match(plain)
    plain = _ABOUT.sub("", plain)
    ends = [_one(_ABOUT.sub("", part)) for part in _BETWEEN.split(plain)]
    known = [end for end in ends if end is not None]
    if not known or len(known) != len(ends) or len(known) > 2:
        return None
    first, last = known[0][0], known[-1][1]
    return Born(first, last, bool(about)) if first <= last else None


def _one(text: str) -> tuple[dt.date, dt.date] | None:
    """Return the first and the last day that one text may mean."""
    text = text.strip()
    if found := _DAY.match(text):
        return span(int(found[3]), MONTHS.get(found[2].lower(), 0) or -1, int(found[1]))
    if found := _MONTH.match(text):
        return span(int(found[2]), MONTHS.get(found[1].lower(), 0) or -1, 0)
    if found := _ISO.match(text):
        return span(int(found[1]), int(found[2]), int(found[3]))
    if found := _SLASHED.match(text):
        day, month = (0 if part.isalpha() else int(part) for part in (found[1], found[2]))
        return span(int(found[3]), month, day)
    if found := _YEAR.match(text):
        return span(int(found[1]), 0, 0)
    return None


def span(year: int, month: int, day: int) -> tuple[dt.date, dt.date] | None:
    """Return the days that a year, and a month and a day if not 0, leave possible."""
    if not YEAR_MIN <= year <= YEAR_MAX or not 0 <= month <= 12:
        return None
    if not month:
        return dt.date(year, 1, 1), dt.date(year, 12, 31)
    last = calendar.monthrange(year, month)[1]
    if not day:
        return dt.date(year, month, 1), dt.date(year, month, last)
    return (dt.date(year, month, day),) * 2 if 1 <= day <= last else None


def compare(one: Born, other: Born) -> Said:
    """Say what two dates of birth say of each other."""
    slack = dt.timedelta(CIRCA_DAYS if one.circa or other.circa else 0)
    if one.first <= other.last + slack and other.first <= one.last + slack:
        exact = one.first == one.last and other.first == other.last and not slack
        return Said.SAME_DAY if exact else Said.AGREES
    if _swapped(one, other):
        return Said.SWAPPED
    gap = max(one.first - other.last, other.first - one.last)
    return Said.NEAR if gap - slack <= dt.timedelta(NEAR_DAYS) else Said.CONTRADICTS


def _swapped(one: Born, other: Born) -> bool:
    if one.first != one.last or other.first != other.last:
        return False
    a, b = one.first, other.first
    return a.year == b.year and a.month == b.day and a.day == b.month


RANK: Final = (Said.SAME_DAY, Said.AGREES, Said.SWAPPED, Said.NEAR, Said.CONTRADICTS)
"""From the strongest support to the strongest contradiction."""


def best(mine: tuple[Born, ...], listed: tuple[Born, ...]) -> Said:
    """Return the best that any two of the dates say; a list may give several for one person."""
    said = {compare(one, other) for one in mine for other in listed}
    return next((rank for rank in RANK if rank in said), Said.UNKNOWN)
