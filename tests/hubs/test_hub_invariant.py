"""No sequence of events reaches *transferred* with a gate unsatisfied; each gate is what stops it.

The same check judges both halves: with the whole law no history breaks it, and with any one gate
left out of the law that decides there is a history that does, and it is seen.
"""

from __future__ import annotations

import datetime as dt
import functools
import shutil
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from case_scene import PLAN_DAYS, Scene
from gate_scene import Break, ask, breaks, settled
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from tallystick.core.errors import TallystickError
from tallystick.core.identity import grants
from tallystick.core.store import Tx
from tallystick.hubs import agreements, asking, cases, decide, gates, law, record, sample, transfer
from tallystick.hubs.law import FactKind, Value
from tallystick.hubs.model import EVENTS, NEXT, Role, State

RECKONED = {agreements.PLACE, *asking.LAPSING}
"""What the programme reckons by itself, so that nobody can record it."""
SETTLED = {code: settled(code) for code in law.SENDERS}
EVERY_GATE = [(code, gate) for code in law.SENDERS for gate in SETTLED[code].ids]


class Undo(Exception):
    """Ends a transaction without a trace."""


@pytest.fixture(scope="module")
def at_the_door(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, tuple[Scene, str]]]:
    """For each sender a case on its day of transfer, for which every gate passes."""
    made = {}
    for code in law.SENDERS:
        scene = Scene(tmp_path_factory.mktemp(code), code)
        one = scene.to_door()
        assert scene.state(one) is State.READY
        made[code] = (scene, one)
    yield made
    for scene, _ in made.values():
        scene.store.close()


def alone(code: str, gate: str, on: dt.date) -> Break:
    """Facts by which this gate, and no other, is not satisfied; recorded, not reckoned."""
    whole = SETTLED[code]
    for one in breaks(whole, on):
        if one.gate == gate and not RECKONED & set(one.values):
            bad = {a.gate.id for a in gates.stopping(ask(whole, one.values, on))}
            if bad == {gate}:
                return one
    raise AssertionError(f"{gate} is nowhere needed by itself")


def put(tx: Tx, scene: Scene, one: str, values: dict[str, Value]) -> None:
    """Record values with whoever they are of, as the programme itself would."""
    today = scene.desk.today()
    mine = {n: v for n, v in values.items() if scene.full.facts[n].of == "person"}
    for name, value in values.items():
        of = scene.full.facts[name].of
        if of != "person":
            about = scene.host.about if of == "agreement" else f"country:{sample.COUNTRY}"
            asking.claim(tx, scene.desk, about, name, value, "a source", today, scene.worker)
    if mine:
        cases.attest_all(tx, scene.desk, one, mine, scene.worker, "a paper")


def through_the_door(scene: Scene, one: str, values: dict[str, Value]) -> tuple[State, bool]:
    """Record values and try the door, all undone; return the state, and whether all was right."""
    found: list[tuple[State, bool]] = []
    with pytest.raises(Undo), scene.store.transact() as tx:
        put(tx, scene, one, values)
        if record.find(tx, one).state is State.READY:
            transfer.door(tx, scene.desk, one, scene.worker)
        found.append((record.find(tx, one).state, scene.satisfied(tx, one)))
        raise Undo
    return found[0]


@pytest.mark.parametrize("one", EVERY_GATE, ids="{0[0]}:{0[1]}".format)
def test_a_law_without_one_gate_lets_somebody_through_and_is_caught(
    at_the_door: dict[str, tuple[Scene, str]], one: tuple[str, str]
) -> None:
    code, gate = one
    scene, case = at_the_door[code]
    values = dict(alone(code, gate, scene.desk.today()).values)
    state, _ = through_the_door(scene, case, values)
    assert state is not State.TRANSFERRED, "the whole law lets nobody through"
    scene.missing = gate
    try:
        assert through_the_door(scene, case, values) == (State.TRANSFERRED, False)
    finally:
        scene.missing = ""


@pytest.mark.parametrize("code", law.SENDERS)
def test_the_same_door_opens_when_every_gate_passes(
    at_the_door: dict[str, tuple[Scene, str]], code: str
) -> None:
    scene, case = at_the_door[code]
    assert through_the_door(scene, case, {}) == (State.TRANSFERRED, True)


def test_transferred_is_reached_from_ready_alone() -> None:
    assert [state for state, to in NEXT.items() if State.TRANSFERRED in to] == [State.READY]


PERSONS_FACTS = {
    code: sorted(
        name
        for name in sample.values(SETTLED[code], dt.date(2026, 11, 28))
        if SETTLED[code].facts[name].of == "person"
    )
    for code in law.SENDERS
}


def some_value(kind: FactKind, today: dt.date) -> st.SearchStrategy[Value]:
    return {
        "yes-no": st.booleans(),
        "day": st.dates(today - dt.timedelta(5), today + dt.timedelta(5)),
        "number": st.integers(0, 200),
        "one-of": st.sampled_from(kind.choices or ("",)),
    }[kind.kind]


class Begun:
    """A case on its day of transfer, made once and copied for each history."""

    def __init__(self, sender: str) -> None:
        self.folder = TemporaryDirectory(prefix="ts-hubs-")
        self.scene = Scene(Path(self.folder.name), sender)
        self.one = self.scene.to_door()
        self.scene.store.close()

    def again(self, folder: Path) -> tuple[Scene, str]:
        shutil.copytree(self.folder.name, folder)
        return self.scene.copied(folder), self.one


@functools.cache
def begun(sender: str) -> Begun:
    return Begun(sender)


