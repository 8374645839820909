"""Cases: the walk to the door, what stops it, who decides, and what nobody can do."""

from __future__ import annotations

import datetime as dt
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar

import pytest
from case_scene import PLAN_DAYS, Scene

from tallystick.core import approvals, journal
from tallystick.core.approvals.errors import ApprovalError, MakerIsChecker
from tallystick.core.clock import SeededClock
from tallystick.core.identity import grants, people
from tallystick.core.store import Tx
from tallystick.hubs import (
    asking,
    cases,
    claims,
    clocks,
    decide,
    orders,
    queries,
    record,
    replay,
    sample,
)
from tallystick.hubs.are_errors import StageNotThere
from tallystick.hubs.asking import LAPSING, Outcome
from tallystick.hubs.desk import Desk
from tallystick.hubs.errors import (
    CaseErased,
    CaseIncomplete,
    CaseStep,
    ClaimRefused,
    NotIndependent,
    NotYours,
)
from tallystick.hubs.law import Answer
from tallystick.hubs.model import BY_LAWYER, EVENTS, UNDER_WAY, Alarm, Role, State
from tallystick.hubs.transfer import notice_ends
from tallystick.hubs.working_days import Country

T = TypeVar("T")
BARS = sorted(
    set(BY_LAWYER) - {"complaint", "pregnancy"}
    | {"appeal_remitted", "fresh_claim", "grounds_positive"}
)
UNION_ONLY = {"remedy_asked"}
"""Asked of a Member State's cases alone."""


class Undo(Exception):
    """Ends a transaction without a trace."""


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    made = Scene(tmp_path_factory.mktemp("hubs"))
    yield made
    made.store.close()


@pytest.fixture(scope="module")
def ready(scene: Scene) -> str:
    one = scene.to_door()
    assert scene.state(one) is State.READY
    return one


def undone(scene: Scene, do: Callable[[Tx], T]) -> T:
    """Take steps in a transaction, look, and undo them."""
    found: list[T] = []
    with pytest.raises(Undo), scene.store.transact() as tx:
        found.append(do(tx))
        raise Undo
    return found[0]


def stopped_by(out: Outcome) -> set[str]:
    return {one.gate.id for one in out.answers if one.answer is not Answer.PASS}


def walk(scene: Scene) -> str:
    one = scene.to_review()
    assert scene.state(one) is State.REVIEW
    scene.propose(one)
    scene.both(one)
    assert scene.state(one) is State.ELIGIBLE
    scene.place(one)
    scene.notice(one)
    held = scene.eve(one)
    assert held.case.state is State.NOTICE and stopped_by(held) == {"UK-17"}
    until = next(a.until for a in held.answers if a.gate.id == "UK-17")
    assert until is not None and until >= scene.desk.today() + dt.timedelta(7)
    scene.wait(PLAN_DAYS - 1)
    scene.complete(one)
    assert scene.eve(one).case.state is State.READY
    early = undone(scene, lambda tx: scene_door(scene, tx, one))
    assert early.case.state is State.REVIEW and "planned for" in early.why[0]
    scene.wait(1)
    scene.complete(one)
    done = scene.door(one)
    assert done.case.state is State.TRANSFERRED and done.permitted
    scene.check(one)
    assert scene.case(one).leave_by == scene.desk.today() + dt.timedelta(30)
    assert scene.happen(one, "arrived").case.state is State.STAY
    assert scene.happen(one, "returned_onward").case.state is State.RETURNED
    scene.read(journal.verify)
    return one


@pytest.mark.parametrize(
    ("served", "ends"),
    [
        (dt.date(2026, 11, 16), dt.date(2026, 11, 23)),  # 7 days are later than 5 working days
        (dt.date(2026, 11, 24), dt.date(2026, 12, 2)),  # St Andrew's Day in Scotland
        (dt.date(2026, 12, 21), dt.date(2027, 1, 6)),  # Christmas, 27-31 December, Hogmanay
    ],
)
def test_a_notice_ends_on_the_latest_day_that_any_reckoning_gives(
    scene: Scene, served: dt.date, ends: dt.date
) -> None:
    moved = SeededClock(1, dt.datetime.combine(served, dt.time(9), dt.UTC))
    desk = Desk(moved, scene.vault)
    case = scene.open()
    assert scene.read(lambda tx: notice_ends(tx, desk, record.find(tx, case))) == ends


