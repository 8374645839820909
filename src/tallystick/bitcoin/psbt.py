"""Partially signed transactions as maps of bytes (BIP-174, BIP-371), read strictly and whole.

A library would forgive and forget what it does not know; here every field is seen, so that what a
signer hands back can be compared field by field with what it was given. Signatures are verified
over the digest of the very bytes (BIP-143, BIP-341, BIP-342), reckoned by embit on libsecp256k1.
"""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass
from io import BytesIO
from typing import Any, Final

from embit import ec
from embit.psbt import PSBT
from embit.script import Script
from embit.transaction import Transaction

from tallystick.bitcoin.embedded.txs import Reader, Tx, compact, parse, read_tx
from tallystick.bitcoin.errors import BadPsbt, ChainRejects

PSBT_BYTES_MAX: Final = 2_000_000
"""A Coldcard Q takes 2 MB (Electrum and Coldcard notes); nothing larger is read here."""
INPUTS_MAX: Final = 1_000
OUTPUTS_MAX: Final = 1_000
MAGIC: Final = b"psbt\xff"
TAPROOT: Final = b"\x51\x20"

UNSIGNED_TX, GLOBAL_XPUB, GLOBAL_MESSAGE, VERSION = 0x00, 0x01, 0x09, 0xFB
NON_WITNESS_UTXO, WITNESS_UTXO, PARTIAL_SIG, SIGHASH = 0x00, 0x01, 0x02, 0x03
WITNESS_SCRIPT, BIP32, FINAL_SIG, FINAL_WITNESS = 0x05, 0x06, 0x07, 0x08
TAP_KEY_SIG, TAP_SCRIPT_SIG, TAP_LEAF, TAP_BIP32 = 0x13, 0x14, 0x15, 0x16
INPUT_NAMES: Final = {
    NON_WITNESS_UTXO: "the transaction spent from",
    WITNESS_UTXO: "the coin spent",
    PARTIAL_SIG: "a signature",
    SIGHASH: "the sighash type",
    0x04: "the redeem script",
    WITNESS_SCRIPT: "the witness script",
    BIP32: "a key's path",
    FINAL_SIG: "a final script",
    FINAL_WITNESS: "a final witness",
    TAP_KEY_SIG: "a taproot key signature",
    TAP_SCRIPT_SIG: "a taproot script signature",
    TAP_LEAF: "a taproot leaf",
    TAP_BIP32: "a taproot key's path",
    0x17: "the taproot internal key",
    0x18: "the taproot merkle root",
}
OUTPUT_NAMES: Final = {
    0x00: "the redeem script",
    0x01: "the witness script",
    0x02: "a key's path",
    0x05: "the taproot internal key",
    0x06: "the taproot tree",
    0x07: "a taproot key's path",
}
GLOBAL_NAMES: Final = {GLOBAL_XPUB: "an extended key", GLOBAL_MESSAGE: "a message"}
SIGHASH_DEFAULT, SIGHASH_ALL = 0, 1

Map = dict[bytes, bytes]


@dataclass(slots=True)
class Maps:
    """A PSBT as read: its unsigned transaction, and a map for each part."""

    tx: Tx
    globals: Map
    inputs: list[Map]
    outputs: list[Map]

    def serialize(self) -> bytes:
        """Return the PSBT's bytes."""
        parts = (self.globals, *self.inputs, *self.outputs)
        return MAGIC + b"".join(_write_map(part) for part in parts)

    def text(self) -> str:
        """Return the PSBT in base 64."""
        return base64.b64encode(self.serialize()).decode()


def read(given: str | bytes) -> Maps:
    """Read a version 0 PSBT from base 64 or bytes; raise `BadPsbt` naming what is wrong."""
    raw = _bytes_of(given)
    if not raw.startswith(MAGIC):
        raise BadPsbt("these bytes do not begin as a PSBT does")
    try:
        reader = Reader(raw, len(MAGIC))
        first = _read_map(reader)
        unsigned = _unsigned(first)
        inputs = [_read_map(reader) for _ in unsigned.inputs]
        outputs = [_read_map(reader) for _ in unsigned.outputs]
    except (ChainRejects, KeyError) as error:
        raise BadPsbt(f"the PSBT cannot be read: {error}") from error
    if reader.at != len(raw):
        raise BadPsbt("bytes behind the end of the PSBT")
    return Maps(unsigned, first, inputs, outputs)


