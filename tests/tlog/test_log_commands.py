"""The commands as people run them: real files, and what their exit codes say.

Each command runs once as a process of its own; where only its answer matters, in this one.
"""

from __future__ import annotations

import datetime as dt
import json
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa
from click.testing import CliRunner
from log_scene import LogScene, open_scene, signer

from tallystick.cli import main
from tallystick.core import journal
from tallystick.core.clock import SystemClock
from tallystick.core.tlog import ask, checkpoint, note, policy
from tallystick.core.tlog import last as lasts
from tallystick.core.tlog.publish import Publisher, signer_of
from tallystick.core.tlog.tables import CHECKPOINTS
from tallystick.web.publishing import Publishing, open_publisher

WAIT_S = 30


def run(*args: str) -> subprocess.CompletedProcess[str]:
    """Run a command in this process, and return what a process of its own would."""
    done = CliRunner().invoke(main, list(args))
    return subprocess.CompletedProcess(args, done.exit_code, done.stdout, done.stderr)


def process(*args: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "tallystick.cli", *args]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


class Running:
    """A command that runs until the test ends; ``said`` are the lines of its ready file."""

    def __init__(self, ready: Path, *args: str) -> None:
        command = [sys.executable, "-m", "tallystick.cli", *args, "--ready-file", str(ready)]
        self.process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
        for _ in range(WAIT_S * 20):
            if ready.exists():
                break
            assert self.process.poll() is None
            time.sleep(0.05)
        self.said = ready.read_text().split("\n")

    def stop(self) -> None:
        self.process.terminate()
        self.process.wait(10)


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LogScene]:
    made = open_scene(tmp_path_factory.mktemp("data"), "")
    made.store.close()
    folder = made.folder.parent
    (folder / "store.sqlite").rename(folder / "tallystick.sqlite")
    made = open_scene(folder, f"sqlite:///{folder}/tallystick.sqlite")
    made.grow(260)
    yield made
    made.store.close()


def test_from_publishing_to_a_witnessed_proof(scene: LogScene, tmp_path: Path) -> None:
    data = str(scene.folder.parent)
    done = process("log", "publish", "--data", data, "--origin", "log.example/cli")
    assert done.returncode == 0 and "260 entries" in done.stdout, done.stderr
    again = run("log", "publish", "--data", data, "--origin", "log.example/other")
    assert again.returncode == 1 and "1217" in again.stderr
    shown = run("log", "checkpoint", "--data", data).stdout
    assert shown == (scene.folder / "checkpoint").read_text("utf-8")
    vkey = (scene.folder / "log.vkey").read_text().strip()
    witness = Running(
        tmp_path / "w.ready",
        "witness",
        "--data",
        str(tmp_path / "w"),
        "--log",
        vkey,
        *("--name", "witness.example/cli", "--ml-dsa"),
    )
    url, ed25519, _ = witness.said
    text = f"log {vkey}\nwitness w {ed25519} {url}\nquorum w\n"
    (tmp_path / "policy").write_text(text)
    clock = SystemClock()
    asking = ask.Witnesses(scene.store, policy.read(text), clock)
    scene.grow(3)
    ours = signer_of(scene.store, scene.folder.parent / "log.key")
    publisher = Publisher(scene.store, ours, scene.folder, clock, asking, text, asking.wanting)
    publisher.step()
    asking.settle()
    publisher.step()
    asking.close()
    witness.stop()
    receipt = process("log", "prove", "--data", data, "263").stdout
    (tmp_path / "r").write_text(receipt)
    web = Running(tmp_path / "s.ready", "log", "serve", "--data", data)
    known = ("--policy", str(tmp_path / "policy"), "--last", str(tmp_path / "last"))
    done = process("verify", web.said[0], *known, "--receipt", str(tmp_path / "r"), "--json")
    web.stop()
    said = json.loads(done.stdout)
    assert (done.returncode, said["exit"]) == (0, 0), said
    proved = {line["name"] for line in said["proved"]}
    assert {"signature", "witnesses", "entries", "time", "receipt", "inclusion"} <= proved
    assert run("log", "prove", "--data", data, "9999").returncode == 1
    done = run("verify", str(scene.folder), *known[2:], "--json")
    assert done.returncode == 0 and "witnesses" in {
        line["name"] for line in json.loads(done.stdout)["proved"]
    }, "the policy is kept, and asked for again"
    (tmp_path / "other").write_text(text + "# another\n")
    given = ("--policy", str(tmp_path / "other"), *known[2:])
    done = run("verify", str(scene.folder), *given)
    assert done.returncode == 2 and "tallystick pins" in done.stderr
    done = run("pins", str(tmp_path / "last"), *given[:2], "--json")
    assert done.returncode == 0 and "another policy" in json.loads(done.stdout)["changed"]
    assert run("verify", str(scene.folder), *given).returncode == 0
    done = run("pins", str(tmp_path / "last"), "--no-policy", "--json")
    assert json.loads(done.stdout)["quorum"] == "none is asked for"
    assert "no policy any more" in json.loads(done.stdout)["changed"]
    kept = lasts.Last(vkey, "", changes=tuple(map(str, range(lasts.CHANGES_MAX))))
    assert lasts.pinned(kept, "today", policy=text).changes == (
        *kept.changes[1:],
        "today: another policy",
    )


