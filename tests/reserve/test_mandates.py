"""Mandates as law: forbid overrides permit, unknown is never permit, budgets hold in any window."""

from __future__ import annotations

import dataclasses
import datetime as dt
import json
from pathlib import Path

import msgspec
import pytest
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st

from tallystick.cli import main
from tallystick.core.rulebook.provision import Provision
from tallystick.core.rulebook.verdict import Answer
from tallystick.reserve import facts as facts_
from tallystick.reserve import mandate as mandates
from tallystick.reserve.ask import QUESTION_OF, QUESTIONS, ask, budget_left, months_after
from tallystick.reserve.errors import MandateUnreadable, ReserveError
from tallystick.reserve.facts import Facts, LotFact, Sum

D = dt.date
ALL = {code: mandates.load(code) for code in mandates.codes()}
DEMO = ALL["DEMO"]
ORDER = {Answer.PERMIT: 0, Answer.REFER: 1, Answer.REFUSE: 2}
LONG_AGO = D(2000, 1, 1)


def free(act: str = "sale", sats: int = 1_000, **other: object) -> Facts:
    """Facts under which the demonstration mandate permits a sale of 2060."""
    lot = LotFact("a", sats, D(2026, 1, 2), "gift", order=act == "release")
    base = Facts(
        act=act,
        sats=0 if act in mandates.INWARD else sats,
        lots=(lot,),
        sold=(),
        held=(Sum(D(2026, 1, 2), 1_000_000),),
        largest_address_sats=1_000_000,
        reused_addresses=0,
        sites=3,
        frozen=False,
    )
    return msgspec.structs.replace(base, **other)


def said(facts: Facts, on: dt.date = D(2060, 1, 1), under: mandates.Mandate = DEMO):
    return ask(under, QUESTION_OF[facts.act or ""], facts, on)


def ids(items: tuple[Provision, ...]) -> set[str]:
    return {item.id.partition("/")[2] for item in items}


def test_each_preset_cites_dates_and_says_how_it_was_read() -> None:
    assert set(ALL) >= {
        *("US-EO-14233", "BITCOIN-ACT", "ARMA", "US-TX", "US-NH", "US-AZ", "SV", "DEMO"),
    }
    for found in ALL.values():
        assert found.provisions and found.cite
        for item in found.provisions:
            assert item.cite and item.source and item.read
            assert not (item.read == "memory" and item.kind in mandates.GATING and item.settled)


@pytest.mark.parametrize("act", mandates.ACTS)
@pytest.mark.parametrize("code", sorted(ALL))
def test_nothing_known_is_never_permitted(code: str, act: str) -> None:
    for on in (D(2026, 11, 28), D(2060, 1, 1)):
        answer = ask(ALL[code], QUESTION_OF[act], Facts(act=act), on).answer
        assert answer is not Answer.PERMIT


def test_a_sale_is_refused_for_twenty_years_to_the_day() -> None:
    lot = LotFact("a", 1_000, D(2030, 3, 1), "gift")
    facts = free(lots=(lot,))
    assert ids(said(facts, D(2050, 2, 28)).because) == {"hold"}
    assert said(facts, D(2050, 3, 1)).answer is Answer.PERMIT


@pytest.mark.parametrize("act", ["swap", "auction", "transfer"])
def test_other_names_for_a_sale_do_not_help(act: str) -> None:
    young = LotFact("a", 1_000, D(2050, 1, 1), "gift")
    assert "hold" in ids(said(free(act, lots=(young,))).because)


def test_an_encumbrance_is_refused_at_any_age() -> None:
    verdict = said(free("encumber"))
    assert verdict.answer is Answer.REFUSE and "no-encumbrance" in ids(verdict.because)


def test_one_young_lot_among_old_ones_refuses_all() -> None:
    old, young = LotFact("a", 999, LONG_AGO, "gift"), LotFact("b", 1, D(2059, 1, 1), "gift")
    assert said(free(lots=(old, young))).answer is Answer.REFUSE
    assert said(free(lots=(old,))).answer is Answer.PERMIT


def test_a_lot_without_a_day_of_deposit_is_referred() -> None:
    verdict = said(free(lots=(LotFact("a", 1_000),)))
    assert verdict.answer is Answer.REFER and "lot a: day of deposit" in verdict.missing


