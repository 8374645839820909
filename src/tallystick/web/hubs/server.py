"""The hubs console as a process: one face on loopback, and the gates asked again every hour.

Evidence grows old without any event, so that a case under way is looked at again by the clock too.
"""

from __future__ import annotations

import signal
import threading
import urllib.parse
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tallystick.core.clock import SystemClock
from tallystick.core.identity.passkeys import Party
from tallystick.core.logs import logger
from tallystick.core.store import Store
from tallystick.core.vault import Vault
from tallystick.hubs import asking
from tallystick.hubs.desk import Desk
from tallystick.web.door import Door
from tallystick.web.hubs.app import create_app
from tallystick.web.hubs_public import app as hubs_public
from tallystick.web.proxies import networks
from tallystick.web.publishing import FOLDER, Publishing, open_publisher
from tallystick.web.server import Listener, bound

AGAIN_EVERY_S: Final = 3_600
VAULT_FOLDER: Final = "vault"
LOG = logger()


@dataclass(frozen=True, slots=True)
class HubSettings:
    """Where the parts of a hubs server are."""

    data: Path
    """The folder of the vault's keys, and of SQLite."""
    database: str
    """`sqlite:///path` or `postgresql+psycopg://user@host:port/name`; else in the data folder."""
    port: int = 0
    """The console's port on loopback; 0 takes a free one."""
    origin: str = ""
    """The console's address as browsers see it; passkeys belong to it."""
    outside_port: int = 0
    """The port on loopback of the pages outside: a person's own record, and published figures."""
    trusted_proxies: tuple[str, ...] = ()
    """The addresses or networks of proxies in front, whose X-Forwarded-For is believed."""


class Asking(threading.Thread):
    """Asks the gates of every case under way again and again; a fault is logged, not swallowed."""

    def __init__(self, store: Store, desk: Desk, stop: threading.Event) -> None:
        super().__init__(name="asking", daemon=True)
        self.store, self.desk, self.stop = store, desk, stop

    def run(self) -> None:
        """Ask until told to stop."""
        while True:
            try:
                with self.store.transact() as tx:
                    stopped = asking.again(tx, self.desk)
                if stopped:
                    LOG.info("stopped by a gate", cases=len(stopped))
            except Exception as error:
                LOG.error("asking", error=repr(error))
            if self.stop.wait(AGAIN_EVERY_S):
                return


def run(settings: HubSettings, ready: Path | None = None) -> None:
    """Serve until SIGTERM. The ready file has the console's address."""
    clock = SystemClock()
    store = Store.open(settings.database)
    store.migrate()
    desk = Desk(clock, Vault(settings.data / VAULT_FOLDER, clock))
    face = bound(settings.port)
    origin = settings.origin or f"http://localhost:{face.getsockname()[1]}"
    domain = urllib.parse.urlsplit(origin).hostname or "localhost"
    door = Door(store, clock, Party(domain, "Tallystick", (origin,)))
    stop = threading.Event()
    Asking(store, desk, stop).start()
    publishing = Publishing(open_publisher(store, settings.data, clock), stop)
    publishing.start()
    pages = bound(settings.outside_port)
    outside = hubs_public.create_app(store, desk, settings.data / FOLDER, secure=door.secure)
    console = create_app(store, desk, door)
    trusted = networks(settings.trusted_proxies)
    listeners = (
        Listener("hubs", face, console, trusted),
        Listener("outside", pages, outside, trusted),
    )
    for listener in listeners:
        listener.start()
    (settings.data / "console.url").write_text(origin)
    (settings.data / "outside.url").write_text(f"http://localhost:{pages.getsockname()[1]}")
    if ready is not None:
        draft = ready.with_name(f"{ready.name}.new")
        draft.write_text(origin)
        draft.replace(ready)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    while not stop.wait(1):
        pass
    for listener in listeners:
        listener.stop()
    publishing.join()
    store.close()
