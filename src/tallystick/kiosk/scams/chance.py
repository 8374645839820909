"""Chance that can be had again: the same seed always deals the same order.

Whoever deals takes a seed by parameter and writes it down, so that what a customer was shown can
be shown again (requirement 2). Numbers come from SHA-256 in counter mode, without bias.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Final, TypeVar

SEED_BYTES: Final = 16
DRAW_BITS: Final = 64

T = TypeVar("T")


class Deal:
    """A stream of choices from one seed and one purpose."""

    def __init__(self, seed: bytes, purpose: str) -> None:
        self._key = hashlib.sha256(b"%d:%b%b" % (len(seed), seed, purpose.encode())).digest()
        self._count = 0

    def below(self, limit: int) -> int:
        """Return a whole number from 0 to ``limit`` - 1, each as likely as any other."""
        whole = (1 << DRAW_BITS) // limit * limit
        while True:
            self._count += 1
            told = hashlib.sha256(self._key + self._count.to_bytes(8, "big")).digest()
            drawn = int.from_bytes(told[: DRAW_BITS // 8], "big")
            if drawn < whole:
                return drawn % limit

    def one(self, of: Sequence[T]) -> T:
        """Return one of these."""
        return of[self.below(len(of))]

    def order(self, of: Sequence[T]) -> list[T]:
        """Return all of these in an order of chance (Fisher and Yates)."""
        dealt = list(of)
        for last in range(len(dealt) - 1, 0, -1):
            other = self.below(last + 1)
            dealt[last], dealt[other] = dealt[other], dealt[last]
        return dealt
