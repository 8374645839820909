"""A cable in memory, a host that records before it acknowledges, and simulators as processes."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from tallystick.core.clock import Clock, SeededClock
from tallystick.devices.id003.control import Hands
from tallystick.devices.id003.driver import Id003
from tallystick.devices.id003.simulator import SimulatedValidator
from tallystick.devices.validator import BillValidator, Event, Kind

POWER_UPS = (Kind.POWER_UP, Kind.POWER_UP_ACCEPTOR, Kind.POWER_UP_STACKER)
NOTES = frozenset({100, 500, 1_000, 2_000, 5_000, 10_000})
PACE = {"poll_s": 0.1}


class Cable:
    """Host and device in one process, on simulated time."""

    def __init__(self, device: SimulatedValidator, clock: SeededClock) -> None:
        self.device, self.clock, self._held = device, clock, b""

    def write(self, data: bytes) -> None:
        self._held += self.device.hear(data)

    def read(self, wait_s: float) -> bytes:
        if not self._held:
            self.clock.advance(wait_s)
        data, self._held = self._held, b""
        return data

    def flush(self) -> None:
        self._held = b""

    def close(self) -> None:
        self._held = b""


class Host:
    """Does what the edge must do, and no more: writes *stacking* before it stacks, counts the note
    under way once, acknowledges after it counted. Its record outlives every power cut."""

    def __init__(self, validator: BillValidator, clock: Clock) -> None:
        self.validator, self.clock = validator, clock
        self.counted: list[int] = []
        self.returned: list[int] = []
        self.stacking: int | None = None
        self.events: list[Event] = []
        self.allowed = NOTES

    @property
    def kinds(self) -> list[Kind]:
        return [event.kind for event in self.events]

    def turn(self) -> Event | None:
        event = self.validator.poll()
        if event is not None:
            self.events.append(event)
            self._on(event)
        self.clock.sleep(PACE["poll_s"])
        return event

    def _on(self, event: Event) -> None:
        if event.kind is Kind.ESCROW:
            self.stacking = event.minor
            self.validator.stack()
        elif event.kind is Kind.VEND_VALID:
            if self.stacking is not None:
                self.counted.append(self.stacking)
                self.stacking = None
            self.validator.acknowledge()
        elif event.kind is Kind.RETURNED:
            self.returned += [] if self.stacking is None else [self.stacking]
            self.stacking = None
        elif event.kind in POWER_UPS:
            self.open()

    def open(self) -> None:
        self.validator.start()
        self.validator.accept(self.allowed)

    def turns(self, until: Callable[[], bool], count: int = 200) -> None:
        for _ in range(count):
            self.turn()
            if until():
                return
        raise AssertionError(f"not reached in {count} turns: {self.kinds[-8:]}")

    def until(self, kind: Kind, count: int = 200) -> None:
        self.turns(lambda: bool(self.events) and self.events[-1].kind is kind, count)


class Undecided(Host):
    """A host that leaves notes in escrow."""

    def _on(self, event: Event) -> None:
        if event.kind is not Kind.ESCROW:
            super()._on(event)


class Memorised:
    """A device, a driver and a host on one seeded clock."""

    def __init__(self, seed: int = 1, beat_s: float = 0.1, **given: object) -> None:
        self.clock = SeededClock(seed)
        self.device = SimulatedValidator(self.clock, beat_s=beat_s, **given)  # type: ignore
        self.driver = Id003(Cable(self.device, self.clock), self.clock)
        self.host = Host(self.driver, self.clock)

    def ready(self) -> Memorised:
        self.host.until(Kind.IDLE)
        return self


class Simulator:
    """The simulated devices in their own process."""

    def __init__(self, folder: Path, pace_ms: int = 0) -> None:
        self.folder, self.pace_ms = folder, pace_ms
        self.link, self.scanner = folder / "validator", folder / "scanner"
        self.hands = Hands(folder / "hands")
        self.process = self._begin()

    def _begin(self) -> subprocess.Popen[bytes]:
        ready = self.folder / "ready"
        ready.unlink(missing_ok=True)
        names = {"link": self.link, "control": self.folder / "hands", "ready-file": ready}
        names |= {"state": self.folder / "state", "scanner-link": self.scanner}
        given = [part for name, path in names.items() for part in (f"--{name}", str(path))]
        command = [sys.executable, "-m", "tallystick.devices.id003", *given]
        process = subprocess.Popen([*command, "--pace-ms", str(self.pace_ms)])
        until = time.monotonic() + 20
        while not ready.exists():
            assert process.poll() is None and time.monotonic() < until, "no simulator"
            time.sleep(0.005)
        return process

    def cut(self) -> None:
        os.kill(self.process.pid, signal.SIGKILL)
        self.process.wait()

    def again(self) -> None:
        self.process = self._begin()

    def end(self) -> int:
        self.process.terminate()
        return self.process.wait(10)


@contextmanager
def simulator(pace_ms: int = 0) -> Iterator[Simulator]:
    with tempfile.TemporaryDirectory(prefix="ts-") as folder:
        made = Simulator(Path(folder), pace_ms)
        try:
            yield made
        finally:
            made.process.kill()
            made.process.wait()
