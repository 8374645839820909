"""``tallystick hubs serve``: the caseworkers' console on loopback. The public sees nothing here."""

from __future__ import annotations

from pathlib import Path

import click

from tallystick.cli.serve import DATA, DATABASE, database_of


@click.command()
@DATA
@DATABASE
@click.option("--port", type=int, default=0, help="0 takes a free one.")
@click.option("--origin", default="", help="The console's address as browsers see it.")
@click.option("--ready-file", type=click.Path(path_type=Path))
def serve(data: Path, database: str, port: int, origin: str, ready_file: Path | None) -> None:
    """Serve the console of cases, gates and agreements on loopback, until stopped."""
    from tallystick.web.hubs import server

    data.mkdir(parents=True, exist_ok=True)
    settings = server.HubSettings(data, database_of(data, database), port, origin)
    server.run(settings, ready_file)
