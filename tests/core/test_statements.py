"""Statements that go straight to the driver: the same rows, types and errors as SQLAlchemy's own.

And what a step notes for itself, such as the journal's right edge, is gone when the step is undone.
"""

from __future__ import annotations

import datetime as dt
import threading
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

import databases
from tallystick.core import journal
from tallystick.core.clock import SeededClock
from tallystick.core.effects import EFFECTS
from tallystick.core.store import Store, StoreUnusable, noted, one_of, prepared
from tallystick.core.tlog.tables import TILES

THREADS, STEPS = 6, 12
WORDS = ("waiting", "done")


@prepared
def _put() -> sa.Insert:
    return sa.insert(EFFECTS)


@prepared
def _late(kind: str, since: dt.datetime) -> sa.Select[Any]:
    e = EFFECTS.c
    query = sa.select(e.key, e.due_at, e.done_at, sa.func.max(e.attempts).label("most"))
    query = query.where(e.kind == kind, one_of(e.state, WORDS), e.due_at >= since)
    return query.group_by(e.key, e.due_at, e.done_at).order_by(e.key).limit(2)


@prepared
def _tile() -> sa.Insert:
    return sa.insert(TILES)


@prepared
def _tiles(level: int) -> sa.Select[Any]:
    return sa.select(TILES).where(TILES.c.level == level)


def row(key: str, at: dt.datetime, **more: object) -> dict[str, Any]:
    words = {"kind": "k", "payload": "{}", "state": "waiting", "error": ""}
    return (
        {"id": f"id-{key}", "key": key, "attempts": 3, "made_at": at, "due_at": at} | words | more
    )


def test_values_come_back_as_they_were_given(store: Store, clock: SeededClock) -> None:
    now = clock.now()
    with store.transact() as tx:
        for key in "ab":
            _put(tx, row(key, now))
        _put(tx, row("c", now, state="done", done_at=now))
        _put(tx, row("d", now, state="person"))
        found = _late(tx, kind="k", since=now)
        assert [tuple(one) for one in found] == [("a", now, None, 3), ("b", now, None, 3)]
        assert found.mappings().first() == {"key": "a", "due_at": now, "done_at": None, "most": 3}
        assert (found[1].due_at, found.scalars().all()) == (now, ["a", "b"])
        assert _late(tx, kind="k", since=now + dt.timedelta(microseconds=1)).first() is None
        _tile(tx, {"level": 0, "n": 1, "hashes": b"\x00\xff"})
        assert _tiles(tx, level=0).one().hashes == b"\x00\xff"


def test_how_many_rows_there_are_is_held_to(store: Store, clock: SeededClock) -> None:
    with store.transact() as tx:
        for key in "ab":
            _put(tx, row(key, clock.now()))
        found, none = (_late(tx, kind=kind, since=clock.now()) for kind in ("k", "other"))
        for take in (found.one, found.one_or_none, found.scalar_one, found.scalar_one_or_none):
            with pytest.raises(sa.exc.MultipleResultsFound):
                take()
        for need in (none.one, none.scalar_one):
            with pytest.raises(sa.exc.NoResultFound):
                need()
        assert (none.one_or_none(), none.scalar(), none.scalar_one_or_none()) == (None, None, None)


def test_a_databases_error_is_sqlalchemys_and_undoes_the_step(
    store: Store, clock: SeededClock
) -> None:
    for _ in range(2):
        with pytest.raises(sa.exc.IntegrityError, match="effects"), store.transact() as tx:
            _put(tx, row("a", clock.now()))
            _put(tx, row("a", clock.now()))
    with pytest.raises(ValueError, match="naive"), store.transact() as tx:
        _put(tx, row("b", clock.now().replace(tzinfo=None)))
    with store.read() as tx:
        assert tx.execute(sa.select(EFFECTS)).first() is None


def test_a_connection_that_is_gone_is_not_used_again(postgres_url: str, clock: SeededClock) -> None:
    store = Store.open(postgres_url)
    store.migrate()
    with pytest.raises(sa.exc.OperationalError) as gone, store.transact() as tx:
        pid = tx.exec_driver_sql("SELECT pg_backend_pid()").scalar_one()
        with store.engine.connect() as other:
            other.exec_driver_sql(f"SELECT pg_terminate_backend({pid}, 60000)").scalar_one()
        _put(tx, row("a", clock.now()))
    assert gone.value.connection_invalidated
    with store.transact() as tx:
        _put(tx, row("a", clock.now()))
    store.close()


def test_a_step_undone_takes_what_it_noted_with_it(store: Store, clock: SeededClock) -> None:
    """Steps queue and share commits: the next one must not go on from an edge that was undone."""
    refused: list[BaseException] = []

    def work(number: int) -> None:
        for step in range(STEPS):
            try:
                with store.transact() as tx:
                    journal.lock(tx)
                    assert list(noted(tx)) == ["journal.edge"], "only what this step has locked"
                    for _ in range(2):
                        journal.append(tx, "kiosk", "step", f"{number}.{step}", clock.now())
                    if step % 3 == 1:
                        raise KeyError(step)
            except KeyError:
                continue
            except BaseException as error:
                refused.append(error)

    threads = [threading.Thread(target=work, args=(n,)) for n in range(THREADS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert refused == []
    with store.read() as tx:
        assert journal.verify(tx) == THREADS * STEPS * 2 * 2 // 3


def test_the_writer_goes_on_after_a_commit_that_failed(tmp_path: Path, clock: SeededClock) -> None:
    store = databases.opened(f"sqlite:///{tmp_path}/store.sqlite")
    for _ in range(2):
        with pytest.raises(StoreUnusable, match="not committed"), store.transact() as tx:
            tx.exec_driver_sql("PRAGMA defer_foreign_keys=ON")
            sql = "INSERT INTO kiosk_quotes VALUES ('d', 'no such purchase', 1, '')"
            tx.exec_driver_sql(sql)
        with store.transact() as tx:
            _put(tx, row("a", clock.now()))
            tx.execute(sa.delete(EFFECTS))
    store.close()
