"""Reports in the console: due by the law's days, filed by two, secret where need be, on record."""

from __future__ import annotations

import csv
import html
import io
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
import sqlalchemy as sa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from playwright.sync_api import Browser

from accessibility import violations
from reports.test_cash_reports import ADDRESS, LA, PERSON, Books, at
from serving import serve, stop_all
from tallystick.core import journal, rulebook
from tallystick.core.clock import SeededClock
from tallystick.core.identity import grants, people, sessions
from tallystick.core.identity.passkeys import Party
from tallystick.core.identity.people import Role
from tallystick.core.identity.tables import PASSKEYS, PEOPLE
from tallystick.core.money import USD
from tallystick.core.vault import Vault
from tallystick.kiosk import particulars
from tallystick.kiosk.customers.desk import CustomerDesk
from tallystick.kiosk.customers.policy import Policy as Asking
from tallystick.kiosk.quote import Desk, Policy
from tallystick.kiosk.rates import OfflineSource, Rates
from tallystick.kiosk.reports import reads
from tallystick.kiosk.reports.model import ROLE
from tallystick.kiosk.reports.tables import REPORT_READS
from tallystick.kiosk.tables import PURCHASES
from tallystick.web.console.app import create_app
from tallystick.web.console.pages import Offices
from tallystick.web.door import FORM_HEADER, Door

ORIGIN = "http://localhost"
NOTHING = "no such"
LISTS = ("cash", "transfers", "places", "retention", "history", "interventions")
PERIOD = {"first": "2026-11-20", "last": "2026-11-24"}


class Scene:
    """The books of an operator in Oklahoma with large cash, and the console over them."""

    def __init__(self, folder: Path) -> None:
        self.books = Books(folder, SeededClock(9))
        shutil.copy(particulars.SAMPLE, folder / particulars.FILE)
        self.store, self.clock = self.books.store, self.books.clock
        for _ in range(2):
            self.books.bought((at(LA, 2026, 11, 23, 12), 700_000), place="US-OK")
        key = Ed25519PrivateKey.from_private_bytes(bytes(32))
        rates, place = Rates(OfflineSource(), USD, self.clock), rulebook.load("US-OK")
        desk = Desk(self.clock, place, Policy(), rates, key, "regtest")
        desk.customers = CustomerDesk(Vault(folder / "vault", self.clock), None, Asking())
        self.door = Door(self.store, self.clock, Party("localhost", "Tallystick", (ORIGIN,)))
        self.http = serve(create_app(self.store, desk, self.door, Offices(str, list, dict)))

    def token(self, name: str, role: Role = Role.AUDITOR, *roles: str) -> str:
        now = self.clock.now()
        with self.store.transact() as tx:
            link = people.invite(tx, name, role, now, self.clock)
            person = people.spend_invite(tx, link, now).id
            key = {"id": person, "person": person, "public_key": "", "sign_count": 0, "label": ""}
            tx.execute(PASSKEYS.insert().values(made_at=now, **key))
            for one in roles:
                grants.grant(tx, self.clock, person, one)
            return sessions.start(tx, person, person, now, self.clock)

    def client(self, name: str, role: Role = Role.AUDITOR, *roles: str) -> httpx.Client:
        token = self.token(name, role, *roles)
        headers = {"Origin": ORIGIN, FORM_HEADER: sessions.csrf_of(token)}
        headers["Cookie"] = f"{self.door.cookie('session')}={token}"
        return httpx.Client(base_url=self.http.base_url, headers=headers, timeout=20)

    def reads(self) -> list[tuple[str, str, str]]:
        r, p = REPORT_READS.c, PEOPLE.c
        query = sa.select(p.name, r.what, r.how).join(PEOPLE, p.id == r.by).order_by(r.entry)
        with self.store.read() as tx:
            assert journal.verify(tx)
            return [tuple(row) for row in tx.execute(query)]


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    made = Scene(tmp_path_factory.mktemp("reports"))
    yield made
    stop_all()
    made.store.close()


def words(page: str) -> str:
    return re.sub(r"\s+", " ", html.unescape(re.sub(r"<[^>]+>", " ", page)))


