"""A call back is a recorded step, to a number from before; without one nothing is released."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import pytest
import sqlalchemy as sa
from click.testing import CliRunner

import databases
from kiosk.shop import ADDRESSES, ONE, PHONE_FIRST, TWO, Shop, Visit
from tallystick.cli import main
from tallystick.core import journal
from tallystick.kiosk import buy, wire
from tallystick.kiosk.customers import rights
from tallystick.kiosk.scams import calls, guard
from tallystick.kiosk.scams.calls import Result
from tallystick.kiosk.scams.errors import CallNeeded, CallRefused
from tallystick.kiosk.scams.tables import AFTER
from tallystick.kiosk.tables import EVENTS, PURCHASES

ANSWERS = {"machine": "nearest", "code": "sent", "listening": "nobody", "telling": "nobody"}
WHY = "a hold is looked at"


class Scene:
    """A customer who was here before, and whose purchase today waits for a call back."""

    def __init__(self, folder: Path, before: bool = True) -> None:
        self.folder, self.store = folder, databases.opened(f"sqlite:///{folder}/tallystick.sqlite")
        self.shop = Shop(self.store, folder, PHONE_FIRST)
        self.number = ONE if before else TWO
        if before:
            first = self.shop.visit()
            first.phone(ONE)
            first.start(ADDRESSES[1])
        self.shop.clock.advance(86_400)
        self.visit = self.waits()
        self.slip = self.visit.view().reference

    def waits(self) -> Visit:
        visit = self.shop.visit()
        visit.phone(self.number)
        visit.start(ADDRESSES[0])
        visit.note(10_000)
        given = [wire.CareAnswer(question=q, option=o) for q, o in ANSWERS.items()]
        with self.store.transact() as tx:
            row = buy.find(tx, "K1", visit.id)
            told = guard.care(tx, self.shop.desk, row, wire.CareAsk(answers=given))
        assert told.step == "call-back"
        assert visit.finish().waiting
        self.shop.clock.advance(60)
        return visit

    def open(self, by: str = "Ada") -> str:
        return rights.call_back(self.store, self.shop.desk, self.visit.id, by, WHY)

    def call(self, result: Result, slip: str = "", by: str = "Ada", words: str = "") -> None:
        with self.store.transact() as tx:
            slip = slip or self.slip
            calls.record(tx, self.shop.desk, self.visit.id, slip, result, words, by)

    def release(self) -> bool:
        with self.store.transact() as tx:
            return guard.release(tx, self.shop.desk, self.visit.id, "Ben", "they called back")

    def told(self) -> list[dict[str, Any]]:
        rows = [r for r in self.shop.rows(EVENTS) if r["kind"] == "called_back"]
        return [msgspec.json.decode(row["content"]) for row in rows]


@pytest.fixture
def scene(tmp_path: Path) -> Scene:
    return Scene(tmp_path)


def test_only_a_call_that_allows_it_lets_a_reviewer_release(scene: Scene) -> None:
    with pytest.raises(CallNeeded, match="nobody has called"):
        scene.release()
    assert scene.open() == "+18605550142"
    for result in (Result.NOBODY, Result.OTHER):
        scene.call(result)
        with pytest.raises(CallNeeded, match=calls.SAID[result]):
            scene.release()
    scene.call(Result.THEIRS, words="tells of a wallet bought for savings")
    assert scene.release()
    last = scene.told()[-1]
    assert (last["by"], last["result"]) == ("Ada", "theirs")
    assert last["at"] > last["enrolled_at"]
    assert [row["kind"] for row in scene.shop.rows(AFTER)] == ["called-back"]


def test_a_later_call_takes_back_what_an_earlier_one_allowed(scene: Scene) -> None:
    scene.open()
    scene.call(Result.THEIRS)
    scene.call(Result.OTHER)
    with pytest.raises(CallNeeded, match="Somebody else"):
        scene.release()


def test_the_customers_word_to_stop_owes_all_the_cash_back(scene: Scene) -> None:
    scene.open()
    scene.call(Result.STOP)
    assert scene.visit.view().state == "refund_due"
    with pytest.raises(CallRefused, match="does not wait"):
        scene.call(Result.THEIRS)
    assert not scene.release()


def test_the_call_proves_itself_by_the_slip_and_by_who_opened_the_number(scene: Scene) -> None:
    with pytest.raises(CallRefused, match="opens the number on record"):
        scene.call(Result.THEIRS)
    scene.open("Ada")
    with pytest.raises(CallRefused, match="opens the number on record"):
        scene.call(Result.THEIRS, by="Ben")
    with pytest.raises(CallRefused, match="slip's number"):
        scene.call(Result.THEIRS, slip="TS-000-000-000")
    with pytest.raises(CallRefused, match="at most"):
        scene.call(Result.THEIRS, words="x" * (calls.WORDS_LENGTH_MAX + 1))
    assert scene.told() == []
    for _ in range(calls.CALLS_MAX):
        scene.call(Result.NOBODY)
    with pytest.raises(CallRefused, match="50 calls"):
        scene.call(Result.NOBODY)


def test_a_number_first_shown_with_the_purchase_is_never_called(tmp_path: Path) -> None:
    scene = Scene(tmp_path, before=False)
    assert scene.open() == ""
    with pytest.raises(CallRefused, match="before the flag"):
        scene.call(Result.THEIRS)
    with pytest.raises(CallNeeded):
        scene.release()
    assert scene.visit.close().state == "refund_due"


def test_the_number_is_in_no_history_and_no_journal(scene: Scene) -> None:
    number = scene.open()
    scene.call(Result.THEIRS)
    for row in scene.shop.rows(EVENTS):
        assert number not in row["content"] and ONE not in row["content"]
    (told,) = scene.told()
    with scene.store.read() as tx:
        found = rights.enrolled(tx, scene.shop.desk, scene.visit.id)
        assert found is not None and told["number"] == found.record
        assert journal.verify(tx)


def test_by_command(scene: Scene) -> None:
    def run(*words: str) -> tuple[int, str]:
        base = ["held", words[0], scene.slip, *words[1:], "--by", "Ada"]
        done = CliRunner().invoke(main, [*base, "--data", str(scene.folder)])
        return done.exit_code, done.output

    moved = sa.update(PURCHASES).values(moved_at=scene.shop.clock.now())
    with scene.store.transact() as tx:
        tx.execute(moved)
    assert run("release", "--why", "no call yet")[0] == 1
    assert run("number", "--why", WHY) == (0, "+18605550142\n")
    said = ("--result", "theirs", "--words", "savings")
    assert "7312" in run("called", "--slip", "TS-1", *said)[1]
    assert run("called", "--slip", scene.slip, *said)[0] == 0
    assert run("release", "--why", "the call allows it") == (0, "It goes on.\n")
