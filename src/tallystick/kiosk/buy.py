"""A customer buys: quote, notes one by one, finish. Each function is one step of one transaction.

The server believes no sum that it can compute. A machine reports notes, and every report is
idempotent by its identifier: again with the same facts changes nothing, with other facts is
refused and shown to the operator (Decision 4). A caller that gets a `Lie` commits it: refusing
is itself a record.
"""

from __future__ import annotations

import datetime as dt
from typing import Any, Final

import msgspec
import sqlalchemy as sa

from tallystick.bitcoin import address as addresses
from tallystick.core import effects, journal, ledger, rulebook
from tallystick.core.clock import reference
from tallystick.core.errors import TallystickError
from tallystick.core.money import BTC, Amount, Price, asset
from tallystick.core.store import Tx, prepared
from tallystick.kiosk import blocked, wire
from tallystick.kiosk import quote as quoting
from tallystick.kiosk.customers import identify, people
from tallystick.kiosk.errors import (
    AddressBlocked,
    AddressRefused,
    BelowMinimum,
    Closed,
    KioskError,
    NotAcknowledged,
    NoteConflict,
    NoteOutOfOrder,
    NotOurSum,
    NotTheQuote,
    PurchaseUnknown,
    QuoteExpired,
    WrongState,
)
from tallystick.kiosk.model import NEXT, OPEN, Note, State, Terms, sums
from tallystick.kiosk.quote import Desk
from tallystick.kiosk.record import event, incident
from tallystick.kiosk.scams import guard
from tallystick.kiosk.scams.intervene import Outcome
from tallystick.kiosk.standing import more, room, show_more, standing
from tallystick.kiosk.tables import NOTES, PURCHASES, QUOTES

HOLDS: Final = ("hold", "hold-or-cancel")
HOWS: Final = {"cancel", "refund", "keep", "help"}
STOPS: Final = {
    "cancel": Outcome.CANCELLED,
    "refund": Outcome.CANCELLED,
    "help": Outcome.HELPED,
}
"""The customer's own ways out. Help looks like a refund, and tells an operator."""
CUSTOMERS_CASH: Final = "customers:cash"
CUSTOMERS_OWED: Final = "customers:owed"
CUSTOMERS_REFUNDS: Final = "customers:refunds"
HOT_WALLET: Final = "wallet:hot"

Row = dict[str, Any]


class Lie(Exception):
    """A refusal that must be recorded: the step is refused, the incident is committed."""

    def __init__(self, error: KioskError) -> None:
        super().__init__(str(error))
        self.error = error


def lie(tx: Tx, desk: Desk, machine: str, purchase: str, error: KioskError) -> Lie:
    """Record what the machine claimed, for the operator to see."""
    incident(tx, desk.clock, machine, purchase, type(error).__name__, str(error))
    return Lie(error)


@prepared
def _purchase(purchase: str) -> sa.Select[Any]:
    return sa.select(PURCHASES).where(PURCHASES.c.id == purchase)


@prepared
def _change(purchase: str) -> sa.Update:
    return sa.update(PURCHASES).where(PURCHASES.c.id == purchase)


@prepared
def _change_from(purchase: str, state: str) -> sa.Update:
    return sa.update(PURCHASES).where(PURCHASES.c.id == purchase, PURCHASES.c.state == state)


@prepared
def _find_note(note: str) -> sa.Select[Any]:
    return sa.select(NOTES).where(NOTES.c.id == note)


@prepared
def _change_note(note: str) -> sa.Update:
    return sa.update(NOTES).where(NOTES.c.id == note)


@prepared
def _add_note() -> sa.Insert:
    return sa.insert(NOTES)


@prepared
def _add_purchase() -> sa.Insert:
    return sa.insert(PURCHASES)


@prepared
def _add_quote() -> sa.Insert:
    return sa.insert(QUOTES)


@prepared
def _highest_seq(purchase: str) -> sa.Select[Any]:
    query = sa.select(sa.func.coalesce(sa.func.max(NOTES.c.seq), 0))
    return query.where(NOTES.c.purchase == purchase)


def find(tx: Tx, machine: str, purchase: str) -> Row:
    """Return this machine's purchase; raise `PurchaseUnknown`."""
    row = _purchase(tx, purchase=purchase).mappings().one_or_none()
    if row is None or row["machine"] != machine:
        raise PurchaseUnknown(f"purchase {purchase} is not known for this machine")
    return dict(row)


