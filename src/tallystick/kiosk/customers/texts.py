"""The hook for text messages: who sends a one-time code to a telephone.

A sender queues and returns at once, and is called before the step commits: a text whose code came
to nothing does no harm, and a customer can ask for another. Nothing here is logged or kept; the
demo's sender keeps one message, in a file of the demo's own folder, to play the telephone.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Protocol


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
        draft = self._path.with_suffix(".draft")
        handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
        draft.replace(self._path)
