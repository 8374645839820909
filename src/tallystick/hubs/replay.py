"""What would have refused this transfer on a day, as law and facts were known then.

The gates are asked again with the provisions in force and known on that day, the facts recorded up
to its end, and the claims about agreement and country recorded by then. Nothing is written.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, replace

from tallystick.core.store import Tx
from tallystick.hubs import asking, gates, record
from tallystick.hubs.desk import Desk
from tallystick.hubs.gates import GateAnswer
from tallystick.hubs.law import Stage
from tallystick.hubs.record import Case


@dataclass(frozen=True, slots=True)
class Replay:
    """The gates of a case on a day, and the case's state at its end."""

    case: Case
    on: dt.date
    state: str
    answers: tuple[GateAnswer, ...]

    @property
    def permitted(self) -> bool:
        """Say whether every gate would have passed."""
        return gates.permits(self.answers)

    @property
    def against(self) -> tuple[GateAnswer, ...]:
        """Return what would have refused it, the worst first."""
        return gates.stopping(self.answers)


def replay(tx: Tx, desk: Desk, case: str, on: dt.date, host: str = "") -> Replay:
    """Ask again as of a day, of the case's host or of another agreement.

    Raises `CaseUnknown`, `CaseErased`.
    """
    held = record.find(tx, case)
    steps = [one for one in record.history(tx, desk, held) if one.at.date() <= on]
    state = steps[-1].after if steps else ""
    asked = replace(held, host=host or _host(held, steps))
    return Replay(held, on, state, asking.ask(tx, desk, asked, Stage.DOOR, known_on=on))


def _host(case: Case, steps: list[record.Event]) -> str:
    """Return the host that was meant on that day, by the last step that named one."""
    named = [str(one.content["host"]) for one in steps if one.content.get("host")]
    return named[-1] if named else case.host
