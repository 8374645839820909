"""Offers and quotes: what a purchase would cost, then the server's signed promise.

The law's fee cap is asked before a fee is ever shown, and a quote ends. The digest names a quote
exactly; the signature lets the machine prove that it was promised (Decision 4).
"""

from __future__ import annotations

import datetime as dt
import functools
import hashlib
from dataclasses import dataclass, field, replace
from typing import Any, Final
from zoneinfo import ZoneInfo

import msgspec
import sqlalchemy as sa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from tallystick.core import rulebook
from tallystick.core.clock import Clock
from tallystick.core.identity import sealing
from tallystick.core.identity.keys import b64url
from tallystick.core.money import BTC, Amount, Price, Rounding, asset
from tallystick.core.rulebook.duties import Statements, unmet
from tallystick.core.store import Tx, one_of, prepared
from tallystick.kiosk import particulars, receipts, support, wire
from tallystick.kiosk.customers.ask import PICTURES, UNABLE, Asked, Item, asks, before_cash, name
from tallystick.kiosk.customers.desk import CustomerDesk
from tallystick.kiosk.customers.policy import Policy as CustomerPolicy
from tallystick.kiosk.errors import LawRefuses, RateUnusable
from tallystick.kiosk.model import Note, Terms
from tallystick.kiosk.particulars import NOBODY, Particulars
from tallystick.kiosk.rates import Rates
from tallystick.kiosk.scams.intervene import ScamDesk
from tallystick.kiosk.scams.policy import shipped
from tallystick.kiosk.tables import NOTES, PURCHASES, WALLET

RIGHTS: Final = ("refund", "hold", "hold-or-cancel")
RIGHTS_MAX: Final = 16
RIGHT_LENGTH_MAX: Final = 512
LAW_LENGTH_MAX: Final = 512
ZONED_MAX: Final = 64
EVER: Final = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
OWN_WARNING: Final = wire.Warning(
    id="operator/warning",
    title="Stop. This could be a scam.",
    text=(
        "The police, a court, a tax office or a bank never ask for bitcoin. If somebody on the "
        "phone sent you here, it is a scam. What you send cannot be taken back."
    ),
    own_screen=True,
    acknowledge=True,
    cite="Policy of the operator",
)
"""Shown where the law asks for no wording of its own: no purchase goes without a warning."""


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
    operator: Particulars | None = field(default_factory=particulars.sample)
    """Who runs the machines; None: nobody has stated it, and no machine opens."""


@dataclass(slots=True)
class Desk:
    """What every step of a purchase needs beside its transaction.

    Only `take_up` changes it: a step reads the place once and is judged by what it read.
    """

    clock: Clock
    place: rulebook.Jurisdiction
    policy: Policy
    rates: Rates
    key: Ed25519PrivateKey
    network: str
    scams: ScamDesk = field(default_factory=lambda: ScamDesk(shipped(), b""))
    """What stops a scam; its key hides who is who in the record."""
    statements: Statements | None = None
    """What officers stated of the duties that no machine can check; None: nobody is asked."""
    customers: CustomerDesk | None = None
    """What identifying customers needs; without it nothing is sold where anybody must be."""

    def at(self, zone: str) -> Desk:
        """Return the desk as a machine in one of the place's zones reckons days; "" is the desk.

        Raises `LawUnreadable` for a zone that is none of the place's.
        """
        return replace(self, place=_zoned(self.place, zone)) if zone else self

    def asked(self) -> list[Asked]:
        """Return what a customer must show before any cash, by law and by policy, today."""
        policy = self.customers.policy if self.customers else CustomerPolicy()
        return before_cash(self.place, policy, self.day(self.clock.now()))

    def seals(self) -> tuple[str, str]:
        """Return the key to which machines seal pictures, with its signature; or nothing."""
        if self.customers is None:
            return "", ""
        wanted = asks(self.place, self.customers.policy, self.day(self.clock.now()))
        taken = any(one.item in PICTURES for one in wanted)
        return sealing.offered(self.key) if taken else ("", "")

    def take_up(self, place: rulebook.Jurisdiction, statements: Statements | None) -> None:
        """Go by the law with what officers have adopted and stated by now."""
        self.place, self.statements = place, statements

    def day(self, at: dt.datetime) -> dt.date:
        """Return the calendar day in the place's own time zone."""
        return self.place.day(at)

    def midnight(self, at: dt.datetime) -> dt.datetime:
        """Return the start of that day."""
        zone = ZoneInfo(self.place.zone)
        return dt.datetime.combine(self.day(at), dt.time(), zone).astimezone(dt.UTC)


