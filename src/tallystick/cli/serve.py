"""Start a server, and invite machines to it. Heavy parts are imported when a command runs."""

from __future__ import annotations

from pathlib import Path

import click

DATA = click.option(
    "--data",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path("data"),
    show_default=True,
    help="The folder that keeps all state.",
)
DATABASE = click.option("--database", default="", help="Default: SQLite in the data folder.")


def database_of(data: Path, database: str) -> str:
    """Return the database's URL: the one given, or SQLite in the data folder."""
    return database or f"sqlite:///{data.resolve()}/tallystick.sqlite"


@click.command()
@DATA
@DATABASE
@click.option("--chain", required=True, help="embedded:, esplora+http(s): or electrum+tcp/ssl:")
@click.option("--signer", type=click.Path(path_type=Path), required=True, help="Its socket.")
@click.option("--network", default="regtest", show_default=True)
@click.option("--law", default="DEMO", show_default=True, help="The jurisdiction's code.")
@click.option("--zone", default="", help="The kiosks' time zone; default: the place's first.")
@click.option("--rates", type=click.Choice(["offline", "exchanges"]), default="exchanges")
@click.option("--machine-port", type=int, default=0, help="0 takes a free one.")
@click.option("--console-port", type=int, default=0, help="0 takes a free one.")
@click.option("--public-port", type=int, default=0, help="0 takes a free one.")
@click.option(
    "--scam-policy",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="The scam desk's policy; default: the one that comes with this version.",
)
@click.option("--trial", default="", help="The registered trial to assign people in.")
@click.option(
    "--duties",
    type=click.Choice(["required", "shown"]),
    default="required",
    show_default=True,
    help="Stay closed until an officer stated each duty as met, or only show them.",
)
@click.option(
    "--operator",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="Who runs the machines, a TOML file; default: operator.toml in the data folder.",
)
@click.option(
    "--support-hours", default="", help="always, or 'mon-fri 08:00-22:00; sat 09:00-17:00'"
)
@click.option("--police", default="", help="The police's contact, where it must be shown.")
@click.option(
    "--ask",
    multiple=True,
    help="Ask customers beyond the law: phone, document, copy, email, photo or source, with the "
    "minor units of a day from which on, such as phone=0.",
)
@click.option(
    "--picture-days",
    type=click.IntRange(0, 3_650),
    default=365,
    show_default=True,
    help="For how long a picture held is not asked for again; 0: at each visit.",
)
@click.option("--texts", default="", help="Who sends codes: command:PATH, or file:PATH to play.")
@click.option("--origin", default="", help="The console's address as browsers see it.")
@click.option("--log-origin", default="", help="The public log's name, at its first start only.")
@click.option(
    "--log-policy",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="A tlog-policy, whose witnesses are asked to cosign.",
)
@click.option("--ready-file", type=click.Path(path_type=Path))
def serve(
    data: Path,
    database: str,
    chain: str,
    signer: Path,
    network: str,
    law: str,
    zone: str,
    rates: str,
    machine_port: int,
    console_port: int,
    public_port: int,
    scam_policy: Path | None,
    trial: str,
    duties: str,
    operator: Path | None,
    support_hours: str,
    police: str,
    ask: tuple[str, ...],
    picture_days: int,
    texts: str,
    origin: str,
    log_origin: str,
    log_policy: Path | None,
    ready_file: Path | None,
) -> None:
    """Serve machine API, console and public page on loopback, and pay out, until stopped."""
    from tallystick.web import server

    data.mkdir(parents=True, exist_ok=True)
    settings = server.Settings(
        data=data,
        database=database_of(data, database),
        chain=chain,
        signer=signer,
        network=network,
        law=law,
        zone=zone,
        rates=rates,
        machine_port=machine_port,
        console_port=console_port,
        public_port=public_port,
        scam_policy=scam_policy,
        trial=trial,
        duties=duties,
        operator=operator,
        support_hours=support_hours,
        police=police,
        ask=ask,
        picture_days=picture_days,
        texts=texts,
        origin=origin,
        log_origin=log_origin,
        log_policy=log_policy,
    )
    server.run(settings, ready_file)


@click.command()
@DATA
@DATABASE
@click.option("--url", required=True, help="The machine API's address, as the machine sees it.")
@click.argument("label")
def machine(data: Path, database: str, url: str, label: str) -> None:
    """Invite a machine: print its one-time pairing code as text and as a QR code, for an hour."""
    import sys

    import segno

    from tallystick.core.clock import SystemClock
    from tallystick.core.identity import machines
    from tallystick.core.identity.keys import load_or_make_key
    from tallystick.core.store import Store

    clock, store = SystemClock(), Store.open(database_of(data, database))
    key = load_or_make_key(data / "server.key")
    with store.transact() as tx:
        token = machines.invite_machine(tx, label, clock.now(), clock)
    store.close()
    text = machines.pairing_string(url, key.public_key(), token)
    click.echo(text)
    if sys.stdout.isatty():
        segno.make(text, error="m").terminal(compact=True)
