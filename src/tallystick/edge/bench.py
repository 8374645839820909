"""The demo's hands: they put notes into the simulated validator and hold codes over the scanner.

Everything they do reaches the machine as bytes on its serial ports; only pulling the network cable
is played inside this process.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from tallystick.bitcoin.signer.vault import open_keys
from tallystick.bitcoin.wallet import HotWallet
from tallystick.core.clock import Clock
from tallystick.devices import sample_pictures
from tallystick.devices.headphones import event
from tallystick.devices.id003.control import Hands
from tallystick.edge.engine import Engine
from tallystick.edge.settings import Settings
from tallystick.edge.telephone import SAMPLE_LICENCE, TELEPHONE


def customer_address(folder: Path, clock: Clock, network: str = "regtest") -> str:
    """Return a new address of a customer's own wallet, kept in a folder apart."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    keys = open_keys(folder / "keys", network, clock)
    path = folder / "wallet.sqlite"
    return HotWallet(path, keys.external, keys.internal, network).next_address()


def _node(path: Path) -> int:
    """Make a FIFO where the jack's event node would be, and hold its other end."""
    if not path.exists():
        os.mkfifo(path, 0o600)
    return os.open(path, os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC)


class Bench:
    """What the drawer beside the screen can do."""

    def __init__(self, settings: Settings, engine: Engine, clock: Clock) -> None:
        self._hands = Hands(Path(settings.hands))
        self._engine, self._clock = engine, clock
        self._customer = settings.data.parent / "customer"
        self._before_camera = Path(settings.camera.partition(":")[2])
        self._papers = Path(settings.printer.partition(":")[2])
        self._jack = _node(Path(settings.headphones)) if settings.headphones else -1

    def insert(self, minor: int) -> None:
        """Put in one good note."""
        self._hands.insert(minor)

    def insert_bad(self) -> None:
        """Put in a torn note."""
        self._hands.insert_bad()

    def jam(self) -> None:
        """Make the next note stick."""
        self._hands.jam()

    def clear(self) -> None:
        """Clear the jam."""
        self._hands.clear()

    def power_cycle(self) -> None:
        """Cut the validator's power and give it back."""
        self._hands.power_cycle()

    def open_box(self) -> None:
        """Take the cash box out."""
        self._hands.open_box()

    def close_box(self) -> None:
        """Put it back."""
        self._hands.close_box()

    def cut_link(self) -> None:
        """Lose the server."""
        self._engine.link.cut = True

    def restore_link(self) -> None:
        """Find it again."""
        self._engine.link.cut = False
        self._engine.link.wake()

    def present(self, text: str) -> None:
        """Hold a QR code with this text over the scanner."""
        self._hands.present(text)

    def show_licence(self) -> None:
        """Hold a made-up driver's licence over the scanner."""
        self._hands.present(SAMPLE_LICENCE)

    def lay_card(self) -> None:
        """Lay a made-up card under the camera."""
        sample_pictures.lay(self._before_camera, "card")

    def stand_before(self) -> None:
        """Have somebody without a face stand before the camera."""
        sample_pictures.lay(self._before_camera, "figure")

    def cover_camera(self) -> None:
        """Put a hand over the lens."""
        sample_pictures.lay(self._before_camera, "covered")

    def plug_in(self) -> None:
        """Put headphones in."""
        self._plug(inserted=True)

    def pull_out(self) -> None:
        """Take them out."""
        self._plug(inserted=False)

    def _plug(self, inserted: bool) -> None:
        """Write what the kernel writes; a bench without a jack does nothing."""
        if self._jack >= 0:
            os.write(self._jack, event(inserted))

    def last_text(self) -> str:
        """Return the last text message to the customer's telephone, or nothing."""
        path = self._customer / TELEPHONE
        return path.read_text("utf-8") if path.exists() else ""

    def fresh_address(self) -> str:
        """Return a new address of the demo customer's wallet."""
        return customer_address(self._customer, self._clock)

    def last_print(self) -> str:
        """Return the last paper as text, or nothing."""
        found = sorted(self._papers.glob("*.txt"))
        return found[-1].read_text("utf-8") if found else ""

    def state(self) -> dict[str, Any]:
        """Return how the devices are."""
        held = self._hands.state()
        return {
            "validator": str(held["state"]).replace("_", " "),
            "box_notes": len(held["box"]),
            "box_minor": sum(held["box"]),
            "escrow_minor": int(held["escrow_minor"]),
            "jammed": bool(held["jammed"]),
            "box_open": bool(held["box_open"]),
            "headphones": self._engine.view().private,
            "link": "cut" if self._engine.link.cut else "up",
        }
