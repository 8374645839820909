"""Ask witnesses for cosignatures of our checkpoint, all at once, and wait for none of them.

The checkpoint is out before anybody is asked; what comes in is taken at the next look. Only lines
that verify under the witness's own key are taken. A witness that does not know our size says so
(409), and gets the proof from there; one that is down, slow or false costs us its line and nothing
else, and is asked less and less often.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from typing import Final

import httpx

from tallystick.core.clock import Clock
from tallystick.core.store import Store
from tallystick.core.tlog import checkpoint, keys, log, note
from tallystick.core.tlog.errors import BadSignature, BadText, LogError
from tallystick.core.tlog.keys import Key
from tallystick.core.tlog.log import Signed
from tallystick.core.tlog.note import Line, Note
from tallystick.core.tlog.policy import TrustPolicy

ANSWER_S_MAX: Final = 10.0
"""A witness has so long to answer; nothing waits for it meanwhile."""
AGAIN_S_MIN: Final = 1.0
AGAIN_S_MAX: Final = 60.0
"""After an answer without a line a witness rests, twice as long each time."""
ANSWER_BYTES_MAX: Final = 65_536
ROUNDS_MAX: Final = 2
"""The second is with the size that the witness told us."""


@dataclass(slots=True)
class _Asked:
    """How it stands with one witness: what is under way, and when it may be asked again."""

    size: int = 0
    answer: Future[Sequence[Line]] | None = None
    after: float = 0
    rest: float = AGAIN_S_MIN


class Witnesses:
    """The witnesses of a policy that have an address. Call it with a signed checkpoint."""

    def __init__(self, store: Store, policy: TrustPolicy, clock: Clock) -> None:
        self.store, self.policy, self.clock = store, policy, clock
        self.urls = {name: url for name, url in policy.urls.items() if url}
        self._sizes = dict.fromkeys(self.urls, 0)
        self._state = {name: _Asked() for name in self.urls}
        self._http = httpx.Client(timeout=ANSWER_S_MAX, trust_env=False)
        self._pool = ThreadPoolExecutor(max(1, len(self.urls)))

    def __call__(self, signed: Signed) -> Mapping[int, Sequence[Line]]:
        """Return the lines that came in since the last call; ask whoever is free and due."""
        found: dict[int, list[Line]] = {}
        for state in self._state.values():
            if state.answer is not None and state.answer.done():
                found.setdefault(state.size, []).extend(self._taken(state))
        have = {(x.name, x.id) for x in (*signed.note.lines, *found.get(signed.size, ()))}
        now = self.clock.monotonic_s()
        for name, state in self._state.items():
            due = state.answer is None and now >= state.after
            if due and _name(self.policy.witnesses[name]) not in have:
                state.size = signed.size
                state.answer = self._pool.submit(self._one, name, signed)
        return {size: lines for size, lines in found.items() if lines}

    def _taken(self, state: _Asked) -> Sequence[Line]:
        """Take an answer; a witness that gave no line rests, longer each time."""
        lines = state.answer.result() if state.answer else ()
        state.answer = None
        if lines:
            state.after, state.rest = 0, AGAIN_S_MIN
        else:
            state.after = self.clock.monotonic_s() + state.rest
            state.rest = min(2 * state.rest, AGAIN_S_MAX)
        return lines

    def settle(self) -> None:
        """Wait for what is under way; its lines come with the next call."""
        wait([state.answer for state in self._state.values() if state.answer is not None])

    def close(self) -> None:
        """Let go of the connections."""
        self._pool.shutdown(cancel_futures=True)
        self._http.close()

    def wanting(self, signed: Signed) -> bool:
        """Say whether a checkpoint lacks the quorum."""
        try:
            known = [*self.policy.witnesses.values()]
            by = [one.key for one in keys.check(signed.note, known)] if known else []
        except BadSignature:
            by = []
        return not self.policy.satisfied(by)

    def _one(self, name: str, signed: Signed) -> Sequence[Line]:
        try:
            for _ in range(ROUNDS_MAX):
                status, text = self._post(name, signed)
                if status == 200:
                    self._sizes[name] = signed.size
                    return _lines(text, signed.note, self.policy.witnesses[name])
                if status != 409:
                    return []
                self._sizes[name] = checkpoint.size_of(text.removesuffix("\n"))
        except (httpx.HTTPError, LogError, UnicodeDecodeError):
            return []
        return []

    def _post(self, name: str, signed: Signed) -> tuple[int, str]:
        old = min(self._sizes[name], signed.size)
        with self.store.read() as tx:
            proof = log.consistency(tx, old, signed.size)
        hashes = "".join(f"{base64.b64encode(item).decode()}\n" for item in proof)
        body = f"old {old}\n{hashes}\n{signed.note}".encode()
        url = f"{self.urls[name].rstrip('/')}/add-checkpoint"
        data = b""
        with self._http.stream("POST", url, content=body) as reply:
            for part in reply.iter_bytes():
                data += part
                if len(data) > ANSWER_BYTES_MAX:
                    raise BadText("the witness's answer is too long")
        return reply.status_code, data.decode("utf-8")


def _name(key: Key) -> tuple[str, bytes]:
    return key.name, key.id


def _lines(text: str, signed: Note, key: Key) -> list[Line]:
    """Return the lines of an answer that hold under the witness's key, with a time."""
    found = [note.read_line(line) for line in text.removesuffix("\n").split("\n")]
    mine = [line for line in found if (line.name, line.id) == _name(key)]
    return [line for line in mine if keys.check(Note(signed.text, (line,)), [key])[0].time]
