"""The vault: keep, open, export, keep longer, erase. What it answers was written down first.

A record is AES-256-GCM under its subject's key, bound to its own id, subject and kind. Opening
takes a store, not a transaction: who and why are committed, in the log and in the journal, before
a byte is decrypted. The journal holds salted commitments only and stays valid after an erasure.
**Never open or erase inside a transaction of your own**: it would wait for itself.
"""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import sqlalchemy as sa
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from tallystick.core import journal
from tallystick.core.clock import Clock, new_id
from tallystick.core.store import Store, Tx, insert_once
from tallystick.core.vault.errors import KeyGone, RecordUnknown, SealBroken, VaultFull, VaultInvalid
from tallystick.core.vault.keys import NONCE_BYTES, Keys
from tallystick.core.vault.model import Access, Erasure, Held, Opened
from tallystick.core.vault.tables import ACCESSES, RECORDS, SUBJECTS

PROGRAMME: Final = "vault"
"""Of the entries that are about no person: the turning of the master key."""
CONTENT_BYTES_MAX: Final = 8 * 1024 * 1024
RECORDS_PER_SUBJECT_MAX: Final = 1_000
WORDS_CHARS_MAX: Final = 300
SWEPT_MAX: Final = 500
KEPT: Final = ("id", "subject", "kind", "made_at", "made_by", "keep_until", "basis")


