"""The log's own keys: made beside the first one, announced in the log, published with their proof.

What a reader makes of it is in `tallystick.core.tlog.rotation`. A change is one transaction: the
entry, the row that opens it, and the name of today's key; the new key is on disk before.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import msgspec
import sqlalchemy as sa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from tallystick.core import journal
from tallystick.core.clock import Clock
from tallystick.core.identity.keys import load_or_make_key
from tallystick.core.store import Tx
from tallystick.core.tlog import keys, log, receipts
from tallystick.core.tlog.errors import OriginChanged
from tallystick.core.tlog.keys import Key, LogSigner
from tallystick.core.tlog.rotation import KIND, PROGRAMME, Content
from tallystick.core.tlog.tables import KEYS, SELF

ALWAYS: Final = dt.datetime.max.replace(tzinfo=dt.UTC)
"""Until its successor is published with its proof a key signs, however short the overlap."""


def file_of(base: Path, key: Key) -> Path:
    """Return where a later key lies: beside the first one, by its id."""
    return base.with_name(f"{base.name}.{key.id.hex()}")


def new_key(base: Path, name: str, clock: Clock) -> Key:
    """Make another key beside the first and return it; nothing is announced yet."""
    draft = base.with_name(f"{base.name}.next")
    private = load_or_make_key(draft)
    made = LogSigner(name, private).key
    draft.replace(file_of(base, made))
    return made


def rotate(tx: Tx, clock: Clock, new: Key, overlap: dt.timedelta) -> int:
    """Announce a key in the log; from the next checkpoint on both sign, until the overlap is over.

    Returns the entry's number. Raises `OriginChanged` before the first checkpoint, for a key of
    another name, and while the change before has not been published.
    """
    journal.lock(tx)
    old = log.verifier_key(tx)
    if old is None or old.name != new.name:
        raise OriginChanged(f"{new.name} is not the log's name, or nothing was published yet")
    rows = changes(tx)
    if rows and not rows[-1]["proof"]:
        raise OriginChanged("the key changed before is not published yet: publish first")
    if any(str(new) in (row["old"], row["new"]) for row in rows) or new == old:
        raise OriginChanged("a log has each key once")
    now = clock.now()
    content = Content(old.name, str(old), str(new), (now + overlap).isoformat())
    salt = clock.random_bytes(journal.SALT_BYTES)
    commitment = journal.commit(salt, msgspec.to_builtins(content))
    entry = journal.append(tx, PROGRAMME, KIND, commitment, now).seq
    row = {
        "n": len(rows) + 1,
        "old": content.old,
        "new": content.new,
        "entry": entry,
        "salt": salt.hex(),
        "content": journal.canonical(msgspec.to_builtins(content)).decode(),
        "at": now,
        "until": now + overlap,
        "proof": "",
    }
    tx.execute(sa.insert(KEYS).values(row))
    tx.execute(sa.update(SELF).values(vkey=str(new)))
    return int(entry)


def changes(tx: Tx) -> list[dict[str, Any]]:
    """Return the changes of the log's key, oldest first."""
    return [dict(row) for row in tx.execute(sa.select(KEYS).order_by(KEYS.c.n)).mappings()]


def signer_with(tx: Tx, base: Path, name: str, first: Ed25519PrivateKey) -> LogSigner:
    """Return the signer of today's key with those before it; the first one's is ``first``.

    Raises `OriginChanged` when the file of a key is not there.
    """
    signer, former = LogSigner(name, first), list[tuple[LogSigner, dt.datetime]]()
    for row in changes(tx):
        new = keys.read(row["new"])
        if row["old"] != str(signer.key) or not file_of(base, new).exists():
            raise OriginChanged(f"the key {row['old']} or the file of {row['new']} is not here")
        former.insert(0, (signer, row["until"] if row["proof"] else ALWAYS))
        signer = LogSigner(name, load_or_make_key(file_of(base, new)), tuple(former))
    return signer


def announce(tx: Tx) -> None:
    """Keep the proof of each change that is in a published checkpoint now."""
    for row in changes(tx):
        under = log.first_with(tx, row["entry"])
        if row["proof"] or under is None:
            continue
        entry = next(journal.read(tx, row["entry"] - 1, row["entry"]))[0]
        extra = receipts.opening(entry, row["salt"], row["content"])
        text = str(log.proof_under(tx, row["entry"], under, extra))
        tx.execute(sa.update(KEYS).where(KEYS.c.n == row["n"]).values(proof=text))


def published(rows: Sequence[dict[str, Any]]) -> str:
    """Return the file of the changes that have their proof; nothing if there are none."""
    links = [row["proof"] for row in rows if row["proof"]]
    return msgspec.json.encode({"links": links}).decode() if links else ""
