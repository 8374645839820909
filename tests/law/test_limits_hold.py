"""No interleaving of one person's notes on many machines ever passes a limit of the law."""

from __future__ import annotations

import datetime as dt
import itertools
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
import sqlalchemy as sa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import databases
from tallystick.core import rulebook
from tallystick.core.clock import Clock, SeededClock, new_id
from tallystick.core.money import USD
from tallystick.core.store import Store
from tallystick.kiosk import buy, wire
from tallystick.kiosk.quote import COUNTED, Desk, Policy, warnings
from tallystick.kiosk.rates import OfflineSource, Rates
from tallystick.kiosk.tables import NOTES, WALLET

ADDRESS = "bcrt1qw508d6qejxtdg4y5r3zarvary0c5xw7kygt080"
NOTE_VALUES = [10_000, 10_000, 10_000, 5_000, 100]
LIMITS = {"US-CA": 100_000, "US-CO": 200_000}
KEY = Ed25519PrivateKey.from_private_bytes(bytes(32))


def desk_of(code: str, clock: Clock) -> Desk:
    rates = Rates(OfflineSource(), USD, clock)
    return Desk(clock, rulebook.load(code), Policy(), rates, KEY, "regtest")


def fill(store: Store, clock: Clock) -> None:
    row = {"one": 1, "at": clock.now(), "confirmed_sats": 10**11, "pending_sats": 0, "height": 1}
    with store.transact() as tx:
        tx.execute(sa.insert(WALLET).values(row))


class Machine:
    """One kiosk at which the person stands; each call is one step of the server."""

    def __init__(self, name: str, store: Store, desk: Desk) -> None:
        self.name, self.store, self.desk = name, store, desk
        self.purchase, self.quote, self.seq = new_id(desk.clock), "", 0
        self.permitted: list[tuple[str, int, int]] = []

    def start(self) -> None:
        seen = [w.id for w in warnings(self.desk)]
        request = wire.QuoteRequest(
            purchase=self.purchase, address=ADDRESS, language="en", acknowledged=seen
        )
        with self.store.transact() as tx:
            self.quote = buy.start(tx, self.desk, self.name, request).digest

    def ask(self, minor: int) -> str:
        self.seq += 1
        note = new_id(self.desk.clock)
        ask = wire.NoteAsk(note=note, seq=self.seq, minor=minor, currency="USD", quote=self.quote)
        with self.store.transact() as tx:
            answer = buy.ask_note(tx, self.desk, self.name, self.purchase, ask)
        if answer.answer == "permit":
            self.permitted.append((note, self.seq, minor))
        return answer.answer

    def end(self, stack: bool) -> None:
        if not self.permitted:
            return
        note, seq, minor = self.permitted.pop()
        with self.store.transact() as tx:
            if stack:
                told = wire.NoteStacked(
                    note=note, seq=seq, minor=minor, currency="USD", recovered=False
                )
                buy.stacked(tx, self.desk, self.name, self.purchase, told)
            else:
                back = wire.NoteReturned(note=note, seq=seq, reason="customer")
                buy.returned(tx, self.desk, self.name, self.purchase, back)


def by_day(store: Store, zone: str) -> dict[dt.date, int]:
    """Return what was permitted or stacked on each day by the kiosk's own calendar."""
    query = sa.select(NOTES.c.asked_at, NOTES.c.minor).where(NOTES.c.state.in_(COUNTED))
    with store.read() as tx:
        rows = sorted(tx.execute(query), key=lambda row: row.asked_at)
    days = itertools.groupby(rows, lambda row: row.asked_at.astimezone(ZoneInfo(zone)).date())
    return {day: sum(row.minor for row in group) for day, group in days}


steps = st.lists(
    st.tuples(
        st.integers(0, 2),
        st.sampled_from(["ask", "ask", "ask", "ask", "stack", "stack", "stack", "return", "later"]),
        st.sampled_from(NOTE_VALUES),
        st.integers(0, 60),
    ),
    min_size=30,
    max_size=80,
)


@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.sampled_from(["US-CA", "US-CO"]), steps)
def test_no_order_of_steps_passes_the_limit_of_a_day(
    code: str, plan: list[tuple[int, str, int, int]]
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        clock = SeededClock(3, dt.datetime(2026, 11, 25, 7, 50, tzinfo=dt.UTC))
        store = databases.opened(f"sqlite:///{Path(folder)}/s.sqlite")
        fill(store, clock)
        desk = desk_of(code, clock)
        machines = [Machine(f"K{number}", store, desk) for number in range(3)]
        for one in machines:
            one.start()
        for number, act, minor, seconds in plan:
            one = machines[number]
            if act == "ask":
                one.ask(minor)
                assert max(by_day(store, desk.place.zone).values(), default=0) <= LIMITS[code]
            elif act == "later":
                clock.advance(seconds)
            else:
                one.end(act == "stack")
        assert max(by_day(store, desk.place.zone).values(), default=0) <= LIMITS[code]
        store.close()


@pytest.mark.parametrize("code", ["US-CA", "US-CO"])
def test_machines_at_once_use_the_limit_up_and_never_pass_it(
    store: Store, clock: SeededClock, code: str
) -> None:
    fill(store, clock)
    desk = desk_of(code, clock)
    machines = [Machine(f"K{number}", store, desk) for number in range(6)]
    for one in machines:
        one.start()

    def feed(one: Machine) -> int:
        count = 0
        for _ in range(8):
            if one.ask(10_000) == "permit":
                count += 1
                one.end(True)
        return count

    with ThreadPoolExecutor(len(machines)) as pool:
        taken = sum(pool.map(feed, machines)) * 10_000
    assert taken == LIMITS[code] == sum(by_day(store, desk.place.zone).values())
