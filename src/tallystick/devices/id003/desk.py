"""What the control socket of the simulated devices understands: one request, one answer.

Requests are JSON objects with the verb in ``do``; anything else is answered with an error, and
nothing a client sends ends the process.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any, Final

from tallystick.devices.errors import HandsRefused
from tallystick.devices.id003.simulator import TROUBLES, SimulatedValidator

MINOR_MAX: Final = 10_000_000
PRESENT_BYTES_MAX: Final = 4_096


class Desk:
    """Answers requests for one validator; ``present`` puts bytes on the scanner's wire."""

    def __init__(self, device: SimulatedValidator, present: Callable[[bytes], None]) -> None:
        self._device, self._present = device, present
        self._verbs: dict[str, Callable[..., Any]] = {
            "insert": self._insert,
            "insert_bad": device.insert_bad,
            "take": device.take,
            "jam": device.jam,
            "clear": device.clear,
            "close_box": device.close_box,
            "empty": device.empty,
            "power_cycle": device.power_cycle,
            "faults": device.faults.add,
            "present": self._show,
            "state": device.state,
            "times": lambda: list(device.times),
        }

    def answer(self, line: bytes) -> bytes:
        """Return the answer to one line, with its newline."""
        try:
            asked = json.loads(line)
            if not isinstance(asked, dict):
                raise HandsRefused("one JSON object a line")
            said = {"result": self._do(asked)}
        except (ValueError, RecursionError, TypeError) as error:
            said = {"error": str(error)[:200]}
        except HandsRefused as error:
            said = {"error": error.detail}
        return json.dumps(said).encode() + b"\n"

    def _do(self, asked: dict[str, Any]) -> Any:
        verb = asked.pop("do", None)
        if verb in TROUBLES and not asked:
            return self._device.trouble(verb)
        if verb not in self._verbs:
            raise HandsRefused(f"no verb {str(verb)[:40]!r}")
        return self._verbs[verb](**asked)

    def _insert(self, minor: int) -> str:
        if type(minor) is not int or not 0 < minor <= MINOR_MAX:
            raise HandsRefused(f"a note is worth 1 to {MINOR_MAX} minor units")
        return self._device.insert(minor)

    def _show(self, text: str) -> None:
        data = str(text).encode()
        if not 0 < len(data) <= PRESENT_BYTES_MAX:
            raise HandsRefused(f"a code holds 1 to {PRESENT_BYTES_MAX} bytes")
        self._present(data + b"\r")
