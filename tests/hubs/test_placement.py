"""Places in order of date: compared with every possible arrangement, and explained."""

from __future__ import annotations

import datetime as dt
import itertools
import json
from pathlib import Path
from typing import Any

import msgspec
import pytest
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st

from tallystick.cli import main
from tallystick.hubs import placement
from tallystick.hubs.lexicographic import Fit, Row, Undecided, Unit, pack
from tallystick.hubs.placement import (
    Condition,
    GatesStale,
    Host,
    Outcome,
    Person,
    PlacementRefused,
    place,
)

ON = dt.date(2027, 3, 1)
NAMES = {"kosovo": "Kosovo", "x": "X", "y": "Y"}


def person(ref: str, days_ago: int = 1, **more: Any) -> Person:
    since = ON - dt.timedelta(days=days_ago)
    return Person(ref=ref, since=since, gates_passed_on=ON, **more)


def host(name: str, day: int = 10, total: int = 10, **more: Any) -> Host:
    return Host(id=name, name=NAMES[name], ceiling_day=day, left_total=total, **more)


def room(rows: list[Row], units: list[Unit], slots: list[int | None]) -> bool:
    for row in rows:
        held = sum(u.size for u, s in zip(units, slots, strict=True) if s in row.slots)
        if held > row.ceiling:
            return False
    return True


def by_trying_everything(units: list[Unit], rows: list[Row]) -> tuple[list[Any], list[bool]]:
    """Return the levels, then the preferences, that no arrangement beats in order."""
    best: tuple[Any, Any] | None = None
    choices = [[None, *sorted(set().union(*u.levels))] for u in units]
    for slots in itertools.product(*choices):
        if not room(rows, units, list(slots)):
            continue
        levels = [
            next((n for n, level in enumerate(u.levels) if s in level), len(u.levels))
            for u, s in zip(units, slots, strict=True)
        ]
        liked = [
            bool(u.preferred) and s not in u.preferred for u, s in zip(units, slots, strict=True)
        ]
        # A unit that could like nothing within its level is no better or worse off.
        if best is None or (levels, liked) < best:
            best = levels, liked
    assert best is not None
    return list(best[0]), list(best[1])


@st.composite
def scenes(draw: st.DrawFn) -> tuple[list[Unit], list[Row]]:
    hosts = draw(st.integers(1, 3))
    rows = []
    for h in range(hosts):
        rows.append(Row(frozenset({2 * h}), draw(st.integers(0, 4))))
        rows.append(Row(frozenset({2 * h, 2 * h + 1}), draw(st.integers(0, 5))))
    units = []
    for _ in range(draw(st.integers(1, 5))):
        lawful = draw(st.sets(st.integers(0, hosts - 1)))
        tied = draw(st.sets(st.sampled_from(sorted(lawful)))) if lawful else set()
        units.append(
            Unit(
                draw(st.sampled_from([1, 1, 1, 2, 3])),
                (frozenset(2 * h for h in lawful), frozenset(2 * h + 1 for h in lawful)),
                frozenset(s for h in tied for s in (2 * h, 2 * h + 1)),
            )
        )
    return units, rows


@settings(max_examples=150, deadline=None, derandomize=True)
@given(scenes())
def test_no_arrangement_is_better_for_anybody_without_costing_somebody_before(
    scene: tuple[list[Unit], list[Row]],
) -> None:
    units, rows = scene
    fits = pack(units, rows)
    levels, liked = by_trying_everything(units, rows)
    got = [len(u.levels) if f.level is None else f.level for u, f in zip(units, fits, strict=True)]
    assert got == levels
    pleased = [
        bool(u.preferred) and f.slot not in u.preferred for u, f in zip(units, fits, strict=True)
    ]
    assert pleased == liked
    assert room(rows, units, [fit.slot for fit in fits])


def test_an_earlier_one_is_moved_aside_but_never_out() -> None:
    """A goes where only B cannot: greedy alone would leave B without."""
    both, only = frozenset({0, 2}), frozenset({0})
    rows = [Row(frozenset({0}), 1), Row(frozenset({2}), 1)]
    fits = pack([Unit(1, (both,)), Unit(1, (only,)), Unit(1, (both,))], rows)
    assert fits == [Fit(0, 2), Fit(0, 0), Fit(None, None)]


def test_what_cannot_be_decided_places_nobody() -> None:
    rows = [Row(frozenset({0}), 3), Row(frozenset({2}), 3)]
    both = frozenset({0, 2})
    units = [Unit(1, (both,)), Unit(1, (both,)), Unit(3, (both,))]
    assert [fit.level for fit in pack(units, rows)] == [0, 0, 0]
    with pytest.raises(Undecided):
        pack(units, rows, steps_max=0.0)


def test_rows_that_cross_are_refused() -> None:
    with pytest.raises(ValueError, match="cross"):
        pack([], [Row(frozenset({0, 1}), 1), Row(frozenset({1, 2}), 1)])


