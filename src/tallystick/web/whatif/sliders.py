"""The sliders of the page: what may be moved, between which ends, and how it is said.

A form is a scenario: each slider's value is checked by `Scenario` itself, so that no address can
ask for more than a command could. Values that nobody gave are the scenario's own.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from tallystick.web.languages import Words
from tallystick.whatif import gates
from tallystick.whatif.errors import BadScenario
from tallystick.whatif.scenario import APPEAL_WEEKS, IN_ORDER, Costs, Scenario

PAGE_RUNS: Final = 400
PAGE_MONTHS: Final = 36
APPEAL_AS_NOW: Final = 150
"""The right end of the slider: what today's output gives, whatever that comes to."""
PERCENT: Final = 100


@dataclass(frozen=True, slots=True)
class Slider:
    """One slider. ``say`` is a sentence with the value as ``{n}``; its script says the same."""

    name: str
    label: str
    low: int
    high: int
    step: int
    hint: str
    say: str
    least: str = ""
    """What is said at nought, where that is no number."""
    most: str = ""
    """What is said at the right end, where that is no number."""

    def words(self, value: int) -> str:
        """Return the sentence that says a value, its number still to be put in."""
        if self.least and value == 0:
            return self.least
        return self.most if self.most and value >= self.high else self.say

    def said(self, value: int, words: Words) -> str:
        """Return how a value is said, in a reader's language."""
        return words.plain(self.words(value)).format(n=f"{value:,}")


SLIDERS: Final = (
    Slider("places", "Hub places", 0, 10_000, 100, "The largest number of people at one time",
           "{n}"),
    Slider("gates", "People whom no legal gate stops", 0, 100, 1,
           "As the law stands on record: 0 %. If host and agreement met every condition: "
           "what the rulebook says of persons", "{n} %"),
    Slider("appeal", "Weeks an appeal takes", APPEAL_WEEKS[0], APPEAL_AS_NOW, 2,
           "Those now disposed of had waited about 60; at today's pace the queue lasts longer",
           "{n} weeks", most="as now"),
    Slider("papers", "Months to get travel papers", 1, 36, 1,
           "No duration by country is published", "{n} months"),
    Slider("deterrence", "Effect of a hub on arrivals", 0, 50, 5,
           "From none to strong. Nobody knows: there is no good evidence", "{n} % fewer", "none"),
    Slider("leaving", "Effect on voluntary departures", 0, 100, 10,
           "From none to twice as many. Nobody knows", "{n} % more", "none"),
    Slider("cost", "Cost of one place for a year", 20, 400, 10, "Not published. Set your own",
           "£{n},000"),
)  # fmt: skip
RATES: Final = {
    "2025": "All first decisions, 2025",
    "2024": "All first decisions, 2024",
    "2022": "All first decisions, 2022",
}


def usual(base: Scenario) -> dict[str, int]:
    """Return where the sliders stand when nobody moved them."""
    chosen = base.chosen
    share = gates.passing(True).middle if base.gates == IN_ORDER else base.gates
    return {
        "places": int(chosen.get("hub_places", 0)),
        "gates": round(float(share) * PERCENT) if not isinstance(share, str) else 0,
        "appeal": int(base.appeal_weeks or APPEAL_AS_NOW),
        "papers": int(chosen.get("papers_months", 9)),
        "deterrence": round(chosen.get("deterrence", 0.0) * PERCENT),
        "leaving": round(chosen.get("encouragement", 0.0) * PERCENT),
        "cost": base.pounds.hub_place_year // 1_000,
    }


def values(base: Scenario, given: Mapping[str, str]) -> dict[str, int]:
    """Return the sliders' values from a form; raise `BadScenario` for one outside its ends."""
    found = usual(base)
    for slider in SLIDERS:
        if (text := given.get(slider.name)) is not None:
            if not (text.isascii() and text.isdigit() and len(text) < 7):
                raise BadScenario(f"{slider.label}: {text[:12]!r} is no whole number")
            if not slider.low <= int(text) <= slider.high:
                raise BadScenario(f"{slider.label}: {text} is not {slider.low} to {slider.high}")
            found[slider.name] = int(text)
    return found


def scenario_of(
    base: Scenario, at: Mapping[str, int], rates: str, unverified: bool = False
) -> Scenario:
    """Return the scenario of a form. Gates left where they were stay the rulebook's."""
    if rates not in RATES:
        raise BadScenario(f"grant rates: {rates[:12]!r} is not one of {', '.join(RATES)}")
    untouched = at["gates"] == usual(base)["gates"]
    places = float(at["places"])
    return base.having(
        title="Your assumptions",
        months=PAGE_MONTHS,
        runs=PAGE_RUNS,
        grant_rates=int(rates),
        unverified=unverified,
        gates=base.gates if untouched else at["gates"] / PERCENT,
        appeal_weeks=None if at["appeal"] >= APPEAL_AS_NOW else float(at["appeal"]),
        pounds=Costs(at["cost"] * 1_000, base.pounds.transfer, base.pounds.setup),
        hub_places=places,
        hub_intake_month=min(5_000.0, max(10.0, places / 4)),
        papers_months=float(at["papers"]),
        deterrence=at["deterrence"] / PERCENT,
        encouragement=at["leaving"] / PERCENT,
    )
