"""Sample views: every screen, every message, every overlay, as the engine would make them."""

from __future__ import annotations

import dataclasses
import datetime as dt
from typing import Any

import msgspec

from tallystick.core.money import USD, Amount, Price
from tallystick.edge.view import Note, Say, Screen, View
from tallystick.kiosk import wire
from tallystick.kiosk.model import Terms, sums
from tallystick.kiosk.scams import questions
from tallystick.kiosk.scams.policy import shipped

NOW = dt.datetime(2026, 11, 24, 15, 42, tzinfo=dt.UTC)
ADDRESS = "bcrt1qw508d6qejxtdg4y5r3zarvary0c5xw7kygt080"
TXID = "3f9a0c41" + "5b" * 24 + "e27b51d8"
COMMITMENT = "9e4b07d2c81f5a36" * 4
SALT = "00112233445566778899aabbccddeeff"
OPERATOR = wire.Operator(
    name="Sample Operator Inc",
    licence="000000",
    phone="1-800-555-0142",
    place="1 Example Street",
    label="Kiosk 0142",
    address="2 Sample Avenue, Anytown, CT 06103",
    police="911",
)
WARNING = wire.Warning(
    id="warning",
    title="Stop. This could be a scam.",
    text="WARNING: Losses from fraudulent transactions cannot be recovered and transactions in "
    "virtual currency are irreversible. Never send money to somebody you do not know. The police, "
    "a court, a tax office or a bank never ask for bitcoin.",
    own_screen=True,
    acknowledge=True,
    cite="Demonstration Code § 1-103",
)
OFFER = wire.Offer(
    open=True,
    closed_because="",
    jurisdiction="DEMO",
    currency="USD",
    price_minor=8_000_000,
    price_at=NOW,
    fee_bp=1_200,
    fee_min_minor=500,
    purchase_min_minor=1_000,
    day_max_minor=100_000,
    denominations=[100, 500, 1_000, 2_000, 5_000, 10_000],
    warnings=[WARNING],
    operator=OPERATOR,
    rights=["A victim of fraud gets a refund: full, with charges. (Example Code 7)"],
    network="regtest",
    receipt=[
        wire.ReceiptLine(code="name"),
        wire.ReceiptLine(code="spread"),
        wire.ReceiptLine(code="source", value="kraken, coinbase, bitstamp"),
    ],
)
QUOTE = wire.Quote(
    purchase="01JDEMODEMODEMODEMODEMODEM",
    reference="TS-60Z-63K-C6R",
    number=1,
    address=ADDRESS,
    currency="USD",
    price_minor=8_000_000,
    fee_bp=1_200,
    fee_min_minor=500,
    purchase_min_minor=1_000,
    left_minor=100_000,
    denominations=[100, 500, 1_000, 2_000, 5_000, 10_000],
    made_at=NOW,
    expires_at=NOW + dt.timedelta(minutes=10),
    digest="ab" * 32,
    signature="x" * 86,
)
BASE = View(version=1, screen=Screen.START, now=NOW, offer=OFFER)
HAVE = dataclasses.replace(BASE, quote=QUOTE, address=ADDRESS, reference=QUOTE.reference)


def with_cash(view: View, *dollars: int) -> View:
    """Return the view after these notes, with the server's own sums."""
    cash = Amount(100 * sum(dollars), USD)
    it = sums(cash, Terms(Price(Amount(8_000_000, USD)), 1_200, Amount(500, USD)))
    notes = tuple(Note(100 * d, new=i == len(dollars) - 1) for i, d in enumerate(dollars))
    return dataclasses.replace(
        view,
        notes=notes,
        cash_minor=it.cash.minor,
        fee_minor=it.fee.minor,
        worth_minor=it.worth.minor,
        sats=it.sats.minor,
        left_minor=100_000 - it.cash.minor,
        accepting=view.screen is Screen.CASH,
    )


PAID = with_cash(HAVE, 20, 20, 20, 10, 10)


