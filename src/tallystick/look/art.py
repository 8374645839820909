"""The mark, the icons and the split stick, as SVG text: pure functions from values to strings.

A tally stick is cut across both halves and then split, so a cut means that something was counted
or done, and two halves mean what we say and what you can check (Decision 11). Colours are the
tokens' variables, so each theme and the paper receipt work. Every drawing is decoration except
`proof`, and the words beside that one carry its meaning.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from html import escape
from typing import Final, Literal

from tallystick.look import FOLDER

Notch = tuple[float, float]
"""Centre and width of one cut, in the drawing's own units."""

SPRITE: Final = (FOLDER / "icons.svg").read_text("utf-8")
"""All icons as symbols; a page puts it once at the start of its body."""

NAMES: Final = frozenset(re.findall(r'id="i-([a-z]+)"', SPRITE))
PROOF_DIGITS: Final = 8
CUT_DEPTH: Final = 0.62
HERO_NOTCHES: Final = ((120, 92), (262, 52), (342, 52), (430, 26), (478, 26), (526, 26))
"""Cuts for one 100, two 20s and three 5s, as a clerk would have made them."""
HERO_GRAIN: Final = (
    (590, 860, 44),
    (640, 790, 62),
    (20, 66, 50),
    (590, 700, 168),
    (620, 730, 186),
    (20, 66, 176),
)
WOOD: Final = 'fill="var(--stick)" stroke="var(--stick-edge)"'


def icon(name: str, extra: str = "") -> str:
    """Return one icon that takes the text's size and colour; raise `KeyError` for no such icon."""
    if name not in NAMES:
        raise KeyError(name)
    names = ["icon", *(["icon--turn"] if name == "go" else []), *([extra] if extra else [])]
    return f'<svg class="{" ".join(names)}" aria-hidden="true"><use href="#i-{name}"/></svg>'


def half(
    left: float, right: float, top: float, bottom: float, notches: Sequence[Notch], edge: str
) -> str:
    """Return the path of one half: a bar with V cuts on its ``lower`` or ``upper`` edge."""
    depth = (bottom - top) * CUT_DEPTH
    lower = edge == "lower"
    start = f"M{left} {top}H{right}V{bottom}" if lower else f"M{left} {bottom}V{top}"
    base, tip = (bottom, bottom - depth) if lower else (top, top + depth)
    side = 1 if lower else -1
    cuts = (
        f"H{centre + side * width / 2:.1f}L{centre:.1f} {tip:.1f}"
        f"L{centre - side * width / 2:.1f} {base}"
        for centre, width in sorted(notches, reverse=lower)
    )
    end = f"H{left}Z" if lower else f"H{right}V{bottom}Z"
    return start + "".join(cuts) + end


def mark(css_class: str = "mark") -> str:
    """Return the logo: the longer half belongs to whoever paid; the cuts of both match."""
    notches = ((13.0, 11.0), (32.0, 17.0))
    stock = half(1, 63, 1.5, 16.5, notches, "lower")
    foil = half(1, 51, 19.5, 34.5, notches, "upper")
    return (
        f'<svg class="{css_class}" viewBox="0 0 64 36" aria-hidden="true">'
        f'<path d="{stock}" fill="var(--mark-1, var(--ink))"/>'
        f'<path d="{foil}" fill="var(--mark-2, var(--stick))" stroke="var(--stick-edge)"'
        ' stroke-width="1.5"/></svg>'
    )


def hero(rtl: bool = False) -> str:
    """Return the start screen's stick, split; mirrored for right-to-left scripts."""
    flip = ' transform="translate(900 0) scale(-1 1)"' if rtl else ""
    grain = "".join(
        f'<path d="M{start} {y}H{end}" stroke="var(--stick-edge)" stroke-opacity=".35"'
        ' stroke-width="2" fill="none"/>'
        for start, end, y in HERO_GRAIN
    )
    stock = half(6, 894, 16, 98, HERO_NOTCHES, "lower")
    foil = half(6, 762, 132, 214, HERO_NOTCHES, "upper")
    halves = "".join(
        f'<path d="{d}" {WOOD} stroke-width="4" stroke-linejoin="round"/>' for d in (stock, foil)
    )
    return (
        '<svg class="hero" viewBox="0 0 900 232" aria-hidden="true">'
        f"<g{flip}>{halves}{grain}</g></svg>"
    )


