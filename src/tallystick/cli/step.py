"""One step at the command line: the books opened, one transaction, an error said with the money.

Every verb that writes goes through here, so each commits whole or not at all, and each says in
one line what was wrong and where the money is (Decision 1).
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from tallystick.cli.serve import database_of
from tallystick.core.errors import TallystickError
from tallystick.core.identity import people
from tallystick.core.store import Store, Tx


def opened(data: Path, database: str) -> Store:
    """Open the books of a server's folder and bring their tables to this version."""
    store = Store.open(database_of(data, database))
    store.migrate()
    return store


def step(data: Path, database: str, act: Callable[[Tx], Any]) -> Any:
    """Do one step in one transaction; say an error with where the money is."""
    store = opened(data, database)
    try:
        with store.transact() as tx:
            return act(tx)
    except TallystickError as error:
        raise click.ClickException(f"{error} (the money: {error.money})") from error
    finally:
        store.close()


def person_of(tx: Tx, said: str) -> str:
    """Return the id of a person named by id or by their whole name, if one alone has it."""
    found = [one for one in people.people(tx) if said in (one.id, one.name)]
    if len(found) != 1:
        raise click.ClickException(f"{said!r} is {len(found)} people; give the id of one")
    return found[0].id
