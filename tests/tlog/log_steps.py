"""One publication, and one cosignature, to be killed at any write, sync or rename and run again.

Run as a program by the kill-point tests, under strace, which kills each process at its own
PADDING-th call of one kind; calls that do nothing come before. A ``torn`` sweep breaks on purpose
the order that keeps the promise, to show that the tests would notice.
"""

from __future__ import annotations

import base64
import functools
import gc
import os
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from log_scene import NAME, LogScene, signer

from tallystick.core.clock import SystemClock
from tallystick.core.store import Store
from tallystick.core.tlog import checkpoint, merkle, note
from tallystick.core.tlog.checkpoint import Checkpoint
from tallystick.core.tlog.note import Note
from tallystick.core.tlog.publish import Publisher
from tallystick.core.tlog.witness import Answer, Witness
from tallystick.core.tlog.witness_keys import signers_of

PADDING = 32
BEFORE, MORE = 250, 20
LEAVES = [merkle.leaf(bytes([n])) for n in range(8)]


class Torn(Publisher):
    """Shows the checkpoint first and writes the tiles afterwards."""

    def _write_tiles(self, old: int, new: int, progress: Any) -> None:
        self._late = (old, new, progress)

    def _write_checkpoint(self, signed: Any) -> None:
        super()._write_checkpoint(signed)
        if hasattr(self, "_late"):
            super()._write_tiles(*self._late)


def opened(folder: Path) -> LogScene:
    return LogScene(Store.open(f"sqlite:///{folder}/store.sqlite"), folder / "log")


def prepare(folder: Path) -> None:
    store = Store.open(f"sqlite:///{folder}/store.sqlite")
    store.migrate()
    scene = LogScene(store, folder / "log")
    scene.grow(BEFORE)
    scene.publish()
    scene.grow(MORE)
    store.close()
    sign(folder, 3)


def publish(folder: Path, torn: bool) -> None:
    scene = opened(folder)
    kind = Torn if torn else Publisher
    kind(scene.store, signer(), scene.folder, scene.clock).step()
    scene.store.close()


def request(old: int, size: int, fork: bytes = b"") -> bytes:
    leaves = [*LEAVES[: size - 1], merkle.leaf(fork)] if fork else LEAVES[:size]
    made = str(Checkpoint(NAME, size, merkle.root_of(leaves)))

    def node(level: int, index: int) -> bytes:
        return merkle.root_of(leaves[index << level : (index + 1) << level])

    proof = [base64.b64encode(item).decode() for item in merkle.consistency(node, old, size)]
    lines = "".join(f"{line}\n" for line in proof)
    return f"old {old}\n{lines}\n{Note(made, (signer().sign(made),))}".encode()


def witness_of(folder: Path) -> Witness:
    signers = signers_of(folder / "w", "witness.example", False, SystemClock())
    return Witness(folder / "w" / "seen", signers, [signer().key], SystemClock())


class Forgetful(Witness):
    """Answers, and remembers only afterwards."""

    def _add(self, asked: Any, log: Any) -> Answer:
        line = self.signers[0].cosign(asked.note.text, 1)
        answer(self.folder.parent.parent, str(line))
        return super()._add(asked, log)


def answer(folder: Path, text: str) -> None:
    """Stand for the network: what is here has left the witness."""
    handle = os.open(folder / "answered", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    os.write(handle, text.encode())
    os.close(handle)


def sign(folder: Path, size: int, torn: bool = False) -> int:
    witness = witness_of(folder)
    if torn:
        witness = Forgetful(witness.folder, witness.signers, [signer().key], SystemClock())
    found = witness.latest(NAME)
    old = checkpoint.read(found.text).size if found else 0
    reply = witness.add_checkpoint(request(old, size))
    if reply.status == 200:
        note.read_line(reply.body.removesuffix("\n"))
        answer(folder, reply.body)
    return reply.status


STEPS = {
    "publish": publish,
    "witness": lambda folder, torn: sign(folder, 5, torn),
}


def pad(call: str, count: int, folder: Path) -> None:
    """Make so many calls that change nothing."""
    path = folder / "padding"
    number = os.open(path, os.O_RDWR | os.O_CREAT)
    do: dict[str, Any] = {
        "pwrite64": lambda: os.pwrite(number, b"x", 0),
        "write": lambda: os.write(number, b"x"),
        "fsync": lambda: os.fsync(number),
        "fdatasync": lambda: os.fdatasync(number),
        "ftruncate": lambda: os.ftruncate(number, 0),
        "rename": lambda: path.rename(path),
    }
    for _ in range(count):
        do[call]()
    os.close(number)


def child(what: str, folder: Path, torn: bool, padding: tuple[str, int]) -> int:
    """Run the step in a process of its own; return how it ended."""
    process = os.fork()
    if process:
        return os.waitpid(process, 0)[1]
    status = 1
    try:
        pad(*padding, folder)
        STEPS[what](folder, torn)
        status = 0
    finally:
        os._exit(status)


def sweep(what: str, root: Path, call: str, count: int, torn: bool) -> None:
    """Kill at call 1, 2, 3 … of a fresh copy each, and note how each ended."""
    for n in range(1, count + 1):
        folder = root / f"{what}-{call}-{n}"
        (folder / "killed").write_text(str(child(what, folder, torn, (call, PADDING - n))))


def again(what: str, folder: Path) -> None:
    """Keep what a kill left; then run the step to its end. Nobody traces this, or kills it."""
    shutil.copytree(folder / "log", folder / "log-killed")
    shutil.copytree(folder / "w", folder / "w-killed")
    shutil.copy(folder / "answered", folder / "answered-killed")
    STEPS[what](folder, False)


def apart(run: Callable[[], None], name: Path | None = None) -> None:
    """Run something in a process of its own, whose calls are counted from nothing."""
    process = os.fork()
    if not process:
        if name:
            name.write_text(str(os.getpid()))
        run()
        os._exit(0)
    assert os.waitpid(process, 0)[1] == 0


def whole(root: Path, what: str) -> None:
    """Run a step once to its end; the number of its process is kept."""
    folder = root / f"whole-{what}"
    shutil.copytree(root / "start", folder)
    apart(lambda: STEPS[what](folder, False), root / f"pid-{what}")


def main(root: Path, asked: list[str]) -> None:
    """Run ``whole``, sweeps written as STEP:CALL:COUNT:HOW, or ``again`` and STEP:FOLDER."""
    if asked[0] == "again":
        for one in asked[1:]:
            what, _, name = one.partition(":")
            again(what, root / name)
        return
    gc.freeze()  # what is forked off need not look through all of it
    for what in STEPS if asked == ["whole"] else ():
        whole(root, what)
    for one in asked if asked != ["whole"] else ():
        what, call, count, how = one.split(":")
        given = (what, root, call, int(count), how == "torn")
        apart(functools.partial(sweep, *given))


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2:])
