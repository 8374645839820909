"""Judge a step of a reserve by its mandate: forbid overrides permit, unknown is never permit.

`ask` is pure: the same mandate, question, facts and day give the same verdict, for a movement, for
the public page and for "would this have been lawful on that day?" alike. A provision that may or
may not bind forbids as if it did, and never permits (Decision 9).
"""

from __future__ import annotations

import calendar
import datetime as dt
from collections.abc import Callable, Iterator
from typing import Final

from tallystick.core.rulebook.provision import Provision
from tallystick.core.rulebook.verdict import Answer, Verdict
from tallystick.reserve.facts import Facts, LotFact, Sum
from tallystick.reserve.mandate import ACTS, DUTIES, INWARD, OUTWARD, Mandate

WHOLE: Final = 10_000
MARKET_CAP_AGE_DAYS_MAX: Final = 31
"""An average of market capitalisation that ends longer ago is not known any more."""
NEEDED_FOR: Final = {"approvals", "notice"}
"""Kinds that lay a duty on a step; the movement carries them out."""

Finding = tuple[str, Provision | None, str]
"""``refuse`` or ``refer``, the provision, and the fact that is missing."""


def ask(mandate: Mandate, question: str, facts: Facts, on: dt.date) -> Verdict:
    """Judge a step on a day of the mandate's own calendar; an unknown question is referred.

    ``reserve.move`` sends coins (sale, swap, auction, release, transfer), ``reserve.refresh`` sends
    them to the owner's own addresses, ``reserve.encumber`` pledges or lends, ``reserve.purchase``
    buys, ``reserve.accept`` takes a coin in under an origin. ``left_minor`` is what a budget still
    allows, in satoshis.
    """
    judge = QUESTIONS.get(question)
    if judge is None:
        return Verdict(Answer.REFER, (), missing=(question,))
    return judge(mandate, facts, on)


class _Case:
    """One question on its way to a verdict."""

    def __init__(self, mandate: Mandate, facts: Facts, on: dt.date) -> None:
        self.mandate, self.facts, self.on = mandate, facts, on
        self.against: list[Provision] = []
        self.bore: list[Provision] = []
        self.doubts: list[Provision] = []
        self.missing: list[str] = []
        self.left: int | None = None

    def kinds(self, kind: str, act: str = "") -> Iterator[Provision]:
        """Yield what binds, or may, about an act; what may or is unsettled is a doubt."""
        for item in self.mandate.of(kind, self.on):
            if act and act not in item.terms.get("acts", (act,)):
                continue
            self.bore.append(item)
            if item.in_force(self.on) is None or not self.mandate.decides(item):
                self.doubts.append(item)
            yield item

    def refuse(self, item: Provision) -> None:
        """Count a provision against the step."""
        if item not in self.against:
            self.against.append(item)

    def lacks(self, name: str) -> None:
        """Note a fact that nobody knows."""
        if name not in self.missing:
            self.missing.append(name)

    def verdict(self) -> Verdict:
        """Weigh it up."""
        if self.against:
            return Verdict(Answer.REFUSE, tuple(self.against), self.left)
        if self.doubts or self.missing:
            open_points = (*(item.id for item in self.doubts), *self.missing)
            because = tuple(dict.fromkeys((*self.bore, *self.doubts)))
            return Verdict(Answer.REFER, because, self.left, tuple(dict.fromkeys(open_points)))
        must = tuple(item for item in self.bore if item.kind in NEEDED_FOR | DUTIES)
        because = tuple(item for item in self.bore if item not in must)
        return Verdict(Answer.PERMIT, because, self.left, must=must)


def _move(mandate: Mandate, facts: Facts, on: dt.date) -> Verdict:
    case = _Case(mandate, facts, on)
    if facts.act not in OUTWARD:
        return Verdict(Answer.REFER, (), missing=("act",))
    _freeze(case)
    _bans(case, facts.act)
    _power(case, facts.act)
    _holds(case, facts.act)
    _budget(case, facts.act)
    _own_outputs(case)
    _sites(case)
    _duties(case, facts.act)
    return case.verdict()


def _inward(mandate: Mandate, facts: Facts, on: dt.date) -> Verdict:
    case = _Case(mandate, facts, on)
    if facts.act not in INWARD:
        return Verdict(Answer.REFER, (), missing=("act",))
    if facts.sats is None:
        case.lacks("sats")
    elif facts.sats:
        return Verdict(Answer.REFER, (), missing=("act: coins would leave",))
    _freeze(case)
    _bans(case, facts.act)
    _power(case, facts.act)
    _own_outputs(case)
    _sites(case)
    _duties(case, facts.act)
    return case.verdict()


