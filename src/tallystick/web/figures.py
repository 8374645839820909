"""How our pages write sums, coins, moments and codes; and the money path as a drawing.

Figures are text in one form, so that a person can search a page for what a receipt says. Moments
are in UTC unless the page says otherwise. Drawings are SVG with attributes only, since our pages
forbid inline style.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Any, Final

from markupsafe import Markup, escape

from tallystick.core.money import BTC, asset
from tallystick.kiosk import wire

SYMBOLS: Final = {"USD": "$", "EUR": "€", "GBP": "£"}
WIDTH: Final = 148.0
METER_WIDTH: Final = 88.0
MINUS: Final = "−"
SHORT_CHARS_MAX: Final = 20


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


def plain(minor: int, code: str) -> str:
    """Return a sum of any asset without its unit, for a column that names it."""
    return of(minor, code).removesuffix(" BTC").removesuffix(f" {code}").lstrip("$€£")


def percent(basis_points: int) -> str:
    """Return ``12%`` or ``12.5%``."""
    return f"{basis_points / 100:.2f}".rstrip("0").rstrip(".") + "%"


def count_of(count: int, one: str, many: str = "") -> str:
    """Return ``1 note`` or ``2,871 notes``."""
    return f"{count:,} {one if count == 1 else many or one + 's'}"


def day(at: dt.datetime) -> str:
    """Return ``24 Nov 2026``."""
    return f"{at.day} {at:%b %Y}"


def clock(at: dt.datetime | None) -> str:
    """Return ``10:41:07``."""
    return f"{at:%H:%M:%S}" if at else ""


def moment(at: dt.datetime | None) -> str:
    """Return ``24 Nov 2026, 10:41:07 UTC``."""
    return f"{day(at)}, {at:%H:%M:%S} UTC" if at else ""


def when(at: dt.datetime, now: dt.datetime) -> str:
    """Return the clock time, with the day before it unless it is today."""
    return clock(at) if at.date() == now.date() else f"{at.day} {at:%b}, {clock(at)}"


def ago(at: dt.datetime, now: dt.datetime) -> str:
    """Return how long ago, in one unit."""
    seconds = max(int((now - at).total_seconds()), 0)
    for size, name in ((86_400, "day"), (3_600, "hour"), (60, "min")):
        if seconds >= size:
            count = seconds // size
            return f"{count} {name}{'s' if count > 1 and name != 'min' else ''} ago"
    return f"{seconds} s ago" if seconds else "just now"


def short(code: str) -> str:
    """Return the two ends of a long code in groups of four."""
    if len(code) <= SHORT_CHARS_MAX:
        return code
    return f"{code[:4]} {code[4:8]} … {code[-8:-4]} {code[-4:]}"


MARKS: Final = {
    "": "; now: {at}",
    "ask": "; unknown at {at}, being asked",
    "bad": "; stopped at {at}",
    "back": "; the cash goes back",
}
"""How the stage after the last one done may stand, and what a screen reader says of it."""


def stages(path: Sequence[wire.Step], mark: str = "") -> Markup:
    """Draw the money path: a cut for each stage done, then an open cut or one of `MARKS`."""
    done, count = sum(1 for step in path if step.at), len(path)
    at = path[done].name.replace("_", " ") if done < count else ""
    said = f"{done} of {count} stages done" + (MARKS[mark].format(at=at) if at else "")
    middle = [1 + WIDTH * (place + 0.5) / count for place in range(count)]
    cut = 1 + WIDTH * done / count
    shapes = [
        '<rect class="stick" x="1" y="5" width="148" height="14" rx="2"/>',
        f'<rect class="uncut" x="{cut:.1f}" y="5" width="{149 - cut:.1f}" height="14" rx="2"/>',
        '<rect class="edge" x="1" y="5" width="148" height="14" rx="2"/>',
        *(f'<path class="cutx" d="M{x:.1f} 4l6 8-6 8-6-8z"/>' for x in middle[:done]),
        *(_next(x, mark) for x in middle[done : done + 1]),
        *(f'<path class="tick" d="M{x:.1f} 8v8"/>' for x in middle[done + 1 :]),
    ]
    inner = "".join(shapes)
    return Markup(  # noqa: S704 - shapes are numbers of ours; the label is made of our own words
        f'<svg class="stages" viewBox="0 0 150 24" role="img" aria-label="{said}">{inner}</svg>'
    )


def _next(x: float, mark: str) -> str:
    """Draw the stage after the last one done."""
    if mark == "ask":
        return (
            f'<circle class="ask" cx="{x:.1f}" cy="12" r="9"/>'
            f'<text class="askx" x="{x:.1f}" y="16.5" text-anchor="middle">?</text>'
        )
    if mark == "bad":
        return (
            f'<circle class="bad" cx="{x:.1f}" cy="12" r="8"/>'
            f'<path class="badx" d="M{x - 3:.1f} 9l6 6m0-6-6 6"/>'
        )
    if mark == "back":
        return (
            f'<circle class="back" cx="{x:.1f}" cy="12" r="9"/>'
            f'<path class="backx" d="M{x + 4.5:.1f} 12h-8m3-3.5-3.5 3.5 3.5 3.5"/>'
        )
    return f'<path class="nowx" d="M{x:.1f} 4l6 8-6 8-6-8z"/>'


def meter(part: int, whole: int, said: str) -> Markup:
    """Draw how much of a whole is used; ``said`` is the sentence for a screen reader."""
    share = min(max(part * 1_000 // whole, 0), 1_000) if whole > 0 else 0
    label = escape(said)
    return Markup(  # noqa: S704 - numbers of ours; the label is escaped
        f'<svg class="share" viewBox="0 0 90 14" role="img" aria-label="{label}">'
        '<rect class="uncut" x="1" y="1" width="88" height="12" rx="2"/>'
        f'<rect class="stick" x="1" y="1" width="{METER_WIDTH * share / 1_000:.1f}" height="12"/>'
        '<rect class="edge" x="1" y="1" width="88" height="12" rx="2"/></svg>'
    )


FIGURES: Final[dict[str, Any]] = {
    "sum_of": sum_of,
    "coin": coin,
    "coin_short": coin_short,
    "of": of,
    "plain": plain,
    "percent": percent,
    "count_of": count_of,
    "day": day,
    "clock": clock,
    "moment": moment,
    "when": when,
    "ago": ago,
    "short": short,
    "stages": stages,
    "meter": meter,
}
