"""Bars of published figures, drawn on the server, the table beside them (Decision 11).

A hidden figure is hatched at one width, whatever it is, so that its bar tells nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

from markupsafe import Markup

from tallystick.hubs.statistics import ALL, STEPS, Release
from tallystick.web.hubs_public.sayings import FIGURES

WIDTH: Final = 640
ROW: Final = 34
LABEL: Final = 330
BAR: Final = 240
HIDDEN_WIDTH: Final = 40


def rows_of(release: Release) -> list[tuple[str, int | None]]:
    """Return the totals of a quarter by kind of step, in the order of the tables."""
    found = {
        one.row: one.value
        for one in release.figures
        if (one.period, one.table, one.column) == (release.quarter, "by-host", ALL)
    }
    return [(row, found[row]) for row in STEPS if row in found]


def bars(rows: Sequence[tuple[str, int | None]], said: str, word: Callable[[str], str]) -> Markup:
    """Draw one bar for each row; ``said`` names the drawing for a screen reader.

    ``word`` returns a text in the reader's language.
    """
    most = max([value for _, value in rows if value] or [1])
    drawn = [_bar(number, row, value, most, word) for number, (row, value) in enumerate(rows)]
    return Markup(
        '<svg class="chart bars" viewBox="0 0 {} {}" role="img" aria-label="{}">'
        '<defs><pattern id="hatch" width="8" height="8" patternUnits="userSpaceOnUse" '
        'patternTransform="rotate(45)"><path class="hatchx" d="M0 0v8"/></pattern></defs>{}</svg>'
    ).format(WIDTH, ROW * len(rows) + 6, said, Markup("").join(drawn))


def _bar(number: int, row: str, value: int | None, most: int, word: Callable[[str], str]) -> Markup:
    top = number * ROW + 6
    wide = HIDDEN_WIDTH if value is None else max(BAR * value // most, 2 if value else 0)
    kind = "hidden" if value is None else "full"
    return Markup(
        '<text class="name" x="{}" y="{}" text-anchor="end">{}</text>'
        '<rect class="{}" x="{}" y="{}" width="{}" height="20" rx="2"/>'
        '<text class="value" x="{}" y="{}">{}</text>'
    ).format(
        *(LABEL - 10, top + 15, word(FIGURES[row])),
        *(kind, LABEL, top, wide),
        *(LABEL + wide + 8, top + 15, word("hidden") if value is None else f"{value:,}"),
    )
