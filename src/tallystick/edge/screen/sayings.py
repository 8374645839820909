"""What the small messages say: from the engine's text keys to one or two calm sentences.

Each says what happened, where the money is, and what to do; it never blames (Decision 10). A key
that nobody knows here still gets a true sentence, so that a new error cannot blank the screen.

============================ ====== ================================================================
key                          kind   values that the engine may give, in minor units
============================ ====== ================================================================
``kiosk.counted``            good   ``amount_minor``: the note, else the last one of the view
``kiosk.recovered``          good   ``amount_minor``: as above
``kiosk.printed``            good
``kiosk.returned``           wait
``kiosk.server_lost``        wait   none; with cash in, ``View.server_lost`` says it better
``kiosk.price_changed``      wait   none; ``View.price_changed`` shows it and swallows this one
``kiosk.limit``              care   ``left_minor``, ``most_minor``; else of the view and the offer
``kiosk.not_taken``          care
``kiosk.unreadable``         care
``kiosk.below_minimum``      care   ``least_minor``; else the offer's
``kiosk.no_paper``           care
``kiosk.bad_address``        care
``kiosk.read_warning``       care
``kiosk.try_again``          care   also any unknown key of kind good, wait or care
``scan.unreadable``          care
``scan.wrong_network``       care
``scan.other_coin``          care
``scan.lightning``           care
``kiosk.no_price``           wait
``kiosk.identify``           care   as ``who.more``
``who.more``                 care
``slip.unknown``             care
``slip.bad_digits``          care
``slip.unread``              care
``slip.too_many``            stop
``slip.gone``                stop
``who.bad_phone``            care
``who.wrong_code``           care
``who.code_ended``           care
``who.document_unread``      care
``who.bad_mail``             care
``who.no_camera``            care
``who.too_dark``             care
``who.locked``               stop
``who.document_old``         stop
``who.too_young``            stop
``who.no_address``           stop
``kiosk.law``                stop
``kiosk.note_jammed``        stop   none; ``View.stuck_minor`` shows the same sentence by itself
``kiosk.closed``             stop
``closed.law``               stop   as ``kiosk.closed``
``kiosk.call_us``            stop   also any unknown key of kind stop
============================ ====== ================================================================

A value named ``…_minor`` is a sum and fills ``{…}``; others are taken as they are. A value that a
sentence needs and the engine did not give is read from the view. Of ``View.extras`` the pages read
one: ``receipt_url``, the web address that the receipt's QR code holds (else a plain code).
"""

from __future__ import annotations

from typing import Any, Final

from markupsafe import Markup

from tallystick.edge.screen.words import Words
from tallystick.edge.view import Say, View


def _(text: str) -> str:
    """Mark a sentence for the catalogues."""
    return text


RETRY: Final = _("That did not work. Your money is where it was. Please try again.")
CALL: Final = _("We need to look at this. Your money is written down and safe. Please call us.")
UNREAD_CODE: Final = _(
    "We cannot read this code yet. Turn your phone’s screen brighter and hold it flat."
)
UNREAD_BILL: Final = _(
    "We could not read that bill. It is back in the slot. Try it the other way up."
)
OTHER_NETWORK: Final = _(
    "This code is for a different bitcoin network. Please show one from your own wallet."
)
BACK_IN_SLOT: Final = _("We gave that bill back. It is in the slot.")
LIMIT: Final = _(
    "That bill would take you over {most} today, so we gave it back. You can still put in {left}."
)
NEED_MORE: Final = _("You need at least {least} to buy. Put in more, or stop.")
NEAR_LIMIT: Final = _("You can put in {left} more today. We give back bigger bills.")
LOST: Final = _("The connection is slow. We are trying again.")
LOST_WITH_CASH: Final = _(
    "The connection is slow. Your {amount} is counted and safe. Wait, or stop and call."
)
CLOSES: Final = _(
    "If nobody touches the screen by {time}, we close your visit. You have put in nothing."
)
CLOSES_WITH_CASH: Final = _(
    "If nobody touches the screen by {time}, we close this screen and print a slip for your "
    "{amount}. The money stays yours."
)
STUCK: Final = _(
    "A bill is stuck. We have not counted it yet. A person will open the machine and count it. "
    "Your slip says so."
)
NO_PAPER: Final = _("The printer has no paper. Please write down your number, or take a picture.")
CLOSED: Final = _("This machine had to close. It takes no more cash now.")
NEW_PRICE: Final = _(
    "The price has changed. Your {amount} now buys {coin}. Say yes, or take your cash back."
)

WHO_MORE: Final = _(
    "Before more cash can go in, you must show who you are. What you have put in is counted and "
    "safe."
)

