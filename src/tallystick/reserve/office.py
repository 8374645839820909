"""What the reserve's steps stand on: store, clock, chain, and one wallet for each vault.

No key is anywhere near: wallets watch, signers are processes and devices elsewhere (Decision 5).
"""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import msgspec

from tallystick.bitcoin.chain import Chain
from tallystick.bitcoin.status import FEE_SAT_PER_KVB_MAX, FEE_SAT_PER_KVB_MIN
from tallystick.core.clock import Clock
from tallystick.core.store import Store, Tx
from tallystick.core.tlog import files
from tallystick.reserve import vaults
from tallystick.reserve.errors import ReserveError
from tallystick.reserve.plan import INPUTS_MAX
from tallystick.reserve.vault import Vault
from tallystick.reserve.wallet import VaultWallet

CONFIRMATIONS: Final = {"bitcoin": 6, "testnet": 6, "signet": 3, "regtest": 1}
"""How many blocks deep a movement or a deposit must be to count, by network."""
CONFIRMATIONS_MAX: Final = 144
FEE_SATS_MAX: Final = 10_000_000
"""No movement's first fee is higher, whatever its size."""
POLICY_FILE: Final = "office.json"
POLICY_BYTES_MAX: Final = 10_000


class Policy(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What the office decides within the mandate."""

    confirmations_needed: int = 0
    """How many blocks deep a movement or a deposit must be to count; 0 for `CONFIRMATIONS`."""
    fee_sat_per_kvb: int = 2_000
    """The fee rate of a movement, in satoshis for 1,000 virtual bytes."""
    fee_sats_max: int = FEE_SATS_MAX
    """The highest first fee of a movement, in satoshis."""
    fee_factor_max: int = 20
    """A movement's fee may be bumped to so many times the first one, and no higher."""
    inputs_max: int = 100
    """The most inputs that every signer of the vaults can take; larger sweeps go in parts."""
    sign_within_s: int = 14 * 86_400
    """How long after its notice ends a movement may still be signed; then it expires."""
    refresh_margin_blocks: int = 13_104
    """An alarm is raised so many blocks (13 weeks) before recovery keys could act."""
    anchor: bool = False
    """Whether a movement takes the log's root along, in an output that nobody can spend. Not every
    device signs such an output: try yours first."""
    key_silent_days_max: int = 100
    """A key that has signed nothing for so long must prove that it is alive."""

    def deep(self, network: str) -> int:
        """Return how many blocks deep something must be to count on a vault's network."""
        return self.confirmations_needed or CONFIRMATIONS[network]

    def check(self) -> Policy:
        """Return the policy if every figure is within its limits; raise `ReserveError`."""
        for what, value, least, most in (
            ("confirmations", self.confirmations_needed, 0, CONFIRMATIONS_MAX),
            ("satoshis per kvB", self.fee_sat_per_kvb, FEE_SAT_PER_KVB_MIN, FEE_SAT_PER_KVB_MAX),
            ("satoshis of fee", self.fee_sats_max, 1_000, FEE_SATS_MAX),
            ("inputs", self.inputs_max, 1, INPUTS_MAX),
        ):
            if not least <= value <= most:
                raise ReserveError(f"{value:,} {what}: from {least:,} to {most:,}")
        return self


def policy_of(data: Path) -> Policy:
    """Return the policy kept in an office's folder, or the usual one; raise `ReserveError`."""
    path = data / POLICY_FILE
    if not path.exists():
        return Policy()
    with path.open("rb") as file:
        body = file.read(POLICY_BYTES_MAX)
    try:
        return msgspec.json.decode(body, type=Policy).check()
    except msgspec.MsgspecError as error:
        raise ReserveError(f"{path}: {error}") from error


def keep_policy(data: Path, policy: Policy) -> None:
    """Keep a policy in an office's folder, for every command there; raise `ReserveError`."""
    body = msgspec.json.format(msgspec.json.encode(policy.check()), indent=1)
    data.mkdir(parents=True, exist_ok=True, mode=0o700)
    files.write(data / POLICY_FILE, body + b"\n")


@dataclass(frozen=True)
class Office:
    """One reserve at work."""

    store: Store
    clock: Clock
    chain: Chain
    folder: Path
    policy: Policy = field(default_factory=Policy)
    using: threading.RLock = field(default_factory=threading.RLock)
    _wallets: dict[str, VaultWallet] = field(default_factory=dict)

    def wallet(self, tx: Tx, vault: Vault) -> VaultWallet:
        """Return a vault's watch-only wallet, watching every address on record. Hold ``using``."""
        found = self._wallets.get(vault.id)
        if found is None:
            self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            found = VaultWallet(self.folder / f"vault-{vault.id}.sqlite", vault)
            self._wallets[vault.id] = found
        external, internal = vaults.highest(tx, vault.id)
        found.reveal(external, internal)
        return found
