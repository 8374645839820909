"""A scene on SQLite for most, and on each database for what the database itself must keep."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from queue_scene import LISTED, Scene, entry

import databases
from tallystick.core.clock import SeededClock
from tallystick.core.store import Store


def begun(store: Store, clock: SeededClock, folder: Path) -> Scene:
    made = Scene(store, clock, folder)
    made.take_in(entry("1", LISTED), entry("2", "Nobody Whatever"))
    made.work()
    return made


@pytest.fixture
def scene(clock: SeededClock, tmp_path: Path) -> Iterator[Scene]:
    store = databases.opened(f"sqlite:///{tmp_path}/scene.sqlite")
    yield begun(store, clock, tmp_path)
    store.close()


@pytest.fixture
def everywhere(store: Store, clock: SeededClock, tmp_path: Path) -> Scene:
    return begun(store, clock, tmp_path)
