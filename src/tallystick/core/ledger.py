"""Double-entry accounts: every satoshi and every cent is somewhere, and the sides always agree.

A transfer moves one amount of one asset from the account it credits to the account it debits; it
is pending, posted or voided, and never changed. A mistake is corrected by another transfer.
Totals are kept on the account in the same transaction, and `trial_balance` adds the transfers up
again to prove them. Converting one asset into another takes two transfers through two accounts.
"""

from __future__ import annotations

import datetime as dt
import enum
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, Final

import sqlalchemy as sa

from tallystick.core.errors import TallystickError
from tallystick.core.money import Amount, Asset, asset
from tallystick.core.store import METADATA, Moment, Tx, for_update, insert_once, prepared

TRANSFERS_PER_POST_MAX: Final = 64
NAME_LENGTH_MAX: Final = 96

ACCOUNTS: Final = sa.Table(
    "ledger_accounts",
    METADATA,
    sa.Column("name", sa.Text, primary_key=True),
    sa.Column("asset", sa.Text, nullable=False),
    sa.Column("debits_posted", sa.BigInteger, nullable=False, default=0),
    sa.Column("credits_posted", sa.BigInteger, nullable=False, default=0),
    sa.Column("debits_pending", sa.BigInteger, nullable=False, default=0),
    sa.Column("credits_pending", sa.BigInteger, nullable=False, default=0),
    sa.CheckConstraint(
        "debits_posted >= 0 AND credits_posted >= 0 AND debits_pending >= 0"
        " AND credits_pending >= 0",
        name="not_negative",
    ),
    sqlite_strict=True,
)
TRANSFERS: Final = sa.Table(
    "ledger_transfers",
    METADATA,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("at", Moment, nullable=False),
    sa.Column("debit", sa.Text, sa.ForeignKey("ledger_accounts.name"), nullable=False),
    sa.Column("credit", sa.Text, sa.ForeignKey("ledger_accounts.name"), nullable=False),
    sa.Column("asset", sa.Text, nullable=False),
    sa.Column("minor", sa.BigInteger, nullable=False),
    sa.Column("code", sa.Text, nullable=False),
    sa.Column("about", sa.Text, nullable=False, index=True),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("resolves", sa.Text, sa.ForeignKey("ledger_transfers.id"), unique=True),
    sa.CheckConstraint("minor > 0 AND debit <> credit", name="real"),
    sqlite_strict=True,
)


class State(enum.StrEnum):
    """What a transfer's row says: it moved money, it reserves money, or it releases a reserve."""

    POSTED = "posted"
    PENDING = "pending"
    VOIDED = "voided"


class LedgerError(TallystickError):
    """A posting that cannot be right; nothing was posted."""

    code, money, say = 1101, "where it was before this step", ""


class AlreadyPosted(LedgerError):
    """A transfer with this identifier exists with other contents."""

    code = 1102


@dataclass(frozen=True, slots=True)
class Transfer:
    """Debit one account, credit another. ``id`` makes posting it twice harmless."""

    id: str
    debit: str
    credit: str
    amount: Amount
    code: str
    about: str
    state: State = State.POSTED
    resolves: str | None = None


@dataclass(frozen=True, slots=True)
class Balance:
    """An account's four totals, in minor units."""

    name: str
    asset: Asset
    debits_posted: int
    credits_posted: int
    debits_pending: int
    credits_pending: int

    @property
    def debit(self) -> Amount:
        """What the account holds on its debit side (assets, expenses)."""
        return Amount(self.debits_posted - self.credits_posted, self.asset)

    @property
    def credit(self) -> Amount:
        """What the account holds on its credit side (liabilities, income)."""
        return Amount(self.credits_posted - self.debits_posted, self.asset)


@prepared
def _asset_of(name: str) -> sa.Select[Any]:
    return sa.select(ACCOUNTS.c.asset).where(ACCOUNTS.c.name == name)


