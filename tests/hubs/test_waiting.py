"""Places for real cases: the gates say which host is lawful, the ceilings who waits."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator

import pytest
from case_scene import Scene
from click.testing import CliRunner

from tallystick.cli import main
from tallystick.hubs import (
    agreements,
    asking,
    cases,
    claims,
    needs,
    placement,
    queries,
)
from tallystick.hubs.errors import CaseIncomplete
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


@pytest.fixture(scope="module")
def family(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Scene, list[str]]]:
    """Three cases that are eligible, with a host that has room for three a day."""
    made = Scene(tmp_path_factory.mktemp("family"))
    ones = []
    for _ in range(3):
        ones.append(one := made.to_review())
        made.propose(one)
        made.both(one)
    yield made, ones
    made.store.close()


def asked(scene: Scene, ref: str) -> placement.Answer:
    people, hosts = scene.read(lambda tx: waiting(tx, scene.desk))
    return placement.place(people, hosts, scene.desk.today())[ref]


@pytest.mark.parametrize(
    ("name", "bad", "good", "term", "said"),
    [
        (needs.LANGUAGES, "fa,ps", "fa,en", ("term.languages", "en,fr"), "condition 2: no interp"),
        (needs.CARE, "dialysis", "none", None, "condition 3: no dialysis there"),
        (needs.CARE, "dialysis", "dialysis", ("term.care", "dialysis,hiv"), ""),
        (needs.FAMILY, "TS-000-000-001", "none", None, "condition 4: stays together with TS-000"),
    ],
)
def test_a_place_meets_what_is_on_record_of_the_person_or_is_none(
    family: tuple[Scene, list[str]],
    name: str,
    bad: str,
    good: str,
    term: tuple[str, str] | None,
    said: str,
) -> None:
    """What is recorded of the case decides, and what is not recorded is no place."""
    scene, ones = family
    ref = scene.case(ones[0]).reference
    if term:
        scene.claim(scene.host.about, *term)
    scene.attest(ones[0], {name: bad})
    found = asked(scene, ref)
    assert (found.outcome is Outcome.PLACE) is (not said), found
    assert any(said in line for why in found.reasons.values() for line in why) or not said
    scene.attest(ones[0], {name: good})
    assert asked(scene, ref).outcome is Outcome.PLACE
    yesterday = scene.desk.today() - dt.timedelta(1)
    given = (scene.desk, ones[0], {name: good}, scene.worker, "a paper")
    scene.step(lambda tx: cases.attest_all(tx, *given, on=yesterday, until=yesterday))
    assert "not on record" in str(asked(scene, ref).reasons), "evidence that counts no longer"
    scene.attest(ones[0], {name: good})


def test_a_family_named_by_one_of_them_is_placed_together_where_its_ties_are(
    family: tuple[Scene, list[str]],
) -> None:
    scene, ones = family
    refs = [scene.case(one).reference for one in ones]
    scene.attest(ones[2], {needs.FAMILY: refs[1]})
    scene.attest(ones[1], {needs.FAMILY: refs[0], needs.LINKS: scene.host.country})
    people, _ = scene.read(lambda tx: waiting(tx, scene.desk))
    assert {one.family for one in people} == {min(refs)}, "each through another"
    assert asked(scene, refs[2]).with_link, "one's ties are the family's"
    scene.claim(scene.host.about, "term.ceiling_day", 2)
    assert asked(scene, refs[0]).outcome is Outcome.NONE, "three do not go where two may"
    scene.claim(scene.host.about, "term.ceiling_day", 5)
    assert {asked(scene, ref).outcome for ref in refs} == {Outcome.PLACE}


def test_what_the_person_needs_stops_a_place_that_lacks_it_and_nobody_leaves_family_behind(
    family: tuple[Scene, list[str]],
) -> None:
    scene, ones = family
    refs = [scene.case(one).reference for one in ones]
    for at, one in enumerate(ones):
        others = [ref for n, ref in enumerate(refs) if n != at]
        scene.attest(one, {needs.FAMILY: ",".join(others)})
    for one in ones:
        assert scene.place(one).permitted
    assert scene.notice(ones[0]).permitted
    stopped = scene.attest(ones[1], {needs.CARE: "oncology"})
    assert stopped.stopped and "Condition 3" in stopped.why[0]
    assert sorted(asking.stopped_by(stopped)) == sorted(refs), "all of them, with that event"
    assert {scene.state(one) for one in ones} == {State.REVIEW}


@pytest.mark.parametrize("value", ["", "none,en", "a;b", "x" * 25, ",".join("abcdefghijklm"), "é"])
def test_codes_that_cannot_be_read_are_refused_and_say_so(
    family: tuple[Scene, list[str]], value: str
) -> None:
    scene, ones = family
    before = len(scene.kinds(ones[0]))
    with pytest.raises(CaseIncomplete, match="codes"):
        scene.attest(ones[0], {needs.LANGUAGES: value})
    with pytest.raises(CaseIncomplete, match="dialysis"):
        scene.attest(ones[0], {needs.CARE: "dialisys"})
    assert len(scene.kinds(ones[0])) == before
