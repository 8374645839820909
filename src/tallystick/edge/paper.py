"""Printing, in a thread of its own: a slow or silent printer never holds up a note."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable
from typing import Final

from tallystick.core.errors import TallystickError
from tallystick.edge.screen.receipt import Line

PAPERS_WAITING_MAX: Final = 8


class Paper(threading.Thread):
    """Prints one paper after another; ``done`` hears whether each came out."""

    def __init__(
        self, put: Callable[[list[Line]], None], done: Callable[[TallystickError | None], None]
    ) -> None:
        super().__init__(name="paper", daemon=True)
        self._put, self._done = put, done
        self._waiting: queue.Queue[list[Line] | None] = queue.Queue(PAPERS_WAITING_MAX)

    def print(self, lines: list[Line]) -> None:
        """Put a paper in the queue; when it is full, the oldest are still to come and this is not
        added."""
        try:
            self._waiting.put_nowait(lines)
        except queue.Full:
            return

    def run(self) -> None:
        """Print until stopped."""
        while (lines := self._waiting.get()) is not None:
            try:
                self._put(lines)
            except TallystickError as error:
                self._done(error)
            else:
                self._done(None)

    def stop(self) -> None:
        """End after the paper under way."""
        self._waiting.put(None)
        self.join(5)
