"""What the law of a place grants a victim for a purchase: how much, on what evidence, by when.

Read from the place's own provisions, as adopted. Where two readings bind, the person gets the
better one; a window whose start nobody has read is no window, and refuses nobody (requirement 7).
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final
from zoneinfo import ZoneInfo

import sqlalchemy as sa

from tallystick.core import rulebook
from tallystick.core.rulebook import Jurisdiction, Provision, adoptions
from tallystick.core.rulebook.person import Paid, Person, class_of
from tallystick.core.store import Tx
from tallystick.kiosk.scams.claim import EVIDENCE, Duty, Form
from tallystick.kiosk.tables import PURCHASES

POLICY: Final = "Policy of the operator: no law here is known to grant a refund"
WORTH: Final = {"full": 2, "fees": 1, "unknown": 0}
FEES: Final = frozenset({"fees", "fees only", "all charges"})
UNITS: Final = {"hour": dt.timedelta(hours=1), "day": dt.timedelta(days=1)}
YEAR: Final = dt.timedelta(days=365)
FIRST: Final = frozenset({"first kiosk transaction with the operator", "first transaction"})
CONTACT: Final = ("contact_within", "inform_within", "report_within", "request_within")
PROOF: Final = ("evidence_within", "documents_within")
STARTS: Final = {
    "the transaction or transactions at issue": "bought",
    "the last occurrence of fraud, or becoming aware of the fraud": "noticed",
    "contacting the licensee": "contacted",
}
"""From which day of the case a window runs, by the words of the law's file; others are unread."""


@dataclass(frozen=True, slots=True)
class Case:
    """The days of a claim: the last purchase at issue, the fraud, its notice, the first word."""

    bought: dt.datetime
    first: dt.datetime
    """The person's first purchase with this operator."""
    happened: dt.date
    contacted: dt.date
    learnt: dt.date | None = None
    zone: str = "UTC"
    """The machine's own, by whose calendar the law's days run."""
    customer: str = "unknown"
    """new, existing or unknown, on the day of the purchase."""

    def start(self, words: str) -> dt.date | None:
        """Return the day from which a window runs; None where the law's words were not read."""
        days = {
            "bought": self.bought.astimezone(ZoneInfo(self.zone)).date(),
            "noticed": max(self.happened, self.learnt or self.happened),
            "contacted": self.contacted,
        }
        return days.get(STARTS.get(words, ""))


def duty_of(place: Jurisdiction, case: Case) -> Duty:
    """Return what the law of a place grants; without a law, the operator's own policy decides."""
    zone = ZoneInfo(case.zone)
    on = case.bought.astimezone(zone).date()
    rules = [p for p in place.of("refund", on) if _covers(p, case)]
    if not rules:
        return Duty(cite=POLICY)
    best = max((_amount(p) for p in rules), key=WORTH.__getitem__)
    asked = [kind for p in rules for kind in _strings(p.terms.get("evidence"))]
    hours = [_length(p.terms["pay_within"]) for p in rules if "pay_within" in p.terms]
    by = _until(rules, PROOF, case)
    return Duty(
        cite="; ".join(dict.fromkeys(f"{p.id} ({p.cite})" for p in rules)),
        amount=best,
        evidence=tuple(kind for kind in EVIDENCE if kind in asked),
        contact_by=_until(rules, CONTACT, case),
        evidence_by=_end_of(by, zone) if by else None,
        pay_hours=int(min(hours) / UNITS["hour"]) if hours else None,
    )


def _end_of(day: dt.date, zone: ZoneInfo) -> dt.datetime:
    """Return a day's last second where the machine stands: nobody is late by Greenwich's clock."""
    return dt.datetime.combine(day, dt.time(23, 59, 59), zone).astimezone(dt.UTC)


def _covers(rule: Provision, case: Case) -> bool:
    """Say whether a provision may speak of this purchase; what is not read, may."""
    told = {rule.who, case.customer} & {"new", "existing"}
    if len(told) == 2:
        return False
    window, starts = rule.terms.get("window"), rule.terms.get("clock_starts", {})
    if window and starts.get("window") in FIRST:
        return case.bought <= case.first + _length(window)
    return True


def _amount(rule: Provision) -> str:
    said = str(rule.terms.get("amount", "")).casefold()
    if said.startswith("full"):
        return "full"
    return "fees" if said in FEES or said.startswith("any fee") else "unknown"


def _until(rules: Sequence[Provision], names: Iterable[str], case: Case) -> dt.date | None:
    """Return the last day of the longest window; None if none is set, or one was not read."""
    ends = []
    for rule in rules:
        starts = rule.terms.get("clock_starts", {})
        for name in names:
            if name in rule.terms:
                start = case.start(str(starts.get(name, "")))
                if start is None:
                    return None
                ends.append(start + _length(rule.terms[name]))
    return max(ends, default=None)


def _length(said: Mapping[str, Any]) -> dt.timedelta:
    number, unit = int(said["n"]), str(said["unit"])
    return YEAR * number if unit == "year" else UNITS[unit] * number


def _strings(said: Any) -> list[str]:
    return [str(one) for one in said] if isinstance(said, list) else []


def case_of(
    tx: Tx,
    place: Jurisdiction,
    rows: Sequence[Mapping[str, Any]],
    happened: dt.date,
    contacted: dt.date,
    learnt: dt.date | None = None,
) -> Case:
    """Return the case of some purchases, with the person's history at the addresses they used."""
    addresses = {row["address"] for row in rows}
    p = PURCHASES.c
    query = sa.select(p.made_at, p.cash_minor).where(p.address.in_(addresses), p.cash_minor > 0)
    paid = [Paid(row.made_at, row.cash_minor) for row in tx.execute(query.order_by(p.made_at))]
    bought = max(row["made_at"] for row in rows)
    before = Person([one for one in paid if one.at < bought])
    first = paid[0].at if paid else bought
    customer = class_of(place, before, bought)
    return Case(bought, min(first, bought), happened, contacted, learnt, place.zone, customer)


def granted(tx: Tx, rows: Sequence[Mapping[str, Any]], form: Form) -> Duty:
    """Return what the law of the purchases' own place grants, as officers have adopted it."""
    code = str(rows[0]["jurisdiction"])
    place = rulebook.load(code).adopt(adoptions.adopted(tx, code))
    place = place.in_zone(str(rows[0]["zone"]))
    case = case_of(tx, place, rows, form.happened_on, form.contacted_on, form.learnt_on)
    return duty_of(place, case)
