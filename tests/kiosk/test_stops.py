"""A flagged stop lists its address on every machine at once: held, not refused, until confirmed."""

from __future__ import annotations

from pathlib import Path

import pytest
import sqlalchemy as sa

import databases
from kiosk.shop import ADDRESSES, ONE, TWO, Shop, Visit
from tallystick.core import journal
from tallystick.kiosk import blocked, buy, wire
from tallystick.kiosk.customers.policy import Policy as Asking
from tallystick.kiosk.errors import AddressBlocked
from tallystick.kiosk.model import State
from tallystick.kiosk.scams import claims, guard, lists, policy, stops
from tallystick.kiosk.scams.claim import Duty, Form
from tallystick.kiosk.tables import INCIDENTS, PURCHASES

DAYS = policy.shipped().stops.days
DAY_S = 86_400
THERE = ADDRESSES[1]


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    store = databases.opened(f"sqlite:///{tmp_path}/tallystick.sqlite")
    return Shop(store, tmp_path, Asking())


def held(shop: Shop, address: str = THERE, machine: str = "K1", number: str = "") -> Visit:
    """Return a purchase that the desk holds: 600.00 to an address never seen, on a new day."""
    shop.clock.advance(DAY_S)
    found = shop.visit(machine)
    if number:
        found.phone(number)
    found.start(address)
    assert found.fill(6) == ["permit"] * 6
    assert found.finish().waiting
    return found


def step(shop: Shop, address: str = THERE, machine: str = "K2") -> str:
    """Return what the desk does for somebody else's small purchase to the address."""
    found = shop.visit(machine)
    found.start(address)
    found.note(2_000)
    with shop.store.transact() as tx:
        row = buy.find(tx, machine, found.id)
        told = guard.care(tx, shop.desk, row, wire.CareAsk()).step
    return told


def listed(shop: Shop, address: str = THERE) -> tuple[bool, str]:
    with shop.store.read() as tx:
        now = shop.clock.now()
        return blocked.stopped(tx, address, now), blocked.reason(tx, address, now)


def kinds(shop: Shop) -> list[str]:
    return [row["kind"] for row in shop.rows(INCIDENTS)]


def test_a_flagged_stop_holds_the_address_on_every_machine_and_ends_by_itself(shop: Shop) -> None:
    before = step(shop)
    held(shop).close()
    assert listed(shop) == (True, "")
    assert before == "warning" and step(shop) == "hold"
    with shop.store.read() as tx:
        (entry,) = blocked.entries(tx, shop.clock.now())
        assert (entry["list"], entry["until"] - entry["at"]) == ("stop", lists.dt.timedelta(DAYS))
        assert journal.verify(tx)
    shop.clock.advance(DAYS * DAY_S)
    assert listed(shop) == (False, "")


def test_a_silent_call_for_help_lists_whatever_the_step(shop: Shop) -> None:
    visit = shop.visit()
    visit.start(THERE)
    visit.note(2_000)
    with shop.store.transact() as tx:
        guard.care(tx, shop.desk, buy.find(tx, "K1", visit.id), wire.CareAsk())
    visit.close("help")
    assert listed(shop) == (True, "")
    assert step(shop) == "hold"


def test_a_change_of_mind_lists_nobody(shop: Shop) -> None:
    """Only warned about, or stopped before any cash: that costs nothing, and says nothing."""
    warned = shop.visit()
    warned.start(THERE)
    warned.note(2_000)
    with shop.store.transact() as tx:
        guard.care(tx, shop.desk, buy.find(tx, "K1", warned.id), wire.CareAsk())
    warned.close()
    held(shop, ADDRESSES[0]).close()
    empty = shop.visit()
    empty.start(ADDRESSES[0])
    with shop.store.transact() as tx:
        told = guard.care(tx, shop.desk, buy.find(tx, "K1", empty.id), wire.CareAsk())
    assert told.step == "hold"
    with shop.store.transact() as tx:
        blocked.lift(tx, shop.clock, ADDRESSES[0], "stop", "Eve")
    empty.close()
    assert listed(shop) == (False, "") and listed(shop, ADDRESSES[0]) == (False, "")


def test_stops_of_people_unknown_never_refuse_and_two_known_customers_do(shop: Shop) -> None:
    for machine in ("K1", "K2", "K3"):
        held(shop, machine=machine).close()
    assert listed(shop) == (True, "")
    held(shop, number=ONE).close()
    held(shop, number=ONE, machine="K2").close()
    assert listed(shop) == (True, ""), "one customer twice is one"
    held(shop, number=TWO).close()
    assert listed(shop)[1].startswith("own: stopped by 2 customers")
    with pytest.raises(AddressBlocked):
        shop.visit().start(THERE)


