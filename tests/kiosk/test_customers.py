"""Who the customer is: one person over phones and machines, and their data in the vault alone."""

from __future__ import annotations

import datetime as dt
import logging
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

import databases
from kiosk.shop import ADDRESSES, DOCUMENT_FIRST, NOW, ONE, TWO, Shop, adopted
from tallystick.core import journal, rulebook
from tallystick.core.store import METADATA, Store
from tallystick.kiosk import buy, wire
from tallystick.kiosk.customers import ask, identify, keeping, rights
from tallystick.kiosk.customers.desk import Identified
from tallystick.kiosk.customers.errors import (
    CustomerBarred,
    CustomerUnknown,
    IdentityNeeded,
    MergeRefused,
    PolicyUnreadable,
)
from tallystick.kiosk.customers.policy import Policy as Asking
from tallystick.kiosk.customers.policy import read as read_policy
from tallystick.kiosk.customers.tables import BUYERS, CODES, CUSTOMERS, LINKS
from tallystick.kiosk.errors import PurchaseUnknown
from tallystick.kiosk.quote import offer
from tallystick.kiosk.scams import guard


@pytest.fixture
def lite(tmp_path: Path) -> Iterator[Store]:
    store = databases.opened(f"sqlite:///{tmp_path}/s.sqlite")
    yield store
    store.close()


@pytest.fixture
def shop(lite: Store, tmp_path: Path) -> Shop:
    return Shop(lite, tmp_path, DOCUMENT_FIRST)


def test_nothing_is_asked_where_neither_law_nor_policy_asks(lite: Store, tmp_path: Path) -> None:
    shop = Shop(lite, tmp_path, Asking())
    with lite.read() as tx:
        assert offer(shop.desk, tx, "K1", "").identify == []
    visit = shop.visit()
    visit.start()
    assert visit.fill(2) == ["permit", "permit"]
    assert shop.rows(BUYERS) == shop.rows(CUSTOMERS) == []


def test_two_phones_one_person_two_machines_pass_no_limit(store: Store, tmp_path: Path) -> None:
    """$1,000 a day: $600 with one number, and with another number and address only $400 more."""
    shop = Shop(store, tmp_path, DOCUMENT_FIRST)
    first, second = shop.visit("K1"), shop.visit("K2")
    first.phone(ONE)
    assert first.document() == ""
    first.start(ADDRESSES[0])
    assert first.fill(6) == ["permit"] * 6
    second.phone(TWO)
    assert second.document() == ""
    assert second.start(ADDRESSES[1]).left_minor == 40_000
    assert second.customer == first.customer
    assert second.fill(5) == ["permit"] * 4 + ["refuse"]
    last = second.note()
    assert last.why == "limit"
    assert last.because[0].id == "DEMO/daily-limit"
    assert first.note().answer == "refuse"
    with store.read() as tx:
        assert journal.verify(tx)


def test_at_once_on_many_machines_one_person_stops_at_the_limit(
    store: Store, tmp_path: Path
) -> None:
    shop = Shop(store, tmp_path, DOCUMENT_FIRST)
    visits = [shop.visit(f"K{n}") for n in range(4)]
    for n, visit in enumerate(visits):
        visit.phone(f"86055501{n}0")
        visit.document()
        visit.start(ADDRESSES[n % 2])
    with ThreadPoolExecutor(4) as pool:
        answers = [one for found in pool.map(lambda v: v.fill(4), visits) for one in found]
    assert answers.count("permit") == 10


def test_another_card_of_the_same_person_is_the_same_person(shop: Shop) -> None:
    first = shop.known(ONE)
    other = shop.known(TWO, DAQ="ID-77", kind="ID", DAD="M")
    assert other.customer == first.customer
    stranger = shop.known("8605550111", DAQ="X99", DAC="JOHN")
    assert stranger.customer != first.customer


def test_a_borrowed_phone_does_not_make_its_owner_pay(shop: Shop) -> None:
    owner = shop.known(ONE)
    borrower = shop.known(ONE, DAQ="X99", DAC="JOHN")
    assert borrower.customer != owner.customer
    with shop.store.read() as tx:
        row = {"id": borrower.id, "machine": "K1", "address": ADDRESSES[0]}
        theirs = guard.who(tx, shop.desk, row)
        owners = guard.who(tx, shop.desk, {**row, "id": owner.id})
    assert theirs.phone == owners.phone != ""
    assert theirs.person != owners.person
    assert ONE not in repr(theirs)


