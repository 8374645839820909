"""Screen one person now, and all of them when the lists change: batch by batch, as an effect.

Names come from the vault through `Roll`, which writes down who read them and why, and go nowhere
else. A person's screening is one transaction: hits are opened and the screening is noted together.
"""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, Protocol

import sqlalchemy as sa

from tallystick.core import effects
from tallystick.core.clock import Clock
from tallystick.core.store import Store, Tx
from tallystick.kiosk.screening import hits, lists
from tallystick.kiosk.screening.errors import NameUnusable
from tallystick.kiosk.screening.index import Index, Subject, build
from tallystick.kiosk.screening.lists import Lists
from tallystick.kiosk.screening.tables import ENTRIES, LISTS, SCREENED

BY: Final = "screening"
CHANGED: Final = "lists-changed"
WHY: Final = "screening against the sanctions lists"
PERSONS_PER_BATCH: Final = 200


class Roll(Protocol):
    """The customers whose names are known; the vault's, or a test's."""

    def persons(self, tx: Tx, after: str, limit: int) -> list[str]:
        """Return so many identifiers of persons, in order, after one."""

    def subject(self, store: Store, person: str, who: str, why: str) -> Subject | None:
        """Return a person's names and dates of birth, the read written down first; None if gone."""


@dataclass(frozen=True, slots=True)
class Screening:
    """What a person is screened with: the lists, their policy, the clock."""

    clock: Clock
    lists: Lists

    def person(self, tx: Tx, person: str, subject: Subject, why: str = "identified") -> list[str]:
        """Screen a person against every list in force; return the hits that are new.

        Call it in the transaction that takes down who the person is. Raises `NameUnusable`, and
        the person then stays unscreened, which is not clear.
        """
        against, index = self.lists.current(tx)
        return self._screened(tx, person, subject, index, against, why)

    def again(
        self, tx: Tx, person: str, subject: Subject, taking: str, former: str, delta: Index
    ) -> list[str]:
        """Screen a person against what a taking-in brought, or against all if they missed one."""
        held = set(_against(tx, person))
        if taking in held:
            return []
        if former and former not in held:
            return self.person(tx, person, subject, CHANGED)
        against = sorted(held - {former} | {taking})
        return self._screened(tx, person, subject, delta, against, CHANGED)

    def _screened(
        self,
        tx: Tx,
        person: str,
        subject: Subject,
        index: Index,
        against: Sequence[str],
        why: str,
    ) -> list[str]:
        found = index.screen(subject, self.lists.policy.review_points)
        made = hits.open_hits(tx, self.clock, person, found, why, BY)
        complete = not lists.missing(tx, self.lists.policy, against)
        row = {"person": person, "at": self.clock.now(), "against": " ".join(against)}
        row["complete"] = int(complete)
        same = SCREENED.c.person == person
        if not tx.execute(sa.update(SCREENED).where(same).values(row)).rowcount:
            tx.execute(sa.insert(SCREENED).values(row))
        return made


def _against(tx: Tx, person: str) -> list[str]:
    query = sa.select(SCREENED.c.against).where(SCREENED.c.person == person)
    return (tx.execute(query).scalar() or "").split()


def rescreen(tx: Tx, clock: Clock, change: lists.Change) -> None:
    """Enqueue the re-screening of every customer against what a taking-in added or changed.

    Hits by entries that are gone end at once, in the same transaction as the taking-in.
    """
    hits.withdrawn_entries(tx, clock, change.removed, BY)
    if change.added or change.changed:
        key = f"{change.taking}/"
        effects.intend(tx, "screening", key, {"taking": change.taking, "after": ""}, clock)


def again(tx: Tx, clock: Clock, taking: str) -> None:
    """Enqueue the re-screening against a taking-in once more; who was screened by it is skipped."""
    key = f"{taking}/again/{clock.now().isoformat()}"
    effects.intend(tx, "screening", key, {"taking": taking, "after": ""}, clock)


class NoCustomers:
    """A roll of nobody: where no customer is identified, none is screened."""

    def persons(self, tx: Tx, after: str, limit: int) -> list[str]:
        """Return nobody."""
        return []

    def subject(self, store: Store, person: str, who: str, why: str) -> Subject | None:
        """Return nobody's names."""
        return None


class Rescreening:
    """Screens a batch of customers against the entries that a list brought, then asks for the next.

    Screening again is harmless: a match that is open or decided is not opened twice.
    """

    kind = "screening"

    def __init__(
        self, store: Store, screening: Screening, roll: Roll, batch: int = PERSONS_PER_BATCH
    ) -> None:
        self.store, self.screening, self.roll, self.size = store, screening, roll, batch
        self._held: tuple[str, Index] = ("", build([]))

    def act(
        self, batch: Sequence[effects.Effect]
    ) -> dict[str, effects.Later | effects.NeedsPerson]:
        """Screen each batch's customers. Who has no name that can be screened stays unscreened."""
        for effect in batch:
            self._batch(effect)
        return {}

    reconcile = act

    def _batch(self, effect: effects.Effect) -> None:
        taking, after = effect.payload["taking"], effect.payload["after"]
        index = self._delta(taking)
        with self.store.read() as tx:
            persons = self.roll.persons(tx, after, self.size)
        subjects = [(one, self.roll.subject(self.store, one, BY, WHY)) for one in persons]
        with self.store.transact() as tx:
            former = lists.before(tx, taking)
            for person, subject in subjects:
                if subject is not None:
                    with contextlib.suppress(NameUnusable):
                        self.screening.again(tx, person, subject, taking, former, index)
            self._next(tx, effect, taking, persons)

    def _delta(self, taking: str) -> Index:
        """Return the index of what a taking-in brought, kept while its batches follow."""
        if self._held[0] != taking:
            with self.store.read() as tx:
                wanted = self.screening.lists.wanted(lists.entries_of(tx, taking))
            self._held = (taking, build(wanted))
        return self._held[1]

    def _next(self, tx: Tx, effect: effects.Effect, taking: str, persons: list[str]) -> None:
        clock = self.screening.clock
        effects.done(tx, effect, clock.now())
        if len(persons) == self.size:
            after = persons[-1]
            payload = {"taking": taking, "after": after}
            effects.intend(tx, "screening", f"{taking}/{after}", payload, clock)


def status(tx: Tx, screening: Screening) -> dict[str, Any]:
    """Return what the console and the command line say: lists, their age, hits, who is screened."""
    now = screening.clock.now()
    waiting = sa.select(sa.func.count()).where(
        effects.EFFECTS.c.kind == "screening",
        effects.EFFECTS.c.state == effects.State.WAITING.value,
    )
    held = sa.select(sa.func.count()).select_from(ENTRIES).where(ENTRIES.c.until.is_(None))
    people = sa.select(sa.func.count()).select_from(SCREENED)
    taken = sa.select(sa.func.count()).select_from(LISTS)
    return {
        "lists": sorted(lists.newest(tx).values(), key=lambda row: row["list"]),
        "stale": lists.stale(tx, screening.lists.policy, now),
        "entries": tx.execute(held).scalar_one(),
        "taken_in": tx.execute(taken).scalar_one(),
        "persons_screened": tx.execute(people).scalar_one(),
        "batches_waiting": tx.execute(waiting).scalar_one(),
        "hits": hits.counts(tx),
        "review_points": screening.lists.policy.review_points,
    }
