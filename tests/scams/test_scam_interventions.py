"""An intervention on a real database: raised by signals and answers, the same words again."""

import msgspec
import pytest
from desk_scene import DAY_S, KEY, OTHER, QUIET, Desk

from tallystick.core.clock import SeededClock
from tallystick.core.store import Store
from tallystick.kiosk import blocked
from tallystick.kiosk.scams import intervene, questions, trial
from tallystick.kiosk.scams.errors import InterventionOver, InterventionUnknown
from tallystick.kiosk.scams.history import Who, fill
from tallystick.kiosk.scams.intervene import ANSWERS_MAX, TIMINGS_MAX, After, Outcome
from tallystick.kiosk.scams.policy import Answer, Step
from tallystick.kiosk.scams.signals import Kind


@pytest.fixture
def desk(store: Store, clock: SeededClock) -> Desk:
    return Desk(store, clock)


def kinds(plan: intervene.Plan) -> set[Kind]:
    return {signal.kind for signal in plan.signals}


def answer(desk: Desk, plan: intervene.Plan, *pairs: tuple[str, str]) -> intervene.Plan:
    with desk.store.transact() as tx:
        given = [Answer(*pair) for pair in pairs]
        return intervene.answered(tx, desk.desk, plan.id, given, {"questions": 9_000})


def test_a_first_small_purchase_is_warned(desk: Desk) -> None:
    plan = desk.assess()
    assert plan.step is Step.WARNING and plan.warning and not plan.asked and not plan.held
    assert kinds(plan) == {Kind.FIRST_USE, Kind.ADDRESS_NEW}


def test_a_first_large_one_is_held_and_the_screen_says_nothing(desk: Desk) -> None:
    plan = desk.assess(cash_minor=50_001)
    other = desk.assess("q", OTHER, third_person=True, cash_minor=60_000)
    assert plan.step is Step.HOLD and plan.hold_hours == 72 and not plan.asked
    assert other.step is Step.CALL_BACK and other.hold_hours is None
    assert plan.held == other.held == questions.held(questions.load("en", desk.desk.policy))


def test_notes_can_only_raise(desk: Desk) -> None:
    desk.assess(purchase="a", cash_minor=60_000)
    again = desk.assess(purchase="a", cash_minor=2_000)
    assert again.step is Step.HOLD
    signals = msgspec.json.decode(desk.row(again)["signals"])
    assert {s["kind"] for s in signals} == {"first-use", "address-new"}


def test_a_flag_is_kept_when_a_later_look_sees_less(desk: Desk) -> None:
    desk.assess(purchase="a", cash_minor=60_000)
    assert desk.row(desk.assess(purchase="a", cash_minor=2_000))["raised"] == Step.HOLD


def test_a_purchase_that_stays_open_outlives_no_flag_that_raised_it(
    desk: Desk, clock: SeededClock
) -> None:
    desk.end(answer(desk, desk.assess(third_person=True), ("telling", "official")))
    assert desk.assess("p", OTHER, purchase="a").step is Step.REFUSE
    clock.advance(31 * DAY_S)
    assert desk.assess("p", OTHER, purchase="a").step is Step.REFUSE


def test_answers_raise_and_are_kept(desk: Desk) -> None:
    plan = desk.assess(third_person=True)
    assert plan.step is Step.QUESTIONS and len(plan.asked) == 4
    same = answer(desk, plan, ("code", "wallet"), ("machine", "nearest"))
    assert same.step is Step.QUESTIONS
    held = answer(desk, plan, ("listening", "phone"))
    assert held.step is Step.CALL_BACK and held.held
    assert answer(desk, plan, ("listening", "nobody")).step is Step.CALL_BACK
    row = desk.row(plan)
    assert msgspec.json.decode(row["answers"])[2] == ["listening", "phone"]
    assert msgspec.json.decode(row["timings"]) == {"questions": 9_000}


def test_the_seed_shows_the_same_words_again(desk: Desk) -> None:
    plan = desk.assess(third_person=True, language="ur")
    with desk.store.read() as tx:
        again = intervene.again(tx, desk.desk, plan.id)
    assert (again.asked, again.warning) == (plan.asked, plan.warning)
    row = desk.row(plan)
    assert msgspec.json.decode(row["wording"]) == [asked.told() for asked in plan.asked]
    assert len(row["seed"]) == 32 and row["policy"] == desk.desk.policy.digest


def test_a_flag_stands_for_person_and_address(desk: Desk, clock: SeededClock) -> None:
    flagged = answer(desk, desk.assess(third_person=True), ("telling", "official"))
    assert flagged.step is Step.REFUSE
    desk.end(flagged, Outcome.REFUSED)
    assert desk.assess("p", OTHER).step is Step.REFUSE, "the person"
    assert desk.assess("q").step is Step.REFUSE, "the address"
    clock.advance(31 * DAY_S)
    assert desk.assess("p", "bc1qother00000000000000").step is Step.WARNING


def test_a_sum_split_over_machines_addresses_and_days_is_one_sum(
    desk: Desk, clock: SeededClock
) -> None:
    for n, machine in enumerate(("K1", "K2", "K3")):
        assert (
            desk.bought(address=f"bc1qsplit{n}00000000000", machine=machine, cash_minor=16_000).step
            is Step.WARNING
        )
        clock.advance(20 * 3_600)
    assert desk.assess(address="bc1qsplit900000000000", cash_minor=16_000).step >= Step.HOLD


