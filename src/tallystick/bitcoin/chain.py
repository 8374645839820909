"""The chain by URL: one interface, whatever answers (Decision 6).

``embedded:http://127.0.0.1:PORT`` and ``esplora+http(s)://…`` speak Esplora,
``electrum+tcp://…`` and ``electrum+ssl://…`` Electrum. A node's refusal (`BroadcastRejected`) is
told from silence (`ChainUnreachable`), since silence may mean that the transaction went out.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Protocol

from bdkpython import bdk

from tallystick.bitcoin.errors import BadChainUrl, BroadcastRejected, ChainUnreachable
from tallystick.bitcoin.transaction import decode
from tallystick.bitcoin.wallet import HotWallet

__all__ = ["BroadcastRejected", "Chain", "ChainUnreachable", "TxStatus", "open_chain"]

STOP_GAP: Final = 25
PARALLEL: Final = 4
FEE_SAT_PER_KVB_MIN: Final = 1_000
FEE_SAT_PER_KVB_MAX: Final = 500_000


@dataclass(frozen=True, slots=True)
class TxStatus:
    """What the chain says of a transaction. ``confirmed_height`` is None while it waits."""

    known: bool
    confirmed_height: int | None


class Chain(Protocol):
    """A view of the chain."""

    def sync(self, wallet: HotWallet) -> None:
        """Bring the wallet up to date; raise `ChainUnreachable`."""

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
    """Open a chain by its URL; raise `BadChainUrl`."""
    scheme, _, rest = url.partition(":")
    if scheme == "embedded" and rest.startswith("http://127.0.0.1:"):
        return EsploraChain(rest)
    if scheme in ("esplora+http", "esplora+https") and rest.startswith("//"):
        return EsploraChain(f"{scheme.removeprefix('esplora+')}:{rest}")
    if scheme in ("electrum+tcp", "electrum+ssl") and rest.startswith("//"):
        return ElectrumChain(f"{scheme.removeprefix('electrum+')}:{rest}")
    raise BadChainUrl(
        f"{url.split('?')[0][:60]!r} is not embedded:, esplora+http(s): or electrum+tcp/ssl:"
    )


class EsploraChain:
    """The chain through an Esplora server, or our embedded one."""

    def __init__(self, url: str) -> None:
        self.url = url.rstrip("/")
        self._client = bdk.EsploraClient(self.url)

    def sync(self, wallet: HotWallet) -> None:
        """Ask for everything on the wallet's revealed addresses; the first time, scan."""
        try:
            if wallet.bdk.latest_checkpoint().height == 0:
                request = wallet.bdk.start_full_scan().build()
                update = self._client.full_scan(request, STOP_GAP, PARALLEL)
            else:
                revealed = wallet.bdk.start_sync_with_revealed_spks().build()
                update = self._client.sync(revealed, PARALLEL)
        except bdk.EsploraError as error:
            raise ChainUnreachable(f"{self.url}: {error}") from error
        wallet.bdk.apply_update(update)
        wallet.save()

    def broadcast(self, raw: bytes) -> None:
        """Post the transaction. Only an HTTP 4xx is a refusal; all else is an unknown outcome."""
        try:
            self._client.broadcast(decode(raw))
        except bdk.EsploraError.HttpResponse as error:
            if 400 <= error.status < 500:
                raise BroadcastRejected(str(error.error_message)) from error
            raise ChainUnreachable(f"{self.url}: {error}") from error
        except bdk.EsploraError as error:
            raise ChainUnreachable(f"{self.url}: {error}") from error

    def status(self, txid: str) -> TxStatus:
        """Ask for the transaction, then for its block."""
        try:
            found = self._client.get_tx(bdk.Txid.from_string(txid))
            if found is None:
                return TxStatus(False, None)
            status = self._client.get_tx_status(bdk.Txid.from_string(txid))
        except bdk.EsploraError as error:
            raise ChainUnreachable(f"{self.url}: {error}") from error
        return TxStatus(True, status.block_height if status.confirmed else None)

    def raw(self, txid: str) -> bytes | None:
        """Ask for the transaction's bytes."""
        try:
            found = self._client.get_tx(bdk.Txid.from_string(txid))
        except bdk.EsploraError as error:
            raise ChainUnreachable(f"{self.url}: {error}") from error
        return None if found is None else bytes(found.serialize())

    def tip(self) -> int:
        """Ask for the last block."""
        try:
            return int(self._client.get_height())
        except bdk.EsploraError as error:
            raise ChainUnreachable(f"{self.url}: {error}") from error

    def fee_rate(self, target_blocks: int) -> int:
        """Take the nearest estimate at or below the target, within floor and ceiling."""
        try:
            estimates = self._client.get_fee_estimates()
        except bdk.EsploraError as error:
            raise ChainUnreachable(f"{self.url}: {error}") from error
        near = [rate for blocks, rate in sorted(estimates.items()) if blocks <= target_blocks]
        return clamp_rate(int((near or [1.0])[-1] * 1000))


