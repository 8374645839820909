"""Machines: how one is paired, known, given a new key and put out of service (Decision 8).

A person makes a one-time token on the server and the machine reads it from a QR code, with the
server's key beside it. From then on each request is signed by the machine's own key. A stolen key
can lie up to the machine's daily cap until it is revoked (Decision 4), and not a moment longer.
"""

from __future__ import annotations

import datetime as dt
import enum
import re
import urllib.parse
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final
from zoneinfo import available_timezones

import msgspec
import sqlalchemy as sa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from tallystick.core.clock import Clock, new_id
from tallystick.core.identity.errors import (
    BadKey,
    MachineRevoked,
    MachineTextInvalid,
    PairingRefused,
    Replayed,
    UnknownKey,
    UnknownMachine,
)
from tallystick.core.identity.keys import b64url, public_text, read_public
from tallystick.core.identity.signatures import WINDOW_S, verify_request
from tallystick.core.identity.tables import (
    MACHINE_KEYS,
    MACHINE_NONCES,
    MACHINES,
    PAIRING_TOKENS,
    digest_of,
)
from tallystick.core.store import Tx, for_update, insert_once, prepared

PAIRING_TTL_S: Final = 3600
KEY_GRACE_S: Final = 86_400
"""How long a machine's former key stays good after it has a new one."""

KEYS_ALIVE_MAX: Final = 4
LABEL_CHARS_MAX: Final = 64
WHY_CHARS_MAX: Final = 200
SETTINGS_BYTES_MAX: Final = 8_192
DAY_CAP_MINOR_DEFAULT: Final = 1_000_000
DAY_CAP_MINOR_MAX: Final = 10**12
PAIRING_CHARS_MAX: Final = 512
NONCE_KEPT_S: Final = 2 * WINDOW_S
NONCES_SWEPT_MAX: Final = 256
SWEEP_ONE_IN: Final = 64

ZONE: Final = "zone"
"""The setting that names a machine's own time zone, where its place has several."""

_CURRENCY = re.compile(r"[A-Z]{3}")


class State(enum.StrEnum):
    """In service, or never again."""

    ACTIVE = "active"
    REVOKED = "revoked"


@dataclass(frozen=True, slots=True)
class Machine:
    """One kiosk as the server knows it. ``day_cap_minor`` is in minor units of ``currency``."""

    id: str
    label: str
    state: State
    currency: str
    day_cap_minor: int
    settings: Mapping[str, Any]
    created_at: dt.datetime
    revoked_at: dt.datetime | None
    revoked_why: str


@dataclass(frozen=True, slots=True)
class Pairing:
    """What a machine reads from the pairing QR code."""

    url: str
    server_key: Ed25519PublicKey
    token: str


def pairing_string(url: str, server_key: Ed25519PublicKey, token: str) -> str:
    """Return the text of the pairing QR code: where the server is, its key and the token."""
    query = urllib.parse.urlencode({"url": url, "key": public_text(server_key), "token": token})
    return f"tallystick:pair?{query}"


def read_pairing(text: str) -> Pairing:
    """Read a pairing QR code; raise `PairingRefused` for anything else."""
    head, _, query = text.strip().partition("?")
    if head != "tallystick:pair" or len(text) > PAIRING_CHARS_MAX:
        raise PairingRefused("this is not a pairing code")
    try:
        pairs = urllib.parse.parse_qsl(query, strict_parsing=True, max_num_fields=3)
        fields = dict(pairs)
        url, key, token = fields["url"], read_public(fields["key"]), fields["token"]
    except (ValueError, KeyError, BadKey) as error:
        raise PairingRefused("this pairing code is damaged") from error
    if not url.startswith(("https://", "http://")):
        raise PairingRefused("the pairing code's address is not a server's")
    return Pairing(url, key, token)


