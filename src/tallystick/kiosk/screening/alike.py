"""How alike two words are, from 0 to 1, and in what way: the smallest step of a match.

Pure and exact. The index finds words by keys of their consonants and letters; whatever is alike
here is found there (`sure_keys`, and `far_asks` among `far_keys`), so that nothing is lost.
"""

from __future__ import annotations

import enum
import functools
from typing import Final

from rapidfuzz.distance import OSA, Levenshtein

from tallystick.kiosk.screening import sound
from tallystick.kiosk.screening.spelling import Word

PAIRS_CACHED: Final = 1_000_000
SPELLED: Final = 0.985
POOR_SAME, POOR_NEAR = 0.95, 0.80
LEAST: Final = 0.70
"""Below this two words are not the same name."""
SHORT: Final = 3
"""Words of so few consonants have the same ones, or ones that are written for one another."""
TYPO_LENGTH_MIN: Final = 5
TYPO_COST: Final = 0.65
"""What one wrong, missing, added or exchanged letter costs, in letters."""
FIRST_COST: Final = 0.45
"""More when words begin differently: people misspell the beginning least."""
NEAR_COST: Final = 0.45
SAME_KIND_COST: Final = 0.3
BREATH_COST: Final = 0.6
CONSONANT_COST: Final = 1.0
VOWEL_COST: Final = {
    **dict.fromkeys(("ou", "ei"), 0.1),
    "ae": 0.3,
    "ao": 0.4,
    "au": 0.6,
    "ai": 0.8,
    "eo": 0.6,
    "eu": 0.8,
    "io": 0.9,
    "iu": 0.9,
}
"""By two vowels in the order of the alphabet, except that o and u, e and i are close."""
LONG_COST: Final = 0.6
VOWEL_LOST: Final = 0.35
VOWEL_ENDS: Final = 0.7
"""A vowel at the end is often another name, or another sex."""
NEAR: Final = frozenset(map(frozenset, ("Ch", "Ck", "kh", "vb", "pf", "yj", "yh", "gh", "dz")))
"""Consonants of two kinds that are still written for one another, one in a word."""

GROUPS: Final = ("skh", "fp", "ys", "yh", "ts")
"""The same, of coarse consonants (`sound.coarse`): what may stand for one another."""
LOST: Final = "hy"
"""Consonants that one spelling has and another leaves out."""


class How(enum.StrEnum):
    """In what way two words are alike."""

    SAME = "the same"
    SPELLED = "another spelling of the same sound"
    CONSONANTS = "the same consonants; one script writes few vowels"
    NEAR = "nearly the same"
    TYPO = "a letter off"
    INITIAL = "an initial"
    JOINED = "written as one word"


def sure_keys(word: Word) -> frozenset[str]:
    """Return the keys of words that have the same consonants, or nearly the same letters."""
    found = {sound.coarse(word.bones), sound.thin(word.bones)}
    if len(word.text) >= TYPO_LENGTH_MIN:
        found |= {f"={text}" for text in (word.text, *_lacking_one(word.text))}
    return frozenset(found)


def far_keys(word: Word) -> list[str]:
    """Return the keys under which a listed word is found by one that is a consonant apart."""
    plain = sound.coarse(word.bones)
    return [f"={plain}", *(f"-{rest}" for rest in _shorter(plain)), *_other(plain)]


def far_asks(word: Word) -> list[str]:
    """Return the keys that a word asks for: one consonant less, one more, or another."""
    plain = sound.coarse(word.bones)
    return [f"-{plain}", *(f"={rest}" for rest in _shorter(plain)), *_other(plain)]


def _shorter(plain: str) -> list[str]:
    """Return consonants without one; of a short word only without one that is easily lost."""
    if len(plain) > SHORT:
        return _lacking_one(plain)
    return [plain[:at] + plain[at + 1 :] for at, c in enumerate(plain) if c in LOST]


def _other(plain: str) -> list[str]:
    """Return keys that words with another consonant in one place share."""
    if len(plain) > SHORT:
        return [f"{at}{rest}" for at, rest in enumerate(_lacking_one(plain))]
    return [
        f"{at}{group}{rest}"
        for at, rest in enumerate(_lacking_one(plain))
        for group in GROUPS
        if plain[at] in group
    ]


def _lacking_one(text: str) -> list[str]:
    return [text[:at] + text[at + 1 :] for at in range(len(text))]


@functools.lru_cache(maxsize=PAIRS_CACHED)
def alike(one: Word, other: Word) -> tuple[float, How]:
    """Return how alike two words are: 0 for two names, 1 for the same one."""
    if one.text == other.text:
        return 1.0, How.SAME
    if one.initial or other.initial:
        return 0.0, How.NEAR
    if one.poor != other.poor:
        return _across(one, other)
    if one.sound == other.sound:
        return SPELLED, How.SPELLED
    return max(_heard(one, other), _typed(one, other), key=lambda found: found[0])


