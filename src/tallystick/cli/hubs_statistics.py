"""``tallystick hubs statistics``: publish a quarter, print it, and prove its figures."""

from __future__ import annotations

from pathlib import Path

import click

from tallystick.cli.serve import DATA, DATABASE, database_of
from tallystick.core.errors import TallystickError


@click.group()
def statistics() -> None:
    """Publish quarters with small groups hidden; print them; prove them from the records."""


@statistics.command()
@DATA
@DATABASE
@click.argument("quarter")
@click.option("--by", required=True, help="Who publishes it.")
def publish(data: Path, database: str, quarter: str, by: str) -> None:
    """Publish a quarter such as 2026-Q4, once and for all; it is journalled."""
    from tallystick.core.clock import SystemClock
    from tallystick.core.store import Store
    from tallystick.hubs import statistics as figures

    store = Store.open(database_of(data, database))
    store.migrate()
    try:
        with store.transact() as tx:
            made = figures.publish(tx, SystemClock(), quarter, by)
    except TallystickError as error:
        raise click.ClickException(f"{error} (error {error.code})") from error
    finally:
        store.close()
    hidden = sum(1 for one in made.figures if one.value is None)
    click.echo(f"{quarter}: {len(made.figures)} figures, {hidden} hidden; entry {made.entry}")


@statistics.command()
@DATA
@DATABASE
@click.argument("quarter")
def show(data: Path, database: str, quarter: str) -> None:
    """Print a published quarter as CSV. A hidden figure is c."""
    from tallystick.core.store import Store
    from tallystick.hubs import statistics as figures

    store = Store.open(database_of(data, database))
    store.migrate()
    try:
        with store.read() as tx:
            click.echo(figures.release(tx, quarter).csv(), nl=False)
    except TallystickError as error:
        raise click.ClickException(f"{error} (error {error.code})") from error
    finally:
        store.close()


@statistics.command()
@DATA
@DATABASE
@click.argument("quarter")
def prove(data: Path, database: str, quarter: str) -> None:
    """Prove each figure of a quarter from the records. Exits 1 and names the first that fails."""
    from tallystick.core.store import Store
    from tallystick.hubs import statistics as figures

    store = Store.open(database_of(data, database))
    store.migrate()
    try:
        with store.read() as tx:
            many = figures.prove(tx, quarter)
            made = figures.release(tx, quarter)
    except TallystickError as error:
        raise click.ClickException(f"{error} (error {error.code})") from error
    finally:
        store.close()
    click.echo(f"{quarter}: {many} figures follow from the records counted; entry {made.entry}")
