"""Finish to broadcast: from the customer's last touch to the network having the transaction.

Measured from just before the machine sends *finish* to the moment that the server writes after
the chain took the bytes; one purchase at a time, on SQLite, with the chain and the signer real.
"""

from __future__ import annotations

import argparse
import datetime as dt
import time

import sqlalchemy as sa

from bench.report import Row, milliseconds
from bench.stage import Server, Stage, addresses, rss_mib
from tallystick.kiosk.tables import EVENTS

BLOCK_EVERY = 10
SENT_S_MAX = 30
POLL_S = 0.05


def measure(stage: Stage, options: argparse.Namespace) -> list[Row]:
    """Buy one after another; report the latency, and what each process holds in memory then."""
    folder = stage.new_folder()
    stage.fund()
    server = stage.server(stage.database("sqlite", folder), folder)
    machine = server.machine("Bench")
    taken = []
    for number, address in enumerate(addresses(options.payouts), 1):
        path, finish = machine.fill(address)
        began = machine.clock.now()
        machine.say(f"{path}/finish", finish)
        taken.append((_sent_at(server, path.rpartition("/")[2]) - began).total_seconds())
        if number % BLOCK_EVERY == 0:
            stage.network.mine()
    network = stage.network
    held = {
        "server": server.process.pid,
        "signer": network.signer_process.popen.pid,
        "chain": network.chain_process.popen.pid,
    }
    how = f"RSS after {options.payouts} payouts"
    memory = [Row(f"{n}'s memory", f"{rss_mib(p):.0f} MiB", "", how) for n, p in held.items()]
    server.stop()
    figure = milliseconds(taken)
    return [Row("finish to broadcast", figure, "p99 300 ms", f"{len(taken)} payouts"), *memory]


def _sent_at(server: Server, purchase: str) -> dt.datetime:
    """Wait until the purchase is sent; return the moment that the server wrote."""
    query = sa.select(EVENTS.c.at).where(EVENTS.c.purchase == purchase, EVENTS.c.kind == "sent")
    end = time.perf_counter() + SENT_S_MAX
    while time.perf_counter() < end:
        with server.store.read() as tx:
            found: dt.datetime | None = tx.execute(query).scalar_one_or_none()
        if found is not None:
            return found
        time.sleep(POLL_S)
    raise TimeoutError(purchase)
