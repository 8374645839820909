"""Values of the reserve: states of a movement and their one table, origins, and how lots flow.

The rule by which lots follow coins is exact and needs nobody's word: satoshis leave a transaction
in the order in which they came in (first in, first out). Inputs are read in the transaction's
order, each coin's parcels in their own order; outputs take from the front in the transaction's
order; what is left over at the end is the network's fee. Anyone with the transaction and the
parcels of its inputs computes the same.
"""

from __future__ import annotations

import datetime as dt
import enum
from collections.abc import Sequence
from typing import Final

import msgspec

from tallystick.reserve.errors import LotsDoNotAddUp, OriginIncomplete


class State(enum.StrEnum):
    """Where a movement stands."""

    REFUSED = "refused"
    REFERRED = "referred"
    PROPOSED = "proposed"
    APPROVED = "approved"
    SIGNED = "signed"
    SENT = "sent"
    SETTLED = "settled"
    CANCELLING = "cancelling"
    CANCELLED = "cancelled"
    VETOED = "vetoed"
    EXPIRED = "expired"
    WITHDRAWN = "withdrawn"


NEXT: Final[dict[State, frozenset[State]]] = {
    State.REFUSED: frozenset(),
    State.REFERRED: frozenset(),
    State.PROPOSED: frozenset(
        {State.APPROVED, State.VETOED, State.EXPIRED, State.WITHDRAWN, State.REFUSED}
    ),
    State.APPROVED: frozenset({State.SIGNED, State.VETOED, State.EXPIRED, State.WITHDRAWN}),
    State.SIGNED: frozenset({State.SENT, State.CANCELLING, State.SETTLED}),
    State.SENT: frozenset({State.SETTLED, State.CANCELLING}),
    State.CANCELLING: frozenset({State.CANCELLED, State.SETTLED}),
    State.SETTLED: frozenset(),
    State.CANCELLED: frozenset(),
    State.VETOED: frozenset(),
    State.EXPIRED: frozenset(),
    State.WITHDRAWN: frozenset(),
}
"""CANCELLING may still end SETTLED: a block may hold the movement before the cancel reaches it."""

BEGINS: Final = frozenset({State.PROPOSED, State.REFUSED, State.REFERRED})
LIVE: Final = frozenset(
    {State.PROPOSED, State.APPROVED, State.SIGNED, State.SENT, State.CANCELLING}
)
"""States in which a movement holds its coins, and counts against the budget as if it were done."""
STOPPABLE: Final = frozenset({State.SIGNED, State.SENT})
"""States in which only the cancel that was approved with it can still stop a movement."""


class Ledger(enum.StrEnum):
    """The two ledgers, which never mix."""

    RESERVE = "reserve"
    OTHER = "other"


class Parcel(msgspec.Struct, frozen=True):
    """So many satoshis of one lot inside a coin; an empty lot is not accepted yet."""

    lot: str
    sats: int


def follow(
    inputs: Sequence[Sequence[Parcel]], outputs: Sequence[int]
) -> tuple[list[list[Parcel]], list[Parcel]]:
    """Return the parcels of each output, and those that became the network's fee.

    Raises `LotsDoNotAddUp` if the outputs need more than came in.
    """
    queue = [parcel for parcels in inputs for parcel in parcels]
    if sum(parcel.sats for parcel in queue) < sum(outputs):
        raise LotsDoNotAddUp("the outputs are more than what came in")
    queue.reverse()
    return [_take(queue, sats) for sats in outputs], joined(queue[::-1])


def _take(queue: list[Parcel], sats: int) -> list[Parcel]:
    taken: list[Parcel] = []
    while sats:
        parcel = queue.pop()
        part = min(parcel.sats, sats)
        taken.append(Parcel(parcel.lot, part))
        if part < parcel.sats:
            queue.append(Parcel(parcel.lot, parcel.sats - part))
        sats -= part
    return joined(taken)


def joined(parcels: Sequence[Parcel]) -> list[Parcel]:
    """Return parcels with neighbours of one lot made one, and none of nothing."""
    found: list[Parcel] = []
    for parcel in parcels:
        if found and found[-1].lot == parcel.lot:
            found[-1] = Parcel(parcel.lot, found[-1].sats + parcel.sats)
        elif parcel.sats:
            found.append(parcel)
    return found


def by_lot(parcels: Sequence[Parcel]) -> dict[str, int]:
    """Return how much of each lot is among the parcels, in their order."""
    found: dict[str, int] = {}
    for parcel in parcels:
        found[parcel.lot] = found.get(parcel.lot, 0) + parcel.sats
    return found


ORIGINS: Final[dict[str, tuple[str, ...]]] = {
    "forfeiture": ("case", "agency", "final_on"),
    "purchase": ("source", "seller", "cost_minor", "currency"),
    "mining": ("agency",),
    "gift": ("giver",),
    "transfer": ("agency", "authority"),
}
"""What each origin must name."""
TEXT_CHARS_MAX: Final = 200


class Origin(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """Where a lot came from: its kind, and what that kind must name."""

    kind: str
    case: str = ""
    agency: str = ""
    final_on: dt.date | None = None
    """The day on which a forfeiture became final; left out while it is not."""
    source: str = ""
    """What paid for a purchase, as the mandate names it."""
    seller: str = ""
    giver: str = ""
    authority: str = ""
    cost_minor: int | None = None
    currency: str = ""
    share_bp_after: int | None = None
    """A purchase: the reserve's share of the public fund afterwards, in basis points."""
    fork_of: str = ""
    """The lot of whose fork or airdrop this is: it takes over that lot's day of deposit."""

    def check(self) -> None:
        """Raise `OriginIncomplete` naming what is missing."""
        needed = ORIGINS.get(self.kind)
        if needed is None:
            raise OriginIncomplete(f"origin {self.kind[:40]!r} is none of {', '.join(ORIGINS)}")
        absent = [name for name in needed if getattr(self, name) in ("", None)]
        if absent == ["final_on"]:
            absent = []  # not final yet: the mandate decides whether it may come in
        if absent:
            raise OriginIncomplete(f"a {self.kind} names its {', '.join(absent)}")
        for name in self.__struct_fields__:
            value = getattr(self, name)
            if isinstance(value, str) and (
                len(value) > TEXT_CHARS_MAX or (value and not value.isprintable())
            ):
                raise OriginIncomplete(f"{name} is not {TEXT_CHARS_MAX} printable characters")
        if self.cost_minor is not None and self.cost_minor < 0:
            raise OriginIncomplete("a cost below zero")
