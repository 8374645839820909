"""The store refuses what it cannot trust, and a step is whole or absent."""

from pathlib import Path

import pytest
import sqlalchemy as sa

from tallystick.core.clock import SeededClock
from tallystick.core.effects import EFFECTS
from tallystick.core.store import (
    METADATA,
    Store,
    StoreCorrupt,
    StoreNewer,
    insert_once,
    prepared,
    wal_is_safe,
)


def test_wal_only_where_the_reset_bug_is_fixed() -> None:
    safe = [(3, 44, 6), (3, 50, 7), (3, 51, 3), (3, 53, 4)]
    unsafe = [(3, 40, 1), (3, 44, 5), (3, 45, 0), (3, 50, 6), (3, 51, 2)]
    assert all(wal_is_safe(version) for version in safe)
    assert not any(wal_is_safe(version) for version in unsafe)


def test_sqlite_syncs_fully(tmp_path: Path) -> None:
    store = Store.open(f"sqlite:///{tmp_path}/s.sqlite")
    with store.read() as tx:
        assert tx.exec_driver_sql("PRAGMA synchronous").scalar() == 2
        assert tx.exec_driver_sql("PRAGMA foreign_keys").scalar() == 1
    store.close()


def test_a_damaged_file_is_named(tmp_path: Path) -> None:
    path = tmp_path / "s.sqlite"
    path.write_bytes(b"this is no database" * 100)
    with pytest.raises(StoreCorrupt, match=r"s\.sqlite"):
        Store.open(f"sqlite:///{path}")


def test_a_newer_database_is_refused(store: Store) -> None:
    with store.transact() as tx:
        tx.execute(sa.text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(StoreNewer):
        store.migrate()


def test_migrations_make_the_tables_that_the_code_reads(empty_url: str) -> None:
    import tallystick.core.identity.tables
    import tallystick.hubs.tables
    import tallystick.kiosk.tables  # noqa: F401 - registers its tables

    store = Store.open(empty_url)
    store.migrate()
    with store.read() as tx:
        found = sa.inspect(tx)
        for table in METADATA.sorted_tables:
            held = {column["name"] for column in found.get_columns(table.name)}
            assert held == set(table.c.keys()), table.name
    store.close()


def test_migrating_again_changes_nothing(store: Store) -> None:
    store.migrate()
    with store.read() as tx:
        assert tx.execute(sa.text("SELECT count(*) FROM alembic_version")).scalar() == 1


def effect(key: str, clock: SeededClock) -> dict[str, object]:
    now = clock.now()
    words = {"kind": "payout", "payload": "{}", "state": "waiting", "error": ""}
    return {"id": f"id-{key}", "key": key, "attempts": 0, "made_at": now, "due_at": now, **words}


def test_a_row_is_inserted_once(store: Store, clock: SeededClock) -> None:
    with store.transact() as tx:
        assert insert_once(tx, EFFECTS, effect("a", clock))
        assert not insert_once(tx, EFFECTS, effect("a", clock))
        assert not insert_once(tx, EFFECTS, effect("a", clock) | {"id": "another"})
        assert insert_once(tx, EFFECTS, effect("b", clock) | {"leased_by": "me"})
        assert insert_once(tx, EFFECTS, effect("c", clock))
        rows = tx.execute(sa.select(EFFECTS.c.key, EFFECTS.c.leased_by).order_by(EFFECTS.c.key))
        assert [tuple(row) for row in rows] == [("a", None), ("b", "me"), ("c", None)]


def test_a_prepared_statement_is_filled_anew_each_time(store: Store, clock: SeededClock) -> None:
    built = []

    @prepared
    def put() -> sa.Insert:
        return sa.insert(EFFECTS)

    @prepared
    def find(keys: list[str], before: object) -> sa.Select[tuple[str]]:
        built.append(keys)
        c = EFFECTS.c
        query = sa.select(c.key).where(c.key.in_(keys), c.made_at <= before)
        return query.order_by(c.key).with_for_update()

    @prepared
    def change(id: str) -> sa.Update:
        return sa.update(EFFECTS).where(EFFECTS.c.id == id)

    with store.transact() as tx:
        for key in "abc":
            put(tx, effect(key, clock))
        assert change(tx, {"key": "z", "attempts": 3}, id="id-a").rowcount == 1
        assert change(tx, {"key": "y"}, id="id-b").rowcount == 1
        assert change(tx, {"key": "x"}, id="id-nobody").rowcount == 0
        found = find(tx, keys=["z", "y", "b"], before=clock.now()).scalars().all()
        assert found == ["y", "z"]
        assert find(tx, keys=["c"], before=clock.now()).scalars().all() == ["c"]
        clock.advance(-1)
        assert find(tx, keys=["c"], before=clock.now()).scalars().all() == []
    assert len(built) == 1
