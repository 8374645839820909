"""A receipt carries what the law of the place lists, or the place does not sell."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace

import pytest
from test_duties import desk_of

from tallystick.core import rulebook
from tallystick.core.clock import SeededClock
from tallystick.core.rulebook.place import codes
from tallystick.kiosk import quote, receipts
from tallystick.kiosk.errors import LawRefuses

DAY = dt.date(2026, 11, 24)


@pytest.mark.parametrize("code", codes())
def test_our_receipt_has_something_for_each_item_of_each_law(code: str) -> None:
    place = rulebook.load(code)
    rules = [p for p in place.provisions if p.kind == "receipt"]
    items = {str(item) for p in rules for item in p.terms.get("items", ())}
    assert items <= set(receipts.ITEMS)


def test_two_readings_of_one_rule_both_bind() -> None:
    found = receipts.items_of(rulebook.load("US-CA"), DAY)
    assert {"operator name", "customer name", "spread"} <= set(found)
    added = [line.code for line in receipts.lines(rulebook.load("US-CA"), DAY, "kraken")]
    assert added == ["name", "spread", "source"]
    assert receipts.lines(rulebook.load("US-IL"), DAY, "kraken") == []


def test_a_place_that_asks_for_what_ours_lacks_does_not_sell(clock: SeededClock) -> None:
    desk = desk_of("US-ME", clock, None)
    assert quote.terms(desk)
    rule = next(p for p in desk.place.provisions if p.kind == "receipt")
    more = replace(rule, terms={**rule.terms, "items": [*rule.terms["items"], "a lock of hair"]})
    kept = tuple(more if p is rule else p for p in desk.place.provisions)
    desk.take_up(replace(desk.place, provisions=kept), None)
    with pytest.raises(LawRefuses, match="a lock of hair"):
        quote.terms(desk)
