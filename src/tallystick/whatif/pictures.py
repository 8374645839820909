"""The pictures of answers: fan, tornado, flow and claim, each with its table and its doubt.

Every picture carries, inside itself, the effect on arrivals that it supposes, so that no copy of
it can lose that. The table beside it has the same figures.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from tallystick.look import charts
from tallystick.look.charts import Band, Bar, Link, Node, Swing
from tallystick.whatif.answers import FLOW_NAMES, LABEL, Answers, spread_of
from tallystick.whatif.drivers import Driver
from tallystick.whatif.parameters import BY_NAME
from tallystick.whatif.questions import percent, whole

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
}
"""Names that fit beside a bar."""
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


def in_hub(found: Answers) -> Picture:
    """People in hub places over time."""
    low95, low80, low50, middle, high50, high80, high95 = (list(row) for row in found.fan)
    bands = [
        Band("b95", low95, high95, "19 in 20 runs"),
        Band("b80", low80, high80, "8 in 10 runs"),
        Band("b50", low50, high50, "half of the runs"),
    ]
    months = len(middle)
    marks = [(0, "start")] + [(at - 1, f"{at // YEAR} years" if at > YEAR else "1 year")
                              for at in range(YEAR, months + 1, YEAR)]  # fmt: skip
    name = (
        f"People in hub places over {months} months. At the end the middle answer is "
        f"{whole(middle[-1])}; 8 in 10 runs lie between {whole(low80[-1])} and {whole(high80[-1])}."
    )
    drawn = charts.fan(name, bands, middle, marks, f"{whole(middle[-1])} people", found.deterrence)
    rows = tuple(
        (f"Month {at + 1}", *(whole(row[at]) for row in (low95, low80, middle, high80, high95)))
        for at in range(5, months, 6)
    )
    return Picture(drawn, ("When", "19 in 20, from", "8 in 10, from", "Middle", "8 in 10, to",
                           "19 in 20, to"), rows)  # fmt: skip


def brief(driver: Driver) -> str:
    """Return words that fit beside a bar."""
    return BRIEF.get(driver.name, driver.name.replace("_", " ").capitalize())


def value_of(driver: Driver, value: float) -> str:
    """Return an end of a driver's range in words."""
    unit = BY_NAME[driver.name].unit
    if unit == "share":
        return percent(value)
    if unit in ("log", "log odds", "ratio"):
        return f"{value:+.2f}"
    return whole(value) if value >= 10 else f"{value:.1f}"


def moves_it(found: Answers) -> Picture:
    """What moves the share who could be sent, when one unknown is low or high."""
    top = found.drivers[:TORNADO_ROWS]
    middle = found.headline.could.middle * 100
    swings = [
        Swing(
            brief(one),
            one.at_low * 100,
            one.at_high * 100,
            value_of(one, one.low_at),
            value_of(one, one.high_at),
        )
        for one in top
    ]
    name = (
        "What moves the answer most: of 100 Channel arrivals, how many could be sent. "
        + " ".join(f"{one.say}: {one.at_low:.1%} to {one.at_high:.1%}." for one in top)
    )
    drawn = charts.tornado(name, swings, middle, f"middle answer: {middle:.1f}", found.deterrence)
    rows = tuple(
        (
            one.say + (" (unverified)" if one.unverified else ""),
            f"{value_of(one, one.low_at)} to {value_of(one, one.high_at)}",
            f"{one.at_low * 100:.1f} to {one.at_high * 100:.1f}",
            f"{one.share:.0%}",
        )
        for one in top
    )
    return Picture(drawn, ("Unknown", "From, to", "Answer, of 100", "Of the spread"), rows)


def flow(found: Answers) -> Picture:
    """Where a thousand arrivals go."""
    there = {name for one in found.flows for name in (one.old, one.new)}
    columns = [
        [Node(name, LABEL[name], CLASS_OF[name]) for name in column if name in there]
        for column in COLUMNS
    ]
    tint = {"n-good": "f-good", "n-hub": "f-hub", "n-off": "f-off"}
    links = [
        Link(one.old, one.new, one.people, tint.get(CLASS_OF[one.new], "")) for one in found.flows
    ]
    name = "Of 1,000 arrivals, " + "; ".join(
        f"{LABEL[one.old].lower()} to {LABEL[one.new].lower()} {one.people:,.0f}"
        for one in found.flows
    )
    drawn = charts.sankey(name + ".", [c for c in columns if c], links, found.deterrence)
    rows = tuple((LABEL[one.old], LABEL[one.new], f"{one.people:,.1f}") for one in found.flows)
    return Picture(drawn, ("From", "To", "People"), rows)


def claim(found: Answers) -> Picture:
    """The share granted on each basis; three quarters is marked."""
    bars = [
        Bar(
            card.basis.partition(",")[0] if card.basis.startswith("Claimed") else card.basis,
            card.share * 100,
            f"{card.share:.0%}",
            "bar-1" if card.verdict == "true" else "bar-5",
        )
        for card in found.cards
    ]
    name = "Granted, on each basis: " + "; ".join(f"{c.basis} {c.share:.0%}" for c in found.cards)
    note = "The broken line is three quarters: what we take a vast majority to be. No hub in this."
    drawn = charts.bars(name + ".", bars, note, 75.0, 100.0)
    rows = tuple(
        (
            card.basis,
            f"{card.granted:,} of {card.decided:,}" if card.decided is not None else NOT_GIVEN,
            f"{card.share:.1%}",
            f"{card.undecided:,}" if card.undecided is not None else NOT_GIVEN,
            spread_of(card.expected, "share") if card.expected else "",
            card.verdict,
            f"[{card.mark}]",
        )
        for card in found.cards
    )
    head = ("Basis", "Granted", "Share", "Not known yet", "Expected in the end", "The sentence is",
            "Mark")  # fmt: skip
    return Picture(drawn, head, rows)
