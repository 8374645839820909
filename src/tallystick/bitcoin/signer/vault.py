"""The signer's keys: made once from the kernel's randomness, readable by their owner only.

What is ours is what these keys derive, computed anew for each script: a path that a request names
is a hint where to look and proves nothing (BIP-84 descriptors, BIP-174 derivation fields).
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

from bdkpython import bdk

from tallystick.bitcoin.address import NETWORKS
from tallystick.bitcoin.errors import SignerKeysUnusable
from tallystick.core.clock import Clock

ENTROPY_BYTES: Final = 16
HARDENED: Final = 1 << 31


class Keys:
    """The wallet that signs, and the public descriptors that watch."""

    def __init__(self, seed: str, network: str) -> None:
        kind = bdk.NetworkKind.MAIN if network == "bitcoin" else bdk.NetworkKind.TEST
        self.network = NETWORKS[network]
        try:
            secret = bdk.DescriptorSecretKey(kind, bdk.Mnemonic.from_string(seed), None)
        except bdk.Bip39Error as error:
            raise SignerKeysUnusable("the seed file does not hold a BIP-39 seed") from error
        self._chains = [
            bdk.Descriptor.new_bip84(secret, keychain, kind)
            for keychain in (bdk.KeychainKind.EXTERNAL, bdk.KeychainKind.INTERNAL)
        ]
        self.external, self.internal = (str(descriptor) for descriptor in self._chains)
        self.fingerprint = self.external.partition("[")[2].partition("/")[0]
        self._wallet = bdk.Wallet(*self._chains, self.network, bdk.Persister.new_in_memory())

    def derive(self, script: bytes, hints: dict[str, bdk.KeySource]) -> bool:
        """Say whether a script is one that these keys derive at a path that the hints name."""
        for hint in hints.values():
            path = hint.path.to_u32_vec()
            if len(path) != 5 or path[3] not in (0, 1) or path[4] >= HARDENED:
                continue
            address = self._chains[path[3]].derive_address(path[4], self.network)
            if bytes(address.script_pubkey().to_bytes()) == script:
                return True
        return False

    def sign(self, psbt: bdk.Psbt) -> bool:
        """Sign every input; say whether all are signed."""
        return bool(self._wallet.sign(psbt))


def open_keys(folder: Path, network: str, clock: Clock) -> Keys:
    """Load the seed or make one; raise `SignerKeysUnusable` if it is damaged or open to others."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    path = folder / "seed"
    if not path.exists():
        _write_seed(path, str(bdk.Mnemonic.from_entropy(clock.random_bytes(ENTROPY_BYTES))))
    if path.stat().st_mode & 0o077:
        raise SignerKeysUnusable("others may read the seed file; its mode must be 0600")
    return Keys(path.read_text("ascii", "replace").strip(), network)


def _write_seed(path: Path, words: str) -> None:
    draft = path.with_suffix(".new")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(words)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)
    sync_folder(path.parent)


def sync_folder(folder: Path) -> None:
    """Make a change of a folder's entries durable."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
