"""What a request would really do, computed from the transaction's own bytes and nothing else.

For segwit version 0 a signature covers its own input's amount only, so an asker who lies about
amounts in two requests could join their signatures into one transaction with a huge fee. So each
input must bring the whole transaction that it spends from, and every amount is read there.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from bdkpython import bdk

from tallystick.bitcoin.errors import NotSignable
from tallystick.bitcoin.signer.vault import Keys

PSBT_LENGTH_MAX: Final = 400_000
INPUTS_MAX: Final = 200
INPUT_WITNESS_WEIGHT: Final = 108
"""One P2WPKH witness: counts, a signature of at most 72 bytes, a key of 33."""


@dataclass(frozen=True, slots=True)
class Request:
    """One transaction to judge. Sums in satoshis; ``leaves`` is what is paid away."""

    psbt: bdk.Psbt
    txid: str
    coins: tuple[str, ...]
    leaves: tuple[tuple[bytes, int], ...]
    fee: int
    vsize: int

    @property
    def out(self) -> int:
        """Return all that we lose: what is paid away, and the fee."""
        return sum(sats for _, sats in self.leaves) + self.fee


def read(text: object, keys: Keys) -> Request:
    """Parse and check a PSBT; raise `NotSignable`."""
    if not isinstance(text, str) or len(text) > PSBT_LENGTH_MAX:
        raise NotSignable(f"psbt: text of at most {PSBT_LENGTH_MAX} letters")
    try:
        psbt = bdk.Psbt(text)
        tx = psbt.extract_tx_unchecked_fee_rate()
    except (bdk.PsbtParseError, bdk.ExtractTxError) as error:
        raise NotSignable(f"not a transaction to sign: {error}") from error
    inputs = tx.input()
    if not 0 < len(inputs) <= INPUTS_MAX:
        raise NotSignable(f"{len(inputs)} inputs; from 1 to {INPUTS_MAX}")
    pairs = zip(psbt.input(), inputs, strict=True)
    brought = sum(_brought(keys, given, item.previous_output) for given, item in pairs)
    outputs = [(bytes(o.script_pubkey.to_bytes()), o.value.to_sat()) for o in tx.output()]
    hints = [given.bip32_derivation for given in psbt.output()]
    leaves = tuple(
        output
        for output, hint in zip(outputs, hints, strict=True)
        if not keys.derive(output[0], hint)
    )
    fee = brought - sum(sats for _, sats in outputs)
    if fee < 0:
        raise NotSignable("the transaction pays out more than it spends")
    coins = tuple(f"{i.previous_output.txid}:{i.previous_output.vout}" for i in inputs)
    vsize = (tx.weight() + 2 + INPUT_WITNESS_WEIGHT * len(inputs) + 3) // 4
    return Request(psbt, str(tx.compute_txid()), coins, leaves, fee, vsize)


def _brought(keys: Keys, given: bdk.Input, coin: bdk.OutPoint) -> int:
    """Return the satoshis that an input brings, as the transaction it spends from says."""
    parent = given.non_witness_utxo
    if parent is None or str(parent.compute_txid()) != str(coin.txid):
        raise NotSignable("an input does not bring the transaction that it spends from")
    outputs = parent.output()
    if coin.vout >= len(outputs):
        raise NotSignable("an input spends an output that does not exist")
    found = outputs[coin.vout]
    script, sats = bytes(found.script_pubkey.to_bytes()), int(found.value.to_sat())
    claim = given.witness_utxo
    if claim and (claim.value.to_sat(), bytes(claim.script_pubkey.to_bytes())) != (sats, script):
        raise NotSignable("an input claims another amount than the transaction it spends from")
    if given.sighash_type not in (None, "SIGHASH_ALL"):
        raise NotSignable(f"an input asks for {given.sighash_type}; only SIGHASH_ALL is signed")
    if not keys.derive(script, given.bip32_derivation):
        raise NotSignable("an input spends a coin that is not this signer's")
    return sats
