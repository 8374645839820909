"""A hit holds its person until other people decide; lists that change are asked again, of all."""

from __future__ import annotations

import datetime as dt
import functools
import tempfile
from pathlib import Path

import pytest
import sqlalchemy as sa
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule
from queue_scene import DAY, LISTED, Scene, entry

import databases
from tallystick.core import effects, journal
from tallystick.core.approvals.errors import ApprovalError, RoleMissing
from tallystick.core.clock import SeededClock
from tallystick.core.store import Store
from tallystick.kiosk import blocked
from tallystick.kiosk.screening import hits, lists, tables
from tallystick.kiosk.screening.entry import Alias, Born, Wallet
from tallystick.kiosk.screening.errors import (
    HitStep,
    PersonHeld,
    PublishedUnreadable,
    ReasonMissing,
    SameReviewer,
    ScreeningError,
)
from tallystick.kiosk.screening.index import Subject
from tallystick.kiosk.screening.model import GROUNDS, HOLDING, NEXT, State

ADDRESS = "bcrt1qw508d6qejxtdg4y5r3zarvary0c5xw7kygt080"


def test_a_hit_holds_the_person_and_the_screen_is_told_nothing(scene: Scene) -> None:
    held, free = scene.customer("Kareem Sampli"), scene.customer("Jane Brown")
    with scene.store.transact() as tx:
        hits.gate(tx, free)
        with pytest.raises(PersonHeld) as refused:
            hits.gate(tx, held)
    assert refused.value.say == "kiosk.call_us"
    assert "sanction" not in str(refused.value).lower()
    assert "list" not in str(refused.value).lower()


def test_who_was_never_screened_is_not_clear(scene: Scene) -> None:
    with scene.store.transact() as tx, pytest.raises(PersonHeld):
        hits.gate(tx, "01ARZ3NDEKTSV4RRFFQ69G5FAV")


def test_without_the_list_that_the_policy_wants_nobody_is_clear(
    clock: SeededClock, tmp_path: Path
) -> None:
    store = databases.opened(f"sqlite:///{tmp_path}/empty.sqlite")
    scene = Scene(store, clock, tmp_path)
    person = scene.customer("Jane Brown")
    assert not scene.clear(person)
    scene.take_in(entry("1", LISTED))
    assert not scene.clear(person)
    scene.work()
    assert scene.clear(person)


def test_two_people_clear_a_hit_and_neither_alone(everywhere: Scene) -> None:
    scene = everywhere
    person = scene.customer("Kareem Sampli")
    hit = scene.hit_of(person)
    scene.propose(hit, scene.ada)
    with pytest.raises(SameReviewer):
        scene.approve(hit, scene.ada)
    assert not scene.clear(person)
    assert scene.approve(hit, scene.eve) is State.CLEARED
    assert scene.clear(person)


def test_a_confirmed_hit_never_permits_and_outlives_its_entry(scene: Scene) -> None:
    person = scene.customer("Kareem Sampli")
    hit = scene.hit_of(person)
    scene.propose(hit, scene.ada, "the-same-document")
    assert scene.approve(hit, scene.eve) is State.CONFIRMED
    assert not scene.clear(person)
    scene.take_in(entry("2", "Nobody Whatever"))
    assert scene.state(hit) is State.CONFIRMED
    assert not scene.clear(person)


def test_only_compliance_proposes_and_approves(scene: Scene) -> None:
    person = scene.customer("Kareem Sampli")
    hit, bob = scene.hit_of(person), scene.officer("Bob Example", "kiosk.cash")
    with pytest.raises(RoleMissing):
        scene.propose(hit, bob)
    scene.propose(hit, scene.ada)
    with pytest.raises(RoleMissing):
        scene.approve(hit, bob)
    assert scene.state(hit) is State.REVIEW


