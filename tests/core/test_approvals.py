"""Enough people agree: no sequence of steps spends an approval that was not given."""

from __future__ import annotations

import dataclasses
import datetime as dt
import hashlib
import itertools
import threading
from collections.abc import Iterator

import msgspec
import pytest
import sqlalchemy as sa
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
    run_state_machine_as_test,
)

import databases
from tallystick.core import approvals, journal
from tallystick.core.approvals import Rule, Stage, errors, steps
from tallystick.core.approvals.tables import GIVEN, PROPOSALS
from tallystick.core.clock import SeededClock
from tallystick.core.errors import TallystickError
from tallystick.core.identity import grants, people
from tallystick.core.store import Store

WHAT = hashlib.sha256(b"outputs, inputs, fee bound").hexdigest()
OTHER = hashlib.sha256(b"something else").hexdigest()
APPROVER, SENIOR, VETO = "reserve.approver", "reserve.senior", "reserve.veto"
SEEDS = itertools.count(1000)
TWO = Rule(needs={APPROVER: 2}, vetoes=frozenset({VETO}), delay_s=3600, expires_s=86_400)


class Office:
    """Officials over one store; each call is one transaction."""

    def __init__(self, store: Store, clock: SeededClock) -> None:
        self.store, self.clock = store, clock

    def person(self, name: str, *roles: str) -> str:
        with self.store.transact() as tx:
            token = people.invite(tx, name, people.Role.OFFICIAL, self.clock.now(), self.clock)
            made = people.spend_invite(tx, token, self.clock.now()).id
            for role in roles:
                grants.grant(tx, self.clock, made, role)
        return made

    def propose(self, rule: Rule, maker: str, digest: str = WHAT) -> str:
        with self.store.transact() as tx:
            return approvals.propose(tx, self.clock, "move", "vault-1", digest, rule, maker).id

    def approve(self, proposal: str, by: str, role: str = APPROVER, digest: str = WHAT) -> Stage:
        with self.store.transact() as tx:
            return approvals.approve(tx, self.clock, proposal, by, role, digest, "signed").stage

    def veto(self, proposal: str, by: str, reason: str = "not lawful") -> None:
        with self.store.transact() as tx:
            approvals.veto(tx, self.clock, proposal, by, reason)

    def withdraw(self, proposal: str, by: str) -> None:
        with self.store.transact() as tx:
            approvals.withdraw(tx, self.clock, proposal, by, "a mistake")

    def use(self, proposal: str, digest: str = WHAT, subject: str = "vault-1") -> Stage:
        with self.store.transact() as tx:
            done = approvals.use(tx, self.clock, proposal, "move", subject, digest, "server")
        return done.stage

    def end(self, person: str, role: str) -> None:
        with self.store.transact() as tx:
            grants.end(tx, self.clock, person, role)

    def grant(self, person: str, role: str) -> None:
        with self.store.transact() as tx:
            grants.grant(tx, self.clock, person, role)

    def remove(self, person: str) -> None:
        with self.store.transact() as tx:
            people.remove(tx, person, self.clock.now(), "left")

    def status(self, proposal: str) -> approvals.Status:
        with self.store.read() as tx:
            return approvals.status(tx, proposal, self.clock.now())


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    store = databases.opened(f"sqlite:///{tmp_path_factory.mktemp('approvals')}/store.sqlite")
    yield store
    store.close()


@pytest.fixture
def office(kept: Store, clock: SeededClock) -> Office:
    """One store for the module, with people and proposals of each test's own."""
    return Office(kept, SeededClock(next(SEEDS)))


@pytest.fixture
def office_of_either(store: Store, clock: SeededClock) -> Office:
    return Office(store, clock)


def test_two_of_three_after_the_delay_once(office_of_either: Office) -> None:
    office = office_of_either
    maker, *others = [office.person(name, APPROVER) for name in "MABC"]
    proposal = office.propose(TWO, maker)
    assert office.approve(proposal, others[0]) is Stage.OPEN
    assert office.status(proposal).missing == {APPROVER: 1}
    with pytest.raises(errors.NotApproved, match=r"1 reserve\.approver"):
        office.use(proposal)
    office.clock.advance(60)
    assert office.approve(proposal, others[1]) is Stage.DELAYED
    ready = office.clock.now() + dt.timedelta(seconds=3600)
    assert office.status(proposal).until == ready
    office.clock.advance(3599)
    office.approve(proposal, others[2])  # a third does not begin the delay anew
    with pytest.raises(errors.NotApproved, match="delayed until"):
        office.use(proposal)
    office.clock.advance(1)
    assert office.status(proposal).stage is Stage.READY
    office.use(proposal)
    assert office.status(proposal).stage is Stage.USED
    with pytest.raises(errors.ProposalClosed, match="used"):
        office.use(proposal)


