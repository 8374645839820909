"""The pictures of answers: fan, tornado, flow and claim, each with its table and its doubt.

Every picture carries, inside itself, the effect on arrivals that it supposes, so that no copy of
it can lose that. The table beside it has the same figures. ``say`` looks each sentence up in the
reader's language; without it they are in English.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from tallystick.look import charts
from tallystick.look.charts import Band, Bar, Link, Node, Swing
from tallystick.whatif.answers import FLOW_NAMES, LABEL, Answers
from tallystick.whatif.claims import Card
from tallystick.whatif.drivers import Driver
from tallystick.whatif.interval import Interval
from tallystick.whatif.parameters import BY_NAME
from tallystick.whatif.questions import percent, whole

Say = Callable[[str], str]
YEAR: Final = 12
NOT_GIVEN: Final = "not given"
TORNADO_ROWS: Final = 6
BRIEF: Final = {
    "reask_month": "Gates asked anew, a month",
    "appeal_share": "Refused people who appeal",
    "further_month": "Further submissions, a month",
    "further_granted": "Granted by further submissions",
    "grant_shift": "All grant rates together",
    "gate_share": "People whom no gate stops",
    "leave_month": "Voluntary departures, a month",
    "people_per_appeal": "People in an appeal",
    "withdraw_ratio": "Claims closed, for each decided",
    "allow_shift": "Appeal success at the start",
    "allow_trend": "Appeal success, change a year",
    "appeal_withdrawn": "Appeals withdrawn",
    "conceded": "Withdrawn appeals decided anew",
    "late_share": "Stopped on the eve",
    "stay_months": "Months in a hub",
    "exhausted_supported": "Exhausted people supported",
    "claims_month": "Claims a month at the start",
    "claims_walk": "Yearly shock to claims",
    "decide_month": "Decisions a month",
    "decide_walk": "Yearly shock to decisions",
    "grant_walk": "Yearly shock to grant rates",
    "hear_month": "Appeals disposed of, a month",
    "hear_growth": "Yearly growth of disposals",
    "hear_months_max": "Months that growth lasts",
    "allow_walk": "Yearly shock to appeals",
    "upper_share": "To the Upper Tribunal",
    "upper_months": "Months in the Upper Tribunal",
    "upper_allowed": "Allowed in the Upper Tribunal",
    "further_months": "Months until that is decided",
    "further_fresh": "Accepted as a fresh claim",
    "remove_month": "Enforced returns, a month",
    "waiting_start": "Waiting at the start",
    "appeals_start": "Appeals open at the start",
    "exhausted_start": "Exhausted people at the start",
    "withdrawn_start": "Closed claims at the start",
    "supported_share": "Supported, of those who wait",
    "housing_places": "Supported outside hotels",
    "back_share": "Sent back from a hub",
    "home_share": "Home from a hub by choice",
    "papers_months": "Months to get travel papers",
}
"""Names that fit beside a bar."""
HEADS: Final = {
    "fan": ("When", "19 in 20, from", "8 in 10, from", "Middle", "8 in 10, to", "19 in 20, to"),
    "tornado": ("Unknown", "From, to", "Answer, of 100", "Of the spread"),
    "flow": ("From", "To", "People"),
    "claim": ("Basis", "Granted", "Share", "Not known yet", "Expected in the end",
              "The sentence is", "Mark"),
}  # fmt: skip
CLAIMED: Final = re.compile(
    r"Claimed in (\d+), after appeals so far \(main applicants\); (\d+%) of first refusals"
    r" overturned"
)
SUPPOSED: Final = "Effect on arrivals supposed: {n} % fewer by small boat. Nobody has measured it."
COLUMNS: Final = (
    ("arrived",),
    ("granted", "refused", "closed", "waiting"),
    ("appealed", "not"),
    ("allowed", "pending", "exhausted"),
    ("stopped", "cleared"),
    ("sent", "not yet"),
)
CLASS_OF: Final = {name: css_class for name, _, css_class in FLOW_NAMES}


@dataclass(frozen=True, slots=True)
class Picture:
    """A drawing, and the same as a table."""

    svg: str
    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


def head(name: str, say: Say) -> tuple[str, ...]:
    """Return the head of a picture's table."""
    return tuple(say(one) for one in HEADS[name])


def supposed(found: Answers, say: Say) -> str:
    """Return which effect on arrivals a picture supposes."""
    effect = found.scenario.chosen.get("deterrence", 0.0)
    if effect == 0 or say(SUPPOSED) == SUPPOSED:
        return say(found.deterrence)
    return say(SUPPOSED).format(n=f"{effect * 100:.0f}")


