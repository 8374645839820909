"""``tallystick vault``: the keys under which personal data is sealed, for who runs the server."""

from __future__ import annotations

from pathlib import Path

import click

from tallystick.cli.serve import DATA, DATABASE, database_of
from tallystick.core.clock import SystemClock
from tallystick.core.errors import TallystickError
from tallystick.core.store import Store
from tallystick.core.vault import Vault
from tallystick.core.vault.keys import MASTER_FILE

FOLDER = "vault"


@click.group()
def vault() -> None:
    """Look after the keys under which personal data is sealed."""


@vault.command()
@DATA
@DATABASE
@click.option("--by", required=True, help="Who does it, by name; kept with the record of it.")
def rotate(data: Path, database: str, by: str) -> None:
    """Wrap every person's key under a new master key, and destroy the old one.

    A running server goes on meanwhile. Interrupted, it loses nothing: run it again. Copies of the
    former master key open nothing afterwards; mirror the folder again, and keep no older copy.
    """
    folder = data / FOLDER
    if not (folder / MASTER_FILE).exists():
        raise click.ClickException(f"{folder} holds no vault; nothing was changed")
    store = Store.open(database_of(data, database))
    try:
        store.migrate()
        count = Vault(folder, SystemClock()).rotate(store, by)
    except TallystickError as error:
        raise click.ClickException(f"{error} ({error.code})") from error
    finally:
        store.close()
    click.echo(f"{count} keys are under a new master key; the old one is destroyed.")
