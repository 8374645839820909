"""A receipt as a file: the proof of one entry, and for whoever has the key also what it says.

The file is a C2SP ``.tlog-proof``. By its mark alone anybody may have it, since the mark and the
entry are public; what the entry was made from goes only to whoever sends the key, in a form's body.
"""

from __future__ import annotations

from typing import Final

from starlette.responses import Response

from tallystick.core import journal
from tallystick.core.store import Store, Tx
from tallystick.core.tlog import log, receipts
from tallystick.core.tlog.errors import LogForked, NotPublished
from tallystick.kiosk import queries

TYPE: Final = "text/plain; charset=utf-8"


def _file(tx: Tx, seq: int, salt: str = "", content: str = "") -> Response:
    entry = next(journal.read(tx, seq - 1, seq))[0]
    proof = log.receipt(tx, seq, receipts.opening(entry, salt, content))
    name = f"receipt-{seq}{receipts.SUFFIX}"
    headers = {"Content-Type": TYPE, "Content-Disposition": f'attachment; filename="{name}"'}
    return Response(str(proof).encode(), headers=headers)


def by_mark(store: Store, mark: str) -> Response | None:
    """Return the proof of the entry with this mark, or None if there is none to show."""
    with store.read() as tx:
        found = queries.committed(tx, mark)
        return _shown(tx, found[0]) if found else None


def by_key(store: Store, reference: str, salt: str) -> Response | None:
    """Return the proof with its opening, or None if number and key do not open a record."""
    with store.read() as tx:
        record = queries.opening(tx, reference, salt)
        return _shown(tx, record[0], salt, record[1]) if record else None


def _shown(tx: Tx, seq: int, salt: str = "", content: str = "") -> Response | None:
    try:
        return _file(tx, seq, salt, content)
    except (NotPublished, LogForked):
        return None
