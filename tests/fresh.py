"""A database with today's tables: made by the migrations once in each process, then copied.

Nothing of what the migrations prove is lost: `tests/core/test_store.py` and every server's start
run them, and the copy is byte for byte what they made.
"""

from __future__ import annotations

import atexit
import functools
import shutil
import tempfile
from pathlib import Path

from tallystick.core.store import Store

SQLITE = "sqlite:///"


@functools.cache
def _template() -> Path:
    folder = Path(tempfile.mkdtemp(prefix="ts-tables-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    made = Store.open(f"{SQLITE}{folder}/tables.sqlite")
    made.migrate()
    made.close()
    return folder / "tables.sqlite"


def open_fresh(url: str) -> Store:
    """Open a database that is not there yet, with all tables in it."""
    if url.startswith(SQLITE):
        path = Path(url.removeprefix(SQLITE))
        assert not path.exists(), f"{path} is there already"
        path.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(_template(), path)
        return Store.open(url)
    made = Store.open(url)
    made.migrate()
    return made
