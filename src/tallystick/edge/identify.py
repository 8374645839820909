"""The pages on which a customer shows who they are, one after the other.

A number and its code, a document, a picture of it, an e-mail address, a picture of the customer,
the source of the money: only what law or policy asks is asked, in the server's order, and each page
says who asks. What is typed, read or seen stays in memory for its page: it is not in the machine's
journal, nor in any log, nor on its disk, and gone with the page. The server reads and judges it;
this machine learns only what was taken.
"""

from __future__ import annotations

import urllib.parse
from collections.abc import Callable, Sequence
from typing import Any, Final

from tallystick.core.errors import TallystickError
from tallystick.devices.camera import Picture
from tallystick.edge.errors import ServerSaid
from tallystick.edge.outside import Outside
from tallystick.edge.stage import Stage
from tallystick.edge.view import Say, Screen, Touch
from tallystick.kiosk import wire

DIGITS_MAX: Final = 17
"""The longest number with its prefix for abroad; a code is shorter."""
CODE_DIGITS: Final = 6
DOCUMENT_CHARS_MAX: Final = 2_048
PAGES: Final = {
    "phone": Screen.PHONE,
    "document": Screen.DOCUMENT,
    "copy": Screen.COPY,
    "email": Screen.MAIL,
    "photo": Screen.PHOTO,
    "source": Screen.SOURCE,
}
PICTURES: Final = {Screen.COPY: "copy", Screen.PHOTO: "photo"}
LONGEST: Final = {
    Screen.PHONE: DIGITS_MAX,
    Screen.CODE: CODE_DIGITS,
    Screen.MAIL: wire.MAIL_CHARS_MAX,
}
"""How much may be typed on each page."""
NOTHING: Final[dict[str, Any]] = {
    "ask": None,
    "typed": "",
    "number": "",
    "show_more": (),
    "pictured": 0,
    "shooting": False,
}
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
    "no_address": Say("who.no_address", "stop"),
    "bad_mail": Say("who.bad_mail", "care"),
    "full": Say("kiosk.call_us", "stop"),
}
KEPT_TYPED: Final = frozenset({"bad_phone", "bad_mail"})
"""After these, what was typed stays, to be mended."""


