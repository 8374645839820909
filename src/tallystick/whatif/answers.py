"""Everything that is said about one scenario: headline, flow, questions, the claim, and the law.

The same object is printed as text or JSON, drawn as a page or set as a report, so that no two of
them can say different things.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from tallystick.whatif import claims, drivers, figures, gates, posterior, questions, run, world
from tallystick.whatif.claims import Card
from tallystick.whatif.drivers import Driver
from tallystick.whatif.interval import Interval
from tallystick.whatif.layout import MOVE_AT
from tallystick.whatif.model import Place as P
from tallystick.whatif.parameters import BY_NAME, Kind
from tallystick.whatif.posterior import Posterior
from tallystick.whatif.questions import Answer
from tallystick.whatif.run import ARRIVED, Pair
from tallystick.whatif.scenario import AS_IT_STANDS, PENCE, Scenario

NOT_KNOWN: Final = (
    "Nobody knows what a hub does to the number of people who come. The Home Office's permanent "
    "secretary called the effect highly uncertain and not quantifiable (April 2022)."
)
EVERY: Final = 1_000
"""Flows are shown for so many arrivals."""
FAN_QUANTILES: Final = (0.025, 0.1, 0.25, 0.5, 0.75, 0.9, 0.975)


@dataclass(frozen=True, slots=True)
class Headline:
    """One scenario in a few numbers."""

    could: Interval
    """Share of Channel arrivals who could ever be sent: refused for good and past every gate."""
    sent: Interval
    """People sent over the scenario."""
    in_hub: Interval
    """People in hubs at its end."""
    nights: Interval
    """Hotel nights saved in the hub's first year."""
    pounds_each: Interval
    """What the scheme costs for each person sent, in pounds; support saved is not taken off."""
    saved: Interval
    """Support saved, in millions of pounds a year."""
    limit: str
    """What keeps the number down, in words."""


@dataclass(frozen=True, slots=True)
class Flow:
    """People who go from one place to another, of a thousand arrivals, on average over runs."""

    old: str
    new: str
    people: float


@dataclass(frozen=True, slots=True)
class Answers:
    """Everything about one scenario."""

    scenario: Scenario
    headline: Headline
    fan: Any
    """Quantiles of people in hubs: quantile, month."""
    flows: tuple[Flow, ...]
    drivers: tuple[Driver, ...]
    questions: tuple[Answer, ...]
    cards: tuple[Card, ...]
    effects: tuple[tuple[str, Interval], ...]
    deterrence: str
    law_now: float
    """The share whom the gates let pass as things stand."""
    law_in_order: tuple[float, float]
    stops: tuple[tuple[str, float], ...]
    """Gates that stop most if all else were in order, with the share they stop."""
    made: dict[str, Any]
    """What made the posterior."""


def could_of(pair: Pair) -> Any:
    """Return the share of Channel arrivals who could ever be sent, by run."""
    boats = world.boat_mix()
    never = (1 - run.closing(pair.runs)) * run.never_granted(pair.runs, pair.scenario.grant_rates)
    return (never * boats).sum(1) * run.refused_at_boats() * run.ever_cleared(pair.runs)


def headline(pair: Pair, could: Any) -> Headline:
    """Return a scenario in a few numbers."""
    sent = pair.hub.series("sent").sum(1)
    opens = int(min(pair.runs["hub_opens_month"].min(), pair.scenario.months))
    each = np.full(len(sent), np.nan)
    some = sent >= 1
    each[some] = run.spent(pair)[some] / sent[some] / PENCE
    years = pair.scenario.months / 12
    saved = run.support_saved(pair) / PENCE / 1e6 / years
    return Headline(
        Interval.of(could),
        Interval.of(sent),
        Interval.of(pair.hub.series("in_hub")[:, -1]),
        Interval.of(run.nights(pair, opens, 12)),
        Interval.of(each),
        Interval.of(saved),
        limit_of(pair),
    )


