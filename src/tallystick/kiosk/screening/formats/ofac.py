"""OFAC's SDN list as XML: the classic ``sdnList`` and the advanced ``Sanctions`` form.

The advanced form numbers its words: which features are births or wallets, and which kind of party
it is, stands in reference sets before the parties. Programmes stand after them.
"""

from __future__ import annotations

import datetime as dt
import re
import xml.etree.ElementTree as ET
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Final

import msgspec

from tallystick.kiosk.screening import births
from tallystick.kiosk.screening.entry import Alias, Born, Entry, Kind, Paper, Wallet
from tallystick.kiosk.screening.formats.safe_xml import joined, text, texts

LIST: Final = "ofac"
WALLET: Final = "Digital Currency Address - "
KINDS: Final = {
    "individual": Kind.PERSON,
    "entity": Kind.ENTITY,
    "vessel": Kind.VESSEL,
    "aircraft": Kind.AIRCRAFT,
}
CLASSIC: Final = ("publshInformation", "sdnEntry")
ADVANCED: Final = ("DateOfIssue", "ReferenceValueSets", "DistinctParty", "SanctionsEntry")
ORDER: Final = ("first name", "middle name", "patronymic", "matronymic", "last name")
"""How the parts of a person's name follow one another; what has another name comes first."""


def kind_of(word: str) -> Kind:
    """Return what an entry is about, by OFAC's word; what it does not call a person is none."""
    return KINDS.get(word.strip().lower(), Kind.ENTITY)


def papers_of(pairs: Iterable[tuple[str, str]]) -> tuple[tuple[Paper, ...], tuple[Wallet, ...]]:
    """Sort identifiers into papers and wallets."""
    papers, wallets = [], []
    for kind, number in pairs:
        if kind.startswith(WALLET):
            wallets.append(Wallet(kind.removeprefix(WALLET).strip(), number))
        elif number:
            papers.append(Paper(kind, number))
    return tuple(papers), tuple(wallets)


def classic(records: Iterator[ET.Element]) -> tuple[dt.date | None, list[Entry]]:
    """Read ``SDN.XML``."""
    dated, entries = None, []
    for one in records:
        if one.tag == "publshInformation":
            found = re.fullmatch(r"(\d{2})/(\d{2})/(\d{4})", text(one, "Publish_Date"))
            dated = dt.date(int(found[3]), int(found[1]), int(found[2])) if found else None
        else:
            entries.append(_classic_entry(one))
    return dated, entries


def _classic_entry(one: ET.Element) -> Entry:
    names = [Alias(joined(text(one, "firstName"), text(one, "lastName")))]
    for aka in one.findall("akaList/aka"):
        name = joined(text(aka, "firstName"), text(aka, "lastName"))
        names.append(Alias(name, text(aka, "category").lower() == "weak"))
    dates = (births.read(said) for said in texts(one, "dateOfBirthList/*/dateOfBirth"))
    pairs = [(text(i, "idType"), text(i, "idNumber")) for i in one.findall("idList/id")]
    papers, wallets = papers_of(pairs)
    return Entry(
        LIST,
        text(one, "uid"),
        kind_of(text(one, "sdnType")),
        tuple(name for name in names if name.text),
        tuple(date for date in dates if date),
        tuple(texts(one, "programList/program")),
        papers,
        wallets,
    )


@dataclass(slots=True)
class Words:
    """The reference sets of the advanced form: what each number means."""

    features: dict[str, str] = field(default_factory=dict)
    subtypes: dict[str, str] = field(default_factory=dict)
    types: dict[str, str] = field(default_factory=dict)
    parts: dict[str, str] = field(default_factory=dict)

    @classmethod
    def read(cls, sets: ET.Element) -> Words:
        """Read the sets that we need."""
        made = cls()
        for one in sets.iter():
            said, number = (one.text or "").strip(), one.get("ID", "")
            if one.tag == "FeatureType":
                made.features[number] = said
            elif one.tag == "PartyType":
                made.types[number] = said
            elif one.tag == "NamePartType":
                made.parts[number] = said.lower()
        for one in sets.iter("PartySubType"):
            said = (one.text or "").strip()
            known = said.lower() in KINDS
            made.subtypes[one.get("ID", "")] = (
                said if known else made.types.get(one.get("PartyTypeID", ""), said)
            )
        return made


