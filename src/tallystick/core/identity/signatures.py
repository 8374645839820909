"""How a machine signs what it says: RFC 9421 with Ed25519, in one strict form (Decision 8).

A signature covers the method, the path, the digest of the body and a nonce, with the moment, the
key's name and the algorithm. Whatever is not of exactly this form is refused before any key is
used, and time comes from the caller. A machine path has no query and no percent signs, so there is
one spelling of each. Replay within the window is refused by `machines.remember_nonce`.
"""

from __future__ import annotations

import base64
import datetime as dt
import hashlib
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from tallystick.core.identity.errors import (
    BadSignature,
    DigestMismatch,
    MalformedSignature,
    MissingSignature,
    StaleRequest,
    UnknownKey,
)

WINDOW_S: Final = 300
"""How far a machine's clock may be from the server's, either way."""

PATH_CHARS_MAX: Final = 512
SIGNATURE_INPUT_CHARS_MAX: Final = 320
SIGNATURE_CHARS_MAX: Final = 128
DIGEST_CHARS_MAX: Final = 96
NONCE_CHARS_MIN: Final = 16
NONCE_CHARS_MAX: Final = 64

LABEL: Final = "sig"
ALGORITHM: Final = "ed25519"
NONCE_HEADER: Final = "Tallystick-Nonce"

_METHOD = re.compile(r"[A-Z]{3,7}")
_PATH = re.compile(r"/[A-Za-z0-9/_.~:@-]*")
_KEY_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")
_NONCE = re.compile(rf"[A-Za-z0-9_-]{{{NONCE_CHARS_MIN},{NONCE_CHARS_MAX}}}")
_SIGNATURE = re.compile(r"sig=:[A-Za-z0-9+/]{85}[AQgw]==:")
"""64 bytes in the one canonical base64."""
_INPUT = re.compile(
    r"sig=\((?P<covered>[^()]*)\);created=(?P<created>[0-9]{1,10})"
    r';keyid="(?P<key>[A-Za-z0-9_-]{1,64})";alg="ed25519"'
)


@dataclass(frozen=True, slots=True)
class Verified:
    """A request that a known key signed. The nonce is still to be remembered."""

    key_id: str
    nonce: str
    created: dt.datetime


def content_digest(body: bytes) -> str:
    """Return the Content-Digest header of a body (RFC 9530), SHA-256."""
    return f"sha-256=:{base64.b64encode(hashlib.sha256(body).digest()).decode()}:"


def sign_request(
    method: str,
    path: str,
    headers: Mapping[str, str],
    body: bytes,
    key: Ed25519PrivateKey,
    key_id: str,
    now: dt.datetime,
    nonce: str,
) -> dict[str, str]:
    """Return the headers to add to a request: Content-Digest (with a body), nonce, signature.

    Raises `MalformedSignature` for a path, key name or nonce that the other side would refuse.
    ``headers`` are what the request carries already; none of them is signed.
    """
    _check_request_line(method, path)
    if not (_KEY_ID.fullmatch(key_id) and _NONCE.fullmatch(nonce)):
        raise MalformedSignature("the key name or the nonce has the wrong form")
    if taken := {name.lower() for name in headers} & set(_covered(True) + _SIGNING):
        raise MalformedSignature(f"already set: {', '.join(sorted(taken))}")
    added = {NONCE_HEADER: nonce} | ({"Content-Digest": content_digest(body)} if body else {})
    covered = " ".join(f'"{name}"' for name in _covered(bool(body)))
    made = int(now.timestamp())
    params = f'({covered});created={made};keyid="{key_id}";alg="{ALGORITHM}"'
    fields = {name.lower(): value for name, value in added.items()}
    signature = key.sign(_signed_text(method, path, fields, params))
    added["Signature-Input"] = f"{LABEL}={params}"
    added["Signature"] = f"{LABEL}=:{base64.b64encode(signature).decode()}:"
    return added


