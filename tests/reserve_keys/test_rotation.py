"""A key is replaced, a wallet taken over, a large vault swept in parts, a loss rehearsed."""

import dataclasses
from collections.abc import Iterator
from pathlib import Path

import pytest
from bdkpython import bdk

import databases
from reserve_scene import THEIRS, Chain, devices, key_of, plan_of, signed_by, vault_of
from tallystick.bitcoin import psbt as psbts
from tallystick.bitcoin.embedded.txs import compact
from tallystick.core.clock import SeededClock, SystemClock
from tallystick.core.store import Store
from tallystick.reserve import ceremony, imported, rotation, signing, vaults
from tallystick.reserve.advisories import inputs_max
from tallystick.reserve.drill import LOCK_BLOCKS_MAX, run, shape
from tallystick.reserve.key_errors import BadPlan, BadVault, CeremonyRefuses
from tallystick.reserve.plan import parts
from tallystick.reserve.recovery import paper
from tallystick.reserve.vault import Kind, Vault, make
from tallystick.reserve.wallet import VaultWallet


@pytest.fixture(scope="module")
def holders(tmp_path_factory: pytest.TempPathFactory) -> list:
    return devices(tmp_path_factory.mktemp("rotation"), 5, seed=21)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    opened = databases.opened(f"sqlite:///{tmp_path}/store.sqlite")
    yield opened
    opened.close()


