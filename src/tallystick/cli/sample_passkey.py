"""A passkey in software, for officials of the demonstration who have no browser at hand.

It answers as a security key does (WebAuthn Level 2, sections 6.1 and 6.5): a key of its own, the
site's name hashed, the owner said to be verified. Real officials use real passkeys, in the console.
"""

from __future__ import annotations

import hashlib
import json
from typing import Any, Final

import cbor2
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec

from tallystick.core.clock import Clock
from tallystick.core.identity import passkeys, people
from tallystick.core.identity.keys import b64url
from tallystick.core.identity.passkeys import Party
from tallystick.core.identity.people import Person
from tallystick.core.store import Tx

PRESENT_AND_VERIFIED: Final = 0x05
HAS_KEY: Final = 0x40
ES256: Final = -7
ID_BYTES: Final = 32


class SamplePasskey:
    """One passkey of one official, in this process's memory alone."""

    def __init__(self, party: Party, clock: Clock) -> None:
        self.party, self.clock = party, clock
        self.id = clock.random_bytes(ID_BYTES)
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._count = 0

    def register(self, tx: Tx, person: Person) -> None:
        """Register this passkey as the person's."""
        now = self.clock.now()
        asked = passkeys.begin_registration(tx, self.party, person, now, self.clock)
        point = self._key.public_key().public_numbers()
        x, y = point.x.to_bytes(32, "big"), point.y.to_bytes(32, "big")
        public = cbor2.dumps({1: 2, 3: ES256, -1: 1, -2: x, -3: y})
        named = bytes(16) + len(self.id).to_bytes(2, "big") + self.id + public
        attestation = {"fmt": "none", "attStmt": {}, "authData": self._data(HAS_KEY) + named}
        client = self._client("webauthn.create", asked.options)
        answer = self._answer(clientDataJSON=client, attestationObject=cbor2.dumps(attestation))
        label = "Sample passkey"
        passkeys.finish_registration(tx, self.party, person, asked.handle, answer, label, now)

    def sign(self, tx: Tx, person: Person, digest: str) -> str:
        """Sign the digest of what is approved; return the evidence to keep."""
        now, wanted = self.clock.now(), bytes.fromhex(digest)
        asked = passkeys.begin_assertion(tx, self.party, person, wanted, now, self.clock)
        answer = self.answer(person, asked.options)
        given = (tx, self.party, person, asked.handle, answer, wanted, now)
        return passkeys.verify_assertion(*given)

    def answer(self, person: Person, options: str) -> bytes:
        """Answer a site's question as a browser with this passkey would."""
        client, data = self._client("webauthn.get", options), self._data()
        signed = data + hashlib.sha256(client).digest()
        return self._answer(
            clientDataJSON=client,
            authenticatorData=data,
            signature=self._key.sign(signed, ec.ECDSA(hashes.SHA256())),
            userHandle=person.id.encode(),
        )

    def _client(self, kind: str, options: str) -> bytes:
        said = {
            "type": kind,
            "challenge": json.loads(options)["challenge"],
            "origin": self.party.origins[0],
            "crossOrigin": False,
        }
        return json.dumps(said).encode()

    def _data(self, flags: int = 0) -> bytes:
        self._count += 1
        site = hashlib.sha256(self.party.domain.encode()).digest()
        return site + bytes([PRESENT_AND_VERIFIED | flags]) + self._count.to_bytes(4, "big")

    def _answer(self, **parts: bytes) -> bytes:
        named = b64url(self.id)
        response: dict[str, Any] = {name: b64url(part) for name, part in parts.items()}
        whole = {"id": named, "rawId": named, "type": "public-key", "response": response}
        return json.dumps(whole).encode()


def enrol(tx: Tx, party: Party, clock: Clock, name: str) -> tuple[Person, SamplePasskey]:
    """Add an official with a sample passkey."""
    token = people.invite(tx, name, people.Role.OFFICIAL, clock.now(), clock)
    person = people.spend_invite(tx, token, clock.now())
    made = SamplePasskey(party, clock)
    made.register(tx, person)
    return person, made
