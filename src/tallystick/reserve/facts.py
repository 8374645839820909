"""What a mandate is asked about: the facts of one step, each known or not known.

A field that is ``None`` is not known, and what a binding provision needs and nobody knows refers
the step to a person. The facts of a movement are reckoned from the books by `queries.facts_of`, or
written by hand for a question such as "would this have been lawful on that day?".
"""

from __future__ import annotations

import datetime as dt
from typing import Final

import msgspec

from tallystick.reserve.errors import ReserveError

LOTS_MAX: Final = 10_000
HISTORY_MAX: Final = 100_000
FACTS_BYTES_MAX: Final = 4_000_000


class LotFact(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The part of one lot that leaves, in satoshis; ``deposited`` is its day of deposit."""

    id: str
    sats: int
    deposited: dt.date | None = None
    origin: str | None = None
    ledger: str = "reserve"
    order: bool = False
    """A court's final order, or the law, gives this lot to somebody else."""


class Sum(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """So many satoshis on a day."""

    on: dt.date
    sats: int


class Facts(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The facts of one step. Sums in satoshis, money in minor units of ``currency``."""

    act: str | None = None
    """One of `mandate.ACTS`."""
    sats: int | None = None
    """What leaves the reserve, without the network's fee."""
    lots: tuple[LotFact, ...] | None = None
    sold: tuple[Sum, ...] | None = None
    """Everything counted against a budget: settled on its day, and what is under way, today."""
    held: tuple[Sum, ...] | None = None
    """What was held from each day on, oldest first; before the first day nothing."""
    largest_address_sats: int | None = None
    """The most that one of our own addresses would hold afterwards."""
    reused_addresses: int | None = None
    """How many of the step's own outputs go to an address that was used before."""
    sites: int | None = None
    """In how many places the keys of the vault are kept."""
    frozen: bool | None = None
    origin: str | None = None
    final: bool | None = None
    """A forfeiture: whether it is final."""
    source: str | None = None
    """A purchase: what pays for it, one of the names that the mandate lists."""
    asset: str | None = None
    market_cap_usd_millions: int | None = None
    """The average over the months that the mandate names, up to the day, in millions."""
    market_cap_on: dt.date | None = None
    """The day up to which that average was taken."""
    share_bp_after: int | None = None
    """The reserve's share of the public fund after the step, in basis points, rounded up."""


def read(body: bytes) -> Facts:
    """Read facts from JSON; raise `ReserveError` naming what is wrong."""
    if len(body) > FACTS_BYTES_MAX:
        raise ReserveError(f"facts of more than {FACTS_BYTES_MAX} bytes")
    try:
        facts = msgspec.json.decode(body, type=Facts)
    except msgspec.DecodeError as error:
        raise ReserveError(f"facts: {error}") from error
    _check(facts)
    return facts


def _check(facts: Facts) -> None:
    sums = [
        *(lot.sats for lot in facts.lots or ()),
        *(one.sats for one in (*(facts.sold or ()), *(facts.held or ()))),
        *(v for v in (facts.sats, facts.largest_address_sats, facts.sites) if v is not None),
    ]
    if any(value < 0 for value in sums):
        raise ReserveError("facts: a sum below zero")
    if len(facts.lots or ()) > LOTS_MAX or len(facts.sold or ()) > HISTORY_MAX:
        raise ReserveError("facts: too many lots, or too long a history")
