"""Suspicion that drafts itself: about whom, by which day, and that nobody learns of it by it."""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path

import pytest
import sqlalchemy as sa

import databases
from kiosk.shop import ADDRESSES, DOCUMENT_FIRST, ONE, Shop, Visit, adopted
from reports.test_cash_reports import LA, PERSON, Books, at
from tallystick.core import journal
from tallystick.core.clock import SeededClock
from tallystick.core.identity import grants, people
from tallystick.core.vault import Vault
from tallystick.kiosk import buy, wire
from tallystick.kiosk.reports import filing
from tallystick.kiosk.reports.errors import ReportIncomplete
from tallystick.kiosk.reports.model import ROLE, State
from tallystick.kiosk.scams import claims, guard
from tallystick.kiosk.scams.claim import Duty, Form, Ground

BOUGHT = at(LA, 2026, 11, 20, 12)


@pytest.fixture
def books(tmp_path: Path, clock: SeededClock) -> Books:
    return Books(tmp_path, clock)


def upheld(books: Books, *sums: int, back: int | None = None) -> str:
    """File and decide a claim for purchases of these sums; return its number."""
    bought = [books.bought((BOUGHT, minor)) for minor in sums]
    day = BOUGHT.date()
    refunds = {
        one: minor if back is None else back for one, minor in zip(bought, sums, strict=True)
    }
    with books.store.transact() as tx:
        form = Form(day, day, "police", "vault:1")
        duty = Duty(cite="policy", amount="full")
        claim = claims.file(tx, books.clock, "", "US-CA", form, duty, bought, books.bob)
        why = [] if back is None else [Ground("disproved", "it was another's")]
        claims.decide(tx, books.clock, claim, refunds, why, books.bob)
        return str(claims.find(tx, claim)["reference"])


def test_an_upheld_claim_drafts_a_report_for_an_officer_to_complete(books: Books) -> None:
    number = upheld(books, 150_000, 50_000)
    with books.store.read() as tx:
        assert filing.listed(tx, books.bob) == []
        (row,) = filing.listed(tx, books.eve)
        found = filing.find(tx, row["id"], books.eve)
    draft = found["draft"]
    assert (draft.person, draft.cash_in_minor, draft.activity) == (
        PERSON,
        200_000,
        ("fraud-kiosk-scam",),
    )
    assert draft.note_to_fincen == "FIN-2025-CVCKIOSK"
    detected = books.clock.now().astimezone(LA).date()
    assert draft.due == detected + dt.timedelta(30)
    assert (row["state"], row["made_by"]) == (State.DRAFT.value, filing.ITSELF)
    assert number in found["events"][0]["content"]
    vault = Vault(books.folder / "vault", books.clock)
    with books.store.transact() as tx:
        with pytest.raises(ReportIncomplete, match="narrative"):
            filing.propose(tx, books.clock, row["id"], books.ada)
        told = "FIN-2025-CVCKIOSK. Told by a caller to pay a fine."
        filing.narrate(tx, books.clock, vault, row["id"], told, books.ada)
        filing.propose(tx, books.clock, row["id"], books.ada)
        filing.approve(tx, books.clock, row["id"], books.eve)
        filing.file(tx, books.clock, row["id"], "BSA 7", books.ada)


def test_below_the_laws_sum_or_when_it_is_denied_nothing_is_drafted(books: Books) -> None:
    upheld(books, 199_999)
    upheld(books, 900_000, back=0)
    with books.store.read() as tx:
        assert filing.listed(tx, books.eve) == []


def test_who_decides_and_who_reads_the_log_learn_nothing_of_it(books: Books) -> None:
    """The claim is the same to read, and the log's headers are the same, with a draft or none."""
    headers = []
    for minor in (199_999, 200_000):
        with books.store.read() as tx:
            before = journal.head(tx)[0]
        number = upheld(books, minor)
        e = journal.ENTRIES.c
        query = sa.select(e.programme, e.kind).where(e.seq > before).order_by(e.seq)
        with books.store.read() as tx:
            headers.append([tuple(row) for row in tx.execute(query)])
            claim = tx.execute(
                sa.select(claims.CLAIMS.c.id).where(claims.CLAIMS.c.reference == number)
            ).scalar_one()
            told = json.dumps(claims.find(tx, claim), default=str).casefold()
        assert "sar" not in told.replace("necessary", "") and "fincen" not in told
    assert headers[0] == headers[1]
    with books.store.read() as tx:
        assert len(filing.listed(tx, books.eve)) == 1


class California(Shop):
    """A shop under a law that wants suspicion reported, with an officer of compliance."""

    def __init__(self, folder: Path) -> None:
        store = databases.opened(f"sqlite:///{folder}/tallystick.sqlite")
        super().__init__(store, folder, DOCUMENT_FIRST)
        self.desk.place = adopted("US-CA")
        with store.transact() as tx:
            token = people.invite(tx, "Eve", people.Role.OFFICIAL, self.clock.now(), self.clock)
            self.eve = people.spend_invite(tx, token, self.clock.now()).id
            grants.grant(tx, self.clock, self.eve, ROLE)

    def bought(self, notes: int) -> Visit:
        visit = self.known(ONE)
        visit.start(ADDRESSES[0])
        assert visit.fill(notes) == ["permit"] * notes
        with self.store.transact() as tx:
            row = buy.find(tx, "K1", visit.id)
            guard.care(tx, self.desk, row, wire.CareAsk())
        self.clock.advance(86_400)
        return visit


def test_a_silent_call_for_help_drafts_one_with_the_cash_of_late(tmp_path: Path) -> None:
    shop = California(tmp_path)
    for _ in range(2):
        shop.bought(9)
    visit = shop.bought(1)
    visit.close("help")
    with shop.store.read() as tx:
        assert filing.listed(tx, shop.eve) == [], "1,900 in all: the law wants none"
    visit = shop.bought(1)
    visit.close("help")
    with shop.store.read() as tx:
        (row,) = filing.listed(tx, shop.eve)
        draft = filing.find(tx, row["id"], shop.eve)["draft"]
    assert (draft.person, draft.cash_in_minor) == (visit.customer, 200_000)
    assert len(draft.purchases) == 4
    assert visit.view().state == "refund_due"
