"""The scam desk asked by a real purchase: what a machine skips, hides or hurries gains nothing."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import sqlalchemy as sa

from counter import Counter
from network import Network
from tallystick.core import ledger
from tallystick.core.clock import SeededClock
from tallystick.core.store import Store
from tallystick.kiosk import blocked, buy, wire
from tallystick.kiosk.audit import audit
from tallystick.kiosk.scams import guard, intervene, report
from tallystick.kiosk.scams.errors import CallNeeded
from tallystick.kiosk.scams.tables import INTERVENTIONS
from tallystick.kiosk.tables import INCIDENTS

ADDRESS = "bcrt1qw508d6qejxtdg4y5r3zarvary0c5xw7kygt080"
LEGACY = "mipcBbFg9gMiCh81Kj8tqqdgoZub1ZJRfn"
HONEST = {"machine": "nearest", "code": "wallet", "listening": "nobody", "telling": "nobody"}
HOUR_S = 3_600


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


def care(counter: Counter, purchase: str, answers: dict[str, str] | None = None) -> wire.Care:
    given = [wire.CareAnswer(question=q, option=o) for q, o in (answers or {}).items()]
    with counter.store.transact() as tx:
        row = buy.find(tx, counter.machine, purchase)
        return guard.care(tx, counter.desk, row, wire.CareAsk(answers=given))


def buy_for(counter: Counter, minor: int, address: str = ADDRESS) -> wire.Quote:
    quote = counter.start(address)
    for _ in range(minor // 10_000):
        assert counter.insert(quote, 10_000) == "ok"
    rest = minor % 10_000
    if rest:
        assert counter.insert(quote, rest) == "ok"
    return quote


def work(counter: Counter, hours: int = 0) -> None:
    counter.clock.advance(hours * HOUR_S)
    for _ in range(3):
        counter.worker.step()
        counter.clock.advance(30)


def known_customer(counter: Counter) -> None:
    """Let the address have a history: one small purchase, more than three days ago."""
    quote = buy_for(counter, 2_000)
    counter.finish(quote)
    work(counter)
    counter.network.mine()
    work(counter, hours=100)


def record(counter: Counter, purchase: str) -> dict[str, Any]:
    with counter.store.read() as tx:
        row = intervene.of_purchase(tx, purchase)
    assert row is not None
    return row


def holds(counter: Counter) -> None:
    with counter.store.read() as tx:
        lines = audit(tx, counter.till.chain, "regtest")
        assert [f"{line.name}: {line.said}" for line in lines if not line.ok] == []


def owed(counter: Counter, name: str) -> int:
    with counter.store.read() as tx:
        return sum(held.debit.minor for held in ledger.balances(tx) if held.name == name)


def test_a_small_purchase_is_warned_and_pays_at_once(counter: Counter) -> None:
    quote = buy_for(counter, 2_000)
    told = care(counter, quote.purchase)
    assert told.step == "warning" and told.warning and told.stop and not told.questions
    assert not counter.finish(quote).waiting
    work(counter)
    assert counter.view(quote.purchase).txid
    assert record(counter, quote.purchase)["outcome"] == "proceeded"
    assert record(counter, quote.purchase)["sent_minor"] == 2_000


@pytest.mark.parametrize("change", [{"answers": "[[]]"}, {"script": "romance"}, {"seed": "00"}])
def test_no_record_is_changed_afterwards_without_the_audit_saying_so(
    counter: Counter, change: dict[str, str]
) -> None:
    quote = buy_for(counter, 2_000)
    counter.finish(quote)
    work(counter)
    holds(counter)
    with counter.store.transact() as tx:
        tx.execute(sa.update(INTERVENTIONS).values(**change))
    with counter.store.read() as tx:
        last = audit(tx, counter.till.chain, "regtest")[-1]
    assert not last.ok and quote.purchase in last.said


def test_much_to_a_new_address_is_held_though_no_machine_asked(counter: Counter) -> None:
    quote = buy_for(counter, 60_000)
    assert counter.finish(quote).waiting
    work(counter, hours=71)
    assert counter.view(quote.purchase).state == "paid_in"
    work(counter, hours=1)
    assert counter.view(quote.purchase).txid
    assert record(counter, quote.purchase)["held_minor"] == 60_000


def test_a_sum_split_over_machines_is_held_as_one(counter: Counter) -> None:
    first = buy_for(counter, 40_000)
    assert not counter.finish(first).waiting
    other = counter.at("K2")
    assert other.finish(buy_for(other, 20_000)).waiting


def test_one_touch_stops_a_held_purchase_and_all_the_cash_is_owed(counter: Counter) -> None:
    quote = buy_for(counter, 60_000)
    counter.finish(quote)
    assert counter.close(quote, "refund").state == "refund_due"
    work(counter, hours=200)
    assert counter.view(quote.purchase).txid == ""
    assert owed(counter, buy.CUSTOMERS_REFUNDS) == -60_000
    assert owed(counter, "income:fees") == 0
    assert record(counter, quote.purchase)["outcome"] == "cancelled"
    holds(counter)


def test_a_purchase_that_nothing_holds_is_not_stopped_after_send(counter: Counter) -> None:
    quote = buy_for(counter, 2_000)
    counter.finish(quote)
    assert counter.close(quote, "refund").state == "paid_in"


def test_questions_that_a_machine_did_not_ask_are_answered_by_a_hold(counter: Counter) -> None:
    known_customer(counter)
    quote = buy_for(counter, 60_000)
    assert counter.finish(quote).waiting


def test_honest_answers_let_a_known_customer_go_on(counter: Counter) -> None:
    known_customer(counter)
    quote = buy_for(counter, 60_000)
    asked = care(counter, quote.purchase)
    assert {one.id for one in asked.questions} == set(HONEST)
    assert care(counter, quote.purchase, HONEST).questions == []
    assert not counter.finish(quote).waiting


@pytest.mark.parametrize("left_out", sorted(HONEST))
def test_one_question_left_out_is_enough_for_a_hold(counter: Counter, left_out: str) -> None:
    known_customer(counter)
    quote = buy_for(counter, 60_000)
    care(counter, quote.purchase, {q: o for q, o in HONEST.items() if q != left_out})
    assert counter.finish(quote).waiting


def test_what_waits_for_a_person_no_timer_sends(counter: Counter) -> None:
    known_customer(counter)
    quote = buy_for(counter, 60_000)
    told = care(counter, quote.purchase, HONEST | {"code": "sent"})
    assert told.step == "call-back" and told.text
    assert counter.finish(quote).waiting
    work(counter, hours=24 * 400)
    assert counter.view(quote.purchase).state == "paid_in"
    with pytest.raises(CallNeeded), counter.store.transact() as tx:
        guard.release(tx, counter.desk, quote.purchase, "Ada Okafor", "sounds honest")
    assert counter.close(quote, "refund").state == "refund_due"
    assert owed(counter, buy.CUSTOMERS_REFUNDS) == -60_000
    holds(counter)


def test_nothing_is_released_that_does_not_wait(counter: Counter) -> None:
    quote = buy_for(counter, 2_000)
    counter.finish(quote)
    with counter.store.transact() as tx:
        assert not guard.release(tx, counter.desk, quote.purchase, "Ada Okafor", "why not")


def test_a_payout_whose_address_was_lifted_can_be_let_go(counter: Counter) -> None:
    quote = buy_for(counter, 2_000)
    counter.finish(quote)
    with counter.store.transact() as tx:
        blocked.block(tx, counter.clock, ADDRESS, "own", "claim 12", "Ada Okafor")
    work(counter)
    with counter.store.transact() as tx:
        blocked.lift(tx, counter.clock, ADDRESS, "own", "Ada Okafor")
        assert guard.release(tx, counter.desk, quote.purchase, "Ada Okafor", "lifted on appeal")
    work(counter)
    assert counter.view(quote.purchase).txid
    holds(counter)


def test_a_released_payout_to_a_listed_address_stops_again(counter: Counter) -> None:
    quote = buy_for(counter, 60_000)
    counter.finish(quote)
    with counter.store.transact() as tx:
        blocked.block(tx, counter.clock, ADDRESS, "own", "claim 12", "Ada Okafor")
        guard.release(tx, counter.desk, quote.purchase, "Ada Okafor", "by mistake")
    work(counter)
    assert counter.view(quote.purchase).txid == ""


def test_what_somebody_else_stops_meanwhile_no_timer_sends(counter: Counter) -> None:
    """A hold's own time knows nothing of a stop that came after it: a person looks again."""
    quote = buy_for(counter, 60_000)
    assert counter.finish(quote).waiting
    work(counter, hours=1)
    other = counter.at("K2")
    stopped = buy_for(other, 10_000)
    other.finish(stopped)
    other.close(stopped, "refund")
    work(counter, hours=90)
    assert counter.view(quote.purchase).txid == ""
    with counter.store.transact() as tx:
        assert guard.release(tx, counter.desk, quote.purchase, "Ada Okafor", "called the shop")
    work(counter)
    assert counter.view(quote.purchase).txid
    holds(counter)


