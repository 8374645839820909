"""Enough officials agree, one veto stops it, and only what was approved is authorised.

Each official signs the digest of the very transactions. Who holds a key approves nothing, whoever
proposed approves nothing, and the law is asked again on the day on which it is done (Decision 9).
"""

from __future__ import annotations

import datetime as dt
from typing import Any

import sqlalchemy as sa

from tallystick.core import approvals, effects, journal
from tallystick.core.approvals import Status
from tallystick.core.clock import Clock
from tallystick.core.identity import grants
from tallystick.core.rulebook.verdict import Answer
from tallystick.core.store import Tx
from tallystick.reserve import queries, record, signing, vaults, verdicts, words
from tallystick.reserve.ask import QUESTION_OF
from tallystick.reserve.charter import FROZEN, VETOING, charter
from tallystick.reserve.errors import (
    Frozen,
    NotThisPerson,
    PlanDiffers,
    Unlawful,
    WrongMovementState,
)
from tallystick.reserve.facts import Facts
from tallystick.reserve.model import LIVE, NEXT, STOPPABLE, Ledger, State
from tallystick.reserve.propose import digest_for, judge
from tallystick.reserve.queries import Movement
from tallystick.reserve.tables import HOLDS, MOVEMENTS


def move(
    tx: Tx,
    clock: Clock,
    movement: Movement,
    to: State,
    content: dict[str, Any],
    **columns: Any,
) -> Movement:
    """Take a movement to another state; raise `WrongMovementState` for a step not in the table."""
    if to not in NEXT[movement.state]:
        raise WrongMovementState(
            f"movement {movement.reference} is {movement.state}: it does not become {to}"
        )
    here = sa.and_(MOVEMENTS.c.id == movement.id, MOVEMENTS.c.state == movement.state.value)
    values = {"state": to.value, "moved_at": clock.now(), **columns}
    if not tx.execute(sa.update(MOVEMENTS).where(here).values(values)).rowcount:
        raise WrongMovementState(f"movement {movement.reference} was moved by somebody else")
    if to not in LIVE:
        tx.execute(sa.delete(HOLDS).where(HOLDS.c.movement == movement.id))
    record.event(tx, clock, movement.id, to.value, content)
    return queries.movement(tx, movement.id)


def status(tx: Tx, clock: Clock, movement: Movement) -> Status:
    """Say what the approvals of a movement amount to now."""
    return approvals.status(tx, movement.proposal, clock.now())


def approve(
    tx: Tx, clock: Clock, id: str, by: str, role: str, digest: str, evidence: str
) -> Status:
    """Approve a movement under one role, by a signature over its digest.

    Raises `Frozen`, `NotThisPerson` for who holds a key, `WrongMovementState`, and what
    `approvals.approve` raises.
    """
    journal.lock(tx)
    found = queries.movement(tx, id)
    _answerable(tx, found, by)
    said = approvals.approve(tx, clock, found.proposal, by, role, digest, evidence)
    record.answer(tx, clock, found.id, {"by": by, "role": role, "digest": digest})
    return said


def seem_to_approve(tx: Tx, clock: Clock, id: str, by: str, role: str) -> None:
    """Write down that an official answered under duress: it looks like an approval, and is none.

    The log gets entries of the same kinds, sealed, and holds nothing false. Raises what `approve`
    raises.
    """
    journal.lock(tx)
    found = queries.movement(tx, id)
    _answerable(tx, found, by)
    approvals.seem_to_approve(tx, clock, found.proposal, by, role)
    record.answer(tx, clock, found.id, {"by": by, "role": role, "duress": True})


def _answerable(tx: Tx, found: Movement, by: str) -> None:
    """Raise unless this person may answer now; a freeze that nobody knows of stops no answer."""
    _in_state(found, State.PROPOSED)
    if charter(tx).told:
        raise Frozen(FROZEN)
    if "reserve.keyholder" in grants.held(tx, by):
        raise NotThisPerson("officials and key holders are different people")


def veto(tx: Tx, clock: Clock, id: str, by: str, why: str) -> Movement:
    """Stop a movement by one official's word, at any moment until it is mined.

    Before it is signed it ends here. Afterwards the cancel that was approved and signed with it is
    sent against it, and the chain decides.
    """
    journal.lock(tx)
    found = queries.movement(tx, id)
    if VETOING.isdisjoint(grants.held(tx, by)):
        raise NotThisPerson(f"{by} may not veto movements of this reserve")
    why = words.public(why, "why it is stopped")
    content = {"by": by, "why": why}
    if found.state is State.PROPOSED:
        approvals.veto(tx, clock, found.proposal, by, why)
        return move(tx, clock, found, State.VETOED, content)
    if found.state in STOPPABLE:
        stopped = move(tx, clock, found, State.CANCELLING, content)
        effects.intend(tx, "reserve_cancel", found.id, {}, clock)
        return stopped
    return move(tx, clock, found, State.VETOED, content)


