"""The customer's half: what the receipt says, on the screen and on paper, from one list of rows.

It lists what a statute asks for: time, number, cash, fee in money and percent, price, coin, wallet,
payment; and the commitment with its salt, by which the customer can check our record and nobody
else can read it. Sums are the server's own (Decision 4).
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field
from typing import Any, Final

import segno
from markupsafe import Markup

from tallystick.core.money import Rounding
from tallystick.edge.screen.words import Words, drawing, figure
from tallystick.edge.view import View
from tallystick.look import art

DOWN: Final = Rounding.DOWN
QR_BORDER_MODULES: Final = 4
NAME_LINE: Final = "_" * 16


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the receipt: what, and how much; the same on the screen and on paper."""

    label: str
    value: Any
    small: Any = ""
    total: bool = False
    code: bool = False


@dataclass(frozen=True, slots=True)
class Stage:
    """One cut of the money path as the customer reads it: done, now, or still to come."""

    text: Markup
    state: str = ""
    when: Any = ""
    small: Any = ""


@dataclass(frozen=True, slots=True)
class Facts:
    """What a receipt says, out of the server's purchase where there is one."""

    reference: str
    at: dt.datetime | None
    cash: int
    fee: int
    worth: int
    sats: int
    price: int
    address: str
    txid: str = ""
    commitment: str = ""
    salt: str = ""
    confirmations: int = 0
    needed: int = 1
    done: dict[str, dt.datetime] = field(default_factory=dict)


def facts(view: View) -> Facts:
    """Gather the facts of a view; the server's purchase wins over what the screen counted."""
    bought = view.purchase
    if bought is None:
        price = view.quote.price_minor if view.quote else 0
        sums = (view.cash_minor, view.fee_minor, view.worth_minor, view.sats, price)
        return Facts(view.reference, view.now, *sums, view.address)
    done = {step.name: step.at for step in bought.path if step.at}
    return Facts(
        reference=bought.reference,
        at=done.get("paid_in") or done.get("counted") or view.now,
        cash=bought.cash_minor,
        fee=bought.fee_minor,
        worth=bought.worth_minor,
        sats=bought.sats,
        price=bought.price_minor,
        address=bought.address,
        txid=bought.txid,
        commitment=bought.commitment,
        salt=bought.salt,
        confirmations=bought.confirmations,
        needed=max(bought.confirmations_needed, 1),
        done=done,
    )


def fours(text: str) -> str:
    """Return text in groups of four, as people compare it."""
    return " ".join(text[i : i + 4] for i in range(0, len(text), 4))


def short(text: str) -> str:
    """Return the two ends of a long code: ``3f9a 0c41 … e27b 51d8``."""
    return text if len(text) <= 20 else f"{fours(text[:8])} … {fours(text[-8:])}"


def fee_label(view: View, words: Words) -> Markup:
    """Return ``Our fee, 12%``; the percent is the quote's, which the receipt must name."""
    terms = view.quote or view.offer
    if terms is None:
        return words.say("Our fee")
    return words.say("Our fee, {percent}", percent=words.percent(terms.fee_bp))


def path(view: View, words: Words) -> list[Stage]:
    """Return the four cuts of the money path: counted, sent, being checked, safe."""
    it = facts(view)
    sent, safe = "sent" in it.done or bool(it.txid), it.confirmations >= it.needed
    paid = it.done.get("counted") or it.done.get("paid_in") or it.at
    now = words.say("Now")
    wait = words.say("This takes about 10 to 60 minutes. It cannot get lost while you wait.")
    checking = "done" if safe else "now" if sent else ""
    return [
        Stage(
            words.say("We counted your {amount}", amount=words.sum(it.cash)),
            "done",
            words.at(paid) if paid else "",
        ),
        Stage(
            _sent(view, words, it.sats, sent),
            "done" if sent else "now",
            _when(it.done.get("sent"), words) or ("" if sent else now),
        ),
        Stage(
            words.say("The network is checking it"),
            checking,
            now if checking == "now" else "",
            checks(it, words) if safe else wait,
        ),
        Stage(
            words.say("Safe in your wallet"),
            "done" if safe else "",
            _when(it.done.get("confirmed"), words),
        ),
    ]


