"""The books: every account by asset, both sides added up again, and the last audit.

A page never keeps a total. The sticks are cut from the two totals themselves, so that they match
if, and only if, the totals do.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from tallystick.core import ledger
from tallystick.core.clock import Clock
from tallystick.core.store import Tx
from tallystick.kiosk import queries
from tallystick.web.console.kiosks import labels_of
from tallystick.web.console.sayings import ASSETS, whose


@dataclass(frozen=True, slots=True)
class Audited:
    """What an audit found: its lines (name, ok, said), who asked for it, when and how long."""

    checks: list[Any]
    at: dt.datetime
    by: str
    seconds: float

    @property
    def clean(self) -> bool:
        """Say whether nothing was found."""
        return all(check.ok for check in self.checks)


class Auditor:
    """Runs one audit at a time, and remembers the last one until the server stops."""

    def __init__(self, run: Callable[[], list[Any]], clock: Clock) -> None:
        self._run, self._clock = run, clock
        self._one_at_a_time = threading.Lock()
        self.last: Audited | None = None

    def audit(self, by: str) -> None:
        """Audit now, unless an audit is under way; then wait for that one."""
        if not self._one_at_a_time.acquire(blocking=False):
            with self._one_at_a_time:
                return
        try:
            start = self._clock.monotonic_s()
            checks = self._run()
            took = self._clock.monotonic_s() - start
            self.last = Audited(checks, self._clock.now(), by, took)
        finally:
            self._one_at_a_time.release()


def books(tx: Tx) -> dict[str, Any]:
    """Return the trial balance by asset, the accounts, and the journal's head."""
    trial, labels = ledger.trial_balance(tx), labels_of(tx)
    tables: dict[str, list[dict[str, Any]]] = {}
    for held in ledger.balances(tx):
        line = {
            "name": _named(held.name, labels),
            "whose": whose(held.name),
            "debit": max(held.debit.minor, 0),
            "credit": max(held.credit.minor, 0),
        }
        tables.setdefault(held.asset.code, []).append(line)
    assets = [_asset(code, *pair, tables[code]) for code, pair in sorted(trial.sides.items())]
    return {"assets": assets[::-1], "wrong": trial.wrong, "head": queries.head(tx)}


def _asset(code: str, debits: int, credits: int, lines: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        "code": code,
        "name": ASSETS.get(code, code),
        "debits": debits,
        "credits": credits,
        "left": digits(code, debits),
        "right": digits(code, credits),
        "differ": debits != credits,
        "lines": lines,
        "debit": sum(line["debit"] for line in lines),
        "credit": sum(line["credit"] for line in lines),
    }


def digits(code: str, total: int) -> str:
    """Return hex digits made from a total: what its half of the stick is cut by."""
    return hashlib.sha256(f"{code} {total}".encode()).hexdigest()


def _named(account: str, labels: dict[str, str]) -> str:
    """Return an account's name with a kiosk's label in the place of its id."""
    head, _, rest = account.partition(":")
    machine, _, what = rest.partition(":")
    if head not in ("kiosk", "host") or machine not in labels:
        return account
    return ":".join(part for part in (head, labels[machine], what) if part)