@prepared
def _assets_of(one: str, other: str) -> sa.Select[Any]:
    a = ACCOUNTS.c
    return sa.select(a.name, a.asset).where(sa.or_(a.name == one, a.name == other))


def open_account(tx: Tx, name: str, of: Asset) -> None:
    """Open an account unless it exists; raise `LedgerError` if it exists in another asset."""
    if not name or len(name) > NAME_LENGTH_MAX:
        raise LedgerError(f"account name of {len(name)} characters")
    held = _asset_of(tx, name=name).scalar_one_or_none()
    if held is None:
        zero = dict.fromkeys(
            ("debits_posted", "credits_posted", "debits_pending", "credits_pending"), 0
        )
        insert_once(tx, ACCOUNTS, {"name": name, "asset": of.code, **zero})
        held = _asset_of(tx, name=name).scalar_one()
    if held != of.code:
        raise LedgerError(f"account {name} holds {held}, not {of}")


def post(tx: Tx, transfers: Iterable[Transfer], at: dt.datetime) -> None:
    """Post transfers in one go; one that was posted before, with the same contents, is skipped.

    Accounts are opened as needed. Raise `LedgerError` for a sum that is not positive, an account
    of another asset, or a resolution that does not match its reservation.
    """
    batch = list(transfers)
    if len(batch) > TRANSFERS_PER_POST_MAX:
        raise LedgerError(f"{len(batch)} transfers at once; at most {TRANSFERS_PER_POST_MAX}")
    known: dict[str, str] = {}
    for transfer in batch:
        _post_one(tx, transfer, at, known)


def _open_both(tx: Tx, transfer: Transfer, known: dict[str, str]) -> None:
    """Open a transfer's accounts unless they are; ``known``: accounts read so far, never changed.

    Raise `LedgerError` where one holds another asset.
    """
    names, of = sorted((transfer.debit, transfer.credit)), transfer.amount.asset
    if not known.keys() >= set(names):
        found = _assets_of(tx, one=names[0], other=names[1])
        known.update((row.name, row.asset) for row in found)
    for name in names:
        if known.get(name) != of.code:
            open_account(tx, name, of)
            known[name] = of.code


def _post_one(tx: Tx, transfer: Transfer, at: dt.datetime, known: dict[str, str]) -> None:
    if transfer.amount.minor <= 0:
        raise LedgerError(f"{transfer.code}: {transfer.amount} is not a positive amount")
    _open_both(tx, transfer, known)
    if transfer.resolves is not None:
        _match(tx, transfer)
    row = {
        "id": transfer.id,
        "at": at,
        "debit": transfer.debit,
        "credit": transfer.credit,
        "asset": transfer.amount.asset.code,
        "minor": transfer.amount.minor,
        "code": transfer.code,
        "about": transfer.about,
        "state": transfer.state.value,
        "resolves": transfer.resolves,
    }
    if not insert_once(tx, TRANSFERS, row):
        _same_as_before(tx, row)
        return
    minor = transfer.amount.minor
    if transfer.state is State.PENDING:
        _add(tx, transfer, "pending", minor)
        return
    if transfer.resolves is not None:
        _add(tx, transfer, "pending", -minor)
    if transfer.state is State.POSTED:
        _add(tx, transfer, "posted", minor)


def _adding(side: str) -> Callable[..., sa.CursorResult[Any]]:
    """Return what adds a sum to the debits of one account and the credits of another, at once."""

    @prepared
    def add(debit: str, credit: str, minor: int) -> sa.Update:
        a, changed = ACCOUNTS.c, {}
        for column, name in ((f"debits_{side}", debit), (f"credits_{side}", credit)):
            changed[column] = sa.case((a.name == name, a[column] + minor), else_=a[column])
        both = sa.or_(a.name == debit, a.name == credit)
        return sa.update(ACCOUNTS).where(both).values(changed)

    return add


_ADD: Final = {side: _adding(side) for side in ("posted", "pending")}


def _add(tx: Tx, transfer: Transfer, side: str, minor: int) -> None:
    _ADD[side](tx, debit=transfer.debit, credit=transfer.credit, minor=minor)


