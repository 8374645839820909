"""The chain through an Electrum server, by BDK's client.

A protocol error in answer to a broadcast is the server handing on a node's refusal; a lost
connection says nothing of what became of the transaction. Each call has a deadline.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Final

from bdkpython import bdk

from tallystick.bitcoin.electrum_status import confirmed_height
from tallystick.bitcoin.errors import BroadcastRejected, ChainUnreachable
from tallystick.bitcoin.esplora import ALREADY, REASON_LENGTH_MAX, STOP_GAP
from tallystick.bitcoin.status import UNKNOWN, TxStatus, clamp_rate
from tallystick.bitcoin.transaction import decode
from tallystick.bitcoin.wallet import HotWallet

BATCH: Final = 20
TIMEOUT_S: Final = 20
RETRIES: Final = 1


class ElectrumChain:
    """Speaks to one Electrum server; connects when first asked and again after a loss."""

    def __init__(self, url: str) -> None:
        self.url = url
        self._opened: bdk.ElectrumClient | None = None

    def _client(self) -> bdk.ElectrumClient:
        if self._opened is None:
            try:
                self._opened = bdk.ElectrumClient(self.url, timeout=TIMEOUT_S, retry=RETRIES)
            except bdk.ElectrumError as error:
                raise ChainUnreachable(f"{self.url}: {error}") from error
        return self._opened

    def _lost(self, error: Exception) -> ChainUnreachable:
        self._opened = None
        return ChainUnreachable(f"{self.url}: {error}")

    def sync(self, wallet: HotWallet) -> None:
        """Ask for everything on the wallet's revealed addresses; the first time, scan."""
        if wallet.height() == 0:
            self.full_scan(wallet)
            return
        client, request = self._client(), wallet.sync_request()
        try:
            update = client.sync(request, BATCH, False)
        except bdk.ElectrumError as error:
            raise self._lost(error) from error
        wallet.apply(update)

    def full_scan(self, wallet: HotWallet) -> None:
        """Look for coins on addresses this wallet does not know it handed out."""
        client, request = self._client(), wallet.scan_request()
        try:
            update = client.full_scan(request, STOP_GAP, BATCH, False)
        except bdk.ElectrumError as error:
            raise self._lost(error) from error
        wallet.apply(update)

    def broadcast(self, raw: bytes) -> None:
        """Send the transaction; a protocol error is a refusal."""
        try:
            self._client().transaction_broadcast(decode(raw))
        except bdk.ElectrumError.Protocol as error:
            reason = str(error)[:REASON_LENGTH_MAX]
            if not any(words in reason for words in ALREADY):
                raise BroadcastRejected(reason) from error
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
        """Ask for the history of the transaction's first output."""
        raw = self.raw(txid)
        if raw is None:
            return UNKNOWN
        try:
            return TxStatus(True, confirmed_height(self.url, raw, txid))
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise self._lost(error) from error

    def tip(self) -> int:
        """Ask for the last block's height."""
        try:
            return int(self._client().block_headers_subscribe().height)
        except bdk.ElectrumError as error:
            raise self._lost(error) from error

    def fee_rate(self, target_blocks: int) -> int:
        """Ask for an estimate in bitcoin for 1,000 virtual bytes; none (-1) gives our floor."""
        try:
            estimate = self._client().estimate_fee(target_blocks)
        except bdk.ElectrumError as error:
            raise self._lost(error) from error
        return clamp_rate(int(Decimal(repr(estimate)) * 100_000_000))
