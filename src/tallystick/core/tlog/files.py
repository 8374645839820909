"""Files that are whole or not there: written under another name, synced, then given their own.

Two programmes of the log stand on it: the publisher's folder and a witness's memory. When a call
returns, what it wrote survives a power cut.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

SYNC_EACH_MAX: Final = 64
"""More files at once are synced together (sync(2) waits on Linux), which is far cheaper."""
DRAFT: Final = ".new"


def sync_folder(folder: Path) -> None:
    """Make the names in a folder durable."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _draft(path: Path, data: bytes, sync: bool) -> Path:
    draft = path.with_name(path.name + DRAFT)
    handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o644)
    try:
        left = memoryview(data)
        while left:
            left = left[os.write(handle, left) :]
        if sync:
            os.fsync(handle)
    finally:
        os.close(handle)
    return draft


def write(path: Path, data: bytes) -> None:
    """Put one file in place, durably."""
    write_all([(path, data)])


def write_all(files: Sequence[tuple[Path, bytes]]) -> None:
    """Put files in place, in their order; none gets its name before all are on disk."""
    each = len(files) <= SYNC_EACH_MAX
    folders = dict.fromkeys(path.parent for path, _ in files)
    for folder in folders:
        make_folder(folder)
    drafts = [(_draft(path, data, each), path) for path, data in files]
    if not each:
        os.sync()
    for draft, path in drafts:
        draft.replace(path)
    for folder in folders if each else ():
        sync_folder(folder)
    if not each:
        os.sync()


def make_folder(folder: Path) -> None:
    """Make a folder with what is above it, each name durable."""
    if folder.is_dir():
        return
    make_folder(folder.parent)
    folder.mkdir(exist_ok=True)
    sync_folder(folder.parent)


@contextlib.contextmanager
def alone(folder: Path) -> Iterator[None]:
    """Hold a folder for this process alone; another waits."""
    make_folder(folder)
    handle = os.open(folder / ".lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)
