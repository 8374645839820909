"""Charts as SVG text, made on the server; the page puts the same figures in a table beside each.

Pure functions from values to strings. Each chart is ``role="img"`` with a name that says what it
shows, colours come from style sheets by class, and nothing depends on colour alone: labels stand
on the marks, bands are ordered, and every axis of amounts begins at nought (Decision 11). ``note``
is written under the chart and is part of its name: what must never be cut off from the picture.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from itertools import pairwise
from typing import Final

PRINTED: Final = (
    ".grid{stroke:#d5dad4;fill:none}.axis,.base{stroke:#14212b;stroke-width:1.5;fill:none}"
    ".base{stroke-dasharray:5 4}.b95{fill:#d5e8df}.b80{fill:#a6cdbd}.b50{fill:#6fa893}"
    ".mid{fill:none;stroke:#0b4f41;stroke-width:3}.seen{stroke:#a2352b;stroke-width:2.5;fill:none}"
    ".bar-a{fill:#ddae66;stroke:#8a5a1e;stroke-width:1.5}.bar-b,.bar-1{fill:#0b4f41}"
    ".bar-5{fill:#6a7178}.node{fill:#14212b}.n-good{fill:#0b4f41}.n-hub{fill:#8a5a1e}"
    ".n-off{fill:#6a7178}.flow{fill:#14212b;fill-opacity:.13}.f-good{fill:#0b4f41;fill-opacity:.3}"
    ".f-hub{fill:#ddae66;fill-opacity:.75}.f-off{fill:#6a7178;fill-opacity:.26}"
    "text{font-family:'Tally Text',sans-serif;font-size:14px;fill:#14212b}.soft{fill:#44515b}"
    ".strong{font-weight:700}.tiny{font-size:13px}.on-bar-a{fill:#2a1a05}.on-bar-b{fill:#fff}"
)
"""The look of a chart that stands alone, in a file or on paper: the light theme's own colours."""
WORDS: Final = re.compile(r"<text\b([^>]*)>([^<]*)</text>")
NOTE_PX: Final = 26
LABEL_GAP_PX: Final = 19
INSIDE_PX: Final = 118
"""Words fit inside a bar that is at least so wide."""
SANKEY_WIDE, SANKEY_TALL, SANKEY_GAP, SANKEY_NODE = 1120, 430, 26, 14


@dataclass(frozen=True, slots=True)
class Band:
    """One band of a fan chart, from its lows to its highs, with the words at its end."""

    css_class: str
    lows: Sequence[float]
    highs: Sequence[float]
    label: str


@dataclass(frozen=True, slots=True)
class Swing:
    """One bar of a tornado: the answer when an unknown is low and when it is high."""

    what: str
    at_low: float
    at_high: float
    low_words: str
    high_words: str


@dataclass(frozen=True, slots=True)
class Node:
    """One place in a flow chart."""

    id: str
    label: str
    css_class: str = ""


@dataclass(frozen=True, slots=True)
class Link:
    """People who go from one place to another."""

    old: str
    new: str
    value: float
    css_class: str = ""


@dataclass(frozen=True, slots=True)
class Bar:
    """One bar of a bar chart."""

    label: str
    value: float
    words: str
    css_class: str = "bar"


def svg(wide: float, tall: float, name: str, body: str, note: str = "") -> str:
    """Return a drawing with its name, and its note beneath."""
    if note:
        body += text(0, tall + 16, note, "soft")
        name, tall = f"{name} {note}", tall + NOTE_PX
    return (
        f'<svg class="chart" viewBox="0 0 {wide:g} {tall:g}" role="img"'
        f' aria-label="{escape(name)}">{body}</svg>'
    )


def alone(drawing: str) -> str:
    """Return a chart with its own look in it, for where no style sheet of ours reaches."""
    opened = '<svg xmlns="http://www.w3.org/2000/svg" '
    return drawing.replace("<svg ", opened, 1).replace(">", f"><style>{PRINTED}</style>", 1)


