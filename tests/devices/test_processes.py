"""The simulated devices as a process on real pseudo-terminals: SIGKILL is a power cut."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import simulated
from simulated import Host, Simulator, Undecided, simulator

from tallystick.core.clock import SystemClock
from tallystick.devices.errors import HandsRefused, StateDamaged, StateInUse
from tallystick.devices.id003.__main__ import CONNECTIONS_MAX, PACE_MS_MAX, REQUEST_BYTES_MAX
from tallystick.devices.id003.control import Hands
from tallystick.devices.id003.desk import MINOR_MAX, PRESENT_BYTES_MAX
from tallystick.devices.id003.driver import MISSES_MAX, REPLY_MS_MAX, Id003
from tallystick.devices.id003.faults import COUNT_MAX
from tallystick.devices.id003.frames import encode
from tallystick.devices.id003.memory import BOX_NOTES_MAX, Memory, Place
from tallystick.devices.id003.simulator import (
    ACCEPT_BEATS,
    FRAME_GAP_S,
    STACK_BEATS,
    TIMES_MAX,
)
from tallystick.devices.validator import Event, Kind
from tallystick.devices.wire import SerialWire

NOTE = 2_000


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(vars(simulated)["PACE"], "poll_s", 0.003)


@pytest.fixture
def sim() -> Iterator[Simulator]:
    with simulator() as made:
        yield made


def host_of(sim: Simulator, kind: type[Host] = Host) -> Host:
    clock = SystemClock()
    return kind(Id003(sim.link, clock), clock)


def test_a_note_by_real_bytes(sim: Simulator) -> None:
    host = host_of(sim)
    host.until(Kind.IDLE)
    assert sim.hands.insert(NOTE) == "taken"
    host.until(Kind.IDLE)
    assert host.counted == sim.hands.state()["box"] == [NOTE]
    host.validator.close()
    assert sim.hands.insert(NOTE) == "inhibited"
    assert sim.end() == 0


def at_idle(sim: Simulator, host: Host) -> None:
    host.until(Kind.IDLE)


def accepting(sim: Simulator, host: Host) -> None:
    host.until(Kind.IDLE)
    assert sim.hands.insert(NOTE) == "taken"


def at_escrow(sim: Simulator, host: Host) -> None:
    accepting(sim, host)
    host.until(Kind.ESCROW)


def stacking(sim: Simulator, host: Host) -> None:
    at_escrow(sim, host)
    host.stacking = NOTE
    host.validator.stack()
    until(lambda: sim.hands.state()["place"] == Place.STACKER)


def vended(sim: Simulator, host: Host) -> None:
    stacking(sim, host)
    host.validator.poll()
    until(lambda: sim.hands.state()["vend_unacked"])


def vended_and_counted(sim: Simulator, host: Host) -> None:
    vended(sim, host)
    host.counted.append(NOTE)
    host.stacking = None


def acknowledged(sim: Simulator, host: Host) -> None:
    vended_and_counted(sim, host)
    assert host.validator.poll() == Event(Kind.VEND_VALID, NOTE, "USD")
    host.validator.acknowledge()
    until(lambda: not sim.hands.state()["vend_unacked"])


def returning(sim: Simulator, host: Host) -> None:
    at_escrow(sim, host)
    host.validator.give_back()


WAYS: dict[Callable[[Simulator, Host], None], tuple[Kind, bool]] = {
    at_idle: (Kind.POWER_UP, False),
    accepting: (Kind.POWER_UP_ACCEPTOR, False),
    at_escrow: (Kind.POWER_UP_ACCEPTOR, False),
    returning: (Kind.POWER_UP_ACCEPTOR, False),
    stacking: (Kind.POWER_UP_STACKER, True),
    vended: (Kind.POWER_UP_STACKER, True),
    vended_and_counted: (Kind.POWER_UP_STACKER, True),
    acknowledged: (Kind.POWER_UP, True),
}


def until(found: Callable[[], bool]) -> None:
    end_s = time.monotonic() + 10
    while not found():
        assert time.monotonic() < end_s, "it did not come"
        time.sleep(0.002)


@pytest.mark.crash
@pytest.mark.parametrize("host_too", [False, True], ids=["device", "device and host"])
@pytest.mark.parametrize("way", WAYS, ids=lambda way: way.__name__)
def test_a_simulator_killed_in_each_state_loses_and_doubles_nothing(
    sim: Simulator, way: Callable[[Simulator, Host], None], host_too: bool
) -> None:
    before = host_of(sim, Undecided)
    way(sim, before)
    sim.cut()
    after = host_of(sim)
    if not host_too:
        after.validator = before.validator
        after.until(Kind.LOST)
    sim.again()
    after.counted, after.stacking = before.counted, before.stacking
    power_up, kept = WAYS[way]
    after.until(power_up)
    after.until(Kind.IDLE)
    assert after.counted == sim.hands.state()["box"] == ([NOTE] if kept else [])
    assert after.stacking is None
    assert sim.hands.take() == (NOTE if power_up is Kind.POWER_UP_ACCEPTOR else 0)
    assert sim.hands.insert(500) == "taken"
    after.until(Kind.IDLE)
    assert after.counted == sim.hands.state()["box"] == ([NOTE] if kept else []) + [500]


def test_a_lost_device_costs_the_driver_no_more_than_its_limit(sim: Simulator) -> None:
    host = host_of(sim)
    host.until(Kind.IDLE)
    sim.hands.faults(drop=MISSES_MAX)
    start_s = time.monotonic()
    host.until(Kind.LOST)
    waited_s = time.monotonic() - start_s
    assert MISSES_MAX * REPLY_MS_MAX / 1_000 <= waited_s < 2 * MISSES_MAX * REPLY_MS_MAX / 1_000
    host.until(Kind.IDLE)


def test_one_port_is_for_one_driver(sim: Simulator) -> None:
    host = host_of(sim)
    host.until(Kind.IDLE)
    other = Id003(sim.link, SystemClock())
    events = [other.poll() for _ in range(MISSES_MAX)]
    assert events[-1] == Event(Kind.LOST)
    host.validator.close()
    until(lambda: other.poll() == Event(Kind.INHIBITED))


def test_a_pseudo_terminal_has_no_parity_and_another_port_keeps_its_own(
    sim: Simulator, tmp_path: Path
) -> None:
    wire = SerialWire(sim.link, parity="E")
    wire.flush()
    assert wire._port.parity == "N"
    wire.close()
    assert SerialWire(tmp_path / "ttyUSB0", parity="E")._parity == "E"


def test_the_hands_do_what_hands_do(sim: Simulator) -> None:
    host = host_of(sim)
    assert sim.hands.insert(NOTE) == "busy"
    host.until(Kind.IDLE)
    assert sim.hands.insert_bad(NOTE) == "taken"
    host.until(Kind.IDLE)
    assert (sim.hands.take(), sim.hands.take()) == (NOTE, 0)
    for act in (sim.hands.fill, sim.hands.cheat, sim.hands.pause, sim.hands.fail):
        act()
        assert sim.hands.insert(NOTE) == "busy"
        sim.hands.clear()
    sim.hands.open_box()
    assert sim.hands.state()["box_open"]
    sim.hands.close_box()
    sim.hands.insert(NOTE)
    host.until(Kind.IDLE)
    assert sim.hands.empty() == [NOTE]
    assert sim.hands.state()["box"] == []
    sim.hands.jam("stacker")
    sim.hands.insert(NOTE)
    host.until(Kind.JAM_STACKER)
    assert sim.hands.state()["jammed"]
    sim.hands.clear()
    host.turns(lambda: host.counted == [NOTE, NOTE])
    sim.hands.power_cycle()
    host.until(Kind.POWER_UP)


def test_the_times_of_a_note_are_in_their_order(sim: Simulator) -> None:
    host = host_of(sim)
    host.until(Kind.IDLE)
    for minor in (500, NOTE):
        sim.hands.insert(minor)
        host.until(Kind.IDLE)
    marks = ("escrow_ns", "stack_ns", "vend_ns", "ack_ns")
    times = sim.hands.times()
    assert [line["minor"] for line in times] == [500, NOTE]
    found = [line[mark] for line in times for mark in marks]
    assert found == sorted(found)
    assert 0 < time.monotonic_ns() - found[-1] < 60e9


@pytest.mark.parametrize(
    "line",
    [
        b"",
        b"{",
        b"[]",
        b"7",
        b'{"do":"fly"}',
        b'{"do":7}',
        b'{"do":"insert"}',
        b'{"do":"insert","minor":"20"}',
        b'{"do":"insert","minor":20.5}',
        b'{"do":"insert","minor":0}',
        b'{"do":"insert","minor":%d}' % (MINOR_MAX + 1),
        b'{"do":"insert_bad","reason":1}',
        b'{"do":"jam","at":"home"}',
        b'{"do":"faults","drop":-1}',
        b'{"do":"faults","drop":%d}' % (COUNT_MAX + 1),
        b'{"do":"faults","smash":1}',
        b'{"do":"present","text":""}',
        b'{"do":"present","text":"%s"}' % (b"x" * (PRESENT_BYTES_MAX + 1)),
        b'{"do":"fill","much":1}',
        b"\xff\xfe",
        b"[" * 60_000,
    ],
)
def test_a_wrong_request_gets_an_error_and_nothing_else(sim_all: Simulator, line: bytes) -> None:
    with socket.socket(socket.AF_UNIX) as stream:
        stream.settimeout(5)
        stream.connect(str(sim_all.folder / "hands"))
        stream.sendall(line + b"\n")
        assert json.loads(stream.makefile().readline())["error"]
    assert sim_all.hands.state()["box"] == []


@pytest.fixture(scope="module")
def sim_all() -> Iterator[Simulator]:
    with simulator() as made:
        yield made


def test_a_request_without_end_is_cut_off(sim_all: Simulator) -> None:
    with socket.socket(socket.AF_UNIX) as stream:
        stream.settimeout(5)
        stream.connect(str(sim_all.folder / "hands"))
        with pytest.raises(OSError):
            for _ in range(REQUEST_BYTES_MAX // 1_000 + 100):
                stream.sendall(b"x" * 1_000)
                time.sleep(0.0005)
    assert sim_all.hands.state()["box"] == []


def test_too_many_connections_are_turned_away_and_the_others_served(sim_all: Simulator) -> None:
    held = []
    for _ in range(CONNECTIONS_MAX + 5):
        stream = socket.socket(socket.AF_UNIX)
        stream.connect(str(sim_all.folder / "hands"))
        held.append(stream)
    with pytest.raises(HandsRefused):
        sim_all.hands.state()
    for stream in held:
        stream.close()
    until(lambda: _answers(sim_all.hands))


def _answers(hands: Hands) -> bool:
    try:
        return "box" in hands.state()
    except HandsRefused:
        return False


def test_noise_from_the_host_changes_nothing(sim: Simulator) -> None:
    wire = SerialWire(sim.link)
    for noise in (b"\x00" * 3_000, b"\xfc" * 3_000, os.urandom(3_000), b"\xfc\xff\x41"):
        wire.write(noise)
    time.sleep(0.1)
    wire.close()
    host = host_of(sim)
    host.until(Kind.IDLE)
    sim.hands.insert(NOTE)
    host.until(Kind.IDLE)
    assert host.counted == [NOTE]


def test_hands_without_a_simulator_are_refused(tmp_path: Path) -> None:
    with pytest.raises(HandsRefused):
        Hands(tmp_path / "nobody").insert(NOTE)


def test_a_second_simulator_on_one_state_is_refused(sim: Simulator) -> None:
    with pytest.raises(StateInUse):
        Memory(sim.folder / "state")
    names = [f"--{name}={sim.folder / name}2" for name in ("link", "control")]
    command = [sys.executable, "-m", "tallystick.devices.id003", *names]
    done = subprocess.run(
        [*command, "--state", sim.folder / "state"], capture_output=True, timeout=20
    )
    assert done.returncode == 1


def test_the_memory_is_what_was_written_and_a_torn_line_is_none(tmp_path: Path) -> None:
    path = tmp_path / "state"
    memory = Memory(path)
    for minor in (100, 500):
        for place in (Place.ACCEPTOR, Place.STACKER, Place.TOLD, Place.NOWHERE):
            memory.put(place, minor)
    memory.put(Place.STACKER, NOTE)
    memory.close()
    path.write_bytes(path.read_bytes() + b'{"box": 2')
    again = Memory(path)
    assert (again.box, again.place, again.minor) == ([100, 500], Place.STACKER, NOTE)
    assert again.empty() == [100, 500]
    again.close()
    assert Memory(path).box == []


@pytest.mark.parametrize("line", [b"{}", b"nothing", b'{"place":"moon","minor":1}', b"[1]"])
def test_a_damaged_memory_is_not_guessed_about(tmp_path: Path, line: bytes) -> None:
    path = tmp_path / "state"
    path.write_bytes(b'{"box": 100}\n' + line + b'\n{"box": 100}\n')
    with pytest.raises(StateDamaged):
        Memory(path)


def test_only_so_many_times_are_kept() -> None:
    it = simulated.Memorised(beat_s=0).ready()
    for _ in range(TIMES_MAX + 3):
        it.device.insert(100)
        it.host.until(Kind.IDLE)
    assert len(it.device.times) == TIMES_MAX
    assert len(it.device.memory.box) == TIMES_MAX + 3


def test_a_full_box_gives_the_note_back() -> None:
    it = simulated.Memorised(beat_s=0).ready()
    it.device.memory.box = [100] * BOX_NOTES_MAX
    it.device.insert(NOTE)
    it.host.until(Kind.IDLE)
    assert (it.device.take(), it.host.counted) == (NOTE, [])


def test_a_command_that_pauses_too_long_is_given_up() -> None:
    it = simulated.Memorised()
    ask = encode(0x11)
    for pause_s, answered in ((FRAME_GAP_S / 2, True), (FRAME_GAP_S * 2, False)):
        assert it.device.hear(ask[:3]) == b""
        it.clock.advance(pause_s)
        assert (it.device.hear(ask[3:]) != b"") is answered


def test_beats_take_their_time() -> None:
    with simulator(pace_ms=10) as sim:
        host = host_of(sim)
        host.until(Kind.IDLE, 2_000)
        start_s = time.monotonic()
        sim.hands.insert(NOTE)
        host.until(Kind.VEND_VALID, 2_000)
        assert time.monotonic() - start_s >= (ACCEPT_BEATS + STACK_BEATS) * 0.01


def test_a_beat_has_a_longest(tmp_path: Path) -> None:
    names = [f"--{name}={tmp_path / name}" for name in ("link", "control", "state")]
    command = [sys.executable, "-m", "tallystick.devices.id003", *names]
    pace = f"--pace-ms={PACE_MS_MAX + 1}"
    done = subprocess.run([*command, pace], capture_output=True, timeout=20)
    assert done.returncode == 2
