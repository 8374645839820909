"""The office's verbs by command: what the server's own shell may do, and how refusals are said."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest
from click.testing import CliRunner

from office_scene import FORFEIT, THEIRS, Scene, prove, published
from tallystick.cli import main
from tallystick.core.clock import SystemClock
from tallystick.reserve import codes, liabilities, lots, record
from tallystick.reserve.errors import CodeRefused


class Shell:
    """``tallystick reserve …`` on a scene's own database and chain."""

    def __init__(self, scene: Scene, folder: Path) -> None:
        self.scene, self.folder = scene, folder
        self.database = str(scene.store.engine.url)

    def run(self, verb: str, *more: str, chain: bool = False):
        given = ["--data", str(self.folder), "--database", self.database]
        given += ["--chain", self.scene.chain.url] if chain else []
        return CliRunner().invoke(main, ["reserve", verb, *given, *more])


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
        for _ in range(FAILURES_MAX):
            with pytest.raises(CodeRefused):
                codes.enter(tx, scene.clock, person, "a guess at it")
        with pytest.raises(TooManyAttempts):
            codes.enter(tx, scene.clock, person, "my own code")


def test_what_is_published_names_nobody(scene: Scene, tmp_path: Path) -> None:
    scene.deposit(1_000_000, FORFEIT)
    scene.through(scene.propose("refresh"))
    prove(scene)
    folder = published(scene, tmp_path / "log")
    text = "".join(path.read_text("utf-8", "replace") for path in folder.rglob("*.json"))
    assert "reserve.treasurer" in text and scene.people["treasurer"] in text
    for name in ("treasurer", "auditor", "holder 0"):
        assert f'"{name}"' not in text
    with scene.store.read() as tx:
        assert lots.lots(tx) and record.history(tx, "proof")


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
