"""Screening in the console: for compliance alone, decided by two, a name opened only on record."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
import sqlalchemy as sa
from playwright.sync_api import Browser
from scene import Scene

import databases
from accessibility import violations
from network import Network
from screening.list_files import OFAC_CLASSIC
from screening.queue_scene import Scene as Customers
from tallystick.core.clock import SeededClock
from tallystick.core.identity import grants, people, sessions
from tallystick.core.identity.tables import PEOPLE
from tallystick.core.store import Store
from tallystick.kiosk.screening.formats.read import published
from tallystick.kiosk.screening.model import ROLE
from tallystick.web.door import FORM_HEADER


class Desk:
    """A console with two officers of compliance, a list, and a customer who is a hit."""

    def __init__(self, store: Store, network: Network, folder: Path) -> None:
        clock = SeededClock(21)
        self.scene = Scene(store, clock, network)
        self.customers = Customers(store, clock, folder)
        (folder / "SDN.XML").write_bytes(OFAC_CLASSIC)
        self.customers.take_in(*published(folder / "SDN.XML").entries)
        self.customers.work()
        self.person = self.customers.customer("Kareem Sampli")
        self.hit = self.customers.hit_of(self.person)
        self.scene.serve(roll=self.customers.roll)

    def officer(self, name: str, *roles: str) -> tuple[httpx.Client, str]:
        token = self.scene.sign_in(people.Role.AUDITOR, name)
        with self.scene.store.transact() as tx:
            person = tx.execute(sa.select(PEOPLE.c.id).where(PEOPLE.c.name == name)).scalar_one()
            for role in roles:
                grants.grant(tx, self.scene.clock, person, role)
        headers = {"Origin": self.scene.url, FORM_HEADER: sessions.csrf_of(token)}
        headers["Cookie"] = f"{self.scene.door.cookie('session')}={token}"
        return httpx.Client(base_url=self.scene.url, headers=headers, timeout=20), token


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory, network: Network) -> Iterator[Desk]:
    folder = tmp_path_factory.mktemp("screening")
    store = databases.opened(f"sqlite:///{folder}/store.sqlite")
    made = Desk(store, network, folder)
    yield made
    made.scene.close()
    store.close()


def words(page: str) -> str:
    return re.sub(r"\s+", " ", html.unescape(re.sub(r"<[^>]+>", " ", page)))


def test_to_anybody_else_there_is_no_such_page(desk: Desk) -> None:
    bob, _ = desk.officer("Bob Example")
    with bob, desk.scene.client(people.Role.ADMIN) as admin:
        for client in (bob, admin):
            for path in ("/screening", f"/screening/{desk.hit}"):
                page = client.get(path)
                assert page.status_code == 404 and "sampli" not in page.text.lower()
            for act in ("propose", "approve", "take-back", "reopen", "explain"):
                said = {"ground": "another-document", "evidence": "vault 1", "why": "curious"}
                assert client.post(f"/screening/{desk.hit}/{act}", data=said).status_code == 404
            assert 'href="/screening"' not in client.get("/kiosks").text
    assert desk.customers.state(desk.hit).value == "hit"


def test_a_name_is_opened_with_a_reason_that_is_written_down(desk: Desk) -> None:
    cleo, _ = desk.officer("Cleo Sample", ROLE)
    with cleo:
        page = words(cleo.get(f"/screening/{desk.hit}").text)
        assert "Kareem" not in page.replace("Kareem SAMPLEE", "") and "10,000" in page
        told = words(cleo.post(f"/screening/{desk.hit}/explain", data={"why": "review"}).text)
        assert "The customer: Kareem Sampli" in told, told
        assert "the same day; this supports the match" in told
        assert cleo.post(f"/screening/{desk.hit}/explain", data={"why": ""}).status_code == 422
    with desk.scene.store.read() as tx:
        (read,) = desk.customers.vault.accesses(tx, desk.person)
    assert read.why == "review"


def test_the_pages_have_no_fault_that_axe_finds_and_fit_a_phone(
    desk: Desk, chromium: Browser
) -> None:
    _, token = desk.officer("Dora Sample", ROLE)
    for theme, width in (("light", 1280), ("dark", 390)):
        context = chromium.new_context(viewport={"width": width, "height": 900})
        cookie = desk.scene.door.cookie
        both = {"session": token, "theme": theme}
        context.add_cookies(
            [{"name": cookie(k), "value": v, "url": desk.scene.url} for k, v in both.items()]
        )
        page = context.new_page()
        for path in ("/screening", f"/screening/{desk.hit}"):
            page.goto(desk.scene.url + path)
            assert violations(page) == []
            assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0
            assert page.locator("#nav-screening").get_attribute("aria-current") == "page"
        context.close()


def test_one_proposes_and_another_approves(desk: Desk) -> None:
    (eva, _), (finn, _) = desk.officer("Eva Sample", ROLE), desk.officer("Finn Sample", ROLE)
    hit = f"/screening/{desk.hit}"
    with eva, finn:
        wrong = {"ground": "a-common-name", "evidence": "vault 7"}
        assert eva.post(f"{hit}/propose", data=wrong).status_code == 422
        said = {"ground": "another-document", "evidence": "vault 7"}
        assert eva.post(f"{hit}/propose", data=said).status_code == 303
        assert "You proposed this" in words(eva.get(hit).text)
        assert eva.post(f"{hit}/approve").status_code == 403
        assert not desk.customers.clear(desk.person)
        assert finn.post(f"{hit}/approve").status_code == 303
        assert desk.customers.clear(desk.person)
        assert "Cleared" in words(finn.get("/screening").text)
        assert finn.post(f"{hit}/reopen").status_code == 303
        assert not desk.customers.clear(desk.person)
