"""The gates: nothing passes by absence, each provision bites by itself, law is dated twice."""

from __future__ import annotations

import dataclasses
import datetime as dt
from pathlib import Path

import numpy as np
import pytest
from gate_scene import BEFORE, TODAY, Break, ask, breaks, settled
from hypothesis import given, settings
from hypothesis import strategies as st

from tallystick.core.rulebook.place import Adoption, AdoptionRefused
from tallystick.hubs import gates, law, sample
from tallystick.hubs.errors import GatesUnreadable
from tallystick.hubs.gates import MISSING, Columns, Fact
from tallystick.hubs.law import GATES_FOLDER, Answer, Law, Stage

LAWS = {code: settled(code) for code in law.SENDERS}
EVERY_BREAK = [(code, one) for code in law.SENDERS for one in breaks(LAWS[code])]
EVERY_GATE = [(code, gate) for code in law.SENDERS for gate in LAWS[code].ids]
TABLE_1A = [f"UK-{n:02}" for n in range(1, 24)]
TABLE_1D = [f"EU-{n:02}" for n in range(1, 14)]


def said(answers: tuple[gates.GateAnswer, ...]) -> dict[str, Answer]:
    return {one.gate.id: one.answer for one in answers}


def bad(answers: tuple[gates.GateAnswer, ...]) -> set[str]:
    return {one.gate.id for one in gates.stopping(answers)}


def of_break(one: tuple[str, Break]) -> str:
    return f"{one[0]}:{one[1].gate}:{one[1].test.fact}"


def test_every_provision_of_the_tables_is_there() -> None:
    assert set(TABLE_1A) <= set(LAWS["GB"].ids)
    assert set(TABLE_1D) <= set(LAWS["EU"].ids)
    shared = {"UN-01", "CE-01", *(f"AG-{n:02}" for n in range(1, 15))}
    assert shared <= set(LAWS["GB"].ids) and shared <= set(LAWS["EU"].ids)


@pytest.mark.parametrize("code", law.SENDERS)
def test_all_gates_pass_only_when_everything_is_shown(code: str) -> None:
    answers = ask(LAWS[code])
    assert said(answers) == dict.fromkeys(LAWS[code].ids, Answer.PASS)
    assert gates.permits(answers)
    assert all(one.evidence for answer in answers for one in answer.reasons)


@pytest.mark.parametrize("code", law.SENDERS)
def test_nothing_on_record_refuses_by_every_gate(code: str) -> None:
    answers = gates.ask(LAWS[code], {}, {}, {}, TODAY, TODAY)
    assert set(said(answers).values()) == {Answer.UNKNOWN}
    assert all(one.missing for one in answers)


def test_no_law_known_permits_nothing() -> None:
    assert not gates.permits(ask(LAWS["GB"], on=dt.date(1990, 1, 1)))
    assert not gates.permits(())
    assert gates.worst(()) is Answer.UNKNOWN


@pytest.mark.parametrize("one", EVERY_BREAK, ids=of_break)
def test_a_test_that_is_not_met_stops_by_its_own_gate(one: tuple[str, Break]) -> None:
    code, broken = one
    answers = {answer.gate.id: answer for answer in ask(LAWS[code], broken.values)}
    answer = answers[broken.gate]
    found = next(r for r in answer.reasons if r.test is broken.test)
    assert found.answer is broken.test.otherwise
    assert answer.answer >= broken.test.otherwise
    assert broken.test.say in answer.why
    assert answer.gate.provision.cite and found.evidence
    unknown = ask(LAWS[code], {**broken.values, broken.test.fact: None})
    lost = next(a for a in unknown if a.gate.id == broken.gate)
    assert lost.answer >= Answer.UNKNOWN and broken.test.fact in lost.missing


@pytest.mark.parametrize("one", EVERY_GATE, ids="{0[0]}:{0[1]}".format)
def test_each_gate_is_needed_by_itself(one: tuple[str, str]) -> None:
    """Some person is stopped by this gate and no other: without it they would pass."""
    code, gate = one
    alone = [b for b in breaks(LAWS[code]) if b.gate == gate]
    assert any(bad(ask(LAWS[code], b.values)) == {gate} for b in alone)
    without = LAWS[code].without(gate)
    assert any(gates.permits(ask(without, b.values)) for b in alone)