NOBODY_PASSES: Final = "The legal gates let nobody pass."
NO_HUB: Final = "There is no hub."
BY_PLACES: Final = "The number of places sets the limit: in most runs the hub is full at the end."
BY_INTAKE: Final = "How many can be taken in a month sets the limit."
BY_GATES: Final = "The legal gates and what follows them, not the number of places, set the limit."
LIMITS: Final = (NOBODY_PASSES, NO_HUB, BY_PLACES, BY_INTAKE, BY_GATES)


def limit_of(pair: Pair) -> str:
    """Say what keeps the number of people sent down in most runs: one of ``LIMITS``."""
    if np.median(pair.runs["gate_share"]) == 0:
        return NOBODY_PASSES
    if np.median(pair.runs["hub_places"]) == 0:
        return NO_HUB
    waiting = pair.hub.series("ready")[:, -1]
    full = pair.hub.series("in_hub")[:, -1] >= 0.95 * pair.runs["hub_places"]
    if full.mean() > 0.5:
        return BY_PLACES
    if np.median(waiting) > np.median(pair.runs["hub_intake_month"]):
        return BY_INTAKE
    return BY_GATES


FLOW_NAMES: Final = (
    ("arrived", "Arrived", ""),
    ("granted", "Granted at first", "n-good"),
    ("refused", "Refused at first", ""),
    ("closed", "Withdrawn or closed", "n-off"),
    ("waiting", "Waiting for a decision", "n-off"),
    ("appealed", "Appealed", ""),
    ("not", "No appeal", ""),
    ("allowed", "Allowed on appeal", "n-good"),
    ("pending", "Appeal waiting", "n-off"),
    ("exhausted", "Rights exhausted", ""),
    ("stopped", "Stopped by a legal gate", "n-off"),
    ("cleared", "All gates passed", "n-hub"),
    ("sent", "Taken to a hub", "n-hub"),
    ("not yet", "Not taken", "n-off"),
)
LABEL: Final = {name: label for name, label, _ in FLOW_NAMES}


def flows(pair: Pair) -> tuple[Flow, ...]:
    """Return where a thousand new arrivals went within the scenario's months, posterior mean.

    Those whose refusal was withdrawn and decided anew are counted by what came of it.
    """
    marked = pair.hub.marked.sum(2).mean(0, dtype=float)
    scale = EVERY / max(marked[ARRIVED], 1.0)

    def went(*pairs: tuple[P, P]) -> float:
        return float(sum(marked[MOVE_AT[pair_]] for pair_ in pairs) * scale)

    granted, closed = went((P.WAITING, P.GRANTED)), went((P.WAITING, P.WITHDRAWN))
    appealed = went((P.WAITING, P.APPEAL))
    no_appeal = went((P.WAITING, P.STOPPED), (P.WAITING, P.CLEARED))
    anew = went((P.APPEAL, P.WAITING))
    allowed = went((P.APPEAL, P.GRANTED), (P.UPPER, P.GRANTED))
    lost = went(*((old, new) for old in (P.APPEAL, P.UPPER) for new in (P.STOPPED, P.CLEARED)))
    cleared = went(*((old, P.CLEARED) for old in (P.WAITING, P.APPEAL, P.UPPER, P.STOPPED)))
    sent = went((P.READY, P.HUB))
    exhausted = no_appeal + lost
    waiting = max(EVERY + anew - granted - closed - appealed - no_appeal, 0.0)
    found = (
        ("arrived", "granted", granted),
        ("arrived", "refused", appealed + no_appeal - anew),
        ("arrived", "closed", closed),
        ("arrived", "waiting", waiting),
        ("refused", "appealed", appealed),
        ("refused", "not", no_appeal),
        ("appealed", "allowed", allowed),
        ("appealed", "pending", max(appealed - allowed - lost, 0.0)),
        ("appealed", "exhausted", lost),
        ("not", "exhausted", no_appeal),
        ("exhausted", "stopped", max(exhausted - cleared, 0.0)),
        ("exhausted", "cleared", min(cleared, exhausted)),
        ("cleared", "sent", min(sent, cleared)),
        ("cleared", "not yet", max(min(cleared, exhausted) - sent, 0.0)),
    )
    return tuple(Flow(*one) for one in found if one[2] > 0)


