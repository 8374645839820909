"""A name as words that can be compared: any script in plain letters, no case, no ornaments.

Scripts are turned into Latin letters character by character (anyascii), with rules of our own
where that loses something: Arabic and Hebrew write few vowels, so their words say so; Chinese
characters become one word each. Titles and particles stay, but count for little.
"""

from __future__ import annotations

import functools
import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from anyascii import anyascii

from tallystick.kiosk.screening import sound
from tallystick.kiosk.screening.errors import NameUnusable

NAME_LENGTH_MAX: Final = 1_000
WORDS_MAX: Final = 24
WORD_LENGTH_MAX: Final = 60
WORDS_CACHED: Final = 500_000

TITLES: Final = frozenset(
    [
        "mr",
        "mrs",
        "ms",
        "miss",
        "dr",
        "prof",
        "professor",
        "sir",
        "lord",
        "lady",
        "rev",
        "hon",
        "eng",
        "engr",
        "sheikh",
        "shaikh",
        "shaykh",
        "sheik",
        "cheikh",
        "haji",
        "hajji",
        "hajj",
        "alhaji",
        "mullah",
        "mulla",
        "maulana",
        "mawlana",
        "maulvi",
        "mawlawi",
        "ustad",
        "imam",
        "ayatollah",
        "hojatoleslam",
        "general",
        "gen",
        "colonel",
        "col",
        "major",
        "maj",
        "captain",
        "capt",
        "lieutenant",
        "brigadier",
        "admiral",
        "jr",
        "sr",
        "ii",
        "iii",
        "iv",
        "don",
        "dona",
        "senor",
        "shri",
        "smt",
    ]
)
PARTICLES: Final = frozenset(
    [
        "al",
        "el",
        "ul",
        "ur",
        "ad",
        "ar",
        "as",
        "az",
        "an",
        "at",
        "ash",
        "ibn",
        "bin",
        "ben",
        "bint",
        "binti",
        "abi",
        "von",
        "van",
        "der",
        "den",
        "ter",
        "ten",
        "zu",
        "zur",
        "de",
        "del",
        "della",
        "di",
        "da",
        "do",
        "dos",
        "das",
        "du",
        "la",
        "le",
        "les",
        "lo",
        "y",
        "e",
        "i",
        "und",
        "and",
        "st",
        "san",
        "santa",
        "ap",
        "ab",
        "mac",
        "mc",
        "ould",
        "bou",
        "oglu",
        "ogly",
        "kyzy",
        "qizi",
        "zadeh",
    ]
)
SOFT: Final = TITLES | PARTICLES
"""Words that many names have, or that are left out at will."""
NEVER_NAMES: Final = frozenset(
    {"mr", "mrs", "ms", "dr", "prof", "jr", "sr", "ii", "iii", "iv"}
    | {"al", "el", "ul", "ur", "ad", "ar", "as", "az", "at", "ash"}
)
"""Titles and articles that nobody bears as a name."""
SERVANT: Final = frozenset({"abd", "abdul", "abdel", "abdal", "abdu", "abdol"})
ARTICLES: Final = frozenset({"al", "el", "ul", "ur", "ad", "ar", "as", "az", "an", "at", "ash"})
POOR: Final = frozenset({"DEVANAGARI", "BENGALI", "GURMUKHI", "GUJARATI"})
"""Scripts whose vowels a transliteration by letters loses in part."""
ARABIC: Final = {
    **dict.fromkeys("اأإآٱى", "a"),
    "ب": "b",
    "ت": "t",
    "ث": "t",
    "ج": "j",
    "ح": "h",
    "خ": "h",
    "د": "d",
    "ذ": "d",
    "ر": "r",
    "ز": "z",
    "س": "s",
    "ش": "S",
    "ص": "s",
    "ض": "d",
    "ط": "t",
    "ظ": "z",
    "غ": "g",
    "ف": "f",
    "ق": "k",
    "ك": "k",
    "ک": "k",
    "ل": "l",
    "م": "m",
    "ن": "n",
    "ه": "h",
    "ة": "h",
    "ھ": "h",
    "ہ": "h",
    "ۀ": "h",
    "و": "w",
    "ؤ": "w",
    "ي": "y",
    "ی": "y",
    "ئ": "y",
    "ے": "y",
    "پ": "p",
    "چ": "C",
    "ژ": "j",
    "گ": "g",
    "ڤ": "f",
    "ٹ": "t",
    "ڈ": "d",
    "ڑ": "r",
    "ں": "n",
}
HEBREW: Final = {
    "א": "a",
    "ב": "b",
    "ג": "g",
    "ד": "d",
    "ה": "h",
    "ו": "w",
    "ז": "z",
    "ח": "h",
    "ט": "t",
    "י": "y",
    "כ": "k",
    "ך": "k",
    "ל": "l",
    "מ": "m",
    "ם": "m",
    "נ": "n",
    "ן": "n",
    "ס": "s",
    "פ": "p",
    "ף": "p",
    "צ": "z",
    "ץ": "z",
    "ק": "k",
    "ר": "r",
    "ש": "S",
    "ת": "t",
}
"""How each letter sounds, as in `sound`; what is not here is not heard."""
APOSTROPHES: Final = frozenset("'’ʼ`´‘ʻʹʺ")
NORDIC: Final = str.maketrans({"Ø": "O", "ø": "o", "Å": "A", "å": "a", "Æ": "Ae", "æ": "ae"})
SOUNDS: Final = {"ARABIC": ARABIC, "HEBREW": HEBREW}