def test_a_release_needs_an_order_for_every_lot() -> None:
    assert said(free("release"), D(2027, 1, 1)).answer is Answer.PERMIT
    lots = (LotFact("a", 1, LONG_AGO, "forfeiture", order=True), LotFact("b", 1, LONG_AGO, "gift"))
    verdict = said(free("release", lots=lots), D(2027, 1, 1))
    assert verdict.answer is Answer.REFUSE and ids(verdict.because) == {"claimants"}


def test_a_refresh_spends_no_budget_and_no_hold_binds_it() -> None:
    young = (LotFact("a", 1_000, D(2059, 12, 31), "gift"),)
    verdict = said(free("refresh", lots=young, sold=(Sum(D(2059, 6, 1), 100_000),)))
    assert verdict.answer is Answer.PERMIT
    assert "notice-of-care" in ids(verdict.must) and "notice" not in ids(verdict.must)


def test_a_refresh_that_lets_coins_out_is_none() -> None:
    outward = msgspec.structs.replace(free("refresh"), sats=1)
    assert said(outward).answer is not Answer.PERMIT


@pytest.mark.parametrize(
    ("change", "by"),
    [
        ({"largest_address_sats": 2_000_000_001}, "address-cap"),
        ({"reused_addresses": 1}, "no-reuse"),
        ({"sites": 2}, "sites"),
        ({"frozen": True}, "freeze"),
        ({"sats": 100_001, "lots": (LotFact("a", 100_001, LONG_AGO, "gift"),)}, "ten-percent"),
    ],
)
def test_each_limit_refuses_and_is_cited(change: dict[str, object], by: str) -> None:
    verdict = said(free(**change))
    assert verdict.answer is Answer.REFUSE and ids(verdict.because) == {by}


def test_a_freeze_stops_a_reserve_whose_mandate_does_not_speak_of_it() -> None:
    facts = free("refresh", frozen=True)
    assert said(facts, under=ALL["US-NH"]).answer is not Answer.PERMIT
    assert said(free("refresh"), under=ALL["US-NH"]).answer is Answer.PERMIT


def test_approvals_rise_with_the_sum() -> None:
    held = (Sum(LONG_AGO, 2_000_000_000_000),)
    for sats, expected in ((999_999_999, "two-officials"), (1_000_000_000, "three-officials")):
        verdict = said(free(sats=sats, held=held, lots=(LotFact("a", sats, LONG_AGO, "gift"),)))
        needs = {item.id for item in verdict.must if item.kind == "approvals"}
        assert needs == {f"DEMO/{expected}"}


# The budget


def test_the_window_ends_on_the_day_and_no_sooner() -> None:
    item = next(p for p in DEMO.provisions if p.kind == "budget")
    held = (Sum(LONG_AGO, 1_000),)
    sold = (Sum(D(2050, 1, 15), 100),)
    assert budget_left(item, sold, (*held, Sum(D(2050, 1, 15), 900)), D(2052, 1, 14)) == 0
    assert budget_left(item, sold, (*held, Sum(D(2050, 1, 15), 900)), D(2052, 1, 15)) == 90


def test_a_young_reserve_has_no_budget_and_a_deposit_makes_none_at_once() -> None:
    item = next(p for p in DEMO.provisions if p.kind == "budget")
    held = (Sum(D(2050, 1, 1), 1_000), Sum(D(2051, 12, 1), 1_000_000))
    assert budget_left(item, (), held, D(2051, 12, 31)) == 0
    assert budget_left(item, (), held, D(2052, 1, 1)) == 100


def test_months_end_where_the_calendar_has_the_day() -> None:
    assert months_after(D(2028, 2, 29), 240) == D(2048, 2, 29)
    assert months_after(D(2028, 2, 29), 12) == D(2029, 3, 1)
    assert months_after(D(2026, 12, 31), 2) == D(2027, 3, 1)
    assert months_after(D(2026, 10, 31), 1) == D(2026, 12, 1)


