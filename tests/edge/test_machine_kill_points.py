"""SIGKILL at every write and sync of the machine's journal, in one whole purchase; then go on.

Enumerated, not sampled: first a purchase is run to its end and its calls are counted; then, for
each call, the real process is killed before it, after it, or with half of it on disk. With
``power`` the validator loses its power in the same moment. The customer then goes on where the
screen is. In the end every note in the box is credited once, to their purchase or as a late note,
and no purchase is paid in twice.
"""

from __future__ import annotations

from collections.abc import Iterator
from multiprocessing.process import BaseProcess
from pathlib import Path

import httpx
import pytest

import databases
from edge import killed
from edge.rig import ADDRESS, Devices, Server, ShiftedClock, until
from forks import forks
from serving import stop_all
from tallystick.cli.walk import NotReached, Walk
from tallystick.core.clock import SystemClock

NOTES = (2_000, 1_000)
STOP_S_MAX = 10
ENDS = ("sending", "receipt", "stopped", "safe", "start")
GONE = (NotReached, httpx.HTTPError, ConnectionError)


class Scene:
    """One folder with its own server, devices and machine."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True)
        self.folder, self.clock = folder, SystemClock()
        self.store = databases.opened(f"sqlite:///{folder}/server.sqlite")
        self.server = Server(self.store, ShiftedClock(), folder)
        self.devices = Devices(folder)
        self.process: BaseProcess | None = None

    def start(self, at: int, how: str) -> str:
        """Start the machine, to be killed at a call, or never with 0; return its address."""
        ready = self.folder / "kiosk.ready"
        ready.unlink(missing_ok=True)
        told = (self.folder, self.server.code, ready, at, how)
        self.process = machine = forks(killed.__name__).Process(target=killed.run, args=told)
        machine.start()
        until(lambda: (ready.exists() and ready.read_text()) or not machine.is_alive())
        return ready.read_text() if ready.exists() else ""

    def dead(self) -> bool:
        return self.process is not None and not self.process.is_alive()

    def buy(self, screen: str) -> None:
        """Go on from whatever page is up, to the end of the purchase."""
        walk = Walk(screen, self.devices.hands, self.clock, self.folder, open_s=15)
        try:
            self._buy(walk)
        finally:
            walk.hang_up()

    def _buy(self, walk: Walk) -> None:
        walk.reach("start", "cash", *ENDS)
        if walk.shown == "start" and not self.server.notes():
            walk.to_cash(ADDRESS)
        if walk.look() == "cash":
            for minor in NOTES[len(self.devices.hands.state()["box"]) :]:
                insert(walk, minor)
            walk.send()
        walk.reach(*ENDS)

    def stop(self) -> None:
        """Stop the machine as an operator does, if it lives."""
        if self.process is not None:
            self.process.terminate()
            self.process.join(STOP_S_MAX)
            self.process.close()
            self.process = None

    def end(self) -> None:
        self.stop()
        self.devices.kill()
        stop_all()
        self.store.close()


def insert(walk: Walk, minor: int) -> None:
    """Put a note in, and again when it comes back: the machine may not be ready for it yet."""
    for _ in range(5):
        back = len(walk.refused)
        walk.insert(minor)
        if len(walk.refused) == back:
            return


def points(calls: list[str], power: bool) -> Iterator[tuple[int, str]]:
    """Return each moment that leaves another file: half a record, and a whole one on disk."""
    for at, call in enumerate(calls, 1):
        if call == "pwrite" and not power:
            yield at, "torn"
        if call == "fdatasync" or calls[at : at + 1] != ["fdatasync"]:
            yield at, "after"


def run(folder: Path, at: int, how: str, power: bool) -> tuple[list[str], bool]:
    """Buy with a kill at one call; return what does not hold, and whether it was killed."""
    scene = Scene(folder)
    try:
        screen = scene.start(at, how)
        try:
            if screen:
                scene.buy(screen)
        except GONE:
            until(scene.dead, "only a kill may stop a purchase")
        killed = at > 0 and _settled_dead(scene)
        if killed:
            if power:
                scene.devices.kill()
                scene.devices.start()
            scene.buy(scene.start(0, ""))
        return _wrong(scene), killed
    finally:
        scene.end()


def _settled_dead(scene: Scene) -> bool:
    if scene.process is not None and not scene.dead():
        scene.stop()
        return False
    return True


def _wrong(scene: Scene) -> list[str]:
    box = sorted(scene.devices.hands.state()["box"])
    try:
        until(lambda: scene.server.notes() == box)
        until(lambda: any(row["state"] == "paid_in" for row in scene.server.purchases()))
    except TimeoutError:
        states = [(row["state"], row["cash_minor"]) for row in scene.server.purchases()]
        return [f"the box holds {box}, credited are {scene.server.notes()}; {states}"]
    paid = [row for row in scene.server.purchases() if row["state"] == "paid_in"]
    found = [] if len(paid) == 1 else [f"{len(paid)} purchases are paid in"]
    cash = sum(row["cash_minor"] for row in scene.server.purchases())
    found += [] if cash == sum(box) else [f"{cash} on purchases, {sum(box)} in the box"]
    found += [] if paid[0]["cash_minor"] == sum(NOTES) else [f"paid in {paid[0]['cash_minor']}"]
    found += [] if scene.server.box_minor() == sum(box) else ["the ledger's box differs"]
    found += scene.server.incidents()
    scene.server.audit()
    return found


def calls_of(folder: Path) -> list[str]:
    found, _ = run(folder, 0, "", power=False)
    assert found == []
    return (folder / "count").read_text().split()


@pytest.fixture(scope="module")
def calls(tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[str]]:
    yield calls_of(tmp_path_factory.mktemp("k") / "whole")


@pytest.mark.crash
@pytest.mark.timeout(900)
@pytest.mark.parametrize("power", [False, True], ids=["process", "power"])
def test_killed_at_every_write_and_sync_no_note_is_lost_or_credited_twice(
    tmp_path: Path, calls: list[str], power: bool
) -> None:
    assert calls.count("fdatasync") >= 9
    wrong, killed = [], 0
    for at, how in points(calls, power):
        found, dead = run(tmp_path / f"{at}-{how}", at, how, power)
        killed += dead
        wrong += [f"{calls[at - 1]} {at} {how}: {said}" for said in found]
    assert wrong == []
    assert killed > len(calls) // 2
