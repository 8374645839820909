"""A witness: it signs a log's checkpoint only if that continues all it signed before (C2SP).

`Witness` answers ``add-checkpoint`` and ``sign-subtree`` of tlog-witness v1.0.0 with the codes of
the text, for any such log. What it signed is on disk before anybody gets it, one file for each
log, so that no crash makes it sign two trees; two requests about one log come one after another,
also in two processes.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tallystick.core.clock import Clock
from tallystick.core.tlog import checkpoint, files, keys, merkle, note
from tallystick.core.tlog.checkpoint import Checkpoint
from tallystick.core.tlog.errors import BadProof, BadSignature, BadText
from tallystick.core.tlog.keys import COSIGN_MLDSA44, Cosigner, Key
from tallystick.core.tlog.note import NOTE_BYTES_MAX, Note

REQUEST_BYTES_MAX: Final = NOTE_BYTES_MAX + 4_096
SIZE_TYPE: Final = "text/x.tlog.size"
TEXT_TYPE: Final = "text/plain; charset=utf-8"
_OLD: Final = re.compile(r"old (0|[1-9][0-9]{0,18})")
_SUBTREE: Final = re.compile(r"subtree (0|[1-9][0-9]{0,18}) ([1-9][0-9]{0,18})")


@dataclass(frozen=True, slots=True)
class Answer:
    """An HTTP answer: status, body and content type."""

    status: int
    body: str
    type: str = TEXT_TYPE


class _Refused(Exception):
    def __init__(self, status: int, body: str, type: str = TEXT_TYPE) -> None:
        super().__init__(body)
        self.answer = Answer(status, body, type)


@dataclass(frozen=True, slots=True)
class Request:
    """What somebody asks to be signed."""

    old: int
    proof: tuple[bytes, ...]
    note: Note
    seen: Checkpoint


def origin_hash(origin: str) -> str:
    """Return the name of a log in the monitoring prefix: SHA-256 of its origin, in hex."""
    return hashlib.sha256(origin.encode()).hexdigest()


def read_request(data: bytes) -> Request:
    """Read the body of ``add-checkpoint``; raise `BadText`."""
    head, rest = _head(data)
    old = _OLD.fullmatch(head[0])
    if not old:
        raise BadText("the first line is not: old, a space and a size")
    signed = note.read(rest)
    seen = checkpoint.read(signed.text)
    return Request(checkpoint.size_of(old[1]), _hashes(head[1:]), signed, seen)


def _head(data: bytes) -> tuple[list[str], bytes]:
    if len(data) > REQUEST_BYTES_MAX:
        raise BadText(f"a request has at most {REQUEST_BYTES_MAX} bytes")
    head, empty, rest = data.partition(b"\n\n")
    if not empty:
        raise BadText("no empty line ends the proof")
    try:
        return head.decode("ascii").split("\n"), rest
    except UnicodeDecodeError as error:
        raise BadText("the proof is not ASCII") from error


def _hashes(lines: Sequence[str]) -> tuple[bytes, ...]:
    if len(lines) > merkle.PROOF_HASHES_MAX:
        raise BadText(f"a proof has at most {merkle.PROOF_HASHES_MAX} hashes")
    return tuple(checkpoint.hash_of(line) for line in lines)


class Witness:
    """Signs for the logs that it is told of, under its own name; remembers in ``folder``."""

    def __init__(
        self, folder: Path, signers: Sequence[Cosigner], logs: Sequence[Key], clock: Clock
    ) -> None:
        self.folder, self.signers, self.clock = folder, signers, clock
        self.logs: dict[str, tuple[Key, ...]] = {}
        for log in logs:
            self.logs[log.name] = (*self.logs.get(log.name, ()), log)

    def add_checkpoint(self, data: bytes) -> Answer:
        """Answer ``POST add-checkpoint``."""
        try:
            asked = read_request(data)
            known = self._trusted(asked)
            with files.alone(self._place(asked.seen.origin)):
                return self._add(asked, known)
        except BadText as error:
            return Answer(400, f"{error}\n")
        except _Refused as error:
            return error.answer

    def _trusted(self, asked: Request) -> tuple[Key, ...]:
        """Return the keys that this witness knows of the log; one of them must have signed."""
        known = self.logs.get(asked.seen.origin)
        if known is None:
            raise _Refused(404, "this log is not known here\n")
        try:
            keys.check(asked.note, known)
        except BadSignature as error:
            raise _Refused(403, f"{error}\n") from error
        return known

    def _add(self, asked: Request, known: Sequence[Key]) -> Answer:
        """Check and store, while nobody else can; then answer."""
        before = self.latest(asked.seen.origin)
        was = checkpoint.read(before.text) if before else Checkpoint("", 0, merkle.EMPTY)
        if asked.old > asked.seen.size:
            raise BadText("the old size is larger than the checkpoint's")
        if asked.old != was.size:
            raise _Refused(409, f"{was.size}\n", SIZE_TYPE)
        _grows(asked, was)
        time = int(self.clock.now().timestamp())
        lines = [one.cosign(asked.note.text, time) for one in self.signers]
        named = {(key.name, key.id) for key in known}
        ours = [x for x in asked.note.lines if (x.name, x.id) in named]
        kept = Note(asked.note.text, (*ours, *lines))
        files.write(self._place(asked.seen.origin) / "checkpoint", str(kept).encode())
        return Answer(200, "".join(map(str, lines)))

    def sign_subtree(self, data: bytes) -> Answer:
        """Answer ``POST sign-subtree``: part of a tree whose checkpoint this witness signed."""
        try:
            head, rest = _head(data)
            asked = _SUBTREE.fullmatch(head[0])
            if not asked or len(head) < 2:
                raise BadText("the first lines are not: subtree, start and end, and a hash")
            start, end = checkpoint.size_of(asked[1]), checkpoint.size_of(asked[2])
            signed = note.read(rest)
            part = Checkpoint(checkpoint.read(signed.text).origin, end, checkpoint.hash_of(head[1]))
            return self._subtree(start, part, _hashes(head[2:]), signed)
        except BadText as error:
            return Answer(400, f"{error}\n")
        except _Refused as error:
            return error.answer

    def _subtree(
        self, start: int, part: Checkpoint, proof: Sequence[bytes], signed: Note
    ) -> Answer:
        if part.origin not in self.logs:
            raise _Refused(404, "this log is not known here\n")
        whole = checkpoint.read(signed.text)
        try:
            keys.check(signed, [one.key for one in self.signers])
        except BadSignature as error:
            raise _Refused(403, f"not signed here: {error}\n") from error
        try:
            merkle.check(start, part.size, whole.size, proof, part.root, whole.root)
        except BadProof as error:
            raise _Refused(422, f"{error}\n") from error
        able = [one for one in self.signers if one.key.type == COSIGN_MLDSA44]
        if not able:
            raise _Refused(404, "this witness has no key that signs subtrees\n")
        return Answer(200, "".join(str(one.cosign_subtree(part, start)) for one in able))

    def latest(self, origin: str) -> Note | None:
        """Return the newest checkpoint signed here of a log, or None."""
        path = self._place(origin) / "checkpoint"
        return note.read(path.read_bytes()) if path.exists() else None

    def monitored(self, name: str) -> Answer:
        """Answer ``GET <hash>/checkpoint`` of the monitoring prefix."""
        for origin in self.logs:
            if origin_hash(origin) == name and (found := self.latest(origin)):
                return Answer(200, str(found))
        return Answer(404, "nothing is signed under this name\n")

    def _place(self, origin: str) -> Path:
        return self.folder / origin_hash(origin)


def _grows(asked: Request, was: Checkpoint) -> None:
    """Refuse with 422 what does not continue the tree of ``was``."""
    now = asked.seen
    try:
        if now.size == 0 and now.root != merkle.EMPTY:
            raise BadProof("an empty tree has another root")
        if was.size == 0 and asked.proof:
            raise BadProof("nothing is provable from an empty tree")
        if was.size:
            merkle.check_consistency(was.size, now.size, asked.proof, was.root, now.root)
    except BadProof as error:
        raise _Refused(422, f"{error}\n") from error
