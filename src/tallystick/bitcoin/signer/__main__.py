"""Run the signer: ``python -m tallystick.bitcoin.signer --data DIR --socket PATH``."""

from __future__ import annotations

import argparse
import json
import os
import signal
import socketserver
import threading
from pathlib import Path
from typing import Any, Final

from tallystick.bitcoin.signer.desk import Desk
from tallystick.core.clock import SystemClock

REQUEST_BYTES_MAX: Final = 500_000
READ_TIMEOUT_S: Final = 10


class _Request(socketserver.StreamRequestHandler):
    timeout = READ_TIMEOUT_S
    desk: Desk
    using: threading.Lock

    def handle(self) -> None:
        line = self.rfile.readline(REQUEST_BYTES_MAX)
        reply: dict[str, Any]
        try:
            asked = json.loads(line) if line.endswith(b"\n") else None
            if not isinstance(asked, dict):
                reply = {"error": f"one JSON object a line, of at most {REQUEST_BYTES_MAX} bytes"}
            else:
                with self.using:
                    reply = self.desk.answer(asked)
        except ValueError as error:
            reply = {"error": f"not JSON: {error}"}
        self.wfile.write(json.dumps(reply).encode() + b"\n")


class _Server(socketserver.ThreadingUnixStreamServer):
    daemon_threads = True


def main() -> None:
    """Open keys and record, and answer on the socket until told to stop."""
    parser = argparse.ArgumentParser(description="Sign what the policy allows.")
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--socket", type=Path, required=True)
    parser.add_argument("--network", default="regtest")
    parser.add_argument("--ready-file", type=Path)
    asked = parser.parse_args()
    os.umask(0o077)
    desk = Desk(asked.data, asked.network, SystemClock())
    asked.socket.unlink(missing_ok=True)
    parts = {"desk": desk, "using": threading.Lock()}
    server = _Server(str(asked.socket), type("Handler", (_Request,), parts))
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    threading.Thread(target=server.serve_forever, daemon=True).start()
    if asked.ready_file:
        asked.ready_file.write_text("ready")
    stop.wait()
    server.shutdown()
    asked.socket.unlink(missing_ok=True)


if __name__ == "__main__":
    main()
