"""The shared file of blocked destinations, appeals, and the one call from a claim.

`tallystick.kiosk.blocked` holds the entries and asks them at every step, so whatever is added here
holds on all machines at once. A shared entry must end by itself and name where to appeal. Where
two say different things the stricter wins, except that an entry which we lifted on appeal comes
back only by a newer one; OFAC's are not ours to lift (requirement 16). What is lifted on appeal
ends the address's flags too, and each record of one says so.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from typing import Any, Final

import msgspec
import sqlalchemy as sa

from tallystick.core.clock import Clock, new_id
from tallystick.core.store import Tx
from tallystick.kiosk import blocked
from tallystick.kiosk.record import listed
from tallystick.kiosk.scams import intervene
from tallystick.kiosk.scams.errors import AppealRefused, ClaimUnknown, ListRefused, SamePerson
from tallystick.kiosk.scams.tables import APPEALS, CLAIM_ITEMS, INTERVENTIONS
from tallystick.kiosk.tables import PURCHASES

FORMAT: Final = "tallystick-blocked/1"
FILE_BYTES_MAX: Final = 20_000_000
ENTRIES_MAX: Final = 100_000
CLAIM_DAYS: Final = 180
"""An entry from a claim ends after this long unless it is renewed."""
TEXT_LENGTH_MAX: Final = 200
DECISIONS: Final = frozenset({"lifted", "kept"})


class Entry(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One line of the shared file. ``appeal``: where somebody wrongly listed can turn to."""

    address: str
    reason: str
    added: dt.datetime
    expires: dt.datetime
    appeal: str


