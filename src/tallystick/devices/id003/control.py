"""Hands for the simulated devices: what a person at the machine would do, over a Unix socket.

One JSON object a line each way. The demo's drawer and the tests use it; a real machine has none.
"""

from __future__ import annotations

import json
import socket
from pathlib import Path
from typing import Any, Final

from tallystick.devices.errors import HandsRefused

ANSWER_S_MAX: Final = 5.0
ANSWER_BYTES_MAX: Final = 4_000_000


class Hands:
    """What hands can do at the socket of one simulator. Every verb may raise `HandsRefused`."""

    def __init__(self, path: Path | str) -> None:
        self._path = str(path)

    def ask(self, verb: str, **given: Any) -> Any:
        """Do one thing, and return its result; raise `HandsRefused` with the simulator's words."""
        try:
            with socket.socket(socket.AF_UNIX) as stream:
                stream.settimeout(ANSWER_S_MAX)
                stream.connect(self._path)
                stream.sendall(json.dumps({"do": verb, **given}).encode() + b"\n")
                answer = _answer(stream)
        except (OSError, ValueError) as error:
            raise HandsRefused(f"{verb}: {error}") from error
        if "error" in answer:
            raise HandsRefused(f"{verb}: {answer['error']}")
        return answer.get("result")

    def insert(self, minor: int) -> str:
        """Push in a good note: ``taken``, ``inhibited`` or ``busy``."""
        return str(self.ask("insert", minor=minor))

    def insert_bad(self, minor: int = 100, reason: int = 0x77) -> str:
        """Push in a torn note, which is rejected for this reason (71 to 7E)."""
        return str(self.ask("insert_bad", minor=minor, reason=reason))

    def take(self) -> int:
        """Take the note that lies in the slot; return its value in minor units, or 0."""
        return int(self.ask("take"))

    def jam(self, at: str = "acceptor") -> None:
        """Make the note under way stick, or the next one: in the ``acceptor`` or ``stacker``."""
        self.ask("jam", at=at)

    def clear(self, out: bool = False) -> None:
        """Clear jams and troubles; ``out`` takes a note stuck in the stacker out by hand."""
        self.ask("clear", out=out)

    def cheat(self) -> None:
        """Pull the note out on a string."""
        self.ask("cheat")

    def pause(self) -> None:
        """Push a second note in behind the first."""
        self.ask("pause")

    def fail(self) -> None:
        """Break the device."""
        self.ask("fail")

    def fill(self) -> None:
        """Fill the cash box to the brim."""
        self.ask("fill")

    def open_box(self) -> None:
        """Take the cash box off."""
        self.ask("open_box")

    def close_box(self) -> None:
        """Put the cash box back."""
        self.ask("close_box")

    def empty(self) -> list[int]:
        """Take the notes out of the cash box; return them in minor units, in their order."""
        return [int(minor) for minor in self.ask("empty")]

    def power_cycle(self) -> None:
        """Cut the validator's power and give it back."""
        self.ask("power_cycle")

    def faults(self, **counts: int) -> None:
        """Let the next so many answers go wrong: ``drop``, ``corrupt``, ``garbage``; or commands:
        ``deaf``."""
        self.ask("faults", **counts)

    def present(self, text: str) -> None:
        """Hold a code with this text before the scanner."""
        self.ask("present", text=text)

    def state(self) -> dict[str, Any]:
        """Return how everything is; sums in minor units."""
        return dict(self.ask("state"))

    def times(self) -> list[dict[str, int]]:
        """Return, for the last thousand notes, monotonic nanoseconds: ``escrow_ns`` when escrow
        was first answered, ``stack_ns``, ``vend_ns`` when *vend valid* was first answered, and
        ``ack_ns``."""
        return list(self.ask("times"))


def _answer(stream: socket.socket) -> dict[str, Any]:
    data = bytearray()
    while not data.endswith(b"\n"):
        part = stream.recv(65_536)
        data += part
        if not part or len(data) > ANSWER_BYTES_MAX:
            raise OSError("the answer ended early, or never")
    found = json.loads(data)
    if not isinstance(found, dict):
        raise ValueError("the answer is no JSON object")
    return found
