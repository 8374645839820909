"""The journal shows every alteration; an effect happens once and is reconciled after a crash."""

import pytest
import sqlalchemy as sa

from tallystick.core import effects, journal
from tallystick.core.clock import SeededClock
from tallystick.core.effects import Effect, Later, NeedsPerson, Worker
from tallystick.core.store import Store


def fill(store: Store, clock: SeededClock, count: int = 5) -> None:
    for number in range(count):
        with store.transact() as tx:
            journal.append(tx, "kiosk", "step", journal.commit(b"s", {"n": number}), clock.now())


def test_the_chain_verifies(store: Store, clock: SeededClock) -> None:
    fill(store, clock)
    with store.read() as tx:
        assert journal.verify(tx) == 5


@pytest.mark.parametrize("column", ["commitment", "kind", "day", "programme", "hash"])
def test_any_changed_entry_is_named(store: Store, clock: SeededClock, column: str) -> None:
    fill(store, clock)
    with store.transact() as tx:
        change = sa.update(journal.ENTRIES).where(journal.ENTRIES.c.seq == 3)
        tx.execute(change.values({column: b"x" if column == "hash" else "x"}))
    with store.read() as tx, pytest.raises(journal.JournalBroken, match="entry 3"):
        journal.verify(tx)


@pytest.mark.parametrize("seq", [1, 3, 5])
def test_a_removed_entry_is_named(store: Store, clock: SeededClock, seq: int) -> None:
    fill(store, clock)
    with store.transact() as tx:
        tx.execute(sa.delete(journal.ENTRIES).where(journal.ENTRIES.c.seq == seq))
    with store.read() as tx, pytest.raises(journal.JournalBroken):
        journal.verify(tx)


def test_a_step_that_fails_leaves_no_entry(store: Store, clock: SeededClock) -> None:
    with pytest.raises(ZeroDivisionError), store.transact() as tx:
        journal.append(tx, "kiosk", "step", "00", clock.now())
        _ = 1 / 0
    with store.read() as tx:
        assert journal.head(tx) == (0, journal.GENESIS)


class Sender:
    """Sends to a world that may lose the reply."""

    kind = "send"

    def __init__(self, store: Store, clock: SeededClock) -> None:
        self.store, self.clock = store, clock
        self.world: list[str] = []
        self.lose_reply = 0

    def act(self, batch: list[Effect]) -> dict[str, Later | NeedsPerson]:
        for effect in batch:
            self.world.append(effect.key)
            if self.lose_reply:
                self.lose_reply -= 1
                raise TimeoutError("no reply")
            self._done(effect)
        return {}

    def reconcile(self, batch: list[Effect]) -> dict[str, Later | NeedsPerson]:
        for effect in batch:
            if effect.key not in self.world:
                self.world.append(effect.key)
            self._done(effect)
        return {}

    def _done(self, effect: Effect) -> None:
        with self.store.transact() as tx:
            effects.done(tx, effect, self.clock.now())


def test_a_lost_reply_repeats_nothing(store: Store, clock: SeededClock) -> None:
    sender = Sender(store, clock)
    sender.lose_reply = 1
    worker = Worker(store, [sender], clock)
    for _ in range(2):
        with store.transact() as tx:
            effects.intend(tx, "send", "p1", {}, clock)
    for _ in range(5):
        worker.step()
        clock.advance(5)
    assert sender.world == ["p1"]


def test_a_dead_workers_effect_is_reconciled_by_the_next(store: Store, clock: SeededClock) -> None:
    sender = Sender(store, clock)
    with store.transact() as tx:
        effects.intend(tx, "send", "p1", {}, clock)
    with store.transact() as tx:
        claimed = effects.claim(tx, "send", "dead", clock.now())
    sender.world.append(claimed[0].key)
    other = Worker(store, [sender], clock, "other")
    assert other.step() == 0, "due, but leased to another"
    assert sender.world == ["p1"]
    clock.advance(effects.LEASE_S + 1)
    other.step()
    assert sender.world == ["p1"]
    with store.read() as tx:
        assert effects.waiting(tx, "p1")[0]["state"] == "done"


def test_an_intent_of_a_failed_step_is_never_acted_on(store: Store, clock: SeededClock) -> None:
    sender = Sender(store, clock)
    with pytest.raises(ZeroDivisionError), store.transact() as tx:
        effects.intend(tx, "send", "p1", {}, clock)
        _ = 1 / 0
    Worker(store, [sender], clock).step()
    assert sender.world == []
