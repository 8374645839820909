"""A machine paired with a real server on loopback, on each database."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from signed_machine import Machine

from network import Network
from serving import stop_all
from tallystick.core.clock import SeededClock
from tallystick.core.store import Store


@pytest.fixture(scope="session")
def network(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Network]:
    made = Network(tmp_path_factory.mktemp("n"))
    made.fund()
    yield made
    made.stop()


@pytest.fixture
def machine(store: Store, clock: SeededClock, network: Network) -> Iterator[Machine]:
    yield Machine(store, clock, network)
    stop_all()
