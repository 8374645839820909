"""Forward-only, linear migrations by alembic, run by `Store.migrate`.

Alembic is imported only when the tables are behind this version, so that a start with nothing to
do stays fast. A database ahead of this version is refused, never guessed at (Decision 3).
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import sqlalchemy as sa

from tallystick.core.store import StoreNewer

if TYPE_CHECKING:
    from tallystick.core.store import Store

FOLDER = Path(__file__).parent


def head() -> str:
    """Return the newest revision: the last file name in order, before its underscore."""
    return max(path.stem.split("_")[0] for path in (FOLDER / "versions").glob("[0-9]*.py"))


def current(store: Store) -> str | None:
    """Return the revision that the database is at, or None for an empty one."""
    with store.read() as tx:
        if not sa.inspect(tx).has_table("alembic_version"):
            return None
        found = tx.execute(sa.text("SELECT version_num FROM alembic_version")).scalar()
        return str(found) if found else None


def upgrade(store: Store) -> None:
    """Migrate to `head` in one transaction."""
    at = current(store)
    if at == head():
        return
    if at is not None and at > head():
        raise StoreNewer(f"the database is at revision {at}, this program knows {head()}")
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(FOLDER))
    with store.transact() as tx:
        config.attributes["connection"] = tx
        command.upgrade(config, "head")
