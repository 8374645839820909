"""A day of an operator, made once for all tests that only look; and one that may be changed."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from scene import Scene

import databases
from network import Network
from tallystick.core.clock import SeededClock
from tallystick.core.store import Store


@pytest.fixture(scope="session")
def network(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Network]:
    made = Network(tmp_path_factory.mktemp("n"))
    made.fund()
    yield made
    made.stop()


@pytest.fixture(scope="session")
def day(tmp_path_factory: pytest.TempPathFactory, network: Network) -> Iterator[Scene]:
    folder: Path = tmp_path_factory.mktemp("day")
    store = databases.opened(f"sqlite:///{folder}/store.sqlite")
    scene = Scene(store, SeededClock(7), network)
    scene.a_day()
    scene.serve()
    yield scene
    scene.close()
    store.close()


@pytest.fixture
def scene(store: Store, network: Network) -> Iterator[Scene]:
    """A fresh operator, on each database, without a purchase yet."""
    made = Scene(store, SeededClock(11), network)
    made.serve()
    yield made
    made.close()


@pytest.fixture(scope="session")
def ada(day: Scene) -> Iterator[httpx.Client]:
    with day.client() as client:
        yield client