def _bytes_of(given: str | bytes) -> bytes:
    if isinstance(given, str):
        if len(given) > PSBT_BYTES_MAX * 4 // 3 + 4:
            raise BadPsbt(f"a PSBT of at most {PSBT_BYTES_MAX} bytes")
        try:
            given = base64.b64decode("".join(given.split()), validate=True)
        except (binascii.Error, ValueError) as error:
            raise BadPsbt("not base 64") from error
    if len(given) > PSBT_BYTES_MAX:
        raise BadPsbt(f"a PSBT of at most {PSBT_BYTES_MAX} bytes")
    return given


def _unsigned(first: Map) -> Tx:
    if first.get(bytes([VERSION]), bytes(4)) != bytes(4):
        raise BadPsbt("a PSBT of another version than 0")
    raw = first.get(bytes([UNSIGNED_TX]))
    if raw is None:
        raise BadPsbt("a PSBT without its unsigned transaction (version 2 has none)")
    tx = parse(raw)
    if any(item.script_sig or item.witness for item in tx.inputs):
        raise BadPsbt("the unsigned transaction carries signatures")
    if len(tx.inputs) > INPUTS_MAX or len(tx.outputs) > OUTPUTS_MAX:
        raise BadPsbt(f"more than {INPUTS_MAX} inputs or {OUTPUTS_MAX} outputs")
    return tx


def _read_map(reader: Reader) -> Map:
    found: Map = {}
    while key := reader.chunk():
        if key in found:
            raise BadPsbt(f"field {key[:1].hex()} comes twice in one map")
        found[key] = reader.chunk()
    return found


def _write_map(part: Map) -> bytes:
    pairs = b"".join(
        compact(len(key)) + key + compact(len(value)) + value for key, value in sorted(part.items())
    )
    return pairs + b"\0"


def name_of(kind: int, names: dict[int, str]) -> str:
    """Return what a field is called in messages."""
    return names.get(kind, f"an unknown field 0x{kind:02x}")


def coin_of(part: Map, txid: str, vout: int) -> tuple[int, bytes]:
    """Return satoshis and script of the coin an input spends, as its own transaction says.

    For segwit version 0 a signature covers the amount of its own input only, so the amount is read
    from the whole transaction, which must hash to the identifier. A taproot signature covers every
    amount and script, so there the claim is enough (BIP-341). Raise `BadPsbt`.
    """
    raw = part.get(bytes([NON_WITNESS_UTXO]))
    claim = part.get(bytes([WITNESS_UTXO]))
    if raw is None:
        if claim is not None and read_output(claim)[1].startswith(TAPROOT):
            return read_output(claim)
        raise BadPsbt("an input does not bring the transaction that it spends from")
    parent = parse(raw)
    if parent.id != txid or vout >= len(parent.outputs):
        raise BadPsbt("an input brings another transaction than the one it spends from")
    sats, script = parent.outputs[vout]
    if claim is not None and read_output(claim) != (sats, script):
        raise BadPsbt("an input claims another coin than the transaction it spends from holds")
    return sats, script


def read_output(raw: bytes) -> tuple[int, bytes]:
    """Return satoshis and script of a serialised output; raise `BadPsbt`."""
    try:
        reader = Reader(raw)
        found = (reader.number(8), reader.chunk())
    except ChainRejects as error:
        raise BadPsbt(f"not an output: {error}") from error
    if reader.at != len(raw):
        raise BadPsbt("bytes behind the end of an output")
    return found


def read_path(value: bytes) -> tuple[str, tuple[int, ...]]:
    """Return fingerprint (hex) and steps of a key's path; raise `BadPsbt`."""
    if len(value) < 4 or len(value) % 4:
        raise BadPsbt("a key's path of an odd length")
    steps = (int.from_bytes(value[i : i + 4], "little") for i in range(4, len(value), 4))
    return value[:4].hex(), tuple(steps)


def paths_of(part: Map, plain: int, tap: int) -> dict[bytes, tuple[str, tuple[int, ...]]]:
    """Return each public key's fingerprint and path, of segwit version 0 and of taproot."""
    found = {}
    for key, value in part.items():
        if key[0] == plain and len(key) in (34, 66):
            found[key[1:]] = read_path(value)
        elif key[0] == tap and len(key) == 33:
            try:
                reader = Reader(value)
                reader.take(32 * reader.count())
            except ChainRejects as error:
                raise BadPsbt(f"a taproot key's path cannot be read: {error}") from error
            found[key[1:]] = read_path(value[reader.at :])
    return found


@dataclass(frozen=True, slots=True)
class Signature:
    """One signature of one input: the field that holds it, and the public key it should be of."""

    field: bytes
    value: bytes
    key: bytes


