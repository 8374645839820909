"""Which fee rate to pay: the chain's estimate, kept within bounds, and not older than we allow.

An estimate is somebody else's word. A floor keeps a payout from never leaving, a ceiling keeps one
bad answer from eating the float, and when the chain stops answering the last word serves for a
while and then no more: paying late is mended by a bump, paying blindly is not.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Protocol

from tallystick.bitcoin.errors import ChainUnreachable
from tallystick.bitcoin.status import FEE_SAT_PER_KVB_MAX, FEE_SAT_PER_KVB_MIN
from tallystick.core.clock import Clock

FRESH_S: Final = 30.0
STALE_S: Final = 1_800.0
TARGET_BLOCKS_MAX: Final = 1_008


class Estimator(Protocol):
    """What gives estimates: any `tallystick.bitcoin.chain.Chain`."""

    def fee_rate(self, target_blocks: int) -> int:
        """Return satoshis for 1,000 virtual bytes."""


@dataclass(frozen=True, slots=True)
class Bounds:
    """The least and most we pay, in satoshis for 1,000 virtual bytes."""

    floor: int = FEE_SAT_PER_KVB_MIN
    ceiling: int = FEE_SAT_PER_KVB_MAX

    def __post_init__(self) -> None:
        if not FEE_SAT_PER_KVB_MIN <= self.floor <= self.ceiling:
            raise ValueError(f"fee bounds {self.floor} to {self.ceiling} sat/kvB make no sense")


class Fees:
    """Estimates by target, asked for at most every ``FRESH_S`` seconds."""

    def __init__(self, source: Estimator, clock: Clock, bounds: Bounds | None = None) -> None:
        self.source, self.clock, self.bounds = source, clock, bounds or Bounds()
        self._last: dict[int, tuple[float, int]] = {}

    def fee_rate(self, target_blocks: int) -> int:
        """Return what to pay, in satoshis for 1,000 virtual bytes.

        Raise `ChainUnreachable` when the chain does not answer and its last word is too old.
        """
        target = min(max(target_blocks, 1), TARGET_BLOCKS_MAX)
        at, rate = self._last.get(target, (float("-inf"), 0))
        age = self.clock.monotonic_s() - at
        if age <= FRESH_S:
            return rate
        try:
            asked = self.source.fee_rate(target)
        except ChainUnreachable:
            if age > STALE_S:
                raise
            return rate
        rate = min(max(asked, self.bounds.floor), self.bounds.ceiling)
        self._last[target] = (self.clock.monotonic_s(), rate)
        return rate
