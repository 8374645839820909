"""Prices: a source says what one bitcoin costs; several that agree make a usable rate.

The rate is the market price with nothing added. It is unusable when it is old, when fewer than
two exchanges answered, or when they differ by more than a limit: then nothing is sold.
"""

from __future__ import annotations

import concurrent.futures
import datetime as dt
import statistics
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final, Protocol

from tallystick.core.clock import Clock
from tallystick.core.money import Amount, Asset, Price
from tallystick.kiosk.errors import RateUnusable

STALE_S: Final = 120
REFRESH_S: Final = 20
FETCH_TIMEOUT_S: Final = 8
SOURCES_MIN: Final = 2
DEVIATION_BP_MAX: Final = 200
DEMO_PRICE_MINOR: Final = 8_000_000


@dataclass(frozen=True, slots=True)
class Rate:
    """A market price, when it was read, and where."""

    price: Price
    at: dt.datetime
    source: str


class RateSource(Protocol):
    """Where prices come from."""

    def read(self, currency: Asset, now: dt.datetime) -> Rate:
        """Return the present rate; raise `RateUnusable`."""


class OfflineSource:
    """A fixed price for the demo and the tests; it says so."""

    def __init__(self, price_minor: int = DEMO_PRICE_MINOR) -> None:
        self.price_minor = price_minor

    def read(self, currency: Asset, now: dt.datetime) -> Rate:
        """Return the fixed price as of now."""
        return Rate(Price(Amount(self.price_minor, currency)), now, "offline sample")


class ExchangeSource:
    """The median of several exchanges' last prices, through ccxt."""

    def __init__(self, exchanges: Sequence[str] = ("kraken", "coinbase", "bitstamp")) -> None:
        self.exchanges = tuple(exchanges)

    def read(self, currency: Asset, now: dt.datetime) -> Rate:
        """Ask all at once; keep those that answer in time."""
        with concurrent.futures.ThreadPoolExecutor(len(self.exchanges)) as pool:
            asked = [pool.submit(self._one, name, currency) for name in self.exchanges]
            done, _ = concurrent.futures.wait(asked, FETCH_TIMEOUT_S)
            prices = [task.result() for task in done if task.exception() is None]
        return combine(prices, currency, now, ",".join(self.exchanges))

    def _one(self, name: str, currency: Asset) -> int:
        import ccxt

        exchange: Any = getattr(ccxt, name)({"timeout": FETCH_TIMEOUT_S * 1000})
        ticker = exchange.fetch_ticker(f"BTC/{currency.code}")
        return to_minor(str(ticker["last"]), currency)


def to_minor(text: str, currency: Asset) -> int:
    """Read an exchange's decimal price into minor units, exactly, rounding half to even."""
    return int((Decimal(text) * 10**currency.exponent).quantize(Decimal(1)))


def combine(prices: Sequence[int], currency: Asset, now: dt.datetime, source: str) -> Rate:
    """Take the median; raise `RateUnusable` when too few answered or they disagree."""
    if len(prices) < SOURCES_MIN:
        raise RateUnusable(f"{len(prices)} of {source} answered; at least {SOURCES_MIN} must")
    middle = statistics.median_low(prices)
    far = [p for p in prices if abs(p - middle) * 10_000 > middle * DEVIATION_BP_MAX]
    near = len(prices) - len(far)
    if near < SOURCES_MIN:
        raise RateUnusable(f"the exchanges differ by more than {DEVIATION_BP_MAX} basis points")
    return Rate(Price(Amount(middle, currency)), now, source)


class Rates:
    """Keeps the last rate of one source, and refuses it once it is old.

    With ``fed`` somebody else calls `refresh`, and `current` never waits for a source: a slow
    exchange must not hold up a step that holds the database.
    """

    def __init__(
        self, source: RateSource, currency: Asset, clock: Clock, fed: bool = False
    ) -> None:
        self.source, self.currency, self.clock, self.fed = source, currency, clock, fed
        self._last: Rate | None = None
        self._lock = threading.Lock()
        self.trouble = ""

    def refresh(self) -> None:
        """Read the source; on failure keep the old rate, which goes stale by itself."""
        try:
            rate = self.source.read(self.currency, self.clock.now())
        except Exception as error:
            self.trouble = str(error)
            return
        with self._lock:
            self._last, self.trouble = rate, ""

    def current(self) -> Rate:
        """Return the rate if it is fresh; raise `RateUnusable`."""
        now = self.clock.now()
        held = self._last
        if not self.fed and (held is None or (now - held.at).total_seconds() > REFRESH_S):
            self.refresh()
        last = self._last
        if last is None or (now - last.at).total_seconds() > STALE_S:
            raise RateUnusable(self.trouble or "no price has been read yet")
        return last
