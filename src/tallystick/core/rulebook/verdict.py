"""What the law says to a step: the answer, every provision that bore on it, and what it asks."""

from __future__ import annotations

import enum
from dataclasses import dataclass

from tallystick.core.rulebook.provision import Provision


class Answer(enum.StrEnum):
    """What the law says to a step."""

    PERMIT = "permit"
    REFUSE = "refuse"
    REFER = "refer"


@dataclass(frozen=True, slots=True)
class Verdict:
    """The answer and its reasons. A referred step waits for a person; it is never taken."""

    answer: Answer
    because: tuple[Provision, ...]
    left_minor: int | None = None
    """How much more cash may go in, in minor units; None when no limit could be reckoned."""
    missing: tuple[str, ...] = ()
    """Facts, figures and readings that are not known; empty unless referred."""
    must: tuple[Provision, ...] = ()
    """What must be shown, collected, held, printed or reported if the step is taken."""
