"""What stands around every page of the console: the menu with its counts, and what needs a look.

An alert says what is the matter, where the money is if it is about money, and leads to the page
that has the rest. The rarest and worst come first; a strip shows a few and counts the others.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from tallystick.core.store import Tx
from tallystick.kiosk import queries
from tallystick.kiosk.customers import sweep
from tallystick.kiosk.quote import Desk
from tallystick.web.console import kiosks, sayings
from tallystick.web.console.claims import ours
from tallystick.web.console.screening import waiting as hits_waiting
from tallystick.web.console.wallet import Purse, purse
from tallystick.web.figures import ago, coin, count_of

ALERTS_SHOWN: Final = 3
INCIDENT_DAYS: Final = 7
"""An incident stays in the strip for so long; it stays on the kiosk's page for ever."""


@dataclass(frozen=True, slots=True)
class Alert:
    """One thing to look at. ``look`` is care or stop; ``page`` is the page that has it anyway."""

    look: str
    title: str
    text: str
    href: str
    link: str
    page: str = ""


def frame(tx: Tx, desk: Desk) -> dict[str, Any]:
    """Return what every page has: the moment, alerts, counts beside the menu, and words."""
    now, held, machines = desk.clock.now(), purse(tx, desk), kiosks.rows(tx, desk)
    troubled = queries.troubled(tx)
    waiting = queries.waiting_for_person(tx, list(troubled))
    incidents = [
        row for row in queries.incidents(tx) if now - row["at"] < dt.timedelta(days=INCIDENT_DAYS)
    ]
    alerts = [
        *_effects(troubled),
        *_purse(held, now),
        *_kiosks(machines),
        *_incidents(incidents),
        *_retention(tx, desk, now),
    ]
    return {
        "now": now,
        "alerts": alerts,
        "alerts_shown": ALERTS_SHOWN,
        "purse": held,
        "waiting": waiting,
        "troubled": troubled,
        "counts": {
            "purchases": len(waiting),
            "kiosks": sum(1 for one in machines if one.alarm),
            "wallet": int(held.alarm),
            "claims": ours(tx),
            "screening": hits_waiting(tx),
        },
        "has_customers": desk.customers is not None,
        "says": sayings,
        "place": desk.place,
    }


def _purse(held: Purse, now: dt.datetime) -> Iterator[Alert]:
    if held.old:
        since = f"It was last read {ago(held.read['at'], now)}." if held.read else "It is not read."
        text = f"{since} The chain does not answer; payments wait and nothing is lost."
        yield Alert("care", "The wallet’s figures are old.", text, "/wallet", "Wallet", "wallet")
    if held.low and held.read:
        text = (
            f"It holds {coin(held.sats)} BTC; the mark is {coin(held.low_sats)} BTC. "
            "Kiosks stop selling when it cannot pay."
        )
        yield Alert("care", "The hot wallet is low.", text, "/wallet", "Fill it", "wallet")


def _retention(tx: Tx, desk: Desk, now: dt.datetime) -> Iterator[Alert]:
    if said := sweep.late(tx, now) if desk.customers else "":
        title = "Personal data past its day may still be here."
        yield Alert("care", title, said, "/customers#retention", "See the runs", "customers")


def _kiosks(machines: list[kiosks.Kiosk]) -> Iterator[Alert]:
    for one in machines:
        if one.alarm:
            title = f"{one.machine.label}: {one.said.word.lower()}."
            look, href = one.said.look, f"/kiosks/{one.machine.id}"
            yield Alert(look, title, one.alarm, href, "See the kiosk", "kiosks")


def _effects(troubled: dict[str, dict[str, Any]]) -> Iterator[Alert]:
    """Say, for each kind of act that fails, how many purchases it is about."""
    kinds: dict[tuple[str, bool], list[str]] = {}
    for purchase, effect in troubled.items():
        key = (effect["kind"], effect["state"] == "person")
        kinds.setdefault(key, []).append(purchase)
    worst = list(EFFECTS)
    for (kind, person), about in sorted(
        kinds.items(), key=lambda item: (not item[0][1], worst.index(item[0][0]))
    ):
        title, text = EFFECTS[kind] if not person else STOPPED
        href = f"/purchases/{about[0]}" if len(about) == 1 else "/?state=person"
        link = "See it" if len(about) == 1 else f"See all {len(about)}"
        look = "stop" if person else "care"
        yield Alert(look, title, text, href, link)


EFFECTS: Final[dict[str, tuple[str, str]]] = {
    "broadcast": (
        "It is unknown whether a payment went out.",
        "The chain is asked before anything is sent again.",
    ),
    "payout": ("A payment is not signed yet.", "The coins stay owed, and it is tried again."),
    "watch": (
        "A payment cannot be watched.",
        "It was sent; whether it is confirmed is asked again.",
    ),
}
STOPPED: Final = ("A payment needs a person.", "Nothing is tried again by itself.")


def _incidents(incidents: list[dict[str, Any]]) -> Iterator[Alert]:
    if incidents:
        title = f"{count_of(len(incidents), 'incident')} in the last {INCIDENT_DAYS} days."
        newest = incidents[0]
        what = sayings.INCIDENTS.get(newest["kind"], newest["kind"])
        text = f"The newest: {what[0].lower()}{what[1:]}. It was refused and moved no money."
        if newest["kind"] == "LateNote":
            text = f"The newest: {what[0].lower()}{what[1:]}."
        yield Alert("care", title, text, "/kiosks#incidents", "See them", "kiosks")