def move(tx: Tx, desk: Desk, row: Row, to: State, kind: str, content: Row) -> None:
    """Take one transition of the table, with its event; raise `WrongState` if it is not in it."""
    before = State(row["state"])
    if to not in NEXT[before]:
        raise WrongState(f"a purchase that is {before} cannot become {to}")
    change = {"state": to.value, "moved_at": desk.clock.now()}
    if _change_from(tx, change, purchase=row["id"], state=before.value).rowcount != 1:
        raise WrongState(f"purchase {row['id']} has moved on")
    row.update(change)
    sealed = event(tx, desk.clock, row["id"], kind, content)
    if to is State.PAID_IN:
        row.update(sealed._asdict())


def start(
    tx: Tx, desk: Desk, machine: str, request: wire.QuoteRequest, label: str = ""
) -> wire.Quote:
    """Open a purchase and promise a price; asked again with the same id, give the same quote.

    ``label``: the machine's name, by which the operator states where it stands.
    """
    journal.lock(tx)
    held = _purchase(tx, purchase=request.purchase).mappings().one_or_none()
    if held is not None:
        if held["machine"] != machine or held["address"] != request.address:
            raise lie(tx, desk, machine, "", NotTheQuote("this purchase is another's"))
        return current_quote(tx, dict(held))
    try:
        addresses.check(request.address, desk.network)
    except TallystickError as error:
        raise AddressRefused(str(error)) from error
    if blocked.reason(tx, request.address, desk.clock.now()):
        raise AddressBlocked("nothing may be sent to this address")
    missing = {w.id for w in quoting.warnings(desk)} - set(request.acknowledged)
    if missing:
        raise NotAcknowledged(f"not acknowledged: {', '.join(sorted(missing))}")
    offered = quoting.offer(desk, tx, machine, label)
    if not offered.open:
        raise Closed(offered.closed_because)
    identify.check(tx, desk, machine, request.purchase)
    return _promise(tx, desk, _new_row(desk, machine, request), new=True)


def _new_row(desk: Desk, machine: str, request: wire.QuoteRequest) -> Row:
    now = desk.clock.now()
    zero = dict.fromkeys(
        ("quote_number", "price_minor", "notes", "cash_minor", "fee_minor", "worth_minor", "sats"),
        0,
    )
    return {
        "id": request.purchase,
        "reference": reference(desk.clock),
        "machine": machine,
        "state": State.QUOTED.value,
        "jurisdiction": desk.place.code,
        "currency": desk.place.currency,
        "zone": desk.place.zone,
        "address": request.address,
        "language": request.language,
        "made_at": now,
        "moved_at": now,
        "quote": "",
        "quote_expires_at": now,
        "fee_bp": desk.policy.fee_bp,
        "fee_min_minor": desk.policy.fee_min_minor,
        "purchase_min_minor": desk.policy.purchase_min_minor,
        "salt": "",
        "commitment": "",
        **zero,
    }


def _promise(tx: Tx, desk: Desk, row: Row, new: bool = False) -> wire.Quote:
    """Price a purchase, sign the quote, store it, and note it in the history.

    ``new``: the row is not stored yet.
    """
    agreed, now = quoting.terms(desk), desk.clock.now()
    left_minor, show = more(tx, desk, row, agreed.price)
    quote = quoting.sign(
        wire.Quote(
            purchase=row["id"],
            reference=row["reference"],
            number=row["quote_number"] + 1,
            address=row["address"],
            currency=row["currency"],
            price_minor=agreed.price.cash.minor,
            fee_bp=agreed.fee_bp,
            fee_min_minor=agreed.fee_min.minor,
            purchase_min_minor=desk.policy.purchase_min_minor,
            left_minor=left_minor,
            show=show,
            denominations=list(desk.policy.denominations),
            made_at=now,
            expires_at=now + dt.timedelta(seconds=desk.policy.quote_ttl_s),
            digest="0" * 64,
            signature="",
        ),
        desk.key,
    )
    change = {
        "quote": quote.digest,
        "quote_number": quote.number,
        "quote_expires_at": quote.expires_at,
        "price_minor": quote.price_minor,
        "fee_bp": quote.fee_bp,
        "fee_min_minor": quote.fee_min_minor,
    }
    row.update(change)
    change.update(_totals(row, row["cash_minor"]))
    row.update(change)
    if new:
        _add_purchase(tx, row)
    else:
        _change(tx, change, purchase=row["id"])
    body = msgspec.json.encode(quote).decode()
    promised = {"digest": quote.digest, "purchase": row["id"], "number": quote.number}
    _add_quote(tx, {**promised, "body": body})
    event(
        tx,
        desk.clock,
        row["id"],
        "quoted",
        {
            "quote": quote.digest,
            "price_minor": quote.price_minor,
            "fee_bp": quote.fee_bp,
            "left_minor": quote.left_minor,
            "address": row["address"],
        },
    )
    return quote


