import datetime as dt
from collections.abc import Iterator
from pathlib import Path

import pytest

from tallystick.core.clock import SeededClock
from tallystick.core.store import Store


@pytest.fixture
def clock() -> SeededClock:
    return SeededClock(7)


@pytest.fixture
def now(clock: SeededClock) -> dt.datetime:
    return clock.now()


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    made = Store.open(f"sqlite:///{tmp_path}/identity.db")
    made.migrate()
    yield made
    made.close()
