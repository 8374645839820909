"""The waiting room: what a node checks before it takes a transaction, in a node's own words.

The rules are Bitcoin Core's (validation.cpp, policy.cpp) as far as a payer can meet them; the
scripts are judged by Core's own code. What is taken is on disk before the answer.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

import pbk
from pbk.script import PrecomputedTransactionData, ScriptVerificationFlags

from tallystick.bitcoin.embedded.index import Index
from tallystick.bitcoin.embedded.log import Log
from tallystick.bitcoin.embedded.txs import OP_RETURN, WITNESS_SCALE, Input, OutPoint, Tx, parse
from tallystick.bitcoin.errors import ChainRejects

COINBASE_DEPTH: Final = 100
RELAY_SAT_PER_KVB: Final = 1_000
DUST_SAT_PER_KVB: Final = 3_000
MONEY_SATS_MAX: Final = 21_000_000 * 10**8
TX_WEIGHT_MAX: Final = 400_000
SIGOPS_MAX: Final = 16_000
WAITING_MAX: Final = 10_000
LOCKTIME_IS_TIME: Final = 500_000_000
SEQUENCE_FINAL: Final = 0xFFFFFFFF
LOG_RECORDS_SPARE: Final = 1_000


class WaitingRoom:
    """Transactions that wait for a block, parents before children."""

    def __init__(self, index: Index, path: Path) -> None:
        self.index = index
        self.txs: dict[str, Tx] = {}
        self.spender: dict[OutPoint, str] = {}
        self._log = Log(path)
        self._logged = 0
        for raw in self._log.records_at_open:
            self._try(raw)
        self._compact()

    def close(self) -> None:
        """Close the file."""
        self._log.close()

    def _compact(self) -> None:
        self._log.rewrite([tx.raw for tx in self.txs.values()])
        self._logged = len(self.txs)

    def take(self, raw: bytes) -> str:
        """Take a transaction, durably; raise `ChainRejects` with the reason a node would give."""
        tx = parse(raw)
        if tx.id in self.txs:
            return tx.id
        self._admit(tx)
        self._log.append(raw)
        self._logged += 1
        if self._logged > 2 * len(self.txs) + LOG_RECORDS_SPARE:
            self._compact()
        return tx.id

    def _try(self, raw: bytes) -> None:
        """Take back what was taken before, unless it is mined or has lost its coins by now."""
        try:
            self._admit(parse(raw))
        except ChainRejects:
            return

    def _admit(self, tx: Tx) -> None:
        if tx.id in self.index.mined:
            raise ChainRejects("txn-already-known")
        if len(self.txs) >= WAITING_MAX:
            raise ChainRejects("mempool full")
        check_form(tx)
        self._find_coins(tx)
        check_sums(tx)
        rivals = self._rivals(tx)
        verify_scripts(tx)
        for rival in rivals:
            self.evict(rival.id)
        self.txs[tx.id] = tx
        for item in tx.inputs:
            self.spender[item.coin] = tx.id

    def _find_coins(self, tx: Tx) -> None:
        """Look up what it spends, and whether it may be spent by the next block."""
        tip = len(self.index.blocks)
        tx.spent = []
        for item in tx.inputs:
            sats, script, height, minted = self._coin(item.coin)
            if minted and tip - height < COINBASE_DEPTH:
                raise ChainRejects("bad-txns-premature-spend-of-coinbase")
            if tx.version >= 2 and self._too_young(item, height):
                raise ChainRejects("non-BIP68-final")
            tx.spent.append((sats, script))
        if self._locked(tx):
            raise ChainRejects("non-final")

    def _coin(self, outpoint: OutPoint) -> tuple[int, bytes, int, bool]:
        """Return an unspent coin; one that still waits has the next block's height."""
        held = self.index.coins.get(outpoint)
        if held is not None:
            return held
        parent = self.txs.get(outpoint[0])
        if parent is None or outpoint[1] >= len(parent.outputs):
            raise ChainRejects("bad-txns-inputs-missingorspent")
        return (*parent.outputs[outpoint[1]], len(self.index.blocks), False)

    def _too_young(self, item: Input, height: int) -> bool:
        """Apply BIP-68's relative lock for the next block."""
        lock = item.sequence
        if lock >> 31:
            return False
        index, tip = self.index, len(self.index.blocks)
        if lock >> 22 & 1:
            age = index.median_time(tip - 1) - index.median_time(max(height - 1, 0))
            return age < (lock & 0xFFFF) << 9
        return tip - height < lock & 0xFFFF

    def _locked(self, tx: Tx) -> bool:
        """Apply the absolute lock for the next block (BIP-113)."""
        if all(item.sequence == SEQUENCE_FINAL for item in tx.inputs):
            return False
        tip = len(self.index.blocks)
        if tx.locktime < LOCKTIME_IS_TIME:
            return tx.locktime >= max(tip, 1)
        return tx.locktime >= self.index.median_time(tip - 1)

    def _rivals(self, tx: Tx) -> list[Tx]:
        """Return what it would replace; refuse a replacement that does not pay more (BIP-125)."""
        direct = {self.spender[i.coin] for i in tx.inputs if i.coin in self.spender}
        if not direct:
            return []
        rivals = [self.txs[txid] for txid in self._with_children(direct)]
        gone = {rival.id for rival in rivals}
        if any(item.coin[0] in gone for item in tx.inputs):
            raise ChainRejects("bad-txns-spends-conflicting-tx")
        relay = tx.weight * RELAY_SAT_PER_KVB // (1000 * WITNESS_SCALE)
        dearer = all(
            tx.fee * self.txs[txid].weight > self.txs[txid].fee * tx.weight for txid in direct
        )
        if not dearer or tx.fee < sum(rival.fee for rival in rivals) + relay:
            raise ChainRejects("insufficient fee, rejecting replacement")
        return rivals

    def _with_children(self, txids: set[str]) -> list[str]:
        """Return these and all that depend on them, in the room's order."""
        found = set(txids)
        for tx in self.txs.values():
            if any(item.coin[0] in found for item in tx.inputs):
                found.add(tx.id)
        return [txid for txid in self.txs if txid in found]

    def evict(self, txid: str) -> None:
        """Put a transaction out, and with it all that depend on it."""
        if txid in self.txs:
            for gone in self._with_children({txid}):
                self._remove(self.txs[gone])

    def _remove(self, tx: Tx) -> None:
        del self.txs[tx.id]
        for item in tx.inputs:
            self.spender.pop(item.coin, None)

    def mined(self, txs: list[Tx]) -> None:
        """A block came: its transactions leave, and so do those whose coins it took."""
        for tx in txs:
            if tx.id in self.txs:
                self._remove(self.txs[tx.id])
        for tx in txs:
            for item in tx.inputs:
                rival = self.spender.get(item.coin)
                if rival is not None:
                    self.evict(rival)

    def returned(self, back: list[Tx]) -> None:
        """A reorg came: take back what its blocks held, before all that may depend on it."""
        again = [*back, *self.txs.values()]
        self.txs.clear()
        self.spender.clear()
        for tx in again:
            self._try(tx.raw)
        self._compact()


