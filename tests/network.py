"""Real processes for tests: the embedded chain and the signer, started, killed and restarted."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

from tallystick.bitcoin.chain import EsploraChain, open_chain
from tallystick.bitcoin.signer.client import SignerClient
from tallystick.bitcoin.wallet import HotWallet


class Process:
    """One of our own processes; it says by a file when it is ready."""

    def __init__(self, module: str, *args: str, ready: Path) -> None:
        self.command = [sys.executable, "-m", module, *args, "--ready-file", str(ready)]
        self.ready = ready
        self.start()

    def start(self) -> None:
        self.ready.unlink(missing_ok=True)
        self.popen = subprocess.Popen(self.command)
        for _ in range(1_000):
            if self.ready.exists() and self.ready.read_text():
                return
            assert self.popen.poll() is None, f"{self.command} ended"
            time.sleep(0.01)
        raise TimeoutError(self.command)

    def kill(self) -> None:
        self.popen.send_signal(signal.SIGKILL)
        self.popen.wait(10)

    def stop(self) -> None:
        if self.popen.poll() is None:
            self.popen.terminate()
            self.popen.wait(10)


class Network:
    """A chain, a signer and the watch-only wallet between them."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.chain_process = Process(
            "tallystick.bitcoin.embedded",
            *("--data", str(folder / "chain")),
            ready=folder / "chain-ready",
        )
        self.url = (folder / "chain-ready").read_text()
        self.chain_process.command[5:5] = ["--port", self.url.rpartition(":")[2]]
        self.socket = folder / "s.sock"
        self.signer_process = Process(
            "tallystick.bitcoin.signer",
            *("--data", str(folder / "signer"), "--socket", str(self.socket)),
            ready=folder / "signer-ready",
        )
        self.signer = SignerClient(self.socket)
        self.wallet = self.open_wallet()

    def open_wallet(self) -> HotWallet:
        return HotWallet(self.folder / "wallet.sqlite", *self.signer.public(), "regtest")

    def chain(self) -> EsploraChain:
        return open_chain(f"embedded:{self.url}")

    def post(self, path: str, body: str = "{}") -> str:
        request = urllib.request.Request(f"{self.url}/{path}", body.encode(), method="POST")
        with urllib.request.urlopen(request, timeout=20) as reply:
            return reply.read().decode()

    def fund(self) -> None:
        address = self.wallet.next_address()
        self.post("regtest/fund", f'{{"address": "{address}"}}')
        self.chain().sync(self.wallet)

    def mine(self, count: int = 1) -> None:
        self.post("regtest/mine", f'{{"blocks": {count}}}')

    def stop(self) -> None:
        self.chain_process.stop()
        self.signer_process.stop()
