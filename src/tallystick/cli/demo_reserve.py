"""``tallystick reserve demo``, and the demo of this programme in a browser.

The scene itself is in `reserve_life`; here it is played once and reported, or played and then
served, so that anybody can look around, sign in as an official and check the published folder.
"""

from __future__ import annotations

import json
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

if TYPE_CHECKING:
    from tallystick.cli.parts import Parts
    from tallystick.core.clock import Clock

PORTS: Final = {"console": 8742, "public": 8743}
"""Tried first, so that a browser's bookmarks hold; taken ones are replaced by free ones."""


@click.command()
@click.option("--data", type=click.Path(path_type=Path), help="Keep all state in this folder.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def demo(data: Path | None, as_json: bool) -> None:
    """Play a reserve's life on an embedded chain, to its verified proof. Exits 0 if all held."""
    from tallystick.cli.reserve_life import play_once, report_of, where_it_is

    with tempfile.TemporaryDirectory(prefix="tallystick-") as scratch:
        folder = data or Path(scratch) / "data"
        if data and data.exists() and any(data.iterdir()):
            raise click.BadParameter(f"{data} is not empty: a reserve's life begins once")
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        say = (lambda text: click.echo(text, err=True)) if as_json else click.echo
        told, played = play_once(folder, Path(scratch), say)
        if as_json:
            click.echo(json.dumps(report_of(told, played, bool(data)), indent=1))
        elif told.all_held:
            click.echo(f"Everything held.\n{where_it_is(played, bool(data))}")
        sys.exit(0 if told.all_held else 1)


def register(group: click.Group) -> None:
    """Add this verb to the group."""
    group.add_command(demo)


def once(folder: Path, as_json: bool, kept: bool) -> int:
    """Play the scene once; return 0 if every step held."""
    from tallystick.cli.reserve_life import play_once, report_of, where_it_is

    with tempfile.TemporaryDirectory(prefix="tallystick-") as scratch:
        told, played = play_once(folder, Path(scratch), lambda text: click.echo(text, err=as_json))
    if as_json:
        click.echo(json.dumps(report_of(told, played, kept), indent=1))
    elif told.all_held:
        click.echo(f"Everything held.\n{where_it_is(played, kept)}")
    return 0 if told.all_held else 1


def play(parts: Parts, folder: Path, clock: Clock) -> int:
    """Play the scene in a new folder, then serve it until Ctrl-C or until a part ends."""
    from tallystick.cli.cell import free
    from tallystick.cli.reserve_life import BEHIND_S, Told, invite, on_embedded
    from tallystick.core.clock import AheadClock

    if (folder / "holders").exists():
        click.echo("This folder's reserve has had its life already: start with --fresh.", err=True)
        return 2
    told = Told(click.echo)
    click.echo("Playing a reserve's life: chain, seven key holders, officials …")
    life = on_embedded(parts, folder, AheadClock(-BEHIND_S), told)
    life.run()
    if not told.all_held:
        return 1
    ports = [str(port if free(port) else 0) for port in PORTS.values()]
    server = parts.begin(
        "server",
        *("tallystick.cli", "reserve", "serve", "--data", str(folder), "--chain", life.url),
        *("--console-port", ports[0], "--public-port", ports[1]),
    )
    console, public = parts.wait(server).split()
    click.echo(
        f"\n  Public page                                 {public}/"
        f"\n  An official's console, one-time link        {invite(folder, console)}"
        f"\n  Check it yourself                           "
        f"tallystick verify {public}/log --chain {life.url}"
        f"\n\n  All state is in {folder}. Ctrl-C stops everything.\n"
    )
    ended = parts.watch()
    click.echo(f"{ended} ended by itself; stopping the rest.", err=True)
    return 1
