"""A listed person at a real counter: nothing is sold, no reason told, until two people decide."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from queue_scene import entry

import databases
from kiosk.shop import DOCUMENT_FIRST, ONE, TWO, Shop
from tallystick.core.effects import Worker
from tallystick.core.identity import grants, people
from tallystick.core.store import Store
from tallystick.kiosk.customers.errors import CustomerBarred
from tallystick.kiosk.reports import cash
from tallystick.kiosk.screening import hits, lists, policy, screen
from tallystick.kiosk.screening.desk import Documented, Screens
from tallystick.kiosk.screening.entry import Entry, Published
from tallystick.kiosk.screening.lists import Lists
from tallystick.kiosk.screening.model import ROLE


class Counter:
    """A shop whose customers are screened."""

    def __init__(self, store: Store, folder: Path) -> None:
        self.shop, self.store, self.policy = (
            Shop(store, folder, DOCUMENT_FIRST),
            store,
            policy.load(),
        )
        self.clock = self.shop.clock
        self.screening = screen.Screening(self.clock, Lists(self.policy))
        screens = Screens(self.screening)
        self.shop.desk.customers = replace(self.shop.customers, screening=screens)
        self.roll = Documented(self.shop.customers.vault)
        handler = screen.Rescreening(store, self.screening, self.roll)
        self.worker = Worker(store, [handler], self.clock)

    def take_in(self, *entries: Entry) -> None:
        with self.store.transact() as tx:
            found = Published("ofac", "made", None, "0" * 64, tuple(entries))
            screen.rescreen(tx, self.clock, lists.take_in(tx, self.clock, found, "Ada"))
        self.clock.advance(1)

    def officer(self, name: str) -> str:
        with self.store.transact() as tx:
            now = self.clock.now()
            token = people.invite(tx, name, people.Role.OFFICIAL, now, self.clock)
            made = people.spend_invite(tx, token, now).id
            grants.grant(tx, self.clock, made, ROLE)
        return made


@pytest.fixture
def counter(tmp_path: Path) -> Iterator[Counter]:
    store = databases.opened(f"sqlite:///{tmp_path}/s.sqlite")
    yield Counter(store, tmp_path)
    store.close()


NOBODY = entry("2", "Nobody Whatever")


def test_without_a_list_whoever_shows_a_document_is_sold_nothing(counter: Counter) -> None:
    with pytest.raises(CustomerBarred):
        counter.shop.known(ONE).start()
    counter.take_in(NOBODY)
    counter.worker.step()
    counter.shop.known(ONE).start()


def test_a_listed_person_buys_nothing_until_two_people_clear_them(counter: Counter) -> None:
    counter.take_in(NOBODY, entry("1", "Borys Sampleworth", None))
    shop = counter.shop
    shop.known(ONE).start()
    held = shop.known(TWO, DAQ="X99", DAC="BORIS")
    with pytest.raises(CustomerBarred) as refused:
        held.start()
    assert refused.value.say == "kiosk.call_us"
    assert not any(word in str(refused.value).lower() for word in ("sanction", "list", "ofac"))
    ada, eve = counter.officer("Ada Okafor"), counter.officer("Eve Example")
    with counter.store.transact() as tx:
        (hit,) = hits.standing(tx, held.customer).holding
        hits.propose(tx, counter.clock, counter.policy, hit, "another-document", "vault 7", ada)
    with pytest.raises(CustomerBarred):
        held.start()
    with counter.store.transact() as tx:
        hits.approve(tx, counter.clock, hit, eve)
    held.start()


def test_who_is_listed_later_is_stopped_and_their_name_was_read_on_record(
    counter: Counter,
) -> None:
    counter.take_in(NOBODY)
    held = counter.shop.known(TWO, DAQ="X99", DAC="BORIS")
    held.start()
    counter.take_in(NOBODY, entry("1", "Borys Sampleworth", None))
    while counter.worker.step():
        pass
    with pytest.raises(CustomerBarred):
        counter.shop.known(TWO, DAQ="X99", DAC="BORIS").start()
    subject = counter.roll.subject(counter.store, held.customer, "ada", "a look")
    assert subject is not None and subject.names[0].startswith("BORIS")


def test_a_customers_cash_is_summed_by_person_over_phones(counter: Counter) -> None:
    counter.take_in(NOBODY)
    first, second = counter.shop.known(ONE), counter.shop.known(TWO)
    first.start()
    with counter.store.read() as tx:
        known = cash.persons_of(tx)
    assert set(known.values()) == {first.customer} == {second.customer}
