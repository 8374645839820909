"""An append-only file of byte records, each on disk when `append` returns.

A kill in the middle of a write leaves a torn last record; the next open cuts it off.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from tallystick.bitcoin.embedded.txs import sha256d

HEAD_BYTES: Final = 8


class Log:
    """Records in a file: four bytes of length, four of checksum, then the record."""

    def __init__(self, path: Path) -> None:
        self.path = path
        whole = self._whole()
        self._file = path.open("ab", buffering=0)
        self._file.truncate(sum(HEAD_BYTES + len(record) for record in whole))
        self.records_at_open = whole

    def _whole(self) -> list[bytes]:
        data, at, found = self.path.read_bytes() if self.path.exists() else b"", 0, []
        while at + HEAD_BYTES <= len(data):
            length = int.from_bytes(data[at : at + 4], "little")
            record = data[at + HEAD_BYTES : at + HEAD_BYTES + length]
            if len(record) != length or sha256d(record)[:4] != data[at + 4 : at + HEAD_BYTES]:
                break
            found.append(record)
            at += HEAD_BYTES + length
        return found

    def append(self, record: bytes, sync: bool = True) -> None:
        """Write one record; with ``sync`` false, `sync` must follow before it is relied upon."""
        self._file.write(_framed(record))
        if sync:
            self.sync()

    def sync(self) -> None:
        """Wait until all is on disk."""
        os.fsync(self._file.fileno())

    def rewrite(self, records: Sequence[bytes]) -> None:
        """Replace everything at once."""
        draft = self.path.with_suffix(".new")
        with draft.open("wb") as file:
            file.writelines(_framed(record) for record in records)
            file.flush()
            os.fsync(file.fileno())
        self._file.close()
        draft.replace(self.path)
        folder = os.open(self.path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
        self._file = self.path.open("ab", buffering=0)

    def close(self) -> None:
        """Close the file."""
        self._file.close()


def _framed(record: bytes) -> bytes:
    return len(record).to_bytes(4, "little") + sha256d(record)[:4] + record
