"""A small operator with a day behind it: three kiosks, purchases in every state, and a console.

Everything is real: the embedded chain and the signer are processes, purchases go step by step
through `kiosk.buy` and the payout worker, and console and public page listen on loopback.
"""

from __future__ import annotations

import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import bdkpython as bdk
import httpx
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from counter import Counter
from network import Network
from tallystick.bitcoin.chain import open_chain
from tallystick.core.clock import SeededClock
from tallystick.core.effects import Worker
from tallystick.core.identity import machines, people, sessions
from tallystick.core.identity.keys import public_text
from tallystick.core.identity.passkeys import Party
from tallystick.core.identity.tables import PASSKEYS
from tallystick.core.store import Store
from tallystick.kiosk import audit, buy, payout, refund, status, wire
from tallystick.kiosk.errors import NotOurSum
from tallystick.kiosk.scams.claim import Form as ClaimForm
from tallystick.web.console import claims
from tallystick.web.console.app import create_app
from tallystick.web.console.pages import Offices
from tallystick.web.door import FORM_HEADER, Door
from tallystick.web.public.app import create_app as create_public
from tallystick.web.publishing import FOLDER, open_publisher
from tallystick.web.server import Listener, bound

NOWHERE = "embedded:http://127.0.0.1:9"
LABELS = ("Kiosk 0108", "Kiosk 0117", "Kiosk 0142")


def customer(number: int) -> str:
    """Return the address of a customer's own wallet: version 0, 20 bytes of their number."""
    return segwit(bytes([number + 1] * 20))


def segwit(program: bytes) -> str:
    """Return a regtest address that pays to a key's hash, from the script alone."""
    script = bdk.Script(b"\x00\x14" + program)
    return str(bdk.Address.from_script(script, bdk.Network.REGTEST))


