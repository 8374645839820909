"""Every published format gives the same people; what is half a list, or an attack, is refused."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest
from list_files import EU, FILES, OFAC_ALT_CSV, OFAC_CLASSIC, OFAC_SDN_CSV, OFSI_CSV, UN, WALLET

from tallystick.kiosk.screening import births
from tallystick.kiosk.screening.entry import Alias, Born, Entry, Kind, Wallet
from tallystick.kiosk.screening.errors import PublishedUnreadable
from tallystick.kiosk.screening.formats import read, safe_xml
from tallystick.kiosk.screening.formats.read import published

DAY = dt.date(1971, 4, 3)


def taken(tmp_path: Path, name: str, body: bytes) -> list[Entry]:
    path = tmp_path / name
    path.write_bytes(body)
    return list(published(path).entries)


@pytest.mark.parametrize("form", FILES)
def test_a_list_says_the_same_in_every_format(form: str, tmp_path: Path) -> None:
    name, body = FILES[form]
    (tmp_path / name).write_bytes(body)
    found = published(tmp_path / name)
    assert found.format == form
    assert found.dated == (None if form == "OFAC SDN CSV" else dt.date(2026, 11, 20))
    person, company = found.entries
    assert (person.kind, company.kind) == (Kind.PERSON, Kind.ENTITY)
    words = {word.strip(".,").lower() for word in person.names[0].text.split()}
    assert words == {"karim", "salih", "al-sampli"}
    assert {name.text.lower() for name in person.names if name.weak} == {"abu nimr"}
    assert Born(DAY, DAY) in person.born
    assert person.programmes
    assert company.names[0].text.lower() == "northern sample trading co"
    assert not company.born


@pytest.mark.parametrize("form", [form for form in FILES if form.startswith("OFAC")])
def test_wallets_are_read_from_every_form_of_ofacs_list(form: str, tmp_path: Path) -> None:
    person = taken(tmp_path, *FILES[form])[0]
    assert person.wallets == (Wallet("XBT", WALLET),)


@pytest.mark.parametrize("form", [f for f in FILES if not f.startswith(("OFAC", "UK Sanctions"))])
def test_a_passports_number_is_read(form: str, tmp_path: Path) -> None:
    person = taken(tmp_path, *FILES[form])[0]
    assert "A1234567" in {paper.number for paper in person.papers}


def test_the_other_names_stand_beside_sdn_csv(tmp_path: Path) -> None:
    (tmp_path / "ALT.CSV").write_bytes(OFAC_ALT_CSV)
    person = taken(tmp_path, "SDN.CSV", OFAC_SDN_CSV)[0]
    assert person.names == (
        Alias("Karim Salih AL-SAMPLI"),
        Alias("Kareem SAMPLEE"),
        Alias("ABU NIMR", True),
    )
    assert person.programmes == ("SDGT", "CYBER2")


def test_dates_of_the_eu_and_the_un_keep_what_is_not_known(tmp_path: Path) -> None:
    year = Born(dt.date(1972, 1, 1), dt.date(1972, 12, 31), True)
    years = Born(dt.date(1970, 1, 1), dt.date(1973, 12, 31))
    for name, body in (("eu.xml", EU), ("un.xml", UN)):
        born = taken(tmp_path, name, body.encode())[0].born
        assert set(born) == {Born(DAY, DAY), year, years}, "an Islamic year is left out"


@pytest.mark.parametrize("encoding", ["utf-16", "iso-8859-1", "windows-1252"])
def test_an_xml_file_may_be_in_another_encoding(encoding: str, tmp_path: Path) -> None:
    said = OFAC_CLASSIC.decode().replace("Kareem", "Karém")
    told = said.replace('version="1.0"', f'version="1.0" encoding="{encoding}"')
    person = taken(tmp_path, "SDN.XML", told.encode(encoding))[0]
    assert person.names[1].text == "Karém SAMPLEE"


LAUGHS = b"""<?xml version="1.0"?><!DOCTYPE sdnList [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;">]>
<sdnList><sdnEntry><uid>1</uid><lastName>&b;</lastName></sdnEntry></sdnList>"""
OUTSIDE = b"""<?xml version="1.0"?><!DOCTYPE sdnList SYSTEM "file:///etc/passwd">
<sdnList><sdnEntry><uid>1</uid><lastName>A B</lastName></sdnEntry></sdnList>"""
DEEP = b"<sdnList><sdnEntry>" + b"<a>" * 50 + b"</a>" * 50 + b"</sdnEntry></sdnList>"
TWICE = (
    b"<sdnList>" + b"<sdnEntry><uid>1</uid><lastName>A</lastName></sdnEntry>" * 2 + b"</sdnList>"
)
LONG = (
    b"<sdnList><sdnEntry><uid>1</uid><lastName>"
    + b"a" * 1_001
    + b"</lastName></sdnEntry></sdnList>"
)


@pytest.mark.parametrize(
    ("body", "says"),
    [
        (LAUGHS, "entities of its own"),
        (OUTSIDE, "document type"),
        (DEEP, "nested more than 40"),
        (TWICE, "1 is there twice"),
        (LONG, "over 1000 characters"),
        (b"<sdnList></sdnList>", "0 entries"),
        (b"<sdnList><sdnEntry><uid>1</uid></sdnEntry></sdnList>", "no number or no name"),
        (b"<sdnList><sdnEntry>", "not XML"),
        (b"<html><body/></html>", "no list has the root <html>"),
        (OFAC_CLASSIC[:900], "not XML"),
        (b"1,2\r\n3", "has 2 of 12 fields"),
        (b"", "0 entries"),
        (OFSI_CSV.replace(b"Group ID", b"Number"), "no Name 6 and no Group ID"),
    ],
)
def test_half_a_list_or_an_attack_is_refused_by_name(
    body: bytes, says: str, tmp_path: Path
) -> None:
    with pytest.raises(PublishedUnreadable, match=says) as refused:
        taken(tmp_path, "list.bin", body)
    assert "list.bin" in str(refused.value)


def test_a_file_larger_than_any_list_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "huge.xml"
    with path.open("wb") as file:
        file.write(b"<sdnList>")
        file.truncate(safe_xml.BYTES_MAX + 10)
    with pytest.raises(PublishedUnreadable):
        published(path)
    with path.open("wb") as file:
        file.write(b"1,2,3")
        file.truncate(read.CSV_BYTES_MAX + 1)
    with pytest.raises(PublishedUnreadable, match="bytes"):
        published(path)


@pytest.mark.parametrize(
    ("said", "first", "last", "circa"),
    [
        ("10 Dec 1948", "1948-12-10", "1948-12-10", False),
        ("Dec 1948", "1948-12-01", "1948-12-31", False),
        ("1948", "1948-01-01", "1948-12-31", False),
        ("circa 1948", "1948-01-01", "1948-12-31", True),
        ("1948 to 1950", "1948-01-01", "1950-12-31", False),
        ("Between 1948 and 1950", "1948-01-01", "1950-12-31", False),
        ("29 Feb 1948", "1948-02-29", "1948-02-29", False),
        ("dd/mm/1948", "1948-01-01", "1948-12-31", False),
        ("dd/02/1948", "1948-02-01", "1948-02-29", False),
        ("1948-12-10", "1948-12-10", "1948-12-10", False),
    ],
)
def test_a_date_of_birth_is_what_it_leaves_possible(
    said: str, first: str, last: str, circa: bool
) -> None:
    expected = Born(dt.date.fromisoformat(first), dt.date.fromisoformat(last), circa)
    assert births.read(said) == expected


@pytest.mark.parametrize("said", ["", "unknown", "30 Feb 1948", "31/04/1948", "1950 to 1948", "99"])
def test_a_date_that_is_none_is_left_out_and_never_guessed(said: str) -> None:
    assert births.read(said) is None
