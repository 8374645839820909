"""Which text is an address that this network can pay, and what a scanned QR code says.

A customer may show a bare address, a BIP-21 URI, capitals (BIP-173 allows all-capitals bech32), or
something else altogether: each wrong kind has its own error, so that the screen can say which.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from bdkpython import bdk

from tallystick.bitcoin.errors import LightningInvoice, NotAnAddress, OtherCoin, WrongNetwork

SCAN_LENGTH_MAX: Final = 512
ADDRESS_LENGTH_MAX: Final = 100
NETWORKS: Final = {
    "bitcoin": bdk.Network.BITCOIN,
    "testnet": bdk.Network.TESTNET,
    "signet": bdk.Network.SIGNET,
    "regtest": bdk.Network.REGTEST,
}
OTHER_COINS: Final = re.compile(
    r"^(ltc1|bitcoincash:|litecoin:|ethereum:|monero:|dogecoin:|0x[0-9a-f]{40}|D[5-9A-HJ-NP-U]"
    r"[1-9A-HJ-NP-Za-km-z]{32}$|[LM][1-9A-HJ-NP-Za-km-z]{33}$|T[1-9A-HJ-NP-Za-km-z]{33}$)",
    re.IGNORECASE,
)
LIGHTNING: Final = re.compile(r"^(lightning:|lnbc|lntb|lnbcrt|lnurl|lno1)", re.IGNORECASE)
BECH32: Final = re.compile(r"^(bc|tb|bcrt)1", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Checked:
    """An address that this network can pay."""

    address: str
    script: bytes


def from_scan(text: str) -> str:
    """Return the address in a scanned text; raise when it is for something else.

    The amount of a BIP-21 URI is not used: the cash decides how much is sent.
    """
    text = text.strip()
    if not text or len(text) > SCAN_LENGTH_MAX or not text.isascii() or not text.isprintable():
        raise NotAnAddress("the code holds no address")
    if LIGHTNING.match(text):
        raise LightningInvoice("a lightning code")
    if text.lower().startswith("bitcoin:"):
        text = text[8:].partition("?")[0]
        if not text:
            raise LightningInvoice("a bitcoin code without an address")
    if OTHER_COINS.match(text):
        raise OtherCoin("the code is for a different coin")
    return text.lower() if BECH32.match(text) else text


def check(address: str, network: str) -> Checked:
    """Return the address and its script; raise `NotAnAddress` or `WrongNetwork`."""
    if len(address) > ADDRESS_LENGTH_MAX or not address.isascii():
        raise NotAnAddress(f"not an address: {address[:20]!r}")
    try:
        found = bdk.Address(address, NETWORKS[network])
    except bdk.AddressParseError as error:
        for other in NETWORKS.values():
            try:
                bdk.Address(address, other)
            except bdk.AddressParseError:
                continue
            raise WrongNetwork(f"{address[:12]}… is not on {network}") from error
        if OTHER_COINS.match(address):
            raise OtherCoin("an address of a different coin") from error
        raise NotAnAddress(f"not an address: {address[:20]!r}") from error
    return Checked(str(found), bytes(found.script_pubkey().to_bytes()))
