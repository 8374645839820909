"""Messages signed by an address, and proofs of funds (BIP-322 v2.0.0, 5 June 2026).

A message is signed by a transaction that can never be mined: it spends an output that only exists
in the formula. ``smp`` is its witness, ``ful`` the whole of it, ``pof`` a finalised PSBT of it with
the proven coins as further inputs. Scripts are judged by Bitcoin Core's own code. A proof says that
whoever signed could spend these coins; that they are unspent, and all there are, only a node knows.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from embit import ec

from tallystick.bitcoin import psbt as psbts
from tallystick.bitcoin.embedded.txs import Coin, Reader, Tx, compact, parse, read_tx, sha256d
from tallystick.bitcoin.errors import BadMessageSignature, BadPsbt, ChainRejects

MESSAGE_LENGTH_MAX: Final = 330
"""What a Coldcard signs: 2 to 330 printable ASCII characters (its BIP-322 notes, 2026-08)."""
SIGNATURE_LENGTH_MAX: Final = psbts.PSBT_BYTES_MAX * 4 // 3 + 8
PROVEN_MAX: Final = psbts.INPUTS_MAX - 1
TAG: Final = hashlib.sha256(b"BIP0322-signed-message").digest()
FORMS: Final = ("smp", "ful", "pof")
OP_RETURN: Final = b"\x6a"
NULL_POINT: Final = bytes(32) + b"\xff" * 4
P2WSH: Final = b"\x00\x20"
HALF_ORDER: Final = 0x7FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF5D576E7357A4501DDFE92F46681B20A0


@dataclass(frozen=True, slots=True)
class Proven:
    """A coin that a proof of funds shows control of."""

    txid: str
    vout: int
    sats: int
    script: bytes


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a signature proves: valid at a lock time and an age, with the coins of a proof."""

    form: str
    time: int
    age: int
    proven: tuple[Proven, ...] = ()


def message_hash(message: str) -> bytes:
    """Return the tagged hash of a message."""
    return hashlib.sha256(TAG + TAG + message.encode()).digest()


def to_spend(script: bytes, message: str) -> bytes:
    """Return the formula's first transaction, which holds nothing and can never be mined."""
    sig = b"\x00\x20" + message_hash(message)
    raw = bytes(4) + b"\x01" + NULL_POINT + compact(len(sig)) + sig + bytes(4)
    return raw + b"\x01" + bytes(8) + compact(len(script)) + script + bytes(4)


def to_sign(
    script: bytes,
    message: str,
    more: Sequence[tuple[str, int]] = (),
    version: int = 0,
    locktime: int = 0,
    sequence: int = 0,
) -> bytes:
    """Return the transaction to sign, without witness; ``more`` are the coins to be proven."""
    first = sha256d(to_spend(script, message)) + bytes(4)
    points = [first]
    points += [bytes.fromhex(txid)[::-1] + vout.to_bytes(4, "little") for txid, vout in more]
    raw = version.to_bytes(4, "little") + compact(len(points))
    for at, point in enumerate(points):
        raw += point + b"\0" + (sequence if at == 0 else 0).to_bytes(4, "little")
    return raw + b"\x01" + bytes(8) + b"\x01" + OP_RETURN + locktime.to_bytes(4, "little")


def verify(message: str, script: bytes, signature: str) -> Verdict:
    """Verify a signature of a message by a script; raise `BadMessageSignature` saying why not."""
    if not 0 < len(signature) <= SIGNATURE_LENGTH_MAX:
        raise BadMessageSignature("no signature, or one that is too long")
    form = signature[:3] if signature[:3] in FORMS else "smp"
    raw = _decoded(signature[3:] if signature[:3] in FORMS else signature)
    coins: list[Coin] = [(0, script)]
    proven: list[Proven] = []
    try:
        if form == "smp":
            tx = _simple(raw, script, message)
        elif form == "ful":
            tx = parse(raw)
        else:
            tx, coins, proven = _of_psbt(raw, script, message)
    except (ChainRejects, BadPsbt) as error:
        raise BadMessageSignature(f"not a {form} signature: {error}") from error
    _check_form(tx, script, message, form)
    _check_scripts(tx, coins)
    return Verdict(form, tx.locktime, tx.inputs[0].sequence, tuple(proven))


