"""Databases whose tables are there already: migrated once in each test process, then copied.

The migrations have tests of their own; every other test would only wait for them again.
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
def _sample() -> Path:
    folder = Path(tempfile.mkdtemp(prefix="ts-db-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    made = Store.open(f"{SQLITE}{folder}/sample.sqlite")
    made.migrate()
    made.close()
    return folder / "sample.sqlite"


def opened(url: str) -> Store:
    """Open a database and bring its tables to this version."""
    path = Path(url.removeprefix(SQLITE))
    if url.startswith(SQLITE) and not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(_sample(), path)
    store = Store.open(url)
    store.migrate()
    return store
