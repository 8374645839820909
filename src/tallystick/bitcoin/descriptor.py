"""Output descriptors as text: checksum, key expressions, and the addresses' two branches.

A vault is its descriptor, so the text is kept byte for byte: what cannot be read and written back
unchanged is refused. Forms: BIP-380 (checksum, keys), BIP-389 (``<0;1>``). Hardened steps are
written ``h``, which needs no quoting in a shell.
"""

from __future__ import annotations

import functools
import re
from dataclasses import dataclass
from typing import Final

from tallystick.bitcoin.errors import BadDescriptor

DESCRIPTOR_LENGTH_MAX: Final = 10_000
CHECKSUM_LENGTH: Final = 8
INDEX_MAX: Final = (1 << 31) - 1
INPUT_CHARSET: Final = (
    "0123456789()[],'/*abcdefgh@:$%{}"
    "IJKLMNOPQRSTUVWXYZ&+-.;<=>?!^_|~"
    'ijklmnopqrstuvwxyzABCDEFGH`#"\\ '
)
CHECKSUM_CHARSET: Final = "qpzry9x8gf2tvdw0s3jn54khce6mua7l"
GENERATOR: Final = (0xF5DEE51989, 0xA9FDCA3312, 0x1BAB10E32D, 0x3706B1677A, 0x644D626FFD)

STEP: Final = r"[0-9]{1,10}[h']?"
KEY: Final = re.compile(
    rf"(?:\[(?P<fingerprint>[0-9a-f]{{8}})(?P<origin>(?:/{STEP})*)\])?"
    r"(?P<key>[xt](?:pub|prv)[1-9A-HJ-NP-Za-km-z]{70,120}"
    r"|(?:02|03)[0-9a-fA-F]{64}|04[0-9a-fA-F]{128}|[0-9a-f]{64}"
    r"|[5KLc9][1-9A-HJ-NP-Za-km-z]{50,51})"
    rf"(?P<path>(?:/(?:{STEP}|<{STEP}(?:;{STEP})+>))*)(?P<wild>/\*[h']?)?"
)
IN_DESCRIPTOR: Final = re.compile(r"(?<![0-9A-Za-z\[/])(?=\[|[xt](?:pub|prv))[^(){},]+")


@dataclass(frozen=True, slots=True)
class KeyExpression:
    """One key of a descriptor. Paths are as written, with ``h`` for hardened steps.

    ``fingerprint`` is eight hex digits, or "" without an origin; ``path`` may hold one tuple such
    as ``/<0;1>``; ``wild`` is ``/*``, ``/*h`` or "".
    """

    fingerprint: str
    origin: str
    key: str
    path: str
    wild: str

    @property
    def source(self) -> str:
        """Return the key with its origin, without what is derived from it."""
        return f"[{self.fingerprint}{self.origin}]{self.key}" if self.fingerprint else self.key

    @property
    def suffix(self) -> str:
        """Return what is derived from the key, such as ``/<0;1>/*``."""
        return self.path + self.wild

    def __str__(self) -> str:
        return self.source + self.suffix


@functools.lru_cache(maxsize=1_024)
def checksum_of(body: str) -> str:
    """Return the eight characters behind ``#`` (BIP-380); raise `BadDescriptor`."""
    symbols: list[int] = []
    groups: list[int] = []
    for character in body:
        value = INPUT_CHARSET.find(character)
        if value < 0:
            raise BadDescriptor(f"a descriptor cannot hold {character!r}")
        symbols.append(value & 31)
        groups.append(value >> 5)
        if len(groups) == 3:
            symbols.append(groups[0] * 9 + groups[1] * 3 + groups[2])
            groups = []
    if groups:
        symbols.append(groups[0] if len(groups) == 1 else groups[0] * 3 + groups[1])
    sum_ = _polymod([*symbols, *([0] * CHECKSUM_LENGTH)]) ^ 1
    return "".join(CHECKSUM_CHARSET[(sum_ >> 5 * (7 - i)) & 31] for i in range(CHECKSUM_LENGTH))


