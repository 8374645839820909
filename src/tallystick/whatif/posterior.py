"""The posterior that the answers stand on: a small file with what made it.

The file says by which command, seed, number of draws and figures it was made; its reader refuses
it when the figures beside it are others. Each row is one set of calibrated parameters and the
stocks that its run ended with.
"""

from __future__ import annotations

import csv
import io
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np

from tallystick.whatif import figures
from tallystick.whatif.errors import NotCalibrated
from tallystick.whatif.parameters import CALIBRATED

FOLDER: Final = Path(__file__).parent / "data"
ENDS: Final = ("exhausted_end", "withdrawn_end")
"""Stocks at the window's end, of those who have no right to stay and are still here."""
DIGITS: Final = 5


@dataclass(frozen=True, slots=True)
class Posterior:
    """Draws by parameter name, and how they were made."""

    made: dict[str, Any]
    draws: dict[str, Any]

    def __len__(self) -> int:
        return len(next(iter(self.draws.values())))


def text_of(made: dict[str, Any], draws: dict[str, Any]) -> str:
    """Return a posterior as text: one line of JSON behind a hash sign, then a table."""
    out = io.StringIO()
    out.write(f"# {json.dumps(made | {'figures': figures.digest()}, sort_keys=True)}\n")
    writer = csv.writer(out, lineterminator="\n")
    names = (*CALIBRATED, *ENDS)
    writer.writerow(names)
    for row in zip(*(draws[name] for name in names), strict=True):
        writer.writerow([f"{value:.{DIGITS}g}" for value in row])
    return out.getvalue()


def path_of(window: str) -> Path:
    """Return where a window's posterior is kept."""
    return FOLDER / f"posterior_{window}.csv"


def load(window: str = "now", path: Path | None = None) -> Posterior:
    """Return a posterior; raise `NotCalibrated` if it was made from other figures than ours."""
    lines = (path or path_of(window)).read_text("utf-8").splitlines()
    made = json.loads(lines[0].removeprefix("# "))
    if made["figures"] != figures.digest():
        raise NotCalibrated("figures changed since: run tallystick whatif calibrate --save")
    table = np.array([[float(part) for part in row] for row in csv.reader(lines[2:])])
    names = lines[1].split(",")
    return Posterior(made, {name: table[:, at] for at, name in enumerate(names)})
