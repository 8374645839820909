"""Large cash is summed exactly by person and place's own day; filing takes two; nothing leaks."""

from __future__ import annotations

import csv
import dataclasses
import datetime as dt
import io
import json
from pathlib import Path
from zoneinfo import ZoneInfo

import msgspec
import pytest
import sqlalchemy as sa
from click.testing import CliRunner, Result
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given, settings
from hypothesis import strategies as st

import databases
from tallystick.cli import main
from tallystick.core import journal, rulebook
from tallystick.core.approvals.errors import ApprovalError, MakerIsChecker
from tallystick.core.clock import SeededClock, new_id, reference
from tallystick.core.identity import grants, machines, people
from tallystick.core.identity.keys import b64url
from tallystick.core.vault import Vault
from tallystick.kiosk import particulars
from tallystick.kiosk.reports import cash, drafts, filing, paper, records
from tallystick.kiosk.reports.cash import Moved, PersonDay
from tallystick.kiosk.reports.errors import (
    NoSuchDuty,
    ReportFiled,
    ReportIncomplete,
    ReportStep,
    ReportUnknown,
)
from tallystick.kiosk.reports.law import duty_of, keep_until, key_term
from tallystick.kiosk.reports.model import NEXT, ROLE, Draft, State, whole
from tallystick.kiosk.reports.tables import REPORTS
from tallystick.kiosk.tables import NOTES, PURCHASES

ADDRESS = "bcrt1qw508d6qejxtdg4y5r3zarvary0c5xw7kygt080"
PERSON = f"address:{ADDRESS}"
ON = dt.date(2026, 11, 23)
CTR = duty_of(rulebook.load("US-CA"), "ctr", ON)
SAR = duty_of(rulebook.load("US-CA"), "sar", ON)
NEW_YORK, LA = ZoneInfo("America/New_York"), ZoneInfo("America/Los_Angeles")


class Books:
    """A database with purchases of counted notes, and two officers of compliance."""

    def __init__(self, folder: Path, clock: SeededClock) -> None:
        self.folder, self.clock, self.seq = folder, clock, 0
        self.store = databases.opened(f"sqlite:///{folder}/tallystick.sqlite")
        self.ada, self.eve = self.officer("Ada Okafor", ROLE), self.officer("Eve Example", ROLE)
        self.bob = self.officer("Bob Example", "kiosk.cash")

    def officer(self, name: str, role: str) -> str:
        with self.store.transact() as tx:
            token = people.invite(tx, name, people.Role.OFFICIAL, self.clock.now(), self.clock)
            made = people.spend_invite(tx, token, self.clock.now()).id
            grants.grant(tx, self.clock, made, role)
        return made

    def bought(
        self,
        *notes: tuple[dt.datetime, int],
        place: str = "US-CA",
        machine: str = "K1",
        zone: str = "",
    ) -> str:
        zero = dict.fromkeys(("quote_number", "price_minor", "fee_bp", "fee_min_minor"), 0)
        total, made = sum(minor for _, minor in notes), new_id(self.clock)
        row = {
            **zero,
            **dict.fromkeys(("purchase_min_minor", "sats", "fee_minor"), 0),
            **dict.fromkeys(("quote", "salt", "commitment"), ""),
            "id": made,
            "reference": reference(self.clock),
            "machine": machine,
            "state": "settled",
            "jurisdiction": place,
            "zone": zone,
            "currency": "USD",
            "address": ADDRESS,
            "language": "en",
            "made_at": notes[0][0],
            "moved_at": notes[-1][0],
            "quote_expires_at": notes[0][0],
            "notes": len(notes),
            "cash_minor": total,
            "worth_minor": total,
        }
        with self.store.transact() as tx:
            tx.execute(sa.insert(PURCHASES).values(**row))
            for seq, (at, minor) in enumerate(notes, 1):
                note = {"id": new_id(self.clock), "purchase": made, "machine": machine}
                state = {"state": "stacked", "answer": "{}", "box": "b", "quote": ""}
                times = {"seq": seq, "minor": minor, "currency": "USD", "asked_at": at}
                tx.execute(sa.insert(NOTES).values(**note, **state, **times, ended_at=at))
        return made

    def run(self, *words: str) -> Result:
        return CliRunner().invoke(main, ["report", *words, "--data", str(self.folder)])


@pytest.fixture
def books(tmp_path: Path, clock: SeededClock) -> Books:
    return Books(tmp_path, clock)


