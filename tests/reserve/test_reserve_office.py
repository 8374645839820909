"""The office's verbs by command: what the server's own shell may do, and how refusals are said."""

from __future__ import annotations

import dataclasses
import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click
import msgspec
import pytest
from click.testing import CliRunner

from office_scene import FORFEIT, THEIRS, Scene, prove, published
from reserve_scene import vault_of
from tallystick.cli import main, reserve_office
from tallystick.core.clock import SystemClock
from tallystick.reserve import codes, liabilities, lots, record, vaults, watch, words
from tallystick.reserve.errors import CodeRefused, ReserveError
from tallystick.reserve.model import Origin
from tallystick.reserve.office import CONFIRMATIONS_MAX, FEE_SATS_MAX, Policy, policy_of
from tallystick.reserve.vault import Kind


class Shell:
    """``tallystick reserve …`` on a scene's own database and chain."""

    def __init__(self, scene: Scene, folder: Path) -> None:
        self.scene, self.folder = scene, folder
        self.database = str(scene.store.engine.url)

    def run(self, verb: str, *more: str, chain: bool = False):
        under = (more[0],) if verb == "vault" else ()
        more = more[len(under) :]
        given = ["--data", str(self.folder), "--database", self.database]
        given += ["--chain", self.scene.chain.url] if chain else []
        return CliRunner().invoke(main, ["reserve", verb, *under, *given, *more])


@pytest.fixture
def shell(make_scene: Any, tmp_path: Path) -> Shell:
    """The commands go by the machine's clock, and so does their scene."""
    return Shell(make_scene(start=SystemClock().now()), tmp_path / "office")


def test_a_coin_is_taken_in_and_an_unlawful_sale_refused_by_command(shell: Shell) -> None:
    scene, by = shell.scene, shell.scene.people["maker"]
    coin = ":".join(map(str, scene.deposit(2_000_000, None)))
    path = shell.folder.parent / "origin.json"
    path.write_bytes(msgspec.json.encode(FORFEIT))
    run = shell.run("origin", "--by", by, coin, str(path))
    assert run.exit_code == 0, run.output
    early = shell.run("accept", "--by", by, coin)
    assert early.exit_code == 1 and "error 1309" in early.output
    with scene.store.transact() as tx:
        from tallystick.core import approvals

        made = approvals.listed(tx, kind="origin")[0]
        who = scene.people["auditor"]
        approvals.approve(tx, scene.clock, made.id, who, "reserve.auditor", made.digest)
    run = shell.run("accept", "--by", by, coin)
    assert run.exit_code == 0 and "forfeiture" in run.output
    sale = ("--act", "sale", "--vault", scene.vault.id, "--pay", f"{THEIRS}=0.01", "--why", "x")
    run = shell.run("propose", "--by", by, *sale, chain=True)
    assert run.exit_code == 1 and "DEMO/hold" in run.output
    listed = json.loads(shell.run("movements", "--json").output)
    assert [one["state"] for one in listed] == ["refused"]
    run = shell.run("audit", "--json", chain=True)
    assert run.exit_code == 0 and len(json.loads(run.output)) == 6


def test_freeze_watch_and_refusals_say_where_the_coins_are(shell: Shell) -> None:
    shell.scene.deposit(1_000_000, FORFEIT)
    run = shell.run("freeze", "--by", shell.scene.people["holder"], "--why", "doubt")
    assert run.exit_code == 1 and "error 8034" in run.output and "the coins:" in run.output
    assert shell.run("freeze", "--by", shell.scene.people["board"], "--why", "x").exit_code == 0
    run = shell.run("watch", chain=True)
    assert run.exit_code == 1 and "frozen" in run.output
    run = shell.run("thaw", "--by", shell.scene.people["maker"])
    assert run.exit_code == 0 and "Proposal" in run.output


