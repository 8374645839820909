"""Agree to what is no movement: the origin of a coin, and the end of a freeze.

Both are proposals like a movement's: officials sign a digest with their passkeys, whoever proposed
or holds a key agrees to nothing, and the step itself asks the law and the books once more. What a
proposal stands for is reckoned again from what is on record, so that a page cannot show another
thing than the one that is signed (Decision 9).
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Final

from tallystick.core import approvals, journal
from tallystick.core.approvals import Proposal, Stage, Status
from tallystick.core.clock import Clock
from tallystick.core.identity import grants
from tallystick.core.store import Tx
from tallystick.reserve import charter, lots, record, words
from tallystick.reserve.errors import NotThisPerson, WrongMovementState
from tallystick.reserve.model import Origin

KINDS: Final = ("origin", "thaw")
OPEN_STAGES: Final = frozenset({Stage.OPEN, Stage.DELAYED, Stage.READY})


@dataclass(frozen=True, slots=True)
class Matter:
    """What a proposal stands for: a coin and its label, or the freeze that would end.

    ``true``: what is on record gives the very digest that was proposed.
    """

    proposal: Proposal
    status: Status
    coin: lots.Coin | None
    origin: Origin | None
    frozen_at: dt.datetime | None
    frozen_why: str
    true: bool

    @property
    def waits(self) -> bool:
        """Say whether anybody can still do something about it."""
        return self.status.stage in OPEN_STAGES


def matter(tx: Tx, id: str, now: dt.datetime) -> Matter:
    """Return what a proposal stands for; raise `ProposalUnknown`, also for a movement's."""
    found = approvals.get(tx, id)
    if found.kind not in KINDS:
        raise WrongMovementState(f"proposal {id[:40]} is approved where its {found.kind} is")
    status = approvals.status(tx, id, now)
    if found.kind == "thaw":
        held = charter.charter(tx)
        true = charter.thaw_digest(held) == found.digest
        return Matter(found, status, None, None, held.frozen_at, held.frozen_why, true)
    txid, _, vout = found.subject.partition(":")
    coin = lots.coin(tx, txid, int(vout))
    proposal, origin = lots.registered(tx, found.subject)
    true = proposal == id and lots.origin_digest(coin, origin) == found.digest
    return Matter(found, status, coin, origin, None, "", true)


def waiting(tx: Tx, now: dt.datetime) -> list[Matter]:
    """Return what waits for officials, the newest first."""
    found = [
        matter(tx, one.id, now)
        for kind in KINDS
        for one in approvals.listed(tx, kind=kind, stage=Stage.OPEN)
    ]
    return [one for one in found if one.waits]


def agree(tx: Tx, clock: Clock, id: str, by: str, role: str, digest: str, evidence: str) -> Status:
    """Agree under one role, by a signature over the digest of what is on record.

    Raises `NotThisPerson` for who holds a key, `WrongMovementState` when what is on record is not
    what was proposed any more, and what `approvals.approve` raises.
    """
    journal.lock(tx)
    found = _true(tx, clock, id)
    if "reserve.keyholder" in grants.held(tx, by):
        raise NotThisPerson("officials and key holders are different people")
    said = approvals.approve(tx, clock, id, by, role, digest, evidence)
    content = {"by": by, "role": role, "digest": digest, "of": found.proposal.kind}
    record.answer(tx, clock, _subject(found), content)
    return said


def seem_to_agree(tx: Tx, clock: Clock, id: str, by: str, role: str) -> None:
    """Write down that an official answered under duress: it looks like agreeing, and is not."""
    journal.lock(tx)
    found = _true(tx, clock, id)
    approvals.seem_to_approve(tx, clock, id, by, role)
    content = {"by": by, "role": role, "duress": True, "of": found.proposal.kind}
    record.answer(tx, clock, _subject(found), content)


def veto(tx: Tx, clock: Clock, id: str, by: str, why: str) -> None:
    """Stop it by one official's word; raise what `approvals.veto` raises."""
    journal.lock(tx)
    found = matter(tx, id, clock.now())
    why = words.public(why, "why it is stopped")
    approvals.veto(tx, clock, id, by, why)
    content = {"by": by, "why": why, "of": found.proposal.kind}
    record.event(tx, clock, _subject(found), "vetoed", content)


def carry_out(tx: Tx, clock: Clock, id: str, by: str) -> None:
    """Do what was agreed: make the lot, or end the freeze. Raises `NotApproved` before its time.

    Any official may press the button; who agreed is what counts.
    """
    journal.lock(tx)
    if charter.VETOING.isdisjoint(grants.held(tx, by)):
        raise NotThisPerson(f"{by} is no official of this reserve")
    found = _true(tx, clock, id)
    if found.coin is not None:
        lots.accept(tx, clock, (found.coin.txid, found.coin.vout), by)
    else:
        charter.thaw(tx, clock, id, by)


def _true(tx: Tx, clock: Clock, id: str) -> Matter:
    found = matter(tx, id, clock.now())
    if not found.true:
        raise WrongMovementState("what is on record is not what was proposed: propose it again")
    return found


def _subject(found: Matter) -> str:
    return f"coin:{found.coin.name}" if found.coin is not None else charter.SUBJECT