def test_an_address_split_among_persons_is_seen(desk: Desk) -> None:
    desk.bought("p", machine="K1")
    plan = desk.assess("q", machine="K2")
    assert Kind.ADDRESS_SHARED in kinds(plan) and plan.step is Step.HOLD
    desk.bought("q2", OTHER, machine="K1")
    desk.bought("q2", OTHER, machine="K2")
    assert Kind.MANY_MACHINES in kinds(desk.assess("q2", OTHER, machine="K3"))


def test_persons_not_known_count_each_as_another(desk: Desk) -> None:
    desk.bought("")
    plan = desk.assess("")
    assert {Kind.FIRST_USE, Kind.ADDRESS_SHARED} <= kinds(plan)


def test_a_shared_phone_is_seen(desk: Desk) -> None:
    desk.bought("p", phone="t")
    assert Kind.PHONE_SHARED in kinds(desk.assess("q", OTHER, phone="t"))
    assert Kind.PHONE_SHARED not in kinds(desk.assess("r", OTHER + "x", phone="u"))


def test_history_grows_old(desk: Desk, clock: SeededClock) -> None:
    desk.bought(cash_minor=2_000)
    clock.advance(71 * 3_600)
    assert Kind.ADDRESS_NEW in kinds(desk.assess())
    clock.advance(3_600)
    assert kinds(desk.assess()) == set()
    assert kinds(desk.assess(cash_minor=50_000)) == {Kind.ABOVE_HISTORY}


def test_near_limits_are_counted_over_purchases(desk: Desk) -> None:
    desk.bought(cash_minor=9_000, limit_minor=10_000)
    assert Kind.NEAR_LIMIT in kinds(desk.assess("p", OTHER, limit_minor=2_500))


def test_a_listed_address_is_refused(desk: Desk, clock: SeededClock) -> None:
    with desk.store.transact() as tx:
        blocked.block(tx, clock, OTHER, "own", "a claim", "ada", 30)
    plan = desk.assess("p", OTHER.upper())
    assert plan.step is Step.REFUSE and Kind.ADDRESS_LISTED in kinds(plan)


def test_coming_back_after_a_hold_is_seen(desk: Desk, clock: SeededClock) -> None:
    desk.end(desk.assess(cash_minor=60_000), Outcome.CANCELLED, returned_minor=60_000)
    clock.advance(600)
    plan = desk.assess("p", OTHER)
    assert Kind.REPEAT in kinds(plan) and plan.step >= Step.HOLD


def test_cash_given_back_was_not_paid(desk: Desk) -> None:
    plan = desk.assess(cash_minor=40_000)
    desk.end(plan, Outcome.CANCELLED, returned_minor=40_000)
    with desk.store.read() as tx:
        scene = fill(tx, Who("z", "K1", OTHER, "p"), QUIET, desk.clock.now(), desk.desk.policy)
    assert (scene.today_minor, scene.new_address_minor) == (0, 0)


def test_cancel_and_the_silent_call_for_help_differ_only_in_the_record(desk: Desk) -> None:
    for outcome in (Outcome.CANCELLED, Outcome.HELPED):
        plan = desk.assess(third_person=True)
        desk.end(plan, outcome, returned_minor=2_000)
        row = desk.row(plan)
        assert (row["outcome"], row["returned_minor"]) == (outcome, 2_000)


def test_what_has_ended_changes_no_more(desk: Desk) -> None:
    plan = desk.bought(purchase="a")
    with pytest.raises(InterventionOver):
        desk.end(plan, Outcome.CANCELLED)
    with pytest.raises(InterventionOver):
        answer(desk, plan, ("code", "sent"))
    with pytest.raises(InterventionOver):
        desk.assess(purchase="a")
    with pytest.raises(InterventionUnknown), desk.store.transact() as tx:
        intervene.followed(tx, desk.clock, "nobody", After.COMPLAINT)


def test_a_flood_of_answers_is_bounded(desk: Desk) -> None:
    plan = desk.assess(third_person=True)
    many = {f"screen{n}": n for n in range(TIMINGS_MAX + 5)}
    with desk.store.transact() as tx:
        given = [Answer("code", "wallet")] * ANSWERS_MAX + [Answer("telling", "official")]
        after = intervene.answered(tx, desk.desk, plan.id, given, many)
    row = desk.row(plan)
    assert after.step is Step.REFUSE, "what is not kept still counts"
    assert len(msgspec.json.decode(row["answers"])) == ANSWERS_MAX
    assert len(msgspec.json.decode(row["timings"])) == TIMINGS_MAX


def test_an_arm_adds_to_the_floor_and_is_recorded(store: Store, clock: SeededClock) -> None:
    arms = [trial.Arm("control"), trial.Arm("ask", "questions", "police")]
    with store.transact() as tx:
        trial.register(tx, clock, "t1", arms, "cancelled", 3, 686, "the board")
    desk = Desk(store, clock, "t1")
    seen = {}
    for n in range(40):
        plan = desk.assess(f"p{n}", f"bc1qarm{n:03}0000000000000")
        row = desk.row(plan)
        seen.setdefault(row["arm"], set()).add((plan.step, row["floor"]))
        with store.read() as tx:
            assert row["arm"] == trial.assign(KEY, trial.find(tx, "t1"), f"p{n}").name
        if row["arm"] == "ask":
            assert plan.warning and plan.warning.script == "police"
    assert seen == {"control": {(Step.WARNING, 1)}, "ask": {(Step.QUESTIONS, 1)}}
