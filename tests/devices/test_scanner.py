from __future__ import annotations

import os
import tty
from collections.abc import Iterator
from pathlib import Path

import pytest
from simulated import simulator

from tallystick.core.clock import SeededClock, SystemClock
from tallystick.devices.id003.desk import PRESENT_BYTES_MAX
from tallystick.devices.scanner import (
    CODE_BYTES_MAX,
    HALF_CODE_S_MAX,
    LICENCE_BYTES_MAX,
    LICENCE_QUIET_S,
    REOPEN_S,
    SerialScanner,
)


class Beam:
    """A scanner over a pseudo-terminal, with a hand at the other end."""

    def __init__(self) -> None:
        self.master, self.slave = os.openpty()
        tty.setraw(self.slave)
        self.clock = SeededClock(1)
        self.scanner = SerialScanner(os.ttyname(self.slave), self.clock)
        self.scanner.read()

    def show(self, data: bytes) -> None:
        while data:
            data = data[os.write(self.master, data[:1_000]) :]

    def codes(self, reads: int = 40) -> list[str]:
        return [code for code in (self.scanner.read() for _ in range(reads)) if code is not None]


@pytest.fixture
def beam() -> Iterator[Beam]:
    made = Beam()
    yield made
    made.scanner.close()
    os.close(made.slave)
    os.close(made.master)


def test_a_code_comes_whole_and_once(beam: Beam) -> None:
    beam.show(b"bitcoin:bcrt1q")
    assert beam.codes() == []
    beam.show(b"xyz?amount=1\r")
    assert beam.codes() == ["bitcoin:bcrt1qxyz?amount=1"]


@pytest.mark.parametrize("end", [b"\r", b"\n", b"\r\n"])
def test_codes_end_as_scanners_end_them(beam: Beam, end: bytes) -> None:
    beam.show(b"one" + end + b"two" + end)
    assert beam.codes() == ["one", "two"]


def test_half_a_code_is_forgotten_after_a_while(beam: Beam) -> None:
    beam.show(b"bcrt1qhalf")
    beam.codes()
    beam.clock.advance(HALF_CODE_S_MAX + 0.1)
    beam.codes()
    beam.show(b"whole\r")
    assert beam.codes() == ["whole"]


def test_a_code_has_a_longest(beam: Beam) -> None:
    beam.show(b"x" * CODE_BYTES_MAX + b"\r" + b"y" * (CODE_BYTES_MAX + 1) + b"\rafter\r")
    assert beam.codes() == ["x" * CODE_BYTES_MAX, "after"]


def test_the_tail_of_a_code_too_long_is_no_code(beam: Beam) -> None:
    beam.show(b"x" * (CODE_BYTES_MAX + 1))
    assert beam.codes() == []
    beam.show(b"bcrt1qtail\rafter\r")
    assert beam.codes() == ["after"]


def test_after_a_code_too_long_and_a_pause_the_next_one_counts(beam: Beam) -> None:
    beam.show(b"x" * (CODE_BYTES_MAX + 1))
    beam.codes()
    beam.clock.advance(HALF_CODE_S_MAX + 0.1)
    beam.show(b"next\r")
    assert beam.codes() == ["next"]


def test_only_visible_letters_come_out(beam: Beam) -> None:
    beam.show("\x1b[2J\x00 añb\u202ec \t".encode() + b"\xff\xfe\r\r\n\r")
    assert beam.codes() == ["[2J añbc ��"]


def test_endless_noise_is_held_within_limits(beam: Beam) -> None:
    for _ in range(20):
        beam.show(b"\r" * 1_000 + os.urandom(500).translate(None, b"\r\n"))
        beam.codes(3)
    assert len(beam.scanner._held) <= 4_096 + CODE_BYTES_MAX


def test_a_scanner_that_was_unplugged_comes_back(tmp_path: Path) -> None:
    clock = SeededClock(1)
    scanner = SerialScanner(tmp_path / "codes", clock)
    assert scanner.read() is None
    master, slave = os.openpty()
    tty.setraw(slave)
    (tmp_path / "codes").symlink_to(os.ttyname(slave))
    assert scanner.read() is None
    clock.advance(REOPEN_S)
    scanner.read()
    os.write(master, b"back\r")
    assert scanner.read() == "back"
    scanner.close()
    os.close(slave)
    os.close(master)


def test_the_simulated_scanner_types_real_bytes_and_survives_a_kill() -> None:
    with simulator() as sim:
        clock = SystemClock()
        scanner = SerialScanner(sim.scanner, clock)

        def scanned() -> str:
            while not (code := scanner.read()):
                clock.sleep(0.002)
            return code

        scanner.read()
        sim.hands.present("bitcoin:bcrt1q?label=Zoë")
        assert scanned() == "bitcoin:bcrt1q?label=Zoë"
        sim.hands.present("x" * PRESENT_BYTES_MAX)
        sim.hands.present("short")
        assert scanned() == "short"
        sim.cut()
        assert scanner.read() is None
        sim.again()
        clock.sleep(REOPEN_S)
        assert scanner.read() is None
        sim.hands.present("again")
        assert scanned() == "again"


LICENCE = "@\n\x1e\rANSI 636014080001DL00290030DLDAQD1\nDCSSAMPLE\n\r"


def test_a_licence_comes_whole_with_its_line_ends(beam: Beam) -> None:
    for part in (LICENCE[:1], LICENCE[1:20], LICENCE[20:]):
        beam.show(part.encode())
        assert beam.codes() == []
    beam.clock.advance(LICENCE_QUIET_S)
    assert beam.codes() == [LICENCE]
    beam.show(b"bcrt1q\r")
    assert beam.codes() == ["bcrt1q"]


def test_a_licence_longer_than_any_is_dropped_whole(beam: Beam) -> None:
    beam.show(b"@\n" + b"A\r" * LICENCE_BYTES_MAX)
    assert beam.codes() == []
    beam.clock.advance(LICENCE_QUIET_S)
    assert beam.codes() == []
    beam.show(b"one\r")
    assert beam.codes() == ["one"]
