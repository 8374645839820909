"""The same on a real bitcoind: coins found by block filters, moved, proved; the node judges."""

import dataclasses
import time
from pathlib import Path

import pytest

from bitcoind import Bitcoind
from reserve_scene import devices, plan_of, signed_by, vault_of
from tallystick.bitcoin import bip322
from tallystick.bitcoin.chain import open_chain
from tallystick.reserve import control, signing, vaults
from tallystick.reserve.plan import bump
from tallystick.reserve.vault import Kind
from tallystick.reserve.wallet import VaultWallet

SYNC_S = 60


def until(chain, wallet: VaultWallet, height: int) -> None:
    """Sync by the nodes' own protocol until the wallet has seen the block."""
    end = time.monotonic() + SYNC_S
    chain.full_scan(wallet)
    while wallet.height() < height:
        assert time.monotonic() < end, "the node's blocks were not seen"
        chain.sync(wallet)


@pytest.mark.parametrize("kind", [Kind.SORTEDMULTI, Kind.TAPROOT])
def test_a_movement_a_bump_and_a_proof_on_a_real_node(
    kind: Kind, bitcoind: Bitcoind, tmp_path: Path
) -> None:
    holders = devices(tmp_path, 3, seed=70 + list(Kind).index(kind))
    vault = vault_of(kind, holders, 2)
    for one in holders:
        one.register(vault.name, vault.descriptor)
    for number in (0, 1):
        bitcoind.pay(vaults.address_at(vault, 0, number), "0.3")
    bitcoind.mine()
    wallet = VaultWallet(tmp_path / "wallet.sqlite", vault)
    wallet.reveal(3, 3)
    until(open_chain(bitcoind.chain_url), wallet, bitcoind.cli("getblockcount"))
    coins = wallet.coins()
    assert [coin.sats for coin in coins] == [30_000_000] * 2

    block = bitcoind.cli("getbestblockhash")
    message = control.message_of(vault.name, wallet.height(), block, "ab" * 32, "2026-11-28")
    request = control.request(wallet, message, coins)
    shown = [one.show(request.psbt)["digest"] for one in holders[:2]]
    signed = [one.sign(request.psbt, d) for one, d in zip(holders[:2], shown, strict=True)]
    proof = control.finish(request, signed, wallet)
    proven = bip322.verify(message, vaults.script_at(vault, 0, 0), proof).proven
    for one in proven:
        unspent = bitcoind.cli("gettxout", one.txid, str(one.vout))
        assert unspent["scriptPubKey"]["hex"] == one.script.hex()
    assert sum(one.sats for one in proven) == 60_000_000

    plan = plan_of(wallet, coins, sats=10_000_000)
    dearer = bump(vault, plan, 9_000)
    dearer = dataclasses.replace(dearer, psbt=wallet.psbt(dearer))
    for each in (plan, dearer):
        raw = signing.finalise(
            each, signing.combine(each, [signed_by(one, each) for one in holders[1:]]), wallet
        )
        assert bitcoind.cli("sendrawtransaction", raw.hex()) == each.txid
    assert bitcoind.cli("getrawmempool") == [dearer.txid], "the bump took the first one's place"
    bitcoind.mine()
    assert bitcoind.cli("getrawtransaction", dearer.txid, "true")["confirmations"] == 1
