"""``tallystick operator sample | check``: who runs the machines, as a file, and what it lacks.

The sample is a file to fill in. The check reads a file as a server would, and says for each place
what its law wants and the file does not state; a machine there would stay closed.
"""

from __future__ import annotations

from pathlib import Path

import click

from tallystick.core import rulebook
from tallystick.core.clock import SystemClock
from tallystick.core.rulebook.place import codes
from tallystick.kiosk import particulars


@click.group()
def operator() -> None:
    """Say who runs the machines: a file for ``serve --operator``."""


@operator.command()
def sample() -> None:
    """Print a file to fill in: each line says what it is for."""
    click.echo(particulars.SAMPLE.read_text(), nl=False)


@operator.command()
@click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.option("--law", "wanted", multiple=True, help="A place's code; default: the file's places.")
@click.option("--network", default="bitcoin", show_default=True, help="The network to serve on.")
def check(file: Path, wanted: tuple[str, ...], network: str) -> None:
    """Read a file and say what each place's law wants that it lacks. Exits 1 if anything."""
    try:
        who = particulars.load(file)
    except particulars.OperatorUnreadable as error:
        raise click.ClickException(str(error)) from error
    places = wanted or [code for code in who.places if code != particulars.ANY]
    if strange := sorted(set(places) - set(codes())):
        raise click.BadParameter(f"no law of {strange[0]!r} is known", param_hint="--law")
    address = who.address.line
    click.echo(f"{who.name}, {who.telephone}, {address}; machines listed: {len(who.machines)}")
    short = [(code, _short(code, who, network)) for code in places]
    for code, lacking in short:
        click.echo(f"{code}  licence {who.of(code).licence or 'not stated'}  {lacking or 'whole'}")
    if not places:
        click.echo("No place is listed: add [places.US-CA] and such, or ask with --law.")
    if any(lacking for _, lacking in short):
        raise SystemExit(1)


def _short(code: str, who: particulars.Particulars, network: str) -> str:
    place = rulebook.load(code)
    return particulars.short_of(place, who, network, place.day(SystemClock().now()))