def mirrored(drawing: str) -> str:
    """Return a chart for a page that is read from right to left.

    What was at the left is at the right, and every line of words stands upright where its mirror
    image would be, with its own direction; figures alone keep theirs.
    """
    opened, body = re.split(r"(?<=>)", drawing, maxsplit=1)
    box = re.search(r'viewBox="0 0 ([0-9.]+) ', opened)
    if box is None:
        raise ValueError("a chart without its box")
    wide = float(box[1])
    words = "".join(_turned(one, wide) for one in WORDS.finditer(body))
    shapes = WORDS.sub("", body.removesuffix("</svg>"))
    return f'{opened}<g transform="matrix(-1 0 0 1 {wide:g} 0)">{shapes}</g>{words}</svg>'


def _turned(one: re.Match[str], wide: float) -> str:
    """Return one line of words at its mirrored place."""
    attributes, said = one[1], one[2]
    at = re.search(r'\bx="([-0-9.]+)"', attributes)
    x = f'x="{wide - float(at[1]):.1f}"' if at else ""
    attributes = re.sub(r'\bx="[-0-9.]+"', x, attributes)
    if any("\u0590" <= letter <= "\u08ff" for letter in said):
        return f'<text direction="rtl"{attributes}>{said}</text>'
    turn = {"start": "end", "end": "start", "middle": "middle"}
    given = re.search(r'text-anchor="(\w+)"', attributes)
    anchor = f'text-anchor="{turn[given[1] if given else "start"]}"'
    attributes = re.sub(r' ?text-anchor="\w+"', "", attributes)
    return f'<text direction="ltr"{attributes} {anchor}>{said}</text>'


def text(x: float, y: float, words: object, css_class: str = "", anchor: str = "start") -> str:
    """Return one line of text."""
    kind = f' class="{css_class}"' if css_class else ""
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}"{kind}>{escape(str(words))}</text>'


def ticks(most: float, count: int = 4) -> list[float]:
    """Return round numbers from nought to at least ``most``, about ``count`` of them."""
    if most <= 0:
        return [0.0, 1.0]
    raw = most / count
    power = 10.0 ** (len(f"{raw:.0f}") - 1 if raw >= 1 else -len(f"{1 / raw:.0f}"))
    step = next(power * m for m in (1, 2, 2.5, 5, 10, 20, 50, 100) if power * m >= raw)
    found = [0.0]
    while found[-1] < most:
        found.append(found[-1] + step)
    return found


def number(value: float) -> str:
    """Return a number for an axis."""
    if abs(value) >= 10 or value == 0:
        return f"{value:,.0f}"
    return f"{value:.3g}"


def path(points: Sequence[tuple[float, float]]) -> str:
    """Return a path through points."""
    return "M" + "L".join(f"{x:.1f} {y:.1f}" for x, y in points)