def at(zone: ZoneInfo, *parts: int) -> dt.datetime:
    return dt.datetime(*parts, tzinfo=zone).astimezone(dt.UTC)  # type: ignore[arg-type,misc]


def day(minor: int, out: int = 0, code: str = "US-CA", on: dt.date = ON) -> PersonDay:
    return PersonDay("p", on, code, "USD", minor, out, ("a",), ("K1",))


@pytest.mark.parametrize(
    ("minor", "reached"), [(CTR.minor - 1, False), (CTR.minor, False), (CTR.minor + 1, True)]
)
def test_a_cent_at_the_threshold_of_large_cash(minor: int, reached: bool) -> None:
    assert bool(drafts.ctr([day(minor)], ON)) is reached
    assert bool(drafts.ctr([day(0, minor)], ON)) is reached
    assert CTR.minor == rulebook.load("US").provisions[3].figures["minor"] == 1_000_000


@pytest.mark.parametrize(("minor", "enough"), [(SAR.minor - 1, False), (SAR.minor, True)])
def test_a_cent_at_the_threshold_of_suspicion(minor: int, enough: bool) -> None:
    if enough:
        draft = drafts.sar([day(minor)], "p", ["structuring"], ON)
        assert draft.due == ON + dt.timedelta(days=30)
        assert draft.note_to_fincen == "FIN-2025-CVCKIOSK"
        return
    with pytest.raises(ReportIncomplete, match="may be filed voluntarily"):
        drafts.sar([day(minor)], "p", ["structuring"], ON)
    chosen = drafts.sar([day(minor)], "p", ["structuring"], ON, voluntary=True)
    assert chosen.voluntary == "31 CFR 1022.320(a)(1)" and chosen.note_to_fincen
    required = drafts.sar([day(minor + 1)], "p", ["structuring"], ON, voluntary=True)
    assert required.voluntary == "", "what the law requires is no choice"


def test_a_place_whose_law_lets_none_be_filed_by_choice_has_none() -> None:
    here = rulebook.load("US-CA")
    silent = tuple(
        dataclasses.replace(p, terms={k: v for k, v in p.terms.items() if k != "voluntary"})
        for p in here.provisions
    )
    place = dataclasses.replace(here, provisions=silent)
    with pytest.raises(ReportIncomplete, match="This is less"):
        drafts.sar([day(100)], "p", ["other"], ON, lambda _: place, voluntary=True)


def test_a_voluntary_report_takes_the_same_four_eyes(books: Books) -> None:
    books.bought((at(LA, 2026, 11, 23, 12), SAR.minor - 1))
    days = ("--from", "2026-11-23", "--to", "2026-11-23", "--detected", "2026-11-24")
    asked = ("sar", *days, "--person", PERSON, "--activity", "structuring", "--json")
    assert "voluntarily" in books.run(*asked, "--by", "Ada Okafor").output
    hidden = books.run(*asked, "--voluntary", "--by", "Bob Example")
    assert hidden.exit_code == 1 and "no such report" in hidden.output
    (row,) = json.loads(books.run(*asked, "--voluntary", "--by", "Ada Okafor").output)
    assert row["Required"] == "No: filed voluntarily (31 CFR 1022.320(a)(1))"
    report, vault = row["Report"], Vault(books.folder / "vault", books.clock)
    assert books.run("propose", report, "--by", "Ada Okafor").exit_code == 1, "no narrative yet"
    with books.store.transact() as tx:
        filing.narrate(tx, books.clock, vault, report, "FIN-2025-CVCKIOSK: seen", books.ada)
    assert books.run("propose", report, "--by", "Ada Okafor").exit_code == 0
    assert books.run("filed", report, "--number", "B1", "--by", "Ada Okafor").exit_code == 1
    assert books.run("approve", report, "--by", "Ada Okafor").exit_code == 1
    assert books.run("approve", report, "--by", "Eve Example").exit_code == 0
    assert books.run("filed", report, "--number", "B1", "--by", "Ada Okafor").exit_code == 0


def test_a_draft_from_before_keeps_its_digest() -> None:
    draft = drafts.sar([day(SAR.minor)], "p", ["structuring"], ON)
    told = msgspec.to_builtins(draft)
    del told["voluntary"]
    assert draft.digest == journal.commit(b"", told)
    assert msgspec.structs.replace(draft, voluntary="a law").digest != draft.digest


def test_cash_in_and_out_are_not_set_off_nor_added() -> None:
    half = CTR.minor // 2 + 1
    assert drafts.ctr([day(half, half)], ON) == []


