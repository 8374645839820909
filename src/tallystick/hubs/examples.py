"""Worked examples of the gates, in plain words with the verdict they expect.

A person for whom everything is shown, but for what an example changes; it names every gate that
then does not pass, and every other must. `tallystick hubs check` runs them.
"""

from __future__ import annotations

import datetime as dt
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from tallystick.core.rulebook.place import Adoption
from tallystick.hubs import gates, law, sample
from tallystick.hubs.errors import GatesUnreadable
from tallystick.hubs.gates import Fact, GateAnswer
from tallystick.hubs.law import Answer, Law, Stage, Value

EXAMPLES_FILE: Final = law.GATES_FOLDER / "examples" / "gates.toml"


@dataclass(frozen=True, slots=True)
class Checked:
    """One example and what came of it."""

    say: str
    wrong: str
    """Empty when the verdict is the expected one."""


def check(path: Path = EXAMPLES_FILE) -> Iterator[Checked]:
    """Run every example; raise `GatesUnreadable` for a file that does not say what it must."""
    try:
        examples = tomllib.loads(path.read_text("utf-8"))["example"]
        for one in examples:
            yield Checked(one["say"], _wrong(one))
    except (KeyError, TypeError, ValueError) as error:
        raise GatesUnreadable(f"{path.name}: {error!r}") from error


def _wrong(example: Mapping[str, Any]) -> str:
    """Return what differs from the expected verdict, or nothing."""
    answers = {one.gate.id: one for one in _ask(example)}
    only = set(example.get("only", answers))
    found = {
        name: one.answer.word
        for name, one in answers.items()
        if name in only and one.answer is not Answer.PASS
    }
    wrong = []
    if found != example["expect"]:
        wrong.append(f"does not pass: {found}")
    for name, day in example.get("until", {}).items():
        if answers[name].until != day:
            wrong.append(f"{name} holds until {answers[name].until}")
    return "; ".join(wrong)


def _ask(example: Mapping[str, Any]) -> tuple[GateAnswer, ...]:
    on, found = example["on"], law.load(example["sender"])
    if example.get("adopted", True):
        found = all_adopted(found, min(on, example.get("known", on)))
    values: dict[str, Value] = {**sample.values(found, on), **example.get("changed", {})}
    books: dict[str, dict[str, Fact]] = {"person": {}, "country": {}, "agreement": {}}
    for name, value in values.items():
        if name not in example.get("lost", ()):
            books[found.facts[name].of][name] = Fact(value, "an example", on, on)
    known, stage = example.get("known", on), Stage[example.get("stage", "door").upper()]
    return gates.ask(found, books["person"], books["agreement"], books["country"], on, known, stage)


def all_adopted(found: Law, on: dt.date) -> Law:
    """Return a law with every unverified gate adopted by a sample officer."""
    names = dict.fromkeys(gate.id for gate in found.gates if not gate.verified)
    return found.adopt(
        Adoption(found.code, name, {}, sample.OFFICER, sample.SOURCE, on) for name in names
    )
