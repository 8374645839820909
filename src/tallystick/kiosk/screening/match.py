"""Two names compared word by word, in any order, and the date of birth for or against: a score.

A score is a whole number of basis points, 0 to 10,000, and comes with its reasons: which words
met and how, which met nothing, what the date did. The same two persons always give the same score.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from tallystick.kiosk.screening import sound
from tallystick.kiosk.screening.alike import LEAST, How, alike
from tallystick.kiosk.screening.births import Said
from tallystick.kiosk.screening.spelling import Word, joined

WHOLE: Final = 10_000
INITIAL_LIKE: Final = 0.90
JOINED_LEAST: Final = 0.90
JOINED_LIKE: Final = 0.98
JOINED_LENGTH_MIN: Final = 4
INITIAL_WEIGHT, SOFT_WEIGHT = 0.30, 0.08
MINE_LEFT, LISTED_LEFT = 0.35, 0.40
"""What a word that met nothing counts, on the customer's side and on the list's."""
BOTH_LEFT: Final = 1.0
"""What it counts where both sides have one left: two names that stand in each other's place."""
OPPOSED: Final = 2 * BOTH_LEFT - MINE_LEFT - LISTED_LEFT
"""What two words in each other's place count beyond what each counts by itself."""
WEAK_ALIAS: Final = 0.95
SINGLE_MOST: Final = 0.60
"""The most when one word of several met: a first name alone is nobody."""
BORN: Final = {
    Said.UNKNOWN: -0.06,
    Said.SAME_DAY: 0.14,
    Said.AGREES: 0.06,
    Said.SWAPPED: 0.06,
    Said.NEAR: 0.0,
    Said.CONTRADICTS: -0.35,
}

Weigh = Callable[[str], float]


@dataclass(frozen=True, slots=True)
class Met:
    """Words of both names that met: their positions, how alike, and in what way."""

    mine: tuple[int, ...]
    listed: tuple[int, ...]
    alike: float
    how: How


@dataclass(frozen=True, slots=True)
class Score:
    """What two names have in common."""

    share: float
    met: tuple[Met, ...]


def weight(word: Word, weigh: Weigh) -> float:
    """Return how much a word tells: a rare name more than a common one, a particle nearly none."""
    if word.soft:
        return SOFT_WEIGHT
    return INITIAL_WEIGHT if word.initial else weigh(word.text)


def weights(words: Sequence[Word], weigh: Weigh) -> list[float]:
    """Return how much each word of a name tells."""
    return [weight(word, weigh) for word in words]


def compare(
    mine: Sequence[Word], listed: Sequence[Word], tells: Sequence[float], told: Sequence[float]
) -> Score:
    """Compare two names, given how much each word tells; 1 means that every word met its like."""
    met = _meet(mine, listed)
    mine_left, listed_left = list(tells), list(told)
    held = whole = 0.0
    strong = 0
    for one in met:
        both = 0.0
        for at in one.mine:
            both, mine_left[at] = both + tells[at], 0.0
        for at in one.listed:
            both, listed_left[at] = both + told[at], 0.0
        if one.how is not How.INITIAL and any(listed[at].strong for at in one.listed):
            strong += sum(mine[at].strong for at in one.mine)
        held += both * one.alike
        whole += both
    whole += left_over(mine_left, listed_left)
    share = held / whole if whole else 0.0
    if strong < min(2, _strong(mine), _strong(listed)):
        share = min(share, SINGLE_MOST if strong else 0.0)
    return Score(share, tuple(sorted(met, key=lambda one: one.mine)))


def _strong(words: Sequence[Word]) -> int:
    return sum(word.strong for word in words)


def left_over(mine: list[float], listed: list[float]) -> float:
    """Return what words that met nothing count; those that oppose one another count whole."""
    mine, listed = sorted(mine, reverse=True), sorted(listed, reverse=True)
    pairs = min(len(mine), len(listed))
    opposed = sum(min(a, b) for a, b in zip(mine[:pairs], listed[:pairs], strict=True))
    rest = sum(mine) * MINE_LEFT + sum(listed) * LISTED_LEFT
    return rest + opposed * OPPOSED


def _meet(mine: Sequence[Word], listed: Sequence[Word]) -> list[Met]:
    """Pair the words that are most alike, each once; then words written as one; then initials."""
    pairs = []
    for a, one in enumerate(mine):
        for b, other in enumerate(listed):
            like, how = alike(one, other)
            if like >= LEAST:
                pairs.append((-like, abs(a - b), a, b, how))
    free_mine, free_listed = set(range(len(mine))), set(range(len(listed)))
    met = []
    for like, _, a, b, how in sorted(pairs):
        if a in free_mine and b in free_listed:
            free_mine.discard(a)
            free_listed.discard(b)
            met.append(Met((a,), (b,), -like, how))
    if free_mine and free_listed:
        met += _meet_joined(mine, listed, free_mine, free_listed, False)
        met += _meet_joined(listed, mine, free_listed, free_mine, True)
        met += _meet_initials(mine, listed, free_mine, free_listed)
    return met


def _meet_joined(
    one: Sequence[Word], two: Sequence[Word], free: set[int], free_two: set[int], turned: bool
) -> list[Met]:
    """Pair two free neighbours with one free word that is both of them."""
    met = []
    for at in range(len(one) - 1):
        if at not in free or at + 1 not in free:
            continue
        whole = joined(one[at], one[at + 1])
        place = next((b for b in sorted(free_two) if as_one(whole, two[b])), None)
        if place is not None:
            free -= {at, at + 1}
            free_two.discard(place)
            pair, single = (at, at + 1), (place,)
            mine, listed = (single, pair) if turned else (pair, single)
            met.append(Met(mine, listed, JOINED_LIKE, How.JOINED))
    return met


def as_one(whole: Word, word: Word) -> bool:
    """Say whether two words written as one are this word: it must sound the same."""
    if len(whole.bones) < 2 or len(word.text) < JOINED_LENGTH_MIN:
        return False
    if sound.thin(whole.bones) != sound.thin(word.bones):
        return False
    return whole.poor != word.poor or alike(whole, word)[0] >= JOINED_LEAST


def _meet_initials(
    mine: Sequence[Word], listed: Sequence[Word], free: set[int], free_two: set[int]
) -> list[Met]:
    met = []
    for a in sorted(free):
        for b in sorted(free_two):
            one, other = mine[a], listed[b]
            if _stands_for(one, other):
                free_two.discard(b)
                met.append(Met((a,), (b,), INITIAL_LIKE, How.INITIAL))
                break
    free -= {at for one in met for at in one.mine}
    return met


def _stands_for(one: Word, other: Word) -> bool:
    """Say whether one is an initial, and may stand for the other; a particle has none."""
    if not (one.initial or other.initial) or one.soft or other.soft:
        return False
    return one.text[0] == other.text[0] or one.sound[0] == other.sound[0]


def points(share: float, weak: bool, said: Said) -> int:
    """Return the score in basis points, with what a weak alias and the date of birth do to it."""
    told = share * (WEAK_ALIAS if weak else 1.0) + BORN[said]
    return round(max(0.0, min(1.0, told)) * WHOLE)
