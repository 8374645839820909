"""An operator's shop for tests: a server in one place, telephones, and customers who walk up."""

from __future__ import annotations

import datetime as dt
import re
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from kiosk.licence_texts import licence
from tallystick.cli.sample_law import sample_points
from tallystick.core import rulebook
from tallystick.core.clock import SeededClock, new_id
from tallystick.core.money import USD
from tallystick.core.rulebook.place import Adoption
from tallystick.core.store import Store
from tallystick.core.vault import Vault
from tallystick.kiosk import buy, wire
from tallystick.kiosk.customers import identify, people
from tallystick.kiosk.customers.desk import CustomerDesk
from tallystick.kiosk.customers.policy import Policy as Asking
from tallystick.kiosk.quote import Desk, Policy, warnings
from tallystick.kiosk.rates import OfflineSource, Rates
from tallystick.kiosk.tables import WALLET

ONE, TWO = "8605550142", "8605550199"
ADDRESSES = (
    "bcrt1qw508d6qejxtdg4y5r3zarvary0c5xw7kygt080",
    "mipcBbFg9gMiCh81Kj8tqqdgoZub1ZJRfn",
)
NOW = dt.datetime(2026, 11, 25, 15, 0, tzinfo=dt.UTC)
PHONE_FIRST = Asking(phone_from_minor=0)
DOCUMENT_FIRST = Asking(phone_from_minor=0, document_from_minor=0)


def adopted(code: str) -> rulebook.Jurisdiction:
    """Return a place whose open points a sample officer settled."""
    place = rulebook.load(code)
    samples = sample_points(place, NOW.date())
    return place.adopt(
        [Adoption(code, subject, f, "officer", "sample", NOW.date()) for subject, f in samples]
    )


class Phones:
    """Remembers each text, as telephones do."""

    def __init__(self) -> None:
        self.sent: list[tuple[str, str]] = []

    def send(self, number: str, text: str) -> None:
        self.sent.append((number, text))

    @property
    def code(self) -> str:
        found = re.search(r"\d{6}", self.sent[-1][1])
        assert found
        return found.group()


class Shop:
    """An operator's server in one place, with customers who walk up to its machines."""

    def __init__(
        self, store: Store, folder: Path, asking: Asking, code: str = "DEMO", seed: int = 5
    ) -> None:
        self.store, self.clock = store, SeededClock(seed, NOW)
        self.phones, self.vault = Phones(), Vault(folder / "vault", self.clock)
        key = Ed25519PrivateKey.from_private_bytes(bytes(32))
        rates = Rates(OfflineSource(), USD, self.clock)
        self.customers = CustomerDesk(self.vault, self.phones, asking)
        self.desk = Desk(self.clock, rulebook.load(code), Policy(), rates, key, "regtest")
        self.desk.customers = self.customers
        row = {"one": 1, "at": NOW, "confirmed_sats": 10**11, "pending_sats": 0, "height": 1}
        with store.transact() as tx:
            tx.execute(sa.insert(WALLET).values(row))

    def visit(self, machine: str = "K1") -> Visit:
        return Visit(self, machine)

    def known(self, number: str = ONE, **card: str) -> Visit:
        """Return a visit of somebody who showed a phone and a document."""
        found = self.visit()
        found.phone(number)
        found.document(**card)
        return found

    def rows(self, table: sa.Table) -> list[dict[str, Any]]:
        with self.store.read() as tx:
            return [dict(row) for row in tx.execute(sa.select(table)).mappings()]


class Visit:
    """One purchase at one machine; each call is one step of the server."""

    def __init__(self, shop: Shop, machine: str) -> None:
        self.shop, self.machine, self.id = shop, machine, new_id(shop.clock)
        self.seq, self.quote = 0, ""

    def do(self, step: Any, ask_: Any) -> wire.Identity:
        with self.shop.store.transact() as tx:
            return step(tx, self.shop.desk, self.machine, self.id, ask_)

    def text(self, number: str = ONE) -> str:
        return self.do(identify.send_code, wire.PhoneAsk(phone=number)).said

    def code(self, code: str, number: str = ONE) -> str:
        return self.do(identify.confirm, wire.CodeAsk(phone=number, code=code)).said

    def phone(self, number: str = ONE) -> None:
        assert self.text(number) == "sent"
        assert self.code(self.shop.phones.code, number) == ""

    def document(self, **card: str) -> str:
        return self.do(identify.show_document, wire.DocumentAsk(text=licence(**card))).said

    def source(self, source: str = "wages") -> str:
        return self.do(identify.say_source, wire.SourceAsk(source=source)).said

    def start(self, address: str = ADDRESSES[0]) -> wire.Quote:
        seen = [w.id for w in warnings(self.shop.desk)]
        request = wire.QuoteRequest(
            purchase=self.id, address=address, language="en", acknowledged=seen
        )
        with self.shop.store.transact() as tx:
            quote = buy.start(tx, self.shop.desk, self.machine, request)
        self.quote = quote.digest
        return quote

    def note(self, minor: int = 10_000) -> wire.NoteAnswer:
        """Put a note in: ask, and stack it if permitted."""
        self.seq += 1
        told = {"note": new_id(self.shop.clock), "seq": self.seq, "minor": minor}
        told |= {"currency": "USD"}
        asked = wire.NoteAsk(**told, quote=self.quote)
        with self.shop.store.transact() as tx:
            answer = buy.ask_note(tx, self.shop.desk, self.machine, self.id, asked)
        if answer.answer == "permit":
            with self.shop.store.transact() as tx:
                report = wire.NoteStacked(**told, recovered=False)
                buy.stacked(tx, self.shop.desk, self.machine, self.id, report)
        return answer

    def finish(self) -> wire.PurchaseView:
        now = self.view()
        told = {"notes": now.notes, "cash_minor": now.cash_minor, "sats": now.sats}
        request = wire.FinishRequest(quote=self.quote, **told)
        with self.shop.store.transact() as tx:
            return buy.finish(tx, self.shop.desk, self.machine, self.id, request)

    def close(self, how: str = "refund") -> wire.PurchaseView:
        request = wire.CloseRequest(how=how, reason="customer")
        with self.shop.store.transact() as tx:
            return buy.close(tx, self.shop.desk, self.machine, self.id, request)

    def view(self) -> wire.PurchaseView:
        with self.shop.store.read() as tx:
            return buy.view(tx, self.shop.desk, buy.find(tx, self.machine, self.id))

    def fill(self, times: int) -> list[str]:
        return [self.note().answer for _ in range(times)]

    @property
    def customer(self) -> str:
        with self.shop.store.read() as tx:
            found = people.buyer(tx, self.id)
        return found.customer if found else ""
