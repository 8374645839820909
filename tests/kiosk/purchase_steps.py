"""One whole purchase against a database file, to be killed at any write and run again.

Run as a program by the kill-point tests. Each run goes on from what is on disk, as a machine that
re-sends its reports would, and exits 0 once the purchase is settled. With ``--torn`` the money
steps lose their transaction on purpose, to show that the tests would notice.
"""

from __future__ import annotations

import os
import shutil
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from tallystick.core import effects, rulebook
from tallystick.core.clock import SystemClock
from tallystick.core.money import USD
from tallystick.core.store import Store
from tallystick.kiosk import buy, wire
from tallystick.kiosk.quote import Desk, Policy
from tallystick.kiosk.rates import OfflineSource, Rates
from tallystick.kiosk.tables import PURCHASES, WALLET

PURCHASE = "01M86PTPG0YPRPA8JAB2VS3WER"
ADDRESS = "bcrt1qw508d6qejxtdg4y5r3zarvary0c5xw7kygt080"
NOTES = (2_000, 1_000)


class World:
    """Stands for chain and signer: a file that remembers each broadcast, outside our database."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def sent(self) -> list[str]:
        return self.path.read_text().split() if self.path.exists() else []

    def send(self, key: str) -> None:
        if key not in self.sent():
            with self.path.open("a") as file:
                file.write(f"{key}\n")


class Broadcast:
    """Acts on the payout's intent once, and reconciles by asking the world."""

    kind = "payout"

    def __init__(self, store: Store, world: World, clock: SystemClock) -> None:
        self.store, self.world, self.clock = store, world, clock

    def act(self, batch: Any) -> dict[str, Any]:
        for effect in batch:
            self.world.send(effect.key)
            with self.store.transact() as tx:
                effects.done(tx, effect, self.clock.now())
        return {}

    reconcile = act


@contextmanager
def torn(store: Store) -> Any:
    """Commit each statement by itself: what a step is without its transaction."""
    with store.engine.connect() as tx:
        yield tx


def main(folder: Path, broken: bool) -> None:
    clock = SystemClock()
    store = Store.open(f"sqlite:///{folder}/store.sqlite")
    key = Ed25519PrivateKey.from_private_bytes(bytes(32))
    rates = Rates(OfflineSource(), USD, clock)
    desk = Desk(clock, rulebook.load("DEMO"), Policy(), rates, key, "regtest")
    step = (lambda: torn(store)) if broken else store.transact
    run(store, step, desk)
    worker = effects.Worker(store, [Broadcast(store, World(folder / "sent"), clock)], clock)
    worker.step()
    store.close()


def run(store: Store, step: Any, desk: Desk) -> None:
    with step() as tx:
        request = wire.QuoteRequest(
            purchase=PURCHASE, address=ADDRESS, language="en", acknowledged=["DEMO/warning"]
        )
        quote = buy.start(tx, desk, "K1", request)
    for seq, minor in enumerate(NOTES, 1):
        note = f"{seq:026d}"
        ask = wire.NoteAsk(note=note, seq=seq, minor=minor, currency="USD", quote=quote.digest)
        told = wire.NoteStacked(note=note, seq=seq, minor=minor, currency="USD", recovered=False)
        if state(store) in ("quoted", "accepting"):
            with step() as tx:
                buy.ask_note(tx, desk, "K1", PURCHASE, ask)
        with step() as tx:
            now = buy.stacked(tx, desk, "K1", PURCHASE, told)
    finish = wire.FinishRequest(
        quote=quote.digest, notes=now.notes, cash_minor=now.cash_minor, sats=now.sats
    )
    with step() as tx:
        buy.finish(tx, desk, "K1", PURCHASE, finish)


def state(store: Store) -> str:
    with store.read() as tx:
        return str(tx.execute(sa.select(PURCHASES.c.state)).scalar_one())


def prepare(folder: Path) -> None:
    """Make the database and give the wallet something to sell."""
    clock = SystemClock()
    store = Store.open(f"sqlite:///{folder}/store.sqlite")
    store.migrate()
    with store.transact() as tx:
        row = {"one": 1, "at": clock.now(), "confirmed_sats": 10**9, "pending_sats": 0, "height": 1}
        tx.execute(sa.insert(WALLET).values(row))
    store.close()


PADDING = 1_000
"""strace kills each process at its own PADDING-th call; calls that do nothing come before."""


def pad(call: str, count: int, folder: Path) -> None:
    """Make so many calls that change nothing."""
    number = os.open(folder / "padding", os.O_RDWR | os.O_CREAT)
    do = {
        "pwrite64": lambda: os.pwrite(number, b"x", 0),
        "write": lambda: os.write(number, b"x"),
        "fsync": lambda: os.fsync(number),
        "ftruncate": lambda: os.ftruncate(number, 0),
    }[call]
    for _ in range(count):
        do()
    os.close(number)


def child(folder: Path, broken: bool, padding: tuple[str, int] | None) -> int:
    """Run the purchase in a process of its own; return how it ended."""
    process = os.fork()
    if process:
        return os.waitpid(process, 0)[1]
    status = 1
    try:
        if padding:
            pad(*padding, folder)
        main(folder, broken)
        status = 0
    finally:
        os._exit(status)


def points(count: int, broken: bool) -> range:
    """Return the calls to be killed at: each; of the broken steps every third, to see it fail."""
    return range(1, count + 1, 3 if broken else 1)


def sweep(root: Path, call: str, count: int, broken: bool) -> None:
    """Kill at call 1, 2, 3 … of a fresh copy each, and run each again to its end.

    First one whole purchase here: the children inherit what it read, and are quick.
    """
    shutil.copytree(root / "start", root / f"first-{call}")
    main(root / f"first-{call}", broken)
    for n in points(count, broken):
        folder = root / f"{call}-{n}"
        shutil.copytree(root / "start", folder)
        killed = child(folder, broken, (call, PADDING - n))
        again = child(folder, broken, None)
        (folder / "ended").write_text(f"{killed} {again}")


if __name__ == "__main__":
    if sys.argv[2] == "sweep":
        sweep(Path(sys.argv[1]), sys.argv[3], int(sys.argv[4]), "--torn" in sys.argv)
    else:
        main(Path(sys.argv[1]), False)
