"""An order to transfer somebody against the gates: it is recorded, and nothing else happens.

There is no override. The state does not change, and the independent monitor is told at once.
"""

from __future__ import annotations

from typing import Final

from tallystick.core.store import Tx
from tallystick.hubs import asking, gates, record
from tallystick.hubs.asking import Outcome
from tallystick.hubs.cases import may
from tallystick.hubs.desk import Desk
from tallystick.hubs.errors import CaseIncomplete
from tallystick.hubs.model import Alarm, Role

WORDS_CHARS_MAX: Final = 2_000
GIVEN_BY_CHARS_MAX: Final = 200


def order(tx: Tx, desk: Desk, case: str, given_by: str, words: str, by: str) -> Outcome:
    """Record that an order was given, by whom and in which words; the case stays where it is."""
    held = record.locked(tx, case)
    may(tx, held, by, Role.CASEWORKER, Role.OFFICIAL, Role.INDEPENDENT)
    if not 0 < len(given_by.strip()) <= GIVEN_BY_CHARS_MAX:
        raise CaseIncomplete("say who gave the order")
    if not 0 < len(words.strip()) <= WORDS_CHARS_MAX:
        raise CaseIncomplete(f"say what was ordered, in at most {WORDS_CHARS_MAX} characters")
    answers = asking.ask(tx, desk, held)
    against = asking.said(gates.stopping(answers))
    told = {"given_by": given_by, "words": words, "state": held.state.value, "gates": against}
    record.append(tx, desk, held, held, "order", by, told)
    record.tell(tx, desk, held, Alarm.ORDER, {**told, "by": by})
    return Outcome(held, answers)
