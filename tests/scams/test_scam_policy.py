"""Steps only rise, whatever is answered; the linter refuses each policy that must not be."""

import datetime as dt
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tallystick.kiosk.scams import lint, policy
from tallystick.kiosk.scams.errors import PolicyRefused
from tallystick.kiosk.scams.policy import (
    DEFAULT,
    POLICY_BYTES_MAX,
    Answer,
    Step,
    after_answers,
    hold_hours,
    may_call_back,
    minimum_step,
    standing,
)
from tallystick.kiosk.scams.signals import (
    AboveHistory,
    AddressListed,
    AddressNew,
    AddressShared,
    AddressStopped,
    FedFast,
    FirstUse,
    LongPauses,
    ManyMachines,
    NearLimit,
    OddHours,
    PhoneShared,
    Repeat,
    ThirdPerson,
)

POLICY = policy.load()
TEXT = DEFAULT.read_text("utf-8")
NOW = dt.datetime(2026, 11, 24, 12, tzinfo=dt.UTC)
SUM = POLICY.hold_sum_minor["USD"]

ANSWERS = st.one_of(
    st.sampled_from(sorted(POLICY.answers)).map(lambda pair: Answer(*pair)),
    st.builds(Answer, st.text(max_size=20), st.text(max_size=20)),
    st.just(Answer("code", "wallet")),
    st.just(Answer("owner", "wallet is mine")),
)
SIGNALS = st.lists(
    st.sampled_from(
        [
            FirstUse(),
            AboveHistory(60_000, 2_000, "USD"),
            FedFast(10, 30),
            NearLimit(2, 80),
            AddressShared(2),
            PhoneShared(1),
            AddressNew(SUM, "USD"),
            AddressNew(SUM + 1, "USD"),
            AddressListed("own"),
            AddressStopped(),
            Repeat(5),
            ManyMachines(3),
            OddHours(30),
            ThirdPerson(),
            LongPauses(3, 40),
        ]
    )
)
STEPS = st.sampled_from(list(Step))


@given(STEPS, st.lists(ANSWERS), st.lists(ANSWERS))
def test_answers_only_raise(step: Step, some: list[Answer], more: list[Answer]) -> None:
    after = after_answers(step, some, POLICY)
    assert after >= step
    assert after_answers(step, [*some, *more], POLICY) >= after
    assert after_answers(after, more, POLICY) == after_answers(step, [*some, *more], POLICY)


@given(SIGNALS, SIGNALS)
def test_more_signals_never_give_less(some: list, more: list) -> None:
    assert minimum_step([*some, *more], POLICY) >= minimum_step(some, POLICY)


@given(STEPS, st.sampled_from(["code", "owner"]))
def test_my_own_wallet_lowers_nothing(step: Step, question: str) -> None:
    assert after_answers(step, [Answer(question, "wallet")], POLICY) >= step


def test_an_unknown_answer_is_held() -> None:
    assert after_answers(Step.NONE, [Answer("machine", "whatever")], POLICY) is Step.HOLD


@given(STEPS, st.lists(st.tuples(STEPS, st.integers(0, 60))))
def test_a_flag_stands_for_thirty_days(step: Step, flags: list[tuple[Step, int]]) -> None:
    told = [(flag, NOW - dt.timedelta(days=days)) for flag, days in flags]
    least = max([step, *(flag for flag, days in flags if days < 30)])
    assert standing(step, told, POLICY, NOW) == least


def test_a_first_large_purchase_to_a_new_address_is_held() -> None:
    assert minimum_step([AddressNew(SUM + 1, "USD")], POLICY) is Step.HOLD
    assert minimum_step([FirstUse(), AddressNew(SUM, "USD")], POLICY) is Step.WARNING
    assert minimum_step([AddressNew(1, "BTC")], POLICY) is Step.HOLD, "no sum is set: nothing is"


def test_pace_alone_warns_at_most() -> None:
    assert minimum_step([FedFast(50, 1), LongPauses(9, 600), FirstUse()], POLICY) is Step.WARNING


def test_a_timer_ends_no_romance() -> None:
    assert hold_hours(POLICY, "romance") is None and hold_hours(POLICY, "investment") is None
    assert hold_hours(POLICY, "grandchild") == 24
    assert hold_hours(POLICY, "") == hold_hours(POLICY, "unheard-of") == 72


def test_a_call_goes_only_to_a_number_from_before_the_flag() -> None:
    assert may_call_back(NOW - dt.timedelta(seconds=1), NOW)
    assert not may_call_back(NOW, NOW)
    assert not may_call_back(NOW + dt.timedelta(seconds=1), NOW)


