"""Each signal at, below and above its figure; none knows an age; pace is off where it must be."""

from dataclasses import fields, replace
from typing import Any

import pytest

from tallystick.kiosk.scams import lint, policy
from tallystick.kiosk.scams.signals import (
    NOTES_MAX,
    PACE,
    UNHURRIED,
    Kind,
    Scene,
    detect,
    figures,
)

AT = policy.load().thresholds
CALM = Scene("USD", 2_000, 600, purchases_before=5, usual_minor=2_000, address_new=False)
FAST = tuple(range(0, 60, 6))

CASES: list[tuple[Kind, dict[str, Any], dict[str, Any]]] = [
    (Kind.FIRST_USE, {"purchases_before": 0}, {"purchases_before": 1}),
    (Kind.ABOVE_HISTORY, {"cash_minor": 50_000}, {"cash_minor": 49_999}),
    (Kind.ABOVE_HISTORY, {"cash_minor": 48_000, "today_minor": 2_000}, {"cash_minor": 48_000}),
    (
        Kind.ABOVE_HISTORY,
        {"cash_minor": 60_000, "usual_minor": 20_000},
        {"cash_minor": 59_999, "usual_minor": 20_000},
    ),
    (Kind.FED_FAST, {"note_times_s": FAST}, {"note_times_s": FAST[:9]}),
    (Kind.FED_FAST, {"note_times_s": (0, 500, *range(520, 580, 6))}, {"note_times_s": [0] * 9}),
    (
        Kind.NEAR_LIMIT,
        {"near_limit_before": (85,), "limit_minor": 2_500},
        {"near_limit_before": (79,), "limit_minor": 2_500},
    ),
    (Kind.NEAR_LIMIT, {"near_limit_before": (80, 99)}, {"near_limit_before": (80, 79)}),
    (Kind.ADDRESS_SHARED, {"address_others": 1}, {"address_others": 0}),
    (Kind.PHONE_SHARED, {"phone_others": 1}, {"phone_others": 0}),
    (Kind.ADDRESS_NEW, {"address_new": True}, {"address_new": False}),
    (Kind.ADDRESS_LISTED, {"address_list": "ofac"}, {"address_list": ""}),
    (Kind.ADDRESS_STOPPED, {"address_stopped": True}, {"address_stopped": False}),
    (Kind.REPEAT, {"refused_s": 2_592_000}, {"refused_s": 2_592_001}),
    (Kind.MANY_MACHINES, {"address_machines": 3}, {"address_machines": 2}),
    (Kind.ODD_HOURS, {"minute_of_day": 1_380}, {"minute_of_day": 1_379}),
    (Kind.ODD_HOURS, {"minute_of_day": 299}, {"minute_of_day": 300}),
    (Kind.THIRD_PERSON, {"third_person": True}, {"third_person": False}),
    (Kind.LONG_PAUSES, {"pauses_s": (40, 2, 41, 40)}, {"pauses_s": (40, 39, 40)}),
]


def kinds(scene: Scene) -> set[Kind]:
    return {signal.kind for signal in detect(scene, AT)}


def test_a_calm_scene_has_no_signal() -> None:
    assert detect(CALM, AT) == ()


@pytest.mark.parametrize(("kind", "there", "not_there"), CASES)
def test_a_signal_begins_at_its_figure(
    kind: Kind, there: dict[str, Any], not_there: dict[str, Any]
) -> None:
    assert kind in kinds(replace(CALM, **there))
    assert kind not in kinds(replace(CALM, **not_there))


def test_every_kind_has_a_case() -> None:
    assert {kind for kind, _, _ in CASES} == set(Kind)


@pytest.mark.parametrize(("kind", "there", "gone"), CASES)
def test_the_console_gets_a_sentence_and_figures(
    kind: Kind, there: dict[str, Any], gone: dict[str, Any]
) -> None:
    found = next(s for s in detect(replace(CALM, **there), AT) if s.kind is kind)
    assert found.explain().endswith(".") and len(found.explain()) > 15
    assert figures(found)["kind"] == kind.value
    assert set(figures(found)) == {"kind", *(f.name for f in fields(found))}


@pytest.mark.parametrize("mode", sorted(UNHURRIED))
def test_pace_says_nothing_in_unhurried_modes(mode: str) -> None:
    hurried = replace(CALM, note_times_s=FAST, pauses_s=(90, 90, 90))
    assert kinds(hurried) == PACE
    assert kinds(replace(hurried, mode=mode)) == set()


def test_no_fact_of_a_scene_is_an_age() -> None:
    assert not [f.name for f in fields(Scene) if lint.AGE.search(f.name.replace("_", " "))]


def test_sums_over_machines_and_addresses_reach_the_signal() -> None:
    found = detect(replace(CALM, address_new=True, new_address_minor=49_000), AT)
    assert [figures(s).get("sum_minor") for s in found] == [51_000]


def test_no_more_times_than_needed_are_looked_at() -> None:
    slow = tuple(range(0, NOTES_MAX * 60, 60))
    late = tuple(slow[-1] + n for n in range(1, 20))
    assert kinds(replace(CALM, note_times_s=slow + late)) == set()
    assert kinds(replace(CALM, note_times_s=slow[:-20] + late)) == {Kind.FED_FAST}
