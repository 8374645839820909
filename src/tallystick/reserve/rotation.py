"""Replacing a key: a new vault, a sweep to it in lawful parts, and the old one watched for ever.

A script cannot be changed, so a vault with another key is another vault with another descriptor.
It goes through a ceremony like the first, with the keys that stay and one that is new.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import msgspec
import sqlalchemy as sa

from tallystick.core.clock import Clock
from tallystick.core.store import Tx
from tallystick.reserve import ceremony, vaults
from tallystick.reserve.advisories import inputs_max
from tallystick.reserve.key_errors import BadPlan, BadVault
from tallystick.reserve.plan import DUST_SATS, Plan, PlanOutput, VaultCoin, draft, own_place, parts
from tallystick.reserve.vault import EXTERNAL, Path, Vault, VaultKey
from tallystick.reserve.vault_tables import CARDS


def begin(tx: Tx, clock: Clock, id: str, lost: str, name: str, led_by: str) -> str:
    """Begin the ceremony of the vault that follows, without the key ``lost``; return its id.

    The keys that stay are taken over with their dice's commitments. The new key is added as in any
    ceremony, and every key signs the test message again.
    """
    old = vaults.vault(tx, id)
    if lost not in {key.fingerprint for key in old.keys}:
        raise BadVault(f"{old.name!r} has no key {lost[:8]}")
    fresh = ceremony.begin(
        tx,
        clock,
        name,
        old.network,
        old.kind,
        old.quorum,
        led_by,
        old.recovery_quorum,
        old.older_blocks,
        old.address_sats_max,
    )
    for key in old.keys:
        if key.fingerprint != lost:
            _keep(tx, clock, fresh, key)
    return fresh


def _keep(tx: Tx, clock: Clock, fresh: str, key: VaultKey) -> None:
    known = sa.select(CARDS.c.dice_commitment).where(CARDS.c.fingerprint == key.fingerprint)
    commitment = tx.execute(known.order_by(CARDS.c.at).limit(1)).scalar() or ""
    row = {
        "ceremony": fresh,
        "fingerprint": key.fingerprint,
        "card": msgspec.json.encode(key).decode(),
        "dice_commitment": commitment,
        "test_psbt": "",
        "at": clock.now(),
    }
    tx.execute(sa.insert(CARDS).values(row))
    content = {**dataclasses.asdict(key), "dice_commitment": commitment, "kept": True}
    vaults.record(tx, clock, fresh, "ceremony_key", content)


def outputs_needed(new: Vault, coins: Sequence[VaultCoin]) -> int:
    """Return how many addresses of the new vault one part needs, by its limit per address."""
    total = sum(coin.sats for coin in coins)
    return -(-total // new.address_sats_max) if new.address_sats_max else 1


def sweep(
    old: Vault,
    new: Vault,
    coins: Sequence[VaultCoin],
    numbers: Sequence[int],
    sat_per_kvb: int,
    fee_sats_max: int,
    path: Path = Path.QUORUM,
) -> list[Plan]:
    """Plan the whole sweep, in parts that every signer takes; raise `BadPlan`.

    ``numbers`` are addresses issued by the new vault, each used once; ``fee_sats_max`` is for each
    part. All that leaves the old vault arrives in the new one, less the fee.
    """
    left = list(numbers)
    plans = []
    role = "quorum" if path is Path.QUORUM else "recovery"
    for part in parts(coins, inputs_max(old, role)):
        needed = outputs_needed(new, part)
        if len(left) < needed:
            raise BadPlan(f"the sweep needs more addresses than the {len(numbers)} issued")
        taken, left = left[:needed], left[needed:]
        plans.append(_part(old, new, part, taken, sat_per_kvb, fee_sats_max, path))
    return plans


def _part(
    old: Vault,
    new: Vault,
    coins: Sequence[VaultCoin],
    numbers: Sequence[int],
    sat_per_kvb: int,
    fee_sats_max: int,
    path: Path,
) -> Plan:
    places = [own_place(new, EXTERNAL, number) for number in numbers]
    total, cap = sum(coin.sats for coin in coins), new.address_sats_max
    if total < DUST_SATS:
        raise BadPlan(f"{total} sats are too few to be swept")
    full = [PlanOutput(script, cap, own) for script, own in places[:-1]]
    return draft(old, coins, full, places[-1], sat_per_kvb, fee_sats_max, path)
