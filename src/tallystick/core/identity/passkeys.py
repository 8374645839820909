"""Passkeys: the WebAuthn ceremonies by which a person registers, signs in, approves (Decision 8).

Each question to a passkey is random (or the digest of what is approved), kept here, bound to one
browser by a handle, answered once and soon. The passkey must have checked that it was its owner
(user verification), for this site and no other. A refused answer still spends its question and is
counted against the person, so **commit the transaction even when a `finish` raises**.
"""

from __future__ import annotations

import datetime as dt
import enum
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, TypeVar

import msgspec
import sqlalchemy as sa
import webauthn
from webauthn.helpers import structs

from tallystick.core.clock import Clock
from tallystick.core.identity import people, sessions
from tallystick.core.identity.errors import (
    AssertionUnsound,
    ChallengeRefused,
    PasskeyCopied,
    PasskeyRefused,
    PasskeysFull,
    TooManyAttempts,
)
from tallystick.core.identity.keys import b64url, from_b64url
from tallystick.core.identity.people import Person
from tallystick.core.identity.tables import PASSKEY_CHALLENGES, PASSKEYS, digest_of
from tallystick.core.store import Tx, for_update, insert_once

CHALLENGE_TTL_S: Final = 300
CHALLENGES_OPEN_MAX: Final = 2_000
PASSKEYS_PER_PERSON_MAX: Final = 8
ANSWER_BYTES_MAX: Final = 16_384
CREDENTIAL_BYTES_MAX: Final = 1_023
LABEL_CHARS_MAX: Final = 60
DIGEST_BYTES: Final = 32
SIGNED_PARTS: Final = ("clientDataJSON", "authenticatorData", "signature")

T = TypeVar("T")


class Purpose(enum.StrEnum):
    """What a question is for; an answer to one kind is worth nothing for the other."""

    REGISTER = "register"
    SIGN_IN = "sign in"
    APPROVE = "approve"


@dataclass(frozen=True, slots=True)
class Party:
    """The site as passkeys know it: its domain, its name, and the origins it is served from."""

    domain: str
    name: str
    origins: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Question:
    """What the browser gets: options for ``navigator.credentials`` as JSON, and a handle."""

    options: str
    handle: str


@dataclass(frozen=True, slots=True)
class SignedIn:
    """Who signed in, and the cookie of the new session."""

    person: Person
    cookie: str


def begin_registration(
    tx: Tx, party: Party, person: Person, now: dt.datetime, clock: Clock
) -> Question:
    """Ask the browser for a new passkey; raise `PasskeysFull`."""
    held = people.passkeys(tx, person.id)
    if len(held) >= PASSKEYS_PER_PERSON_MAX:
        raise PasskeysFull
    challenge, handle = _ask(tx, Purpose.REGISTER, person.id, now, clock)
    options = webauthn.generate_registration_options(
        rp_id=party.domain,
        rp_name=party.name,
        user_id=person.id.encode(),
        user_name=person.name,
        challenge=challenge,
        timeout=CHALLENGE_TTL_S * 1000,
        exclude_credentials=[_descriptor(key.id) for key in held],
        authenticator_selection=structs.AuthenticatorSelectionCriteria(
            resident_key=structs.ResidentKeyRequirement.REQUIRED,
            user_verification=structs.UserVerificationRequirement.REQUIRED,
        ),
    )
    return Question(webauthn.options_to_json(options), handle)


def finish_registration(
    tx: Tx, party: Party, person: Person, handle: str, answer: bytes, label: str, now: dt.datetime
) -> str:
    """Keep the passkey that answered, and return its id; raise `PasskeyRefused`."""
    challenge = _take(tx, handle, Purpose.REGISTER, person.id, now)
    verified = _judge(
        lambda: webauthn.verify_registration_response(
            credential=_decode(answer),
            expected_challenge=challenge,
            expected_rp_id=party.domain,
            expected_origin=list(party.origins),
            require_user_verification=True,
        )
    )
    if len(people.passkeys(tx, person.id)) >= PASSKEYS_PER_PERSON_MAX:
        raise PasskeysFull
    values = {
        "id": _credential_id(verified.credential_id),
        "person": person.id,
        "public_key": b64url(verified.credential_public_key),
        "sign_count": verified.sign_count,
        "label": _label(label),
        "made_at": now,
    }
    if not insert_once(tx, PASSKEYS, values):
        raise PasskeyRefused("this passkey is registered already")
    return str(values["id"])


