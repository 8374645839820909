"""The hot wallet, watch-only: BDK with public descriptors; it builds, and cannot sign (Decision 5).

BDK does not learn of its own broadcasts, and a sync drops what the chain has not seen yet. So
`remember` tells it of each stored transaction and locks the coins that it spends, in the wallet's
own file: two payments never spend one coin, whatever the chain says in between. Only `build_bump`
spends them again, and only to replace.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from bdkpython import bdk

from tallystick.bitcoin.address import NETWORKS
from tallystick.bitcoin.errors import InsufficientCoins, WalletRefuses, WrongChain
from tallystick.bitcoin.transaction import decode, outputs_of, script_of

__all__ = ["Balance", "Deposit", "Draft", "HotWallet", "InsufficientCoins", "Signed"]

OUTPUTS_MAX: Final = 200
FINAL_DEPTH: Final = 6
"""Confirmations after which a transaction's spent coins need no lock any more."""


@dataclass(frozen=True, slots=True)
class Balance:
    """Satoshis by certainty. ``pending_own`` is our own unconfirmed change."""

    confirmed: int
    pending_own: int
    pending_in: int
    immature: int


@dataclass(frozen=True, slots=True)
class Draft:
    """An unsigned transaction (BIP-174, base 64), its fee and its change in satoshis."""

    psbt: str
    fee_sats: int
    txid: str = ""
    change_sats: int = 0


@dataclass(frozen=True, slots=True)
class Signed:
    """A finished transaction, ready to be stored."""

    raw: bytes
    txid: str
    fee_sats: int
    vsize: int


@dataclass(frozen=True, slots=True)
class Deposit:
    """A confirmed output that pays us."""

    txid: str
    vout: int
    sats: int


