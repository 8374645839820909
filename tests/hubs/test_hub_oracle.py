"""The gates against what others say of them: worked examples, and a logic program of its own.

The oracle is clingo: the files' tests are written out as clauses with a closed meaning for pass,
and what our code answers must be what its one stable model holds.
"""

from __future__ import annotations

import datetime as dt
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import clingo
import pytest
from gate_scene import TODAY, ask, settled
from hypothesis import given, settings
from hypothesis import strategies as st

from tallystick.hubs import examples, law, sample
from tallystick.hubs.law import GATES_FOLDER

CHECKED = list(examples.check())


@pytest.mark.parametrize("one", CHECKED, ids=lambda one: one.say[:60])
def test_a_worked_example_comes_out_as_it_says(one: examples.Checked) -> None:
    assert one.wrong == ""


def test_an_example_that_is_wrong_is_found(tmp_path: Path) -> None:
    text = examples.EXAMPLES_FILE.read_text("utf-8")
    bad = text.replace('expect = { "UK-05" = "hold" }', 'expect = { "UK-05" = "refuse" }')
    assert bad != text
    (tmp_path / "bad.toml").write_text(bad)
    assert [one.wrong for one in examples.check(tmp_path / "bad.toml") if one.wrong] == [
        "does not pass: {'UK-05': 'hold'}"
    ]


RULES = """
lost(T) :- needs(T, F), not value(F, _).
met(T) :- is(T, F, V), value(F, V).
met(T) :- past(T, F), value(F, D), today(N), N > D.
met(T) :- reached(T, F), value(F, D), today(N), N >= D.
met(T) :- not_after(T, F), value(F, D), today(N), N <= D.
met(T) :- most(T, F, M), value(F, V), V <= M.
met(T) :- most_fact(T, F, G), value(F, V), value(G, M), V <= M.
met(T) :- among(T, F, V), value(F, V).
spared(T) :- when(T, G), value(G, 0).
spared(T) :- unless(T, G), value(G, 1).
doubt(T) :- when(T, G), not value(G, _).
doubt(T) :- unless(T, G), not value(G, _).
says(T, 2) :- test(T), doubt(T), not spared_last(T).
says(T, 2) :- test(T), not doubt(T), not spared(T), lost(T).
says(T, A) :- test(T), not doubt(T), not spared(T), not lost(T), not met(T), else(T, A).
says(T, 0) :- test(T), not doubt(T), not spared(T), not lost(T), met(T).
says(T, 0) :- test(T), spared(T), not doubt(T).
spared_last(T) :- unless(T, G), value(G, 1).
says(T, 0) :- test(T), doubt(T), spared_last(T).
answer(G, A) :- gate(G), A = #max { X : of(T, G), says(T, X) }.
#show answer/2.
"""
ELSE = {"hold": 1, "refuse": 3}


def program(code: str) -> str:
    """Write a sender's files out as clauses, read afresh from TOML and not by our reader."""
    lines = [RULES]
    names = [code, *tomllib.loads((GATES_FOLDER / f"{code}.toml").read_text("utf-8"))["layers"]]
    facts = tomllib.loads((GATES_FOLDER / "facts.toml").read_text("utf-8"))["of"]
    choices = {n: f.get("choices", []) for group in facts.values() for n, f in group.items()}
    count = 0
    for name in names:
        raw = tomllib.loads((GATES_FOLDER / f"{name}.toml").read_text("utf-8"))
        for gate in raw["gate"]:
            since, until = gate.get("since", raw["seen"]), gate.get("until")
            if since > TODAY or (until and until < TODAY):
                continue
            lines.append(f'gate("{gate["id"]}").')
            for test in gate["tests"]:
                count += 1
                lines += clauses(f"t{count}", gate["id"], test, choices)
    return "\n".join(lines)


def clauses(t: str, gate: str, test: dict[str, Any], choices: Mapping[str, list[str]]) -> list[str]:
    fact = test["fact"]
    found = [
        f'test({t}). of({t}, "{gate}"). needs({t}, "{fact}"). else({t}, {ELSE[test["else"]]}).'
    ]
    found += [f'{word}({t}, "{test[word]}").' for word in ("when", "unless") if word in test]
    if "is" in test:
        found.append(f'is({t}, "{fact}", {int(test["is"])}).')
    found += [f'{w}({t}, "{fact}").' for w in ("past", "reached", "not_after") if w in test]
    if "most" in test:
        found.append(f'most({t}, "{fact}", {test["most"]}).')
    if "most_fact" in test:
        other = test["most_fact"]
        found.append(f'most_fact({t}, "{fact}", "{other}"). needs({t}, "{other}").')
    for choice in test.get("among", ()):
        found.append(f'among({t}, "{fact}", {choices[fact].index(choice)}).')
    return found


PROGRAMS = {code: program(code) for code in law.SENDERS}
LAWS = {code: settled(code) for code in law.SENDERS}


def oracle(code: str, values: Mapping[str, law.Value | None]) -> dict[str, int]:
    kinds = LAWS[code].facts
    facts = [
        f'value("{name}", {kinds[name].code(value)}).'
        for name, value in values.items()
        if value is not None
    ]
    control = clingo.Control(["--warn=none"])
    control.add("base", [], "\n".join([PROGRAMS[code], f"today({TODAY.toordinal()}).", *facts]))
    control.ground([("base", [])])
    found: list[dict[str, int]] = []

    def keep(model: clingo.Model) -> None:
        shown = model.symbols(shown=True)
        found.append({a.arguments[0].string: a.arguments[1].number for a in shown})

    control.solve(on_model=keep)
    assert len(found) == 1
    return found[0]


def some_value(kind: law.FactKind) -> st.SearchStrategy[law.Value]:
    return {
        "yes-no": st.booleans(),
        "day": st.dates(TODAY - dt.timedelta(2), TODAY + dt.timedelta(2)),
        "number": st.integers(0, 200),
        "one-of": st.sampled_from(kind.choices or ("",)),
    }[kind.kind]


@pytest.mark.parametrize("code", law.SENDERS)
@given(data=st.data())
@settings(max_examples=30, deadline=None, derandomize=True)
def test_clingo_answers_every_gate_as_we_do(code: str, data: st.DataObject) -> None:
    base = sample.values(LAWS[code], TODAY)
    changed: dict[str, law.Value | None] = {}
    for name in data.draw(st.sets(st.sampled_from(sorted(base)), max_size=12)):
        changed[name] = data.draw(st.none() | some_value(LAWS[code].facts[name]))
    ours = {one.gate.id: int(one.answer) for one in ask(LAWS[code], changed)}
    assert oracle(code, {**base, **changed}) == ours
