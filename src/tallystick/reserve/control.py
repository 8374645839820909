"""Proof of control: the quorum signs a message over the vault's coins, bound to a block and a log.

The message names height, block hash and log root, so that an old proof cannot pass for a new one.
It is signed as any movement is: the same PSBTs, the same devices, the same comparison of what comes
back. What it proves is said in `tallystick.bitcoin.bip322`.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from bdkpython import bdk

from tallystick.bitcoin import bip322
from tallystick.bitcoin import psbt as psbts
from tallystick.bitcoin.address import NETWORKS
from tallystick.bitcoin.embedded.txs import compact, parse
from tallystick.bitcoin.errors import BadMessageSignature
from tallystick.bitcoin.psbt import Map, Maps
from tallystick.reserve import signing, vaults
from tallystick.reserve.key_errors import BadPlan
from tallystick.reserve.plan import VaultCoin
from tallystick.reserve.vault import Path, Vault
from tallystick.reserve.wallet import CHAINS, VaultWallet

COINS_MAX: Final = 249
"""With the message's own input no more than a device signs (250 inputs, Coldcard's tests)."""
NAME_IN_MESSAGE_MAX: Final = 60
HEX_32: Final = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class Request:
    """A message to sign over coins of one vault, at one address of it; ``psbt`` goes to devices."""

    vault: str
    message: str
    branch: int
    number: int
    coins: tuple[VaultCoin, ...]
    psbt: str


def message_of(vault: str, height: int, block: str, root: str, on: str) -> str:
    """Return what is signed; raise `BadMessageSignature`. ``block`` and ``root`` are hex."""
    if not (HEX_32.fullmatch(block) and HEX_32.fullmatch(root)) or height < 0:
        raise BadMessageSignature("a block hash and a log root are 64 hex digits each")
    name = re.sub(r"[^ -~]", "?", vault)[:NAME_IN_MESSAGE_MAX]
    text = f"Tallystick proof of reserve. Vault {name}. Height {height}. Block {block}. "
    text += f"Log {root}. Date {on}."
    bip322.check_message(text)
    return text


def request(
    wallet: VaultWallet,
    message: str,
    coins: Sequence[VaultCoin],
    branch: int = 0,
    number: int = 0,
    carry_message: bool = True,
) -> Request:
    """Prepare a proof over coins, at most 249 at a time; without coins, a signed message."""
    bip322.check_message(message)
    vault = wallet.vault
    if len(coins) > COINS_MAX or len({coin.name for coin in coins}) != len(coins):
        raise BadPlan(f"{len(coins)} coins, each once and at most {COINS_MAX}")
    script = vaults.script_at(vault, branch, number)
    spend = bip322.to_spend(script, message)
    raw = bip322.to_sign(script, message, [(c.txid, c.vout) for c in coins])
    places = [(branch, number), *((c.branch, c.number) for c in coins)]
    inputs = _described(vault, places)
    parents = [spend, *(_parent(wallet, coin) for coin in coins)]
    for part, parent, item in zip(inputs, parents, parse(raw).inputs, strict=True):
        sats, paid = parse(parent).outputs[item.coin[1]]
        part[bytes([psbts.WITNESS_UTXO])] = sats.to_bytes(8, "little") + compact(len(paid)) + paid
        if not paid.startswith(psbts.TAPROOT):
            part[bytes([psbts.NON_WITNESS_UTXO])] = parent
    first: Map = {bytes([psbts.UNSIGNED_TX]): raw}
    if carry_message:
        first[bytes([psbts.GLOBAL_MESSAGE])] = message.encode()
    text = Maps(parse(raw), first, inputs, [{}]).text()
    return Request(vault.id, message, branch, number, tuple(coins), text)


def _parent(wallet: VaultWallet, coin: VaultCoin) -> bytes:
    raw = wallet.raw(coin.txid)
    if raw is None or parse(raw).outputs[coin.vout] != (coin.sats, bytes.fromhex(coin.script)):
        raise BadPlan(f"the vault does not hold {coin.name}")
    return raw


def _described(vault: Vault, places: Sequence[tuple[int, int]]) -> list[Map]:
    """Have BDK write scripts, keys and paths of these places into the inputs of a PSBT.

    It does so for coins it holds, so a wallet in memory is shown a payment to each place.
    """
    kind = bdk.NetworkKind.MAIN if vault.network == "bitcoin" else bdk.NetworkKind.TEST
    branches = [bdk.Descriptor(vault.branch(n), kind) for n in (0, 1)]
    wallet = bdk.Wallet(*branches, NETWORKS[vault.network], bdk.Persister.new_in_memory())
    for branch, chain in CHAINS.items():
        numbers = [number for at, number in places if at == branch]
        if numbers:
            wallet.reveal_addresses_to(chain, max(numbers))
    tx = bdk.Transaction(_payment_to(vault, places))
    wallet.apply_unconfirmed_txs([bdk.UnconfirmedTx(tx=tx, last_seen=1)])
    points = [bdk.OutPoint(txid=tx.compute_txid(), vout=at) for at in range(len(places))]
    builder = bdk.TxBuilder().add_utxos(points).manually_selected_only()
    builder = builder.ordering(bdk.TxOrdering.UNTOUCHED).drain_to(bdk.Script(b"\x6a"))
    for chain in CHAINS.values():
        policy = wallet.policies(chain)
        if policy is not None and policy.requires_path():
            items = vault.policy_items(Path.QUORUM, len(policy.item().items))
            builder = builder.policy_path({policy.id(): items}, chain)
    return psbts.read(str(builder.finish(wallet).serialize())).inputs


def _payment_to(vault: Vault, places: Sequence[tuple[int, int]]) -> bytes:
    raw = (2).to_bytes(4, "little") + b"\1" + b"\1" * 32 + bytes(4) + b"\0" + b"\xff" * 4
    raw += compact(len(places))
    for branch, number in places:
        script = vaults.script_at(vault, branch, number)
        raw += (100_000).to_bytes(8, "little") + compact(len(script)) + script
    return raw + bytes(4)


def finish(asked: Request, signed: Sequence[str | bytes], wallet: VaultWallet) -> str:
    """Return the proof (``pof``, or ``smp`` without coins) from what the devices signed.

    Raise `Differs` or `NotEnoughSignatures`. It is verified before it is returned.
    """
    combined = signing.join(asked.psbt, signed)
    numbers = dict.fromkeys(CHAINS, -1)
    for branch, number in [(asked.branch, asked.number)]:
        numbers[branch] = number
    wallet.reveal(numbers[0], numbers[1])
    final = wallet.finalise(combined.psbt, Path.QUORUM)
    maps = psbts.read(asked.psbt)
    pof = bool(asked.coins)
    proof = bip322.proof_of(maps, final, asked.message) if pof else bip322.simple_of(final)
    script = vaults.script_at(wallet.vault, asked.branch, asked.number)
    bip322.verify(asked.message, script, proof)
    return proof
