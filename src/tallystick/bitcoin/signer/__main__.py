"""Run the signer: ``python -m tallystick.bitcoin.signer --data DIR --socket PATH``.

It answers JSON objects, one a line, on a Unix socket that only its own user can open. One signer
at a time owns a folder, or two could each spend the same caps.
"""

from __future__ import annotations

import argparse
import fcntl
import json
import os
import signal
import socketserver
import sys
import threading
from pathlib import Path
from typing import Any, Final

from tallystick.bitcoin.errors import SignerKeysUnusable
from tallystick.bitcoin.signer.desk import Desk
from tallystick.core.clock import SystemClock

REQUEST_BYTES_MAX: Final = 500_000
READ_TIMEOUT_S: Final = 10
CONNECTIONS_MAX: Final = 32


class _Request(socketserver.StreamRequestHandler):
    timeout = READ_TIMEOUT_S
    desk: Desk
    using: threading.Lock

    def handle(self) -> None:
        try:
            while line := self.rfile.readline(REQUEST_BYTES_MAX):
                self.wfile.write(json.dumps(self._reply(line)).encode() + b"\n")
                if not line.endswith(b"\n"):
                    return
        except OSError:
            return

    def _reply(self, line: bytes) -> dict[str, Any]:
        try:
            asked = json.loads(line) if line.endswith(b"\n") else None
        except (ValueError, RecursionError) as error:
            return {"error": f"not JSON: {error}"}
        if not isinstance(asked, dict):
            return {"error": f"one JSON object a line, of at most {REQUEST_BYTES_MAX} bytes"}
        with self.using:
            return self.desk.answer(asked)


class _Server(socketserver.ThreadingUnixStreamServer):
    daemon_threads = True
    request_queue_size = 64
    free = threading.Semaphore(CONNECTIONS_MAX)

    def process_request(self, request: Any, client_address: Any) -> None:
        """Answer in a thread of its own, so many at a time; more wait in the socket's queue."""
        self.free.acquire()
        super().process_request(request, client_address)

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        """Answer, and free the place."""
        try:
            super().process_request_thread(request, client_address)
        finally:
            self.free.release()


def _own(folder: Path) -> int:
    """Take the folder for this process, until it ends; exit when another has it."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    lock = os.open(folder / "lock", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        sys.exit(f"another signer already works in {folder}")
    return lock


def main() -> None:
    """Open keys and record, and answer on the socket until told to stop."""
    parser = argparse.ArgumentParser(description="Sign what the policy allows.")
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--socket", type=Path, required=True)
    parser.add_argument("--network", default="regtest")
    parser.add_argument("--ready-file", type=Path)
    asked = parser.parse_args()
    os.umask(0o077)
    lock = _own(asked.data)
    try:
        desk = Desk(asked.data, asked.network, SystemClock())
    except SignerKeysUnusable as error:
        sys.exit(str(error))
    asked.socket.unlink(missing_ok=True)
    parts = {"desk": desk, "using": threading.Lock()}
    server = _Server(str(asked.socket), type("Handler", (_Request,), parts))
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    if asked.ready_file:
        asked.ready_file.write_text("ready")
    stop.wait()
    server.shutdown()
    asked.socket.unlink(missing_ok=True)
    os.close(lock)


if __name__ == "__main__":
    main()