@pytest.mark.parametrize("code", law.SENDERS)
def test_a_gate_that_nobody_verified_is_unknown_until_adopted_by_name(code: str) -> None:
    plain = law.load(code)
    unread = {gate.id for gate in plain.gates if gate.mark == "M"}
    assert unread
    answers = {one.gate.id: one for one in ask(plain)}
    assert {name for name, one in answers.items() if one.answer is Answer.UNKNOWN} == unread
    assert all("Nobody verified" in one for name in unread for one in answers[name].why)
    before = ask(LAWS[code], known_on=TODAY, on=TODAY)
    assert gates.permits(before)
    early = {
        one.gate.id: one.answer
        for one in gates.ask(
            LAWS[code],
            *(sample.facts(LAWS[code], BEFORE, of) for of in ("person", "agreement", "country")),
            BEFORE,
            BEFORE - dt.timedelta(1),
        )
    }
    assert all(early[name] is Answer.UNKNOWN for name in unread), "adopted later than it was known"


def test_an_unverified_gate_still_refuses_what_it_would_refuse() -> None:
    answers = said(ask(law.load("GB"), {"destination.power": "none"}))
    assert answers["UK-18"] is Answer.REFUSE


def test_an_adoption_needs_a_name_a_source_and_an_open_gate() -> None:
    plain = law.load("GB")

    def adopt(gate: str, by: str = "A. Officer", source: str = "read it") -> Law:
        return plain.adopt([Adoption("hubs-GB", gate, {}, by, source, TODAY)])

    for wrong in (
        lambda: adopt("UK-18", by=" "),
        lambda: adopt("UK-18", source=""),
        lambda: adopt("UK-01"),
        lambda: adopt("UK-99"),
        lambda: adopt("UK-18").adopt([Adoption("hubs-GB", "UK-18", {}, "B", "s", TODAY)]),
        lambda: plain.adopt([Adoption("hubs-GB", "UK-18", {"minor": 1}, "B", "s", TODAY)]),
    ):
        with pytest.raises(AdoptionRefused):
            wrong()
    assert said(ask(adopt("UK-18")))["UK-18"] is Answer.PASS


def test_the_day_of_the_clock_itself_is_held_through() -> None:
    held = {one.gate.id: one for one in ask(LAWS["GB"], {"appeal.are_date": TODAY})}["UK-03"]
    assert (held.answer, held.until) == (Answer.HOLD, TODAY)
    passed = ask(LAWS["GB"], {"appeal.are_date": TODAY - dt.timedelta(1)})
    assert said(passed)["UK-03"] is Answer.PASS


def test_a_pending_step_holds_until_its_day_or_until_nobody_knows() -> None:
    day = TODAY + dt.timedelta(40)
    changed = {"submissions.outstanding": True, "submissions.expected": day}
    known = {one.gate.id: one for one in ask(LAWS["GB"], changed)}["UK-04"]
    assert (known.answer, known.until) == (Answer.HOLD, day)
    silent = {one.gate.id: one for one in ask(LAWS["GB"], {"submissions.outstanding": True})}
    assert (silent["UK-04"].answer, silent["UK-04"].until) == (Answer.HOLD, None)


def test_the_notice_is_asked_for_on_the_eve_and_not_before() -> None:
    changed = {"notice.served": None, "health.fit_to_travel": None}
    assert gates.permits(ask(LAWS["GB"], changed, stage=Stage.NOTICE))
    assert bad(ask(LAWS["GB"], changed, stage=Stage.EVE)) == {"UK-10", "UK-17"}
    assert bad(ask(LAWS["GB"], changed, stage=Stage.DOOR)) == {"UK-10", "UK-17"}


@pytest.mark.parametrize(
    ("name", "kind"), [(n, k) for n, k in LAWS["GB"].facts.items() if k.good_days]
)
def test_evidence_that_is_too_old_is_no_evidence(name: str, kind: law.FactKind) -> None:
    code = next(c for c in law.SENDERS if name in sample.values(LAWS[c], TODAY))
    values = sample.values(LAWS[code], TODAY)
    assert kind.good_days is not None
    for days, counts in ((kind.good_days, True), (kind.good_days + 1, False)):
        old = Fact(values[name], "paper", TODAY - dt.timedelta(days), TODAY)
        assert old.counts(kind, TODAY, TODAY) is counts


def test_evidence_ends_on_its_own_day_and_does_not_count_before_it_was_recorded() -> None:
    kind = LAWS["GB"].facts["country.rights_record"]
    fact = Fact(True, "paper", BEFORE, TODAY, until=TODAY)
    assert fact.counts(kind, TODAY, TODAY)
    assert not fact.counts(kind, TODAY + dt.timedelta(1), TODAY + dt.timedelta(1))
    assert not fact.counts(kind, BEFORE, TODAY - dt.timedelta(1)), "nobody knew it then"


