"""The purchases and one purchase's whole history, as rows of words and figures for a template.

Whatever needs a person comes first. The dossier opens every commitment again from the stored
content and salt; it never takes a stored "matches" for granted.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final

import msgspec

from tallystick.bitcoin.transaction import vsize_of
from tallystick.core.identity import people
from tallystick.core.store import Tx
from tallystick.kiosk import queries
from tallystick.kiosk.customers import copies, rests
from tallystick.kiosk.customers import people as customers
from tallystick.kiosk.queries import Wanted
from tallystick.kiosk.quote import Desk
from tallystick.kiosk.scams import calls, guard
from tallystick.kiosk.screening.screen import Roll
from tallystick.web.console import sayings
from tallystick.web.console.kiosks import labels_of, taken_today
from tallystick.web.console.wallet import owed
from tallystick.web.figures import count_of, percent, short, sum_of

LIST_ROWS: Final = 50
PERSON: Final = "person"
"""The list's filter for what needs a person, beside the states."""

Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Offices:
    """What the console can ask outside the database: a refill address, the audit, the signer."""

    refill: Callable[[], str]
    audit: Callable[[], list[Any]]
    signer: Callable[[], Row] = field(default=dict)
    roll: Roll | None = None
    """Whose names screening may open, each read written down; None where nobody is identified."""


def purchases(tx: Tx, desk: Desk, wanted: Wanted) -> Row:
    """Return the list of purchases, newest first, with today's figures and who needs a person."""
    troubled = queries.troubled(tx)
    waiting = queries.waiting_for_person(tx, list(troubled))
    rows = waiting if wanted.state == PERSON else queries.purchases(tx, wanted, most=LIST_ROWS + 1)
    plain = not (wanted.state or wanted.word or wanted.machine or wanted.before)
    labels = labels_of(tx)
    taken = taken_today(tx, desk).values()
    return {
        "rows": _listed(tx, rows[:LIST_ROWS], troubled, labels),
        "first": _listed(tx, waiting if plain else [], troubled, labels),
        "wanted": wanted,
        "plain": plain,
        "more": len(rows) > LIST_ROWS and wanted.state != PERSON,
        "labels": labels,
        "today": {
            "minor": sum(minor for minor, _ in taken),
            "purchases": sum(count for _, count in taken),
            "kiosks": len(taken),
        },
        "owed": owed(tx),
        "currency": desk.place.currency,
    }


def _listed(tx: Tx, rows: list[Row], troubled: dict[str, Row], labels: dict[str, str]) -> list[Row]:
    """Add to each purchase what a line of the list shows beside its own figures."""
    paths = queries.paths(tx, [row["id"] for row in rows])
    found = []
    for row in rows:
        effect = troubled.get(row["id"])
        said, mark = sayings.troubled(row["state"], effect)
        look = effect is not None or row["state"] in queries.LEFT_TO_PERSON
        label = labels.get(row["machine"], row["machine"])
        more = {"label": label, "path": paths[row["id"]], "mark": mark, "said": said, "look": look}
        found.append(row | more | {"back": row["state"] in sayings.BACK})
    return found


def purchase(tx: Tx, desk: Desk, purchase_id: str) -> Row | None:
    """Return one purchase's whole history, or None."""
    found = queries.dossier(tx, purchase_id)
    if found is None:
        return None
    row = found.purchase
    names = {person.id: person.name for person in people.people(tx)}
    stuck = next((e for e in found.effects if e["state"] == "person" or _failing(e)), None)
    said, mark = sayings.troubled(row["state"], stuck)
    known = customers.buyer(tx, purchase_id)
    return {
        "row": row,
        "label": labels_of(tx).get(row["machine"], row["machine"]),
        "dossier": found,
        "said": said,
        "mark": mark,
        "back": row["state"] in sayings.BACK,
        "stuck": stuck,
        "asked_again": [e for e in found.effects if e["state"] == "done" and e["attempts"] > 1],
        "history": [_happened(event, row["currency"], names) for event in found.events],
        "notes": [note | {"law": msgspec.json.decode(note["answer"])} for note in found.notes],
        "verdicts": _verdicts(desk, found.notes),
        "done": sum(1 for step in found.path if step.at),
        "needed": desk.policy.confirmations_needed,
        "bills": _bills(found.notes),
        "payments": [_paid(payment) for payment in found.payments],
        "customer": known if known and known.customer else None,
        "rests": rests.of(tx, purchase_id),
        "kinds": copies.KINDS,
        "care": guard.explained(tx, desk.scams, purchase_id),
        "waits": row["state"] == "paid_in" and guard.waits(tx, purchase_id),
        "calls": [
            call | {"by": names.get(call["by"], call["by"])}
            for call in calls.of_purchase(tx, purchase_id)
        ],
        "call_needed": calls.needed(tx, purchase_id),
        "call_allows": calls.open_to(tx, purchase_id),
        **_half(found.events),
    }


