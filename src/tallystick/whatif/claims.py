"""A sentence said in public, tested on every basis that it could mean; they disagree, and it shows.

"The vast majority have their claims accepted, so would never be removed." Accepted among whom, and
when? Each card says the basis, the published counts, the share, whether it is a majority, and for
years not yet decided what the model expects when they are. Attribution conflicts between
broadcasters, so the sentence is tested and nobody is named.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from tallystick.whatif import figures, future, world
from tallystick.whatif.interval import Interval
from tallystick.whatif.kernel import EXHAUSTED
from tallystick.whatif.posterior import Posterior

SENTENCE: Final = (
    "The vast majority have their claims accepted, so would never be removed to a hub."
)
VAST: Final = 0.75
"""What we take "the vast majority" to mean: three quarters. A majority is more than half."""
HALF: Final = 0.5
YEARS_CARDS: Final = ("2020", "2021", "2022", "2023", "2024")


@dataclass(frozen=True, slots=True)
class Card:
    """One basis of the claim."""

    basis: str
    granted: int | None
    """Nothing where only a share was published, as for the next two."""
    decided: int | None
    share: float
    undecided: int | None
    """People on this basis of whom nobody knows yet."""
    expected: Interval | None
    """The share when all are decided and appealed, where the model says it."""
    mark: str
    source: str

    @property
    def verdict(self) -> str:
        """Return what the sentence is on this basis, today."""
        if self.share >= VAST:
            return "true"
        return "a majority, not a vast one" if self.share > HALF else "not true"


def cards(posterior: Posterior) -> tuple[Card, ...]:
    """Return the claim on every basis."""
    return (*decisions(posterior), *boats(posterior), *claim_years(posterior))


def later(refused: Any, granted: int, posterior: Posterior) -> Any:
    """Return how many are granted in the end, by draw: of those refused at first, some win.

    ``refused``: how many refusals can still be overturned. Success is the calibrated one of the
    last quarter, over the nationalities refused in 2025.
    """
    draws = posterior.draws
    shift = draws["allow_shift"] + draws["allow_trend"] * future.years_of(posterior)
    weights = world.factors_of(2025)[EXHAUSTED]
    allowed = (weights / (1 + np.exp(-(world.allows()[None] + shift[:, None])))).sum(1)
    won = draws["appeal_share"] * (1 - draws["appeal_withdrawn"]) * allowed
    return granted + refused * won


def decisions(posterior: Posterior) -> tuple[Card, ...]:
    """All initial decisions of 2025, on both clocks."""
    table = figures.tables("quarters")
    granted = int(sum(table.at(f"2025Q{q}", "grants") for q in range(1, 5)))
    refused = int(sum(table.at(f"2025Q{q}", "refusals") for q in range(1, 5)))
    rate = figures.get("initial_rate_main_2025")
    people = Card(
        "All initial decisions of 2025, people",
        granted,
        granted + refused,
        granted / (granted + refused),
        int(table.at("2025Q4", "awaiting")),
        Interval.of(later(refused, granted, posterior) / (granted + refused)),
        table.mark,
        table.source,
    )
    main = Card(
        "The same, main applicants, as it was published",
        None,
        None,
        rate.value[0] / 100,
        None,
        None,
        rate.mark,
        rate.source,
    )
    return people, main


def people_per_main(year: str = "2024") -> float:
    """Return how many people claimed for each main applicant who did: the two clocks' ratio."""
    table = figures.tables("quarters")
    people = sum(table.at(f"{year}Q{q}", "claims") for q in range(1, 5))
    return people / figures.tables("claim_years").at(year, "claims")


def boats(posterior: Posterior) -> tuple[Card, ...]:
    """Small-boat arrivals of 2025, seen twice: the share fell as more of them were decided."""
    found = []
    for name, seen in (
        ("boats_2025_seen_2025", "December 2025"),
        ("boats_2025_seen_2026", "March 2026"),
    ):
        told = figures.get(name)
        granted, refused, waiting = (int(part) for part in told.value)
        # Those who wait are granted like those who were decided, or like the later ones of them.
        share = granted / (granted + refused)
        newer = NEWER_SHARE if name.endswith("2026") else share
        ends = [
            later(refused + waiting * (1 - rate), int(granted + waiting * rate), posterior)
            for rate in (min(newer, share), max(newer, share))
        ]
        spread = np.concatenate(ends) / (granted + refused + waiting)
        found.append(
            Card(
                f"Small-boat arrivals of 2025, of those decided by {seen}",
                granted,
                granted + refused,
                share,
                waiting,
                Interval.of(spread),
                told.mark,
                told.source,
            )
        )
    return tuple(found)


def _newer() -> float:
    first = figures.get("boats_2025_seen_2025").value
    then = figures.get("boats_2025_seen_2026").value
    granted, refused = then[0] - first[0], then[1] - first[1]
    return granted / (granted + refused)


NEWER_SHARE: Final = _newer()
"""Grant rate of the arrivals of 2025 who were decided between December 2025 and March 2026."""


def claim_years(posterior: Posterior) -> tuple[Card, ...]:
    """Everybody who claimed in a year, after appeals so far; recent years are not yet decided."""
    table, found = figures.tables("claim_years"), []
    for year in YEARS_CARDS:
        granted, refused = (
            int(table.at(year, "latest_grants")),
            int(table.at(year, "latest_refusals")),
        )
        claims, known = table.at(year, "claims"), table.at(year, "known_pct") / 100
        waiting = round(claims * (1 - known))
        overturned = table.at(year, "latest_grants") - table.at(year, "initial_grants")
        done = overturned / max(table.at(year, "initial_refusals"), 1)
        share = granted / (granted + refused)
        first = table.at(year, "initial_grants")
        rate = first / (first + table.at(year, "initial_refusals"))
        whole = later(table.at(year, "initial_refusals"), int(first), posterior) - first
        still = np.maximum(whole - overturned, 0.0)
        ends = (granted + still + waiting * rate) / (granted + refused + waiting)
        found.append(
            Card(
                f"Claimed in {year}, after appeals so far (main applicants); "
                f"{done:.0%} of first refusals overturned",
                granted,
                granted + refused,
                share,
                waiting,
                Interval.of(ends) if float(year) >= 2023 else None,
                table.mark,
                table.source,
            )
        )
    return tuple(found)
