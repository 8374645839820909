"""The ceremony in which a vault is made: step by step, each on record before the next.

Keys are gathered and checked, the vault is formed from them, each signer derives its addresses
alone and signs a test message with every key, and only then is the vault open for deposits. It can
be left and taken up again at any step; what was recorded stays (Decision 1). This server never sees
a secret.
"""

from __future__ import annotations

import dataclasses
import enum
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import msgspec
import sqlalchemy as sa

from tallystick.bitcoin import bip322
from tallystick.core import journal
from tallystick.core.clock import Clock, new_id
from tallystick.core.store import Store, Tx, for_update
from tallystick.reserve import control, keys, signing, vaults
from tallystick.reserve.advisories import Advisory, ability_of, load
from tallystick.reserve.key_errors import BadVault, CeremonyRefuses, NoSuchVault
from tallystick.reserve.recovery import paper
from tallystick.reserve.vault import Kind, Vault, VaultKey, make, template_of
from tallystick.reserve.vault_tables import CARDS, CEREMONIES, VAULTS
from tallystick.reserve.wallet import VaultWallet

ADDRESSES_FIRST: Final = 20
"""Addresses that are derived, checked and published at the ceremony."""
KEYS_MAX: Final = 30
TEXT_LENGTH_MAX: Final = 100
COMMITMENT_LENGTH: Final = 64


class State(enum.StrEnum):
    """Where a ceremony is."""

    GATHERING = "gathering"
    FORMED = "formed"
    DERIVED = "derived"
    TESTED = "tested"
    CLOSED = "closed"
    ABANDONED = "abandoned"


NEXT: Final[dict[State, frozenset[State]]] = {
    State.GATHERING: frozenset({State.FORMED, State.ABANDONED}),
    State.FORMED: frozenset({State.DERIVED, State.ABANDONED}),
    State.DERIVED: frozenset({State.TESTED, State.ABANDONED}),
    State.TESTED: frozenset({State.CLOSED, State.ABANDONED}),
    State.CLOSED: frozenset(),
    State.ABANDONED: frozenset(),
}


WHAT_NEXT: Final[dict[State, str]] = {
    State.GATHERING: "add keys, then form the vault",
    State.FORMED: "each signer registers the vault and derives its addresses",
    State.DERIVED: "every key signs the test message",
    State.TESTED: "close it: the vault opens for deposits",
    State.CLOSED: "the vault is open",
    State.ABANDONED: "it was given up",
}


@dataclass(frozen=True, slots=True)
class Ceremony:
    """A ceremony as it stands. ``vault`` is the id of the vault once it is formed."""

    id: str
    name: str
    network: str
    kind: Kind
    quorum: int
    recovery_quorum: int
    older_blocks: int
    address_sats_max: int
    state: State
    vault: str
    psbt: str
    record: str
    led_by: str


def begin(
    tx: Tx,
    clock: Clock,
    name: str,
    network: str,
    kind: Kind,
    quorum: int,
    led_by: str,
    recovery_quorum: int = 0,
    older_blocks: int = 0,
    address_sats_max: int = 0,
) -> str:
    """Begin a ceremony and return its id; raise `BadVault`."""
    if not 0 < len(name) <= TEXT_LENGTH_MAX or not 0 < len(led_by) <= TEXT_LENGTH_MAX:
        raise BadVault(f"a name and who leads, of 1 to {TEXT_LENGTH_MAX} characters each")
    id = new_id(clock)
    row = {
        "id": id,
        "name": name,
        "network": network,
        "kind": kind.value,
        "quorum": quorum,
        "recovery_quorum": recovery_quorum,
        "older_blocks": older_blocks,
        "address_sats_max": address_sats_max,
        "state": State.GATHERING.value,
        "led_by": led_by,
        "made_at": clock.now(),
    }
    tx.execute(sa.insert(CEREMONIES).values({**row, "vault": "", "psbt": "", "record": ""}))
    content = {key: row[key] for key in ("name", "network", "kind", "quorum", "led_by")}
    vaults.record(tx, clock, id, "ceremony_began", content)
    return id


def ceremony(tx: Tx, id: str) -> Ceremony:
    """Return a ceremony by id or by its vault's name; raise `NoSuchVault`."""
    c = CEREMONIES.c
    query = sa.select(CEREMONIES).where(sa.or_(c.id == id, c.name == id))
    rows = tx.execute(for_update(query.order_by(c.made_at.desc()).limit(1), tx)).mappings()
    row = rows.one_or_none()
    if row is None:
        raise NoSuchVault(f"no ceremony {id[:60]!r}")
    names = [field.name for field in dataclasses.fields(Ceremony)]
    given = {name: row[name] for name in names}
    return Ceremony(**{**given, "kind": Kind(row["kind"]), "state": State(row["state"])})


def _move(tx: Tx, found: Ceremony, to: State, **values: Any) -> None:
    if to not in NEXT[found.state]:
        raise CeremonyRefuses(f"the ceremony is {found.state}; it cannot become {to} now")
    query = sa.update(CEREMONIES).where(CEREMONIES.c.id == found.id)
    tx.execute(query.values(state=to.value, **values))


