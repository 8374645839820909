"""Nothing goes to a listed address, from any machine, at any step; what is called off is owed."""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Iterator
from pathlib import Path

import pytest

from counter import Counter
from network import Network
from tallystick.core import journal, ledger, rulebook
from tallystick.core.clock import SeededClock
from tallystick.core.effects import Worker
from tallystick.core.store import Store
from tallystick.kiosk import blocked, buy, payout, refund
from tallystick.kiosk.audit import audit
from tallystick.kiosk.blocked import ListUnreadable
from tallystick.kiosk.errors import AddressBlocked, WrongState
from tallystick.kiosk.quote import warnings
from tallystick.kiosk.screening import lists

ADDRESS = "bcrt1qw508d6qejxtdg4y5r3zarvary0c5xw7kygt080"
LEGACY = "mipcBbFg9gMiCh81Kj8tqqdgoZub1ZJRfn"
SDN = """<?xml version="1.0" standalone="yes"?>
<sdnList xmlns="https://sanctionslistservice.ofac.treas.gov/api/PublicationPreview/exports/XML">
<sdnEntry><uid>31700</uid><lastName>SAMPLE</lastName><idList>
<id><uid>1</uid><idType>Digital Currency Address - XBT</idType><idNumber>{xbt}</idNumber></id>
<id><uid>2</uid><idType>Digital Currency Address - ETH</idType><idNumber>0xabc</idNumber></id>
<id><uid>3</uid><idType>Passport</idType><idNumber>A1</idNumber></id></idList></sdnEntry></sdnList>
"""


@pytest.fixture(scope="module")
def network(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Network]:
    made = Network(tmp_path_factory.mktemp("n"))
    made.fund()
    yield made
    made.stop()


@pytest.fixture
def counter(store: Store, clock: SeededClock, network: Network) -> Counter:
    made = Counter(store, clock, network)
    made.till.sync()
    return made


def put(counter: Counter, address: str, name: str = "own") -> None:
    with counter.store.transact() as tx:
        blocked.block(tx, counter.clock, address, name, "victim's claim 12", "Ada Okafor")


def test_a_listed_address_begins_nothing_on_any_machine(counter: Counter) -> None:
    put(counter, ADDRESS.upper())
    for machine in ("K1", "K2"):
        with pytest.raises(AddressBlocked):
            counter.at(machine).start(ADDRESS)
    counter.start(LEGACY)


def test_a_note_for_an_address_listed_meanwhile_is_refused_and_says_no_reason(
    counter: Counter,
) -> None:
    quote = counter.start(ADDRESS)
    assert counter.insert(quote, 2_000) == "ok"
    put(counter, ADDRESS)
    assert counter.insert(quote, 2_000) == "held"
    assert counter.last.because == []


def test_a_payout_to_an_address_listed_meanwhile_waits_for_a_person(counter: Counter) -> None:
    other = counter.at("K2")
    listed, free = counter.start(ADDRESS), other.start(LEGACY)
    for one, quote in ((counter, listed), (other, free)):
        one.insert(quote, 2_000)
        one.insert(quote, 2_000)
        one.finish(quote)
    put(counter, ADDRESS)
    for _ in range(4):
        counter.worker.step()
        counter.clock.advance(60)
    assert counter.view(listed.purchase).state == "paid_in"
    assert other.view(free.purchase).state in ("signed", "sent")
    with counter.store.transact() as tx:
        refund.call_off(tx, counter.desk, listed.purchase, "Ada Okafor", "listed")
    counter.worker.step()
    assert counter.view(listed.purchase).state == "refund_due"
    holds(counter)


def holds(counter: Counter) -> None:
    with counter.store.read() as tx:
        lines = audit(tx, counter.till.chain, "regtest")
        assert [f"{line.name}: {line.said}" for line in lines if not line.ok] == []


def balance(counter: Counter, name: str) -> int:
    with counter.store.read() as tx:
        found = [held.debit.minor for held in ledger.balances(tx) if held.name == name]
    return sum(found)


def test_calling_off_owes_all_the_cash_and_no_coin(counter: Counter) -> None:
    quote = counter.start(ADDRESS)
    counter.insert(quote, 10_000)
    counter.finish(quote)
    with counter.store.transact() as tx:
        refund.call_off(tx, counter.desk, quote.purchase, "Ada Okafor", "the customer asked")
    for _ in range(3):
        counter.worker.step()
        counter.clock.advance(60)
    assert counter.view(quote.purchase).state == "refund_due"
    assert balance(counter, buy.CUSTOMERS_REFUNDS) == -10_000
    assert balance(counter, buy.CUSTOMERS_OWED) == balance(counter, "income:fees") == 0
    holds(counter)
    with counter.store.transact() as tx:
        refund.refunded(tx, counter.desk, quote.purchase, "Ada Okafor")
    assert balance(counter, buy.CUSTOMERS_REFUNDS) == 0
    holds(counter)


def test_what_is_signed_cannot_be_called_off(counter: Counter) -> None:
    quote = counter.start(ADDRESS)
    counter.insert(quote, 10_000)
    counter.finish(quote)
    counter.worker.step()
    with pytest.raises(WrongState, match="cannot"), counter.store.transact() as tx:
        refund.call_off(tx, counter.desk, quote.purchase, "Ada Okafor", "too late")


