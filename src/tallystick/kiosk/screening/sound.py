"""How a word sounds, roughly and across languages, so that spellings of one name meet.

Mohammed and Muhammad, Yusuf and Youssef, Ivanov and Iwanow differ in vowels and doubled letters;
what carries a name is its consonants. The rules are for names that went through many
romanisations, not for one language: they are few, ordered, and the same on both sides.
"""

from __future__ import annotations

import functools
import re
from typing import Final

HEARD_CACHED: Final = 400_000
VOWELS: Final = frozenset("aeiou")
RULES: Final = (
    *(("schtsch", "S"), ("chtch", "S"), ("shch", "S"), ("tsch", "C"), ("tch", "C"), ("dsch", "j")),
    *(("sch", "S"), ("dzh", "j"), ("ch", "C"), ("sh", "S"), ("sz", "S"), ("cz", "C"), ("kh", "h")),
    *(("gh", "g"), ("ph", "f"), ("th", "t"), ("dh", "d"), ("zh", "j"), ("dj", "j"), ("ts", "z")),
    *(("tz", "z"), ("dz", "z"), ("hs", "S"), ("ck", "k"), ("cc", "k"), ("ce", "ze"), ("ci", "zi")),
    *(("cy", "zi"), ("qu", "k"), ("q", "k"), ("x", "ks"), ("c", "k"), ("w", "v")),
    *(("lj", "li"), ("nj", "ni"), ("rj", "ri"), ("vj", "vi"), ("tj", "ti")),
    *(("oo", "u"), ("ou", "u"), ("oy", "u"), ("eu", "u"), ("ue", "u"), ("oe", "o"), ("eo", "o")),
    *(("ee", "i"), ("ie", "i"), ("ij", "i"), ("iy", "i"), ("yi", "i")),
    *(("ai", "e"), ("ay", "e"), ("ei", "e"), ("ey", "e"), ("ae", "e"), ("y", "i")),
)
"""From the longest to the shortest; what is replaced first is not looked at again."""
ENDS: Final = (("off", "ov"), ("eff", "ev"), ("ej", "e"), ("aj", "e"), ("oj", "oi"))
SILENT: Final = re.compile(r"(?<=o)h(?=[^aeiou])")
GLIDE: Final = re.compile(r"^[yi](?=[aeou])")
COARSE: Final = str.maketrans("gkdtbpvfCjSzs", "kkttppffsssss")
"""Consonants that one romanisation or dialect writes for the other, as one."""


@functools.lru_cache(maxsize=HEARD_CACHED)
def of(text: str) -> str:
    """Return how a word in Latin letters sounds.

    Capitals are single sounds: C as in church, S as in ship. A ``y`` is one before a vowel at the
    beginning; elsewhere it is a vowel.
    """
    heard = "S" + text[1:] if text.startswith("x") else text
    if len(heard) > 3:
        for old, new in ENDS:
            if heard.endswith(old):
                heard = heard[: -len(old)] + new
    glide = bool(GLIDE.match(heard))
    heard = SILENT.sub("", heard[1:] if glide else heard)
    for old, new in RULES:
        if old in heard:
            heard = heard.replace(old, new)
    heard = _single(("y" if glide else "") + heard)
    if len(heard) > 2 and heard.endswith("h") and heard[-2] in VOWELS:
        heard = heard[:-1]
    return heard or text


@functools.lru_cache(maxsize=HEARD_CACHED)
def poor(text: str) -> str:
    """Return how a word of a script with few vowels sounds: w and y inside it are long vowels."""
    text = text.replace("q", "k").replace("c", "C")
    first, rest = text[:1].replace("w", "v"), text[1:]
    heard = _single(first + rest.replace("w", "u").replace("v", "u").replace("y", "i"))
    return heard[:-1] if len(heard) > 2 and heard.endswith("h") else heard


def _single(text: str) -> str:
    """Return a text without doubled letters."""
    return "".join(c for at, c in enumerate(text) if not at or c != text[at - 1])


@functools.lru_cache(maxsize=HEARD_CACHED)
def bones(heard: str) -> str:
    """Return the consonants of what was heard; a word of vowels alone keeps them."""
    return "".join(c for c in heard if c not in VOWELS) or heard


@functools.lru_cache(maxsize=HEARD_CACHED)
def coarse(bones_: str) -> str:
    """Return consonants with those that are written for one another as one."""
    return bones_.translate(COARSE)


def thin(bones_: str) -> str:
    """Return coarse consonants as a script with few vowels may have them.

    Inside a word w is a long vowel there; at the beginning y and w may be missing here.
    """
    plain = coarse(bones_)
    return plain[:1] + plain[1:].replace("f", "") if "v" in bones_[1:] else plain


def slots(heard: str) -> list[str]:
    """Return the vowels before, between and after the consonants."""
    found = [""]
    for c in heard:
        if c in VOWELS:
            found[-1] += c
        else:
            found.append("")
    return found
