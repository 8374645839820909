"""The command line: ``tallystick serve | edge | admin | audit | machine | demo``.

A command's module is read when it is asked for and not before: each process of a deployment is
one command, and none waits for what the others import.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Mapping
from typing import Final

import click

from tallystick import __version__

COMMANDS: Final[Mapping[str, str]] = {
    "admin": "admin.admin",
    "audit": "audit.audit",
    "blocked": "blocked.blocked",
    "claims": "claims.claims",
    "customers": "customers.customers",
    "demo": "demo.demo",
    "edge": "edge.edge",
    "held": "held.held",
    "hubs": "hubs.hubs",
    "law": "law.law",
    "log": "log.log",
    "machine": "serve.machine",
    "operator": "operator.operator",
    "pins": "pins.pins",
    "report": "report_law.report",
    "reserve": "reserve.reserve",
    "screen": "screen.screen_group",
    "serve": "serve.serve",
    "trial": "trial.trial",
    "vault": "vault.vault",
    "verify": "verify.verify",
    "whatif": "whatif.whatif",
    "witness": "witness.witness",
}
"""Each command by its word: its module and its name there."""


class Lazy(click.Group):
    """A group that reads a command's module when the command is asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the words, sorted."""
        return sorted(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Return the command, or None for a word that is none."""
        place = COMMANDS.get(cmd_name)
        if place is None:
            return None
        module, _, name = place.partition(".")
        found: click.Command = getattr(importlib.import_module(f"tallystick.cli.{module}"), name)
        return found


@click.group(cls=Lazy)
@click.version_option(__version__)
def main() -> None:
    """Run public programmes that hold something for somebody, so that anyone can check."""
    import structlog  # a key holder's process of the demo never needs it

    structlog.configure(logger_factory=structlog.PrintLoggerFactory(sys.stderr))
