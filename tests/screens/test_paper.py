"""The paper: a receipt with all that a statute lists, and a slip that nobody takes for one."""

from __future__ import annotations

import dataclasses
import datetime as dt

import msgspec
import pytest
from markupsafe import Markup

from screens.gallery import ADDRESS, COMMITMENT, OPERATOR, SALT, TXID, translated, views
from tallystick.edge.screen import half, receipt
from tallystick.edge.screen.receipt import COLUMNS, Line, Look
from tallystick.edge.screen.words import TONGUES
from tallystick.edge.view import View
from tallystick.kiosk.support import ALWAYS
from tallystick.kiosk.wire import SupportHours

GALLERY = views()
NEW_YORK = dt.timezone(dt.timedelta(hours=-5))


def paper(view: View) -> list[Line]:
    return receipt.receipt_lines(view, NEW_YORK)


def joined(lines: list[Line], look: Look | None = None) -> str:
    return " ".join(line.text for line in lines if look in (None, line.look))


def digits(lines: list[Line]) -> str:
    """Return the long numbers, put together again from the lines that they were broken into."""
    return "".join(line.text for line in lines if line.look is Look.CODE)


@pytest.mark.parametrize("code", TONGUES)
def test_a_receipt_says_everything_that_a_statute_lists(code: str) -> None:
    lines = paper(translated(GALLERY["receipt"], code))
    text = joined(lines)
    who = (OPERATOR.name, OPERATOR.licence, OPERATOR.place, OPERATOR.label, OPERATOR.address)
    for wanted in (*who, OPERATOR.phone, "2026-11-24 10:43", "TS-60Z-63K-C6R"):
        assert wanted in text
    for figure in ("$80.00", "−$9.60", "12%", "$80,000.00", "$70.40", "0.00088000 BTC"):
        assert figure in text
    for number in (TXID, ADDRESS, COMMITMENT, SALT):
        assert number in digits(lines)


@pytest.mark.parametrize("code", TONGUES)
def test_what_the_law_of_the_place_adds_is_on_the_paper_and_nothing_else_is(code: str) -> None:
    view = translated(GALLERY["receipt"], code)
    assert view.offer is not None
    bare = dataclasses.replace(view, offer=msgspec.structs.replace(view.offer, receipt=[]))
    added = len(paper(view)) - len(paper(bare))
    assert "kraken, coinbase, bitstamp" in joined(paper(view)) and half.NAME_LINE in joined(
        paper(view)
    )
    assert added == 4 and half.NAME_LINE not in joined(paper(bare))


@pytest.mark.parametrize("code", TONGUES)
@pytest.mark.parametrize("name", ["receipt", "sending", "stopped-cash", "safe"])
def test_no_line_is_wider_than_the_paper(name: str, code: str) -> None:
    view = translated(GALLERY[name], code)
    for lines in (paper(view), receipt.slip_lines(view, NEW_YORK)):
        for line in lines:
            assert line.look is Look.QR or len(line.text) <= COLUMNS
        assert all(len(row) <= COLUMNS for row in receipt.as_text(lines).splitlines())


@pytest.mark.parametrize("code", ["es", "fr"])
def test_the_paper_speaks_the_readers_language_where_a_printer_can(code: str) -> None:
    lines = paper(translated(GALLERY["receipt"], code))
    assert joined(lines) != joined(paper(GALLERY["receipt"]))
    assert receipt.ENGLISH_PAPER.split(".")[0] not in joined(lines)


@pytest.mark.parametrize("code", ["ar", "ur"])
def test_the_paper_is_english_where_the_printer_cannot_shape_the_script(code: str) -> None:
    theirs = paper(translated(GALLERY["receipt"], code))
    ours = paper(GALLERY["receipt"])
    assert theirs[: len(ours)] == ours
    assert "same in your language" in joined(theirs[len(ours) :])


