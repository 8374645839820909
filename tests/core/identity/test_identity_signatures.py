import base64
import datetime as dt
import hashlib

import pytest
from cryptography.exceptions import InvalidSignature as RawInvalid
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from http_message_signatures import (
    HTTPMessageSigner,
    HTTPMessageVerifier,
    HTTPSignatureComponentResolver,
    MappingKeyResolver,
    algorithms,
)
from hypothesis import given, settings
from hypothesis import strategies as st

from tallystick.core.clock import SystemClock
from tallystick.core.identity import errors
from tallystick.core.identity import signatures as sig

KEY = Ed25519PrivateKey.from_private_bytes(b"\x07" * 32)
OTHER = Ed25519PrivateKey.from_private_bytes(b"\x08" * 32)
NOW = dt.datetime(2026, 11, 24, 12, 0, 0, 250_000, tzinfo=dt.UTC)
PATH, NONCE, BODY = "/machine/v1/purchases/01ARZ3/notes", "n-0123456789abcdef", b'{"minor":2000}'
KEYS = {"k1": KEY.public_key(), "k2": OTHER.public_key()}


def signed(method="POST", path=PATH, body=BODY, now=NOW, nonce=NONCE, key=KEY, key_id="k1"):
    return sig.sign_request(method, path, {}, body, key, key_id, now, nonce)


def verified(headers, method="POST", path=PATH, body=BODY, now=NOW, **kwargs):
    return sig.verify_request(method, path, headers, body, KEYS.get, now, **kwargs)


@pytest.mark.parametrize("body", [b"", b"x", BODY, b"\x00\xff" * 8_000])
@pytest.mark.parametrize("method", ["GET", "POST", "DELETE"])
def test_what_was_signed_verifies(method: str, body: bytes):
    found = verified(signed(method, body=body), method, body=body)
    assert found == sig.Verified("k1", NONCE, NOW.replace(microsecond=0))


def test_our_bytes_are_the_standards_bytes():
    """The signature base of RFC 9421, section 2.5, written out by hand for our form."""
    headers = signed()
    params = headers["Signature-Input"].removeprefix("sig=")
    digest = base64.b64encode(hashlib.sha256(BODY).digest()).decode()
    base = (
        f'"@method": POST\n"@path": {PATH}\n"content-digest": sha-256=:{digest}:\n'
        f'"tallystick-nonce": {NONCE}\n"@signature-params": {params}'
    )
    raw = base64.b64decode(headers["Signature"].removeprefix("sig=:").removesuffix(":"))
    KEY.public_key().verify(raw, base.encode())
    with pytest.raises(RawInvalid):
        KEY.public_key().verify(raw, base.replace("POST", "PUT").encode())


class Vector:
    """The test request of RFC 9421, section B.2, as far as B.2.6 covers it."""

    method, url = "POST", "https://example.com/foo?param=Value&Pet=dog"

    def __init__(self):
        self.headers = {
            "Host": "example.com",
            "Date": "Tue, 20 Apr 2021 02:07:55 GMT",
            "Content-Type": "application/json",
            "Content-Length": "18",
        }


VECTOR_KEY = b"""-----BEGIN PRIVATE KEY-----
MC4CAQAwBQYDK2VwBCIEIJ+DYvh6SEqVTm50DFtMDoQikTmiCqirVv9mWG9qfSnF
-----END PRIVATE KEY-----
"""
VECTOR_INPUT = (
    'sig-b26=("date" "@method" "@path" "@authority" "content-type" "content-length")'
    ';created=1618884473;keyid="test-key-ed25519"'
)
VECTOR_SIGNATURE = (
    "sig-b26=:wqcAqbmYJ2ji2glfAMaRy4gruYYnx2nEFN2HN6jrnDnQCK1u"
    "02Gb04v9EDgwUPiu4A0w6vuQv5lIp5WPpBKRCw==:"
)


