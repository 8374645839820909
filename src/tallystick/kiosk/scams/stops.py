"""A stop puts its own address on the list of stops, on every machine at once (requirement 16).

Only a flagged stop does: one at a hold or above with cash inside, or a silent call for help. Who is
only warned may change his mind for any reason. One stop is one person's word and can be malice, so
it holds what others send there and refuses nothing; it ends by itself and can be appealed. Nothing
is sent there once several known customers have stopped, or one has claimed.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Any, Final

import sqlalchemy as sa

from tallystick.core.clock import Clock
from tallystick.core.store import Tx
from tallystick.kiosk import blocked
from tallystick.kiosk.record import incident
from tallystick.kiosk.scams import lists, trial
from tallystick.kiosk.scams.intervene import Outcome, ScamDesk
from tallystick.kiosk.scams.policy import Step, Stops
from tallystick.kiosk.scams.tables import INTERVENTIONS
from tallystick.kiosk.tables import EVENTS

MACHINE_DAY_MAX: Final = 20
"""Addresses that one machine may list within a day: a stolen key must not hold up everybody."""
DAY: Final = dt.timedelta(days=1)
BY: Final = "a stop at a machine"
STOPPED: Final = (Outcome.CANCELLED.value, Outcome.HELPED.value)

Row = dict[str, Any]


def lists_address(rule: Stops, outcome: Outcome, step: int, cash_minor: int) -> bool:
    """Say whether a stop lists its address: flagged, with cash inside; or a silent call for help.

    Without cash a stop costs nothing, and anybody could have any address held.
    """
    if outcome is Outcome.HELPED:
        return rule.help
    return outcome is Outcome.CANCELLED and step >= rule.step and cash_minor > 0


def heed(tx: Tx, clock: Clock, desk: ScamDesk, row: Row, outcome: Outcome, cash_minor: int) -> bool:
    """List the address of an intervention (``row``) that has just ended so; say whether it did.

    Past a machine's daily maximum, or for somebody unknown after an appeal, it is shown to an
    operator instead.
    """
    rule = desk.policy.stops
    if not lists_address(rule, outcome, row["step"], cash_minor):
        return False
    now, known = clock.now(), is_known(desk, row["person"], row["address"])
    since = now - dt.timedelta(days=rule.days)
    lifted = not known and lists.lifted_since(tx, row["address"], since)
    if lifted or len(_listed_by(tx, row["machine"], rule, now - DAY)) > MACHINE_DAY_MAX:
        why = "lifted on appeal before" if lifted else "too many of one machine within a day"
        incident(tx, clock, row["machine"], row["purchase"], "StopNotListed", why)
        return False
    reason = f"somebody stopped a purchase there, at step {Step(row['step']).word}"
    if outcome is Outcome.HELPED:
        reason = "somebody who paid there asked for help without words"
    blocked.block(tx, clock, row["address"], blocked.STOPS, reason, BY, rule.days)
    those = [one for one in _stops(tx, row["address"], rule, since) if one["person"]]
    persons = {r["person"] for r in those if is_known(desk, r["person"], row["address"])}
    if len(persons) >= rule.confirmed_by:
        why = f"stopped by {len(persons)} customers who are known, each by themselves"
        blocked.block(tx, clock, row["address"], "own", why, BY, lists.CLAIM_DAYS)
    return True


def claimed(tx: Tx, clock: Clock, addresses: Sequence[str], claim: str, by: str) -> int:
    """Confirm by a claim what a stop had listed: nothing is sent there now; return how many."""
    now, done = clock.now(), 0
    for address in sorted({blocked.canonical(one) for one in addresses}):
        if blocked.stopped(tx, address, now):
            why = f"a stop, and claim {claim}"
            blocked.block(tx, clock, address, "own", why, by, lists.CLAIM_DAYS)
            done += 1
    return done


def is_known(desk: ScamDesk, person: str, address: str) -> bool:
    """Say whether a pseudonym is a customer's: an address that stands for a person is nobody."""
    stand_in = trial.pseudonym(desk.key, f"address:{blocked.canonical(address)}")
    return bool(person) and person != stand_in


def overtaken(tx: Tx, desk: ScamDesk, row: Row, now: dt.datetime) -> bool:
    """Say whether somebody stopped at a purchase's address after it was paid in or released.

    What its own hold could not know of is looked at by a person before it is sent. ``row``: a
    purchase that is paid in.
    """
    if not blocked.stopped(tx, row["address"], now):
        return False
    rule = desk.policy.stops
    query = sa.select(sa.func.max(EVENTS.c.at)).where(EVENTS.c.purchase == row["id"])
    seen = tx.execute(query.where(EVENTS.c.kind.in_(("paid_in", "released")))).scalar_one()
    address = blocked.canonical(row["address"])
    later = _stops(tx, address, rule, seen or row["moved_at"])
    return any(one["purchase"] != row["id"] for one in later)


def _stops(tx: Tx, address: str, rule: Stops, since: dt.datetime) -> list[Row]:
    """Return the stops at an address after a moment that may list it."""
    i = INTERVENTIONS.c
    query = sa.select(
        i.person, i.purchase, i.address, i.machine, i.outcome, i.step, i.returned_minor
    )
    query = query.where(i.address == address, i.ended_at > since, i.outcome.in_(STOPPED))
    return _flagged(tx, query, rule)


def _listed_by(tx: Tx, machine: str, rule: Stops, since: dt.datetime) -> set[str]:
    """Return the addresses for which this machine reported a flagged stop after a moment."""
    i = INTERVENTIONS.c
    query = sa.select(i.address, i.outcome, i.step, i.returned_minor)
    query = query.where(i.machine == machine, i.ended_at > since, i.outcome.in_(STOPPED))
    return {row["address"] for row in _flagged(tx, query, rule)}


def _flagged(tx: Tx, query: sa.Select[Any], rule: Stops) -> list[Row]:
    rows = (dict(row) for row in tx.execute(query).mappings())
    return [
        row
        for row in rows
        if lists_address(rule, Outcome(row["outcome"]), row["step"], row["returned_minor"])
    ]