SAYINGS: Final[dict[str, str]] = {
    "kiosk.try_again": RETRY,
    "kiosk.call_us": CALL,
    "kiosk.price_changed": NEW_PRICE,
    "kiosk.below_minimum": NEED_MORE,
    "kiosk.bad_address": _("This is not a bitcoin address. Please show it again. We sent nothing."),
    "kiosk.read_warning": _("Please read the warning first. Then we go on."),
    "kiosk.no_price": _("We have no safe price at this moment. Please try again in a few minutes."),
    "kiosk.closed": CLOSED,
    "kiosk.law": _("The law here does not let us do that. Your money is where it was."),
    "kiosk.note_jammed": STUCK,
    "kiosk.counted": _("We counted your {amount}."),
    "kiosk.returned": BACK_IN_SLOT,
    "kiosk.unreadable": UNREAD_BILL,
    "kiosk.limit": LIMIT,
    "kiosk.not_taken": _("This machine does not take that bill. It is back in the slot."),
    "kiosk.recovered": _(
        "The power was off for a moment. We counted your {amount}. Nothing is lost."
    ),
    "kiosk.no_paper": NO_PAPER,
    "kiosk.printed": _("Your paper is coming out below the screen."),
    "kiosk.server_lost": LOST,
    "scan.unreadable": UNREAD_CODE,
    "scan.wrong_network": OTHER_NETWORK,
    "scan.other_coin": _(
        "This code is for a different coin. Please show a bitcoin code. Nothing was sent."
    ),
    "scan.lightning": _(
        "This is a Lightning code. Please choose “bitcoin” or “on-chain” in your wallet."
    ),
    "closed.law": CLOSED,
    "kiosk.identify": WHO_MORE,
    "who.more": WHO_MORE,
    "slip.unknown": _("We know no purchase with this number. Look at your paper, or call us."),
    "slip.bad_digits": _("These are not the 16 digits of a paper of ours. Please look again."),
    "slip.unread": _("This is not the code of a slip or a receipt. Hold the paper flat."),
    "slip.too_many": _("Too many wrong numbers here. Please wait an hour, or call us."),
    "slip.gone": _("It was too late to stop: it is being sent. You can ask for your money back."),
    "who.bad_phone": _("That is not a whole phone number. Please look at it again."),
    "who.wrong_code": _("That is not the code. Please look at the newest message again."),
    "who.code_ended": _("That code has ended. Ask for a new one."),
    "who.locked": _("Too many tries with this number. Please wait an hour, or call us."),
    "who.document_unread": _("We cannot read this card yet. Hold the wide barcode flat."),
    "who.document_old": _("This card has run out. Please show one that is still good."),
    "who.no_address": _(
        "This card does not say where you live. Please show one that does, or call us."
    ),
    "who.bad_mail": _("That is not a whole email address. Please look at it again."),
    "who.no_camera": _("The camera does not work now. We took no picture. Try again, or call us."),
    "who.too_dark": _("It is too dark to see anything. We kept nothing. Please take it again."),
    "who.too_young": _("The rules here do not let us sell to you. Your money is where it was."),
}
ENDINGS: Final[tuple[tuple[str, str], ...]] = (
    ("jammed", STUCK),
    ("stuck", STUCK),
    ("unreadable", UNREAD_BILL),
    ("rejected", UNREAD_BILL),
    ("returned", BACK_IN_SLOT),
    ("paper", NO_PAPER),
    ("closed", CLOSED),
)
"""For keys not listed: what their last word surely means."""


def sentence(say: Say, view: View, words: Words) -> Markup:
    """Return the message in the reader's tongue."""
    return words.say(_template(say, view), **_values(say, view, words))


def _template(say: Say, view: View) -> str:
    if say.key == "kiosk.limit" and not (view.offer and view.offer.day_max_minor):
        return NEAR_LIMIT
    known = SAYINGS.get(say.key)
    if known is not None:
        return known
    for ending, text in ENDINGS:
        if say.key.endswith(ending):
            return text
    return RETRY if say.kind in ("good", "wait", "care") else CALL


def _values(say: Say, view: View, words: Words) -> dict[str, Any]:
    least = view.offer.purchase_min_minor if view.offer else 0
    values: dict[str, Any] = {
        "amount": words.sum(view.notes[-1].minor if view.notes else view.cash_minor),
        "left": words.sum(view.left_minor),
        "least": words.short(least),
        "most": words.short(view.offer.day_max_minor if view.offer else 0),
        "coin": words.coin(view.sats),
    }
    for name, value in say.values:
        if name.endswith("minor") and value.isascii() and value.isdigit():
            values[name.removesuffix("minor").removesuffix("_") or "amount"] = words.sum(int(value))
        else:
            values[name] = value
    return values
