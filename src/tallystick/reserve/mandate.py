"""A reserve's mandate: its provisions as data, the same form and rules as the law of a place.

One TOML file for each statute, order, bill or practice under ``reserve/law/``, each provision with
its identifier, dates, figures, citation and whether the text itself was read. A file that says
something this reader does not know is refused whole (Decision 9). A bill binds nobody until a
reserve's board adopts it as its charter, by name and from a day.
"""

from __future__ import annotations

import datetime as dt
import functools
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

from tallystick.core.rulebook.provision import READ, Provision
from tallystick.reserve.errors import MandateUnreadable

LAW_FOLDER: Final = Path(__file__).parent / "law"
FILE_BYTES_MAX: Final = 100_000
STATUSES: Final = {"in-force", "bill", "order", "practice", "demonstration"}
SOLEMN: Final = {"in-force", "order", "practice", "demonstration"}
"""Statuses under which provisions bind by themselves; a bill must be adopted first."""

GATING: Final = {
    *("power", "ban", "hold", "budget", "origin", "purchase", "eligible", "share-cap"),
    *("address-cap", "no-reuse", "approvals", "notice", "sites"),
}
"""Kinds that can refuse a step. One that is unsettled, or may or may not be in force, refers it."""
DUTIES: Final = {"report", "custody", "forks", "books", "freeze", "statement", "refresh"}
KINDS: Final = GATING | DUTIES
NEEDED: Final[dict[str, tuple[str, ...]]] = {
    "hold": ("years",),
    "budget": ("basis_points", "months"),
    "eligible": ("usd_millions", "months"),
    "share-cap": ("basis_points",),
    "address-cap": ("sats",),
    "approvals": ("officials",),
    "notice": ("hours",),
    "sites": ("sites",),
}
"""The figures that a kind must have before it can decide anything."""
ACTS_NEEDED: Final = {"power", "ban", "hold", "budget", "notice"}
"""Kinds that must name the acts they are about."""

ACTS: Final = {
    "sale": "sell for money",
    "swap": "exchange for another asset",
    "auction": "sell by auction",
    "encumber": "pledge, lend or otherwise encumber",
    "release": "give back to a person to whom a court or the law gives it",
    "transfer": "hand over to another public body",
    "refresh": "send to a new address of the same vault",
    "rotate": "send to a vault of the same owner under new keys",
    "purchase": "buy",
    "accept": "take in",
}
"""What a step may be, in words."""
OUTWARD: Final = ("sale", "swap", "auction", "release", "transfer")
INWARD: Final = ("refresh", "rotate")
"""Movements in which every output is a vault's own."""

MANDATE_FIELDS: Final = {
    *("code", "name", "holder", "status", "seen", "zone", "cite", "note", "not_read", "provision"),
}
FIELDS: Final = {
    *("id", "kind", "say", "cite", "since", "until", "since_between", "until_between"),
    *("known_from", "source", "read", "settled", "figures", "terms", "note"),
}


@dataclass(frozen=True, eq=False)
class Mandate:
    """One statute, order, bill or practice that says what a reserve may do."""

    code: str
    name: str
    holder: str
    """Who holds the reserve under it."""
    status: str
    seen: dt.date
    zone: str
    cite: str
    provisions: tuple[Provision, ...]
    note: str = ""
    not_read: tuple[str, ...] = ()
    adopted: str = ""
    """Who made it the charter, from when, on what ground; empty for law that binds by itself."""

    def of(self, kind: str, on: dt.date) -> list[Provision]:
        """Return the provisions of a kind that bind on a day, or may."""
        return [p for p in self.provisions if p.kind == kind and p.in_force(on) is not False]

    def decides(self, provision: Provision) -> bool:
        """Say whether a provision is settled and has every figure that its kind needs."""
        figures = NEEDED.get(provision.kind, ())
        return provision.settled and all(name in provision.figures for name in figures)

    def as_charter(self, since: dt.date, by: str, source: str) -> Mandate:
        """Return the mandate as a board adopts it: it binds the board from a day, as it stands.

        What is in force already keeps its day. Raises `MandateUnreadable` without name or source.
        """
        if not (by.strip() and source.strip()):
            raise MandateUnreadable("adopting a mandate needs the officer's name and a source")
        who = f"{by}, from {since}: {source}"
        provisions = tuple(_adopted(p, since, who) for p in self.provisions)
        return replace(self, provisions=provisions, adopted=who)


