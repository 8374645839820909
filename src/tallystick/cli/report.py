"""``tallystick report``: what the records say, as figures that anyone can compute again."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

import click

from tallystick.cli.serve import DATA, DATABASE, database_of
from tallystick.core.clock import SystemClock
from tallystick.core.money import Amount, asset
from tallystick.core.store import Store
from tallystick.kiosk.scams import report as scams

HOW = """
Counted by person, as assigned (intention to treat); the first intervention of each and what
followed within 90 days. Shares: Wilson, 95 %. Against the control: Newcombe, 95 %. Fewer than 100
in an arm are counted and not ranked. A false alarm is known only as a range: who was never heard
of again may have been the victim of a scam, or not."""


@click.group()
def report() -> None:
    """Print what the records say."""


@report.command()
@DATA
@DATABASE
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def interventions(data: Path, database: str, as_json: bool) -> None:
    """Print what each intervention against scams did: counts, intervals, what is not known yet.

    Counted by person and as assigned. Fewer than a hundred in an arm are counted and not ranked.
    """
    store = Store.open(database_of(data, database))
    store.migrate()
    with store.read() as tx:
        lines = scams.interventions(tx, SystemClock().now())
    store.close()
    if as_json:
        click.echo(json.dumps([asdict(line) for line in lines]))
        return
    if not lines:
        click.echo("No intervention was shown yet.")
    for line in lines:
        click.echo(_sentence(line))
    if lines:
        click.echo(HOW)


def _sentence(line: scams.Line) -> str:
    who = f"{line.trial} {line.arm}: " if line.trial else ""
    low, high = line.cancels.low, line.cancels.high
    said = [
        f"{who}least step {line.floor}, {line.currency}: shown to {line.shown}",
        f"  went on {line.proceeded}, stopped {line.cancelled} ({low:.0%} to {high:.0%})",
        f"  fraud confirmed {line.confirmed}, likely {line.probable}; "
        f"false alarms {line.false_least} to {line.false_most}",
        f"  cash given back in confirmed scams: {Amount(line.stopped_minor, asset(line.currency))}",
    ]
    if line.against_control is not None:
        gap = line.against_control
        said.append(f"  against the control: {gap.low:+.1%} to {gap.high:+.1%}")
    if line.still_needed:
        said.append(f"  {line.still_needed} persons more before it can be judged")
    return "\n".join(said)
