import datetime as dt
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import BigInteger
from sqlalchemy.ext.compiler import compiles

from tallystick.core.clock import SeededClock
from tallystick.core.identity import tables
from tallystick.core.store import METADATA, Store


@pytest.fixture
def clock() -> SeededClock:
    return SeededClock(7)


@pytest.fixture
def now(clock: SeededClock) -> dt.datetime:
    return clock.now()


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    made = Store.open(f"sqlite:///{tmp_path}/identity.db")
    METADATA.create_all(made.engine, tables=ours())
    yield made
    made.close()


def ours() -> list:
    return [table for table in vars(tables).values() if hasattr(table, "primary_key")]


@compiles(BigInteger, "sqlite")
def _whole(kind, compiler, **kw):
    return "INTEGER"
