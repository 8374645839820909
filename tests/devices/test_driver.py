"""The driver against the simulated device, on simulated time."""

from __future__ import annotations

import pytest
from simulated import NOTES, POWER_UPS, Cable, Host, Memorised, Undecided

from tallystick.core.clock import SeededClock
from tallystick.core.money import EUR, USD, Asset
from tallystick.devices.errors import TableUnreadable
from tallystick.devices.id003.codes import REASONS
from tallystick.devices.id003.driver import MISSES_MAX, REPLY_MS_MAX, TRIES_MAX, Id003
from tallystick.devices.id003.frames import Frame, encode
from tallystick.devices.id003.simulator import ESCROW_S, SimulatedValidator
from tallystick.devices.id003.table import CODES, TENS_MAX, US_NOTES, read_table, write_table
from tallystick.devices.validator import Event, Kind


def test_a_note_is_told_step_by_step_and_counted_once() -> None:
    it = Memorised(beat_s=0).ready()
    assert it.device.insert(2_000) == "taken"
    it.host.until(Kind.IDLE)
    assert it.host.kinds[-6:] == [
        Kind.ACCEPTING,
        Kind.ESCROW,
        Kind.STACKING,
        Kind.VEND_VALID,
        Kind.STACKED,
        Kind.IDLE,
    ]
    assert it.host.events[-5] == Event(Kind.ESCROW, 2_000, "USD")
    assert it.host.events[-3] == Event(Kind.VEND_VALID, 2_000, "USD")
    assert it.host.counted == it.device.memory.box == [2_000]


def test_the_power_up_is_told_before_the_reset() -> None:
    it = Memorised()
    assert it.driver.poll() == Event(Kind.POWER_UP)
    assert it.device.status.name == "POWER_UP"
    it.driver.start()
    assert it.device.status.name == "INITIALISING"


def test_the_device_says_which_notes_it_knows() -> None:
    it = Memorised().ready()
    assert it.driver.denominations == (100, 200, 500, 1_000, 2_000, 5_000, 10_000)


def test_until_it_is_told_otherwise_it_takes_no_note() -> None:
    it = Memorised()
    it.host.allowed = frozenset()
    it.host.until(Kind.INHIBITED)
    assert it.device.insert(2_000) == "inhibited"
    it.driver.accept(NOTES)
    it.host.until(Kind.IDLE)
    it.driver.accept(frozenset())
    it.host.until(Kind.INHIBITED)


@pytest.mark.parametrize("minor", sorted(NOTES))
def test_only_the_wanted_notes_are_taken(minor: int) -> None:
    it = Memorised().ready()
    it.driver.accept(NOTES - {minor})
    assert it.device.insert(minor) == "taken"
    it.host.until(Kind.REJECTED)
    assert it.host.events[-1].detail == REASONS[0x79]
    it.host.until(Kind.IDLE)
    assert Kind.ESCROW not in it.host.kinds
    assert it.device.take() == minor
    for other in sorted(NOTES - {minor}):
        it.device.insert(other)
        it.host.until(Kind.IDLE)
    assert it.host.counted == sorted(NOTES - {minor})


@pytest.mark.parametrize("reason", REASONS)
def test_a_rejected_note_is_told_with_the_reason_in_words(reason: int) -> None:
    it = Memorised().ready()
    it.device.insert_bad(2_000, reason)
    it.host.until(Kind.REJECTED)
    assert it.host.events[-1].detail == REASONS[reason]
    it.host.until(Kind.IDLE)
    assert (it.host.counted, it.device.take()) == ([], 2_000)


def undecided() -> Memorised:
    it = Memorised()
    it.host = Undecided(it.driver, it.clock)
    it.ready()
    it.device.insert(5_000)
    it.host.until(Kind.ESCROW)
    return it


def test_a_note_given_back_is_returned_once_and_told_so() -> None:
    it = undecided()
    it.driver.give_back()
    it.host.until(Kind.IDLE)
    assert it.host.kinds[-3:] == [Kind.RETURNING, Kind.RETURNED, Kind.IDLE]
    assert it.host.events[-2] == Event(Kind.RETURNED, 5_000, "USD")
    assert (it.device.take(), it.device.memory.box) == (5_000, [])


