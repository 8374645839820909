"""Waiting for a library call only so long.

BDK's Esplora client waits for ever on a silent server. Here such a call runs in a thread of its
own, and after the deadline its result, if one ever comes, is thrown away. A few such threads may
hang at a time; beyond them the answer is at once that the chain is unreachable.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable
from typing import Final, TypeVar

from tallystick.bitcoin.errors import ChainUnreachable

HANGING_MAX: Final = 4

T = TypeVar("T")


class Patience:
    """Runs calls with a deadline, for one server."""

    def __init__(self, name: str) -> None:
        self.name = name
        self._free = threading.Semaphore(HANGING_MAX)

    def wait(self, call: Callable[[], T], timeout_s: float) -> T:
        """Return what the call returns or raises; raise `ChainUnreachable` after the deadline."""
        if not self._free.acquire(blocking=False):
            raise ChainUnreachable(f"{self.name}: {HANGING_MAX} questions hang already")
        answer: queue.SimpleQueue[tuple[T | None, BaseException | None]] = queue.SimpleQueue()

        def run() -> None:
            try:
                answer.put((call(), None))
            except BaseException as error:
                answer.put((None, error))
            finally:
                self._free.release()

        threading.Thread(target=run, name=f"chain {self.name}", daemon=True).start()
        try:
            found, error = answer.get(timeout=timeout_s)
        except queue.Empty:
            raise ChainUnreachable(f"{self.name}: no answer in {timeout_s:g} s") from None
        if error is not None:
            raise error
        return found  # type: ignore[return-value]
