"""The sceptic's checks of a reserve that stand on mandates, movements, watch and books.

Each is named by its number in docs/reference/checks.md; those of the keys are with the keys' tests.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
import threading
from collections.abc import Callable

import pytest

from office_scene import DAY_S, FORFEIT, THEIRS, Scene
from reserve_scene import plan_of, signed_by, vault_of
from tallystick.core import ledger
from tallystick.core.store import Store
from tallystick.reserve import approve, charter, lots, move, queries, record, signing, vaults, watch
from tallystick.reserve.errors import Frozen, ReserveError, TooManyInputs, WrongMovementState
from tallystick.reserve.key_errors import BadPlan
from tallystick.reserve.model import Ledger, State, by_lot
from tallystick.reserve.office import Office, Policy
from tallystick.reserve.propose import Pay, Wanted, in_parts, propose
from tallystick.reserve.vault import Kind

LOCK, MARGIN = 60, 20


def alarms(scene: Scene) -> set[str]:
    with scene.store.read() as tx:
        return {one["kind"] for one in record.alarms(tx)}


def test_c02_a_locked_lot_is_refreshed_in_time_and_stays_what_it_was(make_scene) -> None:
    """Refreshed before recovery could act, same day of deposit, no budget; else an alarm."""
    policy = Policy(refresh_margin_blocks=MARGIN)
    scene = make_scene(kind=Kind.RECOVERY, older=LOCK, policy=policy)
    coin = scene.deposit(2_000_000, FORFEIT)
    with scene.store.read() as tx:
        before = lots.lots(tx)[0]
        height = lots.coin(tx, *coin).height
    scene.chain.mine(LOCK - MARGIN - 1)
    watch.look(scene.office)
    assert "refresh_due" not in alarms(scene)
    scene.chain.mine()
    watch.look(scene.office)
    assert "refresh_due" in alarms(scene), "well before recovery keys can act"
    assert scene.office.chain.tip() < height + LOCK
    scene.clock.advance(400 * DAY_S)
    moved = scene.propose("refresh")
    assert moved.state is State.PROPOSED and moved.said["left_sats"] is None
    assert scene.through(moved).state is State.SETTLED
    assert "refresh_due" not in alarms(scene)
    with scene.store.read() as tx:
        after = lots.lots(tx)[0]
        assert after == before and queries.sold(tx, scene.clock.now().date()) == ()
        coins = lots.coins(tx)
        held = lots.held(tx)
    assert held == {before.id: sum(one.sats for one in coins)}
    later = scene.propose("sale", 100_000)
    assert later.state is State.REFUSED, "the hold runs from the first deposit"


def test_c02_with_refresh_disabled_the_alarm_grows(make_scene) -> None:
    scene = make_scene(kind=Kind.RECOVERY, older=LOCK, policy=Policy(refresh_margin_blocks=MARGIN))
    scene.deposit(2_000_000, FORFEIT)
    scene.chain.mine(LOCK - MARGIN)
    watch.look(scene.office)
    assert alarms(scene) == {"refresh_due"}
    scene.chain.mine(MARGIN)
    watch.look(scene.office)
    assert "recovery_open" in alarms(scene)


def test_c04_a_large_vault_is_swept_in_parts_each_lawful_by_itself(make_scene) -> None:
    scene = make_scene(policy=Policy(inputs_max=20))
    names = scene.many(45, 20_000)
    wanted = Wanted("refresh", scene.vault.id, why="every year")
    with pytest.raises(TooManyInputs):
        propose(scene.office, wanted, scene.people["maker"])
    parts = in_parts(scene.office, wanted, scene.people["maker"])
    assert [len(one.stored.pay.inputs) for one in parts] == [20, 20, 5]
    assert {one.state for one in parts} == {State.PROPOSED}
    spent = [coin.name for one in parts for coin in one.stored.pay.inputs]
    assert sorted(spent) == sorted(names)
    with pytest.raises(ReserveError, match="parts"):
        in_parts(
            scene.office,
            Wanted("sale", scene.vault.id, pays=(Pay(THEIRS, 900),), why="split"),
            scene.people["maker"],
        )


def sell_all(offices: list[Office], scene: Scene, names: list[str], each: int) -> list[State]:
    """Propose one small sale for every coin, from several servers at once."""
    said: list[State] = []

    def run(office: Office, mine: list[str]) -> None:
        for name in mine:
            wanted = Wanted("sale", scene.vault.id, (name,), (Pay(THEIRS, each),), why="a part")
            said.append(propose(office, wanted, scene.people["maker"]).state)

    threads = [
        threading.Thread(target=run, args=(office, names[at :: len(offices)]))
        for at, office in enumerate(offices)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return said


def sold_now(scene: Scene) -> int:
    with scene.store.read() as tx:
        today = charter.charter(tx).day(scene.clock.now())
        return sum(one.sats for one in queries.sold(tx, today))


def test_c10_many_small_movements_never_pass_the_budget(
    make_scene: Callable[..., Scene], store_url: str
) -> None:
    """Many at once, across midnight, a restart and a reorganisation: never above a tenth.

    A hundred on the server's database, where steps truly run beside each other; on a file, whose
    writers wait for one another, twenty.
    """
    count = 100 if store_url.startswith("postgresql") else 20
    scene = make_scene(store_url, start=dt.datetime(2027, 1, 1, 4, 59, tzinfo=dt.UTC))
    names = scene.many(count, 10_000)
    scene.clock.advance(23 * 366 * DAY_S)
    stores = [Store.open(store_url) for _ in range(2)]
    offices = [
        Office(one, scene.clock, scene.office.chain, scene.office.folder / str(at))
        for at, one in enumerate(stores)
    ]
    for office in offices:
        watch.look(office)
    budget = count * 10_000 // 10
    before = count * 3 // 10
    first = sell_all(offices, scene, names[:before], 2_500)
    assert first.count(State.PROPOSED) == before and sold_now(scene) == before * 2_500
    scene.clock.advance(120)  # over midnight by the mandate's clock
    for one in stores:
        one.close()
    again = Office(scene.store, scene.clock, scene.office.chain, scene.office.folder / "again")
    watch.look(again)
    second = sell_all([again, scene.office], scene, names[before:], 2_500)
    assert len(second) == count - before and second.count(State.PROPOSED) == count // 10
    assert sold_now(scene) == budget
    with scene.store.read() as tx:
        made = queries.movements(tx, (State.PROPOSED,))
    done = scene.through(made[0])
    assert done.state is State.SETTLED and sold_now(scene) == budget
    scene.chain.node.reorganise(6)
    watch.look(scene.office)
    assert sold_now(scene) == budget, "what a reorganisation undid is still counted"
    late = Wanted("sale", scene.vault.id, (names[-1],), (Pay(THEIRS, 600),), why="one more")
    assert propose(scene.office, late, scene.people["maker"]).state is State.REFUSED
    scene.chain.mine(7)
    watch.look(scene.office)


@pytest.fixture
def sent(scene: Scene):
    """Return a scene with a movement that is signed, and its signed cancel."""
    scene.deposit(3_000_000, FORFEIT)
    with scene.store.read() as tx:
        lot = lots.lots(tx)[0].id
    made = scene.propose("release", 1_000_000, orders=((lot, "court order 7"),))
    scene.agree(made)
    return scene, made, lot


def veto(scene: Scene, made) -> None:
    with scene.store.transact() as tx:
        approve.veto(tx, scene.clock, made.id, scene.people["board"], "this is wrong")


def test_c11_one_veto_inside_the_delay_stops_a_movement(sent) -> None:
    scene, made, _ = sent
    veto(scene, made)
    assert scene.now(made).state is State.VETOED
    with pytest.raises(WrongMovementState):
        scene.authorise(made)


def test_c11_a_veto_after_approval_lets_nobody_sign(sent) -> None:
    scene, made, _ = sent
    scene.authorise(made)
    veto(scene, made)
    with pytest.raises(WrongMovementState):
        scene.sign(made)


def test_c11_a_signed_and_sent_movement_is_beaten_by_its_cancel(sent) -> None:
    scene, made, lot = sent
    scene.authorise(made)
    scene.sign(made)
    scene.run()
    assert scene.now(made).state is State.SENT
    assert scene.office.chain.status(made.stored.pay.txid).known
    veto(scene, made)
    scene.run()
    scene.chain.mine()
    scene.run()
    watch.look(scene.office)
    ended = scene.now(made)
    assert ended.state is State.CANCELLED
    assert not scene.office.chain.status(made.stored.pay.txid).known
    with scene.store.read() as tx:
        assert lots.held(tx) == {lot: 3_000_000 - ended.fee_sats}
        assert queries.sold(tx, scene.clock.now().date()) == ()
        assert not ledger.trial_balance(tx).wrong
        assert not record.alarms(tx)


def test_c12_a_fee_bump_changes_fee_and_rest_alone_and_one_version_pays(sent) -> None:
    scene, made, lot = sent
    scene.authorise(made)
    scene.sign(made)
    scene.run()
    with pytest.raises(BadPlan, match="approved at most"):
        move.raise_fee(scene.office, made.id, 100_000)
    raised = move.raise_fee(scene.office, made.id, 8_000)
    assert raised.digest == made.digest
    old, new = made.stored.pay, raised.stored.pay
    assert [o for o in new.outputs if not o.rest] == [o for o in old.outputs if not o.rest]
    assert new.inputs == old.inputs and new.fee_sats > old.fee_sats
    scene.sign(raised)
    scene.run()
    scene.chain.mine()
    scene.run()
    done = scene.now(made)
    assert done.state is State.SETTLED and done.fee_sats == new.fee_sats
    chain = scene.office.chain
    assert chain.status(new.txid).confirmed_height and not chain.status(old.txid).known
    with scene.store.read() as tx:
        assert lots.held(tx) == {lot: 2_000_000 - new.fee_sats}


def test_c13_after_a_rotation_old_addresses_are_watched_for_ever(scene: Scene) -> None:
    scene.deposit(2_000_000, FORFEIT)
    old_address = scene.address()
    with scene.store.read() as tx:
        before = lots.lots(tx)
    import dataclasses

    named = dataclasses.replace(vault_of(Kind.SORTEDMULTI, scene.signers[1:6], 3), id="v-2")
    heir = scene.add(dataclasses.replace(named, name="after the rotation"))
    done = scene.through(scene.propose("rotate", to_vault=heir.id))
    assert done.state is State.SETTLED
    with scene.store.read() as tx:
        assert lots.lots(tx) == before
        assert vaults.vault(tx, scene.vault.id).state == "retired"
        assert lots.held(tx) == {before[0].id: 2_000_000 - done.fee_sats}
        assert [one.vault for one in lots.coins(tx)] == [heir.id]
        kept = record.history(tx, done.id)
    assert kept[0]["kind"] == "proposed" and kept[-1]["kind"] == "settled"
    from tallystick.bitcoin.transaction import script_of

    scene.chain.node.fund(script_of(old_address, "regtest"), 700_000)
    scene.chain.mine()
    watch.look(scene.office)
    assert "deposit_to_retired" in alarms(scene)
    with scene.store.read() as tx:
        late = next(one for one in lots.coins(tx) if one.vault == scene.vault.id)
    scene.take_in((late.txid, late.vout), FORFEIT)
    swept = scene.through(scene.propose("rotate", to_vault=heir.id))
    assert swept.state is State.SETTLED, "old keys still move what came late"


def steal(scene: Scene) -> str:
    """Have a quorum of key holders sign what no official ever saw."""
    with scene.store.read() as tx:
        wallet = scene.office.wallet(tx, scene.vault)
    plan = plan_of(wallet, wallet.coins(), 400_000, 900)
    signed = [signed_by(one, plan) for one in scene.signers[:3]]
    raw = signing.finalise(plan, signing.combine(plan, signed), wallet)
    scene.chain.node.submit(raw)
    return plan.txid


def test_c15_an_unapproved_spend_freezes_the_reserve_within_one_block(scene: Scene) -> None:
    scene.deposit(1_000_000, FORFEIT)
    txid = steal(scene)
    scene.chain.mine()
    assert watch.look(scene.office).strangers == (txid,)
    assert {"unexpected_spend", "frozen"} <= alarms(scene)
    with scene.store.read() as tx:
        assert charter.charter(tx).frozen
        spent = [one for one in lots.coins(tx, spent=True) if one.spent_by == txid]
        back = lots.coins(tx)
        assert len(spent) == 1 and not ledger.trial_balance(tx).wrong
        assert ledger.balance(tx, f"reserve:vault:{scene.vault.id}").debit.minor == sum(
            one.sats for one in back
        )
    assert scene.propose("refresh", coins=()).state is State.REFUSED if back else True
    assert watch.look(scene.office).strangers == (), "an alarm is raised once"


def test_c15_an_unapproved_spend_alarms_before_it_is_even_mined(scene: Scene) -> None:
    scene.deposit(1_000_000, FORFEIT)
    txid = steal(scene)
    assert watch.look(scene.office).strangers == (txid,)
    with pytest.raises(Frozen), scene.store.transact() as tx:
        made = queries.movements(tx)
        assert not made
        raise Frozen


def test_lots_follow_a_movement_as_the_rule_says(scene: Scene) -> None:
    """What left, stayed and paid the fee is what anyone reckons from the transaction alone."""
    from tallystick.bitcoin.embedded.txs import parse
    from tallystick.reserve.model import follow

    coins = [scene.deposit(300_000, FORFEIT), scene.deposit(400_000)]
    names = tuple(f"{txid}:{vout}" for txid, vout in coins)
    with scene.store.read() as tx:
        parcels = [lots.parcels(tx, coin) for coin in coins]
        ids = [held[0].lot for held in parcels]
    orders = tuple((id, "an order") for id in ids)
    done = scene.through(scene.propose("release", 350_000, orders=orders, coins=names))
    raw = scene.office.chain.raw(done.stored.pay.txid)
    outputs, fee = follow(parcels, [sats for sats, _ in parse(raw).outputs])
    assert by_lot(outputs[0]) == {ids[0]: 300_000, ids[1]: 50_000} == done.stored.leaving
    assert by_lot(fee) == {ids[1]: done.fee_sats}
    with scene.store.read() as tx:
        assert lots.held(tx) == {ids[1]: 350_000 - done.fee_sats}


def test_a_vault_that_cannot_be_watched_alarms_and_blinds_no_other(scene: Scene) -> None:
    """A vault in no ledger comes first by name; a coin of it and one of another come in."""
    from tallystick.bitcoin.transaction import script_of

    made = dataclasses.replace(
        vault_of(Kind.SORTEDMULTI, scene.signers[:5], 2), id="a-first", name="a first one"
    )
    with scene.store.transact() as tx:
        vaults.register(tx, made, scene.clock)
        vaults.issue_change(tx, made.id, "a test", scene.clock)
    scene.chain.node.fund(vaults.script_at(made, 1, 0), 2_000_000)
    scene.chain.node.fund(script_of(scene.address(), "regtest"), 1_000_000)
    scene.chain.mine()
    assert len(watch.look(scene.office).deposits) == 1
    assert alarms(scene) == {"vault_unwatched"}
    with scene.store.transact() as tx:
        (said,) = (one["detail"] for one in record.alarms(tx))
        assert "a first one" in said and "in no ledger" in said
        lots.assign(tx, scene.clock, made.id, Ledger.OTHER)
    assert len(watch.look(scene.office).deposits) == 1, "nothing of it was lost"
    assert alarms(scene) == set()