HOLD_RULE = 'signals = ["address-new"]\nabove_sum = true\nstep = "hold"'
RULE = '[[rule]]\nsignals = ["first-use"]'
BAD: list[tuple[str, str, str]] = [
    (RULE, '[[rule]]\nsignals = ["age"]', "counts no age"),
    (RULE, "[[rule]]\nsignals = []", "counts no signal"),
    ("[thresholds]", "[thresholds]\nage_over = 60", "knows no age_over"),
    ("[answers.machine]", '[answers.machine]\nover-70-years = "hold"', "speaks of age"),
    ('say = "A first purchase is warned', 'say = "Elderly buyers are warned', "speaks of age"),
    ("default = 72", "default = 72\nsenior = 99", "speaks of age"),
    (
        'signals = ["long-pauses"]\nstep = "warning"',
        'signals = ["long-pauses"]\nstep = "hold"',
        "pace alone",
    ),
    (
        'signals = ["fed-fast"]\nstep = "warning"',
        'signals = ["fed-fast", "long-pauses"]\nstep = "questions"',
        "pace alone",
    ),
    (
        'signals = ["fed-fast"]\nstep = "warning"',
        'signals = ["fed-fast", "first-use"]\nstep = "questions"',
        "pace alone",
    ),
    (RULE, '[[rule]]\nunless = ["wallet-is-mine"]\nsignals = ["first-use"]', "knows no unless"),
    (RULE, '[[rule]]\nlowers_to = "none"\nsignals = ["first-use"]', "knows no lowers_to"),
    ('wallet = "none"', 'wallet = "lower"', "is no step"),
    ('wallet = "none"', "wallet = -1", "is no step"),
    ('wallet = "none"', 'wallet = { lower_to = "none" }', "not a policy"),
    ("flag_days = 30", 'flag_days = 30\nwallet_is_mine = "none"', "knows no wallet_is_mine"),
    (HOLD_RULE, HOLD_RULE.replace('"hold"', '"questions"'), "never seen is not held"),
    (
        HOLD_RULE,
        HOLD_RULE.replace('"address-new"', '"address-new", "odd-hours"'),
        "never seen is not held",
    ),
    ("USD = 50_000", "USD = 100_001", "at most 100000"),
    (
        'signals = ["address-listed"]\nstep = "refuse"',
        'signals = ["address-listed"]\nstep = "hold"',
        "blocked destinations is not refused",
    ),
    ("flag_days = 30", "flag_days = 29", "30 days or more"),
    ("days = 30\nstep", "days = 0\nstep", "from 1 to 365"),
    ("days = 30\nstep", "days = 366\nstep", "from 1 to 365"),
    ('days = 30\nstep = "hold"', 'days = 30\nstep = "questions"', "a change of mind"),
    ("confirmed_by = 2", "confirmed_by = 1", "one person's word"),
    ("confirmed_by = 2", "confirmed_by = 2\nwho = 1", "knows no who"),
    (
        'signals = ["address-stopped"]\nstep = "hold"',
        'signals = ["address-stopped"]\nstep = "warning"',
        "somebody stopped is not held",
    ),
    ("flag_days = 30", "flag_days = true", "whole number"),
    ('unknown_answer = "hold"', 'unknown_answer = "questions"', "does not name is not held"),
    ('romance = "person"', "romance = 48", "a person must"),
    ('investment = "person"', "", "a person must"),
    ("default = 72", "default = 721", "from 1 to 720"),
    ("default = 72\n", "", "no default"),
    ("grandchild = 24", "grandchildren = 24", "no script"),
    (
        'nearest = "none"\nmap = "none"\nposter = "none"',
        'nearest = "none"\nmap = "hold"\nposter = "hold"',
        "after which nothing follows",
    ),
    (
        'printed = "hold"\nsent = "call-back"\nunsaid = "hold"',
        'printed = "none"\nsent = "none"\nunsaid = "none"',
        "asked for nothing",
    ),
    ("version =", "version", "not a policy"),
]


@pytest.mark.parametrize(("old", "new", "says"), BAD)
def test_a_bad_policy_is_refused(tmp_path: Path, old: str, new: str, says: str) -> None:
    assert TEXT.count(old) == 1 or old == 'wallet = "none"'
    file = tmp_path / "policy.toml"
    file.write_text(TEXT.replace(old, new, 1), "utf-8")
    with pytest.raises(PolicyRefused, match=says):
        policy.load(file)


def test_a_policy_too_large_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "policy.toml"
    file.write_text(TEXT + "#" * (POLICY_BYTES_MAX - len(TEXT.encode())), "utf-8")
    assert policy.load(file).flag_days == 30
    file.write_text(file.read_text("utf-8") + "#", "utf-8")
    with pytest.raises(PolicyRefused, match="bytes"):
        policy.load(file)


def test_the_shipped_policy_has_no_fault() -> None:
    assert lint.policy_faults(POLICY) == []
