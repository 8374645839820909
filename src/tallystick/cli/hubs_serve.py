"""``tallystick hubs serve``: the console, and the pages outside, on loopback listeners apart."""

from __future__ import annotations

from pathlib import Path

import click

from tallystick.cli.serve import DATA, DATABASE, PROXIES, database_of


@click.command()
@DATA
@DATABASE
@click.option("--port", type=int, default=0, help="0 takes a free one.")
@click.option("--outside-port", type=int, default=0, help="Of the pages outside; 0: a free one.")
@click.option("--origin", default="", help="The console's address as browsers see it.")
@PROXIES
@click.option("--ready-file", type=click.Path(path_type=Path))
def serve(
    data: Path,
    database: str,
    port: int,
    outside_port: int,
    origin: str,
    proxies: tuple[str, ...],
    ready_file: Path | None,
) -> None:
    """Serve the console, people's own records and the figures on loopback, until stopped.

    Their addresses are written to console.url and outside.url in the data folder; the log is
    published under /log of the second.
    """
    from tallystick.web.hubs import server

    data.mkdir(parents=True, exist_ok=True)
    where = database_of(data, database)
    settings = server.HubSettings(data, where, port, origin, outside_port, proxies)
    server.run(settings, ready_file)
