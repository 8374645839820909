"""One question that BDK's Electrum client does not ask: at which height is this transaction?

Speaks the Electrum protocol's ``blockchain.scripthash.get_history`` (Electrum protocol 1.4) over a
short connection with limits on size and time.
"""

from __future__ import annotations

import hashlib
import json
import socket
import ssl
from typing import Any, Final
from urllib.parse import urlsplit

from tallystick.bitcoin.transaction import outputs_of

TIMEOUT_S: Final = 10
REPLY_BYTES_MAX: Final = 4_000_000


def confirmed_height(url: str, raw: bytes, txid: str) -> int | None:
    """Return the block height of a transaction, or None while it waits; raise `OSError`."""
    script, _ = outputs_of(raw)[0]
    key = hashlib.sha256(script).digest()[::-1].hex()
    for item in _ask(url, "blockchain.scripthash.get_history", [key]):
        if item["tx_hash"] == txid:
            return int(item["height"]) if item["height"] > 0 else None
    return None


def _ask(url: str, method: str, params: list[str]) -> list[dict[str, Any]]:
    parts = urlsplit(url)
    address = (parts.hostname or "", parts.port or 50002)
    with socket.create_connection(address, TIMEOUT_S) as plain:
        stream = plain
        if parts.scheme == "ssl":
            stream = ssl.create_default_context().wrap_socket(plain, server_hostname=parts.hostname)
        request = {"jsonrpc": "2.0", "id": 1, "method": method, "params": params}
        stream.sendall(json.dumps(request).encode() + b"\n")
        reply = b""
        while not reply.endswith(b"\n"):
            part = stream.recv(65_536)
            reply += part
            if not part or len(reply) > REPLY_BYTES_MAX:
                raise OSError("the Electrum server's reply ended early or never")
    found = json.loads(reply)
    if "result" not in found:
        raise OSError(f"the Electrum server said {found.get('error')}")
    result: list[dict[str, Any]] = found["result"]
    return result
