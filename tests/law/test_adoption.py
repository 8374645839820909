"""What is not settled stays closed until an officer adopts it, by name, with a source, once."""

from __future__ import annotations

import datetime as dt

import pytest
import sqlalchemy as sa

from tallystick.cli.sample_law import sample_points
from tallystick.core import journal, rulebook
from tallystick.core.clock import SeededClock
from tallystick.core.rulebook import Answer, adoptions
from tallystick.core.rulebook.place import AdoptionRefused, codes
from tallystick.core.store import Store

TODAY = dt.date(2026, 11, 23)
BY, SOURCE = "Ada Okafor", "Public Act 104-0428, section 10"


def test_a_place_opens_when_its_last_open_point_is_adopted(
    store: Store, clock: SeededClock
) -> None:
    place = rulebook.load("US-IL")
    figures = {"transactions": 3, "days": 7}
    with store.transact() as tx:
        first = adoptions.record(tx, clock, place, "new-customer", figures, BY, SOURCE)
        assert rulebook.ask(first, "kiosk.open", {}, place.day(clock.now())).missing == ("hold",)
        adoptions.record(tx, clock, place, "hold", {"hours": 0}, BY, SOURCE)
    with store.read() as tx:
        again = rulebook.load("US-IL").adopt(adoptions.adopted(tx, "US-IL"))
        assert journal.verify(tx) == 2
    said = rulebook.ask(again, "kiosk.open", {}, clock.now().date() + dt.timedelta(400))
    assert said.answer is Answer.PERMIT
    held = {p.id: p.adopted for p in again.provisions if p.adopted}
    assert set(held) == {"US-IL/new-customer", "US-IL/adopted-hold"}
    assert all(BY in who and SOURCE in who for who in held.values())


def test_what_is_adopted_holds_on_the_places_own_day_and_no_day_before(
    store: Store, clock: SeededClock
) -> None:
    """At four in the morning in Greenwich it is still yesterday evening in Illinois."""
    clock.advance((28 - clock.now().hour) * 3_600)
    now, before = clock.now(), dt.timedelta(1)
    for code in ("US-IL", "US-WY"):
        place = rulebook.load(code)
        evening = place.day(now)
        assert evening == now.date() - before
        with store.transact() as tx:
            for subject, figures in sample_points(place, evening):
                held = {"hours": 48} if subject == "hold" else figures
                adoptions.record(tx, clock, place, subject, held, BY, SOURCE)
            again = place.adopt(adoptions.adopted(tx, code))
        said = rulebook.ask(again, "kiosk.open", {}, evening)
        assert said.answer is Answer.PERMIT
        assert any(p.kind == "hold" for p in said.must) is (code == "US-IL")
        assert rulebook.ask(again, "kiosk.open", {}, evening - before).answer is Answer.REFER


@pytest.mark.parametrize(
    ("code", "subject", "figures", "by", "source"),
    [
        ("US-IL", "hold", {"hours": 0}, " ", SOURCE),
        ("US-IL", "hold", {"hours": 0}, BY, ""),
        ("US-IL", "hold", {}, BY, SOURCE),
        ("US-IL", "daily-limit-new", {"minor": 1_000_000}, BY, SOURCE),
        ("US-IL", "no-such-thing", {}, BY, SOURCE),
        ("US-IL", "hold", {"hours": 0}, "x" * 501, SOURCE),
        ("US-MN", "ban", {}, BY, SOURCE),
        ("US-CA", "daily-limit", {"minor": 1_000_000}, BY, SOURCE),
    ],
)
def test_a_bad_adoption_is_refused_and_writes_nothing(
    store: Store,
    clock: SeededClock,
    code: str,
    subject: str,
    figures: dict[str, int],
    by: str,
    source: str,
) -> None:
    with pytest.raises(AdoptionRefused), store.transact() as tx:
        adoptions.record(tx, clock, rulebook.load(code), subject, figures, by, source)
    with store.read() as tx:
        count = sa.select(sa.func.count()).select_from(adoptions.ADOPTIONS)
        assert tx.execute(count).scalar_one() == 0
        assert journal.head(tx)[0] == 0