class Shared(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The shared file: who made it, when, and its entries."""

    format: str
    made_by: str
    made_at: dt.datetime
    entries: list[Entry]


def from_claim(tx: Tx, clock: Clock, claim: str, by: str) -> int:
    """Block a claim's destinations on every machine, in this transaction: the one call.

    Return how many addresses the claim's purchases were sent to; blocking one twice is once.
    """
    query = (
        sa.select(PURCHASES.c.address)
        .distinct()
        .join(CLAIM_ITEMS, CLAIM_ITEMS.c.purchase == PURCHASES.c.id)
    )
    addresses = tx.execute(query.where(CLAIM_ITEMS.c.claim == claim)).scalars().all()
    if not addresses:
        raise ClaimUnknown(f"claim {claim[:26]} is not known")
    for address in addresses:
        blocked.block(tx, clock, address, "own", f"claim {claim}", by, CLAIM_DAYS)
    return len(addresses)


def export(tx: Tx, clock: Clock, made_by: str, appeal: str) -> bytes:
    """Return our own entries that end by themselves, as a shared file; reasons stay general."""
    now = clock.now()
    longest = now + dt.timedelta(days=blocked.SHARED_DAYS_MAX)
    entries = [
        Entry(row["address"], "reported destination", row["at"], row["until"], appeal)
        for row in blocked.entries(tx, now)
        if row["list"] == "own" and row["until"] is not None and row["until"] <= longest
    ]
    return msgspec.json.encode(Shared(FORMAT, made_by, now, entries))


def take_in(tx: Tx, clock: Clock, raw: bytes) -> int:
    """Take in a shared file whole or not at all; return how many entries were added.

    Entries that have ended are passed over, and those that we lifted on appeal after they were
    added. Raises `ListRefused` naming the first entry that does not say what it must.
    """
    shared, now = _read(raw), clock.now()
    if shared.made_at > now:
        raise ListRefused(f"the file says it was made at {shared.made_at}, which is to come")
    added = 0
    held = {row["address"] for row in blocked.entries(tx, now) if row["list"] == "shared"}
    for entry in shared.entries:
        address = blocked.canonical(entry.address)
        if address in held or entry.expires <= now or lifted_since(tx, address, entry.added):
            continue
        days = -(-(entry.expires - now) // dt.timedelta(days=1))
        why = f"{entry.reason}; appeal: {entry.appeal}"
        blocked.block(tx, clock, address, "shared", why, shared.made_by, days)
        held.add(address)
        added += 1
    return added


def _read(raw: bytes) -> Shared:
    if len(raw) > FILE_BYTES_MAX:
        raise ListRefused(f"a list of {len(raw)} bytes; at most {FILE_BYTES_MAX}")
    try:
        shared = msgspec.json.decode(raw, type=Shared)
    except msgspec.DecodeError as error:
        raise ListRefused(f"not a shared list: {error}") from error
    if shared.format != FORMAT or len(shared.entries) > ENTRIES_MAX:
        raise ListRefused(f"not {FORMAT}, or more than {ENTRIES_MAX} entries")
    _zoned("the file", [shared.made_at])
    for entry in shared.entries:
        _check(entry)
    return shared


def _zoned(what: str, moments: Iterable[dt.datetime]) -> None:
    if any(moment.tzinfo is None for moment in moments):
        raise ListRefused(f"{what} has a time without a zone")


def _check(entry: Entry) -> None:
    where = f"entry {entry.address[:20]!r}"
    _zoned(where, [entry.added, entry.expires])
    if not entry.reason.strip() or not entry.appeal.strip():
        raise ListRefused(f"{where} has no reason or no place to appeal")
    if max(len(entry.reason), len(entry.appeal)) > TEXT_LENGTH_MAX:
        raise ListRefused(f"{where}: at most {TEXT_LENGTH_MAX} characters")
    longest = dt.timedelta(days=blocked.SHARED_DAYS_MAX)
    if not entry.added < entry.expires <= entry.added + longest:
        raise ListRefused(f"{where} ends within {blocked.SHARED_DAYS_MAX} days of being added")


def lifted_since(tx: Tx, address: str, added: dt.datetime) -> bool:
    """Say whether our own appeal took the address off after the entry was made."""
    a = APPEALS.c
    query = sa.select(sa.func.count()).where(a.address == address, a.decision == "lifted")
    return bool(tx.execute(query.where(a.decided_at >= added)).scalar_one())


def appeal(tx: Tx, clock: Clock, address: str, name: str, why: str, by: str) -> str:
    """File an appeal against an entry; return its id. The entry holds until it is decided."""
    canonical, now = blocked.canonical(address), clock.now()
    rows = [r for r in blocked.entries(tx, now) if (r["address"], r["list"]) == (canonical, name)]
    if name == "ofac" or not rows:
        raise AppealRefused("OFAC's entries are appealed to OFAC; others must be on the list")
    if not why.strip() or len(why) > TEXT_LENGTH_MAX:
        raise AppealRefused(f"an appeal says why, in at most {TEXT_LENGTH_MAX} characters")
    row: dict[str, Any] = {
        "id": new_id(clock),
        "address": canonical,
        "list": name,
        "listed_by": rows[0]["by"],
        "why": why,
        "by": by,
        "at": now,
        "decided_at": None,
        "decided_by": "",
        "decision": "",
        "reasons": "",
    }
    tx.execute(sa.insert(APPEALS).values(**row))
    return str(row["id"])


def waiting(tx: Tx) -> list[dict[str, Any]]:
    """Return the appeals that nobody has decided, the oldest first."""
    query = sa.select(APPEALS).where(APPEALS.c.decided_at.is_(None)).order_by(APPEALS.c.at)
    return [dict(row) for row in tx.execute(query).mappings()]


def decide(tx: Tx, clock: Clock, appeal_id: str, decision: str, reasons: str, by: str) -> None:
    """Lift or keep an entry on appeal; whoever listed it does not hear the appeal."""
    query = sa.select(APPEALS).where(APPEALS.c.id == appeal_id)
    row = tx.execute(query).mappings().one_or_none()
    if row is None or row["decided_at"] is not None or decision not in DECISIONS:
        raise AppealRefused("no such appeal waits for this decision")
    if by in (row["listed_by"], row["by"]):
        raise SamePerson(f"{by} listed the address or filed the appeal")
    if not reasons.strip():
        raise AppealRefused("a decision gives its reasons")
    change = {"decided_at": clock.now(), "decided_by": by}
    told = change | {"decision": decision, "reasons": reasons}
    tx.execute(sa.update(APPEALS).where(APPEALS.c.id == appeal_id).values(**told))
    if decision == "lifted":
        blocked.lift(tx, clock, row["address"], row["list"], by)
        _end_flags(tx, clock, row["address"], appeal_id, by)


def _end_flags(tx: Tx, clock: Clock, address: str, appeal_id: str, by: str) -> None:
    """Say in each earlier record of an address that its flag has ended, if no list has it now."""
    now = clock.now()
    if blocked.reason(tx, address, now) or blocked.stopped(tx, address, now):
        return
    i = INTERVENTIONS.c
    flagged = tx.execute(sa.select(i.id).where(i.address == address, i.step > 0)).scalars().all()
    for one in flagged:
        intervene.followed(tx, clock, one, intervene.After.LIST_LIFTED, appeal_id)
    told = {"address": address, "appeal": appeal_id, "flags": len(flagged), "by": by}
    listed(tx, clock, "flags_ended", told)
