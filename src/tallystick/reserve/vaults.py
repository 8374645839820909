"""Vaults on record and the addresses they give out: none twice, none that signers do not derive.

An address goes through three states: this server derives it, two signers of different
implementation derive it alone and so publish it, a depositor is given it and so it is issued. Each
step commits with its journal entry (Decision 1).
"""

from __future__ import annotations

import dataclasses
import datetime as dt
import functools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import sqlalchemy as sa
from bdkpython import bdk

from tallystick.bitcoin.address import NETWORKS
from tallystick.bitcoin.descriptor import branch_of
from tallystick.core import journal
from tallystick.core.clock import Clock, new_id
from tallystick.core.store import Store, Tx, for_update
from tallystick.reserve.key_errors import AddressDiffers, BadVault, NoSuchVault, NotPublished
from tallystick.reserve.vault import (
    EXTERNAL,
    INDEX_MAX,
    INTERNAL,
    Kind,
    Vault,
    VaultKey,
    written,
)
from tallystick.reserve.vault_tables import ADDRESSES, CHECKS, EVENTS, KEYS, VAULTS

PROGRAMME: Final = "reserve"
DERIVE_AT_ONCE_MAX: Final = 1_000
IMPLEMENTATIONS_NEEDED: Final = 2
DERIVED_KEPT_MAX: Final = 8_192


@dataclass(frozen=True, slots=True)
class Issued:
    """An address of a vault; ``branch`` 0 receives and 1 is for change, ``script`` is hex."""

    vault: str
    branch: int
    number: int
    address: str
    script: str
    state: str
    purpose: str


def record(tx: Tx, clock: Clock, subject: str, kind: str, content: Mapping[str, Any]) -> str:
    """Write down what happened to a vault or ceremony, and commit to it in the journal."""
    at, salt = clock.now(), clock.random_bytes(journal.SALT_BYTES)
    whole = {"kind": kind, "subject": subject, "at": at.isoformat(), **content}
    commitment = journal.commit(salt, whole)
    entry = journal.append(tx, PROGRAMME, kind, commitment, at)
    row = {
        "id": new_id(clock),
        "seq": entry.seq,
        "subject": subject,
        "kind": kind,
        "content": journal.canonical(whole).decode(),
        "salt": salt.hex(),
        "commitment": commitment,
        "at": at,
    }
    tx.execute(sa.insert(EVENTS).values(row))
    return commitment


def events(tx: Tx, subject: str) -> list[sa.RowMapping]:
    """Return what happened to a vault or ceremony, oldest first."""
    query = sa.select(EVENTS).where(EVENTS.c.subject == subject)
    return list(tx.execute(query.order_by(EVENTS.c.seq)).mappings())


def register(tx: Tx, vault: Vault, clock: Clock) -> None:
    """Put a vault on record; raise `BadVault` if its name or descriptor is taken."""
    taken = sa.select(VAULTS.c.id).where(
        sa.or_(VAULTS.c.name == vault.name, VAULTS.c.descriptor == vault.descriptor)
    )
    if tx.execute(taken).first() is not None:
        raise BadVault(f"a vault named {vault.name!r}, or with this descriptor, is on record")
    row = dataclasses.asdict(vault)
    keys = row.pop("keys")
    more = {"kind": vault.kind.value, "made_at": clock.now(), "replaced_by": ""}
    tx.execute(sa.insert(VAULTS).values({**row, **more}))
    rows = [{**key, "vault": vault.id, "number": at} for at, key in enumerate(keys)]
    tx.execute(sa.insert(KEYS), rows)
    content = {"descriptor": vault.descriptor, "template": vault.template, "name": vault.name}
    record(tx, clock, vault.id, "vault_registered", content)


def vault(tx: Tx, id: str) -> Vault:
    """Return a vault by its id or its name; raise `NoSuchVault`."""
    query = sa.select(VAULTS).where(sa.or_(VAULTS.c.id == id, VAULTS.c.name == id))
    row = tx.execute(query).mappings().one_or_none()
    if row is None:
        raise NoSuchVault(f"no vault {id[:60]!r}")
    return _vault_of(tx, row)


def made_at(tx: Tx, id: str) -> dt.datetime:
    """Return when a vault was put on record; raise `NoSuchVault`."""
    query = sa.select(VAULTS.c.made_at).where(VAULTS.c.id == id)
    found: dt.datetime | None = tx.execute(query).scalar()
    if found is None:
        raise NoSuchVault(f"no vault {id[:60]!r}")
    return found


def vaults(tx: Tx) -> list[Vault]:
    """Return every vault, retired ones too: their addresses are watched for ever."""
    rows = tx.execute(sa.select(VAULTS).order_by(VAULTS.c.made_at, VAULTS.c.id)).mappings()
    return [_vault_of(tx, row) for row in rows]


