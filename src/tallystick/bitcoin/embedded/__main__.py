"""Run the embedded chain: ``python -m tallystick.bitcoin.embedded --data DIR --port N``."""

from __future__ import annotations

import argparse
import fcntl
import os
import signal
import sys
import threading
from pathlib import Path
from typing import Final

from tallystick.bitcoin.embedded.node import Node
from tallystick.bitcoin.embedded.server import serve
from tallystick.core.clock import SystemClock

IDLE_BLOCK_EVERY_S: Final = 600
"""With nobody waiting a block comes as seldom as on the main chain, so that a demo left running
for a week still opens at once."""


def mine_until(stop: threading.Event, node: Node, every_s: float) -> None:
    """Mine a block each interval while anybody waits, and a few afterwards; else seldom."""
    idle_s = 0.0
    while not stop.wait(every_s or None):
        idle_s += every_s
        if node.busy() or idle_s >= IDLE_BLOCK_EVERY_S:
            node.mine()
            idle_s = 0.0


def _own(folder: Path) -> int:
    """Take the folder for this process, until it ends; exit when another has it."""
    folder.mkdir(parents=True, exist_ok=True)
    lock = os.open(folder / "lock", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        sys.exit(f"another chain already runs in {folder}")
    return lock


def main() -> None:
    """Open the chain, serve it, and mine as often as asked until told to stop."""
    parser = argparse.ArgumentParser(description="A regtest chain on loopback.")
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--ready-file", type=Path)
    parser.add_argument("--block-every", type=float, default=0, help="seconds; 0 mines on request")
    asked = parser.parse_args()
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    lock = _own(asked.data)
    node = Node(asked.data, SystemClock())
    server = serve(node, asked.port)
    if asked.ready_file:
        draft = asked.ready_file.with_suffix(".new")
        draft.write_text(f"http://127.0.0.1:{server.server_address[1]}")
        draft.replace(asked.ready_file)
    mine_until(stop, node, asked.block_every)
    server.shutdown()
    node.close()
    os.close(lock)


if __name__ == "__main__":
    main()
