"""What is published is what is committed: tiles first, one tree, whatever the size or database."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa
from log_scene import LogScene, names, open_scene, signer

from tallystick.core import journal
from tallystick.core.clock import new_id
from tallystick.core.store import Store
from tallystick.core.tlog import checkpoint, keys, log, merkle, note, publish, tables
from tallystick.core.tlog.errors import (
    BadProof,
    BadSignature,
    LogForked,
    NotPublished,
    OriginChanged,
)
from tallystick.core.tlog.verify import Asked
from tallystick.core.vault import Vault
from tallystick.core.vault.errors import VaultError


@pytest.fixture
def either(store_url: str, tmp_path: Path) -> Iterator[LogScene]:
    made = open_scene(tmp_path, store_url)
    yield made
    made.store.close()


@pytest.fixture
def scene(tmp_path: Path) -> Iterator[LogScene]:
    made = open_scene(tmp_path)
    yield made
    made.store.close()


def test_every_size_is_published_whole(either: LogScene) -> None:
    scene = either
    last = scene.folder.parent / "last"
    for more in (0, 1, 1, 253, 1, 1, 255, 1, 300):
        scene.grow(more)
        signed = scene.publish()
        report = scene.verify(Asked(key=signer().key, last=last))
        assert report.exit_code == 0, report
        assert report.checkpoint["size"] == signed.size
        assert "entries" in names(report.proved)
    assert signed.size == 813
    with scene.store.read() as tx:
        assert (journal.verify(tx), log.verify(tx)) == (813, 9)
        assert journal.head(tx) == (813, signed.root.hex())
    assert sorted(path.name for path in (scene.folder / "tile" / "0").iterdir()) == [
        *("000", "001", "002", "003.p")
    ]


def test_receipts_of_every_entry_hold_under_the_published_checkpoint(either: LogScene) -> None:
    scene = either
    scene.grow(600)
    scene.publish()
    scene.grow(1)
    with scene.store.read() as tx:
        entries = [entry for entry, _ in journal.read(tx, 0, 600)]
        for seq in (1, 2, 255, 256, 257, 512, 599, 600):
            proof = log.receipt(tx, seq)
            assert proof.check(entries[seq - 1], signer().key).size == 600
            with pytest.raises(BadProof):
                proof.check(entries[seq % 600], signer().key)
            with pytest.raises(BadSignature):
                proof.check(entries[seq - 1], signer(2).key)
        for seq in (0, 601, 10**9):
            with pytest.raises(NotPublished):
                log.receipt(tx, seq)


def test_an_old_tree_is_proved_from_the_rows(scene: LogScene) -> None:
    scene.grow(700)
    scene.publish()
    with scene.store.read() as tx:
        leaves = [leaf for _, leaf in journal.read(tx, 0, 700)]
        for size in (1, 256, 300, 513, 700):
            root = merkle.root_of(leaves[:size])
            path = log.inclusion(tx, size, size)
            merkle.check_inclusion(size - 1, size, leaves[size - 1], path, root)
            proof = log.consistency(tx, size, 700)
            merkle.check_consistency(size, 700, proof, root, merkle.root_of(leaves))


def files_of(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and path.name != ".lock"
    }


@pytest.mark.parametrize("seq", [3, 290])
@pytest.mark.parametrize("how", ["hash", "commitment", "delete"])
def test_rows_that_were_changed_stop_the_log(scene: LogScene, seq: int, how: str) -> None:
    scene.grow(300)
    scene.publish()
    before = files_of(scene.folder)
    entry = journal.ENTRIES.c.seq == seq
    with scene.store.transact() as tx:
        if how == "delete":
            tx.execute(sa.delete(journal.ENTRIES).where(entry))
        else:
            value = b"x" * 32 if how == "hash" else "0" * 64
            tx.execute(sa.update(journal.ENTRIES).where(entry).values({how: value}))
    scene.grow(300)
    if seq == 290:
        with pytest.raises(LogForked):
            scene.publish()
        assert files_of(scene.folder) == before
        with scene.store.read() as tx:
            newest = log.checkpoint(tx)
            assert newest is not None
            # a changed text under a right hash is the same tree: signed, but never published
            assert (newest.size, newest.published) == ((300, True), (600, False))[how[0] == "c"]
    else:
        scene.publish()  # a full tile is never read again: what is published stays as it was
        after = files_of(scene.folder)
        kept = [path for path in before if path.startswith("tile") and ".p/" not in path]
        assert len(kept) == 2 and all(after[path] == before[path] for path in kept)
        with scene.store.read() as tx, pytest.raises(LogForked):
            _ = [log.receipt(tx, number) for number in (3, 4)]
    with scene.store.read() as tx, pytest.raises(journal.JournalBroken, match=str(seq)):
        journal.verify(tx)


def test_a_restored_backup_does_not_fork_the_log(tmp_path: Path) -> None:
    scene = open_scene(tmp_path)
    scene.grow(10)
    scene.publish()
    scene.store.close()
    shutil.copy(tmp_path / "store.sqlite", tmp_path / "backup")
    scene = open_scene(tmp_path)
    scene.grow(10)
    scene.publish()
    scene.store.close()
    before = files_of(scene.folder)
    shutil.copy(tmp_path / "backup", tmp_path / "store.sqlite")
    scene = open_scene(tmp_path)
    with pytest.raises(LogForked, match="old backup"):
        scene.publish()
    scene.clock.advance(1)
    scene.grow(30)
    with pytest.raises(LogForked, match="never signed"):
        scene.publish()
    assert files_of(scene.folder) == before
    scene.store.close()


def test_a_log_has_one_name_and_one_key(scene: LogScene, tmp_path: Path) -> None:
    scene.grow(1)
    made = publish.signer_of(scene.store, tmp_path / "log.key", "log.example/one")
    publish.Publisher(scene.store, made, scene.folder, scene.clock).step()
    assert publish.signer_of(scene.store, tmp_path / "log.key").key == made.key
    with pytest.raises(OriginChanged):
        publish.signer_of(scene.store, tmp_path / "log.key", "log.example/two")
    scene.grow(1)
    with pytest.raises(OriginChanged):
        scene.publish(seed=9)


def test_another_folder_gets_the_same_bytes(scene: LogScene, tmp_path: Path) -> None:
    scene.grow(520)
    scene.publish()
    other = LogScene(scene.store, tmp_path / "other", scene.clock)
    other.publish()
    assert files_of(other.folder) == files_of(scene.folder)


def test_signed_before_shown_and_shown_in_the_rows(scene: LogScene) -> None:
    scene.grow(3)
    due = publish.Publisher(scene.store, signer(), scene.folder, scene.clock)
    assert due.due()
    due.step()
    assert not due.due()
    with scene.store.read() as tx:
        row = tx.execute(sa.select(tables.CHECKPOINTS)).one()
    assert row.note == (scene.folder / "checkpoint").read_text("utf-8")
    assert row.published_at is not None
    found = note.read(row.note.encode())
    assert keys.check(found, [signer().key]) and checkpoint.read(found.text).size == 3


def test_the_verifier_imports_no_database() -> None:
    code = "import tallystick.core.tlog.verify, sys; sys.exit('sqlalchemy' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_a_journal_of_the_chained_form_is_moved_whole(empty_url: str) -> None:
    from alembic import command
    from alembic.config import Config

    from tallystick.core import migrations

    store = Store.open(empty_url)
    config = Config()
    config.set_main_option("script_location", str(migrations.FOLDER))
    with store.transact() as tx:
        config.attributes["connection"] = tx
        command.upgrade(config, BEFORE_THE_LOG)
        old = sa.table("journal_entries", *map(sa.column, COLUMNS))
        rows = [dict(zip(COLUMNS, (n, *ROW, f"{n:064x}", f"h{n}"), strict=True)) for n in SEQS]
        tx.execute(sa.insert(old), rows)
    store.migrate()
    with store.transact() as tx:
        assert journal.verify(tx) == len(SEQS)
        assert journal.find(tx, f"{7:064x}") == (7, "2026-11-24")
    store.close()


BEFORE_THE_LOG = "0006"
COLUMNS = ("seq", "programme", "kind", "day", "commitment", "hash")
ROW = ("kiosk", "paid_in", "2026-11-24")
SEQS = range(1, 1_301)


def test_erasing_a_person_leaves_the_log_and_every_receipt_valid(
    scene: LogScene, tmp_path: Path
) -> None:
    vault, person = Vault(tmp_path / "vault", scene.clock), new_id(scene.clock)
    with scene.store.transact() as tx:
        record = vault.put(tx, person, "name", b"Philomena", "clerk")
    scene.grow(300)
    scene.publish()
    size = _size(scene)
    receipts_ = [str(scene.receipt(seq)) for seq in (1, size)]
    vault.erase(scene.store, person, "officer", "asked for it")
    with pytest.raises(VaultError):
        vault.read(scene.store, record, "officer", "look")
    scene.grow(5)
    scene.publish()
    for text in receipts_:
        report = scene.verify(Asked(key=signer().key, receipt=text))
        assert report.exit_code == 0 and "inclusion" in names(report.proved)
    with scene.store.read() as tx:
        assert journal.verify(tx) == _size(scene) > size
    assert not any(b"Philomena" in data for data in files_of(scene.folder).values())


def _size(scene: LogScene) -> int:
    with scene.store.read() as tx:
        return journal.head(tx)[0]