def test_a_fact_under_another_name_is_not_looked_at() -> None:
    facts = sample.facts(LAWS["GB"], TODAY, "person")
    country = sample.facts(LAWS["GB"], TODAY, "country")
    agreement = sample.facts(LAWS["GB"], TODAY, "agreement")
    good = gates.ask(LAWS["GB"], facts, agreement, country, TODAY, TODAY)
    assert gates.permits(good)
    mixed = gates.ask(LAWS["GB"], {**facts, **country}, agreement, {}, TODAY, TODAY)
    assert {"SC-02", "SC-03", "SC-04", "SC-05", "SC-01"} <= bad(mixed)


@pytest.mark.parametrize(
    ("on", "since"), [(dt.date(2024, 4, 28), 2018), (dt.date(2024, 4, 29), 2024)]
)
def test_the_version_in_force_on_the_day_answers(on: dt.date, since: int) -> None:
    found = [gate for gate in LAWS["GB"].at(on, TODAY) if gate.id == "UK-17"]
    assert [gate.provision.since and gate.provision.since.year for gate in found] == [since]


def test_a_judgment_counts_from_when_it_was_known() -> None:
    on = dt.date(2022, 6, 14)
    then = {gate.id for gate in LAWS["GB"].at(on, on)}
    with_hindsight = {gate.id for gate in LAWS["GB"].at(on, TODAY)}
    assert "SC-03" not in then and "SC-03" in with_hindsight


def test_a_gate_whose_beginning_nobody_knows_is_unknown_and_not_absent() -> None:
    on = dt.date(2026, 10, 1)
    assert said(ask(LAWS["GB"], on=on))["UK-12"] is Answer.UNKNOWN


FACTS_OF = {code: sorted(sample.values(LAWS[code], TODAY)) for code in law.SENDERS}


@st.composite
def persons(draw: st.DrawFn, code: str) -> dict[str, law.Value | None]:
    changed: dict[str, law.Value | None] = {}
    for name in draw(st.sets(st.sampled_from(FACTS_OF[code]), max_size=4)):
        kind = LAWS[code].facts[name]
        value = {
            "yes-no": st.booleans(),
            "day": st.dates(TODAY - dt.timedelta(3), TODAY + dt.timedelta(3)),
            "number": st.integers(0, 200),
            "one-of": st.sampled_from(kind.choices or ("",)),
        }[kind.kind]
        changed[name] = draw(st.none() | value)
    return changed


@pytest.mark.parametrize("code", law.SENDERS)
@given(data=st.data())
@settings(max_examples=30, deadline=None)
def test_columns_answer_as_one_person_does(code: str, data: st.DataObject) -> None:
    table = Columns.of(LAWS[code], TODAY, TODAY)
    people = [data.draw(persons(code)) for _ in range(4)]
    base = sample.values(LAWS[code], TODAY)
    columns = {
        name: np.array(
            [
                MISSING if (v := {**base, **one}.get(name)) is None else table.code(name, v)
                for one in people
            ]
        )
        for name in table.facts
    }
    answers = table.answers(columns, TODAY.toordinal())
    permitted = table.permits(columns, TODAY.toordinal())
    for place, one in enumerate(people):
        alone = ask(LAWS[code], one)
        got = {name: int(np.broadcast_to(a, 4)[place]) for name, a in answers.items()}
        assert got == {name: int(a) for name, a in said(alone).items()}
        assert bool(permitted[place]) is gates.permits(alone)


def test_columns_of_nobodys_facts_permit_nobody() -> None:
    table = Columns.of(LAWS["GB"], TODAY, TODAY)
    assert not table.permits({}, TODAY.toordinal()).any()
    empty = dataclasses.replace(table, gates=(), doubts={})
    assert not empty.permits({}, TODAY.toordinal()).any()


def damage(folder: Path, old: str, new: str) -> Path:
    for path in GATES_FOLDER.glob("*.toml"):
        text = path.read_text("utf-8")
        (folder / path.name).write_text(text.replace(old, new, 1) if path.stem == "GB" else text)
    return folder


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ('mark = "T"', 'mark = "X"', "mark"),
        ('code = "GB"', 'code = "FR"', "code"),
        ("is = true", "is = true, past = true", "one rule"),
        ('else = "refuse"', 'else = "pass"', "else hold or refuse"),
        ('fact = "refusal.served"', 'fact = "refusal.sent"', "refusal.sent"),
        ('fact = "refusal.served"', 'fact = "appeal.are_date"', "is not yes-no"),
        ('say = "Nobody', 'said = "Nobody', "unknown said"),
    ],
)
def test_a_file_that_says_something_unknown_is_refused_whole(
    tmp_path: Path, old: str, new: str, says: str
) -> None:
    folder = damage(tmp_path, old, new)
    with pytest.raises(GatesUnreadable, match=says):
        law.load("GB", folder)


def test_a_sender_without_a_file_has_no_law() -> None:
    with pytest.raises(GatesUnreadable, match="nothing passes"):
        law.load("XX")
