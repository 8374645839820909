"""What a chain says of a transaction, and the bounds of a fee rate: shared by every kind of chain.

Nothing here asks anybody anything.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

FEE_SAT_PER_KVB_MIN: Final = 1_000
FEE_SAT_PER_KVB_MAX: Final = 500_000


@dataclass(frozen=True, slots=True)
class TxStatus:
    """Whether it is known; its block's height and hash, or None and "" while it waits.

    A chain that gives no hash leaves ``block_hash`` empty.
    """

    known: bool
    confirmed_height: int | None
    block_hash: str = ""


UNKNOWN: Final = TxStatus(False, None)


def clamp_rate(sat_per_kvb: int) -> int:
    """Keep a rate within our floor and ceiling, in satoshis for 1,000 virtual bytes."""
    return min(max(sat_per_kvb, FEE_SAT_PER_KVB_MIN), FEE_SAT_PER_KVB_MAX)