def cuts(digits: str, width: float) -> list[Notch]:
    """Return the eight cuts that the first eight hex digits of a commitment make."""
    step = (width - 60) / PROOF_DIGITS
    return [
        (14 + step * (place + 0.5), 7 + int(digit, 16) * (step - 13) / 15)
        for place, digit in enumerate(digits[:PROOF_DIGITS])
    ]


def proof(ours: str, yours: str, label: str, width: int = 420) -> str:
    """Draw two halves, each from its own digits: they match only if the digits do.

    ``label`` is the sentence for a screen reader. It is an aid to the eye; the digits themselves
    are the proof.
    """
    match = ours[:PROOF_DIGITS] == yours[:PROOF_DIGITS]
    gap = 5 if match else 14
    stock = half(4, width - 4, 3, 30, cuts(yours, width), "lower")
    foil = half(4, width - 34, 30 + gap, 57 + gap, cuts(ours, width), "upper")
    other = WOOD if match else 'fill="var(--stop-tint)" stroke="var(--stop)"'
    return (
        f'<svg class="proof-stick" viewBox="0 0 {width} {62 + gap}" role="img"'
        f' aria-label="{escape(label)}"><path d="{stock}" {WOOD} stroke-width="2"/>'
        f'<path d="{foil}" {other} stroke-width="2"/></svg>'
    )


def _square(x: int, y: int, size: int, fill: Literal["#14212B", "#fff"] = "#14212B") -> str:
    return f'<rect x="{x}" y="{y}" width="{size}" height="{size}" fill="{fill}"/>'


