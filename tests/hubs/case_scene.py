"""A programme on a real database with real people, approvals and vault; and the walk to the door.

The invariant is checked with a law and a reading of its own: whoever is *transferred* had every
gate of the whole law satisfied at that instant.
"""

from __future__ import annotations

import atexit
import copy
import datetime as dt
import functools
import shutil
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TypeVar

from gate_scene import settled

import databases
from tallystick.core.clock import SeededClock
from tallystick.core.store import Store, Tx
from tallystick.core.vault import Vault
from tallystick.hubs import (
    agreements,
    cases,
    decide,
    gates,
    law,
    model,
    record,
    sample,
    transfer,
)
from tallystick.hubs.asking import Outcome
from tallystick.hubs.desk import Desk
from tallystick.hubs.law import Law, Stage, Value
from tallystick.hubs.model import Role, State

T = TypeVar("T")
DAY_S = 86_400
FILE = "hubs.sqlite"
PLAN_DAYS = 14
"""Longer than any notice outside the days around Christmas."""


@functools.cache
def begun(sender: str) -> Scene:
    """A programme at its beginning, made once and copied: migrations and adoptions take long."""
    scene = Scene(Path(tempfile.mkdtemp(prefix="ts-hubs-begun-")), sender, new=True)
    scene.store.close()
    atexit.register(shutil.rmtree, scene.vault.keys.folder.parent, ignore_errors=True)
    return scene


