"""Ask witnesses for cosignatures of our checkpoint, all at once and in a bounded time.

Only lines that verify under the witness's own key are taken. A witness that does not know our
size says so (409), and gets the proof from there; one that is down, slow or false costs us its
line and nothing else.
"""

from __future__ import annotations

import base64
import concurrent.futures
from collections.abc import Callable, Sequence
from typing import Final

import httpx

from tallystick.core.store import Store
from tallystick.core.tlog import checkpoint, keys, log, note
from tallystick.core.tlog.errors import BadSignature, BadText, LogError
from tallystick.core.tlog.keys import Key
from tallystick.core.tlog.log import Signed
from tallystick.core.tlog.note import Line, Note
from tallystick.core.tlog.policy import TrustPolicy

ANSWER_S_MAX: Final = 0.4
"""A publication waits for its witnesses no longer, so that it is at most a second behind."""
ANSWER_BYTES_MAX: Final = 65_536
ROUNDS_MAX: Final = 2
"""The second is with the size that the witness told us."""

Prove = Callable[[int, int], Sequence[bytes]]


class Witnesses:
    """The witnesses of a policy that have an address. Call it with a signed checkpoint."""

    def __init__(self, store: Store, policy: TrustPolicy) -> None:
        self.store, self.policy = store, policy
        self.asked = {name: url for name, url in policy.urls.items() if url}
        self._sizes = dict.fromkeys(self.asked, 0)
        self._http = httpx.Client(timeout=ANSWER_S_MAX, trust_env=False)
        self._pool = concurrent.futures.ThreadPoolExecutor(max(1, len(self.asked)))

    def __call__(self, signed: Signed) -> Sequence[Line]:
        """Return the cosignatures that came in time and hold."""
        have = {(line.name, line.id) for line in signed.note.lines}
        due = [n for n in self.asked if not have & {_name(self.policy.witnesses[n])}]
        begun = [self._pool.submit(self._one, name, signed) for name in due]
        done, _ = concurrent.futures.wait(begun, timeout=ANSWER_S_MAX)
        return [line for one in begun if one in done for line in one.result()]

    def close(self) -> None:
        """Let go of the connections."""
        self._pool.shutdown()
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
        url = f"{self.asked[name].rstrip('/')}/add-checkpoint"
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
