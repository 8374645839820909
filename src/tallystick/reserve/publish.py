"""Put beside the log what anyone may check: attestations, and the events with their salts.

Files are written whole or not at all, and the index last, so that a reader never sees half of it.
What is published names officials by their roles and ids, never by name.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import msgspec
import sqlalchemy as sa

from tallystick.core.store import Store, Tx
from tallystick.reserve import attest, record
from tallystick.reserve.attestation_pdf import as_pdf
from tallystick.reserve.prove import EVENTS, FOLDER, INDEX
from tallystick.reserve.tables import EVENTS as ROWS


def publish(store: Store, folder: Path, size: int, papers: bool = True) -> int:
    """Write attestations and events beside the log of a size; return how many files.

    Only what the published checkpoint holds is written: publish the log first. With ``papers``
    each attestation comes as PDF too.
    """
    with store.read() as tx:
        found = [one for one in attest.attestations(tx) if one.log_size <= size]
        events = _events(tx, size)
    (folder / FOLDER).mkdir(parents=True, exist_ok=True)
    names = []
    for one in found:
        names.append(name_of(one.id))
        path = folder / FOLDER / names[-1]
        if papers and not path.with_suffix(".pdf").exists():
            whole(path.with_suffix(".pdf"), as_pdf(one))
        if not path.exists():
            write(path, attest.document(one))
    write(folder / EVENTS, {"events": events})
    write(folder / INDEX, {"attestations": names})
    return len(names) + 2


def name_of(id: str) -> str:
    """Return the name of an attestation's file."""
    return f"attestation-{id.lower()}.json"


def _events(tx: Tx, size: int) -> list[dict[str, Any]]:
    query = sa.select(ROWS.c.entry, ROWS.c.salt, ROWS.c.content, ROWS.c.kind)
    query = query.where(ROWS.c.entry <= size)
    return [
        {"entry": row.entry, "salt": row.salt, "content": msgspec.json.decode(row.content)}
        for row in tx.execute(query.order_by(ROWS.c.entry))
        if row.kind not in record.CLOSED
    ]


def write(path: Path, content: Any) -> None:
    """Write JSON durably: whole, or not at all."""
    whole(path, msgspec.json.format(msgspec.json.encode(content, order="deterministic"), indent=1))


def whole(path: Path, body: bytes) -> None:
    """Write a file durably: whole, or not at all."""
    draft = path.with_name(f".{path.name}.new")
    with draft.open("wb") as file:
        file.write(body)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)