def in_hub(found: Answers, say: Say = str) -> Picture:
    """People in hub places over time."""
    low95, low80, low50, middle, high50, high80, high95 = (list(row) for row in found.fan)
    bands = [
        Band("b95", low95, high95, say("19 in 20 runs")),
        Band("b80", low80, high80, say("8 in 10 runs")),
        Band("b50", low50, high50, say("half of the runs")),
    ]
    months = len(middle)
    marks = [(0, say("start"))]
    for at in range(YEAR, months + 1, YEAR):
        years = say("{n} years").format(n=at // YEAR)
        marks.append((at - 1, years if at > YEAR else say("1 year")))
    name = say(
        "People in hub places over {months} months. At the end the middle answer is {middle}; "
        "8 in 10 runs lie between {low} and {high}."
    ).format(months=months, middle=whole(middle[-1]), low=whole(low80[-1]), high=whole(high80[-1]))
    last = say("{n} people").format(n=whole(middle[-1]))
    drawn = charts.fan(name, bands, middle, marks, last, supposed(found, say))
    rows = tuple(
        (
            say("Month {n}").format(n=at + 1),
            *(whole(row[at]) for row in (low95, low80, middle, high80, high95)),
        )
        for at in range(5, months, 6)
    )
    return Picture(drawn, head("fan", say), rows)


def brief(driver: Driver) -> str:
    """Return words that fit beside a bar."""
    return BRIEF.get(driver.name, driver.name.replace("_", " ").capitalize())


def full(driver: Driver, say: Say) -> str:
    """Return the whole name of an unknown; the brief one where only that is in the language."""
    told = say(brief(driver))
    name = driver.say if told == brief(driver) else told
    return f"{name} ({say('unverified')})" if driver.unverified else name


def value_of(driver: Driver, value: float) -> str:
    """Return an end of a driver's range in words."""
    unit = BY_NAME[driver.name].unit
    if unit == "share":
        return percent(value)
    if unit in ("log", "log odds", "ratio"):
        return f"{value:+.2f}"
    return whole(value) if value >= 10 else f"{value:.1f}"


def moves_it(found: Answers, say: Say = str) -> Picture:
    """What moves the share who could be sent, when one unknown is low or high."""
    top = found.drivers[:TORNADO_ROWS]
    middle = found.headline.could.middle * 100
    swings = [
        Swing(
            say(brief(one)),
            one.at_low * 100,
            one.at_high * 100,
            value_of(one, one.low_at),
            value_of(one, one.high_at),
        )
        for one in top
    ]

    def between(low: str, high: str) -> str:
        return say("{low} to {high}").format(low=low, high=high)

    ends = [between(f"{one.at_low:.1%}", f"{one.at_high:.1%}") for one in top]
    name = " ".join(
        [
            say("What moves the answer most: of 100 Channel arrivals, how many could be sent."),
            *(f"{full(one, say)}: {end}." for one, end in zip(top, ends, strict=True)),
        ]
    )
    words = say("middle answer: {n}").format(n=f"{middle:.1f}")
    drawn = charts.tornado(name, swings, middle, words, supposed(found, say))
    rows = tuple(
        (
            full(one, say),
            between(value_of(one, one.low_at), value_of(one, one.high_at)),
            between(f"{one.at_low * 100:.1f}", f"{one.at_high * 100:.1f}"),
            f"{one.share:.0%}",
        )
        for one in top
    )
    return Picture(drawn, head("tornado", say), rows)


def flow(found: Answers, say: Say = str) -> Picture:
    """Where a thousand arrivals go."""
    there = {name for one in found.flows for name in (one.old, one.new)}
    label = {name: say(words) for name, words in LABEL.items()}
    columns = [
        [Node(name, label[name], CLASS_OF[name]) for name in column if name in there]
        for column in COLUMNS
    ]
    tint = {"n-good": "f-good", "n-hub": "f-hub", "n-off": "f-off"}
    links = [
        Link(one.old, one.new, one.people, tint.get(CLASS_OF[one.new], "")) for one in found.flows
    ]
    name = "; ".join(
        say("from “{old}” to “{new}”: {n}").format(
            old=label[one.old], new=label[one.new], n=f"{one.people:,.0f}"
        )
        for one in found.flows
    )
    name = f"{say('Of 1,000 arrivals')}: {name}."
    drawn = charts.sankey(name, [c for c in columns if c], links, supposed(found, say))
    rows = tuple((label[one.old], label[one.new], f"{one.people:,.1f}") for one in found.flows)
    return Picture(drawn, head("flow", say), rows)


def basis(card: Card, say: Say) -> str:
    """Return a basis of the claim in the reader's words."""
    if match := CLAIMED.fullmatch(card.basis):
        text = (
            "Claimed in {year}, after appeals so far (main applicants); {n} of first refusals "
            "overturned"
        )
        return say(text).format(year=match[1], n=match[2])
    return say(card.basis)


def _brief_basis(card: Card, say: Say) -> str:
    match = CLAIMED.fullmatch(card.basis)
    return say("Claimed in {year}").format(year=match[1]) if match else say(card.basis)


def _expected(interval: Interval | None, say: Say) -> str:
    if interval is None:
        return ""
    middle, low, high = (percent(v) for v in (interval.middle, interval.low80, interval.high80))
    return say("{middle} ({low} to {high})").format(middle=middle, low=low, high=high)


def claim(found: Answers, say: Say = str) -> Picture:
    """The share granted on each basis; three quarters is marked."""
    bars = [
        Bar(
            _brief_basis(card, say),
            card.share * 100,
            f"{card.share:.0%}",
            "bar-1" if card.verdict == "true" else "bar-5",
        )
        for card in found.cards
    ]
    name = "; ".join(f"{basis(c, say)} {c.share:.0%}" for c in found.cards)
    name = f"{say('Granted, on each basis')}: {name}."
    note = say(
        "The broken line is three quarters: what we take a vast majority to be. No hub in this."
    )
    drawn = charts.bars(name, bars, note, 75.0, 100.0)
    given = say("{n} of {all}")
    rows = tuple(
        (
            basis(card, say),
            given.format(n=f"{card.granted:,}", all=f"{card.decided:,}")
            if card.decided is not None
            else say(NOT_GIVEN),
            f"{card.share:.1%}",
            f"{card.undecided:,}" if card.undecided is not None else say(NOT_GIVEN),
            _expected(card.expected, say),
            say(card.verdict),
            f"[{card.mark}]",
        )
        for card in found.cards
    )
    return Picture(drawn, head("claim", say), rows)