def drafted(ada: httpx.Client) -> str:
    """Keep the drafts of large cash; return the address of the one about the 23rd."""
    assert ada.post("/reports/cash", data=PERIOD).status_code == 303
    page = ada.get("/reports?every=yes").text
    found = re.search(r'href="(/reports/\w{26})">Large cash', page)
    assert found
    return found[1]


def suspected(ada: httpx.Client) -> str:
    said = {**PERIOD, "who": PERSON, "detected": "2026-11-24", "activity": "structuring"}
    done = ada.post("/reports/suspicion", data=said)
    assert done.status_code == 303, words(done.text)
    return str(done.headers["location"])


def stands(scene: Scene, report: str) -> dict[str, str]:
    with scene.store.read() as tx:
        return _row(tx, report.rpartition("/")[2])


def test_of_large_cash_too_nobody_else_takes_a_step_or_reads_the_narrative(scene: Scene) -> None:
    with (
        scene.client("Gil Cash", Role.AUDITOR, ROLE) as gil,
        scene.client("Hal Cash", Role.ADMIN) as hal,
    ):
        report = drafted(gil)
        told = {"text": "Mallory Quux paid in twice on one day."}
        assert gil.post(f"{report}/narrative", data=told).status_code == 303
        assert hal.get(report).status_code == 200, "that there is one is no secret"
        before = stands(scene, report)
        form = {"why": "curious", "text": "Nothing happened.", "number": "1"}
        for act in ("narrative", "propose", "approve", "filed", "take-back", "drop", "open"):
            answer = hal.post(f"{report}/{act}", data=form)
            assert answer.status_code == 404 and "Mallory" not in answer.text, act
        assert stands(scene, report) == before


def test_two_officers_file_what_the_books_say(scene: Scene) -> None:
    ada, ben = (scene.client(n, Role.OPERATOR, ROLE) for n in ("Ada Two", "Ben Two"))
    with ada, ben:
        page = words(ada.get("/reports/cash", params=PERIOD).text)
        assert "$14,000.00" in page and "2026-12-08" in page and PERSON in page
        report = drafted(ada)
        assert ada.post(f"{report}/propose").status_code == 303
        assert "another officer approves it" in words(ada.get(report).text)
        refused = ada.post(f"{report}/approve")
        assert refused.status_code == 409 and "You proposed" not in words(refused.text)
        assert ada.post(f"{report}/filed", data={"number": "BSA 1"}).status_code in (403, 409)
        assert ben.post(f"{report}/approve").status_code == 303
        assert ada.post(f"{report}/filed", data={"number": "BSA 1"}).status_code == 303
        told = words(ben.get(report).text)
        assert "BSA 1" in told and "Proposed to be filed" in told
        assert ada.post(f"{report}/drop", data={"why": "a mistake"}).status_code == 409
        assert "BSA 1" in words(ada.get("/reports?every=yes").text)


def test_below_the_laws_sum_one_is_drafted_only_if_an_officer_asks_for_that(scene: Scene) -> None:
    bought = scene.books.bought((at(LA, 2026, 10, 21, 12), 10_000), place="US-OK")
    with scene.store.transact() as tx:
        tx.execute(PURCHASES.update().where(PURCHASES.c.id == bought).values(address="another"))
    asked = {"first": "2026-10-21", "last": "2026-10-21", "who": "address:another"}
    asked |= {"activity": "other", "detected": "2026-10-22"}
    with scene.client("Ann Voluntary", Role.OPERATOR, ROLE) as ann:
        refused = ann.post("/reports/suspicion", data=asked)
        assert refused.status_code == 422 and "may be filed voluntarily" in words(refused.text)
        made = ann.post("/reports/suspicion", data=asked | {"voluntary": "yes"})
        assert made.status_code == 303
        told = words(ann.get(made.headers["location"]).text)
        assert "filed voluntarily (31 CFR 1022.320(a)(1))" in told


