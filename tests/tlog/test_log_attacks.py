"""Every way to change what was published is caught, and named; so is nothing when all is well."""

from __future__ import annotations

import datetime as dt
import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from bench.long_log import lengthen
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from log_scene import LogScene, names, open_scene, signer

from tallystick.core import journal
from tallystick.core.clock import SeededClock
from tallystick.core.tlog import keys, merkle, policy, tiles
from tallystick.core.tlog.checkpoint import Checkpoint
from tallystick.core.tlog.keys import Cosigner
from tallystick.core.tlog.log import Signed
from tallystick.core.tlog.note import Line, Note
from tallystick.core.tlog.reader import FolderSource
from tallystick.core.tlog.verify import Asked, verify

KEY = signer().key
WITNESS = Cosigner("witness.example", Ed25519PrivateKey.from_private_bytes(bytes([6]) * 32))
TRUSTED = policy.read(f"log {KEY}\nwitness w {WITNESS.key}\nquorum w\n")
SIZE = 66_000


@pytest.fixture(scope="module")
def honest(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LogScene]:
    """A log with three levels of tiles, whose witness signs whatever it is shown."""
    scene = open_scene(tmp_path_factory.mktemp("honest"))

    def cosign(signed: Signed) -> dict[int, list[Line]]:
        at = int(scene.clock.now().timestamp())
        return {signed.size: [WITNESS.cosign(signed.note.text, at)]}

    scene.cosign = cosign
    scene.grow(300)
    scene.publish()
    scene.verify(Asked(policy=TRUSTED, last=scene.folder.parent / "last"))
    (scene.folder.parent / "old.tlog-proof").write_text(str(scene.receipt(299)))
    shutil.copytree(scene.folder, scene.folder.parent / "log-300")
    lengthen(scene.store, SIZE - 300, scene.clock.now().date().isoformat())
    scene.publish()
    yield scene
    scene.store.close()


@pytest.fixture
def copy(honest: LogScene, tmp_path: Path) -> Path:
    shutil.copytree(honest.folder, tmp_path / "log")
    shutil.copy(honest.folder.parent / "last", tmp_path / "last")
    return tmp_path / "log"


def look(honest: LogScene, folder: Path, now: dt.datetime | None = None, **asked: Any) -> list[str]:
    known = {"policy": TRUSTED, "last": folder.parent / "last", **asked}
    report = verify(FolderSource(folder), Asked(**known), now or honest.clock.now())
    assert report.exit_code == (1 if report.caught else 3 if report.unread else 0)
    return names(report.caught) or names(report.unread)


def test_an_honest_log_is_caught_at_nothing(honest: LogScene, copy: Path) -> None:
    receipt = (honest.folder.parent / "old.tlog-proof").read_text()
    assert look(honest, copy, receipt=receipt) == []
    assert look(honest, copy, receipt=str(honest.receipt(65_999)), policy=None, key=KEY) == []
    assert json.loads((copy.parent / "last").read_text())["note"] == (
        (copy / "checkpoint").read_text("utf-8")
    )


def change(path: Path, how: Callable[[bytes], bytes]) -> None:
    path.write_bytes(how(path.read_bytes()))


def flip(data: bytes) -> bytes:
    return data[:40] + bytes([data[40] ^ 1]) + data[41:]


def without(number: int) -> Callable[[bytes], bytes]:
    def how(data: bytes) -> bytes:
        entries = tiles.entries_of(data)
        return tiles.bundle(entries[:number] + entries[number + 1 :])

    return how


def swapped(data: bytes) -> bytes:
    first, second, *rest = tiles.entries_of(data)
    return tiles.bundle([second, first, *rest])


LAST_BUNDLE = f"tile/entries/257.p/{SIZE % 256}"


