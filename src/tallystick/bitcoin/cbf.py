"""The chain through ordinary nodes, by compact block filters (BIP-157, BIP-158).

No server needs to be trusted: the light client checks headers and filters itself, and fetches only
the blocks that concern the wallet. It sees no unconfirmed payment of others, and no refusal other
than a peer's silence. So a transaction is *known* here once it is in a block, or once a peer of
ours took it.
"""

from __future__ import annotations

import asyncio
import ipaddress
import socket
import threading
from collections.abc import Coroutine
from concurrent.futures import TimeoutError as FutureTimeout
from typing import Any, Final, TypeVar

from bdkpython import bdk

from tallystick.bitcoin.errors import BadChainUrl, ChainUnreachable
from tallystick.bitcoin.status import UNKNOWN, TxStatus, clamp_rate
from tallystick.bitcoin.transaction import decode
from tallystick.bitcoin.wallet import HotWallet

PEERS_MAX: Final = 8
DEFAULT_PORT: Final = 8333
FIRST_SYNC_TIMEOUT_S: Final = 120.0
NEWS_TIMEOUT_S: Final = 0.05
"""A sync after the first takes what has arrived; the client itself waits for the next block."""
BROADCAST_TIMEOUT_S: Final = 15.0
FEE_TIMEOUT_S: Final = 10.0
PEER_TIMEOUT_MS: Final = 5_000

T = TypeVar("T")


def parse_peers(text: str) -> list[tuple[str, int]]:
    """Read ``host:port,host:port``; raise `BadChainUrl`."""
    peers = []
    for item in text.split(","):
        host, colon, port = item.strip().rpartition(":")
        if not colon:
            host, port = port, str(DEFAULT_PORT)
        if not host or not port.isdigit() or not 0 < int(port) < 65_536:
            raise BadChainUrl(f"{item[:60]!r} is not host:port")
        peers.append((host.strip("[]"), int(port)))
    if len(peers) > PEERS_MAX:
        raise BadChainUrl(f"{len(peers)} peers; at most {PEERS_MAX}")
    return peers


def _peer(host: str, port: int) -> bdk.Peer:
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][4][0]
        address = ipaddress.ip_address(found)
    except (OSError, ValueError) as error:
        raise ChainUnreachable(f"{host}: {error}") from error
    if isinstance(address, ipaddress.IPv4Address):
        made = bdk.IpAddress.from_ipv4(*address.packed)
    else:
        words = [int(part, 16) for part in address.exploded.split(":")]
        made = bdk.IpAddress.from_ipv6(*words)
    return bdk.Peer(address=made, port=port, v2_transport=False)


class CbfChain:
    """A light client for one wallet, which the first `sync` names. It runs in its own thread."""

    def __init__(self, peers: list[tuple[str, int]]) -> None:
        self.peers = peers
        self._loop: asyncio.AbstractEventLoop | None = None
        self._client: Any = None
        self._wallet: HotWallet | None = None
        self._next: asyncio.Task[bdk.Update] | None = None
        self._taken: set[str] = set()

    def _start(self, wallet: HotWallet) -> None:
        """Connect from where the wallet stands; a lost connection is made anew the same way."""
        if self._client is not None and self._client.is_running():
            return
        folder = wallet.path.with_suffix(".cbf")
        folder.mkdir(exist_ok=True)
        builder = bdk.CbfBuilder().peers([_peer(*peer) for peer in self.peers])
        builder = builder.only_configured_peers().connections(1).data_dir(str(folder))
        builder = builder.configure_timeout_millis(PEER_TIMEOUT_MS, PEER_TIMEOUT_MS)
        parts = builder.scan_type(bdk.ScanType.SYNC()).build(wallet.bdk)
        parts.node.run()
        if self._loop is None:
            self._loop = asyncio.new_event_loop()
            threading.Thread(target=self._loop.run_forever, name="cbf", daemon=True).start()
        self._client, self._wallet, self._next = parts.client, wallet, None

    def _run(self, call: Coroutine[Any, Any, T], timeout_s: float) -> T:
        if self._loop is None:
            raise ChainUnreachable("not synchronised yet")
        future = asyncio.run_coroutine_threadsafe(call, self._loop)
        try:
            return future.result(timeout_s)
        except (FutureTimeout, TimeoutError) as error:
            future.cancel()
            raise ChainUnreachable(f"no peer answered in {timeout_s:g} s") from error
        except bdk.CbfError as error:
            raise ChainUnreachable(f"the light client stopped: {error!r}") from error

    def sync(self, wallet: HotWallet) -> None:
        """Take what the peers told since; the first time, wait until their tip is reached."""
        first = self._wallet is None
        self._start(wallet)
        found = self._run(self._news(FIRST_SYNC_TIMEOUT_S if first else NEWS_TIMEOUT_S), 150.0)
        if found is None and first:
            self.close()
            raise ChainUnreachable(f"no peer answered in {FIRST_SYNC_TIMEOUT_S:g} s")
        while found is not None:
            wallet.apply(found)
            found = self._run(self._news(NEWS_TIMEOUT_S), 150.0)

    async def _news(self, timeout_s: float) -> bdk.Update | None:
        """Wait for the next update, but leave it waiting after the deadline: none is lost."""
        if self._next is None:
            self._next = asyncio.ensure_future(self._client.update())
        done, _ = await asyncio.wait([self._next], timeout=timeout_s)
        if not done:
            return None
        found, self._next = self._next, None
        return found.result()

    def full_scan(self, wallet: HotWallet) -> None:
        """Filters are checked for every address within the wallet's look-ahead already."""
        self.sync(wallet)

    def _ready(self) -> tuple[Any, HotWallet]:
        if self._client is None or self._wallet is None:
            raise ChainUnreachable("not synchronised yet")
        return self._client, self._wallet

    def broadcast(self, raw: bytes) -> None:
        """Offer the transaction to the peers; raise `ChainUnreachable` when none takes it."""
        client, _ = self._ready()
        tx = decode(raw)
        self._run(client.broadcast(tx), BROADCAST_TIMEOUT_S)
        self._taken.add(str(tx.compute_txid()))

    def status(self, txid: str) -> TxStatus:
        """Say what the wallet's own record of the chain says; others' transactions are unknown."""
        _, wallet = self._ready()
        height = wallet.confirmed_height(txid)
        if height is not None:
            return TxStatus(True, height)
        return TxStatus(True, None) if txid in self._taken else UNKNOWN

    def raw(self, txid: str) -> bytes | None:
        """Return a transaction that the wallet knows, or None."""
        return self._ready()[1].raw(txid)

    def tip(self) -> int:
        """Return the height up to which the wallet is synchronised."""
        return self._ready()[1].height()

    def fee_rate(self, target_blocks: int) -> int:
        """Take the last block's average, or the peers' own floor where that is higher.

        A light client has no estimates by target; ``target_blocks`` changes nothing.
        """
        client, wallet = self._ready()
        floor = self._run(client.min_broadcast_feerate(), FEE_TIMEOUT_S)
        tip = wallet.bdk.latest_checkpoint().hash
        average = self._run(client.average_fee_rate(tip), FEE_TIMEOUT_S)
        return clamp_rate(max(floor.to_sat_per_kwu(), average.to_sat_per_kwu()) * 4)

    def close(self) -> None:
        """Leave the peers."""
        client, self._client, self._wallet = self._client, None, None
        if client is not None and client.is_running():
            client.shutdown()
        if self._loop is not None:
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._loop = None