class Scene:
    """One sender's programme; ``without`` leaves a gate out of the law that decides."""

    def __init__(self, folder: Path, sender: str = "GB", url: str = "", new: bool = False) -> None:
        self.sender = sender
        self.full = settled(sender)
        self.missing = ""
        if not url and not new:
            self._copy(folder, begun(sender))
            return
        self.clock = SeededClock(11, dt.datetime(2026, 11, 24, 9, 0, tzinfo=dt.UTC))
        self.store = databases.opened(url or f"sqlite:///{folder}/{FILE}")
        self.vault = Vault(folder / "vault", self.clock)
        self.desk = Desk(self.clock, self.vault, self.load)
        self._begin()

    def _copy(self, folder: Path, other: Scene) -> None:
        """Stand on a copy of what another scene began with, its clock and its chance as well."""
        shutil.copytree(other.vault.keys.folder.parent, folder, dirs_exist_ok=True)
        self.clock = copy.deepcopy(other.clock)
        self.store = Store.open(f"sqlite:///{folder}/{FILE}")
        self.vault = Vault(folder / "vault", self.clock)
        self.desk = Desk(self.clock, self.vault, self.load)
        self.staff, self.host = dict(other.staff), other.host

    def _begin(self) -> None:
        sender = self.sender
        self.step(lambda tx: sample.adopt_all(tx, self.desk, sender))
        self.staff = self.step(lambda tx: sample.staff(tx, self.desk))
        self.host = self.step(
            lambda tx: sample.agreement(tx, self.desk, sender, self.staff["caseworker"])
        )

    def load(self, sender: str) -> Law:
        found = law.load(sender)
        return found.without(self.missing) if self.missing else found

    def step(self, do: Callable[[Tx], T]) -> T:
        with self.store.transact() as tx:
            return do(tx)

    def read(self, do: Callable[[Tx], T]) -> T:
        with self.store.read() as tx:
            return do(tx)

    @property
    def worker(self) -> str:
        return self.staff["caseworker"]

    def open(self, name: str = "Sample Person") -> str:
        made = self.step(
            lambda tx: sample.person(
                tx, self.desk, self.sender, name, self.worker, self.staff["lawyer"]
            )
        )
        return made.id

    def case(self, one: str) -> record.Case:
        return self.read(lambda tx: record.find(tx, one))

    def state(self, one: str) -> State:
        return self.case(one).state

    def complete(self, one: str) -> Outcome:
        return self.step(lambda tx: sample.complete(tx, self.desk, one, self.worker, self.sender))

    def attest(self, one: str, values: Mapping[str, Value]) -> Outcome:
        return self.step(
            lambda tx: cases.attest_all(tx, self.desk, one, values, self.worker, "a paper")
        )

    def happen(self, one: str, kind: str, by: str = "", day: dt.date | None = None) -> Outcome:
        return self.step(
            lambda tx: cases.happen(tx, self.desk, one, kind, by or self.worker, "a paper", day=day)
        )

    def propose(self, one: str) -> Outcome:
        return self.step(lambda tx: decide.propose(tx, self.desk, one, self.host.id, self.worker))

    def approve(self, one: str, who: str, role: Role) -> Outcome:
        return self.step(lambda tx: decide.approve(tx, self.desk, one, self.staff[who], role))

    def both(self, one: str) -> Outcome:
        self.approve(one, "official", Role.OFFICIAL)
        return self.approve(one, "independent", Role.INDEPENDENT)

    def place(self, one: str, days: int = PLAN_DAYS) -> Outcome:
        day = self.desk.today() + dt.timedelta(days)
        return self.step(lambda tx: transfer.place(tx, self.desk, one, self.worker, day))

    def notice(self, one: str, route: bool = True) -> Outcome:
        return self.step(
            lambda tx: transfer.serve_notice(
                tx,
                self.desk,
                one,
                self.worker,
                "the notice",
                names_destination_and_route=route,
            )
        )

    def eve(self, one: str) -> Outcome:
        return self.step(lambda tx: transfer.eve(tx, self.desk, one, self.worker))

    def door(self, one: str) -> Outcome:
        return self.step(lambda tx: transfer.door(tx, self.desk, one, self.worker))

    def wait(self, days: int) -> None:
        self.clock.advance(days * DAY_S)

    def to_review(self) -> str:
        one = self.open()
        self.complete(one)
        return one

    def to_notice(self) -> str:
        one = self.to_review()
        self.propose(one)
        self.both(one)
        self.place(one)
        self.notice(one)
        return one

    def to_ready(self) -> str:
        one = self.to_notice()
        self.wait(PLAN_DAYS - 1)
        self.complete(one)
        self.eve(one)
        return one

    def to_door(self) -> str:
        """A case on its day of transfer, for which every gate passes."""
        one = self.to_ready()
        self.wait(1)
        self.complete(one)
        return one

    def copied(self, folder: Path) -> Scene:
        """The same programme at the same moment, on a copy of its files."""
        other = copy.copy(self)
        other.clock = SeededClock(12, self.clock.now())
        other.store = Store.open(f"sqlite:///{folder}/{FILE}")
        other.vault = Vault(folder / "vault", other.clock)
        other.desk = Desk(other.clock, other.vault, other.load)
        return other

    def claim(self, about: str, name: str, value: Value) -> list[str]:
        from tallystick.hubs import asking

        today = self.desk.today()
        return self.step(
            lambda tx: asking.claim(
                tx, self.desk, about, name, value, "a source", today, self.worker
            )
        )

    def satisfied(self, tx: Tx, one: str) -> bool:
        """Whether every gate of the whole law passes now, whatever law the desk was given."""
        case, today = record.find(tx, one), self.desk.today()
        book = agreements.book(tx, agreements.find(tx, case.host), today)
        answers = gates.ask(
            self.full,
            record.facts(tx, self.desk, case),
            agreements.facts(tx, self.desk, book, case),
            book.country,
            today,
            today,
            Stage.DOOR,
        )
        return gates.permits(answers) and len(answers) == len(self.full.ids)

    def check(self, one: str) -> None:
        """The invariant, asked in the very transaction after the step: who is there was allowed."""

        def look(tx: Tx) -> None:
            if record.find(tx, one).state is State.TRANSFERRED:
                assert self.satisfied(tx, one), "transferred with a gate unsatisfied"

        self.read(look)

    def kinds(self, one: str) -> list[str]:
        def look(tx: Tx) -> list[str]:
            return [e.kind for e in record.history(tx, self.desk, record.find(tx, one))]

        return self.read(look)


def arrows() -> dict[State, frozenset[State]]:
    return dict(model.NEXT)