def _vault_of(tx: Tx, row: sa.RowMapping) -> Vault:
    query = sa.select(KEYS).where(KEYS.c.vault == row["id"]).order_by(KEYS.c.number)
    skipped = ("vault", "number")
    keys = tuple(
        VaultKey(**{name: value for name, value in key.items() if name not in skipped})
        for key in tx.execute(query).mappings()
    )
    names = [field.name for field in dataclasses.fields(Vault) if field.name != "keys"]
    given = {name: row[name] for name in names}
    found = Vault(**{**given, "kind": Kind(row["kind"])}, keys=keys)
    if written(found) != found.descriptor:
        raise BadVault(f"the descriptor on record of {found.name!r} is not that of its keys")
    return found


def retire(tx: Tx, id: str, replaced_by: str, clock: Clock) -> None:
    """End a vault for deposits, because another takes its place; it is watched for ever."""
    values = {"state": "retired", "retired_at": clock.now(), "replaced_by": replaced_by}
    changed = tx.execute(
        sa.update(VAULTS).where(VAULTS.c.id == id, VAULTS.c.state == "active").values(values)
    )
    if changed.rowcount != 1:
        raise NoSuchVault(f"no active vault {id[:60]!r}")
    record(tx, clock, id, "vault_retired", {"replaced_by": replaced_by})


def address_at(vault: Vault, branch: int, number: int) -> str:
    """Derive one address of a vault by BDK; raise `BadVault` beyond the index's bound."""
    return _derived(vault.branch(branch), vault.network, number)[0]


def script_at(vault: Vault, branch: int, number: int) -> bytes:
    """Derive one output script of a vault by BDK; raise `BadVault` beyond the index's bound."""
    return _derived(vault.branch(branch), vault.network, number)[1]


def script_of(descriptor: str, network: str, branch: int, number: int) -> bytes:
    """Derive an output script of a multipath descriptor; raise `BadVault` or `BadDescriptor`."""
    return _derived(branch_of(descriptor, branch), network, number)[1]


@functools.lru_cache(maxsize=DERIVED_KEPT_MAX)
def _derived(descriptor: str, network: str, number: int) -> tuple[str, bytes]:
    if not 0 <= number <= INDEX_MAX:
        raise BadVault(f"address {number} is beyond {INDEX_MAX}")
    found = bdk_descriptor(descriptor, network).derive_address(number, NETWORKS[network])
    return str(found), bytes(found.script_pubkey().to_bytes())


@functools.lru_cache(maxsize=64)
def bdk_descriptor(descriptor: str, network: str) -> bdk.Descriptor:
    """Return a descriptor parsed by BDK; raise `BadVault`."""
    kind = bdk.NetworkKind.MAIN if network == "bitcoin" else bdk.NetworkKind.TEST
    try:
        return bdk.Descriptor(descriptor, kind)
    except bdk.DescriptorError as error:
        raise BadVault(f"the descriptor cannot be used: {error}") from error


def derive(tx: Tx, id: str, count: int, clock: Clock, branch: int = EXTERNAL) -> list[Issued]:
    """Derive the next addresses of a vault; they are unpublished until signers derive them too."""
    if not 0 < count <= DERIVE_AT_ONCE_MAX:
        raise BadVault(f"from 1 to {DERIVE_AT_ONCE_MAX} addresses at once")
    found = vault(tx, id)
    if found.state not in ("active", "forming"):
        raise BadVault(f"the vault {found.name!r} is retired")
    first = _next(tx, found.id, branch)
    rows = [_row(found, branch, n, "derived", "", clock.now()) for n in range(first, first + count)]
    tx.execute(sa.insert(ADDRESSES), rows)
    return [_issued(row) for row in rows]


def _next(tx: Tx, vault: str, branch: int) -> int:
    a = ADDRESSES.c
    tx.execute(for_update(sa.select(VAULTS.c.id).where(VAULTS.c.id == vault), tx))
    last = tx.execute(
        sa.select(sa.func.max(a.number)).where(a.vault == vault, a.branch == branch)
    ).scalar()
    return 0 if last is None else int(last) + 1


def _row(
    vault: Vault, branch: int, number: int, state: str, purpose: str, at: dt.datetime
) -> dict[str, Any]:
    return {
        "vault": vault.id,
        "branch": branch,
        "number": number,
        "address": address_at(vault, branch, number),
        "script": script_at(vault, branch, number).hex(),
        "state": state,
        "purpose": purpose,
        "made_at": at,
        "issued_at": at if state == "issued" else None,
    }


def _issued(row: Mapping[str, Any] | sa.RowMapping) -> Issued:
    return Issued(**{field.name: row[field.name] for field in dataclasses.fields(Issued)})