def _sent(view: View, words: Words, sats: int, sent: bool) -> Markup:
    """Say what becomes of the coins: sent, held by law, or being sent."""
    if sent:
        return words.say("We sent {coin}", coin=words.coin(sats))
    if view.purchase and view.purchase.held_until:
        return words.say("We are holding your bitcoin")
    return words.say("We are sending {coin}", coin=words.coin(sats))


def _when(at: dt.datetime | None, words: Words) -> Markup | str:
    return words.at(at) if at else ""


def checks(it: Facts, words: Words) -> Markup:
    """Return how many confirmations there are, of how many."""
    done = min(it.confirmations, it.needed)
    return words.count("{n} of {all} check done", "{n} of {all} checks done", done, all=it.needed)


def rows(view: View, words: Words) -> list[Row]:
    """Return the rows of the receipt."""
    it, say = facts(view), words.look_up
    found = [
        Row(say("Your number"), it.reference, code=True),
        Row(say("When"), words.day(it.at) if it.at else ""),
        Row(say("You put in"), words.sum(it.cash)),
        Row(fee_label(view, words), words.sum(-it.fee)),
        Row(say("You get bitcoin worth"), words.sum(it.worth), words.coin(it.sats), total=True),
        Row(say("Price of one bitcoin"), words.money(it.price)),
        Row(say("To your wallet"), short(it.address), code=True),
    ]
    if it.txid:
        found.append(Row(say("Payment"), short(it.txid), code=True))
    return [row for row in found if row.value]


def by_law(view: View, words: Words) -> list[Row]:
    """Return what the law of the place adds; a name that we do not know is a line to write on."""
    say = words.look_up
    drawn = {
        "name": lambda value: Row(say("Your name"), value or NAME_LINE),
        "spread": lambda value: Row(say("Added to the market price"), words.sum(0)),
        "source": lambda value: Row(say("The price comes from"), figure(value)),
    }
    lines = view.offer.receipt if view.offer else []
    return [drawn[line.code](line.value) for line in lines if line.code in drawn]


def _folded(view: View, words: Words) -> list[tuple[str, Any]]:
    """Return what the law adds, for the screen's folded part; a line to write on is paper's."""
    return [(row.label, row.value) for row in by_law(view, words) if row.value != NAME_LINE]


def numbers(view: View, words: Words) -> list[tuple[str, str]]:
    """Return the long numbers by which anybody with this receipt can check us."""
    it, say = facts(view), words.look_up
    found = [
        (say("Payment"), it.txid),
        (say("Your wallet’s address"), it.address),
        (say("Mark in our public record"), it.commitment),
        (say("Key to the mark"), it.salt),
    ]
    return [(label, text) for label, text in found if text]


def qr_text(view: View) -> str:
    """Return what the receipt's QR code holds: a web address if the operator has one."""
    it, extras = facts(view), dict(view.extras)
    url = extras.get("receipt_url", "")
    code = ":".join(part for part in (it.reference, it.commitment, it.salt) if part)
    return url or f"TALLYSTICK:{code}".upper()


def qr_svg(text: str, label: str) -> Markup:
    """Return the QR code as an image with a name."""
    code = segno.make(text, error="m", micro=False)
    drawn = code.svg_inline(
        omitsize=True, border=QR_BORDER_MODULES, dark="#14212B", light="#FFFFFF"
    )
    return drawing(drawn).replace(
        Markup("<svg "), Markup('<svg role="img" aria-label="{}" ').format(label), 1
    )


def on_screen(view: View, words: Words) -> dict[str, Any]:
    """Return what the receipt screen shows beside the frame."""
    it, say = facts(view), words.look_up
    digits = it.commitment or "0" * art.PROOF_DIGITS
    done = it.confirmations >= it.needed
    return {
        "receipt": rows(view, words),
        "numbers": [*numbers(view, words), *_folded(view, words)],
        "qr": qr_svg(qr_text(view), say("Square code to check this purchase")),
        "proof": drawing(art.proof(digits, digits, say("The cuts of the two halves line up."))),
        "checks": {
            "done": done,
            "text": words.say("It is safe in your wallet.")
            if done
            else words.say("The network is checking it.") + " " + checks(it, words),
        },
    }
