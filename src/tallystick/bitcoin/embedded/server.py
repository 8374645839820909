"""HTTP on loopback for the embedded chain: bounded in size, time and number; nothing else listens.

A browser on the same machine must not be able to drive it, so a request must name loopback as its
host, and may not come from a page.
"""

from __future__ import annotations

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Final

from tallystick.bitcoin.embedded.node import Node
from tallystick.bitcoin.embedded.routes import Json, Routes
from tallystick.bitcoin.errors import BitcoinError

BODY_BYTES_MAX: Final = 1_000_000
READ_TIMEOUT_S: Final = 10
CONNECTIONS_MAX: Final = 64
LOOPBACK: Final = ("127.0.0.1", "localhost")
BAD: Final = (ValueError, KeyError, IndexError, TypeError, RecursionError)


class Request(BaseHTTPRequestHandler):
    """One connection: Esplora's routes and the controls."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    timeout = READ_TIMEOUT_S
    routes: Routes

    def do_GET(self) -> None:
        """Answer a GET."""
        if self._from_here():
            self._answer(lambda: self.routes.get(self.path))

    def do_POST(self) -> None:
        """Answer a POST whose body has a length within the limit."""
        if not self._from_here():
            return
        length = self.headers.get("Content-Length") or ""
        if not (length.isascii() and length.isdigit()) or "Transfer-Encoding" in self.headers:
            self._refuse(411, "a body needs a Content-Length")
        elif len(length) > len(str(BODY_BYTES_MAX)) or int(length) > BODY_BYTES_MAX:
            self._refuse(413, f"at most {BODY_BYTES_MAX} bytes")
        else:
            body = self.rfile.read(int(length))
            if len(body) == int(length):
                self._answer(lambda: self.routes.post(self.path, body))

    def _from_here(self) -> bool:
        host = (self.headers.get("Host") or "").rpartition(":")[0]
        if host in LOOPBACK and "Origin" not in self.headers:
            return True
        self._refuse(403, "for programs on this machine only")
        return False

    def _refuse(self, status: int, words: str) -> None:
        self.close_connection = True
        self._send(status, words)

    def _answer(self, call: Any) -> None:
        try:
            with self.routes.node.lock:
                found = call()
            status = 200 if found is not None else 404
            self._send(status, "not found" if found is None else found)
        except BitcoinError as error:
            self._send(400, str(error))
        except BAD as error:
            self._send(400, f"bad request: {error!r}"[:300])

    def _send(self, status: int, found: Json) -> None:
        if isinstance(found, bytes):
            data = found
        else:
            data = (found if isinstance(found, str) else json.dumps(found)).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(data)))
        if self.close_connection:
            self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing: the answers say it."""


class Server(ThreadingHTTPServer):
    """A thread for each connection, so many at a time; more wait to be accepted."""

    daemon_threads = True
    request_queue_size = 128

    def __init__(self, node: Node, port: int) -> None:
        super().__init__(("127.0.0.1", port), type("Handler", (Request,), {"routes": Routes(node)}))
        self._free = threading.Semaphore(CONNECTIONS_MAX)

    def process_request(self, request: Any, client_address: Any) -> None:
        """Take a place, and answer in a thread."""
        self._free.acquire()
        super().process_request(request, client_address)

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        """Answer, and free the place."""
        try:
            super().process_request_thread(request, client_address)
        finally:
            self._free.release()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that went away is no event."""


def serve(node: Node, port: int = 0) -> Server:
    """Serve on loopback from a thread of its own; the port is in ``server_address``."""
    server = Server(node, port)
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    return server
