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
    from tallystick.cli import (
        admin,
        audit,
        blocked,
        claims,
        demo,
        edge,
        hubs,
        law,
        report,
        reserve,
        serve,
        whatif,
    )

    for command in (serve.serve, serve.machine, edge.edge, demo.demo, audit.audit):
        main.add_command(command)
    for group in (admin.admin, law.law, blocked.blocked, report.report, claims.claims, hubs.hubs):
        main.add_command(group)
    main.add_command(reserve.reserve)
    main.add_command(whatif.whatif)


_register()
