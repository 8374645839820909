"""A log's key is changed in the log itself; who knows one key finds the next, and no forged one."""

from __future__ import annotations

import datetime as dt
import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from log_scene import NAME, LogScene, names, open_scene, signer

from tallystick.core import journal
from tallystick.core.tlog import keyring, keys, log, note, proof, receipts, rotation
from tallystick.core.tlog.errors import OriginChanged
from tallystick.core.tlog.note import Note
from tallystick.core.tlog.publish import Publisher, signer_of
from tallystick.core.tlog.verify import Asked
from tallystick.core.tlog.witness import Witness
from tallystick.core.tlog.witness_keys import signers_of

OVERLAP = dt.timedelta(days=30)
THIEF = keys.LogSigner(NAME, Ed25519PrivateKey.from_private_bytes(bytes([9]) * 32))


class Rotating:
    """A log whose key lies in a file, and changes; ``keys`` are those it had, oldest first."""

    def __init__(self, folder: Path) -> None:
        self.scene, self.base = open_scene(folder), folder / "log.key"
        self.publisher = Publisher(
            self.scene.store,
            self.signer(),
            self.scene.folder,
            self.scene.clock,
            renewed=self.signer,
        )
        self.keys = [self.publisher.signer.key]
        self.old_receipt = ""

    def signer(self) -> keys.LogSigner:
        return signer_of(self.scene.store, self.base, NAME)

    def publish(self, more: int = 3) -> None:
        self.scene.grow(more)
        self.publisher.step()

    def change(self, overlap: dt.timedelta = OVERLAP) -> None:
        new = keyring.new_key(self.base, NAME, self.scene.clock)
        with self.scene.store.transact() as tx:
            keyring.rotate(tx, self.scene.clock, new, overlap)
        self.keys.append(new)

    def signed_by(self) -> list[str]:
        found = note.read((self.scene.folder / "checkpoint").read_bytes())
        return [line.id.hex() for line in found.lines]

    def caught(self, key: keys.Key | None, **more: object) -> list[str]:
        report = self.scene.verify(Asked(key=key, **more))  # type: ignore[arg-type]
        assert report.exit_code == (1 if report.caught else 0), report
        return names(report.caught)


def planted(one: Rotating) -> dict[str, str]:
    """Return what somebody has managed to get committed, as an entry of another kind."""
    return {"origin": NAME, "old": str(one.keys[0]), "new": str(THIEF.key), "until": ""}


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rotating]:
    """Two changes, the second after the first one's overlap; folders kept of each time."""
    one = Rotating(tmp_path_factory.mktemp("rotating"))
    folder = one.scene.folder.parent
    with one.scene.store.transact() as tx:
        commitment = journal.commit(bytes(16), planted(one))
        journal.append(tx, "kiosk", "paid_in", commitment, one.scene.clock.now())
    one.publish()
    one.old_receipt = str(one.scene.receipt(2))
    one.scene.verify(Asked(key=one.keys[0], last=folder / "last"))
    one.change()
    one.publish()
    shutil.copytree(one.scene.folder, folder / "both")
    one.scene.clock.advance(OVERLAP.total_seconds() + 1)
    one.publish()
    shutil.copytree(one.scene.folder, folder / "after")
    one.change(dt.timedelta(0))
    one.scene.clock.advance(1)
    one.publish(300)
    assert len(one.signed_by()) == 2, "without overlap both sign the announcement all the same"
    one.publish()
    yield one
    one.scene.store.close()


@pytest.fixture
def copy(made: Rotating, tmp_path: Path) -> Iterator[Callable[[str], LogScene]]:
    def take(name: str) -> LogScene:
        shutil.copytree(made.scene.folder.parent / name, tmp_path / "log")
        return LogScene(made.scene.store, tmp_path / "log", made.scene.clock)

    yield take


def test_both_sign_for_the_overlap_and_then_the_new_key_alone(made: Rotating) -> None:
    first, second, third = (key.id.hex() for key in made.keys)
    shown = [
        [line.id.hex() for line in note.read((folder / "checkpoint").read_bytes()).lines]
        for folder in (made.scene.folder.parent / "both", made.scene.folder.parent / "after")
    ]
    assert shown == [[second, first], [second]] and made.signed_by() == [third]
    assert (made.scene.folder / "log.vkey").read_text().strip() == str(made.keys[2])
    assert len({*made.base.parent.glob("log.key*")}) == 3


def test_a_reader_of_any_key_follows_from_the_files_alone(made: Rotating, tmp_path: Path) -> None:
    for key in made.keys:
        report = made.scene.verify(Asked(key=key, receipt=made.old_receipt))
        assert report.exit_code == 0, report
        assert names(report.proved).count("key") == 2 and "inclusion" in names(report.proved)
    last = tmp_path / "last"
    shutil.copy(made.scene.folder.parent / "last", last)
    report = made.scene.verify(Asked(last=last))
    assert report.exit_code == 0 and "consistency" in names(report.proved)
    assert json.loads(last.read_text())["vkey"] == str(made.keys[2]), "the pin moved with the log"
    assert made.caught(signer(9).key) == ["wrong-key"]


def test_a_key_that_was_not_announced_is_caught(
    made: Rotating, copy: Callable[..., LogScene]
) -> None:
    """The announcements taken away, or a checkpoint by a key that nobody announced."""
    scene = copy("log")
    (scene.folder / "keys.json").unlink()
    assert names(scene.verify(Asked(key=made.keys[0])).caught) == ["wrong-key"]
    text = note.read((scene.folder / "checkpoint").read_bytes()).text
    stranger = keys.LogSigner(NAME, Ed25519PrivateKey.from_private_bytes(bytes([9]) * 32))
    (scene.folder / "checkpoint").write_text(str(Note(text, (stranger.sign(text),))))
    shutil.copy(made.scene.folder / "keys.json", scene.folder / "keys.json")
    assert names(scene.verify(Asked(key=made.keys[0])).caught) == ["wrong-key"]