def test_the_federal_duty_sums_over_states() -> None:
    half = CTR.minor // 2 + 1
    (draft,) = drafts.ctr([day(half, code="US-CA"), day(half, code="US-AZ")], ON)
    assert (draft.jurisdiction, draft.cash_in_minor) == ("US", 2 * half)
    assert draft.cash_in_whole == whole(2 * half, 100) == 10_001
    assert draft.due == ON + dt.timedelta(days=15)


def test_where_the_law_has_no_duty_nothing_is_drafted_and_it_says_so() -> None:
    assert drafts.ctr([day(10**9, code="DEMO")], ON) == []
    with pytest.raises(NoSuchDuty):
        duty_of(rulebook.load("DEMO"), "ctr", ON)
    assert key_term(rulebook.load("US-CA"), dt.date(2025, 8, 3)) == ""


BEGIN = dt.datetime(2026, 10, 30, tzinfo=dt.UTC)
MOVES = st.lists(
    st.builds(
        Moved,
        purchase=st.sampled_from("abc"),
        machine=st.sampled_from(("K1", "K2")),
        person=st.sampled_from(("p", "q")),
        jurisdiction=st.sampled_from(("US-CA", "US-AZ")),
        currency=st.just("USD"),
        at=st.integers(0, 4 * 86_400_000).map(lambda ms: BEGIN + dt.timedelta(milliseconds=ms)),
        in_minor=st.integers(0, 900_000),
        out_minor=st.integers(0, 900_000),
    ),
    max_size=30,
)


@settings(max_examples=120, deadline=None)
@given(MOVES, st.randoms(use_true_random=False))
def test_sums_are_exact_under_any_interleaving_across_midnight_and_summer_time(
    moves: list[Moved], chance: object
) -> None:
    first, last = dt.date(2026, 10, 30), dt.date(2026, 11, 3)
    found = cash.days(moves, first, last)
    shuffled = list(moves)
    chance.shuffle(shuffled)  # type: ignore[attr-defined]
    assert cash.days(shuffled, first, last) == found
    for one in found:
        zone = cash.zone_of(one.jurisdiction)
        begin = dt.datetime.combine(one.day, dt.time(), zone)
        end = dt.datetime.combine(one.day + dt.timedelta(days=1), dt.time(), zone)
        mine = [
            m
            for m in moves
            if (m.person, m.jurisdiction) == (one.person, one.jurisdiction)
            if begin.astimezone(dt.UTC) <= m.at < end.astimezone(dt.UTC)
        ]
        assert one.in_minor == sum(m.in_minor for m in mine)
        assert one.out_minor == sum(m.out_minor for m in mine)
    inside = [m for m in moves if first <= m.at.astimezone(cash.zone_of(m.jurisdiction)).date()]
    inside = [m for m in inside if m.at.astimezone(cash.zone_of(m.jurisdiction)).date() <= last]
    assert sum(d.in_minor for d in found) == sum(m.in_minor for m in inside)


def test_a_purchase_across_midnight_is_two_days_cash(books: Books) -> None:
    before, after = at(LA, 2026, 11, 22, 23, 59, 59), at(LA, 2026, 11, 23, 0, 0, 0)
    books.bought((before, 600_000), (after, 600_000))
    books.bought((after, 400_001), machine="K2")
    with books.store.read() as tx:
        found = cash.days(cash.moved(tx, ON, ON), ON, ON)
    (one,) = found
    assert (one.person, one.in_minor, one.machines) == (PERSON, 1_000_001, ("K1", "K2"))
    (draft,) = drafts.ctr(found, ON)
    assert draft.aggregated and draft.cash_in_whole == 10_001


def test_summer_time_ends_and_the_day_has_twenty_five_hours(books: Books) -> None:
    long = dt.date(2026, 11, 1)
    books.bought((at(LA, 2026, 11, 1, 0, 0), 500_000), (at(LA, 2026, 11, 1, 23, 59), 500_001))
    books.bought((at(LA, 2026, 11, 2, 0, 0), 500_000))
    with books.store.read() as tx:
        (one,) = cash.days(cash.moved(tx, long, long), long, long)
    assert one.in_minor == 1_000_001


