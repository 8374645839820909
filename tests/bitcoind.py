"""A real bitcoind on regtest: for what must hold with Bitcoin Core's own commands alone."""

from __future__ import annotations

import json
import os
import subprocess
import time
from pathlib import Path
from typing import Any

from ports import free_port

ROOT = Path(__file__).parent.parent
OLDEST = 280_000
START_S = 60


def folder_of_programs() -> Path:
    """Return where bitcoind is; it is a failure, and no reason to pass over, that there is none."""
    found = subprocess.run([ROOT / "scripts/bitcoind"], capture_output=True, text=True)
    assert found.returncode == 0, found.stderr
    return Path(found.stdout.strip())


class Bitcoind:
    """One node in a folder of its own, and a ``bitcoin-cli`` that speaks to it."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.programs = folder, folder_of_programs()
        self.rpc_port, port = free_port(), free_port()
        self.chain_url = f"cbf:127.0.0.1:{port}"
        settings = ("server=1", "listen=1", "listenonion=0", "discover=0", "dnsseed=0")
        own = (
            *(f"port={port}", f"bind=127.0.0.1:{port}", f"rpcport={self.rpc_port}"),
            *("rpcbind=127.0.0.1", "rpcallowip=127.0.0.1", "fallbackfee=0.00001"),
            *("txindex=1", "blockfilterindex=1", "peerblockfilters=1", "dbcache=16", "keypool=20"),
        )
        lines = ("regtest=1", *settings, "[regtest]", *own)
        (folder / "bitcoin.conf").write_text("\n".join(lines) + "\n")
        self._make_cli()
        self.log = (folder / "log").open("ab")
        self.process = subprocess.Popen(
            [self.programs / "bitcoind", f"-datadir={folder}"], stdout=self.log, stderr=self.log
        )
        self._wait()

    def _make_cli(self) -> None:
        """Put a ``bitcoin-cli`` on the path that knows this node's folder, and nothing else."""
        self.bin = self.folder / "bin"
        self.bin.mkdir()
        shim = self.bin / "bitcoin-cli"
        shim.write_text(
            f'#!/bin/sh\nexec "{self.programs / "bitcoin-cli"}" "-datadir={self.folder}" "$@"\n'
        )
        shim.chmod(0o755)

    def _wait(self) -> None:
        for _ in range(START_S * 20):
            said = self.run("getnetworkinfo")
            if said.returncode == 0:
                assert json.loads(said.stdout)["version"] >= OLDEST, "28 or newer is needed"
                return
            assert self.process.poll() is None, (self.folder / "log").read_text()
            time.sleep(0.05)
        raise TimeoutError(said.stderr)

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [self.bin / "bitcoin-cli", *arguments], capture_output=True, text=True
        )

    def cli(self, *arguments: Any, wallet: str = "") -> Any:
        """Call one command and return its answer, read as JSON where it is."""
        which = [f"-rpcwallet={wallet}"] if wallet else []
        texts = [one if isinstance(one, str) else json.dumps(one) for one in arguments]
        done = self.run(*which, *texts)
        assert done.returncode == 0, f"{texts[0]}: {done.stderr}"
        try:
            return json.loads(done.stdout)
        except json.JSONDecodeError:
            return done.stdout.strip()

    def shell(self, script: str, **more: str) -> str:
        """Run a shell script as a reader of the paper would, with bitcoin-cli on the path."""
        path = f"{self.bin}:{os.environ['PATH']}"
        done = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", script],
            capture_output=True,
            text=True,
            env={"PATH": path, "HOME": str(self.folder), **more},
            cwd=self.folder,
        )
        assert done.returncode == 0, f"{done.stdout}\n{done.stderr}\n{script}"
        return done.stdout

    def miner(self) -> str:
        """Make the wallet that mines and pays, once, with coins to spend."""
        if "miner" not in self.cli("listwallets"):
            self.cli("createwallet", "miner")
            self.mine(101)
        return "miner"

    def mine(self, count: int = 1) -> None:
        address = self.cli("getnewaddress", wallet="miner")
        self.cli("generatetoaddress", str(count), address)

    def pay(self, address: str, coins: str) -> str:
        return str(self.cli("sendtoaddress", address, coins, wallet=self.miner()))

    def stop(self) -> None:
        if self.process.poll() is None:
            self.process.terminate()
            self.process.wait(30)
        self.log.close()