def scene_door(scene: Scene, tx: Tx, one: str) -> Outcome:
    from tallystick.hubs import transfer

    return transfer.door(tx, scene.desk, one, scene.worker)


def test_a_case_for_which_everything_is_shown_goes_through(scene: Scene) -> None:
    one = walk(scene)
    steps = scene.read(lambda tx: record.history(tx, scene.desk, record.find(tx, one)))
    assert all(step.opens for step in steps), "each step is what the journal committed to"
    asked = next(step for step in steps if step.kind == "transferred").content["asked"]
    assert {item["answer"] for item in asked} == {"pass"}
    assert all(item["cite"] and item["evidence"] for item in asked)


def test_it_goes_through_on_postgresql_too(tmp_path: Path, postgres_url: str) -> None:
    made = Scene(tmp_path, url=postgres_url)
    walk(made)
    made.store.close()


@pytest.mark.parametrize("kind", sorted(set(BARS) - UNION_ONLY))
def test_a_new_event_stops_a_transfer_on_the_eve_in_its_own_step(
    scene: Scene, ready: str, kind: str
) -> None:
    ahead = scene.desk.today() + dt.timedelta(20)
    proposal = scene.case(ready).proposal

    def step(tx: Tx) -> None:
        day = ahead if EVENTS[kind].day else None
        out = cases.happen(tx, scene.desk, ready, kind, scene.worker, "a paper", day=day)
        after = record.find(tx, ready)
        assert out.stopped and after.state not in UNDER_WAY
        assert after.proposal == "" and after.planned_on is None
        assert approvals.get(tx, proposal).stage is approvals.Stage.WITHDRAWN
        assert not set(LAPSING) & set(record.facts(tx, scene.desk, after))
        with pytest.raises(CaseStep):
            scene_door(scene, tx, ready)

    undone(scene, step)
    assert scene.state(ready) is State.READY


@pytest.mark.parametrize(
    ("about", "name", "value", "gate"),
    [
        ("agreement:sample-hub", "agreement.status", "suspended", "AG-02"),
        ("agreement:sample-hub", "agreement.text_public", False, "AG-01"),
        ("country:XS", "country.undertakings_kept", False, "SC-04"),
    ],
)
def test_what_changes_with_the_host_stops_every_case_under_it_at_once(
    scene: Scene, ready: str, about: str, name: str, value: str | bool, gate: str
) -> None:
    other = scene.to_notice()

    def step(tx: Tx) -> None:
        today = scene.desk.today()
        args = (about, name, value, "a report", today, scene.worker)
        stopped = asking.claim(tx, scene.desk, *args)
        assert {record.find(tx, one).reference for one in (ready, other)} <= set(stopped)
        for one in (ready, other):
            case = record.find(tx, one)
            last = record.history(tx, scene.desk, case)[-1]
            assert case.state is State.REVIEW and last.kind == "stopped"
            assert gate in {item["gate"] for item in last.content["gates"]}

    undone(scene, step)


def test_evidence_that_grows_old_stops_a_case_without_any_event(scene: Scene, ready: str) -> None:
    def step(tx: Tx) -> None:
        assert asking.again(tx, scene.desk) == []
        scene.wait(3)
        try:
            stopped = asking.again(tx, scene.desk)
        finally:
            scene.wait(-3)
        assert record.find(tx, ready).reference in stopped

    undone(scene, step)


