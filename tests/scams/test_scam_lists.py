"""Shared lists with an end and an appeal; one call from a claim blocks everywhere at once."""

import datetime as dt
from typing import Any

import msgspec
import pytest
from desk_scene import ADDRESS, DAY_S, OTHER, purchase

from tallystick.core.clock import SeededClock
from tallystick.core.store import Store
from tallystick.kiosk import blocked
from tallystick.kiosk.scams import claims, lists
from tallystick.kiosk.scams.claim import Duty, Form
from tallystick.kiosk.scams.errors import AppealRefused, ClaimUnknown, ListRefused, SamePerson

NOW = dt.datetime(2026, 11, 24, 12, tzinfo=dt.UTC)


def entry(**more: Any) -> dict[str, Any]:
    added = NOW - dt.timedelta(days=2)
    told = {"address": OTHER, "reason": "two victims", "appeal": "appeals@example.org"}
    return {**told, "added": added, "expires": added + dt.timedelta(days=90), **more}


def shared(*entries: dict[str, Any], **more: Any) -> bytes:
    file = {"format": lists.FORMAT, "made_by": "pool", "made_at": NOW, "entries": list(entries)}
    return msgspec.json.encode({**file, **more})


def listed(store: Store, clock: SeededClock, address: str = OTHER) -> str:
    with store.read() as tx:
        return blocked.reason(tx, address, clock.now())


def take_in(store: Store, clock: SeededClock, raw: bytes) -> int:
    with store.transact() as tx:
        return lists.take_in(tx, clock, raw)


def appeal(store: Store, clock: SeededClock, name: str = "shared") -> str:
    with store.transact() as tx:
        return lists.appeal(tx, clock, OTHER, name, "it is my shop's", "owner")


def decide(store: Store, clock: SeededClock, of: str, decision: str, by: str = "eve") -> None:
    with store.transact() as tx:
        lists.decide(tx, clock, of, decision, "shown to be so", by)


def test_a_shared_entry_holds_and_ends_by_itself(store: Store, clock: SeededClock) -> None:
    assert take_in(store, clock, shared(entry())) == 1
    assert listed(store, clock).startswith("shared: two victims; appeal: appeals@")
    assert take_in(store, clock, shared(entry())) == 0, "twice is once"
    clock.advance(89 * DAY_S)
    assert listed(store, clock) == ""


def test_what_has_ended_is_passed_over(store: Store, clock: SeededClock) -> None:
    old = entry(added=NOW - dt.timedelta(days=91), expires=NOW)
    assert take_in(store, clock, shared(old)) == 0


BAD: list[tuple[bytes, str]] = [
    (b"{", "not a shared list"),
    (shared(entry(), format="other/1"), "not tallystick-blocked/1"),
    (shared(entry(), score=1), "not a shared list"),
    (shared(entry(appeal=" ")), "no place to appeal"),
    (shared(entry(reason="")), "no reason"),
    (shared(entry(reason="x" * 201)), "at most 200"),
    (shared(entry(expires=NOW + dt.timedelta(days=364))), "within 365 days"),
    (shared(entry(expires=NOW - dt.timedelta(days=3))), "within 365 days"),
    (shared(entry(added=dt.datetime(2026, 11, 1))), "without a zone"),  # noqa: DTZ001 - on purpose
    (shared(entry(), made_at=NOW + dt.timedelta(days=1)), "to come"),
    (b" " * (lists.FILE_BYTES_MAX + 1), "bytes"),
]


@pytest.mark.parametrize(("raw", "says"), BAD)
def test_a_bad_file_is_refused_whole(
    store: Store, clock: SeededClock, raw: bytes, says: str
) -> None:
    with pytest.raises(ListRefused, match=says):
        take_in(store, clock, raw)
    assert listed(store, clock) == ""


def test_too_many_entries_are_refused(store: Store, clock: SeededClock) -> None:
    many = [entry(address=f"bc1q{n:020}") for n in range(lists.ENTRIES_MAX + 1)]
    with pytest.raises(ListRefused, match="more than"):
        take_in(store, clock, shared(*many))


