"""The transactional outbox: intent, act, outcome (Decision 1).

A step writes its intent in its own transaction; a worker acts on it later and records the outcome
in a second one. An effect that was claimed before and has no outcome may have happened: its
handler is told to *reconcile*, which asks the world before anything is repeated. Idempotency keys
make an intent written twice one intent; leases let another worker take over from a dead one.
"""

from __future__ import annotations

import datetime as dt
import enum
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, Protocol

import msgspec
import sqlalchemy as sa

from tallystick.core.clock import Clock, new_id
from tallystick.core.store import METADATA, Moment, Store, Tx, insert_once, news, prepared

LEASE_S: Final = 60
BATCH_MAX: Final = 100
ERROR_LENGTH_MAX: Final = 500
BACKOFF_S: Final = (1, 2, 5, 15, 30, 60)

EFFECTS: Final = sa.Table(
    "effects",
    METADATA,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("key", sa.Text, nullable=False),
    sa.Column("payload", sa.Text, nullable=False),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("attempts", sa.Integer, nullable=False),
    sa.Column("made_at", Moment, nullable=False),
    sa.Column("due_at", Moment, nullable=False),
    sa.Column("leased_until", Moment),
    sa.Column("leased_by", sa.Text),
    sa.Column("done_at", Moment),
    sa.Column("error", sa.Text, nullable=False),
    sa.UniqueConstraint("kind", "key"),
    sa.Index("ix_effects_due", "state", "due_at"),
    sqlite_strict=True,
)


class State(enum.StrEnum):
    """Waiting to be acted on, done, or in need of a person."""

    WAITING = "waiting"
    DONE = "done"
    PERSON = "person"


@dataclass(frozen=True, slots=True)
class Effect:
    """One intent in a worker's hands. ``attempts`` above 1 means it may have happened already."""

    id: str
    kind: str
    key: str
    payload: dict[str, Any]
    attempts: int


@dataclass(frozen=True, slots=True)
class Later:
    """Not finished: try again after this many seconds; ``why`` is shown to people.

    ``waiting`` marks a normal wait (a confirmation), which is no failure and no unknown outcome.
    """

    seconds: float
    why: str
    waiting: bool = False


@dataclass(frozen=True, slots=True)
class NeedsPerson:
    """Nothing a machine should do; the console shows ``why``."""

    why: str


class Handler(Protocol):
    """What acts on one kind of effect. It returns an outcome for those it did not settle itself.

    `act` and `reconcile` get the effects claimed together. To make an outcome atomic with its
    own rows, a handler calls `done` inside its transaction.
    """

    kind: str

    def act(self, batch: Sequence[Effect]) -> dict[str, Later | NeedsPerson]:
        """Do it for the first time. Return, by effect id, those that did not finish."""

    def reconcile(self, batch: Sequence[Effect]) -> dict[str, Later | NeedsPerson]:
        """Ask the world whether it happened, then finish it without repeating anything."""


def intend(
    tx: Tx, kind: str, key: str, payload: dict[str, Any], clock: Clock, due_s: float = 0
) -> None:
    """Write an intent, once for each ``(kind, key)``."""
    now = clock.now()
    news(tx)
    insert_once(
        tx,
        EFFECTS,
        {
            "id": new_id(clock),
            "kind": kind,
            "key": key,
            "payload": msgspec.json.encode(payload).decode(),
            "state": State.WAITING.value,
            "attempts": 0,
            "made_at": now,
            "due_at": now + dt.timedelta(seconds=due_s),
            "error": "",
        },
    )


@prepared
def _free(kind: str, now: dt.datetime, most: int) -> sa.Select[Any]:
    """Ask for what is due and nobody holds; SQLite, whose writer is alone, passes over the lock."""
    e = EFFECTS.c
    query = sa.select(EFFECTS).where(e.kind == kind, e.state == State.WAITING.value)
    query = query.where(e.due_at <= now, sa.or_(e.leased_until.is_(None), e.leased_until <= now))
    query = query.order_by(e.due_at, e.id).limit(most)
    return query.with_for_update(skip_locked=True)


@prepared
def _change(effect: str) -> sa.Update:
    return sa.update(EFFECTS).where(EFFECTS.c.id == effect)


def claim(tx: Tx, kind: str, worker: str, now: dt.datetime, limit: int = BATCH_MAX) -> list[Effect]:
    """Take the due effects of a kind under a lease; other workers pass them over until it ends."""
    rows = _free(tx, kind=kind, now=now, most=min(limit, BATCH_MAX))
    lease = {"leased_until": now + dt.timedelta(seconds=LEASE_S), "leased_by": worker}
    for row in rows:
        _change(tx, lease | {"attempts": row.attempts + 1}, effect=row.id)
    return [
        Effect(row.id, row.kind, row.key, msgspec.json.decode(row.payload), row.attempts + 1)
        for row in rows
    ]


@prepared
def _change_waiting(effect: str) -> sa.Update:
    waits = EFFECTS.c.state == State.WAITING.value
    return sa.update(EFFECTS).where(EFFECTS.c.id == effect, waits)


