"""From the escrow byte on the wire to the credit on the screen, through the whole kiosk.

A real edge process polls a real simulated validator over a pty, asks a real server, and serves its
screen. Both ends are read on one monotonic clock: the simulator notes when it first answered
*escrow*, and this process notes when the screen's own page first says the new sum, asked for when
its stream of news says so. The machine's
mechanical time is left out (the simulator has none at pace 0).
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import httpx

from bench.report import Row, milliseconds
from bench.stage import Stage, addresses, rss_mib
from tallystick.cli.cell import any_ports, begin
from tallystick.cli.parts import Parts
from tallystick.cli.walk import Walk
from tallystick.core.clock import SystemClock
from tallystick.devices.id003.control import Hands

NOTES = 20
VISITS = 10
MINOR = 500
WAIT_S_MAX = 10.0


def credit_s(hands: Hands, http: httpx.Client, news: Iterator[str], sum_text: str) -> float:
    """Put in one note; return the seconds from its escrow byte to the sum on the screen.

    The page is asked for as a browser does: when the stream says that there is a newer one.
    """
    until = time.monotonic() + WAIT_S_MAX
    while hands.insert(MINOR) != "taken":
        assert time.monotonic() < until, "the slot did not open"
        time.sleep(0.005)
    for line in news:
        if line.startswith("data:") and sum_text in http.get("/").text:
            seen = time.monotonic_ns()
            return (seen - hands.times()[-1]["escrow_ns"]) / 1e9
        assert time.monotonic() < until, f"{sum_text} did not come"
    raise AssertionError("the stream ended")


def measure(stage: Stage, options: argparse.Namespace) -> list[Row]:
    """Measure some visits of many notes each."""
    clock, found = SystemClock(), []
    with tempfile.TemporaryDirectory(prefix="ts-credit-") as name:
        parts = Parts(Path(name), clock)
        try:
            data = Path(name) / "data"
            data.mkdir()
            cell = begin(parts, data, clock, 0, 0, any_ports())
            memory = rss_mib(next(p.pid for p, n in parts.pairs() if n == "kiosk"))
            hands = Hands(cell.hands)
            for address in addresses(VISITS):
                walk = Walk(cell.screen, hands, clock, data / "customer", open_s=WAIT_S_MAX)
                walk.to_cash(address)
                with (
                    httpx.Client(base_url=cell.screen) as http,
                    http.stream("GET", "/events") as on,
                ):
                    news = on.iter_lines()
                    for count in range(1, NOTES + 1):
                        sum_text = f"${count * MINOR // 100}.00"
                        found.append(credit_s(hands, http, news, sum_text))
                walk.send()
                walk.reach("receipt")
                walk.close()
        finally:
            parts.end()
    how = f"{len(found)} notes in {VISITS} visits, kiosk and server on the same processors"
    return [
        Row("escrow byte to credit on the screen", milliseconds(found), "p99 60 ms", how),
        Row("kiosk's memory", f"{memory:.0f} MiB", "", "RSS, when ready"),
    ]
