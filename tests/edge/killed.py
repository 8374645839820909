"""The machine, killed at one write or sync of its journal: for `test_machine_kill_points`.

At the n-th call, and how: ``before`` it, ``after`` it, or ``torn``, half of the bytes of the n-th
write on disk. Everything else is the real process, forked from one that has read the code already.
"""

from __future__ import annotations

import os
import signal
from pathlib import Path
from typing import Any

from tallystick.edge import journal, main
from tallystick.edge.settings import Settings


class Calls:
    """Stands before the two calls with which the journal reaches the disk, and counts them."""

    def __init__(self, at: int, how: str, count: Path) -> None:
        self.at, self.how, self.count = at, how, count
        self.number = 0

    def __getattr__(self, name: str) -> Any:
        return getattr(os, name)

    def _now(self, how: str) -> bool:
        return self.number == self.at and how == self.how

    def _die(self) -> None:
        os.kill(os.getpid(), signal.SIGKILL)

    def pwrite(self, handle: int, data: bytes, at: int) -> int:
        self._count("pwrite")
        if self._now("before"):
            self._die()
        if self._now("torn"):
            os.pwrite(handle, data[: len(data) // 2], at)
            self._die()
        done = os.pwrite(handle, data, at)
        if self._now("after"):
            self._die()
        return done

    def fdatasync(self, handle: int) -> None:
        self._count("fdatasync")
        if self._now("before"):
            self._die()
        os.fdatasync(handle)
        if self._now("after"):
            self._die()

    def _count(self, name: str) -> None:
        self.number += 1
        with self.count.open("a") as file:
            file.write(f"{name}\n")


def run(folder: Path, pair: str, ready: Path, at: int, how: str) -> None:
    """Be the machine until SIGTERM or the kill."""
    journal.os = Calls(at, how, folder / "count")  # type: ignore[attr-defined]
    main.run(
        Settings(
            data=folder / "kiosk",
            validator=str(folder / "bills"),
            scanner=str(folder / "codes"),
            printer=f"virtual:{folder / 'papers'}",
            pair=pair,
            reading_percent=0,
        ),
        ready,
    )
