"""The server process: the machine API on loopback, and the worker that pays out.

The web part cannot sign; it asks the signer process (Decision 5). The worker runs in a thread and
hears of new effects at each commit, so that a payout does not wait for a poll.
"""

from __future__ import annotations

import signal
import socket
import threading
import urllib.parse
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import msgspec
import uvicorn
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from starlette.types import ASGIApp

from tallystick.bitcoin.chain import open_chain
from tallystick.bitcoin.signer.client import SignerClient
from tallystick.bitcoin.wallet import HotWallet
from tallystick.core import rulebook
from tallystick.core.clock import Clock, SystemClock
from tallystick.core.effects import Worker
from tallystick.core.identity.keys import load_or_make_key
from tallystick.core.identity.passkeys import Party
from tallystick.core.logs import logger
from tallystick.core.money import asset
from tallystick.core.rulebook import adoptions, duties
from tallystick.core.rulebook.duties import Statements
from tallystick.core.store import Store
from tallystick.core.vault import Vault
from tallystick.kiosk import particulars, payout, support
from tallystick.kiosk.audit import Check, audit
from tallystick.kiosk.customers import policy as customer_policy
from tallystick.kiosk.customers import sweep
from tallystick.kiosk.customers.desk import CustomerDesk
from tallystick.kiosk.customers.texts import open_texts
from tallystick.kiosk.particulars import FILE, Particulars
from tallystick.kiosk.quote import Desk, Policy
from tallystick.kiosk.rates import ExchangeSource, OfflineSource, Rates, RateSource
from tallystick.kiosk.scams import policy as scam_policy
from tallystick.kiosk.scams import trial as trials
from tallystick.kiosk.scams.intervene import ScamDesk
from tallystick.kiosk.screening import policy as screening_policy
from tallystick.kiosk.screening import screen
from tallystick.kiosk.screening.desk import Documented, Screens
from tallystick.kiosk.screening.lists import Lists
from tallystick.web import machine_api
from tallystick.web.bounded import BoundedHttp
from tallystick.web.console.app import create_app as create_console
from tallystick.web.console.pages import Offices
from tallystick.web.door import Door
from tallystick.web.proxies import Behind, Network, networks
from tallystick.web.public.app import create_app as create_public
from tallystick.web.publishing import FOLDER, Publishing, open_publisher

DEMO_LAW: Final = "DEMO"
"""The law of no place, where the sample operator may be shown."""
WORK_EVERY_S: Final = 0.5
GATHER_S: Final = 0.1
"""How far apart payouts begin at least: what is finished meanwhile goes in one transaction."""
CLOSE_S: Final = 2
PRICE_EVERY_S: Final = 10
LAW_EVERY_S: Final = 2
BACKLOG: Final = 128
SYNC_EVERY_S: Final = 5.0
SCREEN_EVERY_S: Final = 2.0
SWEEP_LOOK_S: Final = 60.0
LOG = logger()


