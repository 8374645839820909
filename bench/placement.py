"""Places for 5,000 people at nine hosts, in exact order of date, on one core."""

from __future__ import annotations

import argparse
import datetime as dt
import random  # noqa: TID251 - seeded scenes
import time

from bench.report import Row, took
from bench.stage import Stage
from tallystick.hubs.placement import Condition, Host, Outcome, Person, place

PEOPLE = 5_000
LANGUAGES = ("ar", "ckb", "en", "fa", "fr", "ps", "sq", "ti", "ur", "vi")
CARE = ("dialysis", "insulin", "maternity", "psychiatry")
GROUNDS = ("p1", "p2", "p3")
FAMILIES = (1,) * 12 + (2, 3, 4, 5)
ON = dt.date(2027, 3, 1)
NAMES = ("kosovo", "host-2", "host-3", "host-4", "host-5", "host-6", "host-7", "host-8", "host-9")


def hosts(chance: random.Random) -> list[Host]:
    """Return nine hosts, each with conditions of its own; together they have too few places."""
    made = []
    for name in NAMES:
        day = chance.randint(40, 160)
        conditions = (
            Condition(1, "language", "a language", frozenset(chance.sample(LANGUAGES, 7))),
            Condition(2, "care", "care", frozenset(chance.sample(CARE, 3))),
            Condition(3, "excludes", "protected", frozenset(chance.sample(GROUNDS, 2))),
        )
        made.append(
            Host(name, name.title(), day, day * chance.randint(2, 6), conditions=conditions)
        )
    return made


def some(chance: random.Random, of: tuple[str, ...], share: float) -> frozenset[str]:
    """Return one of these for a share of people, nothing for the rest."""
    return frozenset(chance.sample(of, 1)) if chance.random() < share else frozenset()


def people(chance: random.Random) -> list[Person]:
    """Return people alone and in families, with days, languages and needs."""
    made: list[Person] = []
    while len(made) < PEOPLE:
        size = min(chance.choice(FAMILIES), PEOPLE - len(made))
        tongue = frozenset(chance.sample(LANGUAGES, chance.choice((1, 2))))
        since = ON - dt.timedelta(days=chance.randint(1, 400))
        family = f"f{len(made)}" if size > 1 else ""
        made += [
            Person(
                ref=f"p{len(made) + n:05}",
                since=since,
                gates_passed_on=ON,
                family=family,
                languages=tongue,
                care=some(chance, CARE, 0.1),
                links=some(chance, NAMES, 0.2),
                protected=some(chance, GROUNDS, 0.1),
            )
            for n in range(size)
        ]
    return made


def measure(stage: Stage, options: argparse.Namespace) -> list[Row]:
    """Time the whole answer, explanations and audit with it; the slowest of some seeds counts."""
    times, placed = [], []
    for seed in range(options.runs):
        chance = random.Random(seed)
        there, waiting = hosts(chance), people(chance)
        began, spent = time.perf_counter(), time.process_time()
        found = place(waiting, there, ON)
        times.append((time.perf_counter() - began, time.process_time() - spent))
        placed.append(sum(1 for one in found.values() if one.outcome is Outcome.PLACE))
    told, busy = took(*max(times))
    return [
        Row(
            f"Places for {PEOPLE:,} people at 9 hosts, in order of date",
            told,
            "under 10 s",
            f"slowest of {options.runs} seeds; {min(placed):,} to {max(placed):,} placed today, "
            f"with reasons{busy}",
        )
    ]
