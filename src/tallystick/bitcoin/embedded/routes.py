"""Answering as an Esplora server does (the HTTP API of Blockstream's Esplora), plus a few controls.

The controls under ``/regtest`` mine, fund, reorganise and set what miners take; they exist on this
chain only, which is on loopback only.
"""

from __future__ import annotations

import json
import struct
from typing import Any, Final

from tallystick.bitcoin.address import check
from tallystick.bitcoin.embedded.miner import ANYONE
from tallystick.bitcoin.embedded.node import Node
from tallystick.bitcoin.embedded.txs import Tx, script_key

PAGE: Final = 25
BLOCKS_PAGE: Final = 10
MINE_MAX: Final = 1_000
FUND_SATS: Final = 50 * 10**8
FUND_SATS_MAX: Final = 1_000 * 10**8
FLOOR_SAT_PER_KVB_MAX: Final = 10_000_000
TARGETS: Final = (1, 3, 6, 144)

Json = Any


class Routes:
    """Answers requests from a node. Its caller holds the node's lock."""

    def __init__(self, node: Node) -> None:
        self.node = node

    def get(self, path: str) -> Json:
        """Answer a GET; None means not found. Raise `ValueError` for a path with bad parts."""
        match path.partition("?")[0].strip("/").split("/"):
            case ["blocks", "tip", "height"]:
                return str(len(self.node.blocks) - 1)
            case ["blocks", "tip", "hash"]:
                return self.node.blocks[-1].hash
            case ["blocks", *rest]:
                return self._blocks(rest)
            case ["block-height", height]:
                at = _whole(height)
                return self.node.blocks[at].hash if at < len(self.node.blocks) else None
            case ["block", name, *rest]:
                return self._block_part(name, rest)
            case ["scripthash", key, "txs", *rest]:
                return self._script(key, rest)
            case ["tx", txid, *rest]:
                return self._tx_part(txid, rest)
            case ["fee-estimates"]:
                return {str(target): self.node.floor / 1000 for target in TARGETS}
        return None

    def post(self, path: str, body: bytes) -> Json:
        """Answer a POST; None means not found."""
        match path.strip("/").split("/"):
            case ["tx"]:
                return self.node.submit(bytes.fromhex(body.decode("ascii").strip()))
            case ["regtest", control]:
                asked = json.loads(body or b"{}")
                if not isinstance(asked, dict):
                    raise ValueError("one JSON object")
                return self._control(control, asked)
        return None

    def _control(self, control: str, asked: dict[str, Json]) -> Json:
        match control:
            case "mine":
                script = check(asked["address"], "regtest").script if "address" in asked else ANYONE
                return self.node.mine(script, _between(asked.get("blocks", 1), 1, MINE_MAX))
            case "fund":
                return self._fund(asked)
            case "reorg":
                return self.node.reorganise(_between(asked.get("depth", 1), 1, MINE_MAX))
            case "min-feerate" | "floor":
                floor = _between(asked["sat_per_kvb"], 0, FLOOR_SAT_PER_KVB_MAX)
                self.node.floor = floor
                return {"sat_per_kvb": floor}
        return None

    def _fund(self, asked: dict[str, Json]) -> Json:
        """Pay to an address, and mine it in unless ``confirm`` is false."""
        script = check(str(asked["address"]), "regtest").script
        txid = self.node.fund(script, _between(asked.get("sats", FUND_SATS), 1, FUND_SATS_MAX))
        if asked.get("confirm", True):
            self.node.mine()
        return {"txid": txid, "height": len(self.node.blocks) - 1}

    def _blocks(self, rest: list[str]) -> list[Json]:
        top = min(_whole(rest[0]) if rest else MINE_MAX**3, len(self.node.blocks) - 1)
        return [self._block(height) for height in range(top, max(-1, top - BLOCKS_PAGE), -1)]

    def _block_part(self, name: str, rest: list[str]) -> Json:
        height = self.node.index.heights.get(name)
        if height is None:
            return None
        if not rest:
            return self._block(height)
        if rest == ["header"]:
            return self.node.blocks[height].header.hex()
        block = self.node.blocks[height]
        match rest:
            case ["status"]:
                last = height + 1 == len(self.node.blocks)
                following = None if last else self.node.blocks[height + 1].hash
                return {"in_best_chain": True, "height": height, "next_best": following}
            case ["txids"]:
                return [tx.id for tx in block.txs]
            case ["txid", number]:
                at = _whole(number)
                return block.txs[at].id if at < len(block.txs) else None
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
            "size": block.size,
            "weight": sum(tx.weight for tx in block.txs),
            "merkle_root": block.header[36:68][::-1].hex(),
            "previousblockhash": self.node.blocks[height - 1].hash if height else None,
            "mediantime": self.node.index.median_time(height),
            "nonce": nonce,
            "bits": bits,
            "difficulty": 0,
        }

    def _find(self, txid: str) -> Tx | None:
        mined = self.node.index.mined.get(txid)
        return self.node.waiting.get(txid) or (mined[0] if mined else None)

    def _status(self, txid: str) -> dict[str, Json]:
        if txid not in self.node.index.mined:
            return {"confirmed": False}
        height = self.node.index.mined[txid][1]
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
                return self._spend(tx, _whole(index))
        return None

    def _spend(self, tx: Tx, number: int) -> Json:
        if number >= len(tx.outputs):
            return None
        coin = (tx.id, number)
        found = self.node.index.spender.get(coin) or self.node.room.spender.get(coin)
        spender = self._find(found) if found else None
        if spender is None:
            return {"spent": False}
        vin = [item.coin for item in spender.inputs].index(coin)
        status = self._status(spender.id)
        return {"spent": True, "txid": spender.id, "vin": vin, "status": status}

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
        ids = list(reversed(self.node.index.history.get(key, [])))
        if rest and rest[0] == "chain":
            start = ids.index(rest[1]) + 1 if len(rest) > 1 else 0
            return [self._tx(self.node.index.mined[txid][0]) for txid in ids[start : start + PAGE]]
        waiting = [
            tx
            for tx in self.node.waiting.values()
            if any(script_key(script) == key for script in tx.scripts())
        ]
        mined = [self.node.index.mined[txid][0] for txid in ids[:PAGE]]
        return [self._tx(tx) for tx in waiting + mined]


def _output(output: tuple[int, bytes]) -> dict[str, Json]:
    return {"value": output[0], "scriptpubkey": output[1].hex()}


def _whole(text: str) -> int:
    """Return a number of a path; raise `ValueError`."""
    if not (text.isascii() and text.isdigit() and len(text) < 10):
        raise ValueError(f"not a number: {text[:20]!r}")
    return int(text)


def _between(found: Json, least: int, most: int) -> int:
    """Return a number of a request; raise `ValueError`."""
    if type(found) is not int or not least <= found <= most:
        raise ValueError(f"a whole number from {least} to {most}")
    return found
