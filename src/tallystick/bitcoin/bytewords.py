"""Bytewords: bytes as four-letter words, or as two letters each (BCR-2020-012), with a CRC-32.

The minimal form, first and last letter of each word, is what uniform resources are written in.
"""

from __future__ import annotations

import zlib
from typing import Final

from tallystick.bitcoin.errors import BadFrames

TEXT_LENGTH_MAX: Final = 6_000_000
LIST: Final = (
    "able acid also apex aqua arch atom aunt away axis back bald barn belt beta bias blue "
    "body brag brew bulb buzz calm cash cats chef city claw code cola cook cost crux curl "
    "cusp cyan dark data days deli dice diet door down draw drop drum dull duty each easy "
    "echo edge epic even exam exit eyes fact fair fern figs film fish fizz flap flew flux "
    "foxy free frog fuel fund gala game gear gems gift girl glow good gray grim guru gush "
    "gyro half hang hard hawk heat help high hill holy hope horn huts iced idea idle inch "
    "inky into iris iron item jade jazz join jolt jowl judo jugs jump junk jury keep keno "
    "kept keys kick kiln king kite kiwi knob lamb lava lazy leaf legs liar limp lion list "
    "logo loud love luau luck lung main many math maze memo menu meow mild mint miss monk "
    "nail navy need news next noon note numb obey oboe omit onyx open oval owls paid part "
    "peck play plus poem pool pose puff puma purr quad quiz race ramp real redo rich road "
    "rock roof ruby ruin runs rust safe saga scar sets silk skew slot soap solo song stub "
    "surf swan taco task taxi tent tied time tiny toil tomb toys trip tuna twin ugly undo "
    "unit urge user vast very veto vial vibe view visa void vows wall wand warm wasp wave "
    "waxy webs what when whiz wolf work yank yawn yell yoga yurt zaps zero zest zinc zone "
    "zoom"
)
WORDS: Final = tuple(LIST.split())
MINIMAL: Final = [word[0] + word[3] for word in WORDS]
OF_WORD: Final = {word: at for at, word in enumerate(WORDS)}
OF_MINIMAL: Final = {pair: at for at, pair in enumerate(MINIMAL)}
SEPARATORS: Final = {"standard": " ", "uri": "-", "minimal": ""}


def crc32(data: bytes) -> bytes:
    """Return the checksum behind a message, in four bytes."""
    return zlib.crc32(data).to_bytes(4, "big")


def encode(data: bytes, style: str = "minimal") -> str:
    """Return bytes as words: ``standard``, ``uri`` or ``minimal``."""
    table = MINIMAL if style == "minimal" else WORDS
    return SEPARATORS[style].join(table[byte] for byte in data + crc32(data))


def decode(text: str, style: str = "minimal") -> bytes:
    """Return the bytes; raise `BadFrames` for an unknown word or a wrong checksum."""
    if len(text) > TEXT_LENGTH_MAX:
        raise BadFrames(f"more than {TEXT_LENGTH_MAX} letters")
    text = text.lower()
    if style == "minimal":
        parts, table = [text[at : at + 2] for at in range(0, len(text), 2)], OF_MINIMAL
    else:
        parts, table = text.split(SEPARATORS[style]), OF_WORD
    try:
        raw = bytes(table[part] for part in parts)
    except KeyError as error:
        raise BadFrames(f"{error} is no byteword") from error
    if len(raw) < 5 or crc32(raw[:-4]) != raw[-4:]:
        raise BadFrames("the checksum is wrong")
    return raw[:-4]