class Vault:
    """The vault in one folder of keys; the sealed records are in the store."""

    def __init__(self, folder: Path, clock: Clock) -> None:
        """Open the vault, or begin one; raise `MasterKeyUnusable`."""
        self.keys, self.clock = Keys(folder, clock), clock

    def link(self, kind: str, text: str) -> str:
        """Return a blind link to find a subject by, such as ``link("phone", "+15550100")``."""
        return self.keys.link(kind, text)

    def put(
        self,
        tx: Tx,
        subject: str,
        kind: str,
        content: bytes,
        by: str,
        keep_until: dt.date | None = None,
        basis: str = "",
        mark: str = "",
    ) -> str:
        """Seal a record in the caller's transaction; return its id.

        ``keep_until`` and ``basis``: the last day on which a law wants it kept, and which law.
        ``mark``: a blind link (`link`) of what is in it, by which `marked` knows it again.
        Raises `VaultInvalid`, `VaultFull`, and `KeyGone` for a subject that was erased.
        """
        _check_words(kind, by)
        if len(content) > CONTENT_BYTES_MAX:
            raise VaultInvalid(f"a record has at most {CONTENT_BYTES_MAX} bytes")
        if (keep_until is None) != (not basis) or len(basis) > WORDS_CHARS_MAX:
            raise VaultInvalid("a day until which to keep needs the law that says so")
        key, now, record = self._key_for(tx, subject), self.clock.now(), new_id(self.clock)
        nonce, sealed = self._seal(key, _bound(record, subject, kind), content)
        row: dict[str, Any] = {
            "id": record,
            "subject": subject,
            "kind": kind,
            "made_at": now,
            "made_by": by,
            "keep_until": None if keep_until is None else keep_until.isoformat(),
            "basis": basis,
            "mark": mark,
        }
        commitment, salt = self._commit({**row, "sealed": hashlib.sha256(sealed).hexdigest()})
        entry = journal.append(tx, *journal.QUIET, commitment, now)
        more = {"nonce": nonce, "sealed": sealed, "salt": salt, "entry": entry.seq}
        tx.execute(sa.insert(RECORDS).values(**row, **more))
        return record

    def _key_for(self, tx: Tx, subject: str) -> bytes:
        """Return a subject's key, made with the subject and never again."""
        if insert_once(tx, SUBJECTS, {"id": subject, "made_at": self.clock.now()}):
            return self.keys.make(subject)
        gone = tx.execute(sa.select(SUBJECTS.c.erased_at).where(SUBJECTS.c.id == subject)).scalar()
        if gone is not None:
            raise KeyGone
        held = sa.select(sa.func.count()).where(RECORDS.c.subject == subject)
        if tx.execute(held).scalar_one() >= RECORDS_PER_SUBJECT_MAX:
            raise VaultFull
        return self.keys.get(subject)

    def seal(self, tx: Tx, subject: str, about: str, content: bytes) -> bytes:
        """Return a programme's own working row about a subject, sealed under the subject's key.

        For rows that a programme must read within its steps, where `read` cannot. The programme's
        own history says who used them; they end with the key. Raises `KeyGone`, `VaultFull`.
        """
        if len(content) > CONTENT_BYTES_MAX:
            raise VaultInvalid(f"a row has at most {CONTENT_BYTES_MAX} bytes")
        nonce, sealed = self._seal(self._key_for(tx, subject), _working(subject, about), content)
        return nonce + sealed

    def unseal(self, subject: str, about: str, sealed: bytes) -> bytes:
        """Open what `seal` sealed; raise `KeyGone` after an erasure, `SealBroken` if swapped."""
        try:
            bound = _working(subject, about)
            return AESGCM(self.keys.get(subject)).decrypt(
                sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], bound
            )
        except InvalidTag as error:
            raise SealBroken from error

    def read(self, store: Store, record: str, who: str, why: str) -> Opened:
        """Open one record, once the log says who and why. Takes a transaction of its own.

        Raises `VaultInvalid` without a reason, `RecordUnknown`, `KeyGone`, `SealBroken`.
        """
        _check_words(who, why)
        with store.transact() as tx:
            journal.lock(tx)
            row = _row(tx, record)
            self._log(tx, row["subject"], record, "read", who, why)
        return self._open(row)

    def export(self, store: Store, subject: str, who: str, why: str) -> list[Opened]:
        """Open everything kept about a subject, for the person or an authority; logged first."""
        _check_words(who, why)
        with store.transact() as tx:
            journal.lock(tx)
            query = sa.select(RECORDS).where(RECORDS.c.subject == subject).order_by(RECORDS.c.entry)
            rows = list(tx.execute(query).mappings())
            if not rows:
                raise RecordUnknown(f"nothing is kept about {subject[:64]}")
            self._log(tx, subject, "", "export", who, why)
        return [self._open(row) for row in rows]

    def held(self, tx: Tx, subject: str) -> list[Held]:
        """Return what is kept about a subject, unopened, the oldest first; not logged."""
        query = sa.select(*(RECORDS.c[name] for name in KEPT)).where(RECORDS.c.subject == subject)
        return [_held(row) for row in tx.execute(query.order_by(RECORDS.c.entry)).mappings()]

    def marked(self, tx: Tx, subject: str, kind: str, mark: str) -> str:
        """Return the record of a subject, of a kind, with this mark; nothing if none is kept."""
        mine = sa.and_(RECORDS.c.subject == subject, RECORDS.c.kind == kind, RECORDS.c.mark == mark)
        found = tx.execute(sa.select(RECORDS.c.id).where(mine).limit(1)).scalar()
        return str(found or "")

    def accesses(self, tx: Tx, subject: str) -> list[Access]:
        """Return who looked, when and why, in order. The why is gone with the subject's key."""
        query = sa.select(ACCESSES).where(ACCESSES.c.subject == subject)
        return [
            self._access(row) for row in tx.execute(query.order_by(ACCESSES.c.entry)).mappings()
        ]

    def keep(self, tx: Tx, record: str, keep_until: dt.date, basis: str) -> None:
        """Keep a record longer, because a law says so; never shorter. Raises `RecordUnknown`."""
        journal.lock(tx)
        row = _row(tx, record)
        if not basis or len(basis) > WORDS_CHARS_MAX:
            raise VaultInvalid("a day until which to keep needs the law that says so")
        if row["keep_until"] is not None and row["keep_until"] >= keep_until.isoformat():
            return
        change = {"keep_until": keep_until.isoformat(), "basis": basis}
        said = {"act": "kept_longer", "record": record, **change, "at": self.clock.now()}
        journal.append(tx, *journal.QUIET, self._commit(said)[0], self.clock.now())
        tx.execute(sa.update(RECORDS).where(RECORDS.c.id == record).values(change))

    def erase(self, store: Store, subject: str, who: str, why: str) -> Erasure:
        """Erase what no law wants kept; when nothing is left, destroy the key: every copy ends.

        What a law wants kept stays until its day, when `sweep` ends it. Raises `RecordUnknown`.
        """
        _check_words(who, why)
        with store.transact() as tx:
            journal.lock(tx)
            before = self._alive(tx, subject)
            self._log(tx, subject, "", "erase", who, why)
            now = self.clock.now()
            asked = sa.update(SUBJECTS).where(SUBJECTS.c.id == subject)
            tx.execute(asked.values(erase_asked_at=now))
            kept = self._drop(tx, subject, before)
        if not kept:
            self.keys.destroy(subject)
        return Erasure(not kept, len(before) - len(kept), tuple(kept))

    def sweep(self, store: Store) -> list[str]:
        """Erase what no law wants kept any longer; return the subjects whose keys are destroyed.

        Also destroys keys that a crash left behind an erasure. Run it daily.
        """
        while self._ended(store) == SWEPT_MAX:
            continue
        with store.read() as tx:
            query = sa.select(SUBJECTS.c.id).where(SUBJECTS.c.erased_at.is_not(None))
            gone = [subject for subject in tx.execute(query).scalars() if self.keys.has(subject)]
        for subject in gone:
            self.keys.destroy(subject)
        return gone

    def _ended(self, store: Store) -> int:
        """End what is over of some subjects, in one step; return of how many."""
        with store.transact() as tx:
            journal.lock(tx)
            found = self._due(tx)
            for subject in found:
                self._drop(tx, subject, self.held(tx, subject))
        return len(found)

    def rotate(self, store: Store, by: str) -> int:
        """Wrap every subject's key under a new master key; return how many. Journalled, twice.

        The first entry stands before anything is done; where the second does not follow, a rotation
        was interrupted: nothing is lost, and it is run again. Raises `VaultInvalid`.
        """
        _check_words(by)
        self._note(store, "rotation_begun", {"by": by})
        count = self.keys.rotate()
        self._note(store, "rotated", {"by": by, "keys": count})
        return count

    def _note(self, store: Store, kind: str, said: Mapping[str, Any]) -> None:
        with store.transact() as tx:
            now = self.clock.now()
            journal.append(tx, PROGRAMME, kind, self._commit({**said, "at": now})[0], now)

    def _due(self, tx: Tx) -> list[str]:
        today = self.clock.now().date().isoformat()
        query = sa.select(RECORDS.c.subject).where(RECORDS.c.keep_until < today)
        return list(tx.execute(query.distinct().limit(SWEPT_MAX)).scalars())

    def _alive(self, tx: Tx, subject: str) -> list[Held]:
        query = sa.select(SUBJECTS).where(SUBJECTS.c.id == subject, SUBJECTS.c.erased_at.is_(None))
        if tx.execute(query).first() is None:
            raise RecordUnknown(f"nothing is kept about {subject[:64]}")
        return self.held(tx, subject)

    def _drop(self, tx: Tx, subject: str, before: Sequence[Held]) -> list[Held]:
        """Delete what may go; mark a subject erased when that is all. Return what stays."""
        today = self.clock.now().date()
        asked = sa.select(SUBJECTS.c.erase_asked_at).where(SUBJECTS.c.id == subject)
        wanted_gone = tx.execute(asked).scalar() is not None
        kept = [one for one in before if _stays(one, today, wanted_gone)]
        gone = [one.id for one in before if one not in kept]
        tx.execute(sa.delete(RECORDS).where(RECORDS.c.id.in_(gone)))
        act, now = "part_erased" if kept else "erased", self.clock.now()
        said = {"act": act, "subject": subject, "records": gone, "at": now}
        journal.append(tx, *journal.QUIET, self._commit(said)[0], now)
        if not kept:
            row = sa.update(SUBJECTS).where(SUBJECTS.c.id == subject)
            tx.execute(row.values(erased_at=self.clock.now()))
        return kept

    def _log(self, tx: Tx, subject: str, record: str, act: str, who: str, why: str) -> None:
        """Write a read down, its reason sealed too: reasons name people."""
        key, now, one = self.keys.get(subject), self.clock.now(), new_id(self.clock)
        nonce, sealed = self._seal(key, _bound(one, subject, "why"), why.encode())
        row = {"id": one, "subject": subject, "record": record, "at": now, "act": act, "who": who}
        entry = journal.append(tx, *journal.QUIET, self._commit({**row, "why": why})[0], now)
        more = {"nonce": nonce, "why": sealed, "entry": entry.seq}
        tx.execute(sa.insert(ACCESSES).values(**row, **more))

    def _access(self, row: Mapping[Any, Any]) -> Access:
        try:
            why = self._unseal(row["subject"], row["id"], "why", row["nonce"], row["why"]).decode()
        except KeyGone:
            why = ""
        return Access(row["at"], row["act"], row["who"], why, row["record"])

    def _open(self, row: Mapping[Any, Any]) -> Opened:
        sealed = (row["nonce"], row["sealed"])
        content = self._unseal(row["subject"], row["id"], row["kind"], *sealed)
        return Opened(_held({name: row[name] for name in KEPT}), content)

    def _unseal(self, subject: str, record: str, kind: str, nonce: bytes, sealed: bytes) -> bytes:
        key = self.keys.get(subject)
        try:
            return AESGCM(key).decrypt(nonce, sealed, _bound(record, subject, kind))
        except InvalidTag as error:
            raise SealBroken from error

    def _seal(self, key: bytes, bound: bytes, content: bytes) -> tuple[bytes, bytes]:
        nonce = self.clock.random_bytes(NONCE_BYTES)
        return nonce, AESGCM(key).encrypt(nonce, content, bound)

    def _commit(self, content: Mapping[str, Any]) -> tuple[str, str]:
        salt = self.clock.random_bytes(journal.SALT_BYTES)
        return journal.commit(salt, content), salt.hex()


def _bound(record: str, subject: str, kind: str) -> bytes:
    return f"tallystick vault record\n{record}\n{subject}\n{kind}".encode()


def _working(subject: str, about: str) -> bytes:
    return f"tallystick vault working row\n{subject}\n{about}".encode()


def _stays(one: Held, today: dt.date, wanted_gone: bool) -> bool:
    if one.keep_until is None:
        return not wanted_gone
    return one.keep_until >= today


def _row(tx: Tx, record: str) -> Mapping[Any, Any]:
    row = tx.execute(sa.select(RECORDS).where(RECORDS.c.id == record)).mappings().first()
    if row is None:
        raise RecordUnknown
    return row


def _held(row: Mapping[Any, Any]) -> Held:
    until = row["keep_until"]
    return Held(**{**row, "keep_until": until and dt.date.fromisoformat(until)})


def _check_words(*words: str) -> None:
    for text in words:
        if not text.strip() or len(text) > WORDS_CHARS_MAX or "\n" in text:
            raise VaultInvalid(f"say who, what and why, each in 1 to {WORDS_CHARS_MAX} characters")