def test_the_maker_never_approves_nor_whoever_is_part_of_it(office: Office) -> None:
    maker, worker = office.person("Maker", APPROVER, SENIOR), office.person("Case", APPROVER)
    proposal = office.propose(Rule(needs={APPROVER: 1}, excluded=frozenset({worker})), maker)
    for somebody in (maker, worker):
        with pytest.raises(errors.MakerIsChecker):
            office.approve(proposal, somebody)
    with pytest.raises(errors.NotApproved):
        office.use(proposal)


def test_a_person_counts_once_whatever_roles_they_hold(office: Office) -> None:
    maker, both = office.person("Maker"), office.person("Both", APPROVER, SENIOR)
    proposal = office.propose(Rule(needs={APPROVER: 1, SENIOR: 1}), maker)
    office.approve(proposal, both, APPROVER)
    for role in (APPROVER, SENIOR):
        with pytest.raises(errors.ApprovedAlready):
            office.approve(proposal, both, role)
    assert office.status(proposal).missing == {SENIOR: 1}


def test_a_role_that_one_does_not_hold_or_that_is_not_asked(office: Office) -> None:
    maker, holder, none = office.person("M"), office.person("H", APPROVER), office.person("N")
    proposal = office.propose(Rule(needs={APPROVER: 1}), maker)
    for somebody, role in ((none, APPROVER), (holder, SENIOR), (holder, "official")):
        with pytest.raises(errors.RoleMissing):
            office.approve(proposal, somebody, role)


def test_a_quorum_above_the_roles_takes_anybody_asked(office: Office) -> None:
    maker, one, two = office.person("M"), office.person("A", APPROVER), office.person("B", SENIOR)
    proposal = office.propose(Rule(needs={APPROVER: 1, SENIOR: 0}, quorum=2), maker)
    office.approve(proposal, two, SENIOR)
    assert office.status(proposal).missing == {APPROVER: 1}
    office.approve(proposal, one)
    assert office.status(proposal).stage is Stage.READY


def test_an_approval_is_of_one_digest_and_so_is_its_use(office: Office) -> None:
    maker, one = office.person("M"), office.person("A", APPROVER)
    proposal = office.propose(Rule(needs={APPROVER: 1}), maker)
    with pytest.raises(errors.DigestDiffers):
        office.approve(proposal, one, digest=OTHER)
    office.approve(proposal, one)
    for wrong in ({"digest": OTHER}, {"subject": "vault-2"}):
        with pytest.raises(errors.DigestDiffers):
            office.use(proposal, **wrong)
    assert office.use(proposal) is Stage.READY


def test_one_veto_stops_what_everybody_approved(office: Office) -> None:
    maker, guard = office.person("M"), office.person("G", VETO)
    approvers = [office.person(name, APPROVER) for name in "AB"]
    proposal = office.propose(TWO, maker)
    for one in approvers:
        office.approve(proposal, one)
    with pytest.raises(errors.RoleMissing):
        office.veto(proposal, approvers[0])
    with pytest.raises(errors.ProposalInvalid):
        office.veto(proposal, guard, "  ")
    office.veto(proposal, guard)
    office.clock.advance(3600)
    with pytest.raises(errors.ProposalClosed, match="vetoed"):
        office.use(proposal)


def test_only_the_maker_withdraws(office: Office) -> None:
    maker, one = office.person("M"), office.person("A", APPROVER)
    proposal = office.propose(Rule(needs={APPROVER: 1}), maker)
    office.approve(proposal, one)
    with pytest.raises(errors.RoleMissing):
        office.withdraw(proposal, one)
    office.withdraw(proposal, maker)
    with pytest.raises(errors.ProposalClosed, match="withdrawn"):
        office.use(proposal)


