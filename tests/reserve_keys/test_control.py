"""A quorum proves control of a vault's coins; what is replayed, missing or altered is refused."""

import base64
from collections.abc import Iterator
from pathlib import Path

import pytest

from reserve_scene import Chain, devices, vault_of
from tallystick.bitcoin import bip322
from tallystick.bitcoin import psbt as psbts
from tallystick.bitcoin.errors import BadMessageSignature, BadPsbt
from tallystick.reserve import control, vaults
from tallystick.reserve.key_errors import BadPlan, Differs, HolderMustConfirm, NotEnoughSignatures
from tallystick.reserve.vault import Kind
from tallystick.reserve.wallet import VaultWallet

MESSAGE = control.message_of("main", 120, "ab" * 32, "cd" * 32, "2026-11-28")


class Scene:
    """A chain, and of each kind one vault with two coins and its holders."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.chain = folder, Chain(folder / "chain")
        self.signers = devices(folder, 5, seed=5)
        self.wallets = {
            kind: self.build(kind) for kind in (Kind.SORTEDMULTI, Kind.TAPROOT_RECOVERY)
        }

    def build(self, kind: Kind) -> VaultWallet:
        more, later = {}, []
        if kind is Kind.TAPROOT_RECOVERY:
            more, later = {"recovery_quorum": 1, "older_blocks": 9}, self.signers[3:4]
        vault = vault_of(kind, self.signers[:3], 2, later, **more)
        for one in self.signers[:3]:
            one.register(vault.name, vault.descriptor)
        for number in (1, 4):
            self.chain.fund(vault, number, 300_000 + number)
        self.chain.mine()
        return self.chain.wallet(self.folder, vault)


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    made = Scene(tmp_path_factory.mktemp("control"))
    yield made
    made.chain.stop()


def signed(request: control.Request, holders: list) -> list[str]:
    return [one.sign(request.psbt, one.show(request.psbt)["digest"]) for one in holders]


@pytest.mark.parametrize("kind", [Kind.SORTEDMULTI, Kind.TAPROOT_RECOVERY])
def test_a_quorum_proves_its_coins_and_anybody_verifies(kind: Kind, scene: Scene) -> None:
    wallet = scene.wallets[kind]
    script = vaults.script_at(wallet.vault, 0, 0)
    request = control.request(wallet, MESSAGE, wallet.coins())
    shown = scene.signers[0].show(request.psbt)
    assert shown["signs_message"] == MESSAGE and shown["proves_sats"] == 600_005
    proof = control.finish(request, signed(request, scene.signers[:2]), wallet)
    found = bip322.verify(MESSAGE, script, proof)
    assert {(one.txid, one.vout, one.sats) for one in found.proven} == {
        (coin.txid, coin.vout, coin.sats) for coin in wallet.coins()
    }
    other = MESSAGE.replace("Height 120", "Height 121")
    with pytest.raises(BadMessageSignature, match="another message"):
        bip322.verify(other, script, proof)
    with pytest.raises(BadMessageSignature):
        bip322.verify(MESSAGE, vaults.script_at(wallet.vault, 0, 1), proof)
    with pytest.raises(NotEnoughSignatures):
        control.finish(request, signed(request, scene.signers[:1]), wallet)


def test_a_proof_with_a_signature_or_a_coin_taken_out_or_doubled_is_refused(scene: Scene) -> None:
    wallet = scene.wallets[Kind.SORTEDMULTI]
    script = vaults.script_at(wallet.vault, 0, 0)
    request = control.request(wallet, MESSAGE, wallet.coins())
    proof = control.finish(request, signed(request, scene.signers[1:3]), wallet)

    def spoilt(change) -> str:
        maps = psbts.read(proof[3:])
        change(maps)
        return "pof" + maps.text()

    def drop_witness(maps: psbts.Maps) -> None:
        del maps.inputs[1][bytes([psbts.FINAL_WITNESS])]

    def worth_more(maps: psbts.Maps) -> None:
        del maps.inputs[1][bytes([psbts.NON_WITNESS_UTXO])]
        key = bytes([psbts.WITNESS_UTXO])
        maps.inputs[1][key] = (10**9).to_bytes(8, "little") + maps.inputs[1][key][8:]

    for change in (drop_witness, worth_more):
        with pytest.raises(BadMessageSignature):
            bip322.verify(MESSAGE, script, spoilt(change))
    with pytest.raises(BadPlan, match="each once"):
        control.request(wallet, MESSAGE, [wallet.coins()[0]] * 2)
    with pytest.raises(BadPlan, match="at most 249"):
        control.request(wallet, MESSAGE, wallet.coins() * 125)


def test_a_message_alone_is_signed_in_the_simple_form(scene: Scene) -> None:
    wallet = scene.wallets[Kind.SORTEDMULTI]
    request = control.request(wallet, "Spend test 1 of the ceremony", [])
    proof = control.finish(request, signed(request, scene.signers[:2]), wallet)
    assert proof.startswith("smp")
    script = vaults.script_at(wallet.vault, 0, 0)
    found = bip322.verify("Spend test 1 of the ceremony", script, proof)
    assert (found.time, found.age) == (0, 0)


def test_a_signer_is_not_made_to_spend_by_a_message(scene: Scene) -> None:
    """A transaction that moves coins and carries a message is shown as neither, and not signed."""
    wallet, signer = scene.wallets[Kind.SORTEDMULTI], scene.signers[0]
    request = control.request(wallet, MESSAGE, wallet.coins())
    maps = psbts.read(request.psbt)
    honest = signer.show(request.psbt)["digest"]
    for change in ({b"\x09": b"Another message of the attacker"}, {b"\x09": b"\xff\xfe"}):
        text = psbts.Maps(maps.tx, {**maps.globals, **change}, maps.inputs, maps.outputs).text()
        with pytest.raises((BadPsbt, BadMessageSignature)):
            signer.show(text)
    raw = maps.globals[b"\0"]
    out = bip322.OP_RETURN
    paying = raw.replace(bytes(8) + b"\1" + out, (500_000).to_bytes(8, "little") + b"\1\x51")
    text = psbts.Maps(maps.tx, {**maps.globals, b"\0": paying}, maps.inputs, maps.outputs).text()
    with pytest.raises(BadPsbt, match="not that message's"):
        signer.show(text)
    with pytest.raises(Differs):
        control.finish(request, [text], wallet)
    with pytest.raises(HolderMustConfirm):
        signer.sign(request.psbt, honest[::-1])
    assert base64.b64decode(request.psbt).startswith(b"psbt")


def test_the_message_is_ascii_within_what_devices_take() -> None:
    assert len(control.message_of("n" * 200, 10**9, "0" * 64, "f" * 64, "2026-11-28")) <= 330
    for bad in (("x", -1, "0" * 64, "0" * 64), ("x", 1, "zz", "0" * 64), ("x", 1, "0" * 64, "")):
        with pytest.raises(BadMessageSignature):
            control.message_of(*bad, "2026-11-28")
