"""A witness answers with the codes of the text, signs no fork, and forgets nothing."""

from __future__ import annotations

import base64
import datetime as dt
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from log_scene import names, open_scene, signer
from starlette.concurrency import run_in_threadpool

from serving import serve, stop_all
from tallystick.core.clock import SeededClock
from tallystick.core.tlog import ask, checkpoint, keys, merkle, note, policy
from tallystick.core.tlog import log as ours
from tallystick.core.tlog.checkpoint import Checkpoint
from tallystick.core.tlog.keys import Cosigner, LogSigner
from tallystick.core.tlog.note import Note
from tallystick.core.tlog.publish import Publisher
from tallystick.core.tlog.verify import Asked
from tallystick.core.tlog.witness import REQUEST_BYTES_MAX, SIZE_TYPE, Witness, origin_hash
from tallystick.core.tlog.witness_keys import signers_of
from tallystick.web.proxies import networks
from tallystick.web.witness import create_app
from vectors import load

VECTORS = load("witness_add_checkpoint")
NAME = "witness.example/w1"


def make(folder: Path, *logs: keys.Key, name: str = NAME, ml_dsa: bool = False) -> Witness:
    clock = SeededClock(3)
    return Witness(folder / "seen", signers_of(folder, name, ml_dsa, clock), logs, clock)


@pytest.fixture
def client(tmp_path: Path) -> Iterator[httpx.Client]:
    yield serve(create_app(make(tmp_path, keys.read(VECTORS["log_vkey"]), ml_dsa=True)))
    stop_all()


def test_the_published_requests_in_their_order(client: httpx.Client, tmp_path: Path) -> None:
    for case in VECTORS["requests"]:
        reply = client.post("/add-checkpoint", content=case["body"].encode())
        assert reply.status_code == case["status"], case["name"]
        if "response_body" in case:
            assert reply.text == case["response_body"]
            assert reply.headers["content-type"] == case["response_content_type"] == SIZE_TYPE
        if reply.status_code == 200:
            text = case["body"].partition("\n\n")[2]
            lines = tuple(note.read_line(line) for line in reply.text.splitlines())
            known = [one.key for one in signers_of(tmp_path, NAME, True, SeededClock(0))]
            signed = keys.check(Note(note.read(text.encode()).text, lines), known)
            assert {one.key.type for one in signed} == {4, 6} and all(one.time for one in signed)
    name = origin_hash(VECTORS["log_origin"])
    shown = client.get(f"/{name}/checkpoint")
    assert shown.status_code == 200
    found = note.read(shown.content)
    assert len(keys.check(found, [*known, keys.read(VECTORS["log_vkey"])])) == 3
    assert client.get(f"/{'0' * 64}/checkpoint").status_code == 404
    assert client.post("/add-checkpoint", content=b"x" * (REQUEST_BYTES_MAX + 1)).status_code == 413


LEAVES = [merkle.leaf(bytes([n])) for n in range(16)]


def root(size: int, fork: bytes = b"") -> bytes:
    return merkle.root_of([*LEAVES[: size - 1], merkle.leaf(fork)] if fork else LEAVES[:size])


def node(level: int, index: int) -> bytes:
    return merkle.root_of(LEAVES[index << level : (index + 1) << level])


def hand_in(
    witness: Witness, old: int, size: int, top: bytes, proof: list[bytes] | None = None
) -> int:
    made = str(Checkpoint(signer().key.name, size, top))
    hashes = merkle.consistency(node, old, size) if proof is None else proof
    lines = "".join(f"{base64.b64encode(item).decode()}\n" for item in hashes)
    signed = Note(made, (signer().sign(made),))
    return witness.add_checkpoint(f"old {old}\n{lines}\n{signed}".encode()).status


def test_from_an_empty_tree(tmp_path: Path) -> None:
    witness = make(tmp_path, signer().key)
    assert hand_in(witness, 0, 0, bytes(32)) == 422
    assert hand_in(witness, 0, 0, merkle.EMPTY) == 200
    assert hand_in(witness, 0, 5, root(5), [bytes(32)]) == 422
    assert hand_in(witness, 0, 5, root(5)) == 200
    assert hand_in(witness, 5, 4, root(4), []) == 400
    assert hand_in(witness, 5, 0, bytes(32), []) == 400