@functools.lru_cache(maxsize=ZONED_MAX)
def _zoned(place: rulebook.Jurisdiction, zone: str) -> rulebook.Jurisdiction:
    """Return a place in a zone, the same each time: what is sorted for a day is kept by place."""
    return place.in_zone(zone)


def digest_of(quote: wire.Quote) -> str:
    """Return the SHA-256 of the quote's canonical JSON without its digest and signature, in hex."""
    bare = msgspec.structs.replace(quote, digest="0" * 64, signature="")
    return hashlib.sha256(msgspec.json.encode(bare, order="deterministic")).hexdigest()


def sign(quote: wire.Quote, key: Ed25519PrivateKey) -> wire.Quote:
    """Fill in the digest and the server's signature over its bytes."""
    digest = digest_of(quote)
    signature = b64url(key.sign(bytes.fromhex(digest)))
    return msgspec.structs.replace(quote, digest=digest, signature=signature)


def terms(desk: Desk) -> Terms:
    """Return today's price, and the operator's fee or the law's highest, whichever is less.

    Raises `LawRefuses` where the law forbids a sale here, or leaves open what it allows.
    """
    today = desk.day(desk.clock.now())
    _permitted(desk, "kiosk.open", {}, today)
    _duties_met(desk, today)
    _receipt_whole(desk, today)
    _reachable(desk, today)
    _askable(desk)
    most = rulebook.fee_most(desk.place, today) or (desk.policy.fee_bp, desk.policy.fee_min_minor)
    share = min(desk.policy.fee_bp, most[0])
    fee_min = Amount(min(desk.policy.fee_min_minor, most[1]), asset(desk.place.currency))
    least = Amount(desk.policy.purchase_min_minor, fee_min.asset)
    fee = max(least.share(share, Rounding.DOWN), fee_min)
    _permitted(desk, "kiosk.fee", {"cash": least.minor, "fee": fee.minor}, today)
    return Terms(desk.rates.current().price, share, fee_min)


def _duties_met(desk: Desk, today: dt.date) -> None:
    """Raise `LawRefuses` while an officer has not stated that each duty here is met."""
    if desk.statements is None:
        return
    open_ = unmet(desk.place, desk.statements, today)
    if open_:
        points = ", ".join(p.id.rpartition("/")[2].replace("-", " ") for p in open_)
        raise LawRefuses(
            f"The law of {desk.place.name} has duties that nobody has stated as met ({points}). "
            "The machine stays closed until the operator's officer has stated each by name."
        )


def _receipt_whole(desk: Desk, today: dt.date) -> None:
    """Raise `LawRefuses` where the law lists something that our receipt has nothing for."""
    lacking = receipts.lacking(desk.place, today)
    if lacking:
        raise LawRefuses(f"A receipt in {desk.place.name} must have what ours lacks: {lacking[0]}.")


def _reachable(desk: Desk, today: dt.date) -> None:
    """Raise `LawRefuses` while less of the operator is stated than must be: name, hours."""
    short = _short_of(desk.place, desk.policy.operator, desk.network, today)
    if short:
        raise LawRefuses(short)


_short_of = functools.lru_cache(maxsize=ZONED_MAX)(particulars.short_of)
"""What is short, worked out once for a place, an operator and a day."""


def _run_by(desk: Desk, label: str) -> wire.Operator:
    """Return who runs a machine, as its screen and papers say it."""
    who = desk.policy.operator
    if who is None:
        return msgspec.structs.replace(NOBODY, label=label)
    return who.shown(desk.place.code, label)


def _askable(desk: Desk) -> None:
    """Raise `LawRefuses` where something is asked of a customer that no machine here can take."""
    asked = desk.asked()
    mute = desk.customers is None or desk.customers.texts is None
    unable = UNABLE | ({Item.PHONE} if mute else set())
    lacking = [one for one in asked if one.item in unable or desk.customers is None]
    if lacking:
        raise LawRefuses(
            f"A customer must show what we cannot take: {name(lacking[0].item)}. "
            f"({lacking[0].cite})"
        )


def _permitted(desk: Desk, question: str, facts: dict[str, int | str], today: dt.date) -> None:
    verdict = rulebook.ask(desk.place, question, facts, today)
    if verdict.answer is rulebook.Answer.REFUSE:
        raise LawRefuses("; ".join(f"{p.say} ({p.cite})" for p in verdict.because))
    if verdict.answer is rulebook.Answer.REFER:
        points = ", ".join(name.rpartition("/")[2].replace("-", " ") for name in verdict.missing)
        raise LawRefuses(
            f"The law of {desk.place.name} is not settled ({points}). "
            "The machine stays closed until the operator's officer has adopted it by name."
        )