def begin_sign_in(tx: Tx, party: Party, now: dt.datetime, clock: Clock) -> Question:
    """Ask for any passkey of this site: nobody types a name, and no name is confirmed."""
    challenge, handle = _ask(tx, Purpose.SIGN_IN, None, now, clock)
    options = webauthn.generate_authentication_options(
        rp_id=party.domain,
        challenge=challenge,
        timeout=CHALLENGE_TTL_S * 1000,
        user_verification=structs.UserVerificationRequirement.REQUIRED,
    )
    return Question(webauthn.options_to_json(options), handle)


def finish_sign_in(
    tx: Tx, party: Party, handle: str, answer: bytes, now: dt.datetime, clock: Clock
) -> SignedIn:
    """Begin a session for whoever's passkey answered; raise `PasskeyRefused` and commit.

    Raises `PasskeyCopied` when the passkey's counter did not grow, and `TooManyAttempts` while
    its owner has too many refused answers behind them.
    """
    challenge = _take(tx, handle, Purpose.SIGN_IN, None, now)
    credential = _decode(answer)
    row = _registered(tx, credential)
    _accept(tx, party, credential, challenge, row, now)
    cookie = sessions.start(tx, row.person, row.id, now, clock)
    return SignedIn(people.present(tx, row.person), cookie)


def begin_assertion(
    tx: Tx, party: Party, person: Person, digest: bytes, now: dt.datetime, clock: Clock
) -> Question:
    """Ask one person to sign the 32-byte digest of what they approve: it is the challenge itself.

    Raises `PasskeyRefused` when they have no passkey or the digest is not of 32 bytes.
    """
    held = people.passkeys(tx, person.id)
    if not held or len(digest) != DIGEST_BYTES:
        raise PasskeyRefused(f"signing needs a passkey and a digest of {DIGEST_BYTES} bytes")
    challenge, handle = _ask(tx, Purpose.APPROVE, person.id, now, clock, digest)
    options = webauthn.generate_authentication_options(
        rp_id=party.domain,
        challenge=challenge,
        timeout=CHALLENGE_TTL_S * 1000,
        allow_credentials=[_descriptor(key.id) for key in held],
        user_verification=structs.UserVerificationRequirement.REQUIRED,
    )
    return Question(webauthn.options_to_json(options), handle)


def verify_assertion(
    tx: Tx,
    party: Party,
    person: Person,
    handle: str,
    answer: bytes,
    digest: bytes,
    now: dt.datetime,
) -> str:
    """Return this person's signature over the digest as JSON, to keep as evidence (`recheck`).

    Raises `ChallengeRefused`, `PasskeyRefused`, `PasskeyCopied` or `TooManyAttempts`; commit even
    then. No session begins.
    """
    asked = _take(tx, handle, Purpose.APPROVE, person.id, now)
    if asked != digest:
        raise ChallengeRefused("this signs another digest")
    credential = _decode(answer)
    row = _registered(tx, credential)
    if row.person != person.id:
        raise PasskeyRefused("this passkey is another person's")
    _accept(tx, party, credential, asked, row, now)
    parts = {name: credential["response"][name] for name in SIGNED_PARTS}
    return msgspec.json.encode({"passkey": row.id, **parts}, order="deterministic").decode()


def recheck(party: Party, public_key: str, evidence: str, digest: bytes) -> None:
    """Check kept evidence again, long after, without a database; raise `AssertionUnsound`.

    ``public_key`` is the passkey's COSE key in base64url, as in the table ``passkeys``.
    """
    try:
        kept = msgspec.json.decode(evidence, type=dict[str, str])
        named = {"id": kept["passkey"], "rawId": kept["passkey"], "type": "public-key"}
        credential = named | {"response": {name: kept[name] for name in SIGNED_PARTS}}
        _signature(party, credential, digest, public_key)
    except (msgspec.DecodeError, KeyError, PasskeyRefused) as error:
        raise AssertionUnsound(str(error)) from error


def _accept(
    tx: Tx, party: Party, credential: dict[str, Any], challenge: bytes, row: Any, now: dt.datetime
) -> None:
    """Accept an answer: its signature, its owner and its counter; count it against them if not."""
    people.check_not_resting(tx, row.person, now)
    try:
        count = _verify(party, credential, challenge, row)
        _check_counter(tx, row, count, now)
    except PasskeyRefused:
        people.note_failure(tx, row.person, now)
        raise
    used = PASSKEYS.update().where(PASSKEYS.c.id == row.id)
    tx.execute(used.values(sign_count=count, used_at=now))
    people.forget_failures(tx, row.person)


def _verify(party: Party, credential: dict[str, Any], challenge: bytes, row: Any) -> int:
    """Return the passkey's counter, having checked the signature and whom it names."""
    verified = _signature(party, credential, challenge, row.public_key)
    owner = _judge(lambda: credential["response"].get("userHandle"))
    if owner is not None and owner != b64url(row.person.encode()):
        raise PasskeyRefused("the passkey names another person")
    return int(verified.new_sign_count)


