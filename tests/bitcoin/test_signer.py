"""The signer bounds what a hostile server can lose: each rule of its policy, each way around."""

import base64
import json
import socket
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from bdkpython import bdk

from network import Network, Process
from tallystick.bitcoin.errors import SignerRefused, SignerUnreachable, WalletRefuses
from tallystick.bitcoin.signer.__main__ import REQUEST_BYTES_MAX
from tallystick.bitcoin.signer.client import SignerClient
from tallystick.bitcoin.signer.desk import NAME_LENGTH_MAX
from tallystick.bitcoin.signer.policy import SAMPLE
from tallystick.bitcoin.signer.request import INPUTS_MAX, PSBT_LENGTH_MAX
from tallystick.bitcoin.transaction import script_of
from tallystick.bitcoin.wallet import HotWallet

THEIRS = "bcrt1qw508d6qejxtdg4y5r3zarvary0c5xw7kygt080"
COIN_SATS = 5_000_000_000


@pytest.fixture(scope="module")
def network(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Network]:
    made = Network(tmp_path_factory.mktemp("s"))
    for _ in range(3):
        made.fund()
    yield made
    made.stop()


@pytest.fixture(autouse=True)
def policy(network: Network) -> Iterator[Path]:
    """Each test begins with an empty record and the sample policy."""
    folder = network.folder / "signer"
    with sqlite3.connect(folder / "signed.sqlite") as db:
        db.execute("DELETE FROM signatures")
    db.close()
    path = folder / "policy.toml"
    path.write_text(SAMPLE)
    yield path


def draft(network: Network, sats: int = 100_000, rate: int = 2_000) -> str:
    return network.wallet.build([(THEIRS, sats)], rate).psbt


def spent(network: Network) -> int:
    return int(network.signer.status()["hour_sats"])


def spending(network: Network, coins: list[int], sats: int) -> str:
    """Build a transaction from just these of our three coins."""
    held = sorted(
        network.wallet.bdk.list_unspent(),
        key=lambda coin: (-coin.txout.value.to_sat(), str(coin.outpoint.txid)),
    )
    script = bdk.Script(script_of(THEIRS, "regtest"))
    builder = bdk.TxBuilder().add_recipient(script, bdk.Amount.from_sat(sats))
    builder = builder.add_utxos([held[i].outpoint for i in coins]).manually_selected_only()
    return str(
        builder.fee_absolute(bdk.Amount.from_sat(1_000)).finish(network.wallet.bdk).serialize()
    )


def test_a_refusal_says_the_limit_and_what_it_would_be(network: Network, policy: Path) -> None:
    policy.write_text(SAMPLE.replace("hour_sats_max = 200_000_000", "hour_sats_max = 100_500"))
    network.signer.sign(spending(network, [0], 99_000), "payout", "")
    with pytest.raises(SignerRefused) as refusal:
        network.signer.sign(spending(network, [1], 70_000), "payout", "")
    assert (refusal.value.reason, refusal.value.limit) == ("hour", 100_500)
    assert refusal.value.would_be == 100_000 + 71_000
    assert "171000 sats within an hour; at most 100500" in str(refusal.value)


def test_caps_that_are_not_set_do_not_bind(network: Network, policy: Path) -> None:
    lines = [
        line
        for line in SAMPLE.splitlines()
        if not line.startswith(("machine_hour", "fee_rate", "paused", "allow_list"))
    ]
    policy.write_text("\n".join(lines))
    network.signer.sign(draft(network), "payout", "K1")


def test_a_fee_rate_has_its_own_cap(network: Network, policy: Path) -> None:
    policy.write_text(SAMPLE.replace("_per_kvb_max = 1_000_000", "_per_kvb_max = 5_000"))
    network.signer.sign(draft(network, rate=4_800), "payout", "")
    with pytest.raises(SignerRefused) as refusal:
        network.signer.sign(draft(network, rate=5_300), "payout", "")
    assert refusal.value.reason == "fee_rate"


