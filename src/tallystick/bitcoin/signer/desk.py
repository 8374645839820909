"""Judging and signing one request. Everything is computed from the transaction's own bytes."""

from __future__ import annotations

import datetime as dt
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from bdkpython import bdk

from tallystick.bitcoin.address import check
from tallystick.bitcoin.errors import BitcoinError, SignerRefused
from tallystick.bitcoin.signer import policy as policies
from tallystick.bitcoin.signer.vault import Record, open_keys
from tallystick.core.clock import Clock

PSBT_LENGTH_MAX: Final = 400_000
INPUTS_MAX: Final = 200
MACHINE_LENGTH_MAX: Final = 64
LOOKAHEAD: Final = 1_000
"""How many addresses past the last one known to be used may be ours."""


class Desk:
    """One signer: keys, policy, record."""

    def __init__(self, folder: Path, network: str, clock: Clock) -> None:
        self.network, self.clock = network, clock
        self.keys = open_keys(folder, network, clock)
        self._policy_path = folder / "policy.toml"
        if not self._policy_path.exists():
            self._policy_path.write_text(policies.SAMPLE)
        self.record = Record(folder / "signed.sqlite")
        self._pause_path = folder / "paused"
        for keychain in (bdk.KeychainKind.EXTERNAL, bdk.KeychainKind.INTERNAL):
            self.keys.wallet.reveal_addresses_to(keychain, LOOKAHEAD)

    def answer(self, asked: dict[str, Any]) -> dict[str, Any]:
        """Answer one request; a refusal is an answer with ``refused``."""
        match asked.get("do"):
            case "public":
                return {"external": self.keys.external, "internal": self.keys.internal}
            case "status":
                return self._status()
            case "pause":
                self._pause_path.touch()
                os.sync()
                return self._status()
            case "resume":
                self._pause_path.unlink(missing_ok=True)
                return self._status()
            case "sign":
                return self._sign(asked)
        return {"error": f"unknown request {str(asked.get('do'))[:20]!r}"}

    def _status(self) -> dict[str, Any]:
        policy, trouble = policies.read(self._policy_path)
        now = self.clock.now()
        return {
            "paused": policy.paused or self._pause_path.exists(),
            "trouble": trouble,
            "per_transaction_sats_max": policy.per_transaction_sats_max,
            "hour_sats_max": policy.hour_sats_max,
            "day_sats_max": policy.day_sats_max,
            "hour_sats": self.record.spent_since(now - dt.timedelta(hours=1)),
            "day_sats": self.record.spent_since(now - dt.timedelta(days=1)),
        }

    def _sign(self, asked: dict[str, Any]) -> dict[str, Any]:
        text, machine = asked.get("psbt"), asked.get("machine", "")
        if not isinstance(text, str) or len(text) > PSBT_LENGTH_MAX:
            return {"error": "psbt: text of at most 400,000 letters"}
        if not isinstance(machine, str) or len(machine) > MACHINE_LENGTH_MAX:
            return {"error": "machine: text of at most 64 letters"}
        try:
            psbt = bdk.Psbt(text)
            tx = psbt.extract_tx_unchecked_fee_rate()
            fee = psbt.fee()
        except (bdk.PsbtParseError, bdk.ExtractTxError, bdk.PsbtError) as error:
            return {"error": f"not a transaction to sign: {error}"}
        try:
            return self._sign_if_allowed(psbt, tx, fee, machine)
        except SignerRefused as refusal:
            return {"refused": refusal.reason, "why": str(refusal)}

    def _sign_if_allowed(
        self, psbt: bdk.Psbt, tx: bdk.Transaction, fee: int, machine: str
    ) -> dict[str, Any]:
        txid = str(tx.compute_txid())
        coins = [f"{i.previous_output.txid}:{i.previous_output.vout}" for i in tx.input()]
        out = sum(sats for _, sats in self._foreign(tx)) + fee
        counted = max(out - self.record.already_counted(coins), 0)
        for reason, words in self._objections(tx, fee, out, counted, machine, len(coins)):
            if not (self.record.known(txid) and reason in ("hour", "day", "machine_hour")):
                raise SignerRefused(words, reason)
        self.record.write(txid, machine, out, counted, coins, self.clock.now())
        if not self.keys.wallet.sign(psbt):
            return {"error": "the transaction spends coins that are not this signer's"}
        return {"psbt": psbt.serialize(), "txid": txid, "counted": counted}

    def _foreign(self, tx: bdk.Transaction) -> Iterator[tuple[bdk.Script, int]]:
        """Yield what leaves us. Change is what our own descriptors derive, and nothing else."""
        for output in tx.output():
            if not self.keys.wallet.is_mine(output.script_pubkey):
                yield output.script_pubkey, output.value.to_sat()

    def _objections(
        self, tx: bdk.Transaction, fee: int, out: int, counted: int, machine: str, inputs: int
    ) -> Iterator[tuple[str, str]]:
        policy, trouble = policies.read(self._policy_path)
        if policy.paused or self._pause_path.exists():
            yield "paused", trouble or "the signer is paused"
        if inputs > INPUTS_MAX:
            yield "inputs", f"{inputs} inputs; at most {INPUTS_MAX}"
        if fee > policy.fee_sats_max:
            yield "fee", f"a fee of {fee} sats; at most {policy.fee_sats_max}"
        if out > policy.per_transaction_sats_max:
            limit = policy.per_transaction_sats_max
            yield "transaction", f"{out} sats at once; at most {limit}"
        now = self.clock.now()
        hour, day = now - dt.timedelta(hours=1), now - dt.timedelta(days=1)
        for reason, spent, limit in (
            ("hour", self.record.spent_since(hour), policy.hour_sats_max),
            ("day", self.record.spent_since(day), policy.day_sats_max),
        ):
            if spent + counted > limit:
                yield reason, f"{spent + counted} sats within a {reason}; at most {limit}"
        if machine:
            spent, limit = self.record.spent_since(hour, machine), policy.machine_hour_sats_max
            if spent + counted > limit:
                yield "machine_hour", f"{spent + counted} sats for {machine}; at most {limit}"
        if policy.allow_list:
            yield from self._not_listed(tx, policy.allow_list)

    def _not_listed(
        self, tx: bdk.Transaction, allowed: tuple[str, ...]
    ) -> Iterator[tuple[str, str]]:
        scripts = set()
        for address in allowed:
            try:
                scripts.add(check(address, self.network).script)
            except BitcoinError:
                yield "allow_list", f"the allow list holds {address[:20]!r}, which is no address"
        for script, sats in self._foreign(tx):
            if bytes(script.to_bytes()) not in scripts:
                yield "allow_list", f"{sats} sats to an address that is not on the allow list"