def test_an_official_on_the_line_ends_it_and_owes_the_cash(counter: Counter) -> None:
    known_customer(counter)
    quote = buy_for(counter, 60_000)
    told = care(counter, quote.purchase, HONEST | {"telling": "official"})
    assert told.step == "refuse"
    assert counter.finish(quote).state == "refund_due"
    assert owed(counter, buy.CUSTOMERS_REFUNDS) == -60_000
    assert record(counter, quote.purchase)["outcome"] == "refused"
    holds(counter)


def test_the_page_of_a_hold_is_one_whatever_brought_it(counter: Counter) -> None:
    much = buy_for(counter, 60_000)
    first = care(counter, much.purchase)
    counter.close(much, "refund")
    again = counter.start(ADDRESS)
    after_stop = care(counter, again.purchase)
    assert first.step == after_stop.step == "hold"
    pages = [(c.title, c.text, c.stop, c.go_on, c.questions) for c in (first, after_stop)]
    assert pages[0] == pages[1]


@pytest.mark.parametrize(("how", "outcome"), [("refund", "cancelled"), ("help", "helped")])
def test_silent_help_looks_like_stopping_and_tells_an_operator(
    counter: Counter, how: str, outcome: str
) -> None:
    quote = buy_for(counter, 20_000)
    care(counter, quote.purchase)
    view = counter.close(quote, how)
    assert (view.state, view.cash_minor, view.path) == ("refund_due", 20_000, view.path)
    assert record(counter, quote.purchase)["outcome"] == outcome
    with counter.store.read() as tx:
        kinds = list(tx.execute(sa.select(INCIDENTS.c.kind)).scalars())
    assert kinds == (["HelpAsked"] if how == "help" else [])
    assert owed(counter, buy.CUSTOMERS_REFUNDS) == -20_000


