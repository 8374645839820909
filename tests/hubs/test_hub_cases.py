"""Cases: the walk to the door, what stops it, who decides, and what nobody can do."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator

import pytest
from case_scene import PLAN_DAYS, Scene

from tallystick.core import journal
from tallystick.hubs.asking import Outcome
from tallystick.hubs.law import Answer
from tallystick.hubs.model import State


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    made = Scene(tmp_path_factory.mktemp("hubs"))
    yield made
    made.store.close()


def stopped_by(out: Outcome) -> set[str]:
    return {one.gate.id for one in out.answers if one.answer is not Answer.PASS}


def test_a_case_for_which_everything_is_shown_goes_through(scene: Scene) -> None:
    one = scene.to_review()
    assert scene.state(one) is State.REVIEW
    scene.propose(one)
    scene.both(one)
    assert scene.state(one) is State.ELIGIBLE
    scene.place(one)
    scene.notice(one)
    held = scene.eve(one)
    assert held.case.state is State.NOTICE and stopped_by(held) == {"UK-17"}
    until = next(a.until for a in held.answers if a.gate.id == "UK-17")
    assert until == scene.desk.today() + dt.timedelta(7)
    scene.wait(PLAN_DAYS - 1)
    scene.complete(one)
    assert scene.eve(one).case.state is State.READY
    scene.wait(1)
    scene.complete(one)
    done = scene.door(one)
    assert done.case.state is State.TRANSFERRED and done.permitted
    scene.check(one)
    assert scene.case(one).leave_by == scene.desk.today() + dt.timedelta(30)
    assert scene.happen(one, "arrived").case.state is State.STAY
    assert scene.happen(one, "returned_onward").case.state is State.RETURNED
    scene.read(journal.verify)