def test_entries_end_and_are_lifted_and_each_change_is_in_the_journal(
    store: Store, clock: SeededClock
) -> None:
    with store.transact() as tx:
        blocked.block(tx, clock, ADDRESS, "shared", "reported twice", "Ada Okafor", 30)
        blocked.block(tx, clock, ADDRESS, "shared", "reported twice", "Ada Okafor", 30)
        blocked.block(tx, clock, LEGACY, "own", "claim", "Ada Okafor")
        assert journal.head(tx)[0] == 2
        assert blocked.reason(tx, ADDRESS, clock.now()).startswith("shared")
        assert blocked.lift(tx, clock, LEGACY, "own", "Eve Example") == 1
        assert blocked.reason(tx, LEGACY, clock.now()) == ""
        assert journal.verify(tx) == 3
    clock.advance(31 * 86_400)
    with store.read() as tx:
        assert blocked.reason(tx, ADDRESS, clock.now()) == ""


@pytest.mark.parametrize(
    ("address", "name", "why", "days"),
    [
        (ADDRESS, "shared", "x", None),
        (ADDRESS, "shared", "x", 366),
        (ADDRESS, "theirs", "x", None),
        (ADDRESS, "own", " ", None),
        (ADDRESS, "own", "x" * 501, None),
        ("short", "own", "x", None),
        ("x" * 121, "own", "x", None),
    ],
)
def test_a_bad_entry_is_refused(
    store: Store, clock: SeededClock, address: str, name: str, why: str, days: int | None
) -> None:
    with pytest.raises(ListUnreadable), store.transact() as tx:
        blocked.block(tx, clock, address, name, why, "Ada Okafor", days)
    with store.read() as tx:
        assert blocked.entries(tx, clock.now()) == []


def test_the_published_list_is_taken_whole(
    store: Store, clock: SeededClock, tmp_path: Path
) -> None:
    path = tmp_path / "SDN.XML"
    path.write_text(SDN.format(xbt=ADDRESS))
    with store.transact() as tx:
        assert lists.take_in_wallets(tx, clock, path) == (1, 0)
        assert lists.take_in_wallets(tx, clock, path) == (0, 0)
        assert "31700" in blocked.reason(tx, ADDRESS, clock.now())
    path.write_text(SDN.format(xbt=LEGACY))
    with store.transact() as tx:
        assert lists.take_in_wallets(tx, clock, path) == (1, 1)
        assert blocked.reason(tx, ADDRESS, clock.now()) == ""


@pytest.mark.parametrize(
    "body",
    [
        "",
        "<sdnList>",
        "<html/>",
        '<!DOCTYPE x [<!ENTITY a "b">]><sdnList/>',
        SDN.replace("{xbt}", "x"),
    ],
)
def test_a_list_that_is_none_changes_nothing(
    store: Store, clock: SeededClock, tmp_path: Path, body: str
) -> None:
    path = tmp_path / "SDN.XML"
    path.write_text(body)
    with store.transact() as tx:
        blocked.block(tx, clock, ADDRESS, "ofac", "SDN entry 1", "published list")
    with pytest.raises(ListUnreadable), store.transact() as tx:
        lists.take_in_wallets(tx, clock, path)
    with store.read() as tx:
        assert [row["address"] for row in blocked.entries(tx, clock.now())] == [ADDRESS]


HOLD_S = 72 * 3_600


def in_louisiana(counter: Counter) -> Counter:
    counter.desk = dataclasses.replace(counter.desk, place=rulebook.load("US-LA"))
    counter.till = dataclasses.replace(counter.till, desk=counter.desk)
    counter.worker = Worker(counter.store, payout.handlers(counter.till), counter.clock)
    return counter


def bought(counter: Counter) -> str:
    seen = [one.id for one in warnings(counter.desk)]
    quote = counter.start(ADDRESS, acknowledged=seen)
    counter.insert(quote, 10_000)
    counter.finish(quote)
    return quote.purchase


def test_where_the_law_holds_nothing_is_signed_before_the_hour(counter: Counter) -> None:
    purchase = bought(in_louisiana(counter))
    until = counter.clock.now() + dt.timedelta(seconds=HOLD_S)
    assert counter.view(purchase).held_until == until
    counter.clock.advance(HOLD_S - 1)
    counter.worker.step()
    assert counter.view(purchase).state == "paid_in"
    counter.clock.advance(1)
    counter.worker.step()
    assert counter.view(purchase).state in ("signed", "sent")
    assert counter.view(purchase).held_until is None
    holds(counter)


def test_what_is_held_can_be_called_off_until_then_and_is_never_sent(counter: Counter) -> None:
    purchase = bought(in_louisiana(counter))
    counter.clock.advance(HOLD_S - 1)
    with counter.store.transact() as tx:
        refund.call_off(tx, counter.desk, purchase, "Ada Okafor", "the customer asked")
    counter.clock.advance(2)
    counter.worker.step()
    assert counter.view(purchase).state == "refund_due"
    assert balance(counter, buy.CUSTOMERS_REFUNDS) == -10_000
    holds(counter)


def test_a_hold_stands_though_the_limit_was_passed_meanwhile(counter: Counter) -> None:
    seen = [one.id for one in warnings(in_louisiana(counter).desk)]
    quote = counter.start(ADDRESS, acknowledged=seen)
    counter.insert(quote, 10_000)
    place = counter.desk.place
    lower = tuple(
        dataclasses.replace(p, figures={"minor": 1}) if p.kind == "daily-limit" else p
        for p in place.provisions
    )
    stricter = dataclasses.replace(place, provisions=lower)
    counter.desk = dataclasses.replace(counter.desk, place=stricter)
    counter.finish(quote)
    assert counter.view(quote.purchase).held_until is not None
