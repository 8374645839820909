"""Law as dated provisions: ask, and get permit, refuse or refer, with the provisions that say so.

A jurisdiction is one TOML file. What the rulebook does not know is referred, never permitted: a
missing fact, a provision without a start, a figure that nobody read. `ask` is pure: the same
jurisdiction, question, facts and day always give the same verdict (Decision 9).
"""

from __future__ import annotations

import datetime as dt
import enum
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from tallystick.core.errors import TallystickError

LAW_FOLDER: Final = Path(__file__).parent.parent / "law"
KINDS: Final = {"daily-limit", "note-maximum", "fee-cap", "warning", "receipt"}


class LawUnreadable(TallystickError):
    """A jurisdiction's file is missing or does not say what it must."""

    code, money, say = 7001, "not taken: the place stays closed", "closed.law"


class Answer(enum.StrEnum):
    """What the law says to a step."""

    PERMIT = "permit"
    REFUSE = "refuse"
    REFER = "refer"


@dataclass(frozen=True, slots=True)
class Provision:
    """One dated rule with its source. Figures are integers: minor units or basis points."""

    id: str
    kind: str
    say: str
    cite: str
    since: dt.date | None
    until: dt.date | None
    figures: Mapping[str, int]
    words: Mapping[str, str] = field(default_factory=dict)

    def in_force(self, on: dt.date) -> bool | None:
        """Say whether it binds on a day; None when its start is unknown."""
        if self.since is None:
            return None
        return self.since <= on and (self.until is None or on <= self.until)


@dataclass(frozen=True, slots=True)
class Jurisdiction:
    """One place and its provisions."""

    code: str
    name: str
    currency: str
    zone: str
    provisions: tuple[Provision, ...]

    def of(self, kind: str, on: dt.date) -> list[Provision]:
        """Return the provisions of a kind that bind on a day, or may (unknown start)."""
        return [p for p in self.provisions if p.kind == kind and p.in_force(on) is not False]


@dataclass(frozen=True, slots=True)
class Verdict:
    """The answer, every provision that bore on it, and how much more cash the law leaves."""

    answer: Answer
    because: tuple[Provision, ...]
    left_minor: int | None = None
    missing: tuple[str, ...] = ()


def load(code: str, folder: Path = LAW_FOLDER) -> Jurisdiction:
    """Read a jurisdiction's file; raise `LawUnreadable` naming what is wrong in it."""
    path = folder / f"{code}.toml"
    try:
        raw = tomllib.loads(path.read_text("utf-8"))
        provisions = tuple(_provision(code, item) for item in raw["provision"])
        return Jurisdiction(raw["code"], raw["name"], raw["currency"], raw["zone"], provisions)
    except OSError as error:
        raise LawUnreadable(f"no law file for {code}") from error
    except (KeyError, TypeError, ValueError) as error:
        raise LawUnreadable(f"{path.name}: {error!r}") from error


def _provision(code: str, item: dict[str, Any]) -> Provision:
    if item["kind"] not in KINDS:
        raise ValueError(f"unknown kind {item['kind']!r}")
    figures = item.get("figures", {})
    if any(type(value) is not int for value in figures.values()):
        raise ValueError(f"{item['id']}: figures are integers")
    return Provision(
        id=f"{code}/{item['id']}",
        kind=item["kind"],
        say=item["say"],
        cite=item["cite"],
        since=item.get("since"),
        until=item.get("until"),
        figures=figures,
        words=item.get("words", {}),
    )


def ask(place: Jurisdiction, question: str, facts: Mapping[str, int], on: dt.date) -> Verdict:
    """Judge a step. Questions: ``kiosk.note`` (facts ``note``, ``day_total``) and
    ``kiosk.fee`` (facts ``cash``, ``fee``), all in minor units. An unknown question is referred.
    """
    if question == "kiosk.note":
        return _note(place, facts, on)
    if question == "kiosk.fee":
        return _fee(place, facts, on)
    return Verdict(Answer.REFER, (), missing=(question,))


def _note(place: Jurisdiction, facts: Mapping[str, int], on: dt.date) -> Verdict:
    limits = place.of("daily-limit", on)
    missing = tuple(name for name in ("note", "day_total") if name not in facts)
    unknown = tuple(p.id for p in limits if p.in_force(on) is None or "minor" not in p.figures)
    if missing or unknown or not limits:
        return Verdict(Answer.REFER, tuple(limits), missing=missing + unknown or ("daily-limit",))
    left = min(p.figures["minor"] for p in limits) - facts["day_total"]
    passed = [p for p in limits if facts["day_total"] + facts["note"] > p.figures["minor"]]
    if passed:
        return Verdict(Answer.REFUSE, tuple(passed), max(left, 0))
    return Verdict(Answer.PERMIT, tuple(limits), left)


def _fee(place: Jurisdiction, facts: Mapping[str, int], on: dt.date) -> Verdict:
    caps = place.of("fee-cap", on)
    missing = tuple(name for name in ("cash", "fee") if name not in facts)
    unknown = tuple(p.id for p in caps if p.in_force(on) is None)
    if missing or unknown:
        return Verdict(Answer.REFER, tuple(caps), missing=missing + unknown)
    passed = []
    for cap in caps:
        share = facts["cash"] * cap.figures["basis_points"]
        if facts["fee"] * 10_000 > max(share, cap.figures["least_minor"] * 10_000):
            passed.append(cap)
    if passed:
        return Verdict(Answer.REFUSE, tuple(passed))
    return Verdict(Answer.PERMIT, tuple(caps))