class ElectrumChain:
    """The chain through an Electrum server."""

    def __init__(self, url: str) -> None:
        self.url = url
        self._opened: bdk.ElectrumClient | None = None

    def _client(self) -> bdk.ElectrumClient:
        if self._opened is None:
            try:
                self._opened = bdk.ElectrumClient(self.url)
            except bdk.ElectrumError as error:
                raise ChainUnreachable(f"{self.url}: {error}") from error
        return self._opened

    def _lost(self, error: Exception) -> ChainUnreachable:
        self._opened = None
        return ChainUnreachable(f"{self.url}: {error}")

    def sync(self, wallet: HotWallet) -> None:
        """Ask for everything on the wallet's revealed addresses; the first time, scan."""
        client = self._client()
        try:
            if wallet.bdk.latest_checkpoint().height == 0:
                request = wallet.bdk.start_full_scan().build()
                update = client.full_scan(request, STOP_GAP, 20, False)
            else:
                revealed = wallet.bdk.start_sync_with_revealed_spks().build()
                update = client.sync(revealed, 20, False)
        except bdk.ElectrumError as error:
            raise self._lost(error) from error
        wallet.bdk.apply_update(update)
        wallet.save()

    def broadcast(self, raw: bytes) -> None:
        """Send the transaction; a protocol error is a refusal."""
        try:
            self._client().transaction_broadcast(decode(raw))
        except bdk.ElectrumError.Protocol as error:
            raise BroadcastRejected(str(error)) from error
        except bdk.ElectrumError as error:
            raise self._lost(error) from error

    def raw(self, txid: str) -> bytes | None:
        """Ask for the transaction's bytes."""
        try:
            return bytes(self._client().transaction_get_raw(bdk.Txid.from_string(txid)))
        except bdk.ElectrumError.Protocol:
            return None
        except bdk.ElectrumError as error:
            raise self._lost(error) from error

    def status(self, txid: str) -> TxStatus:
        """Look the transaction up through a throw-away wallet of its first output's script."""
        from tallystick.bitcoin.electrum_status import confirmed_height

        raw = self.raw(txid)
        if raw is None:
            return TxStatus(False, None)
        try:
            return TxStatus(True, confirmed_height(self.url, raw, txid))
        except OSError as error:
            raise self._lost(error) from error

    def tip(self) -> int:
        """Ask for the last block."""
        try:
            return int(self._client().block_headers_subscribe().height)
        except bdk.ElectrumError as error:
            raise self._lost(error) from error

    def fee_rate(self, target_blocks: int) -> int:
        """Ask for an estimate in bitcoin for 1,000 virtual bytes."""
        try:
            estimate = self._client().estimate_fee(target_blocks)
        except bdk.ElectrumError as error:
            raise self._lost(error) from error
        return clamp_rate(round(estimate * 100_000_000))


def clamp_rate(sat_per_kvb: int) -> int:
    """Keep a rate within our floor and ceiling."""
    return min(max(sat_per_kvb, FEE_SAT_PER_KVB_MIN), FEE_SAT_PER_KVB_MAX)
