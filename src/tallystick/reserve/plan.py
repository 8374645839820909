"""A plan: the very transaction that officials approve, and the digest they sign.

The digest binds the vault, each input with its amount and script, each payment, where the rest
goes back to, lock time, sequences and the highest fee. It leaves out the fee chosen now and so the
rest's amount, so that a fee bump within the approved bound is the same approval, and nothing else
is. What is our own is what a descriptor of ours derives at a bounded index, nothing else.
"""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import msgspec

from tallystick.bitcoin.anchor import is_anchor
from tallystick.bitcoin.embedded.txs import Coin, compact, sha256d
from tallystick.bitcoin.status import FEE_SAT_PER_KVB_MAX, FEE_SAT_PER_KVB_MIN
from tallystick.core import journal
from tallystick.reserve import vaults
from tallystick.reserve.key_errors import BadPlan
from tallystick.reserve.vault import Path, Vault

INPUTS_MAX: Final = 250
OUTPUTS_MAX: Final = 100
DUST_SATS: Final = 546
VERSION: Final = 2
LOCKTIME_MAX: Final = 0xFFFFFFFF
DIGEST_TAG: Final = b"tallystick/reserve/plan/1\n"


@dataclass(frozen=True, slots=True)
class VaultCoin:
    """An unspent output of a vault; ``script`` is hex, ``height`` None while unconfirmed."""

    txid: str
    vout: int
    sats: int
    script: str
    branch: int
    number: int
    height: int | None = None

    @property
    def name(self) -> str:
        """Return the coin as ``txid:vout``."""
        return f"{self.txid}:{self.vout}"


@dataclass(frozen=True, slots=True)
class Own:
    """Where an output goes back to: a descriptor of ours, a branch and a number."""

    descriptor: str
    branch: int
    number: int


@dataclass(frozen=True, slots=True)
class PlanOutput:
    """One output. ``own`` says that it stays ours; ``rest`` that it takes what is left."""

    script: str
    sats: int
    own: Own | None = None
    rest: bool = False


@dataclass(frozen=True, slots=True)
class Plan:
    """An unsigned transaction, exact to the byte, and the bound of its fee in satoshis."""

    vault: str
    descriptor: str
    network: str
    path: Path
    sequence: int
    locktime: int
    inputs: tuple[VaultCoin, ...]
    outputs: tuple[PlanOutput, ...]
    fee_sats: int
    fee_sats_max: int
    psbt: str = ""

    @property
    def txid(self) -> str:
        """Return the transaction's identifier, which signatures do not change."""
        return sha256d(unsigned(self))[::-1].hex()

    def to_json(self) -> str:
        """Return the plan as text, to be stored."""
        return msgspec.json.encode(self).decode()

    @classmethod
    def from_json(cls, text: str) -> Plan:
        """Read a stored plan; raise `BadPlan`."""
        try:
            return msgspec.json.decode(text, type=cls)
        except msgspec.MsgspecError as error:
            raise BadPlan(f"not a stored plan: {error}") from error


def unsigned(plan: Plan) -> bytes:
    """Return the transaction's bytes without any witness."""
    raw = VERSION.to_bytes(4, "little") + compact(len(plan.inputs))
    for coin in plan.inputs:
        raw += bytes.fromhex(coin.txid)[::-1] + coin.vout.to_bytes(4, "little")
        raw += b"\0" + plan.sequence.to_bytes(4, "little")
    raw += compact(len(plan.outputs))
    for output in plan.outputs:
        script = bytes.fromhex(output.script)
        raw += output.sats.to_bytes(8, "little") + compact(len(script)) + script
    return raw + plan.locktime.to_bytes(4, "little")


def content_of(plan: Plan) -> dict[str, Any]:
    """Return what the digest binds, as people can read it."""
    return {
        "descriptor": plan.descriptor,
        "network": plan.network,
        "version": VERSION,
        "locktime": plan.locktime,
        "sequence": plan.sequence,
        "inputs": [[c.txid, c.vout, c.sats, c.script] for c in plan.inputs],
        "pays": [[o.script, o.sats] for o in plan.outputs if not o.rest],
        "rest": [[o.script, o.own and dataclasses.astuple(o.own)] for o in plan.outputs if o.rest],
        "own": [o.own and dataclasses.astuple(o.own) for o in plan.outputs],
        "fee_sats_max": plan.fee_sats_max,
    }


