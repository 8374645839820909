"""One entry of a published list, in one form for all lists: names, births, papers, wallets.

Everything here is public: it was published by an authority. What a customer's name is never gets
into these values. An entry's digest covers all of it, so that a changed entry is a new one.
"""

from __future__ import annotations

import datetime as dt
import enum
import hashlib

import msgspec


class Kind(enum.StrEnum):
    """What an entry is about."""

    PERSON = "person"
    ENTITY = "entity"
    VESSEL = "vessel"
    AIRCRAFT = "aircraft"


class Alias(msgspec.Struct, frozen=True):
    """A name; ``weak`` if the authority itself calls it a low-quality one."""

    text: str
    weak: bool = False


class Born(msgspec.Struct, frozen=True):
    """When somebody was born: any day from ``first`` to ``last``; ``circa`` means about then."""

    first: dt.date
    last: dt.date
    circa: bool = False


class Paper(msgspec.Struct, frozen=True):
    """An identifier: a passport, a tax number, an IMO number."""

    kind: str
    number: str


class Wallet(msgspec.Struct, frozen=True):
    """An address of a virtual currency, under the code that the list uses (XBT, ETH …)."""

    currency: str
    address: str


class Entry(msgspec.Struct, frozen=True):
    """One listed person, entity, vessel or aircraft. The first name is the primary one."""

    list: str
    id: str
    kind: Kind
    names: tuple[Alias, ...]
    born: tuple[Born, ...] = ()
    programmes: tuple[str, ...] = ()
    papers: tuple[Paper, ...] = ()
    wallets: tuple[Wallet, ...] = ()

    @property
    def key(self) -> str:
        """Return the list and the authority's own number: ``ofac/31700``."""
        return f"{self.list}/{self.id}"

    @property
    def digest(self) -> str:
        """Return SHA-256 over the whole entry, in hex."""
        return hashlib.sha256(msgspec.json.encode(self, order="deterministic")).hexdigest()


class Published(msgspec.Struct, frozen=True):
    """A list as published: which, in what format, of what day, and the file's SHA-256."""

    list: str
    format: str
    dated: dt.date | None
    digest: str
    entries: tuple[Entry, ...]
