"""What the console calls things: states, steps, accounts, acts and incidents, in plain words.

A code name that has no words here is shown as it is, never hidden.
"""

from __future__ import annotations

from typing import Any, Final, NamedTuple


class Said(NamedTuple):
    """A state's word, how its pill looks (good, wait, care, stop, off), and what it waits for."""

    word: str
    look: str
    waits: str = ""


STATES: Final[dict[str, Said]] = {
    "quoted": Said("Quoted", "off", "the customer"),
    "accepting": Said("Taking cash", "off", "the customer"),
    "kept": Said("Kept safe", "care", "the customer’s call"),
    "paid_in": Said("Paid in", "wait", "the signer"),
    "signed": Said("Signed", "wait", "the network"),
    "sent": Said("Sent", "wait", "a block"),
    "settled": Said("Confirmed", "good"),
    "cancelled": Said("Cancelled", "off"),
    "refund_due": Said("Cash back due", "care", "a person"),
    "refunded": Said("Cash given back", "off"),
}
BACK: Final = frozenset({"refund_due", "refunded", "cancelled"})
"""In these the cash goes back, or none came: no further stage is expected."""

HAPPENED: Final = {
    "quoted": "Quote signed",
    "note_asked": "Note asked about",
    "note_stacked": "Note in the cash box",
    "note_returned": "Note given back",
    "paid_in": "Paid in",
    "held": "Held by law",
    "waiting": "Held for a check",
    "care": "Scam check ended",
    "called_back": "Customer called back",
    "released": "Let go by a person",
    "called_off": "Called off",
    "signed": "Signed and stored",
    "sent": "Sent",
    "settled": "Confirmed",
    "kept": "Kept safe",
    "resumed": "Taken up again",
    "cancelled": "Cancelled",
    "refund_due": "Cash owed back",
    "refunded": "Cash given back",
}
STAGES: Final = {
    "counted": "Counted",
    "paid_in": "Paid in",
    "signed": "Signed",
    "sent": "Sent",
    "confirmed": "Confirmed",
}
ACTS: Final = {
    "payout": "Build, sign and store the payment",
    "broadcast": "Send it to the network",
    "watch": "Watch it until it is confirmed",
}
ACT_STATES: Final = {
    "waiting": Said("Waiting", "wait"),
    "done": Said("Done", "good"),
    "person": Said("Needs a person", "stop"),
}
NOTES: Final = {
    "permitted": Said("In escrow", "wait"),
    "stacked": Said("In the box", "good"),
    "returned": Said("Given back", "off"),
    "refused": Said("Refused", "care"),
}
PAYMENTS: Final = {
    "stored": Said("Signed", "wait"),
    "sent": Said("Sent", "wait"),
    "confirmed": Said("Confirmed", "good"),
    "replaced": Said("Replaced", "off"),
}
INCIDENTS: Final = {
    "NotOurSum": "The kiosk claimed other sums than ours",
    "NotTheQuote": "The kiosk named another quote than ours",
    "NoteConflict": "A note was told with other facts than before",
    "NoteOutOfOrder": "A note came out of its order",
    "HelpAsked": "The customer asked for help without words",
    "StopNotListed": "A stop did not list its address; look whether it should be",
    "LateNote": "A note came after its purchase had ended; the cash is owed back",
}
ANSWERS: Final = {
    "permit": Said("Permit", "good"),
    "refuse": Said("Refuse", "stop"),
    "refer": Said("Refer", "care"),
}
ACCOUNTS: Final = (
    ("customers:cash", "customers, cash not yet sold or given back"),
    ("customers:refunds", "customers, cash to be given back"),
    ("customers:owed", "customers, coins not yet confirmed"),
    ("exchange:cash", "us, cash from coins sold"),
    ("exchange:coin", "us, coins sold"),
    ("income:fees", "us, fees earned"),
    ("operator:cash", "us, cash given back by hand"),
    ("operator:float", "us, coins brought in to sell"),
    ("wallet:hot", "us, the hot wallet"),
    ("expense:network", "us, network fees paid"),
    ("kiosk:", "cash in this kiosk’s box"),
    ("host:", "the shop, its commission"),
)
ASSETS: Final = {"USD": "US dollars", "EUR": "Euros", "GBP": "Pounds", "BTC": "Bitcoin"}


def whose(account: str) -> str:
    """Return whose an account is, and what for."""
    return next((said for name, said in ACCOUNTS if account.startswith(name)), "")


def troubled(state: str, effect: dict[str, Any] | None) -> tuple[Said, str]:
    """Return what to say of a purchase, and how its money path goes on (see `figures.MARKS`).

    ``effect`` is the act on the world that fails or needs a person, if there is one.
    """
    said = STATES[state]
    if effect is None:
        return said, "back" if state in BACK else ""
    if effect["state"] == "person":
        return Said("Stopped", "stop", "a person"), "bad"
    if effect["kind"] == "broadcast":
        return Said("Unknown", "care", "the chain’s answer"), "ask"
    if effect["kind"] == "watch":
        return said._replace(waits="the chain’s answer"), "ask"
    return said._replace(look="care", waits="coins, or the signer"), ""
