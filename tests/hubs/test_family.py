"""A family passes the door together or not at all; a parting opens a duty that everybody sees.

The cases here are real ones that walk to the day of their transfer; every way out of it is tried
on a copy of that day that is taken back.
"""

from __future__ import annotations

import contextlib
import datetime as dt
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import httpx
import pytest
from case_scene import PLAN_DAYS, Scene
from click.testing import CliRunner
from hub_site import Site
from markupsafe import Markup

import serving
from tallystick.cli import main
from tallystick.core.store import Tx
from tallystick.hubs import asking, cases, decide, family, findings, needs, person, record, transfer
from tallystick.hubs.asking import Outcome
from tallystick.hubs.errors import CaseStep
from tallystick.hubs.model import Alarm, State
from tallystick.web.hubs_public.app import create_app
from tallystick.web.hubs_public.words import Words

SENT_OR_NOT = (
    "{who} of your family was sent, and you were not.",
    "You were sent, and {who} of your family was not.",
)
READY, SENT = State.READY, State.TRANSFERRED


class Undone(Exception):
    """Ends a transaction without a trace."""


class Pair:
    """Two of a family on the day of their transfer; only the second one's record names the first.

    ``try_`` runs steps in one transaction, and takes all of it back.
    """

    def __init__(self, scene: Scene) -> None:
        self.scene, self.desk = scene, scene.desk
        self.ones = [scene.to_review(), scene.to_review()]
        self.refs = [scene.case(one).reference for one in self.ones]
        scene.attest(self.ones[1], {needs.FAMILY: self.refs[0]})
        for step in (scene.propose, scene.both, scene.place, scene.notice):
            for one in self.ones:
                step(one)
        scene.wait(PLAN_DAYS - 1)
        self.both(scene.complete)
        assert scene.eve(self.ones[1]).permitted

    def both(self, step: Callable[[str], object]) -> None:
        for one in self.ones:
            step(one)

    @contextlib.contextmanager
    def day(self) -> Iterator[Tx]:
        with contextlib.suppress(Undone), self.scene.store.transact() as tx:
            yield tx
            raise Undone

    def door(self, tx: Tx, which: int) -> Outcome:
        return transfer.door(tx, self.desk, self.ones[which], self.scene.worker)

    def happen(self, tx: Tx, which: int, kind: str) -> Outcome:
        one = self.ones[which]
        return cases.happen(tx, self.desk, one, kind, self.scene.worker, "a paper")

    def name(self, tx: Tx, which: int, who: str) -> Outcome:
        given = (self.ones[which], {needs.FAMILY: who}, self.scene.worker, "their own word")
        return cases.attest_all(tx, self.desk, *given)

    def states(self, tx: Tx) -> list[State]:
        return [record.find(tx, one).state for one in self.ones]

    def duties(self, tx: Tx) -> list[list[tuple[str, str, bool]]]:
        found = [family.duties(tx, self.desk, record.find(tx, one)) for one in self.ones]
        return [[(d.other, d.away, not d.ended) for d in each] for each in found]

    def told(self, tx: Tx) -> list[str]:
        alarms = record.alarms(tx, self.desk, Alarm.PARTED.value)
        return [f"{one['reference']}: {one['content']['what']}" for one in alarms]


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pair]:
    scene = Scene(tmp_path_factory.mktemp("family-door"))
    made = Pair(scene)
    with made.day() as tx, pytest.raises(CaseStep, match="asked together"):
        scene.wait(1)
        transfer.door(tx, scene.desk, made.ones[1], scene.worker)
    assert scene.eve(made.ones[0]).permitted
    made.both(scene.complete)
    gone = scene.to_review()  # somebody else under way whose key was destroyed stops nobody
    scene.attest(gone, {needs.FAMILY: made.refs[0]})
    scene.propose(gone)
    scene.both(gone)
    scene.desk.vault.erase(scene.store, scene.case(gone).person, scene.worker, "asked for")
    yield made
    scene.store.close()


@pytest.mark.parametrize("which", [0, 1])
def test_a_family_passes_the_door_in_one_step(pair: Pair, which: int) -> None:
    """Whichever of them is asked for, and whichever record names the other."""
    with pair.day() as tx:
        out = pair.door(tx, which)
        assert out.permitted and [one.permitted for one in out.together] == [True]
        assert pair.states(tx) == [SENT, SENT]
        assert pair.duties(tx) == [[], []] and not pair.told(tx)


