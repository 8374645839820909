"""What the pages show, read in one snapshot: holdings, limits, lots, movements, who agreed.

Public pages name officials by their roles and keys by their numbers, never a person.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import msgspec
import sqlalchemy as sa

from tallystick.core import approvals, journal
from tallystick.core.money import BTC
from tallystick.core.store import Tx
from tallystick.reserve import (
    agree,
    attest,
    charter,
    codes,
    lots,
    publish,
    queries,
    record,
    vaults,
    watch,
)
from tallystick.reserve.ask import released_on
from tallystick.reserve.charter import Charter
from tallystick.reserve.facts import LotFact
from tallystick.reserve.model import Ledger, State
from tallystick.reserve.queries import Movement
from tallystick.reserve.tables import EVENTS
from tallystick.web.figures import coin, day
from tallystick.web.reserve import charts, sayings

COIN: Final = 10**BTC.exponent
MOVEMENTS_SHOWN: Final = 8
POINTS_MAX: Final = 12


@dataclass(frozen=True, slots=True)
class Line:
    """A movement as a line of a table."""

    movement: Movement
    what: str
    sats: int
    lawful: str
    agreed: str
    said: sayings.Said

    @property
    def on(self) -> dt.datetime:
        """Return when it last changed."""
        return self.movement.moved_at


def lines(tx: Tx, limit: int = 200, public: bool = False) -> list[Line]:
    """Return the movements, newest first, as officials or as the public see them."""
    return [_line(tx, one, public) for one in queries.movements(tx, limit=limit)]


def _line(tx: Tx, one: Movement, public: bool = False) -> Line:
    because = one.said["because"] or one.said["must"]
    cited = [item for item in because if item["kind"] in ("hold", "ban", "power", "budget")]
    first = (cited or because or [None])[0]
    lawful = f"{first['cite']}: {first['say']}" if first else "No provision speaks of it"
    what = sayings.ACTS[one.act]
    who = agreed(tx, one, public)
    return Line(one, what, -one.sats, lawful, who, sayings.STATES[one.state])


def agreed(tx: Tx, one: Movement, public: bool = False) -> str:
    """Return who agreed, by roles and by the numbers of keys; or that nobody was asked.

    The public learns it when the agreement is complete: till then each answer looks like another.
    """
    if one.state in (State.REFUSED, State.REFERRED) and not one.proposal:
        return "Nobody was asked"
    if public and one.ready_at is None:
        return "Shown once it is authorised" if one.state is State.PROPOSED else "Not authorised"
    given = approvals.status(tx, one.proposal, one.moved_at).counted
    roles = ", ".join(sayings.ROLES.get(item.role, item.role) for item in given)
    keys = ", ".join(str(number) for number in key_numbers(tx, one))
    if not roles:
        return "Nobody yet"
    return f"{roles}; keys {keys}" if keys else roles


def key_numbers(tx: Tx, one: Movement) -> list[int]:
    """Return the numbers of the keys that signed a movement, counted from 1 in their vault."""
    keys = [key.fingerprint for key in vaults.vault(tx, one.vault).keys]
    signed = queries.signed(tx, one.id, "pay")
    return sorted(keys.index(key) + 1 for key in signed if key in keys)


@dataclass(frozen=True, slots=True)
class LotLine:
    """A lot as a line of a table."""

    lot: lots.Lot
    held: int
    origin: str
    detail: str
    free_on: dt.date | None


def lot_lines(tx: Tx, held_by: Charter, on: dt.date) -> list[LotLine]:
    """Return every lot with what is left of it and when a sale is first possible."""
    held, holds, found = lots.held(tx), held_by.mandate.of("hold", on), []
    for one in lots.lots(tx):
        fact = LotFact(one.id, 0, one.deposited, one.origin.kind)
        ends = [d for d in (released_on(hold, fact) for hold in holds) if d is not None]
        named = one.origin
        detail = next(
            (
                text
                for text in (
                    named.case and f"case {named.case}, {named.agency}",
                    named.source and f"paid from {named.source}",
                    named.agency,
                )
                if text
            ),
            "",
        )
        free = max(ends) if ends and one.ledger is Ledger.RESERVE else None
        found.append(LotLine(one, held.get(one.id, 0), sayings.ORIGINS[named.kind], detail, free))
    return found


def holdings(tx: Tx) -> list[tuple[dt.date, int]]:
    """Return what was held from each day on; the newest dozen of changes."""
    return [(one.on, one.sats) for one in queries.held(tx)][-POINTS_MAX:]


def releases(found: Sequence[LotLine]) -> list[tuple[int, int]]:
    """Return how much is first released in which year."""
    years: dict[int, int] = {}
    for one in found:
        if one.free_on is not None and one.held:
            years[one.free_on.year] = years.get(one.free_on.year, 0) + one.held
    return sorted(years.items())


def common(tx: Tx, now: dt.datetime) -> dict[str, Any]:
    """Return what every page of the reserve stands on."""
    held_by = charter.charter(tx)
    on = held_by.day(now)
    totals = watch.totals(tx)
    return {
        "now": now,
        "today": on,
        "charter": held_by,
        "mandate": held_by.mandate,
        "totals": totals,
        "held": totals["reserve"],
        "limits": attest.limits(tx, held_by, on),
        "entries": journal.head(tx)[0],
        "sample": held_by.mandate.status == "demonstration",
    }


def public(tx: Tx, now: dt.datetime) -> dict[str, Any]:
    """Return what the public page shows."""
    around = common(tx, now)
    found = lot_lines(tx, around["charter"], around["today"])
    points, years = holdings(tx), releases(found)
    proofs = attest.attestations(tx)
    last = proofs[0] if proofs else None
    addresses = sorted(
        ((one.address, one.sats, one.vault) for one in lots.coins(tx)), key=lambda item: -item[1]
    )
    all_ = vaults.vaults(tx)
    rows = lines(tx, public=True)
    return around | {
        "last": last,
        "proved": proved(tx, last),
        "last_file": publish.name_of(last.id) if last else "",
        "proofs": proofs,
        "lots": found,
        "first_free": years[0][0] if years else None,
        "points": points,
        "years": years,
        "holdings_chart": holdings_chart(points),
        "years_chart": years_chart(years),
        "addresses": addresses,
        "vaults": {one.id: one for one in all_},
        "active": [one for one in all_ if one.state == "active"],
        "lines": rows[:MOVEMENTS_SHOWN],
        "lines_all": len(rows),
        "sold": sum(one.sats for one in queries.sold(tx, around["today"])),
        "notices": [one for one in rows if one.movement.state is State.PROPOSED],
        "digest": last.log_root if last else "",
    }


def proved(tx: Tx, last: attest.Open | None) -> dict[str, int]:
    """Return how much of the reserve the newest proof covers, in satoshis, and how much not.

    ``proved`` lay there at its block; ``spent`` of that has left or moved since; ``unproved`` came
    to its address after it.
    """
    stated = {c["coin"]: c for c in last.statement["coins"]} if last else {}
    now = {coin.name: coin.sats for coin in lots.coins(tx) if coin.ledger is Ledger.RESERVE}
    ours = {name: c["sats"] for name, c in stated.items() if c["ledger"] == Ledger.RESERVE.value}
    return {
        "proved": sum(ours.values()),
        "spent": sum(sats for name, sats in ours.items() if name not in now),
        "unproved": sum(sats for name, sats in now.items() if name not in stated),
    }


def holdings_chart(points: Sequence[tuple[dt.date, int]]) -> Any:
    """Draw what was held; None before the first coin."""
    if not points:
        return None
    last = points[-1][1]
    name = f"Bitcoin held from each day on: {coin(last)} since {day_of(points[-1][0])}."
    labels = [(day_of(on), sats) for on, sats in points]
    return charts.steps(name, labels, COIN, f"{charts.decimal(last, COIN)} BTC")


def years_chart(years: Sequence[tuple[int, int]]) -> Any:
    """Draw the years in which the law first allows a sale; None without a hold."""
    if not years:
        return None
    said = "; ".join(f"{year} {charts.decimal(sats, COIN)}" for year, sats in years)
    rows = [(str(year), sats, charts.decimal(sats, COIN)) for year, sats in years]
    return charts.bars(f"Bitcoin by the year in which the law first allows a sale: {said}", rows)


def day_of(on: dt.date) -> str:
    """Return ``23 Nov 2026``."""
    return day(dt.datetime(on.year, on.month, on.day, tzinfo=dt.UTC))


# The console


def frame(tx: Tx, now: dt.datetime, person: str = "") -> dict[str, Any]:
    """Return what stands around every page of the console, as this person may see it.

    Who was made to give the code that freezes sees no sign of it: somebody looks on.
    """
    around, standing = common(tx, now), record.alarms(tx)
    waiting = queries.movements(tx, (State.PROPOSED, State.APPROVED))
    if person and codes.hides(tx, person):
        standing, around["charter"] = _as_told(standing, around["charter"])
    return around | {
        "alarms": standing,
        "alarm_words": sayings.ALARMS,
        "counts": {
            "movements": len(waiting),
            "alarms": len(standing),
            "approvals": len(agree.waiting(tx, now)),
        },
    }


def _as_told(standing: list[dict[str, Any]], held: Charter) -> tuple[list[dict[str, Any]], Charter]:
    """Return alarms and charter as everybody knows them: no freeze yet, and never its reason."""
    shown = [
        one | {"detail": charter.FROZEN} if one["kind"] == "frozen" else one
        for one in standing
        if held.told or one["kind"] != "frozen"
    ]
    at = held.frozen_at if held.told else None
    return shown, dataclasses.replace(held, frozen_at=at, frozen_why="")


def waiting_lines(tx: Tx) -> list[Line]:
    """Return the movements that wait for officials."""
    return [_line(tx, one) for one in queries.movements(tx, (State.PROPOSED,))]


def matter_words(found: agree.Matter) -> str:
    """Return in a line what officials are asked to agree to."""
    if found.coin is None or found.origin is None:
        return "Thaw the reserve"
    kind = sayings.ORIGINS[found.origin.kind]
    return f"Take in {coin(found.coin.sats)} BTC as: {kind}"


def movement(tx: Tx, id: str, now: dt.datetime, person: str) -> dict[str, Any]:
    """Return one movement with everything that an official must see before signing."""
    from tallystick.core.identity import grants

    one = queries.movement(tx, id)
    stored = one.stored if one.plan else None
    status = approvals.status(tx, one.proposal, now) if one.proposal else None
    held = grants.held(tx, person)
    rule = approvals.get(tx, one.proposal).rule if one.proposal else None
    agreeing = {item.person for item in status.counted} if status else set()
    mine = sorted(held & set(rule.needs)) if rule else []
    counted = [(item.role, item.at) for item in status.counted] if status else []
    if mine and codes.given(tx, person, one.id) is False:
        counted.append((mine[0], now))
    return {
        "one": one,
        "line": _line(tx, one),
        "verdict": one.said,
        "stored": stored,
        "outputs": _outputs(tx, stored) if stored else [],
        "status": status,
        "rule": rule,
        "agreed_by": [(sayings.ROLES.get(role, role), at) for role, at in counted],
        "roles": mine if person not in agreeing and person != one.maker else [],
        "maker": person == one.maker,
        "may_veto": bool(held & charter.VETOING),
        "keyholder": "reserve.keyholder" in held,
        "vault": vaults.vault(tx, one.vault),
        "signed": {which: queries.signed(tx, one.id, which) for which in ("pay", "cancel")},
        "payments": queries.payments(tx, one.id),
        "history": history(tx, one.id),
        "leaving": [(lots.lot(tx, id), sats) for id, sats in stored.leaving.items() if id]
        if stored
        else [],
        "role_words": sayings.ROLES,
    }


def _outputs(tx: Tx, stored: queries.Stored) -> list[dict[str, Any]]:
    from tallystick.bitcoin.anchor import in_words
    from tallystick.bitcoin.transaction import address_of

    found = []
    for output in stored.pay.outputs:
        script = bytes.fromhex(output.script)
        address = in_words(script, output.sats) or address_of(script, stored.pay.network)
        own = output.own is not None
        found.append({"address": address, "sats": output.sats, "own": own, "rest": output.rest})
    return found


def history(tx: Tx, subject: str) -> list[dict[str, Any]]:
    """Return a subject's steps in words, oldest first, with their entries in the log."""
    return [
        {
            "at": row["at"],
            "entry": row["entry"],
            "word": sayings.KINDS.get(row["kind"], row["kind"]),
            "detail": _detail(row["content"]),
        }
        for row in record.history(tx, subject)
    ]


def _detail(content: dict[str, Any]) -> str:
    """Return what a step says beyond its kind, in one line."""
    parts = []
    for name in ("why", "role", "key", "txid", "height", "fee_sats", "differences", "alarm"):
        value = content.get(name)
        if value not in (None, ""):
            shown = sayings.ROLES.get(str(value), str(value))
            parts.append(f"{name.replace('_', ' ')} {shown}" if name != "why" else shown)
    verdict = content.get("verdict") or {}
    parts += [f"{item['id']} ({item['cite']})" for item in verdict.get("because", [])[:2]]
    return "; ".join(parts)[:400]


def recent(tx: Tx, count: int = 12) -> list[dict[str, Any]]:
    """Return the last steps of the whole reserve."""
    shown = sa.select(EVENTS).where(EVENTS.c.kind != "freeze_reason")
    query = shown.order_by(EVENTS.c.entry.desc()).limit(count)
    return [
        {
            "at": row["at"],
            "entry": row["entry"],
            "word": sayings.KINDS.get(row["kind"], row["kind"]),
            "detail": _detail(msgspec.json.decode(row["content"])),
        }
        for row in tx.execute(query).mappings()
    ]
