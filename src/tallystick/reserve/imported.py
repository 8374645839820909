"""Taking over a wallet that exists: its descriptor, if it is of our kinds and passes every check.

What a ceremony would have refused is refused here too, but for the dice, which nobody recorded:
that stays on the vault's record. Addresses that the wallet has used count as issued.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Mapping, Sequence

import sqlalchemy as sa

from tallystick.bitcoin.descriptor import keys_of, normalise
from tallystick.bitcoin.policy388 import policy_of
from tallystick.core.clock import Clock, new_id
from tallystick.core.store import Tx
from tallystick.reserve import keys, vaults
from tallystick.reserve.key_errors import BadVault, CeremonyRefuses
from tallystick.reserve.vault import Kind, Vault, VaultKey, template_of, unspendable
from tallystick.reserve.vault_tables import ADDRESSES

PLACE = r"(?:@\d+/\*\*,?)+"
FORMS: Sequence[tuple[Kind, str]] = (
    (Kind.SORTEDMULTI, rf"wsh\(sortedmulti\((?P<m>\d+),(?P<q>{PLACE})\)\)"),
    (
        Kind.RECOVERY,
        rf"wsh\(or_d\(multi\((?P<m>\d+),(?P<q>{PLACE})\),and_v\(v:(?:multi\((?P<r>\d+),"
        rf"(?P<k>{PLACE})\)|pkh\((?P<one>{PLACE})\)),older\((?P<o>\d+)\)\)\)\)",
    ),
    (Kind.DECAYING, r"wsh\(thresh\((?P<m>\d+),(?P<q>pk\(.*\)),sln:older\((?P<o>\d+)\)\)\)"),
    (Kind.TAPROOT, rf"tr\(@0/\*\*,multi_a\((?P<m>\d+),(?P<q>{PLACE})\)\)"),
    (
        Kind.TAPROOT_RECOVERY,
        rf"tr\(@0/\*\*,\{{multi_a\((?P<m>\d+),(?P<q>{PLACE})\),and_v\(v:(?:multi_a\((?P<r>\d+),"
        rf"(?P<k>{PLACE})\)|pk\((?P<one>{PLACE})\)),older\((?P<o>\d+)\)\)\}}\)",
    ),
)


def read(
    id: str, name: str, network: str, descriptor: str, known: Mapping[str, Mapping[str, str]]
) -> Vault:
    """Return the vault of a descriptor; raise `CeremonyRefuses` or `BadVault`.

    ``known`` gives for each fingerprint what people know of the key: maker, model, firmware,
    custodian, place.
    """
    text = normalise(descriptor)
    reasons = keys.refuse_descriptor(text)
    if reasons:
        raise CeremonyRefuses(reasons=tuple(reasons))
    policy = policy_of(text)
    kind, found = _kind_of(policy.template)
    quorum, places = int(found["m"]), len(re.findall("@", found["q"]))
    later = found.groupdict().get("k") or found.groupdict().get("one") or ""
    recovery_keys = len(re.findall("@", later))
    recovery = int(found.groupdict().get("r") or (1 if later else 0))
    older = int(found.groupdict().get("o") or 0)
    if kind is Kind.DECAYING:
        recovery = quorum - 1
    made = [
        VaultKey(
            key.fingerprint,
            key.origin,
            key.key,
            **known.get(key.fingerprint, {}),  # type: ignore[arg-type]
            role="quorum" if at < places else "recovery",
        )
        for at, key in enumerate(key for key in keys_of(text) if key.fingerprint)
    ]
    if kind in (Kind.TAPROOT, Kind.TAPROOT_RECOVERY) and policy.keys[0] != unspendable(
        made, network
    ):
        raise CeremonyRefuses("somebody may be able to spend by the key path: it is not ours")
    if template_of(kind, quorum, places, recovery, recovery_keys, older) != policy.template:
        raise BadVault("the descriptor is close to one of our kinds, and not of it")
    vault = Vault(
        id, name, network, kind, quorum, recovery, older, policy.template, text, tuple(made)
    )
    reasons = keys.refuse_set(vault)
    if reasons:
        raise CeremonyRefuses(reasons=tuple(reasons))
    return vault


def _kind_of(template: str) -> tuple[Kind, re.Match[str]]:
    for kind, form in FORMS:
        if found := re.fullmatch(form, template):
            return kind, found
    raise BadVault(f"none of our kinds of vault: {template[:80]}")


def take(
    tx: Tx,
    clock: Clock,
    name: str,
    network: str,
    descriptor: str,
    known: Mapping[str, Mapping[str, str]],
    used: tuple[int, int] = (-1, -1),
) -> Vault:
    """Put an existing wallet on record; ``used`` are the highest numbers used on its branches."""
    vault = read(new_id(clock), name, network, descriptor, known)
    vaults.register(tx, vault, clock)
    for branch, last in enumerate(used):
        if last >= 0:
            vaults.derive(tx, vault.id, last + 1, clock, branch)
    a = ADDRESSES.c
    values = {"state": "issued", "purpose": "imported", "issued_at": clock.now()}
    tx.execute(sa.update(ADDRESSES).where(a.vault == vault.id).values(values))
    content = {"used": list(used), "keys": [dataclasses.asdict(key) for key in vault.keys]}
    vaults.record(tx, clock, vault.id, "vault_imported", content)
    return vault