@pytest.mark.parametrize(
    ("path", "how", "caught"),
    [
        ("tile/0/003", flip, "tampered-tile"),
        (f"tile/0/257.p/{SIZE % 256}", flip, "tampered-tile"),
        ("tile/1/000", flip, "tampered-tile"),
        ("tile/1/001.p/1", lambda data: data[:8] + b"xxxx" + data[12:], "tampered-tile"),
        ("tile/2/000.p/1", lambda data: bytes(32), "tampered-tile"),
        ("tile/entries/003", flip, "tampered-entry"),
        (LAST_BUNDLE, flip, "tampered-entry"),
        ("tile/entries/002", swapped, "tampered-entry"),
        ("tile/entries/000", without(9), "removed-entry"),
        (LAST_BUNDLE, without(0), "removed-entry"),
        ("tile/entries/004", without(255), "truncated-bundle"),
        ("tile/entries/004", lambda data: data[:-7], "truncated-bundle"),
        (LAST_BUNDLE, lambda data: b"", "truncated-bundle"),
        ("checkpoint", lambda data: data.replace(b"\n66000\n", b"\n66001\n"), "bad-signature"),
        ("checkpoint", lambda data: data[: data.index(b"\n\n") + 1], "bad-checkpoint"),
        ("checkpoint", lambda data: data[: data.index(b"witness")] + b"x y\n", "bad-checkpoint"),
    ],
)
def test_changed_files(
    honest: LogScene, copy: Path, path: str, how: Callable[[bytes], bytes], caught: str
) -> None:
    change(copy / path, how)
    found = look(honest, copy)
    assert found and found[0] == caught, found
    assert json.loads((copy.parent / "last").read_text())["note"].split("\n")[1] == "300"


@pytest.mark.parametrize(
    ("path", "caught"),
    [
        ("tile/0/003", "tampered-tile"),
        ("tile/entries/003", "truncated-bundle"),
        ("checkpoint", "checkpoint"),
    ],
)
def test_missing_files(honest: LogScene, copy: Path, path: str, caught: str) -> None:
    (copy / path).unlink()
    assert look(honest, copy)[0] == caught


def signed_by(scene: LogScene, made: Checkpoint, time: int | None = None) -> bytes:
    """Sign what a dishonest log would: its own key, and a witness that it talked round."""
    at = int(scene.clock.now().timestamp()) if time is None else time
    text = str(made)
    return str(Note(text, (signer().sign(text), WITNESS.cosign(text, at)))).encode()


def build(folder: Path, entries: list[bytes]) -> Checkpoint:
    """Write a whole consistent log of other entries, as an operator with the key could."""
    leaves = [merkle.leaf(entry) for entry in entries]
    (folder / "tile").rename(folder / "tile-before")
    for index in range(-(-len(entries) // 256)):
        part = entries[index * 256 : index * 256 + 256]
        for level, data in ((-1, tiles.bundle(part)), (0, b"".join(map(merkle.leaf, part)))):
            path = folder / tiles.Tile(level, index, len(part)).path
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)
    full = len(entries) // 256
    if full:
        roots = [merkle.root_of(leaves[n * 256 : n * 256 + 256]) for n in range(full)]
        path = folder / tiles.Tile(1, 0, full).path
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"".join(roots))
    return Checkpoint(KEY.name, len(entries), merkle.root_of(leaves))


def entries_of(scene: LogScene, count: int) -> list[bytes]:
    with scene.store.read() as tx:
        return [entry for entry, _ in journal.read(tx, 0, count)]


def test_the_key_that_was_kept_counts_not_the_one_beside_the_log(
    honest: LogScene, copy: Path
) -> None:
    (copy / "log.vkey").write_text(f"{signer(9).key}\n")
    asked = Asked(last=copy.parent / "last")
    report = verify(FolderSource(copy), asked, honest.clock.now())
    assert report.exit_code == 0 and "key" not in names(report.assumed), report


def test_a_fork_is_caught_by_whoever_looked_before(honest: LogScene, copy: Path) -> None:
    entries = entries_of(honest, 700)
    entries[298] = entries[298].replace(b"paid_in", b"called_off")
    (copy / "checkpoint").write_bytes(signed_by(honest, build(copy, entries)))
    assert look(honest, copy) == ["fork"]
    kept = json.loads((copy.parent / "last.refused").read_text())["note"]
    assert kept == (copy / "checkpoint").read_text("utf-8"), "the evidence is kept"
    receipt = (honest.folder.parent / "old.tlog-proof").read_text()
    assert look(honest, copy, last=None, receipt=receipt) == ["removed-entry"]


