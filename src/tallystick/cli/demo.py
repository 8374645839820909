"""``tallystick demo``: a whole operator on one machine, to play with or for one proven purchase.

Chain, signer, server, devices and kiosk are processes of their own; a note is bytes on a serial
port. With ``--once`` a customer is played through the kiosk's own forms, and the exit code is 0
only if the coins are on the chain and the audit finds nothing.
"""

from __future__ import annotations

import contextlib
import importlib
import json
import shutil
import signal
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import click

from tallystick.cli.cell import Cell, any_ports, begin, invite_operator, post
from tallystick.cli.parts import Parts
from tallystick.cli.sample_law import hold_hours, settle
from tallystick.core.clock import Clock, SystemClock
from tallystick.core.money import Amount, asset
from tallystick.core.rulebook import LawUnreadable

SETTLE_S: Final = 60
CASH_NOTES_MAX: Final = 200
BLOCK_EVERY_S: Final = 5.0
BEAT_MS: Final = 100
"""One mechanical beat of the simulated validator: a note takes about two seconds, as in life."""
LOOK_EVERY_S: Final = 0.02


def _notes(text: str) -> list[int]:
    try:
        found = [int(part) * 100 for part in text.split(",")]
    except ValueError as error:
        raise click.BadParameter("whole dollars with commas, such as 20,20,10") from error
    if not 0 < len(found) <= CASH_NOTES_MAX:
        raise click.BadParameter(f"from 1 to {CASH_NOTES_MAX} notes")
    return found


PROGRAMMES: Final = ("kiosk", "reserve", "hubs")


@click.command()
@click.option("--programme", type=click.Choice(PROGRAMMES), default="kiosk", show_default=True)
@click.option("--once", is_flag=True, help="Make one purchase and exit.")
@click.option("--cash", default="20,20,10", show_default=True, help="The notes, in dollars.")
@click.option("--to", default="", help="The address to pay; a fresh one of its own if left out.")
@click.option("--data", type=click.Path(path_type=Path), help="Keep all state in this folder.")
@click.option("--fresh", is_flag=True, help="Forget the folder's former state first.")
@click.option("--law", default="DEMO", show_default=True, help="The place, such as US-CA.")
@click.option("--adopt-sample", is_flag=True, help="Adopt what is open, as a sample officer.")
@click.option(
    "--reading-percent",
    type=click.IntRange(0, 200),
    default=100,
    show_default=True,
    help="How much of a warning's reading time must pass before Go on wakes.",
)
@click.option("--ask", multiple=True, help="Ask customers beyond the law, such as phone=0.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def demo(
    programme: str,
    once: bool,
    cash: str,
    to: str,
    data: Path | None,
    fresh: bool,
    law: str,
    adopt_sample: bool,
    reading_percent: int,
    ask: tuple[str, ...],
    as_json: bool,
) -> None:
    """Buy bitcoin with cash on an embedded chain, and prove where everything went.

    With --programme reserve: a vault, what the mandate refuses and permits, and a verified proof.
    With --programme hubs: try the gates of a return programme on invented people.
    """
    notes, clock = _notes(cash), SystemClock()
    if data and fresh and data.exists():
        ours = ("signer", "hubs-demo.json", "holders")
        if any(data.iterdir()) and not any((data / name).exists() for name in ours):
            raise click.BadParameter(f"{data} is not a folder of this demo; not removed")
        shutil.rmtree(data)
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with tempfile.TemporaryDirectory(prefix="tallystick-") as scratch:
        folder = data or Path(scratch) / "data"
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        parts = Parts(Path(scratch), clock)
        try:
            if programme != "kiosk":
                sys.exit(_another(programme, parts, folder, clock, once, as_json, bool(data)))
            closed = settle(folder, law, adopt_sample, clock)
            if closed:
                click.echo(closed, err=True)
            if once and not closed and (hours := hold_hours(law, clock)):
                closed = f"The law holds each payout for {hours} hours: this cannot finish now."
                click.echo(closed, err=True)
            if closed and once:
                sys.exit(2)
            sys.exit(
                _once(parts, folder, notes, to, as_json, clock, law, ask)
                if once
                else _play(parts, folder, clock, law, reading_percent, ask)
            )
        except LawUnreadable as error:
            raise click.BadParameter(str(error), param_hint="--law") from error
        except KeyboardInterrupt:
            click.echo("\nStopping; everything is on disk.")
        finally:
            parts.end()