def _match(tx: Tx, transfer: Transfer) -> None:
    query = sa.select(TRANSFERS).where(TRANSFERS.c.id == transfer.resolves)
    held = tx.execute(for_update(query, tx)).mappings().one_or_none()
    if held is None or held["state"] != State.PENDING:
        raise LedgerError(f"{transfer.id} resolves {transfer.resolves}, which reserves nothing")
    same = (held["debit"], held["credit"], held["asset"], held["minor"]) == (
        transfer.debit,
        transfer.credit,
        transfer.amount.asset.code,
        transfer.amount.minor,
    )
    if not same or transfer.state is State.PENDING:
        raise LedgerError(f"{transfer.id} differs from the reservation {transfer.resolves}")


def _same_as_before(tx: Tx, row: dict[str, object]) -> None:
    held = tx.execute(sa.select(TRANSFERS).where(TRANSFERS.c.id == row["id"])).mappings()
    found = held.one_or_none()
    if found is None:
        raise AlreadyPosted(f"{row['resolves']} is resolved already")
    if any(found[key] != row[key] for key in row if key != "at"):
        raise AlreadyPosted(f"transfer {row['id']} exists with other contents")


def balance(tx: Tx, name: str) -> Balance | None:
    """Return an account's totals, or None if it was never opened."""
    row = tx.execute(sa.select(ACCOUNTS).where(ACCOUNTS.c.name == name)).mappings().one_or_none()
    return None if row is None else _balance(row)


def _balance(row: sa.RowMapping) -> Balance:
    values = {key: row[key] for key in row if key not in ("name", "asset")}
    return Balance(name=row["name"], asset=asset(row["asset"]), **values)


def balances(tx: Tx) -> list[Balance]:
    """Return every account, by name."""
    rows = tx.execute(sa.select(ACCOUNTS).order_by(ACCOUNTS.c.name)).mappings()
    return [_balance(row) for row in rows]


def about(tx: Tx, subject: str) -> list[sa.RowMapping]:
    """Return the transfers of one purchase (or other subject), oldest first."""
    query = sa.select(TRANSFERS).where(TRANSFERS.c.about == subject)
    return list(tx.execute(query.order_by(TRANSFERS.c.at, TRANSFERS.c.id)).mappings())


@dataclass(frozen=True, slots=True)
class TrialBalance:
    """Per asset, all debits and all credits; and each account whose totals do not add up."""

    sides: dict[str, tuple[int, int]]
    wrong: list[str]


def trial_balance(tx: Tx) -> TrialBalance:
    """Add every transfer up again and compare with what the accounts say."""
    counted: dict[str, dict[str, int]] = {}
    t = TRANSFERS.c
    for side in ("debit", "credit"):
        rows = tx.execute(
            sa.select(t[side], t.state, t.resolves.is_not(None), sa.func.sum(t.minor)).group_by(
                t[side], t.state, t.resolves.is_not(None)
            )
        )
        for name, state, resolving, minor in rows:
            sums = counted.setdefault(name, {})
            if state == State.POSTED:
                key = f"{side}s_posted"
                sums[key] = sums.get(key, 0) + int(minor)
            sign = 1 if state == State.PENDING else -1 if resolving else 0
            key = f"{side}s_pending"
            sums[key] = sums.get(key, 0) + sign * int(minor)
    sides: dict[str, tuple[int, int]] = {}
    wrong = []
    for held in balances(tx):
        sums = counted.get(held.name, {})
        for key in ("debits_posted", "credits_posted", "debits_pending", "credits_pending"):
            if getattr(held, key) != sums.get(key, 0):
                wrong.append(f"{held.name}: {key} {getattr(held, key)}, but {sums.get(key, 0)}")
        debits, credits = sides.get(held.asset.code, (0, 0))
        sides[held.asset.code] = (debits + held.debits_posted, credits + held.credits_posted)
    return TrialBalance(sides, wrong)
