"""Many customers, and everything that can go wrong, for as long as is asked: ``make soak``.

One whole operator of real processes. By the seed, each customer pays, stops, walks away, or is
interrupted: the validator's power is cut, a note jams, answers are spoiled, the network cable is
pulled, or a process is killed and started again. After each customer the cash box must be what was
credited; at the end the audit must find nothing. A seed that failed becomes a test.
"""

from __future__ import annotations

import argparse
import random  # noqa: TID251 - repeated from the seed on purpose
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

import httpx
import sqlalchemy as sa

from bench.stage import addresses
from tallystick.cli.cell import Cell, any_ports, begin, post
from tallystick.cli.demo import audit_of
from tallystick.cli.parts import Parts
from tallystick.cli.serve import database_of
from tallystick.cli.walk import OVER, NotReached, Walk
from tallystick.core.clock import SystemClock
from tallystick.core.errors import TallystickError
from tallystick.core.store import Store
from tallystick.devices.id003.control import Hands
from tallystick.kiosk.tables import NOTES as NOTE_ROWS

NOTES = (500, 1_000, 2_000, 5_000)
AGREE_S = 30.0
COUNTED = sa.select(sa.func.coalesce(sa.func.sum(NOTE_ROWS.c.minor), 0)).where(
    NOTE_ROWS.c.state == "stacked"
)
TROUBLES = (
    *("none", "none", "power", "jam", "spoil", "cable", "kill kiosk", "kill devices"),
    *("kill server", "kill signer", "kill chain"),
)


class Soak:
    """One operator under one seed."""

    def __init__(self, folder: Path, seed: int) -> None:
        self.folder, self.random, self.clock = folder, random.Random(seed), SystemClock()
        self.seen: Counter[str] = Counter()
        self._count = 0
        self.start()

    def start(self) -> None:
        """Start every process, on the folder's former state if there is one."""
        self._count += 1
        sockets = self.folder / f"run{self._count}"
        sockets.mkdir()
        self.parts = Parts(sockets, self.clock)
        data = self.folder / "data"
        data.mkdir(exist_ok=True)
        self.pocket = data / "customer"
        self.cell: Cell = begin(self.parts, data, self.clock, 0, 0.5, any_ports())
        self.hands = Hands(self.cell.hands)

    def kill(self, name: str) -> None:
        """Kill one process, then end and start all of them."""
        for process, its_name in self.parts.pairs():
            if its_name == name:
                process.kill()
        self.parts.end()
        self.start()

    def trouble(self, kind: str) -> None:
        """Make one trouble."""
        if kind == "power":
            self.hands.power_cycle()
        elif kind == "jam":
            self.hands.jam("stacker")
            self.clock.sleep(0.3)
            self.hands.clear()
        elif kind == "spoil":
            self.hands.faults(drop=2, corrupt=2, garbage=2)
        elif kind == "cable":
            for act in ("cut_link", "restore_link"):
                httpx.post(f"{self.cell.screen}/hardware/act", data={"act": act, "value": ""})
                self.clock.sleep(0.4)
        elif kind.startswith("kill"):
            self.kill(kind.partition(" ")[2])

    def customer(self, address: str) -> None:
        """Let one customer come, and one trouble with them."""
        kind = self.random.choice(TROUBLES)
        at = self.random.randrange(4)
        self.seen[kind] += 1
        walk = Walk(self.cell.screen, self.hands, self.clock, self.pocket, open_s=10)
        try:
            walk.to_cash(address)
            for place in range(self.random.randrange(1, 4)):
                walk.insert(self.random.choice(NOTES))
                if place == at:
                    self.trouble(kind)
            if self.random.random() < 0.8:
                walk.send()
            else:
                walk.touch("stop")
            walk.reach(*OVER, "start")
        except (NotReached, httpx.HTTPError, TallystickError):
            self.seen["interrupted"] += 1
        finally:
            walk.hang_up()
        self.leave()

    def leave(self) -> None:
        """Bring the screen back to its first page, as the next customer finds it."""
        walk = Walk(self.cell.screen, self.hands, self.clock, self.pocket)
        walk.reach("start", "cash", "review", "scan", "address", "language", "cost", *OVER)
        for touch in ("stop", "done"):
            walk.touch(touch)
        walk.reach("start", *OVER)
        walk.hang_up()

    def agrees(self) -> str:
        """Return how the cash box and the books differ, or nothing, once they have settled."""
        store = Store.open(database_of(self.folder / "data", ""))
        until = time.monotonic() + AGREE_S
        while True:
            with store.read() as tx:
                counted = int(tx.execute(COUNTED).scalar_one())
            held = self.hands.state()
            if sum(held["box"]) == counted and not held["inside_minor"]:
                store.close()
                return ""
            if time.monotonic() > until:
                store.close()
                return f"the box holds {sum(held['box'])}, the books say {counted}"
            self.clock.sleep(0.1)


def main() -> int:
    """Run for the time asked; return 1 and the seed at the first thing that does not hold."""
    reader = argparse.ArgumentParser("python -m bench.soak", description=__doc__)
    reader.add_argument("--seed", type=int, default=1)
    reader.add_argument("--seconds", type=float, default=600)
    options = reader.parse_args()
    until = time.monotonic() + options.seconds
    with tempfile.TemporaryDirectory(prefix="ts-soak-") as name:
        soak = Soak(Path(name), options.seed)
        try:
            count, wrong = 0, ""
            while time.monotonic() < until and not wrong:
                soak.customer(addresses(1)[0])
                wrong, count = soak.agrees(), count + 1
                print(
                    f"\r{count} customers, {dict(soak.seen)}", end="", file=sys.stderr, flush=True
                )
            for _ in range(3):
                post(soak.cell.chain, "regtest/mine", {"blocks": 1})
                soak.clock.sleep(2)
            checks = audit_of(soak.folder / "data", soak.cell.chain)
        finally:
            soak.parts.end()
    print(f"\nseed {options.seed}: {count} customers; {wrong or 'the box agrees'}; {checks}")
    return 1 if wrong or not checks["clean"] else 0


if __name__ == "__main__":
    sys.exit(main())
