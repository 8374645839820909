"""The signer's work done by embit: Python on libsecp256k1, and none of BDK's code."""

from __future__ import annotations

import functools
import importlib.metadata
from typing import Any

from embit import bip32, bip39
from embit.descriptor import Descriptor
from embit.networks import NETWORKS

from tallystick.bitcoin.psbt import ExactPsbt, read
from tallystick.reserve.key_errors import SignerKeyUnusable
from tallystick.reserve.signer.way import Account, account_of

NAMES = {"bitcoin": "main", "testnet": "test", "signet": "signet", "regtest": "regtest"}


@functools.lru_cache(maxsize=16)
def _parsed(descriptor: str) -> Any:
    return Descriptor.from_string(descriptor)


@functools.lru_cache(maxsize=2_048)
def _derived(descriptor: str, network: str, number: int) -> tuple[str, bytes]:
    script = _parsed(descriptor).derive(number).script_pubkey()
    return str(script.address(NETWORKS[NAMES[network]])), bytes(script.data)


class EmbitWay:
    """embit's implementation of a signer's work."""

    name = f"embit {importlib.metadata.version('embit')}"

    def words(self, entropy: bytes) -> str:
        """Return the BIP-39 words of 32 bytes."""
        return str(bip39.mnemonic_from_bytes(entropy))

    def _root(self, words: str, network: str) -> Any:
        try:
            seed = bip39.mnemonic_to_seed(words)
        except ValueError as error:
            raise SignerKeyUnusable("the key file does not hold BIP-39 words") from error
        return bip32.HDKey.from_seed(seed, version=NETWORKS[NAMES[network]]["xprv"])

    def master(self, words: str, network: str) -> str:
        """Return the master extended private key."""
        return str(self._root(words, network).to_base58())

    def account(self, words: str, network: str) -> Account:
        """Return what the words' account key shows of itself."""
        root = self._root(words, network)
        account = root.derive(f"m/{account_of(network)}").to_public()
        return Account(root.my_fingerprint.hex(), str(account.to_base58()))

    def derive(self, descriptor: str, network: str, number: int) -> tuple[str, bytes]:
        """Return address and script of one number of a one-branch descriptor."""
        return _derived(descriptor, network, number)

    def sign(self, psbt: bytes, words: str, network: str, descriptor: str) -> bytes:
        """Sign with the master key wherever the PSBT names its fingerprint."""
        parsed = ExactPsbt.of(read(psbt))
        parsed.sign_with(self._root(words, network))
        return bytes(parsed.serialize())
