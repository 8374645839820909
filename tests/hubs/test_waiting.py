"""Places for real cases: the gates say which host is lawful, the ceilings who waits."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from case_scene import Scene
from click.testing import CliRunner

from tallystick.cli import main
from tallystick.hubs import agreements, claims, placement, queries
from tallystick.hubs.model import State
from tallystick.hubs.placement import Outcome, PlacementRefused
from tallystick.hubs.waiting import EVERY_GATE, elsewhere, waiting

ELIGIBLE = State.ELIGIBLE


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    made = Scene(tmp_path_factory.mktemp("waiting"))
    yield made
    made.store.close()


def test_eligible_cases_are_placed_under_the_agreements_own_ceilings(scene: Scene) -> None:
    ones = []
    for _ in range(3):
        one = scene.to_review()
        scene.propose(one)
        scene.both(one)
        assert scene.state(one) is State.ELIGIBLE
        ones.append(scene.case(one).reference)
        scene.clock.advance(86_400)
    for one in ones:
        scene.complete(one)

    def ceiling(name: str, value: int) -> None:
        scene.step(
            lambda tx: claims.record(
                tx,
                scene.desk,
                scene.host.about,
                f"term.ceiling_{name}",
                value,
                "Invented",
                scene.desk.today(),
                scene.staff["official"],
            )
        )

    def answers() -> list[Outcome]:
        people, hosts = scene.read(lambda tx: waiting(tx, scene.desk))
        assert hosts[0].conditions[0].say == EVERY_GATE
        assert hosts[0].conditions[0].values == frozenset(ones)
        found = placement.place(people, hosts, scene.desk.today())
        assert list(found) == ones, "in the order in which they became eligible"
        return [one.outcome for one in found.values()]

    ceiling("day", 2)
    assert answers() == [Outcome.PLACE, Outcome.PLACE, Outcome.WAITS]
    ceiling("total", 1)
    people, hosts = scene.read(lambda tx: waiting(tx, scene.desk))
    found = placement.place(people, hosts, scene.desk.today())
    assert [o.outcome for o in found.values()] == [Outcome.PLACE, Outcome.NONE, Outcome.NONE]


def test_a_case_that_a_gate_stops_waits_for_no_place(scene: Scene) -> None:
    people, _ = scene.read(lambda tx: waiting(tx, scene.desk))
    scene.happen(people[0].ref, "submissions_made")
    after, hosts = scene.read(lambda tx: waiting(tx, scene.desk))
    assert people[0].ref not in {one.ref for one in after}
    assert people[0].ref not in hosts[0].conditions[0].values


def test_nobody_earlier_is_left_out_of_a_list_that_is_too_long(scene: Scene) -> None:
    waits = [case.reference for case in scene.read(lambda tx: queries.in_order(tx, ELIGIBLE))]
    dates = [scene.case(one).moved_at for one in waits]
    assert len(waits) >= 2 and dates == sorted(dates)
    with pytest.raises(PlacementRefused, match="people wait; at most 1"):
        scene.read(lambda tx: waiting(tx, scene.desk, most=1))


def test_each_answer_names_the_gate_that_stands_against_a_host(scene: Scene) -> None:
    scene.step(lambda tx: agreements.add(tx, scene.desk, "gb-far", "GB", "XZ", "Far host"))
    for name, value in (("agreement.status", "in-force"), ("term.ceiling_day", 9)):
        scene.claim("agreement:gb-far", name, value)
    assert [one.id for one, why in scene.read(lambda tx: elsewhere(tx, "GB"))] == ["gb-far"]
    scene.claim("agreement:gb-far", "term.ceiling_total", 9)
    people, hosts = scene.read(lambda tx: waiting(tx, scene.desk))
    found = placement.place(people, hosts, scene.desk.today())[people[0].ref]
    assert any("SC-01" in why for why in found.reasons["gb-far"]), found.reasons
    assert not scene.read(lambda tx: elsewhere(tx, "GB"))


def test_the_command_asks_for_both_files_or_neither(scene: Scene) -> None:
    url = str(scene.store.engine.url)
    data = url.removeprefix("sqlite:///").rpartition("/")[0]
    one = ["hubs", "place", "--data", data, "--database", url]
    assert CliRunner().invoke(main, one).exit_code == 0
    asked = CliRunner().invoke(main, [*one, "--on", "2027-03-01"])
    assert asked.exit_code == 2 and "together" in asked.output