def test_a_fork_elsewhere_is_caught_by_a_receipts_checkpoint(honest: LogScene, copy: Path) -> None:
    entries = entries_of(honest, 700)
    entries[5] = entries[5].replace(b"paid_in", b"called_off")
    (copy / "checkpoint").write_bytes(signed_by(honest, build(copy, entries)))
    receipt = (honest.folder.parent / "old.tlog-proof").read_text()
    assert look(honest, copy, last=None, receipt=receipt) == ["fork"]


def test_two_trees_of_one_size_are_a_fork(honest: LogScene, copy: Path) -> None:
    entries = entries_of(honest, 300)
    entries[0], entries[1] = entries[1], entries[0]
    (copy / "checkpoint").write_bytes(signed_by(honest, build(copy, entries)))
    assert look(honest, copy) == ["fork"]


def test_an_entry_that_was_removed_is_missed_by_its_owner(honest: LogScene, copy: Path) -> None:
    entries = entries_of(honest, 600)
    del entries[298]
    (copy / "checkpoint").write_bytes(signed_by(honest, build(copy, entries)))
    receipt = (honest.folder.parent / "old.tlog-proof").read_text()
    assert look(honest, copy, last=None, receipt=receipt) == ["removed-entry"]
    assert look(honest, copy) == ["fork"]
    assert look(honest, copy, last=None) == [], "alone it is a whole log: memory is what catches"


def test_an_older_checkpoint_shown_again(honest: LogScene, copy: Path) -> None:
    assert look(honest, copy) == []
    old = honest.folder.parent / "log-300"
    shutil.copy(copy.parent / "last", old.parent / "last-now")
    known = {"last": old.parent / "last-now"}
    assert look(honest, old, **known) == ["rollback"]
    late = str(honest.receipt(65_999))
    assert look(honest, old, last=None, receipt=late) == ["rollback"]


def test_a_back_dated_checkpoint(honest: LogScene, copy: Path) -> None:
    now = int(honest.clock.now().timestamp())
    made = Checkpoint(KEY.name, SIZE, bytes.fromhex(root_of(honest)))
    (copy / "checkpoint").write_bytes(signed_by(honest, made, now - 86_400 * 3))
    assert look(honest, copy) == ["back-dated"], "before what was seen last"
    assert look(honest, copy, last=None) == ["back-dated"], "before the day of its own entries"
    (copy / "checkpoint").write_bytes(signed_by(honest, made, now + 3_600))
    assert look(honest, copy, last=None) == ["back-dated"], "in time to come"
    assert look(honest, copy, now=honest.clock.now() + dt.timedelta(hours=2), last=None) == []


def root_of(scene: LogScene) -> str:
    with scene.store.read() as tx:
        return journal.head(tx)[1]


def test_a_back_dated_entry(honest: LogScene, copy: Path) -> None:
    entries = entries_of(honest, 300)
    entries.append(entries[0].replace(b"2026-11-24", b"2026-10-01"))
    (copy / "checkpoint").write_bytes(signed_by(honest, build(copy, entries)))
    assert look(honest, copy) == ["back-dated"]


def test_a_frozen_log_is_stale_for_whoever_asks(honest: LogScene, copy: Path) -> None:
    later = honest.clock.now() + dt.timedelta(hours=3)
    assert look(honest, copy, now=later) == []
    assert look(honest, copy, now=later, age_s_max=3_600) == ["stale"]


def test_wrong_keys(honest: LogScene, copy: Path) -> None:
    made = Checkpoint(KEY.name, SIZE, bytes.fromhex(root_of(honest)))
    text = str(made)
    thief = signer(9)
    (copy / "checkpoint").write_text(str(Note(text, (thief.sign(text),))))
    assert look(honest, copy) == ["wrong-key"]
    assert look(honest, copy, policy=None, key=KEY) == ["wrong-key"]
    assert look(honest, copy, policy=None) == ["wrong-key"], "the key is that seen last"
    (copy / "checkpoint").write_text(str(Note(text, (WITNESS.cosign(text, 5),))))
    assert look(honest, copy) == ["wrong-key"], "a witness is no log"
    other = keys.LogSigner("log.example/other", Ed25519PrivateKey.from_private_bytes(bytes(32)))
    (copy / "checkpoint").write_text(str(Note(text, (other.sign(text),))))
    assert look(honest, copy) == ["wrong-key"]


