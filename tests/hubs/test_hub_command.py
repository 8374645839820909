"""The command line of the hubs programme, and its demo, as somebody at the server types them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from tallystick.cli import main
from tallystick.cli.demo_hubs import STOPPED, THROUGH, prepare


def run(*words: str) -> Result:
    return CliRunner().invoke(main, words)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("hubs-cli")
    prepare(made)
    return made


def made(folder: Path) -> tuple[dict[str, str], dict[str, str]]:
    kept = json.loads((folder / "hubs-demo.json").read_text())
    return kept["staff"], kept["cases"]


def test_the_gates_are_listed_with_their_marks_and_adopted_by_name(tmp_path: Path) -> None:
    data = ("--data", str(tmp_path))
    plain = run("hubs", "gates", *data)
    assert plain.exit_code == 0 and "59 gates bind a transfer from GB." in plain.output
    assert "tallystick hubs adopt UK-06 --sender GB --by NAME --source" in plain.output
    left = run("hubs", "gates", "--open", *data).output
    assert left.count("NOT VERIFIED") == plain.output.count("NOT VERIFIED") > 5
    assert "The list of standards could not be retrieved." in left, "what to read for it"
    rows = json.loads(run("hubs", "gates", "--json", *data).output)
    power = next(row for row in rows if row["id"] == "UK-18")
    assert (power["mark"], power["verified"]) == ("M", False)
    words = ("--by", "A. Officer", "--source", "the Act itself")
    assert run("hubs", "adopt", *data, "UK-18", *words).exit_code == 0
    again = run("hubs", "adopt", *data, "UK-18", *words)
    assert again.exit_code == 1 and "adopted before" in again.output
    rows = json.loads(run("hubs", "gates", "--json", *data).output)
    power = next(row for row in rows if row["id"] == "UK-18")
    assert power["verified"] and "A. Officer" in power["adopted"]
    then = json.loads(run("hubs", "gates", "--json", "--on", "2024-01-01", *data).output)
    assert "UN-01" not in {row["id"] for row in then}


def test_a_case_is_stopped_by_an_event_and_its_replay_says_when(folder: Path) -> None:
    staff, cases = made(folder)
    data, one = ("--data", str(folder)), cases[STOPPED]
    shown = run("hubs", "case", "show", *data, one)
    assert "ready; host sample-hub" in shown.output and "permitted" in shown.output
    today = run("hubs", "case", "list", *data, "--state", "ready").output
    assert one in today
    words = ("--evidence", "a letter", "--by", staff["lawyer"], "--day", "2027-03-01")
    done = run("hubs", "case", "event", *data, one, "submissions_made", *words)
    assert done.output.strip() == "submissions: what was under way is stopped"
    from tallystick.core.clock import SystemClock

    day = SystemClock().now().date().isoformat()
    now = run("hubs", "replay", *data, one, "--on", day, "--json")
    body = json.loads(now.output)
    assert now.exit_code == 2 and not body["permitted"]
    held = next(gate for gate in body["gates"] if gate["gate"] == "UK-04")
    assert (held["answer"], held["until"]) == ("hold", "2027-03-01")
    before = run("hubs", "replay", *data, one, "--on", "2026-11-01")
    assert before.exit_code == 2 and "not opened yet" in before.output
    bad = run("hubs", "case", "event", *data, one, "submissions_made", *words[:3], "nobody")
    assert bad.exit_code == 1 and "needs the role" in bad.output


def test_an_order_and_a_claim_by_command(folder: Path) -> None:
    staff, cases = made(folder)
    data, one = ("--data", str(folder)), cases[THROUGH]
    words = ("--given-by", "A minister", "--words", "Send", "--by", staff["caseworker"])
    assert "stays ready" in run("hubs", "order", *data, one, *words).output
    source = ("--source", "the host's note", "--by", staff["caseworker"])
    about = ("agreement:sample-hub", "agreement.text_public")
    stopped = run("hubs", "agreement", "claim", *data, *about, "no", *source)
    assert one in stopped.output
    assert "0 cases stopped" in run("hubs", "again", *data).output
    listed = run("hubs", "agreement", "list", *data).output
    assert "gb-kosovo" in listed and "no formal talks" in listed
    bad = run("hubs", "agreement", "claim", *data, about[0], "agreement.status", "fine", *source)
    assert bad.exit_code == 1 and "8502" in bad.output


def test_the_demo_stops_one_and_lets_one_through(tmp_path: Path) -> None:
    words = ("--programme", "hubs", "--once", "--json", "--data", str(tmp_path / "demo"))
    done = run("demo", *words)
    assert done.exit_code == 0, done.output
    said = json.loads(done.output)
    assert said["stopped"]["state"] == "submissions"
    assert [one["gate"] for one in said["stopped"]["by"]] == ["UK-04"]
    assert said["through"] == {**said["through"], "state": "transferred", "gates": 59}
    assert said["record_holds"]