def _encumber(mandate: Mandate, facts: Facts, on: dt.date) -> Verdict:
    case = _Case(mandate, facts, on)
    _freeze(case)
    _bans(case, "encumber")
    _power(case, "encumber")
    _holds(case, "encumber")
    _duties(case, "encumber")
    return case.verdict()


def _purchase(mandate: Mandate, facts: Facts, on: dt.date) -> Verdict:
    case = _Case(mandate, facts, on)
    _freeze(case)
    _bans(case, "purchase")
    _power(case, "purchase")
    _eligible(case)
    _funding(case)
    _share(case)
    _duties(case, "purchase")
    return case.verdict()


def _accept(mandate: Mandate, facts: Facts, on: dt.date) -> Verdict:
    case = _Case(mandate, facts, on)
    if facts.origin is None:
        case.lacks("origin")
    _bans(case, "accept")
    _origin(case)
    if facts.origin == "purchase":
        _power(case, "purchase")
        _funding(case)
        _share(case)
    _own_outputs(case)
    return case.verdict()


def _freeze(case: _Case) -> None:
    """A freeze stops every step, whether or not the mandate has a provision that says so."""
    if case.facts.frozen is None:
        case.lacks("frozen")
    elif case.facts.frozen:
        named = list(case.kinds("freeze"))
        for item in named:
            case.refuse(item)
        if not named:
            case.lacks("the reserve is frozen")


def _bans(case: _Case, act: str) -> None:
    for item in case.kinds("ban", act):
        if not _excepted(case, item):
            case.refuse(item)


def _excepted(case: _Case, item: Provision) -> bool:
    """Say whether every lot of the step falls under an exception that the provision names."""
    excepted = item.terms.get("except_origins", ())
    lots = case.facts.lots
    return bool(lots) and all(lot.origin in excepted for lot in lots or ())


def _power(case: _Case, act: str) -> None:
    """Somebody must be empowered to do it: what no provision allows is not allowed."""
    found = list(case.kinds("power", act))
    if not found:
        case.lacks(f"a power to {ACTS[act]}")
    if act == "release" and any(item.terms.get("order_only") for item in found):
        lots = case.facts.lots
        if lots is None:
            case.lacks("lots")
        elif not all(lot.order for lot in lots):
            for item in found:
                case.refuse(item)


def _holds(case: _Case, act: str) -> None:
    for item in case.kinds("hold", act):
        lots = case.facts.lots
        if lots is None:
            case.lacks("lots")
            continue
        for lot in lots:
            ends = released_on(item, lot)
            if ends is None:
                case.lacks(f"lot {lot.id}: day of deposit")
            elif case.on < ends:
                case.refuse(item)


def released_on(hold: Provision, lot: LotFact) -> dt.date | None:
    """Return the first day on which a hold no longer binds a lot; None if that is not known."""
    if lot.deposited is None or "years" not in hold.figures:
        return None
    return months_after(lot.deposited, 12 * hold.figures["years"])


def months_after(day: dt.date, months: int) -> dt.date:
    """Return the same day so many months later; a day that month lacks becomes the next first."""
    place = day.year * 12 + day.month - 1 + months
    year, month = divmod(place, 12)
    if day.day > calendar.monthrange(year, month + 1)[1]:
        return dt.date(year + (month == 11), (month + 1) % 12 + 1, 1)
    return dt.date(year, month + 1, day.day)


def _budget(case: _Case, act: str) -> None:
    for item in case.kinds("budget", act):
        facts = case.facts
        for name in ("sats", "sold", "held"):
            if getattr(facts, name) is None:
                case.lacks(name)
        if facts.sats is None or facts.sold is None or facts.held is None:
            continue
        if not case.mandate.decides(item):
            continue
        left = budget_left(item, facts.sold, facts.held, case.on)
        case.left = left if case.left is None else min(left, case.left)
        if facts.sats > left:
            case.refuse(item)