def current_quote(tx: Tx, row: Row) -> wire.Quote:
    """Return the purchase's last quote as it was signed."""
    body = tx.execute(sa.select(QUOTES.c.body).where(QUOTES.c.digest == row["quote"])).scalar_one()
    return msgspec.json.decode(body, type=wire.Quote)


def renew(tx: Tx, desk: Desk, machine: str, purchase: str) -> wire.Quote:
    """Give a new quote for an open purchase; the old one, if still in force, is returned as is."""
    journal.lock(tx)
    row = find(tx, machine, purchase)
    if State(row["state"]) not in OPEN:
        raise WrongState(f"purchase {row['reference']} is {row['state']}")
    if row["quote_expires_at"] > desk.clock.now() and State(row["state"]) is not State.KEPT:
        return current_quote(tx, row)
    if State(row["state"]) is State.KEPT:
        move(tx, desk, row, State.ACCEPTING, "resumed", {})
    return _promise(tx, desk, row)


def ask_note(tx: Tx, desk: Desk, machine: str, purchase: str, ask: wire.NoteAsk) -> wire.NoteAnswer:
    """Judge the note in escrow: limits, caps and law are asked for this note, now."""
    journal.lock(tx)
    row = find(tx, machine, purchase)
    held = _note(tx, ask.note)
    if held is not None:
        _same_note(tx, desk, machine, row, held, ask.seq, ask.minor, ask.currency)
        return _answer(held["answer"])
    if State(row["state"]) not in (State.QUOTED, State.ACCEPTING):
        raise WrongState(f"purchase {row['reference']} is {row['state']}")
    if ask.quote != row["quote"]:
        raise lie(tx, desk, machine, purchase, NotTheQuote("not this purchase's last quote"))
    if ask.currency != row["currency"] or ask.minor not in desk.policy.denominations:
        error = NotOurSum(f"no such note: {ask.minor} {ask.currency}")
        raise lie(tx, desk, machine, purchase, error)
    expected = _last_seq(tx, purchase) + 1
    if ask.seq != expected:
        error2 = NoteOutOfOrder(f"note {ask.seq} came where {expected} was due")
        raise lie(tx, desk, machine, purchase, error2)
    answer = _judge(tx, desk, row, ask)
    note = {
        "id": ask.note,
        "purchase": purchase,
        "machine": machine,
        "seq": ask.seq,
        "minor": ask.minor,
        "currency": ask.currency,
        "state": (Note.PERMITTED if answer.answer == "permit" else Note.REFUSED).value,
        "answer": msgspec.json.encode(answer).decode(),
        "box": "",
        "quote": ask.quote,
        "asked_at": desk.clock.now(),
    }
    _add_note(tx, note)
    content = {
        "note": ask.note,
        "minor": ask.minor,
        "answer": answer.answer,
        "why": answer.why,
        "because": [reason.id for reason in answer.because],
    }
    event(tx, desk.clock, purchase, "note_asked", content)
    return answer


def _answer(text: str) -> wire.NoteAnswer:
    return msgspec.json.decode(text, type=wire.NoteAnswer)


