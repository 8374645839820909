"""Claims in the real ledger: grounds that deny nothing, deadlines, two persons, refunded once."""

import datetime as dt
from typing import Any

import msgspec
import pytest
from desk_scene import Desk, purchase

from tallystick.core import journal, ledger
from tallystick.core.clock import SeededClock
from tallystick.core.store import Store
from tallystick.kiosk import record
from tallystick.kiosk.scams import claims, intervene, report
from tallystick.kiosk.scams.claim import (
    GROUNDS,
    NEVER,
    NEXT,
    PURCHASES_MAX,
    WORDS_LENGTH_MAX,
    Duty,
    Form,
    Ground,
    State,
)
from tallystick.kiosk.scams.errors import (
    ClaimIncomplete,
    ClaimStep,
    ClaimUnknown,
    GroundRefused,
    RefundTooLarge,
    SamePerson,
)

TODAY = dt.date(2026, 11, 24)
NOW = dt.datetime(2026, 11, 24, 12, tzinfo=dt.UTC)
FORM = Form(TODAY, TODAY, "police", "vault:1")
POLICE = {"police report": "26-1234"}
REPORTED = msgspec.structs.replace(FORM, evidence=POLICE)
SD = Duty(
    "SDCL 51A-18-7",
    "full",
    ("police report", "government agency report", "sworn statement"),
    TODAY + dt.timedelta(days=90),
    NOW + dt.timedelta(days=120),
    NOW + dt.timedelta(days=30),
    72,
)


class Claims:
    """The claims desk of one store."""

    def __init__(self, store: Store, clock: SeededClock) -> None:
        self.store, self.clock = store, clock

    def file(self, form: Form = REPORTED, duty: Duty = SD, **more: Any) -> tuple[str, str]:
        bought = more.pop("bought", "") or purchase(self.store, self.clock, **more)
        with self.store.transact() as tx:
            return claims.file(tx, self.clock, "p", "US-SD", form, duty, [bought], "ada"), bought

    def do(self, step: Any, claim: str, *args: Any, by: str = "bea") -> Any:
        with self.store.transact() as tx:
            return step(tx, self.clock, claim, *args, by)

    def decide(
        self, claim: str, refunds: dict[str, int], *grounds: Ground, by: str = "bea"
    ) -> State:
        decided: State = self.do(claims.decide, claim, refunds, grounds, by=by)
        return decided

    def state(self, claim: str) -> State:
        with self.store.read() as tx:
            return State(claims.find(tx, claim)["state"])

    def credit(self, name: str) -> int:
        with self.store.read() as tx:
            held = ledger.balance(tx, name)
            trial = ledger.trial_balance(tx)
        assert not trial.wrong and all(d == c for d, c in trial.sides.values())
        return held.credit.minor if held else 0


@pytest.fixture
def desk(store: Store, clock: SeededClock) -> Claims:
    return Claims(store, clock)


def test_an_upheld_claim_is_owed_then_paid(desk: Claims) -> None:
    claim, bought = desk.file()
    assert desk.decide(claim, {bought: 100_000}) is State.UPHELD
    assert desk.credit("customers:refunds") == 100_000
    assert (desk.credit("income:fees"), desk.credit("losses:scams")) == (-12_000, -88_000)
    with pytest.raises(SamePerson):
        desk.do(claims.pay, claim, by="bea")
    desk.do(claims.pay, claim, by="cat")
    assert desk.state(claim) is State.PAID
    assert (desk.credit("customers:refunds"), desk.credit("operator:cash")) == (0, 100_000)
    with pytest.raises(ClaimStep):
        desk.do(claims.pay, claim, by="cat")
    assert desk.credit("operator:cash") == 100_000


def test_fees_alone_come_from_the_fees(desk: Claims) -> None:
    claim, bought = desk.file(duty=msgspec.structs.replace(SD, amount="fees"))
    desk.decide(claim, {bought: 12_000})
    assert (desk.credit("customers:refunds"), desk.credit("losses:scams")) == (12_000, 0)


@pytest.mark.parametrize("code", sorted(NEVER))
def test_no_claim_is_denied_on_these(desk: Claims, code: str) -> None:
    claim, bought = desk.file()
    with pytest.raises(GroundRefused, match="never denies"):
        desk.decide(claim, {}, Ground(code, "the customer was told", "x"))
    with pytest.raises(GroundRefused, match="never denies"):
        desk.decide(claim, {bought: 1}, Ground("disproved", "x"), Ground(code, "x"))
    assert desk.state(claim) is State.REVIEW and not NEVER & GROUNDS


