"""Steps that share one commit on SQLite: each alone undone, none answered before it is durable."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
import sqlalchemy as sa

from tallystick.core.store import STEPS_MAX, Store, StoreUnusable

THREADS, STEPS = 8, 40


def opened(folder: Path) -> Store:
    store = Store.open(f"sqlite:///{folder}/store.sqlite")
    with store.transact() as tx:
        tx.exec_driver_sql("CREATE TABLE IF NOT EXISTS t (n INTEGER PRIMARY KEY) STRICT")
    return store


def rows(store: Store) -> set[int]:
    with store.read() as tx:
        return set(tx.exec_driver_sql("SELECT n FROM t").scalars())


def together(work: object, count: int = THREADS) -> list[BaseException]:
    """Run the same work in several threads; return what they raised."""
    found: list[BaseException] = []

    def run(number: int) -> None:
        try:
            work(number)  # type: ignore[operator]
        except BaseException as error:
            found.append(error)

    threads = [threading.Thread(target=run, args=(n,)) for n in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    return found


def commits(store: Store) -> list[int]:
    """Count commits from now on, as the driver makes them."""
    count = [0]

    @sa.event.listens_for(store.engine, "before_cursor_execute")
    def seen(conn: object, cursor: object, text: str, *more: object) -> None:
        count[0] += text == "COMMIT"

    return count


def test_steps_that_queue_share_commits_and_all_are_there(tmp_path: Path) -> None:
    store = opened(tmp_path)
    count = commits(store)

    def work(number: int) -> None:
        for step in range(STEPS):
            with store.transact() as tx:
                tx.exec_driver_sql("INSERT INTO t VALUES (?)", (number * STEPS + step,))

    assert together(work) == []
    assert rows(store) == set(range(THREADS * STEPS))
    assert count[0] < THREADS * STEPS, "some steps shared a commit"
    store.close()


def test_a_step_that_fails_is_undone_alone(tmp_path: Path) -> None:
    store = opened(tmp_path)

    def work(number: int) -> None:
        for step in range(STEPS):
            n = number * STEPS + step
            try:
                with store.transact() as tx:
                    tx.exec_driver_sql("INSERT INTO t VALUES (?)", (n,))
                    if n % 3 == 0:
                        raise KeyError(n)
            except KeyError:
                continue

    assert together(work) == []
    assert rows(store) == {n for n in range(THREADS * STEPS) if n % 3}
    store.close()


def test_what_one_step_wrote_the_next_one_sees(tmp_path: Path) -> None:
    store = opened(tmp_path)

    def work(number: int) -> None:
        for _ in range(STEPS):
            with store.transact() as tx:
                most = tx.exec_driver_sql("SELECT coalesce(max(n), 0) FROM t").scalar_one()
                tx.exec_driver_sql("INSERT INTO t VALUES (?)", (most + 1,))

    assert together(work) == []
    assert rows(store) == set(range(1, THREADS * STEPS + 1))
    store.close()


def test_a_commit_that_fails_fails_every_step_of_it(tmp_path: Path) -> None:
    """A deferred constraint is only looked at by COMMIT: the whole batch is refused together."""
    store = opened(tmp_path)
    with store.transact() as tx:
        tx.exec_driver_sql("CREATE TABLE p (n INTEGER PRIMARY KEY) STRICT")
        tx.exec_driver_sql(
            "CREATE TABLE c (n INTEGER REFERENCES p (n) DEFERRABLE INITIALLY DEFERRED) STRICT"
        )
    inside, others = threading.Event(), threading.Event()

    def work(number: int) -> None:
        if number:
            inside.wait(10)
        with store.transact() as tx:
            inside.set()
            if number:
                tx.exec_driver_sql("INSERT INTO t VALUES (?)", (number,))
                return
            tx.exec_driver_sql("INSERT INTO c VALUES (1)")
            others.wait(0.3)

    raised = together(work, 4)
    refused = {type(error) for error in raised}
    assert refused <= {StoreUnusable}
    assert len(raised) + len(rows(store)) == 4, "each step was refused, or its row is there"
    with store.transact() as tx:
        tx.exec_driver_sql("INSERT INTO t VALUES (99)")
    assert 99 in rows(store)
    store.close()


def test_a_batch_has_an_end_though_others_wait(tmp_path: Path) -> None:
    store = opened(tmp_path)
    count = commits(store)

    def work(number: int) -> None:
        for step in range(STEPS):
            with store.transact() as tx:
                tx.exec_driver_sql("INSERT INTO t VALUES (?)", (number * STEPS + step,))

    assert together(work, 16) == []
    assert count[0] >= 16 * STEPS // STEPS_MAX
    store.close()


ACKNOWLEDGING = """
import os, sys, threading
from pathlib import Path
from tallystick.core.store import Store
store = Store.open(f"sqlite:///{sys.argv[1]}/store.sqlite")
told = os.open(f"{sys.argv[1]}/told", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
def work(number):
    for step in range(100_000):
        n = step * 8 + number
        with store.transact() as tx:
            tx.exec_driver_sql("INSERT INTO t VALUES (?)", (n,))
        os.write(told, b"%d\\n" % n)
for number in range(8):
    threading.Thread(target=work, args=(number,)).start()
"""


@pytest.mark.crash
@pytest.mark.parametrize("after_s", [0.6, 0.75, 0.9, 1.1])
def test_killed_in_the_middle_every_step_that_returned_is_there(
    tmp_path: Path, after_s: float
) -> None:
    opened(tmp_path).close()
    process = subprocess.Popen([sys.executable, "-c", ACKNOWLEDGING, str(tmp_path)])
    while not (tmp_path / "told").exists():
        time.sleep(0.01)
    time.sleep(after_s)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    told = {int(line) for line in (tmp_path / "told").read_text().split("\n")[:-1]}
    store = opened(tmp_path)
    assert told
    assert told <= rows(store)
    store.close()