@pytest.mark.parametrize(
    ("ground", "evidence"),
    [("a-common-name", "vault 1"), ("", "vault 1"), ("another-document", " "), ("x", "x" * 121)],
)
def test_a_decision_needs_a_ground_from_the_list_and_its_evidence(
    scene: Scene, ground: str, evidence: str
) -> None:
    hit = scene.hit_of(scene.customer("Kareem Sampli"))
    with scene.store.transact() as tx, pytest.raises(ReasonMissing):
        hits.propose(tx, scene.clock, scene.policy, hit, ground, evidence, scene.ada)
    assert scene.state(hit) is State.HIT


def test_an_approval_is_of_this_decision_and_no_other(scene: Scene) -> None:
    hit = scene.hit_of(scene.customer("Kareem Sampli"))
    scene.propose(hit, scene.ada)
    with scene.store.transact() as tx:
        row = hits.find(tx, hit)
        other = row["decision"].replace("another-document", "another-photograph")
        tx.execute(sa.update(tables.HITS).values(decision=other))
    with pytest.raises(ApprovalError):
        scene.approve(hit, scene.eve)
    assert scene.state(hit) is State.REVIEW


def test_a_proposal_that_expired_is_taken_back_and_the_hit_waits_again(scene: Scene) -> None:
    hit = scene.hit_of(scene.customer("Kareem Sampli"))
    scene.propose(hit, scene.ada)
    scene.clock.advance(hits.APPROVE_WITHIN_S + 1)
    with pytest.raises(ApprovalError):
        scene.approve(hit, scene.eve)
    with scene.store.transact() as tx:
        hits.take_back(tx, scene.clock, hit, scene.ada, "nobody came")
    assert scene.state(hit) is State.HIT
    scene.propose(hit, scene.eve)
    assert scene.approve(hit, scene.ada) is State.CLEARED


def test_a_decided_hit_is_opened_again_and_holds_again(scene: Scene) -> None:
    person = scene.customer("Kareem Sampli")
    hit = scene.hit_of(person)
    with scene.store.transact() as tx, pytest.raises(HitStep):
        hits.reopen(tx, scene.clock, hit, scene.ada)
    scene.propose(hit, scene.ada)
    scene.approve(hit, scene.eve)
    with scene.store.transact() as tx:
        hits.reopen(tx, scene.clock, hit, scene.ada)
    assert not scene.clear(person)


def test_every_step_is_in_the_journal_and_no_name_of_a_customer_is_anywhere_else(
    scene: Scene,
) -> None:
    hit = scene.hit_of(scene.customer("Kareem Sampli"))
    scene.propose(hit, scene.ada)
    scene.approve(hit, scene.eve)
    with scene.store.read() as tx:
        journal.verify(tx)
        events = hits.find(tx, hit)["events"]
        assert [event["kind"] for event in events] == ["opened", "proposed", "cleared"]
        for event in events:
            held = tx.execute(
                sa.select(journal.ENTRIES.c.commitment).where(
                    journal.ENTRIES.c.seq == event["entry"]
                )
            ).scalar_one()
            content = journal.msgspec.json.decode(event["content"])
            assert journal.commit(bytes.fromhex(event["salt"]), content) == held
        for table in tables.METADATA.sorted_tables:
            for row in tx.execute(sa.select(table)):
                assert "Kareem" not in str(tuple(row)), table.name


def test_a_new_entry_is_asked_of_every_customer_and_only_it(everywhere: Scene) -> None:
    scene = everywhere
    held = scene.customer("Kareem Sampli")
    people = [scene.customer(f"Person Numbered{number:03d}") for number in range(7)]
    late = scene.customer("Olga Petrovna Sidorova", dt.date(1980, 1, 2))
    before = len(scene.roll.records)
    change = scene.take_in(
        entry("1", LISTED),
        entry("2", "Nobody Whatever"),
        entry("3", "Ольга Сидорова", dt.date(1980, 1, 2)),
    )
    assert (change.added, change.changed, change.removed) == (("ofac/3",), (), ())
    assert scene.work() >= 1
    assert not scene.clear(late)
    assert all(scene.clear(person) for person in people)
    with scene.store.read() as tx:
        assert len(hits.queue(tx)) == 2
        rows = tx.execute(sa.select(tables.SCREENED)).mappings().all()
        assert {row["against"] for row in rows} == {change.taking}
        reads = sum(len(scene.vault.accesses(tx, person)) for person in scene.roll.records)
    assert reads == before, "each customer's name was read once, on record"
    assert scene.hit_of(held)