def bought(confirmations: int, sent: bool = True) -> wire.PurchaseView:
    """Return the server's purchase of the sample."""

    def step(name: str, minutes: int, done: bool) -> wire.Step:
        at = NOW + dt.timedelta(minutes=minutes) if done else None
        return wire.Step(name=name, at=at, detail="")

    return wire.PurchaseView(
        purchase=QUOTE.purchase,
        reference=QUOTE.reference,
        state="settled" if confirmations else "sent" if sent else "paid_in",
        currency="USD",
        address=ADDRESS,
        notes=5,
        cash_minor=8_000,
        fee_minor=960,
        worth_minor=7_040,
        sats=88_000,
        price_minor=8_000_000,
        left_minor=92_000,
        quote=QUOTE.digest,
        quote_expires_at=QUOTE.expires_at,
        txid=TXID if sent else "",
        confirmations=confirmations,
        confirmations_needed=1,
        path=[
            step("counted", 0, True),
            step("paid_in", 1, True),
            step("signed", 1, sent),
            step("sent", 1, sent),
            step("confirmed", 12, confirmations > 0),
        ],
        held_until=None,
        commitment=COMMITMENT,
        salt=SALT,
    )


def held() -> wire.PurchaseView:
    """Return the purchase of the sample where the law holds it for three days."""
    until = NOW + dt.timedelta(hours=72)
    return msgspec.structs.replace(bought(0, sent=False), held_until=until)


def paper(state: str, claimed: bool = False) -> wire.Slip:
    """Return where the sample's purchase stands for who comes back with its paper."""
    claim = wire.SlipClaim(
        reference="TS-9PQ-4RM-0AB",
        state="waiting",
        filed_at=NOW,
        cite="Demonstration Code § 1-107",
        evidence=["police report", "sworn statement"],
        evidence_by=NOW + dt.timedelta(days=90),
        pay_by=NOW + dt.timedelta(days=120),
    )
    return wire.Slip(
        reference=QUOTE.reference,
        state=state,
        at=NOW,
        cash_minor=8_000,
        held_until=NOW + dt.timedelta(hours=72) if state == "paid_in" else None,
        may_stop=state == "paid_in",
        may_claim=state == "sent" and not claimed,
        claim=claim if claimed else None,
    )


def care_in(language: str) -> wire.Care:
    """Return what a kiosk shows at a hold, with every question, in the desk's own words."""
    bank = questions.load(language, shipped())
    warned, held = questions.warn(bank, SEED, "police"), questions.held(bank)
    return wire.Care(
        step="hold",
        warning=warned.text,
        stop=warned.stop,
        go_on=warned.go_on,
        questions=[
            wire.CareQuestion(
                id=one.question,
                text=one.text,
                options=[wire.CareOption(id=o.option, text=o.text) for o in one.options],
            )
            for one in questions.deal(bank, SEED)
        ],
        title=held.title,
        text=held.text,
    )


ASKED = wire.IdentityAsk(item="document", cite="12-345 § 6")
OURS = wire.IdentityAsk(item="source", cite="Policy of the operator")
SEED = bytes(32)
CARE = care_in("en")


def _at(view: View, screen: Screen, **changes: object) -> View:
    return dataclasses.replace(view, screen=screen, **changes)  # type: ignore[arg-type]


def papers() -> dict[str, View]:
    """Return the views of a paper that is brought back."""
    return {
        "slip": _at(BASE, Screen.SLIP, typed="123456"),
        "slip-bad": _at(BASE, Screen.SLIP, say=Say("slip.bad_digits", "care")),
        "standing-held": _at(BASE, Screen.STANDING, slip=paper("paid_in")),
        "standing-owed": _at(BASE, Screen.STANDING, slip=paper("refund_due"), printed=True),
        "standing-sent": _at(BASE, Screen.STANDING, slip=paper("sent")),
        "standing-claim": _at(BASE, Screen.STANDING, slip=paper("sent", claimed=True)),
    }


