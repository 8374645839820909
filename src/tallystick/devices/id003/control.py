"""Hands for the simulated devices: insert a note, hold up a code, cut the power."""

from __future__ import annotations

import json
import socket
from pathlib import Path
from typing import Any, Final

from tallystick.devices.errors import HandsRefused

ANSWER_S_MAX: Final = 5
ANSWER_BYTES_MAX: Final = 1_000_000


class Hands:
    """One pair of hands at a control socket. Sums in minor units; all raise `HandsRefused`."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def do(self, verb: str, **facts: Any) -> dict[str, Any]:
        """Do one thing and return what the device says."""
        try:
            with socket.socket(socket.AF_UNIX) as line:
                line.settimeout(ANSWER_S_MAX)
                line.connect(str(self._path))
                line.sendall(json.dumps({"do": verb, **facts}).encode() + b"\n")
                said = self._read(line)
        except OSError as error:
            raise HandsRefused(f"{verb}: {error}") from error
        if not said.pop("ok"):
            raise HandsRefused(f"{verb}: {said['why']}")
        return said

    def _read(self, line: socket.socket) -> dict[str, Any]:
        held = b""
        while not held.endswith(b"\n") and len(held) < ANSWER_BYTES_MAX:
            data = line.recv(65_536)
            if not data:
                raise OSError("the device went away")
            held += data
        said: dict[str, Any] = json.loads(held)
        return said

    def insert(self, minor: int) -> None:
        """Put in one good note."""
        self.do("insert", minor=minor)

    def insert_bad(self) -> None:
        """Put in a torn note."""
        self.do("insert_bad")

    def jam(self, at: str = "stacker") -> None:
        """Make the next note stick."""
        self.do("jam", at=at)

    def clear(self) -> None:
        """Clear the jam, as a technician does, with the power off and on."""
        self.do("clear")

    def power_cycle(self) -> None:
        """Cut the power and give it back."""
        self.do("power_cycle")

    def open_box(self) -> None:
        """Take the cash box out."""
        self.do("open_box")

    def close_box(self) -> None:
        """Put it back."""
        self.do("close_box")

    def fill(self) -> None:
        """Fill the cash box."""
        self.do("fill")

    def cheat(self) -> None:
        """Pull a note on a string."""
        self.do("cheat")

    def faults(self, drop: int = 0, corrupt: int = 0, garbage: int = 0) -> None:
        """Spoil the next answers."""
        self.do("faults", drop=drop, corrupt=corrupt, garbage=garbage)

    def present(self, text: str) -> None:
        """Hold a code over the scanner."""
        self.do("present", text=text)

    def state(self) -> dict[str, Any]:
        """Return what the device holds and shows."""
        return self.do("state")

    def times(self) -> list[list[Any]]:
        """Return when each escrow and each *vend valid* was first on the wire, monotonic ns."""
        found: list[list[Any]] = self.do("times")["times"]
        return found
