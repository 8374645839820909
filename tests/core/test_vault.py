"""The vault: no name in the database, no read without its log, nothing readable after erasure."""

from __future__ import annotations

import datetime as dt
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec
import pytest
import sqlalchemy as sa
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

import databases
from tallystick.core import journal
from tallystick.core.clock import SeededClock, new_id
from tallystick.core.store import METADATA, Store
from tallystick.core.vault import Vault, errors, keys, vault
from tallystick.core.vault.tables import ACCESSES, RECORDS, SUBJECTS

NAME = "Philomena Wordsworth-Quaye"
WHY = f"call-back about {NAME}"
LAW = "31 CFR 1010.430(d)"


class Safe:
    """A vault over a store, and one subject about whom something is kept."""

    def __init__(self, store: Store, folder: Path, clock: SeededClock) -> None:
        self.store, self.clock, self.folder = store, clock, folder
        self.vault = Vault(folder, clock)
        self.subject = new_id(clock)

    def put(self, text: str = NAME, kind: str = "name", **more: object) -> str:
        subject = str(more.pop("subject", self.subject))
        with self.store.transact() as tx:
            return self.vault.put(tx, subject, kind, text.encode(), "clerk", **more)

    def read(self, record: str, why: str = WHY) -> str:
        return self.vault.read(self.store, record, "ada", why).content.decode()

    def until(self, days: int) -> dict[str, object]:
        return {"keep_until": self.clock.now().date() + dt.timedelta(days=days), "basis": LAW}

    def verify(self) -> int:
        with self.store.read() as tx:
            return journal.verify(tx)

    def accesses(self) -> list[tuple[str, str, str]]:
        with self.store.read() as tx:
            return [(a.act, a.who, a.why) for a in self.vault.accesses(tx, self.subject)]


@pytest.fixture
def safe(store: Store, tmp_path: Path, clock: SeededClock) -> Safe:
    return Safe(store, tmp_path / "vault", clock)


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    store = databases.opened(f"sqlite:///{tmp_path_factory.mktemp('vault')}/store.sqlite")
    yield store
    store.close()


@pytest.fixture
def lite(shared: Store, tmp_path: Path) -> Safe:
    """A vault of its own over the module's database: for what does not differ by database."""
    seed = int.from_bytes(str(tmp_path).encode()[-6:], "big")
    return Safe(shared, tmp_path / "vault", SeededClock(seed))


def bytes_of(store: Store) -> bytes:
    """Return everything the database holds: its files, or PostgreSQL's own dump."""
    if store.on_sqlite:
        path = Path(str(store.engine.url.database))
        return b"".join(p.read_bytes() for p in sorted(path.parent.glob(f"{path.name}*")))
    url = store.engine.url
    dump = sorted(Path("/usr/lib/postgresql").glob("*/bin/pg_dump"))[-1]
    where = ["-h", "127.0.0.1", "-p", str(url.port), "-U", str(url.username), str(url.database)]
    done = subprocess.run([dump, *where], check=True, capture_output=True)
    with store.read() as tx:
        rows = [tx.execute(sa.select(table)).all() for table in METADATA.sorted_tables]
    return done.stdout + repr(rows).encode()


def test_no_name_is_in_the_database_and_nothing_opens_once_erased(safe: Safe) -> None:
    records = [safe.put(), safe.put("Quaye 1955-02-11", "document")]
    assert safe.read(records[0]) == NAME
    assert [one.content for one in safe.vault.export(safe.store, safe.subject, "ada", WHY)] == [
        NAME.encode(),
        b"Quaye 1955-02-11",
    ]
    before = bytes_of(safe.store)
    assert records[0].encode() in before, "what was searched is the database"
    for secret in (NAME, "Quaye", "1955-02-11", NAME.encode().hex()):
        assert secret.encode() not in before
    assert safe.accesses() == [("read", "ada", WHY), ("export", "ada", WHY)]

    done = safe.vault.erase(safe.store, safe.subject, "ada", "she asked")
    assert (done.done, done.erased, done.kept) == (True, 2, ())
    for record in records:
        with pytest.raises(errors.RecordUnknown):
            safe.read(record)
    with pytest.raises(errors.RecordUnknown):
        safe.vault.export(safe.store, safe.subject, "ada", WHY)
    with pytest.raises(errors.KeyGone):
        safe.put("she came back", subject=safe.subject)
    assert safe.verify() == 6
    assert safe.accesses() == [(act, "ada", "") for act in ("read", "export", "erase")]


