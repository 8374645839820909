"""A person answers as long as the law wants, or the place is closed; screens say what is stated."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from pathlib import Path

import msgspec
import pytest

import databases
from kiosk.shop import Shop, adopted
from tallystick.edge.screen.reach import reach
from tallystick.edge.screen.words import TONGUES, Words
from tallystick.kiosk import particulars, quote, support, wire
from tallystick.kiosk.customers.policy import Policy as Asking
from tallystick.kiosk.errors import LawRefuses
from tallystick.kiosk.quote import Desk
from tallystick.kiosk.support import ALWAYS, HoursUnreadable

ON = dt.date(2026, 11, 25)
WHO = particulars.sample()
SAMPLE = WHO.shown("DEMO", "Kiosk 0142")


def operator(hours: str, police: str = "911") -> wire.Operator:
    return msgspec.structs.replace(SAMPLE, hours=support.read(hours), police=police)


@pytest.mark.parametrize(
    ("code", "hours", "opens"),
    [
        ("US-OK", "mon-fri 08:00-22:00", True),
        ("US-OK", "mon-fri 08:00-22:00; sat 09:00-12:00", True),
        ("US-OK", "always", True),
        ("US-OK", "mon-fri 08:00-21:59", False),
        ("US-OK", "mon-fri 08:01-22:00", False),
        ("US-OK", "mon-thu 08:00-22:00", False),
        ("US-OK", "mon-wed 08:00-22:00; thu-fri 08:00-15:00; thu-fri 15:00-22:00", True),
        ("US-OK", "", False),
        ("US-NE", "mon-fri 07:00-21:00", False),
        ("US-NE", "mon-fri 07:00-22:00", True),
        ("US-CT", "", False),
        ("US-CT", "mon 09:00-10:00", True),
        ("US-CA", "", True),
    ],
)
def test_no_fewer_hours_than_the_laws(code: str, hours: str, opens: bool) -> None:
    """Nebraska's zone was not read: its hours bind by the clock of each of its two zones."""
    short = support.short_of(adopted(code), operator(hours), ON)
    assert (short == "") is opens, short


def test_the_laws_zone_is_not_the_machines() -> None:
    """Oklahoma's hours are Central; a machine whose clock is an hour behind needs other ones."""
    place = adopted("US-OK")
    west = replace(place, zones=("America/Denver",))
    assert support.short_of(west, operator("mon-fri 08:00-22:00"), ON)
    assert support.short_of(west, operator("mon-fri 07:00-21:00"), ON) == ""


@pytest.mark.parametrize(
    ("code", "police", "opens"), [("US-SD", "", False), ("US-SD", "911", True)]
)
def test_what_the_law_wants_shown_is_stated(code: str, police: str, opens: bool) -> None:
    assert (support.short_of(adopted(code), operator("always", police), ON) == "") is opens
    assert set(support.shown(adopted(code), ON)) == {"hours", "police"}
    assert support.shown(adopted("US-VT"), ON) == ("hours",)
    assert support.shown(adopted("US-CA"), ON) == ()


@pytest.mark.parametrize(
    "wrong",
    ["day and night", "mon-fri 8-22", "fri-mon 08:00-09:00", "mon 09:00-09:00", "mon 00:00-24:01"],
)
def test_hours_that_cannot_be_read_are_refused(wrong: str) -> None:
    with pytest.raises(HoursUnreadable):
        support.read(wrong)
    spans = "; ".join(["mon 09:00-10:00"] * (wire.HOURS_MAX + 1))
    with pytest.raises(HoursUnreadable, match="at most"):
        support.read(spans)


def test_a_machine_stays_closed_and_says_why(tmp_path: Path) -> None:
    store = databases.opened(f"sqlite:///{tmp_path}/tallystick.sqlite")
    shop = Shop(store, tmp_path, Asking())
    shop.desk.place = adopted("US-OK")
    assert "law's hours" in _closed(shop.desk, "mon-fri 08:00-20:00")
    assert _closed(shop.desk, "mon-fri 08:00-22:00") == ""


def _closed(desk: Desk, hours: str) -> str:
    desk.policy = replace(desk.policy, operator=msgspec.structs.replace(WHO, hours=hours))
    try:
        quote.terms(desk)
    except LawRefuses as refused:
        return str(refused)
    return ""


@pytest.mark.parametrize("code", sorted(TONGUES))
def test_day_and_night_is_said_only_where_it_is_stated(code: str) -> None:
    words = Words(code, "USD")
    assert reach(operator("always"), words).always
    some = reach(operator("mon-fri 08:00-22:00"), words)
    assert (not some.always and some.hours and "22" in some.hours) or "10" in some.hours
    none = reach(operator(""), words)
    assert (none.always, none.hours) == (False, "")
    assert list(SAMPLE.hours) == [ALWAYS]
