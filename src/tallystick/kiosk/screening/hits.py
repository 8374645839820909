"""The review queue: hits are opened, proposed upon by one person and decided by another.

Every step is journalled. A hit holds its person from the moment that it is found; only a decision
that other people approved lets them go, and the approval is of exactly that decision (its digest).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final

import msgspec
import sqlalchemy as sa

from tallystick.core import approvals, journal
from tallystick.core.clock import Clock, new_id
from tallystick.core.history import History
from tallystick.core.store import Tx
from tallystick.kiosk.screening.errors import (
    HitStep,
    HitUnknown,
    PersonHeld,
    ReasonMissing,
    SameReviewer,
)
from tallystick.kiosk.screening.index import Hit
from tallystick.kiosk.screening.model import (
    GROUNDS,
    HOLDING,
    NEXT,
    ROLE,
    Decision,
    Outcome,
    State,
)
from tallystick.kiosk.screening.policy import ScreeningPolicy
from tallystick.kiosk.screening.tables import EVENTS, HITS, SCREENED

KIND: Final = "screening.decision"
EVIDENCE_LENGTH_MAX: Final = 120
QUEUE_MAX: Final = 500
APPROVE_WITHIN_S: Final = 7 * 86_400
HISTORY: Final = History(EVENTS, "hit")

Row = dict[str, Any]


def open_hits(
    tx: Tx, clock: Clock, person: str, found: Sequence[Hit], why: str, by: str
) -> list[str]:
    """Open a hit for each match of a person that is not open or decided yet; return the new ones.

    A match is of one entry as it stands: an entry that changed is another match. ``why``: what led
    to the screening, ``identified`` or ``lists-changed``.
    """
    journal.lock(tx)
    made = []
    for match in found:
        row = _row(clock, person, match, why)
        same = (HITS.c.person == person, HITS.c.entry == row["entry"])
        known = sa.select(HITS.c.id).where(*same, HITS.c.entry_digest == row["entry_digest"])
        if tx.execute(known).first() is None:
            tx.execute(sa.insert(HITS).values(**row))
            content = {key: row[key] for key in ("entry", "entry_digest", "points", "said", "why")}
            _event(tx, clock, row["id"], "opened", by, content)
            made.append(str(row["id"]))
    return made


def _row(clock: Clock, person: str, match: Hit, why: str) -> Row:
    now = clock.now()
    return {
        "id": new_id(clock),
        "person": person,
        "entry": match.entry.key,
        "entry_digest": match.entry.digest,
        "listed": match.listed.text,
        "points": match.points,
        "said": match.said.value,
        "state": State.HIT.value,
        "why": why,
        "at": now,
        "moved_at": now,
        "proposal": "",
        "decision": "",
    }


def withdrawn_entries(tx: Tx, clock: Clock, keys: Iterable[str], by: str) -> int:
    """End the open and cleared hits by entries that are no longer listed; return how many.

    A confirmed hit stays confirmed: people decide whether the person is let go.
    """
    journal.lock(tx)
    ended = 0
    open_ = [State.HIT.value, State.REVIEW.value, State.CLEARED.value]
    for key in keys:
        query = sa.select(HITS).where(HITS.c.entry == key, HITS.c.state.in_(open_))
        for row in [dict(found) for found in tx.execute(query).mappings()]:
            _drop_proposal(tx, clock, row, "the entry is no longer listed")
            _move(tx, clock, row, State.GONE, "gone", by, {})
            ended += 1
    return ended


def propose(
    tx: Tx, clock: Clock, policy: ScreeningPolicy, hit: str, ground: str, evidence: str, maker: str
) -> approvals.Proposal:
    """Propose what to decide of a hit, on a ground from the list, with where its evidence lies.

    Raises `ReasonMissing`, `HitStep`, and `RoleMissing` for who is not of compliance.
    """
    journal.lock(tx)
    row = _find(tx, hit)
    if ground not in GROUNDS or not 0 < len(evidence.strip()) <= EVIDENCE_LENGTH_MAX:
        raise ReasonMissing(
            f"a ground of {', '.join(GROUNDS)}, and where its evidence lies, "
            f"in at most {EVIDENCE_LENGTH_MAX} characters"
        )
    decision = _decision(row, ground, evidence.strip())
    rule = approvals.Rule(
        needs={ROLE: policy.approvers}, proposers=frozenset({ROLE}), expires_s=APPROVE_WITHIN_S
    )
    made = approvals.propose(tx, clock, KIND, hit, decision.digest, rule, maker)
    change = {"proposal": made.id, "decision": msgspec.json.encode(decision).decode()}
    tx.execute(sa.update(HITS).where(HITS.c.id == hit).values(**change))
    _move(tx, clock, row, State.REVIEW, "proposed", maker, msgspec.to_builtins(decision))
    return made


def _decision(row: Row, ground: str, evidence: str) -> Decision:
    return Decision(
        hit=row["id"],
        person=row["person"],
        entry=row["entry"],
        entry_digest=row["entry_digest"],
        outcome=GROUNDS[ground],
        ground=ground,
        evidence=evidence,
    )


def approve(tx: Tx, clock: Clock, hit: str, by: str, evidence: str = "") -> State:
    """Approve what was proposed of a hit; when enough people have, it is decided.

    Raises `SameReviewer` for who proposed it, `HitStep`, and what `approvals.approve` raises.
    """
    journal.lock(tx)
    row = _find(tx, hit)
    decision = _proposed(row)
    if approvals.get(tx, row["proposal"]).maker == by:
        raise SameReviewer("who proposed a decision does not approve it")
    status = approvals.approve(tx, clock, row["proposal"], by, ROLE, decision.digest, evidence)
    if status.stage is not approvals.Stage.READY:
        return State(row["state"])
    approvals.use(tx, clock, row["proposal"], KIND, hit, decision.digest, by)
    to = State.CLEARED if decision.outcome is Outcome.CLEARED else State.CONFIRMED
    return _move(tx, clock, row, to, to.value, by, {"digest": decision.digest})


def _proposed(row: Row) -> Decision:
    if State(row["state"]) is not State.REVIEW or not row["decision"]:
        raise HitStep(f"nothing is proposed of a hit that is {row['state']}")
    return msgspec.json.decode(row["decision"], type=Decision)


def take_back(tx: Tx, clock: Clock, hit: str, by: str, why: str) -> None:
    """Withdraw one's own proposal, or drop one that expired: the hit waits for another."""
    journal.lock(tx)
    row = _find(tx, hit)
    _proposed(row)
    if approvals.status(tx, row["proposal"], clock.now()).stage is not approvals.Stage.EXPIRED:
        approvals.withdraw(tx, clock, row["proposal"], by, why)
    _move(tx, clock, row, State.HIT, "taken_back", by, {})


