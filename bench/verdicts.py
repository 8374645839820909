"""Verdicts per second: a whole kiosk decision on one processor, over every place we know.

A decision is what a note costs the server: a person's sums over the law's windows, whether they
are new, the verdict on the sale with its duties, and the verdict on the fee.
"""

from __future__ import annotations

import argparse
import datetime as dt
import statistics
import time
import tracemalloc
from zoneinfo import ZoneInfo

from bench.report import Row
from bench.stage import Stage
from tallystick.core import rulebook
from tallystick.core.rulebook.person import Paid, Person, facts_of
from tallystick.core.rulebook.place import codes

AT = dt.datetime(2026, 11, 23, 18, 0, tzinfo=dt.UTC)
PURCHASES = 10
ROUNDS = 200


def measure(stage: Stage, options: argparse.Namespace) -> list[Row]:
    """Judge one sale in each place, again and again."""
    tracemalloc.start()
    places = [rulebook.load(code) for code in codes()]
    held, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    paid = [Paid(AT - dt.timedelta(days=day), 5_000) for day in range(PURCHASES, 0, -1)]
    person = Person(paid, AT - dt.timedelta(days=90))
    whole = [_whole(places, person) for _ in range(options.runs)]
    alone = [_alone(places) for _ in range(options.runs)]
    how = f"{len(places)} places, {PURCHASES} earlier purchases, median of {options.runs}"
    return [
        Row(
            "whole kiosk decision",
            f"{statistics.median(whole) * 1e6:.1f} µs",
            "50 µs",
            how,
        ),
        Row("verdicts, facts given", f"{1 / statistics.median(alone):,.0f}/s", "", how),
        Row("memory of the whole rulebook", f"{held / 2**20:.1f} MiB", "", "traced"),
    ]


def _whole(places: list[rulebook.Jurisdiction], person: Person) -> float:
    begun = time.perf_counter()
    for _ in range(ROUNDS):
        for place in places:
            facts = facts_of(place, person, 10_000, AT)
            on = AT.astimezone(ZoneInfo(place.zone)).date()
            rulebook.ask(place, "kiosk.sell", facts, on)
            rulebook.ask(place, "kiosk.fee", {"cash": 10_000, "fee": 1_200}, on)
    return (time.perf_counter() - begun) / (ROUNDS * len(places))


def _alone(places: list[rulebook.Jurisdiction]) -> float:
    facts: dict[str, int | str] = {"cash": 10_000, "paid_today": 0, "customer": "existing"}
    begun = time.perf_counter()
    for _ in range(ROUNDS):
        for place in places:
            rulebook.ask(place, "kiosk.sell", facts, AT.date())
    return (time.perf_counter() - begun) / (ROUNDS * len(places))
