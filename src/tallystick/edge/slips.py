"""A paper brought back: its number by keys or square code, where its purchase stands, a claim.

It begins on the first page, also of a machine that is closed for cash. What is typed is gone with
the page. Where the money is, the server says; this machine shows it and prints it (Decision 4).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from tallystick.edge.outside import Outside
from tallystick.edge.stage import Stage
from tallystick.edge.view import Say, Screen, Touch
from tallystick.kiosk import wire
from tallystick.kiosk.digits import LENGTH, reference_in, reference_of

SCREENS: Final = frozenset({Screen.SLIP, Screen.STANDING})
BEGINS: Final = frozenset({Screen.START, Screen.CLOSED, Screen.SCAM})
SAYS: Final = {
    "unknown": Say("slip.unknown", "care"),
    "too_many": Say("slip.too_many", "stop"),
    "gone": Say("slip.gone", "stop"),
}
BAD: Final = Say("slip.bad_digits", "care")


class Slips:
    """One visit's way through these pages."""

    def __init__(self, stage: Stage, out: Outside) -> None:
        self._stage, self._out = stage, out
        self.clear()

    def clear(self) -> None:
        """Forget the visit."""
        self._asking = self._step = ""

    def acts(self) -> dict[Touch, Callable[[dict[str, Any]], None]]:
        """Return what each touch of these pages does."""
        return {
            Touch.PAPER: lambda _: self._begin(),
            Touch.DIGIT: lambda given: self._type(self._stage.view.typed + given["digit"]),
            Touch.DELETE: lambda _: self._type(self._stage.view.typed[:-1]),
            Touch.ENTER: lambda _: self._enter(),
            Touch.SLIP_STOP: lambda _: self._act("stop"),
            Touch.CLAIM: lambda _: self._act("claim"),
        }

    def _on(self, *screens: Screen) -> bool:
        return self._stage.view.screen in screens

    def _begin(self) -> None:
        view = self._stage.view
        if self._on(*BEGINS) and not view.address and view.purchase is None:
            self._stage.go(Screen.SLIP, typed="", slip=None)

    def _type(self, text: str) -> None:
        if self._on(Screen.SLIP) and not self._asking and len(text) <= LENGTH:
            self._stage.show(typed=text, say=None)

    def _enter(self) -> None:
        typed = self._stage.view.typed
        if self._on(Screen.SLIP) and not self._asking and typed:
            number = reference_of(typed)
            self._ask("", number) if number else self._stage.show(say=BAD)

    def scanned(self, text: str) -> None:
        """Take in what the scanner read: the square code of a slip or a receipt."""
        if self._on(Screen.SLIP) and not self._asking:
            number = reference_in(text)
            self._ask("", number) if number else self._stage.show(say=Say("slip.unread", "care"))

    def _act(self, step: str) -> None:
        slip = self._stage.view.slip
        may = slip is not None and (slip.may_stop if step == "stop" else slip.may_claim)
        if self._on(Screen.STANDING) and slip is not None and may and not self._asking:
            self._ask(step, slip.reference)

    def _ask(self, step: str, number: str) -> None:
        self._asking, self._step = number, step
        self._out.ask_slip(step, number)

    def told(self, number: str, slip: wire.Slip | None) -> None:
        """Take in the server's word, or that it was not reached; print what was done."""
        if number != self._asking or not self._on(*SCREENS):
            return
        step, self._asking = self._step, ""
        if slip is None:
            self._stage.say("kiosk.server_lost", "wait")
        elif not slip.reference:
            self._stage.show(say=SAYS.get(slip.said, BAD), typed="")
        else:
            say = SAYS.get(slip.said)
            self._stage.go(
                Screen.STANDING, say, slip=slip, typed="", currency=slip.currency, printed=False
            )
            if step and say is None:
                self._out.print_standing()