def test_no_backup_opens_what_was_erased(tmp_path: Path, clock: SeededClock) -> None:
    """The whole database of before the erasure, put back, with the master key of today."""
    store = databases.opened(f"sqlite:///{tmp_path}/s.sqlite")
    safe = Safe(store, tmp_path / "vault", clock)
    record, other = safe.put(), safe.put("somebody else", subject=new_id(clock))
    store.close()
    shutil.copy(tmp_path / "s.sqlite", tmp_path / "backup.sqlite")
    safe.store = Store.open(f"sqlite:///{tmp_path}/s.sqlite")
    assert safe.vault.erase(safe.store, safe.subject, "ada", "she asked").done
    safe.store.close()
    safe.store = Store.open(f"sqlite:///{tmp_path}/backup.sqlite")
    safe.vault = Vault(tmp_path / "vault", clock)
    with pytest.raises(errors.KeyGone):
        safe.read(record)
    with pytest.raises(errors.KeyGone):
        safe.put("again")
    assert safe.read(other) == "somebody else"
    safe.store.close()


@pytest.mark.parametrize("table", [ACCESSES.name, journal.ENTRIES.name])
def test_a_read_whose_log_cannot_be_written_is_not_answered(
    tmp_path: Path, clock: SeededClock, table: str
) -> None:
    store = databases.opened(f"sqlite:///{tmp_path}/s.sqlite")
    safe = Safe(store, tmp_path / "vault", clock)
    record = safe.put()
    with store.transact() as tx:
        tx.exec_driver_sql(
            f"CREATE TRIGGER full BEFORE INSERT ON {table} "
            "BEGIN SELECT RAISE(ABORT, 'disk full'); END"
        )
    for read in (
        lambda: safe.read(record),
        lambda: safe.vault.export(store, safe.subject, "ada", WHY),
        lambda: safe.vault.erase(store, safe.subject, "ada", WHY),
    ):
        with pytest.raises(sa.exc.DatabaseError, match="disk full"):
            read()
    with store.transact() as tx:
        tx.exec_driver_sql("DROP TRIGGER full")
    assert safe.read(record) == NAME
    store.close()


def test_a_read_that_fails_is_logged_too(lite: Safe) -> None:
    record = lite.put()
    with lite.store.transact() as tx:
        tx.execute(sa.update(RECORDS).where(RECORDS.c.id == record).values(sealed=b"x" * 40))
    with pytest.raises(errors.SealBroken):
        lite.read(record)
    assert lite.accesses() == [("read", "ada", WHY)]


@pytest.mark.parametrize("same_subject", [True, False])
@pytest.mark.parametrize("what", [("sealed", "nonce"), ("id",), ("kind",)])
def test_what_was_sealed_opens_in_its_own_place_only(
    lite: Safe, same_subject: bool, what: tuple[str, ...]
) -> None:
    """Rows are swapped in the database by somebody who may write there and has no key."""
    other = lite.subject if same_subject else new_id(lite.clock)
    ids = [lite.put("mine"), lite.put("theirs", "phone", subject=other)]
    with lite.store.transact() as tx:
        rows = [
            dict(tx.execute(sa.select(RECORDS).where(RECORDS.c.id == id)).mappings().one())
            for id in ids
        ]
        tx.execute(sa.delete(RECORDS).where(RECORDS.c.id.in_(ids)))
        for mine, theirs in (rows, rows[::-1]):
            tx.execute(sa.insert(RECORDS).values(**mine | {name: theirs[name] for name in what}))
    for record in ids:
        with pytest.raises(errors.SealBroken):
            lite.read(record)


def test_key_files_that_were_swapped_open_nothing(lite: Safe) -> None:
    record, other = lite.put(), new_id(lite.clock)
    lite.put("theirs", subject=other)
    mine, theirs = (next(lite.folder.glob(f"keys/*/{s}")) for s in (lite.subject, other))
    shutil.copy(theirs, mine)
    with pytest.raises(errors.SealBroken, match="not that of this subject"):
        lite.read(record)


def test_what_a_law_wants_kept_stays_until_its_day_and_no_longer(lite: Safe) -> None:
    kept, free = lite.put("ledger", "document", **lite.until(10)), lite.put("photo", "photo")
    done = lite.vault.erase(lite.store, lite.subject, "ada", "she asked")
    assert (done.done, done.erased) == (False, 1)
    assert [(one.id, one.basis) for one in done.kept] == [(kept, LAW)]
    with pytest.raises(errors.RecordUnknown):
        lite.read(free)
    assert lite.read(kept) == "ledger"
    lite.clock.advance(10 * 86_400)
    assert lite.vault.sweep(lite.store) == []
    lite.clock.advance(86_400)
    assert lite.vault.sweep(lite.store) == [lite.subject]
    with pytest.raises(errors.RecordUnknown):
        lite.read(kept)
    with pytest.raises(errors.KeyGone):
        lite.vault.keys.get(lite.subject)
    lite.verify()


