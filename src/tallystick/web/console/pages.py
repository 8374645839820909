"""What each page of the console says: rows read in one snapshot, and words for their states."""

from __future__ import annotations

import datetime as dt
import io
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import msgspec
import segno
from markupsafe import Markup

from tallystick.core import ledger
from tallystick.core.identity import machines
from tallystick.core.store import Tx
from tallystick.kiosk import queries
from tallystick.kiosk.quote import Desk
from tallystick.look import art

SILENT_S: Final = 60
"""After this long without a word a kiosk is shown as silent; it speaks every five seconds."""
INCIDENT_DAYS: Final = 7

STATES: Final[dict[str, tuple[str, str, str]]] = {
    "quoted": ("Quoted", "off", "the customer"),
    "accepting": ("Taking cash", "off", "the customer"),
    "kept": ("Kept safe", "care", "the customer’s call"),
    "paid_in": ("Paid in", "wait", "the signer"),
    "signed": ("Signed", "wait", "the network"),
    "sent": ("Sent", "wait", "a block"),
    "settled": ("Confirmed", "good", ""),
    "cancelled": ("Cancelled", "off", ""),
    "refund_due": ("Cash back due", "care", "a person to give the cash back"),
    "refunded": ("Cash given back", "off", ""),
}
"""For each state: its name, how its pill looks, and what it waits for."""
PERSON: Final = frozenset({"kept", "refund_due"})
BACK: Final = frozenset({"refund_due", "refunded", "cancelled"})
HAPPENED: Final = {
    "quoted": "Quote signed",
    "note_asked": "Note asked about",
    "note_stacked": "Note in the cash box",
    "note_returned": "Note given back",
    "paid_in": "Paid in",
    "signed": "Signed and stored",
    "sent": "Sent",
    "settled": "Confirmed",
    "kept": "Kept safe",
    "resumed": "Taken up again",
    "cancelled": "Cancelled",
    "refund_due": "Cash owed back",
    "refunded": "Cash given back",
}
ACCOUNTS: Final = (
    ("customers:cash", "customers, cash not yet sold or given back"),
    ("customers:refunds", "customers, cash to be given back"),
    ("customers:owed", "customers, coins not yet on the chain"),
    ("exchange:cash", "us, cash from coins sold"),
    ("exchange:coin", "us, coins sold"),
    ("income:fees", "us, fees earned"),
    ("operator:cash", "us, cash paid out by hand"),
    ("operator:float", "us, coins brought in to sell"),
    ("wallet:hot", "us, the hot wallet"),
    ("expense:network", "us, network fees paid"),
    ("kiosk:", "cash in this kiosk’s box"),
    ("host:", "the shop, its commission"),
)


@dataclass(frozen=True, slots=True)
class Offices:
    """What the console can ask outside the database: a refill address, and the audit."""

    refill: Callable[[], str]
    audit: Callable[[], list[Any]]


def frame(tx: Tx, desk: Desk) -> dict[str, Any]:
    """Return what stands around every page: the counts beside the menu and the alarms."""
    now = desk.clock.now()
    waiting = queries.waiting_for_person(tx)
    effects = queries.stuck(tx)
    kiosks = kiosk_rows(tx, desk)
    bad = [row for row in kiosks if row["alarm"]]
    coins = wallet_facts(tx, desk)
    recent = [row for row in queries.incidents(tx) if now - row["at"] < _days(INCIDENT_DAYS)]
    return {
        "now": now,
        "counts": {
            "purchases": len(waiting) + len(effects),
            "kiosks": len(bad),
            "wallet": int(coins["low"]),
            "incidents": len(recent),
        },
        "waiting": waiting,
        "effects": effects,
        "coins": coins,
        "sprite": Markup(art.SPRITE),  # noqa: S704 - a file of ours
        "mark": Markup(art.mark()),  # noqa: S704 - drawn by us
        "icon": lambda name: Markup(art.icon(name)),  # noqa: S704 - drawn by us
        "states": STATES,
        "place": desk.place,
    }


def _days(count: int) -> dt.timedelta:
    return dt.timedelta(days=count)


def purchases(
    tx: Tx, desk: Desk, state: str, word: str, before: dt.datetime | None
) -> dict[str, Any]:
    """Return the list of purchases, newest first, with today's figures above it."""
    since = desk.midnight(desk.clock.now())
    rows = queries.purchases(tx, state, word, before)
    labels = {machine.id: machine.label for machine in machines.machines(tx)}
    found = [
        {
            **row,
            "label": labels.get(row["machine"], row["machine"]),
            "path": queries.path(tx, row["id"]),
            "look": row["state"] in PERSON,
            "back": "back" if row["state"] in BACK else "",
        }
        for row in rows
    ]
    return {
        "rows": found,
        "state": state,
        "word": word,
        "more": len(rows) >= queries.PAGE_ROWS_MAX,
        "today": queries.day_figures(tx, since),
        "owed": owed(tx),
        "currency": desk.place.currency,
    }


def owed(tx: Tx) -> dict[str, int]:
    """Return what customers are owed now: cash in minor units, coins in satoshis."""
    held = {name: ledger.balance(tx, name) for name, _ in ACCOUNTS[:3]}
    return {name: one.credit.minor if one else 0 for name, one in held.items()}