def test_a_phone_whose_owner_showed_no_document_is_the_document_holders(shop: Shop) -> None:
    before = shop.visit()
    before.phone(TWO)
    known = shop.known(ONE)
    later = shop.visit()
    later.phone(TWO)
    later.document()
    assert later.customer == before.customer == known.customer


def test_what_is_asked_before_cash_is_asked_before_the_quote(shop: Shop) -> None:
    visit = shop.visit()
    with pytest.raises(IdentityNeeded, match="phone"):
        visit.start()
    visit.phone()
    with pytest.raises(IdentityNeeded, match="document"):
        visit.start()
    visit.document()
    assert visit.start()
    again = shop.visit()
    with pytest.raises(IdentityNeeded):
        again.start()  # each visit shows it again: a purchase is not identified by another


def test_a_visit_at_another_machine_is_not_this_one(shop: Shop) -> None:
    visit = shop.known()
    visit.machine = "K2"
    with pytest.raises(PurchaseUnknown):
        visit.text()
    with pytest.raises(PurchaseUnknown):
        visit.start()


def test_more_cash_than_the_threshold_waits_for_a_document(lite: Store, tmp_path: Path) -> None:
    shop = Shop(lite, tmp_path, Asking(document_from_minor=30_000))
    visit = shop.visit()
    assert visit.start().left_minor == 30_000
    assert visit.fill(3) == ["permit"] * 3
    stopped = visit.note(100)
    assert (stopped.answer, stopped.why, stopped.left_minor) == ("refuse", "identify", 0)
    assert stopped.because[0].cite == "Policy of the operator"
    split = shop.visit("K2")
    assert split.start().left_minor == 0, "the same address at another machine is one sum"
    assert visit.document() == ""
    assert visit.fill(7) == ["permit"] * 7


def test_switzerland_adds_up_thirty_days(lite: Store, tmp_path: Path) -> None:
    place = rulebook.load("CH")
    (threshold,) = [
        one for one in ask.asks(place, Asking(), NOW.date()) if one.item is ask.Item.DOCUMENT
    ]
    assert (threshold.free_minor, threshold.days) == (99_999, 30)
    assert threshold.cite == "AMLO-FINMA art. 51a"


@pytest.mark.parametrize(
    ("code", "on", "items"),
    [
        ("DEMO", "2026-11-25", []),
        ("US-CT", "2026-11-25", ["document"]),
        ("US-CT", "2024-09-30", []),
        ("US-MD", "2026-11-25", ["phone", "document", "copy", "email"]),
        ("US-VA", "2027-07-01", ["document"]),
        ("AU", "2026-11-25", ["document", "source"]),
        ("EU", "2026-11-25", ["document"]),
    ],
)
def test_what_the_law_asks_before_cash(code: str, on: str, items: list[str]) -> None:
    found = ask.before_cash(rulebook.load(code), Asking(), dt.date.fromisoformat(on))
    assert [str(one.item) for one in found] == items
    assert all(one.law is not None for one in found)


def test_a_place_that_asks_what_this_server_cannot_take_is_closed(
    lite: Store, tmp_path: Path
) -> None:
    shop = Shop(lite, tmp_path, Asking(), "US-MD")
    shop.desk.customers = replace(shop.customers, texts=None)
    with lite.read() as tx:
        said = offer(shop.desk, tx, "K1", "")
    assert not said.open
    assert "cannot take: phone" in said.closed_because
    assert "12-1204" in said.closed_because
    shop.desk = replace(shop.desk, place=adopted("US-CT"), customers=None)
    with lite.read() as tx:
        assert "cannot take: document" in offer(shop.desk, tx, "K1", "").closed_because


def test_wrong_codes_lock_the_number_out_and_time_opens_it(shop: Shop) -> None:
    for _ in range(2):
        visit = shop.visit()
        assert visit.text() == "sent"
        right = shop.phones.code
        wrong = "000000" if right != "000000" else "111111"
        for _ in range(identify.CODE_TRIES_MAX):
            assert visit.code(wrong) == "wrong"
        assert visit.code(right) in ("expired", "locked"), "the code itself is spent"
    assert visit.code(right) == "locked"
    assert visit.text() == "locked"
    shop.clock.advance(identify.LOCKED_S)
    visit.phone()
    assert visit.code(shop.phones.code) == "expired", "a code is taken once"