def test_the_order_is_the_date_then_the_reference_and_nothing_else() -> None:
    people = [person("c", 1), person("b", 9), person("a", 1), person("d", 5)]
    found = place(people, [host("x", 2, 2)], ON)
    assert [ref for ref, one in found.items() if one.outcome is Outcome.PLACE] == ["b", "d"]
    assert list(found) == ["b", "d", "a", "c"]
    for order in itertools.permutations(people):
        assert place(list(order), [host("x", 2, 2)], ON) == found


def test_nothing_about_a_person_is_weighed() -> None:
    fields = {f.name: f.type for f in msgspec.structs.fields(Person)}
    assert not {int, float} & set(fields.values()), "a person has no number to be ranked by"
    plain = [person(f"p{n}", 20 - n) for n in range(6)]
    told = [
        person(
            f"p{n}",
            20 - n,
            nationality=f"N{n}",
            languages=frozenset({f"l{n}"}),
            protected=frozenset({f"g{n}"}),
        )
        for n in range(6)
    ]
    assert place(plain, [host("x", 3, 3)], ON) == place(told, [host("x", 3, 3)], ON)


CONDITIONS: list[tuple[Condition, dict[str, Any], dict[str, Any]]] = [
    (
        Condition(3, "language", "an interpreter of the person's language", frozenset({"ps"})),
        {"languages": frozenset({"ps", "en"})},
        {"languages": frozenset({"ar"})},
    ),
    (
        Condition(4, "care", "the care the person needs is there", frozenset({"dialysis"})),
        {"care": frozenset({"dialysis"})},
        {"care": frozenset({"dialysis", "insulin"})},
    ),
    (
        Condition(5, "excludes", "persons the agreement protects are not sent", frozenset({"p1"})),
        {"protected": frozenset()},
        {"protected": frozenset({"p1"})},
    ),
    (
        Condition(6, "nationality", "nationals of neighbouring states", frozenset({"AL"})),
        {"nationality": "AL"},
        {"nationality": ""},
    ),
    (
        Condition(7, "link", "only where there are ties"),
        {"links": frozenset({"kosovo"})},
        {"links": frozenset({"x"})},
    ),
    (Condition(8, "alone", "no families"), {}, {"family": "f"}),
]


@pytest.mark.parametrize(
    ("condition", "fits", "not_"), CONDITIONS, ids=lambda x: getattr(x, "kind", "")
)
def test_a_condition_of_an_agreement_admits_or_is_named(
    condition: Condition, fits: dict[str, Any], not_: dict[str, Any]
) -> None:
    there = [host("kosovo", conditions=(condition,))]
    found = place([person("a", **fits), person("b", **not_)], there, ON)
    assert found["a"].outcome is Outcome.PLACE and found["a"].host == "kosovo"
    assert found["b"].outcome is Outcome.NONE
    assert found["b"].said(NAMES) == (
        f"no lawful place. not Kosovo: condition {condition.number}: {condition.say}"
    )


def test_it_is_explained_with_the_day_and_the_condition() -> None:
    busy = {ON + dt.timedelta(days=n): 1 for n in range(3)}
    kosovo = host("kosovo", 1, 5, booked=busy)
    other = host("x", conditions=(CONDITIONS[0][0],))
    said = place([person("a")], [kosovo, other], ON)["a"]
    assert said.outcome is Outcome.WAITS and said.not_before == dt.date(2027, 3, 4)
    assert said.said(NAMES) == (
        "a place is kept, not before 4 March 2027. "
        "not Kosovo: ceiling reached until 4 March 2027. "
        "not X: condition 3: an interpreter of the person's language"
    )


def test_a_total_that_is_used_up_names_the_day_on_which_places_are_freed() -> None:
    full = host("kosovo", 5, 0, frees={dt.date(2027, 3, 9): 1, dt.date(2027, 3, 20): 1})
    found = place([person("a"), person("b", family="f"), person("c", family="f")], [full], ON)
    assert "ceiling in total reached until 9 March 2027" in found["a"].said(NAMES)
    assert "ceiling in total reached until 20 March 2027" in found["b"].said(NAMES)
    never = place([person("a")], [host("x", 5, 0)], ON)["a"].said(NAMES)
    assert "no day is known" in never


def test_a_suspended_agreement_takes_nobody() -> None:
    found = place([person("a")], [host("kosovo", suspended="by the host, 27 February")], ON)
    assert found["a"].said(NAMES).endswith("not Kosovo: suspended: by the host, 27 February")


def test_a_family_stays_together_or_waits_together() -> None:
    family = [person(f"f{n}", 5, family="f") for n in range(3)]
    found = place([*family, person("later", 1)], [host("x", 2, 2), host("y", 2, 2)], ON)
    assert {found[p.ref].outcome for p in family} == {Outcome.NONE}
    assert "3 who stay together are more than its ceiling of 2 a day" in found["f0"].said(NAMES)
    assert found["later"].outcome is Outcome.PLACE
    found = place([*family, person("later", 1)], [host("x", 2, 2), host("y", 3, 3)], ON)
    assert {found[p.ref].host for p in family} == {"y"} and found["later"].host == "x"


