"""From approved plan to final transaction: whatever differs from the plan is refused and named.

A signed PSBT comes back from a device, a file or a courier, and nothing in it is believed. Its
transaction must be the plan's to the byte, its fields those that it was sent out with, and each
signature must verify over our own copy of the bytes. Only then are signatures, and nothing else,
taken from it. Combining starts from the plan's own PSBT, never from one that came back.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from tallystick.bitcoin import psbt as psbts
from tallystick.bitcoin.embedded.txs import Tx, parse
from tallystick.bitcoin.errors import BadPsbt
from tallystick.bitcoin.psbt import Map, Maps, Sighashes, Signature
from tallystick.reserve import vaults
from tallystick.reserve.key_errors import Differs, NotEnoughSignatures
from tallystick.reserve.plan import Plan, unsigned
from tallystick.reserve.vault import Vault
from tallystick.reserve.wallet import VaultWallet

DIFFERENCES_MAX: Final = 50
SIGNED_PSBTS_MAX: Final = 30
SIGNATURES: Final = (psbts.PARTIAL_SIG, psbts.TAP_SCRIPT_SIG, psbts.TAP_KEY_SIG)
VALUE_LENGTH_SHOWN: Final = 24


@dataclass(frozen=True, slots=True)
class Difference:
    """One thing in a PSBT that is not what was approved."""

    where: str
    what: str
    approved: str = ""
    found: str = ""

    def __str__(self) -> str:
        detail = f": {self.found}" if self.found else ""
        if self.approved:
            detail += f", approved was {self.approved}"
        return f"{self.where}: {self.what}{detail}"


@dataclass(frozen=True, slots=True)
class Combined:
    """The plan's PSBT with every verified signature; ``signers`` are key fingerprints."""

    psbt: str
    signers: tuple[str, ...]


def check_plan(vault: Vault, plan: Plan) -> list[Difference]:
    """Check a stored plan against the vault on record: its descriptor, and all derived from it."""
    if plan.descriptor != vault.descriptor or plan.network != vault.network:
        return [Difference("plan", "another descriptor than the vault's on record")]
    if plan.sequence != vault.sequence(plan.path):
        return [Difference("plan", f"a sequence that is not the {plan.path} path's")]
    return list(_of_own(plan))


def _of_own(plan: Plan) -> Iterator[Difference]:
    """What a plan calls ours must be what the descriptor derives, each script derived anew."""
    for at, coin in enumerate(plan.inputs):
        place = (plan.descriptor, plan.network, coin.branch, coin.number)
        if vaults.script_of(*place).hex() != coin.script:
            yield Difference(f"input {at}", "our descriptor does not derive its script")
    for at, output in enumerate(plan.outputs):
        own = output.own
        if own is None:
            if output.rest:
                yield Difference(f"output {at}", "the rest goes to no vault of ours")
            continue
        derived = vaults.script_of(own.descriptor, plan.network, own.branch, own.number)
        if derived.hex() != output.script:
            yield Difference(f"output {at}", "is called ours, and our descriptor derives another")
    if sum(c.sats for c in plan.inputs) - sum(o.sats for o in plan.outputs) != plan.fee_sats:
        yield Difference("fee", "is not what inputs and outputs leave")
    if plan.fee_sats > plan.fee_sats_max:
        bound, fee = str(plan.fee_sats_max), str(plan.fee_sats)
        yield Difference("fee", "beyond the bound", bound, fee)


def check_signed(plan: Plan, given: str | bytes) -> list[Difference]:
    """Return each difference between an approved plan and a PSBT that came back, named.

    An empty list means: this transaction, these fields, and each signature verifies.
    """
    try:
        ours = psbts.read(plan.psbt)
    except BadPsbt as error:
        return [Difference("plan", f"the PSBT on record: {error}")]
    return [*_of_plan(plan, ours.tx), *compare(ours, given)][:DIFFERENCES_MAX]


