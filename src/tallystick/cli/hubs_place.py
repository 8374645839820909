"""``tallystick hubs place``: who could lawfully have a place today, and where; why not."""

from __future__ import annotations

import datetime as dt
import sys
from pathlib import Path
from typing import Any, Final

import click
import msgspec

from tallystick.cli.serve import DATA, DATABASE, database_of
from tallystick.core.errors import TallystickError

DATE = click.DateTime(["%Y-%m-%d"])
FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
FILE_BYTES_MAX: Final = 32 * 2**20


@click.command()
@DATA
@DATABASE
@click.option("--people", type=FILE, help="JSON: people by reference, instead of the cases.")
@click.option("--hosts", type=FILE, help="JSON: hosts with conditions, instead of the agreements.")
@click.option("--on", type=DATE, help="The day; today if left out.")
@click.option("--json", "as_json", is_flag=True, help="Print the answers as JSON.")
def place(
    data: Path,
    database: str,
    people: Path | None,
    hosts: Path | None,
    on: dt.datetime | None,
    as_json: bool,
) -> None:
    """Say where people whose gates all passed could lawfully go, in order of date.

    People are the eligible cases and hosts the agreements in force, today; or both from files. It
    moves nobody, and is no order: each place is put to a caseworker and two officials.
    """
    from tallystick.core.clock import SystemClock
    from tallystick.hubs import placement

    if (people is None) is not (hosts is None) or (people is None and on is not None):
        raise click.UsageError("give --people, --hosts and --on together, or none of them")
    day = on.date() if on else SystemClock().now().date()
    if people is None or hosts is None:
        waiting, places = _from_cases(data, database)
    else:
        waiting = _read(people, list[placement.Person])
        places = _read(hosts, list[placement.Host])
    try:
        found = placement.place(waiting, places, day)
    except TallystickError as error:
        raise click.ClickException(f"{error} (error {error.code}; nobody is placed)") from error
    names = {host.id: host.name for host in places}
    if as_json:
        answers = [{**plain(one), "said": one.said(names)} for one in found.values()]
        click.echo(msgspec.json.format(msgspec.json.encode(answers), indent=1).decode())
        return
    for one in found.values():
        click.echo(f"{one.ref}: {one.said(names)}")
    if not found:
        click.echo(f"Nobody waits for a place on {day}.")


def _from_cases(data: Path, database: str) -> Any:
    from tallystick.core.clock import SystemClock
    from tallystick.core.store import Store
    from tallystick.core.vault import Vault
    from tallystick.hubs.desk import Desk
    from tallystick.hubs.waiting import waiting

    clock, store = SystemClock(), Store.open(database_of(data, database))
    store.migrate()
    try:
        with store.read() as tx:
            return waiting(tx, Desk(clock, Vault(data / "vault", clock)))
    finally:
        store.close()


def _read(path: Path, kind: Any) -> Any:
    if path.stat().st_size > FILE_BYTES_MAX:
        raise click.ClickException(f"{path} is larger than {FILE_BYTES_MAX} bytes")
    try:
        return msgspec.json.decode(path.read_bytes(), type=kind)
    except msgspec.MsgspecError as error:
        click.echo(f"Error: {path}: {error}. Nobody is placed.", err=True)
        sys.exit(1)


def plain(answer: Any) -> dict[str, Any]:
    """Return an answer as plain values."""
    return {
        "ref": answer.ref,
        "outcome": answer.outcome.value,
        "host": answer.host,
        "not_before": answer.not_before,
        "with_link": answer.with_link,
        "reasons": answer.reasons,
    }
