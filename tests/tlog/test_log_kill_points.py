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
from collections.abc import Mapping, Sequence
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


def strace(root: Path, log: str, asked: Sequence[str], *options: str) -> None:
    """Run the steps under strace; `--seccomp-bpf` would be faster, and injects nothing."""
    traced = ("-f", "-qq", "-o", log, "-e", f"trace={','.join(CALLS)}")
    command = ["strace", *traced, *options, sys.executable, str(SCRIPT), str(root), *asked]
    subprocess.run(command, check=True, timeout=300, env=ENV)


@pytest.fixture(scope="module")
def calls(start: Path) -> dict[str, dict[str, int]]:
    """How often each step makes each call, counted in one whole run of each."""
    log = start / "calls"
    strace(start, str(log), ["whole"], "--seccomp-bpf")
    found = {what: dict.fromkeys(CALLS, 0) for what in WRONG}
    by = {(start / f"pid-{what}").read_text(): what for what in WRONG}
    for line in log.read_text().splitlines():
        if (called := re.match(r"(\d+)\s+(\w+)\(", line)) and called[1] in by:
            found[by[called[1]]][called[2]] += 1
    for what in found:  # the child writes its own number first
        found[what]["write"] -= 1
    return found


def sweep(root: Path, asked: Mapping[tuple[str, str], int], how: str = "") -> dict[str, list[Path]]:
    """Kill each step at each call of each kind, all in one run: a process counts its own calls."""
    made: dict[str, list[Path]] = {}
    for (what, call), count in asked.items():
        made.setdefault(what, []).extend(root / f"{what}-{call}-{n + 1}" for n in range(count))
    for folder in (one for folders in made.values() for one in folders):
        shutil.copytree(root / "start", folder)
    injected = [f"--inject={call}:signal=SIGKILL:when={PADDING}" for call in CALLS]
    strace(root, "/dev/null", [f"{w}:{c}:{n}:{how}" for (w, c), n in asked.items()], *injected)
    names = [f"{what}:{one.name}" for what, folders in made.items() for one in folders]
    command = [sys.executable, str(SCRIPT), str(root), "again", *names]
    subprocess.run(command, check=True, timeout=300, env=ENV)
    return made


@pytest.fixture(scope="module")
def killed_everywhere(start: Path, calls: dict[str, dict[str, int]]) -> dict[str, list[Path]]:
    return sweep(
        start, {(w, call): n for w, found in calls.items() for call, n in found.items() if n}
    )


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


WRONG = {"publish": wrong_published, "witness": wrong_witnessed}


@pytest.mark.crash
@pytest.mark.timeout(300)
@pytest.mark.parametrize("what", ["publish", "witness"])
def test_killed_anywhere_no_fork_and_nothing_ahead(
    calls: dict[str, dict[str, int]], killed_everywhere: dict[str, list[Path]], what: str
) -> None:
    assert calls[what]["rename"] and calls[what]["fsync"] and calls[what]["write"]
    assert max(calls[what].values()) < PADDING, "no process is killed where it was not asked to be"
    folders = killed_everywhere[what]
    assert len(folders) == sum(calls[what].values())
    for folder in folders:
        assert (folder / "killed").read_text() != "0", f"{folder.name} was not reached"
        assert WRONG[what](folder) == "", folder.name


@pytest.mark.crash
def test_the_harness_sees_the_broken_order(start: Path) -> None:
    root = start.parent / "torn"
    root.mkdir()
    shutil.copytree(start / "start", root / "start")
    made = sweep(root, {(what, "rename"): 4 for what in WRONG}, "torn")
    for what, folders in made.items():
        found = [WRONG[what](folder) for folder in folders]
        assert any(found), (what, found)
