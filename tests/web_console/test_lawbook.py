"""The law pages say what the rulebook says, and cite it."""

from __future__ import annotations

import datetime as dt
import html
import re

import httpx
import pytest
from scene import Scene

from tallystick.core import rulebook
from tallystick.core.identity.people import Role
from tallystick.core.rulebook.place import codes
from tallystick.kiosk.errors import LawRefuses
from tallystick.kiosk.quote import terms
from tallystick.web.console import lawbook

SHOWN = {"permit": ("Open", "Open with conditions"), "refuse": ("Banned",)}


def words(page: str) -> str:
    return re.sub(r"\s+", " ", html.unescape(re.sub(r"<[^>]+>", " ", page)))


def test_every_place_has_a_row_that_agrees_with_the_rulebook(ada: httpx.Client) -> None:
    page = ada.get("/law").text
    rows = re.findall(
        r'<a href="/law/([^"]+)">[^<]*</a>.*?<span class="pill pill--\w+">([^<]*)',
        page.partition('id="places"')[2].partition("</table>")[0],
        re.S,
    )
    told = re.search(r"Places, as of (\d+ \w+ \d+)", words(page))
    assert told
    on = dt.datetime.strptime(told[1] + " +0000", "%d %B %Y %z").date()
    assert [code for code, _ in rows] == codes()
    for code, shown in rows:
        said = rulebook.ask(rulebook.load(code), "kiosk.open", {}, on).answer.value
        assert shown in SHOWN.get(said, ("Not settled",)), code


def test_a_place_shows_each_provision_with_its_citation(ada: httpx.Client) -> None:
    for code in ("US-CA", "US-IL", "AU"):
        page = words(ada.get(f"/law/{code}").text)
        for item in rulebook.load(code).provisions:
            assert words(html.escape(item.say)).strip() in page, item.id
            assert words(html.escape(item.cite)).strip() in page, item.id


def test_a_place_that_nobody_knows_is_not_found(ada: httpx.Client) -> None:
    assert ada.get("/law/US-ZZ").status_code == 404
    assert ada.get("/law/..%2FUS").status_code == 404


def test_what_is_open_is_named_with_how_to_adopt_it(ada: httpx.Client) -> None:
    page = words(ada.get("/law/US-IL").text)
    assert "US-IL/new-customer" in page and "Adopt in my name" in page
    assert "Adopt in my name" not in words(ada.get("/law/US-CA").text)


def test_the_calendar_has_virginias_first_day() -> None:
    found = lawbook.changes(dt.date(2026, 11, 23))
    first = dt.date(2027, 7, 1)
    assert any(one.place == "US-VA" and one.on == first and one.begins for one in found)
    assert [one.on for one in found] == sorted(one.on for one in found)
    assert not any(one.on <= dt.date(2026, 11, 23) for one in found)


def test_every_state_is_on_the_map() -> None:
    drawn = {code for code, _ in lawbook.shapes("us")["shapes"]}
    known = {code for code in codes() if re.fullmatch(r"US-[A-Z]{2}", code)} - {"US-PR"}
    assert drawn == known
    assert all(outline.startswith("M") for _, outline in lawbook.shapes("us")["shapes"])


def test_an_officer_adopts_and_states_in_the_console_and_nobody_else(scene: Scene) -> None:
    adopt = {"subject": "hold", "hours": "0", "source": "Public Act 104-0428, section 10"}
    duty = {"duty": "US/aml-program", "evidence": "Program of 3 March", "until": "2027-06-30"}
    for role in (Role.OPERATOR, Role.AUDITOR):
        with scene.client(role) as other:
            assert other.post("/law/US-IL/adopt", data=adopt).status_code == 403
            assert other.post("/law/US-IL/state", data=duty).status_code == 403
    with scene.client() as officer:
        assert "Adopted by an officer" not in words(officer.get("/law/US-IL").text)
        assert officer.post("/law/US-IL/adopt", data=adopt).status_code == 303
        assert officer.post("/law/US-IL/state", data=duty).status_code == 303
        page = words(officer.get("/law/US-IL").text)
        assert "hold hours 0: Ada Okafor" in page and "Program of 3 March" in page
        assert officer.post("/law/US-IL/adopt", data=adopt).status_code == 409
        assert officer.post("/law/US-IL/state", data=duty | {"duty": "x"}).status_code == 409
        assert officer.post("/law/US-ZZ/adopt", data=adopt).status_code in (404, 409)


def test_what_is_adopted_in_the_console_holds_at_once(scene: Scene) -> None:
    scene.desk.place = rulebook.load("US-IL")
    scene.serve()
    desk = scene.console_desk
    with pytest.raises(LawRefuses):
        terms(desk)
    with scene.client() as officer:
        hold = {"subject": "hold", "hours": "0", "source": "Public Act 104-0428"}
        new = {"subject": "new-customer", "days": "7", "transactions": "3", "source": "the same"}
        for form in (hold, new):
            assert officer.post("/law/US-IL/adopt", data=form).status_code == 303
    assert terms(desk).fee_bp