def compare(ours: Maps, given: str | bytes) -> list[Difference]:
    """Return each difference between a PSBT that went out and one that came back."""
    try:
        theirs = psbts.read(given)
    except BadPsbt as error:
        return [Difference("PSBT", str(error))]
    found = list(_of_transaction(ours.tx, theirs.tx))
    if found or ours.tx.raw != theirs.tx.raw:
        return found or [Difference("transaction", "other bytes")]
    found += _of_fields("global", ours.globals, theirs.globals, psbts.GLOBAL_NAMES)
    for at, (mine, other) in enumerate(zip(ours.outputs, theirs.outputs, strict=True)):
        found += _of_fields(f"output {at}", mine, other, psbts.OUTPUT_NAMES)
    hashes = Sighashes(ours)
    for at, (mine, other) in enumerate(zip(ours.inputs, theirs.inputs, strict=True)):
        found += _of_input(at, mine, other, hashes)
    return found


def _of_plan(plan: Plan, tx: Tx) -> Iterator[Difference]:
    """Our own stored PSBT must be the plan's, and the plan must hold by itself."""
    if tx.id != plan.txid or tx.raw != unsigned(plan):
        yield Difference("plan", "the PSBT on record is not the plan's")
    yield from _of_own(plan)


def _of_transaction(ours: Tx, theirs: Tx) -> Iterator[Difference]:
    if theirs.version != ours.version:
        yield Difference("version", "differs", str(ours.version), str(theirs.version))
    if theirs.locktime != ours.locktime:
        yield Difference("lock time", "differs", str(ours.locktime), str(theirs.locktime))
    if len(theirs.inputs) != len(ours.inputs):
        counts = (str(len(ours.inputs)), str(len(theirs.inputs)))
        yield Difference("inputs", "another number", *counts)
    for at, (mine, other) in enumerate(zip(ours.inputs, theirs.inputs, strict=False)):
        if other.coin != mine.coin:
            names = (f"{mine.coin[0]}:{mine.coin[1]}", f"{other.coin[0]}:{other.coin[1]}")
            yield Difference(f"input {at}", "spends another coin", *names)
        if other.sequence != mine.sequence:
            numbers = (f"0x{mine.sequence:08x}", f"0x{other.sequence:08x}")
            yield Difference(f"input {at}", "sequence differs", *numbers)
    if len(theirs.outputs) != len(ours.outputs):
        counts = (str(len(ours.outputs)), str(len(theirs.outputs)))
        yield Difference("outputs", "another number", *counts)
    for at, (mine_, other_) in enumerate(zip(ours.outputs, theirs.outputs, strict=False)):
        if other_[1] != mine_[1]:
            yield Difference(f"output {at}", "script differs", mine_[1].hex(), other_[1].hex())
        if other_[0] != mine_[0]:
            yield Difference(f"output {at}", "amount differs", str(mine_[0]), str(other_[0]))
    sums = sum(sats for sats, _ in ours.outputs), sum(sats for sats, _ in theirs.outputs)
    if sums[0] != sums[1]:
        yield Difference("fee", f"differs by {sums[0] - sums[1]} sats")


def _of_fields(where: str, ours: Map, theirs: Map, names: dict[int, str]) -> Iterator[Difference]:
    """A field may be left out by a signer; none may be changed or added."""
    for key, value in theirs.items():
        name = psbts.name_of(key[0], names)
        if key not in ours:
            yield Difference(where, f"{name} was added", "", _shown(value))
        elif ours[key] != value:
            yield Difference(where, f"{name} was changed", _shown(ours[key]), _shown(value))


def _shown(value: bytes) -> str:
    return value.hex() if len(value) <= VALUE_LENGTH_SHOWN else f"{value[:12].hex()}…"


def _of_input(at: int, ours: Map, theirs: Map, hashes: Sighashes) -> Iterator[Difference]:
    where = f"input {at}"
    plain = {k: v for k, v in theirs.items() if k[0] not in (*SIGNATURES, psbts.SIGHASH)}
    yield from _of_fields(where, ours, plain, psbts.INPUT_NAMES)
    kind = theirs.get(bytes([psbts.SIGHASH]))
    taproot = any(key[0] == psbts.TAP_LEAF for key in ours)
    allowed = {bytes(4), b"\1\0\0\0"} if taproot else {b"\1\0\0\0"}
    if kind is not None and kind not in allowed:
        yield Difference(where, "sighash type differs", "ALL", f"0x{kind[::-1].hex()}")
    for signature in psbts.signatures_of(theirs):
        if wrong := hashes.verify(at, signature):
            yield Difference(where, f"the signature of {signature.key.hex()[:20]}… {wrong}")