def test_the_ceilings_hold_the_one_who_would_pass_them(tmp_path: Path) -> None:
    scene = Scene(tmp_path)
    scene.claim(scene.host.about, "term.ceiling_day", 1)
    first, second, third = (scene.to_review() for _ in range(3))
    for one in (first, second):
        scene.propose(one)
        scene.both(one)
    scene.place(first)
    held = scene.place(second)
    assert held.case.state is State.ELIGIBLE and stopped_by(held) == {"AG-12"}
    until = next(a.until for a in held.answers if a.gate.id == "AG-12")
    assert until == scene.desk.today() + dt.timedelta(PLAN_DAYS + 1)
    assert scene.place(second, PLAN_DAYS + 1).case.state is State.PLACED
    scene.claim(scene.host.about, "term.ceiling_total", 2)
    full = scene.propose(third)
    assert full.case.state is State.REVIEW and not full.case.proposal
    assert [a.answer for a in full.answers if a.gate.id == "AG-12"] == [Answer.UNKNOWN]
    scene.store.close()


def test_two_officials_agree_and_neither_worked_on_the_case(scene: Scene) -> None:
    one = scene.to_review()
    scene.propose(one)
    grant = grants.grant
    with pytest.raises(NotYours):
        scene.step(lambda tx: decide.approve(tx, scene.desk, one, scene.worker, Role.OFFICIAL))
    with pytest.raises(NotIndependent):
        scene.approve(one, "official", Role.INDEPENDENT)
    scene.approve(one, "official", Role.OFFICIAL)
    with pytest.raises(ApprovalError):
        scene.approve(one, "official", Role.OFFICIAL)
    assert scene.state(one) is State.REVIEW, "one is not enough"

    def with_removals(tx: Tx) -> None:
        grant(tx, scene.clock, scene.staff["independent"], Role.OFFICIAL.value)
        with pytest.raises(NotIndependent):
            decide.approve(tx, scene.desk, one, scene.staff["independent"], Role.INDEPENDENT)

    undone(scene, with_removals)

    def after_working_on_it(tx: Tx) -> None:
        by = scene.staff["independent"]
        grant(tx, scene.clock, by, Role.CASEWORKER.value)
        cases.attest(tx, scene.desk, one, "lawyer.available", True, by, "a paper")
        grants.end(tx, scene.clock, by, Role.CASEWORKER.value)
        with pytest.raises((NotYours, MakerIsChecker)):
            decide.approve(tx, scene.desk, one, by, Role.INDEPENDENT)

    undone(scene, after_working_on_it)
    assert scene.approve(one, "independent", Role.INDEPENDENT).case.state is State.ELIGIBLE


def test_only_the_cases_own_worker_proposes_and_only_what_passes(scene: Scene) -> None:
    one = scene.open()
    with pytest.raises(CaseStep):
        scene.propose(one)
    scene.complete(one)
    with pytest.raises(NotYours):
        scene.step(
            lambda tx: decide.propose(tx, scene.desk, one, scene.host.id, scene.staff["official"])
        )
    scene.attest(one, {"destination.connection": False})
    out = scene.propose(one)
    assert stopped_by(out) == {"CE-08"} and out.case.state is State.REVIEW
    assert scene.kinds(one)[-1] == "refused"
    with pytest.raises(CaseStep):
        scene.both(one)


def test_an_official_who_left_does_not_count_at_the_door(scene: Scene, ready: str) -> None:
    def leaves(tx: Tx) -> None:
        people.remove(tx, scene.staff["independent"], scene.clock.now(), "left")
        out = scene_door(scene, tx, ready)
        assert out.case.state is State.REVIEW and out.why

    def joins_removals(tx: Tx) -> None:
        grants.grant(tx, scene.clock, scene.staff["independent"], Role.CASEWORKER.value)
        out = scene_door(scene, tx, ready)
        assert out.case.state is State.REVIEW and "removals" in out.why[0]

    def objects(tx: Tx) -> None:
        decide.veto(tx, scene.desk, ready, scene.staff["independent"], "new facts")
        assert record.find(tx, ready).state is State.REVIEW

    for step in (leaves, joins_removals, objects):
        undone(scene, step)


