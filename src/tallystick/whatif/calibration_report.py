"""The calibration report in ``docs``: what was fitted, how well, and what was missed.

Made by ``tallystick whatif calibrate --docs docs/concepts/whatif-calibration`` from the posteriors
in the package; pictures are SVG files beside the page, with their tables in it.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import jinja2
import numpy as np

from tallystick.look import charts
from tallystick.look.charts import Band
from tallystick.whatif import posterior, smc, validate, windows, world
from tallystick.whatif.interval import Interval
from tallystick.whatif.parameters import ALL, BY_NAME, CALIBRATED, Kind
from tallystick.whatif.posterior import Posterior
from tallystick.whatif.validate import Check, Score

TEMPLATE: Final = Path(__file__).with_suffix(".md")
PAGE: Final = "README.md"
COMMAND: Final = "tallystick whatif calibrate --save --docs docs/concepts/whatif-calibration --smc"
NO_HUB: Final = "No hub existed in these years; no effect of one is in this."
NAMES: Final = {
    "granted": "Granted at first decision",
    "closed": "Withdrawn or closed otherwise",
    "waiting": "Waiting for a decision",
    "appeals_open": "Open appeals, cases",
    "allowed": "Appeals allowed, share of those heard",
    "supported": "People supported",
    "claims": "Claims",
    "grants": "Granted at first decision",
    "refusals": "Refused at first decision",
    "awaiting": "Waiting for a decision",
    "hotels": "People in hotels",
}


def picture(name: str, quarters: tuple[str, ...], runs: tuple[Interval, ...], seen: Any) -> str:
    """Return a fan of one series with crosses where it was published, as an SVG file."""
    columns = {key: [getattr(one, key) for one in runs] for key in Interval.__slots__}
    bands = [
        Band(f"b{n}", columns[f"low{n}"], columns[f"high{n}"], f"{words} runs")
        for n, words in ((95, "19 in 20"), (80, "8 in 10"), (50, "half of the"))
    ]
    step = max(1, len(quarters) // 5)
    marks = [(at, quarters[at]) for at in range(0, len(quarters), step)]
    say = f"{NAMES[name]}: what the runs say, and crosses for what was published."
    drawn = charts.fan(say, bands, columns["middle"], marks, "middle", NO_HUB,
                       list(enumerate(seen)))  # fmt: skip
    return charts.alone(drawn)


def amount(value: float) -> str:
    """Return a count, or a share to three places."""
    return f"{value:,.0f}" if abs(value) >= 10 else f"{value:.3g}"


def row(*cells: object) -> str:
    """Return a line of a Markdown table."""
    return "| " + " | ".join(str(cell) for cell in cells) + " |"


def head(*cells: str) -> list[str]:
    """Return a Markdown table's first two lines."""
    return [row(*cells), row(*("---" for _ in cells))]


def parameters(now: Posterior, check: Posterior, other: dict[str, Any] | None) -> list[str]:
    """Return what is left of each calibrated range, by both ways where both were run."""
    lines = head(
        "parameter", "unit", "before", "2024 to 2026", "2022 and 2023", "by pyABC, 2024 to 2026"
    )
    for name in CALIBRATED:
        one = BY_NAME[name]
        cells = [f"{one.low:g} to {one.high:g}"]
        for found in (now, check):
            low, middle, high = np.quantile(found.draws[name], (0.1, 0.5, 0.9))
            cells.append(f"{middle:.3g} ({low:.3g} to {high:.3g})")
        cells.append(weighted(other, name) if other else "not run")
        lines.append(row(f"{one.say} (`{name}`)", one.unit, *cells))
    return lines


def weighted(found: dict[str, Any], name: str) -> str:
    """Return the quantiles of weighted draws."""
    order = np.argsort(found[name])
    upto = np.cumsum(found["weight"][order]) / found["weight"].sum()
    low, middle, high = (found[name][order][np.searchsorted(upto, q)] for q in (0.1, 0.5, 0.9))
    return f"{middle:.3g} ({low:.3g} to {high:.3g})"


