"""How a customer reaches a person: by the operator's stated hours, and never more than stated.

Screens and papers say "day and night" only where the operator states just that; the law's own
hours were asked by the server before the machine opened (`kiosk.support`).
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Final

from babel.dates import format_time, get_day_names
from markupsafe import Markup

from tallystick.edge.screen.words import Words
from tallystick.kiosk import wire
from tallystick.kiosk.support import ALWAYS, DAY_MINUTES

NOTHING: Final = Markup("")
APART: Final = Markup('<bdi class="run">{}</bdi>')


@dataclass(frozen=True, slots=True)
class Reach:
    """When a person answers, in the reader's tongue; ``hours`` is empty where none is stated."""

    always: bool = False
    hours: str = ""
    police: str = ""
    who: Markup = NOTHING
    """Who runs the machine, with the licence where one is stated."""

    @property
    def spans(self) -> Markup:
        """The hours for a page: apart from its direction, broken over lines like words."""
        return APART.format(self.hours)

    @property
    def contact(self) -> Markup:
        """The police's contact for a page, in the same way."""
        return APART.format(self.police)


def reach(operator: wire.Operator | None, words: Words) -> Reach:
    """Return how to reach a person, for a page or a paper."""
    if operator is None:
        return Reach()
    who = run_by(operator, words)
    if list(operator.hours) == [ALWAYS]:
        return Reach(always=True, police=operator.police, who=who)
    spans = [_span(one, words) for one in operator.hours]
    return Reach(hours="; ".join(spans), police=operator.police, who=who)


def run_by(operator: wire.Operator, words: Words) -> Markup:
    """Return who runs a machine: the name, and the licence where one is stated."""
    if not operator.licence:
        return Markup("<bdi>{}</bdi>").format(operator.name)
    return words.say("{name}, licence {licence}", name=operator.name, licence=operator.licence)


def _span(one: wire.SupportHours, words: Words) -> str:
    names = get_day_names("wide", locale=words.tongue.clock)
    days = names[one.first]
    if one.last != one.first:
        days = f"{days} \N{EN DASH} {names[one.last]}"
    return f"{days}, {_time(one.opens, words)} \N{EN DASH} {_time(one.closes, words)}"


def _time(minute: int, words: Words) -> str:
    """Return a time of the day as the reader's tongue writes it; the day's end is 00:00."""
    at = dt.time(minute % DAY_MINUTES // 60, minute % 60)
    text = format_time(at, "short", locale=words.tongue.clock)
    return text.replace("\N{NARROW NO-BREAK SPACE}", "\N{NO-BREAK SPACE}")