def test_a_machine_has_its_own_cap_and_not_its_neighbours(network: Network, policy: Path) -> None:
    policy.write_text(
        SAMPLE.replace("machine_hour_sats_max = 50_000_000", "machine_hour_sats_max = 150_000")
    )
    network.signer.sign(spending(network, [0], 100_000), "payout", "K1")
    with pytest.raises(SignerRefused, match="for K1"):
        network.signer.sign(spending(network, [1], 100_000), "payout", "K1")
    network.signer.sign(spending(network, [1], 100_000), "payout", "K2")


def test_an_allow_list_allows_what_it_lists(network: Network, policy: Path) -> None:
    policy.write_text(SAMPLE.replace("allow_list = []", f'allow_list = ["{THEIRS}"]'))
    network.signer.sign(draft(network), "payout", "")
    policy.write_text(SAMPLE.replace("allow_list = []", 'allow_list = ["nonsense"]'))
    with pytest.raises(SignerRefused, match="no address"):
        network.signer.sign(draft(network), "payout", "")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "\x00",
        SAMPLE + "\nno_limits = true\n",
        SAMPLE.replace("paused = false", 'paused = "no"'),
        SAMPLE.replace("allow_list = []", "allow_list = [1]"),
        SAMPLE.replace("allow_list = []", 'allow_list = "x"'),
        SAMPLE.replace("hour_sats_max = 200_000_000", "hour_sats_max = -1"),
        SAMPLE.replace("hour_sats_max = 200_000_000", "hour_sats_max = 1.5"),
        SAMPLE.replace("hour_sats_max = 200_000_000", "hour_sats_max = true"),
        SAMPLE.replace("day_sats_max", "days_sats_max"),
        "x = " + "[" * 50_000,
    ],
)
def test_a_policy_nobody_can_read_pauses(network: Network, policy: Path, text: str) -> None:
    policy.write_text(text)
    with pytest.raises(SignerRefused) as refusal:
        network.signer.sign(draft(network), "payout", "")
    assert refusal.value.reason == "paused"
    assert "policy.toml" in str(refusal.value)
    assert network.signer.status()["trouble"]


def test_a_missing_policy_pauses(network: Network, policy: Path) -> None:
    policy.unlink()
    with pytest.raises(SignerRefused, match="policy"):
        network.signer.sign(draft(network), "payout", "")


def test_a_pause_holds_across_a_kill_and_ends_with_resume(network: Network) -> None:
    assert network.signer.pause()["paused"]
    network.signer_process.kill()
    network.signer_process.start()
    with pytest.raises(SignerRefused) as refusal:
        network.signer.sign(draft(network), "payout", "")
    assert refusal.value.reason == "paused"
    assert not network.signer.resume()["paused"]
    network.signer.sign(draft(network), "payout", "")


def test_a_pause_in_the_policy_cannot_be_lifted_through_the_socket(
    network: Network, policy: Path
) -> None:
    policy.write_text(SAMPLE.replace("paused = false", "paused = true"))
    assert network.signer.resume()["paused"]
    with pytest.raises(SignerRefused):
        network.signer.sign(draft(network), "payout", "")


def test_the_same_transaction_counts_once_and_passes_a_full_cap(
    network: Network, policy: Path
) -> None:
    text = draft(network)
    first = network.signer.sign(text, "payout", "")
    once = spent(network)
    policy.write_text(SAMPLE.replace("hour_sats_max = 200_000_000", "hour_sats_max = 0"))
    again = network.signer.sign(text, "payout", "")
    assert spent(network) == once
    assert network.wallet.finish(first).txid == network.wallet.finish(again).txid


def test_rivals_for_one_coin_count_as_the_larger(network: Network) -> None:
    network.signer.sign(spending(network, [0], 100_000), "payout", "")
    network.signer.sign(spending(network, [0], 300_000), "payout", "")
    network.signer.sign(spending(network, [0], 200_000), "payout", "")
    assert spent(network) == 301_000


