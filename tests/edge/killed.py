"""The machine, killed at one write or sync of its journal: for `test_machine_kill_points`.

``KILL_AT=n`` and ``KILL_HOW``: ``before`` the n-th call, ``after`` it, or ``torn``, half of the
bytes of the n-th write on disk. Everything else is the real process.
"""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path
from typing import Any

from tallystick.edge import journal, main

AT, HOW = int(os.environ["KILL_AT"]), os.environ["KILL_HOW"]
COUNT = Path(os.environ["KILL_COUNT"])


class Calls:
    """Stands before the two calls with which the journal reaches the disk, and counts them."""

    def __init__(self) -> None:
        self.number = 0

    def __getattr__(self, name: str) -> Any:
        return getattr(os, name)

    def _now(self, how: str) -> bool:
        return self.number == AT and how == HOW

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
        with COUNT.open("a") as file:
            file.write(f"{name}\n")


journal.os = Calls()  # type: ignore[attr-defined]
folder, pair, ready = Path(sys.argv[1]), sys.argv[2], Path(sys.argv[3])
main.run(
    main.Settings(
        data=folder / "kiosk",
        validator=str(folder / "bills"),
        scanner=str(folder / "codes"),
        printer=f"virtual:{folder / 'papers'}",
        pair=pair,
        reading_percent=0,
    ),
    ready,
)