def _signature(party: Party, credential: dict[str, Any], challenge: bytes, key: str) -> Any:
    """Check a signature; the library's own check of the counter is left to us.

    It judges the counter before the signature, so its word about a copy proves nothing.
    """
    return _judge(
        lambda: webauthn.verify_authentication_response(
            credential=credential,
            expected_challenge=challenge,
            expected_rp_id=party.domain,
            expected_origin=list(party.origins),
            credential_public_key=from_b64url(key, ANSWER_BYTES_MAX),
            credential_current_sign_count=0,
            require_user_verification=True,
        )
    )


def _check_counter(tx: Tx, row: Any, count: int, now: dt.datetime) -> None:
    """Refuse a counter that did not grow (WebAuthn, section 6.1.1); passkeys without one send 0."""
    if count > row.sign_count or count == row.sign_count == 0:
        return
    tx.execute(PASSKEYS.update().where(PASSKEYS.c.id == row.id).values(suspect_at=now))
    raise PasskeyCopied


def _registered(tx: Tx, credential: dict[str, Any]) -> Any:
    named = _judge(lambda: _credential_id(from_b64url(credential["id"], CREDENTIAL_BYTES_MAX)))
    query = sa.select(PASSKEYS).where(PASSKEYS.c.id == named, PASSKEYS.c.removed_at.is_(None))
    row = tx.execute(for_update(query, tx)).first()
    if row is None:
        raise PasskeyRefused("this passkey is not registered here")
    return row


def _ask(
    tx: Tx,
    purpose: Purpose,
    person: str | None,
    now: dt.datetime,
    clock: Clock,
    digest: bytes | None = None,
) -> tuple[bytes, str]:
    """Keep a new question, random unless a digest is to be signed; return it with its handle.

    Raises `TooManyAttempts` when flooded.
    """
    tx.execute(PASSKEY_CHALLENGES.delete().where(PASSKEY_CHALLENGES.c.expires_at <= now))
    waiting = tx.execute(sa.select(sa.func.count()).select_from(PASSKEY_CHALLENGES)).scalar_one()
    if waiting >= CHALLENGES_OPEN_MAX:
        raise TooManyAttempts
    challenge, handle = digest or clock.random_bytes(32), b64url(clock.random_bytes(32))
    values = {
        "digest": digest_of(handle),
        "challenge": b64url(challenge),
        "purpose": purpose,
        "person": person,
        "expires_at": now + dt.timedelta(seconds=CHALLENGE_TTL_S),
    }
    tx.execute(PASSKEY_CHALLENGES.insert().values(values))
    return challenge, handle


def _take(tx: Tx, handle: str, purpose: Purpose, person: str | None, now: dt.datetime) -> bytes:
    """Spend the question of this handle, whatever comes of it."""
    mine = PASSKEY_CHALLENGES.c.digest == digest_of(handle)
    row = tx.execute(sa.select(PASSKEY_CHALLENGES).where(mine)).first()
    taken = tx.execute(PASSKEY_CHALLENGES.delete().where(mine)).rowcount
    if row is None or taken != 1 or row.expires_at <= now:
        raise ChallengeRefused
    if row.purpose != purpose or row.person != person:
        raise ChallengeRefused("this answers another question")
    return from_b64url(row.challenge, 32)


def _decode(answer: bytes) -> dict[str, Any]:
    if len(answer) > ANSWER_BYTES_MAX:
        raise PasskeyRefused(f"an answer has at most {ANSWER_BYTES_MAX} bytes")
    try:
        return msgspec.json.decode(answer, type=dict[str, Any])
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise PasskeyRefused("the answer is not what a browser sends") from error


def _judge(look: Callable[[], T]) -> T:
    """Return what the look found; whatever goes wrong in reading a stranger's bytes refuses it."""
    try:
        return look()
    except Exception as error:
        raise PasskeyRefused(str(error) or type(error).__name__) from error


def _descriptor(credential_id: str) -> structs.PublicKeyCredentialDescriptor:
    return structs.PublicKeyCredentialDescriptor(
        id=from_b64url(credential_id, CREDENTIAL_BYTES_MAX)
    )


def _credential_id(raw: bytes) -> str:
    if not 16 <= len(raw) <= CREDENTIAL_BYTES_MAX:
        raise PasskeyRefused(f"a passkey's name has 16 to {CREDENTIAL_BYTES_MAX} bytes")
    return b64url(raw)


def _label(text: str) -> str:
    kept = "".join(letter for letter in text if letter.isprintable()).strip()
    return kept[:LABEL_CHARS_MAX] or "Passkey"
