"""The UK's lists: OFSI's consolidated list (CSV, XML) and the UK Sanctions List (CSV, XML).

OFSI's has one row for each name, bound by a group's number; the UK Sanctions List has one
``Designation`` with all its names, and as CSV again a row for each name. Dates are day/month/year,
with ``00`` or ``dd`` and ``mm`` for what is not known.
"""

from __future__ import annotations

import csv
import datetime as dt
import io
import re
import xml.etree.ElementTree as ET
from collections.abc import Iterable, Iterator, Mapping
from typing import Final

from tallystick.kiosk.screening import births
from tallystick.kiosk.screening.entry import Alias, Born, Entry, Kind, Paper
from tallystick.kiosk.screening.errors import PublishedUnreadable
from tallystick.kiosk.screening.formats.safe_xml import joined, text, texts

OFSI: Final = ("FinancialSanctionsTarget",)
DESIGNATIONS: Final = ("DateGenerated", "Designation")
NAMES: Final = ("name1", "name2", "name3", "name4", "name5", "name6")
KINDS: Final = {"individual": Kind.PERSON, "ship": Kind.VESSEL}
PRIMARY: Final = "primary name"
SPELLINGS: Final = {
    "individual_dateofbirth": "dob",
    "dateofbirth": "dob",
    "grouptypedescription": "grouptype",
    "individualentityship": "grouptype",
    "designationtype": "grouptype",
    "aliastypename": "aliastype",
    "nametype": "aliastype",
    "aliasstrength": "aliasquality",
    "regimename": "regime",
    "individual_passportnumber": "passportnumber",
    "individual_ninumber": "nationalidentificationnumber",
    "uniqueid": "groupid",
}
"""What one fact is called in the other formats, without case, spaces and points."""

Facts = Mapping[str, str]


def plain(name: str) -> str:
    """Return one spelling of a column's or an element's name."""
    short = re.sub(r"[^a-z0-9_]", "", name.lower())
    return SPELLINGS.get(short, short)


def slashed(said: str) -> dt.date | None:
    """Return a list's own day, written day/month/year, or None."""
    found = births.read(said[:10])
    return found.first if found else None


def born(said: str) -> Born | None:
    """Return a date of birth, with whatever part of it is known."""
    return births.read(said.replace("00/", "dd/", 1).replace("/00/", "/mm/", 1))


def ofsi_csv(body: bytes) -> tuple[dt.date | None, list[Entry]]:
    """Read ConList.csv or UK_Sanctions_List.csv: a line with the date, headings, one row a name."""
    try:
        lines = csv.reader(io.StringIO(body.decode("utf-8-sig")), strict=True)
        first, heads = next(lines), [plain(head) for head in next(lines)]
        rows = [dict(zip(heads, (" ".join(c.split()) for c in row), strict=False)) for row in lines]
    except (csv.Error, StopIteration, UnicodeDecodeError) as error:
        raise PublishedUnreadable(f"it is not the UK's CSV: {error}") from error
    if "groupid" not in heads or "name6" not in heads:
        raise PublishedUnreadable("its second line has no Name 6 and no Group ID or Unique ID")
    dated = next(
        (day for said in first for day in [slashed(said.split(":")[-1].strip())] if day), None
    )
    return dated, grouped(rows)


def ofsi_xml(records: Iterator[ET.Element]) -> tuple[dt.date | None, list[Entry]]:
    """Read ConList.xml; its date is that of the newest change."""
    rows = [{plain(one.tag): " ".join((one.text or "").split()) for one in r} for r in records]
    days = (slashed(_turned(row.get("lastupdated", ""))) for row in rows)
    return max((day for day in days if day), default=None), grouped(rows)


def _turned(said: str) -> str:
    found = re.match(r"(\d{4})-(\d{2})-(\d{2})", said)
    return f"{found[3]}/{found[2]}/{found[1]}" if found else said


def grouped(rows: Iterable[Facts]) -> list[Entry]:
    """Make one entry of all rows of a group."""
    groups: dict[str, list[Facts]] = {}
    for row in rows:
        if row.get("groupid"):
            groups.setdefault(row["groupid"], []).append(row)
    return [_entry(number, group) for number, group in groups.items()]


def _entry(number: str, rows: list[Facts]) -> Entry:
    rows = sorted(rows, key=lambda row: row.get("aliastype", "").lower() != PRIMARY)
    names: list[Alias] = []
    dates: list[Born | None] = []
    papers: list[Paper] = []
    for row in rows:
        weak = row.get("aliasquality", "").lower().startswith("low")
        names.append(Alias(joined(*(row.get(name, "") for name in NAMES)), weak))
        names.append(Alias(row.get("namenonlatinscript", "")))
        dates.append(born(row.get("dob", "")))
        papers.append(Paper("passport", row.get("passportnumber", "")))
        papers.append(Paper("national", row.get("nationalidentificationnumber", "")))
    kind = KINDS.get(rows[0].get("grouptype", "").lower(), Kind.ENTITY)
    return Entry(
        "uk",
        number,
        kind,
        tuple(dict.fromkeys(name for name in names if name.text)),
        tuple(dict.fromkeys(date for date in dates if date)),
        tuple(dict.fromkeys(row["regime"] for row in rows if row.get("regime"))),
        tuple(dict.fromkeys(paper for paper in papers if paper.number)),
    )


def designations(records: Iterator[ET.Element]) -> tuple[dt.date | None, list[Entry]]:
    """Read UK_Sanctions_List.xml."""
    dated, entries = None, []
    for one in records:
        if one.tag == "DateGenerated":
            dated = slashed((one.text or "").strip())
        else:
            entries.append(_designation(one))
    return dated, entries


def _designation(one: ET.Element) -> Entry:
    found = []
    for name in one.findall("Names/Name"):
        said = joined(*(text(name, part.capitalize()) for part in NAMES))
        weak = text(name, "AliasStrength").lower().startswith("low")
        found.append((text(name, "NameType").lower() != PRIMARY, Alias(said, weak)))
    names = [alias for _, alias in sorted(found, key=lambda pair: pair[0])]
    names += [Alias(said) for said in texts(one, "NonLatinNames/NonLatinName/NameNonLatinScript")]
    dates = (born(said) for said in texts(one, ".//DOBs/DOB"))
    papers = [Paper("passport", said) for said in texts(one, ".//PassportNumber")]
    papers += [Paper("national", said) for said in texts(one, ".//NationalIdentifierNumber")]
    kind = text(one, "IndividualEntityShip").lower()
    return Entry(
        "uk",
        text(one, "UniqueID"),
        KINDS.get(kind, Kind.ENTITY),
        tuple(name for name in names if name.text),
        tuple(date for date in dates if date),
        tuple(texts(one, "RegimeName")),
        tuple(papers),
    )