@pytest.mark.parametrize(("after_s", "said"), [(299, ""), (300, "expired")])
def test_a_code_ends(shop: Shop, after_s: int, said: str) -> None:
    visit = shop.visit()
    visit.text()
    shop.clock.advance(after_s)
    assert visit.code(shop.phones.code) == said


def test_a_code_is_for_its_number_its_visit_and_its_newest_text(shop: Shop) -> None:
    visit, other = shop.visit(), shop.visit()
    visit.text()
    code = shop.phones.code
    assert other.code(code) == "expired"
    assert visit.code(code, TWO) == "expired"
    shop.clock.advance(1)
    visit.text()
    assert visit.code(code) == "wrong"
    assert visit.code(shop.phones.code) == ""


def test_texts_are_limited_by_number_and_by_machine(shop: Shop) -> None:
    visit = shop.visit()
    said = [visit.text() for _ in range(identify.CODES_PER_PHONE_MAX + 1)]
    assert said == ["sent"] * identify.CODES_PER_PHONE_MAX + ["too_many"]
    for n in range(identify.CODES_PER_MACHINE_MAX):
        visit.text(f"860555{n:04d}")
    assert visit.text("8605559999") == "too_many"
    assert shop.visit("K2").text("8605559999") == "sent"
    assert visit.text("123") == "bad_phone"
    shop.clock.advance(3 * 86_400)
    visit.text()
    assert len(shop.rows(CODES)) == 1, "old codes are not kept"


def test_a_document_that_is_none_late_or_of_a_child(shop: Shop) -> None:
    visit = shop.visit()
    for said, card in (
        ("out_of_date", {"DBA": "11242026"}),
        ("too_young", {"DBB": "11262008"}),
        ("unreadable", {"DBB": "13131313"}),
    ):
        assert visit.document(**card) == said
    assert shop.rows(CUSTOMERS) == [], "what was refused is not kept"
    assert visit.document(DBA="11252026", DBB="11252008") == ""


def test_where_the_money_is_from(lite: Store, tmp_path: Path) -> None:
    shop = Shop(lite, tmp_path, Asking(source_from_minor=0))
    visit = shop.visit()
    assert visit.source("the moon") == "unreadable"
    assert visit.source("wages") == ""
    assert visit.start()


SECRETS = ("SAMPLEWORTH", "JOAN", "D1234567", "0142", "8605550142", "EXAMPLE ROAD", "1955-02-11")