def test_keeping_longer_never_shortens(lite: Safe) -> None:
    record, plain = lite.put(**lite.until(10)), lite.put()
    for days, expected in ((5, 10), (20, 20)):
        until = lite.until(days)
        with lite.store.transact() as tx:
            lite.vault.keep(tx, record, until["keep_until"], LAW)
            held = lite.vault.held(tx, lite.subject)
        assert held[0].keep_until == lite.until(expected)["keep_until"]
    lite.clock.advance(30 * 86_400)
    assert lite.vault.sweep(lite.store) == [], "who did not ask keeps what no law ends"
    assert lite.read(plain) == NAME


def test_a_key_that_a_crash_left_behind_an_erasure_is_swept(lite: Safe) -> None:
    record = lite.put()
    path = next(lite.folder.glob(f"keys/*/{lite.subject}"))
    copy = path.read_bytes()
    lite.vault.erase(lite.store, lite.subject, "ada", "she asked")
    assert not path.exists()
    keys._write(path, copy, replace=True)  # as if the power had gone before the file did
    assert lite.vault.sweep(lite.store) == [lite.subject]
    assert not path.exists()
    with pytest.raises(errors.RecordUnknown):
        lite.read(record)


def test_a_new_master_key_opens_all_and_the_old_one_nothing(lite: Safe) -> None:
    record, master = lite.put(), lite.folder / keys.MASTER_FILE
    old, path = master.read_bytes(), next(lite.folder.glob(f"keys/*/{lite.subject}"))
    wrapped = path.read_bytes()
    running = Vault(lite.folder, lite.clock)  # another process, which read the old master
    assert lite.vault.keys.rotate() == 1
    assert lite.read(record) == NAME
    lite.vault = running
    assert lite.read(record) == NAME
    keys._write(path, wrapped, replace=True)
    with pytest.raises(errors.KeyGone):
        lite.read(record)
    assert master.read_bytes() != old
    assert b'"1"' not in master.read_bytes()


def test_a_rotation_that_was_interrupted_loses_nothing(lite: Safe) -> None:
    """After each file that a rotation writes, somebody pulls the plug; all still opens."""
    records = [lite.put(str(n), subject=new_id(lite.clock)) for n in range(3)]
    before = {p: p.read_bytes() for p in sorted(lite.folder.rglob("*")) if p.is_file()}
    lite.vault.keys.rotate()
    after = {p: p.read_bytes() for p in before}
    both = _both_masters(lite, before, after)
    wrapped = [p for p in before if p.parent.parent.name == keys.KEYS_FOLDER]
    for done in range(len(wrapped) + 1):
        keys._write(lite.folder / keys.MASTER_FILE, both, replace=True)
        for n, path in enumerate(wrapped):
            keys._write(path, (after if n < done else before)[path], replace=True)
        lite.vault = Vault(lite.folder, lite.clock)
        assert [lite.read(record) for record in records] == ["0", "1", "2"]
    lite.vault.keys.rotate()
    assert [lite.read(record) for record in records] == ["0", "1", "2"]


def _killed_at(point: int, act: Callable[[], object]) -> bool:
    """Do something in a process that is killed before its ``point``-th step on files."""
    child = os.fork()
    if not child:
        left = [point]

        def hook(event: str, args: tuple[object, ...]) -> None:
            if event in ("open", "os.rename", "os.remove", "os.link"):
                left[0] -= 1
                if left[0] < 0:
                    os.kill(os.getpid(), signal.SIGKILL)

        try:
            sys.addaudithook(hook)
            act()
        finally:
            os._exit(0)
    return os.WIFSIGNALED(os.waitpid(child, 0)[1])


def test_a_rotation_killed_before_any_step_on_files_loses_nothing(lite: Safe) -> None:
    """A real process, killed with SIGKILL, again and again in the same folder, at every step."""
    records = [lite.put(str(n), subject=new_id(lite.clock)) for n in range(3)]
    link, point = lite.vault.link("phone", "+15550100"), 0
    while _killed_at(point, lambda: Vault(lite.folder, lite.clock).keys.rotate()):
        point += 1
        lite.vault = Vault(lite.folder, lite.clock)
        assert [lite.read(record) for record in records] == ["0", "1", "2"], point
        assert lite.vault.link("phone", "+15550100") == link, point
    assert point > 4 * (len(records) + 2), "each file of a rotation is a step, and more"
    ring = msgspec.json.decode((lite.folder / keys.MASTER_FILE).read_bytes(), type=keys.Ring)
    assert list(ring.masters) == [ring.current], "only the new master key is left"
    with lite.store.read() as tx:
        before = journal.head(tx)[0]
    assert lite.vault.rotate(lite.store, "Ada") == 3
    with lite.store.read() as tx:
        first, second = (part[0] for part in journal.read(tx, before, before + 2))
    assert b"rotation_begun" in first and b"rotated" in second
    assert [lite.read(record) for record in records] == ["0", "1", "2"]
    assert lite.verify()