@dataclass(frozen=True, slots=True)
class Settings:
    """Where a server's parts are. Every field is in ``docs/reference/settings.md``."""

    data: Path
    database: str
    chain: str
    signer: Path
    network: str = "regtest"
    law: str = "DEMO"
    zone: str = ""
    """The time zone of the kiosks, one of the place's; empty: the first that its file names."""
    rates: str = "offline"
    machine_port: int = 0
    console_port: int = 0
    """The console's port on loopback; 0 takes a free one."""
    public_port: int = 0
    """The public page's port on loopback; 0 takes a free one."""
    scam_policy: Path | None = None
    """The scam desk's policy, a TOML file; else the one that comes with this version."""
    origin: str = ""
    """The console's address as browsers see it; passkeys belong to it."""
    log_origin: str = ""
    """The public log's name, for ever; at its first start only. Else one drawn from its key."""
    log_policy: Path | None = None
    """A tlog-policy, whose witnesses are asked to cosign; else nobody is."""
    trusted_proxies: tuple[str, ...] = ()
    """The addresses or networks of proxies in front, whose X-Forwarded-For is believed."""
    trial: str = ""
    """The registered trial in which people are assigned by chance, or nothing."""
    ask: tuple[str, ...] = ()
    """What a customer shows beyond the law: ``ITEM=FROM`` in minor units of a day's cash, such as
    ``phone=0``, ``document=300000`` or ``source=500000``."""
    picture_days: int = 365
    """For so many days a picture of card or person is not asked for again; 0: at each visit."""
    texts: str = ""
    """Who sends one-time codes: ``command:PATH``, a program that gets the message as JSON, or
    ``file:PATH``, which plays a telephone; empty: a machine that must send codes stays closed."""
    operator: Path | None = None
    """The operator's particulars, a TOML file; else ``operator.toml`` in the data folder. Without
    one no machine opens, but under the law ``DEMO``, which has the sample's."""
    support_hours: str = ""
    """When a person answers the telephone, by the machine's clock, instead of the operator's file:
    ``always``, or such as ``mon-fri 08:00-22:00; sat 09:00-17:00``."""
    police: str = ""
    """How to reach the police and agencies of the place, instead of the operator's file."""
    duties: str = "required"
    """``required``: closed until an officer stated each duty that no machine can check (a licence,
    hours of support) as met; ``shown``: the console shows them, and nobody is asked."""


def open_desk(settings: Settings, clock: Clock, store: Store) -> Desk:
    """Return the desk: law with what was adopted, policy, prices, and the server's key."""
    place, statements = law_now(settings, store)
    source: RateSource = OfflineSource() if settings.rates == "offline" else ExchangeSource()
    fed = isinstance(source, ExchangeSource)
    texts = open_texts(settings.texts)
    days = customer_policy.Policy(picture_days=settings.picture_days)
    asked = customer_policy.read(settings.ask, days)
    screens = Screens(screen.Screening(clock, Lists(screening_policy.load())))
    customers = CustomerDesk(Vault(settings.data / "vault", clock), texts, asked, screens)
    rates = Rates(source, asset(place.currency), clock, fed=fed)
    key = load_or_make_key(settings.data / "server.key")
    care = scam_policy.load(settings.scam_policy or scam_policy.DEFAULT)
    scams = ScamDesk(care, secret_of(key), settings.trial)
    if settings.trial:
        with store.read() as tx:
            trials.find(tx, settings.trial)
    network = settings.network
    policy = Policy(operator=operator_of(settings))
    return Desk(clock, place, policy, rates, key, network, scams, statements, customers)


def operator_of(settings: Settings) -> Particulars | None:
    """Return who runs the machines; None where nobody has stated it and the law is a real one."""
    who = particulars.find(settings.data, settings.operator)
    if who is None:
        return particulars.sample() if settings.law == DEMO_LAW else None
    if settings.support_hours:
        support.read(settings.support_hours)
        who = msgspec.structs.replace(who, hours=settings.support_hours)
    if not settings.police:
        return who
    places = {code: msgspec.structs.replace(p, police=None) for code, p in who.places.items()}
    return msgspec.structs.replace(who, police=settings.police, places=places)


def law_now(settings: Settings, store: Store) -> tuple[rulebook.Jurisdiction, Statements | None]:
    """Return the place's law as officers have adopted it, and what they stated of its duties."""
    with store.read() as tx:
        place = rulebook.load(settings.law).in_zone(settings.zone)
        place = place.adopt(adoptions.adopted(tx, settings.law))
        stated = duties.stated(tx, settings.law)
    return place, stated if settings.duties == "required" else None


def secret_of(key: Ed25519PrivateKey) -> bytes:
    """Return the key that hides who is who in the scam desk's record, drawn from the server's."""
    drawn = HKDF(hashes.SHA256(), 32, None, b"tallystick: who is who at the scam desk")
    return drawn.derive(key.private_bytes_raw())


