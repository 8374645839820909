"""A paper brought back to a machine: where its purchase stands, stopping it, claiming it back.

Whoever has the paper may ask at any machine of the operator, and is told nothing that is not the
paper's own: no address, no name. What is not signed away is stopped and all its cash owed back;
what was sent is claimed, on the law's own days. Wrong numbers are counted, so that nobody can try
many. Asking twice changes nothing twice (Decision 1).
"""

from __future__ import annotations

import datetime as dt
from typing import Any, Final

import msgspec
import sqlalchemy as sa

from tallystick.core import journal
from tallystick.core.clock import new_id
from tallystick.core.store import Tx
from tallystick.kiosk import queries, refund, wire
from tallystick.kiosk.errors import WrongState
from tallystick.kiosk.model import State
from tallystick.kiosk.quote import Desk
from tallystick.kiosk.scams import claims, grant, intervene
from tallystick.kiosk.scams.claim import OPEN, Duty, Form, enough
from tallystick.kiosk.scams.claim import State as Claim
from tallystick.kiosk.scams.tables import CLAIM_ITEMS, CLAIMS
from tallystick.kiosk.tables import PURCHASES, SLIP_MISSES

MISSES_PER_MACHINE_MAX: Final = 20
"""Wrong numbers at one machine within `MISSES_S`; then it answers no number for that long."""
MISSES_S: Final = 3_600
CITE_CHARS_MAX: Final = 500
UNSAID: Final = "begun at a machine with the paper; the person's own words are still to come"
SENT: Final = frozenset({State.SIGNED, State.SENT, State.SETTLED})

Row = dict[str, Any]


def look(tx: Tx, desk: Desk, machine: str, ask: wire.SlipAsk) -> wire.Slip:
    """Say where the purchase of a paper stands."""
    row, said = _find(tx, desk, machine, ask.number)
    return wire.Slip(said=said) if row is None else _told(tx, row)


def stop(tx: Tx, desk: Desk, machine: str, ask: wire.SlipAsk) -> wire.Slip:
    """Call off a purchase that is not signed away yet: all its cash is owed back, the fee too."""
    journal.lock(tx)
    row, said = _find(tx, desk, machine, ask.number)
    if row is None:
        return wire.Slip(said=said)
    if State(row["state"]) is State.PAID_IN:
        try:
            refund.call_off(tx, desk, row["id"], "customer", f"with the paper, at {machine}")
        except WrongState:
            said = "gone"
    elif State(row["state"]) in SENT:
        said = "gone"
    return msgspec.structs.replace(_told(tx, _row(tx, ask.number) or row), said=said)


def claim(tx: Tx, desk: Desk, machine: str, ask: wire.SlipAsk) -> wire.Slip:
    """Begin a victim's claim for a purchase that was sent; one that is open stands as it is."""
    journal.lock(tx)
    row, said = _find(tx, desk, machine, ask.number)
    if row is None:
        return wire.Slip(said=said)
    if State(row["state"]) in SENT and _claim_of(tx, row["id"]) is None:
        _file(tx, desk, machine, row)
    return _told(tx, row)


def _file(tx: Tx, desk: Desk, machine: str, row: Row) -> None:
    """File it on the days that are known: of the purchase, and of this word to us."""
    form = Form(
        happened_on=desk.day(row["made_at"]),
        contacted_on=desk.day(desk.clock.now()),
        script="other",
        statement=UNSAID,
    )
    duty = grant.granted(tx, [row], form)
    record = intervene.of_purchase(tx, row["id"])
    person = record["person"] if record else ""
    place, by = row["jurisdiction"], f"customer at {machine}"
    claims.file(tx, desk.clock, person, place, form, duty, [row["id"]], by)


def _find(tx: Tx, desk: Desk, machine: str, number: str) -> tuple[Row | None, str]:
    """Return the purchase of a number, or why not; a wrong number is counted."""
    since = desk.clock.now() - dt.timedelta(seconds=MISSES_S)
    m = SLIP_MISSES.c
    tx.execute(sa.delete(SLIP_MISSES).where(m.machine == machine, m.at < since))
    misses = sa.select(sa.func.count()).select_from(SLIP_MISSES).where(m.machine == machine)
    if tx.execute(misses).scalar_one() >= MISSES_PER_MACHINE_MAX:
        return None, "too_many"
    row = _row(tx, number)
    if row is None:
        miss = {"id": new_id(desk.clock), "machine": machine, "at": desk.clock.now()}
        tx.execute(sa.insert(SLIP_MISSES).values(**miss))
        return None, "unknown"
    return row, ""


def _row(tx: Tx, number: str) -> Row | None:
    found = tx.execute(sa.select(PURCHASES).where(PURCHASES.c.reference == number))
    row = found.mappings().one_or_none()
    return None if row is None else dict(row)


def _claim_of(tx: Tx, purchase: str) -> Row | None:
    """Return the newest claim on a purchase, unless it was withdrawn."""
    joined = sa.select(CLAIMS).join(CLAIM_ITEMS, CLAIM_ITEMS.c.claim == CLAIMS.c.id)
    query = joined.where(CLAIM_ITEMS.c.purchase == purchase, CLAIMS.c.state != Claim.WITHDRAWN)
    row = tx.execute(query.order_by(CLAIMS.c.id.desc()).limit(1)).mappings().one_or_none()
    return None if row is None else dict(row)


def _told(tx: Tx, row: Row) -> wire.Slip:
    state, found = State(row["state"]), _claim_of(tx, row["id"])
    paid_in = state is State.PAID_IN
    return wire.Slip(
        reference=row["reference"],
        state=state.value,
        at=row["moved_at"],
        currency=row["currency"],
        cash_minor=row["cash_minor"],
        held_until=queries.held_until(tx, row["id"]) if paid_in else None,
        may_stop=paid_in,
        may_claim=state in SENT and found is None,
        claim=None if found is None else _claim_told(found),
    )


def _claim_told(row: Row) -> wire.SlipClaim:
    """Return what a claim's paper says; what was met already is asked for no more."""
    duty = msgspec.json.decode(row["duty"], type=Duty)
    form = msgspec.json.decode(row["form"], type=Form)
    lacks = Claim(row["state"]) in OPEN and not enough(tuple(form.evidence), duty)
    return wire.SlipClaim(
        reference=row["reference"],
        state=row["state"],
        filed_at=row["filed_at"],
        cite=duty.cite[:CITE_CHARS_MAX],
        evidence=list(duty.evidence) if lacks else [],
        evidence_by=duty.evidence_by if lacks else None,
        decide_by=row["decide_by"],
        pay_by=row["pay_by"],
        refund_minor=row["refund_minor"],
    )
