"""What an implementation of bitcoin must do for a signer, so that two can check each other."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Protocol

ACCOUNT: Final = {"bitcoin": "48h/0h/0h/2h"}
ACCOUNT_TEST: Final = "48h/1h/0h/2h"


def account_of(network: str) -> str:
    """Return the path of a multisig account (BIP-48, script type 2), without the leading ``m``."""
    return ACCOUNT.get(network, ACCOUNT_TEST)


@dataclass(frozen=True, slots=True)
class Account:
    """One key's public part: master fingerprint (hex), and the extended key of its account."""

    fingerprint: str
    xpub: str


class Way(Protocol):
    """One implementation. ``name`` is recorded with what it derived."""

    name: str

    def words(self, entropy: bytes) -> str:
        """Return the BIP-39 words of 32 bytes."""

    def master(self, words: str, network: str) -> str:
        """Return the master extended private key (BIP-32)."""

    def account(self, words: str, network: str) -> Account:
        """Return what the words' account key shows of itself."""

    def derive(self, descriptor: str, network: str, number: int) -> tuple[str, bytes]:
        """Return address and script of one number of a one-branch descriptor."""

    def sign(self, psbt: bytes, words: str, network: str, descriptor: str) -> bytes:
        """Return the PSBT with this key's signatures; ``descriptor`` is the registered one."""
