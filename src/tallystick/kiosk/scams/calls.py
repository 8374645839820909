"""A call back about a held purchase: who called which enrolled number, when, and what was said.

It goes out to a number shown before the flag, which the caller opened on record; it proves itself
by the slip's own number; and where the policy asks for a call, no release passes without one whose
answer allows it (requirement 17). The journal learns a hash; the number stays in the vault.
"""

from __future__ import annotations

import datetime as dt
import enum
from typing import Any, Final

import msgspec
import sqlalchemy as sa

from tallystick.core import journal
from tallystick.core.store import Tx
from tallystick.kiosk import queries
from tallystick.kiosk.customers import rights
from tallystick.kiosk.errors import PurchaseUnknown
from tallystick.kiosk.quote import Desk
from tallystick.kiosk.record import event
from tallystick.kiosk.scams import intervene
from tallystick.kiosk.scams.errors import CallNeeded, CallRefused
from tallystick.kiosk.scams.policy import Step
from tallystick.kiosk.tables import EVENTS, PURCHASES

WORDS_LENGTH_MAX: Final = 200
CALLS_MAX: Final = 50
"""Calls about one purchase; after so many it is called off, not called about."""


class Result(enum.StrEnum):
    """What came of a call."""

    THEIRS = "theirs"
    """The customer answered and says, unprompted, that it is theirs to do."""
    STOP = "stop"
    """The customer wants it stopped: it is called off, and all the cash is owed back."""
    NOBODY = "nobody"
    OTHER = "other"
    """Somebody else answered: nothing was said of the purchase."""


SAID: Final = {
    Result.THEIRS: "It is theirs; they told why themselves",
    Result.STOP: "They want it stopped",
    Result.NOBODY: "Nobody answered",
    Result.OTHER: "Somebody else answered",
}


def record(
    tx: Tx, desk: Desk, purchase: str, slip: str, result: Result, words: str, by: str
) -> None:
    """Record a call about a purchase that is held; ``slip``: the number that the caller read out.

    ``by`` is the person who opened the enrolled number on record and called it. Raises
    `CallRefused` for a purchase that does not wait, without such a number, for another slip's
    number, or when this person never opened the number.
    """
    from tallystick.kiosk import refund
    from tallystick.kiosk.scams import guard

    journal.lock(tx)
    row = _purchase(tx, purchase)
    if not guard.waits_now(tx, purchase):
        raise CallRefused(f"purchase {row['reference']} does not wait for anybody")
    if queries.as_reference(slip) != row["reference"]:
        raise CallRefused("a call proves itself by the slip's number, and this is another")
    if len(words) > WORDS_LENGTH_MAX or len(_calls(tx, purchase)) >= CALLS_MAX:
        raise CallRefused(f"at most {WORDS_LENGTH_MAX} characters, and {CALLS_MAX} calls")
    number = rights.enrolled(tx, desk, purchase)
    if number is None:
        raise CallRefused("no number was shown before the flag; one given now is nobody's proof")
    if not rights.opened_by(tx, desk, number, by, row["moved_at"]):
        raise CallRefused("whoever calls opens the number on record first, after the flag")
    told = {"result": result.value, "number": number.record, "enrolled_at": number.at}
    event(tx, desk.clock, purchase, "called_back", told | {"by": by, "why": words})
    if result is Result.THEIRS:
        flagged = intervene.of_purchase(tx, purchase)
        if flagged is not None:
            after = intervene.After.CALLED_BACK
            intervene.followed(tx, desk.clock, flagged["id"], after, row["reference"])
    if result is Result.STOP:
        refund.call_off(tx, desk, purchase, by, "the customer's word when called back")


def open_to(tx: Tx, purchase: str) -> bool:
    """Say whether a release would pass: no call is asked for, or the last one allows it."""
    try:
        check(tx, purchase)
    except CallNeeded:
        return False
    return True


def needed(tx: Tx, purchase: str) -> bool:
    """Say whether the policy asks for a call before this purchase is released."""
    row = intervene.of_purchase(tx, purchase)
    return row is not None and row["step"] == Step.CALL_BACK


def check(tx: Tx, purchase: str) -> None:
    """Raise `CallNeeded` where a call is asked for and the last one does not allow a release."""
    if not needed(tx, purchase):
        return
    calls = _calls(tx, purchase)
    if not calls:
        raise CallNeeded("the policy wants the customer called back first, and nobody has called")
    if calls[-1]["result"] != Result.THEIRS.value:
        last = SAID[Result(calls[-1]["result"])]
        raise CallNeeded(f"the last call does not allow it: {last}")


def _calls(tx: Tx, purchase: str) -> list[dict[str, Any]]:
    e = EVENTS.c
    query = (
        sa.select(e.content).where(e.purchase == purchase, e.kind == "called_back").order_by(e.n)
    )
    return [msgspec.json.decode(content) for content in tx.execute(query).scalars()]


def of_purchase(tx: Tx, purchase: str) -> list[dict[str, Any]]:
    """Return the calls about a purchase in order: when, by whom, the result in words, the words."""
    return [
        {
            "at": dt.datetime.fromisoformat(call["at"]),
            "by": call["by"],
            "said": SAID[Result(call["result"])],
            "why": call["why"],
        }
        for call in _calls(tx, purchase)
    ]


def _purchase(tx: Tx, purchase: str) -> dict[str, Any]:
    query = sa.select(PURCHASES).where(PURCHASES.c.id == purchase)
    row = tx.execute(query).mappings().one_or_none()
    if row is None:
        raise PurchaseUnknown(f"purchase {purchase[:26]} is not known")
    return dict(row)
