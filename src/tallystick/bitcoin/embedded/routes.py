"""Esplora's HTTP API over the embedded node, with limits, and two routes to mine and to fund."""

from __future__ import annotations

import json
import struct
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Final

from tallystick.bitcoin.address import check
from tallystick.bitcoin.embedded.node import COINBASE_DEPTH, Node
from tallystick.bitcoin.embedded.txs import Tx, script_key
from tallystick.bitcoin.errors import BitcoinError

BODY_BYTES_MAX: Final = 2_000_000
PAGE: Final = 25
MINE_MAX: Final = 1_000
READ_TIMEOUT_S: Final = 30
ANYONE: Final = b"\x51"
"""OP_TRUE: rewards of blocks that nobody asked for go nowhere in particular."""

Json = Any


class Routes:
    """Answers requests from a node."""

    def __init__(self, node: Node) -> None:
        self.node = node

    def get(self, path: str) -> Json:
        """Answer a GET; None means not found."""
        match path.partition("?")[0].strip("/").split("/"):
            case ["blocks", "tip", "height"]:
                return str(len(self.node.blocks) - 1)
            case ["blocks", "tip", "hash"]:
                return self.node.blocks[-1].hash
            case ["blocks", *rest]:
                top = int(rest[0]) if rest else len(self.node.blocks) - 1
                return [self._block(height) for height in range(top, max(-1, top - 10), -1)]
            case ["block-height", height]:
                found = int(height) < len(self.node.blocks)
                return self.node.blocks[int(height)].hash if found else None
            case ["block", name, *rest]:
                return self._block_part(name, rest)
            case ["scripthash", key, "txs", *rest]:
                return self._script(key, rest)
            case ["tx", txid, *rest]:
                return self._tx_part(txid, rest)
            case ["fee-estimates"]:
                return {str(target): self.node.floor / 1000 for target in (1, 3, 6, 144)}
        return None

    def post(self, path: str, body: bytes) -> Json:
        """Answer a POST; None means not found."""
        match path.strip("/").split("/"):
            case ["tx"]:
                return self.node.submit(bytes.fromhex(body.decode("ascii").strip()))
            case ["regtest", "mine"]:
                asked = json.loads(body or b"{}")
                script = check(asked["address"], "regtest").script if "address" in asked else ANYONE
                return self.node.mine(script, min(int(asked.get("blocks", 1)), MINE_MAX))
            case ["regtest", "fund"]:
                script = check(json.loads(body)["address"], "regtest").script
                self.node.mine(script)
                return self.node.mine(ANYONE, COINBASE_DEPTH)
            case ["regtest", "floor"]:
                self.node.floor = int(json.loads(body)["sat_per_kvb"])
                return str(self.node.floor)
        return None

    def _height(self, name: str) -> int | None:
        for height in range(len(self.node.blocks) - 1, -1, -1):
            if self.node.blocks[height].hash == name:
                return height
        return None

    def _block_part(self, name: str, rest: list[str]) -> Json:
        height = self._height(name)
        if height is None:
            return None
        if not rest:
            return self._block(height)
        if rest == ["header"]:
            return self.node.blocks[height].header.hex()
        if rest == ["status"]:
            return {"in_best_chain": True, "height": height, "next_best": None}
        return None

    def _block(self, height: int) -> dict[str, Json]:
        block = self.node.blocks[height]
        version, _, _, when, bits, nonce = struct.unpack("<i32s32sIII", block.header)
        return {
            "id": block.hash,
            "height": height,
            "version": version,
            "timestamp": when,
            "tx_count": len(block.txs),
            "size": 0,
            "weight": 0,
            "merkle_root": block.header[36:68][::-1].hex(),
            "previousblockhash": self.node.blocks[height - 1].hash if height else None,
            "mediantime": when,
            "nonce": nonce,
            "bits": bits,
            "difficulty": 0,
        }

    def _find(self, txid: str) -> Tx | None:
        mined = self.node.mined.get(txid)
        return self.node.waiting.get(txid) or (mined[0] if mined else None)

    def _status(self, txid: str) -> dict[str, Json]:
        if txid not in self.node.mined:
            return {"confirmed": False}
        height = self.node.mined[txid][1]
        block = self.node.blocks[height]
        return {
            "confirmed": True,
            "block_height": height,
            "block_hash": block.hash,
            "block_time": block.time,
        }

    def _tx_part(self, txid: str, rest: list[str]) -> Json:
        tx = self._find(txid)
        if rest == ["status"]:
            return self._status(txid)
        if tx is None:
            return None
        match rest:
            case []:
                return self._tx(tx)
            case ["raw"]:
                return tx.raw
            case ["hex"]:
                return tx.raw.hex()
            case ["outspend", index]:
                return self._spend(txid, int(index))
        return None

    def _spend(self, txid: str, index: int) -> dict[str, Json]:
        found = self.node.spender.get((txid, index))
        for tx in self.node.waiting.values():
            if any(item.coin == (txid, index) for item in tx.inputs):
                found = tx.id
        if found is None:
            return {"spent": False}
        return {"spent": True, "txid": found, "vin": 0, "status": self._status(found)}

    def _tx(self, tx: Tx) -> dict[str, Json]:
        spent = iter(tx.spent)
        return {
            "txid": tx.id,
            "version": tx.version,
            "locktime": tx.locktime,
            "size": len(tx.raw),
            "weight": tx.weight,
            "fee": tx.fee,
            "status": self._status(tx.id),
            "vin": [
                {
                    "txid": item.coin[0],
                    "vout": item.coin[1],
                    "is_coinbase": tx.is_coinbase,
                    "scriptsig": item.script_sig.hex(),
                    "scriptsig_asm": "",
                    "sequence": item.sequence,
                    "witness": [part.hex() for part in item.witness],
                    "prevout": None if tx.is_coinbase else _output(next(spent)),
                }
                for item in tx.inputs
            ],
            "vout": [_output(output) for output in tx.outputs],
        }

    def _script(self, key: str, rest: list[str]) -> list[Json]:
        ids = list(reversed(self.node.history.get(key, [])))
        if rest and rest[0] == "chain":
            start = ids.index(rest[1]) + 1 if len(rest) > 1 else 0
            return [self._tx(self.node.mined[txid][0]) for txid in ids[start : start + PAGE]]
        waiting = [
            tx
            for tx in self.node.waiting.values()
            if any(script_key(script) == key for script in tx.scripts())
        ]
        mined = [self.node.mined[txid][0] for txid in ids[:PAGE]]
        return [self._tx(tx) for tx in waiting + mined]


