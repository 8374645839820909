"""Ask the gates: a pure function from law, facts and a day to answers that cite what they rest on.

Nothing is permitted by absence: a fact that nobody recorded, or evidence that is too old, is
unknown, and unknown is treated as a refusal. No answer orders a transfer. Each rule is written
once, over whole numbers, so that one person and a million columns go through the same lines.
"""

from __future__ import annotations

import datetime as dt
import functools
import operator
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, TypeAlias

import numpy as np

from tallystick.hubs.law import Answer, FactKind, Gate, Law, Stage, Test, Value

MISSING: Final = -(1 << 62)
"""The whole number of a fact that nobody recorded."""

Whole: TypeAlias = Any
"""A whole number, or a column of them."""
Look: TypeAlias = Callable[[str], Whole]


@dataclass(frozen=True, slots=True)
class Fact:
    """Something recorded of a person, a country or an agreement, with its evidence."""

    value: Value
    evidence: str
    """What shows it: a reference to a document, never the document itself."""
    on: dt.date
    """The day of the evidence, from which its age is counted."""
    recorded: dt.date
    """The day on which it was recorded: before it nobody here knew it."""
    until: dt.date | None = None
    """The last day on which the evidence counts, where it says so itself."""

    def counts(self, kind: FactKind, on: dt.date, known_on: dt.date) -> bool:
        """Say whether it is evidence on a day, as things were known on another."""
        if self.recorded > known_on or (self.until is not None and on > self.until):
            return False
        return kind.good_days is None or (on - self.on).days <= kind.good_days


Facts: TypeAlias = Mapping[str, Fact]


@dataclass(frozen=True, slots=True)
class Reason:
    """What one test of a gate found."""

    test: Test
    answer: Answer
    until: dt.date | None = None
    """Until when a hold lasts, where that is known."""
    evidence: Mapping[str, str] = field(default_factory=dict)
    """By the name of the fact."""
    missing: tuple[str, ...] = ()
    """Facts that nobody recorded, or whose evidence is too old."""


@dataclass(frozen=True, slots=True)
class GateAnswer:
    """What a gate says, by which provision, on which evidence."""

    gate: Gate
    answer: Answer
    reasons: tuple[Reason, ...]
    doubt: str = ""
    """Why the gate itself is unknown: not verified, or not known to be in force."""

    @property
    def until(self) -> dt.date | None:
        """Return the day until which it holds; None when it does not hold or no day is known."""
        days = [one.until for one in self.reasons if one.answer is Answer.HOLD]
        known = [day for day in days if day is not None]
        return max(known) if self.answer is Answer.HOLD and len(known) == len(days) else None

    @property
    def why(self) -> tuple[str, ...]:
        """Return what is the matter, in sentences; nothing for a gate that passes."""
        said = [one.test.say for one in self.reasons if one.answer in (Answer.REFUSE, Answer.HOLD)]
        lost = [f"Not on record: {name}." for one in self.reasons for name in one.missing]
        return tuple(dict.fromkeys([*said, *lost, *([self.doubt] if self.doubt else [])]))

    @property
    def missing(self) -> tuple[str, ...]:
        """Return the facts that are missing."""
        return tuple(dict.fromkeys(name for one in self.reasons for name in one.missing))


def ask(
    law: Law,
    facts: Facts,
    agreement: Facts,
    country: Facts,
    on: dt.date,
    known_on: dt.date,
    stage: Stage = Stage.DOOR,
) -> tuple[GateAnswer, ...]:
    """Ask every gate that binds on a day, as law and facts were known on ``known_on``.

    Pure. Facts of the person, the agreement and the country are by name; one under another's name
    is not looked at. An empty answer means that no law is known, and `permits` denies it.
    """
    books = {"person": facts, "agreement": agreement, "country": country}

    @functools.cache
    def look(name: str) -> int:
        kind = law.facts[name]
        fact = books[kind.of].get(name)
        if fact is None or not fact.counts(kind, on, known_on):
            return MISSING
        return kind.code(fact.value)

    found = []
    for gate in law.at(on, known_on):
        reasons = tuple(
            _reason(law, test, look, on, books) for test in gate.tests if test.stage <= stage
        )
        if reasons:
            doubt = _doubt(gate, on, known_on)
            worst = max(one.answer for one in reasons)
            found.append(GateAnswer(gate, max(worst, doubt[0]), reasons, doubt[1]))
    return tuple(found)


def permits(answers: Iterable[GateAnswer]) -> bool:
    """Say whether every gate passes, of which there must be some."""
    given = tuple(answers)
    return bool(given) and all(one.answer is Answer.PASS for one in given)


def worst(answers: Iterable[GateAnswer]) -> Answer:
    """Return the worst answer; unknown when there is none."""
    return max((one.answer for one in answers), default=Answer.UNKNOWN)


def stopping(answers: Iterable[GateAnswer]) -> tuple[GateAnswer, ...]:
    """Return the gates that do not pass, the worst first."""
    bad = [one for one in answers if one.answer is not Answer.PASS]
    return tuple(sorted(bad, key=lambda one: -one.answer))