@pytest.mark.parametrize(("after_s", "stage"), [(86_399, Stage.READY), (86_400, Stage.EXPIRED)])
def test_a_proposal_expires(office: Office, after_s: int, stage: Stage) -> None:
    maker, *both = [office.person(name, APPROVER) for name in "MAB"]
    proposal = office.propose(TWO, maker)
    for one in both:
        office.approve(proposal, one)
    office.clock.advance(after_s)
    assert office.status(proposal).stage is stage
    if stage is Stage.EXPIRED:
        for step in (lambda: office.use(proposal), lambda: office.approve(proposal, maker)):
            with pytest.raises(errors.ProposalClosed, match="expired"):
                step()


def test_the_word_of_who_left_counts_no_longer(office_of_either: Office) -> None:
    office = office_of_either
    maker, *others = [office.person(name, APPROVER) for name in "MABC"]
    proposal = office.propose(Rule(needs={APPROVER: 2}), maker)
    office.approve(proposal, others[0])
    office.approve(proposal, others[1])
    assert office.status(proposal).stage is Stage.READY
    office.remove(others[0])
    with pytest.raises(errors.NotApproved):
        office.use(proposal)
    office.approve(proposal, others[2])
    office.end(others[1], APPROVER)
    assert office.status(proposal).missing == {APPROVER: 1}
    office.grant(others[1], APPROVER)  # a new office does not bring the old word back
    with pytest.raises(errors.NotApproved):
        office.use(proposal)


def test_the_delay_begins_when_those_who_count_agreed(office: Office) -> None:
    maker, *others = [office.person(name, APPROVER) for name in "MABC"]
    proposal = office.propose(TWO, maker)
    office.approve(proposal, others[0])
    office.approve(proposal, others[1])
    office.clock.advance(3000)
    office.approve(proposal, others[2])
    third_at = office.clock.now()
    office.remove(others[0])
    assert office.status(proposal).until == third_at + dt.timedelta(seconds=3600)


def test_a_clock_set_back_dates_nothing_before_the_last_step(office: Office) -> None:
    maker, *both = [office.person(name, APPROVER) for name in "MAB"]
    proposal = office.propose(TWO, maker)
    office.clock.advance(60)
    office.approve(proposal, both[0])
    at = office.clock.now()
    office.clock.advance(-steps.CLOCK_SKEW_S_MAX)
    office.approve(proposal, both[1])
    with office.store.read() as tx:
        assert [step["at"] for step in approvals.history(tx, proposal)][1:] == [at, at]
    office.clock.advance(-1)
    with pytest.raises(errors.BackDated):
        office.use(proposal)


def test_who_may_propose(office: Office) -> None:
    clerk, other = office.person("C", "reserve.proposer"), office.person("O", APPROVER)
    rule = Rule(needs={APPROVER: 1}, proposers=frozenset({"reserve.proposer"}))
    assert office.propose(rule, clerk)
    with pytest.raises(errors.RoleMissing):
        office.propose(rule, other)
    with pytest.raises(TallystickError, match="no such person"):
        office.propose(rule, "nobody")


@pytest.mark.parametrize(
    "wrong",
    [
        {"needs": {}},
        {"needs": {APPROVER: 0}},
        {"needs": {APPROVER: -1, SENIOR: 2}},
        {"needs": {"": 1}},
        {"needs": {APPROVER: 33}},
        {"needs": {APPROVER: 1}, "delay_s": -1},
        {"needs": {APPROVER: 1}, "delay_s": 600, "expires_s": 600},
        {"needs": {APPROVER: 1}, "expires_s": 367 * 86_400},
        {"needs": {APPROVER: 1}, "excluded": frozenset(map(str, range(65)))},
    ],
)
def test_a_rule_that_asks_nobody_or_cannot_be_kept(wrong: dict[str, object]) -> None:
    with pytest.raises(errors.RuleUnsound):
        Rule(**wrong)


@pytest.mark.parametrize(
    ("kind", "subject", "digest"),
    [("", "s", WHAT), ("k", "", WHAT), ("k" * 61, "s", WHAT), ("k", "s" * 201, WHAT)]
    + [("k", "s", digest) for digest in ("", WHAT[:-1], WHAT.upper(), WHAT + "\n")],
)
def test_a_proposal_has_limits(office: Office, kind: str, subject: str, digest: str) -> None:
    maker = office.person("M")
    with pytest.raises(errors.ProposalInvalid), office.store.transact() as tx:
        approvals.propose(tx, office.clock, kind, subject, digest, TWO, maker)


