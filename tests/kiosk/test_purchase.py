"""One purchase on a real chain, with a real signer: every note and satoshi is accounted for."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import msgspec
import pytest
import sqlalchemy as sa

from counter import Counter
from network import Network
from tallystick.bitcoin.transaction import outputs_of, script_of
from tallystick.core import effects, journal, ledger
from tallystick.core.clock import SeededClock
from tallystick.core.store import Store, StoreUnusable, Tx
from tallystick.kiosk import audit, buy, queries, refund, tables
from tallystick.kiosk.errors import (
    AddressRefused,
    BelowMinimum,
    NotAcknowledged,
    QuoteExpired,
    WrongState,
)
from tallystick.kiosk.quote import digest_of

ADDRESS = "bcrt1qw508d6qejxtdg4y5r3zarvary0c5xw7kygt080"


@pytest.fixture(scope="module")
def network(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Network]:
    made = Network(tmp_path_factory.mktemp("n"))
    made.fund()
    yield made
    made.stop()


@pytest.fixture
def counter(store: Store, clock: SeededClock, network: Network) -> Counter:
    made = Counter(store, clock, network)
    made.till.sync()
    return made


def check(counter: Counter) -> list[audit.Check]:
    with counter.store.read() as tx:
        return audit.audit(tx, counter.till.chain, "regtest")


def clean(counter: Counter) -> bool:
    return all(line.ok for line in check(counter))


def test_cash_in_coins_out(counter: Counter, network: Network) -> None:
    quote = counter.start(ADDRESS)
    for minor in (2_000, 2_000, 1_000):
        counter.insert(quote, minor)
    paid = counter.finish(quote)
    assert (paid.state, paid.cash_minor, paid.fee_minor) == ("paid_in", 5_000, 600)
    assert paid.sats == 4_400 * 10**8 // 8_000_000 == 55_000
    counter.work()
    sent = counter.view(quote.purchase)
    assert sent.state == "sent"
    network.mine()
    counter.work()
    settled = counter.view(quote.purchase)
    assert (settled.state, settled.confirmations) == ("settled", 1)
    raw = counter.till.chain.raw(settled.txid)
    assert (script_of(ADDRESS, "regtest"), 55_000) in outputs_of(raw)
    table = check(counter)
    assert [line.name for line in table if not line.ok] == []
    assert len(table) == 7


def test_many_purchases_share_one_transaction(counter: Counter, network: Network) -> None:
    quotes = [counter.start(network.wallet.next_address()) for _ in range(3)]
    for quote in quotes:
        counter.insert(quote, 2_000)
        counter.finish(quote)
    counter.work()
    assert len({counter.view(quote.purchase).txid for quote in quotes}) == 1
    network.mine()
    counter.work()
    assert clean(counter)


def test_everything_said_again_changes_nothing(counter: Counter, network: Network) -> None:
    quote = counter.start(ADDRESS)
    assert counter.start(ADDRESS, quote.purchase) == quote
    counter.insert(quote, 2_000)
    first = counter.finish(quote)
    for _ in range(2):
        counter.say_again()
    assert counter.finish(quote) == first
    with counter.store.read() as tx:
        assert ledger.balance(tx, "kiosk:K1:box").debit.minor == 2_000
        assert len(effects.waiting(tx, quote.purchase)) == 1
        assert queries.incidents(tx) == []


def test_the_signed_quote_is_what_its_digest_names(counter: Counter) -> None:
    quote = counter.start(ADDRESS)
    assert digest_of(quote) == quote.digest
    changed = msgspec.structs.replace(quote, price_minor=quote.price_minor - 1)
    assert digest_of(changed) != quote.digest


LIES: list[tuple[str, dict[str, Any]]] = [
    ("finish", {"cash_minor": 200_000}),
    ("finish", {"sats": 10**9}),
    ("finish", {"notes": 7}),
    ("finish", {"quote": "0" * 64}),
    ("ask", {"minor": 1_234}),
    ("ask", {"currency": "EUR"}),
    ("ask", {"seq": 9}),
    ("ask", {"quote": "0" * 64}),
    ("stack", {"note": "0" * 26}),
    ("stack", {"minor": 10_000}),
    ("stack", {"currency": "EUR"}),
]


@pytest.mark.parametrize(("what", "change"), LIES, ids=str)
def test_a_lying_machine_is_refused_and_seen(
    counter: Counter, what: str, change: dict[str, Any]
) -> None:
    quote = counter.start(ADDRESS)
    counter.insert(quote, 2_000)
    with pytest.raises(buy.Lie):
        counter.lie(quote, what, change)
    now = counter.view(quote.purchase)
    assert (now.cash_minor, now.notes, now.state) == (2_000, 1, "accepting")
    with counter.store.read() as tx:
        assert len(queries.incidents(tx)) == 1
    assert clean(counter)


def test_law_limits_a_person_over_many_machines(counter: Counter) -> None:
    other = counter.at("K2")
    one, two = counter.start(ADDRESS), other.start(ADDRESS)
    for _ in range(9):
        assert counter.insert(one, 10_000) == "ok"
    assert other.insert(two, 10_000) == "ok", "exactly the limit is allowed"
    for where, quote in ((counter, one), (other, two)):
        assert where.insert(quote, 100) == "limit"
    with counter.store.read() as tx:
        total = sum(row["cash_minor"] for row in queries.purchases(tx))
    assert total == 100_000
    assert clean(counter)


def test_a_stolen_machine_lies_up_to_its_daily_cap_and_no_further(counter: Counter) -> None:
    counter.desk = replace(
        counter.desk, policy=replace(counter.desk.policy, machine_day_max_minor=5_000)
    )
    quote = counter.start(ADDRESS)
    assert counter.insert(quote, 5_000) == "ok"
    assert counter.insert(quote, 100) == "machine_cap"


def test_a_quote_ends_and_a_new_one_prices_the_counted_cash(
    counter: Counter, clock: SeededClock
) -> None:
    quote = counter.start(ADDRESS)
    counter.insert(quote, 2_000)
    clock.advance(600)
    assert counter.insert(quote, 2_000) == "expired"
    with pytest.raises(QuoteExpired):
        counter.finish(quote)
    counter.source.price_minor = 10_000_000
    renewed = counter.renew(quote.purchase)
    assert (renewed.number, renewed.price_minor) == (2, 10_000_000)
    assert counter.finish(renewed).sats == 1_500 * 10**8 // 10_000_000


def test_bad_starts_take_nothing(counter: Counter) -> None:
    with pytest.raises(AddressRefused):
        counter.start("bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4")
    with pytest.raises(NotAcknowledged):
        counter.start(ADDRESS, acknowledged=[])
    quote = counter.start(ADDRESS)
    counter.insert(quote, 500)
    with pytest.raises(BelowMinimum):
        counter.finish(quote)
    with counter.store.read() as tx:
        assert len(queries.purchases(tx)) == 1


def test_the_cash_is_owed_back_on_stop_and_nothing_is_paid(counter: Counter) -> None:
    quote = counter.start(ADDRESS)
    counter.insert(quote, 2_000)
    assert counter.close(quote, "refund").state == "refund_due"
    with pytest.raises(WrongState):
        counter.finish(quote)
    with counter.store.transact() as tx:
        refund.refunded(tx, counter.desk, quote.purchase, "somebody")
        assert ledger.balance(tx, buy.CUSTOMERS_REFUNDS).credit.minor == 0
    counter.work()
    assert counter.view(quote.purchase).txid == ""
    assert clean(counter)


def test_kept_money_waits_and_can_go_on(counter: Counter) -> None:
    quote = counter.start(ADDRESS)
    counter.insert(quote, 2_000)
    assert counter.close(quote, "keep").state == "kept"
    again = counter.renew(quote.purchase)
    counter.insert(again, 1_000)
    assert counter.finish(again).cash_minor == 3_000


def test_a_note_reported_after_the_end_is_owed_and_shown(counter: Counter) -> None:
    quote = counter.start(ADDRESS)
    counter.insert(quote, 2_000)
    late = counter.ask(quote, 1_000)
    counter.finish(quote)
    counter.stack(quote, late, 1_000, recovered=True)
    with counter.store.read() as tx:
        assert ledger.balance(tx, buy.CUSTOMERS_REFUNDS).credit.minor == 1_000
        assert queries.incidents(tx)[0]["kind"] == "LateNote"
    assert clean(counter)


def test_a_dead_signer_delays_and_loses_nothing(
    counter: Counter, network: Network, clock: SeededClock
) -> None:
    quote = counter.start(ADDRESS)
    counter.insert(quote, 2_000)
    counter.finish(quote)
    network.signer_process.kill()
    counter.work()
    assert counter.view(quote.purchase).state == "paid_in"
    network.signer_process.start()
    clock.advance(30)
    counter.work()
    assert counter.view(quote.purchase).state == "sent"


def test_a_dead_chain_makes_the_outcome_unknown_and_nothing_is_repeated(
    counter: Counter, network: Network, clock: SeededClock
) -> None:
    quote = counter.start(ADDRESS)
    counter.insert(quote, 2_000)
    counter.finish(quote)
    counter.till.sync()
    counter.step_once()
    stored = counter.view(quote.purchase).txid
    network.chain_process.kill()
    counter.work()
    network.chain_process.start()
    for _ in range(3):
        clock.advance(120)
        counter.work()
    network.mine()
    clock.advance(120)
    counter.work()
    settled = counter.view(quote.purchase)
    assert (settled.state, settled.txid) == ("settled", stored or settled.txid)
    assert clean(counter)


class FullDisk(Store):
    """Opens the same database, and can commit nothing."""

    @contextmanager
    def transact(self) -> Iterator[Tx]:
        with super().transact() as tx:
            yield tx
            raise StoreUnusable("no space left")


def test_a_deposit_counts_as_booked_only_once_it_is_committed(
    counter: Counter, network: Network
) -> None:
    def booked() -> int:
        with counter.store.read() as tx:
            held = ledger.balance(tx, "operator:float")
        return held.credit.minor if held else 0

    url = counter.store.engine.url.render_as_string(hide_password=False)
    before, full = booked(), FullDisk.open(url)
    network.fund()
    with pytest.raises(StoreUnusable):
        replace(counter.till, store=full).sync()
    full.close()
    assert booked() == before
    counter.till.sync()
    assert booked() > before
    assert clean(counter)


def test_a_stuck_payment_is_replaced_and_paid_once(
    counter: Counter, network: Network, clock: SeededClock
) -> None:
    quote = counter.start(ADDRESS)
    counter.insert(quote, 5_000)
    counter.finish(quote)
    counter.work()
    first = counter.view(quote.purchase).txid
    clock.advance(counter.desk.policy.bump_after_s + 60)
    counter.work()
    second = counter.view(quote.purchase).txid
    with counter.store.read() as tx:
        assert [row["error"] for row in queries.stuck(tx)] == []
    assert first != second
    network.mine()
    clock.advance(60)
    counter.work()
    assert counter.view(quote.purchase).state == "settled"
    assert not counter.till.chain.status(first).known
    assert clean(counter)


DAMAGE: list[tuple[str, sa.Table, dict[str, Any]]] = [
    ("books", ledger.ACCOUNTS, {"debits_posted": 1}),
    ("note", tables.NOTES, {"minor": 10_000}),
    ("box", tables.NOTES, {"box": ""}),
    ("sats", tables.PURCHASES, {"sats": 1}),
    ("state", tables.PURCHASES, {"state": "paid_in"}),
    ("payout", tables.PAYOUTS, {"sats": 1}),
    ("event", tables.EVENTS, {"content": "{}"}),
    ("journal", journal.ENTRIES, {"commitment": "00"}),
    ("transfer", ledger.TRANSFERS, {"minor": 7}),
]


@pytest.mark.parametrize(("name", "table", "change"), DAMAGE, ids=[d[0] for d in DAMAGE])
def test_the_audit_finds_each_damage(
    counter: Counter, network: Network, name: str, table: sa.Table, change: dict[str, Any]
) -> None:
    quote = counter.start(ADDRESS)
    counter.insert(quote, 2_000)
    counter.finish(quote)
    counter.work()
    network.mine()
    counter.work()
    assert clean(counter)
    with counter.store.transact() as tx:
        tx.execute(sa.update(table).values(change))
    last = check(counter)[-1]
    assert not last.ok
    assert last.said
