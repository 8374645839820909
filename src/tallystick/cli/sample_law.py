"""The demo's law: say why a place is closed, or adopt what is open there as a sample officer.

The sample figures are made up and say so wherever they are shown; no operator may rely on them.
"""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Final

import click

from tallystick.core import rulebook
from tallystick.core.clock import Clock
from tallystick.core.rulebook import adoptions
from tallystick.core.rulebook.provision import NEEDED
from tallystick.core.store import Store

OFFICER: Final = "Sample officer of the demonstration"
SOURCE: Final = "Made up for the demonstration; not read in any law"
FIGURES: Final[dict[str, dict[str, int]]] = {
    "daily-limit": {"minor": 100_000},
    "transaction-limit": {"minor": 100_000},
    "period-limit": {"minor": 500_000, "days": 30},
    "first-period-limit": {"minor": 500_000, "days": 30},
    "fee-cap": {"basis_points": 1_500, "least_minor": 500},
    "new-customer": {"days": 30},
    "hold": {"hours": 0},
    "hold-or-cancel": {"hours": 0},
    "status": {"minor": 100_000},
    "ban": {},
}


def settle(folder: Path, code: str, adopt: bool, clock: Clock) -> str:
    """Return why a place is closed, or nothing; adopt what is open first, if asked to."""
    from tallystick.cli.serve import database_of

    place = rulebook.load(code)
    store = Store.open(database_of(folder, ""))
    store.migrate()
    today = clock.now().date()
    with store.transact() as tx:
        now = place.adopt(adoptions.adopted(tx, code))
        for subject, figures in open_points(now, today) if adopt else ():
            now = adoptions.record(tx, clock, place, subject, figures, OFFICER, SOURCE)
            click.echo(f"Adopted as a sample, not law: {code} {subject} {figures or ''}")
    store.close()
    said = rulebook.ask(now, "kiosk.open", {}, today)
    if said.answer is rulebook.Answer.PERMIT:
        return ""
    if said.answer is rulebook.Answer.REFUSE:
        return f"{now.name} is closed: " + "; ".join(f"{p.say} ({p.cite})" for p in said.because)
    return (
        f"{now.name} is closed, for its law is not settled: {', '.join(said.missing)}.\n"
        "Start with --adopt-sample to play on with made-up figures of a sample officer."
    )


def open_points(place: rulebook.Jurisdiction, on: dt.date) -> list[tuple[str, dict[str, int]]]:
    """Return what an officer must adopt before a kiosk opens, each with sample figures."""

    bound = rulebook.binding(place, on)
    found: list[tuple[str, dict[str, int]]] = []
    for item in bound.doubts:
        if item.id.startswith(f"{place.code}/"):
            sample = FIGURES[item.kind]
            wanted = {n: sample[n] for n in NEEDED.get(item.kind, ()) if n not in item.figures}
            if item.kind == "new-customer" and not item.figures:
                wanted = dict(sample)
            found.append((item.id.partition("/")[2], wanted))
    kinds = [k for k in bound.unread if not ("status" in bound.unread and k == "daily-limit")]
    return found + [(kind, FIGURES[kind]) for kind in kinds]


def hold_hours(code: str, clock: Clock) -> int:
    """Return for how long the law of a place holds each payout, in hours."""
    bound = rulebook.binding(rulebook.load(code), clock.now().date())
    holds = (p for p in bound.duties if p.kind in ("hold", "hold-or-cancel"))
    return max((p.figures["hours"] for p in holds), default=0)