def check_form(tx: Tx) -> None:
    """Check what needs no coins."""
    if tx.is_coinbase:
        raise ChainRejects("coinbase")
    if len({item.coin for item in tx.inputs}) != len(tx.inputs):
        raise ChainRejects("bad-txns-inputs-duplicate")
    if tx.weight > TX_WEIGHT_MAX:
        raise ChainRejects("tx-size")
    if sum(sats for sats, _ in tx.outputs) > MONEY_SATS_MAX:
        raise ChainRejects("bad-txns-txouttotal-toolarge")
    if tx.sigops_bound() > SIGOPS_MAX:
        raise ChainRejects("bad-txns-too-many-sigops")
    if any(sats < dust(script) for sats, script in tx.outputs):
        raise ChainRejects("dust")


def dust(script: bytes) -> int:
    """Return the least an output must hold, in satoshis (Bitcoin Core, GetDustThreshold)."""
    if script.startswith(OP_RETURN):
        return 0
    is_witness = 4 <= len(script) <= 42 and script[1] == len(script) - 2
    spending = 67 if is_witness and (script[0] == 0 or 0x51 <= script[0] <= 0x60) else 148
    return (8 + 1 + len(script) + spending) * DUST_SAT_PER_KVB // 1000


def check_sums(tx: Tx) -> None:
    """Reckon the fee, and refuse one below nothing or below what nodes pass on."""
    tx.fee = sum(v for v, _ in tx.spent) - sum(v for v, _ in tx.outputs)
    if tx.fee < 0:
        raise ChainRejects("bad-txns-in-belowout")
    if not tx.pays(RELAY_SAT_PER_KVB):
        raise ChainRejects("min relay fee not met")


def verify_scripts(tx: Tx) -> None:
    """Have the kernel run every input's script."""
    kernel_tx = pbk.Transaction(tx.raw)
    spent = [pbk.TransactionOutput(pbk.ScriptPubkey(s), v) for v, s in tx.spent]
    data = PrecomputedTransactionData(kernel_tx, spent)
    for number, (sats, script) in enumerate(tx.spent):
        verify = pbk.ScriptPubkey(script).verify
        if not verify(sats, kernel_tx, data, number, ScriptVerificationFlags.ALL):
            raise ChainRejects("mandatory-script-verify-flag-failed")