def _expect(found: Ceremony, *states: State) -> None:
    if found.state not in states:
        raise CeremonyRefuses(f"the ceremony is {found.state}; this step is for {states[0]}")


def add_key(
    tx: Tx,
    id: str,
    key: VaultKey,
    dice_commitment: str,
    clock: Clock,
    against: Sequence[Advisory] | None = None,
) -> None:
    """Take one key into the ceremony; raise `CeremonyRefuses` with every reason.

    ``dice_commitment`` is the signer's commitment to the rolls (hex), never the rolls.
    """
    found = ceremony(tx, id)
    _expect(found, State.GATHERING)
    reasons = keys.refuse_key(key, found.network, load() if against is None else against)
    if len(dice_commitment) != COMMITMENT_LENGTH:
        reasons.append(f"key {key.fingerprint}: no commitment to its dice")
    if found.kind not in ability_of(key).kinds:
        reasons.append(f"key {key.fingerprint}: {key.maker} {key.model} does not sign {found.kind}")
    texts = (key.maker, key.model, key.firmware, key.custodian, key.place)
    if max(map(len, texts)) > TEXT_LENGTH_MAX or not key.custodian or not key.place:
        reasons.append(f"key {key.fingerprint}: holder and place are written down, within limits")
    present = cards(tx, found.id)
    reasons += _refuse_beside(key, present)
    if reasons:
        raise CeremonyRefuses(reasons=tuple(reasons))
    row = {
        "ceremony": found.id,
        "fingerprint": key.fingerprint,
        "card": msgspec.json.encode(key).decode(),
        "dice_commitment": dice_commitment,
        "test_psbt": "",
        "at": clock.now(),
    }
    tx.execute(sa.insert(CARDS).values(row))
    content = {**dataclasses.asdict(key), "dice_commitment": dice_commitment}
    vaults.record(tx, clock, found.id, "ceremony_key", content)


def _refuse_beside(key: VaultKey, present: Sequence[VaultKey]) -> list[str]:
    if len(present) >= KEYS_MAX:
        return [f"more than {KEYS_MAX} keys"]
    if any(one.fingerprint == key.fingerprint for one in present):
        return [f"fingerprint {key.fingerprint} comes twice"]
    try:
        point = keys.point_of(key.xpub)
    except ValueError:
        return []
    return [
        f"{key.fingerprint} is the same key as {one.fingerprint}, dressed otherwise"
        for one in present
        if keys.point_of(one.xpub)[:33] == point[:33]
    ]


def cards(tx: Tx, id: str) -> list[VaultKey]:
    """Return the keys that a ceremony has gathered, in their order."""
    query = sa.select(CARDS.c.card).where(CARDS.c.ceremony == id)
    texts = tx.execute(query.order_by(CARDS.c.at, CARDS.c.fingerprint)).scalars()
    return [msgspec.json.decode(text, type=VaultKey) for text in texts]


def form(tx: Tx, id: str, clock: Clock) -> Vault:
    """Form the vault of the keys gathered, and derive its first addresses.

    Raise `CeremonyRefuses` with every reason: too few keys, a quorum within one maker, one key
    twice, a descriptor that readers write back differently.
    """
    found = ceremony(tx, id)
    _expect(found, State.GATHERING)
    given = cards(tx, found.id)
    try:
        made = make(
            new_id(clock),
            found.name,
            found.network,
            found.kind,
            found.quorum,
            given,
            found.recovery_quorum,
            found.older_blocks,
            found.address_sats_max,
        )
    except BadVault as error:
        raise CeremonyRefuses(str(error)) from error
    reasons = [*keys.refuse_set(made), *keys.refuse_descriptor(made.descriptor)]
    if reasons:
        raise CeremonyRefuses(reasons=tuple(reasons))
    vaults.register(tx, dataclasses.replace(made, state="forming"), clock)
    vaults.derive(tx, made.id, ADDRESSES_FIRST, clock)
    _move(tx, found, State.FORMED, vault=made.id)
    return made


def derived(
    store: Store, id: str, signer: str, implementation: str, addresses: dict[int, str], clock: Clock
) -> int:
    """Take the addresses that one signer derived alone; return how many are published.

    Raise `AddressDiffers` when they are not what this server said. Once the first addresses are
    published, the ceremony goes on.
    """
    with store.transact() as tx:
        found = ceremony(tx, id)
        _expect(found, State.FORMED, State.DERIVED)
    count = vaults.confirm(store, found.vault, signer, implementation, addresses, clock)
    with store.transact() as tx:
        found = ceremony(tx, id)
        if found.state is State.FORMED and count >= ADDRESSES_FIRST:
            _move(tx, found, State.DERIVED)
    return count


def message_of(found: Ceremony) -> str:
    """Return the message that every key signs at the ceremony."""
    return f"Tallystick ceremony {found.id}: test signature of this key"