def test_what_is_due_stands_first_and_is_counted_in_the_menu(scene: Scene) -> None:
    with scene.client("Cleo Due", Role.AUDITOR, ROLE) as cleo:
        late = {**PERIOD, "who": PERSON, "activity": "other"}
        for detected in ("2026-11-20", "2026-10-01"):
            done = cleo.post("/reports/suspicion", data=late | {"detected": detected})
            assert done.status_code == 303
        page = cleo.get("/reports").text
        assert "overdue by" in words(page) and "to look at" in words(page)
        rows = re.findall(r"/reports/(\w{26})", page)
        with scene.store.read() as tx:
            dues = [r["due"] for r in (_row(tx, i) for i in dict.fromkeys(rows))]
        assert dues == sorted(dues)


def _row(tx: object, report: str) -> dict[str, str]:
    from tallystick.kiosk.reports.tables import REPORTS

    query = sa.select(REPORTS).where(REPORTS.c.id == report)
    return dict(tx.execute(query).mappings().one())  # type: ignore[attr-defined]


def test_to_anybody_else_no_suspicion_exists(scene: Scene) -> None:
    with (
        scene.client("Dora Secret", Role.AUDITOR, ROLE) as dora,
        scene.client("Bob Secret", Role.ADMIN) as bob,
    ):
        report = suspected(dora)
        assert "Confidential" in words(dora.get(report).text)
        nothing = bob.get("/reports/01ARZ3NDEKTSV4RRFFQ69G5FAV")
        refused = bob.get(report)
        assert (refused.status_code, words(refused.text)) == (404, words(nothing.text))
        for form in ("csv", "pdf"):
            assert bob.get(f"{report}?as={form}").status_code == 404
        why = {"why": "curious", "text": "x", "number": "1"}
        for act in ("narrative", "propose", "approve", "filed", "take-back", "drop", "open"):
            assert bob.post(f"{report}/{act}", data=why).status_code == 404
        assert bob.get("/reports/suspicion").status_code == 404
        asked = {**PERIOD, "who": PERSON, "detected": "2026-11-24", "activity": "structuring"}
        assert bob.post("/reports/suspicion", data=asked).status_code == 404
        assert bob.post("/reports/cash", data=PERIOD).status_code == 404
        for path in ("/reports", "/reports?every=yes", "/reports?as=csv", "/"):
            told = words(bob.get(path).text)
            assert report.rpartition("/")[2] not in told and "Suspicion" not in told
        with scene.store.read() as tx:
            assert all(r["by"] != "" for r in reads.of(tx, report.rpartition("/")[2]))
        assert not [r for r in scene.reads() if r[0] == "Bob Secret" and r[1] in report]


def test_a_narrative_is_sealed_and_opened_on_record(scene: Scene) -> None:
    with (
        scene.client("Eva Words", Role.AUDITOR, ROLE) as eva,
        scene.client("Finn Words", Role.AUDITOR, ROLE) as finn,
    ):
        report = suspected(eva)
        short = eva.post(f"{report}/narrative", data={"text": "He was told to hurry."})
        assert short.status_code == 422 and "FIN-2025-CVCKIOSK" in words(short.text)
        told = "FIN-2025-CVCKIOSK. Told to hurry by Mallory Quux."
        assert eva.post(f"{report}/narrative", data={"text": told}).status_code == 303
        assert "Mallory" not in eva.get(report).text
        opened = finn.post(f"{report}/open", data={"why": "to approve it"})
        assert "Mallory Quux" in opened.text and opened.headers["cache-control"] == "no-store"
        number = report.rpartition("/")[2]
        assert ("Finn Words", number, "narrative") in scene.reads()
        for act in ("propose",):
            assert eva.post(f"{report}/{act}").status_code == 303
        assert finn.post(f"{report}/take-back", data={"why": "not mine"}).status_code >= 400
        assert eva.post(f"{report}/take-back", data={"why": "a word"}).status_code == 303
        assert eva.post(f"{report}/drop", data={"why": "made for a test"}).status_code == 303


