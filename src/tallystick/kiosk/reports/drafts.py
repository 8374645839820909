"""Drafts from the books: large cash by person and day, and suspicion by person.

Thresholds and deadlines come from the law of the place (`law`), sums from counted notes (`cash`).
Whoever drafts twice gets the same drafts.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Callable, Iterable, Sequence
from typing import Final

import msgspec

from tallystick.core import rulebook
from tallystick.core.money import asset
from tallystick.kiosk.reports import cash
from tallystick.kiosk.reports.cash import PersonDay
from tallystick.kiosk.reports.errors import NoSuchDuty, ReportIncomplete
from tallystick.kiosk.reports.law import Duty, duty_of, key_term
from tallystick.kiosk.reports.model import Draft, Kind, whole

ACTIVITIES: Final = (
    "structuring",
    "fraud-kiosk-scam",
    "fraud-elder-exploitation",
    "money-laundering",
    "many-customers-one-address",
    "sanctions-match",
    "other",
)
"""What a report of suspicion is about, for the officer to choose."""
PERIOD_DAYS_MAX: Final = 400
YEAR_MIN: Final = 2000
YEAR_MAX: Final = 2200

Load = Callable[[str], rulebook.Jurisdiction]


def layer_of(duty: Duty) -> str:
    """Return the code of the layer of law that a duty stands in: ``US`` of ``US/ctr``."""
    return duty.provision.id.partition("/")[0]


def period(first: dt.date, last: dt.date) -> None:
    """Raise `ReportIncomplete` for days that are none, or too many."""
    known_day(first)
    known_day(last)
    if not 0 <= (last - first).days <= PERIOD_DAYS_MAX:
        raise ReportIncomplete(f"a period of 1 to {PERIOD_DAYS_MAX + 1} days, the first first")


def known_day(day: dt.date) -> None:
    """Raise `ReportIncomplete` for a day of another century, of which no book can speak."""
    if not YEAR_MIN <= day.year <= YEAR_MAX:
        raise ReportIncomplete(f"a day from {YEAR_MIN} to {YEAR_MAX}, not of the year {day.year}")


def ctr(found: Sequence[PersonDay], on: dt.date, load: Load = rulebook.load) -> list[Draft]:
    """Return a draft for each person and day whose cash passes the threshold, each way by itself.

    Days of one person are summed over all places under the layer that has the duty.
    """
    duties: dict[str, Duty | None] = {}
    for one in found:
        if one.jurisdiction not in duties:
            duties[one.jurisdiction] = duty_or_none(load(one.jurisdiction), "ctr", on)
    held = [one for one in found if duties[one.jurisdiction] is not None]

    def layer(code: str) -> str:
        duty = duties[code]
        return layer_of(duty) if duty else code

    by_layer = {layer(code): duty for code, duty in duties.items() if duty}
    sums = cash.combined(held, layer)
    return [
        _ctr(one, by_layer[one.jurisdiction])
        for one in sums
        if any(by_layer[one.jurisdiction].reached(m) for m in (one.in_minor, one.out_minor))
    ]


def duty_or_none(place: rulebook.Jurisdiction, name: str, on: dt.date) -> Duty | None:
    """Return a duty, or None where the law of the place has none."""
    try:
        return duty_of(place, name, on)
    except NoSuchDuty:
        return None


def _ctr(one: PersonDay, duty: Duty) -> Draft:
    per_whole = 10 ** asset(one.currency).exponent
    return Draft(
        kind=Kind.CTR,
        person=one.person,
        jurisdiction=one.jurisdiction,
        provision=duty.provision.id,
        cite=duty.provision.cite,
        currency=one.currency,
        first_day=one.day,
        last_day=one.day,
        due=duty.due(one.day),
        cash_in_minor=one.in_minor,
        cash_out_minor=one.out_minor,
        cash_in_whole=whole(one.in_minor, per_whole),
        cash_out_whole=whole(one.out_minor, per_whole),
        purchases=one.purchases,
        machines=one.machines,
        aggregated=len(one.purchases) > 1,
        zone=one.zone,
    )


def sar(
    found: Iterable[PersonDay],
    person: str,
    activity: Sequence[str],
    detected: dt.date,
    load: Load = rulebook.load,
    voluntary: bool = False,
) -> Draft:
    """Return a draft of suspicion about one person's cash, detected on a day.

    Below the threshold only a ``voluntary`` one, where the law lets one be filed; no day is set
    for it, and ours is that of one that is required. Raises `NoSuchDuty` where the law has none,
    and `ReportIncomplete` when the cash is below the threshold, or the activity is none of
    `ACTIVITIES`.
    """
    known_day(detected)
    mine = [one for one in found if one.person == person]
    if not mine or not activity or set(activity) - set(ACTIVITIES):
        raise ReportIncomplete(f"cash of this person, and what it is: {', '.join(ACTIVITIES)}")
    place = load(mine[0].jurisdiction)
    duty = duty_of(place, "sar", detected)
    total = cash.combined([_at(one, mine[0]) for one in mine], lambda code: layer_of(duty))[0]
    by_choice = ""
    if not duty.reached(total.in_minor + total.out_minor):
        by_choice = str(duty.provision.terms.get("voluntary", ""))
        if not by_choice:
            raise ReportIncomplete(f"{duty.provision.say} This is less.")
        if not voluntary:
            raise ReportIncomplete(
                f"{duty.provision.say} This is less: none is required. One may be filed "
                f"voluntarily ({by_choice}); ask for that."
            )
    draft = _ctr(total, duty)
    return msgspec.structs.replace(
        draft,
        kind=Kind.SAR,
        first_day=min(one.day for one in mine),
        last_day=max(one.day for one in mine),
        due=duty.due(detected),
        note_to_fincen=key_term(place, detected),
        activity=tuple(activity),
        voluntary=by_choice,
    )


def _at(one: PersonDay, first: PersonDay) -> PersonDay:
    """Return a day's cash as if on the first day: a suspicion is of all of it together."""
    return dataclasses.replace(one, day=first.day)
