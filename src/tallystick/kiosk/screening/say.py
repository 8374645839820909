"""Why a score is what it is, in sentences for people who review: which words met, and the date."""

from __future__ import annotations

from collections.abc import Sequence

from tallystick.kiosk.screening.births import Said
from tallystick.kiosk.screening.index import Hit
from tallystick.kiosk.screening.spelling import Word, words

DATES = {
    Said.UNKNOWN: "One of the two has no date of birth; the score is a little lower for it.",
    Said.SAME_DAY: "The dates of birth are the same day; this supports the match.",
    Said.AGREES: "The dates of birth agree as far as they are known; this supports the match.",
    Said.SWAPPED: "The dates of birth are the same with day and month swapped; this supports it.",
    Said.NEAR: "The dates of birth are within a year of one another; this does nothing.",
    Said.CONTRADICTS: "The dates of birth contradict one another; the score is much lower for it.",
}


def reasons(hit: Hit) -> list[str]:
    """Return the reasons of a score. They quote the customer's name: keep them nowhere."""
    mine, listed = words(hit.mine), words(hit.listed.text)
    said = [
        f"“{_text(mine, one.mine)}” and “{_text(listed, one.listed)}”: "
        f"{one.how.value} ({one.alike:.0%})"
        for one in hit.met
    ]
    left = _left(mine, {at for one in hit.met for at in one.mine})
    if left:
        said.append(f"Only in the customer’s name: {left}.")
    left = _left(listed, {at for one in hit.met for at in one.listed})
    if left:
        said.append(f"Only in the listed name: {left}.")
    if hit.listed.weak:
        said.append("The authority calls this name a weak alias.")
    return [*said, DATES[hit.said]]


def _text(name: Sequence[Word], places: Sequence[int]) -> str:
    return " ".join(name[at].text for at in places)


def _left(name: Sequence[Word], met: set[int]) -> str:
    return ", ".join(f"“{word.text}”" for at, word in enumerate(name) if at not in met)
