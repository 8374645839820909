"""The gates of a sender as data: TOML files with dates, citations, marks and tests of facts.

A gate that nobody read for its file (mark M) decides nothing until an officer adopts it by name
(Decision 9). A file that says something this reader does not know is refused whole. Sources and
marks: each file under ``law/hubs`` names them.
"""

from __future__ import annotations

import datetime as dt
import enum
import functools
import re
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final, TypeAlias

from tallystick.core.rulebook.place import LAW_FOLDER, Adoption, AdoptionRefused
from tallystick.core.rulebook.provision import Provision
from tallystick.hubs.errors import GatesUnreadable

GATES_FOLDER: Final = LAW_FOLDER / "hubs"
FACTS_FILE: Final = "facts.toml"
SENDERS: Final = ("GB", "EU")
FILE_BYTES_MAX: Final = 200_000
NUMBER_MAX: Final = 1_000_000
ADOPTED_AS: Final = "hubs-"
"""Before a sender's code in the record of adoptions, beside those of kiosks."""

MARKS: Final = {"T": "primary or named source", "C": "computed", "M": "not verified"}
KINDS: Final = ("yes-no", "day", "number", "one-of", "codes")
NONE: Final = "none"
"""How it is written that there is none: an empty text would say nothing."""
CODES_MAX: Final = 12
CODE: Final = re.compile(r"[A-Za-z0-9-]{1,24}")
RULES: Final = {
    "is": "yes-no",
    "past": "day",
    "reached": "day",
    "not_after": "day",
    "most": "number",
    "most_fact": "number",
    "among": "one-of",
}
"""What a test may demand, and the kind of fact that it is demanded of."""
FILE_FIELDS: Final = {"code", "name", "seen", "layers", "binding", "gate"}
GATE_FIELDS: Final = {
    *("id", "name", "say", "cite", "source", "mark", "unverified", "since", "until"),
    *("known_from", "figures", "tests"),
}
TEST_FIELDS: Final = {"fact", "when", "unless", "else", "until", "stage", "say", *RULES}
FACT_FIELDS: Final = {"kind", "choices", "ask", "evidence", "good_days"}

Value: TypeAlias = bool | int | str | dt.date


class Answer(enum.IntEnum):
    """What a gate says, from the best to the worst. There is no answer that orders a transfer."""

    PASS = 0
    HOLD = 1
    """A clock or a pending step; with its day where that is known."""
    UNKNOWN = 2
    """A fact is missing, too old, or the gate is not verified: treated as a refusal."""
    REFUSE = 3

    @property
    def word(self) -> str:
        """Return the answer as a word."""
        return self.name.lower()


class Stage(enum.IntEnum):
    """When gates are asked. A later stage asks everything that an earlier one asked."""

    ELIGIBILITY = 0
    NOTICE = 1
    EVE = 2
    DOOR = 3


@dataclass(frozen=True, slots=True)
class FactKind:
    """A fact that gates ask for: of whom, its kind, the question, the evidence asked for."""

    name: str
    of: str
    """``person``, ``country`` or ``agreement``."""
    kind: str
    ask: str
    evidence: str
    choices: tuple[str, ...] = ()
    good_days: int | None = None
    """Evidence older than this is no evidence."""

    def code(self, value: Value) -> int:
        """Return a value as a whole number; raise `ValueError` for one of another kind.

        A day is its proleptic Gregorian ordinal, a choice its place in ``choices``; codes are
        counted, and no gate asks for them.
        """
        if self.kind == "yes-no" and type(value) is bool:
            return int(value)
        if self.kind == "day" and type(value) is dt.date:
            return value.toordinal()
        if self.kind == "number" and type(value) is int and 0 <= value <= NUMBER_MAX:
            return value
        if self.kind == "one-of" and value in self.choices:
            return self.choices.index(str(value))
        if self.kind == "codes" and type(value) is str and self._known(value):
            return len(codes_of(value))
        of = f" of {', '.join(self.choices)}" if self.choices else ""
        raise ValueError(f"{self.name} is {self.kind}{of}, and {value!r} is not")

    def _known(self, text: str) -> bool:
        """Say whether a text is codes, and all of them among the choices where there are some."""
        return is_codes(text) and (not self.choices or codes_of(text) <= {*self.choices})


def codes_of(text: str) -> frozenset[str]:
    """Return the codes in a text, with commas between them; none for ``none``."""
    return frozenset(one.strip() for one in text.split(",")) - {NONE}


def is_codes(text: str) -> bool:
    """Say whether a text is codes with commas between them, or ``none`` alone."""
    parts = [one.strip() for one in text.split(",")]
    alone = NONE not in parts or len(parts) == 1
    return alone and len(parts) <= CODES_MAX and all(CODE.fullmatch(one) for one in parts)


