"""What the rulebook promises: forbid overrides permit, unknown is never permit, and it is pure."""

from __future__ import annotations

import dataclasses
import datetime as dt
import shutil
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from test_duties import desk_of

from tallystick.core import rulebook
from tallystick.core.clock import SeededClock
from tallystick.core.rulebook import LAW_FOLDER, Answer, Jurisdiction, LawUnreadable
from tallystick.core.rulebook import place as places
from tallystick.core.rulebook.examples import EXAMPLES_FOLDER, check
from tallystick.core.rulebook.provision import GATING, Provision

TODAY = dt.date(2026, 11, 23)
ORDER = {Answer.PERMIT: 0, Answer.REFER: 1, Answer.REFUSE: 2}
PLACES = {code: rulebook.load(code) for code in places.codes()}

facts = st.fixed_dictionaries(
    {},
    optional={
        "cash": st.integers(0, 1_200_000),
        "paid_today": st.integers(0, 1_200_000),
        "paid_30_days": st.integers(0, 1_200_000),
        "paid_first_30_days": st.integers(0, 1_200_000),
        "customer": st.sampled_from(["new", "existing", "unknown"]),
    },
)
days = st.dates(dt.date(2024, 1, 1), dt.date(2028, 1, 1))
stricter = st.builds(
    Provision,
    id=st.just("US-XX/made"),
    kind=st.sampled_from(sorted(GATING)),
    say=st.just("Made for this test."),
    cite=st.just("none"),
    since=st.one_of(st.none(), days),
    settled=st.booleans(),
    who=st.sampled_from(["all", "new", "existing"]),
    figures=st.fixed_dictionaries(
        {},
        optional={
            "minor": st.integers(0, 2_000_000),
            "days": st.just(30),
            "hours": st.integers(0, 96),
            "basis_points": st.integers(0, 3_000),
        },
    ),
)


@given(st.sampled_from(sorted(PLACES)), facts, days, stricter)
def test_one_more_provision_never_permits_more(
    code: str, given_facts: dict[str, int | str], on: dt.date, more: Provision
) -> None:
    place = PLACES[code]
    # A place without any limit is closed for want of one; adding the first is no stricter law.
    if not any(p.kind.endswith("limit") and p.in_force(on) for p in place.provisions):
        return
    before = rulebook.ask(place, "kiosk.sell", given_facts, on)
    wider = dataclasses.replace(place, provisions=(*place.provisions, more))
    after = rulebook.ask(wider, "kiosk.sell", given_facts, on)
    assert ORDER[after.answer] >= ORDER[before.answer]
    if before.left_minor is not None and after.left_minor is not None:
        assert after.left_minor <= before.left_minor


@given(st.sampled_from(sorted(PLACES)), facts, days)
def test_a_missing_fact_never_permits(
    code: str, given_facts: dict[str, int | str], on: dt.date
) -> None:
    whole = rulebook.ask(PLACES[code], "kiosk.sell", given_facts, on).answer
    for name in given_facts:
        if name.startswith("paid_") and name.endswith("_days"):
            continue  # not every place counts it
        fewer = {key: value for key, value in given_facts.items() if key != name}
        said = rulebook.ask(PLACES[code], "kiosk.sell", fewer, on)
        if name in ("cash", "paid_today"):
            assert said.answer is not Answer.PERMIT
        assert not (whole is Answer.REFER and said.answer is Answer.PERMIT)


@given(st.sampled_from(sorted(PLACES)), facts, days)
def test_a_verdict_depends_on_its_inputs_alone(
    code: str, given_facts: dict[str, int | str], on: dt.date
) -> None:
    first = rulebook.ask(PLACES[code], "kiosk.sell", given_facts, on)
    fresh = rulebook.load(code)
    second = rulebook.ask(fresh, "kiosk.sell", dict(reversed(given_facts.items())), on)
    assert (first.answer, first.left_minor, first.missing) == (
        second.answer,
        second.left_minor,
        second.missing,
    )
    assert [p.id for p in first.because] == [p.id for p in second.because]


