"""Alembic's entry: runs the migrations on the connection that `upgrade` opened."""

from alembic import context

from tallystick.core.store import METADATA

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=METADATA,
    transactional_ddl=False,
)
context.run_migrations()
