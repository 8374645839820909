"""The demo's one purchase, as a newcomer runs it: real processes, one folder, then the audit."""

import json
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

THEIRS = "bcrt1qw508d6qejxtdg4y5r3zarvary0c5xw7kygt080"


def run(*args: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "tallystick.cli", *args]
    return subprocess.run(command, capture_output=True, text=True, timeout=100)


def test_two_purchases_in_one_folder_both_arrive_and_the_audit_is_clean(tmp_path: Path) -> None:
    data = str(tmp_path / "data")
    for number in (1, 2):
        args = ("--once", "--cash", "20,20,10", "--json", "--data", data, "--to", THEIRS)
        done = run("demo", *args)
        assert done.returncode == 0, done.stderr
        said = json.loads(done.stdout[done.stdout.index("{") :])
        assert (said["cash"], said["fee"], said["sats"]) == ("50.00 USD", "6.00 USD", 55_000)
        assert said["arrived"]
        assert said["audit"]["clean"]
        counted = said["audit"]["checks"]["no payout exists twice"]
        assert counted == f"{number} payouts in {number} transactions"


def test_a_note_over_the_days_limit_is_refused_and_so_much_waits_for_a_check(
    tmp_path: Path,
) -> None:
    notes = ",".join(["100"] * 11)
    done = run("demo", "--once", "--cash", notes, "--json", "--data", str(tmp_path / "d"))
    assert done.returncode == 2, done.stderr
    said = json.loads(done.stdout[done.stdout.index("{") :])
    assert said["refused_notes"] == [10_000]
    assert said["cash"] == "1000.00 USD"
    assert (said["held"], said["txid"], said["arrived"]) == (True, "", False)
    assert said["audit"]["clean"]


def test_the_audit_command_fails_on_a_changed_row(tmp_path: Path) -> None:
    data = tmp_path / "data"
    assert run("demo", "--once", "--data", str(data)).returncode == 0
    database = sqlite3.connect(data / "tallystick.sqlite")
    database.execute("UPDATE ledger_accounts SET debits_posted = debits_posted + 1")
    database.commit()
    database.close()
    done = run("audit", "--data", str(data), "--chain", "esplora+http://127.0.0.1:9")
    assert done.returncode == 1
    assert "FAIL  debits equal credits" in done.stdout


@pytest.mark.parametrize("cash", ["", "x", "20,", ",".join(["1"] * 201)])
def test_bad_cash_is_named(cash: str) -> None:
    done = run("demo", "--once", "--cash", cash)
    assert done.returncode == 2
    assert "cash" in done.stderr.lower() or "dollars" in done.stderr or "notes" in done.stderr


def test_fresh_never_removes_a_folder_that_is_not_the_demos(tmp_path: Path) -> None:
    keep = tmp_path / "photos"
    keep.mkdir()
    (keep / "one.jpg").touch()
    assert run("demo", "--once", "--fresh", "--data", str(keep)).returncode == 2
    assert (keep / "one.jpg").exists()
