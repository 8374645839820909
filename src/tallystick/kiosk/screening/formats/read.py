"""A published list from its file: which format it is in is seen from the file, not from its name.

A list is taken whole or not at all. A file with no entry, with an entry without a number or a
name, or with one number twice is refused: half a list would let somebody through.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import itertools
from pathlib import Path
from typing import BinaryIO, Final

from tallystick.kiosk.screening.entry import Entry, Published
from tallystick.kiosk.screening.errors import PublishedUnreadable
from tallystick.kiosk.screening.formats import eu_and_un, ofac, ofac_csv, safe_xml, uk

ENTRIES_MAX: Final = 1_000_000
NAME_LENGTH_MAX: Final = 1_000
NAMES_MAX: Final = 500
CSV_BYTES_MAX: Final = 200_000_000
SNIFF_BYTES: Final = 4_096
BESIDE: Final = ("ALT.CSV", "alt.csv")
WANTED: Final = {
    "sdnList": ofac.CLASSIC,
    "Sanctions": ofac.ADVANCED,
    "export": eu_and_un.EU,
    "CONSOLIDATED_LIST": eu_and_un.UN,
    "ArrayOfFinancialSanctionsTarget": uk.OFSI,
    "Designations": uk.DESIGNATIONS,
}
"""The root element of each XML format, and its records."""

Read = tuple[str, str, dt.date | None, list[Entry]]


def published(path: Path) -> Published:
    """Return the list in a file; SDN.CSV takes ALT.CSV from beside it.

    Raises `PublishedUnreadable`, naming the file and what is wrong with it.
    """
    try:
        with path.open("rb") as file:
            start = file.read(SNIFF_BYTES)
            file.seek(0)
            name, form, dated, entries = _xml(file) if _is_xml(start) else _csv(path, start)
        _check(entries)
    except PublishedUnreadable as error:
        raise PublishedUnreadable(f"{path.name}: {error}") from error
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    return Published(name, form, dated, digest, tuple(entries))


def _is_xml(start: bytes) -> bool:
    wide = start.startswith((b"\xff\xfe", b"\xfe\xff"))
    return wide or start.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"<")


def _xml(file: BinaryIO) -> Read:
    every = frozenset(itertools.chain.from_iterable(WANTED.values()))
    records = safe_xml.records(file, every)
    root = next(records, None)
    if root is None or root.tag not in WANTED:
        raise PublishedUnreadable(f"no list has the root <{root.tag if root is not None else ''}>")
    wanted = (one for one in records if one.tag in WANTED[root.tag])
    if root.tag == "sdnList":
        return ("ofac", "OFAC SDN XML", *ofac.classic(wanted))
    if root.tag == "Sanctions":
        return ("ofac", "OFAC SDN advanced XML", *ofac.advanced(wanted))
    if root.tag == "export":
        return ("eu", "EU FSF XML 1.1", *eu_and_un.eu(root, wanted))
    if root.tag == "CONSOLIDATED_LIST":
        return ("un", "UN consolidated XML", *eu_and_un.un(root, wanted))
    if root.tag == "Designations":
        return ("uk", "UK Sanctions List XML", *uk.designations(wanted))
    return ("uk", "OFSI consolidated XML", *uk.ofsi_xml(wanted))


def _csv(path: Path, start: bytes) -> Read:
    if path.stat().st_size > CSV_BYTES_MAX:
        raise PublishedUnreadable(f"it has more than {CSV_BYTES_MAX} bytes")
    body = path.read_bytes()
    second = start.decode("utf-8-sig", "replace").split("\n")[1:2]
    heads = {uk.plain(head.strip('"')) for line in second for head in line.split(",")}
    if "name6" in heads:
        form = (
            "OFSI consolidated CSV"
            if b"Group ID" in start[:2_000] and (b"Unique ID" not in start[:2_000])
            else "UK Sanctions List CSV"
        )
        return ("uk", form, *uk.ofsi_csv(body))
    beside = next((path.with_name(name) for name in BESIDE if path.with_name(name).exists()), None)
    alt = beside.read_bytes() if beside is not None and beside.name != path.name else b""
    return ("ofac", "OFAC SDN CSV", *ofac_csv.read(body, alt))


def _check(entries: list[Entry]) -> None:
    if not 0 < len(entries) <= ENTRIES_MAX:
        raise PublishedUnreadable(f"it has {len(entries)} entries, not 1 to {ENTRIES_MAX}")
    seen: set[str] = set()
    for number, entry in enumerate(entries, 1):
        if not entry.id or not entry.names:
            raise PublishedUnreadable(f"entry {number} has no number or no name")
        if entry.id in seen:
            raise PublishedUnreadable(f"{entry.id} is there twice")
        if len(entry.names) > NAMES_MAX:
            raise PublishedUnreadable(f"{entry.id} has more than {NAMES_MAX} names")
        if any(len(name.text) > NAME_LENGTH_MAX for name in entry.names):
            raise PublishedUnreadable(f"{entry.id} has a name of over {NAME_LENGTH_MAX} characters")
        seen.add(entry.id)