def challenge(tx: Tx, id: str, wallet: VaultWallet) -> str:
    """Return the PSBT that every key signs to show that it can (BIP-322); it moves nothing."""
    found = ceremony(tx, id)
    _expect(found, State.DERIVED, State.FORMED)
    if not found.psbt:
        psbt = control.request(wallet, message_of(found), ()).psbt
        tx.execute(sa.update(CEREMONIES).where(CEREMONIES.c.id == found.id).values(psbt=psbt))
        return psbt
    return found.psbt


def signed(tx: Tx, id: str, given: str, clock: Clock) -> list[str]:
    """Take a key's test signature; return the fingerprints that are still missing.

    Raise `Differs` when what came back is not the challenge, or a signature does not verify.
    """
    found = ceremony(tx, id)
    _expect(found, State.DERIVED)
    who = signing.join(found.psbt, [given]).signers
    if not who:
        raise CeremonyRefuses("nobody has signed this")
    for fingerprint in who:
        tx.execute(
            sa.update(CARDS)
            .where(CARDS.c.ceremony == found.id, CARDS.c.fingerprint == fingerprint)
            .values(test_psbt=given)
        )
        vaults.record(tx, clock, found.id, "ceremony_test_signature", {"signer": fingerprint})
    left = missing(tx, found.id)
    if not left:
        _move(tx, found, State.TESTED)
    return left


def missing(tx: Tx, id: str) -> list[str]:
    """Return the fingerprints of the keys that have not signed the test message."""
    query = sa.select(CARDS.c.fingerprint).where(CARDS.c.ceremony == id, CARDS.c.test_psbt == "")
    return list(tx.execute(query.order_by(CARDS.c.fingerprint)).scalars())


def close(tx: Tx, id: str, wallet: VaultWallet, clock: Clock) -> dict[str, Any]:
    """Open the vault for deposits and return the ceremony's record, machine-readable.

    Every key has signed and the quorum's signatures together satisfy the vault's own script, which
    is the spend test: verified here once more. The record's digest is in the journal.
    """
    found = ceremony(tx, id)
    _expect(found, State.TESTED)
    vault = vaults.vault(tx, found.vault)
    rows = list(tx.execute(sa.select(CARDS).where(CARDS.c.ceremony == found.id)).mappings())
    psbts = [row["test_psbt"] for row in rows]
    asked = control.Request(vault.id, message_of(found), 0, 0, (), found.psbt)
    proof = control.finish(asked, psbts, wallet)
    bip322.verify(asked.message, vaults.script_at(vault, 0, 0), proof)
    content = _record(tx, found, vault, rows, proof)
    content["closed_at"] = clock.now().isoformat()
    digest = hashlib.sha256(journal.canonical(content)).hexdigest()
    content["paper"] = paper(vault, clock.now(), ADDRESSES_FIRST, digest)
    text = msgspec.json.encode(content, order="sorted").decode()
    _move(tx, found, State.CLOSED, record=text, ended_at=clock.now())
    tx.execute(sa.update(VAULTS).where(VAULTS.c.id == vault.id).values(state="active"))
    vaults.record(tx, clock, found.id, "ceremony_closed", {"record": digest, "vault": vault.id})
    return content


def _record(
    tx: Tx, found: Ceremony, vault: Vault, rows: Sequence[sa.RowMapping], proof: str
) -> dict[str, Any]:
    commitments = {row["fingerprint"]: row["dice_commitment"] for row in rows}
    tests = {row["fingerprint"]: row["test_psbt"] for row in rows}
    return {
        "format": "tallystick ceremony record 1",
        "ceremony": found.id,
        "led_by": found.led_by,
        "vault": vault.name,
        "network": vault.network,
        "kind": vault.kind.value,
        "quorum": vault.quorum,
        "recovery_quorum": vault.recovery_quorum,
        "older_blocks": vault.older_blocks,
        "address_sats_max": vault.address_sats_max,
        "template": vault.template,
        "descriptor": vault.descriptor,
        "keys": [
            {
                **dataclasses.asdict(key),
                "dice_commitment": commitments[key.fingerprint],
                "test_signature": tests[key.fingerprint],
            }
            for key in vault.keys
        ],
        "message": message_of(found),
        "spend_test": proof,
        "addresses": {
            str(one.number): one.address
            for one in vaults.addresses(tx, vault.id)
            if one.branch == 0 and one.state == "published"
        },
    }


def abandon(tx: Tx, id: str, why: str, clock: Clock) -> None:
    """End a ceremony that failed; its vault, if formed, is retired and never opened."""
    found = ceremony(tx, id)
    _move(tx, found, State.ABANDONED, ended_at=clock.now())
    if found.vault:
        tx.execute(
            sa.update(VAULTS)
            .where(VAULTS.c.id == found.vault)
            .values(state="retired", retired_at=clock.now())
        )
    vaults.record(tx, clock, found.id, "ceremony_abandoned", {"why": why[:TEXT_LENGTH_MAX]})


def template(found: Ceremony, given: Sequence[VaultKey]) -> str:
    """Return the policy that the keys so far would make, for the page that guides a ceremony."""
    later = [key for key in given if key.role == "recovery"]
    return template_of(
        found.kind,
        found.quorum,
        len(given) - len(later),
        found.recovery_quorum,
        len(later),
        found.older_blocks,
    )
