"""The store refuses what it cannot trust, and a step is whole or absent."""

from pathlib import Path

import pytest
import sqlalchemy as sa

from tallystick.core.store import METADATA, Store, StoreCorrupt, StoreNewer, wal_is_safe


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


def test_migrations_make_the_tables_that_the_code_reads(store: Store) -> None:
    import tallystick.core.identity.tables
    import tallystick.kiosk.tables  # noqa: F401 - registers its tables

    with store.read() as tx:
        found = sa.inspect(tx)
        for table in METADATA.sorted_tables:
            held = {column["name"] for column in found.get_columns(table.name)}
            assert held == set(table.c.keys()), table.name


def test_migrating_again_changes_nothing(store: Store) -> None:
    store.migrate()
    with store.read() as tx:
        assert tx.execute(sa.text("SELECT count(*) FROM alembic_version")).scalar() == 1
