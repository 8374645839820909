"""What a transaction would do, computed from its bytes and our registered descriptors, no more.

A path or fingerprint in a PSBT is a hint where to look; what is ours is what the descriptor derives
there. An output that carries our fingerprint and another script is a payment to a stranger.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from typing import Any, Final

from bdkpython import bdk

from tallystick.bitcoin import bip322
from tallystick.bitcoin import psbt as psbts
from tallystick.bitcoin.address import NETWORKS
from tallystick.bitcoin.anchor import in_words
from tallystick.bitcoin.descriptor import branches_of, with_checksum
from tallystick.bitcoin.embedded.txs import parse
from tallystick.bitcoin.errors import BadPsbt
from tallystick.bitcoin.psbt import Map, Maps
from tallystick.bitcoin.status import FEE_SAT_PER_KVB_MAX
from tallystick.core import journal
from tallystick.reserve.key_errors import HolderMustConfirm
from tallystick.reserve.signer.way import Way

INDEX_MAX: Final = 1_000_000
"""How far into a branch a hint is believed to lead."""
LOOK_WITHOUT_HINT: Final = 20
"""How many numbers of each branch are tried for an output without a hint."""
INPUTS_MAX: Final = 250
Place = tuple[str, int, int]


class Registered:
    """The descriptors that this signer's holder has registered, by name."""

    def __init__(self, descriptors: Mapping[str, str], network: str, way: Way) -> None:
        self.network, self.way = network, way
        self.branches = {
            name: [with_checksum(one) for one in branches_of(text)]
            for name, text in descriptors.items()
        }

    def place(self, script: bytes, hints: Map, plain: int, tap: int) -> Place | None:
        """Return vault, branch and number that derive this very script, or None."""
        for branch, number in self._numbers(psbts.paths_of(hints, plain, tap)):
            for name, branches in self.branches.items():
                if branch < len(branches) and self._derives(branches[branch], number, script):
                    return name, branch, number
        return None

    def _numbers(self, paths: Mapping[bytes, tuple[str, tuple[int, ...]]]) -> Iterator[Any]:
        tails = {steps[-2:] for _, steps in paths.values() if len(steps) >= 2}
        for branch, number in sorted(tails):
            if branch in (0, 1) and number <= INDEX_MAX:
                yield branch, number
        if not paths:
            yield from ((b, n) for n in range(LOOK_WITHOUT_HINT) for b in (0, 1))

    def _derives(self, descriptor: str, number: int, script: bytes) -> bool:
        return self.way.derive(descriptor, self.network, number)[1] == script


def view_of(given: Maps, registered: Registered) -> dict[str, Any]:
    """Return what the holder must see before signing; raise `BadPsbt`. Sums in satoshis."""
    if len(given.tx.inputs) > INPUTS_MAX:
        raise BadPsbt(f"{len(given.tx.inputs)} inputs; this signer takes {INPUTS_MAX}")
    inputs = [_input(given, at, registered) for at in range(len(given.inputs))]
    message = given.globals.get(bytes([psbts.GLOBAL_MESSAGE]))
    if message is not None:
        return _message_view(given, message, inputs)
    outputs = [_output(given, at, registered) for at in range(len(given.outputs))]
    fee = sum(one["sats"] for one in inputs) - sum(one["sats"] for one in outputs)
    size = len(given.tx.raw)
    if fee < 0 or fee * 1000 > size * FEE_SAT_PER_KVB_MAX:
        raise BadPsbt(f"a fee of {fee} sats for a transaction of {size} bytes and more")
    view: dict[str, Any] = {
        "txid": given.tx.id,
        "version": given.tx.version,
        "locktime": given.tx.locktime,
        "sighash": "ALL",
        "inputs": inputs,
        "outputs": outputs,
        "fee_sats": fee,
        "leaves_sats": sum(one["sats"] for one in outputs if one["vault"] is None),
    }
    return {**view, "digest": digest_of(view)}


def _message_view(given: Maps, message: bytes, inputs: list[dict[str, Any]]) -> dict[str, Any]:
    """Return the view of a message to be signed: it spends an output that cannot exist (BIP-322).

    That is computed: the first input must be the formula's, from this message and our own script.
    """
    text = message.decode("ascii", "replace")
    bip322.check_message(text)
    _, script = psbts.coin_of(given.inputs[0], *given.tx.inputs[0].coin)
    expected = parse(bip322.to_spend(script, text)).id
    if given.tx.inputs[0].coin != (expected, 0) or given.tx.outputs != [(0, b"\x6a")]:
        raise BadPsbt("it carries a message, and is not that message's transaction")
    proven = inputs[1:]
    view: dict[str, Any] = {
        "signs_message": text,
        "txid": given.tx.id,
        "version": given.tx.version,
        "locktime": given.tx.locktime,
        "sighash": "ALL",
        "inputs": inputs,
        "outputs": [],
        "proves_sats": sum(one["sats"] for one in proven),
        "leaves_sats": 0,
        "fee_sats": 0,
    }
    return {**view, "digest": digest_of(view)}


def digest_of(view: Mapping[str, Any]) -> str:
    """Return what the holder confirms, in hex: SHA-256 over the view as canonical JSON."""
    shown = {name: value for name, value in view.items() if name != "digest"}
    return hashlib.sha256(b"tallystick/signer/view/1\n" + journal.canonical(shown)).hexdigest()


def _input(given: Maps, at: int, registered: Registered) -> dict[str, Any]:
    item, part = given.tx.inputs[at], given.inputs[at]
    kind = part.get(bytes([psbts.SIGHASH]), b"\1\0\0\0")
    if kind not in (b"\1\0\0\0", bytes(4)):
        raise BadPsbt(f"input {at} asks for sighash type 0x{kind[::-1].hex()}; only ALL is signed")
    sats, script = psbts.coin_of(part, *item.coin)
    place = registered.place(script, part, psbts.BIP32, psbts.TAP_BIP32)
    if place is None:
        raise BadPsbt(f"input {at} spends a coin of no registered vault")
    coin = f"{item.coin[0]}:{item.coin[1]}"
    return {"coin": coin, "sats": sats, "sequence": item.sequence, **_named(place)}


def _output(given: Maps, at: int, registered: Registered) -> dict[str, Any]:
    sats, script = given.tx.outputs[at]
    place = registered.place(script, given.outputs[at], 0x02, 0x07)
    address = in_words(script, sats) or address_of(script, registered.network)
    return {"address": address, "sats": sats, "script": script.hex(), **_named(place)}


def address_of(script: bytes, network: str) -> str:
    """Return the address of a script as people know it, or its hex where it has none."""
    try:
        return str(bdk.Address.from_script(bdk.Script(script), NETWORKS[network]))
    except bdk.FromScriptError:
        return script.hex()


def _named(place: Place | None) -> dict[str, Any]:
    name, branch, number = place or (None, None, None)
    return {"vault": name, "branch": branch, "number": number}


def check_confirmed(view: Mapping[str, Any], confirmed: str) -> None:
    """Compare what the holder confirmed with what the bytes say; raise `HolderMustConfirm`."""
    if confirmed != view["digest"]:
        raise HolderMustConfirm(
            f"the holder confirmed {confirmed[:16] or 'nothing'}, the bytes say {view['digest']}"
        )