def test_a_note_nobody_decides_about_goes_back_by_itself() -> None:
    it = undecided()
    start_s = it.clock.monotonic_s()
    it.host.until(Kind.RETURNED)
    assert it.clock.monotonic_s() - start_s == pytest.approx(ESCROW_S, abs=1.5)
    assert it.host.events[-1].minor == 5_000


def test_a_note_on_hold_waits_longer_and_is_still_the_same_escrow() -> None:
    it = undecided()
    for _ in range(40):
        it.driver.hold()
        assert it.host.turn() is None
        it.clock.advance(ESCROW_S * 0.8)
    it.host.stacking = 5_000
    it.driver.stack()
    it.host.until(Kind.IDLE)
    assert it.host.counted == it.device.memory.box == [5_000]


def test_a_hold_that_the_driver_did_not_see_begin_goes_back() -> None:
    it = undecided()
    it.driver.hold()
    after = Host(Id003(Cable(it.device, it.clock), it.clock), it.clock)
    after.until(Kind.RETURNED)
    assert it.device.take() == 5_000


def test_no_order_without_an_escrow() -> None:
    it = Memorised().ready()
    before = it.device.faults.commands
    it.driver.stack()
    it.driver.give_back()
    it.driver.hold()
    it.driver.acknowledge()
    assert it.device.faults.commands == before


def test_vend_valid_is_told_until_it_is_acknowledged() -> None:
    it = undecided()
    it.driver.stack()
    while (event := it.driver.poll()) is None or event.kind is not Kind.VEND_VALID:
        it.clock.advance(0.1)
    for _ in range(20):
        assert it.driver.poll() == Event(Kind.VEND_VALID, 5_000, "USD")
        assert it.device.insert(100) == "busy"
    it.driver.acknowledge()
    assert it.driver.poll() == Event(Kind.STACKED)
    assert it.device.memory.box == [5_000]


def test_an_acknowledgement_that_was_not_heard_is_asked_for_again() -> None:
    it = undecided()
    it.driver.stack()
    it.host.stacking = 5_000
    while it.device.status.name != "VEND_VALID":
        it.host.turn()
        it.device.tick()
    it.driver.poll()
    it.device.faults.add(deaf=1)
    it.driver.acknowledge()
    assert it.driver.poll() == Event(Kind.VEND_VALID, 5_000, "USD")


def test_a_code_that_stands_for_no_note_goes_back_by_itself() -> None:
    it = Memorised(hidden=frozenset({2_000})).ready()
    assert 2_000 not in it.driver.denominations
    it.device._settings[0xC0] = b"\x00\x00"
    it.device.insert(2_000)
    it.host.until(Kind.REJECTED)
    assert it.host.events[-1].detail == "escrow code 65"
    it.host.until(Kind.IDLE)
    assert (it.device.take(), it.host.counted) == (2_000, [])
    assert {Kind.ESCROW, Kind.RETURNED} & set(it.host.kinds) == set()


def test_a_new_driver_learns_the_table_when_it_meets_an_escrow() -> None:
    it = undecided()
    after = Id003(Cable(it.device, it.clock), it.clock)
    assert after.poll() == Event(Kind.ESCROW, 5_000, "USD")


def test_a_start_during_an_escrow_gives_the_note_back_and_says_so() -> None:
    it = undecided()
    after = Host(Id003(Cable(it.device, it.clock), it.clock), it.clock)
    after.open()
    after.until(Kind.IDLE)
    assert Kind.RETURNED in after.kinds
    assert it.device.take() == 5_000


def test_a_start_never_silences_a_vend_valid() -> None:
    it = undecided()
    it.driver.stack()
    while it.device.status.name != "VEND_VALID":
        it.clock.advance(0.1)
        it.device.tick()
    it.host.stacking = 5_000
    it.driver.start()
    assert it.device.status.name == "VEND_VALID"
    it.driver.accept(NOTES)
    it.host.until(Kind.IDLE)
    assert it.host.counted == it.device.memory.box == [5_000]