def test_a_proof_is_begun_signed_and_finished_by_files(shell: Shell) -> None:
    scene = shell.scene
    scene.deposit(1_000_000, FORFEIT)
    claims = shell.folder.parent / "claims.json"
    claims.write_text(json.dumps({"a": 1_000, "b": 2_500}))
    run = shell.run("prove", "--owed", str(claims), chain=True)
    assert run.exit_code == 0, run.output
    id_ = run.output.split()[1]
    folder = shell.folder / "proofs" / id_
    psbt = (folder / "0.psbt").read_text()
    given = []
    for number, one in enumerate(scene.signers[:3]):
        path = folder / f"signed-{number}.psbt"
        path.write_text(one.sign(psbt, one.show(psbt)["digest"]))
        given += ["--signed", f"0={path}"]
    run = shell.run("prove", "--id", id_, *given[:4], chain=True)
    assert run.exit_code == 1 and "error 8036" in run.output
    run = shell.run("prove", "--id", id_, *given, chain=True)
    assert run.exit_code == 0 and "published" in run.output
    said = json.loads((folder / "shares" / "1.json").read_text())
    shares = msgspec.convert(said["shares"], list[liabilities.Share])
    root = msgspec.convert(said["root"], liabilities.Node)
    liabilities.check(shares, 2_500, root)
    assert root.sats == 3_500


def test_a_code_is_the_officials_own_and_wrong_ones_rest_it(scene: Scene) -> None:
    from tallystick.core.identity.errors import TooManyAttempts
    from tallystick.core.identity.people import FAILURES_MAX

    person = scene.people["treasurer"]
    with scene.store.transact() as tx:
        for bad in (("short", "long enough"), ("the same code", "the same code")):
            with pytest.raises(CodeRefused):
                codes.put(tx, scene.clock, person, *bad)
        codes.put(tx, scene.clock, person, "my own code", "the other one")
        assert codes.enter(tx, scene.clock, person, "my own code")
        assert codes.given(tx, person, "m1") is None
        codes.enter(tx, scene.clock, person, "my own code", "m1")
        assert codes.given(tx, person, "m1") is True and codes.given(tx, person, "m2") is None
        codes.put(tx, scene.clock, person, "my own code", "the other two")
        assert codes.given(tx, person, "m1") is None, "codes set anew are asked for anew"
        for _ in range(FAILURES_MAX):
            with pytest.raises(CodeRefused):
                codes.enter(tx, scene.clock, person, "a guess at it")
        with pytest.raises(TooManyAttempts):
            codes.enter(tx, scene.clock, person, "my own code")


def test_what_is_published_names_nobody(scene: Scene, tmp_path: Path) -> None:
    """Nor a giver or seller, while case, agency, finality, sums and days are there."""
    scene.deposit(1_000_000, FORFEIT)
    scene.deposit(400_000, Origin("gift", giver="Ada Private"))
    bought = Origin(
        "purchase", source="unclaimed property", seller="Ben Private", cost_minor=1, currency="USD"
    )
    scene.deposit(300_000, bought)
    scene.through(scene.propose("refresh"))
    prove(scene)
    folder = published(scene, tmp_path / "log")
    text = "".join(path.read_text("utf-8", "replace") for path in folder.rglob("*.json"))
    assert "reserve.treasurer" in text and scene.people["treasurer"] in text
    for name in ("treasurer", "auditor", "holder 0"):
        assert f'"{name}"' not in text
    assert "Private" not in text and text.count("sealed:") >= 6
    for kept in ("26-0118", "Police", "2026-10-02", "unclaimed property"):
        assert kept in text
    with scene.store.read() as tx:
        assert all("Private" not in str(one) for one in lots.lots(tx))
    with scene.store.read() as tx:
        assert lots.lots(tx) and record.history(tx, "proof")


def test_verify_says_which_proofs_it_took_on_trust(scene: Scene, tmp_path: Path) -> None:
    from tallystick.core.tlog import reader, verify
    from tallystick.reserve.prove import PROOFS_CHECKED_MAX

    scene.deposit(1_000_000, FORFEIT)
    for _ in range(PROOFS_CHECKED_MAX + 2):
        scene.clock.advance(60)
        prove(scene)
    folder = published(scene, tmp_path / "log")
    scene.clock.advance(10)
    asked = verify.Asked(settings={"chain": scene.chain.url})
    report = verify.verify(reader.open_source(str(folder)), asked, scene.clock.now())
    assert report.exit_code == 0
    said = [line.said for line in report.assumed]
    assert any("every event is published" in text for text in said)
    assert any("the coins of 2 older proofs existed" in text for text in said)


