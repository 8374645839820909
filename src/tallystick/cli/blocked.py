"""``tallystick blocked``: addresses to which nothing may be sent, on every machine at once."""

from __future__ import annotations

from pathlib import Path

import click

from tallystick.cli.serve import DATA, DATABASE, database_of
from tallystick.core.clock import SystemClock
from tallystick.core.errors import TallystickError
from tallystick.core.store import Store
from tallystick.kiosk import blocked as lists


@click.group()
def blocked() -> None:
    """List, add and lift addresses to which nothing may be sent; take in OFAC's list."""


def _opened(data: Path, database: str) -> Store:
    store = Store.open(database_of(data, database))
    store.migrate()
    return store


@blocked.command(name="list")
@DATA
@DATABASE
def show(data: Path, database: str) -> None:
    """Print what is on the lists now."""
    store = _opened(data, database)
    with store.read() as tx:
        for row in lists.entries(tx, SystemClock().now()):
            end = f" until {row['until']:%Y-%m-%d}" if row["until"] else ""
            click.echo(f"{row['list']:<7} {row['address']}{end}  {row['reason']} ({row['by']})")
    store.close()


@blocked.command()
@DATA
@DATABASE
@click.argument("address")
@click.option("--list", "name", type=click.Choice(["own", "shared"]), default="own")
@click.option("--reason", required=True, help="Kept, and shown to operators.")
@click.option("--by", required=True, help="Who says so.")
@click.option("--days", type=int, help="When it ends by itself; a shared entry must.")
def add(
    data: Path, database: str, address: str, name: str, reason: str, by: str, days: int | None
) -> None:
    """Put an address on a list: no machine sends to it from now on."""
    store = _opened(data, database)
    try:
        with store.transact() as tx:
            lists.block(tx, SystemClock(), address, name, reason, by, days)
    except TallystickError as error:
        raise click.ClickException(str(error)) from error
    finally:
        store.close()
    click.echo(f"Nothing is sent to {lists.canonical(address)} any more.")


@blocked.command()
@DATA
@DATABASE
@click.argument("address")
@click.option("--list", "name", type=click.Choice(["own", "shared"]), default="own")
@click.option("--by", required=True, help="Who lifted it.")
def lift(data: Path, database: str, address: str, name: str, by: str) -> None:
    """Take an address off a list, as on an appeal. Exits 1 if it was not on it."""
    store = _opened(data, database)
    with store.transact() as tx:
        ended = lists.lift(tx, SystemClock(), address, name, by)
    store.close()
    if not ended:
        raise click.ClickException(f"{address} is not on the {name} list")
    click.echo(f"{address} is off the {name} list.")


@blocked.command()
@DATA
@DATABASE
@click.argument("path", type=click.Path(path_type=Path, exists=True, dir_okay=False))
def ofac(data: Path, database: str, path: Path) -> None:
    """Take the bitcoin addresses of OFAC's SDN.XML; those no longer on it are lifted."""
    store = _opened(data, database)
    try:
        with store.transact() as tx:
            added, lifted = lists.take_in_sdn(tx, SystemClock(), path)
    except TallystickError as error:
        raise click.ClickException(str(error)) from error
    finally:
        store.close()
    click.echo(f"{added} added, {lifted} lifted.")
