"""What comes back is compared with what was approved: each alteration is refused and named."""

import base64
import dataclasses
import hashlib
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from embit import bip32, ec
from embit.networks import NETWORKS

from reserve_scene import THEIRS, Chain, devices, plan_of, signed_by, vault_of
from tallystick.bitcoin import psbt as psbts
from tallystick.bitcoin.embedded.txs import parse
from tallystick.bitcoin.errors import BadPsbt
from tallystick.bitcoin.psbt import Maps
from tallystick.reserve import signing
from tallystick.reserve.key_errors import BadPlan, Differs, HolderMustConfirm
from tallystick.reserve.plan import (
    Own,
    Plan,
    PlanOutput,
    bump,
    cancel,
    digest_of,
    draft,
    own_place,
    parts,
)
from tallystick.reserve.vault import Kind

KIND = bytes([psbts.SIGHASH])


class Scene:
    """A 2-of-3 vault with three coins, a plan over two of them, and two signed PSBTs of it."""

    def __init__(self, folder: Path) -> None:
        self.chain = Chain(folder / "chain")
        self.signers = devices(folder, 4)
        self.vault = vault_of(Kind.SORTEDMULTI, self.signers[:3], 2)
        for number in range(3):
            self.chain.fund(self.vault, number, 1_000_000)
        self.chain.mine()
        self.wallet = self.chain.wallet(folder, self.vault)
        for one in self.signers[:3]:
            one.register(self.vault.name, self.vault.descriptor)
        self.coins = self.wallet.coins()
        self.plan = plan_of(self.wallet, self.coins[:2])
        self.signed = [signed_by(one, self.plan) for one in self.signers[:2]]


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    made = Scene(tmp_path_factory.mktemp("binding"))
    yield made
    made.chain.stop()


def edited(text: str, change: Callable[[Maps], None]) -> str:
    maps = psbts.read(text)
    change(maps)
    return maps.text()


def in_tx(old: bytes, new: bytes, which: int = 0) -> Callable[[Maps], None]:
    """Change bytes of the unsigned transaction, as an attacker between server and device would."""

    def change(maps: Maps) -> None:
        raw = maps.globals[b"\0"]
        at = -1
        for _ in range(which + 1):
            at = raw.index(old, at + 1)
        maps.globals[b"\0"] = raw[:at] + new + raw[at + len(old) :]
        parse(maps.globals[b"\0"])

    return change


def le(number: int, width: int = 8) -> bytes:
    return number.to_bytes(width, "little")


def swap_script(maps: Maps) -> None:
    key = next(k for k in maps.inputs[0] if k[0] == psbts.WITNESS_SCRIPT)
    maps.inputs[0][key] = maps.inputs[1][key]


def put(part: str, at: int, key: bytes, value: bytes) -> Callable[[Maps], None]:
    def change(maps: Maps) -> None:
        where = maps.globals if part == "globals" else getattr(maps, part)[at]
        where[key] = value

    return change


def cheaper_coin(maps: Maps) -> None:
    key = bytes([psbts.WITNESS_UTXO])
    sats, script = psbts.read_output(maps.inputs[0][key])
    maps.inputs[0][key] = le(sats - 1) + maps.inputs[0][key][8:]
    assert script


def flip_signature(maps: Maps) -> None:
    one = psbts.signatures_of(maps.inputs[1])[0]
    maps.inputs[1][one.field] = one.value[:20] + bytes([one.value[20] ^ 1]) + one.value[21:]


def signature_elsewhere(maps: Maps) -> None:
    one, other = (psbts.signatures_of(part)[0] for part in maps.inputs)
    maps.inputs[0][one.field] = other.value


def weaker(maps: Maps) -> None:
    one = psbts.signatures_of(maps.inputs[0])[0]
    maps.inputs[0][one.field] = one.value[:-1] + b"\x03"


def stranger_signs(maps: Maps) -> None:
    key = ec.PrivateKey(hashlib.sha256(b"stranger").digest())
    signature = key.sign(hashlib.sha256(b"x").digest()).serialize() + b"\1"
    maps.inputs[0][bytes([psbts.PARTIAL_SIG]) + key.sec()] = signature


