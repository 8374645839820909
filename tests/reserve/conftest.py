"""Scenes of a reserve: each with a chain, signers and a database of its own."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import databases
from office_scene import Scene
from reserve_scene import Chain, devices
from tallystick.core.store import Store

_SEEDS = itertools.count(1)


@pytest.fixture(scope="session")
def reserve_chain(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Chain]:
    """One chain for all scenes; their vaults have keys of their own."""
    made = Chain(tmp_path_factory.mktemp("chain"))
    yield made
    made.stop()


@pytest.fixture
def make_scene(
    tmp_path: Path, reserve_chain: Chain, request: pytest.FixtureRequest
) -> Iterator[Callable[..., Scene]]:
    opened: list[Store] = []

    def make(url: str = "", **more: Any) -> Scene:
        seed = next(_SEEDS)
        store = databases.opened(url or f"sqlite:///{tmp_path}/s{seed}.sqlite")
        opened.append(store)
        signers = devices(tmp_path / f"signers{seed}", 8, seed)
        return Scene(tmp_path / f"scene{seed}", store, reserve_chain, signers, **more)

    yield make
    for store in opened:
        store.close()


@pytest.fixture
def scene(make_scene: Callable[..., Scene]) -> Scene:
    return make_scene()
