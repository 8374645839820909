"""``tallystick customers``: a person's own data, opened on record, by people with names.

Every command that opens the vault says who and why, and is written down before it answers.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click

from tallystick.cli.serve import DATA, DATABASE, database_of
from tallystick.core.clock import SystemClock
from tallystick.core.errors import TallystickError
from tallystick.core.store import Store
from tallystick.kiosk.customers import copies, people, phone, rights
from tallystick.kiosk.customers import sweep as sweeps
from tallystick.kiosk.customers.identify import of
from tallystick.kiosk.quote import Desk

LAW = click.option("--law", default="DEMO", show_default=True, help="The jurisdiction's code.")
BY = click.option("--by", required=True, help="Who does it, by name.")
WHY = click.option("--why", required=True, help="Why; kept, sealed, with the record of the read.")


def _common(command: Callable[..., Any]) -> Callable[..., Any]:
    for option in (LAW, DATABASE, DATA):
        command = option(command)
    return command


@contextmanager
def _desk(data: Path, database: str, law: str) -> Iterator[tuple[Store, Desk]]:
    """Open the books and the vault of a server's folder; say an error in one line."""
    from tallystick.web.server import Settings, open_desk

    store = Store.open(database_of(data, database))
    try:
        store.migrate()
        settings = Settings(data, database_of(data, database), "", data, law=law)
        yield store, open_desk(settings, SystemClock(), store)
    except TallystickError as error:
        raise click.ClickException(f"{error} ({error.code})") from error
    finally:
        store.close()


def _who(store: Store, desk: Desk, customer: str) -> str:
    """Return a customer by id, or by a telephone number that they showed."""
    number = phone.normal(customer, desk.place.code)
    with store.read() as tx:
        if number is not None:
            link = of(desk).vault.link(people.PHONE, number)
            customer = people.of_link(tx, people.PHONE, link) or customer
        return str(people.find(tx, customer)["id"])


@click.group()
def customers() -> None:
    """Show, copy, erase and merge what is kept of customers; each read is written down first."""


@customers.command()
@_common
@click.argument("customer")
def show(data: Path, database: str, law: str, customer: str) -> None:
    """Say what is kept of a customer (id or number), until when and by which law; opens nothing."""
    with _desk(data, database, law) as (store, desk):
        who = _who(store, desk, customer)
        click.echo(f"customer  {who}")
        for one in rights.held(store, desk, who):
            until = f"until {one.keep_until} by {one.basis}" if one.keep_until else "until asked"
            click.echo(f"{one.kind:<9} since {one.made_at:%Y-%m-%d}, kept {until}")
        with store.read() as tx:
            for row in rights.purchases(tx, who):
                click.echo(f"purchase  {row['reference']} {row['made_at']:%Y-%m-%d} {row['state']}")


@customers.command()
@_common
@BY
@WHY
@click.option("--pdf", type=click.Path(path_type=Path, dir_okay=False), help="Write a PDF here.")
@click.argument("customer")
def export(
    data: Path, database: str, law: str, by: str, why: str, pdf: Path | None, customer: str
) -> None:
    """Print everything about a customer as JSON, or write it as PDF: the person's own copy."""
    with _desk(data, database, law) as (store, desk):
        told = rights.export(store, desk, _who(store, desk, customer), by, why)
        if pdf is None:
            click.echo(copies.as_json(told).decode())
        else:
            pdf.write_bytes(copies.as_pdf(told))
            click.echo(f"{pdf}")


@customers.command()
@_common
@BY
@WHY
@click.argument("customer")
def erase(data: Path, database: str, law: str, by: str, why: str, customer: str) -> None:
    """Erase a customer's data; what a law wants kept stays until its day, and is named."""
    with _desk(data, database, law) as (store, desk):
        done = rights.erase(store, desk, _who(store, desk, customer), by, why)
        click.echo(f"{done.erased} records erased.")
        for one in done.kept:
            click.echo(f"{one.kind} stays until {one.keep_until}: {one.basis}")


@customers.command()
@_common
@BY
@click.argument("into")
@click.argument("other")
def merge(data: Path, database: str, law: str, by: str, into: str, other: str) -> None:
    """Make two customers (ids or numbers) one person: their limits are summed from now on."""
    with _desk(data, database, law) as (store, desk):
        first, second = (_who(store, desk, one) for one in (into, other))
        rights.merge(store, desk, first, second, by)
        click.echo(f"{second} is now {first}.")


@customers.command()
@_common
@BY
def sweep(data: Path, database: str, law: str, by: str) -> None:
    """End what no law wants kept any longer. A running server does it once a day by itself."""
    with _desk(data, database, law) as (store, desk):
        done = sweeps.run(store, desk, by)
        click.echo(f"Everything of {done.people} people ended, and {done.links} links.")
