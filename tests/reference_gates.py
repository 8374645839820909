"""The page of docs/reference about the hubs' gates and facts, made from their files."""

from __future__ import annotations

from collections.abc import Callable

from tallystick.cli.law import force_of
from tallystick.hubs.law import SENDERS, Gate, layer_name, load

Table = Callable[[str, list[tuple[object, ...]]], list[str]]

TITLE = "Gates before a transfer to a return hub"
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
    return [*parts, "## Facts", table("fact, of, kind, question, evidence asked for", rows)]


def row_of(gate: Gate) -> tuple[object, ...]:
    item = gate.provision
    facts = ", ".join(dict.fromkeys(f"`{test.fact}`" for test in gate.tests))
    mark = f"{gate.mark}. {item.note}" if item.note else gate.mark
    return f"`{gate.id}`", item.say, item.cite, force_of(item), mark, facts