@settings(max_examples=60)
@given(
    st.lists(st.tuples(st.integers(0, 1_500), st.integers(1, 400)), max_size=60),
    st.integers(1_000, 5_000),
)
def test_no_sequence_of_permitted_sales_passes_the_tenth_in_any_window(
    tries: list[tuple[int, int]], whole: int
) -> None:
    """Split it as one likes, over any days: no window of 24 months holds more than a tenth."""
    start, held, sold = D(2050, 1, 1), [Sum(LONG_AGO, whole)], []
    for day, sats in sorted(tries):
        on, lots = start + dt.timedelta(day), (LotFact("a", sats, LONG_AGO, "gift"),)
        facts = free(sats=sats, lots=lots, held=tuple(held), sold=tuple(sold))
        if said(facts, on).answer is Answer.PERMIT:
            sold.append(Sum(on, sats))
            held.append(Sum(on, held[-1].sats - sats))
    for first in sold:
        end = months_after(first.on, 24)
        within = [one.sats for one in sold if first.on <= one.on < end]
        assert sum(within) <= whole // 10


# Purchases and what is taken in


def bought(**change: object) -> Facts:
    base = Facts(
        act="purchase",
        frozen=False,
        source="seigniorage",
        asset="BTC",
        market_cap_usd_millions=500_000,
        market_cap_on=D(2059, 12, 15),
    )
    return msgspec.structs.replace(base, **change)


@pytest.mark.parametrize(
    ("change", "answer"),
    [
        ({}, Answer.PERMIT),
        ({"source": "taxes"}, Answer.REFUSE),
        ({"source": None}, Answer.REFER),
        ({"market_cap_usd_millions": 499_999}, Answer.REFUSE),
        ({"market_cap_usd_millions": None}, Answer.REFER),
        ({"market_cap_on": D(2059, 11, 1)}, Answer.REFER),
        ({"market_cap_on": D(2060, 1, 2)}, Answer.REFER),
    ],
)
def test_a_purchase_is_budget_neutral_and_eligible(
    change: dict[str, object], answer: Answer
) -> None:
    assert said(bought(**change)).answer is answer


def test_more_than_is_not_at_least() -> None:
    facts = bought(source="public funds", share_bp_after=500)
    assert said(facts, under=ALL["US-NH"]).answer is Answer.REFUSE
    more = msgspec.structs.replace(facts, market_cap_usd_millions=500_001)
    assert said(more, under=ALL["US-NH"]).answer is Answer.PERMIT
    above = msgspec.structs.replace(more, share_bp_after=501)
    assert ids(said(above, under=ALL["US-NH"]).because) == {"five-percent"}


@pytest.mark.parametrize(("final", "answer"), [(True, 0), (False, 2), (None, 1)])
def test_a_forfeiture_comes_in_only_when_it_is_final(final: bool | None, answer: int) -> None:
    facts = Facts(
        act="accept", origin="forfeiture", final=final, largest_address_sats=1, reused_addresses=0
    )
    assert ORDER[said(facts).answer] == answer


# Bills, charters and what may be in force


def test_a_bill_permits_nothing_but_its_prohibitions_are_shown() -> None:
    old = free(sats=10)
    assert said(old, under=ALL["ARMA"]).answer is Answer.REFER
    young = free(lots=(LotFact("a", 1_000, D(2059, 1, 1), "gift"),))
    assert said(young, under=ALL["ARMA"]).answer is Answer.REFUSE


def test_a_bill_binds_the_board_that_adopts_it_from_that_day_on() -> None:
    charter = ALL["ARMA"].as_charter(D(2027, 1, 1), "A. Officer", "resolution 1")
    assert said(free(sats=10), under=charter).answer is Answer.PERMIT
    assert said(free(sats=10), D(2026, 12, 31), charter).answer is not Answer.PERMIT
    with pytest.raises(MandateUnreadable):
        ALL["ARMA"].as_charter(D(2027, 1, 1), " ", "resolution 1")


def test_before_a_bill_was_known_it_says_nothing() -> None:
    verdict = said(free(), D(2026, 5, 20), ALL["ARMA"])
    assert verdict.answer is Answer.REFER and not verdict.because


