"""What the vault tells: of a record without opening it, of an opened one, of reads, of erasing."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Held:
    """A record, unopened. ``keep_until``: the law's last day of keeping it; ``basis``: which law.

    Without a day it is kept only until the person wants it erased.
    """

    id: str
    subject: str
    kind: str
    made_at: dt.datetime
    made_by: str
    keep_until: dt.date | None
    basis: str


@dataclass(frozen=True, slots=True)
class Opened:
    """A record and what is in it."""

    held: Held
    content: bytes


@dataclass(frozen=True, slots=True)
class Access:
    """Somebody opened, exported or erased something: who, when and why."""

    at: dt.datetime
    act: str
    who: str
    why: str
    record: str


@dataclass(frozen=True, slots=True)
class Erasure:
    """What erasing did: ``done`` when the key is destroyed; else what the law ``kept``."""

    done: bool
    erased: int
    kept: tuple[Held, ...] = field(default_factory=tuple)