def open_till(settings: Settings, store: Store, desk: Desk) -> payout.Till:
    """Return the till: the chain by its URL, the watch-only wallet, the signer's socket."""
    signer = SignerClient(settings.signer)
    external, internal = signer.public()
    wallet = HotWallet(settings.data / "wallet.sqlite", external, internal, settings.network)
    chain = open_chain(settings.chain)
    return payout.Till(store, desk, chain, wallet, signer, threading.RLock())


class Pricing(threading.Thread):
    """Asks the exchanges again and again, so that no step of a purchase waits for them."""

    def __init__(self, rates: Rates, stop: threading.Event) -> None:
        super().__init__(name="pricing", daemon=True)
        self.rates, self.stop = rates, stop

    def run(self) -> None:
        """Refresh until told to stop; a failure leaves the old price to go stale."""
        while True:
            self.rates.refresh()
            if self.rates.trouble:
                LOG.warning("price", error=self.rates.trouble)
            if self.stop.wait(PRICE_EVERY_S):
                return


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
            began = self.till.desk.clock.monotonic_s()
            self.woken.clear()
            try:
                worker.step()
                if self.till.desk.clock.monotonic_s() - synced >= SYNC_EVERY_S:
                    synced = self.till.desk.clock.monotonic_s()
                    self.till.sync()
            except Exception as error:
                LOG.error("worker", error=repr(error))
                self.stop.wait(1)
            if self.woken.wait(WORK_EVERY_S):
                self.stop.wait(max(began + GATHER_S - self.till.desk.clock.monotonic_s(), 0))


class Rescreens(threading.Thread):
    """Screens customers again when lists change, apart from the payouts: an index takes seconds."""

    def __init__(self, store: Store, desk: Desk, stop: threading.Event) -> None:
        super().__init__(name="screening", daemon=True)
        self.store, self.stop = store, stop
        self.screening = _screening_of(desk)
        handler = screen.Rescreening(store, self.screening, _roll_of(desk))
        self.worker = Worker(store, [handler], desk.clock, "screening")

    def run(self) -> None:
        """Keep the index ready and look for work; a fault is logged and tried again."""
        while not self.stop.wait(SCREEN_EVERY_S):
            try:
                with self.store.read() as tx:
                    self.screening.lists.current(tx)
                self.worker.step()
            except Exception as error:
                LOG.error("screening", error=repr(error))


def _screening_of(desk: Desk) -> screen.Screening:
    """Return what customers are screened with, so that one process has one index."""
    hook = desk.customers.screening if desk.customers else None
    if isinstance(hook, Screens):
        return hook.screening
    return screen.Screening(desk.clock, Lists(screening_policy.load()))


def _roll_of(desk: Desk) -> screen.Roll:
    """Return whose names can be opened."""
    return Documented(desk.customers.vault) if desk.customers else screen.NoCustomers()


class Sweeping(threading.Thread):
    """Ends what no law keeps, once a day; each run is on record, a failed one on the console."""

    def __init__(self, store: Store, desk: Desk, stop: threading.Event) -> None:
        super().__init__(name="sweep", daemon=True)
        self.store, self.desk, self.stop = store, desk, stop

    def run(self) -> None:
        """Look again and again whether it is time."""
        sweep.daily(self.store, self.desk)
        while not self.stop.wait(SWEEP_LOOK_S):
            sweep.daily(self.store, self.desk)


class Lawful(threading.Thread):
    """Takes up what officers adopt and state, soon after: no machine waits for a restart."""

    def __init__(self, desk: Desk, settings: Settings, store: Store, stop: threading.Event) -> None:
        super().__init__(name="law", daemon=True)
        self.desk, self.settings, self.store, self.stop = desk, settings, store, stop

    def run(self) -> None:
        """Look again and again; what cannot be read leaves the law as it was."""
        while not self.stop.wait(LAW_EVERY_S):
            try:
                place, statements = law_now(self.settings, self.store)
            except Exception as error:
                LOG.error("law", error=repr(error))
                continue
            if (place.adopted, statements) != (self.desk.place.adopted, self.desk.statements):
                self.desk.take_up(place, statements)
                LOG.info("law", place=place.code, adopted=len(place.adopted))


