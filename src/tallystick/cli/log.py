"""``tallystick log``: publish the log as static files, serve them, show and prove what is in it."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from tallystick.cli.serve import DATA, DATABASE, database_of

if TYPE_CHECKING:
    from tallystick.core.store import Store

FOLDER = click.option(
    "--folder",
    type=click.Path(path_type=Path, file_okay=False),
    help="Where the files are; default: log in the data folder.",
)


@click.group()
def log() -> None:
    """The public transparency log."""


def opened(data: Path, database: str) -> Store:
    """Open the database, and bring its tables to this version."""
    from tallystick.core.store import Store

    store = Store.open(database_of(data, database))
    store.migrate()
    return store


@log.command()
@DATA
@DATABASE
@FOLDER
@click.option("--origin", default="", help="The log's name, at its first publication only.")
def publish(data: Path, database: str, folder: Path | None, origin: str) -> None:
    """Bring the published files up to what is committed, once."""
    from tallystick.core.clock import SystemClock
    from tallystick.core.tlog import publish as publishing
    from tallystick.core.tlog.errors import LogError

    store = opened(data, database)
    try:
        signer = publishing.signer_of(store, data / "log.key", origin)
        publisher = publishing.Publisher(store, signer, folder or data / "log", SystemClock())
        signed = publisher.step(_progress)
    except LogError as error:
        raise click.ClickException(f"{error} (error {error.code})") from error
    finally:
        store.close()
    click.echo(f"{signed.size} entries, root {signed.root.hex()}, in {publisher.folder}")


def _progress(done: int, total: int) -> None:
    if total > 1_000:
        click.echo(f"  {done:,} of {total:,} files", err=True)


@log.command("serve")
@DATA
@FOLDER
@click.option("--port", type=int, default=0, help="On loopback; 0 takes a free one.")
@click.option("--ready-file", type=click.Path(path_type=Path))
def serve_log(data: Path, folder: Path | None, port: int, ready_file: Path | None) -> None:
    """Serve the published files on loopback. Any other web server can do it as well."""
    import uvicorn

    from tallystick.web.bounded import BoundedHttp
    from tallystick.web.log_files import LogFiles
    from tallystick.web.server import bound

    listener = bound(port)
    url = f"http://127.0.0.1:{listener.getsockname()[1]}"
    click.echo(url)
    if ready_file is not None:
        draft = ready_file.with_name(f"{ready_file.name}.new")
        draft.write_text(url)
        draft.replace(ready_file)
    config = uvicorn.Config(
        LogFiles(folder or data / "log"),
        http=BoundedHttp,
        log_level="warning",
        access_log=False,
        lifespan="off",
    )
    uvicorn.Server(config).run(sockets=[listener])


@log.command()
@DATA
@DATABASE
def checkpoint(data: Path, database: str) -> None:
    """Print the newest published checkpoint, a signed note."""
    from tallystick.core.tlog import log as ours

    store = opened(data, database)
    with store.read() as tx:
        found = ours.checkpoint(tx, published=True)
    store.close()
    if found is None:
        raise click.ClickException("nothing is published yet")
    click.echo(str(found.note), nl=False)


@log.command()
@DATA
@DATABASE
@click.option(
    "--overlap-days",
    type=click.IntRange(0, 3_650),
    default=30,
    show_default=True,
    help="So long both keys sign, for readers and witnesses to take up the new one.",
)
@click.option("--yes", is_flag=True, help="Do not ask again.")
def rotate(data: Path, database: str, overlap_days: int, yes: bool) -> None:
    """Change the log's key: make a new one, announce it in the log, and sign with both a while.

    A server that is running takes it up by itself. Readers follow the announcement; witnesses and
    policies need the new key before the overlap ends.
    """
    import datetime as dt

    from tallystick.core.clock import SystemClock
    from tallystick.core.tlog import keyring
    from tallystick.core.tlog import log as ours
    from tallystick.core.tlog.errors import LogError

    if not yes:
        click.confirm("A log's key is changed for good. Go on?", abort=True, err=True)
    store, clock = opened(data, database), SystemClock()
    try:
        with store.read() as tx:
            old = ours.verifier_key(tx)
        if old is None:
            raise click.ClickException("nothing is published yet: there is no key to change")
        new = keyring.new_key(data / "log.key", old.name, clock)
        with store.transact() as tx:
            overlap = dt.timedelta(days=overlap_days)
            entry = keyring.rotate(tx, clock, new, overlap)
    except LogError as error:
        raise click.ClickException(f"{error} (error {error.code})") from error
    finally:
        store.close()
    until = f"{clock.now() + overlap:%Y-%m-%d %H:%M UTC}"
    click.echo(f"{new}\nannounced in entry {entry}; {old.id.hex()} signs too until {until}")


@log.command("keys")
@DATA
@DATABASE
def list_keys(data: Path, database: str) -> None:
    """List the log's keys, the first one first, and the entries that announced the others."""
    from tallystick.core.tlog import keyring
    from tallystick.core.tlog import log as ours

    store = opened(data, database)
    with store.read() as tx:
        now, rows = ours.verifier_key(tx), keyring.changes(tx)
    store.close()
    if now is None:
        raise click.ClickException("nothing is published yet")
    click.echo(rows[0]["old"] if rows else str(now))
    for row in rows:
        shown = "published" if row["proof"] else "not published yet"
        until = f"the one before signs until {row['until']:%Y-%m-%d %H:%M UTC}"
        click.echo(f"{row['new']}  (entry {row['entry']}, {shown}; {until})")


@log.command()
@DATA
@DATABASE
@click.argument("entry")
def prove(data: Path, database: str, entry: str) -> None:
    """Print the .tlog-proof of an ENTRY: its number from 1, or its commitment in hex."""
    from tallystick.core import journal
    from tallystick.core.tlog import log as ours
    from tallystick.core.tlog import receipts
    from tallystick.core.tlog.errors import LogError

    store = opened(data, database)
    try:
        with store.read() as tx:
            found = None if entry.isdigit() else journal.find(tx, entry.lower())
            seq = int(entry) if entry.isdigit() and len(entry) < 19 else found[0] if found else 0
            text = [item for item, _ in journal.read(tx, max(seq - 1, 0), seq)]
            if not text:
                raise click.ClickException(f"the journal has no entry {entry}")
            proof = ours.receipt(tx, seq, receipts.opening(text[0]))
    except LogError as error:
        raise click.ClickException(f"{error} (error {error.code})") from error
    finally:
        store.close()
    sys.stdout.write(str(proof))
