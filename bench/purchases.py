"""Complete purchases per second through the signed HTTP API, many machines at once.

One purchase is a quote, three notes (asked and stacked) and a finish: eight signed requests, each
its own durable transaction; the last stores the intent to pay. Payouts go on meanwhile, and the
time until the last is with the network is told too.
"""

from __future__ import annotations

import argparse
import statistics
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import sqlalchemy as sa

from bench.client import Machine
from bench.report import Row
from bench.stage import Server, Stage, addresses, processor_s, rss_mib
from tallystick.core.store import Store
from tallystick.kiosk.tables import PURCHASES

DRAIN_S_MAX = 120


def measure(stage: Stage, options: argparse.Namespace) -> list[Row]:
    """Measure on each database."""
    rows: list[Row] = []
    for kind in options.databases.split(","):
        rows += _on(stage, kind, options)
    return rows


def _on(stage: Stage, kind: str, options: argparse.Namespace) -> list[Row]:
    rates, drains, works = [], [], []
    folder = stage.new_folder()
    stage.fund()
    server = stage.server(stage.database(kind, folder), folder)
    for _ in range(options.runs):
        before = processor_s(server.process.pid)
        rates.append(_run(server, options.machines, options.seconds))
        spent = processor_s(server.process.pid) - before
        works.append(spent / (rates[-1] * options.seconds))
        drains.append(_drain(stage, server))
    how = f"{options.machines} machines, median of {options.runs} × {options.seconds} s"
    found = [
        Row(
            f"purchases, {kind}",
            f"{statistics.median(rates):.0f}/s ({min(rates):.0f} to {max(rates):.0f})",
            "60/s" if kind == "sqlite" else "",
            how,
        ),
        Row(
            f"server's processor time for each, {kind}", f"{statistics.median(works) * 1000:.1f} ms"
        ),
        Row(
            f"then all paid out, {kind}", f"{statistics.median(drains):.1f} s", "", "to the network"
        ),
        Row(f"server's memory, {kind}", f"{rss_mib(server.process.pid):.0f} MiB", "", "RSS, after"),
    ]
    server.stop()
    return found


def _run(server: Server, machines: int, seconds: float) -> float:
    """Return purchases completed in a second, by machines that never pause."""
    paired = [server.machine(f"Bench {n}") for n in range(machines)]
    stock = iter(addresses(int(seconds * 400)))
    taking = threading.Lock()
    end = time.perf_counter() + seconds

    def work(machine: Machine) -> int:
        done = 0
        while time.perf_counter() < end:
            with taking:
                address = next(stock)
            machine.buy(address)
            done += 1
        return done

    began = time.perf_counter()
    with ThreadPoolExecutor(machines) as pool:
        total = sum(pool.map(work, paired))
    return total / (time.perf_counter() - began)


def _drain(stage: Stage, server: Server) -> float:
    """Return the seconds until every payout is with the network; then mine it in."""
    began = time.perf_counter()
    while _waiting(server.store):
        assert time.perf_counter() - began < DRAIN_S_MAX, "payouts stuck"
        time.sleep(0.02)
    seconds = time.perf_counter() - began
    stage.network.mine()
    return seconds


def _waiting(store: Store) -> int:
    query = sa.select(sa.func.count()).where(PURCHASES.c.state.in_(("paid_in", "signed")))
    with store.read() as tx:
        return int(tx.execute(query).scalar_one())