class Identify:
    """One visit's way through these pages; ``onward`` goes on once everything asked was shown."""

    def __init__(self, stage: Stage, out: Outside, onward: Callable[[Screen], None]) -> None:
        self._stage, self._out, self._onward = stage, out, onward
        self._ticket = 0
        self.clear()

    def clear(self) -> None:
        """Forget the visit, and any picture of it."""
        self.asking = False
        self._purchase, self._to = "", Screen.ADDRESS
        self._wanted: list[wire.IdentityAsk] = []
        self._shown: set[str] = set()
        self._number = ""
        self._drop()

    def _drop(self) -> None:
        """Let the picture go, and any that is still being taken."""
        self._jpeg: bytes | None = None
        self._ticket += 1

    def acts(self) -> dict[Touch, Callable[[dict[str, Any]], None]]:
        """Return what each touch of these pages does."""
        return {
            Touch.DIGIT: lambda given: self._add(given["digit"], Screen.PHONE, Screen.CODE),
            Touch.LETTER: lambda given: self._add(given["letter"], Screen.MAIL),
            Touch.DELETE: lambda _: self._type(self._stage.view.typed[:-1]),
            Touch.ENTER: lambda _: self._enter(),
            Touch.NEW_CODE: lambda _: self._text() if self._on(Screen.CODE) else None,
            Touch.OTHER_NUMBER: lambda _: self._next() if self._on(Screen.CODE) else None,
            Touch.SOURCE: lambda given: self._say_source(given["source"]),
            Touch.TAKE: lambda _: self._take(),
            Touch.USE: lambda _: self._use(),
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
        self._drop()
        if left:
            fresh = {**NOTHING, "ask": left[0], "show_more": self._stage.view.show_more}
            self._stage.go(PAGES[left[0].item], say, **fresh)
        else:
            self._stage.show(ask=None, typed="", number="", pictured=0, shooting=False)
            self._onward(self._to)

    # --- what is typed ---------------------------------------------------------------------------

    def _add(self, text: str, *screens: Screen) -> None:
        if self._on(*screens):
            self._type(self._stage.view.typed + text)

    def _type(self, text: str) -> None:
        most = LONGEST.get(self._stage.view.screen, 0)
        if most and not self.asking and len(text) <= most:
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
        elif self._on(Screen.MAIL):
            self._ask("email", wire.MailAsk(address=typed))

    def _text(self) -> None:
        if not self.asking:
            self._ask("phone", wire.PhoneAsk(phone=self._number))

    def _say_source(self, source: str) -> None:
        if self._on(Screen.SOURCE) and not self.asking:
            self._ask("source", wire.SourceAsk(source=source))

    # --- what is read ----------------------------------------------------------------------------

    def scanned(self, text: str) -> None:
        """Take in what the scanner read; what is no document is said to be none by the server.

        An e-mail address is put where it would have been typed, to be looked at first.
        """
        if self._on(Screen.DOCUMENT) and not self.asking:
            self._ask("document", wire.DocumentAsk(text=text[:DOCUMENT_CHARS_MAX]))
        elif self._on(Screen.MAIL) and not self.asking:
            found = mail_in(text)
            if found:
                self._type(found)
            else:
                self._stage.show(say=SAYS["bad_mail"])

    # --- what is seen ----------------------------------------------------------------------------

    @property
    def picture(self) -> bytes | None:
        """Return the picture that is on the screen, if one is."""
        return self._jpeg if self._on(*PICTURES) else None

    def _take(self) -> None:
        view = self._stage.view
        if self._on(*PICTURES) and not (self.asking or view.shooting):
            self._drop()
            self._stage.show(shooting=True, pictured=0, say=None)
            self._out.take_picture(self._ticket)

    def taken(self, ticket: int, found: Picture | None, error: TallystickError | None) -> None:
        """Take in a picture, or why there is none; one for a page that was left is let go."""
        if ticket != self._ticket or not self._on(*PICTURES):
            return
        if found is None:
            key = error.say if error else "who.no_camera"
            self._stage.show(shooting=False, pictured=0, say=Say(key, "care"))
        else:
            self._jpeg = found.jpeg
            self._stage.show(shooting=False, pictured=ticket, say=None)

    def _use(self) -> None:
        if self._jpeg is not None and self._on(*PICTURES) and not self.asking:
            self.asking = True
            item = PICTURES[self._stage.view.screen]
            self._out.ask_picture(self._purchase, item, self._jpeg)

    # --- what the server says --------------------------------------------------------------------

    def _ask(self, name: str, message: wire.Message) -> None:
        self.asking = True
        self._out.ask_identity(self._purchase, name, message)

    def told(self, said: wire.Identity | None, error: TallystickError | None = None) -> None:
        """Take in what the server took, that it refused, or that it was not reached."""
        self.asking = False
        if not self._on(*SCREENS):
            return
        if said is None:
            refused = isinstance(error, ServerSaid)
            key = error.their_say if isinstance(error, ServerSaid) else "kiosk.server_lost"
            self._stage.say(key or "kiosk.try_again", "stop" if refused else "wait")
            return
        self._shown = set(said.shown)
        if said.said == "sent":
            ending = f"•••• {self._number[-2:]}"
            self._stage.go(Screen.CODE, typed="", number=ending)
        elif said.said in SAYS:
            typed = self._stage.view.typed if said.said in KEPT_TYPED else ""
            self._stage.show(say=SAYS[said.said], typed=typed)
        else:
            self._next()


def mail_in(text: str) -> str:
    """Return the e-mail address in a code, or nothing: ``mailto:`` (RFC 6068), MATMSG, or bare."""
    kind, colon, rest = text.strip().partition(":")
    if colon and kind.lower() == "mailto":
        text = urllib.parse.unquote(rest.partition("?")[0])
    elif colon and kind.upper() == "MATMSG":
        text = rest.partition("TO:")[2].partition(";")[0]
    text = text.strip()
    return text if "@" in text and len(text) <= wire.MAIL_CHARS_MAX and text.isascii() else ""
