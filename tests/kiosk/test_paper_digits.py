"""A reference as digits: there and back, and no slip of a finger passes for another purchase."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tallystick.core.clock import CROCKFORD, SeededClock, reference
from tallystick.kiosk.digits import LENGTH, digits_of, reference_in, reference_of

LETTERS = st.text(CROCKFORD, min_size=9, max_size=9)


def dashed(text: str) -> str:
    return f"TS-{text[:3]}-{text[3:6]}-{text[6:]}"


@settings(max_examples=60, deadline=None)
@given(LETTERS)
def test_sixteen_digits_there_and_back(letters: str) -> None:
    digits = digits_of(dashed(letters))
    assert len(digits) == LENGTH and digits.isdigit()
    assert reference_of(digits) == dashed(letters)


def test_each_wrong_digit_and_each_exchanged_pair_is_found() -> None:
    digits = digits_of(reference(SeededClock(7)))
    for at, right in enumerate(digits):
        for wrong in set("0123456789") - {right}:
            assert reference_of(digits[:at] + wrong + digits[at + 1 :]) == ""
    for at in range(LENGTH - 1):
        a, b = digits[at : at + 2]
        if a != b:
            assert reference_of(digits[:at] + b + a + digits[at + 2 :]) == ""


@pytest.mark.parametrize("text", ["", "1" * 15, "1" * 17, "９" * 16, "abcdefghijklmnop", "9" * 16])
def test_what_is_no_such_number_is_none(text: str) -> None:
    assert reference_of(text) == ""


@pytest.mark.parametrize("text", ["", "TS-60Z-63K", "TS-60Z-63K-C6U", "XX-60Z-63K-C6R"])
def test_what_is_no_reference_has_no_digits(text: str) -> None:
    assert digits_of(text) == ""


def test_the_square_code_of_either_paper_is_read() -> None:
    number = "TS-60Z-63K-C6R"
    for code in (number, f"TALLYSTICK:{number}", f"TALLYSTICK:{number}:{'9E' * 32}:{'00' * 16}"):
        assert reference_in(f" {code}\r\n".lower()) == number
    for code in ("bitcoin:bc1q", "TALLYSTICK:", f"{number};DROP", f"TALLYSTICK:{number}:ZZ"):
        assert reference_in(code) == ""