def test_too_few_witnesses(honest: LogScene, copy: Path) -> None:
    text = str(Checkpoint(KEY.name, SIZE, bytes.fromhex(root_of(honest))))
    (copy / "checkpoint").write_text(str(Note(text, (signer().sign(text),))))
    assert look(honest, copy) == [], "the very same tree is witnessed beside it"
    beside = copy / "checkpoint.witnessed"
    beside.write_text(str(Note(text, (signer().sign(text),))))
    assert look(honest, copy) == ["too-few-witnesses"]
    beside.unlink()
    assert look(honest, copy) == ["too-few-witnesses"]
    now = int(honest.clock.now().timestamp())
    other = str(Checkpoint(KEY.name, SIZE, bytes(32)))
    beside.write_text(str(Note(other, (signer().sign(other), WITNESS.cosign(other, now)))))
    assert look(honest, copy) == ["fork"]
    longer = str(Checkpoint(KEY.name, SIZE + 1, bytes(32)))
    beside.write_text(str(Note(longer, (signer().sign(longer), WITNESS.cosign(longer, now)))))
    assert look(honest, copy) == ["rollback"]


@pytest.mark.parametrize(
    ("how", "caught"),
    [
        (lambda text: text.replace("index 298", "index 297"), "bad-receipt"),
        (lambda text: text.replace("extra ", "extra AAAA"), "bad-receipt"),
        (lambda text: text.replace("\n300\n", "\n301\n"), "bad-receipt"),
        (lambda text: "", "bad-receipt"),
        (lambda text: "x" * 600_000, "bad-receipt"),
        (lambda text: text[:200], "bad-receipt"),
    ],
)
def test_changed_receipts(
    honest: LogScene, copy: Path, how: Callable[[str], str], caught: str
) -> None:
    receipt = how((honest.folder.parent / "old.tlog-proof").read_text())
    assert look(honest, copy, receipt=receipt or "none", entries=False) == [caught]


def test_a_receipt_opens_only_to_what_was_recorded(tmp_path: Path) -> None:
    scene = open_scene(tmp_path)
    salt, content = bytes(16), {"kind": "paid_in", "sats": 55_000}
    with scene.store.transact() as tx:
        mark = journal.commit(salt, content)
        journal.append(tx, "kiosk", "paid_in", mark, scene.clock.now())
    scene.publish()
    text = journal.canonical(content).decode()
    good = str(scene.receipt(1, salt.hex(), text))
    false = str(scene.receipt(1, salt.hex(), text.replace("55000", "66000")))
    unsalted = str(scene.receipt(1, "zz", text))
    report = scene.verify(Asked(key=KEY, receipt=good))
    assert report.exit_code == 0
    assert next(line.said for line in report.proved if line.name == "opening").endswith(
        "{'kind': 'paid_in', 'sats': 55000}"
    )
    for receipt in (false, unsalted):
        assert names(scene.verify(Asked(key=KEY, receipt=receipt)).caught) == ["wrong-opening"]
    scene.store.close()


def test_whatever_a_log_serves_the_verifier_answers(tmp_path: Path) -> None:
    """Each file spoiled in every simple way, by one seed: caught or unread, never believed."""
    scene, rng = open_scene(tmp_path), SeededClock(11)
    scene.grow(300)
    scene.publish()
    receipt = str(scene.receipt(300))
    paths = [path for path in scene.folder.rglob("*") if path.is_file() and path.name != ".lock"]
    assert len(paths) == 7
    for path in paths:
        good = path.read_bytes()
        at, junk = int.from_bytes(rng.random_bytes(4), "big") % len(good), rng.random_bytes(50)
        for bad in (
            *(b"", junk, good[:at], good + junk, good[:at] + junk + good[at + 50 :]),
            *(good[:at] + bytes([good[at] ^ 0x80]) + good[at + 1 :], good * 2, b"{" * 5_000),
        ):
            path.write_bytes(bad)
            report = scene.verify(Asked(receipt=receipt))
            assert report.exit_code in (1, 3), (path, bad[:60])
        path.write_bytes(good)
    assert scene.verify(Asked(receipt=receipt)).exit_code == 0
    scene.store.close()
