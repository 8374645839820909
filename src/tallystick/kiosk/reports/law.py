"""The duties to report, read from the law of the place: never a figure of our own.

A threshold, its "more than" or "at least", and the days to file stand in the provision (for the
United States in ``US.toml``); a place whose law has none has no such report.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from tallystick.core.rulebook import Jurisdiction, Provision
from tallystick.kiosk.reports.errors import NoSuchDuty


@dataclass(frozen=True, slots=True)
class Duty:
    """A duty to report or to keep: from which sum on, in minor units, and within how many days."""

    provision: Provision
    minor: int
    within_days: int

    def reached(self, minor: int) -> bool:
        """Say whether a sum reaches the threshold: exactly as the law counts it."""
        if self.provision.counts == "more than":
            return minor > self.minor
        return minor >= self.minor

    def due(self, day: dt.date) -> dt.date:
        """Return the last day on which to file what happened, or was found, on a day."""
        return day + dt.timedelta(days=self.within_days)


def provision_of(place: Jurisdiction, name: str, on: dt.date) -> Provision | None:
    """Return a provision of the place or of a layer above it that binds on a day, or may."""
    found = [p for p in place.on_day(on) if p.id.rpartition("/")[2] == name]
    return next((p for p in found if p.in_force(on) is not False), None)


def duty_of(place: Jurisdiction, name: str, on: dt.date) -> Duty:
    """Return a duty, such as ``ctr``, ``sar`` or ``transfer-records``.

    Raises `NoSuchDuty` where the law of the place has none, or none with a threshold.
    """
    found = provision_of(place, name, on)
    if found is None or "minor" not in found.figures:
        raise NoSuchDuty(f"the law of {place.code} on {on} has no {name}")
    within = found.terms.get("file_within", {})
    days = int(within.get("n", 0)) if within.get("unit") == "day" else 0
    return Duty(found, found.figures["minor"], days)


def key_term(place: Jurisdiction, on: dt.date) -> str:
    """Return the term that a report of suspicion about a kiosk must carry, or nothing."""
    found = provision_of(place, "sar-key-term", on)
    return str(found.words.get("text", "")) if found else ""


def keep_until(place: Jurisdiction, made: dt.date) -> tuple[dt.date, str] | None:
    """Return until when a record of a day is kept, and by which provision; None if not known."""
    found = provision_of(place, "retention", made)
    keep = found.terms.get("keep", {}) if found else {}
    if found is None or keep.get("unit") != "year":
        return None
    year = made.year + int(keep["n"])
    last = dt.date(year, 2, 28) if (made.month, made.day) == (2, 29) else made.replace(year=year)
    return last, found.id


def quarterly(place: Jurisdiction, on: dt.date) -> list[Provision]:
    """Return the provisions of the place that want its kiosks' places told every quarter."""
    wanted = [p for p in place.on_day(on) if p.kind in ("report", "registration")]
    told = [p for p in wanted if "quarterly" in f"{p.say} {p.terms.get('rule', '')}".lower()]
    return [p for p in told if p.in_force(on) is not False]
