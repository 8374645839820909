"""Coins on a real chain: built by one process, signed by another, judged by Core's own rules."""

import datetime as dt
import json
import urllib.error
from collections.abc import Iterator
from pathlib import Path

import pytest

from network import Network
from tallystick.bitcoin.address import check, from_scan
from tallystick.bitcoin.chain import BroadcastRejected, ChainUnreachable, open_chain
from tallystick.bitcoin.errors import (
    BadChainUrl,
    LightningInvoice,
    NotAnAddress,
    OtherCoin,
    SignerRefused,
    SignerUnreachable,
    WrongNetwork,
)
from tallystick.bitcoin.transaction import spent_by
from tallystick.bitcoin.wallet import InsufficientCoins, Signed

NOW = dt.datetime(2026, 11, 24, 12, tzinfo=dt.UTC)
THEIRS = "bcrt1qw508d6qejxtdg4y5r3zarvary0c5xw7kygt080"


@pytest.fixture(scope="module")
def network(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Network]:
    made = Network(tmp_path_factory.mktemp("n"))
    made.fund()
    yield made
    made.stop()


def pay(network: Network, sats: int = 100_000, rate: int = 2_000, machine: str = "") -> Signed:
    draft = network.wallet.build([(THEIRS, sats)], rate)
    signed = network.wallet.finish(network.signer.sign(draft.psbt, "payout", machine))
    network.wallet.remember(signed.raw, NOW)
    return signed


def test_two_payments_in_a_row_share_no_coin_and_confirm(network: Network) -> None:
    chain = network.chain()
    first, second = pay(network), pay(network)
    assert not set(spent_by(first.raw)) & set(spent_by(second.raw))
    for signed in (first, second):
        chain.broadcast(signed.raw)
        chain.broadcast(signed.raw)
        assert chain.status(signed.txid).confirmed_height is None
    network.mine()
    for signed in (first, second):
        assert chain.status(signed.txid).confirmed_height == chain.tip()
        assert chain.raw(signed.txid) == signed.raw
    chain.sync(network.wallet)


def test_a_killed_chain_comes_back_with_its_tip_and_its_waiting_room(network: Network) -> None:
    chain, signed = network.chain(), pay(network)
    chain.broadcast(signed.raw)
    tip = chain.tip()
    network.chain_process.kill()
    with pytest.raises(ChainUnreachable):
        chain.tip()
    network.chain_process.start()
    again = network.chain()
    assert again.tip() == tip
    assert again.status(signed.txid).known
    network.mine()
    assert again.status(signed.txid).confirmed_height == tip + 1
    again.sync(network.wallet)


def test_a_tampered_signature_is_refused(network: Network) -> None:
    signed = pay(network)
    raw = bytearray(signed.raw)
    raw[-40] ^= 1
    with pytest.raises(BroadcastRejected, match="script-verify"):
        network.chain().broadcast(bytes(raw))
    network.chain().broadcast(signed.raw)


def test_a_bump_replaces_and_the_old_one_is_refused(network: Network) -> None:
    chain, old = network.chain(), pay(network)
    chain.broadcast(old.raw)
    before = network.signer.status()["hour_sats"]
    draft = network.wallet.build_bump(old.txid, 20_000)
    new = network.wallet.finish(network.signer.sign(draft.psbt, "bump", ""))
    counted = network.signer.status()["hour_sats"] - before
    assert counted == new.fee_sats - old.fee_sats, "a replacement counts only what it adds"
    chain.broadcast(new.raw)
    assert not chain.status(old.txid).known
    with pytest.raises(BroadcastRejected, match="insufficient fee"):
        chain.broadcast(old.raw)
    network.mine()
    chain.sync(network.wallet)


def test_too_few_coins_is_its_own_error(network: Network) -> None:
    with pytest.raises(InsufficientCoins):
        network.wallet.build([(THEIRS, 10**12)], 2_000)


