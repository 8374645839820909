"""The pages of docs/reference that are made from the code, so that they cannot drift from it.

Errors, states, commands, provisions, settings with docstrings and effects need no word here: add
them in the code and run ``scripts/docs``. What has no place for a sentence in the code has it in
``reference_words.py``; a name without one is written as `NO_WORDS`, and a test says where to add
it.
"""

from __future__ import annotations

import ast
import functools
import importlib
import inspect
import pkgutil
import sys
from collections.abc import Iterator, Mapping
from dataclasses import MISSING, Field, fields, is_dataclass
from pathlib import Path
from typing import Any

import click
import msgspec

import reference_gates
import reference_requirements
import reference_reserve
import reference_reserve_keys
import reference_words as words
import tallystick
from tallystick.cli import main
from tallystick.cli.law import force_of
from tallystick.core import rulebook
from tallystick.core.errors import TallystickError
from tallystick.kiosk import particulars
from tallystick.kiosk.model import NEXT
from tallystick.kiosk.reports.model import NEXT as REPORT_NEXT
from tallystick.kiosk.screening.model import NEXT as HIT_NEXT
from tallystick.reserve import mandate

ROOT = Path(__file__).parent.parent
FOLDER = ROOT / "docs" / "reference"
SOURCE = ROOT / "src" / "tallystick"
MADE = "<!-- Made by scripts/docs from the code; a test compares it. Change the code instead. -->"

NO_WORDS = "(no words yet)"
Row = tuple[object, ...]


def table(heads: str, rows: list[Row]) -> list[str]:
    names = heads.split(", ")
    lines = [f"| {' | '.join(names)} |", f"|{'---|' * len(names)}"]
    return [*lines, *(f"| {' | '.join(str(cell) for cell in row)} |" for row in rows), ""]


def page(title: str, *parts: str | list[str]) -> str:
    lines = [f"# {title}", "", MADE, ""]
    for part in parts:
        lines += part if isinstance(part, list) else [part, ""]
    return "\n".join(lines).rstrip() + "\n"


@functools.cache
def modules() -> tuple[list[Any], dict[str, str]]:
    """Return every module of ours, and why each that cannot be imported cannot."""
    found, broken = [], {}
    for item in pkgutil.walk_packages(tallystick.__path__, "tallystick."):
        if item.name.endswith(("__main__", ".env")) or ".versions" in item.name:
            continue
        try:
            found.append(importlib.import_module(item.name))
        except ImportError as error:
            broken[item.name] = str(error)
    return found, broken


def first_line(kind: type) -> str:
    return (kind.__doc__ or "").strip().split("\n")[0]


def all_errors() -> list[type[TallystickError]]:
    modules()

    def below(kind: type[TallystickError]) -> Iterator[type[TallystickError]]:
        for child in kind.__subclasses__():
            yield child
            yield from below(child)

    ours = {kind for kind in below(TallystickError) if kind.__module__.startswith("tallystick.")}
    return sorted(ours, key=lambda kind: (kind.code, kind.__name__))


def errors() -> str:
    rows: list[Row] = []
    for kind in all_errors():
        shown = f"`{kind.say}`" if kind.say else ""
        rows.append((kind.code, kind.__name__, first_line(kind), kind.money, shown))
    return page(
        "Errors",
        "A number is never used again for something else. The last column is the key of the\n"
        "sentence that a customer or a person signing in reads; without one, only operators see it."
        "\n[When something fails](../operating/when-something-fails.md) says what to do.",
        table("number, name, what happened, where the money is, text", rows),
    )


def diagram(following: Mapping[Any, frozenset[Any]], first: str) -> list[str]:
    """Draw a transition table, with what each state may become."""
    arrows = ["```mermaid", "stateDiagram-v2", f"    [*] --> {first}"]
    for state, others in following.items():
        arrows += [f"    {state} --> {other}" for other in sorted(others)]
        if not others:
            arrows.append(f"    {state} --> [*]")
    return [*arrows, "```", ""]


def meanings(following: Mapping[Any, frozenset[Any]], said: dict[str, str]) -> list[str]:
    rows: list[Row] = [
        (f"`{state}`", said.get(state, NO_WORDS), ", ".join(sorted(others)) or "nothing")
        for state, others in following.items()
    ]
    return table("state, what it means, may become", rows)


def states() -> str:
    parts: list[str | list[str]] = []
    for title, (path, following, first, said) in machines().items():
        parts += [f"## {title}", f"From the one table `NEXT` in `src/tallystick/{path}`."]
        parts += [diagram(following, first), meanings(following, said)]
    return page(
        "States of a purchase",
        "From the one table `NEXT` in `src/tallystick/kiosk/model.py`.",
        diagram(NEXT, "quoted"),
        meanings(NEXT, words.STATES),
        *parts,
    )