def test_overlapping_rivals_never_hide_what_can_be_lost(network: Network) -> None:
    """Sign a web of overlapping rivals; two of them, which share no coin, can both confirm."""
    for coins, sats in (
        ([0], 100_000),
        ([0, 1], 150_000),
        ([1, 2], 50_000),
        ([0, 2], 150_000),
        ([1], 50_000),
    ):
        network.signer.sign(spending(network, coins, sats), "payout", "")
    both = (150_000 + 1_000) + (50_000 + 1_000)
    assert spent(network) >= both


def test_change_counts_for_nothing_however_far_its_address(network: Network) -> None:
    text = draft(network)
    network.wallet.bdk.reveal_addresses_to(bdk.KeychainKind.INTERNAL, 3_000)
    network.wallet.bdk.reveal_addresses_to(bdk.KeychainKind.EXTERNAL, 3_000)
    for index in range(3_001):
        network.wallet.bdk.mark_used(bdk.KeychainKind.INTERNAL, index)
    far = draft(network)
    assert far != text
    network.signer.sign(far, "payout", "")
    assert 100_000 < spent(network) < 101_000


def test_paying_ourselves_counts_only_the_fee(network: Network) -> None:
    script = bdk.Script(script_of(network.wallet.next_address(), "regtest"))
    builder = bdk.TxBuilder().add_recipient(script, bdk.Amount.from_sat(70_000))
    built = builder.fee_absolute(bdk.Amount.from_sat(500)).finish(network.wallet.bdk)
    network.signer.sign(built.serialize(), "payout", "")
    assert spent(network) == 500


def lie(text: str, sats: int) -> str:
    """Change the amount that each input claims (BIP-174 key 01), not the transaction it names."""
    raw = base64.b64decode(text)
    true = b"\x01\x01\x1f" + COIN_SATS.to_bytes(8, "little")
    assert true in raw
    return base64.b64encode(
        raw.replace(true, b"\x01\x01\x1f" + sats.to_bytes(8, "little"))
    ).decode()


def test_a_lie_about_an_amount_is_found(network: Network) -> None:
    with pytest.raises(WalletRefuses, match="claims another amount"):
        network.signer.sign(lie(spending(network, [0], 100_000), 102_000), "payout", "")
    assert spent(network) == 0


def test_an_input_without_its_parent_is_refused(network: Network) -> None:
    script = bdk.Script(script_of(THEIRS, "regtest"))
    builder = bdk.TxBuilder().add_recipient(script, bdk.Amount.from_sat(70_000))
    text = builder.only_witness_utxo().finish(network.wallet.bdk).serialize()
    with pytest.raises(WalletRefuses, match="does not bring"):
        network.signer.sign(text, "payout", "")


@pytest.mark.parametrize("kind", ["SIGHASH_NONE", "SIGHASH_SINGLE|SIGHASH_ANYONECANPAY"])
def test_only_whole_transactions_are_signed(network: Network, kind: str) -> None:
    script = bdk.Script(script_of(THEIRS, "regtest"))
    builder = bdk.TxBuilder().add_recipient(script, bdk.Amount.from_sat(70_000)).sighash(kind)
    with pytest.raises(WalletRefuses, match="SIGHASH"):
        network.signer.sign(builder.finish(network.wallet.bdk).serialize(), "payout", "")


def test_anothers_coins_are_not_signed_for(network: Network, tmp_path: Path) -> None:
    process = Process(
        "tallystick.bitcoin.signer",
        *("--data", str(tmp_path / "o"), "--socket", str(tmp_path / "o.sock")),
        ready=tmp_path / "ready",
    )
    other = SignerClient(tmp_path / "o.sock")
    with pytest.raises(WalletRefuses, match="not this signer's"):
        other.sign(draft(network), "payout", "")
    assert other.status()["hour_sats"] == 0
    process.stop()


def ask(network: Network, line: bytes) -> dict[str, object]:
    with socket.socket(socket.AF_UNIX) as stream:
        stream.connect(str(network.socket))
        stream.settimeout(10)
        try:
            stream.sendall(line)
            stream.shutdown(socket.SHUT_WR)
        except BrokenPipeError:
            pass
        reply: dict[str, object] = json.loads(stream.makefile("rb").readline())
        return reply