def test_nobody_adopts_over_another(store: Store, clock: SeededClock) -> None:
    place = rulebook.load("US-IL")
    with store.transact() as tx:
        adoptions.record(tx, clock, place, "hold", {"hours": 0}, BY, SOURCE)
    with pytest.raises(AdoptionRefused, match="before"), store.transact() as tx:
        adoptions.record(tx, clock, place, "hold", {"hours": 1}, BY, SOURCE)


@pytest.mark.parametrize("code", codes())
def test_every_place_that_is_not_banned_can_be_settled(code: str) -> None:
    place = rulebook.load(code)
    for subject, figures in sample_points(place, TODAY):
        made = rulebook.place.Adoption(code, subject, figures, BY, SOURCE, TODAY)
        place = place.adopt([made])
    said = rulebook.ask(place, "kiosk.open", {}, TODAY)
    banned = any(p.kind == "ban" and p.in_force(TODAY) for p in place.provisions)
    assert said.answer is (Answer.REFUSE if banned else Answer.PERMIT), said.missing


def test_what_was_adopted_for_a_gap_does_not_settle_the_law_that_follows() -> None:
    place = rulebook.load("US-KY")
    gap = rulebook.place.Adoption("US-KY", "daily-limit", {"minor": 50_000}, BY, SOURCE, TODAY)
    place = place.adopt([gap])
    assert rulebook.ask(place, "kiosk.open", {}, TODAY).answer is Answer.PERMIT
    later = dt.date(2027, 5, 1)
    assert "US-KY/daily-limit" in rulebook.ask(place, "kiosk.open", {}, later).missing
    law = rulebook.place.Adoption("US-KY", "daily-limit", {}, BY, SOURCE, later)
    missing = rulebook.ask(place.adopt([law]), "kiosk.open", {}, later).missing
    assert "US-KY/daily-limit" not in missing


def test_what_an_officer_settled_later_was_open_on_every_day_before() -> None:
    """The law's own figure was unread; an officer reads it on one day, and rewrites no past."""
    place = rulebook.load("US-IL")
    figures = {"transactions": 3, "days": 7}
    made = rulebook.place.Adoption("US-IL", "new-customer", figures, BY, SOURCE, TODAY)
    hold = rulebook.place.Adoption("US-IL", "hold", {"hours": 0}, BY, SOURCE, TODAY)
    settled, yesterday = place.adopt([made, hold]), TODAY - dt.timedelta(1)
    assert rulebook.ask(settled, "kiosk.open", {}, TODAY).answer is Answer.PERMIT
    before = rulebook.ask(settled, "kiosk.open", {}, yesterday)
    assert before == rulebook.ask(place, "kiosk.open", {}, yesterday)
    assert "US-IL/new-customer" in before.missing
    then = settled.as_known(yesterday)
    assert then.adopted == () and not any(p.adopted for p in then.provisions)
    replayed = rulebook.ask(then, "kiosk.open", {}, TODAY)
    assert replayed.answer is Answer.REFER and "US-IL/new-customer" in replayed.missing


def test_a_kiosk_in_the_western_zone_opens_with_the_others(
    store: Store, clock: SeededClock
) -> None:
    """An adoption at half past midnight in the east counts in the west, where it is yesterday."""
    place = rulebook.load("US-OR")
    assert len(place.zones) == 2
    east, west = sorted(place.zones, key=lambda zone: place.in_zone(zone).day(clock.now()))
    now = dt.datetime(2026, 11, 23, 7, 30, tzinfo=dt.UTC)
    days = {place.in_zone(zone).day(now) for zone in (east, west)}
    assert len(days) == 2
    for subject, figures in sample_points(place, min(days)):
        adopted = rulebook.place.Adoption("US-OR", subject, figures, BY, SOURCE, TODAY, now)
        place = place.adopt([adopted])
    said = rulebook.ask(place, "kiosk.open", {}, min(days))
    assert said.answer is Answer.PERMIT, said.missing
