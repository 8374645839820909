"""Our style, measured: each message says what to do instead.

The habits are in CONTRIBUTING.md. A function that reads better long may say why on its first line
with ``# tidy: the reason``; nothing else has an exception.
"""

from __future__ import annotations

import ast
import re
import statistics
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
COLUMNS_MAX = 100
FILE_LINES_MAX = 600
FUNCTION_LINES_MAX = 70
FUNCTION_LINES_MEDIAN = 10
DOCSTRING_CHARACTERS_MIN = 20
CLOCK = ROOT / "src/tallystick/core/clock.py"
SOURCES = sorted(p for p in ROOT.glob("src/**/*.py") if "versions" not in p.parts)
TESTS = sorted(p for p in ROOT.glob("tests/**/*.py") if p != Path(__file__))
PAGES = sorted(p for p in ROOT.glob("src/**/*") if p.suffix in {".html", ".css", ".js", ".svg"})

VAGUE = re.compile(r"(Manager|Helper|Helpers|Util|Utils|Base)$", re.I)
WORDS = {
    r"\b(TODO|FIXME|XXX|HACK)\b": "do it now, or say in docs/ what is not there",
    r"\bNotImplementedError\b": "write it, or leave the name out",
}
TEST_WORDS = {
    r"\b(MagicMock|unittest\.mock|mock\.patch|monkeypatch\.setattr)\b": "use the real part",
    r"\b(pytest\.skip|importorskip|mark\.skip\w*|xfail)\b": "a missing part is a failure",
    r"\bassert True\b": "assert the guarantee",
}
TIME_AND_CHANCE = {
    "datetime.now",
    "datetime.utcnow",
    "date.today",
    "time.time",
    "uuid.uuid4",
    "os.urandom",
    "random.default_rng",
    "random.seed",
    "random.Random",
}
CHANCE_MODULES = {"random", "secrets", "uuid"}
MONEY = re.compile(r"(^|_)(minor|sats|cash|fee|price|amount|worth|owed)(_|$)")


def lines_of(name: str, text: str, words: dict[str, str]) -> Iterator[str]:
    for number, line in enumerate(text.splitlines(), 1):
        if len(line) > COLUMNS_MAX:
            yield f"{name}:{number}: {len(line)} columns; break the line"
        for word, instead in words.items():
            if re.search(word, line):
                yield f"{name}:{number}: {line.strip()[:60]!r}: {instead}"
    if text.count("\n") > FILE_LINES_MAX:
        yield f"{name}: {text.count(chr(10))} lines; split it by noun"


def functions(tree: ast.AST) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node


