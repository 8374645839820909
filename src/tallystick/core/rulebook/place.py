"""A jurisdiction: its TOML file, the layers above it, what was adopted, and how it is read.

A file that says something this reader does not know is refused whole: half a law is no law.
"""

from __future__ import annotations

import datetime as dt
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final
from zoneinfo import ZoneInfo

from tallystick.core.errors import TallystickError
from tallystick.core.rulebook import provision as rules
from tallystick.core.rulebook.provision import Provision

LAW_FOLDER: Final = Path(__file__).parent.parent.parent / "law"
STATUSES: Final = {
    "in-force",
    "enacted-later",
    "banned",
    "ban-announced",
    "permission-only",
    "bill",
    "no-kiosk-law-found",
    "unknown",
}
FOUND: Final = {"in-force", "banned", "permission-only"}
"""Statuses under which a provision without a first day was found in force on the day of looking."""
CLOSED: Final = STATUSES - {"in-force", "enacted-later", "banned"}
FILE_BYTES_MAX: Final = 200_000
LAYERS_MAX: Final = 4
PLACE_FIELDS: Final = {
    *("code", "name", "currency", "zones", "status", "seen", "layers", "statute", "note"),
    *("not_found", "not_read", "bills", "sources", "provision"),
}
FIELDS: Final = {
    *("id", "kind", "say", "cite", "since", "until", "since_between", "until_between"),
    *("known_from", "source", "read", "settled", "who", "scope", "base", "counts"),
    *("figures", "words", "terms", "note"),
}


class LawUnreadable(TallystickError):
    """A jurisdiction's file is missing or does not say what it must."""

    code, money, say = 7001, "not taken: the place stays closed", "closed.law"


class AdoptionRefused(TallystickError):
    """An adoption names nothing that is open, or leaves a figure or its source out."""

    code, money, say = 7002, "not taken: the place stays closed", ""


@dataclass(frozen=True, slots=True)
class Adoption:
    """An officer's figures for something that the law's file leaves open, with the source."""

    place: str
    subject: str
    """A provision's id, or a kind that could not be read, or ``status``."""
    figures: Mapping[str, int]
    by: str
    source: str
    on: dt.date
    at: dt.datetime | None = None
    """The moment, where known: its day is then the place's own, not Greenwich's."""


@dataclass(frozen=True, eq=False)
class Jurisdiction:
    """One place, its provisions and those of the layers above it."""

    code: str
    name: str
    currency: str
    zones: tuple[str, ...]
    provisions: tuple[Provision, ...]
    status: str = "in-force"
    seen: dt.date | None = None
    statute: str = ""
    note: str = ""
    not_found: tuple[str, ...] = ()
    not_read: tuple[str, ...] = ()
    bills: tuple[str, ...] = ()
    adopted: tuple[Adoption, ...] = ()

    @property
    def zone(self) -> str:
        """The time zone by whose calendar a day is reckoned: the first, unless a kiosk says."""
        return self.zones[0] if self.zones else "UTC"

    def day(self, at: dt.datetime) -> dt.date:
        """Return the calendar day of a moment (aware of its zone) by the place's own clock."""
        return at.astimezone(ZoneInfo(self.zone)).date()

    def _first_day(self, at: dt.datetime) -> dt.date:
        """Return the earliest day that any clock of the place shows at a moment.

        A kiosk in its western zone opens with the others, though it may still be yesterday there.
        """
        zones = self.zones or ("UTC",)
        return min(at.astimezone(ZoneInfo(zone)).date() for zone in zones)

    def in_zone(self, zone: str) -> Jurisdiction:
        """Return the place as a kiosk in one of its time zones reckons days; "" leaves it be.

        Raises `LawUnreadable` for a zone that is none of the place's: a day that no law there
        knows would move every limit.
        """
        if not zone or zone == self.zone:
            return self
        if zone not in self.zones:
            raise LawUnreadable(f"{zone[:80]} is no zone of {self.code}: {', '.join(self.zones)}")
        return replace(self, zones=(zone, *(other for other in self.zones if other != zone)))

    def of(self, kind: str, on: dt.date) -> list[Provision]:
        """Return the provisions of a kind that bind on a day, or may."""
        return [p for p in self.on_day(on) if p.kind == kind and p.in_force(on) is not False]

    def on_day(self, on: dt.date) -> tuple[Provision, ...]:
        """Return every provision as it stood on a day: what was settled later, still open."""
        return tuple(p.as_on(on) for p in self.provisions)

    def as_known(self, on: dt.date) -> Jurisdiction:
        """Return the place as its law was known on a day: later provisions are left out.

        So are later adoptions: an officer who settles a point today settles no day before it.
        """
        known = tuple(p for p in self.on_day(on) if p.known(on))
        return replace(self, provisions=known, adopted=tuple(a for a in self.adopted if a.on <= on))

    def unread(self, on: dt.date = dt.date.max) -> tuple[str, ...]:
        """Return the kinds that decide a sale, could not be read, nor were adopted by a day."""
        adopted = {a.subject for a in self.adopted if a.on <= on}
        said = {text.split()[0].replace("_", "-").rstrip(",;:") for text in self.not_read if text}
        named = {a.subject for a in self.adopted}
        made = [p for p in self.provisions if p.adopted and p.before is None and p.kind in named]
        own = {p.kind for p in self.provisions if p not in made}
        kinds = sorted((said & rules.GATING) - adopted - own)
        if self.status in CLOSED and "status" not in adopted:
            kinds.insert(0, "status")
        return tuple(kinds)

    def adopt(self, adoptions: Iterable[Adoption]) -> Jurisdiction:
        """Return the place with an officer's figures; raise `AdoptionRefused` for a bad one."""
        place = self
        for adoption in adoptions:
            if adoption.place == self.code:
                if adoption.at is not None:
                    adoption = replace(adoption, on=self._first_day(adoption.at))
                place = _adopted(place, adoption)
        return place


