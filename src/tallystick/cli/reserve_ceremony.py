"""``tallystick reserve ceremony``: one verb for each step, each resumable from the record.

Files in are what signers print of themselves; none of them holds a secret.
"""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import Any

import click

from tallystick.cli.reserve_files import FILE, KINDS, NETWORKS, OUT, json_of, opened, text_of
from tallystick.cli.serve import DATA, DATABASE


@click.group()
def ceremony() -> None:
    """The ceremony, step by step and resumable: keys, vault, addresses, test signatures, record."""


@ceremony.command()
@DATA
@DATABASE
@click.option("--network", type=NETWORKS, default="bitcoin", show_default=True)
@click.option("--kind", type=KINDS, default="sortedmulti", show_default=True)
@click.option("--quorum", type=click.IntRange(1), required=True)
@click.option("--recovery-quorum", type=click.IntRange(0), default=0)
@click.option("--older-blocks", type=click.IntRange(0), default=0, help="Blocks until recovery.")
@click.option("--address-sats-max", type=click.IntRange(0), default=0, help="0: no limit.")
@click.option("--led-by", required=True, help="Who leads the ceremony.")
@click.argument("name")
def begin(data: Path, database: str, kind: str, quorum: int, led_by: str, **given: Any) -> None:
    """Begin a ceremony for a vault of this name; prints its id."""
    from tallystick.core.clock import SystemClock
    from tallystick.reserve import ceremony as ceremonies
    from tallystick.reserve.vault import Kind

    name, network = given.pop("name"), given.pop("network")
    with opened(data, database) as store, store.transact() as tx:
        click.echo(
            ceremonies.begin(tx, SystemClock(), name, network, Kind(kind), quorum, led_by, **given)
        )


@ceremony.command()
@DATA
@DATABASE
@click.option("--role", type=click.Choice(["quorum", "recovery"]), default="quorum")
@click.option("--custodian", required=True, help="Who holds the key.")
@click.option("--place", required=True, help="Where it is kept.")
@click.option("--maker", default="", help="In place of what the card says.")
@click.option("--model", default="")
@click.option("--firmware", default="")
@click.argument("id")
@click.argument("card", type=FILE)
def add(data: Path, database: str, id: str, card: Path, **given: str) -> None:
    """Add a key: CARD is a JSON file as a signer describes itself, with its dice's commitment."""
    from tallystick.core.clock import SystemClock
    from tallystick.reserve import ceremony as ceremonies
    from tallystick.reserve.vault import VaultKey

    said = json_of(card)
    dice = said.get("dice") or {}
    about = {
        name: given[name] or str(said.get(name, "")) for name in ("maker", "model", "firmware")
    }
    key = VaultKey(
        str(said["fingerprint"]),
        str(said["origin"]),
        str(said["xpub"]),
        **about,
        custodian=given["custodian"],
        place=given["place"],
        role=given["role"],
        dice=int(dice.get("rolls", 0)),
    )
    with opened(data, database) as store, store.transact() as tx:
        ceremonies.add_key(tx, id, key, str(dice.get("commitment", "")), SystemClock())
        count = len(ceremonies.cards(tx, ceremonies.ceremony(tx, id).id))
    click.echo(f"key {key.fingerprint} is in; {count} so far.")


@ceremony.command()
@DATA
@DATABASE
@click.argument("id")
def status(data: Path, database: str, id: str) -> None:
    """Say where a ceremony is, and what comes next."""
    from tallystick.reserve import ceremony as ceremonies

    with opened(data, database) as store, store.transact() as tx:
        found = ceremonies.ceremony(tx, id)
        cards = ceremonies.cards(tx, found.id)
        missing = ceremonies.missing(tx, found.id)
    click.echo(f"{found.id} {found.name}: {found.state}; {ceremonies.WHAT_NEXT[found.state]}")
    for key in cards:
        tested = "not tested yet" if key.fingerprint in missing else "tested"
        who = f"{key.maker} {key.model} {key.firmware}"
        click.echo(
            f"  {key.fingerprint} {key.role:<9}{who}, {key.custodian}, {key.place}; {tested}"
        )


@ceremony.command()
@DATA
@DATABASE
@click.argument("id")
def form(data: Path, database: str, id: str) -> None:
    """Form the vault of the keys gathered; prints the descriptor that every signer registers."""
    from tallystick.core.clock import SystemClock
    from tallystick.reserve import ceremony as ceremonies

    with opened(data, database) as store, store.transact() as tx:
        click.echo(ceremonies.form(tx, id, SystemClock()).descriptor)


