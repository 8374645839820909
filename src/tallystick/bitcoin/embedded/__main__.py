"""Run the embedded chain: ``python -m tallystick.bitcoin.embedded --data DIR --port N``."""

from __future__ import annotations

import argparse
import signal
import threading
from pathlib import Path

from tallystick.bitcoin.embedded.node import Node
from tallystick.bitcoin.embedded.routes import ANYONE, serve
from tallystick.core.clock import SystemClock


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
    node = Node(asked.data, SystemClock())
    server = serve(node, asked.port)
    if asked.ready_file:
        asked.ready_file.write_text(f"http://127.0.0.1:{server.server_address[1]}")
    while not stop.wait(asked.block_every or None):
        if node.waiting:
            node.mine(ANYONE)
    server.shutdown()


if __name__ == "__main__":
    main()
