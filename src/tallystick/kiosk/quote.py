"""Offers and quotes: what a purchase would cost, then the server's signed promise.

The law's fee cap is asked before a fee is ever shown, and a quote ends. The digest names a quote
exactly; the signature lets the machine prove that it was promised (Decision 4).
"""

from __future__ import annotations

import base64
import datetime as dt
import hashlib
from dataclasses import dataclass, field
from typing import Any, Final
from zoneinfo import ZoneInfo

import msgspec
import sqlalchemy as sa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from tallystick.core import rulebook
from tallystick.core.clock import Clock
from tallystick.core.money import BTC, Amount, Price, Rounding, asset
from tallystick.core.store import Tx, prepared
from tallystick.kiosk import wire
from tallystick.kiosk.errors import LawRefuses, RateUnusable
from tallystick.kiosk.model import Note, Terms
from tallystick.kiosk.rates import Rates
from tallystick.kiosk.tables import NOTES, PURCHASES, WALLET


@dataclass(frozen=True, slots=True)
class Policy:
    """What the operator decides, within the law. Money in minor units of the place's currency."""

    fee_bp: int = 1_200
    fee_min_minor: int = 500
    purchase_min_minor: int = 1_000
    machine_day_max_minor: int = 2_000_000
    denominations: tuple[int, ...] = (100, 500, 1_000, 2_000, 5_000, 10_000)
    confirmations_needed: int = 1
    bump_after_s: int = 1_800
    float_low_sats: int = 5_000_000
    host_bp: int = 0
    quote_ttl_s: int = wire.QUOTE_TTL_S
    operator: wire.Operator = field(
        default_factory=lambda: wire.Operator(
            name="Sample Operator Inc",
            licence="000000",
            phone="1-800-555-0142",
            place="1 Example Street",
            label="Kiosk 0142",
        )
    )


@dataclass(frozen=True, slots=True)
class Desk:
    """What every step of a purchase needs beside its transaction."""

    clock: Clock
    place: rulebook.Jurisdiction
    policy: Policy
    rates: Rates
    key: Ed25519PrivateKey
    network: str

    def day(self, at: dt.datetime) -> dt.date:
        """Return the calendar day in the place's own time zone."""
        return at.astimezone(ZoneInfo(self.place.zone)).date()

    def midnight(self, at: dt.datetime) -> dt.datetime:
        """Return the start of that day."""
        zone = ZoneInfo(self.place.zone)
        return dt.datetime.combine(self.day(at), dt.time(), zone).astimezone(dt.UTC)


def digest_of(quote: wire.Quote) -> str:
    """Return the SHA-256 of the quote's canonical JSON without its digest and signature, in hex."""
    bare = msgspec.structs.replace(quote, digest="0" * 64, signature="")
    return hashlib.sha256(msgspec.json.encode(bare, order="deterministic")).hexdigest()


def sign(quote: wire.Quote, key: Ed25519PrivateKey) -> wire.Quote:
    """Fill in the digest and the server's signature over its bytes."""
    digest = digest_of(quote)
    signature = base64.urlsafe_b64encode(key.sign(bytes.fromhex(digest))).rstrip(b"=").decode()
    return msgspec.structs.replace(quote, digest=digest, signature=signature)


def terms(desk: Desk) -> Terms:
    """Return today's price and fee; raise `LawRefuses` if the law forbids the fee."""
    fee_min = Amount(desk.policy.fee_min_minor, asset(desk.place.currency))
    today = desk.day(desk.clock.now())
    for cash in (desk.policy.purchase_min_minor, 100_000):
        share = Amount(cash, fee_min.asset).share(desk.policy.fee_bp, Rounding.DOWN)
        facts = {"cash": cash, "fee": max(share.minor, fee_min.minor)}
        verdict = rulebook.ask(desk.place, "kiosk.fee", facts, today)
        if verdict.answer is not rulebook.Answer.PERMIT:
            raise LawRefuses("fee: " + "; ".join(p.say for p in verdict.because))
    return Terms(desk.rates.current().price, desk.policy.fee_bp, fee_min)


