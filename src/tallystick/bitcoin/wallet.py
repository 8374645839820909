"""The hot wallet, watch-only: BDK with public descriptors; it builds, and cannot sign (Decision 5).

BDK does not learn of its own broadcasts, so `remember` tells it of each stored transaction before
the next is built: two payments never spend one coin.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from bdkpython import bdk

from tallystick.bitcoin.address import NETWORKS
from tallystick.bitcoin.errors import InsufficientCoins, WalletRefuses
from tallystick.bitcoin.transaction import decode, outputs_of, script_of

__all__ = ["Balance", "Deposit", "Draft", "HotWallet", "InsufficientCoins", "Signed"]

OUTPUTS_MAX: Final = 200


@dataclass(frozen=True, slots=True)
class Balance:
    """Satoshis by certainty. ``pending_own`` is our own unconfirmed change."""

    confirmed: int
    pending_own: int
    pending_in: int
    immature: int


@dataclass(frozen=True, slots=True)
class Draft:
    """An unsigned transaction, and its fee in satoshis."""

    psbt: str
    fee_sats: int


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
        descriptors = (bdk.Descriptor(external, kind), bdk.Descriptor(internal, kind))
        new = not path.exists()
        path.parent.mkdir(parents=True, exist_ok=True)
        self.network = network
        self._persister = bdk.Persister.new_sqlite(str(path))
        if new:
            self.bdk = bdk.Wallet(*descriptors, NETWORKS[network], self._persister)
        else:
            self.bdk = self._load(descriptors, network)
        self.save()

    def _load(self, descriptors: tuple[bdk.Descriptor, ...], network: str) -> bdk.Wallet:
        try:
            return bdk.Wallet.load(*descriptors, self._persister)
        except bdk.LoadWithPersistError:
            return bdk.Wallet(*descriptors, NETWORKS[network], self._persister)

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

    def build(self, outputs: Sequence[tuple[str, int]], sat_per_kvb: int) -> Draft:
        """Build a replaceable transaction; raise `InsufficientCoins` or `WalletRefuses`."""
        if not 0 < len(outputs) <= OUTPUTS_MAX:
            raise WalletRefuses(f"{len(outputs)} outputs; from 1 to {OUTPUTS_MAX}")
        to = [
            bdk.ScriptAmount(
                script=bdk.Script(self.script_of(address)), amount=bdk.Amount.from_sat(sats)
            )
            for address, sats in outputs
        ]
        builder = bdk.TxBuilder().set_recipients(to).fee_rate(_rate(sat_per_kvb))
        return self._finish(builder)

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
        return Draft(psbt.serialize(), psbt.fee())

    def finish(self, psbt: str) -> Signed:
        """Extract the final transaction from a signed PSBT; raise `WalletRefuses`."""
        try:
            parsed = bdk.Psbt(psbt)
            tx = parsed.extract_tx()
            return Signed(bytes(tx.serialize()), str(tx.compute_txid()), parsed.fee(), tx.vsize())
        except (bdk.PsbtParseError, bdk.ExtractTxError, bdk.PsbtError) as error:
            raise WalletRefuses(f"not a finished transaction: {error}") from error

    def remember(self, raw: bytes, seen_at: dt.datetime) -> None:
        """Learn of an unconfirmed transaction, so that its coins are not spent again."""
        seen = bdk.UnconfirmedTx(tx=decode(raw), last_seen=int(seen_at.timestamp()))
        self.bdk.apply_unconfirmed_txs([seen])
        self.save()

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


def _rate(sat_per_kvb: int) -> bdk.FeeRate:
    return bdk.FeeRate.from_sat_per_kwu(max(sat_per_kvb, 1_000) // 4)
