"""The command line: ``tallystick serve | edge | admin | audit | machine | demo``."""

from __future__ import annotations

import sys

import click
import structlog

from tallystick import __version__


@click.group()
@click.version_option(__version__)
def main() -> None:
    """Run public programmes that hold something for somebody, so that anyone can check."""
    structlog.configure(logger_factory=structlog.PrintLoggerFactory(sys.stderr))


def _register() -> None:
    from tallystick.cli import admin, audit, demo, edge, law, serve

    for command in (
        serve.serve,
        serve.machine,
        audit.audit,
        demo.demo,
        edge.edge,
        admin.admin,
        law.law,
    ):
        main.add_command(command)


_register()