def _decoded(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise BadMessageSignature("not base 64") from error


def _simple(raw: bytes, script: bytes, message: str) -> Tx:
    """Put a witness stack into the transaction it is for."""
    if script[:2] not in (b"\x00\x14", P2WSH, psbts.TAPROOT):
        raise BadMessageSignature("only a native segwit address signs in the simple form")
    reader = Reader(raw)
    for _ in reader.many():
        reader.chunk()
    if reader.at != len(raw) or raw == b"\0":
        raise BadMessageSignature("the witness stack is empty, or bytes are left behind it")
    bare = to_sign(script, message)
    return parse(bare[:4] + b"\x00\x01" + bare[4:-4] + raw + bare[-4:])


def _of_psbt(raw: bytes, script: bytes, message: str) -> tuple[Tx, list[Coin], list[Proven]]:
    """Put a finalised PSBT together; the coins are what it brings itself."""
    maps = psbts.read(raw)
    said = maps.globals.get(bytes([psbts.GLOBAL_MESSAGE]))
    if said is not None and said != message.encode():
        raise BadMessageSignature("the proof carries another message")
    whole = bytes([psbts.NON_WITNESS_UTXO])
    parents = {parse(part[whole]).id: part[whole] for part in maps.inputs if whole in part}
    coins: list[Coin] = [(0, script)]
    for item, part in zip(maps.tx.inputs[1:], maps.inputs[1:], strict=True):
        claim = part.get(bytes([psbts.WITNESS_UTXO]))
        parent = parents.get(item.coin[0])  # several coins of one transaction bring it once
        if claim is not None and parent is None:
            coins.append(psbts.read_output(claim))
        else:
            known = part if parent is None else {**part, whole: parent}
            coins.append(psbts.coin_of(known, *item.coin))
    proven = [
        Proven(item.coin[0], item.coin[1], sats, coin)
        for item, (sats, coin) in zip(maps.tx.inputs[1:], coins[1:], strict=True)
    ]
    return read_tx(Reader(_with_witness(maps))), coins, proven


def _with_witness(maps: psbts.Maps) -> bytes:
    """Return the transaction with the final scripts and witnesses of its PSBT."""
    tx = maps.tx
    raw, witnesses = tx.version.to_bytes(4, "little", signed=True) + b"\0\1", b""
    raw += compact(len(tx.inputs))
    for item, part in zip(tx.inputs, maps.inputs, strict=True):
        sig = part.get(bytes([psbts.FINAL_SIG]), b"")
        raw += bytes.fromhex(item.coin[0])[::-1] + item.coin[1].to_bytes(4, "little")
        raw += compact(len(sig)) + sig + item.sequence.to_bytes(4, "little")
        witnesses += part.get(bytes([psbts.FINAL_WITNESS]), b"\0")
    raw += compact(len(tx.outputs))
    for sats, script in tx.outputs:
        raw += sats.to_bytes(8, "little") + compact(len(script)) + script
    if set(witnesses) == {0}:
        return raw[:4] + raw[6:] + tx.locktime.to_bytes(4, "little")
    return raw + witnesses + tx.locktime.to_bytes(4, "little")


def _check_form(tx: Tx, script: bytes, message: str, form: str) -> None:
    expected = sha256d(to_spend(script, message))[::-1].hex()
    if tx.inputs[0].coin != (expected, 0):
        raise BadMessageSignature("it signs another message, or for another address")
    if tx.outputs != [(0, OP_RETURN)]:
        raise BadMessageSignature("its one output is not empty")
    if form != "pof" and len(tx.inputs) != 1:
        raise BadMessageSignature("only a proof of funds has further inputs")
    if tx.version not in (0, 2) or len(tx.inputs) > PROVEN_MAX + 1:
        raise BadMessageSignature(f"version {tx.version}, {len(tx.inputs)} inputs")
    if len({item.coin for item in tx.inputs}) != len(tx.inputs):
        raise BadMessageSignature("a coin is proven twice")


def _check_scripts(tx: Tx, coins: Sequence[Coin]) -> None:
    """Run every input's script in Bitcoin Core's code, and check what policy adds to it."""
    import pbk
    from pbk.script import PrecomputedTransactionData, ScriptVerificationFlags

    whole = pbk.Transaction(tx.raw)
    outputs = [pbk.TransactionOutput(pbk.ScriptPubkey(script), sats) for sats, script in coins]
    data = PrecomputedTransactionData(whole, outputs)
    for at, (sats, script) in enumerate(coins):
        _check_signatures(tx, at, script)
        verify_ = pbk.ScriptPubkey(script).verify
        if not verify_(sats, whole, data, at, ScriptVerificationFlags.ALL):
            raise BadMessageSignature(f"input {at}: the signature does not verify")


def _check_signatures(tx: Tx, at: int, script: bytes) -> None:
    """Refuse a sighash type but ALL (DEFAULT for taproot), and an ECDSA signature with high S."""
    item = tx.inputs[at]
    if script.startswith(psbts.TAPROOT):
        found = [one for one in item.witness[: len(item.witness) - 2 or 1] if len(one) == 65]
        if any(one[64] != psbts.SIGHASH_ALL for one in found):
            raise BadMessageSignature(f"input {at}: a sighash type that is not ALL")
        return
    stack = item.witness[:-1] if script.startswith(P2WSH) or item.script_sig else item.witness
    for one in [*stack, *_pushes(item.script_sig)]:
        if 9 <= len(one) <= 73 and one[0] == 0x30:
            if one[-1] != psbts.SIGHASH_ALL:
                raise BadMessageSignature(f"input {at}: a sighash type that is not ALL")
            if not _strict(one[:-1]):
                raise BadMessageSignature(f"input {at}: a signature in another form than the one")


def _strict(body: bytes) -> bool:
    """Say whether a signature is in its one DER form, with the lower S (BIP-66, BIP-146)."""
    try:
        if ec.Signature.parse(body).serialize() != body:
            return False
        start = 6 + body[3]
        return int.from_bytes(body[start : start + body[start - 1]], "big") <= HALF_ORDER
    except (ValueError, IndexError, ec.ECError):
        return False


def _pushes(script: bytes) -> list[bytes]:
    found, at = [], 0
    while at < len(script) and 0 < script[at] <= 75:
        found.append(script[at + 1 : at + 1 + script[at]])
        at += 1 + script[at]
    return found


def check_message(message: str) -> None:
    """Check that devices can sign a message; raise `BadMessageSignature`."""
    if not re.fullmatch(r"[ -~]+", message) or not 2 <= len(message) <= MESSAGE_LENGTH_MAX:
        raise BadMessageSignature(
            f"a message of 2 to {MESSAGE_LENGTH_MAX} printable ASCII characters, not "
            f"{len(message)} of any"
        )


def proof_of(maps: psbts.Maps, final: bytes, message: str) -> str:
    """Return the ``pof`` text of a signed PSBT and its final transaction."""
    inputs = [
        {key: value for key, value in part.items() if key[0] in (0x00, 0x01)}
        for part in maps.inputs
    ]
    for part, witness in zip(inputs, psbts.witnesses(final), strict=True):
        stack = compact(len(witness)) + b"".join(compact(len(one)) + one for one in witness)
        part[bytes([psbts.FINAL_WITNESS])] = stack
    first = {**maps.globals, bytes([psbts.GLOBAL_MESSAGE]): message.encode()}
    done = psbts.Maps(maps.tx, first, inputs, [{} for _ in maps.outputs])
    return "pof" + done.text()


def simple_of(final: bytes) -> str:
    """Return the ``smp`` text of a final transaction."""
    witness = psbts.witnesses(final)[0]
    stack = compact(len(witness)) + b"".join(compact(len(one)) + one for one in witness)
    return "smp" + base64.b64encode(stack).decode()


def full_of(final: bytes) -> str:
    """Return the ``ful`` text of a final transaction."""
    return "ful" + base64.b64encode(final).decode()
