"""Judge a step by the provisions in force: forbid overrides permit, and unknown is never permit.

`ask` is pure: the same place, question, facts and day always give the same verdict (Decision 9).
Every place's provisions are sorted once for a day and kept, so that a verdict costs microseconds.
"""

from __future__ import annotations

import datetime as dt
import functools
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from tallystick.core.rulebook.place import Jurisdiction
from tallystick.core.rulebook.provision import GATING, LIMITS, Provision
from tallystick.core.rulebook.verdict import Answer, Verdict

Facts = Mapping[str, int | str]
Judge = Callable[[Jurisdiction, Facts, dt.date], Verdict]

CUSTOMERS: Final = ("new", "existing", "unknown")
"""Whether a person is new; ``unknown`` binds by the rules for both, which is the stricter."""
WHOLE: Final = 10_000
DUTIES: Final = {"warning", "receipt", "identification", "hold", "hold-or-cancel", "live-support"}
THRESHOLDS: Final = {"report", "identification-threshold"}
DAYS_KEPT: Final = 4_096


@dataclass(frozen=True, slots=True, eq=False)
class Binding:
    """A place's provisions of one day, sorted by what they do to a sale."""

    bans: tuple[Provision, ...]
    doubts: tuple[Provision, ...]
    unread: tuple[str, ...]
    limits: tuple[tuple[Provision, str, int], ...]
    """Each with the fact that it counts and its figure."""
    caps: tuple[Provision, ...]
    duties: tuple[Provision, ...]
    thresholds: tuple[tuple[Provision, int], ...]
    by_class: bool
    series: bool
    """Whether several purchases count, or may count, as one for the fee."""


@functools.lru_cache(maxsize=DAYS_KEPT)
def binding(place: Jurisdiction, on: dt.date) -> Binding:
    """Sort a place's provisions for a day."""
    there = [(p, p.in_force(on)) for p in place.on_day(on)]
    sure = [p for p, force in there if force]
    maybe = [p for p, force in there if force is None]
    doubts = [p for p in maybe if p.kind in GATING]
    doubts += [p for p in sure if p.kind in GATING - {"ban"} and not p.decides]
    limits = tuple(
        (p, counted(p), p.figures["minor"])
        for p in [*sure, *maybe]
        if p.kind in LIMITS and "minor" in p.figures
    )
    unread = place.unread(on)
    if not any(p.kind in LIMITS for p in sure) and "daily-limit" not in unread:
        unread += ("daily-limit",)
    return Binding(
        bans=tuple(p for p in sure if p.kind == "ban"),
        doubts=tuple(doubts),
        unread=unread,
        limits=limits,
        caps=tuple(p for p in [*sure, *maybe] if p.kind == "fee-cap"),
        duties=tuple(p for p in sure if p.kind in DUTIES),
        thresholds=tuple(
            (p, p.figures["minor"]) for p in sure if p.kind in THRESHOLDS and "minor" in p.figures
        ),
        series=any(p.kind == "series-rule" for p in [*sure, *maybe]),
        by_class=any(p.who in ("new", "existing") for p, _, _ in limits),
    )


def counted(limit: Provision) -> str:
    """Return the fact that a limit counts: what one person paid in before, in minor units."""
    days = limit.figures.get("days", 0)
    if limit.kind == "daily-limit":
        return "paid_today"
    if limit.kind == "period-limit":
        return f"paid_{days}_days"
    if limit.kind == "first-period-limit":
        return f"paid_first_{days}_days"
    return ""


def ask(place: Jurisdiction, question: str, facts: Facts, on: dt.date) -> Verdict:
    """Judge a step; sums in minor units of the place's currency. An unknown question is referred.

    ``kiosk.open`` needs no facts. ``kiosk.sell`` needs ``cash`` (this purchase so far, with the
    note in escrow), ``paid_today``, ``customer`` where the law tells new from existing, and
    ``paid_30_days`` or ``paid_first_30_days`` where it counts them. ``kiosk.fee`` needs ``cash``
    and ``fee``; where a series counts as one transaction and only the least fee of the cap would
    allow it, ``series_cash`` and ``series_fee`` too: what went before in the series.
    """
    judge = QUESTIONS.get(question)
    if judge is None:
        return Verdict(Answer.REFER, (), missing=(question,))
    return judge(place, facts, on)


def _open(place: Jurisdiction, facts: Facts, on: dt.date) -> Verdict:
    bound = binding(place, on)
    if bound.bans:
        return Verdict(Answer.REFUSE, bound.bans, 0)
    if bound.doubts or bound.unread:
        return Verdict(Answer.REFER, bound.doubts, missing=_open_points(bound))
    return Verdict(Answer.PERMIT, tuple(p for p, _, _ in bound.limits), must=bound.duties)


def _open_points(bound: Binding) -> tuple[str, ...]:
    return (*(p.id for p in bound.doubts), *bound.unread)