def reopen(tx: Tx, clock: Clock, hit: str, by: str) -> None:
    """Open a decided hit again; it holds the person until people decide anew."""
    journal.lock(tx)
    row = _find(tx, hit)
    if State(row["state"]) not in (State.CLEARED, State.CONFIRMED):
        raise HitStep(f"a hit that is {row['state']} is not decided")
    _move(tx, clock, row, State.HIT, "reopened", by, {})


def _drop_proposal(tx: Tx, clock: Clock, row: Row, why: str) -> None:
    if State(row["state"]) is not State.REVIEW:
        return
    proposal = approvals.get(tx, row["proposal"])
    over = approvals.status(tx, proposal.id, clock.now()).stage
    if over not in (approvals.Stage.EXPIRED, approvals.Stage.WITHDRAWN, approvals.Stage.VETOED):
        approvals.withdraw(tx, clock, proposal.id, proposal.maker, why)


@dataclass(frozen=True, slots=True)
class Standing:
    """Whether a person may be sold to: ``clear``, ``held`` by hits, or never ``screened``."""

    screened: bool
    holding: tuple[str, ...]

    @property
    def clear(self) -> bool:
        """Say whether nothing holds the person. Who was not screened is not clear."""
        return self.screened and not self.holding


def standing(tx: Tx, person: str) -> Standing:
    """Return how a person stands."""
    query = sa.select(HITS.c.id).where(
        HITS.c.person == person, HITS.c.state.in_([state.value for state in HOLDING])
    )
    screened = sa.select(SCREENED.c.person).where(
        SCREENED.c.person == person, SCREENED.c.complete == 1
    )
    holding = tuple(tx.execute(query.order_by(HITS.c.id)).scalars())
    return Standing(tx.execute(screened).first() is not None, holding)


def gate(tx: Tx, person: str) -> None:
    """Let a step of a purchase go on only for a person who is clear; raise `PersonHeld`."""
    if not standing(tx, person).clear:
        raise PersonHeld("nothing is sold to this person now")


def queue(tx: Tx, states: Iterable[State] = (State.HIT, State.REVIEW)) -> list[Row]:
    """Return the hits that wait, the highest first."""
    wanted = [state.value for state in states]
    query = sa.select(HITS).where(HITS.c.state.in_(wanted))
    query = query.order_by(HITS.c.points.desc(), HITS.c.at, HITS.c.id).limit(QUEUE_MAX)
    return [dict(row) for row in tx.execute(query).mappings()]


def find(tx: Tx, hit: str) -> Row:
    """Return a hit with its history; raise `HitUnknown`."""
    row = _find(tx, hit)
    query = sa.select(EVENTS).where(EVENTS.c.hit == hit).order_by(EVENTS.c.n)
    events = [dict(event) for event in tx.execute(query).mappings()]
    return row | {"events": events}


def counts(tx: Tx) -> dict[str, int]:
    """Return how many hits are in each state."""
    query = sa.select(HITS.c.state, sa.func.count()).group_by(HITS.c.state)
    found = {row[0]: int(row[1]) for row in tx.execute(query)}
    return {state.value: found.get(state.value, 0) for state in State}


def _find(tx: Tx, hit: str) -> Row:
    row = tx.execute(sa.select(HITS).where(HITS.c.id == hit)).mappings().one_or_none()
    if row is None:
        raise HitUnknown(f"hit {hit[:26]} is not known")
    return dict(row)


def _move(
    tx: Tx, clock: Clock, row: Row, to: State, kind: str, by: str, content: dict[str, Any]
) -> State:
    """Take one transition of the table, with its event; raise `HitStep` if it is not in it."""
    before = State(row["state"])
    if to not in NEXT[before]:
        raise HitStep(f"a hit that is {before} cannot become {to}")
    same = (HITS.c.id == row["id"], HITS.c.state == before.value)
    change = {"state": to.value, "moved_at": clock.now()}
    if tx.execute(sa.update(HITS).where(*same).values(**change)).rowcount != 1:
        raise HitStep(f"hit {row['id']} has moved on")
    row["state"] = to.value
    _event(tx, clock, row["id"], kind, by, content)
    return to


def _event(tx: Tx, clock: Clock, hit: str, kind: str, by: str, content: dict[str, Any]) -> None:
    """Append one step to a hit's history, and its commitment to the journal."""
    HISTORY.append(tx, clock, hit, kind, by, content, journal.QUIET)
