"""Which text is an address that this network can pay, and what a scanned QR code says.

A customer may show a bare address, a BIP-21 URI, capitals (BIP-173 allows all-capitals bech32), or
something else altogether: each wrong kind has its own error, so that the screen can say which. A
script that anyone could spend, or that no node would pass on, is not an address here.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final
from urllib.parse import parse_qsl

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
BASE58: Final = "[1-9A-HJ-NP-Za-km-z]"
OTHER_URI: Final = re.compile(
    r"^(litecoin|bitcoincash|bchtest|ethereum|monero|dogecoin|dash|zcash|tron|solana|ripple|xrpl"
    r"|cardano|stellar|ton|tether|liquidnetwork):",
    re.IGNORECASE,
)
OTHER_COINS: Final = re.compile(
    r"^((?i:ltc1|tltc1|lq1|ex1|addr1|cosmos1|zs1|u1)[02-9ac-hj-np-zAC-HJ-NP-Z]{10,}"  # bech32
    r"|(?i:0x)[0-9a-fA-F]{40}"  # Ethereum and its kin
    rf"|L{BASE58}{{33}}|M{BASE58}{{33}}"  # Litecoin
    rf"|D[5-9A-HJ-NP-U]{BASE58}{{32}}"  # Dogecoin
    rf"|T{BASE58}{{33}}"  # Tron
    rf"|X{BASE58}{{33}}"  # Dash
    rf"|t[13]{BASE58}{{33}}"  # Zcash
    rf"|r[1-9A-HJ-NP-Za-km-z]{{24,34}}"  # XRP
    rf"|[48]{BASE58}{{94}}"  # Monero
    r"|[qp][02-9ac-hj-np-z]{41}"  # Bitcoin Cash without its prefix
    r"|G[A-Z2-7]{55})$"  # Stellar
)
LIGHTNING: Final = re.compile(r"^(lightning:|lnbc|lntb|lnbcrt|lnsb|lnurl|lno1|lni1)", re.IGNORECASE)
BECH32: Final = re.compile(r"^(bc|tb|bcrt)1", re.IGNORECASE)
KINDS: Final = (
    ("p2wpkh", re.compile(rb"\x00\x14.{20}", re.DOTALL)),
    ("p2wsh", re.compile(rb"\x00\x20.{32}", re.DOTALL)),
    ("p2tr", re.compile(rb"\x51\x20.{32}", re.DOTALL)),
    ("p2pkh", re.compile(rb"\x76\xa9\x14.{20}\x88\xac", re.DOTALL)),
    ("p2sh", re.compile(rb"\xa9\x14.{20}\x87", re.DOTALL)),
)


@dataclass(frozen=True, slots=True)
class Checked:
    """An address that this network can pay; ``kind`` is p2wpkh, p2wsh, p2tr, p2pkh or p2sh."""

    address: str
    script: bytes
    kind: str

    @property
    def script_hex(self) -> str:
        """Return the script as hex digits."""
        return self.script.hex()


def from_scan(text: str) -> str:
    """Return the address in a scanned text, unchecked; raise when it is for something else.

    The amount of a BIP-21 URI is not used: the cash decides how much is sent. A URI that requires
    something (``req-…``) which we do not know is refused, as BIP-21 demands.
    """
    text = text.strip()
    if not text or len(text) > SCAN_LENGTH_MAX or not text.isascii() or not text.isprintable():
        raise NotAnAddress("the code holds no address")
    if LIGHTNING.match(text):
        raise LightningInvoice("a lightning code")
    if text.lower().startswith("bitcoin:"):
        text = _from_uri(text[len("bitcoin:") :])
    if OTHER_URI.match(text) or OTHER_COINS.match(text):
        raise OtherCoin("the code is for a different coin")
    return text.lower() if BECH32.match(text) and text.isupper() else text


def _from_uri(rest: str) -> str:
    address, _, query = rest.partition("?")
    names = {name.lower() for name, _ in parse_qsl(query, keep_blank_values=True)}
    if any(name.startswith("req-") for name in names):
        raise NotAnAddress("the code requires what this machine cannot do")
    if not address:
        kind = LightningInvoice if names & {"lightning", "lno"} else NotAnAddress
        raise kind("a bitcoin code without an address")
    return address


def check(address: str, network: str) -> Checked:
    """Return the address and its script; raise `NotAnAddress`, `OtherCoin` or `WrongNetwork`."""
    if len(address) > ADDRESS_LENGTH_MAX or not address.isascii():
        raise NotAnAddress(f"not an address: {address[:20]!r}")
    found = _parse(address, network)
    if found is None:
        raise _why_not(address, network)
    script = bytes(found.script_pubkey().to_bytes())
    for kind, form in KINDS:
        if form.fullmatch(script):
            return Checked(str(found), script, kind)
    raise NotAnAddress(f"{address[:12]}… is of a kind that nobody could safely spend from")


def _parse(address: str, network: str) -> bdk.Address | None:
    try:
        return bdk.Address(address, NETWORKS[network])
    except bdk.AddressParseError:
        return None


def _why_not(address: str, network: str) -> NotAnAddress | OtherCoin | WrongNetwork:
    if any(_parse(address, other) for other in NETWORKS if other != network):
        return WrongNetwork(f"{address[:12]}… is not on {network}")
    if OTHER_COINS.match(address):
        return OtherCoin("an address of a different coin")
    return NotAnAddress(f"not an address: {address[:20]!r}")
