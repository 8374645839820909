"""The rulebook against an independent statement of the same rules in answer-set programming."""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TypeVar

import clingo
import pytest

from tallystick.core import rulebook
from tallystick.core.rulebook.place import codes

RULES = (Path(__file__).parent / "oracle.lp").read_text("utf-8")
COUNTED = {
    "daily-limit": lambda p: "paid_today",
    "transaction-limit": lambda p: None,
    "period-limit": lambda p: f"paid_{p.figures.get('days', 0)}_days",
    "first-period-limit": lambda p: f"paid_first_{p.figures.get('days', 0)}_days",
}
SUMS = [0, 1, 99_999, 100_000, 100_001, 200_000, 250_000, 500_000, 1_000_000, 1_050_000]
FIRST, LAST = dt.date(2023, 6, 1), dt.date(2027, 12, 31)

T = TypeVar("T")


class Chance:
    """The same choices for the same seed, on every machine."""

    def __init__(self, seed: str) -> None:
        self.seed, self.count = seed, 0

    def choice(self, given: Sequence[T]) -> T:
        self.count += 1
        digest = hashlib.sha256(f"{self.seed} {self.count}".encode()).digest()
        return given[int.from_bytes(digest[:8], "big") % len(given)]


def atoms(place: rulebook.Jurisdiction, facts: dict[str, int | str], on: dt.date) -> Iterator[str]:
    yield f"on({on.toordinal()})."
    for name in place.unread():
        yield f'unread("{name}").'
    if "customer" in facts:
        yield f'customer("{facts["customer"]}").'
    yield f"cash({facts['cash']})."
    for number, p in enumerate(place.provisions):
        yield f'provision({number}). kind({number}, "{p.kind}"). who({number}, "{p.who}").'
        for name in ("since", "until", "seen"):
            if day := getattr(p, name):
                yield f"{name}({number}, {day.toordinal()})."
        if p.known_from:
            yield f"known({number}, {p.known_from.toordinal()})."
        for name in ("since_between", "until_between"):
            if days := getattr(p, name):
                yield f"{name}({number}, {days[0].toordinal()}, {days[1].toordinal()})."
        if not p.settled:
            yield f"unsettled({number})."
        if "minor" in p.figures:
            yield f"minor({number}, {p.figures['minor']})."
        if "basis_points" in p.figures:
            yield f"share({number}, {p.figures['basis_points']})."
        if p.kind in COUNTED:
            fact = COUNTED[p.kind](p)
            if fact is None or fact in facts:
                yield f"before({number}, {facts[fact] if fact else 0})."


def oracle(place: rulebook.Jurisdiction, facts: dict[str, int | str], on: dt.date) -> str:
    control = clingo.Control(["--warn=none"])
    control.add("base", [], RULES + "\n".join(atoms(place, facts, on)))
    control.ground([("base", [])])
    found: list[str] = []
    control.solve(on_model=lambda m: found.extend(str(s) for s in m.symbols(shown=True)))
    assert len(found) == 1, found
    return found[0].removeprefix("answer(").removesuffix(")")


def sale(chance: Chance, place: rulebook.Jurisdiction) -> dict[str, int | str]:
    figures = [p.figures["minor"] for p in place.provisions if "minor" in p.figures]
    near = [figure + step for figure in figures for step in (-1, 0, 1)]
    facts: dict[str, int | str] = {"cash": chance.choice(SUMS + near)}
    facts["paid_today"] = chance.choice([0, 0, 0, *SUMS])
    for p in place.provisions:
        if p.kind in ("period-limit", "first-period-limit") and chance.choice(range(10)):
            name = COUNTED[p.kind](p)
            facts[str(name)] = chance.choice([0, *SUMS])
    if chance.choice(range(10)):
        facts["customer"] = chance.choice(["new", "existing", "unknown"])
    return facts


@pytest.mark.parametrize("code", codes())
def test_both_statements_of_the_rules_agree(code: str) -> None:
    place, chance = rulebook.load(code), Chance(code)
    days = {day for p in place.provisions for day in (p.since, p.until, p.seen) if day}
    edges = [day + dt.timedelta(step) for day in days for step in (-1, 0, 1)]
    edges += [FIRST + dt.timedelta(chance.choice(range((LAST - FIRST).days))) for _ in range(4)]
    for _ in range(12):
        on, facts = chance.choice(sorted(edges)), sale(chance, place)
        said = rulebook.ask(place, "kiosk.sell", facts, on).answer.value
        assert said == oracle(place, facts, on), (on, facts)


def test_the_sales_tried_meet_every_answer() -> None:
    met = set()
    for code in ("US-CA", "US-CO", "US-TN", "US-VT"):
        place, chance = rulebook.load(code), Chance(code)
        for _ in range(20):
            facts = sale(chance, place)
            met.add(rulebook.ask(place, "kiosk.sell", facts, dt.date(2026, 11, 23)).answer.value)
    assert met == {"permit", "refuse", "refer"}