def purchase(tx: Tx, desk: Desk, purchase_id: str) -> dict[str, Any] | None:
    """Return one purchase's whole history, or None."""
    found = queries.dossier(tx, purchase_id)
    if found is None:
        return None
    labels = {machine.id: machine.label for machine in machines.machines(tx)}
    row = found.purchase
    return {
        "row": row,
        "label": labels.get(row["machine"], row["machine"]),
        "dossier": found,
        "history": [_happened(event, row["currency"]) for event in found.events],
        "verdicts": _verdicts(found.notes),
        "done": sum(1 for step in found.path if step.at),
        "needed": desk.policy.confirmations_needed,
        "bills": _bills(found.notes),
        "proof": Markup(  # noqa: S704 - drawn by us from hex digits
            art.proof(row["commitment"], row["commitment"], "The cuts of the commitment.", 420)
        )
        if row["commitment"]
        else "",
    }


def _happened(event: dict[str, Any], currency: str) -> dict[str, Any]:
    content = event["content"]
    minor = content.get("minor")
    what = HAPPENED.get(event["kind"], event["kind"].replace("_", " "))
    return {**event, "what": what, "minor": minor, "currency": currency, "why": _why(content)}


def _why(content: dict[str, Any]) -> str:
    """Return, in a few words, why or with what an event happened."""
    said = []
    if "answer" in content:
        said.append(content["answer"] + (f" ({content['why']})" if content["why"] != "ok" else ""))
    said += list(content.get("because", ()))
    if "worth_minor" in content:
        said.append(f"{content['notes']} notes; {content['sats']:,} sats owed")
    if content.get("recovered"):
        said.append("proved by the validator after a power cut")
    said += [str(content[name]) for name in ("reason", "by", "how") if content.get(name)]
    if "txid" in content:
        said.append(f"{content['txid'][:12]}…")
    return ", ".join(said)


def _verdicts(notes: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return each provision that bore on a note, once, with the notes it bore on."""
    found: dict[tuple[str, str], dict[str, Any]] = {}
    for note in notes:
        answer = msgspec.json.decode(note["answer"])
        for reason in answer["because"]:
            key = (reason["id"], answer["answer"])
            line = found.setdefault(key, {**reason, "answer": answer["answer"], "notes": 0})
            line["notes"] += 1
    return list(found.values())


def _bills(notes: list[dict[str, Any]]) -> list[tuple[int, int]]:
    counted: dict[int, int] = {}
    for note in notes:
        if note["state"] == "stacked":
            counted[note["minor"]] = counted.get(note["minor"], 0) + 1
    return sorted(((count, minor) for minor, count in counted.items()), key=lambda one: -one[1])


def kiosk_rows(tx: Tx, desk: Desk) -> list[dict[str, Any]]:
    """Return every machine, with its last word and the cash box as each side counts it."""
    status = {row["machine"]: row for row in queries.machine_status(tx)}
    now, rows = desk.clock.now(), []
    for machine in machines.machines(tx):
        last = status.get(machine.id)
        silent = last is None or (now - last["at"]).total_seconds() > SILENT_S
        differs = last is not None and last["box_minor"] != last["counted_minor"]
        trouble = last["trouble"] if last else ""
        alarm = (
            "revoked"
            if machine.state == "revoked"
            else "silent"
            if silent
            else trouble or ("the box differs from our books" if differs else "")
        )
        rows.append({"machine": machine, "last": last, "alarm": alarm, "differs": differs})
    return rows


def kiosks(tx: Tx, desk: Desk) -> dict[str, Any]:
    """Return the kiosks and the newest incidents."""
    labels = {machine.id: machine.label for machine in machines.machines(tx)}
    incidents = [
        {**row, "label": labels.get(row["machine"], row["machine"])}
        for row in queries.incidents(tx)
    ]
    return {"kiosks": kiosk_rows(tx, desk), "incidents": incidents}


def wallet_facts(tx: Tx, desk: Desk) -> dict[str, Any]:
    """Return the hot wallet as last read from the chain, and whether it is low."""
    held = queries.wallet(tx)
    sats = held["confirmed_sats"] + held["pending_sats"] if held else 0
    return {"held": held, "sats": sats, "low": sats < desk.policy.float_low_sats}


def wallet(tx: Tx, desk: Desk, offices: Offices) -> dict[str, Any]:
    """Return the wallet, an address to fill it, and the newest payments."""
    address = offices.refill()
    return {
        "address": address,
        "qr": qr(f"bitcoin:{address}"),
        "low_sats": desk.policy.float_low_sats,
        "payments": queries.payments(tx),
        "network": desk.network,
        "owed": owed(tx),
    }


def qr(text: str) -> Markup:
    """Draw a QR code, black on white, with its quiet zone."""
    out = io.BytesIO()
    segno.make(text, error="m").save(
        out, kind="svg", scale=4, border=4, xmldecl=False, svgns=False, light="#fff", title=text
    )
    return Markup(out.getvalue().decode())  # noqa: S704 - drawn by segno; the title is escaped


def books(tx: Tx) -> dict[str, Any]:
    """Return the trial balance, by asset."""
    trial = ledger.trial_balance(tx)
    tables: dict[str, list[dict[str, Any]]] = {}
    for held in ledger.balances(tx):
        line = {
            "name": held.name,
            "whose": next((said for name, said in ACCOUNTS if held.name.startswith(name)), ""),
            "debit": held.debit.minor,
            "credit": held.credit.minor,
        }
        tables.setdefault(held.asset.code, []).append(line)
    return {"sides": trial.sides, "wrong": trial.wrong, "tables": tables, "head": queries.head(tx)}