@pytest.mark.parametrize(
    "line",
    [
        b"\n",
        b"[]\n",
        b"[" * 100_000 + b"\n",
        b'{"do": "sign"}\n',
        b'{"do": "sign", "psbt": 5}\n',
        b'{"do": ["sign"]}\n',
        b'{"do": "sign", "psbt": "cHNidP8=", "machine": ""}\n',
        b'{"do": "sign", "psbt": "' + b"A" * (PSBT_LENGTH_MAX + 1) + b'"}\n',
        b'{"do": "sign", "psbt": "", "machine": "' + b"m" * (NAME_LENGTH_MAX + 1) + b'"}\n',
        b'{"do": "public"',
        b"x" * (REQUEST_BYTES_MAX + 10),
        b"\xff\xfe\n",
    ],
    ids=range(12),
)
def test_nonsense_is_answered_with_an_error(network: Network, line: bytes) -> None:
    assert "error" in ask(network, line)
    assert "external" in ask(network, b'{"do": "public"}\n')


def test_too_many_inputs_are_refused(network: Network) -> None:
    """The limit is on what one request may cost, so nonsense inputs will do."""
    ins = b"".join(
        bytes([i % 256, i // 256]) * 16 + bytes(4) + b"\x00" + b"\xff" * 4
        for i in range(INPUTS_MAX + 1)
    )
    tx = b"\x02\0\0\0" + bytes([INPUTS_MAX + 1]) + ins
    tx += b"\x01" + (1_000).to_bytes(8, "little") + b"\x01\x51" + bytes(4)
    psbt = bdk.Psbt.from_unsigned_tx(bdk.Transaction(tx)).serialize()
    with pytest.raises(WalletRefuses, match=f"{INPUTS_MAX + 1} inputs"):
        network.signer.sign(psbt, "payout", "")


def test_several_requests_may_follow_on_one_line_each(network: Network) -> None:
    with socket.socket(socket.AF_UNIX) as stream:
        stream.connect(str(network.socket))
        stream.sendall(b'{"do": "public"}\n{"do": "status"}\n')
        lines = stream.makefile("rb")
        assert "fingerprint" in json.loads(lines.readline())
        assert "hour_sats" in json.loads(lines.readline())


def test_public_means_public(network: Network) -> None:
    reply = network.signer.ask({"do": "public"})
    assert "prv" not in json.dumps(reply)
    assert str(reply["external"]).startswith(f"wpkh([{reply['fingerprint']}/84'/1'/0']tpub")


def test_the_folder_and_the_socket_are_their_owners_only(network: Network) -> None:
    assert network.socket.stat().st_mode & 0o077 == 0
    for path in (network.folder / "signer").iterdir():
        if path.name != "policy.toml":
            assert path.stat().st_mode & 0o077 == 0, path


def start(folder: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "tallystick.bitcoin.signer", "--data", str(folder)]
    command += ["--socket", str(folder / "second.sock")]
    return subprocess.run(command, capture_output=True, text=True, timeout=20, check=False)


def test_two_signers_cannot_share_the_caps_of_one(network: Network) -> None:
    ended = start(network.folder / "signer")
    assert ended.returncode == 1
    assert "another signer" in ended.stderr
    assert network.signer.status()


@pytest.mark.parametrize(
    ("words", "mode", "why"), [("not a seed", 0o600, "BIP-39"), ("x", 0o644, "0600")]
)
def test_a_damaged_or_open_seed_stops_the_signer(
    tmp_path: Path, words: str, mode: int, why: str
) -> None:
    seed = tmp_path / "seed"
    seed.write_text(words)
    seed.chmod(mode)
    ended = start(tmp_path)
    assert ended.returncode == 1
    assert why in ended.stderr
    assert "Traceback" not in ended.stderr
    assert seed.read_text() == words


def test_the_same_seed_comes_back(network: Network, tmp_path: Path) -> None:
    before = network.signer.public()
    network.signer_process.kill()
    with pytest.raises(SignerUnreachable):
        network.signer.public()
    network.signer_process.start()
    assert network.signer.public() == before
    HotWallet(tmp_path / "w.sqlite", *before, "regtest")