def views() -> dict[str, View]:
    """Return one view for each picture of the gallery, by name."""
    cash = _at(PAID, Screen.CASH, accepting=True)
    many = with_cash(_at(HAVE, Screen.CASH), *([100] * 9), 20, 10, 10, 5, 5)
    sending = _at(PAID, Screen.SENDING)
    return {
        "start": BASE,
        "language": _at(BASE, Screen.LANGUAGE),
        "help": _at(PAID, Screen.HELP),
        "help-listening": _at(PAID, Screen.HELP, listening=True),
        "scam": _at(BASE, Screen.SCAM),
        "cost": _at(BASE, Screen.COST),
        "warning": _at(BASE, Screen.WARNING, warning=WARNING),
        "scan": _at(BASE, Screen.SCAN),
        "phone": _at(HAVE, Screen.PHONE, ask=ASKED, typed="202555"),
        "phone-wrong": _at(
            HAVE, Screen.PHONE, ask=ASKED, typed="123", say=Say("who.bad_phone", "care")
        ),
        "code": _at(HAVE, Screen.CODE, ask=ASKED, typed="4071", number="•••• 42"),
        "code-locked": _at(HAVE, Screen.CODE, ask=ASKED, say=Say("who.locked", "stop")),
        "document": _at(HAVE, Screen.DOCUMENT, ask=ASKED),
        "document-old": _at(HAVE, Screen.DOCUMENT, ask=OURS, say=Say("who.document_old", "stop")),
        "copy": _at(HAVE, Screen.COPY, ask=ASKED),
        "copy-taken": _at(HAVE, Screen.COPY, ask=ASKED, pictured=3),
        "copy-dark": _at(HAVE, Screen.COPY, ask=ASKED, say=Say("who.too_dark", "care")),
        "mail": _at(HAVE, Screen.MAIL, ask=ASKED, typed="pat.sample@example.org"),
        "mail-wrong": _at(HAVE, Screen.MAIL, typed="pat@", say=Say("who.bad_mail", "care")),
        "photo": _at(HAVE, Screen.PHOTO, ask=OURS, shooting=True),
        "photo-taken": _at(PAID, Screen.PHOTO, ask=OURS, pictured=4),
        "source": _at(PAID, Screen.SOURCE, ask=OURS),
        "cash-more": dataclasses.replace(
            cash, show_more=(ASKED,), say=Say("who.more", "care"), left_minor=0
        ),
        "care": _at(HAVE, Screen.CARE, care=CARE),
        "question": _at(HAVE, Screen.QUESTION, care=CARE, question=CARE.questions[0]),
        "waiting": _at(HAVE, Screen.WAITING, care=CARE),
        **papers(),
        "scan-wrong": _at(BASE, Screen.SCAN, say=Say("scan.wrong_network", "care")),
        "address": _at(HAVE, Screen.ADDRESS),
        "address-all": _at(HAVE, Screen.ADDRESS, show_address=True),
        "cash-none": _at(HAVE, Screen.CASH, left_minor=100_000, accepting=True),
        "cash": dataclasses.replace(
            cash, say=Say("kiosk.counted", "good", (("amount_minor", "1000"),))
        ),
        "cash-busy": dataclasses.replace(cash, busy=True),
        "cash-many": dataclasses.replace(many, refused=(5_000, 10_000)),
        "cash-hidden": dataclasses.replace(cash, hide_sums=True),
        "cash-lost": dataclasses.replace(cash, server_lost=True),
        "cash-stuck": dataclasses.replace(cash, stuck_minor=2_000),
        "cash-still": dataclasses.replace(
            cash, still_there=True, closes_at=NOW + dt.timedelta(minutes=10)
        ),
        "scan-still": _at(
            BASE, Screen.SCAN, still_there=True, closes_at=NOW, listening=True, private=True
        ),
        "review": _at(PAID, Screen.REVIEW),
        "review-price": _at(PAID, Screen.REVIEW, price_changed=True, sats=87_500),
        "sending": dataclasses.replace(sending, purchase=bought(0, sent=False)),
        "sending-held": dataclasses.replace(sending, purchase=held()),
        "sending-waits": dataclasses.replace(
            sending, purchase=msgspec.structs.replace(bought(0, sent=False), waiting=True)
        ),
        "sending-sent": dataclasses.replace(sending, purchase=bought(0), printed=True),
        "receipt": _at(PAID, Screen.RECEIPT, purchase=bought(1), printed=True),
        "stopped": _at(BASE, Screen.STOPPED),
        "stopped-cash": _at(PAID, Screen.STOPPED, printed=True),
        "safe": _at(PAID, Screen.SAFE, stuck_minor=2_000),
        "closed": _at(BASE, Screen.CLOSED, server_lost=True),
    }


def translated(view: View, language: str, percent: int = 100, theme: str = "light") -> View:
    """Return the view for another reader."""
    told: dict[str, Any] = {}
    if view.care is not None:
        told["care"] = care_in(language)
    if view.question is not None:
        (told["question"],) = (q for q in care_in(language).questions if q.id == view.question.id)
    look = {"language": language, "text_percent": percent, "theme": theme}
    return dataclasses.replace(view, **look, **told)
