"""What the kiosk screen shows, as one frozen value: the engine makes it, the pages draw it.

The engine alone changes it. A page never computes: every sum here came from the server, or was
counted by the validator and is on disk. ``version`` grows with each change, so that a page can
wait for the next one.
"""

from __future__ import annotations

import datetime as dt
import enum
from dataclasses import dataclass, field
from typing import Final

from tallystick.kiosk import wire
from tallystick.kiosk.model import Sums

VOLUME: Final = 60
"""Percent of the loudspeaker's full level, until a machine's own is set."""
VOLUME_MAX: Final = 100


class Screen(enum.StrEnum):
    """Which page is up, in the order of a visit."""

    START = "start"
    LANGUAGE = "language"
    HELP = "help"
    SCAM = "scam"
    COST = "cost"
    WARNING = "warning"
    SCAN = "scan"
    ADDRESS = "address"
    PHONE = "phone"
    CODE = "texted"
    DOCUMENT = "document"
    COPY = "copy"
    MAIL = "mail"
    PHOTO = "photo"
    SOURCE = "source"
    CARE = "care"
    QUESTION = "question"
    WAITING = "waiting"
    SLIP = "slip"
    STANDING = "standing"
    CASH = "cash"
    REVIEW = "review"
    SENDING = "sending"
    RECEIPT = "receipt"
    STOPPED = "stopped"
    SAFE = "safe"
    CLOSED = "closed"


class Touch(enum.StrEnum):
    """Everything a person can do at the screen."""

    START = "start"
    SCAM = "scam"
    HELP = "help"
    BACK = "back"
    CHOOSE_LANGUAGE = "choose_language"
    LANGUAGE = "language"
    TEXT = "text"
    THEME = "theme"
    LISTEN = "listen"
    """Read this page aloud, and each page that follows."""
    HUSH = "hush"
    LOUDER = "louder"
    QUIETER = "quieter"
    HIDE = "hide"
    SHOW_ADDRESS = "show_address"
    ACCEPT_COST = "accept_cost"
    ACKNOWLEDGE = "acknowledge"
    TYPE_ADDRESS = "type_address"
    ADDRESS_YES = "address_yes"
    ADDRESS_NO = "address_no"
    NO_MORE = "no_more"
    MORE_CASH = "more_cash"
    SEND = "send"
    ACCEPT_PRICE = "accept_price"
    STOP = "stop"
    QUIET = "quiet"
    """Stop, and tell an operator without a word on the screen."""
    PROCEED = "proceed"
    ANSWER = "answer"
    AGAIN = "again"
    DIGIT = "digit"
    DELETE = "delete"
    ENTER = "enter"
    NEW_CODE = "new_code"
    OTHER_NUMBER = "other_number"
    SOURCE = "source"
    LETTER = "letter"
    TAKE = "take"
    """Take a picture, or take it again."""
    USE = "use"
    """Keep the picture that is on the screen."""
    IDENTIFY = "identify"
    """Show what more cash needs, from the page of the cash."""
    STILL_HERE = "still_here"
    REPRINT = "reprint"
    RECEIPT = "receipt"
    PAPER = "paper"
    """Come back with a slip or a receipt."""
    SLIP_STOP = "slip_stop"
    CLAIM = "claim"
    DONE = "done"


@dataclass(frozen=True, slots=True)
class Note:
    """One note of this visit, shown only after *stacked* is on disk."""

    minor: int
    new: bool = False


@dataclass(frozen=True, slots=True)
class Say:
    """A small message: a text key with its values, and how it looks (good, wait, care, stop)."""

    key: str
    kind: str
    values: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class View:
    """The whole screen at one moment. Money in minor units of ``currency``; coin in satoshis."""

    version: int
    screen: Screen
    language: str = "en"
    text_percent: int = 100
    theme: str = "light"
    listening: bool = False
    """True while each page is read aloud as it comes up."""
    private: bool = False
    """True while headphones are in: what is typed may be spoken."""
    volume: int = VOLUME
    """Loudness of the voice, in percent of the loudspeaker's full level."""
    hide_sums: bool = False
    show_address: bool = False
    now: dt.datetime | None = None
    offer: wire.Offer | None = None
    warning: wire.Warning | None = None
    """The warning on screen when ``screen`` is WARNING."""
    care: wire.Care | None = None
    """What stands between this customer and a scam, as the server says it."""
    asleep: bool = False
    """True while the way forward from a warning waits for its reading time."""
    question: wire.CareQuestion | None = None
    """The question on screen when ``screen`` is QUESTION."""
    ask: wire.IdentityAsk | None = None
    """What the page asks a customer to show, and by which law or policy."""
    typed: str = ""
    """What was typed on the page of a number, a code or an e-mail address; nowhere else, and gone
    with the page."""
    number: str = ""
    """The end of the number to which a code went."""
    pictured: int = 0
    """Which picture is on the page, by its number; 0: none. The picture itself is not here."""
    shooting: bool = False
    """True while the camera takes one."""
    show_more: tuple[wire.IdentityAsk, ...] = ()
    """What must be shown before more cash can go in."""
    quote: wire.Quote | None = None
    reference: str = ""
    address: str = ""
    currency: str = "USD"
    notes: tuple[Note, ...] = ()
    cash_minor: int = 0
    fee_minor: int = 0
    worth_minor: int = 0
    sats: int = 0
    left_minor: int = 0
    refused: tuple[int, ...] = ()
    """Values not taken now, because they would pass a limit."""
    accepting: bool = False
    busy: bool = False
    """True while a note is inside the machine: buttons wait."""
    price_changed: bool = False
    purchase: wire.PurchaseView | None = None
    slip: wire.Slip | None = None
    """Where the purchase of a paper stands that was brought back."""
    say: Say | None = None
    still_there: bool = False
    """True when the time-out dialog is up."""
    closes_at: dt.datetime | None = None
    """When the screen closes if nobody touches it; a clock time, never a countdown."""
    server_lost: bool = False
    stuck_minor: int = 0
    """A note that may be jammed inside and is not counted yet."""
    printed: bool = False
    demo: bool = False
    extras: tuple[tuple[str, str], ...] = field(default=())


def place(view: View) -> str:
    """Name the page: each warning is a page of its own, on which nothing stays ticked."""
    if view.screen is Screen.WARNING and view.warning is not None:
        return f"warning-{view.warning.id}"
    if view.screen is Screen.QUESTION and view.question is not None:
        return f"question-{view.question.id}"
    return view.screen.value


def sums_shown(total: Sums) -> dict[str, int]:
    """Return the view's sums from a purchase's."""
    return {
        "cash_minor": total.cash.minor,
        "fee_minor": total.fee.minor,
        "worth_minor": total.worth.minor,
        "sats": total.sats.minor,
    }