def test_the_key_is_changed_by_command_and_pins_by_hand(scene: LogScene, tmp_path: Path) -> None:
    data, last = str(scene.folder.parent), str(tmp_path / "last")
    run("log", "publish", "--data", data)
    old = (scene.folder / "log.vkey").read_text().strip()
    assert run("verify", str(scene.folder), "--last", last).returncode == 0
    done = process("log", "rotate", "--data", data, "--overlap-days", "0", "--yes")
    assert done.returncode == 0 and "signs too until" in done.stdout, done.stderr
    new = done.stdout.split("\n")[0]
    run("log", "publish", "--data", data)
    with scene.store.transact() as tx:
        journal.append(tx, "kiosk", "paid_in", "ab" * 32, SystemClock().now())
    run("log", "publish", "--data", data)
    listed = run("log", "keys", "--data", data).stdout
    assert listed.startswith(old) and new in listed and "published" in listed
    (scene.folder / "keys.json").rename(tmp_path / "keys.json")
    done = run("verify", str(scene.folder), "--last", last)
    assert done.returncode == 1 and "wrong-key" in done.stdout, "no overlap, no announcement"
    kept = Path(last).read_text()
    assert run("pins", last, "--key", "x+00+AA").returncode == 1
    done = run("pins", last, "--key", str(signer(2, "log.example/other").key))
    assert done.returncode == 1 and "is another log" in done.stderr
    (tmp_path / "bad").write_text("quorum nobody\n")
    done = run("pins", last, "--policy", str(tmp_path / "bad"))
    assert done.returncode == 1 and "nothing was changed" in done.stderr
    assert run("pins", last, "--policy", str(tmp_path / "bad"), "--no-policy").returncode == 2
    assert Path(last).read_text() == kept, "what is refused changes nothing"
    done = process("pins", last, "--key", new)
    assert done.returncode == 0 and new in done.stdout and "changed" in done.stdout
    done = run("verify", str(scene.folder), "--last", last)
    assert done.returncode == 0 and "consistency" in done.stdout, done.stdout
    (tmp_path / "keys.json").rename(scene.folder / "keys.json")


def test_exit_codes(scene: LogScene, tmp_path: Path) -> None:
    run("log", "publish", "--data", str(scene.folder.parent))
    copy = tmp_path / "copy"
    shutil.copytree(scene.folder, copy)
    assert run("verify", str(copy)).returncode == 0
    bundle = copy / "tile" / "entries" / "000"
    whole = bundle.read_bytes()
    bundle.write_bytes(whole[:-5])
    done = process("verify", str(copy))
    assert done.returncode == 1 and "truncated-bundle" in done.stdout
    assert run("verify", str(copy), "--quick").returncode == 0
    (copy / "checkpoint").unlink()
    assert run("verify", str(copy)).returncode == 3
    assert run("verify", "http://127.0.0.1:9/log").returncode == 3
    assert run("verify", str(tmp_path / "nowhere")).returncode == 2
    assert run("verify", str(copy), "--key", "x").returncode == 2


def shown(folder: Path) -> int:
    path = folder / "checkpoint"
    return checkpoint.read(note.read(path.read_bytes()).text).size if path.exists() else -1


def until(folder: Path, size: int) -> bool:
    for _ in range(WAIT_S * 20):
        if shown(folder) == size:
            return True
        time.sleep(0.05)
    return False


def test_the_servers_thread_publishes_what_comes_and_stops_at_what_must_not_be(
    tmp_path: Path,
) -> None:
    scene, stop = open_scene(tmp_path), threading.Event()
    thread = Publishing(open_publisher(scene.store, tmp_path, SystemClock()), stop)
    thread.start()
    assert until(tmp_path / "log", 0)
    scene.grow(5)
    assert until(tmp_path / "log", 5)
    stop.set()
    thread.join(WAIT_S)
    with scene.store.transact() as tx:
        tx.execute(sa.delete(journal.ENTRIES).where(journal.ENTRIES.c.seq == 2))
    scene.grow(1)
    assert thread.once() > 1, "it waits, and says why"
    assert shown(tmp_path / "log") == 5
    scene.store.close()


def test_the_last_word_is_published_when_the_server_stops(tmp_path: Path) -> None:
    scene, stop = open_scene(tmp_path), threading.Event()
    thread = Publishing(open_publisher(scene.store, tmp_path, SystemClock()), stop)
    scene.grow(4)
    stop.set()
    thread.start()
    thread.join(WAIT_S)
    assert shown(tmp_path / "log") == 4
    scene.store.close()


class Beats(threading.Event):
    """Stands in for the hand of the clock: while the thread waits, time goes by and rows come."""

    def __init__(self, scene: LogScene, beats: int) -> None:
        super().__init__()
        self.scene, self.left, self.came = scene, beats, list[dt.datetime]()

    def wait(self, timeout: float | None = None) -> bool:
        assert timeout is not None
        clock = self.scene.clock
        end = clock.now() + dt.timedelta(seconds=timeout)
        while clock.now() < end:
            chance = clock.random_bytes(2)
            clock.advance(min(chance[0] / 1024, (end - clock.now()).total_seconds()))
            if clock.now() < end and chance[1] < 180:
                self.scene.grow(1)
                self.came.append(clock.now())
        self.left -= 1
        return self.left == 0


def test_no_entry_is_published_more_than_a_second_after_it_came(tmp_path: Path) -> None:
    """Counted in beats of the log's own clock, over forty of them."""
    scene = open_scene(tmp_path)
    beats = Beats(scene, 40)
    Publishing(open_publisher(scene.store, tmp_path, scene.clock), beats).run()
    with scene.store.read() as tx:
        rows = sa.select(CHECKPOINTS.c.size, CHECKPOINTS.c.published_at)
        shown_at = [(row.size, row.published_at) for row in tx.execute(rows)]
    behind = [
        min(at for size, at in shown_at if size >= seq) - came
        for seq, came in enumerate(beats.came, 1)
    ]
    assert len(behind) > 40 and len(shown_at) > 20
    assert max(behind) <= dt.timedelta(seconds=1)
    scene.store.close()