def _adopted(item: Provision, since: dt.date, who: str) -> Provision:
    if item.since is not None and item.settled:
        return item
    start = item.since if item.since is not None else since
    return replace(item, since=start, since_between=None, settled=True, adopted=who)


def codes(folder: Path = LAW_FOLDER) -> list[str]:
    """Return the codes of every mandate that has a file."""
    return sorted(path.stem for path in folder.glob("*.toml"))


@functools.lru_cache(maxsize=32)
def load(code: str, folder: Path = LAW_FOLDER) -> Mandate:
    """Read a mandate, once; raise `MandateUnreadable` naming what is wrong."""
    path = folder / f"{code}.toml"
    if path.parent != folder:
        raise MandateUnreadable(f"{code!r} is no mandate's code")
    try:
        body = path.read_bytes()
        if len(body) > FILE_BYTES_MAX:
            raise ValueError(f"more than {FILE_BYTES_MAX} bytes")
        return _mandate(code, tomllib.loads(body.decode("utf-8")))
    except OSError as error:
        known = ", ".join(codes(folder))
        raise MandateUnreadable(f"there is no mandate {code[:40]!r}; known: {known}") from error
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise MandateUnreadable(f"{path.name}: {error}") from error


def _mandate(code: str, raw: dict[str, Any]) -> Mandate:
    _only(raw, MANDATE_FIELDS, code)
    if raw["code"] != code:
        raise ValueError(f"code is {raw['code']!r}")
    _one_of(raw["status"], STATUSES, "status")
    seen = raw["seen"] if raw["status"] in SOLEMN else None
    provisions = tuple(_provision(code, item, seen) for item in raw.get("provision", []))
    names = [p.id for p in provisions]
    if len(set(names)) != len(names):
        raise ValueError("two provisions of one id")
    given = {name: raw[name] for name in ("name", "holder", "status", "seen", "zone", "cite")}
    return Mandate(
        code=code,
        provisions=provisions,
        note=raw.get("note", ""),
        not_read=tuple(raw.get("not_read", ())),
        **given,
    )


def _provision(code: str, item: dict[str, Any], seen: dt.date | None) -> Provision:
    _only(item, FIELDS, item["id"])
    given = dict(item)
    _one_of(given["kind"], KINDS, f"{item['id']}: kind")
    _one_of(given["read"], READ, f"{item['id']}: read")
    if any(type(value) is not int or value < 0 for value in given.get("figures", {}).values()):
        raise ValueError(f"{item['id']}: figures are whole numbers, not negative")
    acts = given.get("terms", {}).get("acts", [])
    if given["kind"] in ACTS_NEEDED and not acts:
        raise ValueError(f"{item['id']}: names no acts")
    for act in acts:
        _one_of(act, set(ACTS), f"{item['id']}: acts")
    for name in ("since_between", "until_between"):
        if name in given:
            first, last = given[name]
            given[name] = (first, last)
    for name in ("say", "cite", "read"):
        if not given[name]:
            raise ValueError(f"{item['id']}: {name} is empty")
    given["id"] = f"{code}/{item['id']}"
    given.setdefault("since", None)
    return Provision(**given, seen=seen if "since_between" not in given else None)


def _only(raw: Mapping[str, Any], known: set[str], name: str) -> None:
    unknown = sorted(set(raw) - known)
    if unknown:
        raise ValueError(f"{name}: unknown {', '.join(unknown)}")


def _one_of(value: object, known: set[str], name: str) -> None:
    if value not in known:
        raise ValueError(f"{name}: {value!r} is none of {', '.join(sorted(known))}")