def signatures_of(part: Map) -> list[Signature]:
    """Return the signatures that an input holds, not yet verified."""
    return [
        Signature(key, value, key[1:33] if key[0] == TAP_SCRIPT_SIG else key[1:])
        for key, value in sorted(part.items())
        if key[0] in (PARTIAL_SIG, TAP_SCRIPT_SIG, TAP_KEY_SIG)
    ]


class ExactPsbt(PSBT):  # type: ignore[misc]
    """embit's PSBT over the transaction as it is, parsed once.

    embit by itself builds it anew for each hash, and takes version 0 for 2 and sequence 0 for the
    highest, which a message's transaction (BIP-322) does not survive.
    """

    _exact: Any = None

    @property
    def tx(self) -> Any:
        """Return the unsigned transaction; its hashes are kept with it."""
        return self._exact or super().tx

    @classmethod
    def of(cls, maps: Maps) -> Any:
        """Return the PSBT of these maps."""
        made = cls.read_from(BytesIO(maps.serialize()))
        made._exact = Transaction.parse(maps.globals[bytes([UNSIGNED_TX])])
        return made


class Sighashes:
    """What each signature of one PSBT must sign. The values come from the PSBT given here."""

    def __init__(self, given: Maps) -> None:
        self._psbt = ExactPsbt.of(given)
        self._inputs = given.inputs
        self._hashes: dict[tuple[int, int, bytes], bytes] = {}

    def verify(self, number: int, signature: Signature) -> str:
        """Return "" for a good signature with SIGHASH_ALL (or DEFAULT), else what is wrong."""
        try:
            if signature.field[0] == PARTIAL_SIG:
                return self._verify_ecdsa(number, signature)
            return self._verify_schnorr(number, signature)
        except (ValueError, ec.ECError, KeyError) as error:
            return f"is not a signature: {error}"

    def _verify_ecdsa(self, number: int, signature: Signature) -> str:
        body, kind = signature.value[:-1], signature.value[-1:]
        if kind != bytes([SIGHASH_ALL]):
            return f"has sighash type 0x{kind.hex()}; only ALL is taken"
        if signature.key not in paths_of(self._inputs[number], BIP32, TAP_BIP32):
            return "is of a key that this coin does not name"
        parsed = ec.Signature.parse(body)
        if parsed.serialize() != body:
            return "is not in its one strict form"
        key = ec.PublicKey.parse(signature.key)
        if not key.verify(parsed, self._hash(number, SIGHASH_ALL, b"")):
            return "does not verify against this transaction"
        return ""

    def _verify_schnorr(self, number: int, signature: Signature) -> str:
        body, kind = signature.value[:64], signature.value[64:]
        if kind not in (b"", bytes([SIGHASH_ALL])) or len(body) != 64:
            return f"has sighash type 0x{kind.hex()}; only ALL and DEFAULT are taken"
        if signature.field[0] == TAP_KEY_SIG:
            return "spends by the key path, which no vault here has"
        script = self._leaf(number, signature.field[33:65])
        if script is None:
            return "is for a script that this coin does not have"
        digest = self._hash(number, kind[0] if kind else SIGHASH_DEFAULT, script)
        key = ec.PublicKey.from_xonly(signature.key)
        if signature.key not in script or not key.schnorr_verify(ec.SchnorrSig(body), digest):
            return "does not verify against this transaction"
        return ""

    def _leaf(self, number: int, leaf: bytes) -> bytes | None:
        """Return the script whose tapleaf hash this is, among those that the input names."""
        from embit.hashes import tagged_hash

        for key, value in self._inputs[number].items():
            if key[0] == TAP_LEAF and len(value) > 1:
                script = value[:-1]
                if tagged_hash("TapLeaf", value[-1:] + compact(len(script)) + script) == leaf:
                    return script
        return None

    def _hash(self, number: int, kind: int, script: bytes) -> bytes:
        known = (number, kind, script)
        if known not in self._hashes:
            more = {"ext_flag": 1, "script": Script(script)} if script else {}
            self._hashes[known] = self._psbt.sighash(number, sighash=kind, **more)
        return self._hashes[known]


def witnesses(raw: bytes) -> list[list[bytes]]:
    """Return each input's witness of a final transaction; raise `BadPsbt`."""
    try:
        return [item.witness for item in read_tx(Reader(raw)).inputs]
    except ChainRejects as error:
        raise BadPsbt(f"not a transaction: {error}") from error