def budget_left(
    budget: Provision, sold: tuple[Sum, ...], held: tuple[Sum, ...], on: dt.date
) -> int:
    """Return how much a rolling budget still allows on a day, in satoshis, never below zero.

    The window is the N months that end with this day: an earlier sale counts while its day plus N
    months lies after ``on``, so that a sale of 15 January 2050 counts up to 14 January 2052. A
    window that any sale ends is checked when that sale is proposed; thus every window holds. The
    whole of which the share is taken is the least of what was held at the window's opening and what
    is held now with what left inside the window added back: the stricter of two readings of a law
    that does not say. Division rounds down.
    """
    months, share = budget.figures["months"], budget.figures["basis_points"]
    inside = [s for s in sold if s.on <= on and months_after(s.on, months) > on]
    used = sum(s.sats for s in inside)
    opening = 0
    for one in held:
        if months_after(one.on, months) <= on:
            opening = one.sats
    now = held[-1].sats if held else 0
    whole = min(opening, now + used)
    return max(whole * share // WHOLE - used, 0)


def _own_outputs(case: _Case) -> None:
    facts = case.facts
    for item in case.kinds("address-cap"):
        if facts.largest_address_sats is None:
            case.lacks("largest_address_sats")
        elif facts.largest_address_sats > item.figures.get("sats", 0):
            case.refuse(item)
    for item in case.kinds("no-reuse"):
        if facts.reused_addresses is None:
            case.lacks("reused_addresses")
        elif facts.reused_addresses:
            case.refuse(item)


def _sites(case: _Case) -> None:
    for item in case.kinds("sites"):
        if case.facts.sites is None:
            case.lacks("sites")
        elif case.facts.sites < item.figures.get("sites", 1):
            case.refuse(item)


def _eligible(case: _Case) -> None:
    facts = case.facts
    for item in case.kinds("eligible"):
        for name in ("asset", "market_cap_usd_millions", "market_cap_on"):
            if getattr(facts, name) is None:
                case.lacks(name)
        if facts.market_cap_usd_millions is None or facts.market_cap_on is None:
            continue
        age = (case.on - facts.market_cap_on).days
        if not 0 <= age <= MARKET_CAP_AGE_DAYS_MAX:
            case.lacks(f"market_cap_on within {MARKET_CAP_AGE_DAYS_MAX} days before {case.on}")
        figure = item.figures.get("usd_millions", 0)
        enough = facts.market_cap_usd_millions >= figure
        if item.terms.get("counts") == "more than":
            enough = facts.market_cap_usd_millions > figure
        if not enough:
            case.refuse(item)


def _funding(case: _Case) -> None:
    for item in case.kinds("purchase"):
        if case.facts.source is None:
            case.lacks("source")
        elif case.facts.source not in item.terms.get("sources", ()):
            case.refuse(item)


def _share(case: _Case) -> None:
    for item in case.kinds("share-cap"):
        if case.facts.share_bp_after is None:
            case.lacks("share_bp_after")
        elif case.facts.share_bp_after > item.figures.get("basis_points", 0):
            case.refuse(item)


def _origin(case: _Case) -> None:
    facts = case.facts
    found = list(case.kinds("origin"))
    if not found:
        case.lacks("a provision on what may be taken in")
    for item in found:
        if facts.origin is None:
            continue
        if facts.origin not in item.terms.get("origins", ()):
            case.refuse(item)
        elif facts.origin == "forfeiture" and item.terms.get("final"):
            if facts.final is None:
                case.lacks("final")
            elif not facts.final:
                case.refuse(item)


def _duties(case: _Case, act: str) -> None:
    """Gather what must be done when the step is taken."""
    wanted = {item.id for item in duties(case.mandate, act, case.facts.sats or 0, case.on)}
    for kind in ("approvals", "notice"):
        for item in list(case.kinds(kind, act)):
            if item.id not in wanted:
                case.bore.remove(item)


def duties(mandate: Mandate, act: str, sats: int, on: dt.date) -> tuple[Provision, ...]:
    """Return the approvals and the notice that a step needs; the tier of approvals by its sum."""

    def about(kind: str) -> list[Provision]:
        return [p for p in mandate.of(kind, on) if act in p.terms.get("acts", (act,))]

    tiers = [p for p in about("approvals") if p.figures.get("from_sats", 0) <= sats]
    most = max(tiers, key=lambda p: p.figures.get("from_sats", 0), default=None)
    return (*((most,) if most else ()), *about("notice"))


QUESTIONS: Final[dict[str, Callable[[Mandate, Facts, dt.date], Verdict]]] = {
    "reserve.move": _move,
    "reserve.refresh": _inward,
    "reserve.encumber": _encumber,
    "reserve.purchase": _purchase,
    "reserve.accept": _accept,
}
QUESTION_OF: Final = {
    **dict.fromkeys(OUTWARD, "reserve.move"),
    **dict.fromkeys(INWARD, "reserve.refresh"),
    "encumber": "reserve.encumber",
    "purchase": "reserve.purchase",
    "accept": "reserve.accept",
}
"""The question that each act raises."""