def test_a_claim_confirms_a_stop(shop: Shop) -> None:
    first, other = held(shop), held(shop)
    with shop.store.transact() as tx:
        sent = sa.update(PURCHASES).where(PURCHASES.c.id == first.id)
        tx.execute(sent.values(state=State.SETTLED.value))
    today = shop.clock.now().date()
    form = Form(today, today, "police", "vault:1")
    with shop.store.transact() as tx:
        claims.file(tx, shop.clock, "", "DEMO", form, Duty(cite="policy"), [first.id], "Ada")
    assert listed(shop) == (False, ""), "a claim alone leaves blocking to a person"
    other.close()
    with shop.store.transact() as tx:
        claims.file(tx, shop.clock, "", "DEMO", form, Duty(cite="policy"), [first.id], "Ada")
    assert listed(shop)[1].startswith("own: a stop, and claim")


def test_an_appeal_lifts_and_nobody_unknown_brings_it_back(shop: Shop) -> None:
    held(shop).close()
    with shop.store.transact() as tx:
        asked = lists.appeal(tx, shop.clock, THERE, "stop", "it is my shop's", "owner")
        lists.decide(tx, shop.clock, asked, "lifted", "shown to be so", "Eve")
    assert listed(shop) == (False, "")
    held(shop, machine="K2").close()
    assert listed(shop) == (False, "") and kinds(shop) == ["StopNotListed"]
    held(shop, number=ONE).close()
    assert listed(shop) == (True, "")


def test_an_upheld_appeal_ends_the_flag_too_and_the_record_says_so(shop: Shop) -> None:
    """Of the address for everybody; a person's own flag stands, but for the listing alone."""
    first = held(shop, number=ONE)
    first.close()
    other = shop.visit("K2")
    other.phone(TWO)
    other.start(THERE)
    other.note(2_000)
    with shop.store.transact() as tx:
        row = buy.find(tx, "K2", other.id)
        assert guard.care(tx, shop.desk, row, wire.CareAsk()).step == "hold"
    assert step(shop, machine="K3") in ("hold", "call-back")
    with shop.store.transact() as tx:
        asked = lists.appeal(tx, shop.clock, THERE, "stop", "it is my shop's", "owner")
        lists.decide(tx, shop.clock, asked, "kept", "no papers", "Eve")
    assert step(shop, machine="K4") in ("hold", "call-back"), "an appeal that fails ends nothing"
    with shop.store.transact() as tx:
        asked = lists.appeal(tx, shop.clock, THERE, "stop", "here they are", "owner")
        blocked.block(tx, shop.clock, THERE, "own", "seen elsewhere", "Ada", 30)
        lists.decide(tx, shop.clock, asked, "lifted", "papers seen", "Eve")
    with shop.store.read() as tx:
        told = guard.explained(tx, shop.desk.scams, first.id)
        assert told is not None and told["lifted_at"] is None, "another list has it still"
    with shop.store.transact() as tx:
        asked = lists.appeal(tx, shop.clock, THERE, "own", "here too", "owner")
        lists.decide(tx, shop.clock, asked, "lifted", "papers seen", "Eve")
        told = guard.explained(tx, shop.desk.scams, first.id)
        assert told is not None and told["lifted_at"] == shop.clock.now()
        assert journal.verify(tx)
    assert step(shop, machine="K5") == "warning", "as to any address"
    assert _of(shop, TWO) == "warning", "flagged for the listing alone"
    assert _of(shop, ONE) == "hold", "held for another reason: that stands"


def _of(shop: Shop, number: str) -> str:
    """Return what the desk does for a known customer's small purchase to another address."""
    found = shop.visit("K6")
    found.phone(number)
    found.start(address(77 if number == ONE else 78))
    found.note(2_000)
    with shop.store.transact() as tx:
        told = guard.care(tx, shop.desk, buy.find(tx, "K6", found.id), wire.CareAsk()).step
    found.close("refund")
    return told


def test_a_stolen_machine_lists_no_more_than_its_days_most(shop: Shop) -> None:
    for number in range(stops.MACHINE_DAY_MAX + 1):
        visit = shop.visit()
        visit.start(address(number))
        with shop.store.transact() as tx:
            guard.care(tx, shop.desk, buy.find(tx, "K1", visit.id), wire.CareAsk())
        visit.close("help")
    assert kinds(shop).count("StopNotListed") == 1
    assert listed(shop, address(stops.MACHINE_DAY_MAX - 1)) == (True, "")
    assert listed(shop, address(stops.MACHINE_DAY_MAX)) == (False, "")
    shop.clock.advance(DAY_S + 1)
    visit = shop.visit()
    visit.start(THERE)
    with shop.store.transact() as tx:
        guard.care(tx, shop.desk, buy.find(tx, "K1", visit.id), wire.CareAsk())
    visit.close("help")
    assert listed(shop) == (True, "")


def address(number: int) -> str:
    """Return a regtest address that pays to a made-up key's hash."""
    import bdkpython as bdk

    script = bdk.Script(b"\x00\x14" + bytes([number + 1] * 20))
    return str(bdk.Address.from_script(script, bdk.Network.REGTEST))
