"""The list of purchases as comma-separated values, for a spreadsheet: plain figures in minor units.

No text in it comes from a customer's keyboard; an address was checked before it was stored.
"""

from __future__ import annotations

import csv
import io
from typing import Final

from tallystick.core.store import Tx
from tallystick.kiosk import queries
from tallystick.kiosk.queries import Wanted
from tallystick.web.console.kiosks import labels_of

COLUMNS: Final = (
    *("reference", "made_at", "moved_at", "state", "kiosk", "machine", "currency"),
    *("notes", "cash_minor", "fee_minor", "worth_minor", "price_minor", "sats", "address"),
)


def purchases(tx: Tx, wanted: Wanted, only_waiting: bool = False) -> str:
    """Return the wanted purchases, the newest first, up to `queries.FILE_ROWS_MAX`."""
    if only_waiting:
        rows = queries.waiting_for_person(tx, list(queries.troubled(tx)))
    else:
        rows = queries.purchases(tx, wanted, queries.FILE_ROWS_MAX)
    labels, out = labels_of(tx), io.StringIO()
    writer = csv.writer(out)
    writer.writerow(COLUMNS)
    for row in rows:
        label = str(labels.get(row["machine"], row["machine"]))
        moments = {name: row[name].isoformat() for name in ("made_at", "moved_at")}
        line = {**row, **moments, "kiosk": _plain(label)}
        writer.writerow([line[name] for name in COLUMNS])
    return out.getvalue()


def _plain(label: str) -> str:
    """Return a kiosk's label so that no spreadsheet takes it for a formula."""
    return f"'{label}" if label[:1] in "=+-@\t" else label