@dataclass(frozen=True, slots=True)
class Test:
    """One thing that must be so for a gate to pass."""

    fact: str
    rule: str
    wanted: Any
    """A whole number, the codes of choices, or the name of another fact; by the rule."""
    otherwise: Answer
    say: str
    """What is the matter when it is not so, for people."""
    stage: Stage = Stage.ELIGIBILITY
    when: str = ""
    """It is asked only of those of whom this fact is so."""
    unless: str = ""
    until: str = ""
    """The fact that holds the day until which a pending step is expected to last."""

    __test__ = False

    @property
    def facts(self) -> tuple[str, ...]:
        """Return the names of the facts without which it has no answer."""
        other = self.wanted if self.rule == "most_fact" else ""
        return tuple(name for name in (self.fact, other, self.when, self.unless) if name)


@dataclass(frozen=True, slots=True, eq=False)
class Gate:
    """One version of one gate: a provision, and the tests that say whether it is kept."""

    provision: Provision
    name: str
    mark: str
    tests: tuple[Test, ...]
    layer: str
    binding: bool = True
    """False for what this programme asks by policy though no court would enforce it."""

    @property
    def id(self) -> str:
        """Return the gate's identifier; its versions share it."""
        return self.provision.id

    @property
    def verified(self) -> bool:
        """Say whether it was read in a source, or adopted by an officer."""
        return self.provision.settled

    def known(self, on: dt.date) -> bool | None:
        """Say whether it was known on a day; None when that itself is not known."""
        item = self.provision
        if item.known_from is None and item.since is None:
            return True if item.known(on) else None
        return item.known(on)


@dataclass(frozen=True, eq=False)
class Law:
    """Every gate of a sender, with those of the layers that it shares with others."""

    sender: str
    name: str
    gates: tuple[Gate, ...]
    facts: Mapping[str, FactKind]
    adopted: tuple[Adoption, ...] = field(default=())

    @property
    def code(self) -> str:
        """Return the name under which adoptions of these gates are kept, beside kiosks' places."""
        return f"{ADOPTED_AS}{self.sender}"

    @property
    def ids(self) -> tuple[str, ...]:
        """Return the gates' identifiers, each once, in the order of the files."""
        return tuple(dict.fromkeys(gate.id for gate in self.gates))

    def without(self, gate: str) -> Law:
        """Return the law as if a gate did not exist: for tests and for what-if only."""
        return replace(self, gates=tuple(one for one in self.gates if one.id != gate))

    def at(self, on: dt.date, known_on: dt.date) -> tuple[Gate, ...]:
        """Return the gates that bind on a day, or may, as the law was known on another."""
        adopted = {a.subject: a for a in self.adopted if a.on <= known_on}
        return tuple(
            _settled(gate, adopted[gate.id]) if gate.id in adopted else gate
            for gate in self.gates
            if gate.known(known_on) is not False and gate.provision.in_force(on) is not False
        )

    def adopt(self, adoptions: Iterable[Adoption]) -> Law:
        """Return the law with an officer's adoptions; raise `AdoptionRefused` for a bad one."""
        law = self
        for one in adoptions:
            if not (one.by.strip() and one.source.strip()):
                raise AdoptionRefused("an adoption needs the officer's name and a source")
            if one.figures:
                raise AdoptionRefused("a gate is adopted as it stands, without figures")
            if not any(gate.id == one.subject and not gate.verified for gate in law.gates):
                raise AdoptionRefused(f"{law.sender} leaves no gate open by the name {one.subject}")
            if any(held.subject == one.subject for held in law.adopted):
                raise AdoptionRefused(f"{one.subject} was adopted before")
            law = replace(law, adopted=(*law.adopted, one))
        return law

    def open_gates(self, known_on: dt.date) -> tuple[Gate, ...]:
        """Return the gates that nobody verified or adopted by a day."""
        return tuple(gate for gate in self.at(known_on, known_on) if not gate.verified)


def _settled(gate: Gate, adoption: Adoption) -> Gate:
    who = f"{adoption.by}, {adoption.on}: {adoption.source}"
    item = gate.provision
    return replace(
        gate,
        provision=replace(item, settled=True, adopted=who, seen=item.seen or adoption.on),
    )


@functools.cache
def load(code: str, folder: Path = GATES_FOLDER) -> Law:
    """Read a sender's gates and its layers; raise `GatesUnreadable` naming what is wrong."""
    raw = _read(folder / f"{code}.toml", code)
    facts = _facts(folder)
    try:
        gates = _gates(raw, facts)
        for layer in raw.get("layers", ()):
            gates += _gates(_read(folder / f"{layer}.toml", layer), facts)
    except (KeyError, TypeError, ValueError) as error:
        raise GatesUnreadable(f"gates of {code}: {error}") from error
    return Law(code, raw["name"], gates, facts)


