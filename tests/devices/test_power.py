"""Power cuts, lost and spoilt answers, at every point of a note's way: counted exactly once.

What the host counted is what lies in the cash box, and every note is in one place, whatever fails.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

import pytest
from simulated import Cable, Host, Memorised, Undecided

from tallystick.devices.id003.codes import Command
from tallystick.devices.id003.driver import Id003
from tallystick.devices.id003.memory import Place
from tallystick.devices.validator import Event, Kind

NOTE = 2_000
ANSWERS_IN_ONE_CYCLE = 60
SLICE_S = 0.1


def settled(it: Memorised) -> None:
    """Go on until nothing is under way; then the host, the box and the customer must agree."""
    it.host.turns(
        lambda: (
            it.device.memory.place is Place.NOWHERE
            and it.device.status.name == "IDLE"
            and it.host.kinds[-1:] == [Kind.IDLE]
        ),
        600,
    )
    assert it.host.counted == it.device.memory.box
    assert it.host.stacking is None


def goes_on_working(it: Memorised) -> None:
    """The next note is one note too."""
    before = list(it.host.counted)
    assert it.device.insert(500) == "taken"
    settled(it)
    assert it.host.counted == [*before, 500]


def cut_after(slices: int, beat_s: float) -> Memorised:
    """Insert a note, cut the power of the device after so many tenths of seconds."""
    it = Memorised(beat_s=beat_s).ready()
    it.device.insert(NOTE)
    until_s = it.clock.monotonic_s() + slices * SLICE_S
    while it.clock.monotonic_s() < until_s:
        it.host.turn()
    return it


@pytest.mark.parametrize("host_too", [False, True], ids=["device", "device and host"])
@pytest.mark.parametrize("slices", range(26))
def test_a_power_cut_at_any_moment_loses_and_doubles_nothing(slices: int, host_too: bool) -> None:
    it = cut_after(slices, beat_s=0.1)
    was = it.device.memory.place
    it.device.power_cycle()
    if host_too:
        it.host.validator = it.driver = Id003(Cable(it.device, it.clock), it.clock)
    settled(it)
    inside = was in (Place.STACKER, Place.TOLD) or it.device.memory.box
    assert it.host.counted == ([NOTE] if inside else [])
    assert it.device.take() == (0 if inside else NOTE)
    goes_on_working(it)


def test_those_moments_were_all_there_are() -> None:
    seen = {(it.device.status.name, it.device.memory.place.value) for it in cuts()}
    assert seen == {
        ("ACCEPTING", "acceptor"),
        ("STACKING", "acceptor"),
        ("STACKING", "stacker"),
        ("STACKED", "nowhere"),
        ("IDLE", "nowhere"),
    }


def cuts() -> list[Memorised]:
    return [cut_after(slices, beat_s=0.1) for slices in range(26)]


def at_escrow(it: Memorised) -> None:
    it.host.until(Kind.ESCROW)


def on_hold(it: Memorised) -> None:
    at_escrow(it)
    it.driver.hold()


def returning(it: Memorised) -> None:
    at_escrow(it)
    it.driver.give_back()


def ordered(it: Memorised) -> None:
    at_escrow(it)
    it.host.stacking = NOTE
    it.driver.stack()


def vended(it: Memorised) -> None:
    """In the box; told, counted or not, and never acknowledged."""
    ordered(it)
    it.clock.advance(5)
    it.device.tick()
    assert it.device.status.name == "VEND_VALID"


def vended_and_told(it: Memorised) -> None:
    vended(it)
    it.driver.poll()


def vended_and_counted(it: Memorised) -> None:
    """The host died between its record and its acknowledgement."""
    vended_and_told(it)
    it.host.counted.append(NOTE)
    it.host.stacking = None


def rejecting(it: Memorised) -> None:
    it.device.insert_bad(NOTE)
    it.host.until(Kind.REJECTED)


WAYS: dict[Callable[[Memorised], None], tuple[Kind, bool]] = {
    at_escrow: (Kind.POWER_UP_ACCEPTOR, False),
    on_hold: (Kind.POWER_UP_ACCEPTOR, False),
    returning: (Kind.POWER_UP_ACCEPTOR, False),
    ordered: (Kind.POWER_UP_ACCEPTOR, False),
    rejecting: (Kind.POWER_UP_ACCEPTOR, False),
    vended: (Kind.POWER_UP_STACKER, True),
    vended_and_told: (Kind.POWER_UP_STACKER, True),
    vended_and_counted: (Kind.POWER_UP_STACKER, True),
}


@pytest.mark.parametrize("again", [False, True], ids=["once", "and again while it starts"])
@pytest.mark.parametrize("host_too", [False, True], ids=["device", "device and host"])
@pytest.mark.parametrize("way", WAYS, ids=lambda way: way.__name__)
def test_a_power_cut_in_each_state_is_told_and_resolved(
    way: Callable[[Memorised], None], host_too: bool, again: bool
) -> None:
    it = Memorised()
    it.host = Undecided(it.driver, it.clock)
    it.ready()
    if way is not rejecting:
        it.device.insert(NOTE)
    way(it)
    it.device.power_cycle()
    if host_too:
        it.driver = Id003(Cable(it.device, it.clock), it.clock)
    after = Host(it.driver, it.clock)
    after.counted, after.stacking = it.host.counted, it.host.stacking
    it.host = after
    power_up, kept = WAYS[way]
    it.host.until(power_up)
    if again:
        it.host.until(Kind.STARTING)
        it.device.power_cycle()
    settled(it)
    assert it.host.counted == ([NOTE] if kept else [])
    assert it.device.take() == (0 if kept else NOTE)
    goes_on_working(it)


def test_the_value_survives_in_the_driver_and_is_unknown_to_a_new_one() -> None:
    for host_too, minor in ((False, NOTE), (True, 0)):
        it = Memorised()
        it.host = Undecided(it.driver, it.clock)
        it.ready()
        it.device.insert(NOTE)
        vended(it)
        it.device.power_cycle()
        if host_too:
            it.host.validator = Id003(Cable(it.device, it.clock), it.clock)
        it.host.turns(lambda: it.host.events[-1].kind is Kind.VEND_VALID)  # noqa: B023
        assert it.host.events[-1] == Event(Kind.VEND_VALID, minor, "USD")


@pytest.mark.parametrize("kind", ["drop", "corrupt", "garbage", "deaf"])
@pytest.mark.parametrize("number", range(1, ANSWERS_IN_ONE_CYCLE))
def test_any_one_answer_may_go_wrong(number: int, kind: str) -> None:
    it = Memorised(seed=number)
    it.device.faults.at(number, kind)
    it.ready()
    assert it.device.insert(NOTE) == "taken"
    settled(it)
    assert it.host.counted == [NOTE]
    goes_on_working(it)


def test_one_cycle_has_no_more_answers_than_were_spoilt() -> None:
    it = Memorised().ready()
    it.device.insert(NOTE)
    settled(it)
    assert it.device.faults.commands < ANSWERS_IN_ONE_CYCLE


@pytest.mark.parametrize("kind", ["drop", "corrupt", "garbage", "deaf"])
@pytest.mark.parametrize("length", range(1, 13))
@pytest.mark.parametrize("command", [Command.STACK_1, Command.ACK, Command.RESET])
def test_any_run_of_wrong_answers_around_an_order(command: Command, length: int, kind: str) -> None:
    it = Memorised(seed=length)
    answer, begun = it.device.hear, []

    def hear(data: bytes) -> bytes:
        if data[2] == command and not begun:
            begun.append(1)
            it.device.faults.add(**{kind: length})
        return answer(data)

    it.device.hear = hear  # type: ignore[method-assign]
    it.ready()
    assert it.device.insert(NOTE) == "taken"
    settled(it)
    assert begun
    assert it.host.counted in ([NOTE], [])
    assert it.device.take() == (0 if it.host.counted else NOTE)
    goes_on_working(it)


@pytest.mark.parametrize("seed", range(150))
def test_a_bad_day(seed: int) -> None:
    """Notes of all kinds with faults and power cuts between them: the count is the box."""
    it = Memorised(seed=seed, beat_s=0.05).ready()
    given = []
    for step in it.clock.random_bytes(200):
        act, much = step & 7, step >> 3
        if act < 3:
            minor = (100, 500, 2_000)[act]
            given += [minor] if it.device.insert(minor) == "taken" else []
        elif act == 3:
            it.device.power_cycle()
        elif act == 4:
            it.device.faults.add(
                **{("drop", "corrupt", "garbage", "deaf")[much & 3]: 1 + much // 4}
            )
        elif act == 5:
            it.host.validator = it.driver = Id003(Cable(it.device, it.clock), it.clock)
        else:
            for _ in range(much):
                it.host.turn()
    for kind in it.device.faults.left:
        it.device.faults.left[kind] = 0
    settled(it)
    assert Counter(it.host.counted) <= Counter(given)
    assert len(given) > 3
    goes_on_working(it)