class Scene:
    """One store, its machines, and the pages over it; ``named`` keeps purchases by their story."""

    def __init__(self, store: Store, clock: SeededClock, network: Network) -> None:
        self.store, self.clock, self.network = store, clock, network
        self.kiosks = [self._pair(label) for label in LABELS]
        self.counter = self.kiosks[2]
        self.desk, self.till = self.counter.desk, self.counter.till
        self.named: dict[str, wire.PurchaseView] = {}
        self.quotes: dict[str, tuple[Counter, wire.Quote]] = {}
        self._faces: list[Listener] = []
        self.log_data = tempfile.TemporaryDirectory(prefix="ts-log-")
        self.log_folder = Path(self.log_data.name) / FOLDER
        self.till.sync()

    def _pair(self, label: str) -> Counter:
        key = Ed25519PrivateKey.from_private_bytes(self.clock.random_bytes(32))
        with self.store.transact() as tx:
            now = self.clock.now()
            token = machines.invite_machine(tx, label, now, self.clock)
            public = public_text(key.public_key())
            machine = machines.pair(tx, token, public, now, self.clock)
        self.clock.advance(1)
        return Counter(self.store, self.clock, self.network, machine.id)

    def serve(self, low_sats: int = 0, roll: Any = None) -> None:
        """Put the console and the public page on loopback."""
        policy = replace(self.desk.policy, float_low_sats=low_sats)
        desk = self.console_desk = replace(self.desk, policy=policy)
        socket, public = bound(0), bound(0)
        self.url = f"http://localhost:{socket.getsockname()[1]}"
        self.public_url = f"http://127.0.0.1:{public.getsockname()[1]}"
        self.door = Door(self.store, self.clock, Party("localhost", "Tallystick", (self.url,)))
        ask = self.till.wallet.next_address
        offices = Offices(ask, self.audit, self.till.signer.status, roll)
        self.app = create_app(self.store, desk, self.door, offices)
        self.public_app = create_public(self.store, desk, self.log_folder)
        new = [
            Listener("console", socket, self.app),
            Listener("public", public, self.public_app),
        ]
        for face in new:
            face.start()
        self._faces += new

    def publish(self) -> None:
        """Publish the log, as the server's own thread does."""
        open_publisher(self.store, self.log_folder.parent, self.clock).step()

    def audit(self) -> list[audit.Check]:
        with self.store.read() as tx:
            return audit.audit(tx, self.till.chain, "regtest")

    def close(self) -> None:
        for face in self._faces:
            face.stop()
        self.log_data.cleanup()

    def sign_in(self, role: people.Role = people.Role.ADMIN, name: str = "Ada Okafor") -> str:
        """Return the session cookie of a new person."""
        now = self.clock.now()
        with self.store.transact() as tx:
            invited = people.invite(tx, name, role, now, self.clock)
            person = people.spend_invite(tx, invited, now).id
            key = {"id": person, "person": person, "public_key": "", "sign_count": 0, "label": ""}
            tx.execute(PASSKEYS.insert().values(made_at=now, **key))
            return sessions.start(tx, person, person, now, self.clock)

    def client(self, role: people.Role | None = people.Role.ADMIN) -> httpx.Client:
        """Return an HTTP client, signed in unless the role is None."""
        headers = {"Origin": self.url}
        if role is not None:
            token = self.sign_in(role)
            headers["Cookie"] = f"{self.door.cookie('session')}={token}"
            headers[FORM_HEADER] = sessions.csrf_of(token)
        return httpx.Client(base_url=self.url, headers=headers, timeout=20)

    def buy(self, name: str, notes: tuple[int, ...], end: str = "", kiosk: int = 2) -> str:
        """Take a customer's purchase up to ``end``: nothing, finish, keep, refund or cancel."""
        counter = self.kiosks[kiosk]
        quote = counter.start(customer(len(self.quotes)))
        for minor in notes:
            self.clock.advance(4)
            counter.insert(quote, minor)
        if end == "finish":
            counter.finish(quote)
        elif end:
            counter.close(quote, end)
        self.quotes[name] = (counter, quote)
        self.look(name)
        self.clock.advance(61)
        return quote.purchase

    def look(self, name: str) -> wire.PurchaseView:
        """Read a purchase again, and remember it."""
        counter, quote = self.quotes[name]
        self.named[name] = counter.view(quote.purchase)
        return self.named[name]

    def work(self, chain_gone: bool = False) -> None:
        """Let the payout worker act; with the chain gone it signs and cannot know what happened."""
        till = self.till
        if chain_gone:
            till = replace(till, chain=Sightless(till.chain, open_chain(NOWHERE)))
        worker = Worker(self.store, payout.handlers(till), self.clock)
        for _ in range(4):
            worker.step()
            self.clock.advance(1)

    def report(self, kiosk: int, state: str = "idle", extra_minor: int = 0, **more: Any) -> None:
        """Have a machine say how it is, with so much more in its box than our books have."""
        machine = self.kiosks[kiosk].machine
        with self.store.read() as tx:
            held = buy.ledger.balance(tx, f"kiosk:{machine}:box")
        minor = (held.debit.minor if held else 0) + extra_minor
        told = {
            "state": state,
            "validator": "ready",
            "box_notes": minor // 1_000,
            "box_minor": minor,
            "currency": "USD",
            "software": "tallystick 0.1.0",
            "journal_seq": 12,
            "trouble": "",
        }
        with self.store.transact() as tx:
            report = wire.StatusReport(**(told | more))
            status.note_machine_status(tx, self.desk, machine, report)

    def lie(self, name: str) -> None:
        """Have the machine claim more coins than the quote gives; the claim is recorded."""
        counter, quote = self.quotes[name]
        with self.store.transact() as tx:
            buy.lie(
                tx,
                self.desk,
                counter.machine,
                quote.purchase,
                NotOurSum("the machine says (3, 9000, 99000) (notes, cash, sats); we counted less"),
            )

    def a_day(self) -> None:
        """Live through purchases in every state, some of them with trouble."""
        self.report(0)
        for number in range(3):
            self.buy(f"settled {number}", (2_000, 1_000, 500)[: number + 1], "finish", number)
        self.work()
        self.network.mine()
        self.clock.advance(600)
        self.work()
        self.buy("refunded", (2_000,), "refund")
        with self.store.transact() as tx:
            purchase = self.named["refunded"].purchase
            refund.refunded(tx, self.desk, purchase, "somebody")
        self.buy("refund due", (5_000, 2_000), "refund", 1)
        self.buy("cancelled", (), "cancel")
        self.buy("kept", (2_000, 2_000), "keep", 1)
        self.buy("sent", (5_000, 10_000), "finish")
        self.work()
        self.buy("unknown", (2_000, 2_000), "finish", 1)
        self.work(chain_gone=True)
        self.buy("paid in", (10_000, 10_000, 5_000, 1_000), "finish")
        self.buy("quoted", ())
        self.buy("accepting", (2_000, 500))
        self.lie("accepting")
        self.report(1, extra_minor=2_000)
        self.report(2, "in_use")
        for name in self.quotes:
            self.look(name)
        self.claim = self.file("settled 0")
        self.till.sync()

    def file(self, name: str) -> str:
        """File a claim for a purchase that was sent; return the claim's number."""
        today = self.clock.now().date()
        form = ClaimForm(today, today, "police", "vault:1")
        with self.store.transact() as tx:
            return claims.filed(tx, self.clock, self.named[name].reference, form, "somebody")


class Sightless:
    """A chain that the wallet knew a moment ago, and that answers no more."""

    def __init__(self, known: Any, gone: Any) -> None:
        self._known, self._gone = known, gone

    def fee_rate(self, target_blocks: int) -> int:
        return int(self._known.fee_rate(target_blocks))

    def __getattr__(self, name: str) -> Any:
        return getattr(self._gone, name)
