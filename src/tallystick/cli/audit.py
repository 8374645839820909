"""``tallystick audit``: prove from the stored data that nothing is lost, invented or paid twice."""

from __future__ import annotations

import sys
from pathlib import Path

import click
import msgspec

from tallystick.cli.serve import DATA, DATABASE, database_of


@click.command()
@DATA
@DATABASE
@click.option("--chain", required=True, help="Where to look the transactions up.")
@click.option("--network", default="regtest", show_default=True)
@click.option("--json", "as_json", is_flag=True, help="Print the table as JSON.")
def audit(data: Path, database: str, chain: str, network: str, as_json: bool) -> None:
    """Check the books, the notes, the coins and the journal. Exits 1 at the first mismatch."""
    from tallystick.bitcoin.chain import open_chain
    from tallystick.core.store import Store
    from tallystick.kiosk.audit import audit as run

    store = Store.open(database_of(data, database))
    with store.read() as tx:
        table = run(tx, open_chain(chain), network)
    if as_json:
        click.echo(msgspec.json.encode(table).decode())
    else:
        for line in table:
            click.echo(f"{'ok  ' if line.ok else 'FAIL'}  {line.name:<52}  {line.said}")
    sys.exit(0 if all(line.ok for line in table) else 1)