def invite_machine(
    tx: Tx,
    label: str,
    now: dt.datetime,
    clock: Clock,
    *,
    currency: str = "USD",
    day_cap_minor: int = DAY_CAP_MINOR_DEFAULT,
    machine_id: str | None = None,
) -> str:
    """Return a one-time pairing token, good for `PAIRING_TTL_S`; only its digest is stored.

    With ``machine_id`` an existing machine gets new hardware: on pairing, its old keys end at
    once. Raises `MachineTextInvalid`, `UnknownMachine` or `MachineRevoked`.
    """
    _check(label, currency, day_cap_minor)
    if machine_id is not None:
        _in_service(tx, machine_id)
    token = b64url(clock.random_bytes(32))
    values = {
        "digest": digest_of(token),
        "label": label,
        "currency": currency,
        "day_cap_minor": day_cap_minor,
        "machine": machine_id,
        "made_at": now,
        "expires_at": now + dt.timedelta(seconds=PAIRING_TTL_S),
    }
    tx.execute(PAIRING_TOKENS.insert().values(values))
    return token


def pair(tx: Tx, token: str, public_key: str, now: dt.datetime, clock: Clock) -> Machine:
    """Make the machine that holds this token known by its key (base64url of 32 bytes).

    A token serves one key. The same machine may ask again with it while it lasts, in case the
    answer was lost. Raises `PairingRefused` or `BadKey`.
    """
    key = read_public(public_key)
    query = sa.select(PAIRING_TOKENS).where(PAIRING_TOKENS.c.digest == digest_of(token))
    row = tx.execute(for_update(query, tx)).mappings().first()
    if row is None or row["expires_at"] <= now:
        raise PairingRefused
    if row["used_at"] is not None:
        return _paired_before(tx, row["used_by"], key)
    machine_id = row["machine"] or _new_machine(tx, row, now, clock)
    _in_service(tx, machine_id)
    _end_keys(tx, machine_id, now)
    _add_key(tx, machine_id, key, now)
    used = {"used_at": now, "used_by": machine_id}
    tx.execute(PAIRING_TOKENS.update().where(PAIRING_TOKENS.c.digest == row["digest"]).values(used))
    return machine(tx, machine_id)


def _paired_before(tx: Tx, machine_id: str, key: Ed25519PublicKey) -> Machine:
    row = tx.execute(sa.select(MACHINE_KEYS).where(MACHINE_KEYS.c.id == key_name(key))).first()
    if row is None or row.machine != machine_id or row.ends_at is not None:
        raise PairingRefused
    known = machine(tx, machine_id)
    if known.state is not State.ACTIVE:
        raise PairingRefused
    return known


def _new_machine(tx: Tx, row: Mapping[Any, Any], now: dt.datetime, clock: Clock) -> str:
    machine_id = new_id(clock)
    kept = {name: row[name] for name in ("label", "currency", "day_cap_minor")}
    values = {"id": machine_id, "state": State.ACTIVE, "settings": "{}", "created_at": now}
    tx.execute(MACHINES.insert().values(revoked_why="", **values, **kept))
    return machine_id


def key_name(key: Ed25519PublicKey) -> str:
    """Return the name of a machine's key, from the key alone: 22 characters of base64url."""
    return b64url(bytes.fromhex(digest_of(public_text(key)))[:16])


def rotate_key(
    tx: Tx, machine_id: str, new_public_key: str, now: dt.datetime, grace_s: int = KEY_GRACE_S
) -> str:
    """Give a machine a new key, good at once, and return its name.

    Former keys end after ``grace_s`` seconds. Asking twice for one key changes nothing more.
    Raises `BadKey`, `UnknownMachine` or `MachineRevoked`.
    """
    _in_service(tx, machine_id)
    key = read_public(new_public_key)
    alive = _alive(tx, machine_id, now)
    if alive.get(key_name(key), now) is None:
        return key_name(key)
    if len(alive) >= KEYS_ALIVE_MAX:
        raise BadKey(f"{len(alive)} keys are still good; wait for the oldest to end")
    _end_keys(tx, machine_id, now + dt.timedelta(seconds=grace_s))
    return _add_key(tx, machine_id, key, now)


def _alive(tx: Tx, machine_id: str, now: dt.datetime) -> dict[str, dt.datetime | None]:
    """Return the names of a machine's good keys, each with the moment it ends, if set."""
    keys = MACHINE_KEYS.c
    query = sa.select(keys.id, keys.ends_at).where(
        keys.machine == machine_id, sa.or_(keys.ends_at.is_(None), keys.ends_at > now)
    )
    return {row.id: row.ends_at for row in tx.execute(for_update(query, tx))}


