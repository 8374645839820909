"""What somebody asks: a scheme's numbers in a small file, each within stated limits.

``gates`` is ``in order`` (host and agreement meet every condition: the rulebook's answer about
persons), ``as it stands`` (nothing passes), or a share of the user's own. ``appeal_weeks`` sets how
long a new appeal takes instead of what the tribunals' output gives. ``unverified`` lets in figures
that nobody verified; ``ranges`` replaces what is assumed of an unknown. Money in whole pounds.
"""

from __future__ import annotations

import dataclasses
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from tallystick.whatif import figures, gates
from tallystick.whatif.errors import BadScenario
from tallystick.whatif.layout import MONTHS_MAX
from tallystick.whatif.parameters import ASSUMED, CHOSEN, checked
from tallystick.whatif.world import YEARS

FOLDER: Final = Path(__file__).parent / "scenarios"
RUNS_MIN, RUNS_MAX = 50, 100_000
POUNDS_MAX: Final = 10_000_000_000
APPEAL_WEEKS: Final = (8, 260)
TITLE_CHARS_MAX: Final = 120
IN_ORDER, AS_IT_STANDS = "in order", "as it stands"
FIELDS: Final = {
    *("title", "months", "runs", "seed", "grant_rates", "gates", "appeal_weeks", "unverified")
}
PENCE: Final = 100


@dataclass(frozen=True, slots=True)
class Costs:
    """What a scheme costs, in whole pounds."""

    hub_place_year: int = 110_000
    """A place for a year, used or not."""
    transfer: int = 11_000
    """Taking one person there."""
    setup: int = 0
    """Paid once."""


@dataclass(frozen=True, slots=True)
class Scenario:
    """One scheme and how it is asked about."""

    title: str = "No hub"
    months: int = 60
    runs: int = 1_000
    seed: int = 20_261_128
    grant_rates: int = YEARS[-1]
    """The year whose first grant rates by nationality are where the months to come begin."""
    gates: str | float = IN_ORDER
    appeal_weeks: float | None = None
    unverified: bool = False
    """Whether figures that nobody verified are used where a verified one is older."""
    ranges: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    """Own ranges of assumed parameters, instead of ours."""
    chosen: Mapping[str, float] = field(default_factory=dict)
    pounds: Costs = field(default_factory=Costs)

    def __post_init__(self) -> None:
        limits: tuple[tuple[str, float, float, float], ...] = (
            ("months", self.months, 12, MONTHS_MAX),
            ("runs", self.runs, RUNS_MIN, RUNS_MAX),
            ("seed", self.seed, 0, 2**62),
            *(
                (f"pounds.{k}", v, 0, POUNDS_MAX)
                for k, v in dataclasses.asdict(self.pounds).items()
            ),
        )
        for name, value, low, high in limits:
            if not low <= value <= high:
                raise BadScenario(f"{name}: {value:g} is not {low:g} to {high:g}")
        if len(self.title) > TITLE_CHARS_MAX:
            raise BadScenario(f"title: more than {TITLE_CHARS_MAX} characters")
        if self.grant_rates not in YEARS:
            raise BadScenario(f"grant_rates: {self.grant_rates} is not one of {YEARS}")
        if self.appeal_weeks is not None:
            low, high = APPEAL_WEEKS
            if not low <= self.appeal_weeks <= high:
                raise BadScenario(f"appeal_weeks: {self.appeal_weeks:g} is not {low} to {high}")
        if isinstance(self.gates, str) and self.gates not in (IN_ORDER, AS_IT_STANDS):
            raise BadScenario(f"gates: {self.gates[:20]!r} is no share, nor {IN_ORDER!r}")
        for name, (low_end, high_end) in self.ranges.items():
            if name not in ASSUMED:
                raise BadScenario(f"{name[:40]!r} is not assumed; {', '.join(ASSUMED)} are")
            if not low_end <= high_end:
                raise BadScenario(f"{name}: {low_end:g} to {high_end:g} is no range")
            checked(name, low_end), checked(name, high_end)
        for name, chosen in self.chosen.items():
            if name not in CHOSEN or name == "gate_share":
                raise BadScenario(f"{name[:40]!r} cannot be chosen; {', '.join(CHOSEN)} can")
            checked(name, chosen)

    def having(self, **changes: Any) -> Scenario:
        """Return it with other values; those of ``chosen`` may be given by name."""
        fields = {one.name for one in dataclasses.fields(self)}
        own = {name: value for name, value in changes.items() if name in fields}
        more = {name: value for name, value in changes.items() if name not in fields}
        return dataclasses.replace(self, **own, chosen={**self.chosen, **more})

    def without_hub(self) -> Scenario:
        """Return the same world without a hub: what everything is compared with."""
        return self.having(hub_places=0.0, deterrence=0.0, encouragement=0.0)

    def gate_range(self) -> tuple[float, float]:
        """Return between which shares the gates let pass: 8 in 10 of what is believed."""
        if isinstance(self.gates, str):
            return gates.passing(self.gates == IN_ORDER).range
        checked("gate_share", self.gates)
        return (self.gates, self.gates)


def named(name: str) -> Scenario:
    """Return a scenario of the package by name, or from a file; raise `BadScenario` if bad."""
    path = FOLDER / f"{name}.toml" if name in names() else Path(name)
    try:
        raw = tomllib.loads(figures.text_of(path))
    except (OSError, tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        known = ", ".join(names())
        raise BadScenario(f"no scenario can be read from {name!r} ({known} are known)") from error
    return read(raw)


def names() -> tuple[str, ...]:
    """Return the scenarios of the package."""
    return tuple(sorted(path.stem for path in FOLDER.glob("*.toml")))


def read(raw: Mapping[str, Any]) -> Scenario:
    """Return a scenario from plain values; raise `BadScenario` naming what is wrong."""
    unknown = set(raw) - FIELDS - {"chosen", "pounds", "ranges"}
    if unknown:
        raise BadScenario(f"unknown: {', '.join(sorted(unknown))[:80]}")
    try:
        pounds = Costs(**{name: int(value) for name, value in raw.get("pounds", {}).items()})
        return Scenario(
            **{name: raw[name] for name in FIELDS & set(raw)},
            chosen={name: float(value) for name, value in raw.get("chosen", {}).items()},
            ranges={n: (float(v[0]), float(v[1])) for n, v in raw.get("ranges", {}).items()},
            pounds=pounds,
        )
    except (TypeError, ValueError, IndexError) as error:
        raise BadScenario(str(error)) from error