class HotWallet:
    """One watch-only wallet with its own SQLite file. Not thread-safe: its owner holds a lock."""

    def __init__(self, path: Path, external: str, internal: str, network: str) -> None:
        kind = bdk.NetworkKind.MAIN if network == "bitcoin" else bdk.NetworkKind.TEST
        self.network, self.path = network, path
        self._sent: dict[str, bytes] = {}
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            descriptors = (bdk.Descriptor(external, kind), bdk.Descriptor(internal, kind))
            self._persister = bdk.Persister.new_sqlite(str(path))
            self.bdk = self._open(descriptors)
        except (bdk.DescriptorError, bdk.PersistenceError) as error:
            raise WalletRefuses(f"{path.name}: {error}") from error
        except (bdk.LoadWithPersistError, bdk.CreateWithPersistError) as error:
            raise WalletRefuses(f"{path.name}: {error}") from error
        if self.bdk.network() != NETWORKS[network]:
            raise WalletRefuses(f"{path.name} is a wallet of another network than {network}")
        self._order = self._latest_seen()
        self.save()

    def _open(self, descriptors: tuple[bdk.Descriptor, ...]) -> bdk.Wallet:
        """Load the wallet; create it where the file holds none (new, or killed while new)."""
        try:
            return bdk.Wallet.load(*descriptors, self._persister)
        except bdk.LoadWithPersistError.CouldNotLoad:
            return bdk.Wallet(*descriptors, NETWORKS[self.network], self._persister)

    def _latest_seen(self) -> int:
        """Return the latest moment that the file gives to an unconfirmed transaction."""
        places = (found.chain_position for found in self.bdk.transactions())
        return max((p.timestamp or 0 for p in places if p.is_unconfirmed()), default=0)

    def save(self) -> None:
        """Write what is new to the wallet's file."""
        self.bdk.persist(self._persister)

    def balance(self) -> Balance:
        """Return the satoshis held."""
        held = self.bdk.balance()
        return Balance(
            held.confirmed.to_sat(),
            held.trusted_pending.to_sat(),
            held.untrusted_pending.to_sat(),
            held.immature.to_sat(),
        )

    def next_address(self) -> str:
        """Return an unused address to fund the wallet."""
        found = self.bdk.next_unused_address(bdk.KeychainKind.EXTERNAL)
        self.save()
        return str(found.address)

    def build(
        self, outputs: Sequence[tuple[str, int]], sat_per_kvb: int, data: bytes = b""
    ) -> Draft:
        """Build a replaceable transaction; raise `InsufficientCoins` or `WalletRefuses`.

        ``data`` goes into an OP_RETURN output of no value (`tallystick.bitcoin.anchor`).
        """
        if not 0 < len(outputs) <= OUTPUTS_MAX:
            raise WalletRefuses(f"{len(outputs)} outputs; from 1 to {OUTPUTS_MAX}")
        to = [
            bdk.ScriptAmount(
                script=bdk.Script(self.script_of(address)), amount=bdk.Amount.from_sat(sats)
            )
            for address, sats in outputs
        ]
        builder = bdk.TxBuilder().set_recipients(to).fee_rate(_rate(sat_per_kvb))
        return self._finish(builder.add_data(data) if data else builder)

    def build_bump(self, txid: str, sat_per_kvb: int) -> Draft:
        """Build a replacement of one of our transactions at a higher rate."""
        return self._finish(bdk.BumpFeeTxBuilder(bdk.Txid.from_string(txid), _rate(sat_per_kvb)))

    def _finish(self, builder: bdk.TxBuilder | bdk.BumpFeeTxBuilder) -> Draft:
        try:
            psbt = builder.finish(self.bdk)
        except (bdk.CreateTxError.InsufficientFunds, bdk.CreateTxError.CoinSelection) as error:
            raise InsufficientCoins(f"the hot wallet is too low: {error}") from error
        except bdk.CreateTxError as error:
            raise WalletRefuses(f"{type(error).__name__}: {error}") from error
        self.save()
        tx = psbt.extract_tx_unchecked_fee_rate()
        change = sum(o.value.to_sat() for o in tx.output() if self._is_change(o.script_pubkey))
        return Draft(psbt.serialize(), psbt.fee(), str(tx.compute_txid()), change)

    def _is_change(self, script: bdk.Script) -> bool:
        found = self.bdk.derivation_of_spk(script)
        return found is not None and found.keychain == bdk.KeychainKind.INTERNAL

    def finish(self, psbt: str) -> Signed:
        """Extract the final transaction from a signed PSBT; raise `WalletRefuses`."""
        try:
            parsed = bdk.Psbt(psbt)
            tx = parsed.extract_tx()
            if not all(item.witness or item.script_sig.to_bytes() for item in tx.input()):
                raise WalletRefuses("not every input is signed")
            return Signed(bytes(tx.serialize()), str(tx.compute_txid()), parsed.fee(), tx.vsize())
        except (bdk.PsbtParseError, bdk.ExtractTxError, bdk.PsbtError) as error:
            raise WalletRefuses(f"not a finished transaction: {error}") from error

    def remember(self, raw: bytes, seen_at: dt.datetime) -> None:
        """Learn of a stored transaction and lock its coins; of two rivals the later one counts."""
        tx = decode(raw)
        coins = _coins(tx)
        for txid, other in list(self._sent.items()):
            if coins & _coins(decode(other)):
                del self._sent[txid]
        for item in tx.input():
            self.bdk.lock_outpoint(item.previous_output)
        self._sent[str(tx.compute_txid())] = raw
        self._order = max(self._order + 1, int(seen_at.timestamp()))
        self._show(tx)
        self.save()

    def forget(self, raw: bytes) -> None:
        """Give up a transaction that no node will ever take: its coins are free again."""
        tx = decode(raw)
        self._sent.pop(str(tx.compute_txid()), None)
        for item in tx.input():
            self.bdk.unlock_outpoint(item.previous_output)
        self._order += 1
        gone = bdk.EvictedTx(txid=tx.compute_txid(), evicted_at=self._order)
        self.bdk.apply_evicted_txs([gone])
        self.save()

    def _show(self, tx: bdk.Transaction) -> None:
        self.bdk.apply_unconfirmed_txs([bdk.UnconfirmedTx(tx=tx, last_seen=self._order)])

    def scan_request(self) -> bdk.FullScanRequest:
        """Return what to ask a chain the first time."""
        self._order += 1
        return self.bdk.start_full_scan_at(self._order).build()

    def sync_request(self) -> bdk.SyncRequest:
        """Return what to ask a chain afterwards: every address handed out so far."""
        self._order += 1
        return self.bdk.start_sync_with_revealed_spks_at(self._order).build()

    def apply(self, update: bdk.Update) -> None:
        """Take a chain's answer, but not its forgetting of what we stored and will send again."""
        try:
            self.bdk.apply_update(update)
        except bdk.CannotConnectError as error:
            raise WrongChain(f"the chain shares no block with this wallet: {error}") from error
        self._order += 1
        for txid, raw in list(self._sent.items()):
            self._keep(txid, decode(raw))
        self.save()

    def _keep(self, txid: str, tx: bdk.Transaction) -> None:
        height = self.confirmed_height(txid)
        if height is None:
            self._show(tx)
            if self.bdk.get_tx(tx.compute_txid()) is None:
                del self._sent[txid]  # a rival is mined, which these coins' locks outlive
        elif self.height() - height + 1 >= FINAL_DEPTH:
            del self._sent[txid]
            for item in tx.input():
                self.bdk.unlock_outpoint(item.previous_output)

    def height(self) -> int:
        """Return the height of the last block this wallet knows."""
        return int(self.bdk.latest_checkpoint().height)

    def confirmed_height(self, txid: str) -> int | None:
        """Return the block height of a transaction of this wallet, or None."""
        found = self.bdk.get_tx(bdk.Txid.from_string(txid))
        if found is None or not found.chain_position.is_confirmed():
            return None
        return int(found.chain_position.confirmation_block_time.block_id.height)

    def raw(self, txid: str) -> bytes | None:
        """Return a transaction of this wallet, or None."""
        found = self.bdk.get_tx(bdk.Txid.from_string(txid))
        return None if found is None else bytes(found.transaction.serialize())

    def is_mine(self, script: bytes) -> bool:
        """Say whether a script is one of ours."""
        return bool(self.bdk.is_mine(bdk.Script(script)))

    def outputs_of(self, raw: bytes) -> list[tuple[bytes, int]]:
        """Return each output's script and satoshis."""
        return outputs_of(raw)

    def script_of(self, address: str) -> bytes:
        """Return the script that an address stands for."""
        return script_of(address, self.network)

    def deposits(self) -> list[Deposit]:
        """Return every confirmed output to us, spent or not."""
        return [
            Deposit(str(o.outpoint.txid), o.outpoint.vout, o.txout.value.to_sat())
            for o in self.bdk.list_output()
            if o.chain_position.is_confirmed()
        ]


def _coins(tx: bdk.Transaction) -> set[str]:
    return {f"{i.previous_output.txid}:{i.previous_output.vout}" for i in tx.input()}


def _rate(sat_per_kvb: int) -> bdk.FeeRate:
    return bdk.FeeRate.from_sat_per_kwu(max(sat_per_kvb, 1_000) // 4)
