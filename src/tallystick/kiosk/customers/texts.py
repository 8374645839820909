"""The hook for text messages: who sends a one-time code to a telephone.

A sender queues and returns at once, and is called before the step commits: a text whose code came
to nothing does no harm, and a customer can ask for another. Nothing here is logged or kept; the
demo's sender keeps one message, in a file of the demo's own folder, to play the telephone.
"""

from __future__ import annotations

import json
import os
import queue
import subprocess
import threading
from pathlib import Path
from typing import Final, Protocol

from tallystick.core.logs import logger
from tallystick.kiosk.customers.errors import PolicyUnreadable

WAITING_MAX: Final = 1_000
SEND_S_MAX: Final = 20
LOG: Final = logger()


class Texts(Protocol):
    """Who sends text messages; must not wait, and must not log number or text."""

    def send(self, number: str, text: str) -> None:
        """Queue a message for a number in E.164."""


class FileTexts:
    """Plays one telephone for the demo: the last message, in a file that only we can read."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def send(self, number: str, text: str) -> None:
        """Put the message in place of the one before."""
        self._path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        draft = self._path.with_suffix(".draft")
        handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
        draft.replace(self._path)


class CommandTexts:
    """Hands each message to a program of the operator's, as JSON on its standard input.

    ``{"to": "+1…", "text": "…"}``; the program sends it by whatever gateway the operator has. A
    message that cannot be handed over is dropped, and the log says so without saying whose it was.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._waiting: queue.Queue[bytes] = queue.Queue(WAITING_MAX)
        threading.Thread(target=self._run, name="texts", daemon=True).start()

    def send(self, number: str, text: str) -> None:
        """Queue a message; when too many wait, drop it."""
        try:
            self._waiting.put_nowait(json.dumps({"to": number, "text": text}).encode())
        except queue.Full:
            LOG.error("texts", error="too many messages wait; one was dropped")

    def _run(self) -> None:
        while True:
            message = self._waiting.get()
            try:
                done = subprocess.run(
                    [str(self._path)], input=message, timeout=SEND_S_MAX, capture_output=True
                )
                if done.returncode:
                    LOG.error("texts", error=f"the program ended with {done.returncode}")
            except (OSError, subprocess.TimeoutExpired) as error:
                LOG.error("texts", error=type(error).__name__)


def open_texts(url: str) -> Texts | None:
    """Return who sends texts: ``command:PATH``, ``file:PATH``, or nobody for an empty text.

    Raises `PolicyUnreadable` for anything else.
    """
    kind, _, path = url.partition(":")
    if not url:
        return None
    if kind == "command" and os.access(path, os.X_OK):
        return CommandTexts(Path(path))
    if kind == "file" and path:
        return FileTexts(Path(path))
    raise PolicyUnreadable(f"{url[:80]!r} is no command:PATH that can be run, nor file:PATH")