def fan(name: str, bands: Sequence[Band], middle: Sequence[float], marks: Sequence[tuple[int, str]],
        last: str, note: str = "", seen: Sequence[tuple[int, float]] = ()) -> str:  # fmt: skip
    """Draw how an answer spreads over time: bands widest first, ``marks`` the times named below.

    ``seen`` puts a cross where something was published. Labels stand at the right ends.
    """
    wide, tall, left, right, top, foot = 760.0, 330.0, 76.0, 128.0, 14.0, 34.0
    highest = max(*bands[0].highs, *(value for _, value in seen), 1e-9)
    scale = ticks(highest)

    def x(at: float) -> float:
        return left + (wide - left - right) * at / max(1, len(middle) - 1)

    def y(value: float) -> float:
        return top + (tall - top - foot) * (1 - value / scale[-1])

    body = "".join(
        f'<path class="grid" d="M{left:g} {y(v):.1f}H{wide - right:g}"/>'
        + text(left - 8, y(v) + 4.5, number(v), "soft", "end")
        for v in scale
    )
    for band in bands:
        there = [(x(at), y(v)) for at, v in enumerate(band.highs)]
        back = [(x(at), y(v)) for at, v in reversed(list(enumerate(band.lows)))]
        body += f'<path class="{band.css_class}" d="{path([*there, *back])}Z"/>'
    body += f'<path class="mid" d="{path([(x(at), y(v)) for at, v in enumerate(middle)])}"/>'
    body += "".join(
        f'<path class="seen" d="M{x(at) - 5:.1f} {y(v) - 5:.1f}l10 10m0-10-10 10"/>'
        for at, v in seen
    )
    ends = [(y(band.highs[-1]) + 5, band.label, "soft") for band in bands]
    ends.append((y(middle[-1]) + 5, last, "strong"))
    lowest = -float(LABEL_GAP_PX)
    for at_y, label, css_class in sorted(ends):
        lowest = max(at_y, lowest + LABEL_GAP_PX)
        body += text(wide - right + 8, lowest, label, css_class)
    body += "".join(text(x(at), tall - 10, words, "soft", "middle") for at, words in marks)
    body += f'<path class="axis" d="M{left:g} {tall - foot:g}H{wide - right:g}"/>'
    return svg(wide, tall, name, body, note)


def tornado(name: str, swings: Sequence[Swing], middle: float, words: str, note: str = "") -> str:
    """Draw what moves an answer most, the widest first, around the middle answer."""
    wide, left, right, top, row = 760.0, 262.0, 30.0, 34.0, 46.0
    tall = top + row * len(swings) + 34
    ends = [middle, *(v for one in swings for v in (one.at_low, one.at_high))]
    scale = ticks(max(*ends, 1e-9))
    low = min(0.0, *ends)

    def x(value: float) -> float:
        return left + (wide - left - right) * (value - low) / (scale[-1] - low)

    body = "".join(
        f'<path class="grid" d="M{x(v):.1f} {top:g}V{tall - 30:g}"/>'
        + text(x(v), tall - 10, number(v), "soft", "middle")
        for v in scale
    )
    for at, one in enumerate(swings):
        y = top + at * row + 7
        body += _bar_of(x(middle), x(one.at_low), y, row, "a", one.low_words)
        body += _bar_of(x(middle), x(one.at_high), y, row, "b", one.high_words)
        body += text(0, y + row - 30, one.what, "strong")
    body += f'<path class="base" d="M{x(middle):.1f} {top - 8:g}V{tall - 28:g}"/>'
    body += text(x(middle), top - 14, words, "strong", "middle")
    return svg(wide, tall, name, body, note)


def _bar_of(base: float, end: float, y: float, row: float, side: str, words: str) -> str:
    first, last = sorted((base, end))
    bar = (
        f'<rect class="bar-{side}" x="{first:.1f}" y="{y:.1f}" width="{max(last - first, 1):.1f}"'
        f' height="{row - 24:g}"/>'
    )
    leftward, at_y = end < base, y + row - 30
    if last - first > INSIDE_PX:
        at_x, anchor = (first + 6, "start") if leftward else (last - 6, "end")
        return bar + text(at_x, at_y, words, f"tiny on-bar-{side}", anchor)
    at_x, anchor = (first - 5, "end") if leftward else (last + 5, "start")
    return bar + text(at_x, at_y, words, "tiny", anchor)