def test_a_sealed_name_is_opened_by_what_the_vault_keeps(scene: Scene, tmp_path: Path) -> None:
    from tallystick.core.vault import Vault
    from tallystick.reserve import privacy

    coin = scene.deposit(400_000, None)
    vault = Vault(tmp_path / "vault", scene.clock)
    given = (scene.clock, coin, Origin("gift", giver="Ada Private"), scene.people["maker"])
    with scene.store.transact() as tx:
        assert lots.register(tx, *given, vault) is not None
        _, label = lots.registered(tx, f"{coin[0]}:{coin[1]}")
    kept = vault.export(scene.store, privacy.subject(coin), "auditor", "a court asks")[0]
    (opening,) = msgspec.json.decode(kept.content, type=tuple[privacy.Opening, ...])
    assert opening.name == "Ada Private" and privacy.commitment(opening) == label.giver
    other = msgspec.structs.replace(opening, name="Bob Private")
    assert privacy.commitment(other) != label.giver


def test_a_vault_is_put_in_its_ledger_once_and_by_name(shell: Shell) -> None:
    scene = shell.scene
    made = vault_of(Kind.SORTEDMULTI, scene.signers[3:8], 3)
    made = dataclasses.replace(made, id="v-second", name="second")
    with scene.store.transact() as tx:
        vaults.register(tx, made, scene.clock)
    assert shell.run("vault", "assign", "--ledger", "other", "second").exit_code == 0
    assert shell.run("vault", "assign", "--ledger", "other", "second").exit_code == 0
    run = shell.run("vault", "assign", "--ledger", "reserve", "second")
    assert run.exit_code == 1 and "belongs to the ledger other" in run.output
    assert shell.run("vault", "assign", "--ledger", "other", "nowhere").exit_code == 1
    with scene.store.read() as tx:
        assert [row["kind"] for row in record.history(tx, "vault:v-second")] == ["vault_assigned"]


def wait_for(held: Callable[[], bool]) -> None:
    for _ in range(200):
        if held():
            return
        time.sleep(0.05)
    raise AssertionError("ten seconds went by")


def test_the_server_watches_publishes_and_answers(make_scene: Any, tmp_path: Path) -> None:
    """Without a chain it publishes all the same; killed and started again, it sees a deposit."""
    import httpx

    from network import Process
    from tallystick.bitcoin.transaction import script_of

    scene = make_scene(start=SystemClock().now())
    address, data = scene.address(), tmp_path / "data"
    data.mkdir()

    def begin(chain: str) -> tuple[Process, str]:
        ready = tmp_path / "ready"
        given = ("--data", str(data), "--database", str(scene.store.engine.url))
        made = Process("tallystick.cli", "reserve", "serve", *given, "--chain", chain, ready=ready)
        return made, ready.read_text().split()[1]

    alone, public = begin("embedded:http://127.0.0.1:1")
    wait_for(lambda: httpx.get(f"{public}/log/checkpoint", trust_env=False).status_code == 200)
    opened = data / "log" / "artefacts" / "reserve" / "events.json"
    wait_for(lambda: opened.exists() and "established" in opened.read_text())
    alone.kill()
    server, public = begin(scene.chain.url)
    scene.chain.node.fund(script_of(address, "regtest"), 1_000_000)
    scene.chain.mine()
    try:
        for _ in range(300):
            with scene.store.read() as tx:
                seen = [one.sats for one in lots.coins(tx)]
            answer = httpx.get(f"{public}/log/artefacts/reserve/events.json", trust_env=False)
            if seen and answer.status_code == 200 and "arrived" in answer.text:
                break
            time.sleep(0.05)
        assert seen == [1_000_000]
        kinds = [row["content"]["kind"] for row in answer.json()["events"]]
        assert "established" in kinds and "arrived" in kinds
        assert "The reserve holds" in httpx.get(public, trust_env=False).text
        assert httpx.get(f"{public}/log/checkpoint", trust_env=False).status_code == 200
        assert httpx.get(f"{public}/log/../log.key", trust_env=False).status_code == 404
        health = httpx.get(f"{public}/healthz", trust_env=False).json()
        assert health["ok"] and health["log_entries"] >= len(kinds)
    finally:
        server.stop()


