"""The machine's own journal: each step is on its disk before it is acted upon (Decision 4).

One line is one record: checksum, number, JSON. A durable record is synced before `append` returns.
A line torn by a power cut can only be the last; it was not acted upon, and is cut off. Damage
anywhere else stops the machine: better closed than guessing about somebody's cash.
"""

from __future__ import annotations

import fcntl
import os
import zlib
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final

import msgspec

from tallystick.edge.errors import JournalDamaged, JournalInUse, JournalUnwritable

LINE_BYTES_MAX: Final = 65_536
COMPACT_AT_BYTES: Final = 1_000_000

Record = dict[str, Any]


def line_of(seq: int, record: Record) -> bytes:
    """Return one line: CRC-32 in eight hex digits, a space, ``[seq,record]``, a newline."""
    body = msgspec.json.encode([seq, record])
    return b"%08x %s\n" % (zlib.crc32(body), body)


def read_line(line: bytes) -> tuple[int, Record]:
    """Return a line's number and record; raise `ValueError` for anything else."""
    digest, _, body = line.partition(b" ")
    if len(digest) != 8 or int(digest, 16) != zlib.crc32(body):
        raise ValueError("the checksum does not match")
    seq, record = msgspec.json.decode(body, type=tuple[int, Record])
    return seq, record


class Journal:
    """Append-only; opened by one process at a time. ``seq`` is the number of the last record."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = self._locked()
        self._handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        self.records, self._end = self._read()
        self.seq = self.records[-1][0] if self.records else 0
        self.broken = False
        os.ftruncate(self._handle, self._end)
        os.fsync(self._handle)
        _sync_folder(path.parent)

    def _locked(self) -> int:
        lock = os.open(self._path.with_suffix(".lock"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            os.close(lock)
            raise JournalInUse(str(self._path)) from error
        return lock

    def _read(self) -> tuple[list[tuple[int, Record]], int]:
        data, at = self._path.read_bytes(), 0
        found: list[tuple[int, Record]] = []
        while at < len(data):
            end = data.find(b"\n", at)
            try:
                if end < 0:
                    raise ValueError("the line does not end")
                seq, record = read_line(data[at:end])
                if found and seq != found[-1][0] + 1:
                    raise ValueError(f"record {seq} follows {found[-1][0]}")
            except (ValueError, msgspec.MsgspecError) as error:
                if 0 <= end < len(data) - 1:
                    raise JournalDamaged(f"{self._path.name} at byte {at}: {error}") from error
                break
            found.append((seq, record))
            at = end + 1
        return found, at

    def append(self, record: Record, durable: bool = True) -> int:
        """Write one record and return its number; with ``durable`` it is on disk first.

        Raises `JournalUnwritable`: nothing of the record is kept, and after a failed sync nothing
        more is written by this process, because what the disk holds is no longer known.
        """
        if self.broken:
            raise JournalUnwritable("a sync failed before; restart when the disk is mended")
        line = line_of(self.seq + 1, record)
        if len(line) > LINE_BYTES_MAX:
            raise JournalUnwritable(f"a record of {len(line)} bytes; at most {LINE_BYTES_MAX}")
        try:
            written = os.pwrite(self._handle, line, self._end)
            if written != len(line):
                raise OSError(f"{written} of {len(line)} bytes")
        except OSError as error:
            self._take_back()
            raise JournalUnwritable(str(error)) from error
        if durable:
            self._sync()
        self._end += len(line)
        self.seq += 1
        return self.seq

    def _sync(self) -> None:
        try:
            os.fdatasync(self._handle)
        except OSError as error:
            self.broken = True
            self._take_back()
            raise JournalUnwritable(f"sync: {error}") from error

    def _take_back(self) -> None:
        try:
            os.ftruncate(self._handle, self._end)
        except OSError:
            self.broken = True

    def compact(self, records: Iterable[Record]) -> None:
        """Replace everything by these records, at once or not at all."""
        fresh = self._path.with_suffix(".new")
        seq, lines = self.seq, []
        for seq, record in enumerate(records, self.seq + 1):
            lines.append(line_of(seq, record))
        with fresh.open("wb") as file:
            file.writelines(lines)
            file.flush()
            os.fsync(file.fileno())
            self._end = file.tell()
        fresh.replace(self._path)
        _sync_folder(self._path.parent)
        os.close(self._handle)
        self._handle = os.open(self._path, os.O_RDWR | os.O_CLOEXEC)
        self.seq = seq

    @property
    def bytes(self) -> int:
        """Return the length of the file."""
        return self._end

    def close(self) -> None:
        """Let go of the file."""
        os.close(self._handle)
        os.close(self._lock)


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
