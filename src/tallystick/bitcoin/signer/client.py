"""Asking the signer, over its Unix socket: one JSON object a line each way."""

from __future__ import annotations

import json
import socket
from pathlib import Path
from typing import Any, Final

from tallystick.bitcoin.errors import SignerRefused, SignerUnreachable, WalletRefuses

__all__ = ["SignerClient", "SignerRefused", "SignerUnreachable"]

TIMEOUT_S: Final = 10
REPLY_BYTES_MAX: Final = 1_000_000


class SignerClient:
    """Speaks to the signer at a socket; opens a fresh connection for each request."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def ask(self, request: dict[str, Any]) -> dict[str, Any]:
        """Send one request; raise `SignerUnreachable` when there is no whole answer."""
        try:
            with socket.socket(socket.AF_UNIX) as stream:
                stream.settimeout(TIMEOUT_S)
                stream.connect(str(self.path))
                stream.sendall(json.dumps(request).encode() + b"\n")
                reply = _line(stream)
        except (OSError, ValueError) as error:
            raise SignerUnreachable(f"{self.path.name}: {error}") from error
        if "refused" in reply:
            limit, would_be = reply.get("limit"), reply.get("would_be")
            raise SignerRefused(str(reply["why"]), str(reply["refused"]), limit, would_be)
        if "error" in reply:
            raise WalletRefuses(f"the signer: {reply['error']}")
        return reply

    def public(self) -> tuple[str, str]:
        """Return the public descriptors: for receiving, and for change."""
        reply = self.ask({"do": "public"})
        return str(reply["external"]), str(reply["internal"])

    def sign(self, psbt: str, purpose: str, machine: str) -> str:
        """Return the signed PSBT; raise `SignerRefused` with the cap that it would pass."""
        request = {"do": "sign", "psbt": psbt, "purpose": purpose, "machine": machine}
        return str(self.ask(request)["psbt"])

    def status(self) -> dict[str, Any]:
        """Return caps, what was spent within them, and whether it is paused."""
        return self.ask({"do": "status"})

    def pause(self) -> dict[str, Any]:
        """Have it sign nothing until `resume`; return its status."""
        return self.ask({"do": "pause"})

    def resume(self) -> dict[str, Any]:
        """Lift a `pause`, though never one that the policy file sets; return the status."""
        return self.ask({"do": "resume"})


def _line(stream: socket.socket) -> dict[str, Any]:
    data = b""
    while not data.endswith(b"\n"):
        part = stream.recv(65_536)
        data += part
        if not part or len(data) > REPLY_BYTES_MAX:
            raise OSError("the answer ended early, or never")
    found = json.loads(data)
    if not isinstance(found, dict):
        raise ValueError("the answer is no JSON object")
    return found
