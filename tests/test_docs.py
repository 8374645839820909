"""The documents say what the code says, and point at things that exist."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click
import pytest

import reference_words as words
from generated_docs import (
    FOLDER,
    NO_WORDS,
    PAGES,
    ROOT,
    SOURCE,
    all_errors,
    docstrings_of,
    handlers,
    kinds_of_effects,
    kinds_of_events,
    meanings_of,
    modules,
    name_of,
    settings_kinds,
    walk,
)
from tallystick.cli import main
from tallystick.core.errors import TallystickError
from tallystick.kiosk.model import State
from tallystick.kiosk.reports.model import State as ReportState
from tallystick.kiosk.screening.model import State as HitState

DOCUMENTS = sorted((*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")))
RANGES = {
    "tallystick.core.identity": (1500, 1999),
    "tallystick.core.rulebook": (7000, 7299),
    "tallystick.core": (1000, 1499),
    "tallystick.devices": (2000, 2999),
    "tallystick.bitcoin": (3000, 3999),
    "tallystick.kiosk.scams": (7300, 7349),
    "tallystick.kiosk": (4000, 4999),
    "tallystick.reserve": (8000, 8499),
    "tallystick.hubs": (8500, 8999),
    "tallystick.whatif": (9000, 9299),
    "tallystick.edge": (5000, 5999),
    "tallystick.web": (6000, 6299),
    "tallystick.cli": (6300, 6999),
}


def short(path: Path) -> str:
    return str(path.relative_to(ROOT))


@pytest.mark.parametrize(("name", "make"), PAGES.items(), ids=PAGES)
def test_the_page_is_what_the_code_says(name: str, make: Callable[[], str]) -> None:
    assert (FOLDER / name).read_text("utf-8") == make(), "run scripts/docs"


def test_no_page_of_the_reference_is_written_by_hand() -> None:
    by_hand = {"README.md", "benchmarks.md"}
    assert {path.name for path in FOLDER.glob("*.md")} - by_hand == set(PAGES)


@pytest.mark.parametrize("kind", all_errors(), ids=lambda kind: kind.__name__)
def test_an_error_has_its_own_number_in_the_range_of_its_floor(
    kind: type[TallystickError],
) -> None:
    assert "code" in vars(kind), f"{kind.__name__} shares its parent's number; give it its own"
    floor = next(place for place in RANGES if kind.__module__.startswith(place))
    low, high = RANGES[floor]
    assert low <= kind.code <= high, f"errors of {floor} are numbered {low} to {high}"


def test_error_numbers_are_never_shared() -> None:
    shared = {code for code, count in Counter(e.code for e in all_errors()).items() if count > 1}
    assert shared == set()


@pytest.mark.parametrize("kind", all_errors(), ids=lambda kind: kind.__name__)
def test_an_error_says_what_happened_and_where_the_money_is(kind: type[TallystickError]) -> None:
    assert kind.money and kind.__doc__
    assert re.fullmatch(r"([a-z]+\.[a-z_]+)?", kind.say), "a text key, such as kiosk.call_us"


def test_every_module_can_be_imported() -> None:
    assert modules()[1] == {}


@pytest.mark.parametrize(
    ("name", "of_the_code", "of_the_words"),
    [
        ("EVENTS", kinds_of_events(), words.EVENTS),
        ("STATES", {state.value for state in State}, words.STATES),
        ("HIT_STATES", {state.value for state in HitState}, words.HIT_STATES),
        ("REPORT_STATES", {state.value for state in ReportState}, words.REPORT_STATES),
    ],
    ids=["events", "states", "hits", "reports"],
)
def test_every_name_has_its_words_and_no_word_is_left_over(
    name: str, of_the_code: set[str], of_the_words: dict[str, str]
) -> None:
    assert of_the_code
    missing, extra = of_the_code - set(of_the_words), set(of_the_words) - of_the_code
    assert not missing, f"add {missing} to {name} in tests/reference_words.py, run scripts/docs"
    assert not extra, f"take {extra} out of {name} in tests/reference_words.py, run scripts/docs"


@pytest.mark.parametrize("kind", settings_kinds(), ids=name_of)
def test_every_setting_says_what_it_is(kind: Any) -> None:
    meanings, name = meanings_of(kind), name_of(kind)
    silent = [field for field, said in meanings.items() if said == NO_WORDS]
    assert not silent, f"give {silent} of {name} a docstring below the field, run scripts/docs"
    extra = set(words.SETTINGS.get(name, {})) - (set(meanings) - set(docstrings_of(kind)))
    assert not extra, f"take {extra} out of SETTINGS[{name!r}] in tests/reference_words.py"


def test_no_words_are_left_over_for_settings_that_are_gone() -> None:
    known = {name_of(kind) for kind in settings_kinds()} | set(modules()[1])
    gone = (set(words.SETTINGS) | set(words.SETTINGS_TITLES)) - known
    broken = {name for name in gone if f"tallystick.{name.rpartition('.')[0]}" in modules()[1]}
    assert not gone - broken, f"take {gone} out of tests/reference_words.py"


def test_every_effect_has_a_handler_that_says_what_it_does() -> None:
    silent = {kind for kind in kinds_of_effects() if not handlers().get(kind)}
    assert not silent, f"no handler class with kind {silent} and a docstring"


@pytest.mark.parametrize("path", DOCUMENTS, ids=short)
def test_links_lead_somewhere(path: Path) -> None:
    for target in re.findall(r"\]\(([^)\s]+)\)", path.read_text("utf-8")):
        if not target.startswith(("https://", "mailto:", "#")):
            assert (path.parent / target.partition("#")[0]).exists(), f"{short(path)}: {target}"


@pytest.mark.parametrize("path", [p for p in DOCUMENTS if "docs" in p.parts], ids=short)
def test_every_page_can_be_found(path: Path) -> None:
    linked = {
        (other.parent / target).resolve()
        for other in DOCUMENTS
        for target in re.findall(r"\]\(([^)\s#]+)", other.read_text("utf-8"))
    }
    assert path.resolve() in linked, "link it from docs/README.md"


def commands_named_in(text: str) -> set[str]:
    """Return what follows ``tallystick`` in code: the verb, without options and values."""
    code = "\n".join(re.findall(r"```.*?```|`[^`\n]+`", text, re.S))
    return set(re.findall(r"\btallystick ((?:[a-z][a-z-]* ?)+)", code))


@pytest.mark.parametrize("path", DOCUMENTS, ids=short)
def test_every_command_named_exists(path: Path) -> None:
    known = {name.removeprefix("tallystick").strip() for name, _ in walk(main, "tallystick")}
    groups = {name for name in known if any(other.startswith(f"{name} ") for other in known)}
    for said in commands_named_in(path.read_text("utf-8")):
        verb = said.split()[0]
        full = " ".join(said.split()[:2]) if verb in groups else verb
        assert full in known, f"{short(path)}: tallystick {full} does not exist"


@pytest.mark.parametrize("path", DOCUMENTS, ids=short)
def test_every_make_target_named_exists(path: Path) -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text("utf-8"), re.M))
    named = set(re.findall(r"(?:`|^)make ([a-z-]+)", path.read_text("utf-8"), re.M))
    assert named <= targets


def test_every_decision_cited_is_written_down() -> None:
    written = {int(path.name[:4]) for path in (ROOT / "docs/decisions").glob("[0-9]*.md")}
    for path in SOURCE.rglob("*.py"):
        cited = re.findall(r"Decisions? (\d+)(?: and (\d+))?", path.read_text("utf-8"))
        numbers = {int(number) for pair in cited for number in pair if number}
        assert numbers <= written, f"{short(path)} cites a decision that is not written down"


@pytest.mark.parametrize(
    "path", sorted((ROOT / "docs/decisions").glob("[0-9]*.md")), ids=lambda p: p.stem
)
def test_a_decision_says_why_and_what_would_change_it(path: Path) -> None:
    text = path.read_text("utf-8")
    assert re.match(rf"# {int(path.name[:4])}\. \S", text)
    for part in ("## Decision", "## Why", "## What would change our mind"):
        assert part in text, f"{path.name}: no {part!r}"


def test_a_command_that_does_not_exist_would_be_found() -> None:
    assert commands_named_in("Run `tallystick conjure --data DIR`.") == {"conjure "}
    assert isinstance(main, click.Group)
