"""Ask a chain about single coins and blocks: a reader's own source, for checking what others claim.

`Chain` serves wallets; this serves a verifier, who has no wallet and trusts nobody. Three answers
are enough: the block of a height, what an output holds and since when, and when it was spent.
``embedded:`` and ``esplora+http(s):`` ask Esplora's routes, ``bitcoind+http(s)://user:password@…``
a node's own interface; a pruned node, or one without ``-txindex``, does for coins still unspent.
"""

from __future__ import annotations

import base64
from dataclasses import dataclass
from typing import Any, Final, Protocol
from urllib.parse import urlsplit, urlunsplit

import httpx

from tallystick.bitcoin.errors import BadChainUrl, ChainUnreachable

ASK_S_MAX: Final = 20
ANSWER_BYTES_MAX: Final = 20_000_000
BLOCKS_SCANNED_MAX: Final = 4_320
"""How far back a node is asked block by block for a spend: some 30 days."""


@dataclass(frozen=True, slots=True)
class Output:
    """What an output holds. ``height`` is None while it is not mined."""

    sats: int
    script: bytes
    height: int | None


class Lookup(Protocol):
    """A source of single facts. Every method may raise `ChainUnreachable`."""

    def tip(self) -> int:
        """Return the height of the last block."""

    def block_hash(self, height: int) -> str | None:
        """Return the hash of the block at a height, or None."""

    def output(self, txid: str, vout: int) -> Output | None:
        """Return an output, or None if there is no such transaction or output."""

    def spent(self, txid: str, vout: int, since: int) -> int | None:
        """Return the height at which it was spent (0 while unconfirmed), or None if it was not.

        A source that cannot say exactly looks at the blocks after ``since`` only.
        """

    def close(self) -> None:
        """Let go of the connection."""


def open_lookup(url: str) -> Lookup:
    """Open a reader's own source by its URL; raise `BadChainUrl`. Nothing is asked of it yet."""
    scheme, _, rest = url.partition(":")
    if scheme == "embedded" and rest.startswith("http://127.0.0.1:"):
        return EsploraLookup(rest)
    if scheme in ("esplora+http", "esplora+https"):
        return EsploraLookup(url.removeprefix("esplora+"))
    if scheme in ("bitcoind+http", "bitcoind+https"):
        return NodeLookup(url.removeprefix("bitcoind+"))
    forms = "embedded:, esplora+http(s):, bitcoind+http(s)://user:password@host:port"
    raise BadChainUrl(f"{url[:40]!r} is none of {forms}")


class EsploraLookup:
    """Esplora's routes, as public servers and the embedded chain have them."""

    def __init__(self, url: str) -> None:
        self._url = url.rstrip("/")
        self._http = httpx.Client(timeout=ASK_S_MAX, trust_env=False)

    def _get(self, path: str) -> httpx.Response | None:
        try:
            reply = self._http.get(f"{self._url}/{path}")
        except httpx.HTTPError as error:
            raise ChainUnreachable(f"{self._url}: {error!r}"[:200]) from error
        if reply.status_code in (400, 404):
            return None
        if reply.status_code != httpx.codes.OK or len(reply.content) > ANSWER_BYTES_MAX:
            raise ChainUnreachable(f"{self._url}/{path} answers {reply.status_code}")
        return reply

    def close(self) -> None:
        """Let go of the connection."""
        self._http.close()

    def tip(self) -> int:
        """Return the height of the last block."""
        found = self._get("blocks/tip/height")
        if found is None:
            raise ChainUnreachable(f"{self._url} knows no tip")
        return int(found.text)

    def block_hash(self, height: int) -> str | None:
        """Return the hash of the block at a height, or None."""
        found = self._get(f"block-height/{height}")
        return found.text.strip() if found else None

    def output(self, txid: str, vout: int) -> Output | None:
        """Return an output, or None."""
        found = self._get(f"tx/{txid}")
        if found is None:
            return None
        tx = found.json()
        if vout >= len(tx["vout"]):
            return None
        out, status = tx["vout"][vout], tx["status"]
        height = status.get("block_height") if status.get("confirmed") else None
        return Output(int(out["value"]), bytes.fromhex(out["scriptpubkey"]), height)

    def spent(self, txid: str, vout: int, since: int) -> int | None:
        """Return the height at which it was spent, 0 while unconfirmed, or None."""
        found = self._get(f"tx/{txid}/outspend/{vout}")
        if found is None:
            raise ChainUnreachable(f"{self._url} does not know {txid}:{vout}")
        said = found.json()
        if not said.get("spent"):
            return None
        status = said.get("status") or {}
        return int(status["block_height"]) if status.get("confirmed") else 0