def crowd(folder: Path, vault: Vault, count: int) -> VaultWallet:
    """Make a wallet that holds so many coins, five in each of many transactions."""
    wallet = VaultWallet(folder / "crowd.sqlite", vault)
    wallet.reveal(9, -1)
    scripts = [vaults.script_at(vault, 0, number) for number in range(10)]
    seen = []
    for at in range(count // 5):
        raw = (
            (2).to_bytes(4, "little") + b"\1" + at.to_bytes(32, "big") + b"\1\0\0\0\0" + b"\xff" * 4
        )
        raw += compact(5)
        for n in range(5):
            script = scripts[(at + n) % 10]
            raw += (100_000 + n).to_bytes(8, "little") + compact(len(script)) + script
        tx = bdk.Transaction(raw + bytes(4))
        seen.append(bdk.UnconfirmedTx(tx=tx, last_seen=1))
    wallet.bdk.apply_unconfirmed_txs(seen)
    return wallet


def test_c04_3000_coins_go_in_parts_that_no_signer_rejects(holders: list, tmp_path: Path) -> None:
    vault = vault_of(Kind.SORTEDMULTI, holders[:3], 2)
    wallet = crowd(tmp_path, vault, 3_000)
    coins = wallet.coins()
    assert len(coins) == 3_000
    for model, limit in (("Mk3", 20), ("", 250)):
        keys = tuple(dataclasses.replace(k, maker="Coldcard", model=model) for k in vault.keys)
        limited = dataclasses.replace(vault, keys=keys)
        assert inputs_max(limited) == limit
        fresh = dataclasses.replace(limited, id="next")
        plans = rotation.sweep(limited, fresh, coins, range(200), 2_000, 2_000_000)
        assert max(len(plan.inputs) for plan in plans) == limit
        spent = [coin.name for plan in plans for coin in plan.inputs]
        assert sorted(spent) == sorted(coin.name for coin in coins)
        assert all(len(plan.outputs) == 1 and plan.outputs[0].own for plan in plans)
    assert inputs_max(vault_of(Kind.SORTEDMULTI, holders[:3], 2)) == 100
    plan = dataclasses.replace(plans[0], psbt=wallet.psbt(plans[0]))
    assert len(plan.inputs) == 250 and len(psbts.read(plan.psbt).serialize()) < 2_000_000
    for one in holders[:2]:
        one.register("crowd", vault.descriptor)
    combined = signing.combine(plan, [signed_by(one, plan) for one in holders[:2]])
    assert len(signing.finalise(plan, combined, wallet)) > 250 * 100
    assert [len(part) for part in parts(coins[:41], 20)] == [20, 20, 1], "the last one goes too"
    with pytest.raises(BadPlan, match="more addresses"):
        rotation.sweep(vault, vault, coins, range(3), 2_000, 2_000_000)
    with pytest.raises(BadPlan, match="251 inputs"):
        plan_of(wallet, coins[:251])


def test_c13_a_lost_key_is_replaced_and_the_old_addresses_stay_watched_and_recoverable(
    holders: list, store: Store, clock: SeededClock, tmp_path: Path
) -> None:
    chain = Chain(tmp_path / "chain")
    old = vault_of(Kind.SORTEDMULTI, holders[:3], 2, address_sats_max=900_000)
    with store.transact() as tx:
        vaults.register(tx, old, clock)
        vaults.derive(tx, old.id, 2, clock)
        id = rotation.begin(tx, clock, old.id, holders[2].account.fingerprint, "second", "Notary")
        assert [key.fingerprint for key in ceremony.cards(tx, id)] == sorted(
            one.account.fingerprint for one in holders[:2]
        )
        key = dataclasses.replace(key_of(holders[3], at=3), dice=99)
        ceremony.add_key(tx, id, key, "c" * 64, clock, [])
        new = ceremony.form(tx, id, clock)
        with pytest.raises(BadVault, match="has no key"):
            rotation.begin(tx, clock, old.id, "00" * 4, "third", "Notary")
    assert new.address_sats_max == 900_000 and new.descriptor != old.descriptor
    for number in (0, 1):
        chain.fund(old, number, 800_000)
    chain.mine()
    wallet = chain.wallet(tmp_path, old)
    for one in holders[:2]:
        one.register("old", old.descriptor)
        one.register("second", new.descriptor)
    (plan,) = rotation.sweep(old, new, wallet.coins(), (0, 1), 2_000, 50_000)
    plan = dataclasses.replace(plan, psbt=wallet.psbt(plan))
    assert [output.sats <= 900_000 for output in plan.outputs] == [True, True]
    shown = holders[0].show(plan.psbt)
    assert [one["vault"] for one in shown["outputs"]] == ["second", "second"]
    assert shown["leaves_sats"] == 0
    signed = [signed_by(one, plan) for one in holders[:2]]
    chain.node.submit(signing.finalise(plan, signing.combine(plan, signed), wallet))
    chain.mine()
    with store.transact() as tx:
        vaults.retire(tx, old.id, new.id, clock)
        states = {one.name: one.state for one in vaults.vaults(tx)}
    assert states == {old.name: "retired", "second": "forming"}
    chain.fund(old, 1, 70_000)
    chain.mine()
    chain.chain.sync(wallet)
    late = wallet.coins()
    assert [coin.sats for coin in late] == [70_000], "a late deposit is seen"
    assert old.descriptor in paper(old, clock.now())
    back = plan_of(wallet, late, sats=60_000)
    signed = [signed_by(one, back) for one in holders[:2]]
    chain.node.submit(signing.finalise(back, signing.combine(back, signed), wallet))
    assert back.outputs[0].script == THEIRS
    chain.stop()


def known_of(vault: Vault) -> dict:
    return {
        key.fingerprint: {
            "maker": key.maker,
            "model": key.model,
            "firmware": key.firmware,
            "custodian": key.custodian,
            "place": key.place,
        }
        for key in vault.keys
    }


@pytest.mark.parametrize("kind", list(Kind))
def test_a_wallet_that_exists_is_taken_over_as_what_it_is(
    kind: Kind, holders: list, store: Store, clock: SeededClock
) -> None:
    more, later = {}, []
    if kind is Kind.DECAYING:
        more = {"recovery_quorum": 1, "older_blocks": 7}
    elif kind in (Kind.RECOVERY, Kind.TAPROOT_RECOVERY):
        more, later = {"recovery_quorum": 2, "older_blocks": 7}, holders[2:5]
    keys = [key_of(one, at=at) for at, one in enumerate(holders[:2])]
    keys += [key_of(one, "recovery", at=at) for at, one in enumerate(later)]
    theirs = make("theirs", "theirs", "regtest", kind, 2, keys, **more)
    if kind is Kind.DECAYING:
        with store.transact() as tx, pytest.raises(CeremonyRefuses, match="one maker"):
            imported.take(tx, clock, "ours", "regtest", theirs.descriptor, known_of(theirs), (4, 1))
        keys = [key_of(one, at=at) for at, one in enumerate(holders[:3])]
        theirs = make("theirs", "theirs", "regtest", kind, 3, keys, 2, 7)
    written = theirs.descriptor.partition("#")[0].replace("/48h/1h/0h/2h", "/48'/1'/0'/2'")
    with store.transact() as tx:
        taken = imported.take(tx, clock, "ours", "regtest", written, known_of(theirs), (4, 1))
        assert dataclasses.replace(taken, id="theirs", name="theirs") == theirs
        assert len(vaults.watched(tx)) == 7
        assert vaults.derive(tx, taken.id, 1, clock)[0].number == 5, "none is used again"
        assert vaults.events(tx, taken.id)[-1]["kind"] == "vault_imported"


def test_a_wallet_that_is_none_of_our_kinds_is_not_taken(holders: list) -> None:
    keys = [key_of(one, at=at) for at, one in enumerate(holders[:2])]
    good = make("x", "x", "regtest", Kind.TAPROOT, 2, keys)
    body = good.descriptor.partition("#")[0]
    owned = body.replace(body[3 : body.index("/")], holders[4].account.xpub, 1)
    with pytest.raises(CeremonyRefuses, match="key path"):
        imported.read("x", "x", "regtest", owned, known_of(good))
    plain = make("x", "x", "regtest", Kind.SORTEDMULTI, 2, keys).descriptor.partition("#")[0]
    with pytest.raises(BadVault, match="none of our kinds"):
        imported.read("x", "x", "regtest", plain.replace("sortedmulti", "multi"), known_of(good))


@pytest.mark.parametrize("kind", [Kind.SORTEDMULTI, Kind.TAPROOT_RECOVERY])
def test_a_loss_is_rehearsed(kind: Kind, tmp_path: Path) -> None:
    locked = kind is Kind.TAPROOT_RECOVERY
    vault = shape(kind, 2, 3, *((1, 1, 65_000) if locked else (0, 0, 0)))
    steps = run(tmp_path / "drill", vault, SystemClock())
    assert [step.ok for step in steps] == [True] * len(steps)
    said = [step.what for step in steps]
    assert said[:2] == ["1 keys cannot spend", "2 keys spend at any time"]
    if locked:
        assert said[2:] == [
            "recovery waits for its lock",
            f"1 recovery keys spend after {LOCK_BLOCKS_MAX} blocks",
        ]