def test_evidence_and_open_proposals_have_limits(office: Office) -> None:
    maker, one = office.person("M"), office.person("A", APPROVER)
    first = office.propose(TWO, maker)
    with pytest.raises(errors.ProposalInvalid), office.store.transact() as tx:
        much = "x" * (steps.EVIDENCE_CHARS_MAX + 1)
        approvals.approve(tx, office.clock, first, one, APPROVER, WHAT, much)
    with office.store.transact() as tx:
        query = sa.select(PROPOSALS).where(PROPOSALS.c.id == first)
        row = dict(tx.execute(query).mappings().one())
        more = [{**row, "id": f"{maker}{n}"} for n in range(steps.OPEN_PER_MAKER_MAX - 1)]
        tx.execute(sa.insert(PROPOSALS), more)
    with pytest.raises(errors.TooManyProposals):
        office.propose(TWO, maker)
    office.withdraw(first, maker)
    assert office.propose(TWO, maker)


def test_every_step_is_committed_to_in_the_journal(office: Office) -> None:
    maker, one = office.person("M"), office.person("A", APPROVER)
    proposal = office.propose(Rule(needs={APPROVER: 1}), maker)
    office.approve(proposal, one)
    office.use(proposal)
    with office.store.read() as tx:
        told = approvals.history(tx, proposal)
        assert [step["kind"] for step in told] == ["proposed", "approved", "used"]
        for step in told:
            commitment = journal.commit(bytes.fromhex(step["salt"]), step["content"])
            assert journal.find(tx, commitment) is not None
        assert journal.verify(tx) >= 4
        assert proposal in [one.id for one in approvals.listed(tx, subject="vault-1")]
        assert proposal not in [one.id for one in approvals.listed(tx, stage=Stage.OPEN)]
        with pytest.raises(errors.ProposalUnknown):
            approvals.get(tx, "nothing")


def test_a_rule_is_kept_as_it_was_proposed() -> None:
    full = Rule(needs={APPROVER: 2}, quorum=3, excluded=frozenset({"a", "b"}), vetoes={VETO})
    assert Rule.decode(full.encode()) == full
    assert msgspec.json.decode(full.encode())["excluded"] == ["a", "b"]