def test_a_family_is_dated_by_its_last_member() -> None:
    early, late = person("f1", 30, family="f"), person("f2", 2, family="f")
    found = place([early, late, person("single", 9)], [host("x", 2, 2)], ON)
    assert found["single"].outcome is Outcome.PLACE
    assert found["f1"].outcome is found["f2"].outcome is Outcome.NONE


def test_nobody_later_uses_up_the_total_of_those_whom_the_day_keeps_waiting() -> None:
    """The family of three fits tomorrow only; the two after it would leave it two places."""
    family = [person(f"f{n}", 5, family="f") for n in range(3)]
    later = [person("l1", 2), person("l2", 1)]
    kosovo = host("kosovo", 3, 4, booked={ON: 1})
    found = place([*family, *later], [kosovo], ON)
    assert {found[p.ref].outcome for p in family} == {Outcome.WAITS}
    assert found["l1"].outcome is Outcome.PLACE and found["l2"].outcome is Outcome.NONE


def test_those_who_wait_are_given_the_days_ahead_in_their_order() -> None:
    people = [person(f"p{n}", 9 - n) for n in range(5)]
    found = place(people, [host("x", 2, 5, booked={ON: 2})], ON)
    days = [found[p.ref].not_before for p in people]
    assert [day.day for day in days if day] == [2, 2, 3, 3, 4]


def test_ties_decide_where_but_never_whether() -> None:
    here, there = host("x", 1, 1), host("y", 1, 1)
    only_x = Condition(1, "language", "a language", frozenset({"xx"}))
    a = person("a", 5, links=frozenset({"x"}), languages=frozenset({"xx"}))
    b = person("b", 1)
    found = place([a, b], [here, there], ON)
    assert found["a"].host == "x" and found["a"].with_link and found["b"].host == "y"
    tight = place([a, b], [here, host("y", 1, 1, conditions=(only_x,))], ON)
    assert tight["b"].host == "x", "b has nowhere else"
    assert tight["a"].host == "y" and not tight["a"].with_link


def test_nobody_is_placed_whose_gates_were_not_passed_today() -> None:
    stale = msgspec.structs.replace(person("a"), gates_passed_on=ON - dt.timedelta(days=1))
    with pytest.raises(GatesStale, match="a were not passed on 2027-03-01"):
        place([stale, person("b")], [host("x")], ON)


@pytest.mark.parametrize(
    ("people", "hosts", "says"),
    [
        ([person("a"), person("a")], [host("x")], "twice"),
        ([person("a")], [host("x"), host("x")], "twice"),
        ([person("a")], [host("x", -1)], "below nothing"),
        ([person(str(n)) for n in range(placement.PEOPLE_MAX + 1)], [], "at most"),
        ([], [host("x")] * (placement.HOSTS_MAX + 1), "at most"),
        (
            [person(str(n), family="f") for n in range(placement.FAMILY_PEOPLE_MAX + 1)],
            [],
            "members",
        ),
    ],
)
def test_a_question_that_makes_no_sense_places_nobody(
    people: list[Person], hosts: list[Host], says: str
) -> None:
    with pytest.raises(PlacementRefused, match=says):
        place(people, hosts, ON)


def test_a_plan_that_breaks_a_promise_is_not_given_out() -> None:
    asked = placement.Question(
        tuple(placement._families([person("a")], [host("x", 1, 1)])), (host("x", 1, 1),), ON
    )
    for wrong in (Fit(None, None), Fit(1, 1)):
        with pytest.raises(placement.PlanBroken, match="there is room"):
            placement.Outlook(asked, [wrong]).audit()
    shut = placement.Question(asked.families, (host("x", 0, 1),), ON)
    with pytest.raises(placement.PlanBroken, match="ceiling"):
        placement.Outlook(shut, [Fit(0, 0)]).audit()


def test_the_command_reads_files_and_explains(tmp_path: Path) -> None:
    people, hosts = tmp_path / "people.json", tmp_path / "hosts.json"
    people.write_bytes(msgspec.json.encode([person("a"), person("b", 3)]))
    hosts.write_bytes(msgspec.json.encode([host("x", 1, 1)]))
    asked = ["hubs", "place", "--people", str(people), "--hosts", str(hosts), "--on", "2027-03-01"]
    said = CliRunner().invoke(main, asked).output
    assert (
        "b: a lawful place in X" in said and "a: no lawful place. not X: ceiling in total" in said
    )
    told = json.loads(CliRunner().invoke(main, [*asked, "--json"]).output)
    assert [one["outcome"] for one in told] == ["place", "none"]
    people.write_text('[{"ref": "a", "score": 9}]')
    refused = CliRunner().invoke(main, asked)
    assert refused.exit_code == 1 and "score" in refused.output
