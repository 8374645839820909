"""SIGKILL at every write and every sync of a purchase's steps, one by one; then run again.

Enumerated by strace, not sampled: the n-th call is killed, for every n until none is. After each
kill the steps are run again from what is on disk; then every note is credited once, the payout is
intended once and sent once, and the books and the journal hold. The last test takes the
transaction out of the steps and must see this harness fail.
"""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import sqlalchemy as sa
from purchase_steps import NOTES, PADDING, PURCHASE, points, prepare

from tallystick.core import effects, journal, ledger
from tallystick.core.errors import TallystickError
from tallystick.core.store import Store, Tx
from tallystick.kiosk import audit, tables

SCRIPT = Path(__file__).parent / "purchase_steps.py"
CALLS = ("pwrite64", "fsync", "ftruncate", "write")


def sweep(root: Path, call: str, count: int, *flags: str) -> list[tuple[str, bool, str]]:
    """Kill at each of the calls in turn; return for each its name, whether killed, what is wrong.

    strace counts calls for each process by itself, so one strace serves all the processes.
    """
    inject = f"inject={call}:signal=SIGKILL:when={PADDING}"
    command = ["strace", "-f", "-qq", "-o", "/dev/null", "-e", inject, sys.executable, str(SCRIPT)]
    arguments = [str(root), "sweep", call, str(count), *flags]
    subprocess.run([*command, *arguments], check=True, capture_output=True, timeout=500)
    found = []
    for n in points(count, bool(flags)):
        folder = root / f"{call}-{n}"
        killed, again = (folder / "ended").read_text().split()
        said = wrong_or_raised(folder) if again == "0" else ["the second run did not end well"]
        found.append((folder.name, killed != "0", "; ".join(said)))
        shutil.rmtree(folder)
    return found


def count_calls(folder: Path) -> dict[str, int]:
    """Run a whole purchase once under strace, and count the calls that touch its files."""
    log = folder / "calls"
    subprocess.run(
        [
            *("strace", "-f", "-qq", "-y", "-o", str(log), "-e", f"trace={','.join(CALLS)}"),
            *(sys.executable, str(SCRIPT), str(folder), "once"),
        ],
        check=True,
        timeout=60,
    )
    found = dict.fromkeys(CALLS, 0)
    for line in log.read_text().splitlines():
        called = re.match(r"\d+\s+(\w+)\(", line)
        if called and called[1] in found:
            found[called[1]] += 1
    return found


def wrong(folder: Path) -> list[str]:
    """Return what does not hold after the purchase was finished."""
    store = Store.open(f"sqlite:///{folder}/store.sqlite")
    found: list[str] = []
    with store.read() as tx:
        for check in (audit._books, audit._notes, audit._sums, audit._journal):
            try:
                check(tx)
            except TallystickError as error:
                found.append(str(error))
        found += _counts(tx, folder)
    store.close()
    return found


def _counts(tx: Tx, folder: Path) -> list[str]:
    row = tx.execute(sa.select(tables.PURCHASES)).mappings().one()
    box = ledger.balance(tx, "kiosk:K1:box")
    sent = (folder / "sent").read_text().split()
    done = [item["state"] for item in effects.waiting(tx, PURCHASE)]
    facts = {
        "cash": (row["cash_minor"], sum(NOTES)),
        "notes": (row["notes"], len(NOTES)),
        "box": (box.debit.minor if box else 0, sum(NOTES)),
        "state": (row["state"], "paid_in"),
        "sent": (sent, [PURCHASE]),
        "intent": (done, ["done"]),
        "journal": (journal.head(tx)[0] > 0, True),
    }
    return [f"{name}: {was} is not {due}" for name, (was, due) in facts.items() if was != due]


def wrong_or_raised(folder: Path) -> list[str]:
    try:
        return wrong(folder)
    except (sa.exc.SQLAlchemyError, TallystickError, OSError) as error:
        return [repr(error)]


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "start").mkdir()
    prepare(tmp_path / "start")
    return tmp_path


@pytest.mark.timeout(600)
def test_killed_at_every_write_and_sync_nothing_is_lost_or_doubled(root: Path) -> None:
    shutil.copytree(root / "start", root / "whole")
    calls = count_calls(root / "whole")
    assert wrong(root / "whole") == []
    assert calls["pwrite64"] > 40, "a purchase writes many times"
    found = [item for call, count in calls.items() for item in sweep(root, call, count)]
    assert [f"{name}: {said}" for name, _, said in found if said] == []
    assert sum(killed for _, killed, _ in found) > len(found) * 3 // 4


@pytest.mark.timeout(600)
def test_the_harness_sees_a_step_without_its_transaction(root: Path) -> None:
    found = sweep(root, "pwrite64", 120, "--torn")
    assert sum(bool(said) for _, _, said in found) > 5