def checks(found: tuple[Check, ...]) -> list[str]:
    """Return how the posterior's runs meet their own window."""
    lines = head("series", "published within 8 in 10 runs", "last published", "the runs then")
    for one in found:
        last = one.runs[-1]
        said = f"{amount(last.middle)} ({amount(last.low80)} to {amount(last.high80)})"
        lines.append(row(NAMES[one.name], f"{one.within80:.0%}", amount(one.seen[-1]), said))
    return lines


def scores(found: tuple[Score, ...]) -> list[str]:
    """Return how the forecast did, best and worst alike."""
    lines = head("series", "score of the forecast", "score of carrying 2023 Q4 forward", "better",
                 "within 8 in 10", "within 19 in 20")  # fmt: skip
    for one in found:
        lines.append(
            row(
                NAMES[one.name],
                amount(one.crps),
                amount(one.crps_naive),
                "yes" if one.better else "**no**",
                f"{one.within80:.0%}",
                f"{one.within95:.0%}",
            )
        )
    return lines


def misses(found: tuple[Score, ...]) -> list[str]:
    """Return every quarter that lay outside 19 in 20 runs."""
    lines = []
    for one in found:
        for quarter, seen, runs in zip(validate.HELD_OUT, one.seen, one.runs, strict=True):
            if not runs.low95 <= seen <= runs.high95:
                side = "above" if seen > runs.high95 else "below"
                lines.append(
                    f"- {NAMES[one.name]}, {quarter}: published {amount(seen)}, {side} "
                    f"{amount(runs.low95)} to {amount(runs.high95)}"
                )
    return lines or ["- None."]


def page(
    now: Posterior, check: Posterior, other: dict[str, Any] | None
) -> tuple[str, dict[str, str]]:
    """Return the report and its pictures by file name."""
    window, fitted = validate.checks(now), validate.forecast(check)
    pictures = {f"fit-{c.name}.svg": picture(c.name, c.quarters, c.runs, c.seen) for c in window}
    pictures |= {
        f"forecast-{s.name}.svg": picture(s.name, tuple(validate.HELD_OUT), s.runs, s.seen)
        for s in fitted
    }
    assumed = [
        row(f"{a.say} (`{a.name}`)", f"{a.low:g} to {a.high:g} {a.unit}", a.mark, a.source)
        for a in ALL
        if a.kind is Kind.ASSUMED
    ]
    strict = jinja2.StrictUndefined
    env = jinja2.Environment(undefined=strict, trim_blocks=True)  # noqa: S701 - no HTML
    said = env.from_string(TEMPLATE.read_text("utf-8")).render(
        command=COMMAND,
        now=now,
        check=check,
        parameters="\n".join(parameters(now, check, other)),
        checks="\n".join(checks(window)),
        fits=[(f"fit-{c.name}.svg", NAMES[c.name]) for c in window],
        better=sum(one.better for one in fitted),
        count=len(fitted),
        scores="\n".join(scores(fitted)),
        misses="\n".join(misses(fitted)),
        forecasts=[(f"forecast-{s.name}.svg", NAMES[s.name]) for s in fitted],
        assumed="\n".join([*head("parameter", "range", "mark", "from"), *assumed]),
        boat_rate=f"{boat_rate():.0%}",
    )
    return said, pictures


def boat_rate() -> float:
    """Return the first grant rate that nationalities alone imply for boat arrivals of 2025."""
    rates = 1 / (1 + np.exp(-world.grants_of(2025)))
    return float((world.boat_mix() * rates).sum())


def write(folder: Path, smc_seed: int | None = None) -> None:
    """Write the report and its pictures; with ``smc_seed``, pyABC's posterior beside ours."""
    now, check = posterior.load("now"), posterior.load("check")
    other = smc.fit(windows.NOW, smc_seed) if smc_seed is not None else None
    said, pictures = page(now, check, other)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / PAGE).write_text(said.rstrip() + "\n", "utf-8")
    for name, drawn in pictures.items():
        (folder / name).write_text(drawn + "\n", "utf-8")
