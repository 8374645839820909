"""The report's figures against published ones, and its counts against a small world we made."""

import datetime as dt

import pytest
from desk_scene import DAY_S, Desk
from hypothesis import given
from hypothesis import strategies as st

from tallystick.core.clock import SeededClock
from tallystick.core.store import Store
from tallystick.kiosk.scams import intervals, report, trial
from tallystick.kiosk.scams.intervene import After, Outcome, Plan, followed
from tallystick.kiosk.scams.report import Line


@pytest.mark.parametrize(
    ("control", "arm", "persons"),
    [
        (0.10, 0.13, 1_774),
        (0.10, 0.15, 686),
        (0.05, 0.075, 1_471),
        (0.30, 0.24, 859),
        (0.30, 0.20, 294),
    ],
)
def test_persons_needed_are_those_of_the_evidence(control: float, arm: float, persons: int) -> None:
    assert intervals.persons_needed(control, arm) == persons


def test_persons_for_no_worse_and_for_sessions() -> None:
    assert intervals.persons_not_worse(0.05, 0.02) == 1_865
    assert intervals.design_effect(3, 0.3) == pytest.approx(1.6)
    with pytest.raises(ValueError, match="difference of nothing"):
        intervals.persons_needed(0.1, 0.1)


def test_wilson_as_published() -> None:
    """Newcombe 1998 (17:857), table I: 81 of 263, 15 of 148, 0 of 20, 1 of 29."""
    for events, persons, low, high in (
        (81, 263, 0.2553, 0.3662),
        (15, 148, 0.0624, 0.1605),
        (0, 20, 0.0, 0.1611),
        (1, 29, 0.0061, 0.1718),
    ):
        found = intervals.wilson(events, persons)
        assert (found.low, found.high) == (
            pytest.approx(low, abs=5e-5),
            pytest.approx(high, abs=5e-5),
        )


def test_newcombe_as_published() -> None:
    """Newcombe 1998 (17:873), table II, method 10: 56/70 and 48/80, 9/10 and 3/10 ..."""
    for args, low, high in (
        ((56, 70, 48, 80), 0.0524, 0.3339),
        ((9, 10, 3, 10), 0.1705, 0.8090),
        ((10, 10, 0, 20), 0.6791, 1.0),
    ):
        found = intervals.newcombe(*args)
        assert (found.low, found.high) == (
            pytest.approx(low, abs=5e-5),
            pytest.approx(high, abs=5e-5),
        )