def test_the_least_fee_is_named_in_money_beside_the_percent() -> None:
    bought = GALLERY["receipt"].purchase
    assert bought is not None
    lines = paper(GALLERY["receipt"])
    fee = next(line.text for line in lines if "12%" in line.text)
    assert fee.endswith("−$9.60")


def test_covered_sums_are_for_the_screen_and_never_for_the_paper() -> None:
    view = dataclasses.replace(GALLERY["receipt"], hide_sums=True)
    assert paper(view) == paper(GALLERY["receipt"])


def test_before_the_payment_is_known_the_receipt_names_none() -> None:
    lines = paper(GALLERY["sending"])
    assert TXID not in digits(lines)
    assert ADDRESS in digits(lines)
    assert "Payment" not in joined(lines)


def test_a_slip_says_what_was_counted_and_that_it_is_no_receipt() -> None:
    lines = receipt.slip_lines(GALLERY["safe"], NEW_YORK)
    text = joined(lines)
    for wanted in ("Your $80.00 is safe", "TS-60Z-63K-C6R", "This is not a receipt"):
        assert wanted in text
    assert OPERATOR.phone in text
    assert "A bill is stuck" in text, "what is not counted yet is on the slip"
    assert "0.00088000" not in text
    back = joined(receipt.slip_lines(GALLERY["stopped-cash"], NEW_YORK))
    assert "You get your $80.00 back" in back


def test_the_slips_code_cannot_be_taken_for_a_receipts() -> None:
    receipt_code = joined(paper(GALLERY["receipt"]), Look.QR)
    slip_code = joined(receipt.slip_lines(GALLERY["safe"], NEW_YORK), Look.QR)
    assert receipt_code == f"TALLYSTICK:TS-60Z-63K-C6R:{COMMITMENT}:{SALT}".upper()
    assert slip_code == "TALLYSTICK:TS-60Z-63K-C6R"


def test_an_operators_web_address_takes_the_place_of_the_plain_code() -> None:
    url = "https://kiosk.example/r/TS-60Z-63K-C6R"
    view = dataclasses.replace(GALLERY["receipt"], extras=(("receipt_url", url),))
    assert joined(paper(view), Look.QR) == url


def test_a_demonstration_says_so_on_every_paper() -> None:
    view = dataclasses.replace(GALLERY["receipt"], demo=True)
    for lines in (paper(view), receipt.slip_lines(view, NEW_YORK)):
        assert "No real money" in joined(lines)


def test_screen_and_paper_say_the_same_rows() -> None:
    view = GALLERY["receipt"]
    words = receipt.paper_words(view, NEW_YORK)
    text = joined(paper(view))
    for row in half.rows(view, words):
        assert Markup(row.label).striptags() in text


@pytest.mark.parametrize(
    ("hours", "said", "not_said"),
    [
        ([ALWAYS], "day and night", "answers"),
        ([SupportHours(first=0, last=4, opens=480, closes=1_320)], "Monday", "night"),
        ([], "Call 1-800-555-0142.", "answers"),
    ],
)
def test_a_paper_tells_the_stated_hours_and_no_others(
    hours: list[SupportHours], said: str, not_said: str
) -> None:
    view = GALLERY["receipt"]
    assert view.offer is not None
    operator = msgspec.structs.replace(view.offer.operator, hours=hours)
    offer = msgspec.structs.replace(view.offer, operator=operator)
    text = joined(paper(dataclasses.replace(view, offer=offer)))
    assert said in text and not_said not in text


def test_a_paper_names_a_licence_and_an_authority_only_where_they_are_stated() -> None:
    view = GALLERY["receipt"]
    assert view.offer is not None
    told = msgspec.structs.replace(
        OPERATOR, licence="", authority="Bureau of Kiosks, 1-800-555-0100"
    )
    offer = msgspec.structs.replace(view.offer, operator=told)
    text = joined(paper(dataclasses.replace(view, offer=offer)))
    assert "Complaints about us: Bureau of Kiosks, 1-800-555-0100" in text
    assert "licence" not in text and "Complaints" not in joined(paper(view))