def _failing(effect: Row) -> bool:
    return effect["state"] == "waiting" and bool(effect["error"])


def _half(events: list[Row]) -> Row:
    """Return what anybody can check: the receipt's step, and whether each step opens its entry."""
    paid = next((event for event in events if event["kind"] == "paid_in"), None)
    return {
        "receipt": paid,
        "opened": sum(1 for event in events if event["opens"]),
        "all_open": all(event["opens"] for event in events),
    }


def _happened(event: Row, currency: str, names: dict[str, str]) -> Row:
    content = event["content"]
    what = sayings.HAPPENED.get(event["kind"], event["kind"].replace("_", " "))
    return {
        **event,
        "what": what,
        "minor": content.get("minor"),
        "why": _why(content, currency, names),
    }


def _why(content: Row, currency: str, names: dict[str, str]) -> str:
    """Return, in a few words, why or with what an event happened."""
    said = []
    if "answer" in content:
        said.append(content["answer"] + (f" ({content['why']})" if content["why"] != "ok" else ""))
    said += list(content.get("because", ()))
    if "fee_bp" in content:
        price = sum_of(content["price_minor"], currency)
        said.append(f"1 BTC for {price}, fee {percent(content['fee_bp'])}")
    if "worth_minor" in content:
        said.append(f"{count_of(content['notes'], 'note')}; {content['sats']:,} sats owed")
    if content.get("recovered"):
        said.append("proved by the validator after a power cut")
    if "how" in content:
        said.append(f"{content['how']}, asked by {content['reason'] or 'nobody'}")
    elif content.get("reason"):
        said.append(str(content["reason"]))
    if content.get("by"):
        said.append(f"by {names.get(content['by'], content['by'])}")
    if "txid" in content:
        said.append(f"transaction {short(content['txid'])}")
    return ", ".join(said)


def _verdicts(desk: Desk, notes: list[Row]) -> list[Row]:
    """Return each provision that bore on a note, once for each answer, with how many notes."""
    since = {provision.id: provision.since for provision in desk.place.provisions}
    found: dict[tuple[str, str], Row] = {}
    for note in notes:
        answer = msgspec.json.decode(note["answer"])
        for reason in answer["because"]:
            first = {**reason, "answer": answer["answer"], "notes": 0, "minor": 0}
            line = found.setdefault((reason["id"], answer["answer"]), first)
            line["notes"] += 1
            line["minor"] += note["minor"]
            line["since"] = since.get(reason["id"])
    return list(found.values())


def _bills(notes: list[Row]) -> list[tuple[int, int]]:
    """Return how many notes of each value were stacked, the highest first."""
    counted: dict[int, int] = {}
    for note in notes:
        if note["state"] == "stacked":
            counted[note["minor"]] = counted.get(note["minor"], 0) + 1
    return sorted(((count, minor) for minor, count in counted.items()), key=lambda one: -one[1])


def _paid(payment: Row) -> Row:
    """Add to a transaction its size and what it pays the network for each virtual byte."""
    size = vsize_of(bytes.fromhex(payment["raw"]))
    whole, tenth = divmod(payment["fee_sats"] * 10 // size, 10)
    return {**payment, "vsize": size, "rate": f"{whole}.{tenth}"}
