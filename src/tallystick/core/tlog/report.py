"""What a verification found: what was proved, what had to be assumed, what was caught.

Each thing caught has a name that does not change, so that a script may act on it.
"""

from __future__ import annotations

import enum
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, TypeVar

from tallystick.core.tlog.errors import LogError, Unreadable

T = TypeVar("T")


class Fault(enum.StrEnum):
    """What can be caught."""

    BAD_CHECKPOINT = "bad-checkpoint"
    WRONG_KEY = "wrong-key"
    BAD_SIGNATURE = "bad-signature"
    QUORUM = "too-few-witnesses"
    ROLLBACK = "rollback"
    FORK = "fork"
    BACK_DATED = "back-dated"
    STALE = "stale"
    TAMPERED_TILE = "tampered-tile"
    TAMPERED_ENTRY = "tampered-entry"
    REMOVED_ENTRY = "removed-entry"
    TRUNCATED_BUNDLE = "truncated-bundle"
    WRONG_ROOT = "wrong-root"
    FORGED_ROTATION = "forged-rotation"
    BAD_RECEIPT = "bad-receipt"
    WRONG_OPENING = "wrong-opening"
    BAD_ARTEFACT = "bad-artefact"


class Caught(LogError):
    """Something is provably not as the log says."""

    code, money, say = 1219, "as the ledger says; keep the files, they are evidence", ""

    def __init__(self, fault: Fault, said: str) -> None:
        super().__init__(said)
        self.fault = fault


@dataclass(frozen=True, slots=True)
class Line:
    """One thing found, under a stable name, in one sentence."""

    name: str
    said: str


@dataclass(slots=True)
class Report:
    """All that one verification found."""

    where: str
    proved: list[Line] = field(default_factory=list)
    assumed: list[Line] = field(default_factory=list)
    caught: list[Line] = field(default_factory=list)
    unread: list[Line] = field(default_factory=list)
    """What was asked and could not be read, so that nothing is known about it."""
    checkpoint: dict[str, Any] = field(default_factory=dict)

    def prove(self, name: str, said: str) -> None:
        """Add something proved."""
        self.proved.append(Line(name, said))

    def assume(self, name: str, said: str) -> None:
        """Add something that had to be assumed."""
        self.assumed.append(Line(name, said))

    def attempt(self, name: str, call: Callable[[], T]) -> T | None:
        """Run one part of the verification: what it catches is written down, and it ends there."""
        try:
            return call()
        except Caught as error:
            self.caught.append(Line(error.fault.value, str(error)))
        except Unreadable as error:
            self.unread.append(Line(name, str(error)))
        return None

    @property
    def exit_code(self) -> int:
        """Return 0 if all that was asked is proved, 1 if something was caught, 3 if unread."""
        return 1 if self.caught else 3 if self.unread else 0