def _another(
    programme: str,
    parts: Parts,
    folder: Path,
    clock: Clock,
    once: bool,
    as_json: bool,
    kept: bool,
) -> int:
    """Run another programme's demo: a module ``demo_<programme>`` with ``once`` and ``play``."""
    module = importlib.import_module(f"tallystick.cli.demo_{programme}")
    code: int = module.once(folder, as_json, kept) if once else module.play(parts, folder, clock)
    return code


def _play(
    parts: Parts,
    folder: Path,
    clock: Clock,
    law: str,
    reading_percent: int,
    ask: tuple[str, ...],
) -> int:
    """Run until Ctrl-C, or until a part ends by itself."""
    start = clock.monotonic_s()
    click.echo("Starting chain, signer, server and kiosk …")
    cell = begin(
        parts,
        folder,
        clock,
        pace_ms=BEAT_MS,
        block_every_s=BLOCK_EVERY_S,
        law=law,
        reading_percent=reading_percent,
        ask=ask,
    )
    link = invite_operator(cell, clock)
    seconds = clock.monotonic_s() - start
    click.echo(
        f"Ready in {seconds:.1f} s. A block comes every {BLOCK_EVERY_S:.0f} s while anybody waits."
        f"\n\n  Kiosk, with its drawer of notes and codes   {cell.screen}/hardware"
        f"\n  Kiosk screen alone                          {cell.screen}/"
        f"\n  Operator's console, one-time link           {link}"
        f"\n  Public page                                 {cell.public}/"
        f"\n  Public log, for tallystick verify           {cell.public}/log"
        f"\n\n  All state is in {cell.folder}. Ctrl-C stops everything.\n"
    )
    ended = parts.watch()
    click.echo(f"{ended} ended by itself; stopping the rest.", err=True)
    return 1


def _once(
    parts: Parts,
    folder: Path,
    notes: list[int],
    to: str,
    as_json: bool,
    clock: Clock,
    law: str,
    ask: tuple[str, ...],
) -> int:
    result = _purchase(parts, folder, notes, to, clock, law, ask)
    if as_json:
        click.echo(json.dumps(result, indent=1))
    else:
        for key, value in result.items():
            lines = value if isinstance(value, list) else [_line(value)]
            for place, line in enumerate(lines or [""]):
                click.echo(f"{key if not place else '':>14}  {line}")
    if result["held"] and result["audit"]["clean"]:
        click.echo("The operator's check holds this payout: nothing is sent yet.", err=True)
        return 2
    return 0 if result["arrived"] and result["audit"]["clean"] else 1


def _line(value: Any) -> str:
    return json.dumps(value) if isinstance(value, dict) else str(value)


def _purchase(
    parts: Parts,
    folder: Path,
    notes: list[int],
    to: str,
    clock: Clock,
    law: str,
    ask: tuple[str, ...],
) -> dict[str, Any]:
    from tallystick.cli.walk import OVER, Walk
    from tallystick.devices.id003.control import Hands
    from tallystick.edge.bench import customer_address

    times, start = {}, clock.monotonic_s()

    def lap(name: str) -> None:
        nonlocal start
        now = clock.monotonic_s()
        times[name], start = round(now - start, 3), now

    cell = begin(parts, folder, clock, 0, 0.0, any_ports(), law, ask=ask)
    walk = Walk(cell.screen, Hands(cell.hands), clock, folder / "customer")
    walk.reach("start", *OVER)
    lap("ready")
    address = to or customer_address(folder / "customer", clock)
    walk.to_cash(address)
    lap("quote")
    for minor in notes:
        walk.insert(minor)
    lap("notes")
    walk.send()
    lap("finish")
    done = _until(cell, address, clock, lambda found: bool(found.txid or found.waiting))
    if not done.waiting:
        walk.reach("receipt")
        lap("sent")
        post(cell.chain, "regtest/mine", {"blocks": 1})
        done = _until(cell, address, clock, lambda found: bool(found.state == "settled"))
        lap("settled")
    walk.close()
    return _said(cell, done, walk.refused, times)