@ceremony.command()
@DATA
@DATABASE
@click.argument("id")
@click.argument("said", type=FILE)
def derived(data: Path, database: str, id: str, said: Path) -> None:
    """Take the addresses that one signer derived alone: a JSON file, as the signer prints it."""
    from tallystick.core.clock import SystemClock
    from tallystick.reserve import ceremony as ceremonies

    given = json_of(said)
    addresses = {int(number): str(one) for number, one in given["addresses"].items()}
    with opened(data, database) as store:
        who, how = str(given["signer"]), str(given["implementation"])
        count = ceremonies.derived(store, id, who, how, addresses, SystemClock())
    click.echo(f"{count} addresses are derived by two signers of different implementation.")


@ceremony.command()
@DATA
@DATABASE
@click.option("--out", type=OUT, required=True, help="Where the PSBT goes.")
@click.argument("id")
def challenge(data: Path, database: str, out: Path, id: str) -> None:
    """Write the test message as a PSBT, which every key signs; it moves nothing."""
    from tallystick.reserve import ceremony as ceremonies
    from tallystick.reserve import vaults
    from tallystick.reserve.wallet import VaultWallet

    with (
        tempfile.TemporaryDirectory() as folder,
        opened(data, database) as store,
        store.transact() as tx,
    ):
        found = vaults.vault(tx, ceremonies.ceremony(tx, id).vault)
        wallet = VaultWallet(Path(folder) / "wallet.sqlite", found)
        out.write_text(ceremonies.challenge(tx, id, wallet))
    click.echo(f"{out} is written.")


@ceremony.command()
@DATA
@DATABASE
@click.argument("id")
@click.argument("psbt", type=FILE)
def signed(data: Path, database: str, id: str, psbt: Path) -> None:
    """Take a key's signature of the test message."""
    from tallystick.core.clock import SystemClock
    from tallystick.reserve import ceremony as ceremonies

    with opened(data, database) as store, store.transact() as tx:
        missing = ceremonies.signed(tx, id, text_of(psbt), SystemClock())
    click.echo(f"still missing: {', '.join(missing)}" if missing else "every key has signed.")


@ceremony.command()
@DATA
@DATABASE
@click.option("--record", type=OUT, required=True, help="Where the record goes, as JSON.")
@click.option("--paper", "paper_", type=OUT, help="Where the recovery paper goes, as Markdown.")
@click.option("--pdf", type=OUT, help="Where the recovery paper goes, to be printed.")
@click.argument("id")
def close(
    data: Path, database: str, record: Path, paper_: Path | None, pdf: Path | None, id: str
) -> None:
    """Open the vault for deposits; write the record and the recovery paper."""
    from tallystick.core.clock import SystemClock
    from tallystick.reserve import ceremony as ceremonies
    from tallystick.reserve import vaults
    from tallystick.reserve.paper_pdf import as_pdf
    from tallystick.reserve.wallet import VaultWallet

    with (
        tempfile.TemporaryDirectory() as folder,
        opened(data, database) as store,
        store.transact() as tx,
    ):
        found = vaults.vault(tx, ceremonies.ceremony(tx, id).vault)
        wallet = VaultWallet(Path(folder) / "wallet.sqlite", found)
        content = ceremonies.close(tx, id, wallet, SystemClock())
    record.write_text(json.dumps(content, indent=1, ensure_ascii=False), "utf-8")
    if paper_:
        paper_.write_text(content["paper"], "utf-8")
    if pdf:
        pdf.write_bytes(as_pdf(content["paper"], found))
    click.echo(f"{found.name} is open. First address: {content['addresses']['0']}")
    click.echo(f"Before a deposit: tallystick reserve vault assign --ledger reserve {found.name!r}")


@ceremony.command()
@DATA
@DATABASE
@click.option("--why", required=True)
@click.argument("id")
def abandon(data: Path, database: str, why: str, id: str) -> None:
    """Give a ceremony up; a vault that was formed is never opened."""
    from tallystick.core.clock import SystemClock
    from tallystick.reserve import ceremony as ceremonies

    with opened(data, database) as store, store.transact() as tx:
        ceremonies.abandon(tx, id, why, SystemClock())
    click.echo("abandoned.")