class NodeLookup:
    """A reader's own bitcoind, asked by JSON-RPC. It is asked, never rewound."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        if not parts.hostname or parts.username is None:
            raise BadChainUrl("a node is bitcoind+http://user:password@host:port")
        name = f"{parts.username}:{parts.password or ''}"
        where = (parts.scheme, f"{parts.hostname}:{parts.port or 8332}", "/", "", "")
        self._url = urlunsplit(where)
        token = base64.b64encode(name.encode()).decode()
        headers = {"Authorization": f"Basic {token}"}
        self._http = httpx.Client(timeout=ASK_S_MAX, trust_env=False, headers=headers)
        self._spends: dict[int, dict[tuple[str, int], int]] = {}

    def _ask(self, method: str, *params: Any) -> Any:
        """Return a result, or None for the node's own "there is no such thing"."""
        try:
            body = {"jsonrpc": "1.0", "id": 1, "method": method, "params": list(params)}
            reply = self._http.post(self._url, json=body)
            said = reply.json()
        except (httpx.HTTPError, ValueError) as error:
            raise ChainUnreachable(f"{self._url}: {error!r}"[:200]) from error
        problem = said.get("error")
        if problem is not None:
            if problem.get("code") in (-5, -8):
                return None
            raise ChainUnreachable(f"{self._url}: {method}: {problem}"[:200])
        return said["result"]

    def close(self) -> None:
        """Let go of the connection."""
        self._http.close()

    def tip(self) -> int:
        """Return the height of the last block."""
        return int(self._ask("getblockcount"))

    def block_hash(self, height: int) -> str | None:
        """Return the hash of the block at a height, or None."""
        found = self._ask("getblockhash", height)
        return None if found is None else str(found)

    def output(self, txid: str, vout: int) -> Output | None:
        """Return an output: an unspent one by any node, a spent one with ``-txindex``."""
        coin = self._ask("gettxout", txid, vout, False)
        if coin is not None:
            height = self.tip() - int(coin["confirmations"]) + 1
            return _output(coin["value"], coin["scriptPubKey"], height)
        tx = self._ask("getrawtransaction", txid, True)
        if tx is None or vout >= len(tx["vout"]):
            return None
        block = self._ask("getblockheader", tx["blockhash"]) if tx.get("blockhash") else None
        out, height_ = tx["vout"][vout], None if block is None else int(block["height"])
        return _output(out["value"], out["scriptPubKey"], height_)

    def spent(self, txid: str, vout: int, since: int) -> int | None:
        """Return the height of the block after ``since`` that spends it, 0 if it waits, or None."""
        if self._ask("gettxout", txid, vout, True) is not None:
            return None
        if self._ask("gettxout", txid, vout, False) is not None:
            return 0
        tip = self.tip()
        if tip - since > BLOCKS_SCANNED_MAX:
            raise ChainUnreachable(f"{tip - since} blocks to look through for a spend")
        for height in range(since + 1, tip + 1):
            if (txid, vout) in self._block(height):
                return height
        return since

    def _block(self, height: int) -> dict[tuple[str, int], int]:
        """Return what the block at a height spends; each block is asked for once."""
        if height not in self._spends:
            block = self._ask("getblock", self._ask("getblockhash", height), 2)
            self._spends[height] = {
                (item["txid"], item["vout"]): height
                for tx in block["tx"]
                for item in tx["vin"]
                if "txid" in item
            }
        return self._spends[height]


def _output(value: float, script: dict[str, Any], height: int | None) -> Output:
    """Read a node's decimal of bitcoin into satoshis: eight places, exactly."""
    whole, _, part = f"{value:.8f}".partition(".")
    return Output(int(whole) * 10**8 + int(part), bytes.fromhex(script["hex"]), height)