class Listener(threading.Thread):
    """One of the three faces on a port of its own, in a thread of its own (Decision 8)."""

    def __init__(
        self, name: str, sock: socket.socket, app: ASGIApp, proxies: Sequence[Network] = ()
    ) -> None:
        super().__init__(name=name, daemon=True)
        self._sock = sock
        self._server = uvicorn.Server(
            uvicorn.Config(
                Behind(app, proxies),
                http=BoundedHttp,
                log_level="warning",
                access_log=False,
                lifespan="off",
                proxy_headers=False,
                timeout_keep_alive=75,
                timeout_graceful_shutdown=CLOSE_S,
            )
        )

    def run(self) -> None:
        """Serve until told to stop."""
        self._server.run(sockets=[self._sock])

    def stop(self) -> None:
        """Answer what is under way, and end."""
        self._server.should_exit = True
        self.join(CLOSE_S + 3)


def bound(port: int) -> socket.socket:
    """Return a listening socket on loopback; 0 takes a free port."""
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind(("127.0.0.1", port))
    listener.listen(BACKLOG)
    return listener


def offices_of(settings: Settings, till: payout.Till) -> Offices:
    """Return what the console may ask outside the database."""

    def refill() -> str:
        with till.using:
            return till.wallet.next_address()

    def check() -> list[Check]:
        with till.store.read() as tx:
            return audit(tx, till.chain, settings.network)

    return Offices(refill, check, till.signer.status, _roll_of(till.desk))


def run(settings: Settings, ready: Path | None = None) -> None:
    """Serve until SIGTERM. The ready file has the addresses, one a line: API, console, public."""
    clock = SystemClock()
    store = Store.open(settings.database)
    store.migrate()
    desk = open_desk(settings, clock, store)
    today = desk.day(clock.now())
    short = particulars.short_of(desk.place, desk.policy.operator, settings.network, today)
    if short:
        LOG.warning("operator", closed=short, file=str(settings.operator or settings.data / FILE))
    till = open_till(settings, store, desk)
    till.sync()
    publisher = open_publisher(
        store, settings.data, clock, settings.log_origin, settings.log_policy
    )
    stop = threading.Event()
    paying = Paying(till, stop)
    paying.start()
    Rescreens(store, desk, stop).start()
    Sweeping(store, desk, stop).start()
    publishing = Publishing(publisher, stop)
    publishing.start()
    Lawful(desk, settings, store, stop).start()
    if desk.rates.fed:
        Pricing(desk.rates, stop).start()
    api, console, public = (
        bound(port) for port in (settings.machine_port, settings.console_port, settings.public_port)
    )
    origin = settings.origin or f"http://localhost:{console.getsockname()[1]}"
    domain = urllib.parse.urlsplit(origin).hostname or "localhost"
    door = Door(store, clock, Party(domain, "Tallystick", (origin,)))
    offices, trusted = offices_of(settings, till), networks(settings.trusted_proxies)
    faces = [
        Listener("api", api, machine_api.create_app(store, desk)),
        Listener("console", console, create_console(store, desk, door, offices), trusted),
        Listener("public", public, create_public(store, desk, settings.data / FOLDER), trusted),
    ]
    for face in faces:
        face.start()
    (settings.data / "console.url").write_text(origin)
    if ready is not None:
        _say_ready(ready, api, origin, public)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    while not stop.wait(1):
        pass
    for face in faces:
        face.stop()
    paying.woken.set()
    paying.join(10)
    publishing.join(10)
    store.close()


def _say_ready(ready: Path, api: socket.socket, origin: str, public: socket.socket) -> None:
    addresses = [
        f"http://127.0.0.1:{api.getsockname()[1]}",
        origin,
        f"http://127.0.0.1:{public.getsockname()[1]}",
    ]
    draft = ready.with_name(f"{ready.name}.new")
    draft.write_text("\n".join(addresses))
    draft.replace(ready)
