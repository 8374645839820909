"""The pages of docs/reference that are made from the code, so that they cannot drift from it."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path

import click

import tallystick
from tallystick.cli import main
from tallystick.core import rulebook
from tallystick.core.errors import TallystickError
from tallystick.kiosk.model import NEXT
from tallystick.web.server import Settings

FOLDER = Path(__file__).parent.parent / "docs" / "reference"


def all_errors() -> list[type[TallystickError]]:
    for found in pkgutil.walk_packages(tallystick.__path__, "tallystick."):
        if not found.name.endswith(("__main__", ".env")) and ".versions" not in found.name:
            importlib.import_module(found.name)

    def below(kind: type[TallystickError]) -> Iterator[type[TallystickError]]:
        for child in kind.__subclasses__():
            yield child
            yield from below(child)

    ours = {kind for kind in below(TallystickError) if kind.__module__.startswith("tallystick.")}
    return sorted(ours, key=lambda kind: (kind.code, kind.__name__))


def errors() -> str:
    rows = [
        "# Errors",
        "",
        "| number | name | what happened | where the money is |",
        "|---|---|---|---|",
    ]
    for kind in all_errors():
        said = (kind.__doc__ or "").strip().split("\n")[0]
        rows.append(f"| {kind.code} | {kind.__name__} | {said} | {kind.money} |")
    return "\n".join(rows) + "\n"


def states() -> str:
    rows = ["# States of a purchase", "", "| from | to |", "|---|---|"]
    for state, following in NEXT.items():
        rows.append(f"| {state} | {', '.join(sorted(following)) or 'the end'} |")
    return "\n".join(rows) + "\n"


def commands() -> str:
    parts = ["# Commands", ""]
    for name, command in sorted(main.commands.items()):
        context = click.Context(command, info_name=f"tallystick {name}", terminal_width=80)
        parts += [f"## {name}", "", "```", command.get_help(context), "```", ""]
    return "\n".join(parts)


def settings() -> str:
    rows = ["# Settings of a server", "", (Settings.__doc__ or "").split("\n")[0], ""]
    rows += ["Each is an option of `tallystick serve`.", "", "| setting | default |", "|---|---|"]
    for field in fields(Settings):
        default = field.default if isinstance(field.default, str | int) else "required"
        rows.append(f"| {field.name} | {default} |")
    return "\n".join(rows) + "\n"


def provisions() -> str:
    rows = ["# Provisions", "", "| id | says | source | in force from |", "|---|---|---|---|"]
    for path in sorted(rulebook.LAW_FOLDER.glob("*.toml")):
        for item in rulebook.load(path.stem).provisions:
            rows.append(f"| {item.id} | {item.say} | {item.cite} | {item.since or 'unknown'} |")
    return "\n".join(rows) + "\n"


PAGES = {
    "errors.md": errors,
    "states.md": states,
    "commands.md": commands,
    "settings.md": settings,
    "provisions.md": provisions,
}

if __name__ == "__main__":
    for name, make in PAGES.items():
        (FOLDER / name).write_text(make(), "utf-8")