def set_policy(network: Network, **change: object) -> None:
    path = network.folder / "signer" / "policy.toml"
    caps = {
        "per_transaction_sats_max": 50_000_000,
        "hour_sats_max": 200_000_000,
        "day_sats_max": 1_000_000_000,
        "machine_hour_sats_max": 50_000_000,
        "fee_sats_max": 2_000_000,
        "paused": False,
        "allow_list": [],
    } | change
    path.write_text("\n".join(f"{key} = {json.dumps(value)}" for key, value in caps.items()))


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"per_transaction_sats_max": 99_999}, "transaction"),
        ({"hour_sats_max": 99_999}, "hour"),
        ({"day_sats_max": 99_999}, "day"),
        ({"machine_hour_sats_max": 99_999}, "machine_hour"),
        ({"fee_sats_max": 10}, "fee"),
        ({"paused": True}, "paused"),
        ({"allow_list": ["bcrt1q6rhpng9evdsfnn833a4f4vej0asu6dk5srld6x"]}, "allow_list"),
        ({"hour_sats_max": "many"}, "paused"),
    ],
)
def test_each_cap_refuses_and_says_which(
    network: Network, change: dict[str, object], reason: str
) -> None:
    set_policy(network, **change)
    try:
        with pytest.raises(SignerRefused) as refusal:
            pay(network, machine="K1")
        assert refusal.value.reason == reason
    finally:
        set_policy(network)


def test_a_signature_is_counted_once_even_across_a_kill(network: Network) -> None:
    draft = network.wallet.build([(THEIRS, 70_000)], 2_000)
    before = network.signer.status()["hour_sats"]
    network.signer.sign(draft.psbt, "payout", "")
    once = network.signer.status()["hour_sats"]
    network.signer_process.kill()
    with pytest.raises(SignerUnreachable):
        network.signer.status()
    network.signer_process.start()
    network.signer.sign(draft.psbt, "payout", "")
    assert once > before
    assert network.signer.status()["hour_sats"] == once


def test_keys_are_readable_by_their_owner_only(network: Network) -> None:
    seed = network.folder / "signer" / "seed"
    assert seed.stat().st_mode & 0o077 == 0


@pytest.mark.parametrize("garbage", [b"\x00" * 100, b"{", b'"x"', b'{"do":"sign","psbt":"x"}'])
def test_garbage_is_answered_and_harms_nothing(network: Network, garbage: bytes) -> None:
    import socket

    with socket.socket(socket.AF_UNIX) as stream:
        stream.connect(str(network.socket))
        stream.sendall(garbage + b"\n")
        assert b"error" in stream.recv(4_096)
    assert network.signer.status()


@pytest.mark.parametrize("path", ["tx/zz", "blocks/x", "nothing", "tx/00/outspend/x"])
def test_bad_requests_are_4xx(network: Network, path: str) -> None:
    with pytest.raises(urllib.error.HTTPError) as error:
        urllib.request.urlopen(f"{network.url}/{path}", timeout=5)
    error.value.close()
    assert 400 <= error.value.code < 500


def test_the_network_tells_addresses_apart() -> None:
    mine = from_scan(f"BITCOIN:{THEIRS.upper()}?amount=0.1&label=x")
    assert check(mine, "regtest").address == THEIRS
    with pytest.raises(WrongNetwork):
        check("bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4", "regtest")
    with pytest.raises(NotAnAddress):
        check(THEIRS[:-1] + "1", "regtest")
    for text in ("ltc1qw508d6qejxtdg4y5r3zarvary0c5xw7kgmn4n9", "ethereum:0x1", "0x" + "a" * 40):
        with pytest.raises(OtherCoin):
            from_scan(text)
    for text in ("lnbc1pvjluez", "lightning:LNBC1", "bitcoin:?lightning=x"):
        with pytest.raises(LightningInvoice):
            from_scan(text)
    for text in ("", "x" * 513, "a\x00b", "é"):
        with pytest.raises(NotAnAddress):
            from_scan(text)


@pytest.mark.parametrize("url", ["", "http://x", "embedded:http://10.0.0.1:1", "electrum:x"])
def test_unknown_chain_urls_are_refused(url: str) -> None:
    with pytest.raises(BadChainUrl):
        open_chain(url)


def test_a_silent_chain_is_unreachable_not_a_refusal(tmp_path: Path) -> None:
    for url in ("esplora+http://127.0.0.1:9", "electrum+tcp://127.0.0.1:9"):
        with pytest.raises(ChainUnreachable):
            open_chain(url).tip()