@pytest.mark.parametrize("which", [0, 1])
def test_where_one_is_refused_at_the_door_none_passes(pair: Pair, which: int) -> None:
    """An official who approved only the other one's transfer has worked on it since."""
    scene, barred = pair.scene, pair.ones[1]
    with pair.day() as tx:
        held = record.find(tx, barred)
        told = (held, held, "fact", scene.staff["official"], {"evidence": "", "sets": {}})
        record.append(tx, pair.desk, *told)
        out = pair.door(tx, which)
        assert not out.permitted and out.stopped
        assert pair.states(tx) == [State.REVIEW, State.REVIEW]
        outs = [out, *out.together][:: -1 if which else 1]
        assert "None goes without the others" in outs[0].why[0] and pair.refs[1] in outs[0].why[0]
        assert outs[1].why == ("An official who approved has worked on the case.",)
        assert not record.find(tx, pair.ones[0]).proposal, "what was approved has lapsed"
        assert pair.duties(tx) == [[], []], "nobody was sent: nobody is parted"


def test_nobody_passes_before_one_who_names_them_and_goes_on_another_day(pair: Pair) -> None:
    """The door's own reading: the first one's record names nobody."""
    with pair.day() as tx:
        held = record.find(tx, pair.ones[1])
        record.save(tx, replace(held, planned_on=pair.desk.today() + dt.timedelta(1)))
        out = pair.door(tx, 0)
        assert not out.permitted and SENT not in pair.states(tx)
        assert any(f"{pair.refs[1]} goes on" in line for line in out.why), out.why


@pytest.mark.parametrize("kind", ["illness", "granted", "departed"])
def test_what_takes_one_off_the_way_stops_the_others_with_it(pair: Pair, kind: str) -> None:
    with pair.day() as tx:
        out = pair.happen(tx, 1, kind)
        assert pair.refs[0] not in asking.stopped_by(out), "nothing on its record names the other"
        pair.name(tx, 0, pair.refs[1])
        assert record.find(tx, pair.ones[0]).state is State.REVIEW
    with pair.day() as tx:
        out = pair.happen(tx, 0, kind)
        assert pair.states(tx)[0] is not READY
        with contextlib.suppress(CaseStep):
            assert not pair.door(tx, 1).permitted
        assert SENT not in pair.states(tx)
    with pair.day() as tx:
        pair.name(tx, 0, pair.refs[1])
        out = pair.happen(tx, 0, kind)
        assert pair.refs[1] in asking.stopped_by(out) and READY not in pair.states(tx)
    with pair.day() as tx:
        pair.name(tx, 0, pair.refs[1])
        decide.veto(tx, pair.desk, pair.ones[0], pair.scene.staff["official"], "no")
        assert READY not in pair.states(tx)


def parted(pair: Pair, tx: Tx) -> None:
    """Both are sent, and the first is brought back."""
    pair.door(tx, 0)
    pair.happen(tx, 0, "brought_back")


def test_a_parting_opens_a_dated_duty_on_both_records_and_tells_the_monitor(pair: Pair) -> None:
    """It ends when they are together, by their own word or by a death; never by itself."""
    with pair.day() as tx:
        parted(pair, tx)
        first, second = pair.refs
        assert pair.duties(tx) == [[(second, second, True)], [(first, second, True)]]
        assert [line.startswith(f"{first}: {second}") for line in pair.told(tx)] == [True]
        due = pair.desk.today() + dt.timedelta(family.ANSWER_DAYS)
        assert [d.due for d in findings.watch(tx, pair.desk).parted] == [due]
        for one in pair.ones:
            view = person.view(tx, pair.desk, record.find(tx, one))
            assert [d.due for d in view.parted] == [due]
            assert family.PARTED in [step.kind for step in view.history]
        pair.happen(tx, 0, "illness")
        pair.happen(tx, 1, "arrived")
        pair.happen(tx, 1, "granted")
        assert [len(each) for each in pair.duties(tx)] == [1, 1], "one duty, open as long as it is"
        assert pair.duties(tx)[0][0][2] and len(pair.told(tx)) == 1