def machines() -> dict[str, tuple[str, Mapping[Any, frozenset[Any]], str, dict[str, str]]]:
    """Return the other state machines of the kiosk: where each is, its table, its words."""
    hits, reports = "kiosk/screening/model.py", "kiosk/reports/model.py"
    return {
        "Hits against the sanctions lists": (hits, HIT_NEXT, "hit", words.HIT_STATES),
        "Reports to an authority": (reports, REPORT_NEXT, "draft", words.REPORT_STATES),
    }


def commands() -> str:
    parts: list[str] = []
    for name, command in walk(main, "tallystick"):
        context = click.Context(command, info_name=name, terminal_width=80)
        parts += [f"## {name}", "", "```", command.get_help(context), "```", ""]
    return page("Commands", parts)


def walk(command: click.Command, name: str) -> Iterator[tuple[str, click.Command]]:
    """Yield every command with its full name, groups before what is in them."""
    yield name, command
    if isinstance(command, click.Group):
        context = click.Context(command)
        for below in command.list_commands(context):
            found = command.get_command(context, below)
            assert found is not None
            yield from walk(found, f"{name} {below}")


def default_of(field: Field[Any]) -> str:
    made = field.default_factory() if field.default_factory is not MISSING else field.default
    if made is MISSING:
        return "required"
    if isinstance(made, tuple | bool | int | str) or made is None:
        return f"`{made!r}`"
    return "a sample"


def settings_kinds() -> list[Any]:
    """Return every dataclass of ours called Settings or Policy: what somebody can set."""
    return [
        kind
        for module in modules()[0]
        for name, kind in sorted(vars(module).items())
        if name in {"Settings", "Policy"} and is_dataclass(kind)
        if kind.__module__ == module.__name__
    ]


def name_of(kind: Any) -> str:
    return f"{kind.__module__.removeprefix('tallystick.')}.{kind.__name__}"


def docstrings_of(kind: Any) -> dict[str, str]:
    """Return the string below each field of a class, as written in the source."""
    found: dict[str, str] = {}
    body = ast.parse(inspect.getsource(kind)).body[0]
    assert isinstance(body, ast.ClassDef)
    for field, below in zip(body.body, body.body[1:], strict=False):
        if not (isinstance(field, ast.AnnAssign) and isinstance(below, ast.Expr)):
            continue
        if isinstance(below.value, ast.Constant) and isinstance(below.value.value, str):
            found[ast.unparse(field.target)] = " ".join(
                below.value.value.replace("``", "`").split()
            )
    return found


def meanings_of(kind: Any) -> dict[str, str]:
    """Return what each field means: by its docstring, else by the words, else `NO_WORDS`."""
    given = words.SETTINGS.get(name_of(kind), {}) | docstrings_of(kind)
    return {field.name: given.get(field.name, NO_WORDS) for field in fields(kind)}


def settings() -> str:
    parts: list[str | list[str]] = []
    for kind in settings_kinds():
        said = words.SETTINGS_TITLES.get(name_of(kind), f"`{name_of(kind)}`\n{kind.__doc__}")
        title, _, text = said.partition("\n")
        parts += [f"## {title}", *([text.strip()] if text.strip() else [])]
        meanings = meanings_of(kind)
        rows: list[Row] = [(f"`{f.name}`", default_of(f), meanings[f.name]) for f in fields(kind)]
        parts.append(table("setting, default, what it is", rows))
    return page("Settings", *parts, *operator_file())


def operator_file() -> Iterator[str | list[str]]:
    """Yield what the operator's file may state, table by table."""
    yield "## The operator's file"
    yield "Who runs the machines: `operator.toml`, by [serve](commands.md)'s `--operator`."
    kinds = {
        "At the top": particulars.Particulars,
        "`[address]`": particulars.Address,
        "`[filing]`": particulars.Filing,
        "`[places.CODE]`": particulars.Place,
        '`[machines."NAME"]`': particulars.Machine,
    }
    for name, kind in kinds.items():
        said = docstrings_of(kind)
        rows: list[Row] = [
            (f"`{one.name}`", _file_default(one), said.get(one.name, NO_WORDS))
            for one in msgspec.structs.fields(kind)
        ]
        yield f"### {name}"
        yield table("key, default, what it is", rows)


def _file_default(one: msgspec.structs.FieldInfo) -> str:
    if one.required:
        return "required"
    plain = isinstance(one.default, str | bool) or one.default is None
    return f"`{one.default!r}`" if plain else "a table"


