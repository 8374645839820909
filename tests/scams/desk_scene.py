"""A scam desk on a real database: purchases as rows, so that no kiosk has to run beside it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import sqlalchemy as sa

from tallystick.core.clock import SeededClock, new_id
from tallystick.core.store import Store
from tallystick.kiosk.scams import intervene, policy
from tallystick.kiosk.scams.history import Who
from tallystick.kiosk.scams.intervene import Outcome, Plan, ScamDesk
from tallystick.kiosk.scams.signals import Scene
from tallystick.kiosk.tables import PURCHASES

KEY = b"k" * 32
ADDRESS = "bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4"
OTHER = "bc1qrp33g0q5c5txsp9arysrx4k6zdkfs4nce4xj0gdcccefvpysxf3qccfmv3"
QUIET = Scene("USD", 2_000, 600)
DAY_S = 86_400


class Desk:
    """What a kiosk would call."""

    def __init__(self, store: Store, clock: SeededClock, trial: str = "") -> None:
        self.store, self.clock = store, clock
        self.desk = ScamDesk(policy.load(), KEY, trial)

    def assess(self, person: str = "p", address: str = ADDRESS, **more: Any) -> Plan:
        purchase = more.pop("purchase", "") or new_id(self.clock)
        machine, phone = more.pop("machine", "K1"), more.pop("phone", "")
        who = Who(purchase, machine, address, person, phone)
        language = more.pop("language", "en")
        with self.store.transact() as tx:
            scene = replace(QUIET, **more)
            return intervene.assess(tx, self.clock, self.desk, who, scene, language)

    def end(self, plan: Plan, outcome: Outcome = Outcome.PROCEEDED, **sums: int) -> None:
        with self.store.transact() as tx:
            intervene.ended(tx, self.clock, plan.id, outcome, **sums)

    def bought(self, person: str = "p", address: str = ADDRESS, **more: Any) -> Plan:
        plan = self.assess(person, address, **more)
        cash = more.get("cash_minor", QUIET.cash_minor)
        self.end(plan, sent_minor=cash)
        return plan

    def row(self, plan: Plan) -> dict[str, Any]:
        with self.store.read() as tx:
            return intervene.find(tx, plan.id)


def purchase(
    store: Store, clock: SeededClock, state: str = "settled", cash: int = 100_000, **more: Any
) -> str:
    """Write a purchase as the kiosk would have left it: 12 % fee."""
    made, now = new_id(clock), clock.now()
    fee = cash * 12 // 100
    numbers = dict.fromkeys(("quote_number", "price_minor", "fee_bp", "fee_min_minor"), 0)
    numbers |= {"purchase_min_minor": 0, "notes": 1, "sats": 55_000}
    row = {
        "id": made,
        "reference": f"TS-{made[-9:]}",
        "machine": "K1",
        "state": state,
        "jurisdiction": "US-SD",
        "currency": "USD",
        "address": ADDRESS,
        "language": "en",
        "made_at": now,
        "moved_at": now,
        "quote": "",
        "quote_expires_at": now,
        "cash_minor": cash,
        "fee_minor": fee,
        "worth_minor": cash - fee,
        "salt": "",
        "commitment": "",
        **numbers,
    }
    known = {column.name for column in PURCHASES.columns}
    for column in PURCHASES.columns:
        if column.name not in row and not column.nullable:
            row[column.name] = "" if isinstance(column.type, sa.Text) else 0
    with store.transact() as tx:
        tx.execute(sa.insert(PURCHASES).values(**{k: (row | more)[k] for k in known & set(row)}))
    return made