def _judge(tx: Tx, desk: Desk, row: Row, ask: wire.NoteAsk) -> wire.NoteAnswer:
    if desk.clock.now() >= row["quote_expires_at"]:
        return wire.NoteAnswer(answer="refuse", why="expired", because=[], left_minor=0)
    if row["notes"] >= wire.NOTES_PER_PURCHASE_MAX:
        return wire.NoteAnswer(answer="refuse", why="limit", because=[], left_minor=0)
    who = people.buyer(tx, row["id"])
    barred = who is not None and identify.barred(tx, desk, who.customer)
    if barred or blocked.reason(tx, row["address"], desk.clock.now()):
        return wire.NoteAnswer(answer="refuse", why="held", because=[], left_minor=0)
    by_law = standing(desk, tx, row, ask.minor, who)
    verdict = by_law.verdict
    because = [wire.Reason(id=p.id, cite=p.cite, say=p.say) for p in verdict.because]
    price = Price(Amount(row["price_minor"], asset(row["currency"])))
    most = room(tx, desk, row, price, by_law)
    if verdict.answer is rulebook.Answer.REFUSE:
        return wire.NoteAnswer(answer="refuse", why="limit", because=because, left_minor=most)
    if verdict.answer is rulebook.Answer.REFER:
        return wire.NoteAnswer(answer="refer", why="held", because=because, left_minor=0)
    if by_law.show:
        shows = [wire.Reason(id=one.id, cite=one.cite, say=one.say) for one in by_law.show]
        return wire.NoteAnswer(
            answer="refuse",
            why="identify",
            because=shows,
            left_minor=most,
            show=show_more(by_law),
        )
    if ask.minor > most:
        return wire.NoteAnswer(answer="refuse", why="machine_cap", because=because, left_minor=most)
    left_minor, show = most - ask.minor, show_more(by_law)
    return wire.NoteAnswer(
        answer="permit", why="ok", because=because, left_minor=left_minor, show=show
    )


def _note(tx: Tx, note: str) -> Row | None:
    row = _find_note(tx, note=note).mappings().one_or_none()
    return None if row is None else dict(row)


def _last_seq(tx: Tx, purchase: str) -> int:
    return int(_highest_seq(tx, purchase=purchase).scalar_one())


def _same_note(
    tx: Tx, desk: Desk, machine: str, row: Row, held: Row, seq: int, minor: int, currency: str
) -> None:
    told = (row["id"], machine, seq, minor, currency)
    if told != tuple(held[key] for key in ("purchase", "machine", "seq", "minor", "currency")):
        error = NoteConflict(f"note {held['id']} was {held['minor']} {held['currency']} before")
        raise lie(tx, desk, machine, row["id"], error)


def stacked(
    tx: Tx, desk: Desk, machine: str, purchase: str, report: wire.NoteStacked
) -> wire.PurchaseView:
    """Credit a note that lies in the cash box: exactly once, whatever is sent again."""
    journal.lock(tx)
    row = find(tx, machine, purchase)
    held = _note(tx, report.note)
    if held is None or held["state"] == Note.REFUSED:
        error = NotOurSum(f"note {report.note} of {report.minor} was stacked without a permit")
        raise lie(tx, desk, machine, purchase, error)
    _same_note(tx, desk, machine, row, held, report.seq, report.minor, report.currency)
    if held["state"] == Note.STACKED:
        return view(tx, desk, row)
    if held["state"] == Note.RETURNED and not report.recovered:
        conflict = NoteConflict(f"note {report.note} was returned before")
        raise lie(tx, desk, machine, purchase, conflict)
    _credit(tx, desk, row, held, report.recovered)
    return view(tx, desk, row)


def _credit(tx: Tx, desk: Desk, row: Row, held: Row, recovered: bool) -> None:
    box = f"kiosk:{row['machine']}:box"
    ended = {"state": Note.STACKED.value, "box": box, "ended_at": desk.clock.now()}
    _change_note(tx, ended, note=held["id"])
    cash = Amount(held["minor"], asset(held["currency"]))
    transfer = ledger.Transfer(
        f"note:{held['id']}", box, CUSTOMERS_CASH, cash, "note stacked", row["id"]
    )
    ledger.post(tx, [transfer], desk.clock.now())
    state = State(row["state"])
    content = {"note": held["id"], "minor": held["minor"], "recovered": recovered}
    if state in (State.QUOTED, State.CANCELLED):
        move(tx, desk, row, State.ACCEPTING, "note_stacked", content)
    else:
        event(tx, desk.clock, row["id"], "note_stacked", content)
    if state not in OPEN and state is not State.CANCELLED:
        _owe_late_note(tx, desk, row, held["id"], cash)
        return
    change = {"notes": row["notes"] + 1, **_totals(row, row["cash_minor"] + cash.minor)}
    row.update(change)
    _change(tx, change, purchase=row["id"])