def _both_masters(safe: Safe, before: dict[Path, bytes], after: dict[Path, bytes]) -> bytes:
    path = safe.folder / keys.MASTER_FILE
    old, new = (msgspec.json.decode(kept[path], type=keys.Ring) for kept in (before, after))
    return msgspec.json.encode(keys.Ring(new.current, old.masters | new.masters, new.links))


def test_a_vault_without_its_master_key_does_not_begin_anew(lite: Safe) -> None:
    lite.put()
    (lite.folder / keys.MASTER_FILE).unlink()
    with pytest.raises(errors.MasterKeyUnusable, match="gone"):
        Vault(lite.folder, lite.clock)


@pytest.mark.parametrize("text", [b"", b"{}", b'{"current":"1","masters":{},"links":""}'])
def test_a_master_key_file_that_is_none(lite: Safe, text: bytes) -> None:
    keys._write(lite.folder / keys.MASTER_FILE, text, replace=True)
    with pytest.raises(errors.MasterKeyUnusable):
        Vault(lite.folder, lite.clock)


def test_a_master_key_file_that_others_may_read(lite: Safe) -> None:
    (lite.folder / keys.MASTER_FILE).chmod(0o640)
    with pytest.raises(errors.MasterKeyUnusable, match="0600"):
        Vault(lite.folder, lite.clock)


def test_a_step_that_failed_keeps_nothing_and_can_be_taken_again(lite: Safe) -> None:
    with pytest.raises(KeyError), lite.store.transact() as tx:
        lite.vault.put(tx, lite.subject, "name", b"first", "clerk")
        raise KeyError
    assert lite.read(lite.put("second")) == "second"


def test_links_are_equal_for_equal_texts_and_blind_without_the_key(
    lite: Safe, tmp_path: Path
) -> None:
    link = lite.vault.link("phone", "+15550100")
    assert link == Vault(lite.folder, lite.clock).link("phone", "+15550100")
    assert link not in {lite.vault.link("document", "+15550100"), lite.vault.link("phone", "+1555")}
    assert link != Vault(tmp_path / "other", SeededClock(9)).link("phone", "+15550100")
    lite.put()
    lite.vault.keys.rotate()
    assert lite.vault.link("phone", "+15550100") == link, "limits outlive a new master key"


@pytest.mark.parametrize(
    ("wrong", "error"),
    [
        ({"text": "x" * (vault.CONTENT_BYTES_MAX + 1)}, errors.VaultInvalid),
        ({"kind": ""}, errors.VaultInvalid),
        ({"kind": "a\nb"}, errors.VaultInvalid),
        ({"basis": LAW}, errors.VaultInvalid),
        ({"keep_until": dt.date(2031, 1, 1)}, errors.VaultInvalid),
        ({"subject": "../../etc"}, errors.VaultInvalid),
        ({"subject": "short"}, errors.VaultInvalid),
    ],
    ids=str,
)
def test_what_is_kept_has_limits(lite: Safe, wrong: dict[str, object], error: type) -> None:
    with pytest.raises(error):
        lite.put(**wrong)


def test_a_subject_has_so_many_records(lite: Safe) -> None:
    lite.put()
    with lite.store.transact() as tx:
        query = sa.select(RECORDS).where(RECORDS.c.subject == lite.subject)
        row = dict(tx.execute(query).mappings().one())
        count = vault.RECORDS_PER_SUBJECT_MAX - 1
        more = [{**row, "id": f"{lite.subject}{n}"} for n in range(count)]
        tx.execute(sa.insert(RECORDS), more)
    with pytest.raises(errors.VaultFull):
        lite.put()


@pytest.mark.parametrize("why", ["", "  ", "x" * (vault.WORDS_CHARS_MAX + 1), "a\nb"])
def test_nobody_looks_without_saying_why(lite: Safe, why: str) -> None:
    record = lite.put()
    with pytest.raises(errors.VaultInvalid):
        lite.read(record, why)
    assert lite.accesses() == []


def test_the_database_holds_no_key(lite: Safe) -> None:
    record = lite.put()
    key = lite.vault.keys.get(lite.subject)
    with lite.store.read() as tx:
        row = tx.execute(sa.select(RECORDS).where(RECORDS.c.id == record)).one()
        kept = repr([tx.execute(sa.select(table)).all() for table in (SUBJECTS, RECORDS, ACCESSES)])
    assert repr(key)[2:-1] not in kept
    assert key.hex() not in kept
    bound = f"tallystick vault record\n{record}\n{lite.subject}\nname".encode()
    assert AESGCM(key).decrypt(row.nonce, row.sealed, bound) == NAME.encode()