def _across(one: Word, other: Word) -> tuple[float, How]:
    """Compare a word of a script with few vowels with one of a script that writes them."""
    bare, full = (one, other) if one.poor else (other, one)
    plain, told = sound.coarse(bare.bones), sound.coarse(full.bones)
    length = max(4, len(full.sound))
    if plain == told:
        cost = _missing(sound.slots(bare.sound), sound.slots(full.sound))
        cost += _consonants(bare.bones, full.bones)
        return _share(cost, length, POOR_SAME), How.CONSONANTS
    if plain == sound.thin(full.bones):
        return POOR_SAME - 0.03, How.CONSONANTS
    if not _one_apart(plain, told):
        return 0.0, How.NEAR
    return _share(_one_consonant(bare.bones, full.bones), length, POOR_SAME - 0.03), How.NEAR


def _one_apart(one: str, other: str) -> bool:
    """Say whether one consonant is lost, added or another.

    Of short words only one that is easily lost, or written for the other: else they are two names.
    """
    if min(len(one), len(other)) < 2 or Levenshtein.distance(one, other, score_cutoff=1) > 1:
        return False
    if max(len(one), len(other)) > SHORT:
        return min(len(one), len(other)) >= SHORT
    if len(one) != len(other):
        longer, shorter = sorted((one, other), key=len, reverse=True)
        return shorter in _shorter(longer)
    a, b = next((a, b) for a, b in zip(one, other, strict=True) if a != b)
    return any(a in group and b in group for group in GROUPS)


def _missing(bare: list[str], full: list[str]) -> float:
    """Return the cost of long vowels that are written in one script and not heard in the other."""
    cost = 0.0
    for at, (long, heard) in enumerate(zip(bare, full, strict=True)):
        if long and at and not any(_vowel(a, b) <= 0.4 for a in long for b in heard):
            cost += LONG_COST
    return cost


def _heard(one: Word, other: Word) -> tuple[float, How]:
    """Compare by sound: consonants count most, then vowels by how far apart they are."""
    length = (len(one.sound) + len(other.sound)) / 2
    plain, told = sound.coarse(one.bones), sound.coarse(other.bones)
    if plain == told:
        cost = _vowels(sound.slots(one.sound), sound.slots(other.sound))
        cost += _consonants(one.bones, other.bones)
        return _share(cost, length, SPELLED), How.SPELLED
    if not _one_apart(plain, told):
        return 0.0, How.NEAR
    all_ = Levenshtein.distance(one.sound, other.sound)
    cost = _one_consonant(one.bones, other.bones) + VOWEL_LOST * max(0, all_ - 1)
    return _share(cost, length, SPELLED), How.NEAR


def _consonants(one: str, other: str) -> float:
    """Return what consonants cost that are written for one another."""
    return sum(SAME_KIND_COST for a, b in zip(one, other, strict=True) if a != b)


def _one_consonant(one: str, other: str) -> float:
    """Return what one consonant that is lost, added or another costs."""
    if len(one) != len(other):
        longer = max(one, other, key=len)
        shorter = min(one, other, key=len)
        if longer[0] == "y" and longer[1:] == shorter:
            return NEAR_COST
        breath = any(
            c == "h" and longer[:at] + longer[at + 1 :] == shorter for at, c in enumerate(longer)
        )
        return BREATH_COST if breath else CONSONANT_COST
    pairs = [frozenset((a, b)) for a, b in zip(one, other, strict=True) if a != b]
    cost = CONSONANT_COST if any(pair not in NEAR for pair in pairs) else NEAR_COST
    return cost + (FIRST_COST if one[0] != other[0] and cost == CONSONANT_COST else 0.0)


def _vowels(one: list[str], other: list[str]) -> float:
    last = len(one) - 1
    return sum(
        _slot(a, b, at == 0, at == last)
        for at, (a, b) in enumerate(zip(one, other, strict=True))
        if a != b
    )


def _slot(one: str, other: str, first: bool, last: bool) -> float:
    """Return what it costs to have other vowels in one place."""
    if not one or not other:
        return VOWEL_ENDS if last or first else VOWEL_LOST
    least = min(_vowel(a, b) for a in one for b in other)
    return least + (0.15 if len(one) != len(other) else 0.0)


def _vowel(one: str, other: str) -> float:
    if one == other:
        return 0.0
    return VOWEL_COST.get(one + other, VOWEL_COST.get(other + one, 0.8))


def _typed(one: Word, other: Word) -> tuple[float, How]:
    """Compare by letters, for what a person mistyped."""
    length = min(len(one.text), len(other.text))
    if length < TYPO_LENGTH_MIN or OSA.distance(one.text, other.text, score_cutoff=1) > 1:
        return 0.0, How.NEAR
    first = FIRST_COST if one.text[0] != other.text[0] else 0.0
    return _share(TYPO_COST + first, length, SPELLED), How.TYPO


def _share(cost: float, length: float, most: float) -> float:
    return max(0.0, most - cost / length)
