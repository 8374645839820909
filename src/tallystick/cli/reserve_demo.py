"""``tallystick reserve demo``, and the demo of this programme in a browser.

The scene itself is in `reserve_life`; here it is played once and reported, or played and then
served, so that anybody can look around, sign in as an official and check the published folder.
"""

from __future__ import annotations

import json
import sys
import tempfile
from pathlib import Path
from typing import Final

import click

PORTS: Final = {"console": 8742, "public": 8743}
"""Tried first, so that a browser's bookmarks hold; taken ones are replaced by free ones."""


@click.command()
@click.option("--data", type=click.Path(path_type=Path), help="Keep all state in this folder.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def demo(data: Path | None, as_json: bool) -> None:
    """Play a reserve's life on an embedded chain, to its verified proof. Exits 0 if all held."""
    from tallystick.cli.reserve_life import play_once, report_of

    with tempfile.TemporaryDirectory(prefix="tallystick-") as scratch:
        folder = data or Path(scratch) / "data"
        if data and data.exists() and any(data.iterdir()):
            raise click.BadParameter(f"{data} is not empty: a reserve's life begins once")
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        say = (lambda text: click.echo(text, err=True)) if as_json else click.echo
        told, played = play_once(folder, Path(scratch), say)
        if as_json:
            click.echo(json.dumps(report_of(told, played), indent=1))
        elif told.all_held:
            click.echo("Everything held.")
        sys.exit(0 if told.all_held else 1)


def register(group: click.Group) -> None:
    """Add this verb to the group."""
    group.add_command(demo)


def play(once: bool, as_json: bool, data: Path | None) -> int:
    """Play the scene; unless ``once``, then serve it until Ctrl-C. Return the exit code."""
    from tallystick.cli.reserve_life import play_once, report_of

    with tempfile.TemporaryDirectory(prefix="tallystick-") as scratch:
        folder = data or Path(scratch) / "data"
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        if not once:
            return _serve(folder, Path(scratch))
        told, played = play_once(folder, Path(scratch), lambda text: click.echo(text, err=as_json))
        if as_json:
            click.echo(json.dumps(report_of(told, played), indent=1))
        return 0 if told.all_held else 1


def _serve(folder: Path, scratch: Path) -> int:
    """Play the scene, serve it, and say where everything is."""
    from tallystick.cli.cell import free
    from tallystick.cli.parts import Parts
    from tallystick.cli.reserve_life import BEHIND_S, Told, invite, on_embedded
    from tallystick.core.clock import AheadClock, SystemClock

    parts, told = Parts(scratch, SystemClock()), Told(click.echo)
    try:
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
    except KeyboardInterrupt:
        click.echo("\nStopping; everything is on disk.")
        return 0
    finally:
        parts.end()
