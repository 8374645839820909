"""The questions that people ask about hubs, each answered with an interval and what drives it.

A question makes its own scenarios from one that it is given, runs each beside the same world
without a hub, and says the answer in a sentence, a table and drivers. Every answer says which
effect on arrivals it supposes, since nobody knows it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np

from tallystick.whatif import drivers, figures, run, world
from tallystick.whatif.drivers import Driver
from tallystick.whatif.errors import BadScenario
from tallystick.whatif.interval import Interval
from tallystick.whatif.model import Place as P
from tallystick.whatif.parameters import BY_NAME
from tallystick.whatif.run import Pair
from tallystick.whatif.scenario import PENCE, Scenario

PLACES_ASKED: Final = (500, 1_200, 2_500, 5_000)
MILLIONS_ASKED: Final = (50, 100, 250, 500)
GATES_ASKED: Final = (0.0, 0.05, 0.1, 0.2, 0.4, 0.8)
EFFECTS: Final = (0.0, 0.1, 0.2, 0.3, 0.4, 0.5)
"""From none to strong; the strongest is the upper end of the range that is believed possible."""
APPEAL_WEEKS_ASKED: Final = (54.0, 20.0)
RATES_ASKED: Final = 2022
INTAKE_SHARE: Final = 0.25
"""A larger hub takes more in a month: at least a quarter of its places."""
UNBOUND: Final = {"hub_places": 10_000.0, "hub_intake_month": 5_000.0}
"""Places enough for what the gates do to be seen alone."""
YEAR: Final = 12


@dataclass(frozen=True, slots=True)
class Row:
    """One line of an answer: for what, how much, and what share of runs has no answer."""

    what: str
    interval: Interval
    none: float = 0.0


@dataclass(frozen=True, slots=True)
class Answer:
    """A question, answered."""

    id: str
    question: str
    sentence: str
    unit: str
    rows: tuple[Row, ...]
    drivers: tuple[Driver, ...]
    deterrence: str
    """Which effect of a hub on arrivals this answer supposes."""


def supposes(scenario: Scenario) -> str:
    """Say which effect on arrivals a scenario supposes."""
    effect = scenario.chosen.get("deterrence", 0.0)
    if effect == 0:
        return "Effect on arrivals supposed: none. Nobody has measured it."
    return f"Effect on arrivals supposed: {effect:.0%} fewer by small boat. Nobody has measured it."


def percent(value: float) -> str:
    """Return a share in per cent, as people say it."""
    return f"{value:.1%}" if value < 0.1 else f"{value:.0%}"


def whole(value: float) -> str:
    """Return a count, to two or three figures."""
    if not np.isfinite(value):
        return "no number"
    digits = max(0, len(str(int(abs(value)))) - 2)
    return f"{round(value, -digits) + 0.0:,.0f}"


def channel(base: Scenario) -> Answer:
    """What share of Channel arrivals could ever be sent to a hub?"""
    pair = run.simulate(base)
    boats = world.boat_mix()
    closed = run.closing(pair.runs)
    exhausted = (1 - closed) * run.never_granted(pair.runs, base.grant_rates)
    exhausted = (exhausted * boats).sum(1) * run.refused_at_boats()
    could = exhausted * run.ever_cleared(pair.runs)
    ready = could * (1 - pair.runs["late_share"])
    sent = run.arrivals_share(pair, P.READY, P.HUB, boats) * run.refused_at_boats()
    rows = (
        Row("Refused in the end, every appeal lost or not brought", Interval.of(exhausted)),
        Row(
            "And let pass by every legal gate at some time: could ever be sent", Interval.of(could)
        ),
        Row("And not stopped on the eve", Interval.of(ready)),
        Row(
            f"Sent within {base.months // YEAR} years, with the places there are", Interval.of(sent)
        ),
    )
    middle = rows[1].interval
    return Answer(
        "channel",
        "What share of Channel arrivals could ever be sent to a hub?",
        f"About {percent(middle.middle)}: in 8 of 10 runs between {percent(middle.low80)} and "
        f"{percent(middle.high80)}, if host and agreement met every condition. "
        "As the law stands on record, none.",
        "share of arrivals",
        rows,
        drivers.of(pair.runs, could),
        supposes(base),
    )  # fmt: skip


def hotel_nights(base: Scenario) -> Answer:
    """How many hotel nights would N places save in the first year?"""
    rows, last = [], None
    for places in PLACES_ASKED:
        intake = max(places * INTAKE_SHARE, base.chosen.get("hub_intake_month", 0.0))
        pair = run.simulate(base.having(hub_places=float(places), hub_intake_month=intake))
        opens = int(pair.runs["hub_opens_month"][0])
        saved = run.nights(pair, opens, YEAR)
        rows.append(Row(f"{places:,} places", Interval.of(saved)))
        if places == base.chosen.get("hub_places") or last is None:
            last = (pair, saved, rows[-1])
    assert last is not None  # noqa: S101 - there is a number of places at least
    pair, saved, row = last
    return Answer(
        "hotel_nights",
        "How many hotel nights would places save in their first year?",
        f"{row.what}: about {whole(row.interval.middle)} nights, in 8 of 10 runs "
        f"{whole(row.interval.low80)} to {whole(row.interval.high80)}.",
        "nights in the first year",
        tuple(rows),
        drivers.of(pair.runs, saved),
        supposes(base),
    )


def crossing(effects: Sequence[float], gains: Any) -> Any:
    """Return at which effect a gain first reaches nought, by run; NaN if it never does."""
    found = np.full(gains.shape[1], np.nan)
    for at in range(len(effects) - 1, -1, -1):
        met = gains[at] >= 0
        if at == 0:
            found[met] = effects[0]
            break
        before, now = gains[at - 1], gains[at]
        between = met & (before < 0)
        step = -before / np.where(now == before, 1, now - before)
        value = effects[at - 1] + step * (effects[at] - effects[at - 1])
        found = np.where(between, value, found)
    return found


def break_even(base: Scenario) -> Answer:
    """What deterrence would be needed to break even against cost X?"""
    pairs = [run.simulate(base.having(deterrence=effect)) for effect in EFFECTS]
    saved = np.array([run.support_saved(pair) for pair in pairs])
    own = np.array([run.spent(pair) for pair in pairs])
    years = base.months / YEAR
    rows, needed = [], None
    for cost in (None, *MILLIONS_ASKED):
        if cost is None:
            gains, what = saved - own, "The scheme's own cost, as given"
        else:
            total = round(cost * 1_000_000 * PENCE * years)
            gains, what = saved - total, f"GBP {cost}m a year"
        found = crossing(EFFECTS, gains)
        rows.append(Row(what, Interval.of(found), float(np.isnan(found).mean())))
        needed = found if needed is None else needed
    first = rows[0]
    if first.none > 0.5:
        said = (f"In {first.none:.0%} of runs no effect up to {EFFECTS[-1]:.0%} of small-boat "
                "arrivals would be enough.")  # fmt: skip
    else:
        low, high = first.interval.low80, first.interval.high80
        said = (f"About {first.interval.middle:.0%} fewer small-boat arrivals; where it can be "
                f"reached at all, {low:.0%} to {high:.0%} in 8 of 10 runs.")  # fmt: skip
    assert needed is not None  # noqa: S101 - the scheme's own cost comes first
    return Answer(
        "break_even",
        "What effect on arrivals would be needed to break even?",
        said,
        "fewer small-boat arrivals while the hub is open",
        tuple(rows),
        drivers.of(pairs[0].runs, np.where(np.isnan(needed), EFFECTS[-1], needed)),
        "Effect on arrivals: it is what is asked for here; none is supposed.",
    )


def compared(name: str, question: str, base: Scenario, other: Scenario, what: tuple[str, str],
             reading: Callable[[Pair], Any], unit: str) -> Answer:  # fmt: skip
    """Answer by comparing two scenarios, run by run."""
    first, second = run.simulate(base), run.simulate(other)
    before, after = reading(first), reading(second)
    change = after - before
    rows = (
        Row(what[0], Interval.of(before)),
        Row(what[1], Interval.of(after)),
        Row("Change", Interval.of(change)),
    )
    middle = rows[2].interval
    word = "more" if middle.middle >= 0 else "fewer"
    low, high = sorted((abs(middle.low80), abs(middle.high80)))
    spread = f"in 8 of 10 runs {whole(low)} to {whole(high)} {word}"
    if middle.low80 * middle.high80 < 0:
        spread = "and in 8 of 10 runs it is not sure which way it goes"
    return Answer(
        name,
        question,
        f"About {whole(abs(middle.middle))} {word}, {spread}.",
        unit,
        rows,
        drivers.of(first.runs, change),
        supposes(base),
    )


def refused_for_good(pair: Pair) -> Any:
    """Return how many more were refused than granted later, old cases and new, by run."""
    months = pair.hub.months
    return months["refused"].sum(1) - months["granted_later"].sum(1)


def appeals(base: Scenario) -> Answer:
    """What if appeals take 20 weeks instead of 54?"""
    slow, fast = APPEAL_WEEKS_ASKED
    return compared(
        "appeals",
        "What if appeals take 20 weeks instead of 54?",
        base.having(appeal_weeks=slow),
        base.having(appeal_weeks=fast),
        ("Hotel nights in all, appeals of 54 weeks", "The same, appeals of 20 weeks"),
        lambda pair: pair.hub.series("hotels").sum(1) * run.NIGHTS_IN_MONTH,
        "hotel nights over the scenario",
    )


def rates_return(base: Scenario) -> Answer:
    """What if grant rates return to those of 2022?"""
    return compared(
        "rates_2022",
        "What if grant rates return to those of 2022?",
        base,
        base.having(grant_rates=RATES_ASKED),
        (
            "Refusals less later grants, old cases too; grant rates from 2025 on",
            "The same, grant rates of 2022",
        ),
        refused_for_good,
        "people over the scenario",
    )


def gates_alone(base: Scenario) -> Answer:
    """What does the legal gates' pass share alone do to the flow?"""
    rows, sent = [], []
    for share in GATES_ASKED:
        pair = run.simulate(base.having(gates=share, **UNBOUND))
        sent.append(pair.hub.series("sent").sum(1))
        rows.append(Row(f"{share:.0%} pass", Interval.of(sent[-1])))
    ruled = run.simulate(base.having(**UNBOUND))
    rows.append(Row(f"The rulebook's answer, {base.gates}",
                    Interval.of(ruled.hub.series("sent").sum(1))))  # fmt: skip
    none, most = rows[0].interval.middle, rows[-2].interval.middle
    return Answer(
        "gates",
        "What do the legal gates alone do to the flow?",
        f"From {whole(none)} sent if none pass to about {whole(most)} if four in five do, "
        f"with {UNBOUND['hub_places']:,.0f} places, so that places do not decide.",
        "people sent over the scenario",
        tuple(rows),
        drivers.of(ruled.runs, ruled.hub.series("sent").sum(1)),
        supposes(base),
    )


