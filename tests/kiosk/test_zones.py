"""Several zones on one server: each machine's days, limits and records go by its own clock."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest
import sqlalchemy as sa

import databases
from kiosk.shop import ADDRESSES, Shop, Visit, adopted
from tallystick.core import rulebook
from tallystick.core.identity import machines
from tallystick.core.identity.errors import MachineTextInvalid
from tallystick.core.identity.tables import MACHINES
from tallystick.core.rulebook.place import LawUnreadable
from tallystick.kiosk.customers.policy import Policy as Asking
from tallystick.kiosk.tables import PURCHASES
from tallystick.web.console.kiosks import taken_today
from tallystick.web.machine_api import Api

WEST = "America/Denver"
HOUR_S = 3_600


class Texas:
    """An operator in a state of two zones, with a machine in each."""

    def __init__(self, folder: Path) -> None:
        store = databases.opened(f"sqlite:///{folder}/tallystick.sqlite")
        self.shop = Shop(store, folder, Asking())
        self.shop.desk.place = adopted("US-TX")
        self.api = Api(store, self.shop.desk)
        for label in ("east", "west"):
            self.machine(label)
        with store.transact() as tx:
            machines.put_in_zone(tx, "west", WEST)

    def machine(self, label: str) -> None:
        row = {"id": label, "label": label, "state": "active", "currency": "USD"}
        row |= {"settings": "{}", "revoked_why": "", "day_cap_minor": 10**9}
        with self.shop.store.transact() as tx:
            tx.execute(sa.insert(MACHINES).values(**row, created_at=self.shop.clock.now()))

    def visit(self, label: str) -> Visit:
        """Return a visit to a machine, as the machine API would give it its desk."""
        with self.shop.store.read() as tx:
            desk = self.api.desk_of(machines.machine(tx, label))
        made = self.shop.visit(label)
        made.shop = _With(self.shop, desk)
        return made


class _With:
    """A shop whose desk is one machine's."""

    def __init__(self, shop: Shop, desk: object) -> None:
        self._shop, self.desk = shop, desk

    def __getattr__(self, name: str) -> object:
        return getattr(self._shop, name)


@pytest.fixture
def texas(tmp_path: Path) -> Texas:
    return Texas(tmp_path)


def test_a_daily_limit_begins_anew_at_each_machines_own_midnight(texas: Texas) -> None:
    """At half past midnight in the east it is half past eleven in the west: the same day there."""
    clock = texas.shop.clock
    clock.advance(int((dt.datetime(2026, 11, 26, 5, tzinfo=dt.UTC) - clock.now()).total_seconds()))
    first = texas.visit("west")
    first.start(ADDRESSES[0])
    assert first.fill(10) == ["permit"] * 10
    clock.advance(int(1.5 * HOUR_S))
    again = texas.visit("west")
    again.start(ADDRESSES[0])
    assert again.note().answer == "refuse"
    other = texas.visit("east")
    other.start(ADDRESSES[0])
    assert other.note().answer == "permit"
    with texas.shop.store.read() as tx:
        took = taken_today(tx, texas.shop.desk)
    assert took == {"west": (100_000, 1), "east": (10_000, 1)}
    clock.advance(HOUR_S)
    late = texas.visit("west")
    late.start(ADDRESSES[0])
    assert late.note().answer == "permit"


def test_a_purchase_keeps_the_zone_it_was_made_in(texas: Texas) -> None:
    for label in ("west", "east"):
        texas.visit(label).start(ADDRESSES[0])
    kept = {row["machine"]: row["zone"] for row in texas.shop.rows(PURCHASES)}
    assert kept == {"west": WEST, "east": "America/Chicago"}


def test_a_zone_that_no_law_of_the_place_knows_is_refused(texas: Texas) -> None:
    with texas.shop.store.transact() as tx:
        with pytest.raises(MachineTextInvalid):
            machines.put_in_zone(tx, "east", "Mars/Olympus")
        machines.put_in_zone(tx, "east", "Asia/Tokyo")
    with pytest.raises(LawUnreadable, match="no zone of US-TX"):
        texas.visit("east")
    with texas.shop.store.read() as tx:
        assert taken_today(tx, texas.shop.desk) == {}, "the console still opens"


def test_what_is_sorted_for_a_day_is_sorted_once_for_each_zone(texas: Texas) -> None:
    desks = [texas.shop.desk.at(WEST) for _ in range(3)]
    assert len({id(desk.place) for desk in desks}) == 1
    day = desks[0].day(texas.shop.clock.now())
    assert rulebook.binding(desks[0].place, day) is rulebook.binding(desks[2].place, day)
