"""The only source of time, chance and identifiers (Decision 2).

Everything below the faces takes a `Clock` or the values it gave. `SystemClock` is the machine's;
`SeededClock` runs a whole network of kiosks, servers and faults again from one seed.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import os
import random  # noqa: TID251 - the one place
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    import numpy as np

CROCKFORD = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
"""Base 32 without I, L, O and U: nobody misreads an identifier aloud."""


class Clock(Protocol):
    """What gives time, chance and identifiers."""

    def now(self) -> dt.datetime:
        """Return the present moment, in UTC, to the microsecond."""

    def monotonic_s(self) -> float:
        """Return seconds that never go backwards; for durations and time-outs only."""

    def random_bytes(self, count: int) -> bytes:
        """Return ``count`` bytes nobody can guess (or, seeded, the same ones every run)."""

    def sleep(self, seconds: float) -> None:
        """Wait, or move simulated time forward."""


def new_id(clock: Clock) -> str:
    """Return a 26-character sortable identifier (ULID form): 48 bits of time, 80 of chance."""
    ms = int(clock.now().timestamp() * 1000)
    return base32((ms << 80) | int.from_bytes(clock.random_bytes(10), "big"), 26)


def reference(clock: Clock) -> str:
    """Return a short reference for people, such as ``TS-60Z-63K-C6R`` (45 bits of chance)."""
    text = base32(int.from_bytes(clock.random_bytes(6), "big") >> 3, 9)
    return f"TS-{text[:3]}-{text[3:6]}-{text[6:]}"


def numbers(*seed: int) -> np.random.Generator:
    """Return a source of arrays of random numbers, the same for the same seed: for simulations.

    Nothing that anybody must not guess comes from it.
    """
    import numpy as np  # slow to load, and no kiosk needs it

    return np.random.default_rng(seed)


@contextlib.contextmanager
def borrowed_chance(seed: int) -> Iterator[None]:
    """Seed the one global source that a library insists on, and give it back as it was."""
    import numpy as np

    before = np.random.get_state()
    np.random.seed(seed)
    try:
        yield
    finally:
        np.random.set_state(before)


def base32(number: int, length: int) -> str:
    """Render a number in Crockford's base 32, left-padded to ``length``."""
    digits = []
    for _ in range(length):
        number, rest = divmod(number, 32)
        digits.append(CROCKFORD[rest])
    return "".join(reversed(digits))


class SystemClock:
    """The machine's own clock and its kernel's randomness."""

    def now(self) -> dt.datetime:
        """Return the machine's time in UTC."""
        return dt.datetime.now(dt.UTC)  # noqa: TID251 - the one place

    def monotonic_s(self) -> float:
        """Return the kernel's monotonic clock, in seconds."""
        return time.monotonic()

    def random_bytes(self, count: int) -> bytes:
        """Return bytes from the kernel."""
        return os.urandom(count)

    def sleep(self, seconds: float) -> None:
        """Sleep."""
        time.sleep(seconds)


class AheadClock(SystemClock):
    """The machine's clock, set ahead: a demonstration need not wait for a notice of two weeks."""

    def __init__(self, seconds: float = 0) -> None:
        self.ahead_s = seconds

    def now(self) -> dt.datetime:
        """Return the machine's time and what it is ahead of it, in UTC."""
        return super().now() + dt.timedelta(seconds=self.ahead_s)

    def advance(self, seconds: float) -> None:
        """Move ahead by ``seconds`` more."""
        self.ahead_s += seconds


class SeededClock:
    """Time that moves only when told, and chance that repeats: for tests and simulations."""

    def __init__(self, seed: int, start: dt.datetime | None = None) -> None:
        self._now = start or dt.datetime(2026, 11, 24, 12, 0, tzinfo=dt.UTC)
        self._start = self._now
        self._random = random.Random(seed)  # noqa: S311 - repeatable on purpose

    def now(self) -> dt.datetime:
        """Return the simulated moment."""
        return self._now

    def monotonic_s(self) -> float:
        """Return simulated seconds since the start."""
        return (self._now - self._start).total_seconds()

    def random_bytes(self, count: int) -> bytes:
        """Return the next bytes of the seed."""
        return self._random.randbytes(count)

    def sleep(self, seconds: float) -> None:
        """Move simulated time forward."""
        self.advance(seconds)

    def advance(self, seconds: float) -> None:
        """Move simulated time forward by ``seconds``."""
        self._now += dt.timedelta(seconds=seconds)
