"""Names of private givers and sellers: bound in the log, and shown to nobody who need not know.

A name leaves the origin before anything is written down. In its place stands a salted commitment
(SHA-256, as the journal's own), which officials sign and the log holds; name and salt are sealed
in the vault, to be opened on record, for a court or for the giver themself.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import msgspec

from tallystick.core import journal
from tallystick.core.clock import Clock
from tallystick.core.store import Tx
from tallystick.core.vault import Vault
from tallystick.reserve.model import Origin

PRIVATE: Final = ("giver", "seller")
"""The fields of an origin that may name a private person."""
MARK: Final = "sealed:"
KIND: Final = "reserve-origin"
TXID_CHARS: Final = 54
"""So much of a transaction's id names the vault's subject, whose names are shorter than an id."""


class Opening(msgspec.Struct, frozen=True):
    """What opens one commitment: the name as it was given, and the salt in hex."""

    field: str
    name: str
    salt: str


def sealed(clock: Clock, origin: Origin) -> tuple[Origin, tuple[Opening, ...]]:
    """Return an origin with commitments in place of private names, and what opens them."""
    openings = tuple(
        Opening(field, name, clock.random_bytes(journal.SALT_BYTES).hex())
        for field in PRIVATE
        if (name := getattr(origin, field))
    )
    changes: Mapping[str, str] = {one.field: commitment(one) for one in openings}
    return msgspec.structs.replace(origin, **changes), openings


def shown(origin: Origin) -> dict[str, object]:
    """Return an origin as it will be published: what is empty left out, private names sealed."""
    found: dict[str, object] = {
        name: value
        for name, value in msgspec.to_builtins(origin).items()
        if value not in ("", None)
    }
    return found | {name: "(sealed)" for name in PRIVATE if name in found}


def commitment(opening: Opening) -> str:
    """Return what stands in an origin in place of a name."""
    content = {"field": opening.field, "name": opening.name}
    return MARK + journal.commit(bytes.fromhex(opening.salt), content)


def subject(coin: tuple[str, int]) -> str:
    """Return the vault's subject of what is private about a coin's origin."""
    return f"coin-{coin[0][:TXID_CHARS]}-{coin[1]}"[:64]


def keep(
    tx: Tx, vault: Vault, coin: tuple[str, int], openings: tuple[Opening, ...], by: str
) -> str:
    """Seal what opens the commitments in the vault; return the record's id."""
    return vault.put(tx, subject(coin), KIND, msgspec.json.encode(openings), by)
