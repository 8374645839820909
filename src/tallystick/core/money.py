"""Money as integers with an asset, so that no cent and no satoshi can appear from nowhere.

An amount is a whole number of minor units (cents, satoshis) of one asset. Mixing assets raises,
floats are refused, and every division names its rounding. Nothing else in Tallystick may do
arithmetic on money.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import Final

MINOR_ABS_MAX: Final = 2**62
"""Largest amount either way, in minor units: fits SQLite's and PostgreSQL's 64-bit integers."""

BASIS_POINTS: Final = 10_000


class MoneyError(ValueError):
    """A sum that cannot be right: raised before anything is written."""


class AssetMismatch(MoneyError):
    """Two different assets met in one sum."""


@dataclass(frozen=True, slots=True)
class Asset:
    """A kind of money. ``exponent`` is the number of decimals between the unit and its minor."""

    code: str
    exponent: int

    def __str__(self) -> str:
        return self.code


USD: Final = Asset("USD", 2)
CAD: Final = Asset("CAD", 2)
EUR: Final = Asset("EUR", 2)
GBP: Final = Asset("GBP", 2)
AUD: Final = Asset("AUD", 2)
CHF: Final = Asset("CHF", 2)
NZD: Final = Asset("NZD", 2)
SGD: Final = Asset("SGD", 2)
BTC: Final = Asset("BTC", 8)

ASSETS: Final = {asset.code: asset for asset in (USD, CAD, EUR, GBP, AUD, CHF, NZD, SGD, BTC)}


def asset(code: str) -> Asset:
    """Return the asset named by its ISO 4217 code or ``BTC``; raise `MoneyError` if unknown."""
    found = ASSETS.get(code)
    if found is None:
        raise MoneyError(f"unknown asset {code[:12]!r}; known: {', '.join(ASSETS)}")
    return found


class Rounding(enum.Enum):
    """Which way a division goes when it does not come out even."""

    DOWN = "towards zero"
    UP = "away from zero"
    HALF_EVEN = "to the nearest, ties to even"


def divide(numerator: int, denominator: int, rounding: Rounding) -> int:
    """Divide integers with a named rounding. ``denominator`` must be positive."""
    if denominator <= 0:
        raise MoneyError(f"division by {denominator}")
    sign = -1 if numerator < 0 else 1
    whole, rest = divmod(abs(numerator), denominator)
    if rounding is Rounding.UP and rest:
        whole += 1
    elif rounding is Rounding.HALF_EVEN:
        twice = 2 * rest
        if twice > denominator or (twice == denominator and whole % 2):
            whole += 1
    return sign * whole


@dataclass(frozen=True, slots=True)
class Amount:
    """A whole number of minor units of one asset. ``Amount(2_000, USD)`` is twenty dollars."""

    minor: int
    asset: Asset

    def __post_init__(self) -> None:
        if type(self.minor) is not int:
            raise MoneyError(f"money is an integer of minor units, not {self.minor!r}")
        if not -MINOR_ABS_MAX <= self.minor <= MINOR_ABS_MAX:
            raise MoneyError(f"amount out of range: {self.minor}")

    def _same(self, other: Amount) -> int:
        if self.asset != other.asset:
            raise AssetMismatch(f"{self.asset} met {other.asset}")
        return other.minor

    def __add__(self, other: Amount) -> Amount:
        return Amount(self.minor + self._same(other), self.asset)

    def __sub__(self, other: Amount) -> Amount:
        return Amount(self.minor - self._same(other), self.asset)

    def __neg__(self) -> Amount:
        return Amount(-self.minor, self.asset)

    def __lt__(self, other: Amount) -> bool:
        return self.minor < self._same(other)

    def __le__(self, other: Amount) -> bool:
        return self.minor <= self._same(other)

    def __gt__(self, other: Amount) -> bool:
        return self.minor > self._same(other)

    def __ge__(self, other: Amount) -> bool:
        return self.minor >= self._same(other)

    def __bool__(self) -> bool:
        return self.minor != 0

    def times(self, count: int) -> Amount:
        """Multiply by a whole count."""
        return Amount(self.minor * count, self.asset)

    def share(self, basis_points: int, rounding: Rounding) -> Amount:
        """Return the share of this amount: 1,200 basis points are 12 %."""
        return Amount(divide(self.minor * basis_points, BASIS_POINTS, rounding), self.asset)

    def decimal(self) -> str:
        """Render with the asset's own number of decimals and a full stop: ``20.00``."""
        sign, digits = ("-" if self.minor < 0 else ""), str(abs(self.minor))
        if not self.asset.exponent:
            return sign + digits
        digits = digits.rjust(self.asset.exponent + 1, "0")
        return f"{sign}{digits[: -self.asset.exponent]}.{digits[-self.asset.exponent :]}"

    def __str__(self) -> str:
        return f"{self.decimal()} {self.asset.code}"


def parse(text: str, of: Asset) -> Amount:
    """Read a decimal such as ``20`` or ``0.00088000``; raise `MoneyError` for anything else."""
    whole, _, part = text.strip().partition(".")
    ok = whole.isascii() and whole.isdigit() and len(whole) <= 15 and len(part) <= of.exponent
    if not ok or (part and not (part.isascii() and part.isdigit())):
        raise MoneyError(f"not an amount of {of}: {text[:32]!r}")
    return Amount(int(whole + part.ljust(of.exponent, "0")), of)


@dataclass(frozen=True, slots=True)
class Price:
    """What one whole unit of ``coin`` costs, as an amount of cash."""

    cash: Amount
    coin: Asset = BTC

    def __post_init__(self) -> None:
        if self.cash.minor <= 0:
            raise MoneyError(f"a price is positive, not {self.cash}")

    def to_coin(self, cash: Amount, rounding: Rounding) -> Amount:
        """Return the coin that this much cash buys."""
        self.cash._same(cash)
        return Amount(
            divide(cash.minor * 10**self.coin.exponent, self.cash.minor, rounding), self.coin
        )

    def to_cash(self, coin: Amount, rounding: Rounding) -> Amount:
        """Return what this much coin is worth in cash."""
        if coin.asset != self.coin:
            raise AssetMismatch(f"{coin.asset} met {self.coin}")
        return Amount(
            divide(coin.minor * self.cash.minor, 10**self.coin.exponent, rounding),
            self.cash.asset,
        )