def _sell(place: Jurisdiction, facts: Facts, on: dt.date) -> Verdict:
    bound = binding(place, on)
    if bound.bans:
        return Verdict(Answer.REFUSE, bound.bans, 0)
    cash, customer = facts.get("cash"), facts.get("customer")
    missing = [name for name in ("cash", "paid_today") if not _whole(facts.get(name))]
    if bound.by_class and customer not in CUSTOMERS:
        missing.append("customer")
    amount = cash if isinstance(cash, int) else 0
    left: int | None = None
    over: list[Provision] = []
    bore: list[Provision] = []
    for limit, fact, figure in bound.limits:
        if not _meant(limit.who, customer):
            continue
        before = facts.get(fact) if fact else 0
        if not isinstance(before, int) or before < 0:
            missing.append(fact)
            continue
        bore.append(limit)
        room = figure - before
        left = room if left is None or room < left else left
        if amount > room:
            over.append(limit)
    if left is not None and left < 0:
        left = 0
    if over:
        return Verdict(Answer.REFUSE, tuple(over), left)
    missing += _open_points(bound)
    if missing:
        return Verdict(Answer.REFER, (*bore, *bound.doubts), left, tuple(dict.fromkeys(missing)))
    return Verdict(Answer.PERMIT, tuple(bore), left, must=_duties(bound, facts, customer))


def _whole(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def _meant(who: str, customer: object) -> bool:
    """Say whether a rule binds this customer; one of unknown or missing class, by every rule."""
    return who == "all" or customer not in ("new", "existing") or who == customer


def _duties(bound: Binding, facts: Facts, customer: object) -> tuple[Provision, ...]:
    day = int(facts["cash"]) + int(facts["paid_today"])
    reached = (p for p, m in bound.thresholds if (day >= m if p.counts == "at least" else day > m))
    return (*(p for p in bound.duties if _meant(p.who, customer)), *reached)


def _fee(place: Jurisdiction, facts: Facts, on: dt.date) -> Verdict:
    bound = binding(place, on)
    if bound.bans:
        return Verdict(Answer.REFUSE, bound.bans)
    caps = bound.caps
    missing = [name for name in ("cash", "fee") if not _whole(facts.get(name))]
    if not missing:
        cash, fee = int(facts["cash"]), int(facts["fee"])
        over = tuple(p for p in caps if "basis_points" in p.figures and _above(p, cash, fee))
        if not over and bound.series:
            over, unsaid = _series(bound, facts, cash, fee)
            missing += unsaid
        if over:
            return Verdict(Answer.REFUSE, over)
    missing += [p.id for p in bound.doubts if p.kind == "fee-cap"]
    missing += [kind for kind in bound.unread if kind == "fee-cap"]
    if missing:
        return Verdict(Answer.REFER, caps, missing=tuple(missing))
    return Verdict(Answer.PERMIT, caps)


def _series(
    bound: Binding, facts: Facts, cash: int, fee: int
) -> tuple[tuple[Provision, ...], list[str]]:
    """Return the caps that the whole series passes, and the facts of it that nobody gave.

    A fee within its share of each purchase is within it of their sum, so nothing is asked then.
    """
    shared = [p for p in bound.caps if "basis_points" in p.figures]
    if not any(_beyond_share(p, cash, fee) for p in shared):
        return (), []
    unsaid = [name for name in ("series_cash", "series_fee") if not _whole(facts.get(name))]
    if unsaid:
        return (), unsaid
    cash, fee = cash + int(facts["series_cash"]), fee + int(facts["series_fee"])
    return tuple(p for p in shared if _above(p, cash, fee)), []


def _above(cap: Provision, cash: int, fee: int) -> bool:
    if "least_minor" in cap.figures and fee <= cap.figures["least_minor"]:
        return False
    return _beyond_share(cap, cash, fee)


def _beyond_share(cap: Provision, cash: int, fee: int) -> bool:
    base = cash if cap.base in ("transaction", "cash") else cash - fee
    return fee * WHOLE > base * cap.figures["basis_points"]


def fee_most(place: Jurisdiction, on: dt.date) -> tuple[int, int] | None:
    """Return the highest lawful fee as basis points of the cash and a least fee in minor units.

    A cap on the coins is turned into one on the cash that never passes it. Where a series counts as
    one transaction, a least fee taken twice would pass the cap on the series, and a share of each
    purchase never does: there is no least fee. None: no cap is known.
    """
    bound = binding(place, on)
    caps = [p for p in bound.caps if "basis_points" in p.figures]
    if not caps:
        return None
    shares = []
    for cap in caps:
        bp = cap.figures["basis_points"]
        shares.append(bp if cap.base in ("transaction", "cash") else bp * WHOLE // (WHOLE + bp))
    least = min(p.figures.get("least_minor", 0) for p in caps)
    return min(shares), 0 if bound.series else least


QUESTIONS: Final[dict[str, Judge]] = {"kiosk.open": _open, "kiosk.sell": _sell, "kiosk.fee": _fee}