def done(tx: Tx, effect: Effect, now: dt.datetime) -> None:
    """Record that an effect happened; call it in the transaction that records what it did."""
    values = {"state": State.DONE.value, "done_at": now, "leased_until": None, "error": ""}
    _change(tx, values, effect=effect.id)


def end(tx: Tx, kind: str, key: str, now: dt.datetime) -> None:
    """End an effect that must not happen any more, in the transaction that says why."""
    tx.execute(
        sa.update(EFFECTS)
        .where(EFFECTS.c.kind == kind, EFFECTS.c.key == key)
        .where(EFFECTS.c.state.in_((State.WAITING.value, State.PERSON.value)))
        .values(state=State.DONE.value, done_at=now, leased_until=None, error="")
    )


def park(tx: Tx, kind: str, key: str, why: str, now: dt.datetime) -> None:
    """Let no worker take up a waiting effect until a person lets it go on."""
    values = {"state": State.PERSON.value, "error": why[:ERROR_LENGTH_MAX], "due_at": now}
    _move(tx, kind, key, State.WAITING, values)


def resume(tx: Tx, kind: str, key: str, due_at: dt.datetime) -> None:
    """Let an effect that waits, for a time or for a person, be taken up at ``due_at``."""
    for state in (State.PERSON, State.WAITING):
        _move(tx, kind, key, state, {"state": State.WAITING.value, "error": "", "due_at": due_at})
    news(tx)


def parked(tx: Tx, kind: str, key: str) -> bool:
    """Say whether an effect waits for a person."""
    e = EFFECTS.c
    query = sa.select(e.id).where(e.kind == kind, e.key == key, e.state == State.PERSON.value)
    return tx.execute(query).first() is not None


def _move(tx: Tx, kind: str, key: str, state: State, values: dict[str, Any]) -> None:
    e = EFFECTS.c
    query = sa.update(EFFECTS).where(e.kind == kind, e.key == key, e.state == state.value)
    tx.execute(query.values(values))


def defer(tx: Tx, effect: Effect, outcome: Later | NeedsPerson, now: dt.datetime) -> None:
    """Record that an effect did not finish, and when to look again."""
    values: dict[str, Any] = {"error": outcome.why[:ERROR_LENGTH_MAX], "leased_until": None}
    if isinstance(outcome, NeedsPerson):
        values["state"] = State.PERSON.value
    else:
        values["due_at"] = now + dt.timedelta(seconds=outcome.seconds)
        if outcome.waiting:
            values["error"], values["attempts"] = "", 0
    _change_waiting(tx, values, effect=effect.id)


def release(tx: Tx, worker: str) -> int:
    """Free the leases of a worker that is known to be dead (a former run of this very one)."""
    query = (
        sa.update(EFFECTS)
        .where(EFFECTS.c.leased_by == worker, EFFECTS.c.leased_until.is_not(None))
        .values(leased_until=None)
    )
    return int(tx.execute(query).rowcount)


@prepared
def _kinds_due(now: dt.datetime) -> sa.Select[Any]:
    e = EFFECTS.c
    return sa.select(e.kind).where(e.state == State.WAITING.value, e.due_at <= now).distinct()


class Worker:
    """Acts on effects. Synchronous: one `step` does what is due now and returns how much."""

    def __init__(
        self, store: Store, handlers: Sequence[Handler], clock: Clock, name: str = "worker"
    ) -> None:
        self.store, self.handlers, self.clock, self.name = store, handlers, clock, name
        with store.transact() as tx:
            release(tx, name)

    def step(self) -> int:
        """Run every handler once over what is due; return how many effects were looked at.

        A handler that did something may have made work for those after it.
        """
        due, total = self._due(), 0
        for handler in self.handlers:
            if handler.kind in due:
                total += self._run(handler)
                due = self._due()
        return total

    def _run(self, handler: Handler) -> int:
        with self.store.transact() as tx:
            batch = claim(tx, handler.kind, self.name, self.clock.now())
        fresh = [effect for effect in batch if effect.attempts == 1]
        again = [effect for effect in batch if effect.attempts > 1]
        for effects, call in ((again, handler.reconcile), (fresh, handler.act)):
            if effects:
                self._settle(effects, call)
        return len(batch)

    def _due(self) -> set[str]:
        with self.store.read() as tx:
            return set(_kinds_due(tx, now=self.clock.now()).scalars())

    def _settle(self, effects: list[Effect], call: Any) -> None:
        try:
            left = call(effects)
        except Exception as error:
            why = f"{type(error).__name__}: {error}"
            left = {
                effect.id: Later(BACKOFF_S[min(effect.attempts, len(BACKOFF_S)) - 1], why)
                for effect in effects
            }
        if left:
            with self.store.transact() as tx:
                for effect in effects:
                    if effect.id in left:
                        defer(tx, effect, left[effect.id], self.clock.now())


def waiting(tx: Tx, key: str) -> list[sa.RowMapping]:
    """Return the effects about one key, for the console's history."""
    query = sa.select(EFFECTS).where(EFFECTS.c.key == key).order_by(EFFECTS.c.made_at)
    return list(tx.execute(query).mappings())