def test_what_serve_is_given_is_kept_for_every_command_and_bounded(tmp_path: Path) -> None:
    data = tmp_path / "office"
    with pytest.raises(click.UsageError, match="from 1 to 250"):
        reserve_office.kept_policy(data, {"inputs_max": 251})
    for wrong in (
        {"confirmations_needed": CONFIRMATIONS_MAX + 1},
        {"fee_sats_max": FEE_SATS_MAX + 1},
        {"fee_sat_per_kvb": 1},
    ):
        with pytest.raises(click.UsageError):
            reserve_office.kept_policy(data, wrong)
    assert policy_of(data) == Policy(), "nothing of it was kept"
    reserve_office.kept_policy(data, {"confirmations_needed": 3, "inputs_max": 20})
    made = reserve_office.kept_policy(data, {"fee_sats_max": 50_000})
    assert made == policy_of(data) == Policy(3, fee_sats_max=50_000, inputs_max=20)
    office = reserve_office.opened(data, f"sqlite:///{tmp_path}/s.sqlite")
    assert office.policy == made
    office.store.close()
    (data / "office.json").write_text('{"confirmations_needed": 1000}')
    with pytest.raises(ReserveError, match="confirmations"):
        policy_of(data)
    assert [Policy().deep(name) for name in ("bitcoin", "signet", "regtest")] == [6, 3, 1]


def test_a_deposit_and_a_movement_count_when_they_are_as_deep_as_was_set(make_scene: Any) -> None:
    from tallystick.bitcoin.transaction import script_of

    scene = make_scene(policy=Policy(confirmations_needed=2, fee_sats_max=2_000))
    scene.chain.node.fund(script_of(scene.address(), "regtest"), 9_000_000)
    scene.chain.mine()
    assert watch.look(scene.office).deposits == (), "one block is not two"
    scene.chain.mine()
    (name,) = watch.look(scene.office).deposits
    coin = name.partition(":")
    scene.take_in((coin[0], int(coin[2])), FORFEIT)
    made = scene.propose("refresh")
    scene.agree(made)
    scene.authorise(made)
    scene.sign(made)
    scene.run()
    scene.chain.mine()
    scene.run()
    assert scene.now(made).state == "sent"
    scene.chain.mine()
    scene.run()
    assert scene.now(made).state == "settled"


def test_a_stuck_movement_is_planned_at_a_higher_fee_by_command(shell: Shell) -> None:
    scene = shell.scene
    scene.deposit(9_000_000, FORFEIT)
    made = scene.propose("refresh")
    run = shell.run("bump", "--fee-rate", "4000", made.reference, chain=True)
    assert run.exit_code == 1 and "no fee to raise" in run.output
    scene.agree(made)
    scene.authorise(made)
    first = scene.sign(made)
    assert shell.run("watch", chain=True).exit_code == 0
    run = shell.run("bump", "--fee-rate", "400000", made.reference, chain=True)
    assert run.exit_code == 1 and "approved at most" in run.output
    run = shell.run("bump", "--fee-rate", "4000", made.reference, chain=True)
    assert run.exit_code == 0 and "signs again" in run.output, run.output
    again = scene.now(made)
    assert again.digest == first.digest and again.fee_sats > first.fee_sats
    assert scene.sign(again).stored.pay.txid != first.stored.pay.txid


def test_many_coins_go_in_parts_by_command_and_words_are_bounded(shell: Shell) -> None:
    scene, by = shell.scene, shell.scene.people["maker"]
    for sats in (3_000_000, 4_000_000):
        scene.deposit(sats, FORFEIT)
    shell.folder.mkdir()
    (shell.folder / "office.json").write_text('{"inputs_max": 1}')
    assert shell.run("watch", chain=True).exit_code == 0
    given = ("--by", by, "--act", "refresh", "--vault", scene.vault.id)
    run = shell.run("propose", *given, "--parts", "--why", "x" * 301, chain=True)
    assert run.exit_code == 1 and "1 to 300 printable characters" in run.output
    run = shell.run("propose", *given, "--why", "in time", chain=True)
    assert run.exit_code == 1 and "move in parts" in run.output
    run = shell.run("propose", *given, "--parts", "--why", "in time", chain=True)
    assert run.exit_code == 0 and run.output.count("is proposed") == 2, run.output
    assert words.WARNING in run.output and "refresh: in time" in run.output
    made = json.loads(shell.run("movements", "--json").output)[0]["reference"]
    run = shell.run("veto", "--by", by, "--why", "y\ny", made)
    assert run.exit_code == 1 and "printable" in run.output
    assert json.loads(shell.run("movements", "--json").output)[0]["state"] == "proposed"
