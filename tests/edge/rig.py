"""A real server, a real simulated validator on a pty, and the engine between them, in one test."""

from __future__ import annotations

import datetime as dt
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from serving import serve
from tallystick.core import effects, ledger, rulebook
from tallystick.core.clock import SystemClock
from tallystick.core.identity import machines
from tallystick.core.identity.keys import load_or_make_key
from tallystick.core.money import USD
from tallystick.core.store import Store
from tallystick.devices.camera import open_camera
from tallystick.devices.headphones import Jack, event
from tallystick.devices.id003.control import Hands
from tallystick.devices.id003.driver import Id003
from tallystick.devices.scanner import SerialScanner
from tallystick.edge import pairing
from tallystick.edge.engine import Engine
from tallystick.edge.log import Log
from tallystick.edge.screen.receipt import Line, as_text
from tallystick.edge.view import Screen, Touch, View
from tallystick.kiosk import audit, tables
from tallystick.kiosk.quote import Desk, Policy
from tallystick.kiosk.rates import OfflineSource, Rates
from tallystick.kiosk.scams import guard
from tallystick.kiosk.scams.intervene import Outcome
from tallystick.kiosk.scams.tables import INTERVENTIONS
from tallystick.web.machine_api import create_app

ADDRESS = "bcrt1qw508d6qejxtdg4y5r3zarvary0c5xw7kygt080"
WAIT_S = 20
COINS_SATS = 10**9


class ShiftedClock(SystemClock):
    """The machine's clock, which a test can move forward."""

    def __init__(self) -> None:
        self.by_s = 0.0

    def now(self) -> dt.datetime:
        return super().now() + dt.timedelta(seconds=self.by_s)

    def monotonic_s(self) -> float:
        return super().monotonic_s() + self.by_s


