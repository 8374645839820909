"""Sealing what a machine sends so that its server alone can open it: HPKE, RFC 9180, base mode.

For what must not be read on the way or in any buffer between, such as a picture of a document. The
server's X25519 key is drawn from its Ed25519 key and signed by it, so that a machine that knows
the latter by its pairing knows the former. Who sent it, the request's own signature says.
"""

from __future__ import annotations

import functools
from typing import Final

from cryptography.exceptions import InvalidSignature, InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.hpke import AEAD, KDF, KEM, Suite
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from tallystick.core.identity.errors import SealedForAnother
from tallystick.core.identity.keys import b64url, from_b64url

SUITE: Final = Suite(KEM.X25519, KDF.HKDF_SHA256, AEAD.AES_256_GCM)
SEAL_BYTES: Final = 48
"""What sealing adds: the encapsulated key (32) and the tag (16)."""
KEY_BYTES: Final = 32
SIGNATURE_BYTES: Final = 64
SERVERS_KEPT: Final = 16
DRAWN: Final = b"tallystick: what machines seal for their server"
OFFERED: Final = b"tallystick: machines seal to\n"


def secret_of(key: Ed25519PrivateKey) -> X25519PrivateKey:
    """Return the key that opens what is sealed for the holder of ``key``."""
    drawn = HKDF(hashes.SHA256(), KEY_BYTES, None, DRAWN).derive(key.private_bytes_raw())
    return X25519PrivateKey.from_private_bytes(drawn)


@functools.lru_cache(maxsize=SERVERS_KEPT)
def offered(key: Ed25519PrivateKey) -> tuple[str, str]:
    """Return the public key to seal to, and the signature under it: both base64url."""
    public = secret_of(key).public_key().public_bytes_raw()
    return b64url(public), b64url(key.sign(OFFERED + public))


def seal(content: bytes, about: bytes, to: str, signature: str, server: Ed25519PublicKey) -> bytes:
    """Seal for a server, bound to ``about``; raise `SealedForAnother` if the key is not its own."""
    try:
        public = from_b64url(to, KEY_BYTES)
        server.verify(from_b64url(signature, SIGNATURE_BYTES), OFFERED + public)
        return SUITE.encrypt(content, X25519PublicKey.from_public_bytes(public), about)
    except (InvalidSignature, ValueError) as error:
        raise SealedForAnother("this key is not signed by our server") from error


def unseal(sealed: bytes, about: bytes, key: Ed25519PrivateKey) -> bytes:
    """Open what was sealed for the holder of ``key``; raise `SealedForAnother`."""
    try:
        return SUITE.decrypt(sealed, secret_of(key), about)
    except (InvalidTag, ValueError) as error:
        raise SealedForAnother("not sealed for this server, or for another step") from error
