"""Money: integers with an asset, exact in every operation."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tallystick.core.money import (
    BTC,
    USD,
    Amount,
    AssetMismatch,
    MoneyError,
    Price,
    Rounding,
    divide,
    parse,
)

MINOR = st.integers(-(10**15), 10**15)


def test_assets_never_mix() -> None:
    for mixed in (
        lambda: Amount(1, USD) + Amount(1, BTC),
        lambda: Amount(1, USD) - Amount(1, BTC),
        lambda: Amount(1, USD) < Amount(1, BTC),
        lambda: Price(Amount(1, USD)).to_cash(Amount(1, USD), Rounding.DOWN),
        lambda: Price(Amount(1, USD)).to_coin(Amount(1, BTC), Rounding.DOWN),
    ):
        with pytest.raises(AssetMismatch):
            mixed()


@pytest.mark.parametrize("minor", [1.0, True, "1", None, 2**63])
def test_only_whole_numbers_in_range(minor: object) -> None:
    with pytest.raises(MoneyError):
        Amount(minor, USD)


@given(MINOR, st.integers(1, 10**9))
def test_roundings_bracket_the_quotient(numerator: int, denominator: int) -> None:
    down = divide(numerator, denominator, Rounding.DOWN)
    up = divide(numerator, denominator, Rounding.UP)
    half = divide(numerator, denominator, Rounding.HALF_EVEN)
    assert abs(down) * denominator <= abs(numerator) <= abs(up) * denominator
    assert abs(up) - abs(down) == (numerator % denominator != 0)
    assert half in (down, up)
    assert abs(numerator - half * denominator) * 2 <= denominator


@given(st.integers(0, 10**9), st.integers(1, 10**10))
def test_coin_for_cash_never_exceeds_the_cash(cash: int, price: int) -> None:
    at = Price(Amount(price, USD))
    coin = at.to_coin(Amount(cash, USD), Rounding.DOWN)
    assert coin.minor * price <= cash * 10**8 < (coin.minor + 1) * price


@given(MINOR.filter(lambda minor: minor >= 0), st.sampled_from([USD, BTC]))
def test_decimal_reads_back(minor: int, of: object) -> None:
    amount = Amount(minor, of)
    assert parse(amount.decimal(), of) == amount


@pytest.mark.parametrize("text", ["", "1,0", "-1", "1.234", "1e3", "٣", ".", "1" * 16])
def test_no_other_text_is_an_amount(text: str) -> None:
    with pytest.raises(MoneyError):
        parse(text, USD)