class Devices:
    """The simulated validator and scanner, in a process that can be killed and started again."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.pace_ms = folder, 0
        self.hands = Hands(folder / "hands.sock")
        self.start()

    def start(self) -> None:
        ready = self.folder / "devices.ready"
        ready.unlink(missing_ok=True)
        names = {
            "link": "bills",
            "control": "hands.sock",
            "state": "metal",
            "scanner-link": "codes",
        }
        args = [part for key, name in names.items() for part in (f"--{key}", self.folder / name)]
        command = [sys.executable, "-m", "tallystick.devices.id003", *map(str, args)]
        self.process = subprocess.Popen(
            [*command, "--pace-ms", str(self.pace_ms), "--ready-file", str(ready)]
        )
        until(ready.exists)

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()


def until(found: Callable[[], Any], what: str = "") -> Any:
    end = time.monotonic() + WAIT_S
    while time.monotonic() < end:
        if it := found():
            return it
        time.sleep(0.005)
    raise TimeoutError(what or "it did not come")


class Server:
    """A server with coins to sell; its payouts are not acted upon here."""

    def __init__(self, store: Store, clock: SystemClock, folder: Path) -> None:
        self.store, self.folder = store, folder
        key = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
        self.source = OfflineSource()
        rates = Rates(self.source, USD, clock)
        place = rulebook.load("DEMO")
        self.desk = Desk(clock, place, Policy(), rates, key, "regtest")
        with store.transact() as tx:
            row = {"one": 1, "at": clock.now(), "confirmed_sats": COINS_SATS}
            tx.execute(tables.WALLET.insert().values(pending_sats=0, height=1, **row))
            token = machines.invite_machine(tx, "Kiosk 0142", clock.now(), clock)
        self.http = serve(create_app(store, self.desk))
        self.url = str(self.http.base_url).rstrip("/")
        self.code = machines.pairing_string(self.url, key.public_key(), token)

    def sent_long_ago(self) -> None:
        """Write down what a payout does at the scam desk, as of more than three days ago."""
        with self.store.transact() as tx:
            for row in self.purchases():
                guard.ended(tx, self.desk, str(row["id"]), Outcome.PROCEEDED)
            then = self.desk.clock.now() - dt.timedelta(hours=100)
            tx.execute(sa.update(INTERVENTIONS).values(at=then, ended_at=then))

    def purchases(self) -> list[dict[str, Any]]:
        with self.store.read() as tx:
            query = sa.select(tables.PURCHASES).order_by(tables.PURCHASES.c.id)
            return [dict(row) for row in tx.execute(query).mappings()]

    def notes(self, state: str = "stacked") -> list[int]:
        with self.store.read() as tx:
            query = sa.select(tables.NOTES.c.minor).where(tables.NOTES.c.state == state)
            return sorted(tx.execute(query).scalars())

    def incidents(self) -> list[str]:
        with self.store.read() as tx:
            return list(tx.execute(sa.select(tables.INCIDENTS.c.kind)).scalars())

    def box_minor(self) -> int:
        with self.store.read() as tx:
            ids = tx.execute(sa.select(tables.NOTES.c.box).distinct()).scalars()
            held = [ledger.balance(tx, box) for box in ids if box]
            return sum(one.debit.minor for one in held if one)

    def intended(self, purchase: str) -> int:
        with self.store.read() as tx:
            return len(effects.waiting(tx, purchase))

    def audit(self) -> list[str]:
        checks = (audit._books, audit._notes, audit._sums, audit._journal)
        with self.store.read() as tx:
            return [str(check(tx)) for check in checks]


class Kiosk:
    """The engine over the rig's devices, with the touches of a customer."""

    def __init__(
        self,
        folder: Path,
        server: Server,
        clock: ShiftedClock,
        reading_percent: int = 0,
        camera: str = "",
    ) -> None:
        self.folder, self.clock = folder, clock
        self.papers: list[str] = []
        data = folder / "kiosk"
        data.mkdir(exist_ok=True)
        try:
            held = pairing.load(data)
        except pairing.NotPaired:
            held = pairing.pair(data, server.code)
        self.log = Log(data / "journal")
        self.jack = folder / "jack"
        if not self.jack.exists():
            os.mkfifo(self.jack)
        self._plug = os.open(self.jack, os.O_RDWR | os.O_NONBLOCK)
        self.engine = Engine(
            held,
            load_or_make_key(data / "machine.key"),
            self.log,
            Id003(str(folder / "bills"), clock),
            SerialScanner(str(folder / "codes"), clock),
            self._put,
            clock,
            reading_percent=reading_percent,
            camera=open_camera(camera, clock),
            headphones=Jack(str(self.jack), clock),
        )
        self.engine.start()

    def _put(self, lines: list[Line]) -> None:
        self.papers.append(as_text(lines))

    def plug(self, inserted: bool) -> None:
        """Put headphones in or take them out: the kernel's bytes, at the event node."""
        os.write(self._plug, event(inserted))
        until(lambda: self.view.private is inserted)

    def stop(self) -> None:
        self.engine.stop()
        os.close(self._plug)

    @property
    def view(self) -> View:
        return self.engine.view()

    def touch(self, touch: Touch, **fields: Any) -> None:
        self.engine.touch(touch, **fields)

    def reach(self, *screens: Screen) -> View:
        until(lambda: self.view.screen in screens, f"{screens} from {self.view}")
        return self.view

    def to_scan(self) -> None:
        self.reach(Screen.START)
        self.touch(Touch.START)
        self.touch(Touch.LANGUAGE, language="en")
        self.reach(Screen.COST)
        self.touch(Touch.ACCEPT_COST)
        self.reach(Screen.WARNING)
        self.touch(Touch.ACKNOWLEDGE)
        self.reach(Screen.SCAN)

    def to_cash(self, hands: Hands, address: str = ADDRESS) -> None:
        self.to_scan()
        hands.present(address)
        self.reach(Screen.ADDRESS)
        self.touch(Touch.ADDRESS_YES)
        self.past_care(Screen.CASH)

    def past_care(self, to: Screen) -> None:
        """Read the warning, and go on."""
        while self.reach(to, Screen.CARE, Screen.WAITING).screen is not to:
            seen = self.view.screen
            self.touch(Touch.PROCEED)
            until(lambda seen=seen: self.view.screen is not seen)  # type: ignore[misc]

    def put_in(self, hands: Hands, minor: int) -> None:
        """Push a note in once the slot is open, and wait until it is credited."""
        before = len(self.view.notes)
        self.push(hands, minor)
        until(lambda: len(self.view.notes) > before, f"a credit on {self.view}")

    def push(self, hands: Hands, minor: int) -> None:
        until(lambda: self.view.accepting and _pushed(hands, minor), f"open slot: {self.view}")

    def send(self) -> None:
        until(lambda: not self.view.busy)
        self.touch(Touch.NO_MORE)
        self.past_care(Screen.REVIEW)
        self.touch(Touch.SEND)


def _pushed(hands: Hands, minor: int) -> bool:
    return hands.insert(minor) == "taken"
