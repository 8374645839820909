"""What the verbs of the reserve's keys share: files in and out, the store, and errors in words."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from tallystick.cli.serve import database_of
from tallystick.core.errors import TallystickError

if TYPE_CHECKING:
    from tallystick.core.store import Store

FILE_BYTES_MAX: Final = 5_000_000
FILE: Final = click.Path(path_type=Path, exists=True, dir_okay=False)
OUT: Final = click.Path(path_type=Path, dir_okay=False)
KINDS: Final = click.Choice(["sortedmulti", "recovery", "decaying", "taproot", "taproot-recovery"])
NETWORKS: Final = click.Choice(["bitcoin", "testnet", "signet", "regtest"])


@contextmanager
def opened(data: Path, database: str) -> Iterator[Store]:
    """Open the store for one verb; an error of ours ends it with its words."""
    from tallystick.core.store import Store

    store = Store.open(database_of(data, database))
    try:
        store.migrate()
        yield store
    except TallystickError as error:
        raise click.ClickException(f"{error} (coins: {error.money})") from error
    finally:
        store.close()


def text_of(path: Path) -> str:
    """Read a small text file."""
    if path.stat().st_size > FILE_BYTES_MAX:
        raise click.ClickException(f"{path} is larger than {FILE_BYTES_MAX} bytes")
    return path.read_text("utf-8").strip()


def json_of(path: Path) -> Any:
    """Read a small JSON file."""
    try:
        return json.loads(text_of(path))
    except ValueError as error:
        raise click.ClickException(f"{path} is not JSON: {error}") from error


def asked(call: Callable[[], Any]) -> Any:
    """Do what needs no store, with an error of ours in its words."""
    try:
        return call()
    except TallystickError as error:
        raise click.ClickException(f"{error} (coins: {error.money})") from error
