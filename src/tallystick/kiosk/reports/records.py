"""Records that the law wants kept or told: transfers, places by quarter, how long; and one's own.

Each is rows of plain values, for a file; sums in minor units, days in the place's own zone.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from typing import Any
from zoneinfo import ZoneInfo

import sqlalchemy as sa

from tallystick.core import rulebook
from tallystick.core.identity.tables import MACHINES
from tallystick.core.store import Tx
from tallystick.kiosk.particulars import Particulars
from tallystick.kiosk.reports import cash
from tallystick.kiosk.reports.cash import person_of
from tallystick.kiosk.reports.drafts import Load, duty_or_none, period
from tallystick.kiosk.reports.errors import NoSuchDuty, ReportIncomplete
from tallystick.kiosk.reports.law import keep_until, quarterly
from tallystick.kiosk.tables import NOTES, PURCHASES

Row = dict[str, Any]


def transfers(tx: Tx, first: dt.date, last: dt.date, load: Load = rulebook.load) -> list[Row]:
    """Return the purchases whose records the law wants kept, with until when."""
    period(first, last)
    known = cash.persons_of(tx)
    p = PURCHASES.c
    low = dt.datetime.combine(first, dt.time(), dt.UTC) - cash.MARGIN
    high = dt.datetime.combine(last, dt.time(), dt.UTC) + cash.MARGIN
    query = sa.select(PURCHASES).where(p.made_at >= low, p.made_at <= high, p.cash_minor > 0)
    found = []
    for row in tx.execute(query.order_by(p.made_at, p.id)).mappings():
        place = load(row["jurisdiction"])
        day = row["made_at"].astimezone(ZoneInfo(row["zone"] or place.zone)).date()
        duty = duty_or_none(place, "transfer-records", day)
        if duty and first <= day <= last and duty.reached(row["cash_minor"]):
            kept = keep_until(place, day)
            found.append(
                {
                    "reference": row["reference"],
                    "day": day.isoformat(),
                    "person": person_of(known, row["id"], row["address"]),
                    "machine": row["machine"],
                    "jurisdiction": row["jurisdiction"],
                    "currency": row["currency"],
                    "cash_minor": row["cash_minor"],
                    "fee_minor": row["fee_minor"],
                    "sats": row["sats"],
                    "address": row["address"],
                    "provision": duty.provision.id,
                    "keep_until": kept[0].isoformat() if kept else "not known",
                }
            )
    return found


def locations(
    tx: Tx,
    code: str,
    year: int,
    quarter: int,
    load: Load = rulebook.load,
    who: Particulars | None = None,
) -> tuple[list[Row], list[str]]:
    """Return each machine with its cash in a quarter, and the provisions that want it told.

    ``who``: the operator, who states where each machine stands.
    Raises `NoSuchDuty` where the place wants no quarterly report.
    """
    if quarter not in (1, 2, 3, 4):
        raise ReportIncomplete("a quarter is 1 to 4")
    first = dt.date(year, 3 * quarter - 2, 1)
    last = dt.date(year + quarter // 4, 3 * quarter % 12 + 1, 1) - dt.timedelta(days=1)
    place = load(code)
    wanted = quarterly(place, last)
    if not wanted:
        raise NoSuchDuty(f"the law of {code} on {last} wants no quarterly report that we know of")
    found = [d for d in cash.moved(tx, first, last) if d.jurisdiction == code]
    sums = cash.days(found, first, last, lambda _: ZoneInfo(place.zone))
    machines = tx.execute(sa.select(MACHINES).order_by(MACHINES.c.label)).mappings()
    there = {machine for one in sums for machine in one.machines}
    rows = [
        {
            "machine": row["id"],
            "label": row["label"],
            "address": _stands(who, row["label"]),
            "state": row["state"],
            "since": row["created_at"].date().isoformat(),
            "until": row["revoked_at"].date().isoformat() if row["revoked_at"] else "",
            "currency": place.currency,
            "cash_in_minor": _of_machine(found, row["id"], first, last),
        }
        for row in machines
        if row["id"] in there or _stood(row, first, last, place.zone)
    ]
    return rows, [p.id for p in wanted]


def _stood(machine: Any, first: dt.date, last: dt.date, zone: str) -> bool:
    """Say whether a machine was in service on some day from the first to the last."""
    here = ZoneInfo(zone)
    begun, ended = machine["created_at"], machine["revoked_at"]
    gone = ended is not None and ended.astimezone(here).date() < first
    return begun.astimezone(here).date() <= last and not gone


def stands(tx: Tx, who: Particulars | None) -> dict[str, str]:
    """Return where each machine stands, by its id: its name, its address and the id."""
    found = tx.execute(sa.select(MACHINES.c.id, MACHINES.c.label))
    return {row[0]: f"{row[1]}, {_stands(who, row[1])} ({row[0]})" for row in found}


def _stands(who: Particulars | None, label: str) -> str:
    return (who.where(label) if who else "") or "address not stated"


def _of_machine(found: Iterable[cash.Moved], machine: str, first: dt.date, last: dt.date) -> int:
    mine = (one for one in found if one.machine == machine)
    days = ((one, one.at.astimezone(cash.where_of(one)).date()) for one in mine)
    return sum(one.in_minor for one, day in days if first <= day <= last)


def retention(tx: Tx, today: dt.date, load: Load = rulebook.load) -> list[Row]:
    """Return, for each place and year of records, how many purchases are kept until when."""
    p = PURCHASES.c
    query = sa.select(p.jurisdiction, p.made_at, p.zone).where(
        p.id.in_(sa.select(NOTES.c.purchase))
    )
    counts: dict[tuple[str, int], list[dt.date]] = {}
    for code, made, zone in tx.execute(query):
        day = made.astimezone(ZoneInfo(zone or load(code).zone)).date()
        counts.setdefault((code, day.year), []).append(day)
    rows = []
    for (code, year), days in sorted(counts.items()):
        kept = keep_until(load(code), max(days))
        rows.append(
            {
                "jurisdiction": code,
                "year": year,
                "purchases": len(days),
                "keep_until": kept[0].isoformat() if kept else "not known",
                "provision": kept[1] if kept else "",
                "may_go": bool(kept and kept[0] < today),
            }
        )
    return rows


def history(tx: Tx, person: str) -> list[Row]:
    """Return a person's own purchases: for them, and so without a word of reports or checks."""
    known = cash.persons_of(tx)
    names = ("reference", "made_at", "state", "currency", "cash_minor", "fee_minor", "sats")
    query = sa.select(PURCHASES).order_by(PURCHASES.c.made_at, PURCHASES.c.id)
    return [
        {name: row[name] for name in names} | {"address": row["address"]}
        for row in tx.execute(query).mappings()
        if person_of(known, row["id"], row["address"]) == person
    ]
