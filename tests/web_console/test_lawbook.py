"""The law pages say what the rulebook says, and cite it."""

from __future__ import annotations

import datetime as dt
import html
import re

import httpx

from tallystick.core import rulebook
from tallystick.core.rulebook.place import codes
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
    assert "US-IL/new-customer" in page and "tallystick law adopt US-IL" in page
    assert "tallystick law adopt" not in words(ada.get("/law/US-CA").text)


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
