"""The machine's line to its server: what must be told first and until heard, then what is asked.

One thread, one request at a time, each signed anew (Decision 8). Deliveries come from the journal,
in its order; nothing is asked while one is waiting, so the server hears of a note before it hears
of the next. A question has its own end: after that the answer is `ServerLost`, and a note in
escrow goes back.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, Protocol

import httpx
import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from tallystick.core.clock import Clock, new_id
from tallystick.core.errors import TallystickError
from tallystick.core.identity.machines import key_name
from tallystick.core.identity.signatures import sign_request
from tallystick.edge.book import Delivery
from tallystick.edge.errors import ServerLost, ServerSaid
from tallystick.edge.pairing import Pairing
from tallystick.kiosk import wire

REQUEST_S_MAX: Final = 4.0
BACKOFF_S: Final = (0.1, 0.25, 0.5, 1.0, 2.0, 5.0)
ANSWER_BYTES_MAX: Final = 262_144
QUESTIONS_MAX: Final = 32
PATHS: Final = {
    "escrow": ("notes", wire.NoteAnswer),
    "stacked": ("stacked", wire.PurchaseView),
    "returned": ("returned", wire.PurchaseView),
    "finish": ("finish", wire.PurchaseView),
    "close": ("close", wire.PurchaseView),
}
RETRIED: Final = frozenset({401, 408, 429})
"""Refusals that say nothing about the step itself: our clock, our key, their haste."""


@dataclass(frozen=True, slots=True)
class Question:
    """One thing asked of the server; ``until`` is on the monotonic clock, in seconds."""

    name: str
    method: str
    path: str
    into: Any
    message: Callable[[], wire.Message | None]
    about: str
    until: float
    wait_s: float = REQUEST_S_MAX
    """How long one request may take: a picture on a weak line takes longer than a word."""


class Listener(Protocol):
    """Who hears the answers; called in the link's thread."""

    def next_delivery(self) -> Delivery | None:
        """Return the oldest message that the server must hear, if any."""

    def delivered(self, told: Delivery, answer: Any, refused: ServerSaid | None) -> None:
        """Take in that the server has heard it, and what it said."""

    def answered(self, question: Question, answer: Any, error: TallystickError | None) -> None:
        """Take in the answer to a question, or why there is none."""

    def line(self, up: bool) -> None:
        """Take in that the server answers, or does not."""


class Link(threading.Thread):
    """Speaks to the server until stopped. ``cut`` plays a pulled cable, for the demo's drawer."""

    def __init__(
        self, pairing: Pairing, key: Ed25519PrivateKey, clock: Clock, listener: Listener
    ) -> None:
        super().__init__(name="link", daemon=True)
        self._key, self._clock = key, clock
        self._key_id = key_name(key.public_key())
        self._listener = listener
        self._http = httpx.Client(base_url=pairing.url, timeout=REQUEST_S_MAX, trust_env=False)
        self._questions: deque[Question] = deque()
        self._woken = threading.Event()
        self._ending = False
        self._misses = 0
        self.cut = False

    def ask(self, question: Question) -> None:
        """Ask when every delivery has been heard; an answer comes by `Listener.answered`."""
        if len(self._questions) >= QUESTIONS_MAX:
            self._listener.answered(question, None, ServerLost("too many questions wait"))
            return
        self._questions.append(question)
        self._woken.set()

    def wake(self) -> None:
        """Look at once for what must be told."""
        self._woken.set()

    def stop(self) -> None:
        """End the thread after the request under way."""
        self._ending = True
        self._woken.set()
        self.join(REQUEST_S_MAX + 1)
        self._http.close()

    def run(self) -> None:
        """Tell, then ask, until stopped."""
        while not self._ending:
            self._woken.clear()
            told = self._listener.next_delivery()
            if told is not None:
                self._deliver(told)
            elif self._questions:
                self._put(self._questions.popleft())
            else:
                self._woken.wait(1.0)

    def _deliver(self, told: Delivery) -> None:
        path, into = PATHS[told.kind]
        try:
            answer = self._say("POST", f"/v1/purchases/{told.purchase}/{path}", told.message, into)
        except ServerSaid as error:
            if error.status in RETRIED or error.status >= 500:
                self._missed()
                return
            self._listener.delivered(told, None, error)
        except ServerLost:
            self._missed()
        else:
            self._listener.delivered(told, answer, None)

    def _missed(self) -> None:
        """Wait a while, longer each time, and let questions end meanwhile."""
        self._listener.line(up=False)
        pause_s = BACKOFF_S[min(self._misses, len(BACKOFF_S) - 1)]
        self._misses += 1
        until = self._clock.monotonic_s() + pause_s
        while not self._ending and self._clock.monotonic_s() < until:
            self._expire()
            self._clock.sleep(min(0.05, pause_s))

    def _expire(self) -> None:
        now = self._clock.monotonic_s()
        for question in [one for one in list(self._questions) if one.until <= now]:
            self._questions.remove(question)
            self._listener.answered(question, None, ServerLost())

    def _put(self, question: Question) -> None:
        if question.until <= self._clock.monotonic_s():
            self._listener.answered(question, None, ServerLost())
            return
        try:
            message, into = question.message(), question.into
            answer = self._say(question.method, question.path, message, into, question.wait_s)
        except TallystickError as error:
            if isinstance(error, ServerLost):
                self._listener.line(up=False)
            self._listener.answered(question, None, error)
        else:
            self._listener.answered(question, answer, None)

    def _say(
        self,
        method: str,
        path: str,
        message: wire.Message | None,
        into: Any,
        wait_s: float = REQUEST_S_MAX,
    ) -> Any:
        """Sign, send, read; raise `ServerLost` or `ServerSaid`."""
        if self.cut:
            raise ServerLost("the cable is out")
        body = b"" if message is None else msgspec.json.encode(message)
        now, nonce = self._clock.now(), new_id(self._clock)
        headers = sign_request(method, path, {}, body, self._key, self._key_id, now, nonce)
        try:
            reply = self._http.request(method, path, content=body, headers=headers, timeout=wait_s)
        except httpx.HTTPError as error:
            raise ServerLost(str(error)) from error
        if len(reply.content) > ANSWER_BYTES_MAX:
            raise ServerLost(f"an answer of {len(reply.content)} bytes")
        found = _read(reply, into)
        self._misses = 0
        self._listener.line(up=True)
        return found


def _read(reply: httpx.Response, into: Any) -> Any:
    try:
        if reply.status_code == 200:
            return msgspec.json.decode(reply.content, type=into)
        said = msgspec.json.decode(reply.content, type=wire.Problem)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise ServerLost(f"{reply.status_code}: {error}") from error
    raise ServerSaid(reply.status_code, said.code, said.detail, said.say)