def test_a_silent_device_is_lost_once_and_comes_back_by_itself() -> None:
    it = Memorised().ready()
    it.device.faults.add(drop=MISSES_MAX + 5)
    before = len(it.host.events)
    start_s = it.clock.monotonic_s()
    it.host.until(Kind.LOST)
    waited_s = it.clock.monotonic_s() - start_s
    assert waited_s >= MISSES_MAX * REPLY_MS_MAX / 1_000
    it.host.until(Kind.IDLE)
    assert it.host.kinds[before:] == [Kind.LOST, Kind.IDLE]


def test_fewer_misses_than_the_limit_are_not_told() -> None:
    it = Memorised().ready()
    it.device.faults.add(drop=MISSES_MAX - 1)
    assert [it.host.turn() for _ in range(MISSES_MAX + 2)] == [None] * (MISSES_MAX + 2)


class Parrot(Cable):
    """A wire whose device answers everything with the same bytes."""

    answer = b""

    def write(self, data: bytes) -> None:
        self._held = self.answer


@pytest.mark.parametrize(
    "answer", [encode(0x99), b"\xff" * 400, encode(0x11)[:-1], encode(0x4A), b"\x00"]
)
def test_a_device_that_talks_nonsense_is_lost(answer: bytes) -> None:
    clock = SeededClock(1)
    wire = Parrot(SimulatedValidator(clock), clock)
    wire.answer = answer
    driver = Id003(wire, clock)
    events = [driver.poll() for _ in range(MISSES_MAX + 3)]
    assert [event for event in events if event] == [Event(Kind.LOST)]
    for call in (driver.start, driver.stack, driver.give_back, driver.acknowledge, driver.hold):
        call()
    driver.accept(NOTES)
    driver.close()


def listen(it: Memorised, mute: set[int]) -> list[int]:
    """Note every command the device hears, and keep its answers to some from the wire."""
    answer, heard = it.device._answer, list[int]()

    def answered(frame: Frame) -> bytes:
        heard.append(frame.command)
        return b"" if frame.command in mute else answer(frame)

    it.device._answer = answered  # type: ignore[method-assign]
    return heard


def test_an_order_is_not_repeated_while_nobody_knows_what_waits() -> None:
    it = undecided()
    heard = listen(it, {0x11, 0x41})
    it.driver.stack()
    assert heard == [0x41] + [0x11] * TRIES_MAX


def test_an_order_that_is_not_heard_is_repeated_so_often_and_no_more() -> None:
    it = undecided()
    heard = listen(it, {0x41})
    it.driver.stack()
    assert heard == [0x41, 0x11] * TRIES_MAX


def test_an_order_is_never_repeated_for_another_note() -> None:
    it = undecided()
    heard = listen(it, {0x41})
    it.device.memory.minor = 100
    it.driver.stack()
    assert heard == [0x41, 0x11]


TROUBLES = {
    "fill": Kind.BOX_FULL,
    "open_box": Kind.BOX_OPEN,
    "cheat": Kind.CHEATED,
    "pause": Kind.PAUSED,
    "fail": Kind.FAILURE,
}


@pytest.mark.parametrize(("name", "kind"), TROUBLES.items())
def test_troubles_are_told_and_pass(name: str, kind: Kind) -> None:
    it = Memorised().ready()
    it.device.trouble(name)
    it.host.until(kind)
    assert it.device.insert(100) == "busy"
    it.device.clear()
    it.device.close_box()
    it.host.until(Kind.IDLE)


@pytest.mark.parametrize("name", ["fill", "open_box"])
def test_a_note_ordered_into_a_box_that_takes_none_comes_back(name: str) -> None:
    it = undecided()
    it.device.trouble(name)
    it.driver.stack()
    it.host.turns(lambda: it.device.slot_minor == 5_000)
    it.device.empty()
    it.device.close_box()
    it.host.until(Kind.IDLE)
    assert Event(Kind.RETURNED, 5_000, "USD") in it.host.events
    assert it.device.memory.box == []


def test_a_jam_in_the_acceptor_ends_with_the_note_out_of_the_machine() -> None:
    it = Memorised().ready()
    it.device.jam()
    it.device.insert(2_000)
    it.host.until(Kind.JAM_ACCEPTOR)
    it.device.clear()
    it.driver.accept(NOTES)
    it.host.until(Kind.IDLE)
    assert (it.device.by_hand, it.host.counted) == ([2_000], [])


