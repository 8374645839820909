"""``tallystick reserve``: one group for what officials, key holders and readers do.

Each file of verbs registers itself here, so that the floors below stay apart: `reserve_law` asks
the mandates, others hold vaults, ceremonies, movements and proofs.
"""

from __future__ import annotations

import click


@click.group()
def reserve() -> None:
    """Hold bitcoin for the public: under a mandate, moved by enough people, proved to anyone."""


def _register() -> None:
    from tallystick.cli import demo_reserve, reserve_keys, reserve_law, reserve_office

    for verbs in (reserve_law, reserve_keys, reserve_office, demo_reserve):
        verbs.register(reserve)


_register()