def _adopted(place: Jurisdiction, adoption: Adoption) -> Jurisdiction:
    if not (adoption.by.strip() and adoption.source.strip()):
        raise AdoptionRefused("an adoption needs the officer's name and a source")
    who = f"{adoption.by}, {adoption.on}: {adoption.source}"
    named = any(
        p.id == f"{place.code}/{adoption.subject}" and p.in_force(adoption.on) is not False
        for p in place.provisions
    )
    if adoption.subject == "status" or (adoption.subject in rules.GATING and not named):
        provisions = place.provisions + _made(place, adoption, who)
    else:
        provisions = _settled(place, adoption, who)
    return replace(place, provisions=provisions, adopted=(*place.adopted, adoption))


def _made(place: Jurisdiction, adoption: Adoption, who: str) -> tuple[Provision, ...]:
    """Make the provision that an officer adopts for a kind, or a limit for a place of no law."""
    if any(held.subject == adoption.subject for held in place.adopted):
        raise AdoptionRefused(f"{place.code} {adoption.subject} was adopted before")
    if adoption.subject == "status" and not adoption.figures:
        return ()
    kind = "daily-limit" if adoption.subject == "status" else adoption.subject
    missing = [name for name in rules.NEEDED.get(kind, ()) if name not in adoption.figures]
    if missing:
        raise AdoptionRefused(f"{kind} needs {', '.join(missing)}")
    made = Provision(
        f"{place.code}/adopted-{kind}",
        kind,
        f"Adopted by the operator's officer: {kind.replace('-', ' ')}.",
        adoption.source,
        adoption.on,
        source=adoption.source,
        figures=dict(adoption.figures),
        adopted=who,
        adopted_on=adoption.on,
    )
    return (made,)


def _settled(place: Jurisdiction, adoption: Adoption, who: str) -> tuple[Provision, ...]:
    wanted = f"{place.code}/{adoption.subject}"
    found = [p for p in place.provisions if p.id == wanted and not p.adopted]
    if not found or found[0].decides:
        raise AdoptionRefused(f"{place.code} leaves nothing open by the name {adoption.subject}")
    old = found[0]
    # Nobody may adopt himself past a start that lies ahead; an unknown start begins today.
    since = None if old.since is None and old.since_between is None else old.since
    new = replace(
        old,
        figures={**old.figures, **adoption.figures},
        settled=True,
        adopted=who,
        adopted_on=adoption.on,
        before=old,
        since=since,
        seen=old.seen or adoption.on,
    )
    if not new.decides:
        needed = [n for n in rules.NEEDED.get(new.kind, ()) if n not in new.figures]
        raise AdoptionRefused(f"{adoption.subject} needs {', '.join(needed)}")
    return tuple(new if p is old else p for p in place.provisions)