def length_of(node: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    return (node.end_lineno or 0) - node.lineno + 1


def shape_of(name: str, text: str, tree: ast.Module) -> Iterator[str]:
    lines = text.splitlines()
    for node in functions(tree):
        excused = re.search(r"# tidy: .{10}", lines[node.lineno - 1])
        if length_of(node) > FUNCTION_LINES_MAX and not excused:
            yield f"{name}:{node.lineno}: {node.name} has {length_of(node)} lines; split it by step"
    for node in ast.walk(tree):
        if isinstance(node, ast.ClassDef) and VAGUE.search(node.name):
            yield f"{name}:{node.lineno}: class {node.name}: name it after what it is"
    if VAGUE.search(Path(name).stem):
        yield f"{name}: name the file after what is in it"


def promise_of(name: str, tree: ast.Module) -> Iterator[str]:
    said = ast.get_docstring(tree) or ""
    if tree.body and len(said) < DOCSTRING_CHARACTERS_MIN:
        yield f"{name}: no module docstring; say what it is for and what it promises"


def time_and_chance_of(name: str, tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found = [item.name for item in node.names if item.name in CHANCE_MODULES]
        elif isinstance(node, ast.ImportFrom):
            found = [node.module] if node.module in CHANCE_MODULES else []
        elif isinstance(node, ast.Attribute):
            tail = ".".join(ast.unparse(node).split(".")[-2:])
            found = [tail] if tail in TIME_AND_CHANCE else []
        else:
            continue
        for what in found:
            yield f"{name}:{node.lineno}: {what}: take a Clock by parameter (core/clock.py)"


def speaks_of_money(node: ast.expr) -> bool:
    if isinstance(node, ast.Attribute):
        return bool(MONEY.search(node.attr))
    if isinstance(node, ast.Subscript):
        key = node.slice
        return isinstance(key, ast.Constant) and bool(MONEY.search(str(key.value)))
    return isinstance(node, ast.Name) and bool(MONEY.search(node.id))


def floats_of(name: str, tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        parts: list[ast.expr] = []
        wrong = False
        if isinstance(node, ast.BinOp):
            parts = [node.left, node.right]
            wrong = isinstance(node.op, ast.Div)
        elif isinstance(node, ast.Compare):
            parts = [node.left, *node.comparators]
        elif isinstance(node, ast.Call) and ast.unparse(node.func) in {"float", "round"}:
            parts, wrong = list(node.args), True
        elif isinstance(node, ast.AnnAssign | ast.arg) and node.annotation is not None:
            target = node.arg if isinstance(node, ast.arg) else ast.unparse(node.target)
            parts = [ast.Name(target)]
            wrong = bool(re.search(r"\bfloat\b", ast.unparse(node.annotation)))
        wrong = wrong or any(isinstance(p, ast.Constant) and type(p.value) is float for p in parts)
        if wrong and any(speaks_of_money(part) for part in parts):
            yield f"{name}:{node.lineno}: a float beside money: use whole minor units and Amount"


def findings(name: str, text: str, clock: bool = False) -> list[str]:
    tree = ast.parse(text)
    found = [*lines_of(name, text, WORDS), *shape_of(name, text, tree), *promise_of(name, tree)]
    if not clock:
        found += time_and_chance_of(name, tree)
    return found + list(floats_of(name, tree))


def short(path: Path) -> str:
    return str(path.relative_to(ROOT))


@pytest.mark.parametrize("path", SOURCES, ids=short)
def test_source_is_tidy(path: Path) -> None:
    assert findings(short(path), path.read_text("utf-8"), path == CLOCK) == []


@pytest.mark.parametrize("path", TESTS, ids=short)
def test_tests_are_tidy(path: Path) -> None:
    text = path.read_text("utf-8")
    found = [*lines_of(short(path), text, WORDS | TEST_WORDS)]
    assert found + list(shape_of(short(path), text, ast.parse(text))) == []


def test_most_functions_are_short() -> None:
    lengths = [
        length_of(node)
        for path in SOURCES
        for node in functions(ast.parse(path.read_text("utf-8")))
    ]
    median = statistics.median(lengths)
    assert median <= FUNCTION_LINES_MEDIAN, f"the median function has {median} lines"


@pytest.mark.parametrize(
    ("bad", "says"),
    [
        ("x = 1\n", "module docstring"),
        ("# TODO later\n", "do it now"),
        ("def f() -> None:\n    raise NotImplementedError\n", "write it"),
        ("class NoteManager: ...\n", "name it after what it is"),
        ("class SocketBase: ...\n", "name it after what it is"),
        ("import datetime\nnow = datetime.datetime.now(datetime.UTC)\n", "Clock"),
        ("import time\nnow = time.time()\n", "Clock"),
        ("import random\n", "Clock"),
        ("from uuid import uuid4\n", "Clock"),
        ("import numpy as np\nnp.random.seed(1)\n", "Clock"),
        ("import numpy as np\nx = np.random.default_rng(1)\n", "Clock"),
        ("x = " + "1" * 101 + "\n", "columns"),
        ("def f():\n" + "    x = 1\n" * 70, "split it by step"),
        ("x = 1\n" * 601, "split it by noun"),
        ("fee = cash_minor * 0.12\n", "float beside money"),
        ("half = row['sats'] / 2\n", "float beside money"),
        ("def pay(sats: float) -> None: ...\n", "float beside money"),
        ("shown = float(purchase.fee_minor)\n", "float beside money"),
        ("ok = price > 1.5\n", "float beside money"),
    ],
)
def test_the_rules_bite(bad: str, says: str) -> None:
    text = bad if says == "module docstring" else f'"""What this is for, in one line."""\n{bad}'
    assert any(says in item for item in findings("bad.py", text)), findings("bad.py", text)


@pytest.mark.parametrize(
    "good",
    [
        "late_s = 1.5\n",
        "where = folder / 'cash.sqlite'\n",
        "def f():  # tidy: one table, read as one\n" + "    x = 1\n" * 70,
        "half = divide(cash_minor, 2, Rounding.DOWN)\n",
    ],
)
def test_the_rules_let_good_code_be(good: str) -> None:
    assert findings("good.py", f'"""What this is for, in one line."""\n{good}') == []


@pytest.mark.parametrize(
    "bad",
    ["@pytest.mark.skip\n", "mock.patch('x')\n", "assert True\n", "pytest.importorskip('x')\n"],
)
def test_the_rules_for_tests_bite(bad: str) -> None:
    assert list(lines_of("test_bad.py", bad, TEST_WORDS))


def test_no_page_asks_another_server_for_anything() -> None:
    outside = re.compile(
        r"""(src|href|action|poster)\s*=\s*["']?(https?:)?//|url\(["']?(https?:)?//"""
    )
    for path in PAGES:
        for number, line in enumerate(path.read_text("utf-8").splitlines(), 1):
            link = re.search(r"<a [^>]*href", line)
            assert link or not outside.search(line), f"{short(path)}:{number}: vendor it instead"


def written() -> Iterator[Path]:
    for pattern in ("src/**/*.py", "tests/**/*.py", "docs/**/*.md", "*.md", "*.toml", "Makefile"):
        yield from ROOT.glob(pattern)
    for folder in ("scripts", ".ci", "requirements"):
        yield from (path for path in (ROOT / folder).iterdir() if path.is_file())


def test_nothing_speaks_of_a_workplace_or_a_registry() -> None:
    places = ("/wo" + "rk/", r"\.lib" + "rary", "farm-" + "studio")
    hosts = ("py" + r"pi\.org", "python" + "hosted", "registry" + r"\.npmjs", "--index" + "-url")
    words = re.compile("|".join((*places, *hosts)), re.I)
    for path in written():
        found = words.search(path.read_text("utf-8"))
        assert not found, f"{short(path)}: take {found and found.group()!r} out"


def test_no_two_test_modules_have_one_name() -> None:
    """Without packages, pytest imports modules by their bare names: the second is not run."""
    names = [path.name for path in TESTS if path.name != "conftest.py"]
    assert sorted({name for name in names if names.count(name) > 1}) == []


def test_nothing_is_imported_from_a_conftest() -> None:
    """There are several, and which one a bare import finds depends on what ran before."""
    for path in TESTS:
        assert not re.search(
            r"^from conftest import|^import conftest", path.read_text("utf-8"), re.M
        )
