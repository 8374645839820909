"""Uniform resources: ``ur:psbt/…`` in one code, or as parts of an animated one (BCR-2020-005).

In a code the text is written in capitals, which takes the least room. ``ur:crypto-psbt`` is the
former name and is read as well.
"""

from __future__ import annotations

import re
from typing import Final

import cbor2

from tallystick.bitcoin import bytewords
from tallystick.bitcoin.errors import BadFrames
from tallystick.bitcoin.fountain import Decoder, Encoder, Part

TEXT_LENGTH_MAX: Final = 6_000_000
PIECE_BYTES: Final = 200
"""Bytes of one piece: a code that a phone or a device reads from a screen."""
PARTS_SPARE_PERCENT: Final = 50
"""Mixed parts shown beyond the pieces, so that a missed frame need not come round again."""
PSBT_NAMES: Final = ("psbt", "crypto-psbt")
FORM: Final = re.compile(
    r"ur:([a-z0-9-]+)/(?:([1-9][0-9]{0,9})-([1-9][0-9]{0,4})/)?([a-z]+)", re.IGNORECASE
)


def encode_one(cbor: bytes, name: str) -> str:
    """Return a uniform resource of some CBOR in one text."""
    return f"ur:{name}/{bytewords.encode(cbor)}"


def encode_part(part: Part, name: str) -> str:
    """Return one part as text."""
    return f"ur:{name}/{part.number}-{part.count}/{bytewords.encode(part.to_cbor())}"


def frames(psbt: bytes, piece_bytes: int = PIECE_BYTES) -> list[str]:
    """Return a PSBT's frames in capitals: one, or its pieces and half as many mixed parts."""
    cbor = cbor2.dumps(psbt)
    if len(cbor) <= piece_bytes:
        return [encode_one(cbor, "psbt").upper()]
    encoder = Encoder(cbor, piece_bytes)
    count = len(encoder.pieces)
    shown = count + -(-count * PARTS_SPARE_PERCENT // 100)
    return [encode_part(encoder.part(n), "psbt").upper() for n in range(1, shown + 1)]


class Reader:
    """Frames as a camera sees them, until the resource is whole."""

    def __init__(self) -> None:
        self.name = ""
        self._decoder = Decoder()
        self._whole: bytes | None = None

    def take(self, text: str) -> bool:
        """Take one frame; say whether all is there. Raise `BadFrames` for one that is not ours."""
        found = FORM.fullmatch(text) if len(text) <= TEXT_LENGTH_MAX else None
        if found is None:
            raise BadFrames("not a uniform resource")
        name = found[1].lower()
        if self.name and name != self.name:
            raise BadFrames(f"a frame of {name}, the others are of {self.name}")
        body = bytewords.decode(found[4])
        if found[2] is None:
            self._whole = body
        else:
            part = Part.from_cbor(body)
            if (part.number, part.count) != (int(found[2]), int(found[3])):
                raise BadFrames("a part whose number is not the one written before it")
            if self._decoder.take(part):
                self._whole = self._decoder.message()
        self.name = name
        return self._whole is not None

    def cbor(self) -> bytes:
        """Return the resource's CBOR; raise `BadFrames` when parts are missing."""
        if self._whole is None:
            raise BadFrames("parts are missing")
        return self._whole

    def psbt(self) -> bytes:
        """Return the PSBT that was carried; raise `BadFrames`."""
        if self.name not in PSBT_NAMES:
            raise BadFrames(f"a resource of {self.name or 'nothing'}, not a PSBT")
        try:
            found = cbor2.loads(self.cbor())
        except (cbor2.CBORError, ValueError, RecursionError) as error:
            raise BadFrames(f"not CBOR: {error}") from error
        if type(found) is not bytes:
            raise BadFrames("a PSBT is a string of bytes")
        return found