def test_an_approval_is_of_what_was_known_and_spent_once(scene: Scene, ready: str) -> None:
    def step(tx: Tx) -> None:
        held = record.find(tx, ready)
        out = scene_door(scene, tx, ready)
        assert out.case.state is State.TRANSFERRED
        assert approvals.get(tx, held.proposal).stage is approvals.Stage.USED
        assert approvals.get(tx, held.proposal).digest == held.digest

    undone(scene, step)


def test_an_order_changes_nothing_and_the_monitor_is_told(scene: Scene) -> None:
    one = scene.open()
    before = scene.case(one)
    scene.step(lambda tx: orders.order(tx, scene.desk, one, "A minister", "Send", scene.worker))
    assert scene.case(one) == before
    told = scene.read(lambda tx: record.alarms(tx, scene.desk, Alarm.ORDER.value))
    mine = [item for item in told if item["case"] == one]
    assert mine[0]["content"]["given_by"] == "A minister" and mine[0]["content"]["gates"]
    with pytest.raises(CaseIncomplete):
        scene.step(lambda tx: orders.order(tx, scene.desk, one, " ", "Send", scene.worker))


def test_a_lawyer_records_what_protects_in_their_own_case_alone(scene: Scene) -> None:
    lawyer, one = scene.staff["lawyer"], scene.to_notice()
    out = scene.happen(one, "submissions_made", lawyer)
    assert out.stopped and out.case.state is State.SUBMISSIONS
    for kind in ("submissions_refused", "appeal_ended", "died"):
        with pytest.raises(NotYours):
            scene.happen(one, kind, lawyer)
    with pytest.raises(NotYours):
        scene.step(
            lambda tx: cases.attest(tx, scene.desk, one, "risk.direct", False, lawyer, "a paper")
        )
    other = scene.step(
        lambda tx: sample.person(tx, scene.desk, "GB", "Another Person", scene.worker)
    )
    with pytest.raises(NotYours):
        scene.happen(other.id, "submissions_made", lawyer)
    assert one in {c.id for c in scene.read(lambda tx: queries.listed(tx, lawyer=lawyer))}


def test_remedies_lead_the_case_where_they_are_pending(scene: Scene) -> None:
    one = scene.open()
    assert scene.happen(one, "appeal_lodged").case.state is State.APPEAL
    day = scene.desk.today() + dt.timedelta(10)
    assert scene.happen(one, "appeal_ended", day=day).case.state is State.REVIEW
    held = next(
        a
        for a in scene.read(lambda tx: asking.ask(tx, scene.desk, record.find(tx, one)))
        if a.gate.id == "UK-03"
    )
    assert (held.answer, held.until) == (Answer.HOLD, day)
    assert scene.happen(one, "submissions_made").case.state is State.SUBMISSIONS
    assert scene.happen(one, "fresh_claim").case.state is State.APPEAL
    assert scene.happen(one, "granted").case.state is State.GRANTED
    with pytest.raises(CaseStep):
        scene.happen(one, "back_in_contact")


def test_a_notice_without_a_route_stops_on_the_eve_and_is_served_again(tmp_path: Path) -> None:
    scene = Scene(tmp_path)
    one = scene.to_review()
    scene.propose(one)
    scene.both(one)
    scene.place(one, 30)
    scene.notice(one, route=False)
    scene.wait(15)
    scene.complete(one)
    held = scene.eve(one)
    assert held.case.state is State.NOTICE and stopped_by(held) == {"UK-17"}
    scene.notice(one)
    again = scene.eve(one)
    until = next(a.until for a in again.answers if a.gate.id == "UK-17")
    assert until is not None and until >= scene.desk.today() + dt.timedelta(7), "it begins again"
    scene.wait(12)
    scene.complete(one)
    assert scene.eve(one).case.state is State.READY
    scene.store.close()