def verify_request(
    method: str,
    path: str,
    headers: Mapping[str, str],
    body: bytes,
    key_of: Callable[[str], Ed25519PublicKey | None],
    now: dt.datetime,
    window_s: int = WINDOW_S,
) -> Verified:
    """Return who signed this request, or raise a `RequestRefused` that says why not.

    ``path`` is the raw request path; a query is refused. ``now`` and ``window_s`` bound the age
    both ways. Cheap checks come first: form, time, digest, key, and the signature last.
    """
    _check_request_line(method, path)
    fields = _signing_fields(headers, bool(body))
    key_id, created = _read_input(fields["signature-input"], bool(body))
    _check_fresh(created, now, window_s)
    if body and fields["content-digest"] != content_digest(body):
        raise DigestMismatch
    key = key_of(key_id)
    if key is None:
        raise UnknownKey(f"no machine in service has the key {key_id}")
    _check_signature(method, path, fields, key)
    return Verified(key_id, fields["tallystick-nonce"], created)


_SIGNING: Final = ("signature-input", "signature")
_LIMITS: Final = {
    "signature-input": SIGNATURE_INPUT_CHARS_MAX,
    "signature": SIGNATURE_CHARS_MAX,
    "content-digest": DIGEST_CHARS_MAX,
    "tallystick-nonce": NONCE_CHARS_MAX,
}


def _covered(with_body: bool) -> tuple[str, ...]:
    digest = ("content-digest",) if with_body else ()
    return ("@method", "@path", *digest, "tallystick-nonce")


def _check_request_line(method: str, path: str) -> None:
    if not _METHOD.fullmatch(method):
        raise MalformedSignature("not a method that machines use")
    if len(path) > PATH_CHARS_MAX or not _PATH.fullmatch(path):
        raise MalformedSignature("a machine's path is short and has no query and no percent signs")


def _signing_fields(headers: Mapping[str, str], with_body: bool) -> dict[str, str]:
    """Return the headers that matter, each once, present and within its limit."""
    fields: dict[str, str] = {}
    for name, value in headers.items():
        lower = name.lower()
        if lower not in _LIMITS:
            continue
        if lower in fields or len(value) > _LIMITS[lower]:
            raise MalformedSignature(f"{lower}: sent twice or too long")
        fields[lower] = value
    if not with_body and "content-digest" in fields:
        raise DigestMismatch("a digest of a body that is not there")
    if any(name not in fields for name in (*_SIGNING, "tallystick-nonce")):
        raise MissingSignature
    if with_body and "content-digest" not in fields:
        raise DigestMismatch("the body has no digest")
    if not _NONCE.fullmatch(fields["tallystick-nonce"]):
        raise MalformedSignature("the nonce has the wrong form")
    if not _SIGNATURE.fullmatch(fields["signature"]):
        raise MalformedSignature("the signature is not 64 bytes in base64")
    return fields


def _read_input(text: str, with_body: bool) -> tuple[str, dt.datetime]:
    found = _INPUT.fullmatch(text)
    covered = " ".join(f'"{name}"' for name in _covered(with_body))
    if found is None or found["covered"] != covered:
        raise MalformedSignature(f"Signature-Input must be {LABEL}=({covered});created;keyid;alg")
    return found["key"], dt.datetime.fromtimestamp(int(found["created"]), dt.UTC)


def _check_fresh(created: dt.datetime, now: dt.datetime, window_s: int) -> None:
    away_s = (now - created).total_seconds()
    if abs(away_s) > window_s:
        raise StaleRequest(f"signed {away_s:.0f} s ago; at most {window_s} s either way")


def _signed_text(method: str, path: str, fields: Mapping[str, str], params: str) -> bytes:
    """Return the signature base of RFC 9421, section 2.5, for the one form that machines use."""
    said = {"@method": method, "@path": path, **fields}
    names = _covered("content-digest" in fields)
    lines = [f'"{name}": {said[name]}' for name in names]
    return "\n".join((*lines, f'"@signature-params": {params}')).encode("ascii")


def _check_signature(
    method: str, path: str, fields: Mapping[str, str], key: Ed25519PublicKey
) -> None:
    params = fields["signature-input"].removeprefix(f"{LABEL}=")
    signature = base64.b64decode(fields["signature"].removeprefix(f"{LABEL}=:").removesuffix(":"))
    try:
        key.verify(signature, _signed_text(method, path, fields, params))
    except InvalidSignature as error:
        raise BadSignature from error
