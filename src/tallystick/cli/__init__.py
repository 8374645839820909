"""The command line: ``tallystick serve | edge | admin | audit | machine | demo``."""

from __future__ import annotations

import importlib
import sys
from typing import Final

import click
import structlog

from tallystick import __version__


@click.group()
@click.version_option(__version__)
def main() -> None:
    """Run public programmes that hold something for somebody, so that anyone can check."""
    structlog.configure(logger_factory=structlog.PrintLoggerFactory(sys.stderr))


COMMANDS: Final = (
    "admin.admin",
    "audit.audit",
    "blocked.blocked",
    "claims.claims",
    "customers.customers",
    "demo.demo",
    "edge.edge",
    "held.held",
    "hubs.hubs",
    "law.law",
    "log.log",
    "report_law.report",
    "reserve.reserve",
    "screen.screen_group",
    "serve.machine",
    "serve.serve",
    "trial.trial",
    "vault.vault",
    "verify.verify",
    "whatif.whatif",
    "witness.witness",
)
"""Each command by its module and name."""


def _register() -> None:
    for place in COMMANDS:
        module, _, name = place.partition(".")
        main.add_command(getattr(importlib.import_module(f"tallystick.cli.{module}"), name))


_register()