def confirm(
    store: Store,
    id: str,
    signer: str,
    implementation: str,
    addresses: Mapping[int, str],
    clock: Clock,
) -> int:
    """Take what a signer derived by itself, by number; return how many are published by now.

    Raise `AddressDiffers` after recording it, if any is not what this server said: such an address
    is refused for ever. An address is published once two signers, of different implementation,
    have derived it.
    """
    with store.transact() as tx:
        found = vault(tx, id)
        if signer not in {key.fingerprint for key in found.keys}:
            raise BadVault(f"{signer[:8]} holds no key of {found.name!r}")
        wrong = [
            _confirm_one(tx, found, signer, implementation, number, address, clock)
            for number, address in sorted(addresses.items())
        ]
        differing = [text for text in wrong if text]
        if differing:
            content = {"signer": signer, "differing": differing}
            record(tx, clock, found.id, "address_differs", content)
    if differing:
        raise AddressDiffers("; ".join(differing))
    with store.read() as tx:
        return len(_in_state(tx, found.id, "published"))


def _confirm_one(
    tx: Tx, vault: Vault, signer: str, implementation: str, number: int, said: str, clock: Clock
) -> str:
    """Record one signer's word; return "" or how it differs from ours."""
    a = ADDRESSES.c
    here = (a.vault == vault.id) & (a.branch == EXTERNAL) & (a.number == number)
    row = tx.execute(for_update(sa.select(ADDRESSES).where(here), tx)).mappings().one_or_none()
    if row is None:
        return f"address {number} was never derived here"
    place = {"vault": vault.id, "branch": EXTERNAL, "number": number, "signer": signer}
    known = sa.delete(CHECKS).where(*(CHECKS.c[name] == value for name, value in place.items()))
    tx.execute(known)
    word = {**place, "implementation": implementation, "address": said, "at": clock.now()}
    tx.execute(sa.insert(CHECKS).values(word))
    if said != row["address"]:
        tx.execute(sa.update(ADDRESSES).where(here).values(state="refused"))
        return f"address {number}: {signer} derives {said[:90]}, this server said {row['address']}"
    c = CHECKS.c
    agreed = sa.select(c.implementation, c.signer).where(
        c.vault == vault.id, c.branch == EXTERNAL, c.number == number, c.address == said
    )
    words = list(tx.execute(agreed))
    kinds, signers = {one.implementation for one in words}, {one.signer for one in words}
    if min(len(kinds), len(signers)) >= IMPLEMENTATIONS_NEEDED and row["state"] == "derived":
        tx.execute(sa.update(ADDRESSES).where(here).values(state="published"))
    return ""


def _in_state(tx: Tx, vault: str, state: str, branch: int = EXTERNAL) -> list[sa.RowMapping]:
    a = ADDRESSES.c
    query = sa.select(ADDRESSES).where(a.vault == vault, a.branch == branch, a.state == state)
    return list(tx.execute(for_update(query.order_by(a.number), tx)).mappings())


def issue(tx: Tx, id: str, purpose: str, clock: Clock) -> Issued:
    """Give out the next published address, for good; raise `NotPublished` when there is none."""
    found = vault(tx, id)
    ready = _in_state(tx, found.id, "published") if found.state == "active" else []
    if not ready:
        raise NotPublished(f"{found.name!r} has no address that two signers have derived")
    row = dict(ready[0])
    if address_at(found, EXTERNAL, row["number"]) != row["address"]:
        raise AddressDiffers(f"address {row['number']} on record is not the descriptor's own")
    return _give(tx, found, row, purpose, clock)


def issue_change(tx: Tx, id: str, purpose: str, clock: Clock) -> Issued:
    """Take the vault's next change address, for good."""
    found = vault(tx, id)
    row = _row(found, INTERNAL, _next(tx, found.id, INTERNAL), "derived", "", clock.now())
    tx.execute(sa.insert(ADDRESSES).values(row))
    return _give(tx, found, row, purpose, clock)


def _give(tx: Tx, vault: Vault, row: dict[str, Any], purpose: str, clock: Clock) -> Issued:
    a = ADDRESSES.c
    values = {"state": "issued", "purpose": purpose, "issued_at": clock.now()}
    tx.execute(
        sa.update(ADDRESSES)
        .where(a.vault == vault.id, a.branch == row["branch"], a.number == row["number"])
        .values(values)
    )
    given = _issued({**row, **values})
    content = {"address": given.address, "branch": given.branch, "number": given.number}
    record(tx, clock, vault.id, "address_issued", {**content, "purpose": purpose})
    return given


def addresses(tx: Tx, id: str) -> list[Issued]:
    """Return every address of a vault on record, in order of branch and number."""
    a = ADDRESSES.c
    query = sa.select(ADDRESSES).where(a.vault == id).order_by(a.branch, a.number)
    return [_issued(row) for row in tx.execute(query).mappings()]


def watched(tx: Tx) -> list[Issued]:
    """Return every address ever issued by any vault, retired ones too, to be watched for ever."""
    a = ADDRESSES.c
    query = sa.select(ADDRESSES).where(a.state == "issued").order_by(a.vault, a.branch, a.number)
    return [_issued(row) for row in tx.execute(query).mappings()]


def highest(tx: Tx, id: str) -> Sequence[int]:
    """Return the highest number on record on each branch, or -1: how far a wallet must look."""
    return [_next(tx, id, branch) - 1 for branch in (EXTERNAL, INTERNAL)]