def _end_keys(tx: Tx, machine_id: str, when: dt.datetime) -> None:
    """End the machine's keys at ``when``, unless they end sooner."""
    keys = MACHINE_KEYS.c
    later = sa.or_(keys.ends_at.is_(None), keys.ends_at > when)
    tx.execute(MACHINE_KEYS.update().where(keys.machine == machine_id, later).values(ends_at=when))


def _add_key(tx: Tx, machine_id: str, key: Ed25519PublicKey, now: dt.datetime) -> str:
    name = key_name(key)
    values = {"id": name, "machine": machine_id, "public_key": public_text(key), "made_at": now}
    if not insert_once(tx, MACHINE_KEYS, values):
        raise BadKey("this key was used before; make a new one")
    return name


def revoke(tx: Tx, machine_id: str, now: dt.datetime, why: str) -> None:
    """Put a machine out of service for good: its keys and open tokens end now.

    Revoking twice keeps the first moment and reason. Raises `UnknownMachine`.
    """
    if machine(tx, machine_id).state is State.REVOKED:
        return
    ended = {"state": State.REVOKED, "revoked_at": now, "revoked_why": why[:WHY_CHARS_MAX]}
    tx.execute(MACHINES.update().where(MACHINES.c.id == machine_id).values(ended))
    _end_keys(tx, machine_id, now)
    tokens = PAIRING_TOKENS.c
    query = PAIRING_TOKENS.update().where(tokens.machine == machine_id, tokens.expires_at > now)
    tx.execute(query.values(expires_at=now))


def configure(
    tx: Tx,
    machine_id: str,
    *,
    label: str,
    currency: str,
    day_cap_minor: int,
    settings: Mapping[str, Any],
) -> Machine:
    """Change a machine's name and limits; raise `MachineTextInvalid` or `MachineRevoked`."""
    _check(label, currency, day_cap_minor)
    text = msgspec.json.encode(dict(settings)).decode()
    if len(text) > SETTINGS_BYTES_MAX:
        raise MachineTextInvalid(f"settings: more than {SETTINGS_BYTES_MAX} bytes")
    _in_service(tx, machine_id)
    values = {
        "label": label,
        "currency": currency,
        "day_cap_minor": day_cap_minor,
        "settings": text,
    }
    tx.execute(MACHINES.update().where(MACHINES.c.id == machine_id).values(values))
    return machine(tx, machine_id)


def put_in_zone(tx: Tx, machine_id: str, zone: str) -> Machine:
    """Have a machine's days reckoned by a time zone, such as America/Denver; "": its server's.

    Raises `MachineTextInvalid` for no zone of the IANA database, and as `configure`.
    """
    if zone and zone not in available_timezones():
        raise MachineTextInvalid(f"{zone[:40]!r} is no time zone, such as America/Denver")
    held = machine(tx, machine_id)
    return configure(
        tx,
        machine_id,
        label=held.label,
        currency=held.currency,
        day_cap_minor=held.day_cap_minor,
        settings={**held.settings, ZONE: zone},
    )


def machine(tx: Tx, machine_id: str) -> Machine:
    """Return one machine, in service or not; raise `UnknownMachine`."""
    row = tx.execute(sa.select(MACHINES).where(MACHINES.c.id == machine_id)).mappings().first()
    if row is None:
        raise UnknownMachine(f"no machine {machine_id[:32]}")
    return _read(row)


def machines(tx: Tx) -> list[Machine]:
    """Return every machine, oldest first."""
    rows = tx.execute(sa.select(MACHINES).order_by(MACHINES.c.created_at, MACHINES.c.id))
    return [_read(row) for row in rows.mappings()]


def key_of(tx: Tx, key_id: str, now: dt.datetime) -> Ed25519PublicKey | None:
    """Return the key of that name, if it is good now and its machine is in service."""
    found = _holder(tx, key_id, now)
    return None if found is None else read_public(found["public_key"])


