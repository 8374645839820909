"""Prices: the median of several, too few, too far apart, too old, and never waited for."""

from __future__ import annotations

import datetime as dt
import threading
import time

import pytest

from tallystick.core.clock import SeededClock
from tallystick.core.money import USD, Asset
from tallystick.kiosk.errors import RateUnusable
from tallystick.kiosk.rates import DEVIATION_BP_MAX, STALE_S, OfflineSource, Rate, Rates, combine

NOW = dt.datetime(2026, 11, 24, tzinfo=dt.UTC)


@pytest.mark.parametrize(
    ("prices", "middle"),
    [([100_000, 100_100, 100_200], 100_100), ([100_000, 100_100], 100_000), ([5, 5, 5], 5)],
)
def test_the_price_is_the_lower_median(prices: list[int], middle: int) -> None:
    assert combine(prices, USD, NOW, "test").price.cash.minor == middle


def test_one_that_is_far_away_counts_for_nothing() -> None:
    assert combine([100_000, 100_100, 900_000], USD, NOW, "test").price.cash.minor == 100_100


@pytest.mark.parametrize(
    "prices", [[], [100_000], [100_000, 100_000 + 10 * DEVIATION_BP_MAX + 999]]
)
def test_too_few_or_too_far_apart_is_no_price(prices: list[int]) -> None:
    with pytest.raises(RateUnusable):
        combine(prices, USD, NOW, "test")


class Broken:
    """A source that answered once."""

    def __init__(self) -> None:
        self.down = False

    def read(self, currency: Asset, now: dt.datetime) -> Rate:
        if self.down:
            raise OSError("no route")
        return OfflineSource().read(currency, now)


def test_an_old_price_is_refused_and_says_why() -> None:
    clock, source = SeededClock(1), Broken()
    rates = Rates(source, USD, clock)
    assert rates.current().price.cash.minor == 8_000_000
    source.down = True
    clock.advance(STALE_S)
    assert rates.current().price.cash.minor == 8_000_000
    clock.advance(1)
    with pytest.raises(RateUnusable, match="no route"):
        rates.current()


class Slow:
    """A source that does not answer until it is let."""

    def __init__(self) -> None:
        self.let = threading.Event()

    def read(self, currency: Asset, now: dt.datetime) -> Rate:
        self.let.wait(10)
        return OfflineSource().read(currency, now)


def test_a_fed_price_is_never_waited_for() -> None:
    source = Slow()
    rates = Rates(source, USD, SeededClock(1), fed=True)
    feeding = threading.Thread(target=rates.refresh)
    feeding.start()
    began = time.monotonic()
    with pytest.raises(RateUnusable, match="no price"):
        rates.current()
    assert time.monotonic() - began < 5
    source.let.set()
    feeding.join()
    assert rates.current().price.cash.minor == 8_000_000
