"""Every state and event of the reserve's keys has its words in the reference, and none is left."""

import reference_reserve_keys as page
from tallystick.reserve.ceremony import State
from tallystick.reserve.vault import Kind


def test_states_events_and_kinds_have_their_words() -> None:
    assert set(page.STATES) == {one.value for one in State}
    assert set(page.KINDS) == {one.value for one in Kind}
    assert page.kinds_of_events() == set(page.EVENTS)
