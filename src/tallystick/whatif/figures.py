"""Published figures, each with its source and its mark; nothing else may enter the model as fact.

Marks: ``T`` read in the source named, ``C`` computed from a published file, ``M`` general
knowledge that nobody verified. What is marked ``M`` can be switched off and is labelled wherever
it is shown. ``digest`` names the tables that calibration reads, so that a posterior says which
figures made it.
"""

from __future__ import annotations

import csv
import functools
import hashlib
import math
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np

from tallystick.whatif.errors import BadFigures

FOLDER: Final = Path(__file__).parent / "data"
MARKS: Final = {"T": "read in the source", "C": "computed from a published file", "M": "unverified"}
FITTED: Final = ("quarters.csv", "nationalities.csv")
"""What calibration is made from."""
FILE_BYTES_MAX: Final = 1_000_000


@dataclass(frozen=True, slots=True)
class Figure:
    """One published figure, or a few that belong together."""

    id: str
    say: str
    value: tuple[float, ...]
    unit: str
    mark: str
    source: str

    @property
    def verified(self) -> bool:
        """Say whether somebody read it, or computed it from a file that was read."""
        return self.mark != "M"


@dataclass(frozen=True, slots=True)
class Table:
    """A published table: the first column names the row, the others are numbers or NaN."""

    name: str
    say: str
    mark: str
    source: str
    rows: tuple[str, ...]
    columns: Mapping[str, Any]
    means: Mapping[str, str]
    """What each column is."""

    def __getitem__(self, column: str) -> Any:
        """Return one column, by row."""
        return self.columns[column]

    def at(self, row: str, column: str) -> float:
        """Return one number; raise `BadFigures` if it was not published."""
        value = float(self.columns[column][self.rows.index(row)])
        if math.isnan(value):
            raise BadFigures(f"{self.name}: {column} of {row} was not published")
        return value


def read(folder: Path) -> tuple[dict[str, Figure], dict[str, Table]]:
    """Read a folder of figures; raise `BadFigures` for one without a source or a known mark."""
    found = tomllib.loads(text_of(folder / "published.toml"))
    tables = {name: table(folder, name, told) for name, told in found.pop("tables").items()}
    return {name: figure(name, told) for name, told in found.items()}, tables


def text_of(path: Path) -> str:
    """Return a file's text; raise `BadFigures` if it is larger than any of ours."""
    if path.stat().st_size > FILE_BYTES_MAX:
        raise BadFigures(f"{path.name} is larger than {FILE_BYTES_MAX} bytes")
    return path.read_text("utf-8")


def vouched(name: str, told: Mapping[str, Any]) -> None:
    """Raise `BadFigures` unless a figure says what it is, where it was read, and how."""
    for field in ("say", "source", "mark"):
        if not told.get(field):
            raise BadFigures(f"{name} has no {field}")
    if told["mark"] not in MARKS:
        raise BadFigures(f"{name} has the mark {told['mark']!r}; known are {', '.join(MARKS)}")


def figure(name: str, told: Mapping[str, Any]) -> Figure:
    """Return one figure, checked."""
    vouched(name, told)
    value = tuple(told["value"])
    if not all(isinstance(part, int | float) and math.isfinite(part) for part in value):
        raise BadFigures(f"{name} has a value that is no number")
    return Figure(name, told["say"], value, told["unit"], told["mark"], told["source"])


def table(folder: Path, name: str, told: Mapping[str, Any]) -> Table:
    """Return one table, checked: every column of the file is explained."""
    vouched(name, told)
    lines = list(csv.reader(text_of(folder / f"{name}.csv").splitlines()))
    head, body = lines[0], lines[1:]
    for column in head[1:]:
        if not any(column.startswith(known) for known in told["columns"]):
            raise BadFigures(f"{name}: nothing says what the column {column} is")
    columns = {}
    for at, column in enumerate(head[1:], 1):
        values = np.array([float(line[at]) if line[at] else math.nan for line in body])
        if np.any(values < 0):
            raise BadFigures(f"{name}: {column} is below zero somewhere")
        columns[column] = values
    rows = tuple(line[0] for line in body)
    return Table(name, told["say"], told["mark"], told["source"], rows, columns, told["columns"])


@functools.cache
def published() -> tuple[dict[str, Figure], dict[str, Table]]:
    """Return the figures of this package."""
    return read(FOLDER)


def get(name: str) -> Figure:
    """Return a figure by name."""
    return published()[0][name]


def tables(name: str) -> Table:
    """Return a table by name."""
    return published()[1][name]


def digest(folder: Path = FOLDER) -> str:
    """Return the SHA-256 of the tables that calibration reads, in hex."""
    whole = hashlib.sha256()
    for name in FITTED:
        whole.update((folder / name).read_bytes())
    return whole.hexdigest()
