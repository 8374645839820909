"""The watch-only wallet of one vault: BDK with the vault's public descriptors, no key anywhere.

It finds the coins and writes the PSBT of a plan; the transaction in the PSBT must be the plan's to
the byte, whatever BDK would have chosen (Decision 6).
"""

from __future__ import annotations

from pathlib import Path as File
from typing import Final

from bdkpython import bdk

from tallystick.bitcoin.psbt import PSBT_BYTES_MAX
from tallystick.bitcoin.wallet import HotWallet
from tallystick.reserve.key_errors import BadPlan, NoSuchCoin, NotEnoughSignatures
from tallystick.reserve.plan import Plan, VaultCoin
from tallystick.reserve.vault import EXTERNAL, INTERNAL, Path, Vault

BRANCHES: Final = {bdk.KeychainKind.EXTERNAL: EXTERNAL, bdk.KeychainKind.INTERNAL: INTERNAL}
CHAINS: Final = {EXTERNAL: bdk.KeychainKind.EXTERNAL, INTERNAL: bdk.KeychainKind.INTERNAL}


class VaultWallet(HotWallet):
    """One vault, watched. Sync it with `Chain.sync`. Not thread-safe: its owner holds a lock."""

    def __init__(self, path: File, vault: Vault) -> None:
        self.vault = vault
        super().__init__(path, vault.branch(EXTERNAL), vault.branch(INTERNAL), vault.network)

    def reveal(self, external: int, internal: int) -> None:
        """Watch every address up to these numbers (`vaults.highest`); -1 leaves a branch as is."""
        for branch, number in ((EXTERNAL, external), (INTERNAL, internal)):
            if number >= 0:
                self.bdk.reveal_addresses_to(CHAINS[branch], number)
        self.save()

    def coins(self) -> list[VaultCoin]:
        """Return the unspent outputs, oldest first; those locked by a stored transaction too."""
        found = [self._coin(output) for output in self.bdk.list_unspent()]
        return sorted(found, key=lambda c: (c.height is None, c.height or 0, c.name))

    def coin(self, name: str) -> VaultCoin:
        """Return one unspent output by ``txid:vout``; raise `NoSuchCoin`."""
        for coin in self.coins():
            if coin.name == name:
                return coin
        raise NoSuchCoin(f"{self.vault.name!r} holds no coin {name[:80]}")

    def _coin(self, output: bdk.LocalOutput) -> VaultCoin:
        at = output.chain_position
        confirmed = at.is_confirmed()
        return VaultCoin(
            txid=str(output.outpoint.txid),
            vout=output.outpoint.vout,
            sats=output.txout.value.to_sat(),
            script=bytes(output.txout.script_pubkey.to_bytes()).hex(),
            branch=BRANCHES[output.keychain],
            number=output.derivation_index,
            height=at.confirmation_block_time.block_id.height if confirmed else None,
        )

    def psbt(self, plan: Plan) -> str:
        """Write a plan's PSBT, in base 64; raise `BadPlan` or `NoSuchCoin`."""
        if plan.descriptor != self.vault.descriptor:
            raise BadPlan(f"the plan is for another vault than {self.vault.name!r}")
        builder = self._builder(plan)
        try:
            for coin in plan.inputs:
                point = bdk.OutPoint(txid=bdk.Txid.from_string(coin.txid), vout=coin.vout)
                self.bdk.unlock_outpoint(point)
            built = builder.finish(self.bdk)
        except bdk.CreateTxError.UnknownUtxo as error:
            raise NoSuchCoin(f"{self.vault.name!r} does not hold every coin: {error}") from error
        except bdk.CreateTxError as error:
            raise BadPlan(f"BDK does not build it: {error}") from error
        finally:
            self._lock_again()
        made = built.extract_tx_unchecked_fee_rate()
        if str(made.compute_txid()) != plan.txid:
            raise BadPlan("BDK built another transaction than the plan")
        text = str(built.serialize())
        if len(text) * 3 // 4 > PSBT_BYTES_MAX:
            raise BadPlan(f"its PSBT would have more than the {PSBT_BYTES_MAX} bytes signers take")
        return text

    def _lock_again(self) -> None:
        for raw in self._sent.values():
            for item in bdk.Transaction(raw).input():
                self.bdk.lock_outpoint(item.previous_output)

    def _builder(self, plan: Plan) -> bdk.TxBuilder:
        points = [
            bdk.OutPoint(txid=bdk.Txid.from_string(coin.txid), vout=coin.vout)
            for coin in plan.inputs
        ]
        pays = [
            bdk.ScriptAmount(
                script=bdk.Script(bytes.fromhex(o.script)), amount=bdk.Amount.from_sat(o.sats)
            )
            for o in plan.outputs
        ]
        builder = bdk.TxBuilder().add_utxos(points).manually_selected_only().set_recipients(pays)
        builder = builder.ordering(bdk.TxOrdering.UNTOUCHED).set_exact_sequence(plan.sequence)
        builder = builder.fee_absolute(bdk.Amount.from_sat(plan.fee_sats)).version(2)
        builder = builder.nlocktime(_locktime(plan.locktime))
        for keychain in CHAINS.values():
            policy = self.bdk.policies(keychain)
            if policy is not None and policy.requires_path():
                items = self.vault.policy_items(plan.path, len(policy.item().items))
                builder = builder.policy_path({policy.id(): items}, keychain)
        return builder

    def finalise(self, psbt: str, path: Path) -> bytes:
        """Return the final transaction's bytes from a PSBT with enough signatures."""
        parsed = bdk.Psbt(psbt)
        if self.vault.kind.startswith("taproot"):
            if not self.bdk.finalize_psbt(parsed):
                raise NotEnoughSignatures(f"too few signatures for the {path} path")
        else:
            result = parsed.finalize()
            if not result.could_finalize:
                why = "; ".join(str(error) for error in result.errors or [])[:300]
                raise NotEnoughSignatures(f"too few signatures for the {path} path: {why}")
            parsed = result.psbt
        return bytes(parsed.extract_tx_unchecked_fee_rate().serialize())


def _locktime(number: int) -> bdk.LockTime:
    return bdk.LockTime.BLOCKS(number) if number < 500_000_000 else bdk.LockTime.SECONDS(number)
