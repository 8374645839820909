"""What the rulebook needs to know of a person: sums over the law's windows, and new or existing.

A day is the calendar day at the kiosk, and a person is summed over all machines of the operator:
policy where the texts are silent, and named as policy.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from tallystick.core.rulebook.ask import binding, counted
from tallystick.core.rulebook.place import Jurisdiction
from tallystick.core.rulebook.provision import Provision


@dataclass(frozen=True, slots=True)
class Paid:
    """One earlier purchase: when, on any machine, and how much cash in minor units."""

    at: dt.datetime
    minor: int


@dataclass(frozen=True, slots=True)
class Person:
    """A person's history with the operator, in order of time; no sign-up means never."""

    paid: Sequence[Paid] = ()
    signed_up: dt.datetime | None = None


def facts_of(
    place: Jurisdiction, person: Person, cash_minor: int, at: dt.datetime
) -> dict[str, int | str]:
    """Return the facts for ``kiosk.sell`` at a moment (aware of its zone)."""
    zone = ZoneInfo(place.zone)
    on = at.astimezone(zone).date()
    facts: dict[str, int | str] = {
        "cash": cash_minor,
        "paid_today": sum(p.minor for p in person.paid if p.at.astimezone(zone).date() == on),
        "customer": class_of(place, person, at),
    }
    for limit, fact, _ in binding(place, on).limits:
        days = dt.timedelta(days=limit.figures.get("days", 0))
        if limit.kind == "period-limit":
            facts[fact] = sum(p.minor for p in person.paid if at - days < p.at <= at)
        elif limit.kind == "first-period-limit":
            facts[counted(limit)] = _first_period(person, days, at)
    return facts


def _first_period(person: Person, days: dt.timedelta, at: dt.datetime) -> int:
    """Sum the period that follows the first purchase; after it, nothing counts any more."""
    if not person.paid or at > person.paid[0].at + days:
        return 0
    return sum(p.minor for p in person.paid)


def class_of(place: Jurisdiction, person: Person, at: dt.datetime) -> str:
    """Return new, existing or unknown. Two readings of one rule: new if either says so."""
    rules = place.of("new-customer", at.astimezone(ZoneInfo(place.zone)).date())
    said = {_class(rule, person, at, ZoneInfo(place.zone)) for rule in rules}
    if not said or None in said:
        return "unknown"
    return "new" if True in said else "existing"


def _class(rule: Provision, person: Person, at: dt.datetime, zone: ZoneInfo) -> bool | None:
    """Say whether a rule calls the person new; None where its figures are not known."""
    figures, event = rule.figures, str(rule.terms.get("event", ""))
    if not rule.settled or not figures:
        return None
    first = person.paid[0].at if person.paid else None
    signs_up = "sign" in event or "regist" in event or "becoming" in event
    start = person.signed_up if signs_up else first
    if start is None:
        return True
    if rule.terms.get("starts") == "the day":
        start = dt.datetime.combine(start.astimezone(zone).date(), dt.time(), zone)
    length = dt.timedelta(hours=figures.get("hours", 0), days=figures.get("days", 0))
    gone = at - start
    within = gone < length if rule.counts == "less than" else gone <= length
    few = len(person.paid) < figures.get("transactions", 0)
    active = {p.at.astimezone(zone).date() for p in person.paid if p.at <= start + length}
    return within or few or len(active) < figures.get("active_days", 0)
