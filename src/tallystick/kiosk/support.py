"""When a person answers the operator's telephone, and whether that is as long as the law wants.

The operator states the hours; screens and receipts say these and no others. A place whose law wants
more, or wants hours or the police's contact shown that nobody stated, stays closed and says why
(Decision 9). A zone of the law that nobody read is every zone of the place: each reading binds.
"""

from __future__ import annotations

import datetime as dt
import functools
import re
from collections.abc import Iterable, Sequence
from typing import Final
from zoneinfo import ZoneInfo

from tallystick.core.rulebook import Jurisdiction, Provision
from tallystick.kiosk import wire
from tallystick.kiosk.errors import KioskError

WEEKDAYS: Final = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
PLACES_KEPT: Final = 64
DAY_MINUTES: Final = 1_440
WEEK_MINUTES: Final = 7 * DAY_MINUTES
ALWAYS: Final = wire.SupportHours(first=0, last=6, opens=0, closes=DAY_MINUTES)
DAYS: Final = {"weekdays": (0, 4), "every day": (0, 6), "daily": (0, 6)}
"""Which weekdays a law's word means; another word is every day, the stricter reading."""
ZONES: Final = {"US Central": "America/Chicago"}
HOURS, POLICE = "hours", "police"
SHOWS: Final = (HOURS, POLICE)
"""What a provision's ``shows`` may want on the kiosk's own screen."""
_SPAN: Final = re.compile(r"([a-z]{3})(?:-([a-z]{3}))? (\d\d):(\d\d)-(\d\d):(\d\d)")


class HoursUnreadable(KioskError):
    """The stated hours of support are not as they are written."""

    code, money, say, status = 4018, "not taken: the machine stays closed", "kiosk.closed", 500


def read(text: str) -> list[wire.SupportHours]:
    """Read stated hours: ``always``, or such as ``mon-fri 08:00-22:00; sat 09:00-17:00``.

    Nothing is stated by an empty text. Raises `HoursUnreadable`.
    """
    if text.strip() == "always":
        return [ALWAYS]
    spans = [_span(part.strip()) for part in text.split(";") if part.strip()]
    if len(spans) > wire.HOURS_MAX:
        raise HoursUnreadable(f"{len(spans)} spans of hours; at most {wire.HOURS_MAX}")
    return spans


def _span(text: str) -> wire.SupportHours:
    found = _SPAN.fullmatch(text)
    if found is None or {found[1], found[2] or found[1]} - set(WEEKDAYS):
        raise HoursUnreadable(f"{text[:40]!r} is not such as 'mon-fri 08:00-22:00', or 'always'")
    first, last = WEEKDAYS.index(found[1]), WEEKDAYS.index(found[2] or found[1])
    opens, closes = int(found[3]) * 60 + int(found[4]), int(found[5]) * 60 + int(found[6])
    if last < first or not opens < closes <= DAY_MINUTES:
        raise HoursUnreadable(f"{text[:40]!r}: the first day and minute come first; 24:00 at most")
    return wire.SupportHours(first=first, last=last, opens=opens, closes=closes)


def always(hours: Sequence[wire.SupportHours]) -> bool:
    """Say whether somebody answers day and night."""
    return len(_minutes(hours)) == WEEK_MINUTES


@functools.lru_cache(maxsize=PLACES_KEPT)
def shown(place: Jurisdiction, on: dt.date) -> tuple[str, ...]:
    """Return what the laws of a day want on the kiosk's first screen: hours, police."""
    wanted = {w for p in _binding(place, on) for w in p.terms.get("shows", ()) if w in SHOWS}
    return tuple(word for word in SHOWS if word in wanted)


def short_of(place: Jurisdiction, operator: wire.Operator, on: dt.date) -> str:
    """Return why the operator's hours or contacts are less than the law wants, or nothing."""
    if POLICE in shown(place, on) and not operator.police.strip():
        return f"The law of {place.name} wants the police's contact shown, and none is stated."
    wants = [p for p in _binding(place, on) if p.kind == "live-support"]
    if (wants or HOURS in shown(place, on)) and not operator.hours:
        return f"The law of {place.name} wants live support, and its hours are not stated."
    for rule in wants:
        if "from" in rule.terms and not _covered(place, operator.hours, rule, on):
            return f"Support is given for less than the law's hours: {rule.say} ({rule.cite})"
    return ""


def _binding(place: Jurisdiction, on: dt.date) -> list[Provision]:
    return [p for p in place.on_day(on) if p.in_force(on) is not False]


def _covered(
    place: Jurisdiction, hours: Sequence[wire.SupportHours], rule: Provision, on: dt.date
) -> bool:
    """Say whether the stated hours hold every minute that the law wants, in each of its zones."""
    said = str(rule.terms.get("zone", ""))
    first, last = DAYS.get(str(rule.terms.get("days", "")), (0, 6))
    opens, closes = (_minute(str(rule.terms[name])) for name in ("from", "to"))
    wanted = wire.SupportHours(first=first, last=last, opens=opens, closes=closes)
    given = _minutes(hours)
    for zone in [ZONES[said]] if said in ZONES else place.zones:
        if not _minutes([wanted], _ahead(zone, place.zone, on)) <= given:
            return False
    return True


def _ahead(zone: str, of: str, on: dt.date) -> int:
    """Return by how many minutes the machine's clock is ahead of a zone's at noon of a day."""
    noon = dt.datetime.combine(on, dt.time(12), dt.UTC)
    here, there = (noon.astimezone(ZoneInfo(name)).utcoffset() for name in (of, zone))
    ahead = (here or dt.timedelta()) - (there or dt.timedelta())
    return int(ahead.total_seconds()) // 60


def _minutes(hours: Iterable[wire.SupportHours], ahead: int = 0) -> set[int]:
    """Return the minutes of a week in which somebody answers, by the machine's clock."""
    return {
        (day * DAY_MINUTES + minute + ahead) % WEEK_MINUTES
        for span in hours
        for day in range(span.first, span.last + 1)
        for minute in range(span.opens, span.closes)
    }


def _minute(text: str) -> int:
    hour, _, minute = text.partition(":")
    return int(hour) * 60 + int(minute)
