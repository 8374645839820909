"""An authenticator in software, after WebAuthn Level 2, sections 5.8.1, 6.1 and 6.5.

It does what a security key does, and, when told, what a broken or hostile one does.
"""

import hashlib
import json
from dataclasses import dataclass, field

import cbor2
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec

from tallystick.core.identity.keys import b64url

ORIGIN, DOMAIN = "https://console.example", "console.example"
PRESENT, VERIFIED, HAS_KEY = 0x01, 0x04, 0x40


@dataclass
class SoftAuthenticator:
    """One device with one key. Fields may be changed to misbehave."""

    number: int = 1
    origin: str = ORIGIN
    domain: str = DOMAIN
    flags: int = PRESENT | VERIFIED
    count: int = 0
    counting: bool = True
    user: str = ""
    key: ec.EllipticCurvePrivateKey = field(init=False)

    def __post_init__(self):
        self.key = ec.derive_private_key(1000 + self.number, ec.SECP256R1())

    @property
    def id(self) -> bytes:
        return bytes([self.number]) * 32

    def _client(self, kind: str, options: str) -> bytes:
        challenge = json.loads(options)["challenge"]
        return json.dumps(
            {"type": kind, "challenge": challenge, "origin": self.origin, "crossOrigin": False}
        ).encode()

    def _data(self, extra: bytes = b"", flags: int = 0) -> bytes:
        if self.counting:
            self.count += 1
        head = hashlib.sha256(self.domain.encode()).digest() + bytes([self.flags | flags])
        return head + self.count.to_bytes(4, "big") + extra

    def _cose(self) -> bytes:
        point = self.key.public_key().public_numbers()
        x, y = point.x.to_bytes(32, "big"), point.y.to_bytes(32, "big")
        return cbor2.dumps({1: 2, 3: -7, -1: 1, -2: x, -3: y})

    def create(self, options: str, kind: str = "webauthn.create") -> bytes:
        """Answer a registration."""
        self.user = json.loads(options)["user"]["id"]
        extra = bytes(16) + len(self.id).to_bytes(2, "big") + self.id + self._cose()
        attestation = {"fmt": "none", "attStmt": {}, "authData": self._data(extra, HAS_KEY)}
        return self._answer(
            clientDataJSON=self._client(kind, options), attestationObject=cbor2.dumps(attestation)
        )

    def get(self, options: str, kind: str = "webauthn.get") -> bytes:
        """Answer a sign-in."""
        client, data = self._client(kind, options), self._data()
        signature = self.key.sign(data + hashlib.sha256(client).digest(), ec.ECDSA(hashes.SHA256()))
        return self._answer(
            clientDataJSON=client,
            authenticatorData=data,
            signature=signature,
            userHandle=self.user,
        )

    def _answer(self, **parts) -> bytes:
        response = {
            name: part if isinstance(part, str) else b64url(part) for name, part in parts.items()
        }
        named = b64url(self.id)
        return json.dumps(
            {"id": named, "rawId": named, "type": "public-key", "response": response}
        ).encode()
