"""``tallystick blocked``: addresses to which nothing may be sent, on every machine at once."""

from __future__ import annotations

from pathlib import Path

import click

from tallystick.cli.serve import DATA, DATABASE
from tallystick.cli.step import opened, step
from tallystick.core.clock import SystemClock
from tallystick.core.errors import TallystickError
from tallystick.core.store import Tx
from tallystick.kiosk import blocked as lists
from tallystick.kiosk.scams import lists as shared


@click.group()
def blocked() -> None:
    """List, add and lift addresses to which nothing may be sent; take in OFAC's list."""


@blocked.command(name="list")
@DATA
@DATABASE
def show(data: Path, database: str) -> None:
    """Print what is on the lists now."""
    store = opened(data, database)
    with store.read() as tx:
        rows = lists.entries(tx, SystemClock().now())
    store.close()
    for row in rows:
        end = f" until {row['until']:%Y-%m-%d}" if row["until"] else ""
        click.echo(f"{row['list']:<7} {row['address']}{end}  {row['reason']} ({row['by']})")
    if not rows:
        click.echo("No address is on a list.", err=True)


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
    store = opened(data, database)
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
@click.option("--list", "name", type=click.Choice(["own", "shared", "stop"]), default="own")
@click.option("--by", required=True, help="Who lifted it.")
def lift(data: Path, database: str, address: str, name: str, by: str) -> None:
    """Take an address off a list, as on an appeal. Exits 1 if it was not on it."""
    store = opened(data, database)
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
    from tallystick.kiosk.screening.lists import take_in_wallets

    store = opened(data, database)
    try:
        with store.transact() as tx:
            added, lifted = take_in_wallets(tx, SystemClock(), path)
    except TallystickError as error:
        raise click.ClickException(str(error)) from error
    finally:
        store.close()
    click.echo(f"{added} added, {lifted} lifted.")


@blocked.command()
@DATA
@DATABASE
@click.argument("path", type=click.Path(path_type=Path, dir_okay=False))
@click.option("--by", required=True, help="Who makes the file: the operator's name.")
@click.option("--appeal", required=True, help="Where somebody wrongly listed can turn to.")
def export(data: Path, database: str, path: Path, by: str, appeal: str) -> None:
    """Write our own entries that end by themselves to a file that other operators can take in."""
    store = opened(data, database)
    with store.read() as tx:
        raw = shared.export(tx, SystemClock(), by, appeal)
    store.close()
    path.write_bytes(raw)
    count = raw.count(b'"address"')
    click.echo(f"{path}: {count} entries")


@blocked.command()
@DATA
@DATABASE
@click.argument("path", type=click.Path(path_type=Path, exists=True, dir_okay=False))
def take(data: Path, database: str, path: Path) -> None:
    """Take in a shared file, whole or not at all; it holds on every machine at once."""
    if path.stat().st_size > shared.FILE_BYTES_MAX:
        raise click.ClickException(f"{path} has more than {shared.FILE_BYTES_MAX} bytes")
    count = step(data, database, lambda tx: shared.take_in(tx, SystemClock(), path.read_bytes()))
    click.echo(f"{count} entries were added.")


@blocked.command()
@DATA
@DATABASE
@click.argument("address")
@click.option("--list", "name", type=click.Choice(["own", "shared", "stop"]), default="own")
@click.option("--why", required=True, help="Why the address should not be on the list.")
@click.option("--by", required=True, help="Who asks, or for whom.")
def appeal(data: Path, database: str, address: str, name: str, why: str, by: str) -> None:
    """File an appeal against an entry; it holds until somebody else has decided."""

    def act(tx: Tx) -> str:
        return shared.appeal(tx, SystemClock(), address, name, why, by)

    click.echo(step(data, database, act))


@blocked.command()
@DATA
@DATABASE
def appeals(data: Path, database: str) -> None:
    """Print the appeals that wait for a decision, the oldest first."""
    rows = step(data, database, shared.waiting)
    if not rows:
        click.echo("No appeal waits.", err=True)
    for row in rows:
        click.echo(f"{row['id']}  {row['list']:<7} {row['address']}  {row['why']} ({row['by']})")


@blocked.command()
@DATA
@DATABASE
@click.argument("appeal_id")
@click.argument("decision", type=click.Choice(sorted(shared.DECISIONS)))
@click.option("--reasons", required=True)
@click.option("--by", required=True, help="Who decides; not who listed it, nor who appealed.")
def decide(data: Path, database: str, appeal_id: str, decision: str, reasons: str, by: str) -> None:
    """Lift an entry on appeal, or keep it, with reasons."""

    def act(tx: Tx) -> None:
        shared.decide(tx, SystemClock(), appeal_id, decision, reasons, by)

    step(data, database, act)
    click.echo(f"The entry is {decision}.")
