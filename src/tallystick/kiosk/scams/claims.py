"""A victim's claim from the form to the payment: each step one transaction, dated and journalled.

Upholding posts the refund as owed in the ledger, paying posts that it was paid, and who decides
does not pay. A purchase is refunded once over all claims (Decision 1). Deadlines come with the
law's grant by parameter; no clock of ours decides that a victim was late.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Any, Final

import msgspec
import sqlalchemy as sa

from tallystick.core import journal, ledger
from tallystick.core.clock import Clock, new_id, reference
from tallystick.core.history import History
from tallystick.core.money import Amount, asset
from tallystick.core.store import Tx
from tallystick.kiosk.buy import CUSTOMERS_REFUNDS
from tallystick.kiosk.model import State as Purchase
from tallystick.kiosk.record import PROGRAMME
from tallystick.kiosk.reports import suspect
from tallystick.kiosk.scams import intervene, stops
from tallystick.kiosk.scams.claim import (
    EVIDENCE,
    NEXT,
    OPEN,
    PURCHASES_MAX,
    Duty,
    Form,
    Ground,
    State,
    check_form,
    check_grounds,
    enough,
)
from tallystick.kiosk.scams.errors import (
    ClaimIncomplete,
    ClaimStep,
    ClaimUnknown,
    GroundRefused,
    RefundTooLarge,
    SamePerson,
)
from tallystick.kiosk.scams.tables import CLAIM_EVENTS, CLAIM_ITEMS, CLAIMS, INTERVENTIONS
from tallystick.kiosk.tables import PURCHASES

SENT: Final = frozenset({Purchase.SIGNED, Purchase.SENT, Purchase.SETTLED})
"""A purchase that is not signed away is called off at once instead: no claim is needed."""
LOSSES: Final = "losses:scams"
FEES: Final = "income:fees"
HISTORY: Final = History(CLAIM_EVENTS, "claim")

Row = dict[str, Any]


def file(
    tx: Tx,
    clock: Clock,
    person: str,
    jurisdiction: str,
    form: Form,
    duty: Duty,
    purchases: Sequence[str],
    by: str,
) -> str:
    """File a claim for one person's purchases; return its id. ``person``: a pseudonym.

    Raises `ClaimIncomplete` for a form that lacks something, and `ClaimStep` for a purchase whose
    coins are still here: that one is called off instead.
    """
    journal.lock(tx)
    check_form(form, duty)
    rows = _purchases(tx, purchases)
    now, met = clock.now(), enough(tuple(form.evidence), duty)
    row: Row = {
        "id": new_id(clock),
        "reference": reference(clock),
        "state": (State.REVIEW if met else State.WAITING).value,
        "person": person,
        "jurisdiction": jurisdiction,
        "currency": rows[0]["currency"],
        "form": _json(form),
        "duty": _json(duty),
        "filed_at": now,
        "moved_at": now,
        "evidence_by": duty.evidence_by,
        "decide_by": duty.decide_by,
        "pay_by": _pay_by(duty, now) if met else None,
        "decided_by": "",
        "grounds": "[]",
        "refund_minor": 0,
    }
    tx.execute(sa.insert(CLAIMS).values(**row))
    for bought in rows:
        sums = {"cash_minor": bought["cash_minor"], "fee_minor": bought["fee_minor"]}
        item = {"claim": row["id"], "purchase": bought["id"], "refund_minor": 0, **sums}
        tx.execute(sa.insert(CLAIM_ITEMS).values(**item))
    _event(tx, clock, row["id"], "filed", by, {"form": form, "purchases": list(purchases)})
    stops.claimed(tx, clock, [bought["address"] for bought in rows], row["reference"], by)
    return str(row["id"])


def add_evidence(tx: Tx, clock: Clock, claim: str, kind: str, where: str, by: str) -> None:
    """Add evidence to an open claim; when the law's list is met, the review begins."""
    journal.lock(tx)
    row, form, duty = _claim(tx, claim)
    if State(row["state"]) not in OPEN:
        raise ClaimStep(f"claim {row['reference']} is {row['state']}")
    if kind not in EVIDENCE or not where.strip():
        raise ClaimIncomplete(f"evidence is one of {', '.join(EVIDENCE)}, and is somewhere")
    added = msgspec.structs.replace(form, evidence=form.evidence | {kind: where})
    change: Row = {"form": _json(added)}
    if State(row["state"]) is State.WAITING and enough(tuple(added.evidence), duty):
        change["pay_by"] = _pay_by(duty, clock.now())
        change |= _moved(clock, row, State.REVIEW)
    _change(tx, claim, change)
    _event(tx, clock, claim, "evidence", by, {"kind": kind, "where": where})