def _doubt(gate: Gate, on: dt.date, known_on: dt.date) -> tuple[Answer, str]:
    if gate.provision.in_force(on) is None or gate.known(known_on) is None:
        return Answer.UNKNOWN, "Whether this gate was in force on that day is not known."
    if not gate.verified:
        return Answer.UNKNOWN, "Nobody verified this gate, and no officer has adopted it."
    return Answer.PASS, ""


def _reason(law: Law, test: Test, look: Look, on: dt.date, books: Mapping[str, Facts]) -> Reason:
    answer = Answer(judge(test, look, on.toordinal()))
    used = [name for name in test.facts if _asked(test, name, look)]
    evidence = {
        name: books[law.facts[name].of][name].evidence for name in used if look(name) != MISSING
    }
    missing = tuple(name for name in used if look(name) == MISSING)
    return Reason(
        test,
        answer,
        _until(test, look) if answer is Answer.HOLD else None,
        evidence,
        missing if answer is Answer.UNKNOWN else (),
    )


def _asked(test: Test, name: str, look: Look) -> bool:
    """Say whether a fact is asked for at all: behind a guard that is not met it is not."""
    if name in (test.when, test.unless):
        return True
    return bool(
        (not test.when or look(test.when) == 1) and (not test.unless or not look(test.unless))
    )


def _until(test: Test, look: Look) -> dt.date | None:
    day = look(test.until or test.fact) if test.until or test.rule in DAYS else MISSING
    if day == MISSING:
        return None
    return dt.date.fromordinal(day)


DAYS: Final = ("past", "reached")
"""Rules whose own fact is the day until which they hold."""


def pick(so: Whole, yes: Whole, no: Whole) -> Whole:
    """Return one of two by a truth, or column by column by a column of truths."""
    return (yes if so else no) if isinstance(so, bool) else np.where(so, yes, no)


def judge(test: Test, look: Look, on: Whole) -> Whole:
    """Return a test's answer as a whole number, for one person or for columns of them.

    ``on`` is the day's ordinal. What nobody knows is unknown, a guard that nobody knows too.
    """
    value = look(test.fact)
    met = RULE[test.rule](value, test.wanted, on, look)
    lost = value == MISSING
    if test.rule == "most_fact":
        lost = lost | (look(test.wanted) == MISSING)
    code = pick(lost, int(Answer.UNKNOWN), pick(met, int(Answer.PASS), int(test.otherwise)))
    for guard, so in ((test.when, 1), (test.unless, 0)):
        if guard:
            known = look(guard)
            code = pick(known == so, code, int(Answer.PASS))
            code = pick(known == MISSING, int(Answer.UNKNOWN), code)
    return code


RULE: Final[dict[str, Callable[[Whole, Any, Whole, Look], Whole]]] = {
    "is": lambda value, wanted, on, look: value == wanted,
    "past": lambda value, wanted, on, look: on > value,
    "reached": lambda value, wanted, on, look: on >= value,
    "not_after": lambda value, wanted, on, look: on <= value,
    "most": lambda value, wanted, on, look: value <= wanted,
    "most_fact": lambda value, wanted, on, look: value <= look(wanted),
    "among": lambda value, wanted, on, look: functools.reduce(
        operator.or_, (value == code for code in wanted)
    ),
}
"""Each rule, once: it must be true of a known value for the test to pass."""


@dataclass(frozen=True, slots=True)
class Columns:
    """The gates of one day for many persons at once: the same tests, over columns.

    ``facts`` are the names that are asked for. A column holds whole numbers as `FactKind.code`
    makes them, `MISSING` for unknown; one number stands for everybody.
    """

    gates: tuple[Gate, ...]
    doubts: Mapping[str, int]
    stage: Stage
    kinds: Mapping[str, FactKind]

    @classmethod
    def of(cls, law: Law, on: dt.date, known_on: dt.date, stage: Stage = Stage.DOOR) -> Columns:
        """Return the gates that bind on a day, as the law was known on another."""
        gates = law.at(on, known_on)
        doubts: dict[str, int] = {}
        for gate in gates:
            doubt = int(_doubt(gate, on, known_on)[0])
            doubts[gate.id] = max(doubts.get(gate.id, 0), doubt)
        return cls(gates, doubts, stage, law.facts)

    @property
    def facts(self) -> tuple[str, ...]:
        """Return the names of the facts asked for, each once."""
        return tuple(dict.fromkeys(name for _, test in self._tests() for name in test.facts))

    def code(self, name: str, value: Value) -> int:
        """Return a fact's value as the whole number that a column holds."""
        return self.kinds[name].code(value)

    def answers(self, facts: Mapping[str, Whole], on: Whole) -> dict[str, Whole]:
        """Return each gate's answers as numbers of `Answer`; ``on`` is a day's ordinal, or many."""

        def look(name: str) -> Whole:
            return facts.get(name, MISSING)

        found: dict[str, Whole] = dict(self.doubts)
        for gate, test in self._tests():
            found[gate.id] = np.maximum(found[gate.id], judge(test, look, on))
        return found

    def permits(self, facts: Mapping[str, Whole], on: Whole) -> Whole:
        """Say of each whether every gate passes."""
        given = self.answers(facts, on).values()
        return np.asarray(functools.reduce(np.maximum, given, int(not self.gates))) == 0

    def _tests(self) -> Iterator[tuple[Gate, Test]]:
        for gate in self.gates:
            for test in gate.tests:
                if test.stage <= self.stage:
                    yield gate, test
