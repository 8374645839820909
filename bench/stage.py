"""The processes that are measured: a chain, a signer and a server, started as an operator would."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

import bdkpython as bdk

sys.path.insert(0, str(Path(__file__).parent.parent / "tests"))

from bench.client import Machine
from conftest import Cluster
from network import Network
from tallystick.core.clock import SystemClock
from tallystick.core.store import Store

READY_S_MAX = 60


def rss_mib(pid: int) -> float:
    """Return a process's resident memory, in MiB."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) / 1024
    raise ValueError(pid)


def processor_s(pid: int) -> float:
    """Return the processor time that a process has taken, in seconds."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def addresses(count: int) -> list[str]:
    """Return addresses nobody has, each used once: limits are for each address."""
    clock = SystemClock()
    return [
        str(
            bdk.Address.from_script(
                bdk.Script(b"\x00\x14" + clock.random_bytes(20)), bdk.Network.REGTEST
            )
        )
        for _ in range(count)
    ]


@dataclass
class Server:
    """A running server; `seconds` is how long it took to be ready."""

    process: subprocess.Popen[bytes]
    host: str
    port: int
    store: Store
    seconds: float

    def machine(self, label: str) -> Machine:
        """Pair a new machine."""
        return Machine(self.host, self.port, self.store, label)

    def stop(self) -> None:
        """End the server and wait."""
        self.process.terminate()
        self.process.wait(30)
        self.store.close()


class Stage:
    """Everything that the parts share; closes what it opened."""

    def __init__(self) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="ts-bench-")
        self._postgres_folder = tempfile.TemporaryDirectory(prefix="ts-pg-")
        self.folder = Path(self._folder.name)
        began = time.perf_counter()
        self.network = Network(self.folder)
        self.network_s = time.perf_counter() - began
        self._cluster: Cluster | None = None
        self._count = 0

    def __enter__(self) -> Stage:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        self.network.stop()
        if self._cluster is not None:
            self._cluster.stop()
        self._postgres_folder.cleanup()
        self._folder.cleanup()

    def new_folder(self) -> Path:
        """Return a fresh folder for one server."""
        self._count += 1
        made = self.folder / f"server-{self._count}"
        made.mkdir()
        return made

    def database(self, kind: str, folder: Path) -> str:
        """Return the URL of a fresh database: sqlite or postgresql, both syncing fully."""
        if kind == "sqlite":
            return f"sqlite:///{folder}/tallystick.sqlite"
        if self._cluster is None:
            self._cluster = Cluster(Path(self._postgres_folder.name))
        return str(self._cluster.new_database())

    def server(self, database: str, folder: Path) -> Server:
        """Start a server and wait until it says that it is ready."""
        ready = folder / "ready"
        ready.unlink(missing_ok=True)
        command = [
            *(sys.executable, "-m", "tallystick.cli", "serve", "--data", str(folder)),
            *("--database", database, "--rates", "offline", "--ready-file", str(ready)),
            *("--chain", f"embedded:{self.network.url}", "--signer", str(self.network.socket)),
        ]
        began = time.perf_counter()
        process = subprocess.Popen(command)
        while not (ready.exists() and ready.read_text()):
            assert process.poll() is None, command
            assert time.perf_counter() - began < READY_S_MAX
            time.sleep(0.001)
        seconds = time.perf_counter() - began
        host, _, port = ready.read_text().split()[0].rpartition("/")[2].partition(":")
        return Server(process, host, int(port), Store.open(database), seconds)

    def fund(self) -> None:
        """Give the hot wallet coins, in many pieces, so that payouts need not follow one chain."""
        for _ in range(20):
            self.network.fund()
