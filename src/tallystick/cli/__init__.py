"""The command line: ``tallystick serve | edge | audit | machine | demo``."""

from __future__ import annotations

import click

from tallystick import __version__


@click.group()
@click.version_option(__version__)
def main() -> None:
    """Run public programmes that hold something for somebody, so that anyone can check."""


def _register() -> None:
    from tallystick.cli import audit, demo, edge, serve

    for command in (serve.serve, serve.machine, audit.audit, demo.demo, edge.edge):
        main.add_command(command)


_register()
