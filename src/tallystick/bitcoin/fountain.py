"""Fountain parts of uniform resources (BCR-2024-001): any parts in any order make the message.

The first parts are the message's pieces; later ones are pieces XORed together, chosen by a
generator that is seeded with the part's number, so that both sides choose alike. Floating point is
part of the format: the same doubles on both sides, and no money near them.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Final

import cbor2

from tallystick.bitcoin.bytewords import crc32
from tallystick.bitcoin.errors import BadFrames

MESSAGE_BYTES_MAX: Final = 2_000_010
PIECES_MAX: Final = 2_000
NUMBER_MAX: Final = 0xFFFFFFFF
PIECE_BYTES_MIN: Final = 10
MIXED_MAX: Final = 500
"""How many mixed parts wait at a time; the oldest is dropped first."""
MASK: Final = (1 << 64) - 1


class Xoshiro:
    """Xoshiro256**, seeded with the SHA-256 of some bytes."""

    def __init__(self, seed: bytes) -> None:
        digest = hashlib.sha256(seed).digest()
        self.state = [int.from_bytes(digest[at : at + 8], "big") for at in range(0, 32, 8)]

    def next(self) -> int:
        """Return the next 64 bits."""
        s = self.state
        result = _rotate(s[1] * 5 & MASK, 7) * 9 & MASK
        shifted = s[1] << 17 & MASK
        s[2] ^= s[0]
        s[3] ^= s[1]
        s[1] ^= s[2]
        s[0] ^= s[3]
        s[2] ^= shifted
        s[3] = _rotate(s[3], 45)
        return result

    def fraction(self) -> float:
        """Return the next number from 0 to 1."""
        return self.next() / (MASK + 1.0)

    def between(self, low: int, high: int) -> int:
        """Return the next number from low to high, both included."""
        return int(self.fraction() * (high - low + 1)) + low


def _rotate(value: int, by: int) -> int:
    return (value << by | value >> (64 - by)) & MASK


class Sampler:
    """Vose's alias method: draws an index with a probability in proportion to its weight."""

    def __init__(self, weights: list[float]) -> None:
        total, count = sum(weights), len(weights)
        left = [weight * count / total for weight in weights]
        small = [at for at in range(count - 1, -1, -1) if left[at] < 1]
        large = [at for at in range(count - 1, -1, -1) if left[at] >= 1]
        self.chances, self.aliases = [0.0] * count, [0] * count
        while small and large:
            low, high = small.pop(), large.pop()
            self.chances[low], self.aliases[low] = left[low], high
            left[high] += left[low] - 1
            (small if left[high] < 1 else large).append(high)
        for at in (*large, *small):
            self.chances[at] = 1.0

    def draw(self, source: Xoshiro) -> int:
        """Return the next index."""
        first, second = source.fraction(), source.fraction()
        at = int(len(self.chances) * first)
        return at if second < self.chances[at] else self.aliases[at]


def shuffled(items: list[int], source: Xoshiro) -> list[int]:
    """Return the items in the generator's order."""
    left, found = list(items), []
    while left:
        found.append(left.pop(source.between(0, len(left) - 1)))
    return found


def degree(count: int, source: Xoshiro) -> int:
    """Return how many pieces a mixed part joins."""
    return Sampler([1 / n for n in range(1, count + 1)]).draw(source) + 1


def chosen(number: int, count: int, checksum: int) -> frozenset[int]:
    """Return which pieces the part of this number joins."""
    if number <= count:
        return frozenset({number - 1})
    source = Xoshiro(number.to_bytes(4, "big") + checksum.to_bytes(4, "big"))
    many = degree(count, source)
    return frozenset(shuffled(list(range(count)), source)[:many])


