"""``tallystick witness``: an independent witness of any C2SP log, ours or another's."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import click

from tallystick.cli.serve import PROXIES

BACKLOG: Final = 128


@click.command()
@click.option(
    "--data",
    type=click.Path(path_type=Path, file_okay=False),
    required=True,
    help="The folder of the witness's keys and memory. Never restore it from a backup.",
)
@click.option("--log", "logs", multiple=True, help="A log's verifier key; once for each log.")
@click.option("--name", default="witness.invalid", show_default=True, help="The witness's name.")
@click.option("--port", type=int, default=0, help="On loopback; 0 takes a free one.")
@click.option("--ml-dsa", is_flag=True, help="Sign with ML-DSA-44 too, and subtrees.")
@PROXIES
@click.option(
    "--requests-per-minute",
    type=click.IntRange(1, 100_000),
    default=240,
    show_default=True,
    help="Of one address; more are answered with 429.",
)
@click.option("--ready-file", type=click.Path(path_type=Path))
def witness(
    data: Path,
    logs: tuple[str, ...],
    name: str,
    port: int,
    ml_dsa: bool,
    proxies: tuple[str, ...],
    requests_per_minute: int,
    ready_file: Path | None,
) -> None:
    """Cosign checkpoints of the named logs, as long as each continues the one before.

    A log that announced another key is named once more with that key; both are then taken.
    Prints the verifier keys that go into others' policies, and the address to submit to.
    """
    import socket

    import uvicorn

    from tallystick.core.clock import SystemClock
    from tallystick.core.tlog import keys
    from tallystick.core.tlog.errors import LogError
    from tallystick.core.tlog.witness import Witness
    from tallystick.core.tlog.witness_keys import signers_of
    from tallystick.web.bounded import BoundedHttp
    from tallystick.web.proxies import networks
    from tallystick.web.witness import REQUESTS_AT_ONCE_MAX, create_app

    clock = SystemClock()
    try:
        known = [keys.read(text) for text in logs]
        signers = signers_of(data, name, ml_dsa, clock)
        trusted = networks(proxies)
    except (LogError, ValueError) as error:
        raise click.ClickException(str(error)) from error
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind(("127.0.0.1", port))
    listener.listen(BACKLOG)
    url = f"http://127.0.0.1:{listener.getsockname()[1]}"
    said = [str(signer.key) for signer in signers]
    click.echo("\n".join([*said, url]))
    if ready_file is not None:
        draft = ready_file.with_name(f"{ready_file.name}.new")
        draft.write_text("\n".join([url, *said]))
        draft.replace(ready_file)
    app = create_app(Witness(data / "seen", signers, known, clock), trusted, requests_per_minute)
    config = uvicorn.Config(
        app,
        http=BoundedHttp,
        log_level="warning",
        access_log=False,
        lifespan="off",
        proxy_headers=False,
        limit_concurrency=REQUESTS_AT_ONCE_MAX,
    )
    uvicorn.Server(config).run(sockets=[listener])
