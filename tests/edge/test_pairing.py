"""A machine and its server: the pairing code, a false server, a new key, an end."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

import databases
from edge.rig import Server, ShiftedClock
from serving import stop_all
from tallystick.core.identity import machines
from tallystick.core.identity.keys import load_or_make_key
from tallystick.edge import pairing
from tallystick.edge.errors import NotPaired, ServerLost, ServerSaid, WrongServer


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    store = databases.opened(f"sqlite:///{tmp_path}/server.sqlite")
    yield Server(store, ShiftedClock(), tmp_path)
    stop_all()
    store.close()


def machine_of(server: Server, folder: Path) -> machines.State:
    name = machines.key_name(load_or_make_key(folder / "machine.key").public_key())
    with server.store.read() as tx:
        return machines.machine_of(tx, name, server.desk.clock.now()).state


def test_a_code_pairs_one_machine_and_again_only_that_one(server: Server, tmp_path: Path) -> None:
    with pytest.raises(NotPaired):
        pairing.load(tmp_path / "a")
    first = pairing.pair(tmp_path / "a", server.code)
    assert pairing.pair(tmp_path / "a", server.code) == first
    assert machine_of(server, tmp_path / "a") is machines.State.ACTIVE
    with pytest.raises(ServerSaid, match="1520"):
        pairing.pair(tmp_path / "b", server.code)
    with pytest.raises(NotPaired):
        pairing.load(tmp_path / "b")


def test_a_server_with_another_key_is_not_believed(server: Server, tmp_path: Path) -> None:
    other = Ed25519PrivateKey.generate().public_key()
    token = machines.read_pairing(server.code).token
    code = machines.pairing_string(server.url, other, token)
    with pytest.raises(WrongServer):
        pairing.pair(tmp_path / "a", code)
    with pytest.raises(NotPaired):
        pairing.load(tmp_path / "a")


def test_a_new_key_takes_the_old_ones_place(server: Server, tmp_path: Path) -> None:
    folder = tmp_path / "a"
    pairing.pair(folder, server.code)
    before = (folder / "machine.key").read_bytes()
    name = pairing.rotate(folder, server.desk.clock)
    assert (folder / "machine.key").read_bytes() != before
    assert machines.key_name(load_or_make_key(folder / "machine.key").public_key()) == name
    assert machine_of(server, folder) is machines.State.ACTIVE
    assert not (folder / "machine.key.next").exists()


def test_a_lost_answer_leaves_the_old_key_and_offers_the_same_new_one(
    server: Server, tmp_path: Path
) -> None:
    folder = tmp_path / "a"
    pairing.pair(folder, server.code)
    before = (folder / "machine.key").read_bytes()
    pairing.move(folder, "http://127.0.0.1:9")
    with pytest.raises(ServerLost):
        pairing.rotate(folder, server.desk.clock)
    assert (folder / "machine.key").read_bytes() == before
    offered = (folder / "machine.key.next").read_bytes()
    pairing.move(folder, server.url)
    pairing.rotate(folder, server.desk.clock)
    assert (folder / "machine.key").read_bytes() == offered


def test_a_revoked_machine_is_refused(server: Server, tmp_path: Path) -> None:
    folder = tmp_path / "a"
    held = pairing.pair(folder, server.code)
    with server.store.transact() as tx:
        machines.revoke(tx, held.machine, server.desk.clock.now(), "stolen")
    with pytest.raises(ServerSaid):
        pairing.rotate(folder, server.desk.clock)
