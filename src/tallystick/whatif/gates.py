"""Which share of people the legal gates would let pass: the rulebook is called, never copied.

Synthetic persons get the facts that the gates ask for, and ``hubs.gates`` answers about each of
them, by the same lines that judge a real case. Two readings are shown side by side:

- *as it stands*: gates that nobody verified and no officer adopted are unknown, no host agreement
  is on record, and nothing passes by absence. The share is nought.
- *if all were in order*: every gate adopted, a host and an agreement that meet every condition.
  What is left is what differs between persons, whose shares nobody publishes (``persons.toml``).
"""

from __future__ import annotations

import datetime as dt
import functools
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from tallystick.core.clock import numbers
from tallystick.core.rulebook.place import Adoption
from tallystick.hubs import law as hub_law
from tallystick.hubs import sample
from tallystick.hubs.gates import MISSING, Columns
from tallystick.hubs.law import Answer, Law
from tallystick.whatif import figures
from tallystick.whatif.errors import BadFigures

SENDER: Final = "GB"
DAY: Final = dt.date(2026, 11, 28)
"""The day on which the law is asked, unless another is given."""
DRAWS: Final = 64
"""Draws of the shares of facts."""
PERSONS: Final = 2_000
"""Synthetic persons for each draw."""
SEED: Final = 36
EDGES: Final = (0.1, 0.9)


@dataclass(frozen=True, slots=True)
class Share:
    """How many persons have a fact that a gate asks for; every one of these is unverified."""

    fact: str
    value: bool
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Passing:
    """What the gates say about many synthetic persons."""

    shares: Any
    """The share for whom every gate passes, by draw."""
    stops: Mapping[str, float]
    """By gate: the share whom it stops, whatever the others say, on average."""
    alone: Mapping[str, float]
    """By gate: the share whom it alone stops, on average."""

    @property
    def range(self) -> tuple[float, float]:
        """Return between which shares 8 in 10 draws lie."""
        low, high = np.quantile(self.shares, EDGES)
        return float(low), float(high)

    @property
    def middle(self) -> float:
        """Return the median share."""
        return float(np.median(self.shares))


@functools.cache
def persons() -> tuple[Share, ...]:
    """Return the shares of facts; raise `BadFigures` for one that cannot be."""
    raw = tomllib.loads(figures.text_of(figures.FOLDER / "persons.toml"))["shares"]
    found = tuple(Share(name, **told) for name, told in raw.items())
    for one in found:
        if not 0 <= one.low <= one.high <= 1:
            raise BadFigures(f"{one.fact}: {one.low} to {one.high} is no range of shares")
    return found


def in_order(law: Law, on: dt.date) -> Law:
    """Return the law as if every open gate were adopted: for what-if only."""
    names = dict.fromkeys(gate.id for gate in law.open_gates(on))
    who, why = sample.OFFICER, sample.SOURCE
    place = f"hubs-{law.code}"
    return law.adopt(Adoption(place, name, {}, who, why, on) for name in names)


def facts_of(columns: Columns, law: Law, on: dt.date, chance: Any, shares: Any) -> dict[str, Any]:
    """Return columns of facts of synthetic persons, everything else in order."""
    found: dict[str, Any] = {
        name: columns.code(name, value) for name, value in sample.values(law, on).items()
    }
    for one, share in zip(persons(), shares, strict=True):
        has = chance.random(PERSONS) < share
        if one.fact not in found:
            continue  # no gate of this day asks for it
        found[one.fact] = np.where(
            has, columns.code(one.fact, one.value), columns.code(one.fact, not one.value)
        )
    return found


def no_agreement(columns: Columns, facts: Mapping[str, Any]) -> dict[str, Any]:
    """Return facts without any of a host: nobody has signed, and no country was examined."""
    return {
        name: MISSING if columns.kinds[name].of in ("agreement", "country") else value
        for name, value in facts.items()
    }


@functools.cache
def passing(ordered: bool, on: dt.date = DAY, without: str = "", sender: str = SENDER) -> Passing:
    """Return which share passes on a day, if all were in order or as things stand.

    ``without`` leaves one gate out, to see what it alone does.
    """
    law = hub_law.load(sender)
    law = law.without(without) if without else law
    law = in_order(law, on) if ordered else law
    columns = Columns.of(law, on, on)
    shares, stops, alone = [], dict.fromkeys(law.ids, 0.0), dict.fromkeys(law.ids, 0.0)
    for draw in range(DRAWS):
        chance = numbers(SEED, draw)
        wanted = [one.low + chance.random() * (one.high - one.low) for one in persons()]
        facts = facts_of(columns, law, on, chance, wanted)
        if not ordered:
            facts = no_agreement(columns, facts)
        answers = columns.answers(facts, on.toordinal())
        bad = {name: answer != int(Answer.PASS) for name, answer in answers.items()}
        count = np.sum([np.broadcast_to(stop, PERSONS) for stop in bad.values()], axis=0)
        permitted = np.broadcast_to(columns.permits(facts, on.toordinal()), PERSONS)
        shares.append(float(permitted.mean()))
        for name, stop in bad.items():
            stops[name] += float(np.mean(stop)) / DRAWS
            alone[name] += float(np.mean(stop & (count == 1))) / DRAWS
    return Passing(np.array(shares), stops, alone)
