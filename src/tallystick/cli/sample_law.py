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
from tallystick.core.rulebook import adoptions, duties
from tallystick.core.store import Store, Tx

OFFICER: Final = "Sample officer of the demonstration"
SOURCE: Final = "Made up for the demonstration; not read in any law"
EVIDENCE: Final = "Made up for the demonstration; nothing was registered or hired"
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
    today = place.day(clock.now())
    with store.transact() as tx:
        now = place.adopt(adoptions.adopted(tx, code))
        for subject, figures in sample_points(now, today) if adopt else ():
            now = adoptions.record(tx, clock, place, subject, figures, OFFICER, SOURCE)
            click.echo(f"Adopted as a sample, not law: {code} {subject} {figures or ''}")
        _state_duties(tx, clock, now)
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


def _state_duties(tx: Tx, clock: Clock, place: rulebook.Jurisdiction) -> None:
    """State the place's duties as met, as a sample: the demonstration holds no licence."""
    today = place.day(clock.now())
    open_ = [p.id for p in duties.unmet(place, duties.stated(tx, place.code), today)]
    if open_:
        until = clock.now().date() + dt.timedelta(days=duties.STATEMENT_DAYS_MAX)
        duties.state(tx, clock, place, open_, OFFICER, EVIDENCE, until)
        click.echo(f"Stated as met, as a sample: {', '.join(open_)}", err=True)


def sample_points(place: rulebook.Jurisdiction, on: dt.date) -> list[tuple[str, dict[str, int]]]:
    """Return what an officer must adopt before a kiosk opens, each with sample figures."""
    found = []
    for point in adoptions.open_points(place, on):
        sample = FIGURES[point.kind]
        found.append((point.subject, {n: sample[n] for n in point.needs or point.choices[1:2]}))
    return found


def hold_hours(code: str, clock: Clock) -> int:
    """Return for how long the law of a place holds each payout, in hours."""
    place = rulebook.load(code)
    bound = rulebook.binding(place, place.day(clock.now()))
    holds = (p for p in bound.duties if p.kind in ("hold", "hold-or-cancel"))
    return max((p.figures["hours"] for p in holds), default=0)