def _owe_late_note(tx: Tx, desk: Desk, row: Row, note: str, cash: Amount) -> None:
    """A note reported after the purchase ended is owed back in cash, and a person is told."""
    transfer = ledger.Transfer(
        f"late:{note}", CUSTOMERS_CASH, CUSTOMERS_REFUNDS, cash, "late note owed", row["id"]
    )
    ledger.post(tx, [transfer], desk.clock.now())
    detail = f"{cash} was stacked after purchase {row['reference']} was {row['state']}"
    incident(tx, desk.clock, row["machine"], row["id"], "LateNote", detail)


def _totals(row: Row, cash_minor: int) -> dict[str, int]:
    currency = asset(row["currency"])
    agreed = Terms(
        Price(Amount(row["price_minor"], currency)),
        row["fee_bp"],
        Amount(row["fee_min_minor"], currency),
    )
    total = sums(Amount(cash_minor, currency), agreed)
    return {
        "cash_minor": total.cash.minor,
        "fee_minor": total.fee.minor,
        "worth_minor": total.worth.minor,
        "sats": total.sats.minor,
    }


def returned(
    tx: Tx, desk: Desk, machine: str, purchase: str, report: wire.NoteReturned
) -> wire.PurchaseView:
    """Note that the note in escrow went back to the customer."""
    journal.lock(tx)
    row = find(tx, machine, purchase)
    held = _note(tx, report.note)
    if held is None or held["state"] in (Note.RETURNED, Note.REFUSED):
        return view(tx, desk, row)
    if held["state"] == Note.STACKED:
        error = NoteConflict(f"note {report.note} is in the cash box, and cannot be returned")
        raise lie(tx, desk, machine, purchase, error)
    ended = {"state": Note.RETURNED.value, "ended_at": desk.clock.now()}
    _change_note(tx, ended, note=report.note)
    content = {"note": report.note, "reason": report.reason}
    event(tx, desk.clock, purchase, "note_returned", content)
    return view(tx, desk, row)


def finish(
    tx: Tx, desk: Desk, machine: str, purchase: str, request: wire.FinishRequest
) -> wire.PurchaseView:
    """Fix the coins, post the fee and the debt, and enqueue the payout: one transaction."""
    journal.lock(tx)
    row = find(tx, machine, purchase)
    told = (request.notes, request.cash_minor, request.sats)
    if told != (row["notes"], row["cash_minor"], row["sats"]):
        error = NotOurSum(
            f"the machine says {told} (notes, cash, sats); we counted "
            f"{(row['notes'], row['cash_minor'], row['sats'])}"
        )
        raise lie(tx, desk, machine, purchase, error)
    if request.quote != row["quote"]:
        raise lie(tx, desk, machine, purchase, NotTheQuote("not this purchase's last quote"))
    if State(row["state"]) not in OPEN:
        if State(row["state"]) in (State.CANCELLED, State.REFUND_DUE, State.REFUNDED):
            raise WrongState(f"purchase {row['reference']} is {row['state']}")
        return view(tx, desk, row)
    if desk.clock.now() >= row["quote_expires_at"]:
        raise QuoteExpired(f"the quote ended at {row['quote_expires_at']:%H:%M:%S} UTC")
    if row["cash_minor"] < row["purchase_min_minor"] or not row["sats"]:
        raise BelowMinimum(f"{row['cash_minor']} is below {row['purchase_min_minor']}")
    wait = guard.at_finish(tx, desk, row)
    if wait.refused:
        _owe_back(
            tx, desk, row, {"how": "refused", "reason": "the operator sends nothing for this"}
        )
        guard.ended(tx, desk, purchase, Outcome.REFUSED)
    else:
        _pay_in(tx, desk, row, wait)
    return view(tx, desk, row)