def _polymod(symbols: list[int]) -> int:
    sum_ = 1
    for value in symbols:
        top = sum_ >> 35
        sum_ = (sum_ & 0x7FFFFFFFF) << 5 ^ value
        for i, generator in enumerate(GENERATOR):
            sum_ ^= generator if top >> i & 1 else 0
    return sum_


def with_checksum(body: str) -> str:
    """Return a descriptor's body with its checksum."""
    return f"{body}#{checksum_of(body)}"


def body_of(text: str, demand: bool = True) -> str:
    """Return a descriptor without its checksum, which must be right; raise `BadDescriptor`."""
    if len(text) > DESCRIPTOR_LENGTH_MAX:
        raise BadDescriptor(f"a descriptor of at most {DESCRIPTOR_LENGTH_MAX} characters")
    body, mark, given = text.partition("#")
    expected = checksum_of(body)
    if not mark and demand:
        raise BadDescriptor("the descriptor has no checksum")
    if mark and given != expected:
        raise BadDescriptor(f"the checksum #{given[:12]} is not the descriptor's own: #{expected}")
    return body


def parse_key(text: str) -> KeyExpression:
    """Read one key expression; raise `BadDescriptor` naming what is wrong with it."""
    found = KEY.fullmatch(text)
    if found is None:
        raise BadDescriptor(f"not a key expression: {text[:40]!r}")
    path, wild = _h(found["path"]), _h(found["wild"] or "")
    origin = _h(found["origin"] or "")
    if path.count("<") > 1:
        raise BadDescriptor("a key expression has one tuple of branches at most")
    if any(int(step) > INDEX_MAX for step in re.findall(r"[0-9]+", f"{origin}{path}")):
        raise BadDescriptor(f"a derivation step beyond {INDEX_MAX}")
    if (path or wild) and found["key"][1:4] not in ("pub", "prv"):
        raise BadDescriptor("only an extended key can have a path")
    return KeyExpression(found["fingerprint"] or "", origin, found["key"], path, wild)


def _h(path: str) -> str:
    return path.replace("'", "h")


def normalise(text: str) -> str:
    """Return a descriptor with ``h`` for hardened steps and a fresh checksum, and nothing else."""
    body = body_of(text.strip(), demand=False)
    return with_checksum(_h(body))


def keys_of(text: str) -> list[KeyExpression]:
    """Return the extended keys of a descriptor in their order; raise `BadDescriptor`."""
    body = body_of(text, demand=False)
    return [parse_key(found.group()) for found in IN_DESCRIPTOR.finditer(body)]


def branches_of(text: str) -> list[str]:
    """Return the descriptors that a multipath one stands for (BIP-389), without checksums."""
    body = body_of(text, demand=False)
    keys = keys_of(body)
    counts = {key.path.count(";") + 1 for key in keys if "<" in key.path}
    if len(counts) > 1:
        raise BadDescriptor("tuples of branches of unequal length")
    if not counts:
        return [body]

    def branch(number: int) -> str:
        return re.sub(r"<([^>]+)>", lambda m: m.group(1).split(";")[number], body)

    return [branch(number) for number in range(counts.pop())]


@functools.lru_cache(maxsize=256)
def branch_of(text: str, number: int) -> str:
    """Return one branch of a multipath descriptor, with checksum; raise `BadDescriptor`."""
    branches = branches_of(text)
    if not 0 <= number < len(branches):
        raise BadDescriptor(f"the descriptor has no branch {number}")
    return with_checksum(branches[number])


def is_whole(text: str) -> bool:
    """Say whether reading a descriptor and writing it gives the same bytes, checksum included."""
    body = body_of(text)
    written = body
    for key in keys_of(body):
        if str(key) not in written:
            return False
    return with_checksum(_h(written)) == text
