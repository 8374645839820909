"""Put beside the log what anyone may check: attestations, and the events with their salts.

Files are written whole or not at all, and the index last, so that a reader never sees half of it.
What is published names officials by their roles and ids, never by name.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any, Final

import msgspec
import sqlalchemy as sa

from tallystick.core.store import Store, Tx
from tallystick.reserve import attest
from tallystick.reserve.prove import EVENTS, INDEX
from tallystick.reserve.tables import EVENTS as ROWS

HIDDEN: Final = frozenset({"part_refused"})
"""Kinds that stay in the house: they may quote bytes of a stranger."""


def publish(store: Store, folder: Path) -> int:
    """Write every published attestation and event beside the log; return how many files."""
    with store.read() as tx:
        found = attest.attestations(tx)
        events = _events(tx)
    (folder / "reserve").mkdir(parents=True, exist_ok=True)
    names = []
    for one in found:
        names.append(f"attestation-{one.id}.json")
        path = folder / "reserve" / names[-1]
        if not path.exists():
            write(path, attest.document(one))
    write(folder / EVENTS, {"events": events})
    write(folder / INDEX, {"attestations": names})
    return len(names) + 2


def _events(tx: Tx) -> list[dict[str, Any]]:
    query = sa.select(ROWS.c.entry, ROWS.c.salt, ROWS.c.content, ROWS.c.kind)
    return [
        {"entry": row.entry, "salt": row.salt, "content": msgspec.json.decode(row.content)}
        for row in tx.execute(query.order_by(ROWS.c.entry))
        if row.kind not in HIDDEN
    ]


def write(path: Path, content: Any) -> None:
    """Write JSON durably: whole, or not at all."""
    body = msgspec.json.format(msgspec.json.encode(content, order="deterministic"), indent=1)
    draft = path.with_name(f".{path.name}.new")
    with draft.open("wb") as file:
        file.write(body)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)
