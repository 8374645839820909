"""How a machine meets its server, once: by a code that a person brings from it (Decision 8).

The code holds the server's address, its key and a one-time token. The key that the server then
answers with must be the code's own; from then on every quote must be signed by it.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import httpx
import msgspec
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from tallystick.core.clock import Clock, new_id
from tallystick.core.identity.keys import from_b64url, load_or_make_key, public_text, read_public
from tallystick.core.identity.machines import key_name, read_pairing
from tallystick.core.identity.signatures import sign_request
from tallystick.edge.errors import BadQuote, NotPaired, ServerLost, ServerSaid, WrongServer
from tallystick.kiosk import wire
from tallystick.kiosk.quote import digest_of

PAIR_S_MAX: Final = 20
SIGNATURE_BYTES: Final = 64


class Kept(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What ``pairing.json`` holds; nothing in it is secret."""

    url: str
    machine: str
    key_id: str
    server_key: str


@dataclass(frozen=True, slots=True)
class Pairing:
    """Where the server is, who we are to it, and the key by which we know it."""

    url: str
    machine: str
    key_id: str
    server_key: Ed25519PublicKey


def load(folder: Path) -> Pairing:
    """Return the machine's pairing; raise `NotPaired`."""
    try:
        kept = msgspec.json.decode((folder / "pairing.json").read_bytes(), type=Kept)
    except FileNotFoundError as error:
        raise NotPaired from error
    except msgspec.DecodeError as error:
        raise NotPaired(f"pairing.json: {error}") from error
    return Pairing(kept.url, kept.machine, kept.key_id, read_public(kept.server_key))


def pair(folder: Path, code: str) -> Pairing:
    """Pair by a code and keep the result; raise `WrongServer`, `ServerSaid` or `ServerLost`.

    Doing it again with the same code, after a lost answer, gives the same pairing.
    """
    read = read_pairing(code)
    key = load_or_make_key(folder / "machine.key")
    body = msgspec.json.encode(
        wire.PairRequest(token=read.token, public_key=public_text(key.public_key()))
    )
    try:
        answer = httpx.post(f"{read.url}/v1/pair", content=body, timeout=PAIR_S_MAX)
    except httpx.HTTPError as error:
        raise ServerLost(f"{read.url}: {error}") from error
    if answer.status_code != 200:
        raise ServerSaid(answer.status_code, 0, answer.text[:200], "kiosk.call_us")
    told = msgspec.json.decode(answer.content, type=wire.PairReply)
    if told.server_key != public_text(read.server_key):
        raise WrongServer(f"{read.url} answered with another key")
    _keep(folder, Kept(read.url, told.machine, told.key_id, told.server_key))
    return load(folder)


def rotate(folder: Path, clock: Clock) -> str:
    """Change the machine's key, and return the new one's name; raise `ServerSaid` or `ServerLost`.

    The new key is on disk before the server hears of it, and takes the old one's place in one
    rename after the server has said yes; the server takes both for a day. Doing it again after a
    lost answer offers the same new key.
    """
    held, old = load(folder), load_or_make_key(folder / "machine.key")
    new = load_or_make_key(folder / "machine.key.next")
    body = msgspec.json.encode(wire.KeyRequest(public_key=public_text(new.public_key())))
    name, nonce = key_name(old.public_key()), new_id(clock)
    headers = sign_request("POST", "/v1/key", {}, body, old, name, clock.now(), nonce)
    try:
        answer = httpx.post(f"{held.url}/v1/key", content=body, headers=headers, timeout=PAIR_S_MAX)
    except httpx.HTTPError as error:
        raise ServerLost(f"{held.url}: {error}") from error
    if answer.status_code != 200:
        raise ServerSaid(answer.status_code, 0, answer.text[:200], "kiosk.call_us")
    told = msgspec.json.decode(answer.content, type=wire.KeyReply)
    (folder / "machine.key.next").replace(folder / "machine.key")
    return told.key_id


def move(folder: Path, url: str) -> Pairing:
    """Note that the same server, by its same key, is now at another address."""
    old = msgspec.json.decode((folder / "pairing.json").read_bytes(), type=Kept)
    _keep(folder, msgspec.structs.replace(old, url=url))
    return load(folder)


def _keep(folder: Path, kept: Kept) -> None:
    draft = folder / "pairing.new"
    with draft.open("wb") as file:
        file.write(msgspec.json.encode(kept))
        file.flush()
        os.fsync(file.fileno())
    draft.replace(folder / "pairing.json")


def check_quote(
    quote: wire.Quote, server_key: Ed25519PublicKey, purchase: str, address: str
) -> None:
    """Raise `BadQuote` unless our server signed this quote for this purchase and address."""
    if quote.digest != digest_of(quote):
        raise BadQuote("its digest is not its own")
    try:
        signature = from_b64url(quote.signature, SIGNATURE_BYTES)
        server_key.verify(signature, bytes.fromhex(quote.digest))
    except (ValueError, InvalidSignature) as error:
        raise BadQuote("its signature is not our server's") from error
    if (quote.purchase, quote.address) != (purchase, address):
        raise BadQuote("it is for another purchase")