def another_coin(maps: Maps) -> None:
    first = bytes.fromhex(maps.tx.inputs[0].coin[0])[::-1]
    in_tx(first, bytes(32))(maps)


def drop_output(maps: Maps) -> None:
    tx = maps.tx
    (sats, script), rest = tx.outputs[0], tx.outputs[1]
    kept = le(sats + rest[0]) + bytes([len(script)]) + script
    head, tail = tx.raw[: 4 + 1 + 41 * 2], tx.raw[-4:]
    maps.globals[b"\0"] = head + b"\1" + kept + tail
    del maps.outputs[1]


def add_output(maps: Maps) -> None:
    tx = maps.tx
    body = tx.raw[4 + 1 + 41 * 2 + 1 : -4]
    more = le(1_000) + bytes([22]) + bytes.fromhex(THEIRS)
    maps.globals[b"\0"] = tx.raw[: 4 + 1 + 41 * 2] + b"\3" + body + more + tx.raw[-4:]
    maps.outputs.append({})


def cosigner_script(maps: Maps) -> None:
    part = maps.outputs[1]
    key = next(k for k in part if k[0] == 0x01)
    part[key] = part[key] + b"\x51"


THEIR_SCRIPT = bytes.fromhex(THEIRS)
ALTERATIONS = {
    "output 0: script differs": in_tx(THEIR_SCRIPT, THEIR_SCRIPT[:-1] + b"\0"),
    "output 0: amount differs": in_tx(le(100_000), le(100_001)),
    "fee: differs by -1000 sats": in_tx(le(100_000), le(101_000)),
    "input 0: sequence differs": in_tx(b"\xfd\xff\xff\xff", b"\xff\xff\xff\xff"),
    "input 1: sequence differs": in_tx(b"\xfd\xff\xff\xff", b"\x05\0\0\0", 1),
    "version: differs": in_tx(b"\2\0\0\0", b"\1\0\0\0"),
    "input 0: spends another coin": another_coin,
    "outputs: another number: 1": drop_output,
    "outputs: another number: 3": add_output,
    "input 0: sighash type differs: 0x00000003": put("inputs", 0, KIND, b"\3\0\0\0"),
    "input 1: sighash type differs: 0x00000081": put("inputs", 1, KIND, b"\x81\0\0\0"),
    "input 0: the witness script was changed": swap_script,
    "input 0: the coin spent was changed": cheaper_coin,
    "input 1: the signature": flip_signature,
    "does not verify against this transaction": signature_elsewhere,
    "has sighash type 0x03; only ALL is taken": weaker,
    "of a key that this coin does not name": stranger_signs,
    "input 0: a final witness was added": put("inputs", 0, b"\x08", b"\0"),
    "input 0: a final script was added": put("inputs", 0, b"\x07", b"\0"),
    "input 0: an unknown field 0x42 was added": put("inputs", 0, b"\x42", b"x"),
    "global: an extended key was added": put("globals", 0, b"\1" + bytes(78), bytes(4)),
    "global: a message was added": put("globals", 0, b"\x09", b"hello"),
    "global: an unknown field 0xfc was added": put("globals", 0, b"\xfcx", b"y"),
    "output 1: the witness script was changed": cosigner_script,
    "output 0: a key's path was added": put("outputs", 0, b"\2" + b"\2" * 33, bytes(12)),
}


@pytest.mark.parametrize("named", ALTERATIONS)
def test_c03_each_field_altered_after_review_is_refused_and_named(named: str, scene: Scene) -> None:
    text = edited(scene.signed[0], ALTERATIONS[named])
    with pytest.raises(Differs) as refusal:
        signing.combine(scene.plan, [scene.signed[1], text])
    assert named in str(refusal.value), refusal.value.differences
    assert all("PSBT 2 of 2" in one for one in refusal.value.differences)