def test_each_machine_goes_by_its_own_zone(books: Books) -> None:
    """Two machines of one state at one moment: in the east the day has ended, in the west not."""
    moment, sums = at(ZoneInfo("UTC"), 2026, 11, 24, 6, 30), {}
    for zone in ("America/Denver", ""):
        books.bought((moment, 600_000), (moment, 500_000), place="US-TX", zone=zone)
    with books.store.read() as tx:
        for day_ in (ON, ON + dt.timedelta(1)):
            (one,) = cash.days(cash.moved(tx, day_, day_), day_, day_)
            (draft,) = drafts.ctr([one], day_)
            sums[day_] = (draft.zone, draft.due)
            assert [r["day"] for r in records.transfers(tx, day_, day_)] == [day_.isoformat()]
    east = ON + dt.timedelta(1)
    assert sums[ON] == ("America/Denver", ON + dt.timedelta(15))
    assert sums[east] == ("America/Chicago", east + dt.timedelta(15))


def test_a_deadline_ends_with_the_day_where_the_machine_stands(books: Books) -> None:
    report = drafted(books)
    with books.store.read() as tx:
        row = filing.find(tx, report, books.ada)
    assert row["due"] == "2026-12-08"
    assert filing.left(row, at(LA, 2026, 12, 8, 23, 59)) == 0
    assert filing.left(row, at(LA, 2026, 12, 9, 0, 0)) == -1


def drafted(books: Books, kind: str = "ctr") -> str:
    books.bought((at(LA, 2026, 11, 23, 12), 1_200_000))
    with books.store.transact() as tx:
        found = cash.days(cash.moved(tx, ON, ON), ON, ON)
        made = drafts.ctr(found, ON)[0]
        if kind == "sar":
            made = drafts.sar(found, PERSON, ["structuring"], ON)
        return filing.write(tx, books.clock, made, books.ada)


def test_two_officers_file_and_none_alone(books: Books) -> None:
    report = drafted(books)
    with books.store.transact() as tx:
        filing.propose(tx, books.clock, report, books.ada)
    with books.store.transact() as tx, pytest.raises(ApprovalError):
        filing.file(tx, books.clock, report, "BSA 1", books.ada)
    with books.store.transact() as tx, pytest.raises(MakerIsChecker):
        filing.approve(tx, books.clock, report, books.ada)
    with books.store.transact() as tx:
        filing.approve(tx, books.clock, report, books.eve)
        filing.file(tx, books.clock, report, "BSA 1", books.ada)
        row = filing.find(tx, report, books.ada)
        assert (row["state"], row["number"]) == ("filed", "BSA 1")
        journal.verify(tx)


def test_a_filed_report_does_not_change_and_is_corrected_by_another(books: Books) -> None:
    report = drafted(books)
    with books.store.transact() as tx:
        filing.propose(tx, books.clock, report, books.ada)
        filing.approve(tx, books.clock, report, books.eve)
        filing.file(tx, books.clock, report, "BSA 1", books.eve)
        before = dict(tx.execute(sa.select(REPORTS)).mappings().one())
    draft = before["body"]
    vault = Vault(books.folder / "vault", books.clock)
    for change in (
        lambda tx: filing.narrate(tx, books.clock, vault, report, "more", books.ada),
        lambda tx: filing.propose(tx, books.clock, report, books.ada),
        lambda tx: filing.file(tx, books.clock, report, "BSA 2", books.ada),
        lambda tx: filing.drop(tx, books.clock, report, books.ada, "a mistake"),
        lambda tx: filing.take_back(tx, books.clock, report, books.ada, "a mistake"),
    ):
        with books.store.transact() as tx, pytest.raises(ReportFiled):
            change(tx)
    books.bought((at(LA, 2026, 11, 23, 13), 100))
    with books.store.transact() as tx:
        again = drafts.ctr(cash.days(cash.moved(tx, ON, ON), ON, ON), ON)[0]
        assert filing.write(tx, books.clock, again, books.ada) == report
        assert dict(tx.execute(sa.select(REPORTS)).mappings().one())["body"] == draft
        corrected = filing.write(tx, books.clock, again, books.ada, corrects=report)
        assert corrected != report


def test_a_draft_follows_the_books_until_it_is_proposed(books: Books) -> None:
    report = drafted(books)
    books.bought((at(LA, 2026, 11, 23, 13), 300_000), machine="K2")
    with books.store.transact() as tx:
        again = drafts.ctr(cash.days(cash.moved(tx, ON, ON), ON, ON), ON)[0]
        assert filing.write(tx, books.clock, again, books.ada) == report
        assert filing.find(tx, report, books.ada)["draft"].cash_in_minor == 1_500_000
        filing.propose(tx, books.clock, report, books.ada)
        tx.execute(sa.update(REPORTS).values(body=REPORTS.c.body + " "))
    with books.store.transact() as tx, pytest.raises(ApprovalError):
        tampered = filing.find(tx, report, books.ada)["body"].replace("1500000", "1500001")
        tx.execute(sa.update(REPORTS).values(body=tampered))
        filing.approve(tx, books.clock, report, books.eve)