def at_once(*calls: object) -> list[BaseException | object]:
    """Run the calls in threads that start together; return what each gave or raised."""
    ready, found = threading.Barrier(len(calls)), [None] * len(calls)

    def run(number: int, call: object) -> None:
        ready.wait(10)
        try:
            found[number] = call()
        except BaseException as error:
            found[number] = error

    threads = [threading.Thread(target=run, args=pair) for pair in enumerate(calls)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    return found


def test_at_once_nobody_counts_twice_and_nothing_is_used_twice(office_of_either: Office) -> None:
    office = office_of_either
    maker, both = office.person("M"), office.person("A", APPROVER, SENIOR)
    for _ in range(4):
        proposal = office.propose(Rule(needs={APPROVER: 1, SENIOR: 1}), maker)
        at_once(*[lambda p=proposal, r=r: office.approve(p, both, r) for r in (APPROVER, SENIOR)])
        with office.store.read() as tx:
            query = sa.select(GIVEN).where(GIVEN.c.proposal == proposal)
            assert len(tx.execute(query).all()) == 1
        single = office.propose(Rule(needs={APPROVER: 1}), maker)
        office.approve(single, both)
        found = at_once(*[lambda p=single: office.use(p)] * 4)
        assert sorted(type(one).__name__ for one in found) == ["ProposalClosed"] * 3 + ["Stage"]


def test_a_veto_and_a_use_at_once_leave_one_of_them(office_of_either: Office) -> None:
    office = office_of_either
    maker, one = office.person("M"), office.person("A", APPROVER, VETO)
    for _ in range(4):
        proposal = office.propose(Rule(needs={APPROVER: 1}, vetoes={VETO}), maker)
        office.approve(proposal, one)
        found = at_once(
            lambda p=proposal: office.use(p), lambda p=proposal: office.veto(p, one, "no")
        )
        assert sum(isinstance(each, errors.ProposalClosed) for each in found) == 1
        assert office.status(proposal).stage in {Stage.USED, Stage.VETOED}


@dataclasses.dataclass
class Told:
    """What happened, kept apart from the code under test."""

    approved: dict[str, tuple[str, dt.datetime]] = dataclasses.field(default_factory=dict)
    vetoed: bool = False
    withdrawn: bool = False
    used: int = 0


class Attack(RuleBasedStateMachine):
    """Any steps in any order: a use that succeeds had a quorum, a delay, time and no veto."""

    office: Office

    @initialize(needs=st.integers(1, 2), senior=st.integers(0, 1), delay=st.integers(0, 3))
    def begin(self, needs: int, senior: int, delay: int) -> None:
        self.needs = {APPROVER: needs, SENIOR: senior}
        self.delay = dt.timedelta(seconds=delay * 10)
        self.rule = Rule(
            needs=self.needs, vetoes={VETO}, delay_s=delay * 10, expires_s=delay * 10 + 60
        )
        roles = {"maker": [APPROVER, SENIOR], "a": [APPROVER], "b": [APPROVER, SENIOR]}
        roles |= {"c": [SENIOR], "v": [VETO, APPROVER]}
        self.people = {name: self.office.person(name, *held) for name, held in roles.items()}
        self.left: set[str] = set()
        self.told = Told()
        self.expires = self.office.clock.now() + dt.timedelta(seconds=self.rule.expires_s)
        self.proposal = self.office.propose(self.rule, self.people["maker"])

    def attempt(self, step: object) -> bool:
        try:
            step()
        except TallystickError:
            return False
        return True

    @rule(
        who=st.sampled_from(["maker", "a", "b", "c", "v"]),
        role=st.sampled_from([APPROVER, SENIOR, VETO]),
        digest=st.sampled_from([WHAT, WHAT, WHAT, OTHER]),
    )
    def approve(self, who: str, role: str, digest: str) -> None:
        at = self.office.clock.now()
        if self.attempt(lambda: self.office.approve(self.proposal, self.people[who], role, digest)):
            assert who not in self.told.approved
            assert digest == WHAT
            self.told.approved[who] = (role, at)

    @rule(who=st.sampled_from(["a", "v"]))
    def veto(self, who: str) -> None:
        if self.attempt(lambda: self.office.veto(self.proposal, self.people[who])):
            assert who == "v"
            self.told.vetoed = True

    @rule(who=st.sampled_from(["maker", "a"]))
    def withdraw(self, who: str) -> None:
        if self.attempt(lambda: self.office.withdraw(self.proposal, self.people[who])):
            assert who == "maker"
            self.told.withdrawn = True

    @rule(who=st.sampled_from(["a", "b"]))
    def leave(self, who: str) -> None:
        if self.attempt(lambda: self.office.remove(self.people[who])):
            self.left.add(who)

    @rule(seconds=st.sampled_from([1, 9, 10, 30, -3]))
    def wait(self, seconds: int) -> None:
        self.office.clock.advance(seconds)

    @rule(digest=st.sampled_from([WHAT, WHAT, OTHER]))
    def use(self, digest: str) -> None:
        if not self.attempt(lambda: self.office.use(self.proposal, digest)):
            return
        now, counted = self.office.clock.now(), {}
        for who, (role, at) in self.told.approved.items():
            if who != "maker" and who not in self.left:
                counted[who] = (role, at)
        for role, most in self.needs.items():
            times = sorted(at for held, at in counted.values() if held == role)
            assert len(times) >= most, f"{role}: {len(times)} of {most}"
            assert not most or now + dt.timedelta(seconds=5) >= times[most - 1] + self.delay
        assert digest == WHAT
        assert now < self.expires
        assert not self.told.vetoed
        assert not self.told.withdrawn
        self.told.used += 1

    @invariant()
    def used_at_most_once(self) -> None:
        assert getattr(self, "told", Told()).used <= 1


def test_no_sequence_of_steps_spends_what_was_not_given(office: Office) -> None:
    Attack.office = office
    run_state_machine_as_test(
        Attack, settings=settings(max_examples=40, stateful_step_count=16, deadline=None)
    )