def codes(folder: Path = LAW_FOLDER) -> list[str]:
    """Return the codes of every place that has a file."""
    return sorted(path.stem for path in folder.glob("*.toml"))


def load(code: str, folder: Path = LAW_FOLDER) -> Jurisdiction:
    """Read a place and its layers; raise `LawUnreadable` naming what is wrong."""
    own, layers = _read(code, folder)
    if len(layers) > LAYERS_MAX:
        raise LawUnreadable(f"{code}: at most {LAYERS_MAX} layers")
    above = [provision for name in layers for provision in _read(name, folder)[0].provisions]
    return replace(own, provisions=own.provisions + tuple(above))


def _read(code: str, folder: Path) -> tuple[Jurisdiction, list[str]]:
    path = folder / f"{code}.toml"
    if path.parent != folder:
        raise LawUnreadable(f"{code!r} is no place's code")
    try:
        body = path.read_bytes()
        if len(body) > FILE_BYTES_MAX:
            raise ValueError(f"more than {FILE_BYTES_MAX} bytes")
        raw = tomllib.loads(body.decode("utf-8"))
        return _place(code, raw), list(raw.get("layers", []))
    except OSError as error:
        raise LawUnreadable(f"there is no law file for {code}: the place is closed") from error
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise LawUnreadable(f"{path.name}: {error}") from error


def _place(code: str, raw: dict[str, Any]) -> Jurisdiction:
    _only(raw, PLACE_FIELDS, code)
    if raw["code"] != code:
        raise ValueError(f"code is {raw['code']!r}")
    _one_of(raw["status"], STATUSES, "status")
    seen = raw["seen"] if raw["status"] in FOUND else None
    sources = {str(tag): str(text) for tag, text in raw.get("sources", {}).items()}
    provisions = tuple(_provision(code, item, seen, sources) for item in raw.get("provision", []))
    names = [p.id for p in provisions]
    if len(set(names)) != len(names):
        raise ValueError("two provisions of one id")
    return Jurisdiction(
        code=code,
        name=raw["name"],
        currency=raw["currency"],
        zones=tuple(raw["zones"]),
        provisions=provisions,
        status=raw["status"],
        seen=raw["seen"],
        statute=raw.get("statute", ""),
        note=raw.get("note", ""),
        not_found=tuple(raw.get("not_found", ())),
        not_read=tuple(raw.get("not_read", ())),
        bills=tuple(raw.get("bills", ())),
    )


def _provision(
    code: str, item: dict[str, Any], seen: dt.date | None, sources: Mapping[str, str]
) -> Provision:
    _only(item, FIELDS, item["id"])
    given = dict(item)
    for name, known in (
        ("kind", rules.KINDS),
        ("who", rules.WHO),
        ("read", rules.READ),
        ("counts", rules.COUNTS),
        ("base", rules.BASES),
    ):
        if name in given:
            _one_of(given[name], known, f"{item['id']}: {name}")
    figures = given.get("figures", {})
    if any(type(value) is not int or value < 0 for value in figures.values()):
        raise ValueError(f"{item['id']}: figures are whole numbers, not negative")
    for name in ("since_between", "until_between"):
        if name in given:
            first, last = given[name]
            given[name] = (first, last)
    for name in ("say", "cite", "read"):
        if not given[name]:
            raise ValueError(f"{item['id']}: {name} is empty")
    if sources and "source" in given:
        if given["source"] not in sources:
            raise ValueError(f"{item['id']}: no source {given['source']!r} in [sources]")
        given["source"] = sources[given["source"]]
    given["id"] = f"{code}/{item['id']}"
    given.setdefault("since", None)
    return Provision(**given, seen=seen)


def _only(raw: Mapping[str, Any], known: set[str], name: str) -> None:
    unknown = sorted(set(raw) - known)
    if unknown:
        raise ValueError(f"{name}: unknown {', '.join(unknown)}")


def _one_of(value: object, known: set[str], name: str) -> None:
    if value not in known:
        raise ValueError(f"{name}: {value!r} is none of {', '.join(sorted(known))}")