def test_each_look_is_written_down_once_for_a_while(scene: Scene) -> None:
    with scene.client("Gus Looks") as gus:
        for name in LISTS:
            for form in ("", "csv", "pdf"):
                found = gus.get(f"/reports/{name}", params={"as": form})
                assert found.status_code == 200, (name, form, words(found.text))
                assert found.headers["cache-control"] == "no-store"
        mine = [row[1:] for row in scene.reads() if row[0] == "Gus Looks"]
        assert mine == [(name, how) for name in LISTS for how in ("page", "csv", "pdf")]
        gus.get("/reports/cash")
        assert len([r for r in scene.reads() if r[0] == "Gus Looks"]) == len(mine)
        scene.clock.advance(reads.AGAIN_S + 1)
        assert "Gus Looks" in words(gus.get("/reports/cash").text)
        assert len([r for r in scene.reads() if r[0] == "Gus Looks"]) == len(mine) + 1


def test_a_page_and_its_file_and_the_command_say_the_same(scene: Scene) -> None:
    with scene.client("Hana Files") as hana:
        said = hana.get("/reports/cash", params=PERIOD | {"as": "csv"}).text
        (row,) = csv.DictReader(io.StringIO(said))
        assert (row["Person"], row["Total cash in, whole units"]) == (PERSON, "14,000")
        days = ("--from", PERIOD["first"], "--to", PERIOD["last"])
        assert scene.books.run("ctr", *days, "--csv").output.split() == said.split()
        pdf = hana.get("/reports/cash", params=PERIOD | {"as": "pdf"})
        assert pdf.content.startswith(b"%PDF-") and "attachment" in str(pdf.headers)
        quarter = {"law": "US-OK", "year": 2026, "quarter": 4}
        assert "US-OK/reports" in words(hana.get("/reports/places", params=quarter).text)
        assert "quarter 3 of 2026" in words(hana.get("/reports/places").text), "the last whole one"
        none = words(hana.get("/reports/places", params=quarter | {"law": "US-CA"}).text)
        assert "wants no quarterly report" in none
        own = hana.get("/reports/history", params={"who": PERSON, "as": "csv"}).text
        assert own.count(ADDRESS) == 2 and "sar" not in own and "BSA" not in own
        keep = hana.get("/reports/transfers", params=PERIOD | {"as": "csv"}).text
        assert keep.count("2031-11-23") == 2


def test_what_makes_no_sense_is_refused_and_says_why(scene: Scene) -> None:
    with scene.client("Ida Wrong", Role.AUDITOR, ROLE) as ida:
        back = {"first": "2026-11-24", "last": "2026-11-20"}
        assert ida.get("/reports/cash", params=back).status_code == 422
        long = {"first": "2024-01-01", "last": "2026-11-20"}
        assert "401 days" in words(ida.get("/reports/transfers", params=long).text)
        assert ida.get("/reports/places", params={"law": "US-XX"}).status_code >= 400
        nobody = {**PERIOD, "who": "nobody", "detected": "2026-11-24", "activity": "structuring"}
        assert ida.post("/reports/suspicion", data=nobody).status_code == 422
        assert ida.get("/reports/places", params={"quarter": 5}).status_code == 422
        for year in ("0001", "1999", "2201", "9999"):
            day = f"{year}-01-01"
            far = {"first": day, "last": day}
            assert ida.get("/reports/cash", params=far).status_code == 422
            never = nobody | {"who": PERSON, "detected": day}
            assert ida.post("/reports/suspicion", data=never).status_code == 422


def test_axe_finds_nothing_and_nothing_sticks_out(scene: Scene, chromium: Browser) -> None:
    with scene.client("Jo Setup", Role.AUDITOR, ROLE) as jo:
        report = suspected(jo)
    token = scene.token("Kim Eyes", Role.AUDITOR, ROLE)
    url = str(scene.http.base_url)
    for theme, width in (("light", 1280), ("dark", 390)):
        context = chromium.new_context(viewport={"width": width, "height": 900})
        both = {"session": token, "theme": theme}
        context.add_cookies(
            [{"name": scene.door.cookie(k), "value": v, "url": url} for k, v in both.items()]
        )
        page = context.new_page()
        for path in ("", "/suspicion", *(f"/{name}" for name in LISTS), report[len("/reports") :]):
            query = "?first=2026-11-20&last=2026-11-24" if path in ("/cash", "/transfers") else ""
            page.goto(f"{url}/reports{path}{query}")
            assert violations(page) == [], path
            assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0, path
            assert page.locator("#nav-reports").get_attribute("aria-current") == "page"
        context.close()