def test_personal_data_is_in_the_vault_and_nowhere_else(
    store: Store, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    shop = Shop(store, tmp_path, DOCUMENT_FIRST)
    visit = shop.known()
    visit.start()
    visit.note()
    with store.read() as tx:
        rows = repr([tx.execute(sa.select(table)).all() for table in METADATA.sorted_tables])
    assert visit.id in rows
    for secret in (*SECRETS, shop.phones.code):
        assert secret not in rows
        assert secret not in caplog.text
    if store.on_sqlite:
        files = b"".join(p.read_bytes() for p in tmp_path.glob("store.sqlite*"))
        assert visit.id.encode() in files
        assert not any(secret.encode() in files for secret in SECRETS)
    shown = rights.export(store, shop.desk, visit.customer, "ada", "the customer asks")
    text = repr(shown)
    for secret in SECRETS[:6]:
        assert secret in text


def test_after_export_and_erasure_the_journal_verifies_and_limits_stand(
    store: Store, tmp_path: Path
) -> None:
    shop = Shop(store, tmp_path, DOCUMENT_FIRST)
    visit = shop.known()
    visit.start()
    visit.fill(8)
    customer = visit.customer
    told = rights.export(store, shop.desk, customer, "ada", "the customer asks")
    assert told["purchases"][0]["cash_minor"] == 80_000
    done = rights.erase(store, shop.desk, customer, "ada", "the customer asks")
    assert done.done
    with store.read() as tx:
        assert journal.verify(tx)
    again = rights.export(store, shop.desk, customer, "ada", "look again")
    assert "SAMPLEWORTH" not in repr(again)
    assert again["records"] == []
    back = shop.known(TWO)
    assert back.customer == customer, "the blind link still knows the document"
    assert back.start(ADDRESSES[1]).left_minor == 20_000
    shop.clock.advance(86_400 * (shop.customers.policy.link_days + 1))
    rights.erase(store, shop.desk, customer, "ada", "the customer asks")
    shop.clock.advance(86_400 * (shop.customers.policy.link_days + 1))
    assert rights.sweep(store, shop.desk)[1] >= 1
    assert shop.rows(LINKS) == []


def test_the_law_keeps_records_for_its_years(lite: Store, tmp_path: Path) -> None:
    shop = Shop(lite, tmp_path, DOCUMENT_FIRST, "US-CT")
    visit = shop.known()
    until = keeping.retention(shop.desk.place, NOW.date())
    assert until is not None
    assert until[0] == NOW.date() + dt.timedelta(days=5 * 366)
    done = rights.erase(lite, shop.desk, visit.customer, "ada", "asked")
    assert not done.done
    assert {one.kind for one in done.kept} == {"phone", "document"}
    shop.clock.advance(86_400)
    again = shop.known()
    held = rights.held(lite, shop.desk, again.customer)
    assert {one.keep_until for one in held} == {until[0] + dt.timedelta(days=1)}
    assert len(held) == 2, "a number and a card known already are not kept twice"


class Suspicious:
    """A screening that finds everybody called JOHN."""

    def __init__(self) -> None:
        self.seen: list[Identified] = []

    def identified(self, tx: Any, person: Identified) -> None:
        self.seen.append(person)

    def barred(self, tx: Any, customer: str) -> bool:
        return any(p.customer == customer and p.given.startswith("JOHN") for p in self.seen)


def test_a_person_with_a_hit_buys_nothing_and_is_not_told_why(shop: Shop) -> None:
    screening = Suspicious()
    shop.desk.customers = replace(shop.customers, screening=screening)
    shop.known().start()
    hit = shop.known(TWO, DAQ="X99", DAC="JOHN")
    with pytest.raises(CustomerBarred) as refused:
        hit.start()
    assert refused.value.say == "kiosk.call_us"
    assert [(p.family, p.country) for p in screening.seen] == [("SAMPLEWORTH", "USA")] * 2


def test_merging_by_an_operator(shop: Shop) -> None:
    one, two = shop.visit(), shop.visit("K2")
    one.phone(ONE)
    two.phone(TWO)
    rights.merge(shop.store, shop.desk, one.customer, two.customer, "ada")
    assert one.customer == two.customer
    with pytest.raises(MergeRefused):
        rights.merge(shop.store, shop.desk, one.customer, two.customer, "ada")
    with pytest.raises(CustomerUnknown):
        rights.merge(shop.store, shop.desk, one.customer, "nobody", "ada")
    told = rights.export(shop.store, shop.desk, one.customer, "ada", "both numbers")
    assert {one["content"]["number"] for one in told["records"]} == {"+18605550142", "+18605550199"}


def test_the_number_to_call_back_was_enrolled_before_the_flag(shop: Shop) -> None:
    first = shop.known(ONE)
    first.start()
    shop.clock.advance(3600)
    visit = shop.known(ONE)
    visit.start()
    with shop.store.transact() as tx:
        row = buy.find(tx, "K1", visit.id)
        guard.care(tx, shop.desk, row, wire.CareAsk())
    shop.clock.advance(60)
    assert rights.call_back(shop.store, shop.desk, visit.id, "ada", "a hold") == "+18605550142"
    late = shop.visit()
    late.phone(TWO)
    late.document(DAQ="X99", DAC="JOHN")
    late.start()
    shop.clock.advance(1)
    with shop.store.transact() as tx:
        row = buy.find(tx, "K1", late.id)
        guard.care(tx, shop.desk, row, wire.CareAsk())
    assert rights.call_back(shop.store, shop.desk, late.id, "ada", "a hold") == ""


def test_what_the_operator_asks_is_read_strictly() -> None:
    assert read_policy(["phone=0", "document=300000"]) == Asking(0, 300_000)
    for wrong in ("phone", "phone=", "phone=-1", "face=0", "phone=1.5", "phone=" + "9" * 13):
        with pytest.raises(PolicyUnreadable):
            read_policy([wrong])
