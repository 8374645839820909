"""Two charts of the reserve, as SVG from the server: holdings as a step, releases as bars.

Each is named for a screen reader, drawn from zero, and stands above the same figures in a table
(Decision 11). Attributes only, since our pages forbid inline style.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from markupsafe import Markup, escape

WIDTH: Final = 760
HEIGHT: Final = 280
LEFT: Final = 64
RIGHT: Final = 132
TOP: Final = 14
BOTTOM: Final = 34
BAR_WIDTH: Final = 520
BAR_ROW: Final = 40
BAR_LEFT: Final = 64
BAR_RIGHT: Final = 132
LABELS_MAX: Final = 6
TICKS: Final = 4


def _text(x: float, y: float, said: str, name: str = "", anchor: str = "start") -> str:
    look = f' class="{name}"' if name else ""
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}"{look}>{escape(said)}</text>'


def _svg(width: int, height: int, name: str, body: str) -> Markup:
    return Markup(  # noqa: S704 - shapes are numbers of ours; every text is escaped
        f'<svg class="chart" viewBox="0 0 {width} {height}" role="img"'
        f' aria-label="{escape(name)}">{body}</svg>'
    )


def nice(most: int) -> int:
    """Return a round step for an axis from zero to ``most``, in the same units."""
    step = 1
    while step * TICKS < most:
        for factor in (2, 5, 10):
            if step * factor * TICKS >= most:
                return step * factor
        step *= 10
    return step


def steps(name: str, points: Sequence[tuple[str, int]], unit: int, last: str) -> Markup:
    """Draw what was held from each day on: a step, because coins come in lots.

    ``points`` are a label and a sum in minor units, oldest first; ``unit`` is one whole of it.
    """
    step = nice(max((value for _, value in points), default=1))
    top, count = step * TICKS, max(len(points), 1)

    def x(at: float) -> float:
        return LEFT + (WIDTH - LEFT - RIGHT) * at / count

    def y(value: int) -> float:
        return TOP + (HEIGHT - TOP - BOTTOM) * (1 - value / top)

    lines = [
        f'<path class="grid" d="M{LEFT} {y(tick):.1f}H{WIDTH - RIGHT}"/>'
        + _text(LEFT - 8, y(tick) + 4.5, decimal(tick, unit), "soft", "end")
        for tick in range(0, top + 1, step)
    ]
    path, before = f"M{x(0):.1f} {y(0):.1f}", 0
    for at, (_, value) in enumerate(points):
        path += f"H{x(at + 0.5):.1f}V{y(value):.1f}"
        before = value
    path += f"H{x(count):.1f}"
    every = -(-len(points) // LABELS_MAX)
    labels = [
        _text(x(at + 0.5), HEIGHT - 10, label, "soft", "middle")
        for at, (label, _) in enumerate(points)
        if at % every == 0
    ]
    body = "".join(lines) + f'<path class="area" d="{path}V{y(0):.1f}H{x(0):.1f}Z"/>'
    body += f'<path class="mid" d="{path}"/>'
    body += _text(WIDTH - RIGHT + 8, y(before) + 5, last, "strong")
    axis = f'<path class="axis" d="M{LEFT} {HEIGHT - BOTTOM}H{WIDTH - RIGHT}"/>'
    return _svg(WIDTH, HEIGHT, name, body + axis + "".join(labels))


def decimal(minor: int, unit: int) -> str:
    """Return a sum in whole units with as few decimals as it needs."""
    whole, part = divmod(minor, unit)
    digits = len(str(unit)) - 1
    tail = f"{part:0{digits}}".rstrip("0")
    return f"{whole:,}" + (f".{tail}" if tail else "")


def bars(name: str, rows: Sequence[tuple[str, int, str]]) -> Markup:
    """Draw bars with the words on them: a label, a value, and the value in words."""
    most = max((value for _, value, _ in rows), default=1) or 1
    body = ""
    for at, (label, value, words) in enumerate(rows):
        wide = max((BAR_WIDTH - BAR_LEFT - BAR_RIGHT) * value / most, 2)
        body += _text(0, at * BAR_ROW + 25, label)
        body += f'<rect class="bar-1" x="{BAR_LEFT}" y="{at * BAR_ROW + 8}"'
        body += f' width="{wide:.1f}" height="24"/>'
        body += _text(BAR_LEFT + wide + 8, at * BAR_ROW + 25, words, "strong")
    return _svg(BAR_WIDTH, BAR_ROW * max(len(rows), 1) + 4, name, body)
