"""How the console writes sums, coins, moments and codes; and the money path as a drawing.

Figures are text in one form, so that a person can search a page for what a receipt says. Moments
are in UTC unless the page says otherwise.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Any, Final

from markupsafe import Markup

from tallystick.core.money import BTC, asset
from tallystick.kiosk import wire

SYMBOLS: Final = {"USD": "$", "EUR": "€", "GBP": "£"}
STAGES: Final = 5
WIDTH: Final = 148.0
MINUS: Final = "−"


def sum_of(minor: int, currency: str) -> str:
    """Return ``$1,234.50``, or ``1,234.50 CHF`` where the currency has no symbol of its own."""
    unit = 10 ** asset(currency).exponent
    whole, part = divmod(abs(minor), unit)
    places = asset(currency).exponent
    text = f"{whole:,}" + (f".{part:0{places}}" if places else "")
    sign = MINUS if minor < 0 else ""
    symbol = SYMBOLS.get(currency)
    return f"{sign}{symbol}{text}" if symbol else f"{sign}{text} {currency}"


def coin(sats: int) -> str:
    """Return ``0.00055000``, in whole bitcoin."""
    whole, part = divmod(abs(sats), 10**BTC.exponent)
    return f"{MINUS if sats < 0 else ''}{whole:,}.{part:0{BTC.exponent}}"


def coin_short(sats: int) -> str:
    """Return ``0.0005``: four places, rounded down, for a figure at a glance."""
    return coin(sats)[:-4]


def of(minor: int, code: str) -> str:
    """Return a sum of any asset with its unit."""
    return f"{coin(minor)} BTC" if code == "BTC" else sum_of(minor, code)


def percent(basis_points: int) -> str:
    """Return ``12%`` or ``12.5%``."""
    return f"{basis_points / 100:.2f}".rstrip("0").rstrip(".") + "%"


def clock(at: dt.datetime | None) -> str:
    """Return ``10:41:07``."""
    return f"{at:%H:%M:%S}" if at else ""


def moment(at: dt.datetime | None) -> str:
    """Return ``24 Nov 2026, 10:41:07 UTC``."""
    return f"{at.day} {at:%b %Y, %H:%M:%S} UTC" if at else ""


def ago(at: dt.datetime, now: dt.datetime) -> str:
    """Return how long ago, in one unit."""
    seconds = max(int((now - at).total_seconds()), 0)
    for size, name in ((86_400, "day"), (3_600, "hour"), (60, "minute")):
        if seconds >= size:
            count = seconds // size
            return f"{count} {name}{'s' if count > 1 else ''} ago"
    return f"{seconds} s ago"


def short(code: str) -> str:
    """Return the two ends of a long code in groups of four."""
    if len(code) <= 20:
        return code
    return f"{code[:4]} {code[4:8]} … {code[-8:-4]} {code[-4:]}"


def stages(path: Sequence[wire.Step], ended: str = "") -> Markup:
    """Draw the money path: a cut for each stage done, an open one for the next.

    ``ended`` is ``back`` when the cash goes back, so that nothing more is expected.
    """
    done = sum(1 for step in path if step.at)
    next_name = path[done].name.replace("_", " ") if done < len(path) else ""
    said = f"{done} of {len(path)} stages done" + (f"; now: {next_name}" if next_name else "")
    said = f"{done} of {len(path)} stages done; the cash goes back" if ended else said
    at = [1 + WIDTH * (place + 0.5) / STAGES for place in range(len(path))]
    cut = 1 + WIDTH * done / STAGES
    shapes = [
        '<rect class="stick" x="1" y="5" width="148" height="14" rx="2"/>',
        f'<rect class="uncut" x="{cut:.1f}" y="5" width="{149 - cut:.1f}" height="14" rx="2"/>',
        '<rect class="edge" x="1" y="5" width="148" height="14" rx="2"/>',
    ]
    shapes += [f'<path class="cutx" d="M{x:.1f} 4l6 8-6 8-6-8z"/>' for x in at[:done]]
    for place, x in enumerate(at[done:]):
        now = place == 0 and not ended
        shapes.append(
            f'<path class="nowx" d="M{x:.1f} 4l6 8-6 8-6-8z"/>'
            if now
            else f'<path class="tick" d="M{x:.1f} 8v8"/>'
        )
    inner = "".join(shapes)
    return Markup(  # noqa: S704 - shapes are numbers of ours; the label is made of our own words
        f'<svg class="stages" viewBox="0 0 150 24" role="img" aria-label="{said}">{inner}</svg>'
    )


FIGURES: Final[dict[str, Any]] = {
    "sum_of": sum_of,
    "coin": coin,
    "coin_short": coin_short,
    "of": of,
    "percent": percent,
    "clock": clock,
    "moment": moment,
    "ago": ago,
    "short": short,
    "stages": stages,
}
