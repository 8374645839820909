"""The reserve's server: the console and the public page on loopback, and the watch that never ends.

No key is here. One thread publishes the log, at most a second behind, whatever the chain does; one
watches the chain block by block, acts on what was authorised, and writes beside the log what opens
its entries. Each fault is said and tried again, and stops nothing else.
"""

from __future__ import annotations

import signal
import threading
import urllib.parse
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from tallystick.bitcoin.chain import open_chain
from tallystick.core.clock import AheadClock, Clock
from tallystick.core.effects import Worker
from tallystick.core.identity.passkeys import Party
from tallystick.core.logs import logger
from tallystick.core.store import Store
from tallystick.core.tlog import log
from tallystick.reserve import move, publish, watch
from tallystick.reserve.office import Office, Policy
from tallystick.web.door import Door
from tallystick.web.proxies import networks
from tallystick.web.publishing import FOLDER, Publishing, open_publisher
from tallystick.web.reserve.console import create_console
from tallystick.web.reserve.public import create_public
from tallystick.web.server import Listener, bound

WATCH_EVERY_S: Final = 1.0
STOP_S_MAX: Final = 10.0
LOG = logger()


@dataclass(frozen=True, slots=True)
class Settings:
    """Where a reserve's parts are. Each is an option of ``tallystick reserve serve``."""

    data: Path
    """The folder of the wallets, the log and its key, and of SQLite."""
    database: str
    """``sqlite:///path`` or ``postgresql+psycopg://…``; else in ``data``."""
    chain: str
    """Where the chain is: ``embedded:``, ``esplora+https:``, ``electrum+ssl:``, ``cbf:``."""
    console_port: int = 0
    """The console's port on loopback; 0 takes a free one."""
    public_port: int = 0
    """The public page's port on loopback; 0 takes a free one."""
    origin: str = ""
    """The console's address as browsers see it; passkeys belong to it."""
    address: str = ""
    """The public page's address as readers see it, for the command on the page."""
    ahead_s: float = 0
    """For demonstrations: how far the clock is set ahead, in seconds."""
    policy: Policy = field(default_factory=Policy)
    """What the office decides within the mandate."""
    log_policy: Path | None = None
    """A tlog-policy, whose witnesses are asked to cosign; none if left out."""
    trusted_proxies: tuple[str, ...] = ()
    """The addresses or networks of proxies in front, whose X-Forwarded-For is believed."""


class Watching(threading.Thread):
    """Looks at the chain, acts on effects, opens what the log holds, until told to stop."""

    def __init__(self, office: Office, folder: Path, clock: Clock, stop: threading.Event) -> None:
        super().__init__(name="watching", daemon=True)
        self.office, self.folder, self.clock, self.stop = office, folder, clock, stop
        self.worker = Worker(office.store, move.handlers(office), clock)
        self.tip = self.shown = -1

    def run(self) -> None:
        """Look again and again; a fault is said, and tried again."""
        while True:
            for act in (self.look, self.show):
                try:
                    act()
                except Exception as error:
                    LOG.error("watch", act=act.__name__, error=repr(error))
            if self.stop.wait(WATCH_EVERY_S):
                return

    def look(self) -> None:
        """Look at a new block, and act on what is due."""
        tip = self.office.chain.tip()
        acted = self.worker.step()
        if tip != self.tip or acted:
            watch.look(self.office)
            self.tip = tip

    def show(self) -> None:
        """Write beside the log what opens its published entries, after each publication."""
        with self.office.store.read() as tx:
            found = log.checkpoint(tx, published=True)
        if found is not None and found.size != self.shown:
            publish.publish(self.office.store, self.folder, found.size)
            self.shown = found.size


def run(settings: Settings, ready: Path | None = None) -> None:
    """Serve until SIGTERM. The ready file has the addresses, one a line: console, public."""
    clock = AheadClock(settings.ahead_s)
    store = Store.open(settings.database)
    store.migrate()
    chain = open_chain(settings.chain)
    office = Office(store, clock, chain, settings.data / "office", settings.policy)
    stop = threading.Event()
    watching = Watching(office, settings.data / FOLDER, clock, stop)
    publisher = open_publisher(store, settings.data, clock, trusted=settings.log_policy)
    publishing = Publishing(publisher, stop)
    console, public = bound(settings.console_port), bound(settings.public_port)
    origin = settings.origin or f"http://localhost:{console.getsockname()[1]}"
    domain = urllib.parse.urlsplit(origin).hostname or "localhost"
    door = Door(store, clock, Party(domain, "Tallystick", (origin,)))
    seen = settings.address or f"http://127.0.0.1:{public.getsockname()[1]}"
    trusted = networks(settings.trusted_proxies)
    page = create_public(store, clock, settings.data / FOLDER, seen)
    faces = [
        Listener("console", console, create_console(office, door), trusted),
        Listener("public", public, page, trusted),
    ]
    for face in faces:
        face.start()
    publishing.start()
    watching.start()
    if ready is not None:
        draft = ready.with_name(f"{ready.name}.new")
        draft.write_text(f"{origin}\n{seen}")
        draft.replace(ready)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    while not stop.wait(1):
        pass
    for face in faces:
        face.stop()
    publishing.join(STOP_S_MAX)
    watching.join(STOP_S_MAX)
    store.close()