@given(st.integers(1, 5_000).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_an_interval_holds_its_share(counted: tuple[int, int]) -> None:
    found = intervals.wilson(*counted)
    assert 0 <= found.low <= found.estimate <= found.high <= 1


def test_no_events_are_bounded_by_three_in_n() -> None:
    assert intervals.upper_if_none(300) == 0.01
    assert intervals.upper_if_none(2) == intervals.upper_if_none(0) == 1.0
    assert intervals.wilson(0, 0) == intervals.Interval(0.0, 0.0, 1.0)


@pytest.fixture
def desk(store: Store, clock: SeededClock) -> Desk:
    return Desk(store, clock)


def lines(desk: Desk, days: int = 90) -> list[Line]:
    with desk.store.read() as tx:
        return report.interventions(tx, desk.clock.now() + dt.timedelta(days=days))


def tell(desk: Desk, plan: Plan, kind: After, detail: str = "", minor: int = 0) -> None:
    with desk.store.transact() as tx:
        followed(tx, desk.clock, plan.id, kind, detail, minor)


def shown(desk: Desk, n: int, outcome: Outcome = Outcome.PROCEEDED) -> Plan:
    plan = desk.assess(f"p{n}", f"bc1qshown{n:05}00000000")
    given = {"returned_minor": 2_000} if outcome is not Outcome.PROCEEDED else {"sent_minor": 2_000}
    desk.end(plan, outcome, **given)
    return plan


def test_false_alarms_are_a_range(desk: Desk) -> None:
    plans = [shown(desk, n) for n in range(10)]
    tell(desk, plans[0], After.CLAIM_UPHELD)
    tell(desk, plans[1], After.AGENCY_REPORT)
    tell(desk, plans[2], After.LIST_HIT, "v1")
    tell(desk, plans[2], After.LIST_HIT, "v2")
    tell(desk, plans[3], After.LIST_HIT, "v1")
    tell(desk, plans[3], After.LIST_HIT, "v1")
    tell(desk, plans[4], After.CALLED_BACK)
    tell(desk, plans[5], After.REPEATED)
    tell(desk, plans[0], After.CALLED_BACK)
    tell(desk, plans[6], After.COMPLAINT)
    (line,) = lines(desk)
    assert (line.shown, line.confirmed, line.probable) == (10, 3, 1)
    assert (line.false_least, line.false_most) == (2, 6)
    assert lines(desk, 89)[0].false_least == 0, "not before ninety days"


def test_what_follows_later_than_ninety_days_is_not_counted(desk: Desk) -> None:
    plan, other = shown(desk, 1), shown(desk, 2)
    desk.clock.advance(90 * DAY_S)
    tell(desk, plan, After.CLAIM_UPHELD)
    desk.clock.advance(1)
    tell(desk, other, After.CLAIM_UPHELD)
    assert lines(desk)[0].confirmed == 1


def test_stopped_is_what_was_given_back_less_the_later_loss(desk: Desk) -> None:
    plan, kept = shown(desk, 1, Outcome.HELPED), shown(desk, 2)
    honest = shown(desk, 3, Outcome.CANCELLED)
    for one in (plan, kept):
        tell(desk, one, After.AGENCY_REPORT)
    tell(desk, plan, After.LATER_LOSS, "x", 500)
    desk.clock.advance(31 * DAY_S)
    tell(desk, plan, After.LATER_LOSS, "y", 700)
    (line,) = lines(desk)
    assert (line.stopped_minor, line.cancelled, line.proceeded) == (1_500, 2, 1)
    assert honest.id and line.frauds_upper_if_none is None


def test_each_person_counts_once_and_the_unflagged_not(desk: Desk, clock: SeededClock) -> None:
    for n in (1, 1, 1, 2):
        shown(desk, n)
    clock.advance(4 * DAY_S)
    shown(desk, 1)
    (line,) = lines(desk)
    assert (line.shown, line.frauds_upper_if_none) == (2, 1.0)


def trial_of(desk: Desk, people: int) -> dict[str, int]:
    counts = {"control": 0, "ask": 0}
    for n in range(people):
        plan = desk.assess(f"p{n}", f"bc1qtrial{n:05}00000000")
        arm = desk.row(plan)["arm"]
        counts[arm] += 1
        cancels = counts[arm] % (2 if arm == "ask" else 10) == 0
        outcome = Outcome.CANCELLED if cancels else Outcome.PROCEEDED
        desk.end(plan, outcome, **({"returned_minor": 2_000} if cancels else {"sent_minor": 2_000}))
    return counts


def registered(store: Store, clock: SeededClock) -> Desk:
    arms = [trial.Arm("control"), trial.Arm("ask", "questions")]
    with store.transact() as tx:
        trial.register(tx, clock, "t", arms, "cancelled", 2, 686, "the board")
    return Desk(store, clock, "t")


def test_few_are_counted_and_not_ranked(store: Store, clock: SeededClock) -> None:
    desk = registered(store, clock)
    counts = trial_of(desk, 40)
    found = {line.arm: line for line in lines(desk)}
    assert {arm: line.shown for arm, line in found.items()} == counts
    assert all(line.against_control is None for line in found.values())
    assert found["ask"].still_needed == 686 - counts["ask"]


def test_a_hundred_on_each_side_are_ranked_as_assigned(store: Store, clock: SeededClock) -> None:
    desk = registered(store, clock)
    counts = trial_of(desk, 230)
    assert min(counts.values()) >= report.RANKED_MIN
    first, second = lines(desk)
    assert (first.arm, second.arm, second.against_control) == ("ask", "control", None)
    gap = first.against_control
    assert gap and gap.low > 0.25 and gap.estimate == pytest.approx(0.4, abs=0.02)
    assert first.shown == counts["ask"]


def test_losses_are_by_person_and_arm(store: Store, clock: SeededClock) -> None:
    desk = registered(store, clock)
    counts = trial_of(desk, 12)
    plan = desk.assess("victim", "bc1qvictim000000000")
    desk.end(plan, sent_minor=2_000)
    tell(desk, plan, After.CLAIM_UPHELD)
    arm = desk.row(plan)["arm"]
    with store.read() as tx:
        found = report.losses(tx, "t", desk.clock.now() + dt.timedelta(days=90))
    assert sum(found[arm]) == 2_000 and len(found[arm]) == counts[arm] + 1
    assert sum(map(sum, found.values())) == 2_000
