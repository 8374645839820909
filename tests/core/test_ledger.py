"""The ledger: sides agree, repeats are harmless, reservations resolve once. On both databases."""

import datetime as dt

import pytest
import sqlalchemy as sa

from tallystick.core import ledger
from tallystick.core.clock import SeededClock
from tallystick.core.ledger import LedgerError, State, Transfer
from tallystick.core.money import BTC, USD, Amount
from tallystick.core.store import Store

NOW = dt.datetime(2026, 11, 24, 12, tzinfo=dt.UTC)


def transfer(name: str = "t1", minor: int = 2_000, **more: object) -> Transfer:
    fixed = {"debit": "box", "credit": "owed", "code": "note", "about": "p1"} | more
    return Transfer(id=name, amount=Amount(minor, USD), **fixed)


def test_posting_twice_moves_once(store: Store) -> None:
    for _ in range(2):
        with store.transact() as tx:
            ledger.post(tx, [transfer()], NOW)
    with store.read() as tx:
        assert ledger.balance(tx, "box").debit == Amount(2_000, USD)
        assert ledger.balance(tx, "owed").credit == Amount(2_000, USD)
        assert ledger.trial_balance(tx).sides == {"USD": (2_000, 2_000)}


def test_same_id_with_other_contents_is_refused(store: Store) -> None:
    with store.transact() as tx:
        ledger.post(tx, [transfer()], NOW)
    with pytest.raises(ledger.AlreadyPosted), store.transact() as tx:
        ledger.post(tx, [transfer("t2"), transfer(minor=5_000)], NOW)
    with store.read() as tx:
        assert ledger.balance(tx, "box").debit.minor == 2_000, "the whole batch is undone"


@pytest.mark.parametrize("minor", [0, -5])
def test_only_positive_amounts(store: Store, minor: int) -> None:
    with pytest.raises(LedgerError), store.transact() as tx:
        ledger.post(tx, [transfer(minor=minor)], NOW)


def test_an_account_keeps_its_asset(store: Store) -> None:
    with store.transact() as tx:
        ledger.post(tx, [transfer()], NOW)
    with pytest.raises(LedgerError), store.transact() as tx:
        ledger.open_account(tx, "box", BTC)


def test_a_reservation_resolves_once(store: Store) -> None:
    with store.transact() as tx:
        ledger.post(tx, [transfer("hold", state=State.PENDING)], NOW)
        held = ledger.balance(tx, "box")
        assert (held.debits_pending, held.debits_posted) == (2_000, 0)
        ledger.post(tx, [transfer("done", resolves="hold")], NOW)
    with store.read() as tx:
        held = ledger.balance(tx, "box")
        assert (held.debits_pending, held.debits_posted) == (0, 2_000)
        assert ledger.trial_balance(tx).wrong == []
    with pytest.raises(LedgerError), store.transact() as tx:
        ledger.post(tx, [transfer("void", resolves="hold", state=State.VOIDED)], NOW)


def test_a_resolution_must_match(store: Store) -> None:
    with store.transact() as tx:
        ledger.post(tx, [transfer("hold", state=State.PENDING)], NOW)
    for wrong in (
        transfer("done", minor=1_999, resolves="hold"),
        transfer("done", resolves="nothing"),
        transfer("done", resolves="hold", state=State.PENDING),
    ):
        with pytest.raises(LedgerError), store.transact() as tx:
            ledger.post(tx, [wrong], NOW)


def test_the_trial_balance_sees_a_changed_total(store: Store, clock: SeededClock) -> None:
    with store.transact() as tx:
        ledger.post(tx, [transfer()], clock.now())
        tx.execute(sa.update(ledger.ACCOUNTS).values(debits_posted=1))
    with store.read() as tx:
        assert len(ledger.trial_balance(tx).wrong) == 2