def provisions() -> str:
    parts: list[str | list[str]] = []
    for path in sorted(rulebook.LAW_FOLDER.glob("*.toml")):
        place = rulebook.load(path.stem)
        rows: list[Row] = []
        for item in place.provisions:
            if not item.id.startswith(f"{place.code}/"):
                continue  # of a layer above, which has its own table
            figures = ", ".join(f"{key} {value:,}" for key, value in item.figures.items())
            read = item.read if item.settled else f"{item.read}, not settled"
            rows.append((f"`{item.id}`", item.say, item.cite, force_of(item), figures, read))
        parts.append(f"## {place.name} ({place.code}, {place.currency}, {place.zone})")
        parts.append(table("id, says, source, in force, figures, read", rows))
    return page("Provisions", *parts)


def mandates() -> str:
    parts: list[str | list[str]] = []
    for code in mandate.codes():
        found = mandate.load(code)
        rows: list[Row] = []
        for item in found.provisions:
            figures = [f"{key} {value:,}" for key, value in item.figures.items()]
            figures += [
                ", ".join(item.terms[key])
                for key in ("acts", "origins", "sources")
                if item.terms.get(key)
            ]
            read = item.read if item.settled else f"{item.read}, not settled"
            rows.append(
                (f"`{item.id}`", item.say, item.cite, force_of(item), "; ".join(figures), read)
            )
        parts += [f"## {found.name} ({code}, {found.status})", f"{found.cite}. {found.note}"]
        parts.append(table("id, says, source, in force, figures and acts, read", rows))
        if found.not_read:
            parts.append(f"Not read: {'; '.join(found.not_read)}.")
    return page(
        "Mandates of a reserve",
        "What `tallystick reserve ask` and every movement of a reserve are judged by. What may or\n"
        "may not be in force, or is not settled, forbids as if it were, and never permits.",
        *parts,
    )


def kinds_of_events() -> set[str]:
    """Every kind that the code appends to a purchase's history, read from the calls."""
    place = {"event": 3, "move": 4}
    found: set[str] = set()
    for path in SOURCE.glob("kiosk/**/*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Name)):
                continue
            at = place.get(node.func.id)
            if at is not None and len(node.args) > at and isinstance(node.args[at], ast.Constant):
                found.add(str(ast.literal_eval(node.args[at])))
    return found


def kinds_of_effects() -> set[str]:
    """Every kind of intent that the code writes to the outbox."""
    found: set[str] = set()
    for path in SOURCE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Call) and ast.unparse(node.func) == "effects.intend":
                found.add(str(ast.literal_eval(node.args[1])))
    return found


def handlers() -> dict[str, str]:
    """What acts on each kind of effect, in the first line of its own docstring."""
    return {
        kind.kind: first_line(kind)
        for module in modules()[0]
        for kind in vars(module).values()
        if isinstance(kind, type) and isinstance(getattr(kind, "kind", None), str)
        if hasattr(kind, "reconcile")
    }


def events() -> str:
    history: list[Row] = [
        (f"`{name}`", words.EVENTS.get(name, NO_WORDS)) for name in sorted(kinds_of_events())
    ]
    acting = handlers()
    intents: list[Row] = [
        (f"`{name}`", acting.get(name, NO_WORDS)) for name in sorted(kinds_of_effects())
    ]
    return page(
        "Events and effects",
        "## Events of a purchase",
        "Each is written in the transaction that makes it true, and committed to in the journal\n"
        "by SHA-256 over a 16-byte salt and the content as canonical JSON.",
        table("kind, what it says", history),
        "## Effects",
        "Intents in the outbox, acted on after the transaction that wrote them.",
        table("kind, what its handler does", intents),
    )


PAGES = {
    "reserve-keys.md": lambda: page(
        reference_reserve_keys.TITLE, *reference_reserve_keys.parts(table)
    ),
    "movements.md": lambda: page(
        reference_reserve.STATES_TITLE, *reference_reserve.states_page(table)
    ),
    "checks.md": lambda: page(
        reference_reserve.CHECKS_TITLE, *reference_reserve.checks_page(table)
    ),
    "access.md": lambda: page(reference_requirements.TITLE, *reference_requirements.page(table)),
    "gates.md": lambda: page(reference_gates.TITLE, *reference_gates.gates(table)),
    "errors.md": errors,
    "states.md": states,
    "commands.md": commands,
    "settings.md": settings,
    "provisions.md": provisions,
    "mandates.md": mandates,
    "events.md": events,
}

if __name__ == "__main__":
    for name, make in PAGES.items():
        (FOLDER / name).write_text(make(), "utf-8")
    if modules()[1]:
        sys.exit(f"these modules cannot be imported, and are missing: {modules()[1]}")
