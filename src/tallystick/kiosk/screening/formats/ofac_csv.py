"""OFAC's delimited SDN files: SDN.CSV with ALT.CSV and ADD.CSV beside it, without headings.

``-0-`` stands for nothing. Births, wallets and weak names are in the remarks: ``DOB 10 Dec 1948;
a.k.a. 'ABU X'; Digital Currency Address - XBT 1abc…``.
"""

from __future__ import annotations

import csv
import datetime as dt
import io
import re
from collections import defaultdict
from collections.abc import Iterator
from typing import Final

from tallystick.kiosk.screening import births
from tallystick.kiosk.screening.entry import Alias, Entry, Kind
from tallystick.kiosk.screening.errors import PublishedUnreadable
from tallystick.kiosk.screening.formats import ofac

NOTHING: Final = "-0-"
FIELD_LENGTH_MAX: Final = 100_000
SDN_COLUMNS, ALT_COLUMNS = 12, 5
KIND, PROGRAMMES, REMARKS = 2, 3, 11

_WEAK = re.compile(r"a\.k\.a\. '([^']+)'")
_BORN = re.compile(r"(?:^|; )(?:alt\. )?DOB ([^;]+)")
_WALLET = re.compile(r"Digital Currency Address - (\w+) (\w+)")
_PAPER = re.compile(r"(?:^|; )((?:Passport|National ID No\.|Tax ID No\.)) ([^;(]+)")


def rows(body: bytes, columns: int, name: str) -> Iterator[list[str]]:
    """Yield the rows; the file may end with a control-Z. Raises `PublishedUnreadable`."""
    try:
        plain = body.rstrip(b"\x1a\r\n ").decode("utf-8-sig")
    except UnicodeDecodeError:
        plain = body.rstrip(b"\x1a\r\n ").decode("cp1252", "replace")
    csv.field_size_limit(FIELD_LENGTH_MAX)
    try:
        for number, row in enumerate(csv.reader(io.StringIO(plain), strict=True), 1):
            if len(row) < columns:
                raise PublishedUnreadable(f"{name} row {number} has {len(row)} of {columns} fields")
            yield [_plain(field) for field in row]
    except csv.Error as error:
        raise PublishedUnreadable(f"{name}: {error}") from error


def _plain(field: str) -> str:
    said = " ".join(field.split())
    return "" if said == NOTHING else said


def turned(name: str) -> str:
    """Return ``LAST, First`` as it is said."""
    last, comma, first = name.partition(", ")
    return f"{first} {last}" if comma else name


def read(sdn: bytes, alt: bytes = b"") -> tuple[dt.date | None, list[Entry]]:
    """Read SDN.CSV, with the other names of ALT.CSV. The files themselves bear no date."""
    others: defaultdict[str, list[str]] = defaultdict(list)
    for row in rows(alt, ALT_COLUMNS - 1, "ALT.CSV"):
        others[row[0]].append(row[3])
    return None, [_entry(row, others[row[0]]) for row in rows(sdn, SDN_COLUMNS, "SDN.CSV")]


def _entry(row: list[str], others: list[str]) -> Entry:
    remarks, kind = row[REMARKS], ofac.kind_of(row[KIND] or "entity")
    person = kind is Kind.PERSON
    said = [turned(name) if person else name for name in (row[1], *others)]
    names = [Alias(name) for name in said if name]
    names += [Alias(name, True) for name in _WEAK.findall(remarks)]
    dates = (births.read(said) for said in _BORN.findall(remarks))
    pairs = [(f"{ofac.WALLET}{code}", address) for code, address in _WALLET.findall(remarks)]
    pairs += [(name, number.strip()) for name, number in _PAPER.findall(remarks)]
    papers, wallets = ofac.papers_of(pairs)
    programmes = tuple(part.strip("[] ") for part in row[PROGRAMMES].split("] ["))
    return Entry(
        ofac.LIST,
        row[0],
        kind,
        tuple(names),
        tuple(date for date in dates if date),
        tuple(part for part in programmes if part),
        papers,
        wallets,
    )