def test_the_ed25519_vector_of_the_standard():
    """RFC 9421, section B.2.6: the library we stand on gives the published bytes."""
    key = serialization.load_pem_private_key(VECTOR_KEY, None)
    keys = MappingKeyResolver(
        public_keys={"test-key-ed25519": key.public_key()}, private_keys={"test-key-ed25519": key}
    )
    message = Vector()
    HTTPMessageSigner(signature_algorithm=algorithms.ED25519, key_resolver=keys).sign(
        message,
        key_id="test-key-ed25519",
        created=dt.datetime.fromtimestamp(1618884473, dt.UTC),
        label="sig-b26",
        include_alg=False,
        covered_component_ids=(
            "date",
            "@method",
            "@path",
            "@authority",
            "content-type",
            "content-length",
        ),
    )
    assert message.headers["Signature-Input"] == VECTOR_INPUT
    assert message.headers["Signature"] == VECTOR_SIGNATURE


def test_a_plain_verifier_of_the_standard_accepts_ours():
    resolver = MappingKeyResolver(public_keys=KEYS, private_keys={})
    now = SystemClock().now()
    message = Vector()
    message.url, message.headers = f"https://any.example{PATH}", signed(now=now)
    plain = HTTPMessageVerifier(
        signature_algorithm=algorithms.ED25519,
        key_resolver=resolver,
        component_resolver_class=HTTPSignatureComponentResolver,
    )
    assert plain.verify(message, body=BODY)[0].parameters["keyid"] == "k1"


CHANGES = {
    "method": ({"method": "PUT"}, errors.BadSignature),
    "path": ({"path": PATH + "2"}, errors.BadSignature),
    "path case": ({"path": PATH.upper()}, errors.BadSignature),
    "body": ({"body": BODY + b" "}, errors.DigestMismatch),
    "body gone": ({"body": b""}, errors.DigestMismatch),
    "late": ({"now": NOW + dt.timedelta(seconds=301)}, errors.StaleRequest),
    "early": ({"now": NOW - dt.timedelta(seconds=301)}, errors.StaleRequest),
}


@pytest.mark.parametrize("change", CHANGES)
def test_any_other_request_is_refused(change: str):
    different, error = CHANGES[change]
    with pytest.raises(error):
        verified(signed(), **different)


@pytest.mark.parametrize("away_s", [-300, 0, 299])
def test_the_window_itself_is_open(away_s: int):
    assert verified(signed(), now=NOW.replace(microsecond=0) + dt.timedelta(seconds=away_s))


def test_body_and_digest_swapped_together_are_refused():
    headers = signed() | {"Content-Digest": sig.content_digest(b"other")}
    with pytest.raises(errors.BadSignature):
        verified(headers, body=b"other")


def test_another_machines_name_is_refused():
    headers = signed()
    headers["Signature-Input"] = headers["Signature-Input"].replace('"k1"', '"k2"')
    with pytest.raises(errors.BadSignature):
        verified(headers)
    headers["Signature-Input"] = headers["Signature-Input"].replace('"k2"', '"k3"')
    with pytest.raises(errors.UnknownKey):
        verified(headers)


def test_another_moment_is_refused():
    headers = signed()
    created = int(NOW.timestamp())
    later = headers["Signature-Input"].replace(str(created), str(created + 1))
    with pytest.raises(errors.BadSignature):
        verified(headers | {"Signature-Input": later})


def test_another_nonce_is_refused():
    with pytest.raises(errors.BadSignature):
        verified(signed() | {"Tallystick-Nonce": NONCE + "0"})


@pytest.mark.parametrize("name", ["Signature", "Signature-Input", "Tallystick-Nonce"])
def test_a_part_that_is_missing(name: str):
    headers = signed()
    del headers[name]
    with pytest.raises(errors.MissingSignature):
        verified(headers)


def test_a_digest_that_is_missing_or_for_nothing():
    headers = signed()
    del headers["Content-Digest"]
    with pytest.raises(errors.DigestMismatch):
        verified(headers)
    with pytest.raises(errors.DigestMismatch):
        verified(signed(body=b"") | {"Content-Digest": sig.content_digest(b"")}, body=b"")


def weaker(covered: str, extra: str = ';alg="ed25519"') -> dict[str, str]:
    """Return headers that are signed well, but in another form than ours."""
    headers = signed()
    text = f'sig=({covered});created={int(NOW.timestamp())};keyid="k1"{extra}'
    base = "\n".join(
        {
            '"@method"': '"@method": POST',
            '"@path"': f'"@path": {PATH}',
            '"content-digest"': f'"content-digest": {headers["Content-Digest"]}',
            '"tallystick-nonce"': f'"tallystick-nonce": {NONCE}',
        }[name]
        for name in covered.split()
    )
    base += f'\n"@signature-params": {text.removeprefix("sig=")}'
    raw = base64.b64encode(KEY.sign(base.encode())).decode()
    return headers | {"Signature-Input": text, "Signature": f"sig=:{raw}:"}