def advanced(records: Iterator[ET.Element]) -> tuple[dt.date | None, list[Entry]]:
    """Read ``SDN_ADVANCED.XML``."""
    dated, words = None, Words()
    entries: dict[str, Entry] = {}
    programmes: defaultdict[str, list[str]] = defaultdict(list)
    for one in records:
        if one.tag == "DateOfIssue":
            days = _day(one)
            dated = days[0] if days else None
        elif one.tag == "ReferenceValueSets":
            words = Words.read(one)
        elif one.tag == "DistinctParty":
            profile = one.find("Profile")
            if profile is not None:
                entries[profile.get("ID", "")] = _party(profile, words)
        else:
            programmes[one.get("ProfileID", "")] += texts(one, "SanctionsMeasure/Comment")
    made = [
        msgspec.structs.replace(entry, programmes=tuple(dict.fromkeys(programmes[number])))
        for number, entry in entries.items()
    ]
    return dated, made


def _party(profile: ET.Element, words: Words) -> Entry:
    names, dates, pairs = [], [], []
    for identity in profile.findall("Identity"):
        names += _names(identity, words)
    for feature in profile.findall("Feature"):
        what = words.features.get(feature.get("FeatureTypeID", ""), "")
        if what == "Birthdate":
            periods = (_period(period) for period in feature.findall("FeatureVersion/DatePeriod"))
            dates += [period for period in periods if period]
        elif what.startswith(WALLET):
            pairs += [(what, said) for said in texts(feature, "FeatureVersion/VersionDetail")]
    papers, wallets = papers_of(pairs)
    subtype = words.subtypes.get(profile.get("PartySubTypeID", ""), "")
    number = profile.get("ID", "")
    kind = kind_of(subtype)
    return Entry(LIST, number, kind, tuple(names), tuple(dates), (), papers, wallets)


def _names(identity: ET.Element, words: Words) -> list[Alias]:
    """Return the names of an identity, the primary one first, in the order in which people say."""
    parts = {
        group.get("ID", ""): words.parts.get(group.get("NamePartTypeID", ""), "")
        for group in identity.iter("NamePartGroup")
    }
    found = []
    for alias in identity.findall("Alias"):
        weak = alias.get("LowQuality") == "true"
        for name in alias.findall("DocumentedName"):
            values = list(name.iter("NamePartValue"))
            values.sort(key=lambda value: _place(parts.get(value.get("NamePartGroupID", ""), "")))
            said = joined(*(" ".join((value.text or "").split()) for value in values))
            if said:
                found.append((alias.get("Primary") != "true", Alias(said, weak)))
    return [alias for _, alias in sorted(found, key=lambda pair: pair[0])]


def _place(part: str) -> int:
    return ORDER.index(part) if part in ORDER else -1


def _period(period: ET.Element) -> Born | None:
    """Return the days from the start's first to the end's last."""
    starts = [_day(one) for one in period.findall("Start/From")]
    ends = [_day(one) for one in period.findall("End/To")]
    if not (starts and ends and starts[0] and ends[0]):
        return None
    about = any(one.get("Approximate") == "true" for one in period)
    first, last = starts[0][0], ends[0][1]
    return Born(first, last, about) if first <= last else None


def _day(one: ET.Element) -> tuple[dt.date, dt.date] | None:
    said = [text(one, name) for name in ("Year", "Month", "Day")]
    year, month, day = (int(part) if part.isdigit() else 0 for part in said)
    return births.span(year, month, day)