def _until(cell: Cell, address: str, clock: Clock, good: Callable[[Any], bool]) -> Any:
    """Wait until the last purchase to the address is so in the operator's books, for a while."""
    from tallystick.cli.serve import database_of
    from tallystick.core.store import Store
    from tallystick.kiosk import queries

    store = Store.open(database_of(cell.folder, ""))
    until = clock.monotonic_s() + SETTLE_S
    while True:
        with store.read() as tx:
            found = queries.last_to(tx, address)
        if found is not None and (good(found) or clock.monotonic_s() > until):
            store.close()
            return found
        clock.sleep(LOOK_EVERY_S)


def _said(cell: Cell, done: Any, refused: list[int], times: dict[str, float]) -> dict[str, Any]:
    return {
        "purchase": done.reference,
        "state": done.state,
        "cash": _money(done.cash_minor, done.currency),
        "fee": _money(done.fee_minor, done.currency),
        "rate": f"{_money(done.price_minor, done.currency)} for 1 BTC",
        "sats": done.sats,
        "address": done.address,
        "txid": done.txid,
        "confirmations": done.confirmations,
        "held": done.waiting,
        "arrived": _arrived(cell.chain, done.txid, done.address, done.sats),
        "refused_notes": refused,
        "receipt": _paper(cell.folder),
        "seconds": times,
        "log": _log(cell),
        "audit": audit_of(cell.folder, cell.chain),
    }


def _money(minor: int, currency: str) -> str:
    return str(Amount(minor, asset(currency)))


def _paper(folder: Path) -> list[str]:
    """Return the last paper, line by line: the folder itself may be gone in a moment."""
    found = sorted((folder / "papers").glob("*.txt"))
    return found[-1].read_text("utf-8").splitlines() if found else []


def _log(cell: Cell) -> str:
    """Check the published log as a stranger would; return what that proved, or what it caught."""
    from tallystick.bitcoin.anchor import AnchorChecker
    from tallystick.core.tlog import checkers
    from tallystick.core.tlog.http_source import HttpSource
    from tallystick.core.tlog.verify import Asked, verify

    checkers.register(AnchorChecker.name, AnchorChecker)
    asked = Asked(settings={"chain": f"embedded:{cell.chain}"})
    with contextlib.closing(HttpSource(f"{cell.public}/log")) as source:
        report = verify(source, asked, SystemClock().now())
    found = report.caught or report.unread or report.proved
    return "; ".join(line.said for line in found)


def _arrived(chain_url: str, txid: str, address: str, sats: int) -> bool:
    """Look on the chain itself whether the coins are at the address."""
    from tallystick.bitcoin.chain import open_chain
    from tallystick.bitcoin.transaction import outputs_of, script_of

    chain = open_chain(f"embedded:{chain_url}")
    raw = chain.raw(txid) if txid else None
    paid = raw is not None and (script_of(address, "regtest"), sats) in outputs_of(raw)
    return paid and chain.status(txid).confirmed_height is not None


def audit_of(folder: Path, chain_url: str) -> dict[str, Any]:
    """Run the audit on a folder's database; return whether all holds, and each check's words."""
    from tallystick.bitcoin.chain import open_chain
    from tallystick.cli.serve import database_of
    from tallystick.core.store import Store
    from tallystick.kiosk.audit import audit

    store = Store.open(database_of(folder, ""))
    with contextlib.closing(store), store.read() as tx:
        table = audit(tx, open_chain(f"embedded:{chain_url}"), "regtest")
    return {
        "clean": all(line.ok for line in table),
        "checks": {line.name: line.said for line in table},
    }