@pytest.mark.parametrize(
    ("ground", "says"),
    [
        (Ground("because", "x"), "is no ground"),
        (Ground("disproved", " "), "has no words"),
        (Ground("disproved", "x" * (WORDS_LENGTH_MAX + 1)), "at most"),
        (Ground("not-covered", "x"), "cites"),
        (Ground("late", "x"), "no window"),
        (Ground("no-evidence", "x"), "may still come"),
    ],
)
def test_a_ground_must_be_borne_out(desk: Claims, ground: Ground, says: str) -> None:
    claim, _ = desk.file()
    with pytest.raises(GroundRefused, match=says):
        desk.decide(claim, {}, ground)


def test_less_than_the_law_grants_needs_a_ground(desk: Claims) -> None:
    claim, bought = desk.file()
    for refunds in ({}, {bought: 99_999}):
        with pytest.raises(GroundRefused, match="less than the law grants"):
            desk.decide(claim, refunds)
    assert desk.credit("customers:refunds") == 0
    assert desk.decide(claim, {bought: 99_999}, Ground("disproved", "part was kept")) == "upheld"


@pytest.mark.parametrize(("minor"), [100_001, -1, True])
def test_no_more_than_was_put_in(desk: Claims, minor: int) -> None:
    claim, bought = desk.file()
    with pytest.raises(RefundTooLarge):
        desk.decide(claim, {bought: minor}, Ground("disproved", "x"))
    with pytest.raises(RefundTooLarge, match="not in this claim"):
        desk.decide(claim, {bought: 100_000, "another": 1})


def test_an_unread_window_is_never_missed(desk: Claims) -> None:
    late = msgspec.structs.replace(REPORTED, contacted_on=TODAY + dt.timedelta(days=900))
    unread = Duty("32 M.R.S. 6169(4)")
    claim, _ = desk.file(late, unread)
    for code in ("late", "no-evidence"):
        with pytest.raises(GroundRefused):
            desk.decide(claim, {}, Ground(code, "x"))
    known, _ = desk.file(late, SD)
    assert desk.decide(known, {}, Ground("late", "told after 90 days", SD.cite)) is State.DENIED


def test_on_the_last_day_is_in_time(desk: Claims) -> None:
    assert SD.contact_by
    last = msgspec.structs.replace(REPORTED, contacted_on=SD.contact_by)
    claim, _ = desk.file(last)
    with pytest.raises(GroundRefused):
        desk.decide(claim, {}, Ground("late", "x"))


def test_evidence_starts_the_review_and_the_clock(desk: Claims) -> None:
    claim, bought = desk.file(FORM)
    assert desk.state(claim) is State.WAITING
    with pytest.raises(ClaimStep):
        desk.decide(claim, {bought: 100_000})
    desk.do(claims.add_evidence, claim, "other", "a letter")
    assert desk.state(claim) is State.WAITING
    desk.clock.advance(86_400)
    desk.do(claims.add_evidence, claim, "sworn statement", "vault:2")
    with desk.store.read() as tx:
        row = claims.find(tx, claim)
    assert (row["state"], row["pay_by"]) == ("review", desk.clock.now() + dt.timedelta(hours=72))
    assert set(row["form"].evidence) == {"other", "sworn statement"}
    with pytest.raises(ClaimIncomplete):
        desk.do(claims.add_evidence, claim, "rumour", "x")


def test_without_evidence_only_after_its_day(desk: Claims) -> None:
    claim, _ = desk.file(FORM)
    denied = Ground("no-evidence", "none came", SD.cite)
    desk.clock.advance(120 * 86_400)
    with pytest.raises(GroundRefused):
        desk.decide(claim, {}, denied)
    desk.clock.advance(1)
    assert desk.decide(claim, {}, denied) is State.DENIED


def test_a_denial_is_appealed_to_somebody_else(desk: Claims) -> None:
    claim, bought = desk.file()
    desk.decide(claim, {}, Ground("disproved", "the address was theirs"))
    with pytest.raises(ClaimIncomplete):
        desk.do(claims.appeal, claim, " ")
    desk.do(claims.appeal, claim, "it was not mine", by="victim")
    with pytest.raises(SamePerson):
        desk.decide(claim, {bought: 100_000}, by="bea")
    assert desk.decide(claim, {bought: 100_000}, by="cat") is State.UPHELD


def test_a_purchase_is_refunded_once_over_all_claims(desk: Claims) -> None:
    claim, bought = desk.file()
    again, _ = desk.file(bought=bought)
    desk.decide(claim, {bought: 100_000})
    with pytest.raises(RefundTooLarge, match="refunded before"):
        desk.decide(again, {bought: 100_000})
    assert desk.decide(again, {}, Ground("refunded-before", "by the first claim")) == "denied"
    assert desk.credit("customers:refunds") == 100_000


