"""The hot wallet's promise: no coin is spent by two payments, whatever happens in between."""

import datetime as dt
from collections.abc import Iterator

import pytest

from network import Network
from tallystick.bitcoin.errors import WalletRefuses, WrongChain
from tallystick.bitcoin.transaction import outputs_of, spent_by
from tallystick.bitcoin.wallet import FINAL_DEPTH, OUTPUTS_MAX, HotWallet, Signed

NOW = dt.datetime(2026, 11, 24, 12, tzinfo=dt.UTC)
THEIRS = "bcrt1qw508d6qejxtdg4y5r3zarvary0c5xw7kygt080"


@pytest.fixture(scope="module")
def network(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Network]:
    made = Network(tmp_path_factory.mktemp("w"))
    for _ in range(4):
        made.fund()
    yield made
    made.stop()


def sign(network: Network, sats: int = 50_000, rate: int = 2_000) -> Signed:
    draft = network.wallet.build([(THEIRS, sats)], rate)
    return network.wallet.finish(network.signer.sign(draft.psbt, "payout", ""))


def locked(wallet: HotWallet) -> set[tuple[str, int]]:
    return {(str(o.txid), o.vout) for o in wallet.bdk.list_locked_outpoints()}


def test_a_draft_says_its_own_identifier_fee_and_change(network: Network) -> None:
    draft = network.wallet.build([(THEIRS, 50_000)], 2_000)
    signed = network.wallet.finish(network.signer.sign(draft.psbt, "payout", ""))
    assert draft.txid == signed.txid
    assert draft.fee_sats == signed.fee_sats
    assert sorted(sats for _, sats in outputs_of(signed.raw)) == sorted([50_000, draft.change_sats])
    assert abs(signed.fee_sats - 2 * signed.vsize) <= 2


def test_stored_coins_stay_taken_through_a_sync_that_does_not_know_them(network: Network) -> None:
    chain, wallet = network.chain(), network.wallet
    first = sign(network)
    wallet.remember(first.raw, NOW)
    chain.sync(wallet)
    second = sign(network)
    assert not set(spent_by(first.raw)) & set(spent_by(second.raw))
    assert wallet.raw(first.txid) == first.raw, "its change is still counted"
    chain.broadcast(first.raw)
    network.mine()
    chain.sync(wallet)
    assert wallet.confirmed_height(first.txid) == chain.tip()


def test_stored_coins_stay_taken_in_a_wallet_opened_again(network: Network) -> None:
    first = sign(network)
    network.wallet.remember(first.raw, NOW)
    network.wallet = network.open_wallet()
    network.chain().sync(network.wallet)
    second = sign(network)
    assert not set(spent_by(first.raw)) & set(spent_by(second.raw))
    network.wallet.remember(first.raw, NOW)
    network.chain().broadcast(first.raw)
    network.mine()
    network.chain().sync(network.wallet)


def test_forgotten_coins_are_free_again(network: Network) -> None:
    held = network.wallet.balance()
    first = sign(network)
    network.wallet.remember(first.raw, NOW)
    assert set(spent_by(first.raw)) <= locked(network.wallet)
    network.wallet.forget(first.raw)
    assert network.wallet.balance() == held
    assert not set(spent_by(first.raw)) & locked(network.wallet)


def test_a_bump_before_broadcast_wins_over_the_old_one(network: Network) -> None:
    chain, wallet = network.chain(), network.wallet
    old = sign(network)
    wallet.remember(old.raw, NOW)
    draft = wallet.build_bump(old.txid, 9_000)
    new = wallet.finish(network.signer.sign(draft.psbt, "bump", ""))
    assert set(spent_by(old.raw)) <= set(spent_by(new.raw))
    wallet.remember(new.raw, NOW)
    chain.sync(wallet)
    assert wallet.raw(old.txid) is None
    assert wallet.raw(new.txid) == new.raw
    chain.broadcast(new.raw)
    network.mine()
    chain.sync(wallet)
    assert wallet.confirmed_height(new.txid) is not None


def test_the_old_one_confirming_after_a_bump_is_seen(network: Network) -> None:
    chain, wallet = network.chain(), network.wallet
    old = sign(network)
    wallet.remember(old.raw, NOW)
    new = wallet.finish(network.signer.sign(wallet.build_bump(old.txid, 9_000).psbt, "bump", ""))
    wallet.remember(new.raw, NOW)
    chain.broadcast(old.raw)
    network.mine()
    chain.sync(wallet)
    assert wallet.confirmed_height(old.txid) is not None
    assert wallet.raw(new.txid) is None


def test_locks_are_let_go_once_final(network: Network) -> None:
    chain, wallet = network.chain(), network.wallet
    signed = sign(network)
    wallet.remember(signed.raw, NOW)
    chain.broadcast(signed.raw)
    network.mine(FINAL_DEPTH - 1)
    chain.sync(wallet)
    assert set(spent_by(signed.raw)) <= locked(wallet)
    network.mine()
    chain.sync(wallet)
    assert not set(spent_by(signed.raw)) & locked(wallet)


@pytest.mark.parametrize("count", [0, OUTPUTS_MAX + 1])
def test_too_few_or_too_many_outputs_are_refused(network: Network, count: int) -> None:
    with pytest.raises(WalletRefuses, match="outputs"):
        network.wallet.build([(THEIRS, 1_000)] * count, 2_000)


def test_dust_is_refused_before_it_is_signed(network: Network) -> None:
    with pytest.raises(WalletRefuses, match="Dust"):
        network.wallet.build([(THEIRS, 1)], 2_000)


def test_an_unsigned_transaction_does_not_pass_for_a_finished_one(network: Network) -> None:
    draft = network.wallet.build([(THEIRS, 50_000)], 2_000)
    with pytest.raises(WalletRefuses):
        network.wallet.finish(draft.psbt)


def test_bumping_what_is_not_ours_is_refused(network: Network) -> None:
    with pytest.raises(WalletRefuses):
        network.wallet.build_bump("ab" * 32, 9_000)


def test_a_corrupt_or_foreign_file_is_refused_not_replaced(network: Network) -> None:
    descriptors = network.signer.public()
    path = network.folder / "corrupt.sqlite"
    path.write_bytes(b"not a database at all, but long enough to be taken for one" * 20)
    before = path.read_bytes()
    with pytest.raises(WalletRefuses):
        HotWallet(path, *descriptors, "regtest")
    assert path.read_bytes() == before
    with pytest.raises(WalletRefuses):
        HotWallet(network.folder / "wallet.sqlite", descriptors[1], descriptors[0], "regtest")
    with pytest.raises(WalletRefuses, match="network"):
        HotWallet(network.folder / "wallet.sqlite", *descriptors, "signet")
    with pytest.raises(WalletRefuses):
        HotWallet(network.folder / "new.sqlite", "wpkh(nonsense)", "wpkh(nonsense)", "regtest")


def test_a_chain_of_another_network_is_named(network: Network) -> None:
    signet = HotWallet(network.folder / "signet.sqlite", *network.signer.public(), "signet")
    with pytest.raises(WrongChain):
        network.chain().sync(signet)