def digest_of(plan: Plan) -> str:
    """Return the hash that an approval signs, in hex: SHA-256 over a tag and canonical JSON."""
    return hashlib.sha256(DIGEST_TAG + journal.canonical(content_of(plan))).hexdigest()


def own_place(vault: Vault, branch: int, number: int) -> tuple[str, Own]:
    """Return an own output's script in hex, derived anew, and its place."""
    script = vaults.script_at(vault, branch, number).hex()
    return script, Own(vault.descriptor, branch, number)


def vsize_of(vault: Vault, inputs: int, outputs: Sequence[Coin]) -> int:
    """Return the most virtual bytes a transaction of this shape can have (BIP-141)."""
    parsed = vaults.bdk_descriptor(vault.branch(0), vault.network)
    satisfied = int(parsed.max_weight_to_satisfy()) + 2
    paid = sum(8 + len(compact(len(script))) + len(script) for _, script in outputs)
    bare = 8 + len(compact(inputs)) + len(compact(len(outputs))) + 41 * inputs + paid
    return (4 * bare + 2 + satisfied * inputs + 3) // 4


def draft(  # tidy: one transaction, read from its inputs to its rest
    vault: Vault,
    coins: Sequence[VaultCoin],
    pays: Sequence[PlanOutput],
    rest: tuple[str, Own] | None,
    sat_per_kvb: int,
    fee_sats_max: int,
    path: Path = Path.QUORUM,
    locktime: int = 0,
    inputs_max: int = INPUTS_MAX,
) -> Plan:
    """Plan a movement of exactly these coins; raise `BadPlan`. Sums in satoshis.

    ``pays`` are the outputs of a fixed amount, ``rest`` (from `own_place`) takes what is left; a
    rest too small to be spent is left to the fee, within its bound.
    """
    if not FEE_SAT_PER_KVB_MIN <= sat_per_kvb <= FEE_SAT_PER_KVB_MAX:
        raise BadPlan(f"a fee of {sat_per_kvb} sat/kvB; from 1,000 to 500,000")
    _check_shape(vault, coins, pays, inputs_max, locktime, rest is not None)
    total = sum(coin.sats for coin in coins)
    paid = sum(output.sats for output in pays)
    outputs = list(pays)
    shape = [(o.sats, bytes.fromhex(o.script)) for o in pays]
    if rest is not None:
        size = vsize_of(vault, len(coins), [*shape, (0, bytes.fromhex(rest[0]))])
        left = total - paid - _fee(size, sat_per_kvb)
        if left >= DUST_SATS:
            outputs.append(PlanOutput(rest[0], left, rest[1], rest=True))
    fee = total - sum(output.sats for output in outputs)
    least = _fee(vsize_of(vault, len(coins), [(0, bytes.fromhex(o.script)) for o in outputs]), 1000)
    if fee < least:
        raise BadPlan(f"{total} sats in, {paid} out: the fee would be {fee}, at least {least}")
    if fee > fee_sats_max:
        raise BadPlan(f"the fee would be {fee} sats; at most {fee_sats_max}")
    for output in outputs:
        _check_own(vault, output)
    return Plan(
        vault=vault.id,
        descriptor=vault.descriptor,
        network=vault.network,
        path=path,
        sequence=vault.sequence(path),
        locktime=locktime,
        inputs=tuple(coins),
        outputs=tuple(outputs),
        fee_sats=fee,
        fee_sats_max=fee_sats_max,
    )