def warnings(desk: Desk) -> list[wire.Warning]:
    """Return the warnings to show today: the law's own words, and else the operator's."""
    binds = rulebook.binding(desk.place, desk.day(desk.clock.now())).duties
    shown = [
        wire.Warning(
            id=p.id,
            title=p.words["title"],
            text=p.words["text"],
            own_screen=True,
            acknowledge=True,
            cite=p.cite,
        )
        for p in binds
        if p.kind == "warning" and "text" in p.words
    ]
    return shown or [OWN_WARNING]


def offer(desk: Desk, tx: Tx, machine: str, label: str) -> wire.Offer:
    """Say what a purchase would cost on this machine now, or why it is closed."""
    closed, price, at, source = "", 0, desk.clock.now(), ""
    run_by = _run_by(desk, label)
    fee_bp, fee_min = desk.policy.fee_bp, desk.policy.fee_min_minor
    try:
        agreed = terms(desk)
        priced, fee_bp, fee_min = agreed.price, agreed.fee_bp, agreed.fee_min.minor
        rate = desk.rates.current()
        price, at, source = priced.cash.minor, rate.at, rate.source
        coins, cash = means(desk, tx, machine, priced)
        if label and not run_by.place:
            closed = f"Nobody has stated where this machine, {label}, stands."
        elif coins < desk.policy.purchase_min_minor:
            closed = "The machine has too little bitcoin left to sell."
        elif cash < desk.policy.purchase_min_minor:
            closed = "The machine has taken all the cash it may take today."
    except LawRefuses as error:
        closed = error.detail
    except RateUnusable as error:
        closed = f"There is no price to sell at: {error.detail}"
    seal_key, seal_signature = desk.seals()
    binds = rulebook.binding(desk.place, desk.day(desk.clock.now()))
    by_day = (figure for limit, _, figure in binds.limits if limit.kind == "daily-limit")
    return wire.Offer(
        open=not closed,
        closed_because=closed,
        jurisdiction=desk.place.code,
        currency=desk.place.currency,
        price_minor=price,
        price_at=at,
        fee_bp=fee_bp,
        fee_min_minor=fee_min,
        purchase_min_minor=desk.policy.purchase_min_minor,
        day_max_minor=min(by_day, default=0),
        denominations=list(desk.policy.denominations),
        warnings=warnings(desk),
        operator=run_by,
        rights=rights(desk),
        network=desk.network,
        identify=[
            wire.IdentityAsk(item=one.item, cite=one.cite[:LAW_LENGTH_MAX]) for one in desk.asked()
        ],
        shows=list(support.shown(desk.place, desk.day(desk.clock.now()))),
        receipt=receipts.lines(desk.place, desk.day(desk.clock.now()), source),
        seal_key=seal_key,
        seal_signature=seal_signature,
    )


def rights(desk: Desk) -> list[str]:
    """Return what the law gives a customer afterwards: refunds, and to call a purchase off."""
    today = desk.day(desk.clock.now())
    found = [p for kind in RIGHTS for p in desk.place.of(kind, today) if p.in_force(today)]
    read = [p for p in found if p.settled and p.terms.get("amount", "") != "not read"]
    return [f"{p.say} ({p.cite})"[:RIGHT_LENGTH_MAX] for p in read][:RIGHTS_MAX]


PROMISED: Final = ("quoted", "accepting", "kept", "paid_in")
COUNTED: Final = (Note.STACKED.value, Note.PERMITTED.value)


@prepared
def _means(machine: str, since: dt.datetime) -> sa.Select[Any]:
    """Ask by one statement what was taken, what is promised, and what there is."""
    n, p, w = NOTES.c, PURCHASES.c, WALLET.c
    taken = sa.select(sa.func.coalesce(sa.func.sum(n.minor), 0))
    taken = taken.where(n.machine == machine, one_of(n.state, COUNTED), n.asked_at >= since)
    promised = sa.select(sa.func.coalesce(sa.func.sum(p.sats), 0))
    promised = promised.where(one_of(p.state, PROMISED))
    held = sa.select(sa.func.coalesce(sa.func.sum(w.confirmed_sats + w.pending_sats), 0))
    asked = {"taken": taken, "promised": promised, "held": held}
    return sa.select(*(query.scalar_subquery().label(name) for name, query in asked.items()))


def means(desk: Desk, tx: Tx, machine: str, price: Price) -> tuple[int, int]:
    """Return how much more cash may come in by our means, in minor units.

    First what the coins not yet promised to anybody can buy; then what this machine may still take
    today, which is what a stolen machine could lie about.
    """
    found = _means(tx, machine=machine, since=desk.midnight(desk.clock.now())).one()
    free = max(int(found.held) - int(found.promised), 0)
    coins = price.to_cash(Amount(free, BTC), Rounding.DOWN).minor
    return coins, max(desk.policy.machine_day_max_minor - int(found.taken), 0)