def test_customers_are_screened_again_batch_by_batch(scene: Scene) -> None:
    scene.handler.size = 3
    names = ("Jane Brown", "Li Wei", "Ivo Horvat", "Ana Costa", "Per Berg", "Mary Hill", "Bo Ek")
    people = [scene.customer(name) for name in names]
    scene.take_in(entry("1", LISTED), entry("3", "Mary Hill"))
    assert scene.work() == 3
    assert [scene.clear(person) for person in people] == [name != "Mary Hill" for name in names]


def test_a_batch_that_is_done_twice_opens_no_hit_twice(scene: Scene) -> None:
    person = scene.customer("Kareem Sampli")
    subject = Subject(("Kareem Sampli",), (Born(DAY, DAY),))
    with scene.store.transact() as tx:
        found = scene.screening.lists.current(tx)[1].screen(subject, scene.policy.review_points)
        assert len(found) == 1
        assert hits.open_hits(tx, scene.clock, person, found, "again", "test") == []


def test_who_missed_a_list_is_screened_against_all_of_it_later(scene: Scene) -> None:
    person = scene.customer("Mary Hill")
    missed = scene.take_in(entry("1", LISTED), entry("3", "Mary Hill"))
    with scene.store.transact() as tx:
        effects.end(tx, "screening", f"{missed.taking}/", scene.clock.now())
    scene.take_in(entry("1", LISTED), entry("3", "Mary Hill"), entry("4", "Bo Ek"))
    scene.work()
    assert not scene.clear(person), "the batch that was lost is made good by the next"


def test_a_changed_entry_is_a_new_match_even_of_who_was_cleared(scene: Scene) -> None:
    person = scene.customer("Kareem Sampli")
    hit = scene.hit_of(person)
    scene.propose(hit, scene.ada)
    scene.approve(hit, scene.eve)
    change = scene.take_in(
        entry("1", LISTED, names=(Alias(LISTED), Alias("Kareem Sampli"))),
        entry("2", "Nobody Whatever"),
    )
    assert change.changed == ("ofac/1",)
    scene.work()
    assert not scene.clear(person)
    with scene.store.read() as tx:
        said = {d.key: d.what for d in lists.explained(tx, change.taking)}
    assert said == {"ofac/1": ("name added",)}


def test_an_entry_that_is_gone_lets_go_who_was_not_decided(scene: Scene) -> None:
    person = scene.customer("Kareem Sampli")
    hit = scene.hit_of(person)
    scene.propose(hit, scene.ada)
    change = scene.take_in(entry("2", "Nobody Whatever"))
    assert change.removed == ("ofac/1",)
    assert scene.state(hit) is State.GONE
    assert scene.clear(person)
    with pytest.raises(ScreeningError):
        scene.approve(hit, scene.eve)


def test_a_list_that_lost_much_is_half_a_file_until_somebody_says_not(scene: Scene) -> None:
    many = [entry(str(n), f"Person Numbered{n:03d}") for n in range(1, 120)]
    scene.take_in(*many)
    with pytest.raises(PublishedUnreadable, match="would go"):
        scene.take_in(*many[:40])
    with scene.store.read() as tx:
        assert len(lists.entries(tx)) == 119
    assert len(scene.take_in(*many[:40], shrinks=True).removed) == 79


