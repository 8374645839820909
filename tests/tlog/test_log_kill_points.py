"""SIGKILL at every write, sync and rename of a publication and of a cosignature, one by one.

After each kill the folder that everybody sees must verify as it is: never a checkpoint ahead of its
tiles. After the next run it must continue what was seen. A witness whose signature left must refuse
the fork. Both harnesses see the broken order fail.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from log_scene import NAME, signer
from log_steps import BEFORE, MORE, PADDING, prepare, request, witness_of

from tallystick.core.clock import SystemClock
from tallystick.core.tlog import checkpoint
from tallystick.core.tlog.reader import FolderSource
from tallystick.core.tlog.verify import Asked, verify

SCRIPT = Path(__file__).parent / "log_steps.py"
CALLS = ("pwrite64", "write", "fsync", "fdatasync", "ftruncate", "rename")
ENV = {
    "PYTHONPATH": ":".join([str(SCRIPT.parent), *sys.path]),
    "PATH": "/usr/bin:/bin",
    "PYTHONDONTWRITEBYTECODE": "1",
}


@pytest.fixture(scope="module")
def start(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("kill")
    (root / "start").mkdir()
    prepare(root / "start")
    return root


def strace(*options: str) -> list[str]:
    return ["strace", "-f", "--seccomp-bpf", "-qq", *options, sys.executable, str(SCRIPT)]


def count_calls(what: str, root: Path) -> dict[str, int]:
    folder = root / f"whole-{what}"
    shutil.copytree(root / "start", folder)
    log = root / f"calls-{what}"
    command = strace("-o", str(log), "-e", f"trace={','.join(CALLS)}")
    subprocess.run([*command, what, str(folder), "once"], check=True, timeout=60, env=ENV)
    found = dict.fromkeys(CALLS, 0)
    for line in log.read_text().splitlines():
        if (called := re.match(r"\d+\s+(\w+)\(", line)) and called[1] in found:
            found[called[1]] += 1
    return found


def sweep(what: str, root: Path, call: str, count: int, *flags: str) -> list[Path]:
    inject = f"inject={call}:signal=SIGKILL:when={PADDING}"
    command = [*strace("-o", "/dev/null", "-e", inject), what, str(root), "sweep", call]
    made = [root / f"{call}-{n}" for n in range(1, count + 1)]
    for folder in made:
        shutil.rmtree(folder, ignore_errors=True)
    subprocess.run([*command, str(count), *flags], check=True, timeout=300, env=ENV)
    return made


def wrong_published(folder: Path) -> str:
    """Return what a stranger would find, first right after the kill, then after the next run."""
    asked, now = Asked(key=signer().key, last=folder / "last"), SystemClock().now()
    for name in ("log-killed", "log"):
        report = verify(FolderSource(folder / name), asked, now)
        if report.exit_code:
            return f"{name}: {report.caught or report.unread}"
    size = report.checkpoint["size"]
    return "" if size == BEFORE + MORE else f"it ends at {size}"


def wrong_witnessed(folder: Path) -> str:
    """Return whether a witness signs the fork of what left it, or forgets that it signed at all."""
    shutil.rmtree(folder / "w")
    (folder / "w-killed").rename(folder / "w")
    witness = witness_of(folder)
    found = witness.latest(NAME)
    size = checkpoint.read(found.text).size if found else 0
    left = (folder / "answered-killed").read_text().count("\n")
    if left > 1 and size != 5:
        return f"a cosignature of 5 left, but {size} is remembered"
    if size not in (3, 5):
        return f"it remembers {size}"
    status = witness.add_checkpoint(request(3, 5, fork=b"other")).status
    return f"the fork is answered with {status}" if left > 1 and status == 200 else ""


def killed(folder: Path) -> tuple[bool, str]:
    by, again = (folder / "ended").read_text().split()
    return by != "0", "" if again == "0" else "the second run did not end well"


WRONG = {"publish": wrong_published, "witness": wrong_witnessed}


@pytest.mark.crash
@pytest.mark.timeout(300)
@pytest.mark.parametrize("what", ["publish", "witness"])
def test_killed_anywhere_no_fork_and_nothing_ahead(start: Path, what: str) -> None:
    calls = count_calls(what, start)
    assert calls["rename"] and calls["fsync"] and calls["write"]
    count, killed_count = 0, 0
    for call, times in calls.items():
        for folder in sweep(what, start, call, times):
            died, said = killed(folder)
            count, killed_count = count + 1, killed_count + died
            assert (said or WRONG[what](folder)) == "", folder.name
            shutil.rmtree(folder)
    assert killed_count == count, "every call was reached"


@pytest.mark.crash
@pytest.mark.parametrize("what", ["publish", "witness"])
def test_the_harness_sees_the_broken_order(start: Path, what: str) -> None:
    found = [WRONG[what](folder) for folder in sweep(what, start, "rename", 4, "--torn")]
    assert any(found), found
