"""The log's root travels with payouts into real blocks, and the signer signs no other data."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

import databases
from counter import Counter
from network import Network
from tallystick.bitcoin.anchor import AnchorChecker, anchor_data, anchor_output, is_anchor
from tallystick.bitcoin.errors import SignerRefused
from tallystick.bitcoin.transaction import outputs_of
from tallystick.core import journal
from tallystick.core.clock import SeededClock
from tallystick.core.store import Store
from tallystick.core.tlog import checkers, keys, log
from tallystick.core.tlog.publish import ANCHORS, Publisher
from tallystick.core.tlog.reader import FolderSource
from tallystick.core.tlog.report import Report
from tallystick.core.tlog.tables import ANCHORS as ROWS
from tallystick.core.tlog.verify import Asked, verify
from tallystick.kiosk import audit

ADDRESS = "bcrt1qw508d6qejxtdg4y5r3zarvary0c5xw7kygt080"
SIGNER = keys.LogSigner("log.example/k", Ed25519PrivateKey.from_private_bytes(bytes([4]) * 32))


class Scene:
    """A kiosk whose payouts carry its log's root."""

    def __init__(self, store: Store, clock: SeededClock, network: Network, folder: Path) -> None:
        self.counter, self.network, self.clock = Counter(store, clock, network), network, clock
        self.folder = folder / "log"
        self.publisher = Publisher(store, SIGNER, self.folder, clock)
        self.counter.till.sync()

    def buy(self) -> str:
        quote = self.counter.start(ADDRESS)
        self.counter.insert(quote, 2_000)
        self.counter.finish(quote)
        self.counter.work()
        return self.counter.view(quote.purchase).txid

    def anchored(self, txid: str) -> bool:
        raw = self.counter.till.chain.raw(txid)
        assert raw is not None
        return any(is_anchor(*output) for output in outputs_of(raw))

    def verify(self, chain: str = "") -> Report:
        checkers.register("anchors", AnchorChecker)
        settings = {"chain": chain} if chain else {}
        asked = Asked(key=SIGNER.key, settings=settings)
        return verify(FolderSource(self.folder), asked, self.clock.now())


@pytest.fixture(scope="module")
def network(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Network]:
    made = Network(tmp_path_factory.mktemp("n"))
    made.fund()
    yield made
    made.stop()


@pytest.fixture
def scene(clock: SeededClock, network: Network, tmp_path: Path) -> Iterator[Scene]:
    store = databases.opened(f"sqlite:///{tmp_path}/store.sqlite")
    yield Scene(store, clock, network, tmp_path)
    store.close()


def said(report: Report) -> dict[str, str]:
    lines = (*report.proved, *report.assumed, *report.caught, *report.unread)
    return {line.name: line.said for line in lines}


def test_a_payout_takes_the_root_along_once_an_hour(scene: Scene) -> None:
    assert not scene.anchored(scene.buy()), "nothing is published yet"
    signed = scene.publisher.step()
    first = scene.buy()
    assert scene.anchored(first)
    scene.publisher.step()
    assert not scene.anchored(scene.buy()), "another came within the hour"
    listed = json.loads((scene.folder / ANCHORS).read_text())
    assert listed == [{"txid": first, "size": signed.size, "root": signed.root.hex()}]
    chain = f"embedded:{scene.network.url}"
    assert "none is mined yet" in said(scene.verify(chain))["anchors"]
    scene.network.mine()
    report = scene.verify(chain)
    assert report.exit_code == 0
    assert f"the first {signed.size} entries existed before block" in said(report)["anchor"]
    assert "none was looked up" in said(scene.verify())["anchors"]
    scene.clock.advance(3_700)
    scene.publisher.step()
    assert scene.anchored(scene.buy())
    scene.clock.advance(60)
    scene.counter.work()
    with scene.counter.store.read() as tx:
        table = audit.audit(tx, scene.counter.till.chain, "regtest")
    assert all(line.ok for line in table), table


def test_a_replacement_carries_it_too(scene: Scene) -> None:
    scene.buy()
    scene.network.mine()
    scene.clock.advance(60)
    scene.counter.work()
    scene.publisher.step()
    first = scene.buy()
    scene.clock.advance(scene.counter.desk.policy.bump_after_s + 60)
    scene.counter.work()
    with scene.counter.store.read() as tx:
        rows = tx.execute(sa.select(ROWS.c.txid)).scalars().all()
        second = next(txid for txid in rows if txid != first)
        assert log.anchor_of(tx, second) == log.anchor_of(tx, first) is not None
    assert scene.anchored(second)
    scene.network.mine()
    scene.publisher.step()
    assert "anchor" in said(scene.verify(f"embedded:{scene.network.url}"))


@pytest.mark.parametrize(
    ("field", "value", "caught"),
    [
        ("root", "00" * 32, "fork"),
        ("size", 10_000, "rollback"),
        ("txid", "other", "bad-artefact"),
    ],
)
def test_a_false_anchor_is_caught(scene: Scene, field: str, value: object, caught: str) -> None:
    plain = scene.buy()
    scene.publisher.step()
    scene.buy()
    scene.network.mine()
    scene.publisher.step()
    path = scene.folder / ANCHORS
    listed = json.loads(path.read_text())
    listed[0][field] = plain if value == "other" else value
    path.write_text(json.dumps(listed))
    report = scene.verify(f"embedded:{scene.network.url}")
    assert [line.name for line in report.caught] == [caught]


def test_the_signer_signs_no_other_data(scene: Scene) -> None:
    wallet, signer = scene.counter.till.wallet, scene.network.signer
    pay, good = [(ADDRESS, 10_000)], anchor_data(5, bytes(32))
    for data in (b"hello", good + b"x", good[:-1], b"XLOG" + good[4:]):
        with pytest.raises(SignerRefused) as refused:
            signer.sign(wallet.build(pay, 2_000, data).psbt, purpose="payout", machine="")
        assert refused.value.reason == "data"
    assert signer.sign(wallet.build(pay, 2_000, good).psbt, purpose="payout", machine="")


def test_the_anchor_needs_no_place_on_the_allow_list(scene: Scene) -> None:
    path = scene.network.folder / "signer" / "policy.toml"
    before = path.read_text()
    wallet, good = scene.counter.till.wallet, anchor_data(5, bytes(32))
    try:
        path.write_text(before.replace("allow_list = []", f'allow_list = ["{ADDRESS}"]'))
        draft = wallet.build([(ADDRESS, 10_000)], 2_000, good)
        assert scene.network.signer.sign(draft.psbt, purpose="payout", machine="")
    finally:
        path.write_text(before)


def test_an_anchor_is_only_this() -> None:
    script, sats = anchor_output(7, bytes(32))
    assert is_anchor(script, sats) and len(script) == 46
    assert not is_anchor(script, 1) and not is_anchor(script + b"x", 0)
    assert not is_anchor(b"\x6a\x2c" + bytes(44), 0)
    assert journal.GENESIS not in script.hex()
