"""The demo's processes: each its own, each said to be ready by a file, all ended with the demo."""

from __future__ import annotations

import contextlib
import ctypes
import signal
import subprocess
import sys
from pathlib import Path
from typing import Final

from tallystick.core.clock import Clock
from tallystick.core.errors import TallystickError

READY_S: Final = 120
PR_SET_PDEATHSIG: Final = 1


def _end_with_parent() -> None:
    """Ask the kernel to end this process when the demo dies, however it dies (Linux only)."""
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)


class PartFailed(TallystickError):
    """A process of the demo did not start; its own words are above."""

    code, money, say = 6301, "as last committed; nothing was changed", ""


class Parts:
    """Starts processes and ends them in reverse."""

    def __init__(self, folder: Path, clock: Clock) -> None:
        self.folder, self.clock = folder, clock
        self.running: list[subprocess.Popen[bytes]] = []
        self.names: list[str] = []

    def begin(self, name: str, *command: str) -> tuple[str, subprocess.Popen[bytes], Path]:
        """Start a module without waiting for it."""
        ready = self.folder / f"{name}.ready"
        ready.unlink(missing_ok=True)
        arguments = [sys.executable, "-m", *command, "--ready-file", str(ready)]
        process = subprocess.Popen(arguments, start_new_session=True, preexec_fn=_end_with_parent)
        self.running.append(process)
        self.names.append(name)
        return name, process, ready

    def wait(self, begun: tuple[str, subprocess.Popen[bytes], Path]) -> str:
        """Wait until a process says that it is ready; return what it said."""
        name, process, ready = begun
        start = self.clock.monotonic_s()
        while self.clock.monotonic_s() - start < READY_S:
            if ready.exists() and (said := ready.read_text()):
                return said
            if process.poll() is not None:
                raise PartFailed(f"{name} ended with {process.returncode}")
            self.clock.sleep(0.01)
        raise PartFailed(f"{name} was not ready within {READY_S} s")

    def pairs(self) -> list[tuple[subprocess.Popen[bytes], str]]:
        """Return each process with its name."""
        return list(zip(self.running, self.names, strict=True))

    def watch(self) -> str:
        """Return the name of the first process that ends by itself."""
        while True:
            for process, name in self.pairs():
                if process.poll() is not None:
                    return name
            self.clock.sleep(0.2)

    def end(self) -> None:
        """Ask each to stop, the last started first, and wait; a second Ctrl-C changes nothing."""
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, signal.SIG_IGN)
        for process in reversed(self.running):
            if process.poll() is None:
                process.terminate()
                try:
                    process.wait(10)
                except subprocess.TimeoutExpired:
                    process.kill()
                    process.wait()