ALL: Final[dict[str, Callable[[Scenario], Answer]]] = {
    "channel": channel,
    "hotel_nights": hotel_nights,
    "break_even": break_even,
    "appeals": appeals,
    "rates_2022": rates_return,
    "gates": gates_alone,
}


def ask(names: Sequence[str], base: Scenario, progress: Callable[[str], None] | None = None
        ) -> tuple[Answer, ...]:  # fmt: skip
    """Answer questions by name; raise `BadScenario` for one that nobody knows."""
    found = []
    for name in names:
        if name not in ALL:
            raise BadScenario(f"there is no question {name[:40]!r}; {', '.join(ALL)} are known")
        if progress:
            progress(name)
        found.append(ALL[name](base))
    return tuple(found)


def at_every_effect(base: Scenario) -> tuple[tuple[str, Interval], ...]:
    """Return people sent and arrivals avoided under no, a strong and an unknown effect."""
    strong = BY_NAME["deterrence"].high
    found = []
    for what, scenario, ranges in (
        ("none", base.having(deterrence=0.0), None),
        ("not known: none to strong", base, {"deterrence": (0.0, strong)}),
        ("strong", base.having(deterrence=strong), None),
    ):
        pair = run.simulate(replace(scenario, runs=min(scenario.runs, 500)), ranges)
        found.append((what, Interval.of(-pair.change("claims").sum(1))))
    return tuple(found)


def labels() -> tuple[str, ...]:
    """Return the figures that nobody verified, to be named wherever answers are shown."""
    return tuple(one.say for one in figures.published()[0].values() if not one.verified)