def test_that_there_is_a_report_of_suspicion_is_known_to_compliance_alone(books: Books) -> None:
    report = drafted(books, "sar")
    missing = ""
    with books.store.transact() as tx:
        try:
            filing.find(tx, "01ARZ3NDEKTSV4RRFFQ69G5FAV", books.bob)
        except ReportUnknown as unknown:
            missing = str(unknown)
    for secret in (
        lambda tx: filing.find(tx, report, books.bob),
        lambda tx: filing.propose(tx, books.clock, report, books.bob),
        lambda tx: filing.approve(tx, books.clock, report, books.bob),
        lambda tx: filing.drop(tx, books.clock, report, books.bob, "x"),
    ):
        with books.store.transact() as tx, pytest.raises(ReportUnknown) as refused:
            secret(tx)
        assert str(refused.value) == missing, "as for a report that is not there"
    with books.store.read() as tx:
        assert filing.listed(tx, books.bob) == filing.listed(tx, "") == []
        assert [row["id"] for row in filing.listed(tx, books.eve)] == [report]
        assert "sar" not in json.dumps(records.history(tx, PERSON), default=str)
        entries = tx.execute(sa.select(journal.ENTRIES.c.kind)).scalars().all()
    assert not any("sar" in kind or "report" in kind for kind in entries)
    assert json.loads(books.run("due", "--json").output) == []


def test_a_narrative_has_the_key_term_and_is_in_the_vault_alone(books: Books) -> None:
    report, vault = drafted(books, "sar"), Vault(books.folder / "vault", books.clock)
    with books.store.transact() as tx, pytest.raises(ReportIncomplete, match="narrative"):
        filing.propose(tx, books.clock, report, books.ada)
    with books.store.transact() as tx, pytest.raises(ReportIncomplete, match="CVCKIOSK"):
        filing.narrate(tx, books.clock, vault, report, "He was told to hurry.", books.ada)
    told = "FIN-2025-CVCKIOSK. He was told to hurry by Mallory Quux."
    with books.store.transact() as tx:
        filing.narrate(tx, books.clock, vault, report, told, books.ada)
        filing.propose(tx, books.clock, report, books.ada)
        record = filing.find(tx, report, books.ada)["narrative"]
    assert vault.read(books.store, record, books.ada, "to file").content.decode() == told
    assert b"Mallory" not in (books.folder / "tallystick.sqlite").read_bytes()


def test_transfers_are_kept_as_long_as_the_law_says(books: Books) -> None:
    books.bought((at(LA, 2026, 11, 23, 12), 299_999))
    books.bought((at(LA, 2026, 11, 23, 12), 300_000))
    with books.store.read() as tx:
        (row,) = records.transfers(tx, ON, ON)
        assert (row["cash_minor"], row["keep_until"]) == (300_000, "2031-11-23")
        (year,) = records.retention(tx, ON)
    assert (year["year"], year["purchases"], year["may_go"]) == (2026, 2, False)
    assert keep_until(rulebook.load("US-CA"), dt.date(2024, 2, 29))[0] == dt.date(2029, 2, 28)


def test_places_are_told_by_quarter_where_the_law_wants_it(books: Books) -> None:
    with books.store.read() as tx:
        with pytest.raises(NoSuchDuty):
            records.locations(tx, "US-CA", 2026, 4)
        with pytest.raises(ReportIncomplete):
            records.locations(tx, "US-OK", 2026, 5)
        _, cited = records.locations(tx, "US-OK", 2026, 4)
    assert "US-OK/reports" in cited
    with books.store.transact() as tx:
        for label in ("Kiosk 0142", "Kiosk 9"):
            token = machines.invite_machine(tx, label, books.clock.now(), books.clock)
            key = b64url(Ed25519PrivateKey.generate().public_key().public_bytes_raw())
            machines.pair(tx, token, key, books.clock.now(), books.clock)
    who = msgspec.structs.replace(particulars.sample(), machine_address="")
    with books.store.read() as tx:
        rows, _ = records.locations(tx, "US-OK", 2026, 4, who=who)
        places = list(records.stands(tx, who).values())
        assert records.locations(tx, "US-OK", 2026, 3, who=who)[0] == [], "none stood there yet"
    assert [row["address"] for row in rows] == ["1 Example Street", "address not stated"]
    with books.store.transact() as tx:
        machines.revoke(tx, rows[0]["machine"], books.clock.now(), "moved")
    with books.store.read() as tx:
        assert len(records.locations(tx, "US-OK", 2026, 4)[0]) == 2, "it stood there for a while"
        assert len(records.locations(tx, "US-OK", 2027, 1)[0]) == 1
    assert places[0].startswith("Kiosk 0142, 1 Example Street (")


