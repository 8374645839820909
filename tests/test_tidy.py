"""Our style, measured: each message says what to do instead."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
FILE_LINES_MAX = 600
FUNCTION_LINES_MAX = 70
COLUMNS_MAX = 100
CLOCK = ROOT / "src/tallystick/core/clock.py"
SOURCES = sorted(p for p in ROOT.glob("src/**/*.py") if "versions" not in p.parts)
BANNED = {
    r"\b(TODO|FIXME|XXX|HACK)\b": "do it now, or say in docs what is not there",
    r"\bclass \w*(Manager|Helper|Utils?|Base)\b": "name the class after what it is",
    r"\bdatetime\.now\(|\btime\.time\(|\buuid4\(": "take a Clock by parameter",
    r"NotImplementedError": "write it, or leave the name out",
}
TEST_BANNED = {
    r"\b(MagicMock|mock\.patch|monkeypatch\.setattr)\b": "use the real part",
    r"\b(pytest\.skip|mark\.skip|xfail)\b": "a missing part is a failure",
    r"\bassert True\b": "assert the guarantee",
}


def findings(name: str, text: str, rules: dict[str, str]) -> Iterator[str]:
    for number, line in enumerate(text.splitlines(), 1):
        if len(line) > COLUMNS_MAX:
            yield f"{name}:{number}: {len(line)} columns; break the line"
        for rule, instead in rules.items():
            if re.search(rule, line):
                yield f"{name}:{number}: {line.strip()[:60]!r}: {instead}"
    if text.count("\n") > FILE_LINES_MAX:
        yield f"{name}: {text.count(chr(10))} lines; split it by noun"
    tree = ast.parse(text)
    if not ast.get_docstring(tree):
        yield f"{name}: no module docstring; say what it is for and what it promises"
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            length = (node.end_lineno or 0) - node.lineno + 1
            if length > FUNCTION_LINES_MAX:
                yield f"{name}:{node.lineno}: {node.name} has {length} lines; split it by step"


@pytest.mark.parametrize("path", SOURCES, ids=str)
def test_source_is_tidy(path: Path) -> None:
    rules = {} if path == CLOCK else BANNED
    assert list(findings(path.name, path.read_text("utf-8"), rules)) == []


@pytest.mark.parametrize("path", sorted(ROOT.glob("tests/**/test_*.py")), ids=str)
def test_tests_are_tidy(path: Path) -> None:
    if path == Path(__file__):
        return
    text = path.read_text("utf-8")
    found = [item for item in findings(path.name, text, TEST_BANNED) if "docstring" not in item]
    assert found == []


@pytest.mark.parametrize(
    ("bad", "word"),
    [
        ("x = 1\n", "docstring"),
        ('"""Doc."""\n# TODO later\n', "do it now"),
        ('"""Doc."""\nclass NoteManager: ...\n', "name the class"),
        ('"""Doc."""\nnow = datetime.now()\n', "Clock"),
        ('"""Doc."""\n' + "x" * 101 + "\n", "columns"),
        ('"""Doc."""\ndef f():\n' + "    x = 1\n" * 70, "split it by step"),
        ('"""Doc."""\n' + "x = 1\n" * 601, "split it by noun"),
    ],
)
def test_the_rules_bite(bad: str, word: str) -> None:
    assert any(word in item for item in findings("bad.py", bad, BANNED))


def test_nothing_speaks_of_a_workplace() -> None:
    words = re.compile(r"/work/|\.library|farm-studio|pypi\.org|registry\.npmjs", re.I)
    for path in (*ROOT.glob("src/**/*.py"), *ROOT.glob("docs/**/*.md"), ROOT / "README.md"):
        assert not words.search(path.read_text("utf-8")), path
