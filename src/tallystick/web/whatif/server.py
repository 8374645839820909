"""The page's own process: bounded HTTP on one address, and no database."""

from __future__ import annotations

import socket
from pathlib import Path

import uvicorn

from tallystick.web.bounded import BoundedHttp
from tallystick.web.whatif.app import create_app
from tallystick.whatif.errors import AddressTaken
from tallystick.whatif.scenario import Scenario


def serve(base: Scenario, host: str, port: int, ready: Path | None = None) -> None:
    """Serve the page until stopped; raise `AddressTaken` if the address is not free."""
    listener = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
    except OSError as error:
        raise AddressTaken(f"{host}:{port}: {error.strerror}") from error
    address = f"http://{host}:{listener.getsockname()[1]}/"
    app = create_app(base)
    app.state.desk.warm()
    config = uvicorn.Config(app, log_level="warning", http=BoundedHttp, server_header=False)
    print(address, flush=True)  # noqa: T201 - where the page is
    if ready:
        ready.write_text(address)
    uvicorn.Server(config).run(sockets=[listener])
