"""A whole operator on one machine, for the demo: chain, signer, server, and one kiosk.

Each is a process of its own, as in real life; all state is in one folder, and a second start in the
same folder goes on where the first one stopped, with the same keys, coins and ports.
"""

from __future__ import annotations

import json
import socket
import urllib.request
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from tallystick.cli.parts import Parts
from tallystick.core.clock import Clock
from tallystick.edge.telephone import TELEPHONE

MACHINE: Final = "Kiosk 0142"
PORTS: Final = {"chain": 8730, "api": 8731, "console": 8732, "public": 8733, "screen": 8734}
"""Tried first, so that a browser's bookmarks hold; taken ones are replaced by free ones."""
FUND_BELOW_SATS: Final = 10_000_000
HTTP_S_MAX: Final = 30


@dataclass(frozen=True, slots=True)
class Cell:
    """Where everything is, once it runs."""

    folder: Path
    chain: str
    signer: Path
    hands: Path
    screen: str
    console: str
    public: str


def free(port: int) -> bool:
    """Say whether a port on loopback can be taken."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True


def any_ports() -> dict[str, int]:
    """Return free ports, for a demo that nobody looks at: several may start at once."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return {**dict.fromkeys(PORTS, 0), "api": probe.getsockname()[1]}


def ports_of(folder: Path) -> dict[str, int]:
    """Return the folder's ports: the former ones where they are free, else free ones."""
    kept = folder / "ports.json"
    wanted = {**PORTS, **(json.loads(kept.read_text()) if kept.exists() else {})}
    taken: list[socket.socket] = []
    for name, port in wanted.items():
        if not free(port):
            probe = socket.socket()
            probe.bind(("127.0.0.1", 0))
            taken.append(probe)
            wanted[name] = probe.getsockname()[1]
    for probe in taken:
        probe.close()
    kept.write_text(json.dumps(wanted))
    return wanted


def begin(
    parts: Parts,
    folder: Path,
    clock: Clock,
    pace_ms: int,
    block_every_s: float,
    ports: dict[str, int] | None = None,
    law: str = "DEMO",
    reading_percent: int = 0,
    ask: tuple[str, ...] = (),
) -> Cell:
    """Start everything in its order, and return once the screen is up."""
    ports = ports or ports_of(folder)
    sockets = parts.folder
    signer_socket, hands = sockets / "signer.sock", sockets / "hands.sock"
    chain = parts.begin(
        "chain",
        "tallystick.bitcoin.embedded",
        *("--data", str(folder / "chain"), "--port", str(ports["chain"])),
        *("--block-every", str(block_every_s)),
    )
    signer = parts.begin(
        "signer",
        "tallystick.bitcoin.signer",
        *("--data", str(folder / "signer"), "--socket", str(signer_socket)),
    )
    _devices(parts, folder, hands, pace_ms)
    code = _invite(folder, f"http://127.0.0.1:{ports['api']}", clock)
    chain_url = parts.wait(chain)
    parts.wait(signer)
    edge = _kiosk(parts, folder, ports, hands, code, reading_percent)
    _fund(folder, chain_url, signer_socket)
    server = parts.begin(
        "server",
        *("tallystick.cli", "serve", "--data", str(folder), "--rates", "offline"),
        *("--law", law, "--operator", str(_sample_operator(folder))),
        *(part for one in ask for part in ("--ask", one)),
        *("--texts", f"file:{folder / 'customer' / TELEPHONE}"),
        *("--chain", f"embedded:{chain_url}", "--signer", str(signer_socket)),
        *("--machine-port", str(ports["api"]), "--console-port", str(ports["console"])),
        *("--public-port", str(ports["public"])),
    )
    _, console, public = parts.wait(server).split()
    return Cell(
        folder=folder,
        chain=chain_url,
        signer=signer_socket,
        hands=hands,
        screen=parts.wait(edge),
        console=console,
        public=public,
    )