@dataclass(frozen=True, slots=True, eq=False)
class Word:
    """One word of a name: plain letters, as it sounds, its consonants, and what it is.

    Made by `made_word` alone, which gives one text the same object: what is looked up by words,
    thousands of times for a customer, is then looked up by identity.
    """

    text: str
    sound: str
    bones: str
    poor: bool
    """Whether its script writes few vowels."""
    soft: bool
    """Whether it is a title or a particle."""
    initial: bool
    """Whether it is a letter that stands for a name."""
    strong: bool
    """Whether it is a name, and neither of these."""


@functools.lru_cache(maxsize=WORDS_CACHED)
def made_word(text: str, heard: str, poor: bool, soft: bool) -> Word:
    """Return the word of a text, the same object each time."""
    initial = len(text) == 1
    return Word(text, heard, sound.bones(heard), poor, soft, initial, not (soft or initial))


def words(name: str) -> tuple[Word, ...]:
    """Return the words of a name, in its order.

    Where fewer than two would be left, particles and titles are names: Le Dung, John Major.
    Raises `NameUnusable` for a name without a word of two letters, or longer than anybody's.
    """
    if len(name) > NAME_LENGTH_MAX:
        raise NameUnusable(f"a name has at most {NAME_LENGTH_MAX} characters")
    found = tuple(_servants(_split(name)))[:WORDS_MAX]
    if sum(word.strong for word in found) < 2:
        found = tuple(_hardened(word) for word in found)
    if not any(word.strong for word in found):
        raise NameUnusable("a name has a word of two letters or more")
    return found


def _hardened(word: Word) -> Word:
    soft = word.soft and word.text in NEVER_NAMES
    return made_word(word.text, word.sound, word.poor, soft)


def _split(name: str) -> list[Word]:
    """Split and turn into plain letters. ``LAST, First`` is turned round."""
    text = unicodedata.normalize("NFC", name)
    if text.count(",") == 1:
        last, _, first = text.partition(",")
        text = f"{first} {last}"
    text = "".join(c for c in text if c not in APOSTROPHES)
    spaced = "".join(c if c.isalnum() or unicodedata.category(c)[0] == "M" else " " for c in text)
    return [word for part in spaced.split() for word in _plain(part)]


@functools.lru_cache(maxsize=WORDS_CACHED)
def _plain(part: str) -> tuple[Word, ...]:
    """Return the plain words of what stands between two spaces."""
    script = _script(part)
    if script in SOUNDS:
        return _bare(part, SOUNDS[script])
    latin = anyascii(part.translate(NORDIC))
    pieces = [latin]
    if script in ("CJK", "HANGUL"):
        pieces = re.findall(r"[A-Z]?[a-z]+", latin) or pieces
    plain = (re.sub(r"[^a-z0-9]", "", piece.lower())[:WORD_LENGTH_MAX] for piece in pieces)
    return tuple(_word(piece, script in POOR) for piece in plain if piece)


def _bare(part: str, sounds: Mapping[str, str]) -> tuple[Word, ...]:
    """Return a word of a script with few vowels, letter by letter, without the article."""
    text = "".join(sounds.get(c, "") for c in part)[:WORD_LENGTH_MAX]
    if sounds is ARABIC and text.startswith("al") and len(text) >= 5:
        text = text[2:]
    if not text:
        return ()
    heard = sound.poor(text)
    plain = text.replace("S", "sh").replace("C", "ch")
    return (made_word(plain, heard, True, False),)


def _script(part: str) -> str:
    """Return the script of a part by its first letter: ``LATIN``, ``ARABIC``, ``CJK`` …"""
    first = next((c for c in part if c.isalpha()), "")
    return unicodedata.name(first, "LATIN").split()[0].split("-")[0] if first else "LATIN"


def _word(text: str, poor: bool) -> Word:
    return made_word(text, sound.of(text), poor, text in SOFT)


def _servants(found: list[Word]) -> list[Word]:
    """Join ``Abd al-Rahman`` and ``Abdul Rahman`` into the one name that they are."""
    made: list[Word] = []
    at = 0
    while at < len(found):
        word, end = found[at], at + 1
        bare = word.text in SERVANT or (word.poor and word.text == "bd")
        if bare and end < len(found):
            if found[end].text in ARTICLES and end + 1 < len(found):
                end += 1
            word = joined(word, found[end])
            end += 1
        made.append(word)
        at = end
    return made


@functools.lru_cache(maxsize=WORDS_CACHED)
def joined(one: Word, other: Word) -> Word:
    """Return two words written as one."""
    text = one.text + other.text
    poor = one.poor or other.poor
    heard = one.sound + other.sound if poor else sound.of(text)
    return made_word(text, heard, poor, False)