@given(
    st.sampled_from([c for c, p in PLACES.items() if rulebook.fee_most(p, TODAY)]),
    st.integers(1, 2_000_000),
)
def test_the_highest_fee_never_passes_a_cap(code: str, cash: int) -> None:
    share, least = rulebook.fee_most(PLACES[code], TODAY) or (0, 0)
    fee = min(max(cash * share // 10_000, least), cash)
    said = rulebook.ask(PLACES[code], "kiosk.fee", {"cash": cash, "fee": fee}, TODAY)
    assert said.answer is not Answer.REFUSE


def test_a_series_counts_as_one_and_its_least_fee_is_taken_once() -> None:
    """Vermont: $5 on each of five purchases of $20 would be $25 of $100."""
    place, on = PLACES["US-VT"], dt.date(2026, 11, 23)
    assert rulebook.fee_most(place, on) == (1_304, 0)
    assert rulebook.fee_most(place, dt.date(2024, 8, 1)) == (291, 0)
    one: dict[str, int | str] = {"cash": 2_000, "fee": 500}
    alone = rulebook.ask(place, "kiosk.fee", one, on)
    assert alone.answer is Answer.REFER
    assert {"series_cash", "series_fee"} <= set(alone.missing)
    first = rulebook.ask(place, "kiosk.fee", {**one, "series_cash": 0, "series_fee": 0}, on)
    assert first.answer is not Answer.REFUSE and "series_fee" not in first.missing
    fifth = {**one, "series_cash": 8_000, "series_fee": 2_000}
    said = rulebook.ask(place, "kiosk.fee", fifth, on)
    assert said.answer is Answer.REFUSE and [p.id for p in said.because] == ["US-VT/fee-cap"]
    share = rulebook.ask(place, "kiosk.fee", {"cash": 2_000, "fee": 260}, on)
    assert "series_fee" not in share.missing


def test_days_are_reckoned_in_the_kiosks_own_zone_of_the_place(clock: SeededClock) -> None:
    place = PLACES["US-TX"]
    assert place.zone == "America/Chicago" == place.in_zone("").zone
    west = place.in_zone("America/Denver")
    assert west.zone == "America/Denver" and set(west.zones) == set(place.zones)
    desk, at = desk_of("US-TX", clock, None), dt.datetime(2026, 11, 24, 6, 30, tzinfo=dt.UTC)
    assert desk.day(at) == dt.date(2026, 11, 24)
    desk.take_up(west, None)
    assert desk.day(at) == dt.date(2026, 11, 23)
    with pytest.raises(LawUnreadable, match="no zone of US-TX"):
        place.in_zone("Asia/Tokyo")


def test_every_example_holds() -> None:
    done = list(check())
    assert [f"{d.place}: {d.say}: {d.wrong}" for d in done if d.wrong] == []
    assert len(done) >= 250
    assert {d.place for d in done} == set(PLACES)


def test_an_example_that_no_longer_holds_is_named(tmp_path: Path) -> None:
    law = tmp_path / "law"
    shutil.copytree(LAW_FOLDER, law)
    path = law / "US-CA.toml"
    text = path.read_text("utf-8")
    assert "minor = 100000" in text
    path.write_text(text.replace("minor = 100000", "minor = 100001"))
    wrong = [d for d in check(EXAMPLES_FOLDER, law) if d.wrong]
    assert wrong and {d.place for d in wrong} == {"US-CA"}


def test_a_federal_layer_is_cited_beside_the_state() -> None:
    facts = {"cash": 1_000_001, "paid_today": 0, "customer": "existing"}
    place = rulebook.load("US-CO")
    must = rulebook.ask(place, "kiosk.sell", {**facts, "cash": 1_000_001}, TODAY).must
    assert {"US/ctr", "US/sar", "US/transfer-records"} <= {p.id for p in must}
    below = rulebook.ask(place, "kiosk.sell", {**facts, "cash": 1_000_000}, TODAY).must
    assert "US/ctr" not in {p.id for p in below}


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ('kind = "daily-limit"', 'kind = "daily-limits"'),
        ("settled = true", 'settled = true\nfee = "5"'),
        ("figures = { minor = 100000 }", "figures = { minor = 1000.5 }"),
        ("figures = { minor = 100000 }", "figures = { minor = -1 }"),
        ('status = "in-force"', 'status = "in force"'),
        ('code = "US-CA"', 'code = "US-CB"'),
        ('read = "primary"', 'read = "hearsay"'),
    ],
)
def test_a_file_that_says_something_unknown_is_refused_whole(
    tmp_path: Path, change: str, said: str
) -> None:
    for name in ("US-CA", "US"):
        shutil.copy(LAW_FOLDER / f"{name}.toml", tmp_path)
    path = tmp_path / "US-CA.toml"
    text = path.read_text("utf-8")
    assert change in text
    path.write_text(text.replace(change, said, 1))
    with pytest.raises(LawUnreadable, match=r"US-CA\.toml"):
        rulebook.load("US-CA", tmp_path)


def test_a_file_too_long_or_with_too_many_layers_is_refused(tmp_path: Path) -> None:
    for name in ("US-CA", "US"):
        shutil.copy(LAW_FOLDER / f"{name}.toml", tmp_path)
    path = tmp_path / "US-CA.toml"
    text = path.read_text("utf-8")
    path.write_text(text.replace('layers = ["US"]', f"layers = {['US'] * 5}"))
    with pytest.raises(LawUnreadable, match="layers"):
        rulebook.load("US-CA", tmp_path)
    path.write_text(text + "#" * places.FILE_BYTES_MAX)
    with pytest.raises(LawUnreadable, match="bytes"):
        rulebook.load("US-CA", tmp_path)


@pytest.mark.parametrize("code", ["XX", "../law/US", "US/../US", ""])
def test_a_place_without_a_file_is_closed(code: str) -> None:
    with pytest.raises(LawUnreadable):
        rulebook.load(code)


def test_no_place_opens_on_what_nobody_read() -> None:
    for place in PLACES.values():
        said = rulebook.ask(place, "kiosk.open", {}, TODAY)
        if said.answer is Answer.PERMIT:
            open_points = [p.id for p in place.provisions if p.kind in GATING and not p.decides]
            bound = [p.id for p in place.provisions if p.in_force(TODAY) is not False]
            assert not set(open_points) & set(bound), place.code
            assert not place.unread(), place.code


def _limits(place: Jurisdiction) -> list[str]:
    return [p.id for p in place.of("daily-limit", TODAY)]


def test_what_was_not_known_then_is_left_out() -> None:
    place = PLACES["US-CA"]
    assert _limits(place.as_known(dt.date(2023, 10, 13))) == ["US-CA/daily-limit"]
    assert _limits(place.as_known(dt.date(2023, 10, 12))) == []
