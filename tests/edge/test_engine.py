"""The engine with a real server, real device bytes, a real journal: a visit, and all its ends."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

import databases
from edge.rig import ADDRESS, Devices, Kiosk, Server, ShiftedClock, until
from serving import stop_all
from tallystick.edge.idle import IDLE_S, WARNED_S
from tallystick.edge.screen.pages import draw
from tallystick.edge.view import Screen, Touch, View


class Rig:
    def __init__(self, folder: Path, reading_percent: int = 0, camera: str = "") -> None:
        self.folder, self.clock = folder, ShiftedClock()
        self.store = databases.opened(f"sqlite:///{folder}/server.sqlite")
        self.server = Server(self.store, self.clock, folder)
        self.devices = Devices(folder)
        self.hands = self.devices.hands
        self.kiosk = Kiosk(folder, self.server, self.clock, reading_percent, camera)

    def restart(self) -> None:
        self.kiosk.stop()
        self.kiosk = Kiosk(self.folder, self.server, self.clock)

    def holds(self) -> None:
        """What is in the box is what the machine wrote down, and what the server credited."""
        book = self.kiosk.log.book
        until(lambda: not book.untold)
        box = self.hands.state()["box"]
        assert sorted(box) == self.server.notes()
        assert (book.box_notes, book.box_minor) == (len(box), sum(box))
        assert self.server.box_minor() == sum(box)
        assert len(self.server.audit()) == 4

    def end(self) -> None:
        self.kiosk.stop()
        self.devices.kill()
        stop_all()
        self.store.close()

    def only(self) -> dict[str, object]:
        (row,) = self.server.purchases()
        return row


@pytest.fixture
def rig(tmp_path: Path) -> Iterator[Rig]:
    made = Rig(tmp_path)
    try:
        yield made
        made.holds()
    finally:
        made.end()


def test_a_purchase_from_the_first_touch_to_the_payout(rig: Rig) -> None:
    kiosk = rig.kiosk
    kiosk.to_cash(rig.hands)
    for minor in (2_000, 2_000, 1_000):
        kiosk.put_in(rig.hands, minor)
    view = kiosk.view
    assert (view.cash_minor, view.fee_minor, view.sats) == (5_000, 600, 55_000)
    kiosk.send()
    until(lambda: kiosk.view.purchase is not None)
    row = rig.only()
    assert (row["state"], row["cash_minor"], row["sats"]) == ("paid_in", 5_000, 55_000)
    assert rig.server.intended(str(row["id"])) == 1
    assert rig.server.incidents() == []


def test_stop_before_any_note_takes_nothing(rig: Rig) -> None:
    rig.kiosk.to_cash(rig.hands)
    rig.kiosk.touch(Touch.STOP)
    assert rig.kiosk.reach(Screen.STOPPED).cash_minor == 0
    until(lambda: rig.only()["state"] == "cancelled")
    rig.kiosk.touch(Touch.DONE)
    assert rig.kiosk.reach(Screen.START).address == ""


def test_stop_with_cash_owes_it_back_and_prints_a_slip(rig: Rig) -> None:
    rig.kiosk.to_cash(rig.hands)
    rig.kiosk.put_in(rig.hands, 2_000)
    until(lambda: not rig.kiosk.view.busy)
    rig.kiosk.touch(Touch.STOP)
    assert rig.kiosk.reach(Screen.STOPPED).cash_minor == 2_000
    until(lambda: rig.only()["state"] == "refund_due")
    (slip,) = until(lambda: rig.kiosk.papers)
    assert str(rig.only()["reference"]) in slip
    assert "$20.00" in slip


def test_a_torn_note_comes_back_and_the_visit_goes_on(rig: Rig) -> None:
    rig.kiosk.to_cash(rig.hands)
    until(lambda: rig.kiosk.view.accepting)
    time.sleep(0.1)
    rig.hands.insert_bad()
    say = until(lambda: rig.kiosk.view.say)
    assert say.key == "kiosk.unreadable"
    rig.kiosk.put_in(rig.hands, 1_000)
    assert rig.kiosk.view.cash_minor == 1_000


def test_notes_past_the_limit_are_not_taken_and_the_screen_says_which(rig: Rig) -> None:
    rig.kiosk.to_cash(rig.hands)
    for _ in range(9):
        rig.kiosk.put_in(rig.hands, 10_000)
    rig.kiosk.put_in(rig.hands, 5_000)
    view = until(lambda: rig.kiosk.view if 10_000 in rig.kiosk.view.refused else None)
    assert view.left_minor == 5_000
    rig.kiosk.push(rig.hands, 10_000)
    say = until(lambda: rig.kiosk.view.say if rig.kiosk.view.say.kind == "care" else None)
    assert say.key in ("kiosk.limit", "kiosk.not_taken")
    assert rig.kiosk.view.cash_minor == 95_000


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4", "scan.wrong_network"),
        ("ethereum:0x52908400098527886E0F7030069857D2E4169EE7", "scan.other_coin"),
        ("lnbc1500n1ps36h3spp5g8a", "scan.lightning"),
        ("bcrt1qnotanaddressatall", "scan.unreadable"),
    ],
)
def test_a_wrong_code_is_named_and_nothing_starts(rig: Rig, code: str, said: str) -> None:
    rig.kiosk.to_scan()
    rig.hands.present(code)
    assert until(lambda: rig.kiosk.view.say).key == said
    assert rig.server.purchases() == []
    rig.kiosk.touch(Touch.TYPE_ADDRESS, address=ADDRESS)
    assert rig.kiosk.reach(Screen.ADDRESS).address == ADDRESS


def silence(rig: Rig, screen: Screen) -> View:
    """Touch nothing for a page's time; return the view that asks about it."""
    rig.clock.by_s += IDLE_S[screen] + 1
    until(lambda: rig.kiosk.view.still_there)
    return rig.kiosk.view