def _phone_code() -> str:
    eyes = "".join(
        _square(x, y, 34) + _square(x + 10, y + 10, 14, "#fff") + _square(x + 13, y + 13, 8)
        for x, y in ((206, 84), (282, 84), (206, 160))
    )
    dots = (0, 2, 3, 5, 7, 8, 10, 13, 14, 16, 17, 18, 21, 23, 24, 26, 29, 31, 32, 35)
    return eyes + "".join(_square(250 + 11 * (i % 6), 128 + 11 * (i // 6), 9) for i in dots)


def scanner() -> str:
    """Show where to hold the phone: below the screen, its code towards the glass."""
    return (
        '<svg class="picture" viewBox="0 0 520 420" aria-hidden="true">'
        '<path d="M120 402 182 262H338L400 402Z" fill="var(--stick)" fill-opacity=".38"/>'
        '<rect x="172" y="18" width="176" height="256" rx="20" fill="var(--ink)"/>'
        '<rect x="184" y="44" width="152" height="196" rx="5" fill="#fff"/>'
        f"{_phone_code()}"
        '<rect x="240" y="252" width="40" height="7" rx="3.5" fill="var(--paper)"/>'
        '<rect x="40" y="372" width="440" height="46" rx="6" fill="var(--sunken)"'
        ' stroke="var(--line-strong)" stroke-width="3"/>'
        '<rect x="112" y="384" width="296" height="20" rx="4" fill="var(--ink)"/>'
        '<rect x="124" y="390" width="272" height="8" rx="3" fill="var(--stick)"/>'
        '<path d="M92 250v78m-22-24 22 26 22-26M428 250v78m-22-24 22 26 22-26" fill="none"'
        ' stroke="var(--action)" stroke-width="9" stroke-linecap="round"'
        ' stroke-linejoin="round"/></svg>'
    )


def card() -> str:
    """Show where to hold a card: its back, with the wide barcode, towards the glass."""
    bars = "".join(
        f'<rect x="{126 + 12 * at}" y="{96 + 7 * (at % 3)}" width="{3 + at % 4}" height="64"'
        ' fill="#14212B"/>'
        for at in range(22)
    )
    return (
        '<svg class="picture" viewBox="0 0 520 420" aria-hidden="true">'
        '<path d="M120 402 182 250H338L400 402Z" fill="var(--stick)" fill-opacity=".38"/>'
        '<rect x="92" y="40" width="336" height="212" rx="18" fill="#fff"'
        ' stroke="var(--ink)" stroke-width="6"/>'
        '<rect x="92" y="60" width="336" height="22" fill="var(--ink)"/>'
        f"{bars}"
        '<rect x="126" y="196" width="180" height="12" rx="6" fill="var(--line-strong)"/>'
        '<rect x="126" y="218" width="120" height="12" rx="6" fill="var(--line-strong)"/>'
        '<rect x="40" y="372" width="440" height="46" rx="6" fill="var(--sunken)"'
        ' stroke="var(--line-strong)" stroke-width="3"/>'
        '<rect x="112" y="384" width="296" height="20" rx="4" fill="var(--ink)"/>'
        '<rect x="124" y="390" width="272" height="8" rx="3" fill="var(--stick)"/>'
        '<path d="M62 250v78m-22-24 22 26 22-26M458 250v78m-22-24 22 26 22-26" fill="none"'
        ' stroke="var(--action)" stroke-width="9" stroke-linecap="round"'
        ' stroke-linejoin="round"/></svg>'
    )


def under() -> str:
    """Show a card, its front up, under the eye of a camera."""
    return (
        '<svg class="picture" viewBox="0 0 520 420" aria-hidden="true">'
        '<path d="M260 92 92 330H428Z" fill="var(--stick)" fill-opacity=".38"/>'
        '<rect x="40" y="356" width="440" height="40" rx="6" fill="var(--sunken)"'
        ' stroke="var(--line-strong)" stroke-width="3"/>'
        '<path d="M118 300H402L440 360H80Z" fill="#fff" stroke="var(--ink)" stroke-width="6"'
        ' stroke-linejoin="round"/>'
        '<path d="M132 316H388" stroke="#14212B" stroke-width="9"/>'
        '<path d="M142 332h58l-6 18h-64Z" fill="#8FA3AE"/>'
        '<path d="M222 336h150M222 350h110" stroke="#14212B" stroke-width="5"/>'
        f"{_eye(260, 62)}</svg>"
    )


def sitter() -> str:
    """Show somebody without a face, before the camera above a screen."""
    return (
        '<svg class="picture" viewBox="0 0 520 420" aria-hidden="true">'
        '<path d="M260 78 120 380H400Z" fill="var(--stick)" fill-opacity=".38"/>'
        '<rect x="150" y="96" width="220" height="14" rx="7" fill="var(--line-strong)"/>'
        '<circle cx="260" cy="222" r="66" fill="#8FA3AE" stroke="var(--ink)" stroke-width="6"/>'
        '<path d="M122 404c0-66 62-104 138-104s138 38 138 104Z" fill="var(--sunken)"'
        ' stroke="var(--ink)" stroke-width="6" stroke-linejoin="round"/>'
        f"{_eye(260, 52)}</svg>"
    )


def _eye(x: int, y: int) -> str:
    """Draw a camera, seen from the front."""
    return (
        f'<rect x="{x - 62}" y="{y - 36}" width="124" height="72" rx="16" fill="var(--ink)"/>'
        f'<circle cx="{x}" cy="{y}" r="25" fill="#fff"/>'
        f'<circle cx="{x}" cy="{y}" r="13" fill="var(--action)"/>'
        f'<circle cx="{x + 45}" cy="{y - 20}" r="6" fill="var(--stick)"/>'
    )