def _fee(vsize: int, sat_per_kvb: int) -> int:
    return -(-vsize * sat_per_kvb // 1000)


def _check_shape(
    vault: Vault,
    coins: Sequence[VaultCoin],
    pays: Sequence[PlanOutput],
    inputs_max: int,
    locktime: int,
    has_rest: bool,
) -> None:
    limit = min(inputs_max, INPUTS_MAX)
    if not 0 < len(coins) <= limit:
        raise BadPlan(f"{len(coins)} inputs; from 1 to the {limit} that the signers can take")
    if len({coin.name for coin in coins}) != len(coins):
        raise BadPlan("a coin is named twice")
    if not (pays or has_rest) or len(pays) >= OUTPUTS_MAX:
        raise BadPlan(f"{len(pays)} payments; at most {OUTPUTS_MAX - 1}")
    anchors = [one for one in pays if is_anchor(bytes.fromhex(one.script), one.sats)]
    if len(anchors) > 1:
        raise BadPlan(f"{len(anchors)} anchors of the log; one is enough")
    if any((one.sats < DUST_SATS and one not in anchors) or one.rest for one in pays):
        raise BadPlan(f"a payment holds at least {DUST_SATS} sats")
    if not 0 <= locktime <= LOCKTIME_MAX:
        raise BadPlan(f"a lock time of {locktime}")
    for coin in coins:
        if vaults.script_at(vault, coin.branch, coin.number).hex() != coin.script:
            raise BadPlan(f"{coin.name} does not pay what {vault.name!r} derives at its place")


def _check_own(vault: Vault, output: PlanOutput) -> None:
    limit, own = vault.address_sats_max, output.own
    if own and own.descriptor == vault.descriptor and limit and output.sats > limit:
        raise BadPlan(f"{output.sats} sats on one address of {vault.name!r}; at most {limit}")


def bump(vault: Vault, plan: Plan, sat_per_kvb: int) -> Plan:
    """Return the same plan at a higher fee, taken from the rest alone; raise `BadPlan`.

    The digest stays, so what was approved holds for it; the PSBT is built and signed anew.
    """
    rests = [output for output in plan.outputs if output.rest]
    if len(rests) != 1:
        raise BadPlan("nothing in this plan can pay a higher fee: it has no rest")
    shape = [(o.sats, bytes.fromhex(o.script)) for o in plan.outputs]
    fee = _fee(vsize_of(vault, len(plan.inputs), shape), sat_per_kvb)
    left = rests[0].sats - (fee - plan.fee_sats)
    if fee <= plan.fee_sats:
        raise BadPlan(f"the fee would be {fee} sats, no more than the {plan.fee_sats} now")
    if fee > plan.fee_sats_max:
        raise BadPlan(f"the fee would be {fee} sats; {plan.fee_sats_max} were approved at most")
    if left < DUST_SATS:
        raise BadPlan(f"the rest would hold {left} sats, too few to be spent")
    outputs = tuple(dataclasses.replace(o, sats=left) if o.rest else o for o in plan.outputs)
    bumped = dataclasses.replace(plan, outputs=outputs, fee_sats=fee, psbt="")
    if digest_of(bumped) != digest_of(plan):
        raise BadPlan("a bump changes what was approved")
    return bumped


def cancel(
    vault: Vault, plan: Plan, back: tuple[str, Own], sat_per_kvb: int, fee_sats_max: int
) -> Plan:
    """Return the plan that beats another one: its very coins, all back to the vault, a higher fee.

    It is approved and signed together with what it may have to stop.
    """
    made = draft(vault, plan.inputs, (), back, sat_per_kvb, fee_sats_max, plan.path, plan.locktime)
    size = vsize_of(vault, len(plan.inputs), [(0, bytes.fromhex(back[0]))])
    if made.fee_sats < plan.fee_sats + size or not made.outputs:
        raise BadPlan(f"a cancel needs a fee above {plan.fee_sats + size} sats to be taken")
    return made


def parts(coins: Sequence[VaultCoin], inputs_max: int) -> list[list[VaultCoin]]:
    """Cut a sweep into movements that no signer rejects, oldest coins first."""
    if not 0 < inputs_max <= INPUTS_MAX:
        raise BadPlan(f"from 1 to {INPUTS_MAX} inputs")
    ordered = sorted(coins, key=lambda c: (c.height is None, c.height or 0, c.name))
    return [ordered[at : at + inputs_max] for at in range(0, len(ordered), inputs_max)]