def test_an_appeal_lifts_and_the_old_entry_does_not_come_back(
    store: Store, clock: SeededClock
) -> None:
    take_in(store, clock, shared(entry()))
    filed = appeal(store, clock)
    assert listed(store, clock), "it holds until decided"
    decide(store, clock, filed, "lifted")
    assert listed(store, clock) == ""
    assert take_in(store, clock, shared(entry())) == 0
    clock.advance(60)
    fresh = entry(added=clock.now(), expires=clock.now() + dt.timedelta(days=9))
    assert take_in(store, clock, shared(fresh, made_at=clock.now())) == 1


def test_an_entry_kept_on_appeal_holds(store: Store, clock: SeededClock) -> None:
    take_in(store, clock, shared(entry()))
    decide(store, clock, appeal(store, clock), "kept")
    assert listed(store, clock)


def test_lifting_a_shared_entry_leaves_our_own(store: Store, clock: SeededClock) -> None:
    take_in(store, clock, shared(entry()))
    with store.transact() as tx:
        blocked.block(tx, clock, OTHER, "own", "seen here", "ada", 30)
    decide(store, clock, appeal(store, clock), "lifted")
    assert listed(store, clock).startswith("own")


def test_who_hears_an_appeal(store: Store, clock: SeededClock) -> None:
    with store.transact() as tx:
        blocked.block(tx, clock, OTHER, "own", "seen here", "ada", 30)
    filed = appeal(store, clock, "own")
    for by in ("ada", "owner"):
        with pytest.raises(SamePerson):
            decide(store, clock, filed, "lifted", by)
    with pytest.raises(AppealRefused):
        decide(store, clock, filed, "forgotten")
    decide(store, clock, filed, "lifted")
    with pytest.raises(AppealRefused):
        decide(store, clock, filed, "kept")


def test_an_appeal_needs_an_entry_and_a_reason(store: Store, clock: SeededClock) -> None:
    with pytest.raises(AppealRefused):
        appeal(store, clock, "own")
    with store.transact() as tx:
        blocked.block(tx, clock, OTHER, "ofac", "SDN 1", "list")
    with pytest.raises(AppealRefused, match="to OFAC"):
        appeal(store, clock, "ofac")
    with pytest.raises(AppealRefused), store.transact() as tx:
        lists.appeal(tx, clock, OTHER, "ofac", " ", "owner")


def test_one_call_from_a_claim_blocks_on_every_machine(store: Store, clock: SeededClock) -> None:
    bought = [purchase(store, clock), purchase(store, clock, address=OTHER)]
    form = Form(NOW.date(), NOW.date(), "police", "vault:1")
    with store.transact() as tx:
        claim = claims.file(tx, clock, "p", "US-SD", form, Duty("x"), bought, "ada")
        assert lists.from_claim(tx, clock, claim, "ada") == 2
        assert lists.from_claim(tx, clock, claim, "ada") == 2
    for address in (ADDRESS, OTHER):
        assert listed(store, clock, address) == f"own: claim {claim}"
    with store.read() as tx:
        assert len(blocked.entries(tx, clock.now())) == 2
    clock.advance(lists.CLAIM_DAYS * DAY_S)
    assert listed(store, clock) == ""
    with pytest.raises(ClaimUnknown), store.transact() as tx:
        lists.from_claim(tx, clock, "none", "ada")


def test_what_we_share_another_can_take_in(store: Store, clock: SeededClock) -> None:
    with store.transact() as tx:
        blocked.block(tx, clock, OTHER, "own", "claim of Mrs Example", "ada", 30)
        blocked.block(tx, clock, ADDRESS, "own", "for ever", "ada")
        raw = lists.export(tx, clock, "us", "appeals@example.org")
        blocked.lift(tx, clock, OTHER, "own", "ada")
    assert b"Example" not in raw, "whose claim it was is nobody else's business"
    assert b"for ever" not in raw and ADDRESS.encode() not in raw
    assert take_in(store, clock, raw) == 1
    assert listed(store, clock).startswith("shared")
