"""The demo's drawer: a kiosk screen in a frame, and beside it the things a customer would touch.

It exists only where a `Hardware` is given, which a real kiosk never does. The screen in the frame
is the real one, fed by real device bytes; the drawer only plays the hand that holds the notes.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Protocol, runtime_checkable

from tallystick.core.errors import TallystickError
from tallystick.edge.screen.pages import ENV
from tallystick.edge.screen.words import Words, drawing
from tallystick.edge.view import View
from tallystick.look import art

PRESENT_CHARS_MAX: Final = 512
NOTES: Final = (100, 500, 1_000, 2_000, 5_000, 10_000)
WRONG_NETWORK: Final = "bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4"
OTHER_COIN: Final = "ethereum:0x52908400098527886E0F7030069857D2E4169EE7"
UNREADABLE: Final = "bcrt1qnotanaddressatall"
SEEN: Final = {
    "lay_card": "Lay a card under the camera",
    "stand_before": "Stand before the camera",
    "cover_camera": "Cover the camera",
}
LABELS: Final = {
    "box_notes": "Notes in the cash box",
    "box_minor": "Cash in the cash box",
    "box_open": "Cash box open",
    "validator": "Bill validator",
    "escrow_minor": "Note in escrow",
    "jammed": "Jammed",
    "link": "Server link",
    "headphones": "Headphones in",
    "journal_seq": "Journal entries",
}


@runtime_checkable
class Hardware(Protocol):
    """What the demo's hands can do. Sums in minor units."""

    def insert(self, minor: int) -> None:
        """Put in one good note."""

    def insert_bad(self) -> None:
        """Put in a torn note."""

    def jam(self) -> None:
        """Make the next note stick."""

    def clear(self) -> None:
        """Clear the jam."""

    def power_cycle(self) -> None:
        """Cut the validator's power and give it back."""

    def present(self, text: str) -> None:
        """Hold a QR code with this text over the scanner."""

    def fresh_address(self) -> str:
        """Return a new address of a customer's wallet on the demo's chain."""

    def last_print(self) -> str:
        """Return the last paper as text, or nothing."""

    def state(self) -> dict[str, Any]:
        """Return how the devices are."""


@runtime_checkable
class CashBox(Protocol):
    """A hardware whose cash box opens."""

    def open_box(self) -> None:
        """Take the cash box out."""

    def close_box(self) -> None:
        """Put it back."""


@runtime_checkable
class ServerLink(Protocol):
    """A hardware whose network cable can be pulled."""

    def cut_link(self) -> None:
        """Lose the server."""

    def restore_link(self) -> None:
        """Find it again."""


@runtime_checkable
class Pocket(Protocol):
    """A hardware whose customer has a card to show and a telephone that gets messages."""

    def show_licence(self) -> None:
        """Hold a made-up driver's licence over the scanner."""

    def last_text(self) -> str:
        """Return the last message to the telephone, or nothing."""


@runtime_checkable
class Sight(Protocol):
    """A hardware with a camera, and things to put before it."""

    def lay_card(self) -> None:
        """Lay a made-up card under the camera."""

    def stand_before(self) -> None:
        """Have somebody without a face stand before the camera."""

    def cover_camera(self) -> None:
        """Put a hand over the lens."""


@runtime_checkable
class Ears(Protocol):
    """A hardware whose customer has headphones, and a jack to put them in."""

    def plug_in(self) -> None:
        """Put the headphones in."""

    def pull_out(self) -> None:
        """Take them out."""


class NoSuchAct(TallystickError):
    """The drawer has no such button, or its field makes no sense."""

    code, say = 5302, "kiosk.try_again"


@dataclass(frozen=True, slots=True)
class Button:
    """One act of the drawer."""

    act: str
    label: str
    value: str = ""


def act(hardware: Hardware, name: str, value: str) -> None:
    """Do one act; raise `NoSuchAct` for anything the drawer does not offer."""
    if name == "insert":
        if not (value.isascii() and value.isdigit() and int(value) in NOTES):
            raise NoSuchAct(f"no note of {value[:20]!r}")
        hardware.insert(int(value))
    elif name == "present":
        if not 0 < len(value) <= PRESENT_CHARS_MAX:
            raise NoSuchAct(f"a code holds 1 to {PRESENT_CHARS_MAX} characters")
        hardware.present(value)
    elif name in _plain(hardware):
        getattr(hardware, name)()
    else:
        raise NoSuchAct(f"no act {name[:20]!r}")


def _plain(hardware: Hardware) -> tuple[str, ...]:
    box = ("open_box", "close_box") if isinstance(hardware, CashBox) else ()
    link = ("cut_link", "restore_link") if isinstance(hardware, ServerLink) else ()
    card = ("show_licence",) if isinstance(hardware, Pocket) else ()
    seen = tuple(SEEN) if isinstance(hardware, Sight) else ()
    ears = ("plug_in", "pull_out") if isinstance(hardware, Ears) else ()
    always = ("insert_bad", "jam", "clear", "power_cycle")
    return (*always, *box, *link, *card, *ears, *seen)


def draw_frame() -> str:
    """Return the page that holds the kiosk and the drawer, each in its own frame."""
    return ENV.get_template("hardware.html").render(mark=drawing(art.mark()))


def draw_drawer(hardware: Hardware, view: View, address: str) -> str:
    """Return the drawer; ``address`` fills the box of the QR code."""
    words = Words("en", view.currency)
    offered = _plain(hardware)
    trouble = [
        Button("insert_bad", "A torn note"),
        Button("jam", "Jam the next note"),
        Button("clear", "Clear the jam"),
        Button("power_cycle", "Cut its power"),
        Button("open_box", "Take out the cash box"),
        Button("close_box", "Put the cash box back"),
        Button("cut_link", "Lose the server"),
        Button("restore_link", "Find the server"),
    ]
    return ENV.get_template("drawer.html").render(
        view=view,
        sprite=drawing(art.SPRITE),
        icon=lambda name: drawing(art.icon(name)),
        notes=[
            {"minor": minor, "text": words.plain_short(minor), "width": minor // 100}
            for minor in NOTES
        ],
        trouble=[button for button in trouble if button.act in offered],
        codes=[
            Button("present", "Other network", WRONG_NETWORK),
            Button("present", "Other coin", OTHER_COIN),
            Button("present", "Nonsense", UNREADABLE),
        ],
        address=address,
        card="show_licence" in offered,
        seen=[Button(act_, label) for act_, label in SEEN.items() if act_ in offered],
        ears="plug_in" in offered,
        text=hardware.last_text() if isinstance(hardware, Pocket) else "",
        paper=hardware.last_print(),
        state=_state(hardware.state(), words),
    )


def _state(state: Mapping[str, Any], words: Words) -> list[tuple[str, str]]:
    found = []
    for name, value in state.items():
        label = LABELS.get(name, name.replace("_", " ").removesuffix(" minor").capitalize())
        if name.endswith("_minor") and isinstance(value, int):
            found.append((label, words.plain_money(value)))
        elif isinstance(value, bool):
            found.append((label, "yes" if value else "no"))
        else:
            found.append((label, str(value)))
    return found