def test_no_fork_is_signed_also_after_a_restart(tmp_path: Path) -> None:
    assert hand_in(make(tmp_path, signer().key), 0, 7, root(7)) == 200
    witness = make(tmp_path, signer().key)
    assert hand_in(witness, 7, 7, root(7, b"x"), []) == 422
    assert hand_in(witness, 7, 9, root(9, b"x"), merkle.consistency(node, 7, 9)) == 422
    assert hand_in(witness, 0, 9, root(9)) == 409
    assert hand_in(witness, 7, 7, root(7), []) == 200
    assert hand_in(witness, 7, 9, root(9)) == 200


class SlowClock(SeededClock):
    """Takes its time between the check and the signature, so that others come in between."""

    def now(self) -> dt.datetime:
        time.sleep(0.05)
        return super().now()


def test_of_two_at_once_one_is_signed(tmp_path: Path) -> None:
    witness = make(tmp_path, signer().key)
    witness.clock = SlowClock(1)
    tops = [root(8, bytes([n])) for n in range(8)]
    found: list[int] = []
    threads = [
        threading.Thread(target=lambda top=top: found.append(hand_in(witness, 0, 8, top)))
        for top in tops
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(found) == [200, *[409] * 7]


def test_subtrees_are_signed_with_ml_dsa_alone(tmp_path: Path) -> None:
    witness = make(tmp_path, signer().key, ml_dsa=True)
    assert hand_in(witness, 0, 15, root(15)) == 200
    whole = witness.latest(signer().key.name)
    assert whole is not None

    def ask_for(start: int, end: int, top: bytes) -> tuple[int, str]:
        proof = merkle.prove(node, start, end, 15)
        lines = "".join(f"{base64.b64encode(item).decode()}\n" for item in (top, *proof))
        body = f"subtree {start} {end}\n{lines}\n{whole}"
        found = witness.sign_subtree(body.encode())
        return found.status, found.body

    part = merkle.root_of(LEAVES[8:13])
    status, body = ask_for(8, 13, part)
    assert status == 200
    line = note.read_line(body.removesuffix("\n"))
    mldsa = witness.signers[1].key
    assert (line.id, line.signature[:8]) == (mldsa.id, bytes(8))
    assert ask_for(8, 13, bytes(32))[0] == 422
    assert witness.sign_subtree(b"subtree 3 1\n\nx").status == 400


def policy_of(*witnesses: tuple[Cosigner, str], quorum: int = 2) -> policy.TrustPolicy:
    lines = [f"log {signer().key}"]
    lines += [f"witness w{n} {one.key} {url}" for n, (one, url) in enumerate(witnesses)]
    members = " ".join(f"w{n}" for n in range(len(witnesses)))
    return policy.read("\n".join([*lines, f"group g {quorum} {members}", "quorum g"]))


def test_a_log_gets_its_quorum_and_a_stranger_sees_it(tmp_path: Path) -> None:
    scene = open_scene(tmp_path)
    made = []
    for number in (1, 2):
        folder = tmp_path / f"w{number}"
        witness = make(folder, signer().key, name=f"witness.example/{number}")
        made.append((witness.signers[0], str(serve(create_app(witness)).base_url)))
    lost = Cosigner("witness.example/3", Ed25519PrivateKey.from_private_bytes(bytes(32)))
    trusted = policy_of(*made, (lost, "http://127.0.0.1:9"))
    witnesses = ask.Witnesses(scene.store, trusted, scene.clock)
    scene.cosign = witnesses
    for size in (3, 300):
        scene.grow(size)
        signed = scene.publish()
        assert not witnesses.wanting(signed)
        report = scene.verify(Asked(policy=trusted))
        assert report.exit_code == 0 and "witnesses" in names(report.proved), report
        assert report.proved[-1].name == "time" or "time" in names(report.proved)
    more = policy_of(*made, (lost, ""), quorum=3)
    assert names(scene.verify(Asked(policy=more)).caught) == ["too-few-witnesses"]
    witnesses.close()
    scene.cosign = again = ask.Witnesses(scene.store, trusted, scene.clock)
    scene.grow(5)
    assert not again.wanting(scene.publish()), "it knows no size: the witnesses tell it"
    again.close()
    stop_all()
    scene.store.close()


def test_only_lines_that_hold_are_taken(tmp_path: Path) -> None:
    from starlette.applications import Starlette
    from starlette.responses import PlainTextResponse
    from starlette.routing import Route

    scene = open_scene(tmp_path)
    scene.grow(4)
    liar = Cosigner("liar.example", Ed25519PrivateKey.from_private_bytes(bytes([7]) * 32))
    answers = iter([str(liar.cosign("another text\n", 5)), "x" * 100_000, "garbage", "409\n"])
    app = Starlette(
        routes=[
            Route("/add-checkpoint", lambda r: PlainTextResponse(next(answers)), methods=["POST"])
        ]
    )
    trusted = policy_of((liar, str(serve(app).base_url)), quorum=1)
    scene.cosign = asking = ask.Witnesses(scene.store, trusted, scene.clock)
    for _ in range(4):
        signed = scene.publish()
        assert len(signed.note.lines) == 1 and asking.wanting(signed)
        scene.grow(1)
        scene.clock.advance(ask.AGAIN_S_MAX)
    asking.close()
    with scene.store.read() as tx:
        newest = ours.checkpoint(tx)
    assert newest is not None and checkpoint.read(newest.note.text).size == newest.size
    stop_all()
    scene.store.close()


def test_another_logs_signer_is_refused(tmp_path: Path) -> None:
    witness = make(tmp_path, signer().key)
    other = LogSigner(signer().key.name, Ed25519PrivateKey.from_private_bytes(bytes([8]) * 32))
    made = str(Checkpoint(other.key.name, 0, merkle.EMPTY))
    body = f"old 0\n\n{Note(made, (other.sign(made),))}"
    assert witness.add_checkpoint(body.encode()).status == 403


def test_a_slow_witness_delays_no_checkpoint(tmp_path: Path) -> None:
    """It answers when told to; two checkpoints are out before, and its line comes to the first."""
    scene, woken = open_scene(tmp_path), threading.Event()
    inner = create_app(make(tmp_path / "w", signer().key, name="slow.example"))

    async def slow(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "http":
            await run_in_threadpool(woken.wait, 20)
        await inner(scope, receive, send)

    known = signers_of(tmp_path / "w", "slow.example", False, SeededClock(3))[0]
    trusted = policy_of((known, str(serve(slow).base_url)), quorum=1)
    asking = ask.Witnesses(scene.store, trusted, scene.clock)
    given = (scene.store, signer(), scene.folder, scene.clock, asking, "", asking.wanting)
    publisher = Publisher(*given)
    for size in (3, 5):
        scene.grow(size)
        publisher.step()
        shown = note.read((scene.folder / "checkpoint").read_bytes())
        assert checkpoint.read(shown.text).size in (3, 8) and len(shown.lines) == 1
    assert names(scene.verify(Asked(policy=trusted)).caught) == ["too-few-witnesses"]
    woken.set()
    asking.settle()
    publisher.step()
    report = scene.verify(Asked(policy=trusted))
    assert report.exit_code == 0 and report.checkpoint["size"] == 8, report
    assert any("up to entry 3" in line.said for line in report.proved)
    assert any("5 entries after entry 3" in line.said for line in report.assumed)
    asking.settle()
    signed = publisher.step()
    assert signed.size == 8 and not asking.wanting(signed)
    report = scene.verify(Asked(policy=trusted))
    assert not any("after entry" in line.said for line in report.assumed)
    asking.close()
    stop_all()
    scene.store.close()


def test_each_address_may_ask_so_often(tmp_path: Path) -> None:
    """Counted to the limit; a header is believed from a trusted proxy alone, and from its end."""
    witness = make(tmp_path, signer().key)
    client = serve(create_app(witness, (), per_minute=3), proxy_headers=False)
    codes = [
        client.post("/add-checkpoint", content=b"", headers={"X-Forwarded-For": f"8.8.8.{n}"})
        for n in range(4)
    ]
    assert [one.status_code for one in codes] == [400, 400, 400, 429], "the header is nobody's word"
    assert codes[-1].headers["retry-after"] == "60"
    assert client.get(f"/{'0' * 64}/checkpoint").status_code == 429
    witness.clock.advance(60)  # type: ignore[attr-defined]
    assert client.post("/sign-subtree", content=b"").status_code == 400
    behind = serve(
        create_app(witness, networks(["127.0.0.0/8", "10.0.0.1"]), per_minute=2),
        proxy_headers=False,
    )

    def ask_as(*forwarded: str) -> int:
        headers = [("X-Forwarded-For", one) for one in forwarded]
        return behind.post("/add-checkpoint", content=b"", headers=headers).status_code

    assert [ask_as("9.9.9.9") for _ in range(3)] == [400, 400, 429]
    assert ask_as("9.9.9.8") == 400, "another address has its own"
    assert ask_as("1.2.3.4, 9.9.9.9, 10.0.0.1") == 429, "what stands before is anybody's word"
    assert ask_as("1.2.3.4", "9.9.9.9") == 429
    assert ask_as("9.9.9.9, what") == 400, "the last is none: counted to the proxy"
    with pytest.raises(ValueError, match="nowhere"):
        networks(["nowhere"])
    stop_all()