def test_silence_is_asked_about_for_twenty_seconds_and_put_off_eleven_times(rig: Rig) -> None:
    rig.kiosk.to_scan()
    for _ in range(11):
        view = silence(rig, Screen.SCAN)
        assert view.closes_at is not None
        assert (view.closes_at - rig.clock.now()).total_seconds() > 20
        rig.clock.by_s += 20
        time.sleep(0.15)
        assert rig.kiosk.view.still_there, "twenty seconds to answer"
        rig.kiosk.touch(Touch.STILL_HERE)
        assert not rig.kiosk.view.still_there
        assert rig.kiosk.view.screen is Screen.SCAN


def test_time_in_which_the_voice_speaks_is_no_silence(rig: Rig) -> None:
    rig.kiosk.to_scan()
    rig.kiosk.engine.spoken("scan", 100)
    rig.clock.by_s += IDLE_S[Screen.SCAN] + 1
    time.sleep(0.15)
    assert not rig.kiosk.view.still_there
    rig.clock.by_s += 100
    until(lambda: rig.kiosk.view.still_there)
    rig.kiosk.engine.spoken("scan", WARNED_S)
    rig.clock.by_s += WARNED_S + 1
    time.sleep(0.15)
    assert rig.kiosk.view.still_there, "who was asked by voice has twenty seconds after it"


def test_walking_away_with_cash_inside_keeps_it_and_prints_a_slip(rig: Rig) -> None:
    rig.kiosk.to_cash(rig.hands)
    rig.kiosk.put_in(rig.hands, 2_000)
    until(lambda: not rig.kiosk.view.busy)
    silence(rig, Screen.CASH)
    rig.clock.by_s += WARNED_S + 1
    assert rig.kiosk.reach(Screen.SAFE).cash_minor == 2_000
    until(lambda: rig.only()["state"] == "kept")
    until(lambda: rig.kiosk.papers)
    silence(rig, Screen.SAFE)
    rig.clock.by_s += WARNED_S + 1
    rig.kiosk.reach(Screen.START)


def test_what_was_sent_off_is_not_stopped_from_a_page_beside_it(rig: Rig) -> None:
    rig.kiosk.to_cash(rig.hands)
    rig.kiosk.put_in(rig.hands, 2_000)
    rig.kiosk.send()
    rig.kiosk.reach(Screen.SENDING)
    until(lambda: rig.kiosk.view.purchase is not None)
    for touch in (Touch.STOP, Touch.QUIET):
        rig.kiosk.touch(Touch.HELP)
        assert 'value="stop"' not in draw(rig.kiosk.view)
        rig.kiosk.touch(touch)
        rig.kiosk.reach(Screen.SENDING)
    rig.kiosk.touch(Touch.CHOOSE_LANGUAGE)
    silence(rig, Screen.LANGUAGE)
    rig.clock.by_s += WARNED_S + 1
    rig.kiosk.reach(Screen.SENDING)
    assert rig.only()["state"] == "paid_in"
    assert rig.kiosk.papers == []


