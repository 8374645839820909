"""``tallystick demo --once``: one purchase through real processes, then the audit.

Chain, signer and server are processes of their own. The machine's side is played by this command
over the signed machine API; the process inside a kiosk, with its validator and its screen, is not
part of it yet, and the output says so.
"""

from __future__ import annotations

import json
import shutil
import sys
import tempfile
import urllib.request
from pathlib import Path
from typing import Any, Final

import click

from tallystick.cli.parts import Parts
from tallystick.core.clock import Clock, SystemClock, new_id
from tallystick.core.money import Amount, asset

SETTLE_S: Final = 60
CASH_NOTES_MAX: Final = 200


def _notes(text: str) -> list[int]:
    try:
        found = [int(part) * 100 for part in text.split(",")]
    except ValueError as error:
        raise click.BadParameter("whole dollars with commas, such as 20,20,10") from error
    if not 0 < len(found) <= CASH_NOTES_MAX:
        raise click.BadParameter(f"from 1 to {CASH_NOTES_MAX} notes")
    return found


@click.command()
@click.option("--once", is_flag=True, help="Make one purchase and exit.")
@click.option("--cash", default="20,20,10", show_default=True, help="The notes, in dollars.")
@click.option("--to", default="", help="The address to pay; a fresh one of its own if left out.")
@click.option("--data", type=click.Path(path_type=Path), help="Keep all state in this folder.")
@click.option("--fresh", is_flag=True, help="Forget the folder's former state first.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def demo(once: bool, cash: str, to: str, data: Path | None, fresh: bool, as_json: bool) -> None:
    """Buy bitcoin with cash on an embedded chain, and prove where everything went."""
    notes = _notes(cash)
    if not once:
        click.echo("The kiosk's screen is not here yet: making one purchase instead.\n", err=True)
    clock = SystemClock()
    if data and fresh and data.exists():
        if any(data.iterdir()) and not (data / "signer").exists():
            raise click.BadParameter(f"{data} is not a folder of this demo; not removed")
        shutil.rmtree(data)
    with tempfile.TemporaryDirectory(prefix="tallystick-") as scratch:
        folder = data or Path(scratch)
        folder.mkdir(parents=True, exist_ok=True)
        parts = Parts(Path(scratch), clock)
        try:
            result = _purchase(parts, folder, notes, to, clock)
        finally:
            parts.end()
    _print(result, as_json)
    sys.exit(0 if result["arrived"] and result["audit"]["clean"] else 1)


def _print(result: dict[str, Any], as_json: bool) -> None:
    if as_json:
        click.echo(json.dumps(result, indent=1))
        return
    for key, value in result.items():
        click.echo(f"{key:>14}  {json.dumps(value) if isinstance(value, dict) else value}")


def _purchase(
    parts: Parts, folder: Path, notes: list[int], to: str, clock: Clock
) -> dict[str, Any]:
    from tallystick.cli.machine import Machine

    times, start = {}, clock.monotonic_s()

    def lap(name: str) -> None:
        nonlocal start
        now = clock.monotonic_s()
        times[name], start = round(now - start, 3), now

    socket = parts.folder / "signer.sock"
    chain = parts.begin("chain", "tallystick.bitcoin.embedded", "--data", str(folder / "chain"))
    signer = parts.begin(
        "signer",
        "tallystick.bitcoin.signer",
        *("--data", str(folder / "signer"), "--socket", str(socket)),
    )
    chain_url = parts.wait(chain)
    parts.wait(signer)
    _fund(folder, chain_url, socket)
    api = parts.wait(
        parts.begin(
            "server",
            *("tallystick.cli", "serve", "--data", str(folder), "--rates", "offline"),
            *("--chain", f"embedded:{chain_url}", "--signer", str(socket)),
        )
    )
    lap("ready")
    machine = Machine.paired(folder, api, clock)
    address = to or _fresh_address(parts.folder, clock)
    quote = machine.quote(address, new_id(clock))
    lap("quote")
    for minor in notes:
        machine.insert(minor)
    lap("notes")
    machine.finish()
    lap("finish")
    sent = machine.wait_for(("sent", "settled"), SETTLE_S)
    lap("sent")
    _post(chain_url, "regtest/mine", {"blocks": 1})
    done = machine.wait_for(("settled",), SETTLE_S)
    lap("settled")
    return {
        "purchase": done["reference"],
        "cash": _money(done["cash_minor"], done["currency"]),
        "fee": _money(done["fee_minor"], done["currency"]),
        "rate": f"{_money(quote['price_minor'], done['currency'])} for 1 BTC",
        "sats": done["sats"],
        "address": address,
        "txid": sent["txid"],
        "confirmations": done["confirmations"],
        "arrived": _arrived(chain_url, done["txid"], address, done["sats"]),
        "refused_notes": machine.refused,
        "seconds": times,
        "audit": _audit(folder, chain_url),
        "machine": "played by this command over the signed API; no validator, no screen yet",
    }


def _money(minor: int, currency: str) -> str:
    return str(Amount(minor, asset(currency)))


def _post(url: str, path: str, body: dict[str, Any]) -> None:
    request = urllib.request.Request(  # noqa: S310 - our own chain on loopback
        f"{url}/{path}", json.dumps(body).encode(), method="POST"
    )
    with urllib.request.urlopen(request, timeout=30) as reply:  # noqa: S310
        reply.read()


def _fund(folder: Path, chain_url: str, socket: Path) -> None:
    """Give the hot wallet its first coins, once."""
    from tallystick.bitcoin.chain import open_chain
    from tallystick.bitcoin.signer.client import SignerClient
    from tallystick.bitcoin.wallet import HotWallet

    wallet = HotWallet(folder / "wallet.sqlite", *SignerClient(socket).public(), "regtest")
    chain = open_chain(f"embedded:{chain_url}")
    chain.sync(wallet)
    if wallet.balance().confirmed < 10_000_000:
        _post(chain_url, "regtest/fund", {"address": wallet.next_address()})


def _fresh_address(folder: Path, clock: Clock) -> str:
    """Make a customer's wallet, and return its first address."""
    from tallystick.bitcoin.signer.vault import open_keys
    from tallystick.bitcoin.wallet import HotWallet

    keys = open_keys(folder / "customer", "regtest", clock)
    path = folder / "customer.sqlite"
    return HotWallet(path, keys.external, keys.internal, "regtest").next_address()


def _arrived(chain_url: str, txid: str, address: str, sats: int) -> bool:
    """Look on the chain itself whether the coins are at the address."""
    from tallystick.bitcoin.chain import open_chain
    from tallystick.bitcoin.transaction import outputs_of, script_of

    chain = open_chain(f"embedded:{chain_url}")
    raw = chain.raw(txid)
    paid = raw is not None and (script_of(address, "regtest"), sats) in outputs_of(raw)
    return paid and chain.status(txid).confirmed_height is not None


def _audit(folder: Path, chain_url: str) -> dict[str, Any]:
    from tallystick.bitcoin.chain import open_chain
    from tallystick.cli.serve import database_of
    from tallystick.core.store import Store
    from tallystick.kiosk.audit import audit

    store = Store.open(database_of(folder, ""))
    with store.read() as tx:
        table = audit(tx, open_chain(f"embedded:{chain_url}"), "regtest")
    store.close()
    return {
        "clean": all(line.ok for line in table),
        "checks": {line.name: line.said for line in table},
    }
