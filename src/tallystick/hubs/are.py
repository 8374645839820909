"""The day on which a person's rights of appeal are exhausted, with every step of its reckoning.

The steps are the Home Office's own: to a working day, the limit, to a working day, the allowance
in working days, to a working day. The limits are the rules', read from `are.toml`; where the
calculator of the Home Office counts fewer days than the rule, the rule is followed and the
difference is shown. A day that is still in time is held through; what is not known raises, and a
gate that asks then holds (Decision 9).
"""

from __future__ import annotations

import datetime as dt
import functools
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files
from typing import Literal

import msgspec

from tallystick.hubs.are_errors import RuleNotThere, StageNotThere
from tallystick.hubs.working_days import (
    DAY,
    Country,
    Passed,
    add_months,
    add_working,
    next_working,
)

Unit = Literal["days", "working_days", "months"]
SAID: dict[Unit, str] = {"days": "day", "working_days": "working day", "months": "month"}


class Limit(msgspec.Struct, frozen=True):
    """A length of time: calendar days, working days or months."""

    value: int
    unit: Unit
    cite: str = ""

    def said(self) -> str:
        """Return ``14 days`` or ``1 month``."""
        return f"{self.value} {SAID[self.unit]}{'' if self.value == 1 else 's'}"


class Rule(msgspec.Struct, frozen=True):
    """One version of a stage's rule: from when to when, and from when it was known."""

    since: dt.date
    begins: str
    limits: tuple[Limit, ...]
    allowance: int
    cite: str
    source: str
    read: Literal["text", "summary", "memory"]
    until: dt.date | None = None
    known_from: dt.date | None = None
    calculator: Limit | None = None
    why_not: str = ""
    note: str = ""

    def binds(self, on: dt.date, known_on: dt.date) -> bool:
        """Say whether this version is in force on a day, as far as known on another."""
        in_force = self.since <= on and (self.until is None or on <= self.until)
        return in_force and (self.known_from or self.since) <= known_on


class Stage(msgspec.Struct, frozen=True):
    """A stage of appeal."""

    id: str
    title: str
    rule: tuple[Rule, ...]
    countries: tuple[Country, ...] = tuple(Country)


class Closed(msgspec.Struct, frozen=True):
    """A stage that the calculator lists and the law no longer has."""

    id: str
    why: str


class Foreign(msgspec.Struct, frozen=True):
    """Why a stage has no date in some countries."""

    countries: tuple[Country, ...]
    stages: tuple[str, ...]
    why: str


class Book(msgspec.Struct, frozen=True):
    """Everything in `are.toml`."""

    stage: tuple[Stage, ...]
    closed: tuple[Closed, ...]
    foreign: tuple[Foreign, ...]


@dataclass(frozen=True, slots=True)
class Step:
    """One step of a reckoning: what was done, the day it led to, and the days passed over."""

    what: str
    day: dt.date
    passed: tuple[Passed, ...] = ()


@dataclass(frozen=True, slots=True)
class Reckoning:
    """A date with all that led to it.

    ``are_date`` is the date as the Home Office would name it; ``hold_through`` the last day on
    which the gate holds; ``exhausted_from`` the day after it. Where the allowance is nothing, the
    ARE date itself is still in time, and is held through.
    """

    stage: str
    title: str
    country: Country
    start: dt.date
    last_day_in_time: dt.date
    are_date: dt.date
    hold_through: dt.date
    exhausted_from: dt.date
    steps: tuple[Step, ...]
    rule: Rule
    calculator_date: dt.date
    differs: str

    def holds(self, today: dt.date) -> bool:
        """Say whether an appeal may still be in time today."""
        return today <= self.hold_through


@functools.cache
def book() -> Book:
    """Return the stages and rules of `are.toml`."""
    text = files("tallystick.hubs").joinpath("are.toml").read_text("utf-8")
    return msgspec.convert(tomllib.loads(text), Book, strict=True)


def stages() -> Mapping[str, Stage]:
    """Return the stages by id."""
    return {stage.id: stage for stage in book().stage}


def find(stage_id: str, country: Country) -> Stage:
    """Return a stage that exists in a country; raise `StageNotThere` saying why there is none."""
    for gone in book().closed:
        if gone.id == stage_id:
            raise StageNotThere(f"{stage_id}: {gone.why}")
    for other in book().foreign:
        if stage_id in other.stages and country in other.countries:
            raise StageNotThere(f"{stage_id} in {country}: {other.why}")
    if (stage := stages().get(stage_id)) is None:
        raise StageNotThere(f"{stage_id!r} is no stage; there are: {', '.join(stages())}")
    return stage


def rule_of(stage: Stage, on: dt.date, known_on: dt.date) -> Rule:
    """Return the version that bound time beginning on a day, as known on another."""
    found = [rule for rule in stage.rule if rule.binds(on, known_on)]
    if not found:
        raise RuleNotThere(
            f"{stage.id}: no rule in force on {on} was known on {known_on}; "
            f"the first here is in force from {stage.rule[0].since}"
        )
    return found[-1]


def _add(day: dt.date, limit: Limit, country: Country) -> Step:
    passed: tuple[Passed, ...] = ()
    if limit.unit == "months":
        end = add_months(day, limit.value)
    elif limit.unit == "days":
        end = day + limit.value * DAY
    else:
        end, passed = add_working(day, limit.value, country)
    cite = f" ({limit.cite})" if limit.cite else ""
    return Step(f"add the limit of {limit.said()}{cite}", end, passed)


def _walk(start: dt.date, limit: Limit, allowance: int, country: Country) -> tuple[Step, ...]:
    """Reckon by one limit. The last day in time is the third step's, the ARE date the last's."""
    first, passed = next_working(start, country)
    steps = [Step("begin on a working day", first, passed), _add(first, limit, country)]
    last, passed = next_working(steps[-1].day, country)
    steps.append(Step("to a working day: the last day in time", last, passed))
    allowed, passed = add_working(last, allowance, country)
    unit = "working day" if allowance == 1 else "working days"
    steps.append(Step(f"add the Home Office's allowance of {allowance} {unit}", allowed, passed))
    return tuple(steps)


def reckon(
    stage_id: str, country: Country, start: dt.date, known_on: dt.date | None = None
) -> Reckoning:
    """Return when rights of appeal end, for time that began on ``start``.

    ``known_on`` asks with the rules as they were known on that day (as known now if left out).
    Raise `StageNotThere`, `RuleNotThere` or `DayNotKnown`.
    """
    stage = find(stage_id, country)
    rule = rule_of(stage, start, known_on or dt.date.max)
    walks = [_walk(start, limit, rule.allowance, country) for limit in rule.limits]
    steps = max(walks, key=lambda walk: walk[-1].day)
    are_date = steps[-1].day
    theirs = _walk(start, rule.calculator or rule.limits[0], rule.allowance, country)[-1].day
    hold_through = are_date - DAY if rule.allowance else are_date
    return Reckoning(
        stage=stage.id,
        title=stage.title,
        country=country,
        start=start,
        last_day_in_time=steps[2].day,
        are_date=are_date,
        hold_through=hold_through,
        exhausted_from=hold_through + DAY,
        steps=steps,
        rule=rule,
        calculator_date=theirs,
        differs=rule.why_not if theirs != are_date else "",
    )
