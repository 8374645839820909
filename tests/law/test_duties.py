"""Duties that no machine can check: nothing opens until an officer stated each, until a day."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest
import sqlalchemy as sa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

import databases
from tallystick.core import journal, rulebook
from tallystick.core.clock import SeededClock
from tallystick.core.money import USD
from tallystick.core.rulebook import duties
from tallystick.core.rulebook.duties import StatementRefused
from tallystick.core.store import Store
from tallystick.kiosk import quote
from tallystick.kiosk.errors import LawRefuses
from tallystick.kiosk.rates import OfflineSource, Rates

BY, EVIDENCE = "Ada Okafor", "Licence 4711 of the Department"
YEAR = dt.timedelta(days=365)


def desk_of(code: str, clock: SeededClock, made: duties.Statements | None) -> quote.Desk:
    rates = Rates(OfflineSource(), USD, clock)
    key = Ed25519PrivateKey.from_private_bytes(bytes(32))
    place = rulebook.load(code)
    return quote.Desk(clock, place, quote.Policy(), rates, key, "regtest", statements=made)


def state_all(store: Store, clock: SeededClock, code: str) -> duties.Statements:
    place, today = rulebook.load(code), clock.now().date()
    names = [p.id for p in duties.duties_of(place, today)]
    with store.transact() as tx:
        duties.state(tx, clock, place, names, BY, EVIDENCE, today + YEAR)
        return duties.stated(tx, code)


def test_a_place_sells_once_each_duty_is_stated_and_not_before(
    store: Store, clock: SeededClock
) -> None:
    made = state_all(store, clock, "US-ME")
    assert {one.provision for one in made} >= {"US/msb-registration", "US/aml-program"}
    assert quote.terms(desk_of("US-ME", clock, made)).fee_bp
    for left_out in made:
        rest = tuple(one for one in made if one is not left_out)
        name = left_out.provision.rpartition("/")[2].replace("-", " ")
        with pytest.raises(LawRefuses, match=name):
            quote.terms(desk_of("US-ME", clock, rest))


def test_a_statement_ends_by_itself_and_speaks_of_no_day_before_it(
    store: Store, clock: SeededClock
) -> None:
    place, made = rulebook.load("US-ME"), state_all(store, clock, "US-ME")
    today = clock.now().date()
    assert duties.unmet(place, made, today) == duties.unmet(place, made, today + YEAR) == ()
    for on in (today - dt.timedelta(1), today + YEAR + dt.timedelta(1)):
        assert set(duties.unmet(place, made, on)) == set(duties.duties_of(place, on))


def test_one_places_statements_say_nothing_of_another(store: Store, clock: SeededClock) -> None:
    made = state_all(store, clock, "US-ME")
    assert duties.unmet(rulebook.load("US-CA"), made, clock.now().date())


def test_where_nobody_asks_the_console_still_shows(clock: SeededClock) -> None:
    assert quote.terms(desk_of("US-ME", clock, None)).fee_bp


@pytest.mark.parametrize(
    ("names", "by", "evidence", "days"),
    [
        (["no-such-duty"], BY, EVIDENCE, 30),
        (["daily-limit"], BY, EVIDENCE, 30),
        ([], BY, EVIDENCE, 30),
        (["US/aml-program"], " ", EVIDENCE, 30),
        (["US/aml-program"], BY, "", 30),
        (["US/aml-program"], BY, "x" * 501, 30),
        (["US/aml-program"], BY, EVIDENCE, -1),
        (["US/aml-program"], BY, EVIDENCE, duties.STATEMENT_DAYS_MAX + 1),
        (["US/aml-program", "no-such-duty"], BY, EVIDENCE, 30),
    ],
)
def test_a_bad_statement_is_refused_and_writes_nothing(
    store: Store, clock: SeededClock, names: list[str], by: str, evidence: str, days: int
) -> None:
    until = clock.now().date() + dt.timedelta(days)
    with pytest.raises(StatementRefused), store.transact() as tx:
        duties.state(tx, clock, rulebook.load("US-ME"), names, by, evidence, until)
    with store.read() as tx:
        count = sa.select(sa.func.count()).select_from(duties.STATEMENTS)
        assert tx.execute(count).scalar_one() == 0 == journal.head(tx)[0]


def test_each_statement_is_in_the_journal(store: Store, clock: SeededClock) -> None:
    made = state_all(store, clock, "US-ME")
    with store.read() as tx:
        assert journal.verify(tx) == len(made)
        rows = tx.execute(sa.select(duties.STATEMENTS)).mappings().all()
    for row in rows:
        kept = {name: row[name] for name in ("place", "provision", "officer", "evidence", "until")}
        commitment = journal.commit(bytes.fromhex(row["salt"]), {**kept, "at": row["at"]})
        with store.read() as tx:
            found = journal.find(tx, commitment)
        assert found is not None and found[0] == row["entry"]


def test_a_statement_made_after_midnight_in_greenwich_holds_this_evening_in_new_york(
    tmp_path: Path,
) -> None:
    """At 02:00 UTC it is still yesterday at the machine, and the machine opens all the same."""
    clock = SeededClock(5, dt.datetime(2026, 11, 28, 2, 0, tzinfo=dt.UTC))
    store = databases.opened(f"sqlite:///{tmp_path}/s.sqlite")
    place, evening = rulebook.load("US-CT"), dt.date(2026, 11, 27)
    names = [one.id for one in duties.duties_of(place, evening)]
    with store.transact() as tx:
        duties.state(tx, clock, place, names, "officer", "papers", dt.date(2027, 1, 1))
        assert duties.unmet(place, duties.stated(tx, "US-CT"), evening) == ()
        before = duties.unmet(place, duties.stated(tx, "US-CT"), dt.date(2026, 11, 26))
    assert len(before) == len(names)
    store.close()
