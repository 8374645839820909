"""What the reserve's steps stand on: store, clock, chain, and one wallet for each vault.

No key is anywhere near: wallets watch, signers are processes and devices elsewhere (Decision 5).
"""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from tallystick.bitcoin.chain import Chain
from tallystick.core.clock import Clock
from tallystick.core.store import Store, Tx
from tallystick.reserve import vaults
from tallystick.reserve.vault import Vault
from tallystick.reserve.wallet import VaultWallet

CONFIRMATIONS_NEEDED: Final = 1
"""How deep a movement must be to be settled where nothing else is set: the demo's chain."""


@dataclass(frozen=True, slots=True)
class Policy:
    """What the office decides within the mandate."""

    confirmations_needed: int = CONFIRMATIONS_NEEDED
    """How many blocks deep a movement or a deposit must be to count."""
    fee_sat_per_kvb: int = 2_000
    """The fee rate of a movement, in satoshis for 1,000 virtual bytes."""
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