ALL = '"@method" "@path" "content-digest" "tallystick-nonce"'


def test_the_writer_of_weaker_forms_is_itself_right():
    assert verified(weaker(ALL))


@pytest.mark.parametrize(
    "covered",
    [
        '"@method" "@path" "tallystick-nonce"',
        '"@path" "content-digest" "tallystick-nonce"',
        '"@method" "content-digest" "tallystick-nonce"',
        '"@method" "@path" "content-digest"',
        '"@path" "@method" "content-digest" "tallystick-nonce"',
    ],
)
def test_a_signature_over_less_is_refused(covered: str):
    with pytest.raises(errors.MalformedSignature):
        verified(weaker(covered))


@pytest.mark.parametrize("extra", ["", ';alg="hmac-sha256"', ';alg="ed25519";expires=9999999999'])
def test_other_parameters_are_refused(extra: str):
    with pytest.raises(errors.MalformedSignature):
        verified(weaker(ALL, extra))


@pytest.mark.parametrize(
    ("name", "limit"),
    [
        ("Signature-Input", sig.SIGNATURE_INPUT_CHARS_MAX),
        ("Signature", sig.SIGNATURE_CHARS_MAX),
        ("Content-Digest", sig.DIGEST_CHARS_MAX),
        ("Tallystick-Nonce", sig.NONCE_CHARS_MAX),
    ],
)
def test_headers_have_limits(name: str, limit: int):
    with pytest.raises(errors.MalformedSignature):
        verified(signed() | {name: "a" * (limit + 1)})


def test_the_longest_request_that_we_sign_is_within_the_limits():
    path, key_id = "/" + "a" * (sig.PATH_CHARS_MAX - 1), "k" * 64
    headers = signed(path=path, key_id=key_id, nonce="n" * sig.NONCE_CHARS_MAX)
    found = sig.verify_request("POST", path, headers, BODY, lambda _: KEY.public_key(), NOW)
    assert found.key_id == key_id


def test_a_header_sent_twice_is_refused():
    with pytest.raises(errors.MalformedSignature):
        verified(signed() | {"signature": signed()["Signature"]})


@pytest.mark.parametrize(
    "path", ["", "x", "/a?b=1", "/a%2fb", "/a b", "/a\n", "/é", "/" + "a" * sig.PATH_CHARS_MAX]
)
def test_a_path_has_one_spelling(path: str):
    with pytest.raises(errors.MalformedSignature):
        signed(path=path)
    with pytest.raises(errors.MalformedSignature):
        verified(signed(), path=path)


@pytest.mark.parametrize("nonce", ["short", "x" * 15, "x" * 65, "with space in it!", "ünicode" * 3])
def test_a_nonce_has_a_form(nonce: str):
    with pytest.raises(errors.MalformedSignature):
        signed(nonce=nonce)
    with pytest.raises(errors.MalformedSignature):
        verified(signed() | {"Tallystick-Nonce": nonce})


def test_nothing_is_signed_over_what_is_there():
    with pytest.raises(errors.MalformedSignature):
        sig.sign_request("GET", PATH, {"signature": "x"}, b"", KEY, "k1", NOW, NONCE)


@settings(max_examples=150, deadline=None)
@given(st.sampled_from(sorted(signed())), st.text(max_size=200))
def test_garbage_in_any_header_is_refused_and_nothing_worse(name: str, text: str):
    if text != signed()[name]:
        with pytest.raises(errors.RequestRefused):
            verified(signed() | {name: text})


@settings(max_examples=100, deadline=None)
@given(st.sampled_from(sorted(signed())), st.integers(0, 400), st.characters(codec="ascii"))
def test_one_letter_changed_in_any_header_is_refused(name: str, place: int, letter: str):
    text = signed()[name]
    place %= len(text)
    changed = text[:place] + letter + text[place + 1 :]
    if changed != text:
        with pytest.raises(errors.RequestRefused):
            verified(signed() | {name: changed})