def forged(made: Rotating, how: str) -> str:
    """Return an announcement that a stranger makes of their own key, as well as they can."""
    thief = THIEF
    link = json.loads((made.scene.folder / "keys.json").read_text())["links"][0]
    true = proof.read(link)
    held = receipts.read_opening(true)
    signed = note.read(true.note.encode())
    said = json.loads(held.content)
    if how == "another entry":
        with made.scene.store.read() as tx:
            entry = next(journal.read(tx, 0, 1))[0].decode()
        held = receipts.Opening(entry, held.salt, held.content)
    if how == "planted":
        with made.scene.store.read() as tx:
            entry = next(journal.read(tx, 0, 1))[0].decode()
            under = log.first_with(tx, 1)
            assert under is not None
            true = log.proof_under(tx, 1, under)
        signed = Note(under.note.text, (*under.note.lines, thief.sign(under.note.text)))
        text = journal.canonical(planted(made)).decode()
        held = receipts.Opening(entry, bytes(16).hex(), text)
    if how in ("own key", "own key and signature"):
        said["new"] = str(thief.key)
        held = receipts.Opening(held.entry, held.salt, journal.canonical(said).decode())
    if how == "own entry":
        said["new"] = str(thief.key)
        commitment = journal.commit(bytes.fromhex(held.salt), said)
        entry = {**json.loads(held.entry), "commitment": commitment}
        text = journal.canonical(entry).decode()
        held = receipts.Opening(text, held.salt, journal.canonical(said).decode())
    if how in ("own entry", "own key and signature"):
        signed = Note(signed.text, (*signed.lines, thief.sign(signed.text)))
    if how == "own tree":
        said["new"] = str(thief.key)
        scene = open_scene(made.base.parent / "thief")
        with scene.store.transact() as tx:
            commitment = journal.commit(bytes.fromhex(held.salt), said)
            journal.append(tx, "log", "log_key", commitment, scene.clock.now())
            entry = next(journal.read(tx, 0, 1))[0].decode()
            log.advance(tx, thief, scene.clock.now())
            log.published(tx, 1, scene.clock.now())
            true = log.receipt(tx, 1)
        scene.store.close()
        held = receipts.Opening(entry, held.salt, journal.canonical(said).decode())
        signed = note.read(true.note.encode())
    if how == "old signature gone":
        signed = Note(signed.text, signed.lines[:1])
    extra = msgspec.json.encode(held)
    return str(proof.Proof(true.index, true.hashes, str(signed), extra))


@pytest.mark.parametrize(
    "how",
    ["another entry", "own key", "own key and signature", "own entry", "own tree", "planted",
     "old signature gone"],
)  # fmt: skip
def test_a_forged_announcement_is_caught(
    made: Rotating, copy: Callable[..., LogScene], how: str
) -> None:
    scene = copy("log")
    (scene.folder / "keys.json").write_text(json.dumps({"links": [forged(made, how)]}))
    assert names(scene.verify(Asked(key=made.keys[0])).caught) == ["forged-rotation"]


def test_two_that_follow_one_are_caught(made: Rotating) -> None:
    links = rotation.read(_Source(json.loads((made.scene.folder / "keys.json").read_text())))
    twice = [*links, rotation.Link(links[0].old, signer(9).key, links[0].proof, links[0].entry)]
    with pytest.raises(rotation.Caught, match="more than one key follows"):
        rotation.follow(made.keys[0], twice)


class _Source:
    where = "here"

    def __init__(self, content: object) -> None:
        self.content = content

    def get(self, path: str, bytes_max: int) -> bytes:
        return json.dumps(self.content).encode()

    def close(self) -> None:
        pass


def test_what_makes_no_change_is_refused(made: Rotating) -> None:
    clock = made.scene.clock
    for key in (made.keys[0], made.keys[2], signer(4, "log.example/other").key):
        with pytest.raises(OriginChanged), made.scene.store.transact() as tx:
            keyring.rotate(tx, clock, key, OVERLAP)
    with pytest.raises(OriginChanged, match="publish first"), made.scene.store.transact() as tx:
        keyring.rotate(tx, clock, signer(5).key, OVERLAP)
        keyring.rotate(tx, clock, signer(6).key, OVERLAP)


def test_a_witness_told_of_both_keys_goes_on(made: Rotating, tmp_path: Path) -> None:
    import base64

    def ask(folder: str, known: list[keys.Key], old: int) -> int:
        signers = signers_of(tmp_path / "w", "w.example", False, made.scene.clock)
        witness = Witness(tmp_path / "w" / "seen", signers, known, made.scene.clock)
        text = (made.scene.folder.parent / folder / "checkpoint").read_text("utf-8")
        size = int(text.split("\n")[1])
        with made.scene.store.read() as tx:
            path = log.consistency(tx, old, size)
        lines = "".join(f"{base64.b64encode(item).decode()}\n" for item in path)
        return witness.add_checkpoint(f"old {old}\n{lines}\n{text}".encode()).status

    size = int((made.scene.folder.parent / "both" / "checkpoint").read_text().split("\n")[1])
    assert ask("both", made.keys[:1], 0) == 200, "in the overlap the old key is enough"
    assert ask("after", made.keys[:1], size) == 403
    assert ask("after", made.keys[1::-1], size) == 200