def test_c03_lock_time_altered(scene: Scene) -> None:
    def later(maps: Maps) -> None:
        maps.globals[b"\0"] = maps.globals[b"\0"][:-4] + le(900_000, 4)

    found = signing.check_signed(scene.plan, edited(scene.signed[0], later))
    assert str(found[0]) == "lock time: differs: 900000, approved was 0"


def test_what_was_approved_and_signed_is_combined(scene: Scene) -> None:
    assert signing.check_signed(scene.plan, scene.signed[0]) == []
    combined = signing.combine(scene.plan, scene.signed)
    fingerprints = {one.account.fingerprint for one in scene.signers[:2]}
    assert set(combined.signers) == fingerprints
    raw = signing.finalise(scene.plan, combined, scene.wallet)
    assert parse(raw).id == scene.plan.txid
    assert signing.refused_inputs(scene.plan, parse(raw)) == []
    spoilt = raw.replace(psbts.witnesses(raw)[0][1], b"\x30" * len(psbts.witnesses(raw)[0][1]))
    with pytest.raises(Differs, match="not satisfied"):
        signing.check_final(scene.plan, spoilt)


def test_c03_a_changed_plan_on_record_is_refused_too(scene: Scene) -> None:
    """Whoever owns our database owns the plan; its digest and the descriptor still bind it."""
    plan = scene.plan
    rest = plan.outputs[1]
    stolen = dataclasses.replace(plan, outputs=(plan.outputs[0], replaced(rest, THEIRS)))
    assert digest_of(stolen) != digest_of(plan)
    found = [str(one) for one in signing.check_signed(stolen, scene.signed[0])]
    assert "output 1: is called ours, and our descriptor derives another" in found
    dear = dataclasses.replace(plan, fee_sats_max=plan.fee_sats - 1)
    assert any(
        "beyond the bound" in str(one) for one in signing.check_signed(dear, scene.signed[0])
    )
    other = vault_of(Kind.SORTEDMULTI, [*scene.signers[:2], scene.signers[3]], 2)
    assert [str(one) for one in signing.check_plan(other, plan)] == [
        "plan: another descriptor than the vault's on record"
    ]


def replaced(output: PlanOutput, script: str) -> PlanOutput:
    return dataclasses.replace(output, script=script)


DIGESTED = {
    "locktime": 7,
    "sequence": 5,
    "fee_sats_max": 20_001,
    "network": "signet",
    "descriptor": "wsh(pk(x))",
}


@pytest.mark.parametrize("field", DIGESTED)
def test_the_digest_binds_each_field(field: str, scene: Scene) -> None:
    changed = dataclasses.replace(scene.plan, **{field: DIGESTED[field]})
    assert digest_of(changed) != digest_of(scene.plan)


def test_the_digest_binds_inputs_and_payments(scene: Scene) -> None:
    plan = scene.plan
    variants = [
        dataclasses.replace(plan, inputs=plan.inputs[::-1]),
        dataclasses.replace(plan, inputs=plan.inputs[:1]),
        dataclasses.replace(
            plan, inputs=(dataclasses.replace(plan.inputs[0], sats=1), plan.inputs[1])
        ),
        dataclasses.replace(plan, outputs=plan.outputs[:1]),
        dataclasses.replace(
            plan, outputs=(dataclasses.replace(plan.outputs[0], sats=1), plan.outputs[1])
        ),
        dataclasses.replace(
            plan,
            outputs=(
                plan.outputs[0],
                dataclasses.replace(plan.outputs[1], own=Own(plan.descriptor, 1, 9)),
            ),
        ),
    ]
    assert len({digest_of(one) for one in [plan, *variants]}) == 7


def test_c05_what_only_looks_like_ours_is_an_outside_payment(scene: Scene) -> None:
    """Our fingerprints and paths over another script; another multisig that holds our key."""
    maps = psbts.read(scene.plan.psbt)
    honest = scene.signers[0].show(scene.plan.psbt)
    assert [one["vault"] for one in honest["outputs"]] == [None, scene.vault.name]
    foreign = vault_of(Kind.SORTEDMULTI, [scene.signers[0], *scene.signers[2:4]], 2)
    for script in (b"\x00\x20" + bytes(32), bytes.fromhex(own_place(foreign, 1, 0)[0])):
        old = maps.tx.outputs[1][1]
        text = edited(scene.plan.psbt, in_tx(old, script))
        for signer in scene.signers[:2]:
            shown = signer.show(text)
            assert shown["outputs"][1]["vault"] is None
            assert shown["leaves_sats"] == sum(one["sats"] for one in shown["outputs"])
            with pytest.raises(HolderMustConfirm):
                signer.sign(text, honest["digest"])


