"""Driver's licences: several versions read alike, damaged ones refused, none guessed."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pytest
import zxingcpp
from hypothesis import given, settings
from hypothesis import strategies as st

from kiosk.licence_texts import licence
from tallystick.devices.pictures import read_code
from tallystick.kiosk.customers import phone
from tallystick.kiosk.customers.errors import LicenceUnreadable
from tallystick.kiosk.customers.licence import BYTES_MAX, parse


@pytest.mark.parametrize("version", range(1, 11))
def test_every_version_names_the_same_person(version: int) -> None:
    found = parse(licence(version))
    assert (found.family, found.given) == ("SAMPLEWORTH", "JOAN MARIE")
    assert (found.born, found.expires) == (dt.date(1955, 2, 11), dt.date(2031, 2, 11))
    assert (found.number, found.issuer, found.version) == ("D1234567", "636014", version)
    assert (found.region, found.country) == ("CT", "USA")
    assert found.postcode == ("" if version in (2, 3) else "06103")


def test_canada_writes_the_year_first() -> None:
    text = licence(DCG="CAN", DBB="19550211", DBA="20310211", DAK="K1A 0B1")
    assert parse(text).born == dt.date(1955, 2, 11)
    assert parse(text).postcode == "K1A 0B1"


def test_an_identity_card_and_subfiles_of_the_state() -> None:
    assert parse(licence(kind="ID")).family == "SAMPLEWORTH"
    own = licence(extra="ZCZCAOTHER,NAME\nZCBSECRET\r")
    assert parse(own).family == "SAMPLEWORTH"


def test_line_ends_that_a_scanner_changed() -> None:
    for text in (
        licence().replace("\n", "\r"),
        licence().replace("\r", "\n"),
        licence().replace("@\n\x1e\r", "@\r\n\x1e\r\n"),
    ):
        assert parse(text).number == "D1234567"


def test_no_middle_name_and_no_end() -> None:
    found = parse(licence(DAD="NONE", DBA="99999999"))
    assert (found.given, found.expires) == ("JOAN", None)


@pytest.mark.parametrize(
    ("born", "on", "age"),
    [
        ("02111955", dt.date(2026, 2, 10), 70),
        ("02111955", dt.date(2026, 2, 11), 71),
        ("02292008", dt.date(2026, 2, 28), 17),
        ("02292008", dt.date(2026, 3, 1), 18),
    ],
)
def test_age_in_whole_years(born: str, on: dt.date, age: int) -> None:
    assert parse(licence(DBB=born)).age(on) == age


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "begin"),
        ("bcrt1qw508d6qejxtdg4y5r3zarvary0c5xw7kygt080", "begin"),
        (licence()[1:], "begin"),
        (licence().replace("ANSI ", "ANSl "), "begin"),
        (licence(version=11), "version 11"),
        (licence().replace("DL", "XX"), "no subfile"),
        (licence()[:60], "cut off"),
        (licence()[:-12], "cut off"),
        (licence(DAQ="D12\x0034567"), "number"),
        (licence(DAQ=""), "DAQ"),
        (licence(DCS="", DAC=""), "DAB"),
        (licence(DBB="13451955"), "date of birth"),
        (licence(DBB="0211195"), "date of birth"),
        (licence(DBB="٠٢١١١٩٥٥"), "date of birth"),
        (licence(DBA="31310000"), "last day"),
        (licence(DAG="X" * BYTES_MAX), "longer"),
    ],
)
def test_a_damaged_one_is_refused_and_says_why(text: str, why: str) -> None:
    with pytest.raises(LicenceUnreadable, match=why):
        parse(text)


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_whatever_is_held_up_is_read_or_refused(data: st.DataObject) -> None:
    """Cut, doubled and flipped letters never raise anything else, and never another number."""
    text = licence(data.draw(st.integers(1, 10)))
    at = data.draw(st.integers(0, len(text)))
    damaged = data.draw(
        st.sampled_from([text[:at], text[at:], text[:at] + "\x00" + text[at:], text[:at] + text])
    )
    try:
        found = parse(damaged)
    except LicenceUnreadable:
        return
    assert found.number == "D1234567"


def test_the_code_in_a_picture_is_read() -> None:
    text = licence()
    made = zxingcpp.create_barcode(text, zxingcpp.BarcodeFormat.PDF417)
    picture = np.array(zxingcpp.write_barcode_to_image(made, scale=3))
    assert parse(read_code(picture) or "").number == "D1234567"
    assert read_code(picture[:20, :20]) is None


@pytest.mark.parametrize(
    ("text", "place", "number"),
    [
        ("8605550142", "US-CT", "+18605550142"),
        ("(860) 555-0142", "DEMO", "+18605550142"),
        ("18605550142", "CA", "+18605550142"),
        ("+44 20 7946 0018", "US-CT", "+442079460018"),
        ("00442079460018", "DE", "+442079460018"),
        ("011442079460018", "US-CT", "+442079460018"),
        ("030 901820", "DE", "+4930901820"),
        ("020 7946 0018", "GB", "+442079460018"),
        ("1605550142", "US-CT", None),
        ("8601550142", "US-CT", None),
        ("123", "DE", None),
        ("", "US-CT", None),
        ("٨٦٠٥٥٥٠١٤٢", "US-CT", None),
        ("1" * 40, "US-CT", None),
        ("12345678", "XX", None),
    ],
)
def test_one_number_has_one_spelling(text: str, place: str, number: str | None) -> None:
    assert phone.normal(text, place) == number
    assert number is None or phone.covered(number).endswith(number[-2:])
    assert number is None or number[:-2] not in phone.covered(number)
