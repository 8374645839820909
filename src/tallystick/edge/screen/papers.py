"""What a paper brought back shows: the digits typed, where the money is, and a claim's own days.

Sums and numbers are marked private: they are drawn for the eye, and spoken in headphones alone.
The same rows are on the screen and on the claim's paper.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from markupsafe import Markup

from tallystick.edge.screen.half import Row, fours
from tallystick.edge.screen.reach import reach
from tallystick.edge.screen.who import PAD_KEYS
from tallystick.edge.screen.words import Words, drawing, figure
from tallystick.edge.view import Screen, View
from tallystick.kiosk import wire
from tallystick.look import art


def _(text: str) -> str:
    """Mark a sentence for the catalogues."""
    return text


NOTHING_SENT: Final = _(
    "Nothing has been sent yet. You can stop now and get all your cash back, our fee too."
)
CALLS: Final = _("A person gives it to you. Call {phone} and say your number.")
EVIDENCE: Final = {
    "police report": _("A report to the police"),
    "government agency report": _("A report to another authority"),
    "sworn statement": _("A sworn statement"),
    "other": _("Another proof"),
}
STATES: Final = {
    "waiting": _("We wait for your proof"),
    "review": _("We are looking at it"),
    "upheld": _("We pay you back"),
    "denied": _("We said no. Call us if you do not agree"),
    "paid": _("We have paid you back"),
}


@dataclass(frozen=True, slots=True)
class Standing:
    """Where a purchase stands: a title with its sum, and one or two sentences."""

    title: str
    says: tuple[str, ...] = ()


STANDINGS: Final = {
    "quoted": Standing(_("Nothing was sent"), (_("No cash was counted for this purchase."),)),
    "cancelled": Standing(_("Nothing was sent"), (_("No cash was counted for this purchase."),)),
    "accepting": Standing(_("Your {amount} is safe"), (CALLS,)),
    "kept": Standing(_("Your {amount} is safe"), (CALLS,)),
    "paid_in": Standing(_("We are holding your bitcoin"), (NOTHING_SENT,)),
    "refund_due": Standing(_("We owe you {amount}"), (_("Nothing was sent."), CALLS)),
    "refunded": Standing(_("We paid you back {amount}")),
}
SENT: Final = Standing(
    _("Your bitcoin was sent"),
    (
        _("Nobody can bring it back from the wallet that got it."),
        _("If somebody tricked you, ask us for your money back. It costs you nothing."),
    ),
)
CLAIMED: Final = Standing(
    _("You have asked for your money back"),
    (_("Call {phone} with the number of your claim. A person helps you with the rest."),),
)


def private(text: Any) -> Markup:
    """Keep a sum or a number from the loudspeaker."""
    return Markup('<span class="private">{}</span>').format(text)


def standing(slip: wire.Slip) -> Standing:
    """Return what is said of a purchase that stands so."""
    return CLAIMED if slip.claim else STANDINGS.get(slip.state, SENT)


def rows(slip: wire.Slip, words: Words) -> list[Row]:
    """Return the paper's rows: the purchase's number and sum, the claim's number and days."""
    say = words.look_up
    found = [Row(say("Your number"), slip.reference, code=True)]
    if slip.cash_minor:
        found.append(Row(say("We counted"), words.sum(slip.cash_minor)))
    if slip.held_until:
        found.append(Row(say("Held until"), words.day(slip.held_until)))
    if slip.claim:
        found += _claim_rows(slip.claim, words)
    return found


def _claim_rows(claim: wire.SlipClaim, words: Words) -> list[Row]:
    say = words.look_up
    found = [
        Row(say("Number of your claim"), claim.reference, code=True),
        Row(say("How it stands"), say(STATES.get(claim.state, STATES["review"]))),
    ]
    kinds = [say(EVIDENCE[kind]) for kind in claim.evidence if kind in EVIDENCE]
    if kinds:
        found.append(Row(say("Bring one of these"), " · ".join(kinds)))
    for label, day in (
        (say("Bring it before the end of"), claim.evidence_by),
        (say("We decide before the end of"), claim.decide_by),
        (say("We pay before the end of"), claim.pay_by),
    ):
        if day:
            found.append(Row(label, words.day(day)))
    if claim.refund_minor:
        found.append(Row(say("You get back"), words.sum(claim.refund_minor), total=True))
    return found


def slip(view: View, words: Words) -> dict[str, Any]:
    """Return what the page of the number shows."""
    return {
        "digits": ["1", "2", "3", "4", "5", "6", "7", "8", "9", "0"],
        "typed": figure(fours(view.typed)),
        "pad_keys": words.say(PAD_KEYS),
        "scanner": drawing(art.scanner()),
    }


def on_screen(view: View, words: Words) -> dict[str, Any]:
    """Return what the page of the purchase shows."""
    held = view.slip or wire.Slip()
    it = standing(held)
    phone = view.offer.operator.phone if view.offer else ""
    values = {"amount": private(words.sum(held.cash_minor)), "phone": figure(phone)}
    says = [words.say(text, **values) for text in it.says if phone or "{phone}" not in text]
    how = reach(view.offer.operator if view.offer else None, words)
    if how.hours and any("{phone}" in text for text in it.says):
        says.append(words.say("A person answers: {hours}", hours=how.spans))
    return {
        "heading": words.say(it.title, **values),
        "says": says,
        "rows": rows(held, words),
        "cite": held.claim.cite if held.claim else "",
    }


SCREENS: Final = {Screen.SLIP: slip, Screen.STANDING: on_screen}