def test_a_signer_computes_fee_and_amounts_from_the_bytes(scene: Scene) -> None:
    signer = scene.signers[0]
    shown = signer.show(scene.plan.psbt)
    assert shown["fee_sats"] == scene.plan.fee_sats and shown["txid"] == scene.plan.txid
    parent = bytes([psbts.NON_WITNESS_UTXO])

    def without(maps: Maps) -> None:
        del maps.inputs[0][parent]

    def of_another(maps: Maps) -> None:
        maps.inputs[0][parent] = maps.inputs[1][parent]

    for change, why in (
        (without, "does not bring"),
        (of_another, "brings another"),
        (cheaper_coin, "claims another coin"),
        (put("inputs", 0, KIND, b"\2\0\0\0"), "only ALL is signed"),
    ):
        with pytest.raises(BadPsbt, match=why):
            signer.show(edited(scene.plan.psbt, change))
    with pytest.raises(BadPsbt, match="no registered vault"):
        scene.signers[3].show(scene.plan.psbt)


def test_c12_a_bump_changes_nothing_but_fee_and_rest_within_the_bound(scene: Scene) -> None:
    plan = scene.plan
    bumped = bump(scene.vault, plan, 5_000)
    assert digest_of(bumped) == digest_of(plan)
    assert bumped.inputs == plan.inputs and bumped.outputs[0] == plan.outputs[0]
    assert bumped.outputs[1].script == plan.outputs[1].script
    assert plan.outputs[1].sats - bumped.outputs[1].sats == bumped.fee_sats - plan.fee_sats > 0
    with pytest.raises(BadPlan, match="were approved at most"):
        bump(scene.vault, plan, 200_000)
    with pytest.raises(BadPlan, match="no more than"):
        bump(scene.vault, plan, 1_000)
    coin = scene.coins[0]
    thin = plan_of(scene.wallet, [coin], sats=coin.sats - 2_000, rest=1)
    assert thin.outputs[1].sats > 330
    with pytest.raises(BadPlan, match="too few to be spent"):
        bump(scene.vault, thin, 8_000)


def test_c12_two_versions_never_both_pay_and_neither_takes_the_others_signatures(
    scene: Scene,
) -> None:
    first = plan_of(scene.wallet, scene.coins[2:3], rest=1)
    second = bump(scene.vault, first, 10_000)
    second = dataclasses.replace(second, psbt=scene.wallet.psbt(second))
    raws = []
    for plan in (first, second):
        signed = [signed_by(one, plan) for one in scene.signers[1:3]]
        raws.append(signing.finalise(plan, signing.combine(plan, signed), scene.wallet))
    with pytest.raises(Differs, match="amount differs"):
        signing.combine(second, [signed_by(scene.signers[1], first)])
    for raw in raws:
        scene.chain.node.submit(raw)
    assert list(scene.chain.node.waiting) == [second.txid]


def test_c11_a_cancel_signed_beforehand_beats_what_waits(scene: Scene) -> None:
    scene.chain.fund(scene.vault, 4, 700_000)
    scene.chain.mine()
    scene.chain.chain.sync(scene.wallet)
    coin = next(c for c in scene.wallet.coins() if c.sats == 700_000)
    plan = plan_of(scene.wallet, [coin], rest=2)
    back = cancel(scene.vault, plan, own_place(scene.vault, 1, 3), 10_000, 30_000)
    back = dataclasses.replace(back, psbt=scene.wallet.psbt(back))
    assert digest_of(back) != digest_of(plan)
    raws = [
        signing.finalise(
            one,
            signing.combine(one, [signed_by(s, one) for s in scene.signers[:2]]),
            scene.wallet,
        )
        for one in (plan, back)
    ]
    for raw in raws:
        scene.chain.node.submit(raw)
    assert list(scene.chain.node.waiting) == [back.txid]
    assert all(output.own for output in back.outputs)
    with pytest.raises(BadPlan, match="a cancel needs"):
        cancel(scene.vault, plan, own_place(scene.vault, 1, 3), 2_000, 30_000)


