"""A paper brought back: by keys and ears alone it is asked about, stopped, claimed; not guessed."""

from __future__ import annotations

import dataclasses
import datetime as dt
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from edge.rig import until
from edge.test_engine import Rig
from tallystick.edge.screen.pages import aloud, draw
from tallystick.edge.view import Screen, Touch, View
from tallystick.kiosk.digits import digits_of
from tallystick.kiosk.scams.tables import CLAIM_ITEMS, CLAIMS
from tallystick.kiosk.slips import MISSES_PER_MACHINE_MAX, MISSES_S
from tallystick.kiosk.tables import PURCHASES, SLIP_MISSES

DIGITS = re.compile(r"(?:\d{4} ){3}\d{4}")


class Counter(Rig):
    """A rig whose customer comes back with a paper."""

    def bought(self, dollars: int) -> str:
        """Buy, take the paper, leave; return the sixteen digits that are on it."""
        self.kiosk.to_cash(self.hands)
        for _ in range(dollars // 100 or 1):
            self.kiosk.put_in(self.hands, min(dollars, 100) * 100)
        self.kiosk.send()
        until(lambda: self.kiosk.view.purchase is not None)
        before = len(self.kiosk.papers)
        self.kiosk.touch(Touch.DONE)
        self.kiosk.reach(Screen.START)
        paper = until(lambda: self.kiosk.papers[before:])[0]
        found = DIGITS.search(paper)
        assert found, paper
        return found.group().replace(" ", "")

    def comes_back(self, digits: str) -> View:
        """Type a paper's digits, as twelve keys do."""
        self.kiosk.touch(Touch.PAPER)
        self.kiosk.reach(Screen.SLIP)
        return self.types(digits)

    def types(self, digits: str) -> View:
        for digit in digits:
            self.kiosk.touch(Touch.DIGIT, digit=digit)
        assert self.kiosk.view.typed == digits
        self.kiosk.touch(Touch.ENTER)
        until(lambda: self.kiosk.view.screen is Screen.STANDING or self.kiosk.view.say)
        return self.kiosk.view

    def leaves(self) -> None:
        self.kiosk.touch(Touch.DONE)
        assert self.kiosk.reach(Screen.START).slip is None

    def sent(self) -> None:
        """Write down what the payout does, which nobody acts upon here."""
        with self.store.transact() as tx:
            tx.execute(sa.update(PURCHASES).values(state="sent"))

    def claims(self) -> list[str]:
        with self.store.read() as tx:
            joined = sa.select(CLAIMS.c.reference).join(
                CLAIM_ITEMS, CLAIM_ITEMS.c.claim == CLAIMS.c.id
            )
            return list(tx.execute(joined).scalars())


@pytest.fixture
def counter(tmp_path: Path) -> Iterator[Counter]:
    made = Counter(tmp_path)
    try:
        yield made
        made.holds()
    finally:
        made.end()


def test_a_held_purchase_is_stopped_with_its_paper_and_the_cash_is_owed(counter: Counter) -> None:
    digits = counter.bought(600)
    view = counter.comes_back(digits)
    assert view.slip is not None and view.slip.may_stop and not view.slip.may_claim
    counter.kiosk.touch(Touch.CLAIM)
    assert counter.claims() == [], "what is still here is stopped, not claimed"
    counter.kiosk.touch(Touch.SLIP_STOP)
    until(lambda: counter.only()["state"] == "refund_due")
    view = until(lambda: v if (v := counter.kiosk.view).slip.state == "refund_due" else None)
    assert "We owe you" in draw(view)
    paper = until(lambda: [one for one in counter.kiosk.papers if "We owe you $600.00" in one])[0]
    assert digits in paper.replace(" ", "")
    counter.kiosk.touch(Touch.SLIP_STOP)
    counter.leaves()
    counter.kiosk.touch(Touch.PAPER)
    counter.hands.present(f"TALLYSTICK:{counter.only()['reference']}")
    found = counter.kiosk.reach(Screen.STANDING).slip
    assert found is not None and found.state == "refund_due"


def test_a_claim_begins_with_the_paper_once_and_says_the_laws_days(counter: Counter) -> None:
    digits = counter.bought(20)
    counter.sent()
    view = counter.comes_back(digits)
    assert view.slip is not None and view.slip.may_claim and not view.slip.may_stop
    counter.kiosk.touch(Touch.CLAIM)
    view = until(lambda: v if (v := counter.kiosk.view).slip.claim else None)
    claim = view.slip.claim
    assert counter.claims() == [claim.reference]
    assert claim.cite
    paper = until(lambda: [one for one in counter.kiosk.papers if claim.reference in one])[0]
    assert "Number of your claim" in paper and claim.cite[:12] in " ".join(paper.split())
    for day in filter(None, (claim.evidence_by, claim.decide_by, claim.pay_by)):
        assert f"{day:%Y-%m-%d}" in paper
    counter.leaves()
    again = counter.comes_back(digits)
    assert again.slip is not None and again.slip.claim is not None and not again.slip.may_claim
    counter.kiosk.touch(Touch.CLAIM)
    counter.kiosk.engine.ask_slip("claim", str(counter.only()["reference"]))
    until(lambda: "slip" not in counter.kiosk.engine._asking)
    assert counter.claims() == [claim.reference], "asked twice, filed once"


def test_nothing_of_a_paper_is_on_the_loudspeaker_and_nothing_typed_stays(counter: Counter) -> None:
    digits = counter.bought(20)
    view = counter.comes_back(digits)
    page = draw(view, None, can_speak=True)
    number = str(counter.only()["reference"])
    assert "$20.00" in page and number in page
    heard = aloud(view, page)
    for secret in ("20.00", number, " ".join(number), digits):
        assert secret not in heard
    private = aloud(dataclasses.replace(view, private=True), page)
    assert "$20.00" in private and " ".join(number[:2]) in private
    counter.leaves()
    journal = (p for p in (counter.folder / "kiosk").rglob("*") if p.is_file())
    assert not any(digits.encode() in p.read_bytes() for p in journal)


def test_wrong_numbers_are_counted_and_then_none_is_answered(counter: Counter) -> None:
    digits = counter.bought(20)
    view = counter.comes_back(digits[:-1] + str((int(digits[-1]) + 1) % 10))
    assert view.say and view.say.key == "slip.bad_digits", "found by the check digits, unasked"
    for _ in digits:
        counter.kiosk.touch(Touch.DELETE)
    for number in range(MISSES_PER_MACHINE_MAX):
        said = counter.types(digits_of(f"TS-000-000-0{number // 10}{number % 10}")).say
        assert said and said.key == "slip.unknown"
    said = counter.types(digits).say
    assert said and said.key == "slip.too_many"
    with counter.store.transact() as tx:
        before = counter.clock.now() - dt.timedelta(seconds=MISSES_S + 1)
        tx.execute(sa.update(SLIP_MISSES).values(at=before))
    assert counter.types(digits).screen is Screen.STANDING


def test_without_the_server_it_says_so_and_a_closed_machine_still_answers(
    counter: Counter,
) -> None:
    digits = counter.bought(20)
    counter.hands.open_box()
    counter.kiosk.reach(Screen.CLOSED)
    counter.kiosk.engine.link.cut = True
    said = counter.comes_back(digits).say
    assert said and said.key == "kiosk.server_lost"
    counter.kiosk.engine.link.cut = False
    counter.kiosk.touch(Touch.ENTER)
    counter.kiosk.reach(Screen.STANDING)
    counter.kiosk.touch(Touch.DONE)
    counter.kiosk.reach(Screen.CLOSED)
    counter.hands.close_box()
    counter.kiosk.reach(Screen.START)
    counter.kiosk.touch(Touch.PAPER)
    counter.kiosk.touch(Touch.STOP)
    assert counter.kiosk.reach(Screen.START).typed == ""