def _pay_in(tx: Tx, desk: Desk, row: Row, wait: guard.Wait) -> None:
    content = {key: row[key] for key in ("notes", "cash_minor", "fee_minor", "worth_minor", "sats")}
    content |= {key: row[key] for key in ("quote", "address", "reference", "price_minor")}
    move(tx, desk, row, State.PAID_IN, "paid_in", content)
    currency, purchase = asset(row["currency"]), row["id"]
    fee, worth = Amount(row["fee_minor"], currency), Amount(row["worth_minor"], currency)
    sats = Amount(row["sats"], BTC)
    make = ledger.Transfer
    transfers = [
        make(f"fee:{purchase}", CUSTOMERS_CASH, "income:fees", fee, "fee", purchase),
        make(f"sold:{purchase}", CUSTOMERS_CASH, "exchange:cash", worth, "coins sold", purchase),
        make(f"owed:{purchase}", "exchange:coin", CUSTOMERS_OWED, sats, "coins owed", purchase),
    ]
    share = host_share(desk, fee)
    if share:
        payee = f"host:{row['machine']}"
        transfers.append(
            make(f"host:{purchase}", "income:fees", payee, share, "host commission", purchase)
        )
    ledger.post(tx, [t for t in transfers if t.amount], desk.clock.now())
    hold_s = max(_hold(tx, desk, row), wait.seconds or 0)
    effects.intend(tx, "payout", purchase, {"machine": row["machine"]}, desk.clock, hold_s)
    if wait.seconds is None:
        guard.park(tx, purchase, desk.clock.now())


def host_share(desk: Desk, fee: Amount) -> Amount:
    """Return what of a fee the host of the kiosk gets."""
    return Amount(desk.policy.host_bp * fee.minor // 10_000, fee.asset)


def _hold(tx: Tx, desk: Desk, row: Row) -> int:
    """Return for how many seconds the law lets nothing be sent, and write down which law."""
    now = desk.clock.now()
    duties = rulebook.binding(desk.place, desk.day(now)).duties
    holds = [p for p in duties if p.kind in HOLDS and "hours" in p.figures]
    hours = max((p.figures["hours"] for p in holds), default=0)
    if hours:
        until = now + dt.timedelta(hours=hours)
        event(tx, desk.clock, row["id"], "held", {"until": until, "by": [p.id for p in holds]})
    return hours * 3_600


def close(
    tx: Tx, desk: Desk, machine: str, purchase: str, request: wire.CloseRequest
) -> wire.PurchaseView:
    """Stop a purchase: cancel it empty, keep it safe, or owe the cash back."""
    from tallystick.kiosk import queries, refund

    journal.lock(tx)
    row = find(tx, machine, purchase)
    state, content = State(row["state"]), {"how": request.how, "reason": request.reason}
    if request.how not in HOWS:
        raise WrongState(f"there is no way to close called {request.how!r}")
    if state is State.PAID_IN and request.how in STOPS and queries.waiting(tx, purchase):
        refund.call_off(tx, desk, purchase, "the customer", request.reason)
        return view(tx, desk, find(tx, machine, purchase))
    if state not in OPEN:
        return view(tx, desk, row)
    if request.how in STOPS:
        guard.ended(tx, desk, purchase, STOPS[request.how])
    if not row["cash_minor"]:
        if state is State.QUOTED:
            move(tx, desk, row, State.CANCELLED, "cancelled", content)
    elif request.how == "keep":
        if state is State.ACCEPTING:
            move(tx, desk, row, State.KEPT, "kept", content)
    else:
        _owe_back(tx, desk, row, content)
    return view(tx, desk, row)


def _owe_back(tx: Tx, desk: Desk, row: Row, content: Row) -> None:
    """Owe the customer all the cash of an open purchase."""
    move(tx, desk, row, State.REFUND_DUE, "refund_due", content)
    cash, purchase = Amount(row["cash_minor"], asset(row["currency"])), row["id"]
    transfer = ledger.Transfer(
        f"refund:{purchase}", CUSTOMERS_CASH, CUSTOMERS_REFUNDS, cash, "cash owed back", purchase
    )
    ledger.post(tx, [transfer], desk.clock.now())


def view(tx: Tx, desk: Desk, row: Row) -> wire.PurchaseView:
    """Return the purchase as the screen and the receipt say it; ``row``: whole, as it is now."""
    from tallystick.kiosk.queries import view_of

    most, show = 0, list[wire.IdentityAsk]()
    if State(row["state"]) in OPEN:
        price = Price(Amount(row["price_minor"], asset(row["currency"])))
        most, show = more(tx, desk, row, price)
    return view_of(tx, row, most, desk.policy.confirmations_needed, show)