def test_a_plan_that_cannot_be_is_refused(scene: Scene) -> None:
    vault, coins = scene.vault, scene.coins[:2]
    pays, rest = [PlanOutput(THEIRS, 100_000)], own_place(vault, 1, 0)
    cases = {
        "named twice": ([coins[0], coins[0]], pays, rest, {}),
        "from 1 to the 1 that the signers": (coins, pays, rest, {"inputs_max": 1}),
        "the fee would be": (coins, [PlanOutput(THEIRS, 2_000_000)], rest, {}),
        "at most 500": (coins, pays, rest, {"fee_sats_max": 500}),
        "at least 546": (coins, [PlanOutput(THEIRS, 545)], rest, {}),
        "a lock time": (coins, pays, rest, {"locktime": 1 << 32}),
        "does not pay what": (
            [dataclasses.replace(coins[0], number=9)],
            pays,
            rest,
            {},
        ),
        "a fee of 999 sat": (coins, pays, rest, {"sat_per_kvb": 999}),
    }
    for why, (inputs, to, back, more) in cases.items():
        given = {"sat_per_kvb": 2_000, "fee_sats_max": 20_000, **more}
        with pytest.raises(BadPlan, match=why):
            draft(vault, inputs, to, back, **given)
    capped = dataclasses.replace(vault, address_sats_max=500_000)
    with pytest.raises(BadPlan, match="on one address"):
        draft(capped, coins, pays, rest, 2_000, 20_000)
    assert Plan.from_json(scene.plan.to_json()) == scene.plan
    with pytest.raises(BadPlan):
        Plan.from_json("{}")


def test_a_sweep_is_cut_so_that_no_signer_rejects_a_part(scene: Scene) -> None:
    coins = [dataclasses.replace(scene.coins[0], vout=n, height=n % 7) for n in range(3_000)]
    for limit in (20, 100, 250):
        cut = parts(coins, limit)
        assert max(map(len, cut)) <= limit
        assert sorted(c.vout for part in cut for c in part) == list(range(3_000))
    with pytest.raises(BadPlan):
        parts(coins, 251)


def test_a_psbt_is_read_within_limits_and_strictly(scene: Scene) -> None:
    raw = base64.b64decode(scene.plan.psbt)
    for bad, why in (
        (b"psbx" + raw[4:], "do not begin"),
        (raw[:-1], "cannot be read"),
        (raw + b"\0", "behind the end"),
        (b"psbt\xff\0", "without its unsigned"),
        (raw[:5] + b"\1\xfb\4\2\0\0\0" + raw[5:], "another version"),
        (bytes(psbts.PSBT_BYTES_MAX + 1), "at most"),
    ):
        with pytest.raises(BadPsbt, match=why):
            psbts.read(bad)
    with pytest.raises(BadPsbt, match="base 64"):
        psbts.read("nothing!")
    with pytest.raises(BadPsbt, match="at most"):
        psbts.read("A" * (psbts.PSBT_BYTES_MAX * 2))
    assert psbts.read(raw).serialize() == raw


def test_the_same_key_gives_the_same_account_by_both_implementations(scene: Scene) -> None:
    from tallystick.reserve.signer.device import WAYS

    bdk, embit = (WAYS[name]() for name in ("bdk", "embit"))
    words = scene.signers[0].backup()["words"]
    for network in ("bitcoin", "regtest"):
        assert bdk.account(words, network) == embit.account(words, network)
        assert bdk.master(words, network) == embit.master(words, network)
    root = bip32.HDKey.from_string(bdk.master(words, "bitcoin"))
    assert root.version == NETWORKS["main"]["xprv"]