def test_files_are_plain_and_no_cell_is_a_formula(books: Books, tmp_path: Path) -> None:
    books.bought((at(LA, 2026, 11, 23, 12), 1_200_000))
    period = ("--from", "2026-11-23", "--to", "2026-11-23")
    told = books.run("ctr", *period, "--csv")
    (row,) = csv.DictReader(io.StringIO(told.output))
    assert (row["Total cash in, whole units"], row["File by"]) == ("12,000", "2026-12-08")
    assert row["Filing institution"] == paper.NOT_STATED, "nobody is made up"
    mine = (particulars.SAMPLE.read_text()).replace("sample = true", "").replace('"*"', "US-CA")
    (books.folder / particulars.FILE).write_text(mine)
    (row,) = csv.DictReader(io.StringIO(books.run("ctr", *period, "--csv").output))
    filed = ("Sample Operator Inc", "00-0000000", "2 Sample Avenue, Anytown, CT 06103")
    assert (row["Filing institution"], row["EIN"], row["Address"]) == filed
    assert row["Contact telephone"] == "1-800-555-0142"
    pdf = tmp_path / "ctr.pdf"
    assert books.run("ctr", *period, "--pdf", str(pdf)).exit_code == 0
    assert pdf.read_bytes().startswith(b"%PDF-")
    assert "'=1+1" in paper.as_csv([{"a": "=1+1", "b": -5}])
    assert "-5" in paper.as_csv([{"a": "=1+1", "b": -5}])


def test_by_command_a_report_is_drafted_proposed_approved_and_filed(books: Books) -> None:
    books.bought((at(LA, 2026, 11, 23, 12), 1_200_000))
    period = ("--from", "2026-11-23", "--to", "2026-11-23")
    assert books.run("ctr", *period, "--draft", "--by", "Ada Okafor").exit_code == 0
    (row,) = json.loads(books.run("due", "--json").output)
    assert (row["kind"], row["due"]) == ("ctr", "2026-12-08")
    report = row["report"]
    assert books.run("propose", report, "--by", "Ada Okafor").exit_code == 0
    assert books.run("approve", report, "--by", "Ada Okafor").exit_code == 1
    assert books.run("filed", report, "--number", "1", "--by", "Ada Okafor").exit_code == 1
    assert books.run("approve", report, "--by", "Eve Example").exit_code == 0
    assert books.run("filed", report, "--number", "BSA-1", "--by", "Eve Example").exit_code == 0
    assert json.loads(books.run("due", "--json").output) == []
    denied = books.run(
        "sar",
        *period,
        "--by",
        "Bob Example",
        "--person",
        PERSON,
        "--activity",
        "structuring",
        "--detected",
        "2026-11-23",
    )
    assert denied.exit_code == 1 and "no such report" in denied.output
    assert "1,200" not in books.run("history", "nobody", "--json").output
    assert ADDRESS in books.run("history", PERSON, "--csv").output


def test_every_state_leads_somewhere_or_is_an_end() -> None:
    assert NEXT[State.FILED] == NEXT[State.DROPPED] == frozenset()
    assert {to for following in NEXT.values() for to in following} | {State.DRAFT} == set(State)


def test_a_step_out_of_turn_is_refused(books: Books) -> None:
    report = drafted(books)
    with books.store.transact() as tx:
        filing.propose(tx, books.clock, report, books.ada)
        with pytest.raises(ReportStep):
            filing.drop(tx, books.clock, report, books.ada, "no")
        filing.take_back(tx, books.clock, report, books.ada, "a mistake")
        filing.drop(tx, books.clock, report, books.ada, "no cash after all")
        row = filing.find(tx, report, books.ada)
    assert [event["kind"] for event in row["events"]] == [
        "drafted",
        "proposed",
        "taken_back",
        "dropped",
    ]
    assert isinstance(row["draft"], Draft)