@given(st.sampled_from(sorted(ALL)), st.sampled_from(sorted(mandates.ACTS)), st.data())
@settings(max_examples=80)
def test_one_fact_less_never_makes_a_step_more_lawful(code: str, act: str, data: st.DataObject):
    facts = free(act) if act in QUESTION_OF and act not in ("purchase", "accept") else bought()
    facts = msgspec.structs.replace(facts, act=act, origin="forfeiture", final=True)
    on = data.draw(st.dates(D(2025, 1, 1), D(2070, 1, 1)))
    whole = ask(ALL[code], QUESTION_OF[act], facts, on)
    name = data.draw(st.sampled_from([f for f in Facts.__struct_fields__ if f != "act"]))
    less = ask(ALL[code], QUESTION_OF[act], msgspec.structs.replace(facts, **{name: None}), on)
    if whole.answer is not Answer.PERMIT:
        assert less.answer is not Answer.PERMIT


@given(
    st.sampled_from(sorted(mandates.GATING - {"power"})),
    st.sampled_from([a for a in QUESTION_OF if a not in ("purchase", "accept")]),
    st.booleans(),
)
@settings(max_examples=60)
def test_one_provision_more_never_makes_a_step_more_lawful(kind: str, act: str, settled: bool):
    more = Provision("DEMO/more", kind, "Made.", "none", D(2026, 1, 1), settled=settled,
                     terms={"acts": list(mandates.ACTS)})  # fmt: skip
    stricter = dataclasses.replace(DEMO, provisions=(*DEMO.provisions, more))
    facts = free(act)
    before, after = said(facts), said(facts, under=stricter)
    assert ORDER[after.answer] >= ORDER[before.answer]


def test_a_question_nobody_knows_is_referred() -> None:
    assert ask(DEMO, "reserve.burn", free(), D(2060, 1, 1)).answer is Answer.REFER
    assert set(QUESTION_OF.values()) == set(QUESTIONS)


# Files


@pytest.mark.parametrize(
    ("old", "new", "named"),
    [
        ('kind = "hold"', 'kind = "holdd"', "kind"),
        ('acts = ["refresh", "rotate"]', 'acts = ["refresh", "burn"]', "acts"),
        ("years = 20", "years = -20", "figures"),
        ('say = "No coin', 'sy = "No coin', "sy"),
        ("terms = { acts = [\"encumber\"] }", "", "names no acts"),
        ('code = "DEMO"', 'code = "OTHER"', "code"),
    ],
)  # fmt: skip
def test_a_file_that_says_something_unknown_is_refused_whole(
    tmp_path: Path, old: str, new: str, named: str
) -> None:
    text = (mandates.LAW_FOLDER / "DEMO.toml").read_text("utf-8")
    assert old in text
    (tmp_path / "DEMO.toml").write_text(text.replace(old, new, 1))
    with pytest.raises(MandateUnreadable, match=named):
        mandates.load("DEMO", tmp_path)


@pytest.mark.parametrize("code", ["../DEMO", "NOWHERE", ""])
def test_no_other_file_is_read(code: str) -> None:
    with pytest.raises(MandateUnreadable):
        mandates.load(code)


@pytest.mark.parametrize("body", [b"{", b'{"sats": "x"}', b'{"satz": 1}', b'{"sats": -1}'])
def test_facts_that_make_no_sense_are_named(body: bytes) -> None:
    with pytest.raises(ReserveError, match="facts"):
        facts_.read(body)
    with pytest.raises(ReserveError, match="bytes"):
        facts_.read(b" " * (facts_.FACTS_BYTES_MAX + 1))


def test_the_command_gives_the_verdict_of_that_day_and_its_exit_code() -> None:
    asked = ["reserve", "ask", "--mandate", "ARMA", "--btc", "3", "--deposited", "2026-11-01"]
    run = CliRunner().invoke(main, [*asked, "--on", "2030-01-01", "--json"])
    report = json.loads(run.output)
    assert run.exit_code == 1 and report["answer"] == "refuse"
    assert [item["id"] for item in report["because"]] == ["ARMA/hold"]
    later = ["--on", "2050-01-01", "--held", "400", "--adopted", "2027-01-01", "--sites", "3"]
    run = CliRunner().invoke(main, [*asked, *later])
    assert run.exit_code == 0, run.output
    run = CliRunner().invoke(main, [*asked, "--on", "2050-01-01", "--held", "400"])
    assert run.exit_code == 2, run.output