def warnings(desk: Desk) -> list[wire.Warning]:
    """Return the warnings that the law asks for today, in the law's own words."""
    return [
        wire.Warning(
            id=p.id,
            title=p.words["title"],
            text=p.words["text"],
            own_screen=True,
            acknowledge=True,
            cite=p.cite,
        )
        for p in desk.place.of("warning", desk.day(desk.clock.now()))
    ]


def offer(desk: Desk, tx: Tx, machine: str, label: str) -> wire.Offer:
    """Say what a purchase would cost on this machine now, or why it is closed."""
    closed, price, at = "", 0, desk.clock.now()
    try:
        priced = terms(desk).price
        price, at = priced.cash.minor, desk.rates.current().at
        if affordable(desk, tx, priced) < desk.policy.purchase_min_minor:
            closed = "The machine has too little bitcoin left to sell."
        elif machine_left(desk, tx, machine) < desk.policy.purchase_min_minor:
            closed = "The machine has taken all the cash it may take today."
    except LawRefuses as error:
        closed = error.detail
    except RateUnusable as error:
        closed = f"There is no price to sell at: {error.detail}"
    limits = desk.place.of("daily-limit", desk.day(desk.clock.now()))
    return wire.Offer(
        open=not closed,
        closed_because=closed,
        jurisdiction=desk.place.code,
        currency=desk.place.currency,
        price_minor=price,
        price_at=at,
        fee_bp=desk.policy.fee_bp,
        fee_min_minor=desk.policy.fee_min_minor,
        purchase_min_minor=desk.policy.purchase_min_minor,
        day_max_minor=min((p.figures["minor"] for p in limits), default=0),
        denominations=list(desk.policy.denominations),
        warnings=warnings(desk),
        operator=msgspec.structs.replace(desk.policy.operator, label=label),
        network=desk.network,
    )


PROMISED: Final = ("quoted", "accepting", "kept", "paid_in")
COUNTED: Final = (Note.STACKED.value, Note.PERMITTED.value)


@prepared
def _wallet() -> sa.Select[Any]:
    return sa.select(WALLET.c.confirmed_sats, WALLET.c.pending_sats)


@prepared
def _promised() -> sa.Select[Any]:
    query = sa.select(sa.func.coalesce(sa.func.sum(PURCHASES.c.sats), 0))
    return query.where(PURCHASES.c.state.in_(PROMISED))


def affordable(desk: Desk, tx: Tx, price: Price) -> int:
    """Return the cash that the coins not yet promised to anybody can buy, in minor units."""
    row = _wallet(tx).one_or_none()
    if row is None:
        return 0
    free = row.confirmed_sats + row.pending_sats - int(_promised(tx).scalar_one())
    return price.to_cash(Amount(max(free, 0), BTC), Rounding.DOWN).minor


def _taken(since: object) -> sa.Select[Any]:
    query = sa.select(sa.func.coalesce(sa.func.sum(NOTES.c.minor), 0))
    return query.where(NOTES.c.state.in_(COUNTED), NOTES.c.asked_at >= since)


@prepared
def _taken_by(machine: str, since: object) -> sa.Select[Any]:
    return _taken(since).where(NOTES.c.machine == machine)


@prepared
def _taken_for(address: str, since: object) -> sa.Select[Any]:
    same = sa.select(PURCHASES.c.id).where(PURCHASES.c.address == address)
    return _taken(since).where(NOTES.c.purchase.in_(same))


def machine_left(desk: Desk, tx: Tx, machine: str) -> int:
    """Return how much more this machine may take today: what a stolen machine could lie about."""
    since = desk.midnight(desk.clock.now())
    taken = int(_taken_by(tx, machine=machine, since=since).scalar_one())
    return max(desk.policy.machine_day_max_minor - taken, 0)


def day_total(desk: Desk, tx: Tx, address: str) -> int:
    """Return what was put in today for this address, over all machines."""
    since = desk.midnight(desk.clock.now())
    return int(_taken_for(tx, address=address, since=since).scalar_one())