def decide(
    tx: Tx,
    clock: Clock,
    claim: str,
    refunds: Mapping[str, int],
    grounds: Sequence[Ground],
    by: str,
) -> State:
    """Decide a claim: what each purchase gets back, in minor units, and why if less than the law's.

    Anything given back is posted as owed in this transaction. Raises `GroundRefused` for a denial
    or a cut without grounds, or on one that is none; `RefundTooLarge`; `SamePerson` when whoever
    denied it would hear the appeal.
    """
    journal.lock(tx)
    row, form, duty = _claim(tx, claim)
    if by == row["decided_by"]:
        raise SamePerson(f"{by} decided this claim before")
    check_grounds(grounds, form, duty, clock.now())
    items = _items(tx, claim)
    strange = sorted(set(refunds) - {item["purchase"] for item in items})
    if strange:
        raise RefundTooLarge(f"purchase {strange[0]} is not in this claim")
    for item in items:
        _grant(tx, item, refunds.get(item["purchase"], 0), duty, grounds)
    total = sum(refunds.values())
    to = State.UPHELD if total else State.DENIED
    change = {"decided_by": by, "grounds": _json(list(grounds)), "refund_minor": total}
    _change(tx, claim, change | _moved(clock, row, to))
    _owe(tx, clock, row, refunds)
    told = {"refunds": dict(refunds), "grounds": list(grounds)}
    _event(tx, clock, claim, to.value, by, told)
    if to is State.UPHELD:
        given = [purchase for purchase, minor in refunds.items() if minor]
        suspect.claim_upheld(tx, clock, given, row["reference"])
    return to


def _grant(tx: Tx, item: Row, minor: int, duty: Duty, grounds: Sequence[Ground]) -> None:
    """Check one purchase's refund, and write it down; less than the law's grant needs a ground."""
    if type(minor) is not int or not 0 <= minor <= item["cash_minor"]:
        raise RefundTooLarge(f"{minor} of {item['cash_minor']} put in")
    due = {"full": item["cash_minor"], "fees": item["fee_minor"]}.get(duty.amount, 1)
    if minor < due and not grounds:
        raise GroundRefused(f"{minor} is less than the law grants ({due}), without a ground")
    i = CLAIM_ITEMS.c
    before = sa.select(sa.func.count()).where(i.purchase == item["purchase"], i.refund_minor > 0)
    if minor and tx.execute(before).scalar_one():
        raise RefundTooLarge(f"purchase {item['purchase']} was refunded before")
    mine = (i.claim == item["claim"], i.purchase == item["purchase"])
    tx.execute(sa.update(CLAIM_ITEMS).where(*mine).values(refund_minor=minor))


def _owe(tx: Tx, clock: Clock, row: Row, refunds: Mapping[str, int]) -> None:
    """Post what is owed back, the fee first, then our loss; and tell the interventions' record."""
    currency, make = asset(row["currency"]), ledger.Transfer
    for item in _items(tx, row["id"]):
        purchase, minor = item["purchase"], refunds.get(item["purchase"], 0)
        fee = Amount(min(minor, item["fee_minor"]), currency)
        loss = Amount(minor, currency) - fee
        transfers = [
            make(f"claim-fee:{purchase}", FEES, CUSTOMERS_REFUNDS, fee, "fee back", purchase),
            make(f"claim:{purchase}", LOSSES, CUSTOMERS_REFUNDS, loss, "claim upheld", purchase),
        ]
        ledger.post(tx, [t for t in transfers if t.amount], clock.now())
        if minor:
            _tell(tx, clock, purchase, row["reference"])


def _tell(tx: Tx, clock: Clock, purchase: str, reference_: str) -> None:
    query = sa.select(INTERVENTIONS.c.id).where(INTERVENTIONS.c.purchase == purchase)
    for found in tx.execute(query).scalars().all():
        intervene.followed(tx, clock, found, intervene.After.CLAIM_UPHELD, reference_)


def pay(tx: Tx, clock: Clock, claim: str, by: str) -> None:
    """Record that the refund was paid; who decided it does not pay it."""
    journal.lock(tx)
    row, _, _ = _claim(tx, claim)
    if by == row["decided_by"]:
        raise SamePerson(f"{by} decided this claim, and so does not pay it")
    _change(tx, claim, _moved(clock, row, State.PAID))
    total = Amount(row["refund_minor"], asset(row["currency"]))
    paid = ledger.Transfer(
        f"claim-paid:{claim}", CUSTOMERS_REFUNDS, "operator:cash", total, "claim paid", claim
    )
    ledger.post(tx, [paid], clock.now())
    _event(tx, clock, claim, "paid", by, {"minor": total.minor})


