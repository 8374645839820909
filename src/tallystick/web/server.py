"""The server process: the machine API on loopback, and the worker that pays out.

The web part cannot sign; it asks the signer process (Decision 5). The worker runs in a thread and
hears of new effects at each commit, so that a payout does not wait for a poll.
"""

from __future__ import annotations

import signal
import socket
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import structlog
import uvicorn

from tallystick.bitcoin.chain import open_chain
from tallystick.bitcoin.signer.client import SignerClient
from tallystick.bitcoin.wallet import HotWallet
from tallystick.core import rulebook
from tallystick.core.clock import Clock, SystemClock
from tallystick.core.effects import Worker
from tallystick.core.identity.keys import load_or_make_key
from tallystick.core.money import asset
from tallystick.core.store import Store
from tallystick.kiosk import payout
from tallystick.kiosk.quote import Desk, Policy
from tallystick.kiosk.rates import ExchangeSource, OfflineSource, Rates, RateSource
from tallystick.web import machine_api

WORK_EVERY_S: Final = 0.5
SYNC_EVERY_S: Final = 5.0
LOG = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Settings:
    """Where a server's parts are. Every field is in ``docs/reference/settings.md``."""

    data: Path
    database: str
    chain: str
    signer: Path
    network: str = "regtest"
    law: str = "DEMO"
    rates: str = "offline"
    machine_port: int = 0


def open_desk(settings: Settings, clock: Clock) -> Desk:
    """Return the desk: law, policy, prices, and the server's key."""
    place = rulebook.load(settings.law)
    source: RateSource = OfflineSource() if settings.rates == "offline" else ExchangeSource()
    rates = Rates(source, asset(place.currency), clock)
    key = load_or_make_key(settings.data / "server.key")
    return Desk(clock, place, Policy(), rates, key, settings.network)


def open_till(settings: Settings, store: Store, desk: Desk) -> payout.Till:
    """Return the till: the chain by its URL, the watch-only wallet, the signer's socket."""
    signer = SignerClient(settings.signer)
    external, internal = signer.public()
    wallet = HotWallet(settings.data / "wallet.sqlite", external, internal, settings.network)
    chain = open_chain(settings.chain)
    return payout.Till(store, desk, chain, wallet, signer, threading.RLock())


class Paying(threading.Thread):
    """Runs the worker until told to stop; a fault is logged and tried again, never swallowed."""

    def __init__(self, till: payout.Till, stop: threading.Event) -> None:
        super().__init__(name="paying", daemon=True)
        self.till, self.stop = till, stop
        self.woken = threading.Event()
        till.store.watch(self.woken.set)

    def run(self) -> None:
        """Recall what is unconfirmed, then act on effects as they come."""
        self.till.remember_unconfirmed()
        worker = Worker(self.till.store, payout.handlers(self.till), self.till.desk.clock)
        synced = -SYNC_EVERY_S
        while not self.stop.is_set():
            self.woken.clear()
            try:
                worker.step()
                if self.till.desk.clock.monotonic_s() - synced >= SYNC_EVERY_S:
                    synced = self.till.desk.clock.monotonic_s()
                    self.till.sync()
            except Exception as error:
                LOG.error("worker", error=repr(error))
                self.stop.wait(1)
            self.woken.wait(WORK_EVERY_S)


def run(settings: Settings, ready: Path | None = None) -> None:
    """Serve until SIGTERM. The ready file, once written, holds the machine API's address."""
    clock = SystemClock()
    store = Store.open(settings.database)
    store.migrate()
    desk = open_desk(settings, clock)
    till = open_till(settings, store, desk)
    till.sync()
    stop = threading.Event()
    paying = Paying(till, stop)
    paying.start()
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind(("127.0.0.1", settings.machine_port))
    app = machine_api.create_app(store, desk)
    config = uvicorn.Config(app, log_level="warning", access_log=False, timeout_keep_alive=75)
    server = uvicorn.Server(config)
    if ready is not None:
        listener.listen(128)
        ready.write_text(f"http://127.0.0.1:{listener.getsockname()[1]}")
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        server.run(sockets=[listener])
    except KeyboardInterrupt:
        pass
    finally:
        stop.set()
        paying.woken.set()
        paying.join(10)
        store.close()