def machine_of(tx: Tx, key_id: str, now: dt.datetime) -> Machine:
    """Return the machine whose key this is; raise `UnknownKey` unless both are good now."""
    found = _holder(tx, key_id, now)
    if found is None:
        raise UnknownKey(f"no machine in service has the key {key_id[:64]}")
    return _read(found)


def authenticate(
    tx: Tx, method: str, path: str, headers: Mapping[str, str], body: bytes, now: dt.datetime
) -> Machine:
    """Return the machine that signed this request for the first time.

    Raises a `RequestRefused`. Call it in the transaction of the step itself, so that a nonce is
    spent exactly when the step is done.
    """
    found: list[Mapping[Any, Any]] = []

    def key(key_id: str) -> Ed25519PublicKey | None:
        holder = _holder(tx, key_id, now)
        if holder is None:
            return None
        found.append(holder)
        return read_public(holder["public_key"])

    verified = verify_request(method, path, headers, body, key, now)
    remember_nonce(tx, verified.key_id, verified.nonce, verified.created)
    return _read(found[0])


def remember_nonce(tx: Tx, key_id: str, nonce: str, created: dt.datetime) -> None:
    """Spend a nonce, or raise `Replayed`. ``created`` is the signature's own moment.

    One request in `SWEEP_ONE_IN` also clears up to `NONCES_SWEPT_MAX` nonces that the window
    itself refuses by now, so the table stays bounded without a worker.
    """
    values = {"key_id": key_id, "nonce": nonce, "created": created}
    if not insert_once(tx, MACHINE_NONCES, values):
        raise Replayed
    if int(digest_of(nonce)[:8], 16) % SWEEP_ONE_IN == 0:
        sweep_nonces(tx, created - dt.timedelta(seconds=NONCE_KEPT_S))


def sweep_nonces(tx: Tx, before: dt.datetime, most: int = NONCES_SWEPT_MAX) -> int:
    """Forget up to ``most`` nonces signed before that moment; return how many went."""
    nonces = MACHINE_NONCES.c
    old = sa.select(nonces.key_id, nonces.nonce).where(nonces.created < before).limit(most)
    gone = MACHINE_NONCES.delete().where(sa.tuple_(nonces.key_id, nonces.nonce).in_(old))
    return tx.execute(gone).rowcount


@prepared
def _holding(key_id: str, now: dt.datetime) -> sa.Select[Any]:
    keys = MACHINE_KEYS.c
    query = sa.select(MACHINES, keys.public_key).join(MACHINE_KEYS, keys.machine == MACHINES.c.id)
    query = query.where(keys.id == key_id, MACHINES.c.state == State.ACTIVE.value)
    return query.where(sa.or_(keys.ends_at.is_(None), keys.ends_at > now))


def _holder(tx: Tx, key_id: str, now: dt.datetime) -> Mapping[Any, Any] | None:
    row: Mapping[Any, Any] | None = _holding(tx, key_id=key_id, now=now).mappings().first()
    return row


def _in_service(tx: Tx, machine_id: str) -> None:
    if machine(tx, machine_id).state is not State.ACTIVE:
        raise MachineRevoked


def _check(label: str, currency: str, day_cap_minor: int) -> None:
    if not (0 < len(label.strip()) <= len(label) <= LABEL_CHARS_MAX) or not label.isprintable():
        raise MachineTextInvalid(f"a label has 1 to {LABEL_CHARS_MAX} printable characters")
    if not _CURRENCY.fullmatch(currency):
        raise MachineTextInvalid("a currency has three capital letters, such as USD")
    if not 0 <= day_cap_minor <= DAY_CAP_MINOR_MAX:
        raise MachineTextInvalid(f"a daily cap is 0 to {DAY_CAP_MINOR_MAX} minor units")


def _read(row: Mapping[Any, Any]) -> Machine:
    names = ("id", "label", "currency", "day_cap_minor", "created_at", "revoked_at", "revoked_why")
    settings = msgspec.json.decode(row["settings"])
    return Machine(
        state=State(row["state"]), settings=settings, **{name: row[name] for name in names}
    )