def test_an_expired_quote_is_renewed_and_a_new_price_agreed_to_again(rig: Rig) -> None:
    rig.kiosk.to_cash(rig.hands)
    rig.kiosk.put_in(rig.hands, 5_000)
    before = rig.kiosk.view.sats
    rig.server.source.price_minor = 10_000_000
    rig.clock.by_s += rig.server.desk.policy.quote_ttl_s + 1
    rig.kiosk.touch(Touch.STILL_HERE)
    view = until(lambda: rig.kiosk.view if rig.kiosk.view.price_changed else None)
    assert not view.accepting
    assert view.sats < before
    rig.kiosk.touch(Touch.ACCEPT_PRICE)
    rig.kiosk.put_in(rig.hands, 1_000)
    rig.kiosk.send()
    until(lambda: rig.only()["state"] == "paid_in")
    assert rig.only()["price_minor"] == 10_000_000


def test_a_lost_server_gives_the_note_in_escrow_back_and_keeps_what_is_in_the_box(
    rig: Rig,
) -> None:
    rig.kiosk.to_cash(rig.hands)
    rig.kiosk.put_in(rig.hands, 2_000)
    until(lambda: not rig.kiosk.log.book.untold)
    rig.devices.kill()
    rig.devices.pace_ms = 100
    rig.devices.start()
    rig.kiosk.push(rig.hands, 1_000)
    rig.kiosk.engine.link.cut = True
    until(lambda: rig.kiosk.view.server_lost)
    until(lambda: not rig.kiosk.view.accepting and not rig.kiosk.view.busy)
    assert rig.kiosk.view.cash_minor == 2_000
    rig.kiosk.engine.link.cut = False
    until(lambda: not rig.kiosk.view.server_lost)
    rig.kiosk.put_in(rig.hands, 1_000)
    rig.kiosk.send()
    until(lambda: rig.only()["state"] == "paid_in")
    assert rig.only()["cash_minor"] == 3_000
    assert rig.server.incidents() == []


def test_send_while_the_server_is_lost_arrives_when_it_is_found(rig: Rig) -> None:
    rig.kiosk.to_cash(rig.hands)
    rig.kiosk.put_in(rig.hands, 2_000)
    until(lambda: not rig.kiosk.log.book.untold)
    rig.kiosk.engine.link.cut = True
    rig.kiosk.send()
    rig.restart()
    assert rig.kiosk.view.screen is Screen.SENDING
    until(lambda: rig.only()["state"] == "paid_in")


def test_a_jam_keeps_the_purchase_and_the_note_is_counted_once_it_is_free(rig: Rig) -> None:
    rig.kiosk.to_cash(rig.hands)
    rig.kiosk.put_in(rig.hands, 2_000)
    rig.hands.jam("stacker")
    rig.kiosk.push(rig.hands, 1_000)
    view = until(lambda: rig.kiosk.view if rig.kiosk.view.stuck_minor else None)
    assert view.stuck_minor == 1_000
    assert view.cash_minor == 2_000
    rig.hands.clear()
    until(lambda: rig.kiosk.view.cash_minor == 3_000)
    rig.kiosk.send()
    until(lambda: rig.only()["state"] == "paid_in")


def test_a_restart_in_the_middle_goes_on_where_it_was(rig: Rig) -> None:
    rig.kiosk.to_cash(rig.hands)
    rig.kiosk.put_in(rig.hands, 2_000)
    rig.restart()
    assert rig.kiosk.view.screen is Screen.CASH
    assert rig.kiosk.view.cash_minor == 2_000
    rig.kiosk.put_in(rig.hands, 1_000)
    rig.kiosk.send()
    until(lambda: rig.only()["state"] == "paid_in")
    assert rig.only()["cash_minor"] == 3_000


def test_two_visits_one_after_the_other_share_nothing(rig: Rig) -> None:
    for number in (1, 2):
        rig.kiosk.to_cash(rig.hands)
        rig.kiosk.put_in(rig.hands, 2_000)
        rig.kiosk.send()
        until(lambda: rig.server.purchases()[-1]["state"] == "paid_in")
        rig.kiosk.touch(Touch.DONE)
        view = rig.kiosk.reach(Screen.START)
        assert (view.cash_minor, view.reference, view.notes) == (0, "", ())
        assert len(rig.server.purchases()) == number
    assert rig.server.notes() == [2_000, 2_000]