def known_facts() -> Mapping[str, FactKind]:
    """Return every fact that a gate of ours may ask for, by name."""
    return _facts(GATES_FOLDER)


def layer_name(code: str, folder: Path = GATES_FOLDER) -> str:
    """Return the name of a file of gates, of a sender or of a layer that senders share."""
    return str(_read(folder / f"{code}.toml", code)["name"])


def _read(path: Path, code: str) -> dict[str, Any]:
    try:
        body = path.read_bytes()
        if len(body) > FILE_BYTES_MAX:
            raise ValueError(f"more than {FILE_BYTES_MAX} bytes")
        raw = tomllib.loads(body.decode("utf-8"))
        if code and raw["code"] != code:
            raise ValueError(f"code is {raw['code']!r}")
        return raw
    except OSError as error:
        raise GatesUnreadable(f"there is no file of gates for {code}: nothing passes") from error
    except (KeyError, ValueError) as error:
        raise GatesUnreadable(f"{path.name}: {error}") from error


@functools.cache
def _facts(folder: Path) -> dict[str, FactKind]:
    raw = _read(folder / FACTS_FILE, "")
    found: dict[str, FactKind] = {}
    for of, items in raw["of"].items():
        for name, item in items.items():
            _only(item, FACT_FIELDS, name)
            if item["kind"] not in KINDS or not (item["ask"] and item["evidence"]):
                raise GatesUnreadable(f"fact {name}: kind, question or evidence is wrong")
            given = {**item, "choices": tuple(item.get("choices", ()))}
            found[name] = FactKind(name, of, **given)
    return found


def _gates(raw: dict[str, Any], facts: Mapping[str, FactKind]) -> tuple[Gate, ...]:
    _only(raw, FILE_FIELDS, raw["code"])
    return tuple(_gate(raw, item, facts) for item in raw["gate"])


def _gate(raw: dict[str, Any], item: dict[str, Any], facts: Mapping[str, FactKind]) -> Gate:
    _only(item, GATE_FIELDS, item["id"])
    if item["mark"] not in MARKS or not (item["say"] and item["cite"] and item["source"]):
        raise ValueError(f"{item['id']}: mark, sentence, citation or source is wrong")
    provision = Provision(
        id=item["id"],
        kind="gate",
        say=item["say"],
        cite=item["cite"],
        since=item.get("since"),
        until=item.get("until"),
        known_from=item.get("known_from"),
        seen=raw["seen"],
        source=item["source"],
        read=item["mark"],
        settled=item["mark"] != "M",
        figures=item.get("figures", {}),
        note=item.get("unverified", ""),
    )
    tests = tuple(_test(item["id"], test, facts) for test in item["tests"])
    if not tests:
        raise ValueError(f"{item['id']}: a gate without a test would pass by absence")
    binding = raw.get("binding", True)
    return Gate(provision, item["name"], item["mark"], tests, raw["code"], binding)


def _test(gate: str, item: dict[str, Any], facts: Mapping[str, FactKind]) -> Test:
    _only(item, TEST_FIELDS, gate)
    rules = [rule for rule in RULES if rule in item]
    if len(rules) != 1 or item["else"] not in ("hold", "refuse") or not item["say"]:
        raise ValueError(f"{gate}: a test has one rule, else hold or refuse, and a sentence")
    rule = rules[0]
    kinds = {item["fact"]: RULES[rule]}
    kinds |= {item[name]: "yes-no" for name in ("when", "unless") if name in item}
    kinds |= {item["until"]: "day"} if "until" in item else {}
    kinds |= {item[rule]: "number"} if rule == "most_fact" else {}
    for name, kind in kinds.items():
        if facts[name].kind != kind:
            raise ValueError(f"{gate}: {name} is not {kind}")
    wanted = item[rule]
    if rule == "among":
        wanted = tuple(facts[item["fact"]].code(choice) for choice in wanted)
    return Test(
        item["fact"],
        rule,
        wanted if rule in ("among", "most_fact") else int(wanted),
        Answer[item["else"].upper()],
        item["say"],
        Stage[item.get("stage", "eligibility").upper()],
        item.get("when", ""),
        item.get("unless", ""),
        item.get("until", ""),
    )


def _only(raw: Mapping[str, Any], known: set[str], name: str) -> None:
    unknown = sorted(set(raw) - known)
    if unknown:
        raise ValueError(f"{name}: unknown {', '.join(unknown)}")
