"""Screening by the command line, on a real database: lists, a name, a hit decided by two."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from list_files import FILES, OFAC_CLASSIC
from queue_scene import Scene

from tallystick.cli import main
from tallystick.core.clock import SystemClock
from tallystick.core.store import Store


class Office:
    """The operator's command line over one folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        for name, body in FILES.values():
            (folder / name).write_bytes(body)

    def run(self, *words: str) -> Result:
        return CliRunner().invoke(main, ["screen", *words, "--data", str(self.folder)])

    def take_in(self, name: str = "SDN.XML") -> Result:
        return self.run("import", "--by", "Ada", str(self.folder / name))


@pytest.fixture
def office(tmp_path: Path) -> Office:
    return Office(tmp_path)


def test_a_list_is_taken_in_and_a_name_is_asked_of_it(office: Office) -> None:
    done = office.take_in()
    assert done.exit_code == 0, done.output
    assert "2 added, 0 changed, 0 removed" in done.output
    found = office.run("name", "Kareem Sampli", "--born", "1971-04-03", "--json")
    assert found.exit_code == 2, "somebody who is on a list is no success"
    (hit,) = json.loads(found.output)
    assert (hit["entry"], hit["birth"]) == ("ofac/90001", "same day")
    assert any("another spelling" in reason for reason in hit["because"])
    nobody = office.run("name", "Jane Brown")
    assert nobody.exit_code == 0 and "Nothing on the lists" in nobody.output
    assert json.loads(office.run("queue", "--json").output) == [], "asking opens no hit"


def test_the_same_list_again_changes_nothing_and_a_newer_one_says_what(office: Office) -> None:
    office.take_in()
    assert "0 added, 0 changed, 0 removed" in office.take_in().output
    newer = OFAC_CLASSIC.replace(b"SAMPLEE", b"SAMPLEEH").replace(b"11/20", b"11/21")
    (office.folder / "SDN.XML").write_bytes(newer)
    assert "0 added, 1 changed, 0 removed" in office.take_in().output
    (told,) = json.loads(office.run("changes", "--json").output)
    assert told["entry"] == "ofac/90001"
    assert told["what"] == ["name added", "name removed"]


def test_an_older_list_and_a_broken_one_leave_the_one_in_force(office: Office) -> None:
    office.take_in()
    (office.folder / "SDN.XML").write_bytes(OFAC_CLASSIC.replace(b"11/20", b"11/19"))
    older = office.take_in()
    assert older.exit_code == 1 and "the one in force is of 2026-11-20" in older.output
    (office.folder / "SDN.XML").write_bytes(OFAC_CLASSIC[:700])
    broken = office.take_in()
    assert broken.exit_code == 1 and "SDN.XML: it is not XML" in broken.output
    assert office.run("name", "Kareem Sampli").exit_code == 2


def test_status_says_which_list_is_missing(office: Office) -> None:
    empty = office.run("status")
    assert empty.exit_code == 1 and "ofac  is missing" in empty.output
    office.take_in()
    told = json.loads(office.run("status", "--json").output)
    assert told["stale"] == [] and told["lists"][0]["format"] == "OFAC SDN XML"


def test_two_officers_decide_by_command_and_one_cannot(office: Office) -> None:
    office.take_in()
    store = Store.open(f"sqlite:///{office.folder}/tallystick.sqlite")
    scene = Scene(store, SystemClock(), office.folder)
    person = scene.customer("Kareem Sampli")
    hit = json.loads(office.run("queue", "--json").output)[0]["id"]
    decide = ("decide", hit, "--ground", "another-document", "--evidence", "vault 7")
    assert office.run(*decide, "--by", "Ada Okafor").exit_code == 0
    alone = office.run("approve", hit, "--by", "Ada Okafor")
    assert alone.exit_code == 1 and "does not approve" in alone.output
    assert "cleared" in office.run("approve", hit, "--by", scene.eve).output
    assert scene.clear(person)
    assert office.run("reopen", hit, "--by", scene.ada).exit_code == 0
    assert not scene.clear(person)
    unknown = office.run("approve", hit, "--by", "Nobody")
    assert unknown.exit_code == 1 and "is 0 people" in unknown.output
    assert "enqueued" in office.run("rescreen").output
    store.close()


def test_a_date_that_is_none_is_refused_by_name(office: Office) -> None:
    done = office.run("name", "Kareem Sampli", "--born", "yesterday")
    assert done.exit_code == 2 and "'yesterday' is no date" in done.output
