"""The law as the console shows it: a map, a page for each place, and what changes on which day.

Everything is read from the rulebook that decides, with what officers adopted; no page keeps a
figure of its own (Decision 9).
"""

from __future__ import annotations

import datetime as dt
import functools
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from tallystick import look
from tallystick.core import rulebook
from tallystick.core.rulebook import (
    Answer,
    Jurisdiction,
    Provision,
    adoptions,
    duties,
    provision,
)
from tallystick.core.rulebook.place import codes
from tallystick.core.rulebook.provision import READ_SAYS
from tallystick.core.store import Tx
from tallystick.kiosk.quote import Desk
from tallystick.web.figures import sum_of

MAPS: Final = Path(look.__file__).parent / "maps"
LOOKS: Final = {
    "open": ("good", "Open"),
    "conditions": ("care", "Open with conditions"),
    "banned": ("stop", "Banned"),
    "unsettled": ("wait", "Not settled"),
}
FIGURE_WORDS: Final = {
    "minor": "Sum, in the smallest unit (cents)",
    "basis_points": "Share, in hundredths of a percent",
    "least_minor": "Least fee, in the smallest unit",
    "hours": "Hours",
    "days": "Days",
    "transactions": "Transactions",
    "active_days": "Days with a transaction",
}


@dataclass(frozen=True, slots=True)
class Place:
    """One place and how it stands today."""

    law: Jurisdiction
    state: str
    """A key of ``LOOKS``."""
    verdict: rulebook.Verdict
    limit: str
    fee: str

    @property
    def look(self) -> str:
        """Return the pill's look."""
        return LOOKS[self.state][0]

    @property
    def word(self) -> str:
        """Return the state in words."""
        return LOOKS[self.state][1]


@dataclass(frozen=True, slots=True)
class Change:
    """One provision that begins, or ends, on a day to come."""

    on: dt.date
    place: str
    begins: bool
    provision: Provision


@functools.cache
def _laws() -> tuple[Jurisdiction, ...]:
    return tuple(rulebook.load(code) for code in codes())


@functools.cache
def shapes(name: str) -> dict[str, Any]:
    """Return a map: its box, and each place's code and outline."""
    found: dict[str, Any] = json.loads((MAPS / f"{name}.json").read_text("utf-8"))
    return found


def _place(law: Jurisdiction, on: dt.date) -> Place:
    said, bound = rulebook.ask(law, "kiosk.open", {}, on), rulebook.binding(law, on)
    holds = any(p.kind in ("hold", "hold-or-cancel") for p in bound.duties)
    if said.answer is Answer.PERMIT:
        state = "conditions" if holds or bound.by_class else "open"
    else:
        state = "banned" if said.answer is Answer.REFUSE else "unsettled"
    figures = [figure for p, _, figure in bound.limits if p.kind == "daily-limit"]
    limit = " to ".join(_round(one, law.currency) for one in sorted({*figures}))
    return Place(law, state, said, limit if state != "banned" else "", _fee(law, on))


def _round(minor: int, currency: str) -> str:
    return sum_of(minor, currency).removesuffix(".00")


def _fee(law: Jurisdiction, on: dt.date) -> str:
    caps = [p for p in rulebook.binding(law, on).caps if "basis_points" in p.figures]
    return "; ".join(f"{p.figures['basis_points'] / 100:g} %" for p in caps)


def everywhere(tx: Tx, desk: Desk) -> dict[str, Any]:
    """Return every place as it stands today, by state, and the changes to come."""
    today = desk.day(desk.clock.now())
    places = [_place(law.adopt(adoptions.adopted(tx, law.code)), today) for law in _laws()]
    return {
        "places": places,
        "by_code": {one.law.code: one for one in places},
        "maps": {name: shapes(name) for name in ("us", "world")},
        "looks": LOOKS,
        "own": desk.place.code,
        "today": today,
        "changes": changes(today),
        "counts_of": {key: sum(1 for one in places if one.state == key) for key in LOOKS},
    }


def changes(after: dt.date) -> list[Change]:
    """Return what begins after a day, and what ends on it or later, the soonest first."""
    found = []
    for law in _laws():
        for item in law.provisions:
            if not item.id.startswith(f"{law.code}/"):
                continue
            if item.since and item.since > after:
                found.append(Change(item.since, law.code, True, item))
            if item.until and item.until >= after:
                found.append(Change(item.until + dt.timedelta(1), law.code, False, item))
    return sorted(found, key=lambda one: (one.on, one.place))


def one_place(tx: Tx, desk: Desk, code: str) -> dict[str, Any] | None:
    """Return a place's page, or None where there is no such place."""
    found = next((law for law in _laws() if law.code == code), None)
    if found is None:
        return None
    today = desk.day(desk.clock.now())
    law = found.adopt(adoptions.adopted(tx, code))
    kinds: dict[str, list[Provision]] = {}
    for item in law.provisions:
        kinds.setdefault(item.kind, []).append(item)
    return {
        "place_": _place(law, today),
        "law": law,
        "kinds": dict(
            sorted(kinds.items(), key=lambda pair: (pair[0] not in provision.GATING, pair[0]))
        ),
        "force_of": force_of,
        "today": today,
        "read": READ_SAYS,
        "adopted": law.adopted,
        "points": adoptions.open_points(law, today),
        "figure_words": FIGURE_WORDS,
        "duties": _duties(tx, law, today),
        "statement_until": today + dt.timedelta(days=365),
        "statement_most": today + dt.timedelta(days=duties.STATEMENT_DAYS_MAX),
        "changes": [one for one in changes(today) if one.place == code],
    }


@dataclass(frozen=True, slots=True)
class Duty:
    """A duty that no machine can check, and the newest statement that it is met."""

    provision: Provision
    stated: duties.Statement | None


def _duties(tx: Tx, law: Jurisdiction, today: dt.date) -> list[Duty]:
    made = [one for one in duties.stated(tx, law.code) if one.holds(today)]
    newest = {one.provision: one for one in made}
    return [Duty(item, newest.get(item.id)) for item in duties.duties_of(law, today)]


def adopt(
    tx: Tx, desk: Desk, code: str, subject: str, figures: dict[str, int], by: str, source: str
) -> None:
    """Adopt what is open in a place; raise `AdoptionRefused` or `LawUnreadable`."""
    adoptions.record(tx, desk.clock, rulebook.load(code), subject, figures, by, source)
    _take_up(tx, desk, code)


def state(tx: Tx, desk: Desk, code: str, duty: str, by: str, evidence: str, until: dt.date) -> None:
    """State that a duty of a place is met; raise `StatementRefused` or `LawUnreadable`."""
    duties.state(tx, desk.clock, rulebook.load(code), [duty], by, evidence, until)
    _take_up(tx, desk, code)


def _take_up(tx: Tx, desk: Desk, code: str) -> None:
    if code == desk.place.code:
        asked = desk.statements is not None
        place = rulebook.load(code).in_zone(desk.place.zone)
        place = place.adopt(adoptions.adopted(tx, code))
        desk.take_up(place, duties.stated(tx, code) if asked else None)


def _rank(kind: str) -> tuple[bool, str]:
    """Put the kinds that decide a sale first."""
    return kind not in provision.GATING, kind


def force_of(item: Provision) -> str:
    """Say from when to when a provision is in force, as far as that is known."""
    if item.since:
        first = f"{item.since:%d %B %Y}".lstrip("0")
    elif item.since_between:
        first = f"a day from {item.since_between[0]} to {item.since_between[1]}"
    else:
        first = "a day that is not known"
    return f"{first}{f' until {item.until}' if item.until else ''}"
