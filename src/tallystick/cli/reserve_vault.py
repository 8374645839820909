"""``tallystick reserve vault``: see vaults, take one over, publish addresses, print the paper."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from tallystick.cli.reserve_files import FILE, NETWORKS, OUT, json_of, opened, text_of
from tallystick.cli.serve import DATA, DATABASE


@click.group()
def vault() -> None:
    """Vaults: see them, take one over, publish addresses, print the recovery paper."""


@vault.command(name="list")
@DATA
@DATABASE
@click.option("--json", "as_json", is_flag=True)
def list_vaults(data: Path, database: str, as_json: bool) -> None:
    """List the vaults, retired ones too."""
    import msgspec

    from tallystick.reserve import vaults

    with opened(data, database) as store, store.read() as tx:
        found = vaults.vaults(tx)
    if as_json:
        click.echo(msgspec.json.format(msgspec.json.encode(found)).decode())
        return
    for one in found:
        later = f", then {one.recovery_quorum} after {one.older_blocks} blocks"
        ways = f"{one.quorum} of {len(one.with_role('quorum'))}{later if one.older_blocks else ''}"
        click.echo(f"{one.name:<24}{one.state:<9}{one.kind:<18}{ways}")


@vault.command()
@DATA
@DATABASE
@click.argument("name")
def show(data: Path, database: str, name: str) -> None:
    """Show a vault: descriptor, keys and their holders, addresses and their state."""
    from tallystick.reserve import vaults
    from tallystick.reserve.advisories import inputs_max

    with opened(data, database) as store, store.read() as tx:
        found = vaults.vault(tx, name)
        addresses = vaults.addresses(tx, found.id)
    click.echo(f"{found.name}: {found.kind}, {found.state}, on {found.network}")
    click.echo(f"{found.descriptor}\npolicy {found.template}")
    click.echo(f"at most {inputs_max(found)} inputs in one movement")
    for key in found.keys:
        who = f"{key.maker} {key.model} {key.firmware}, {key.custodian}, {key.place}"
        click.echo(f"  {key.fingerprint} {key.role:<9}{who}, {key.dice} dice")
    for one in addresses:
        branch = "change" if one.branch else "deposit"
        click.echo(f"  {branch:<8}{one.number:>6} {one.state:<10}{one.address} {one.purpose}")


@vault.command()
@DATA
@DATABASE
@click.option("--ledger", type=click.Choice(["reserve", "other"]), required=True)
@click.argument("name")
def assign(data: Path, database: str, ledger: str, name: str) -> None:
    """Put a vault in one of the two ledgers, once and for good: they never mix."""
    from tallystick.core.clock import SystemClock
    from tallystick.reserve import lots, vaults
    from tallystick.reserve.model import Ledger

    with opened(data, database) as store, store.transact() as tx:
        lots.assign(tx, SystemClock(), vaults.vault(tx, name).id, Ledger(ledger))
    click.echo(f"{name} belongs to the ledger {ledger}.")


@vault.command()
def kinds() -> None:
    """List the kinds of vault, and which signers can sign each."""
    from tallystick.reserve.advisories import abilities

    for one in abilities():
        name = f"{one.maker} {one.model}".strip()
        click.echo(f"{name:<28}{one.inputs_max:>4} inputs  {', '.join(one.kinds)}")


@vault.command()
@DATA
@DATABASE
@click.option("--count", default=20, show_default=True)
@click.argument("name")
def derive(data: Path, database: str, count: int, name: str) -> None:
    """Derive the next deposit addresses; they wait for two signers to derive them too."""
    from tallystick.core.clock import SystemClock
    from tallystick.reserve import vaults

    with opened(data, database) as store, store.transact() as tx:
        for one in vaults.derive(tx, vaults.vault(tx, name).id, count, SystemClock()):
            click.echo(f"{one.number:>6} {one.address}")


@vault.command()
@DATA
@DATABASE
@click.argument("name")
@click.argument("said", type=FILE)
def confirm(data: Path, database: str, name: str, said: Path) -> None:
    """Take the addresses that a signer derived alone: a JSON file, as the signer prints it."""
    from tallystick.core.clock import SystemClock
    from tallystick.reserve import vaults

    given = json_of(said)
    with opened(data, database) as store:
        with store.read() as tx:
            id = vaults.vault(tx, name).id
        addresses = {int(number): str(one) for number, one in given["addresses"].items()}
        who, implementation = str(given["signer"]), str(given["implementation"])
        count = vaults.confirm(store, id, who, implementation, addresses, SystemClock())
    click.echo(f"{count} addresses are published.")


@vault.command()
@DATA
@DATABASE
@click.option("--purpose", required=True, help="Kept with the address.")
@click.argument("name")
def address(data: Path, database: str, purpose: str, name: str) -> None:
    """Give out the next published deposit address, once and for good."""
    from tallystick.core.clock import SystemClock
    from tallystick.reserve import vaults

    with opened(data, database) as store, store.transact() as tx:
        click.echo(vaults.issue(tx, name, purpose, SystemClock()).address)


@vault.command()
@DATA
@DATABASE
@click.option("--out", type=OUT, help="Where the Markdown goes; else it is printed.")
@click.option("--pdf", type=OUT, help="Where the printable PDF goes.")
@click.argument("name")
def paper(data: Path, database: str, out: Path | None, pdf: Path | None, name: str) -> None:
    """Write the recovery paper: how to get the coins out with Bitcoin Core alone."""
    from tallystick.reserve import recovery, vaults
    from tallystick.reserve.paper_pdf import as_pdf

    with opened(data, database) as store, store.read() as tx:
        found = vaults.vault(tx, name)
        text = recovery.paper(
            found, vaults.made_at(tx, found.id), max(vaults.highest(tx, found.id))
        )
    if pdf:
        pdf.write_bytes(as_pdf(text, found))
        click.echo(f"{pdf} is written.")
    if out:
        out.write_text(text, "utf-8")
        click.echo(f"{out} is written.")
    if not (pdf or out):
        click.echo(text)


@vault.command()
@DATA
@DATABASE
@click.option("--file", "path", type=FILE, help="Another list of advisories than the built-in one.")
def check(data: Path, database: str, path: Path | None) -> None:
    """Compare every key with the advisories. Exits 1 if one touches a vault that is in use."""
    from tallystick.core.clock import SystemClock
    from tallystick.reserve import advisories, vaults

    with opened(data, database) as store, store.transact() as tx:
        against = advisories.load(path) if path else advisories.load()
        advisories.flag(tx, against, SystemClock())
        current = [one for one in vaults.vaults(tx) if one.state != "retired"]
        touched = advisories.affected(current, against)
    for one, key, advisory in touched:
        click.echo(
            f"{one.name}: key {key.fingerprint} ({key.maker} {key.firmware}): {advisory.say}"
        )
        click.echo(f"  {advisory.do} {advisory.source}")
    if touched:
        raise click.exceptions.Exit(1)
    click.echo(f"No key of {len(current)} vaults is touched by {len(against)} advisories.")


@vault.command(name="import")
@DATA
@DATABASE
@click.option("--network", type=NETWORKS, default="bitcoin", show_default=True)
@click.option("--keys", type=FILE, required=True, help="JSON: fingerprint to maker, holder, place…")
@click.option("--used", nargs=2, type=int, default=(-1, -1), help="Highest numbers used: 0 and 1.")
@click.argument("name")
@click.argument("descriptor", type=FILE)
def take_over(
    data: Path, database: str, network: str, keys: Path, used: tuple[int, int], **given: Any
) -> None:
    """Take over a wallet that exists: DESCRIPTOR is a file; addresses used count as issued."""
    from tallystick.core.clock import SystemClock
    from tallystick.reserve import imported

    name, text = given["name"], text_of(given["descriptor"])
    with opened(data, database) as store, store.transact() as tx:
        made = imported.take(tx, SystemClock(), name, network, text, json_of(keys), used)
    click.echo(f"{made.name} is on record: {made.kind}, {made.quorum} signatures.")


@vault.command()
@DATA
@DATABASE
@click.option("--lost", required=True, help="The fingerprint of the key that is replaced.")
@click.option("--as", "fresh", required=True, help="The name of the vault that follows.")
@click.option("--led-by", required=True)
@click.argument("name")
def rotate(data: Path, database: str, lost: str, fresh: str, led_by: str, name: str) -> None:
    """Begin the ceremony of the vault that follows, without one key; prints its id."""
    from tallystick.core.clock import SystemClock
    from tallystick.reserve import rotation

    with opened(data, database) as store, store.transact() as tx:
        click.echo(rotation.begin(tx, SystemClock(), name, lost, fresh, led_by))