def _devices(parts: Parts, folder: Path, hands: Path, pace_ms: int) -> None:
    parts.begin(
        "devices",
        "tallystick.devices.id003",
        *("--link", str(parts.folder / "validator"), "--control", str(hands)),
        *("--scanner-link", str(parts.folder / "scanner")),
        *("--state", str(folder / "validator.json"), "--pace-ms", str(pace_ms)),
    )


def _kiosk(
    parts: Parts, folder: Path, ports: dict[str, int], hands: Path, code: str, reading_percent: int
) -> tuple[str, Any, Path]:
    return parts.begin(
        "kiosk",
        *("tallystick.cli", "edge", "--data", str(folder / "kiosk")),
        *("--validator", str(parts.folder / "validator")),
        *("--scanner", str(parts.folder / "scanner")),
        *("--camera", f"virtual:{folder / 'camera'}"),
        *("--printer", f"virtual:{folder / 'papers'}"),
        *("--screen-port", str(ports["screen"]), "--hands", str(hands)),
        *("--server", f"http://127.0.0.1:{ports['api']}", "--pair", code),
        *("--reading-percent", str(reading_percent)),
        *("--headphones", str(parts.folder / "headphones")),
    )


def _invite(folder: Path, api: str, clock: Clock) -> str:
    """Return a pairing code for the folder's machine, or nothing where it is paired."""
    from tallystick.cli.serve import database_of
    from tallystick.core.identity import machines
    from tallystick.core.identity.keys import load_or_make_key
    from tallystick.core.store import Store

    store = Store.open(database_of(folder, ""))
    store.migrate()
    if (folder / "kiosk" / "pairing.json").exists():
        store.close()
        return ""
    key = load_or_make_key(folder / "server.key")
    with store.transact() as tx:
        token = machines.invite_machine(tx, MACHINE, clock.now(), clock)
    _take_in_sample_list(store, clock)
    store.close()
    return machines.pairing_string(api, key.public_key(), token)


def _sample_operator(folder: Path) -> Path:
    """Return the folder's file of who runs it: the sample's, until somebody writes their own."""
    from tallystick.kiosk import particulars

    kept = folder / particulars.FILE
    if not kept.exists():
        kept.write_bytes(particulars.SAMPLE.read_bytes())
    return kept


def _take_in_sample_list(store: Any, clock: Clock) -> None:
    """Take in a sample list of nobody: without one, whoever shows a document is barred."""
    from tallystick.kiosk.screening import lists, screen
    from tallystick.kiosk.screening.formats.read import published

    with store.transact() as tx:
        if not lists.newest(tx):
            found = published(Path(screen.__file__).parent / "sample.xml")
            screen.rescreen(tx, clock, lists.take_in(tx, clock, found, "the demo"))


def invite_operator(cell: Cell, clock: Clock) -> str:
    """Return a one-time link to the console for one more person."""
    from tallystick.cli.serve import database_of
    from tallystick.core.identity import people
    from tallystick.core.store import Store

    store = Store.open(database_of(cell.folder, ""))
    with store.transact() as tx:
        token = people.invite(tx, "Demo operator", people.Role.ADMIN, clock.now(), clock)
    store.close()
    return f"{cell.console}/invite/{token}"


def post(url: str, path: str, body: dict[str, Any]) -> None:
    """Post JSON to one of our own processes."""
    request = urllib.request.Request(  # noqa: S310 - our own process on loopback
        f"{url}/{path}", json.dumps(body).encode(), method="POST"
    )
    with urllib.request.urlopen(request, timeout=HTTP_S_MAX) as reply:  # noqa: S310
        reply.read()


def _fund(folder: Path, chain_url: str, signer: Path) -> None:
    """Give the hot wallet its coins, when it has few."""
    from tallystick.bitcoin.chain import open_chain
    from tallystick.bitcoin.signer.client import SignerClient
    from tallystick.bitcoin.wallet import HotWallet

    wallet = HotWallet(folder / "wallet.sqlite", *SignerClient(signer).public(), "regtest")
    open_chain(f"embedded:{chain_url}").sync(wallet)
    if wallet.balance().confirmed < FUND_BELOW_SATS:
        post(chain_url, "regtest/fund", {"address": wallet.next_address()})
