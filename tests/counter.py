"""A machine's side of purchases, without the machine: says what an edge process would say."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from network import Network
from tallystick.core import rulebook
from tallystick.core.clock import SeededClock, new_id
from tallystick.core.effects import Worker
from tallystick.core.money import USD
from tallystick.core.store import Store, Tx
from tallystick.kiosk import buy, payout, wire
from tallystick.kiosk.quote import Desk, Policy
from tallystick.kiosk.rates import OfflineSource, Rates

Said = Callable[[Tx], Any]


class Counter:
    """One machine at the server's counter."""

    def __init__(
        self, store: Store, clock: SeededClock, network: Network, machine: str = "K1"
    ) -> None:
        self.store, self.clock, self.network, self.machine = store, clock, network, machine
        self.source = OfflineSource()
        key = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
        rates = Rates(self.source, USD, clock)
        place = rulebook.load("DEMO")
        self.desk = Desk(clock, place, Policy(), rates, key, "regtest")
        self.till = payout.Till(
            store,
            self.desk,
            network.chain(),
            network.wallet,
            network.signer,
            threading.RLock(),
        )
        self.worker = Worker(store, payout.handlers(self.till), clock)
        self.said: list[Said] = []
        self.seq: dict[str, int] = {}

    def at(self, machine: str) -> Counter:
        return Counter(self.store, self.clock, self.network, machine)

    def _say(self, call: Said) -> Any:
        lie: buy.Lie | None = None
        with self.store.transact() as tx:
            try:
                found = call(tx)
            except buy.Lie as told:
                lie = told
        if lie is not None:
            raise lie
        self.said.append(call)
        return found

    def say_again(self) -> None:
        for call in list(self.said):
            with self.store.transact() as tx:
                call(tx)

    def start(
        self, address: str, purchase: str = "", acknowledged: list[str] | None = None
    ) -> wire.Quote:
        request = wire.QuoteRequest(
            purchase=purchase or new_id(self.clock),
            address=address,
            language="en",
            acknowledged=["DEMO/warning"] if acknowledged is None else acknowledged,
        )
        return self._say(lambda tx: buy.start(tx, self.desk, self.machine, request))

    def renew(self, purchase: str) -> wire.Quote:
        return self._say(lambda tx: buy.renew(tx, self.desk, self.machine, purchase))

    def ask(self, quote: wire.Quote, minor: int) -> str:
        note, seq = new_id(self.clock), self.seq.get(quote.purchase, 0) + 1
        self.seq[quote.purchase] = seq
        ask = wire.NoteAsk(note=note, seq=seq, minor=minor, currency="USD", quote=quote.digest)
        self.last = self._say(
            lambda tx: buy.ask_note(tx, self.desk, self.machine, quote.purchase, ask)
        )
        return note

    def stack(self, quote: wire.Quote, note: str, minor: int, recovered: bool = False) -> None:
        report = wire.NoteStacked(
            note=note,
            seq=self.seq[quote.purchase],
            minor=minor,
            currency="USD",
            recovered=recovered,
        )
        self._say(lambda tx: buy.stacked(tx, self.desk, self.machine, quote.purchase, report))

    def insert(self, quote: wire.Quote, minor: int) -> str:
        note = self.ask(quote, minor)
        if self.last.answer == "permit":
            self.stack(quote, note, minor)
        return self.last.why

    def finish(self, quote: wire.Quote, /, **change: Any) -> wire.PurchaseView:
        now = self.view(quote.purchase)
        told = {
            "quote": quote.digest,
            "notes": now.notes,
            "cash_minor": now.cash_minor,
            "sats": now.sats,
        } | change
        request = wire.FinishRequest(**told)
        return self._say(
            lambda tx: buy.finish(tx, self.desk, self.machine, quote.purchase, request)
        )

    def close(self, quote: wire.Quote, how: str) -> wire.PurchaseView:
        request = wire.CloseRequest(how=how, reason="customer")
        return self._say(lambda tx: buy.close(tx, self.desk, self.machine, quote.purchase, request))

    def view(self, purchase: str) -> wire.PurchaseView:
        with self.store.read() as tx:
            return buy.view(tx, self.desk, buy.find(tx, self.machine, purchase))

    def lie(self, quote: wire.Quote, what: str, change: dict[str, Any]) -> None:
        """Say something false; keep what the server records of it, as a face would."""
        if what == "finish":
            self.finish(quote, **change)
        elif what == "ask":
            self._lie_ask(quote, change)
        else:
            self._lie_stack(quote, change)

    def _lie_ask(self, quote: wire.Quote, change: dict[str, Any]) -> None:
        told = {
            "note": new_id(self.clock),
            "seq": 2,
            "minor": 1_000,
            "currency": "USD",
            "quote": quote.digest,
        } | change
        ask = wire.NoteAsk(**told)
        self._say(lambda tx: buy.ask_note(tx, self.desk, self.machine, quote.purchase, ask))

    def _lie_stack(self, quote: wire.Quote, change: dict[str, Any]) -> None:
        note = self.ask(quote, 1_000)
        told = {"note": note, "seq": 2, "minor": 1_000, "currency": "USD", "recovered": False}
        report = wire.NoteStacked(**(told | change))
        self._say(lambda tx: buy.stacked(tx, self.desk, self.machine, quote.purchase, report))

    def step_once(self) -> None:
        self.worker.step()

    def work(self) -> None:
        for _ in range(6):
            self.worker.step()
            self.clock.advance(2)
