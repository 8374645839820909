"""Keys that verify notes and keys that sign them, as verifier keys write them (signed-note).

Types: 01 Ed25519, 02 ECDSA, 04 Ed25519 cosignature, 06 ML-DSA-44 cosignature; 05 (RFC 6962) is
read, and its signatures are passed over like those of a stranger. A signature by a key that we
know and that does not verify makes the whole note refused.
"""

from __future__ import annotations

import base64
import datetime as dt
import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PrivateKey, MLDSA44PublicKey
from cryptography.hazmat.primitives.serialization import load_der_public_key

from tallystick.core.tlog import checkpoint, cosign
from tallystick.core.tlog.checkpoint import Checkpoint
from tallystick.core.tlog.errors import BadSignature, BadText
from tallystick.core.tlog.note import ID_BYTES, Line, Note, from_base64, is_name

ED25519: Final = 0x01
ECDSA: Final = 0x02
COSIGN_ED25519: Final = 0x04
RFC6962: Final = 0x05
COSIGN_MLDSA44: Final = 0x06
KEY_BYTES: Final = {ED25519: 32, COSIGN_ED25519: 32, COSIGN_MLDSA44: 1312}
VKEY_CHARS_MAX: Final = 4_096
LOG_TYPES: Final = frozenset({ED25519, ECDSA})
WITNESS_TYPES: Final = frozenset({COSIGN_ED25519, COSIGN_MLDSA44})


@dataclass(frozen=True, slots=True)
class Key:
    """A verifier key: ``name+id+base64(type ‖ key)``."""

    name: str
    type: int
    raw: bytes

    @property
    def id(self) -> bytes:
        """Return the four bytes by which a signature line names the key."""
        if self.type == ECDSA:
            return hashlib.sha256(self.raw).digest()[:ID_BYTES]
        raw = hashlib.sha256(self.raw).digest() if self.type == RFC6962 else self.raw
        data = self.name.encode() + b"\n" + bytes([self.type]) + raw
        return hashlib.sha256(data).digest()[:ID_BYTES]

    def __str__(self) -> str:
        """Return the verifier key as text."""
        encoded = base64.b64encode(bytes([self.type]) + self.raw).decode()
        return f"{self.name}+{self.id.hex()}+{encoded}"

    def check(self, text: str, signature: bytes) -> int:
        """Check a signature over a note's text; return its time, 0 if it has none.

        Raises `BadSignature`; `BadText` when the text is no checkpoint and the type needs one.
        """
        try:
            return self._check(text, signature)
        except (InvalidSignature, ValueError) as error:
            raise BadSignature(f"the signature of {self.name} does not fit the text") from error

    def _check(self, text: str, signature: bytes) -> int:
        if self.type == ED25519:
            Ed25519PublicKey.from_public_bytes(self.raw).verify(signature, text.encode())
            return 0
        if self.type == ECDSA:
            key = load_der_public_key(self.raw)
            if not isinstance(key, ec.EllipticCurvePublicKey):
                raise BadText(f"{self.name} is no ECDSA key")
            key.verify(signature, text.encode(), ec.ECDSA(hashes.SHA256()))
            return 0
        time, proper = cosign.time_of(signature)
        if self.type == COSIGN_ED25519:
            message = cosign.ed25519_message(time, text)
            Ed25519PublicKey.from_public_bytes(self.raw).verify(proper, message)
        else:
            message = cosign.subtree_message(self.name, time, checkpoint.read(text))
            MLDSA44PublicKey.from_public_bytes(self.raw).verify(proper, message)
        return time


def read(text: str) -> Key:
    """Read a verifier key; raise `BadText` unless name, id, type and length agree."""
    name, _, rest = text.partition("+")
    id_, _, encoded = rest.partition("+")
    if len(text) > VKEY_CHARS_MAX or not is_name(name):
        raise BadText(f"{text[:60]!r} is no verifier key")
    data = from_base64(encoded)
    key = Key(name, data[0] if data else 0, data[1:])
    if key.type not in (*KEY_BYTES, ECDSA, RFC6962):
        raise BadText(f"the key of {name} has type {key.type:02x}, which is not known")
    if len(key.raw) != KEY_BYTES.get(key.type, len(key.raw)):
        raise BadText(f"the key of {name} has {len(key.raw)} bytes")
    if key.id.hex() != id_:
        raise BadText(f"the key of {name} has id {key.id.hex()}, not {id_[:8]!r}")
    return key


@dataclass(frozen=True, slots=True)
class Signed:
    """One signature that holds: by which key, and at which POSIX time (0: it names none)."""

    key: Key
    time: int


def check(note: Note, known: Iterable[Key]) -> tuple[Signed, ...]:
    """Check a note against the keys that we know; return who signed.

    Raises `BadSignature` when a known key's signature fails, or when no known key signed.
    """
    by_id = {(key.name, key.id): key for key in known if key.type != RFC6962}
    found: dict[Key, int] = {}
    for line in note.lines:
        key = by_id.get((line.name, line.id))
        if key is not None:
            found[key] = max(found.get(key, 0), key.check(note.text, line.signature))
    if not found:
        raise BadSignature("no key that we know signed this")
    return tuple(Signed(key, time) for key, time in found.items())


class LogSigner:
    """Signs checkpoints in a log's own name (type 01).

    ``former``: the keys before this one, each with the moment until which it signs too
    (`tallystick.core.tlog.rotation`).
    """

    def __init__(
        self,
        name: str,
        private: Ed25519PrivateKey,
        former: Sequence[tuple[LogSigner, dt.datetime]] = (),
    ) -> None:
        self.key = Key(name, ED25519, private.public_key().public_bytes_raw())
        self._private, self._former = private, tuple(former)

    @property
    def known(self) -> tuple[Key, ...]:
        """Return every key that this log ever had, the newest first."""
        return self.key, *(one.key for one, _ in self._former)

    def sign(self, text: str) -> Line:
        """Return the signature line; the same text gives the same line (Ed25519)."""
        return Line(self.key.name, self.key.id, self._private.sign(text.encode()))

    def lines(self, text: str, now: dt.datetime) -> tuple[Line, ...]:
        """Return the lines of all keys that sign at a moment, the newest key's first."""
        before = (one.sign(text) for one, until in self._former if now < until)
        return self.sign(text), *before


class Cosigner:
    """Signs what a witness saw, with Ed25519 (type 04) or ML-DSA-44 (type 06)."""

    def __init__(self, name: str, private: Ed25519PrivateKey | MLDSA44PrivateKey) -> None:
        kind = COSIGN_ED25519 if isinstance(private, Ed25519PrivateKey) else COSIGN_MLDSA44
        self.key = Key(name, kind, private.public_key().public_bytes_raw())
        self._private = private

    def cosign(self, text: str, time: int) -> Line:
        """Return the cosignature line for a checkpoint's text at a POSIX time."""
        if self.key.type == COSIGN_ED25519:
            message = cosign.ed25519_message(time, text)
        else:
            message = cosign.subtree_message(self.key.name, time, checkpoint.read(text))
        return self._line(time, message)

    def cosign_subtree(self, part: Checkpoint, start: int) -> Line:
        """Return the cosignature of leaves ``[start, part.size)``; ML-DSA-44 alone can."""
        return self._line(0, cosign.subtree_message(self.key.name, 0, part, start))

    def _line(self, time: int, message: bytes) -> Line:
        signature = time.to_bytes(cosign.TIME_BYTES, "big") + self._private.sign(message)
        return Line(self.key.name, self.key.id, signature)
