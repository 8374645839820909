"""The chain by URL: one interface, whatever answers (Decision 6).

``embedded:http://127.0.0.1:PORT`` and ``esplora+http(s)://…`` speak Esplora,
``electrum+tcp://…`` and ``electrum+ssl://…`` Electrum, ``cbf:host:port,host:port`` the nodes' own
protocol. A node's refusal (`BroadcastRejected`) is told from silence (`ChainUnreachable`), since
silence may mean that the transaction went out.
"""

from __future__ import annotations

from typing import Final, Protocol
from urllib.parse import urlsplit

from tallystick.bitcoin.cbf import CbfChain, parse_peers
from tallystick.bitcoin.electrum import ElectrumChain
from tallystick.bitcoin.errors import BadChainUrl, BroadcastRejected, ChainUnreachable
from tallystick.bitcoin.esplora import EsploraChain
from tallystick.bitcoin.status import TxStatus
from tallystick.bitcoin.wallet import HotWallet

__all__ = [
    "BroadcastRejected",
    "CbfChain",
    "Chain",
    "ChainUnreachable",
    "ElectrumChain",
    "EsploraChain",
    "TxStatus",
    "open_chain",
]

URL_LENGTH_MAX: Final = 500
FORMS: Final = "embedded:http://127.0.0.1:PORT, esplora+http(s)://, electrum+tcp/ssl://host:port"


class Chain(Protocol):
    """A view of the chain. Every method may raise `ChainUnreachable`, and ends in bounded time."""

    def sync(self, wallet: HotWallet) -> None:
        """Bring the wallet up to date."""

    def full_scan(self, wallet: HotWallet) -> None:
        """Look for coins on addresses that the wallet does not know it handed out."""

    def broadcast(self, raw: bytes) -> None:
        """Send; raise `BroadcastRejected` on a refusal, `ChainUnreachable` on silence."""

    def status(self, txid: str) -> TxStatus:
        """Say whether the chain or its waiting room knows a transaction."""

    def raw(self, txid: str) -> bytes | None:
        """Return a transaction's bytes, or None."""

    def tip(self) -> int:
        """Return the height of the last block."""

    def fee_rate(self, target_blocks: int) -> int:
        """Return satoshis for 1,000 virtual bytes, to confirm within so many blocks."""


def open_chain(url: str) -> Chain:
    """Open a chain by its URL; raise `BadChainUrl`. Nothing is asked of it yet.

    That it is the wallet's own network shows at the first `Chain.sync`, which compares blocks.
    """
    scheme, _, rest = url.partition(":")
    if len(url) <= URL_LENGTH_MAX:
        if scheme == "embedded" and rest.startswith("http://127.0.0.1:"):
            return EsploraChain(_checked(rest))
        if scheme in ("esplora+http", "esplora+https"):
            return EsploraChain(_checked(url.removeprefix("esplora+")))
        if scheme in ("electrum+tcp", "electrum+ssl"):
            return ElectrumChain(_checked(url.removeprefix("electrum+")))
        if scheme == "cbf":
            return CbfChain(parse_peers(rest))
    raise BadChainUrl(f"{url[:60]!r} is none of {FORMS}, cbf:host:port")


def _checked(url: str) -> str:
    """Return the URL if it has a host, a sane port and no user, query or fragment."""
    try:
        parts = urlsplit(url)
        ok = bool(parts.hostname) and parts.port != 0 and not (parts.query or parts.fragment)
    except ValueError:
        ok = False
    if not ok or "@" in url:
        raise BadChainUrl(f"{url[:60]!r} is not a server's URL")
    return url
