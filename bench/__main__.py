"""Measure, print the table, and save it: ``python -m bench [PART …] [--save]``."""

from __future__ import annotations

import argparse
import importlib
import importlib.util
import os
import sys

from bench import report
from bench.report import Row
from bench.stage import Stage
from tallystick.core.clock import SystemClock

PARTS = (
    "log",  # first: it asks for the most memory that this process ever had
    "verdicts",
    "whatif",
    "screening",
    "cold_start",
    "note_to_credit",
    "broadcast",
    "purchases",
    "placement",
    "reserve_signing",
)
"""In this order. A part is bench/NAME.py with measure(stage, options); an absent one is named."""


def read_options() -> argparse.Namespace:
    """Read the command line."""
    reader = argparse.ArgumentParser("python -m bench", description=__doc__)
    reader.add_argument("parts", nargs="*", help=f"of {', '.join(PARTS)}; all if none is named")
    reader.add_argument("--runs", type=int, default=3)
    reader.add_argument("--seconds", type=float, default=10)
    reader.add_argument("--machines", type=int, default=8)
    reader.add_argument("--payouts", type=int, default=100)
    reader.add_argument("--log-entries", type=int, default=100_000)
    reader.add_argument("--databases", default="sqlite,postgresql")
    reader.add_argument("--save", action="store_true", help=f"write {report.PAGE.name}")
    reader.add_argument("--machine", default=report.machine(), help="what the page calls this one")
    reader.add_argument("--date", default=f"{SystemClock().now():%Y-%m-%d}")
    options = reader.parse_args()
    unknown = set(options.parts) - set(PARTS)
    if unknown:
        reader.error(f"no part is called {', '.join(sorted(unknown))}")
    return options


def main() -> None:
    """Run the parts one after another."""
    options = read_options()
    load = f"{os.getloadavg()[0]:.1f}"
    rows: list[Row] = []
    with Stage() as stage:
        for name in options.parts or PARTS:
            if importlib.util.find_spec(f"bench.{name}") is None:
                print(f"bench: {name} is not here", file=sys.stderr)
                continue
            print(f"bench: {name}", file=sys.stderr)
            rows += importlib.import_module(f"bench.{name}").measure(stage, options)
    print(report.table(rows))
    if options.save:
        command = " ".join(["python -m bench", *sys.argv[1:]])
        about = (options.date, options.machine, command, load)
        if options.parts:
            report.save_parts(options.parts, rows, *about)
        else:
            report.save(rows, *about)


if __name__ == "__main__":
    main()