def test_wallets_of_the_list_are_blocked_on_every_machine_at_once(everywhere: Scene) -> None:
    scene = everywhere
    wallet = Wallet("XBT", ADDRESS)
    scene.take_in(entry("1", LISTED, wallets=(wallet, Wallet("ETH", "0xabc"))))
    with scene.store.read() as tx:
        assert "SDN entry 1" in blocked.reason(tx, ADDRESS, scene.clock.now())
    scene.take_in(entry("1", LISTED))
    with scene.store.read() as tx:
        assert blocked.reason(tx, ADDRESS, scene.clock.now()) == ""


def test_the_age_of_a_list_is_told(scene: Scene) -> None:
    with scene.store.read() as tx:
        assert lists.stale(tx, scene.policy, scene.clock.now()) == []
        late = scene.clock.now() + dt.timedelta(days=scene.policy.list_days_max + 1)
        assert lists.stale(tx, scene.policy, late) == ["ofac"]


def test_every_state_is_reached_or_is_the_first() -> None:
    reached = {to for following in NEXT.values() for to in following}
    assert reached | {State.HIT} == set(State)
    assert set(GROUNDS.values()) == set(hits.Outcome)


@functools.cache
def migrated() -> bytes:
    """Return a database with its tables, made once."""
    with tempfile.TemporaryDirectory(prefix="ts-screening-") as folder:
        store = databases.opened(f"sqlite:///{folder}/store.sqlite")
        store.close()
        return (Path(folder) / "store.sqlite").read_bytes()


class Queue(RuleBasedStateMachine):
    """No order of steps lets a person go without two officers who agreed on one decision."""

    def __init__(self) -> None:
        super().__init__()
        self.approved: set[str] = set()

    @initialize()
    def begin(self) -> None:
        self.folder = tempfile.TemporaryDirectory(prefix="ts-screening-")
        path = Path(self.folder.name) / "store.sqlite"
        path.write_bytes(migrated())
        store = Store.open(f"sqlite:///{path}")
        self.scene = Scene(store, SeededClock(5), Path(self.folder.name))
        self.scene.take_in(entry("1", LISTED))
        self.person = self.scene.customer("Kareem Sampli")
        self.hit = self.scene.hit_of(self.person)
        self.people = [self.scene.ada, self.scene.eve]
        self.maker, self.cleared = "", False

    @rule(who=st.integers(0, 1), ground=st.sampled_from(sorted(GROUNDS)))
    def propose(self, who: int, ground: str) -> None:
        try:
            self.scene.propose(self.hit, self.people[who], ground)
        except (ScreeningError, ApprovalError):
            return
        self.maker, self.ground = self.people[who], ground

    @rule(who=st.integers(0, 1))
    def approve(self, who: int) -> None:
        try:
            state = self.scene.approve(self.hit, self.people[who])
        except (ScreeningError, ApprovalError):
            return
        assert self.people[who] != self.maker
        assert state.value == GROUNDS[self.ground].value
        self.cleared = state is State.CLEARED

    @rule(who=st.integers(0, 1))
    def reopen(self, who: int) -> None:
        try:
            with self.scene.store.transact() as tx:
                hits.reopen(tx, self.scene.clock, self.hit, self.people[who])
        except ScreeningError:
            return
        self.cleared = False

    @rule(who=st.integers(0, 1))
    def take_back(self, who: int) -> None:
        try:
            with self.scene.store.transact() as tx:
                hits.take_back(tx, self.scene.clock, self.hit, self.people[who], "a mistake")
        except (ScreeningError, ApprovalError):
            return

    @rule(days=st.integers(1, 9))
    def wait(self, days: int) -> None:
        self.scene.clock.advance(days * 86_400)

    @invariant()
    def nobody_goes_without_a_decision(self) -> None:
        if not hasattr(self, "scene"):
            return
        assert self.scene.clear(self.person) == self.cleared
        assert (self.scene.state(self.hit) in HOLDING) == (not self.cleared)

    def teardown(self) -> None:
        if hasattr(self, "scene"):
            self.scene.store.close()
            self.folder.cleanup()


Queue.TestCase.settings = settings(max_examples=10, stateful_step_count=15, deadline=None)
TestQueue = Queue.TestCase
