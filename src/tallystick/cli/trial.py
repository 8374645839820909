"""``tallystick trial``: register a comparison of interventions, and take its looks.

A trial is fixed before anybody is assigned; ``serve --trial NAME`` then assigns by chance, above
what law and policy ask, one person always in one arm (`kiosk.scams.trial`).
"""

from __future__ import annotations

import json
from pathlib import Path

import click
import msgspec

from tallystick.cli.serve import DATA, DATABASE
from tallystick.cli.step import step
from tallystick.core.clock import SystemClock
from tallystick.core.store import Tx
from tallystick.kiosk.scams import report
from tallystick.kiosk.scams import trial as trials

FILE_BYTES_MAX = 20_000


@click.group()
def trial() -> None:
    """Register a fair comparison of interventions, look at it as planned, and show it."""


@trial.command()
@DATA
@DATABASE
@click.argument("name")
@click.option(
    "--arms",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    required=True,
    help='JSON: [{"name": "control"}, {"name": "hold", "step": "hold"}].',
)
@click.option("--outcome", type=click.Choice(sorted(trials.OUTCOMES)), required=True)
@click.option("--looks", type=click.IntRange(1, trials.LOOKS_MAX), default=1, show_default=True)
@click.option("--persons", type=click.IntRange(1), required=True, help="In each arm.")
@click.option("--reviewed-by", required=True, help="Who, independent of us, has reviewed it.")
def register(
    data: Path,
    database: str,
    name: str,
    arms: Path,
    outcome: str,
    looks: int,
    persons: int,
    reviewed_by: str,
) -> None:
    """Register a trial before it starts; afterwards nothing of it can be changed."""
    if arms.stat().st_size > FILE_BYTES_MAX:
        raise click.ClickException(f"{arms} has more than {FILE_BYTES_MAX} bytes")
    try:
        given = msgspec.json.decode(arms.read_bytes(), type=list[trials.Arm])
    except msgspec.DecodeError as error:
        raise click.ClickException(f"{arms}: {error}") from error
    clock = SystemClock()
    step(
        data,
        database,
        lambda tx: trials.register(tx, clock, name, given, outcome, looks, persons, reviewed_by),
    )
    click.echo(f"Registered. It runs while a server is started with --trial {name}.")


@trial.command()
@DATA
@DATABASE
@click.argument("name")
def look(data: Path, database: str, name: str) -> None:
    """Take one of the registered looks: arms in which people lose more than in control stop."""
    clock = SystemClock()

    def act(tx: Tx) -> frozenset[str]:
        return trials.look(tx, clock, name, report.losses(tx, name, clock.now()))

    stopped = step(data, database, act)
    click.echo(f"Stopped: {', '.join(sorted(stopped)) or 'none'}.")


@trial.command()
@DATA
@DATABASE
@click.argument("name")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def show(data: Path, database: str, name: str, as_json: bool) -> None:
    """Print a trial as it was registered, and how far it is."""
    found = step(data, database, lambda tx: trials.find(tx, name))
    plain = {
        "trial": found.id,
        "arms": [msgspec.to_builtins(arm) for arm in found.arms],
        "outcome": found.outcome,
        "looks": f"{found.looked} of {found.looks}",
        "persons_per_arm": found.persons_per_arm,
        "stopped_arms": sorted(found.stopped_arms),
        "running": found.running,
    }
    if as_json:
        click.echo(json.dumps(plain))
        return
    for key, value in plain.items():
        click.echo(f"{key:>16}  {value}")