def appeal(tx: Tx, clock: Clock, claim: str, why: str, by: str) -> None:
    """Open a denied claim again; somebody else decides it."""
    _step(tx, clock, claim, State.REVIEW, "appealed", by, why)


def withdraw(tx: Tx, clock: Clock, claim: str, why: str, by: str) -> None:
    """End an open claim at the victim's own word."""
    _step(tx, clock, claim, State.WITHDRAWN, "withdrawn", by, why)


def _step(tx: Tx, clock: Clock, claim: str, to: State, kind: str, by: str, why: str) -> None:
    journal.lock(tx)
    row, _, _ = _claim(tx, claim)
    if not why.strip():
        raise ClaimIncomplete("the reason is missing")
    _change(tx, claim, _moved(clock, row, to))
    _event(tx, clock, claim, kind, by, {"why": why})


def find(tx: Tx, claim: str) -> Row:
    """Return a claim with its items and history; raise `ClaimUnknown`."""
    row, form, duty = _claim(tx, claim)
    query = sa.select(CLAIM_EVENTS).where(CLAIM_EVENTS.c.claim == claim)
    events = [dict(e) for e in tx.execute(query.order_by(CLAIM_EVENTS.c.n)).mappings()]
    return row | {"form": form, "duty": duty, "items": _items(tx, claim), "events": events}


def due(tx: Tx, before: dt.datetime) -> list[Row]:
    """Return the claims whose decision or payment is due before a moment, the earliest first."""
    c = CLAIMS.c
    undecided = sa.and_(c.state.in_([s.value for s in OPEN]), c.decide_by < before)
    unpaid = sa.and_(c.state.in_([*(s.value for s in OPEN), "upheld"]), c.pay_by < before)
    query = sa.select(CLAIMS).where(sa.or_(undecided, unpaid))
    first = sa.func.min if tx.dialect.name == "sqlite" else sa.func.least
    never = dt.datetime(9999, 1, 1, tzinfo=dt.UTC)
    ends = (sa.func.coalesce(d, sa.literal(never, d.type)) for d in (c.decide_by, c.pay_by))
    return [dict(row) for row in tx.execute(query.order_by(first(*ends))).mappings()]


def _claim(tx: Tx, claim: str) -> tuple[Row, Form, Duty]:
    query = sa.select(CLAIMS).where(CLAIMS.c.id == claim)
    row = tx.execute(query).mappings().one_or_none()
    if row is None:
        raise ClaimUnknown(f"claim {claim[:26]} is not known")
    form = msgspec.json.decode(row["form"], type=Form)
    return dict(row), form, msgspec.json.decode(row["duty"], type=Duty)


def _items(tx: Tx, claim: str) -> list[Row]:
    query = sa.select(CLAIM_ITEMS).where(CLAIM_ITEMS.c.claim == claim)
    return [dict(row) for row in tx.execute(query.order_by(CLAIM_ITEMS.c.purchase)).mappings()]


def _purchases(tx: Tx, purchases: Sequence[str]) -> list[Row]:
    if not 1 <= len(set(purchases)) == len(purchases) <= PURCHASES_MAX:
        raise ClaimIncomplete(f"a claim names 1 to {PURCHASES_MAX} purchases, each once")
    query = sa.select(PURCHASES).where(PURCHASES.c.id.in_(purchases))
    rows = [dict(row) for row in tx.execute(query).mappings()]
    if len(rows) != len(purchases) or len({row["currency"] for row in rows}) != 1:
        raise ClaimIncomplete("a purchase is not known, or the currencies differ")
    for row in rows:
        if Purchase(row["state"]) not in SENT:
            raise ClaimStep(f"purchase {row['reference']} is {row['state']}: call it off instead")
    return rows


def _pay_by(duty: Duty, now: dt.datetime) -> dt.datetime | None:
    return None if duty.pay_hours is None else now + dt.timedelta(hours=duty.pay_hours)


def _moved(clock: Clock, row: Row, to: State) -> Row:
    if to not in NEXT[State(row["state"])]:
        raise ClaimStep(f"a claim that is {row['state']} cannot become {to}")
    return {"state": to.value, "moved_at": clock.now()}


def _change(tx: Tx, claim: str, change: Row) -> None:
    tx.execute(sa.update(CLAIMS).where(CLAIMS.c.id == claim).values(**change))


def _event(tx: Tx, clock: Clock, claim: str, kind: str, by: str, content: Row) -> None:
    """Append one step to the claim's history, and its commitment to the journal."""
    told = msgspec.to_builtins(content)
    HISTORY.append(tx, clock, claim, kind, by, told, (PROGRAMME, f"claim_{kind}"))


def _json(value: Any) -> str:
    return msgspec.json.encode(value).decode()