def test_due_claims_are_those_whose_day_has_come(desk: Claims) -> None:
    slow, _ = desk.file(FORM)
    quick, bought = desk.file()
    unread, _ = desk.file(duty=Duty("x"))

    def due(**after: int) -> list[str]:
        with desk.store.read() as tx:
            return [row["id"] for row in claims.due(tx, NOW + dt.timedelta(**after))]

    assert due(hours=72) == []
    assert due(hours=73) == [quick]
    assert due(days=31) == [quick, slow]
    desk.decide(quick, {bought: 100_000})
    assert due(hours=73) == [quick], "decided, not paid"
    desk.do(claims.pay, quick, by="cat")
    assert due(days=31) == [slow] and unread not in due(days=4_000)


@pytest.mark.parametrize(
    ("form", "says"),
    [
        (msgspec.structs.replace(FORM, script="aliens"), "no kind of scam"),
        (msgspec.structs.replace(FORM, statement=" "), "statement"),
        (msgspec.structs.replace(FORM, contacted_on=TODAY - dt.timedelta(days=1)), "told before"),
        (msgspec.structs.replace(FORM, evidence={"gossip": "x"}), "no kind of evidence"),
    ],
)
def test_a_form_lacks_nothing(desk: Claims, form: Form, says: str) -> None:
    with pytest.raises(ClaimIncomplete, match=says):
        desk.file(form)


@pytest.mark.parametrize("duty", [Duty(" "), Duty("x", "double")])
def test_a_grant_is_cited_and_known(desk: Claims, duty: Duty) -> None:
    with pytest.raises(ClaimIncomplete, match="cited"):
        desk.file(duty=duty)


def test_which_purchases_a_claim_may_name(desk: Claims) -> None:
    with pytest.raises(ClaimStep, match="call it off"):
        desk.file(state="paid_in")
    for names in ([], ["x"], ["x"] * 2, [f"x{n}" for n in range(PURCHASES_MAX + 1)]):
        with pytest.raises(ClaimIncomplete), desk.store.transact() as tx:
            claims.file(tx, desk.clock, "p", "US-SD", FORM, SD, names, "ada")
    many = [purchase(desk.store, desk.clock, cash=2_000) for _ in range(PURCHASES_MAX)]
    with desk.store.transact() as tx:
        claim = claims.file(tx, desk.clock, "p", "US-SD", REPORTED, SD, many, "ada")
    desk.decide(claim, dict.fromkeys(many, 2_000))
    assert desk.credit("customers:refunds") == 2_000 * PURCHASES_MAX


TAKEN = {
    State.REVIEW: lambda d, c: d.do(claims.appeal, c, "why"),
    State.WITHDRAWN: lambda d, c: d.do(claims.withdraw, c, "why"),
    State.PAID: lambda d, c: d.do(claims.pay, c, by="dan"),
}


def bring(desk: Claims, to: State) -> tuple[str, str]:
    claim, bought = desk.file(FORM if to is State.WAITING else REPORTED)
    if to is State.DENIED:
        desk.decide(claim, {}, Ground("disproved", "x"))
    elif to in (State.UPHELD, State.PAID):
        desk.decide(claim, {bought: 100_000})
    if to in (State.WITHDRAWN, State.PAID):
        TAKEN[to](desk, claim)
    return claim, bought


@pytest.mark.parametrize("before", list(State))
@pytest.mark.parametrize("after", list(TAKEN))
def test_only_steps_of_the_table_are_taken(desk: Claims, before: State, after: State) -> None:
    claim, _ = bring(desk, before)
    assert desk.state(claim) is before
    if after in NEXT[before]:
        TAKEN[after](desk, claim)
        assert desk.state(claim) is after
        return
    owed = desk.credit("customers:refunds")
    with pytest.raises(ClaimStep):
        TAKEN[after](desk, claim)
    assert desk.state(claim) is before and desk.credit("customers:refunds") == owed


def test_every_step_opens_in_the_journal(desk: Claims) -> None:
    claim, bought = desk.file()
    desk.decide(claim, {bought: 100_000})
    desk.do(claims.pay, claim, by="cat")
    with desk.store.read() as tx:
        events = claims.find(tx, claim)["events"]
        assert [e["kind"] for e in events] == ["filed", "upheld", "paid"]
        assert journal.verify(tx) >= 3
        rows = {e.seq: e.commitment for e in tx.execute(journal.ENTRIES.select())}
    for event in events:
        assert record.opens(event["content"], event["salt"], rows[event["entry"]])


def test_an_upheld_claim_confirms_its_intervention(desk: Claims) -> None:
    scam = Desk(desk.store, desk.clock)
    bought = purchase(desk.store, desk.clock)
    plan = scam.bought(purchase=bought)
    claim, _ = desk.file(bought=bought)
    desk.decide(claim, {bought: 100_000})
    with desk.store.read() as tx:
        (line,) = report.interventions(tx, desk.clock.now())
        assert (line.confirmed, intervene.find(tx, plan.id)["purchase"]) == (1, bought)


def test_an_unknown_claim_is_said_to_be(desk: Claims) -> None:
    with pytest.raises(ClaimUnknown):
        desk.do(claims.withdraw, "none", "x")