@pytest.mark.parametrize("out", [False, True])
def test_a_jam_in_the_stacker_ends_in_the_box_or_out_of_the_machine(out: bool) -> None:
    it = Memorised().ready()
    it.device.jam("stacker")
    it.device.insert(2_000)
    it.host.until(Kind.JAM_STACKER)
    it.device.power_cycle()
    it.host.until(Kind.JAM_STACKER)
    it.device.clear(out)
    it.driver.accept(NOTES)
    it.host.until(Kind.IDLE)
    assert it.host.counted == it.device.memory.box == ([] if out else [2_000])
    assert it.host.returned == it.device.by_hand == ([2_000] if out else [])


def test_a_note_pulled_out_on_a_string_is_not_counted() -> None:
    it = Memorised().ready()
    it.device.insert(2_000)
    it.host.until(Kind.STACKING)
    it.device.trouble("cheat")
    it.host.until(Kind.CHEATED)
    it.device.clear()
    it.host.until(Kind.IDLE)
    assert it.host.counted == it.device.memory.box == []


def test_faster_than_the_polls_two_notes_are_still_two() -> None:
    it = Memorised(beat_s=0.001)
    it.host = Undecided(it.driver, it.clock)
    it.ready()
    it.device.insert(100)
    it.clock.advance(0.05)
    it.host.until(Kind.ESCROW)
    it.device._go(it.device.status.RETURNING)
    it.clock.advance(1)
    it.device.insert(500)
    it.clock.advance(1)
    it.host.turns(lambda: it.host.events[-1] == Event(Kind.ESCROW, 500, "USD"))
    assert it.host.events[-2] == Event(Kind.RETURNED, 100, "USD")


def test_closing_leaves_the_device_inhibited() -> None:
    it = Memorised().ready()
    it.driver.close()
    assert it.device.insert(100) == "inhibited"


@pytest.mark.parametrize("currency", [USD, EUR, Asset("JPY", 0)])
def test_the_table_is_in_major_units_of_any_currency(currency: Asset) -> None:
    notes = {code: minor // 100 * 10**currency.exponent for code, minor in US_NOTES.items()}
    assert read_table(write_table(notes, currency), currency) == notes


@pytest.mark.parametrize(
    ("wire", "notes"),
    [
        ("61 01 01 00", {0x61: 100}),
        ("61 01 01 00 65 01 02 01 67 01 01 02", {0x61: 100, 0x65: 2_000, 0x67: 10_000}),
        ("61 01 01 00 62 00 00 00 54 4A 43 4D", {0x61: 100}),
        ("61 01 01 00 62 01", {0x61: 100}),
        (f"68 01 01 {TENS_MAX:02x}", {0x68: 100 * 10**TENS_MAX}),
    ],
)
def test_the_table_is_read_from_literal_bytes(wire: str, notes: dict[int, int]) -> None:
    assert read_table(bytes.fromhex(wire), USD) == notes


@pytest.mark.parametrize(
    "wire", ["", "61 01 00 00", "61 01 01 00 61 01 05 00", f"61 01 01 {TENS_MAX + 1:02x}", "69"]
)
def test_a_table_that_cannot_be_right_takes_no_note(wire: str) -> None:
    with pytest.raises(TableUnreadable):
        read_table(bytes.fromhex(wire), USD)
    it = Memorised()
    it.device._table = bytes.fromhex(wire)
    it.host.until(Kind.FAILURE)
    assert it.device.state()["inhibited"]


def test_a_truncated_answer_costs_one_reply_limit_and_no_more() -> None:
    it = Memorised().ready()
    whole = it.device.hear(encode(0x11))
    wire = Parrot(it.device, it.clock)
    wire.answer = whole[:-1]
    driver = Id003(wire, it.clock)
    start_s = it.clock.monotonic_s()
    assert driver.poll() is None
    assert it.clock.monotonic_s() - start_s == pytest.approx(REPLY_MS_MAX / 1_000)


def test_all_escrow_codes_have_their_bit() -> None:
    notes = {code: 100 * (place + 1) for place, code in enumerate(CODES)}
    it = Memorised(notes=notes)
    it.host.allowed = frozenset({800, 100})
    it.ready()
    assert it.device._settings[0xC0] == b"\x7e\x00"
    assert POWER_UPS[0] in it.host.kinds
