"""``tallystick held``: a purchase that waits for a person: the call back, and the release.

Each command is one step of `kiosk.scams`, in one transaction and journalled. Opening the number is
written down before it is printed.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click
import sqlalchemy as sa

from tallystick.cli.serve import DATA, DATABASE, database_of
from tallystick.core.clock import SystemClock
from tallystick.core.errors import TallystickError
from tallystick.core.store import Store
from tallystick.kiosk import queries
from tallystick.kiosk.customers import rights
from tallystick.kiosk.errors import PurchaseUnknown
from tallystick.kiosk.quote import Desk
from tallystick.kiosk.scams import calls, guard
from tallystick.kiosk.tables import PURCHASES

LAW = click.option("--law", default="DEMO", show_default=True, help="The jurisdiction's code.")
BY = click.option("--by", required=True, help="Who does it, by name: the same in every step.")
NUMBER = click.argument("reference", metavar="NUMBER")


@click.group()
def held() -> None:
    """Call back about a purchase that waits for a person, and let it go."""


@contextmanager
def _opened(
    data: Path, database: str, law: str, reference: str
) -> Iterator[tuple[Store, Desk, str]]:
    """Open the books and find a purchase by its slip's number; say an error in one line."""
    from tallystick.web.server import Settings, open_desk

    store = Store.open(database_of(data, database))
    try:
        store.migrate()
        settings = Settings(data, database_of(data, database), "", data, law=law)
        number = queries.as_reference(reference)
        query = sa.select(PURCHASES.c.id).where(PURCHASES.c.reference == number)
        with store.read() as tx:
            found = tx.execute(query).scalar()
        if found is None:
            raise PurchaseUnknown(f"no purchase has the number {reference[:20]}")
        yield store, open_desk(settings, SystemClock(), store), str(found)
    except TallystickError as error:
        said = f"{error} ({error.code}; the money: {error.money})"
        raise click.ClickException(said) from error
    finally:
        store.close()


@held.command()
@DATA
@DATABASE
@LAW
@BY
@click.option("--why", required=True, help="Why; kept, sealed, with the record of the read.")
@NUMBER
def number(data: Path, database: str, law: str, by: str, why: str, reference: str) -> None:
    """Print the telephone number to call: one shown before the flag. Exits 1 without one."""
    with _opened(data, database, law, reference) as (store, desk, purchase):
        found = rights.call_back(store, desk, purchase, by, why)
    if not found:
        raise click.ClickException("no number was shown before the flag; call the purchase off")
    click.echo(found)


@held.command()
@DATA
@DATABASE
@LAW
@BY
@click.option("--slip", required=True, help="The slip's number, as the caller read it out.")
@click.option("--result", required=True, type=click.Choice([one.value for one in calls.Result]))
@click.option("--words", default="", help="What was said, without names.")
@NUMBER
def called(
    data: Path,
    database: str,
    law: str,
    by: str,
    slip: str,
    result: str,
    words: str,
    reference: str,
) -> None:
    """Write a call down. "stop" also calls the purchase off: all the cash is owed back."""
    came = calls.Result(result)
    opened = _opened(data, database, law, reference)
    with opened as (store, desk, purchase), store.transact() as tx:
        calls.record(tx, desk, purchase, slip, came, words, by)
    click.echo(calls.SAID[came] + ".")


@held.command()
@DATA
@DATABASE
@LAW
@BY
@click.option("--why", required=True, help="Why it may be sent.")
@NUMBER
def release(data: Path, database: str, law: str, by: str, why: str, reference: str) -> None:
    """Let a purchase that waits be sent, no sooner than the law's own hold allows."""
    opened = _opened(data, database, law, reference)
    with opened as (store, desk, purchase), store.transact() as tx:
        done = guard.release(tx, desk, purchase, by, why)
    if not done:
        raise click.ClickException("nothing waits here for a person")
    click.echo("It goes on.")