def sankey(name: str, columns: Sequence[Sequence[Node]], links: Sequence[Link],
           note: str = "") -> str:  # fmt: skip
    """Draw a flow from left to right; widths and the number beside each place share one scale."""
    into, out = dict.fromkeys((n.id for c in columns for n in c), 0.0), {}
    out = dict(into)
    for link in links:
        out[link.old] += link.value
        into[link.new] += link.value
    size = {node: max(into[node], out[node]) for node in into}
    top = 8.0
    scale = min(
        (SANKEY_TALL - 2 * top - SANKEY_GAP * (len(column) - 1))
        / max(sum(size[node.id] for node in column), 1e-9)
        for column in columns
    )
    place: dict[str, list[float]] = {}
    drawn = labels = ""
    for at, column in enumerate(columns):
        x = 2 + at * (SANKEY_WIDE - 190) / max(1, len(columns) - 1)
        tall = sum(size[node.id] * scale for node in column) + SANKEY_GAP * (len(column) - 1)
        y = _level(column, links, place, size, scale, tall, top)
        for node in column:
            height = size[node.id] * scale
            place[node.id] = [x, y, y, y]
            drawn += (
                f'<rect class="node {node.css_class}" x="{x:.1f}" y="{y:.1f}"'
                f' width="{SANKEY_NODE}" height="{max(height, 2):.1f}"/>'
            )
            at_y = y + min(max(height / 2 - 3, 12), 60)
            labels += text(x + SANKEY_NODE + 7, at_y, node.label, "strong halo")
            labels += text(x + SANKEY_NODE + 7, at_y + 17, number(size[node.id]), "soft halo")
            y += max(height, 10) + SANKEY_GAP
    flows = "".join(_flow(link, place, scale) for link in links)
    return svg(SANKEY_WIDE, SANKEY_TALL, name, flows + drawn + labels, note)


def _level(column: Sequence[Node], links: Sequence[Link], place: dict[str, list[float]],
           size: dict[str, float], scale: float, tall: float, top: float) -> float:  # fmt: skip
    """Return where a column hangs: level with what feeds it."""
    ids = {node.id for node in column}
    feeds = [
        (place[link.old][1] + size[link.old] * scale / 2, link.value)
        for link in links
        if link.new in ids and link.old in place
    ]
    weight = sum(value for _, value in feeds)
    if not weight:
        return top
    centre = sum(y * value for y, value in feeds) / weight
    return min(max(top, centre - tall / 2), max(top, SANKEY_TALL - top - tall))


def _flow(link: Link, place: dict[str, list[float]], scale: float) -> str:
    thick = link.value * scale
    x0, y0 = place[link.old][0] + SANKEY_NODE, place[link.old][2]
    x1, y1 = place[link.new][0], place[link.new][3]
    place[link.old][2] += thick
    place[link.new][3] += thick
    mid = (x0 + x1) / 2
    return (
        f'<path class="flow {link.css_class}" d="M{x0:.1f} {y0:.1f}C{mid:.1f} {y0:.1f} {mid:.1f}'
        f" {y1:.1f} {x1:.1f} {y1:.1f}V{y1 + thick:.1f}C{mid:.1f} {y1 + thick:.1f} {mid:.1f}"
        f' {y0 + thick:.1f} {x0:.1f} {y0 + thick:.1f}Z"/>'
    )


def bars(name: str, rows: Sequence[Bar], note: str = "", line: float | None = None,
         most: float | None = None) -> str:  # fmt: skip
    """Draw bars from nought, each with its words at its end; ``line`` marks one value."""
    wide, left, row = 1120.0, 430.0, 40.0
    highest = most or max((one.value for one in rows), default=1.0) or 1.0

    def x(value: float) -> float:
        return left + (wide - left - 110) * value / highest

    body = "".join(
        text(0, at * row + 25, one.label)
        + f'<rect class="{one.css_class}" x="{left:g}" y="{at * row + 8:g}"'
        f' width="{max(x(one.value) - left, 2):.1f}" height="24"/>'
        + text(x(one.value) + 8, at * row + 25, one.words, "strong")
        for at, one in enumerate(rows)
    )
    if line is not None:
        body += f'<path class="base" d="M{x(line):.1f} 2V{row * len(rows) + 2:g}"/>'
    return svg(wide, row * len(rows) + 4, name, body, note)


def steps(points: Sequence[tuple[float, float]]) -> list[tuple[float, float]]:
    """Return points with a corner for each change, so that what comes in lumps looks so."""
    found = [points[0]]
    for (_, before), (now, value) in pairwise(points):
        found += [(now, before), (now, value)]
    return found
