"""Kiosks as an operator sees them: the last word, the cash box as each side counts it, the keys.

A kiosk is believed about its own health and nothing else: what lies in its box is what our books
say, and a box that differs is an alarm (Decision 4).
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any, Final

from tallystick.core import ledger
from tallystick.core.identity import machines
from tallystick.core.identity.machines import Machine
from tallystick.core.store import Tx
from tallystick.kiosk import queries
from tallystick.kiosk.quote import Desk
from tallystick.web.console.sayings import INCIDENTS, Said
from tallystick.web.figures import ago, sum_of

SILENT_S: Final = 60
"""After this long without a word a kiosk counts as silent; it speaks every five seconds."""
LAST_PURCHASES: Final = 10

REPORTED: Final = {
    "idle": Said("Open", "good"),
    "in_use": Said("In use", "wait"),
    "closed": Said("Closed", "off"),
    "fault": Said("Fault", "stop"),
}


@dataclass(frozen=True, slots=True)
class Kiosk:
    """One kiosk now. ``alarm`` says what a person should see to; it is empty when all is well."""

    machine: Machine
    last: dict[str, Any] | None
    said: Said
    alarm: str
    books_minor: int
    today_minor: int = 0
    today_purchases: int = 0

    @property
    def silent(self) -> bool:
        """Say whether nothing was heard for too long."""
        return self.said is SILENT


SILENT: Final = Said("Not heard from", "stop", "its next word")
UNHEARD: Final = Said("Paired", "wait", "its first word")
RETIRED: Final = Said("Out of service", "off")
DIFFERS: Final = Said("Box differs", "care")


def rows(tx: Tx, desk: Desk, today: bool = False) -> list[Kiosk]:
    """Return every kiosk, those that need somebody first; with ``today`` also what it took."""
    status, now = queries.machine_status(tx), desk.clock.now()
    boxes = {held.name: held.debit.minor for held in ledger.balances(tx)}
    taken = taken_today(tx, desk) if today else {}
    found = []
    for machine in machines.machines(tx):
        books = boxes.get(f"kiosk:{machine.id}:box", 0)
        last = status.get(machine.id)
        said, alarm = judge(machine, last, books, now)
        found.append(Kiosk(machine, last, said, alarm, books, *taken.get(machine.id, (0, 0))))
    return sorted(found, key=lambda one: (not one.alarm, one.machine.label))


def taken_today(tx: Tx, desk: Desk) -> dict[str, tuple[int, int]]:
    """Return, by machine, the cash of its own day so far (minor units), and of how many
    purchases."""
    now, found = desk.clock.now(), {}
    by_zone: dict[str, set[str]] = {}
    for machine in machines.machines(tx):
        zone = str(machine.settings.get(machines.ZONE, ""))
        by_zone.setdefault(zone if zone in desk.place.zones else "", set()).add(machine.id)
    for zone, those in by_zone.items():
        taken = queries.taken(tx, desk.at(zone).midnight(now))
        found.update({machine: sums for machine, sums in taken.items() if machine in those})
    return found


def judge(
    machine: Machine, last: dict[str, Any] | None, books_minor: int, now: dt.datetime
) -> tuple[Said, str]:
    """Return how a kiosk stands, and what is wrong with it, if anything."""
    if machine.state == "revoked":
        return RETIRED, ""
    if last is None:
        return UNHEARD, ""
    box = sum_of(last["box_minor"], last["currency"])
    if (now - last["at"]).total_seconds() > SILENT_S:
        return SILENT, f"Its last word was {ago(last['at'], now)}; {box} was in its box."
    if last["trouble"] or last["state"] == "fault":
        return REPORTED["fault"], last["trouble"] or "It reports a fault and does not say which."
    if last["box_minor"] != books_minor:
        ours = sum_of(books_minor, last["currency"])
        return DIFFERS, f"It says {box} is in the box; our books say {ours}. Count it."
    return REPORTED.get(last["state"], Said(last["state"], "off")), ""


def kiosks(tx: Tx, desk: Desk) -> dict[str, Any]:
    """Return the kiosks, what they hold together, and the newest incidents."""
    found = rows(tx, desk, today=True)
    live = [one for one in found if one.machine.state == "active"]
    return {
        "kiosks": found,
        "open": sum(1 for one in live if one.said.word in ("Open", "In use")),
        "silent": [one for one in live if one.silent],
        "alarmed": [one for one in live if one.alarm],
        "live": live,
        "held": _together(found),
        "incidents": _incidents(tx, ""),
    }


def _together(found: list[Kiosk]) -> list[tuple[str, int]]:
    """Return what lies in all boxes by our books, by currency."""
    held: dict[str, int] = {}
    for one in found:
        held[one.machine.currency] = held.get(one.machine.currency, 0) + one.books_minor
    return sorted(held.items())


def kiosk(tx: Tx, desk: Desk, machine: str) -> dict[str, Any] | None:
    """Return one kiosk with its keys, the notes in its box and its last purchases, or None."""
    one = next((row for row in rows(tx, desk, today=True) if row.machine.id == machine), None)
    if one is None:
        return None
    now = desk.clock.now()
    keys = queries.machine_keys(tx, machine)
    return {
        "one": one,
        "keys": [{**key, "good": not key["ends_at"] or key["ends_at"] > now} for key in keys],
        "box": queries.box(tx, machine),
        "incidents": _incidents(tx, machine),
        "rows": queries.purchases(tx, queries.Wanted(machine=machine), LAST_PURCHASES),
    }


def _incidents(tx: Tx, machine: str) -> list[dict[str, Any]]:
    labels = labels_of(tx)
    return [
        {
            **row,
            "label": labels.get(row["machine"], row["machine"]),
            "what": INCIDENTS.get(row["kind"], row["kind"]),
        }
        for row in queries.incidents(tx, machine)
    ]


def labels_of(tx: Tx) -> dict[str, str]:
    """Return each machine's label."""
    return {machine.id: machine.label for machine in machines.machines(tx)}
