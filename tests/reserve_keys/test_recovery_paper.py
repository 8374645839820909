"""C1: with our server and database gone, the printed paper and bitcoin-cli get the coins out."""

import datetime as dt
import shutil
import subprocess
from pathlib import Path

import pytest

from bitcoind import Bitcoind
from reserve_scene import devices, vault_of
from tallystick.reserve.recovery import blocks_of, paper
from tallystick.reserve.vault import Kind, Vault
from tallystick.reserve.vaults import address_at

LOCK = 12
MADE = dt.datetime(2026, 11, 1, tzinfo=dt.UTC)
CASES = {
    Kind.SORTEDMULTI: ["quorum"],
    Kind.RECOVERY: ["quorum", "recovery"],
    Kind.TAPROOT_RECOVERY: ["quorum", "recovery"],
}


@pytest.fixture(scope="module")
def signers(tmp_path_factory: pytest.TempPathFactory) -> list:
    return devices(tmp_path_factory.mktemp("holders"), 5, seed=3)


def build(kind: Kind, signers: list, lock: int = LOCK) -> Vault:
    if kind is Kind.SORTEDMULTI:
        return vault_of(kind, signers[:3], 2)
    return vault_of(kind, signers[:3], 2, signers[3:5], recovery_quorum=2, older_blocks=lock)


def script_of(blocks: dict[str, str], path: str, holders: list, destination: str) -> str:
    """Write what a reader types: the paper's blocks in order, the signing block for each holder."""
    parts = [blocks["vault"], f"DESTINATION={destination}\nFEE=2", blocks[f"{path}-make"]]
    for one in holders:
        mine = f"FINGERPRINT={one.account.fingerprint}\nMASTER={one.backup()['master']}\n"
        parts.append(mine + blocks[f"{path}-sign"])
    return "\n".join((*parts, blocks[f"{path}-send"]))


def settle(node: Bitcoind, destination: str) -> int:
    node.mine()
    received = node.cli("getreceivedbyaddress", destination, wallet="miner")
    return round(received * 10**8)


@pytest.mark.parametrize("kind", list(CASES))
def test_c01_the_paper_alone_sweeps_a_vault_by_each_path(
    kind: Kind, signers: list, bitcoind: Bitcoind
) -> None:
    vault = build(kind, signers)
    blocks = blocks_of(paper(vault, MADE, beyond=50))
    for number in (0, 1):
        bitcoind.pay(address_at(vault, 0, number), "0.5")
    bitcoind.mine()
    bitcoind.shell(blocks["vault"] + "\n" + blocks["watch"])
    for path in CASES[kind]:
        holders = signers[3:5] if path == "recovery" else signers[1:3]
        if path == "recovery":
            for number in (2, 3):
                bitcoind.pay(address_at(vault, 0, number), "0.5")
            bitcoind.mine(LOCK)
        there = bitcoind.cli("getnewaddress", wallet="miner")
        bitcoind.shell(script_of(blocks, path, holders, there))
        assert 99_900_000 < settle(bitcoind, there) < 100_000_000
        watch = f"watch-{vault.descriptor.partition('#')[2]}"
        assert bitcoind.cli("getbalances", wallet=watch)["mine"]["trusted"] == 0


def test_c01_recovery_keys_can_do_nothing_before_the_lock_is_over(
    signers: list, bitcoind: Bitcoind
) -> None:
    vault = build(Kind.RECOVERY, signers, LOCK + 1)
    blocks = blocks_of(paper(vault, MADE, beyond=50))
    bitcoind.pay(address_at(vault, 0, 7), "0.5")
    bitcoind.mine(LOCK - 1)
    bitcoind.shell(blocks["vault"] + "\n" + blocks["watch"])
    there = bitcoind.cli("getnewaddress", wallet="miner")
    early = {
        name: text.replace(f"listunspent {LOCK + 1}", "listunspent 1")
        for name, text in blocks.items()
    }
    with pytest.raises(AssertionError, match="non-BIP68-final"):
        bitcoind.shell(script_of(early, "recovery", signers[3:5], there))


def test_c01_words_alone_give_the_master_key_by_what_the_paper_prints(
    signers: list, bitcoind: Bitcoind
) -> None:
    block = blocks_of(paper(build(Kind.SORTEDMULTI, signers), MADE))["words"]
    backup = signers[0].backup()
    typed = block.replace('getpass.getpass("words: ")', f'"{backup["words"]}"')
    assert bitcoind.shell(typed).strip() == backup["master"]


def test_the_paper_says_every_key_and_no_secret(signers: list) -> None:
    vault = build(Kind.TAPROOT_RECOVERY, signers)
    text = paper(vault, MADE, record="ab" * 32)
    for key in vault.keys:
        assert key.fingerprint in text and key.xpub in text and key.custodian in text
    for one in signers:
        assert not any(secret in text for secret in one.backup().values())
    assert vault.descriptor in text and "ab" * 32 in text
    assert set(blocks_of(text)) == {
        *("words", "vault", "watch", "quorum-make", "quorum-sign", "quorum-send"),
        *("recovery-make", "recovery-sign", "recovery-send"),
    }


def test_where_no_bitcoind_can_be_had_the_set_up_says_so_and_fails(tmp_path: Path) -> None:
    script = (Path(__file__).parents[2] / "scripts/bitcoind").read_text()
    (tmp_path / "scripts").mkdir()
    (tmp_path / "scripts/bitcoind").write_text(script)
    few = tmp_path / "bin"
    few.mkdir()
    for name in ("dirname", "mkdir", "flock", "rm", "cat", "grep", "sort", "dpkg"):
        (few / name).symlink_to(shutil.which(name) or f"/usr/bin/{name}")

    def run() -> subprocess.CompletedProcess[str]:
        bash = shutil.which("bash") or "/bin/bash"
        return subprocess.run(
            [bash, str(tmp_path / "scripts/bitcoind")],
            capture_output=True,
            text=True,
            env={"PATH": str(few)},
        )

    done = run()
    assert done.returncode == 1 and "without apt-get" in done.stderr
    assert "install bitcoind and bitcoin-cli 28 or newer" in done.stderr
    (few / "apt-get").write_text("#!/bin/sh\nexit 100\n")
    (few / "apt-get").chmod(0o755)
    done = run()
    assert done.returncode == 1 and "does not answer" in done.stderr
    assert not (tmp_path / ".venv/bitcoind/whole").exists()
