"""Cold start: from nothing to a server that answers, with its tables made and the wallet read."""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
import time

from bench.report import Row
from bench.stage import Stage

STARTS = 5


def measure(stage: Stage, options: argparse.Namespace) -> list[Row]:
    """Start new servers, and one of them again."""
    new: list[float] = []
    again: list[float] = []
    for _ in range(STARTS):
        folder = stage.new_folder()
        for seconds in (new, again):
            server = stage.server(stage.database("sqlite", folder), folder)
            seconds.append(server.seconds)
            server.stop()
    return [
        Row("server, first start", f"{statistics.median(new):.2f} s", "", f"median of {STARTS}"),
        Row("server, later start", f"{statistics.median(again):.2f} s", "", f"median of {STARTS}"),
        Row("its imports alone", f"{_imports():.2f} s", "", f"median of {STARTS}"),
        Row("chain and signer, first start", f"{stage.network_s:.2f} s", "", "once, together"),
    ]


def _imports() -> float:
    times = []
    for _ in range(STARTS):
        began = time.perf_counter()
        subprocess.run([sys.executable, "-c", "import tallystick.web.server"], check=True)
        times.append(time.perf_counter() - began)
    return statistics.median(times)