def test_a_clock_is_set_by_the_rule_and_held_through_its_day(tmp_path: Path) -> None:
    scene = Scene(tmp_path)
    one, start = scene.to_review(), dt.date(2026, 11, 20)

    def step(tx: Tx) -> None:
        given = ("ftt-in-country", Country.ENGLAND, start, scene.worker, "proof of sending")
        clocks.set_clock(tx, scene.desk, one, *given)
        fact = record.facts(tx, scene.desk, record.find(tx, one))["appeal.are_date"]
        # 14 days from Friday 20 November are Friday 4 December; a working day more is the 7th.
        assert fact.value == dt.date(2026, 12, 7)
        assert "r.19" in fact.evidence and "2026-12-04" in fact.evidence
        answers = asking.ask(tx, scene.desk, record.find(tx, one))
        held = next(a for a in answers if a.gate.id == "UK-03")
        assert (held.answer, held.until) == (Answer.HOLD, dt.date(2026, 12, 7))
        with pytest.raises(StageNotThere):
            clocks.set_clock(tx, scene.desk, one, "ftt-by-owl", *given[1:])

    undone(scene, step)
    scene.store.close()


@pytest.mark.parametrize(
    "wrong",
    [
        {"kind": "deported"},
        {"kind": "appeal_lodged", "evidence": " "},
        {"kind": "appeal_lodged", "evidence": "x" * (cases.EVIDENCE_CHARS_MAX + 1)},
        {"kind": "appeal_lodged", "note": "x" * (cases.NOTE_CHARS_MAX + 1)},
        {"kind": "illness", "day": dt.date(2027, 1, 1)},
        {"kind": "appeal_lodged", "on": dt.date(2099, 1, 1)},
    ],
    ids=str,
)
def test_bad_input_is_named_and_changes_nothing(scene: Scene, wrong: dict[str, object]) -> None:
    one = scene.open()
    before = scene.kinds(one)
    given: Any = {"evidence": "a paper", **wrong}
    with pytest.raises(CaseIncomplete):
        scene.step(lambda tx: cases.happen(tx, scene.desk, one, by=scene.worker, **given))
    assert scene.kinds(one) == before


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *(("risk.direct", 3), ("appeal.are_date", True), ("agreement.services", True)),
        *(("x.y", True), ("notice.period_ends", dt.date(2026, 11, 1)), ("notice.served", True)),
    ],
)
def test_a_fact_of_another_kind_or_that_a_step_records_is_refused(
    scene: Scene, name: str, value: int | bool | dt.date
) -> None:
    one = scene.open()
    with pytest.raises(CaseIncomplete):
        scene.attest(one, {name: value})


def test_a_claim_needs_a_source_a_day_and_the_right_kind(scene: Scene) -> None:
    today, about = scene.desk.today(), scene.host.about
    for name, value, source, on in (
        ("agreement.status", "friendly", "a source", today),
        ("agreement.status", "signed", " ", today),
        ("agreement.status", "signed", "a source", today + dt.timedelta(1)),
        ("country.procedures", True, "a source", today),
        ("term.ceiling_day", -1, "a source", today),
    ):
        with pytest.raises(ClaimRefused):
            scene.step(
                lambda tx, given=(name, value, source, on): claims.record(
                    tx, scene.desk, about, *given, scene.worker
                )
            )


def test_deaths_and_late_bars_reach_the_monitor(scene: Scene, ready: str) -> None:
    def step(tx: Tx) -> None:
        scene_door(scene, tx, ready)
        cases.happen(tx, scene.desk, ready, "injunction", scene.worker, "the court's order")
        assert record.find(tx, ready).state is State.TRANSFERRED
        cases.happen(tx, scene.desk, ready, "died", scene.worker, "the certificate")
        told = {item["kind"] for item in record.alarms(tx, scene.desk) if item["case"] == ready}
        assert {Alarm.AFTER_TRANSFER.value, Alarm.DEATH.value} <= told

    undone(scene, step)