def combine(plan: Plan, given: Sequence[str | bytes]) -> Combined:
    """Take the verified signatures of PSBTs that came back; raise `Differs` naming each difference.

    Nothing is taken from any of them if one differs: which of them is false is for people to find.
    """
    wrong = [str(one) for one in _of_plan(plan, psbts.read(plan.psbt).tx)]
    if wrong:
        raise Differs(differences=tuple(wrong))
    return join(plan.psbt, given)


def join(sent: str, given: Sequence[str | bytes]) -> Combined:
    """Take the verified signatures of PSBTs that came back for the one that was sent."""
    if not 0 < len(given) <= SIGNED_PSBTS_MAX:
        raise Differs(f"{len(given)} signed PSBTs; from 1 to {SIGNED_PSBTS_MAX}")
    ours = psbts.read(sent)
    wrong = [
        f"PSBT {at + 1} of {len(given)}, {difference}"
        for at, one in enumerate(given)
        for difference in compare(ours, one)
    ]
    if wrong:
        raise Differs(differences=tuple(wrong[:DIFFERENCES_MAX]))
    for one in given:
        for part, other in zip(ours.inputs, psbts.read(one).inputs, strict=True):
            part.update({s.field: s.value for s in psbts.signatures_of(other)})
    return Combined(ours.text(), signers_of(ours))


def signers_of(signed: Maps) -> tuple[str, ...]:
    """Return the fingerprints of those who signed every input, in the PSBT's own word."""
    whole: set[str] | None = None
    for part in signed.inputs:
        paths = psbts.paths_of(part, psbts.BIP32, psbts.TAP_BIP32)
        here = {paths[s.key][0] for s in psbts.signatures_of(part) if s.key in paths}
        whole = here if whole is None else whole & here
    return tuple(sorted(whole or ()))


def finalise(plan: Plan, combined: Combined, wallet: VaultWallet) -> bytes:
    """Return the final transaction; raise `NotEnoughSignatures` or `Differs`.

    The result is checked as if it came from a stranger: the same transaction, and each input's
    script satisfied according to Bitcoin Core's own code.
    """
    needed = wallet.vault.signatures_needed(plan.path)
    if len(combined.signers) < needed:
        raise NotEnoughSignatures(f"{len(combined.signers)} of {needed} have signed every input")
    raw = wallet.finalise(combined.psbt, plan.path)
    check_final(plan, raw)
    return raw


def check_final(plan: Plan, raw: bytes) -> None:
    """Check final bytes against the plan and by script; raise `Differs`."""
    tx = parse(raw)
    if tx.id != plan.txid:
        raise Differs(f"the final transaction is {tx.id}, approved was {plan.txid}")
    for at in refused_inputs(plan, tx):
        raise Differs(f"input {at}: its script is not satisfied")


def refused_inputs(plan: Plan, tx: Tx) -> list[int]:
    """Return the inputs whose scripts Bitcoin Core's code (libbitcoinkernel) does not accept."""
    import pbk
    from pbk.script import PrecomputedTransactionData, ScriptVerificationFlags

    whole = pbk.Transaction(tx.raw)
    coins = [(coin.sats, pbk.ScriptPubkey(bytes.fromhex(coin.script))) for coin in plan.inputs]
    data = PrecomputedTransactionData(
        whole, [pbk.TransactionOutput(script, sats) for sats, script in coins]
    )
    return [
        at
        for at, (sats, script) in enumerate(coins)
        if not script.verify(sats, whole, data, at, ScriptVerificationFlags.ALL)
    ]


def has_signed(plan: Plan, given: str | bytes) -> tuple[str, ...]:
    """Return who signed every input of one PSBT; raise `Differs`."""
    return combine(plan, [given]).signers


__all__ = [
    "Combined",
    "Difference",
    "Signature",
    "check_final",
    "check_plan",
    "check_signed",
    "combine",
    "compare",
    "finalise",
    "has_signed",
    "join",
    "refused_inputs",
    "signers_of",
]
