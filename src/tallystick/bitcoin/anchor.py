"""Anchoring: a checkpoint's size and root in a Bitcoin transaction that is made anyway.

One output that nobody can spend, of no value: ``OP_RETURN`` and 44 bytes, the tag ``TLOG``, the
size as eight bytes (larger first) and the root. Once it is mined, so many entries provably existed
before that block, and no log that differs in one of them can claim to. The signer signs no other
data (`is_anchor`); the verifier looks the transaction up on a chain of the reader's own choosing.
"""

from __future__ import annotations

from typing import Final

import msgspec

from tallystick.bitcoin.chain import Chain, open_chain
from tallystick.bitcoin.errors import BitcoinError
from tallystick.bitcoin.transaction import outputs_of
from tallystick.core.tlog import checkers
from tallystick.core.tlog.checkers import View
from tallystick.core.tlog.errors import BadProof
from tallystick.core.tlog.merkle import HASH_BYTES
from tallystick.core.tlog.publish import ANCHORS
from tallystick.core.tlog.report import Caught, Fault

TAG: Final = b"TLOG"
SIZE_BYTES: Final = 8
DATA_BYTES: Final = len(TAG) + SIZE_BYTES + HASH_BYTES
OP_RETURN: Final = 0x6A
LOOKED_UP_MAX: Final = 50
"""So many of the newest anchors are looked up; the chain may be slow."""


class Anchor(msgspec.Struct, frozen=True):
    """Where a checkpoint is anchored, as ``artefacts/anchors.json`` lists it; ``root`` in hex."""

    txid: str
    size: int
    root: str


def anchor_data(size: int, root: bytes) -> bytes:
    """Return the bytes behind OP_RETURN."""
    return TAG + size.to_bytes(SIZE_BYTES, "big") + root


def anchor_output(size: int, root: bytes) -> tuple[bytes, int]:
    """Return the output that anchors a checkpoint: its script, and 0 satoshis."""
    return bytes([OP_RETURN, DATA_BYTES]) + anchor_data(size, root), 0


def is_anchor(script: bytes, sats: int) -> bool:
    """Say whether an output is an anchor and nothing else."""
    head = bytes([OP_RETURN, DATA_BYTES]) + TAG
    return sats == 0 and len(script) == 2 + DATA_BYTES and script.startswith(head)


def read_anchor(script: bytes, sats: int) -> tuple[int, bytes] | None:
    """Return the size and root that an output anchors, or None if it is no anchor."""
    if not is_anchor(script, sats):
        return None
    data = script[2 + len(TAG) :]
    return int.from_bytes(data[:SIZE_BYTES], "big"), data[SIZE_BYTES:]


def in_words(script: bytes, sats: int) -> str:
    """Say what an anchor is, for those who look at a transaction; nothing for another output."""
    found = read_anchor(script, sats)
    return f"the log's root at {found[0]} entries, {found[1].hex()}" if found else ""


def is_data(script: bytes) -> bool:
    """Say whether nobody can spend an output with this script."""
    return script[:1] == bytes([OP_RETURN])


class AnchorChecker:
    """Checks the anchors that a log names, on the chain that the reader names."""

    name = "anchors"

    def check(self, view: View) -> None:
        """Look each newest anchor up; raise `Caught` for one of another tree."""
        data = view.file(ANCHORS)
        if data is None:
            return
        try:
            named = msgspec.json.decode(data, type=list[Anchor])
        except msgspec.DecodeError as error:
            raise Caught(Fault.BAD_ARTEFACT, f"{ANCHORS} cannot be read: {error}") from error
        for anchor in named[-LOOKED_UP_MAX:]:
            _same_tree(anchor, view)
        url = view.settings.get("chain", "")
        if not url:
            said = f"{len(named)} anchors are named, and fit; none was looked up on a chain"
            view.report.assume("anchors", said)
            return
        try:
            self._look(named[-LOOKED_UP_MAX:], open_chain(url), url, view)
        except BitcoinError as error:
            raise checkers.Unreadable(f"the chain: {error}") from error

    def _look(self, named: list[Anchor], chain: Chain, url: str, view: View) -> None:
        deepest: tuple[int, int] | None = None
        for anchor in named:
            raw, status = chain.raw(anchor.txid), chain.status(anchor.txid)
            if raw is None or status.confirmed_height is None:
                continue  # replaced by one with more fee, or not mined yet
            if anchor_output(anchor.size, bytes.fromhex(anchor.root)) not in outputs_of(raw):
                said = f"transaction {anchor.txid} does not hold the root of {anchor.size} entries"
                raise Caught(Fault.BAD_ARTEFACT, said)
            deepest = max(deepest or (0, 0), (anchor.size, status.confirmed_height))
        if deepest is None:
            view.report.assume("anchors", f"{len(named)} anchors are named, none is mined yet")
            return
        said = f"the first {deepest[0]} entries existed before block {deepest[1]} (asked {url})"
        view.report.prove("anchor", said)


def _same_tree(anchor: Anchor, view: View) -> None:
    if anchor.size > view.signed.size:
        said = f"{anchor.size} entries are anchored, {view.signed.size} are shown"
        raise Caught(Fault.ROLLBACK, said)
    try:
        same = view.root_at(anchor.size).hex() == anchor.root
    except BadProof as error:
        raise Caught(Fault.TAMPERED_TILE, f"the tiles do not lead to the root: {error}") from error
    if not same:
        said = f"the tree of {anchor.size} that {anchor.txid} anchors is not this log's"
        raise Caught(Fault.FORK, said)


checkers.register("anchors", AnchorChecker)
