"""The chain through an Esplora server (the HTTP API of Blockstream's Esplora), or our embedded one.

Only an HTTP 400 to a broadcast is a refusal, for that is how Esplora hands on a node's words; a
time-out, a 429 or a 5xx says nothing of what became of the transaction.
"""

from __future__ import annotations

import json
import string
from decimal import Decimal
from typing import Any, Final

from bdkpython import bdk

from tallystick.bitcoin.errors import BroadcastRejected, ChainUnreachable, WrongChain
from tallystick.bitcoin.fetch import fetch
from tallystick.bitcoin.patience import Patience
from tallystick.bitcoin.status import UNKNOWN, TxStatus, clamp_rate
from tallystick.bitcoin.transaction import decode
from tallystick.bitcoin.wallet import HotWallet

STOP_GAP: Final = 25
PARALLEL: Final = 4
SYNC_TIMEOUT_S: Final = 60.0
SCAN_TIMEOUT_S: Final = 600.0
REASON_LENGTH_MAX: Final = 300
ALREADY: Final = ("already in", "txn-already", "already known")
"""A node's words for "I have it": what we wanted (Bitcoin Core, validation.cpp)."""


class EsploraChain:
    """Speaks to one Esplora server. Safe to use from several threads."""

    def __init__(self, url: str) -> None:
        self.url = url.rstrip("/")
        self._client = bdk.EsploraClient(self.url)
        self._patience = Patience(self.url)

    def sync(self, wallet: HotWallet) -> None:
        """Ask for everything on the wallet's revealed addresses; the first time, scan."""
        if wallet.height() == 0:
            self.full_scan(wallet)
            return
        request = wallet.sync_request()
        wallet.apply(self._ask(lambda: self._client.sync(request, PARALLEL), SYNC_TIMEOUT_S))

    def full_scan(self, wallet: HotWallet) -> None:
        """Look for coins on addresses this wallet does not know it handed out."""
        request = wallet.scan_request()
        scan = self._client.full_scan
        wallet.apply(self._ask(lambda: scan(request, STOP_GAP, PARALLEL), SCAN_TIMEOUT_S))

    def _ask(self, call: Any, timeout_s: float) -> bdk.Update:
        try:
            return self._patience.wait(call, timeout_s)
        except bdk.EsploraError.HeaderHashNotFound as error:
            raise WrongChain(f"{self.url} does not know this wallet's blocks") from error
        except bdk.EsploraError as error:
            raise ChainUnreachable(f"{self.url}: {error}") from error

    def broadcast(self, raw: bytes) -> None:
        """Post the transaction; raise `BroadcastRejected` or `ChainUnreachable`."""
        decode(raw)
        answer = fetch(f"{self.url}/tx", raw.hex().encode())
        if answer.status == 400:
            reason = answer.text()[:REASON_LENGTH_MAX]
            if not any(words in reason for words in ALREADY):
                raise BroadcastRejected(reason)
        elif answer.status != 200:
            raise self._odd("/tx", answer.status)

    def status(self, txid: str) -> TxStatus:
        """Ask for the transaction and its block."""
        found = self._json(f"/tx/{_hex(txid)}")
        if found is None:
            return UNKNOWN
        try:
            block = found["status"]
            if not block["confirmed"]:
                return TxStatus(True, None)
            return TxStatus(True, int(block["block_height"]), str(block["block_hash"]))
        except (KeyError, TypeError, ValueError) as error:
            raise ChainUnreachable(f"{self.url}/tx: not Esplora's form: {error!r}") from error

    def raw(self, txid: str) -> bytes | None:
        """Ask for the transaction's bytes; they must hash to the identifier."""
        answer = fetch(f"{self.url}/tx/{_hex(txid)}/raw")
        if answer.status == 404:
            return None
        if answer.status != 200:
            raise self._odd("/tx/raw", answer.status)
        try:
            found = str(bdk.Transaction(answer.body).compute_txid())
        except bdk.TransactionError as error:
            raise ChainUnreachable(f"{self.url}: not a transaction: {error}") from error
        if found != txid:
            raise ChainUnreachable(f"{self.url} answers {txid} with {found}")
        return answer.body

    def tip(self) -> int:
        """Ask for the last block's height."""
        height = self._json("/blocks/tip/height")
        if type(height) is not int:
            raise ChainUnreachable(f"{self.url}: no height")
        return height

    def fee_rate(self, target_blocks: int) -> int:
        """Take the nearest estimate at or below the target, within floor and ceiling."""
        found = self._json("/fee-estimates")
        try:
            rates = sorted((int(blocks), Decimal(rate)) for blocks, rate in found.items())
            near = [rate for blocks, rate in rates if blocks <= target_blocks] or [rates[0][1]]
            return clamp_rate(int(near[-1] * 1000))
        except (AttributeError, ArithmeticError, IndexError, TypeError, ValueError) as error:
            raise ChainUnreachable(f"{self.url}: no fee estimates: {error!r}") from error

    def _json(self, path: str) -> Any:
        answer = fetch(self.url + path)
        if answer.status == 404:
            return None
        if answer.status != 200:
            raise self._odd(path, answer.status)
        try:
            return json.loads(answer.body, parse_float=Decimal)
        except (ValueError, RecursionError) as error:
            raise ChainUnreachable(f"{self.url}{path}: not JSON") from error

    def _odd(self, path: str, status: int) -> ChainUnreachable:
        return ChainUnreachable(f"{self.url}{path} answers {status}")


def _hex(text: str) -> str:
    if len(text) != 64 or not set(text) <= set(string.hexdigits):
        raise ChainUnreachable(f"not an identifier: {text[:70]!r}")
    return text
