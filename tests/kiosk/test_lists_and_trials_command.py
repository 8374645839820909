"""The shared list, appeals and trials by the command line, on a real database."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from tallystick.cli import main

ADDRESS = "bcrt1qw508d6qejxtdg4y5r3zarvary0c5xw7kygt080"
ARMS = [{"name": "control"}, {"name": "ask", "step": "questions"}]
PLAN = ["--outcome", "confirmed", "--looks", "2", "--persons", "700", "--reviewed-by", "R. Brandt"]


def run(folder: Path, *words: str) -> Result:
    return CliRunner().invoke(main, [*words, "--data", str(folder)])


def listed(folder: Path) -> str:
    return run(folder, "blocked", "list").output


@pytest.fixture
def shared(tmp_path: Path) -> Path:
    """Return a file that one operator exported."""
    ours, path = tmp_path / "ours", tmp_path / "list.json"
    added = ["--reason", "two victims", "--by", "Ada", "--days", "90"]
    assert run(ours, "blocked", "add", ADDRESS, *added).exit_code == 0
    done = run(ours, "blocked", "export", str(path), "--by", "Ours", "--appeal", "ours.example")
    assert "1 entries" in done.output
    return path


def test_what_one_operator_exports_holds_at_another_until_an_appeal_lifts_it(
    tmp_path: Path, shared: Path
) -> None:
    theirs = tmp_path / "theirs"
    assert "1 entries were added" in run(theirs, "blocked", "take", str(shared)).output
    assert ADDRESS in listed(theirs) and "two victims" not in listed(theirs)
    words = ["--list", "shared", "--why", "it is my shop", "--by", "Cat"]
    appeal = run(theirs, "blocked", "appeal", ADDRESS, *words).output.strip()
    assert appeal in run(theirs, "blocked", "appeals").output and ADDRESS in listed(theirs)
    for who in ("Ours", "Cat"):
        same = run(theirs, "blocked", "decide", appeal, "lifted", "--reasons", "x", "--by", who)
        assert same.exit_code == 1 and ADDRESS in listed(theirs)
    said = ["--reasons", "papers seen", "--by", "Dan"]
    assert run(theirs, "blocked", "decide", appeal, "lifted", *said).exit_code == 0
    assert ADDRESS not in listed(theirs)
    run(theirs, "blocked", "take", str(shared))
    assert ADDRESS not in listed(theirs)


def test_a_file_with_one_bad_entry_is_refused_whole(tmp_path: Path, shared: Path) -> None:
    held = json.loads(shared.read_text())
    held["entries"].append({**held["entries"][0], "appeal": " "})
    shared.write_text(json.dumps(held))
    done = run(tmp_path / "theirs", "blocked", "take", str(shared))
    assert done.exit_code == 1 and "appeal" in done.output
    assert ADDRESS not in listed(tmp_path / "theirs")


def test_a_trial_is_registered_once_and_its_looks_are_counted(tmp_path: Path) -> None:
    arms = tmp_path / "arms.json"
    arms.write_text(json.dumps(ARMS))
    first = run(tmp_path, "trial", "register", "ask", "--arms", str(arms), *PLAN)
    assert first.exit_code == 0, first.output
    again = run(tmp_path, "trial", "register", "ask", "--arms", str(arms), *PLAN)
    assert again.exit_code == 1 and "registered already" in again.output
    for left in (1, 2):
        assert "Stopped: none" in run(tmp_path, "trial", "look", "ask").output
        said = json.loads(run(tmp_path, "trial", "show", "ask", "--json").output)
        assert said["looks"] == f"{left} of 2" and said["running"] is (left < 2)
    assert run(tmp_path, "trial", "look", "ask").exit_code == 1


@pytest.mark.parametrize(
    ("arms", "says"),
    [
        ([{"name": "control"}, {"name": "none", "step": "none"}], "no trial leaves one out"),
        ([{"name": "control"}], "2 to"),
        ([{"name": "a"}, {"name": "b"}], "control"),
        ([{"name": "control", "x": 1}, {"name": "b"}], "unknown field"),
    ],
)
def test_a_trial_without_a_warning_or_a_control_is_refused(
    tmp_path: Path, arms: list[dict[str, object]], says: str
) -> None:
    path = tmp_path / "arms.json"
    path.write_text(json.dumps(arms))
    done = run(tmp_path, "trial", "register", "x", "--arms", str(path), *PLAN)
    assert done.exit_code == 1 and says in done.output
    assert run(tmp_path, "trial", "show", "x").exit_code == 1
