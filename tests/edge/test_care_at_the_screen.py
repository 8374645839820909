"""What stands between a customer and a scam: real server, real notes, the pages as drawn."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from edge.rig import ADDRESS, until
from edge.test_engine import Rig
from tallystick.edge.screen.pages import draw
from tallystick.edge.view import Screen, Touch
from tallystick.kiosk.tables import INCIDENTS

HONEST = {"machine": "nearest", "code": "wallet", "listening": "nobody", "telling": "nobody"}


@pytest.fixture
def rig(tmp_path: Path) -> Iterator[Rig]:
    made = Rig(tmp_path)
    try:
        yield made
        made.holds()
    finally:
        made.end()


def put_in(rig: Rig, times: int) -> None:
    for _ in range(times):
        rig.kiosk.put_in(rig.hands, 10_000)
    until(lambda: not rig.kiosk.view.busy)


def to_warning(rig: Rig) -> None:
    rig.kiosk.to_scan()
    rig.hands.present(ADDRESS)
    rig.kiosk.reach(Screen.ADDRESS)
    rig.kiosk.touch(Touch.ADDRESS_YES)
    rig.kiosk.reach(Screen.CARE)


def test_a_customer_who_stops_at_the_warning_has_put_in_nothing(rig: Rig) -> None:
    to_warning(rig)
    assert not rig.kiosk.view.accepting
    rig.kiosk.touch(Touch.STOP)
    assert rig.kiosk.reach(Screen.STOPPED).cash_minor == 0
    until(lambda: rig.only()["state"] == "cancelled")


def test_much_for_a_new_address_waits_and_one_touch_stops_it(rig: Rig) -> None:
    rig.kiosk.to_cash(rig.hands)
    put_in(rig, 6)
    rig.kiosk.touch(Touch.NO_MORE)
    said = rig.kiosk.reach(Screen.WAITING).care
    assert said is not None and said.text and not said.questions
    rig.kiosk.touch(Touch.PROCEED)
    rig.kiosk.reach(Screen.REVIEW)
    rig.kiosk.touch(Touch.SEND)
    rig.kiosk.reach(Screen.SENDING)
    view = until(lambda: (v := rig.kiosk.view).purchase and v.purchase.waiting and v)
    assert 'id="waits"' in draw(view)
    rig.kiosk.touch(Touch.STOP)
    assert rig.kiosk.reach(Screen.STOPPED).cash_minor == 60_000
    assert rig.only()["state"] == "refund_due"
    until(lambda: any("$600.00" in paper for paper in rig.kiosk.papers))


def test_stop_shows_no_cash_back_before_the_server_says_so(rig: Rig) -> None:
    rig.kiosk.to_cash(rig.hands)
    put_in(rig, 6)
    rig.kiosk.send()
    until(lambda: rig.kiosk.view.purchase and rig.kiosk.view.purchase.waiting)
    rig.kiosk.engine.link.cut = True
    rig.kiosk.touch(Touch.STOP)
    until(lambda: rig.kiosk.view.server_lost)
    assert rig.kiosk.view.screen is Screen.SENDING
    rig.kiosk.engine.link.cut = False
    rig.kiosk.reach(Screen.STOPPED)
    assert rig.only()["state"] == "refund_due"


def test_silent_help_looks_like_stop_and_an_operator_knows(rig: Rig) -> None:
    rig.kiosk.to_cash(rig.hands)
    put_in(rig, 1)
    rig.kiosk.touch(Touch.QUIET)
    quiet = draw(rig.kiosk.reach(Screen.STOPPED))
    assert "$100.00" in quiet and "help without" not in quiet
    until(lambda: rig.only()["state"] == "refund_due")
    with rig.store.read() as tx:
        assert list(tx.execute(sa.select(INCIDENTS.c.kind)).scalars()) == ["HelpAsked"]


def test_questions_one_by_one_and_an_honest_customer_goes_on(rig: Rig) -> None:
    rig.kiosk.to_cash(rig.hands)
    rig.kiosk.put_in(rig.hands, 2_000)
    rig.kiosk.send()
    until(lambda: rig.only()["state"] == "paid_in")
    rig.server.sent_long_ago()
    rig.kiosk.touch(Touch.DONE)
    rig.kiosk.reach(Screen.START)
    rig.kiosk.to_cash(rig.hands)
    put_in(rig, 6)
    rig.kiosk.touch(Touch.NO_MORE)
    rig.kiosk.past_care(Screen.QUESTION)
    for _ in HONEST:
        view = rig.kiosk.reach(Screen.QUESTION)
        assert view.question is not None
        asked = view.question.id
        rig.kiosk.touch(Touch.ANSWER, option="not on the screen")
        assert rig.kiosk.view.question is view.question
        rig.kiosk.touch(Touch.ANSWER, option=HONEST[asked])
        until(
            lambda asked=asked: (  # type: ignore[misc]
                rig.kiosk.view.screen is Screen.REVIEW
                or (rig.kiosk.view.question and rig.kiosk.view.question.id != asked)
            )
        )
    rig.kiosk.reach(Screen.REVIEW)
    rig.kiosk.touch(Touch.SEND)
    rig.kiosk.reach(Screen.SENDING)
    view = until(lambda: (v := rig.kiosk.view).purchase and v)
    assert not view.purchase.waiting


def test_without_the_servers_word_no_cash_goes_in(rig: Rig) -> None:
    rig.kiosk.to_scan()
    rig.hands.present(ADDRESS)
    rig.kiosk.reach(Screen.ADDRESS)
    rig.kiosk.engine.link.cut = True
    rig.kiosk.touch(Touch.ADDRESS_YES)
    until(lambda: rig.kiosk.view.server_lost)
    assert rig.kiosk.view.screen is Screen.ADDRESS and not rig.kiosk.view.accepting
    rig.kiosk.engine.link.cut = False
    until(lambda: not rig.kiosk.view.server_lost)
    rig.kiosk.reach(Screen.CARE, Screen.ADDRESS)


def test_a_warning_stands_for_its_reading_time_and_can_always_be_stopped(tmp_path: Path) -> None:
    rig = Rig(tmp_path, reading_percent=100)
    try:
        to_warning(rig)
        said = rig.kiosk.view.care
        assert said is not None and said.wait_ms >= 60_000 * len(said.warning.split()) // 175
        assert rig.kiosk.view.asleep and "aria-disabled" in draw(rig.kiosk.view)
        rig.kiosk.touch(Touch.PROCEED)
        until(lambda: rig.kiosk.view.say)
        assert rig.kiosk.view.screen is Screen.CARE
        rig.clock.by_s += said.wait_ms / 1_000 - 2
        rig.kiosk.touch(Touch.PROCEED)
        assert rig.kiosk.view.screen is Screen.CARE
        rig.clock.by_s += 2.5
        until(lambda: not rig.kiosk.view.asleep)
        assert "aria-disabled" not in draw(rig.kiosk.view).partition('id="b-proceed"')[2][:120]
        rig.kiosk.touch(Touch.PROCEED)
        rig.kiosk.reach(Screen.CASH)
        rig.kiosk.touch(Touch.STOP)
        rig.kiosk.reach(Screen.STOPPED)
    finally:
        rig.end()


def test_stop_works_while_a_warning_is_read(tmp_path: Path) -> None:
    rig = Rig(tmp_path, reading_percent=100)
    try:
        to_warning(rig)
        assert rig.kiosk.view.asleep
        rig.kiosk.touch(Touch.STOP)
        rig.kiosk.reach(Screen.STOPPED)
    finally:
        rig.end()
