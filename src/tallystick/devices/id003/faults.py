"""What goes wrong on a wire: answers lost, spoilt or preceded by noise, and commands not heard."""

from __future__ import annotations

from typing import Final

from tallystick.core.clock import Clock
from tallystick.devices.errors import HandsRefused

COUNT_MAX: Final = 10_000
NOISE_BYTES_MAX: Final = 8
KINDS: Final = ("drop", "corrupt", "garbage", "deaf")


class Faults:
    """The next so many answers, or from `after` on the n-th one, go wrong."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self.left = dict.fromkeys(KINDS, 0)
        self._after: tuple[int, str] | None = None
        self.replies = self.commands = 0

    def add(self, **counts: int) -> None:
        """Let the next so many go wrong: ``drop``, ``corrupt``, ``garbage`` or ``deaf``."""
        for kind, count in counts.items():
            if kind not in KINDS or not isinstance(count, int) or not 0 <= count <= COUNT_MAX:
                raise HandsRefused(f"{kind} from 0 to {COUNT_MAX}")
            self.left[kind] = count

    def at(self, number: int, kind: str) -> None:
        """Let just the n-th answer (or, ``deaf``, command) from now go wrong; 1 is the next."""
        start = self.commands if kind == "deaf" else self.replies
        self._after = (start + number, kind)

    def _now(self, kind: str, number: int) -> bool:
        if self._after == (number, kind):
            return True
        self.left[kind] -= 1 if self.left[kind] else 0
        return False

    def hears(self) -> bool:
        """Say whether the next command is heard."""
        self.commands += 1
        due = self.left["deaf"] > 0
        return not (self._now("deaf", self.commands) or due)

    def spoil(self, reply: bytes) -> bytes:
        """Return what is left of an answer on the wire."""
        self.replies += 1
        for kind in ("drop", "corrupt", "garbage"):
            due = self.left[kind] > 0
            if self._now(kind, self.replies) or due:
                return self._spoilt(kind, reply)
        return reply

    def _spoilt(self, kind: str, reply: bytes) -> bytes:
        if kind == "drop":
            return b""
        seed = self._clock.random_bytes(NOISE_BYTES_MAX + 2)
        if kind == "garbage":
            return seed[2 : 3 + seed[0] % NOISE_BYTES_MAX] + reply
        spoilt = bytearray(reply)
        spoilt[seed[0] % len(reply)] ^= 1 << seed[1] % 8
        return bytes(spoilt)