def withdraw(tx: Tx, clock: Clock, id: str, by: str, why: str) -> Movement:
    """Take back one's own proposal before it is authorised."""
    journal.lock(tx)
    found = queries.movement(tx, id)
    _in_state(found, State.PROPOSED)
    why = words.public(why, "why it is withdrawn")
    approvals.withdraw(tx, clock, found.proposal, by, why)
    return move(tx, clock, found, State.WITHDRAWN, {"by": by, "why": why})


def authorise(tx: Tx, clock: Clock, id: str, by: str) -> Movement:
    """Spend the approval of a movement whose notice is over: from now on key holders may sign.

    The mandate is asked again, with today's books. What is not lawful any more becomes refused, is
    committed, and then `Unlawful` is for the caller to raise (`ensure`). Raises `NotApproved`.
    """
    journal.lock(tx)
    found = queries.movement(tx, id)
    _in_state(found, State.PROPOSED)
    _not_frozen(tx)
    _as_approved(found)
    check_vault(tx, found)
    on = charter(tx).day(clock.now())
    said = judge(charter(tx).mandate, Ledger(found.ledger), facts_now(tx, found, on), on)
    verdict = verdicts.plain(charter(tx).mandate.code, QUESTION_OF[found.act], on, said)
    if said.answer is not Answer.PERMIT:
        approvals.withdraw(tx, clock, found.proposal, found.maker, "not lawful any more")
        return move(tx, clock, found, State.REFUSED, {"by": by, "verdict": verdict})
    used = approvals.use(tx, clock, found.proposal, "movement", found.id, found.digest, by)
    holders = set(grants.holders(tx, "reserve.keyholder"))
    if holders & {one.person for one in used.counted}:
        raise NotThisPerson("an official who approved this holds a key now")
    content = {
        "by": by,
        "counted": sorted([one.person, one.role] for one in used.counted),
        "verdict": verdict,
    }
    return move(tx, clock, found, State.APPROVED, content, ready_at=clock.now())


def ensure(found: Movement) -> Movement:
    """Return an authorised movement; raise `Unlawful` for one that the law stopped."""
    if found.state is State.REFUSED:
        raise Unlawful(f"movement {found.reference} is not lawful any more")
    return found


def _as_approved(found: Movement) -> None:
    """What is stored must still be what officials signed; raise `WrongMovementState`."""
    digest = digest_for(found.act, found.vault, found.stored, found.why, found.said)
    if digest != found.digest:
        raise WrongMovementState(f"movement {found.reference} on record is not what was approved")


def check_vault(tx: Tx, found: Movement) -> None:
    """The plans must be of the vault on record, and all they call ours derived from it.

    Raises `PlanDiffers` naming each difference, such as a descriptor that was changed since.
    """
    vault = vaults.vault(tx, found.vault)
    wrong = [
        str(one)
        for plan in (found.stored.pay, found.stored.cancel)
        for one in signing.check_plan(vault, plan)
    ]
    if wrong:
        raise PlanDiffers("; ".join(wrong)[:500])


def facts_now(tx: Tx, found: Movement, on: dt.date) -> Facts:
    """Return a movement's facts by today's books, itself left out of what was sold."""
    stored, vault = found.stored, vaults.vault(tx, found.vault)
    own = [o for o in stored.pay.outputs if o.own is not None]
    return Facts(
        act=found.act,
        sats=found.sats,
        lots=queries.lot_facts(tx, stored.leaving, stored.orders),
        sold=queries.sold(tx, on, without=found.id),
        held=queries.held(tx),
        largest_address_sats=max((o.sats for o in own), default=0),
        reused_addresses=queries.used_before(tx, [o.script for o in own]),
        sites=len({key.place for key in vault.with_role("quorum") if key.place}) or None,
        frozen=charter(tx).frozen,
    )


def expire(tx: Tx, clock: Clock) -> list[Movement]:
    """End every movement whose time is over before it was signed."""
    journal.lock(tx)
    now, ended = clock.now(), []
    for found in queries.movements(tx, (State.PROPOSED, State.APPROVED)):
        if found.expires_at is not None and now >= found.expires_at:
            ended.append(move(tx, clock, found, State.EXPIRED, {}))
    return ended


def _in_state(found: Movement, state: State) -> None:
    if found.state is not state:
        raise WrongMovementState(f"movement {found.reference} is {found.state}, not {state}")


def _not_frozen(tx: Tx) -> None:
    if charter(tx).frozen:
        raise Frozen(FROZEN)


def evidence_of(tx: Tx, found: Movement) -> list[dict[str, str]]:
    """Return each approval with its passkey's signature, for whoever wants to check it."""
    given = approvals.status(tx, found.proposal, found.moved_at).counted
    return [
        {"person": one.person, "role": one.role, "at": one.at.isoformat(), "evidence": one.evidence}
        for one in given
    ]
