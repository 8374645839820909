"""The EU's consolidated list (FSF XML 1.1, ``export``) and the UN's (``CONSOLIDATED_LIST``)."""

from __future__ import annotations

import datetime as dt
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from typing import Final

from tallystick.kiosk.screening import births
from tallystick.kiosk.screening.entry import Alias, Born, Entry, Kind, Paper
from tallystick.kiosk.screening.formats.safe_xml import joined, text, texts

EU: Final = ("sanctionEntity",)
UN: Final = ("INDIVIDUAL", "ENTITY")
UN_NAMES: Final = ("FIRST_NAME", "SECOND_NAME", "THIRD_NAME", "FOURTH_NAME")
LOW: Final = "low"


def day_of(said: str) -> dt.date | None:
    """Return the day with which an ISO moment begins, or None."""
    found = births.read(said[:10])
    return found.first if found else None


def eu(root: ET.Element, records: Iterator[ET.Element]) -> tuple[dt.date | None, list[Entry]]:
    """Read the EU's list."""
    return day_of(root.get("generationDate", "")), [_eu_entry(one) for one in records]


def _eu_entry(one: ET.Element) -> Entry:
    said = one.find("subjectType")
    code = said.get("classificationCode", said.get("code", "")) if said is not None else ""
    names = []
    for alias in one.findall("nameAlias"):
        parts = (alias.get(name, "").strip() for name in ("firstName", "middleName", "lastName"))
        whole = alias.get("wholeName", "").strip() or joined(*parts)
        if whole:
            names.append(Alias(" ".join(whole.split()), alias.get("strong") == "false"))
    papers = (
        Paper(i.get("identificationTypeCode", ""), i.get("number", "").strip())
        for i in one.findall("identification")
    )
    dates = (_eu_born(date) for date in one.findall("birthdate"))
    programmes = (regulation.get("programme", "") for regulation in one.findall("regulation"))
    return Entry(
        "eu",
        one.get("euReferenceNumber", "") or one.get("logicalId", ""),
        Kind.PERSON if code.lower() in ("p", "person") else Kind.ENTITY,
        tuple(names),
        tuple(date for date in dates if date),
        tuple(dict.fromkeys(name for name in programmes if name)),
        tuple(paper for paper in papers if paper.number),
    )


def _eu_born(date: ET.Element) -> Born | None:
    """Return a date of birth; one by another calendar than the Gregorian is left out."""
    if date.get("calendarType", "GREGORIAN") != "GREGORIAN":
        return None

    def number(name: str) -> int:
        said = date.get(name, "")
        return int(said) if said.isdigit() else 0

    about = date.get("circa") == "true"
    first, last = number("yearRangeFrom"), number("yearRangeTo")
    if first and last:
        ends = births.span(first, 0, 0), births.span(last, 0, 0)
        if ends[0] and ends[1] and ends[0][0] <= ends[1][1]:
            return Born(ends[0][0], ends[1][1], about)
    days = births.span(number("year"), number("monthOfYear"), number("dayOfMonth"))
    if days is None:
        read = births.read(date.get("birthdate", ""))
        return read and Born(read.first, read.last, about)
    return Born(*days, about)


def un(root: ET.Element, records: Iterator[ET.Element]) -> tuple[dt.date | None, list[Entry]]:
    """Read the UN's list."""
    return day_of(root.get("dateGenerated", "")), [_un_entry(one) for one in records]


def _un_entry(one: ET.Element) -> Entry:
    names = [Alias(joined(*(text(one, name) for name in UN_NAMES)))]
    names += [Alias(said) for said in texts(one, "NAME_ORIGINAL_SCRIPT")]
    for alias in one.findall(f"{one.tag}_ALIAS"):
        weak = text(alias, "QUALITY").lower() == LOW
        names.append(Alias(text(alias, "ALIAS_NAME"), weak))
    papers = (
        Paper(text(paper, "TYPE_OF_DOCUMENT"), text(paper, "NUMBER"))
        for paper in one.findall("INDIVIDUAL_DOCUMENT")
    )
    dates = (_un_born(date) for date in one.findall("INDIVIDUAL_DATE_OF_BIRTH"))
    return Entry(
        "un",
        text(one, "REFERENCE_NUMBER") or text(one, "DATAID"),
        Kind.PERSON if one.tag == "INDIVIDUAL" else Kind.ENTITY,
        tuple(name for name in names if name.text),
        tuple(date for date in dates if date),
        tuple(texts(one, "UN_LIST_TYPE")),
        tuple(paper for paper in papers if paper.number),
    )


def _un_born(date: ET.Element) -> Born | None:
    about = text(date, "TYPE_OF_DATE").upper() == "APPROXIMATELY"
    first, last = text(date, "FROM_YEAR"), text(date, "TO_YEAR")
    said = f"{first} to {last}" if first and last else text(date, "DATE") or text(date, "YEAR")
    read = births.read(said)
    return read and Born(read.first, read.last, about or read.circa)
