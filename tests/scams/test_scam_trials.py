"""Trials: registered first, sticky by person, never below the floor, stopped when they harm."""

from typing import Any

import pytest
from desk_scene import KEY
from hypothesis import given
from hypothesis import strategies as st

from tallystick.core.clock import SeededClock
from tallystick.core.store import Store
from tallystick.kiosk.scams import trial
from tallystick.kiosk.scams.errors import TrialRefused
from tallystick.kiosk.scams.policy import Step
from tallystick.kiosk.scams.trial import Arm, Trial

ARMS = (Arm("control"), Arm("ask", "questions"), Arm("wait", "hold"))
PLAIN = Trial("t", ARMS, "cancelled", 3, 0, 686, frozenset(), True)


def register(store: Store, clock: SeededClock, **more: Any) -> None:
    asked: dict[str, Any] = {
        "arms": ARMS,
        "outcome": "cancelled",
        "looks": 3,
        "persons_per_arm": 686,
        "reviewed_by": "the board",
    }
    with store.transact() as tx:
        trial.register(tx, clock, "t", **(asked | more))


@given(st.text())
def test_a_person_stays_in_one_arm(person: str) -> None:
    assert trial.assign(KEY, PLAIN, person) is trial.assign(KEY, PLAIN, person)


def test_arms_are_even_and_keys_and_trials_independent() -> None:
    people = [f"p{n}" for n in range(6_000)]
    arms = [trial.assign(KEY, PLAIN, person).name for person in people]
    assert all(1_850 < arms.count(arm.name) < 2_150 for arm in ARMS)
    others = [trial.assign(b"x" * 32, PLAIN, person).name for person in people]
    assert 1_800 < sum(a == b for a, b in zip(arms, others, strict=True)) < 2_200
    with pytest.raises(TrialRefused, match="32 bytes"):
        trial.assign(b"short", PLAIN, "p")


@given(st.sampled_from(list(Step)), st.sampled_from(ARMS))
def test_no_arm_is_below_the_floor(floor: Step, arm: Arm) -> None:
    step = trial.least(floor, arm)
    assert step >= floor
    assert (step == Step.NONE) == (floor == Step.NONE)


def test_a_pseudonym_tells_nobody_who() -> None:
    assert trial.pseudonym(KEY, "p") == trial.pseudonym(KEY, "p")
    assert len({trial.pseudonym(KEY, "p"), trial.pseudonym(KEY, "q"), "p"}) == 3
    assert trial.pseudonym(b"x" * 32, "p") != trial.pseudonym(KEY, "p")


BAD: list[tuple[dict[str, Any], str]] = [
    ({"arms": ARMS[:1]}, "2 to 8"),
    ({"arms": (*ARMS, *(Arm(f"a{n}") for n in range(6)))}, "2 to 8"),
    ({"arms": (Arm("control"), Arm("control"))}, "own name"),
    ({"arms": (Arm("ask"), Arm("control"))}, "first arm is control"),
    ({"arms": (Arm("control"), Arm("nothing", "none"))}, "no warning"),
    ({"arms": (Arm("control"), Arm("shrug", "shrug"))}, "no warning"),
    ({"outcome": "profit"}, "judged by"),
    ({"looks": 6}, "1 to 5"),
    ({"looks": 0}, "1 to 5"),
    ({"persons_per_arm": 0}, "number of persons"),
    ({"reviewed_by": " "}, "nobody independent"),
]


@pytest.mark.parametrize(("more", "says"), BAD)
def test_a_trial_that_must_not_be_is_refused(
    store: Store, clock: SeededClock, more: dict[str, Any], says: str
) -> None:
    with pytest.raises(TrialRefused, match=says):
        register(store, clock, **more)


def test_a_registered_trial_is_not_changed(store: Store, clock: SeededClock) -> None:
    register(store, clock)
    with pytest.raises(TrialRefused, match="already"):
        register(store, clock, outcome="loss")
    with store.read() as tx:
        assert trial.find(tx, "t") == PLAIN
        with pytest.raises(TrialRefused, match="not registered"):
            trial.find(tx, "another")


BETTER, SAME, WORSE = [0, 100] * 100, [500, 1_500] * 100, [3_000, 5_000] * 100


def test_an_arm_that_harms_stops_and_its_people_go_to_control(
    store: Store, clock: SeededClock
) -> None:
    register(store, clock)
    with store.transact() as tx:
        stopped = trial.look(tx, clock, "t", {"control": SAME, "ask": WORSE, "wait": BETTER})
    assert stopped == {"ask"}
    with store.read() as tx:
        held = trial.find(tx, "t")
    assert held.running and held.looked == 1
    for n in range(60):
        before, after = trial.assign(KEY, PLAIN, f"p{n}"), trial.assign(KEY, held, f"p{n}")
        assert after.name == ("control" if before.name == "ask" else before.name)


def test_looks_are_as_many_as_were_registered(store: Store, clock: SeededClock) -> None:
    register(store, clock, looks=2)
    for _ in range(2):
        with store.transact() as tx:
            assert trial.look(tx, clock, "t", {"control": SAME, "ask": SAME, "wait": SAME}) == set()
    with store.read() as tx:
        assert not trial.find(tx, "t").running
    with pytest.raises(TrialRefused, match="no look left"), store.transact() as tx:
        trial.look(tx, clock, "t", {})


def test_a_trial_without_arms_left_ends(store: Store, clock: SeededClock) -> None:
    register(store, clock)
    with store.transact() as tx:
        trial.look(tx, clock, "t", {"control": SAME, "ask": WORSE, "wait": WORSE})
        assert not trial.find(tx, "t").running


@pytest.mark.parametrize(
    ("arm", "control", "looks", "bad"),
    [
        (WORSE, SAME, 1, True),
        (SAME, SAME, 1, False),
        (BETTER, SAME, 1, False),
        (WORSE[:99], SAME, 1, False),
        (WORSE, SAME[:99], 1, False),
        ([1_102] * 50 + [898] * 50, [1_100] * 50 + [900] * 50, 1, False),
        ([1_130] * 50 + [930] * 50, [1_100] * 50 + [900] * 50, 1, True),
        ([1_130] * 50 + [930] * 50, [1_100] * 50 + [900] * 50, 5, False),
        ([5] * 100, [4] * 100, 1, True),
    ],
)
def test_worse_is_one_sided_over_all_looks(
    arm: list[int], control: list[int], looks: int, bad: bool
) -> None:
    assert trial.worse(arm, control, looks) is bad