def answer(
    scenario: Scenario,
    names: Sequence[str] = (),
    say: Callable[[str], None] | None = None,
    given: Posterior | None = None,
    deep: bool = True,
) -> Answers:
    """Answer everything about a scenario, or the questions named; ``deep=False`` asks none.

    Raises `BadScenario` for a question that nobody knows.
    """
    known = given or posterior.load()
    if say:
        say("the scenario and the same world without it")
    pair = run.simulate(scenario, posterior=known)
    could = could_of(pair)
    asked = questions.ask(names or tuple(questions.ALL), scenario, say) if deep else ()
    ordered = gates.passing(True)
    return Answers(
        scenario,
        headline(pair, could),
        np.quantile(pair.hub.series("in_hub"), FAN_QUANTILES, axis=0),
        flows(pair),
        drivers.of(pair.runs, could),
        asked,
        claims.cards(known),
        questions.at_every_effect(scenario) if deep else (),
        questions.supposes(scenario),
        gates.passing(False).middle,
        ordered.range,
        tuple(sorted(((n, s) for n, s in ordered.stops.items() if s > 0), key=lambda x: -x[1])),
        known.made,
    )


def plain(value: Any) -> Any:
    """Return a value as JSON can hold it; what is no number is left out."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        names = [field.name for field in dataclasses.fields(value)]
        found = {name: plain(getattr(value, name)) for name in names}
        return found | ({"verdict": value.verdict} if isinstance(value, Card) else {})
    if isinstance(value, np.ndarray):
        return [plain(part) for part in value.tolist()]
    if isinstance(value, tuple | list):
        return [plain(part) for part in value]
    if isinstance(value, dict):
        return {str(name): plain(part) for name, part in value.items()}
    if isinstance(value, float):
        return round(value, 6) + 0.0 if np.isfinite(value) else None
    return value


def as_json(found: Answers) -> dict[str, Any]:
    """Return answers as plain values, with the sentence tested and every label of doubt."""
    told: dict[str, Any] = plain(found)
    assumed = [p for p in BY_NAME.values() if p.kind is not Kind.CALIBRATED and p.mark == "M"]
    return told | {
        "claim": claims.SENTENCE,
        "not_known": NOT_KNOWN,
        "fan_quantiles": list(FAN_QUANTILES),
        "people_per_main_applicant": round(claims.people_per_main(), 3),
        "unverified_figures_used": found.scenario.unverified,
        "unverified_figures": [
            one.say for one in figures.published()[0].values() if not one.verified
        ],
        "unverified_ranges": [one.say for one in assumed],
    }


def spread_of(interval: Interval, unit: str = "") -> str:
    """Say an interval in words."""
    word = questions.percent if unit == "share" else questions.whole
    return f"{word(interval.middle)} ({word(interval.low80)} to {word(interval.high80)})"


def as_text(found: Answers) -> str:
    """Return answers for a terminal: in brackets, what 8 of 10 runs say."""
    top = found.headline
    lines = [
        found.scenario.title,
        f"  {found.deterrence}",
        f"  could ever be sent, of Channel arrivals  {spread_of(top.could, 'share')}",
        f"  sent in {found.scenario.months} months  {spread_of(top.sent)}",
        f"  hotel nights saved in the first year  {spread_of(top.nights)}",
        f"  cost for each person sent, GBP  {spread_of(top.pounds_each)}",
        f"  {top.limit}",
        f"  As the law stands on record ({AS_IT_STANDS}): {found.law_now:.0%} pass.",
    ]
    for one in found.questions:
        lines += ["", one.question, f"  {one.sentence}", f"  {one.deterrence}"]
        for row in one.rows:
            share = "share" if one.unit.startswith(("share", "fewer")) else ""
            lines.append(f"    {row.what}: {spread_of(row.interval, share)}")
        pulls = ", ".join(f"{d.say.lower()} ({d.share:.0%})" for d in one.drivers[:3])
        lines.append(f"  driven by: {pulls}")
    lines += ["", f'"{claims.SENTENCE}"']
    for card in found.cards:
        expected = (
            f"; expected in the end {spread_of(card.expected, 'share')}" if card.expected else ""
        )
        lines.append(f"  {card.basis}: {card.share:.1%}, {card.verdict}{expected}")
    return "\n".join(lines)
