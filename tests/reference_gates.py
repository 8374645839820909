"""The page of docs/reference about the hubs' gates and facts, made from their files."""

from __future__ import annotations

from collections.abc import Callable

from tallystick.cli.law import force_of
from tallystick.hubs import are
from tallystick.hubs.law import SENDERS, Gate, layer_name, load
from tallystick.hubs.model import BY_LAWYER, EVENTS, MEANS, NEXT, UNDER_WAY, State

Table = Callable[[str, list[tuple[object, ...]]], list[str]]

TITLE = "Gates, facts, states and events of return hubs"
HEAD = """Every gate must pass. Marks: T read in a named source, C computed, M not verified: such
a gate is unknown, and so refuses, until an officer adopts it by name.
[How gates are asked](../concepts/hubs.md)."""


def gates(table: Table) -> list[str | list[str]]:
    """Each file's gates once, then the facts that they ask for."""
    laws = [load(code) for code in SENDERS]
    files: dict[str, dict[str, Gate]] = {}
    for law in laws:
        for gate in law.gates:
            files.setdefault(gate.layer, {})[f"{gate.id} {gate.name}"] = gate
    parts: list[str | list[str]] = [HEAD]
    for layer, found in files.items():
        parts.append(f"## {layer_name(layer)}")
        rows = [row_of(gate) for gate in found.values()]
        parts.append(table("id, says, citation, in force, mark, facts", rows))
    rows = [
        (f"`{one.name}`", one.of, one.kind, one.ask, one.evidence) for one in laws[0].facts.values()
    ]
    parts += ["## Facts", table("fact, of, kind, question, evidence asked for", rows)]
    return [*parts, *appeals(table), *states(table), *events(table)]


def appeals(table: Table) -> list[str | list[str]]:
    """The stages of appeal, each version of their rules, and what is not offered."""
    rows: list[tuple[object, ...]] = [
        (
            f"`{stage.id}`",
            " or ".join(limit.said() for limit in rule.limits),
            rule.begins,
            rule.allowance,
            f"{rule.since}{f' until {rule.until}' if rule.until else ''}",
            rule.cite,
            rule.read,
        )
        for stage in are.book().stage
        for rule in stage.rule
    ]
    rows += [
        (f"`{gone.id}`", "not offered", gone.why, "", "", "", "") for gone in are.book().closed
    ]
    said = "[How the day is reckoned](../concepts/are-clock.md). The allowance is in working days."
    heads = "stage, limit, after, allowance, in force, rule, read"
    return ["## Stages of appeal", said, table(heads, rows)]


def states(table: Table) -> list[str | list[str]]:
    """The states of a case, from the one table."""
    arrows = ["```mermaid", "stateDiagram-v2", f"    [*] --> {State.REFUSED}"]
    way = {*UNDER_WAY, State.REVIEW, State.TRANSFERRED, State.STAY}
    for state, following in NEXT.items():
        arrows += [f"    {state} --> {to}" for to in sorted(following) if {state, to} <= way]
    rows: list[tuple[object, ...]] = [
        (f"`{state}`", MEANS[state], ", ".join(sorted(NEXT[state])) or "nothing") for state in State
    ]
    said = "From the table `NEXT` in `src/tallystick/hubs/model.py`; the drawing has the way to a\n"
    said += "transfer and back alone."
    heads = "state, what it means, may become"
    return ["## States of a case", said, [*arrows, "```", ""], table(heads, rows)]


def events(table: Table) -> list[str | list[str]]:
    """The events that officials record, and what each sets."""
    rows: list[tuple[object, ...]] = [
        (
            f"`{kind}`",
            one.say,
            ", ".join(f"`{name}` {str(value).lower()}" for name, value in one.sets.items()),
            one.to or "",
            "yes" if kind in BY_LAWYER else "",
        )
        for kind, one in EVENTS.items()
    ]
    return ["## Events of a case", table("event, says, sets, to, by the lawyer too", rows)]


def row_of(gate: Gate) -> tuple[object, ...]:
    item = gate.provision
    facts = ", ".join(dict.fromkeys(f"`{test.fact}`" for test in gate.tests))
    mark = f"{gate.mark}. {item.note}" if item.note else gate.mark
    return f"`{gate.id}`", item.say, item.cite, force_of(item), mark, facts