def test_answers_never_lower_what_the_signals_gave(counter: Counter) -> None:
    quote = buy_for(counter, 60_000)
    assert care(counter, quote.purchase).step == "hold"
    assert care(counter, quote.purchase, HONEST).step == "hold"


def test_the_console_reads_why_in_sentences_and_the_report_counts(counter: Counter) -> None:
    quote = buy_for(counter, 60_000)
    care(counter, quote.purchase, HONEST)
    counter.finish(quote)
    with counter.store.read() as tx:
        told = guard.explained(tx, counter.desk.scams, quote.purchase)
        (line,) = report.interventions(tx, counter.clock.now())
    assert told["step"] == "hold" and any("600" in s for s in told["signals"])
    assert len(told["answers"]) == len(HONEST)
    assert (line.shown, line.proceeded, line.cancelled) == (1, 0, 0)
    counter.close(quote, "refund")
    with counter.store.read() as tx:
        (line,) = report.interventions(tx, counter.clock.now())
    assert (line.shown, line.cancelled) == (1, 1)


def test_again_and_again_changes_nothing_and_moves_no_money(counter: Counter) -> None:
    quote = buy_for(counter, 60_000)
    told = [care(counter, quote.purchase, HONEST) for _ in range(3)]
    assert told[0] == told[1] == told[2]
    counter.finish(quote)
    counter.say_again()
    holds(counter)
