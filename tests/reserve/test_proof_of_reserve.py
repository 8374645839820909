"""A proof of reserve holds for anyone with their own chain, and every lie in it is named."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from office_scene import DAY_S, FORFEIT, GIFT, Scene, prove, published
from tallystick.bitcoin.lookup import Lookup, open_lookup
from tallystick.core.clock import SeededClock
from tallystick.core.tlog import reader
from tallystick.core.tlog import verify as checks
from tallystick.core.tlog.report import Report
from tallystick.core.tlog.verify import Asked
from tallystick.reserve import attest, liabilities, lots, watch
from tallystick.reserve import prove as proving
from tallystick.reserve.errors import ProofRefused, Unsigned
from tallystick.reserve.liabilities import Tree
from tallystick.reserve.tables import COINS, LOTS
from tallystick.web.reserve import views


class Proved:
    """A reserve with two proofs of different days, published beside its log."""

    def __init__(self, scene: Scene, folder: Path) -> None:
        self.scene, self.url = scene, scene.chain.url
        scene.deposit(3_000_000, FORFEIT)
        scene.deposit(2_000_000, GIFT)
        self.older = prove(scene)
        scene.through(scene.propose("refresh"))
        self.tree = Tree({"a": 50_000, "b": 70_000}, scene.clock)
        self.newer = prove(scene, owed=self.tree.root)
        self.folder = published(scene, folder / "log")

    def verify(self, folder: Path | None = None, chain: bool = True) -> Report:
        source = reader.open_source(str(folder or self.folder))
        settings = {"chain": self.url} if chain else {}
        return checks.verify(source, Asked(settings=settings), self.scene.clock.now())


@pytest.fixture(scope="module")
def proved(tmp_path_factory: pytest.TempPathFactory, reserve_chain: Any) -> Proved:
    import databases
    from reserve_scene import devices

    folder = tmp_path_factory.mktemp("proved")
    store = databases.opened(f"sqlite:///{folder}/s.sqlite")
    signers = devices(folder / "signers", 8, 900)
    return Proved(Scene(folder, store, reserve_chain, signers), folder)


def test_a_published_folder_verifies_against_the_readers_own_chain(proved: Proved) -> None:
    report = proved.verify()
    assert report.exit_code == 0, report.caught
    said = {line.name for line in report.proved}
    assert {"signature", "entries", "reserve", "reserve-events"} <= said
    words = " ".join(line.said for line in report.proved)
    assert "the reader's chain has each unspent" in words
    assert any("copies of the keys" in line.said for line in report.assumed)


def test_without_a_chain_it_says_what_it_had_to_assume(proved: Proved) -> None:
    report = proved.verify(chain=False)
    assert report.exit_code == 0
    assert any("no chain was asked" in line.said for line in report.assumed)


def test_the_statement_says_what_is_held_and_what_binds_it(proved: Proved) -> None:
    said = proved.newer.statement
    assert said["totals"] == {"reserve": sum(c["sats"] for c in said["coins"]), "other": 0}
    assert {lot["origin"]["kind"] for lot in said["lots"]} == {"forfeiture", "gift"}
    assert all(lot["no_sale_before"].startswith("2046") for lot in said["lots"])
    assert said["limits"]["budget_sats"] == 0 and said["limits"]["encumber"] == "refuse"
    assert said["owed"] == {"root": proved.tree.root.hash, "sats": 120_000}


@pytest.fixture(scope="module")
def chain(proved: Proved) -> Iterator[Lookup]:
    opened = open_lookup(proved.url)
    yield opened
    opened.close()


Change = Callable[[dict[str, Any], dict[str, Any]], None]


def drop_proof(doc: dict[str, Any], _: dict[str, Any]) -> None:
    doc["proofs"] = []


def replay(doc: dict[str, Any], older: dict[str, Any]) -> None:
    doc["proofs"] = older["proofs"]


def add_proof_twice(doc: dict[str, Any], _: dict[str, Any]) -> None:
    doc["proofs"] *= 2


def another_height(doc: dict[str, Any], _: dict[str, Any]) -> None:
    doc["statement"]["height"] += 1


def another_block(doc: dict[str, Any], _: dict[str, Any]) -> None:
    doc["statement"]["block"] = "ab" * 32


def another_root(doc: dict[str, Any], _: dict[str, Any]) -> None:
    doc["log"]["root"] = "cd" * 32


def duplicate_coin(doc: dict[str, Any], _: dict[str, Any]) -> None:
    doc["statement"]["coins"] *= 2


def more_sats(doc: dict[str, Any], _: dict[str, Any]) -> None:
    coin = doc["statement"]["coins"][0]
    coin["sats"] += 1
    coin["parcels"][0][1] += 1
    lot = next(x for x in doc["statement"]["lots"] if x["id"] == coin["parcels"][0][0])
    lot["held_sats"] += 1
    doc["statement"]["totals"]["reserve"] += 1


def hide_coin(doc: dict[str, Any], _: dict[str, Any]) -> None:
    coin = doc["statement"]["coins"].pop()
    for lot, sats in coin["parcels"]:
        next(x for x in doc["statement"]["lots"] if x["id"] == lot)["held_sats"] -= sats
    doc["statement"]["totals"]["reserve"] -= coin["sats"]


def other_descriptor(doc: dict[str, Any], _: dict[str, Any]) -> None:
    """Claim a quorum of five where three suffice: another descriptor derives other scripts."""
    vault = doc["statement"]["vaults"][0]
    from tallystick.bitcoin.descriptor import with_checksum

    body = vault["descriptor"].partition("#")[0].replace("sortedmulti(3,", "sortedmulti(5,")
    vault["descriptor"] = with_checksum(body)


def swap_lots(doc: dict[str, Any], _: dict[str, Any]) -> None:
    for coin in doc["statement"]["coins"]:
        coin["parcels"] = [["nowhere", coin["sats"]]]


def wrong_total(doc: dict[str, Any], _: dict[str, Any]) -> None:
    doc["statement"]["totals"]["reserve"] += 1


def negative(doc: dict[str, Any], _: dict[str, Any]) -> None:
    doc["statement"]["coins"][0]["sats"] = -1


@pytest.mark.parametrize(
    ("change", "named"),
    [
        (drop_proof, "not signed for"),
        (replay, "another height, block, log or day"),
        (add_proof_twice, "proven twice"),
        (another_height, "another height, block, log or day"),
        (another_block, "another height, block, log or day"),
        (another_root, "another height, block, log or day"),
        (duplicate_coin, "counted twice"),
        (more_sats, "not the"),
        (hide_coin, "not stated"),
        (other_descriptor, "for another address"),
        (swap_lots, "another ledger, or of none"),
        (wrong_total, "not to the totals"),
        (negative, "no sum of satoshis"),
    ],
)
def test_c14_a_false_proof_is_rejected_and_what_is_false_is_named(
    proved: Proved, chain: Lookup, change: Change, named: str
) -> None:
    """Replayed, duplicated, another height, a missing signature: each is named, by file alone."""
    good = json.loads(json.dumps(attest.document(proved.newer)))
    older = json.loads(json.dumps(attest.document(proved.older)))
    proving.check(good, chain)
    bad = copy.deepcopy(good)
    change(bad, older)
    with pytest.raises(ProofRefused, match=named):
        proving.check(bad, chain)


def test_c14_a_coin_spent_before_the_stated_block_is_found_by_the_readers_chain(
    proved: Proved, chain: Lookup
) -> None:
    """The older proof is true for its block and says so; claimed for a later one it is not."""
    older = json.loads(json.dumps(attest.document(proved.older)))
    gone: dict[str, int] = {}
    proving.check(older, chain, gone)
    assert gone and all(at > older["statement"]["height"] for at in gone.values())
    said = older["statement"]
    said["height"] = chain.tip()
    said["block"] = chain.block_hash(said["height"])
    with pytest.raises(ProofRefused, match="was spent in block"):
        proving._on_chain(said, chain, {})


def test_verify_names_what_is_proved_not_proved_and_spent_since(
    make_scene: Any, tmp_path: Path
) -> None:
    """Of two coins one is moved after the proof, and a third comes in; all three are named."""
    scene = make_scene()
    moved, kept = (scene.deposit(sats, FORFEIT) for sats in (6_000_000, 4_000_000))
    prove(scene, owed=(tree := liabilities.Tree({"a": 1_000, "b": 2_500}, scene.clock)).root)
    done = scene.through(scene.propose("refresh", coins=(f"{moved[0]}:{moved[1]}",)))
    fresh = scene.deposit(3_000_000, None)
    folder = published(scene, tmp_path / "log")

    def look(**settings: str) -> Report:
        asked = Asked(settings={"chain": scene.chain.url, **settings})
        return checks.verify(reader.open_source(str(folder)), asked, scene.clock.now())

    report = look()
    assert report.exit_code == 0, report.caught
    proved = {line.name: line.said for line in report.proved}
    assert proved["reserve"].startswith("proved: 10,000,000 sats in 2 coins at block")
    assert "still unspent today: 4,000,000 sats in 1 coins" in proved["reserve-now"]
    assert (
        f"spent since: 6,000,000 sats in 1 coins: {moved[0]}:{moved[1]} (block"
        in (proved["reserve-now"])
    )
    assert f"{kept[0]}:{kept[1]}" not in proved["reserve-now"]
    (unproved,) = (line.said for line in report.assumed if line.name == "reserve-unproved")
    assert f"3,000,000 sats in 1 coins that came in: {fresh[0]}:{fresh[1]}" in unproved
    assert "1 movements" in unproved and done.stored.pay.txid in unproved
    with scene.store.read() as tx:
        shown = views.public(tx, scene.clock.now())["proved"]
    left = 6_000_000 - done.fee_sats
    assert shown == {"proved": 10_000_000, "spent": 6_000_000, "unproved": 3_000_000 + left}
    mine = {"root": tree.root, "shares": tree.shares("b")}
    claim = msgspec.json.encode(mine).decode()
    said = [line.said for line in look(claim=claim).proved if line.name == "claim"]
    assert said == ["a claim of 2,500 sats is in the 3,500 sats that the newest proof owes"]
    other = liabilities.Tree({"b": 2_500, "c": 1_000}, scene.clock)
    false = msgspec.json.encode({"root": other.root, "shares": other.shares("b")}).decode()
    assert [line.name for line in look(claim=false).caught] == ["bad-artefact"]
    assert look(claim="no claim").exit_code == 1
    scene.chain.mine(3)
    prove(scene)
    published(scene, folder)
    report = look()
    assert not [line for line in report.assumed if line.name == "reserve-unproved"]


def test_c14_a_quorum_that_is_short_of_one_proves_nothing(scene: Scene) -> None:
    scene.deposit(1_000_000, FORFEIT)
    with pytest.raises(Unsigned):
        prove(scene, holders=2)


def copied(proved: Proved, folder: Path) -> Path:
    import shutil

    return Path(shutil.copytree(proved.folder, folder / "copy"))


def test_c15_an_event_dropped_altered_or_reordered_is_caught(
    proved: Proved, tmp_path: Path
) -> None:
    folder = copied(proved, tmp_path)
    path = folder / proving.EVENTS
    rows = json.loads(path.read_text())["events"]
    at = next(n for n, row in enumerate(rows) if row["content"]["kind"] == "accepted")
    altered = copy.deepcopy(rows)
    altered[at]["content"]["deposited"] = "2006-01-01"
    back_dated = copy.deepcopy(rows)
    back_dated[at]["content"]["at"] = "2020-01-01T00:00:00Z"
    swapped = [*rows[:at], rows[at + 1], rows[at], *rows[at + 2 :]]
    dropped = [*rows[:at], *rows[at + 1 :]]
    for changed, named in (
        (altered, "is not what the log holds"),
        (back_dated, "is not what the log holds"),
        (swapped, "out of order"),
        (dropped, "(accepted) is withheld"),
        ([row for row in rows if row is not rows[0]], "is withheld"),
    ):
        path.write_text(json.dumps({"events": changed}))
        report = proved.verify(folder)
        assert report.exit_code == 1 and named in report.caught[0].said


def test_c15_a_forked_or_shortened_log_is_caught_and_named(proved: Proved, tmp_path: Path) -> None:
    """An entry taken out of the tiles, or a log that continues another past, never verifies."""
    folder = copied(proved, tmp_path)
    bundle = next((folder / "tile/entries").rglob("*.p/*"))
    bundle.write_bytes(bundle.read_bytes()[:-40])
    report = proved.verify(folder)
    assert report.exit_code == 1
    other = copied(proved, tmp_path / "other")
    name = next(iter(json.loads((other / proving.INDEX).read_text())["attestations"]))
    path = other / proving.FOLDER / name
    document = json.loads(path.read_text())
    document["log"]["size"] += 1
    path.write_text(json.dumps(document))
    caught = proved.verify(other).caught
    assert len(caught) == 1 and "signed another log" in caught[0].said


def test_a_relabelled_lot_does_not_verify(scene: Scene, tmp_path: Path) -> None:
    """Whoever owns the database may write another origin or day; the log says what was accepted."""
    scene.deposit(1_000_000, FORFEIT)
    with scene.store.transact() as tx:
        tx.execute(LOTS.update().values(deposited="2006-01-01"))
    prove(scene)
    folder = published(scene, tmp_path / "log")
    source = reader.open_source(str(folder))
    report = checks.verify(source, Asked(), scene.clock.now())
    assert report.exit_code == 1
    assert "deposited is not what the log says" in report.caught[0].said


def test_nothing_false_is_put_before_the_quorum(scene: Scene) -> None:
    scene.deposit(1_000_000, FORFEIT)
    with scene.store.transact() as tx:
        tx.execute(COINS.update().values(sats=1_000_001))
    with pytest.raises(ProofRefused, match="the books and the chain differ"):
        attest.begin(scene.office)


def test_a_key_that_signs_nothing_for_long_raises_an_alarm(scene: Scene) -> None:
    from tallystick.reserve import record

    scene.deposit(1_000_000, FORFEIT)
    scene.clock.advance(101 * DAY_S)
    watch.look(scene.office)
    with scene.store.read() as tx:
        silent = [one for one in record.alarms(tx) if one["kind"] == "key_silent"]
        overdue = [one for one in record.alarms(tx) if one["kind"] == "proof_overdue"]
    assert len(silent) == 5 and len(overdue) == 1
    prove(scene, holders=3)
    watch.look(scene.office)
    with scene.store.read() as tx:
        kinds = [one["kind"] for one in record.alarms(tx)]
    assert kinds.count("key_silent") == 2 and "proof_overdue" not in kinds


def test_the_same_books_give_the_same_statement(scene: Scene) -> None:
    scene.deposit(1_000_000, FORFEIT)
    with scene.store.read() as tx:
        height, block = scene.office.chain.tip(), "ab" * 32
        with scene.office.using:
            first = attest.statement(tx, scene.office, height, block, None)
            again = attest.statement(tx, scene.office, height, block, None)
        assert first == again and lots.held(tx)
    assert SeededClock(1).now() is not None


def test_the_proof_on_paper_says_what_the_file_says(proved: Proved) -> None:
    from tallystick.reserve.attestation_pdf import as_html, as_pdf

    page = as_html(proved.newer)
    said = proved.newer.statement
    for wanted in (said["block"], proved.newer.log_root, "0.00120000 BTC", "26-0118", "2046"):
        assert wanted in page
    assert all(coin["address"] in page for coin in said["coins"])
    assert as_pdf(proved.newer).startswith(b"%PDF-")
