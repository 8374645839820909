"""The reserve's reference says what the code has: every state, event, alarm and check."""

from __future__ import annotations

import reference_reserve as reference
from tallystick.reserve.mandate import ACTS
from tallystick.reserve.model import ORIGINS, State
from tallystick.web.reserve import sayings


def test_every_state_event_and_alarm_has_its_words_and_none_is_left_over() -> None:
    assert {state.value for state in State} == set(reference.STATES) == set(sayings.STATES)
    assert reference.kinds() == set(sayings.KINDS)
    assert reference.alarms() == set(sayings.ALARMS)
    assert set(sayings.ORIGINS) == set(ORIGINS)
    assert set(sayings.ACTS) | {"purchase", "accept"} == set(ACTS)


def test_each_of_the_fifteen_checks_has_a_test() -> None:
    assert {number for number, tests in reference.checks().items() if tests} == set(range(1, 16))
