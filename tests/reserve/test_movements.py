"""A movement from proposal to the books: who may, when, what is bound, and where each lot went."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import pytest

from office_scene import DAY_S, FORFEIT, GIFT, OTHERS, THEIRS, Scene, published
from tallystick.bitcoin import anchor
from tallystick.core import approvals, journal, ledger
from tallystick.core.approvals.errors import (
    DigestDiffers,
    MakerIsChecker,
    NotApproved,
    ProposalClosed,
    RoleMissing,
)
from tallystick.core.identity import grants
from tallystick.core.tlog import reader
from tallystick.core.tlog import verify as checks
from tallystick.core.tlog.verify import Asked
from tallystick.reserve import approve, audit, charter, lots, move, queries, record, signing
from tallystick.reserve.errors import (
    CoinsTaken,
    Frozen,
    LedgersMixed,
    LotsDoNotAddUp,
    NotThisPerson,
    OriginIncomplete,
    PlanDiffers,
    ReserveError,
    Unsigned,
    WrongMovementState,
)
from tallystick.reserve.model import NEXT, Ledger, Origin, State
from tallystick.reserve.office import Policy
from tallystick.reserve.plan import PlanOutput, digest_of
from tallystick.reserve.propose import Pay, Wanted, propose
from tallystick.reserve.tables import MOVEMENTS


def release(scene: Scene, sats: int = 1_000_000):
    """Propose to give coins of the first lot to whom a court gave them."""
    with scene.store.read() as tx:
        first = lots.lots(tx)[0]
    return scene.propose("release", sats, orders=((first.id, "court order 7"),))


@pytest.fixture
def funded(scene: Scene) -> Scene:
    scene.deposit(5_000_000, FORFEIT)
    return scene


def test_a_lawful_movement_goes_from_proposal_to_the_books(funded: Scene) -> None:
    done = funded.through(release(funded))
    assert done.state is State.SETTLED
    with funded.store.read() as tx:
        kinds = [row["kind"] for row in record.history(tx, done.id)]
        one = lots.lots(tx)[0]
        held = lots.held(tx)
        vault = ledger.balance(tx, f"reserve:vault:{funded.vault.id}")
        lot = ledger.balance(tx, f"reserve:lot:{one.id}")
        trial = ledger.trial_balance(tx)
        for row in record.history(tx, done.id):
            assert journal.find(tx, record.opens(row)) is not None
    assert kinds == [
        *("proposed", "answered", "answered", "approved", *["part_signed"] * 6),
        *("signed", "sent", "settled"),
    ]
    left = 5_000_000 - 1_000_000 - done.fee_sats
    assert held == {one.id: left} and done.fee_sats > 0
    assert vault and lot and vault.debit.minor == lot.credit.minor == left
    assert not trial.wrong


def test_a_refused_proposal_is_on_record_with_the_provision_and_binds_no_coin(
    funded: Scene,
) -> None:
    refused = funded.propose("sale", 1_000_000)
    assert refused.state is State.REFUSED and not refused.plan
    assert refused.said["because"][0]["id"] == "DEMO/hold"
    pledged = funded.propose("encumber", 1_000_000)
    assert pledged.state is State.REFUSED
    assert release(funded).state is State.PROPOSED


def test_no_state_is_left_for_one_that_the_table_does_not_name(funded: Scene) -> None:
    made = release(funded)
    for state in State:
        with funded.store.transact() as tx:
            tx.execute(MOVEMENTS.update().values(state=state.value))
        for other in set(State) - NEXT[state]:
            with pytest.raises(WrongMovementState), funded.store.transact() as tx:
                approve.move(tx, funded.clock, queries.movement(tx, made.id), other, {})


def test_two_officials_and_the_whole_notice_are_needed(funded: Scene) -> None:
    made = release(funded)
    funded.agree(made, "treasurer")
    with pytest.raises(NotApproved):
        funded.authorise(made, days=1)
    funded.agree(made, "auditor")
    with pytest.raises(NotApproved, match="delayed"):
        funded.authorise(made, days=13.9)
    assert funded.authorise(made, days=0.2).state is State.APPROVED


def test_ten_bitcoin_need_a_member_of_the_board(scene: Scene) -> None:
    scene.deposit(1_100_000_000, FORFEIT)
    made = release(scene, 1_000_000_000)
    scene.agree(made)
    with pytest.raises(NotApproved, match="board"):
        scene.authorise(made)
    with scene.store.read() as tx:
        assert approvals.get(tx, made.proposal).rule.quorum == 3


def test_who_proposed_approves_nothing_and_nobody_counts_twice(funded: Scene) -> None:
    made = release(funded)
    with funded.store.transact() as tx:
        grants.grant(tx, funded.clock, funded.people["maker"], "reserve.treasurer")
    for name, role, error in (
        ("maker", "reserve.treasurer", MakerIsChecker),
        ("auditor", "reserve.treasurer", RoleMissing),
    ):
        with pytest.raises(error), funded.store.transact() as tx:
            by = funded.people[name]
            approve.approve(tx, funded.clock, made.id, by, role, made.digest, "")


def test_officials_and_key_holders_are_different_people(funded: Scene) -> None:
    holder, auditor = funded.people["holder"], funded.people["auditor"]
    wanted = Wanted("refresh", funded.vault.id, why="no business of theirs")
    with funded.store.transact() as tx:
        grants.grant(tx, funded.clock, holder, "reserve.treasurer")
    with pytest.raises(NotThisPerson):
        propose(funded.office, wanted, holder)
    made = release(funded)
    with pytest.raises(NotThisPerson), funded.store.transact() as tx:
        approve.approve(tx, funded.clock, made.id, holder, "reserve.treasurer", made.digest, "")
    funded.agree(made)
    with funded.store.transact() as tx:
        grants.grant(tx, funded.clock, auditor, "reserve.keyholder")
    with pytest.raises(NotThisPerson):
        funded.authorise(made)


def test_an_approval_is_of_the_very_transaction(funded: Scene) -> None:
    made = release(funded)
    with pytest.raises(DigestDiffers), funded.store.transact() as tx:
        by = funded.people["treasurer"]
        approve.approve(tx, funded.clock, made.id, by, "reserve.treasurer", "00" * 32, "")


@pytest.mark.parametrize("column", ["plan", "why", "verdict"])
def test_what_is_changed_on_record_after_approval_is_never_authorised(
    funded: Scene, column: str
) -> None:
    made = release(funded)
    funded.agree(made)
    changed = {
        "plan": made.plan.replace('"sats":1000000', '"sats":1000001', 1),
        "why": "another reason",
        "verdict": made.verdict.replace("permit", "refuse"),
    }[column]
    assert changed != getattr(made, column)
    with funded.store.transact() as tx:
        tx.execute(MOVEMENTS.update().values({column: changed}))
    with pytest.raises(WrongMovementState, match="not what was approved"):
        funded.authorise(made)


def test_an_approval_is_not_back_dated(funded: Scene) -> None:
    made = release(funded)
    funded.clock.advance(20 * DAY_S)
    funded.agree(made)
    with pytest.raises(NotApproved, match="delayed"):
        funded.authorise(made, days=0)
    funded.clock.advance(-10 * DAY_S)
    with pytest.raises(approvals.errors.BackDated):
        funded.authorise(made, days=0)


def test_a_movement_that_nobody_finishes_expires_and_frees_its_coins(funded: Scene) -> None:
    made = release(funded)
    funded.clock.advance(40 * DAY_S)
    with pytest.raises(ProposalClosed):
        funded.agree(made)
    with funded.store.transact() as tx:
        assert [one.id for one in approve.expire(tx, funded.clock)] == [made.id]
    assert funded.now(made).state is State.EXPIRED
    assert release(funded).state is State.PROPOSED


def test_a_maker_may_withdraw_and_nobody_else(funded: Scene) -> None:
    made = release(funded)
    with pytest.raises(RoleMissing), funded.store.transact() as tx:
        approve.withdraw(tx, funded.clock, made.id, funded.people["auditor"], "no")
    with funded.store.transact() as tx:
        approve.withdraw(tx, funded.clock, made.id, funded.people["maker"], "a mistake")
    assert funded.now(made).state is State.WITHDRAWN


def test_a_coin_is_bound_to_one_movement(funded: Scene) -> None:
    release(funded)
    with pytest.raises(CoinsTaken):
        release(funded)


@pytest.fixture
def aged(scene: Scene) -> Scene:
    """Return a reserve whose coins are older than the hold, with a tenth of 1,000,000 to sell."""
    for sats in (60_000, 60_000, 880_000):
        scene.deposit(sats, FORFEIT)
    scene.clock.advance(23 * 366 * DAY_S)
    return scene


def coins_of(scene: Scene, *sats: int) -> tuple[str, ...]:
    with scene.store.read() as tx:
        free = lots.coins(tx)
    found = []
    for wanted in sats:
        coin = next(one for one in free if one.sats == wanted and one.name not in found)
        found.append(coin.name)
    return tuple(found)


def test_a_sale_under_way_counts_as_if_it_were_done(aged: Scene) -> None:
    first, second = (name for name in coins_of(aged, 60_000, 60_000))
    assert aged.propose("sale", 58_000, coins=(first,)).state is State.PROPOSED
    again = aged.propose("sale", 58_000, coins=(second,))
    assert again.state is State.REFUSED and again.said["left_sats"] == 100_000 - 58_000
    with aged.store.transact() as tx:
        one = queries.movements(tx, (State.PROPOSED,))[0]
        approve.withdraw(tx, aged.clock, one.id, aged.people["maker"], "a mistake")
    assert aged.propose("sale", 58_000, coins=(second,)).state is State.PROPOSED


def test_the_law_is_asked_again_on_the_day_itself(aged: Scene) -> None:
    """A sale that was lawful when it was proposed is not, once the reserve has become smaller."""
    sale = aged.propose("sale", 90_000, coins=coins_of(aged, 60_000, 60_000))
    assert sale.state is State.PROPOSED
    aged.agree(sale)
    with aged.store.read() as tx:
        big = next(one for one in lots.lots(tx) if one.sats == 880_000)
    given = aged.propose("release", 500_000, orders=((big.id, "order 9"),))
    aged.through(given)
    late = aged.authorise(sale, days=0)
    assert late.state is State.REFUSED
    with aged.store.read() as tx:
        last = record.history(tx, sale.id)[-1]["content"]["verdict"]
        assert queries.holder(tx, (late.stored.pay.inputs[0].txid, 0)) == ""
    assert [item["id"] for item in last["because"]] == ["DEMO/ten-percent"]


def test_fewer_than_the_quorum_of_keys_finish_nothing(funded: Scene) -> None:
    made = release(funded)
    funded.agree(made)
    funded.authorise(made)
    with pytest.raises(Unsigned):
        funded.sign(made, holders=2)


def test_nothing_is_signed_before_it_is_approved(funded: Scene) -> None:
    made = release(funded)
    funded.agree(made)
    plan = made.stored.pay
    signer = funded.signers[0]
    psbt = signer.sign(plan.psbt, signer.show(plan.psbt)["digest"])
    with pytest.raises(WrongMovementState):
        move.receive(funded.office, made.id, "pay", psbt)


def test_a_part_signed_for_another_transaction_is_named_and_on_record(funded: Scene) -> None:
    made = release(funded)
    funded.agree(made)
    made = funded.authorise(made)
    cancel, signer = made.stored.cancel, funded.signers[0]
    psbt = signer.sign(cancel.psbt, signer.show(cancel.psbt)["digest"])
    with pytest.raises(PlanDiffers, match="outputs"):
        move.receive(funded.office, made.id, "pay", psbt)
    with funded.store.read() as tx:
        assert record.history(tx, made.id)[-1]["kind"] == "part_refused"


# Freeze


def test_a_freeze_stops_every_step_until_two_thaw_it(funded: Scene) -> None:
    made = release(funded)
    funded.agree(made)
    with funded.store.transact() as tx:
        charter.freeze_by(tx, funded.clock, funded.people["auditor"], "a call from nobody")
    with pytest.raises(Frozen):
        funded.authorise(made)
    with funded.store.transact() as tx:
        thaw = charter.propose_thaw(tx, funded.clock, funded.people["maker"])
    for name in ("treasurer", "auditor"):
        with funded.store.transact() as tx:
            role = f"reserve.{name}"
            by = funded.people[name]
            approvals.approve(tx, funded.clock, thaw.id, by, role, thaw.digest, "")
    with pytest.raises(NotApproved), funded.store.transact() as tx:
        charter.thaw(tx, funded.clock, thaw.id, funded.people["maker"])
    funded.clock.advance(charter.THAW_DELAY_S + 1)
    with funded.store.transact() as tx:
        charter.thaw(tx, funded.clock, thaw.id, funded.people["maker"])
    assert funded.authorise(made, days=0).state is State.APPROVED


def test_a_frozen_reserve_sends_nothing_that_was_signed_before(funded: Scene) -> None:
    made = release(funded)
    funded.agree(made)
    funded.authorise(made)
    funded.sign(made)
    with funded.store.transact() as tx:
        charter.freeze_by(tx, funded.clock, funded.people["board"], "doubt")
    funded.run()
    assert funded.now(made).state is State.SIGNED
    assert not funded.office.chain.status(made.stored.pay.txid).known


def test_only_an_official_freezes(funded: Scene) -> None:
    with pytest.raises(NotThisPerson), funded.store.transact() as tx:
        charter.freeze_by(tx, funded.clock, funded.people["holder"], "doubt")


# Lots and ledgers


def test_a_label_is_written_once(funded: Scene) -> None:
    with funded.store.read() as tx:
        coin = lots.coins(tx)[0]
    with pytest.raises(LotsDoNotAddUp, match="once"), funded.store.transact() as tx:
        lots.register(tx, funded.clock, (coin.txid, coin.vout), GIFT, funded.people["maker"])


def test_who_registers_an_origin_does_not_confirm_it(scene: Scene) -> None:
    coin = scene.deposit(1_000_000, None)
    maker = scene.people["maker"]
    with scene.store.transact() as tx:
        made = lots.register(tx, scene.clock, coin, GIFT, maker)
        assert made is not None
    with pytest.raises(NotApproved), scene.store.transact() as tx:
        lots.accept(tx, scene.clock, coin, maker)


def test_a_forfeiture_that_is_not_final_does_not_come_in(scene: Scene) -> None:
    coin = scene.deposit(1_000_000, None)
    origin = Origin("forfeiture", case="26-1", agency="Police")
    with scene.store.transact() as tx:
        assert lots.register(tx, scene.clock, coin, origin, scene.people["maker"]) is None
    with scene.store.read() as tx:
        last = record.history(tx, f"coin:{coin[0]}:{coin[1]}")[-1]
    assert last["kind"] == "origin_refused"
    assert last["content"]["verdict"]["because"][0]["id"] == "DEMO/origins"


def test_a_coin_without_an_origin_does_not_leave(scene: Scene) -> None:
    scene.deposit(1_000_000, None)
    made = scene.propose("release", 100_000)
    assert made.state is State.REFUSED
    assert scene.propose("sale", 100_000).state is not State.PROPOSED


@pytest.mark.parametrize(
    "origin",
    [
        Origin("theft"),
        Origin("gift"),
        Origin("purchase", source="seigniorage", seller="B", cost_minor=-1, currency="USD"),
        Origin("gift", giver="x" * 201),
        Origin("gift", giver="a\nb"),
    ],
)
def test_an_origin_names_what_its_kind_must(scene: Scene, origin: Origin) -> None:
    coin = scene.deposit(1_000_000, None)
    with pytest.raises(OriginIncomplete), scene.store.transact() as tx:
        lots.register(tx, scene.clock, coin, origin, scene.people["maker"])


def test_the_two_ledgers_never_mix(scene: Scene) -> None:
    from reserve_scene import vault_of
    from tallystick.reserve.vault import Kind

    other = scene.add(vault_of(Kind.TAPROOT, scene.signers[:5], 3), Ledger.OTHER)
    scene.deposit(500_000)
    apart = scene.deposit(700_000, Origin("mining", agency="Seized machines"), other)
    with pytest.raises(LedgersMixed), scene.store.transact() as tx:
        lots.assign(tx, scene.clock, other.id, Ledger.RESERVE)
    with pytest.raises(CoinsTaken):
        scene.propose("refresh", coins=(f"{apart[0]}:{apart[1]}",))
    with pytest.raises(LedgersMixed):
        scene.propose("rotate", to_vault=other.id)
    sold = scene.propose("sale", 100_000, vault=other.id)
    assert sold.state is State.PROPOSED
    scene.through(sold)
    with scene.store.read() as tx:
        assert queries.sold(tx, scene.clock.now().date()) == ()
        assert queries.held(tx)[-1].sats == 500_000
        balances = {one.name: one for one in ledger.balances(tx)}
    assert balances[f"reserve:vault:{scene.vault.id}"].debit.minor == 500_000
    assert balances[f"other:vault:{other.id}"].debit.minor < 600_000


@pytest.mark.parametrize(
    "wanted",
    [
        {"act": "steal"},
        {"act": "purchase", "pays": (Pay(THEIRS, 1_000),)},
        {"act": "sale"},
        {"act": "refresh", "pays": (Pay(THEIRS, 1_000),)},
        {"act": "sale", "pays": (Pay(THEIRS, 1_000),), "why": " "},
        {"act": "rotate"},
    ],
)
def test_what_makes_no_sense_is_refused_before_anything(scene: Scene, wanted: dict) -> None:
    given = {"vault": scene.vault.id, "why": "a test", **wanted}
    with pytest.raises(ReserveError):
        propose(scene.office, Wanted(**given), scene.people["maker"])


def test_several_payments_take_lots_in_the_order_of_their_coins(scene: Scene) -> None:
    first = scene.deposit(300_000, FORFEIT)
    second = scene.deposit(400_000, GIFT)
    with scene.store.read() as tx:
        one, two = (lots.lots(tx)[0].id, lots.lots(tx)[1].id)
    names = tuple(f"{c[0]}:{c[1]}" for c in (first, second))
    orders = ((one, "order 1"), (two, "order 2"))
    made = scene.propose(
        "release",
        orders=orders,
        coins=names,
        pays=(Pay(THEIRS, 250_000), Pay(OTHERS, 100_000)),
    )
    done = scene.through(made)
    by_origin = sorted([one, two], key=lambda id: id != made.stored.leaving and id)
    assert sum(done.stored.leaving.values()) == 350_000
    with scene.store.read() as tx:
        held = lots.held(tx)
    gift = next(id for id in by_origin if id in held)
    assert held == {gift: 350_000 - done.fee_sats}


def test_a_movement_takes_the_logs_root_along_and_the_approval_binds_it(
    make_scene: Any, tmp_path: Path
) -> None:
    """Anchored, mined, in the books without a satoshi, and proved to a stranger; another root is
    another movement."""
    scene = make_scene(policy=Policy(anchor=True))
    scene.deposit(90_000_000, GIFT)
    size = log_size(published(scene, tmp_path / "log"))
    made = scene.propose("refresh")
    plan = made.stored.pay
    at, output = next((n, o) for n, o in enumerate(plan.outputs) if not o.sats)
    found = anchor.read_anchor(bytes.fromhex(output.script), output.sats)
    assert found is not None and found[0] == size
    shown = scene.signers[0].show(plan.psbt)["outputs"][at]
    assert shown["address"] == f"the log's root at {size} entries, {found[1].hex()}"
    other = anchor.anchor_output(size, bytes(32))[0].hex()
    outputs = [*plan.outputs[:at], PlanOutput(other, 0), *plan.outputs[at + 1 :]]
    altered = dataclasses.replace(plan, outputs=tuple(outputs))
    assert digest_of(altered) != digest_of(plan)
    with scene.store.read() as tx:
        wallet = scene.office.wallet(tx, scene.vault)
        psbt = wallet.psbt(dataclasses.replace(altered, psbt=""))
    assert any(f"output {at}" in str(one) for one in signing.check_signed(plan, psbt))
    assert scene.through(made).state is State.SETTLED
    folder = published(scene, tmp_path / "log")
    asked = Asked(settings={"chain": scene.chain.url})
    report = checks.verify(reader.open_source(str(folder)), asked, scene.clock.now())
    assert [line.said for line in report.proved if line.name == "anchor"]
    assert report.exit_code == 0
    with scene.store.read() as tx:
        assert all(one.ok for one in audit.audit(tx, scene.chain.chain))


def log_size(folder: Path) -> int:
    return int((folder / "checkpoint").read_text().split("\n")[1])