def piece_length(message: int, most: int) -> int:
    """Return the length of each piece, so that none is longer than ``most``."""
    for count in range(1, max(message // PIECE_BYTES_MIN, 1) + 1):
        length = -(-message // count)
        if length <= most:
            return length
    return -(-message // max(message // PIECE_BYTES_MIN, 1))


def _xor(one: bytes, other: bytes) -> bytes:
    return bytes(a ^ b for a, b in zip(one, other, strict=True))


@dataclass(frozen=True, slots=True)
class Part:
    """One part as it is written: number from 1, count of pieces, length, CRC-32, bytes."""

    number: int
    count: int
    length: int
    checksum: int
    data: bytes

    def to_cbor(self) -> bytes:
        """Return the part as a CBOR array."""
        return cbor2.dumps([self.number, self.count, self.length, self.checksum, self.data])

    @classmethod
    def from_cbor(cls, raw: bytes) -> Part:
        """Read a part; raise `BadFrames`."""
        try:
            found = cbor2.loads(raw)
            part = cls(*found)
        except (cbor2.CBORError, TypeError, ValueError, RecursionError) as error:
            raise BadFrames(f"not a part: {error}") from error
        numbers = (part.number, part.count, part.length, part.checksum)
        if not all(type(one) is int for one in numbers) or type(part.data) is not bytes:
            raise BadFrames("a part of five values of other kinds")
        fits = part.count * len(part.data) - part.length
        if not (0 < part.number <= NUMBER_MAX and 0 < part.count <= PIECES_MAX):
            raise BadFrames(f"part {part.number} of {part.count} pieces")
        if not 0 < part.length <= MESSAGE_BYTES_MAX or not 0 <= fits < len(part.data):
            raise BadFrames("a part whose length does not fit its pieces")
        return part


class Encoder:
    """Writes the parts of one message, for ever."""

    def __init__(self, message: bytes, piece_bytes_max: int) -> None:
        if not 0 < len(message) <= MESSAGE_BYTES_MAX:
            raise BadFrames(f"a message of 1 to {MESSAGE_BYTES_MAX} bytes")
        self.message, self.checksum = message, int.from_bytes(crc32(message), "big")
        size = piece_length(len(message), piece_bytes_max)
        padded = message + bytes(-len(message) % size)
        self.pieces = [padded[at : at + size] for at in range(0, len(padded), size)]
        if len(self.pieces) > PIECES_MAX:
            raise BadFrames(f"the message would need more than {PIECES_MAX} pieces")

    def part(self, number: int) -> Part:
        """Return the part of a number, from 1 upwards."""
        data = bytes(len(self.pieces[0]))
        for at in chosen(number, len(self.pieces), self.checksum):
            data = _xor(data, self.pieces[at])
        return Part(number, len(self.pieces), len(self.message), self.checksum, data)


class Decoder:
    """Takes parts in any order until the message is whole."""

    def __init__(self) -> None:
        self.first: Part | None = None
        self.pieces: dict[int, bytes] = {}
        self.mixed: dict[frozenset[int], bytes] = {}

    def take(self, part: Part) -> bool:
        """Take one part; say whether the message is whole. Raise `BadFrames` for another one's."""
        first = self.first = self.first or part
        if (part.count, part.length, part.checksum, len(part.data)) != (
            first.count,
            first.length,
            first.checksum,
            len(first.data),
        ):
            raise BadFrames("a part of another message")
        waiting = [(chosen(part.number, part.count, part.checksum), part.data)]
        while waiting:
            which, data = waiting.pop()
            which, data = self._reduced(which, data)
            if len(which) == 1:
                self.pieces[next(iter(which))] = data
                freed = [one for one in self.mixed if one & which]
                waiting += [(one, self.mixed.pop(one)) for one in freed]
            elif which:
                self.mixed[which] = data
                if len(self.mixed) > MIXED_MAX:
                    del self.mixed[next(iter(self.mixed))]
        return len(self.pieces) == first.count

    def _reduced(self, which: frozenset[int], data: bytes) -> tuple[frozenset[int], bytes]:
        for at in which & self.pieces.keys():
            data = _xor(data, self.pieces[at])
        which = frozenset(which - self.pieces.keys())
        for one, other in self.mixed.items():
            if one < which:
                return which - one, _xor(data, other)
        return which, data

    def message(self) -> bytes:
        """Return the message; raise `BadFrames` if parts are missing or it is damaged."""
        if self.first is None or len(self.pieces) != self.first.count:
            raise BadFrames("parts are missing")
        whole = b"".join(self.pieces[at] for at in range(self.first.count))
        message = whole[: self.first.length]
        if int.from_bytes(crc32(message), "big") != self.first.checksum:
            raise BadFrames("the message is damaged")
        return message
