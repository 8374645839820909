"""A real uvicorn on a free loopback port, in a thread, and a client of it."""

from __future__ import annotations

import socket
import ssl
import threading
import time
from typing import Any

import httpx
import uvicorn

NO_TLS = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
"""Loopback is plain HTTP. Without this, each client reads all the world's authorities first."""
RUNNING: list[tuple[uvicorn.Server, threading.Thread, socket.socket, httpx.Client]] = []


def serve(app: Any, **options: Any) -> httpx.Client:
    """Serve an application, and return a client that speaks to it."""
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(app, log_level="error", **options))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    address = f"http://127.0.0.1:{listener.getsockname()[1]}"
    client = httpx.Client(base_url=address, verify=NO_TLS, timeout=20)
    RUNNING.append((server, thread, listener, client))
    return client


def stop_all() -> None:
    """Stop every server of this test."""
    while RUNNING:
        server, thread, listener, client = RUNNING.pop()
        client.close()
        server.should_exit = True
        thread.join(10)
        listener.close()