class AnyHistory(RuleBasedStateMachine):
    """One person, and everything that officials, courts, lawyers, hosts and time may do."""

    sender = "GB"
    reached = 0

    def __init__(self) -> None:
        super().__init__()
        self.folder = TemporaryDirectory(prefix="ts-hubs-")
        self.scene, self.one = begun(self.sender).again(Path(self.folder.name) / "copy")
        self.seen = 0

    def teardown(self) -> None:
        self.scene.store.close()
        self.folder.cleanup()

    def quietly(self, do: object, *args: object) -> None:
        """Take a step that may be refused: a refusal changes nothing, and is an answer."""
        try:
            do(*args)  # type: ignore[operator]
        except TallystickError:
            return

    @rule(data=st.data())
    def a_fact_is_recorded(self, data: st.DataObject) -> None:
        name = data.draw(st.sampled_from(PERSONS_FACTS[self.sender]))
        kind = self.scene.full.facts[name]
        value = data.draw(some_value(kind, self.scene.desk.today()))
        self.quietly(self.scene.attest, self.one, {name: value})

    @rule(kind=st.sampled_from(sorted(EVENTS)), ahead=st.none() | st.integers(-3, 30))
    def something_happens(self, kind: str, ahead: int | None) -> None:
        gives = ahead is not None and EVENTS[kind].day
        day = self.scene.desk.today() + dt.timedelta(ahead or 0) if gives else None
        self.quietly(lambda: self.scene.happen(self.one, kind, day=day))

    @rule()
    def everything_is_shown_again(self) -> None:
        self.quietly(self.scene.complete, self.one)

    @rule(steps=st.integers(1, 9))
    def the_officials_go_on(self, steps: int) -> None:
        for _ in range(steps):
            before = self.scene.state(self.one)
            self.next_step(before)
            self.judge()

    def next_step(self, state: State) -> None:
        scene, one = self.scene, self.one
        if state is State.REVIEW and not scene.case(one).proposal:
            self.quietly(scene.propose, one)
        elif state is State.REVIEW:
            self.quietly(scene.approve, one, "official", Role.OFFICIAL)
            self.quietly(scene.approve, one, "independent", Role.INDEPENDENT)
        elif state is State.ELIGIBLE:
            self.quietly(scene.place, one)
        elif state is State.PLACED:
            self.quietly(scene.notice, one)
        elif state is State.NOTICE:
            scene.wait(PLAN_DAYS)
            self.quietly(scene.complete, one)
            self.quietly(scene.eve, one)
        elif state is State.READY:
            self.quietly(scene.door, one)

    @precondition(lambda self: self.scene.state(self.one) is not State.READY)
    @rule()
    def another_person_comes_to_the_door(self) -> None:
        """With whatever agreement, evidence and officials there are now; they may not suffice."""
        self.one, self.seen = self.scene.open(), 0
        self.everything_is_shown_again()
        self.the_officials_go_on(5)
        self.scene.wait(1)

    @rule()
    def the_door_is_tried(self) -> None:
        self.quietly(self.scene.door, self.one)

    @rule(days=st.integers(1, 12))
    def time_passes(self, days: int) -> None:
        self.scene.wait(days)

    @rule(status=st.sampled_from(["in-force", "in-force", "suspended", "ended"]))
    def the_agreement_changes(self, status: str) -> None:
        self.scene.claim(self.scene.host.about, "agreement.status", status)

    @rule(safe=st.booleans())
    def evidence_on_the_country_changes(self, safe: bool) -> None:
        self.scene.claim(f"country:{sample.COUNTRY}", "country.procedures", safe)

    @rule(held=st.booleans())
    def the_independent_official_joins_or_leaves_removals(self, held: bool) -> None:
        step = grants.grant if held else grants.end
        who, role = self.scene.staff["independent"], Role.OFFICIAL.value
        self.quietly(lambda: self.scene.step(lambda tx: step(tx, self.scene.clock, who, role)))

    @rule()
    def an_official_objects(self) -> None:
        scene, by = self.scene, self.scene.staff["official"]
        self.quietly(lambda: scene.step(lambda tx: decide.veto(tx, scene.desk, self.one, by, "no")))

    @invariant()
    def nobody_is_transferred_against_a_gate(self) -> None:
        self.judge()

    def judge(self) -> None:
        """Check each transfer once, at its own instant: before the clock or a fact moves."""
        kinds = self.scene.kinds(self.one)
        count = kinds.count("transferred")
        if count > self.seen:
            self.seen = count
            type(self).reached += 1
            self.scene.check(self.one)
            assert self.two_agreed()

    def two_agreed(self) -> bool:
        def look(tx: Tx) -> bool:
            case = record.find(tx, self.one)
            steps = record.history(tx, self.scene.desk, case)
            last = [s for s in steps if s.kind == "approved"][-2:]
            roles = {s.content["role"]: s.by for s in last}
            removals = grants.held(tx, roles[Role.INDEPENDENT.value]) & decide.REMOVALS
            both = set(roles) == {Role.OFFICIAL.value, Role.INDEPENDENT.value}
            return both and len(set(roles.values())) == 2 and not removals

        return self.scene.read(look)


class AnyHistoryOfTheUnion(AnyHistory):
    """The same from a Member State."""

    sender = "EU"


FEW = settings(
    max_examples=14,
    stateful_step_count=12,
    deadline=None,
    derandomize=True,
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)


@pytest.mark.parametrize("machine", [AnyHistory, AnyHistoryOfTheUnion])
def test_no_history_reaches_transferred_with_a_gate_unsatisfied(
    machine: type[AnyHistory],
) -> None:
    machine.reached = 0
    run_state_machine_as_test(machine, settings=FEW)
    assert machine.reached, "no history reached the door: the test would show nothing"
