"""The whole scene on a real bitcoind: watched by block filters, verified by the node's own word."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from bitcoind import Bitcoind
from tallystick.cli.reserve_life import BEHIND_S, ReserveDemo, Told
from tallystick.core.clock import AheadClock
from tallystick.core.money import BTC, Amount


@pytest.fixture
def node(tmp_path: Path) -> Iterator[Bitcoind]:
    folder = tmp_path / "node"
    folder.mkdir()
    made = Bitcoind(folder)
    yield made
    made.stop()


def test_the_whole_scene_on_a_real_node(node: Bitcoind, tmp_path: Path) -> None:
    node.miner()
    settings = (node.folder / "bitcoin.conf").read_text()
    port = re.search(r"^port=(\d+)$", settings, re.M)
    assert port is not None
    cookie = (node.folder / "regtest" / ".cookie").read_text().strip()

    def fund(address: str, sats: int) -> None:
        node.pay(address, Amount(sats, BTC).decimal())
        node.mine()

    told = Told(print)
    demo = ReserveDemo(
        tmp_path / "reserve",
        f"cbf:127.0.0.1:{port[1]}",
        fund,
        node.mine,
        AheadClock(-BEHIND_S),
        told,
        f"bitcoind+http://{cookie}@127.0.0.1:{node.rpc_port}",
        papers=False,
    )
    demo.run()
    assert told.all_held, told.steps
    lawful = next(step for step in told.steps if step["step"] == "lawful movement")
    paid = node.cli("getrawtransaction", lawful["txid"], 1)
    assert paid["confirmations"] > 0 and {out["value"] for out in paid["vout"]} >= {0.5}
