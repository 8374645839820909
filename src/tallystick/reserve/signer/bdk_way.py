"""The signer's work done by BDK: rust-bitcoin and rust-miniscript."""

from __future__ import annotations

import base64
import functools
import importlib.metadata

from bdkpython import bdk

from tallystick.bitcoin.address import NETWORKS
from tallystick.bitcoin.descriptor import branches_of, keys_of
from tallystick.reserve.key_errors import SignerKeyUnusable
from tallystick.reserve.signer.way import Account, account_of

OPTIONS = {
    "trust_witness_utxo": False,
    "assume_height": None,
    "allow_all_sighashes": False,
    "try_finalize": False,
    "sign_with_tap_internal_key": False,
    "allow_grinding": True,
}

LOOKAHEAD = 1
"""A signer looks for no coins: the PSBT says where each is, and BDK signs by that."""


def _kind(network: str) -> bdk.NetworkKind:
    return bdk.NetworkKind.MAIN if network == "bitcoin" else bdk.NetworkKind.TEST


@functools.lru_cache(maxsize=16)
def _parsed(descriptor: str, network: str) -> bdk.Descriptor:
    return bdk.Descriptor(descriptor, _kind(network))


@functools.lru_cache(maxsize=2_048)
def _derived(descriptor: str, network: str, number: int) -> tuple[str, bytes]:
    found = _parsed(descriptor, network).derive_address(number, NETWORKS[network])
    return str(found), bytes(found.script_pubkey().to_bytes())


class BdkWay:
    """BDK's implementation of a signer's work."""

    name = f"bdkpython {importlib.metadata.version('bdkpython')}"

    def words(self, entropy: bytes) -> str:
        """Return the BIP-39 words of 32 bytes."""
        return str(bdk.Mnemonic.from_entropy(entropy))

    def _master(self, words: str, network: str) -> bdk.DescriptorSecretKey:
        try:
            mnemonic = bdk.Mnemonic.from_string(words)
        except bdk.Bip39Error as error:
            raise SignerKeyUnusable("the key file does not hold BIP-39 words") from error
        return bdk.DescriptorSecretKey(_kind(network), mnemonic, None)

    def master(self, words: str, network: str) -> str:
        """Return the master extended private key."""
        return str(self._master(words, network)).removesuffix("/*")

    def account(self, words: str, network: str) -> Account:
        """Return what the words' account key shows of itself."""
        path = bdk.DerivationPath(f"m/{account_of(network)}")
        public = str(self._master(words, network).derive(path).as_public())
        key = keys_of(f"x({public})")[0]
        return Account(key.fingerprint, key.key)

    def derive(self, descriptor: str, network: str, number: int) -> tuple[str, bytes]:
        """Return address and script of one number of a one-branch descriptor."""
        return _derived(descriptor, network, number)

    def sign(self, psbt: bytes, words: str, network: str, descriptor: str) -> bytes:
        """Sign by a wallet in which this key alone is private."""
        path = bdk.DerivationPath(f"m/{account_of(network)}")
        secret = str(self._master(words, network).derive(path)).removesuffix("/*")
        private = descriptor.partition("#")[0]
        own = self.account(words, network)
        for key in keys_of(private):
            if (key.fingerprint, key.key) == (own.fingerprint, own.xpub):
                private = private.replace(key.source, secret)
        branches = [bdk.Descriptor(one, _kind(network)) for one in branches_of(private)]
        given = (*branches, NETWORKS[network], bdk.Persister.new_in_memory())
        wallet = bdk.Wallet(*given, lookahead=LOOKAHEAD)
        parsed = bdk.Psbt(base64.b64encode(psbt).decode())
        wallet.sign(parsed, bdk.SignOptions(**OPTIONS))
        return base64.b64decode(parsed.serialize())