@pytest.mark.parametrize(
    ("which", "kind"), [(1, "brought_back"), (0, "died"), (1, "died"), (1, "")]
)
def test_the_duty_ends_on_both_records(pair: Pair, which: int, kind: str) -> None:
    with pair.day() as tx:
        parted(pair, tx)
        pair.happen(tx, which, kind) if kind else pair.name(tx, which, "none")
        assert [[one[2] for one in each] for each in pair.duties(tx)] == [[False], [False]]
        assert not findings.watch(tx, pair.desk).parted
        if not kind:  # and opens again, should they say so
            pair.name(tx, which, pair.refs[0])
            assert [[one[2] for one in each] for each in pair.duties(tx)] == [[False, True]] * 2


def test_a_tie_that_is_recorded_after_the_transfer_parts_them_too(pair: Pair) -> None:
    with pair.day() as tx:
        pair.name(tx, 1, "none")
        assert pair.door(tx, 0).together == () and pair.states(tx) == [SENT, READY]
        assert not pair.told(tx)
        out = pair.name(tx, 1, pair.refs[0])
        assert not out.stopped, "the other has a place there, and may follow"
        assert len(pair.told(tx)) == 1
        assert pair.door(tx, 1).permitted
        assert not findings.watch(tx, pair.desk).parted, "together again at the host"


def test_the_command_shows_the_duty_beside_the_gates(pair: Pair) -> None:
    with pair.scene.store.transact() as tx:
        parted(pair, tx)
    url = str(pair.scene.store.engine.url)
    data = url.removeprefix("sqlite:///").rpartition("/")[0]
    one = ["hubs", "case", "show", "--data", data, "--database", url, pair.refs[1]]
    said = CliRunner().invoke(main, one)
    assert said.exit_code == 0 and f"apart from {pair.refs[0]}" in said.output, said.output


def test_everybody_concerned_reads_of_the_duty_on_their_own_pages(pair: Pair) -> None:
    """The caseworker, the lawyer and the monitor in the console; each of the two in their words."""
    scene, due = pair.scene, pair.desk.today() + dt.timedelta(family.ANSWER_DAYS)
    site = Site(scene)
    for who, path in (
        ("caseworker", "/"),  # beside a case that was erased, as `/places` is
        ("caseworker", f"/cases/{pair.refs[0]}"),
        ("lawyer", f"/cases/{pair.refs[1]}"),
        ("monitor", "/monitor"),
    ):
        with site.client(site.session(who)) as client:
            said = Markup(client.get(path).text).striptags()
        assert "apart" in said and all(ref in said for ref in pair.refs), (who, path)
        assert f"{due:%-d %B %Y}" in said, (who, path)
    with site.client(site.session("caseworker")) as client:
        assert client.get("/places").status_code == 200
    outside = serving.serve(create_app(scene.store, pair.desk)).base_url
    w = Words("ar")
    for one, ref, say in zip(pair.ones, pair.refs, SENT_OR_NOT, strict=True):
        with scene.store.transact() as tx:
            key = person.give_key(tx, pair.desk, one, scene.staff["lawyer"])
        asks: Any = {"headers": {"Accept-Language": "ar"}, "verify": serving.NO_TLS}
        with httpx.Client(base_url=outside, timeout=20, **asks) as client:
            client.post("/enter", data={"reference": ref, "key": key})
            said = Markup(client.get("/record").text).striptags()
        other = next(name for name in pair.refs if name != ref)
        assert w.plain(say).format(who=other) in said
        assert (
            w.plain("Officials must answer by {day} how you will be together again.").format(
                day=w.day(due).striptags()
            )
            in said
        )
    serving.stop_all()


def test_when_its_day_has_passed_the_monitor_is_told_once_more(pair: Pair) -> None:
    """After the last test: the two stand parted on record."""
    clock = pair.scene.clock
    clock.advance(family.ANSWER_DAYS * 86_400)
    with pair.day() as tx:
        asking.again(tx, pair.desk)
        assert len(pair.told(tx)) == 1, "the day itself is in time"
    clock.advance(86_400)
    with pair.day() as tx:
        for _ in range(2):
            asking.again(tx, pair.desk)
        assert len(pair.told(tx)) == 2 and "Nobody answered" in pair.told(tx)[0]
        assert [one.late(pair.desk.today()) for one in findings.watch(tx, pair.desk).parted] == [
            True
        ]
