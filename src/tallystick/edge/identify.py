"""The pages on which a customer shows who they are: number, code, document, source of the money.

Only what law or policy asks is asked, in the server's order, and each page says who asks. What is
typed or read stays in memory for its page: it is not in the machine's journal, nor in any log, and
gone with the page. The server reads and judges it; this machine learns only what was taken.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final

from tallystick.edge.outside import Outside
from tallystick.edge.stage import Stage
from tallystick.edge.view import Say, Screen, Touch
from tallystick.kiosk import wire

DIGITS_MAX: Final = 17
"""The longest number with its prefix for abroad; a code is shorter."""
CODE_DIGITS: Final = 6
DOCUMENT_CHARS_MAX: Final = 2_048
PAGES: Final = {"phone": Screen.PHONE, "document": Screen.DOCUMENT, "source": Screen.SOURCE}
NOTHING: Final[dict[str, Any]] = {"ask": None, "typed": "", "number": "", "show_more": ()}
"""What these pages leave on the view: nothing."""
SCREENS: Final = frozenset({*PAGES.values(), Screen.CODE})
SAYS: Final = {
    "bad_phone": Say("who.bad_phone", "care"),
    "wrong": Say("who.wrong_code", "care"),
    "expired": Say("who.code_ended", "care"),
    "locked": Say("who.locked", "stop"),
    "too_many": Say("who.locked", "stop"),
    "unreadable": Say("who.document_unread", "care"),
    "out_of_date": Say("who.document_old", "stop"),
    "too_young": Say("who.too_young", "stop"),
}


class Identify:
    """One visit's way through these pages; ``onward`` goes on once everything asked was shown."""

    def __init__(self, stage: Stage, out: Outside, onward: Callable[[Screen], None]) -> None:
        self._stage, self._out, self._onward = stage, out, onward
        self.clear()

    def clear(self) -> None:
        """Forget the visit."""
        self.asking = False
        self._purchase, self._to = "", Screen.ADDRESS
        self._wanted: list[wire.IdentityAsk] = []
        self._shown: set[str] = set()
        self._number = ""

    def acts(self) -> dict[Touch, Callable[[dict[str, Any]], None]]:
        """Return what each touch of these pages does."""
        return {
            Touch.DIGIT: lambda given: self._type(self._stage.view.typed + given["digit"]),
            Touch.DELETE: lambda _: self._type(self._stage.view.typed[:-1]),
            Touch.ENTER: lambda _: self._enter(),
            Touch.NEW_CODE: lambda _: self._text() if self._on(Screen.CODE) else None,
            Touch.OTHER_NUMBER: lambda _: self._next() if self._on(Screen.CODE) else None,
            Touch.SOURCE: lambda given: self._say_source(given["source"]),
        }

    def _on(self, *screens: Screen) -> bool:
        return self._stage.view.screen in screens

    def lacks(self, asks: Sequence[wire.IdentityAsk]) -> bool:
        """Say whether something asked was not shown at this visit."""
        return any(one.item not in self._shown for one in asks)

    def begin(self, purchase: str, asks: Sequence[wire.IdentityAsk], to: Screen) -> None:
        """Ask for what is not shown yet, one page after the other, then go on to ``to``."""
        self._purchase, self._to = purchase, to
        self._wanted = [one for one in asks if one.item in PAGES]
        self._next()

    def _next(self, say: Say | None = None) -> None:
        left = [one for one in self._wanted if one.item not in self._shown]
        self._number = ""
        if left:
            self._stage.go(PAGES[left[0].item], say, ask=left[0], typed="", number="")
        else:
            self._stage.show(ask=None, typed="", number="")
            self._onward(self._to)

    def _type(self, text: str) -> None:
        most = DIGITS_MAX if self._on(Screen.PHONE) else CODE_DIGITS
        if self._on(Screen.PHONE, Screen.CODE) and not self.asking and len(text) <= most:
            self._stage.show(typed=text, say=None)

    def _enter(self) -> None:
        typed = self._stage.view.typed
        if self.asking or not typed:
            return
        if self._on(Screen.PHONE):
            self._number = typed
            self._text()
        elif self._on(Screen.CODE) and len(typed) == CODE_DIGITS:
            self._ask("code", wire.CodeAsk(phone=self._number, code=typed))

    def _text(self) -> None:
        if not self.asking:
            self._ask("phone", wire.PhoneAsk(phone=self._number))

    def _say_source(self, source: str) -> None:
        if self._on(Screen.SOURCE) and not self.asking:
            self._ask("source", wire.SourceAsk(source=source))

    def scanned(self, text: str) -> None:
        """Take in what the scanner read; what is no document is said to be none by the server."""
        if self._on(Screen.DOCUMENT) and not self.asking:
            self._ask("document", wire.DocumentAsk(text=text[:DOCUMENT_CHARS_MAX]))

    def _ask(self, name: str, message: wire.Message) -> None:
        self.asking = True
        self._out.ask_identity(self._purchase, name, message)

    def told(self, said: wire.Identity | None) -> None:
        """Take in what the server took, or that it was not reached."""
        self.asking = False
        if not self._on(*SCREENS):
            return
        if said is None:
            self._stage.say("kiosk.server_lost", "wait")
            return
        self._shown = set(said.shown)
        if said.said == "sent":
            ending = f"•••• {self._number[-2:]}"
            self._stage.go(Screen.CODE, typed="", number=ending)
        elif said.said in SAYS:
            typed = self._stage.view.typed if said.said == "bad_phone" else ""
            self._stage.show(say=SAYS[said.said], typed=typed)
        else:
            self._next()