def test_a_stay_beyond_its_day_is_seen(scene: Scene, ready: str) -> None:
    def step(tx: Tx) -> None:
        out = scene_door(scene, tx, ready)
        assert out.case.leave_by is not None
        on_time = queries.overstaying(tx, out.case.leave_by)
        late = queries.overstaying(tx, out.case.leave_by + dt.timedelta(1))
        assert out.case.id not in {c.id for c in on_time} and out.case.id in {c.id for c in late}

    undone(scene, step)


def test_a_replay_asks_as_law_and_facts_were_known_then(tmp_path: Path) -> None:
    scene = Scene(tmp_path)
    one = scene.to_notice()
    first = scene.desk.today()
    scene.wait(2)
    scene.happen(one, "submissions_made", day=scene.desk.today() + dt.timedelta(9))
    second = scene.desk.today()
    scene.wait(5)
    scene.happen(one, "submissions_refused")

    def ask(on: dt.date) -> replay.Replay:
        return scene.read(lambda tx: replay.replay(tx, scene.desk, one, on))

    assert ask(first).state == "notice" and ask(second).state == "submissions"
    assert "UK-04" not in {a.gate.id for a in ask(first).against}
    assert "UK-04" in {a.gate.id for a in ask(second).against}
    assert "UK-04" not in {a.gate.id for a in ask(scene.desk.today()).against}
    before = ask(first - dt.timedelta(1))
    assert before.state == "" and not before.permitted
    unread = {a.gate.id for a in before.against if a.doubt}
    assert "UK-18" in unread, "nobody had adopted it then"
    scene.store.close()


def test_nothing_of_the_person_is_in_the_database_and_an_erasure_ends_it(tmp_path: Path) -> None:
    scene = Scene(tmp_path)
    one = scene.open("Zebedee Quillfeather")
    secret = "letter from Doctor Marrowbone"
    scene.step(
        lambda tx: cases.attest(tx, scene.desk, one, "health.pregnant", True, scene.worker, secret)
    )
    scene.step(
        lambda tx: orders.order(tx, scene.desk, one, "Minister Grimble", "Send", scene.worker)
    )
    scene.store.close()
    raw = b"".join(path.read_bytes() for path in tmp_path.glob("hubs.sqlite*"))
    for word in ("Quillfeather", "Marrowbone", "health.pregnant", "Grimble"):
        assert word.encode() not in raw
    scene = scene.copied(tmp_path)
    case = scene.case(one)
    assert "health.pregnant" in scene.read(lambda tx: record.facts(tx, scene.desk, case))
    scene.vault.erase(scene.store, case.person, scene.worker, "asked for")
    with pytest.raises(CaseErased):
        scene.read(lambda tx: record.facts(tx, scene.desk, case))
    with pytest.raises(CaseErased):
        scene.kinds(one)
    assert scene.read(journal.verify) > 0
    scene.store.close()


def test_a_step_altered_in_the_database_no_longer_opens_its_entry(tmp_path: Path) -> None:
    from tallystick.hubs.tables import EVENTS as ROWS

    scene = Scene(tmp_path)
    one = scene.open()
    scene.step(lambda tx: tx.execute(ROWS.update().where(ROWS.c.case == one).values(by="nobody")))
    steps = scene.read(lambda tx: record.history(tx, scene.desk, record.find(tx, one)))
    assert [step.opens for step in steps] == [False]
    scene.store.close()


def test_the_door_and_a_court_at_the_same_moment(tmp_path: Path, postgres_url: str) -> None:
    """Whichever comes first, the other sees it: never a transfer after an injunction."""
    scene = Scene(tmp_path, url=postgres_url)
    one = scene.to_door()
    start = threading.Barrier(2)

    def court() -> None:
        start.wait()
        scene.happen(one, "injunction")

    other = threading.Thread(target=court)
    other.start()
    start.wait()
    try:
        scene.door(one)
    except CaseStep:
        assert scene.state(one) is State.REVIEW
    other.join(20)
    kinds = scene.kinds(one)
    if "transferred" in kinds:
        assert kinds.index("transferred") < kinds.index("injunction")
    else:
        assert "stopped" in kinds and scene.state(one) is State.REVIEW
    scene.store.close()