def _output(output: tuple[int, bytes]) -> dict[str, Json]:
    return {"value": output[0], "scriptpubkey": output[1].hex()}


class _Request(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    timeout = READ_TIMEOUT_S
    routes: Routes

    def _answer(self, body: bytes | None) -> None:
        status: int = 200
        try:
            with self.routes.node.lock:
                routes = self.routes
                found = routes.get(self.path) if body is None else routes.post(self.path, body)
            if found is None:
                status, found = 404, "not found"
        except BitcoinError as error:
            status, found = 400, str(error)
        except (ValueError, KeyError, IndexError, UnicodeError) as error:
            status, found = 400, f"bad request: {error!r}"
        self._send(status, found)

    def _send(self, status: int, found: Json) -> None:
        if isinstance(found, bytes):
            data = found
        else:
            data = (found if isinstance(found, str) else json.dumps(found)).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def do_GET(self) -> None:
        self._answer(None)

    def do_POST(self) -> None:
        length = self.headers.get("Content-Length") or "0"
        if not length.isdigit() or int(length) > BODY_BYTES_MAX:
            self.close_connection = True
            self._send(413, "body too large")
            return
        self._answer(self.rfile.read(int(length)))

    def log_message(self, format: str, *args: Any) -> None:
        return


def serve(node: Node, port: int = 0) -> ThreadingHTTPServer:
    """Serve on loopback from a thread of its own; the port is in ``server_address``."""
    handler = type("Handler", (_Request,), {"routes": Routes(node)})
    server = ThreadingHTTPServer(("127.0.0.1", port), handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server
