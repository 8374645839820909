"""Showing who one is, in Chromium, where the law asks for most: without a keyboard or a mouse."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from test_demo_browser import Demo, no_violations

from tallystick.edge.screen.who import CODES

WARNINGS_MAX = 8
pytestmark = [pytest.mark.browser, pytest.mark.timeout(240)]


@pytest.fixture
def page(chromium: Any) -> Any:
    context = chromium.new_context(viewport={"width": 1080, "height": 1920})
    yield context.new_page()
    context.close()


def to_scan(page: Any, demo: Demo) -> str:
    """Go to the page of the wallet's code; return a fresh address of the customer's."""
    drawer = page.context.new_page()
    drawer.goto(f"{demo.bench}/drawer")
    address = drawer.locator("#present").input_value()
    drawer.close()
    page.goto(demo.screen)
    page.locator("#b-start").click()
    page.locator("#b-language-en").click()
    page.locator("#b-accept_cost").click()
    for _ in range(WARNINGS_MAX):
        page.locator("#b-acknowledge, #address").first.wait_for()
        if page.locator("#address").count():
            break
        if page.locator("#b-ack").count():
            page.locator("#b-ack").check()
        page.locator("#b-acknowledge").click()
        page.wait_for_timeout(300)
    page.get_by_role("heading", name="Show us your wallet’s code").wait_for()
    return address


def drawer(page: Any, demo: Demo, act: str) -> str:
    """Do one act of the drawer's, if any is named; return what the telephone says."""
    beside = page.context.new_page()
    beside.goto(f"{demo.bench}/drawer")
    if act:
        with beside.expect_response(lambda reply: reply.request.method == "POST"):
            beside.locator(f"#h-{act}").click()
    found = beside.locator("#telephone")
    said = found.inner_text() if found.count() else ""
    beside.close()
    return str(said)


def keys(page: Any, text: str) -> None:
    for key in text:
        page.keyboard.press(key)
        page.wait_for_timeout(60)


def shows(page: Any, text: str | re.Pattern[str]) -> None:
    page.locator(".slot .figure").filter(has_text=text).wait_for()


MAIL = "pat@example.org"
LOADED = "wide => document.querySelector('img.pictured')?.naturalWidth === wide"


def test_maryland_asks_for_all_that_its_law_names_and_then_takes_cash(
    tmp_path: Path, page: Any
) -> None:
    """A number, its code and an address by twelve keys; a card over the glass and the camera."""
    demo = Demo(tmp_path / "data", "--law", "US-MD")
    try:
        address = to_scan(page, demo)
        page.locator("#address").fill(address)
        page.locator("#b-type_address").click()
        page.locator("#b-address_yes").click()
        page.get_by_role("heading", name="What is your phone number?").wait_for()
        assert "12-1204" in page.locator("main").inner_text()
        no_violations(page)
        drawer(page, demo, "plug_in")
        page.locator("html[data-listening]").wait_for()
        drawer(page, demo, "pull_out")
        page.locator("html:not([data-listening])").wait_for()
        keys(page, "2025550149")
        shows(page, "202 555 014 9")
        keys(page, "*")
        shows(page, re.compile(r"202 555 014$"))
        keys(page, "2")
        shows(page, "202 555 014 2")
        keys(page, "#")
        page.get_by_role("heading", name="Type the code we sent you").wait_for()
        assert "2025550142" not in page.content()
        no_violations(page)
        code = re.search(r"\d{6}", drawer(page, demo, ""))
        assert code
        keys(page, f"{code.group()}#")
        page.get_by_role("heading", name="Show your driver’s licence").wait_for()
        no_violations(page)
        drawer(page, demo, "show_licence")
        page.get_by_role("heading", name="A picture of your card").wait_for()
        assert "SAMPLE" not in page.content()
        drawer(page, demo, "cover_camera")
        page.locator("#b-take").click()
        page.locator("main").get_by_text("too dark to see anything").wait_for()
        drawer(page, demo, "lay_card")
        keys(page, "1")
        page.wait_for_function(LOADED, arg=1_280)
        no_violations(page)
        page.locator("#b-use").click()
        page.get_by_role("heading", name="What is your email address?").wait_for()
        assert page.request.get(f"{demo.screen.rstrip('/')}/picture.jpg").status == 204
        for place, letter in enumerate(MAIL, start=1):
            keys(page, CODES[letter])
            shows(page, MAIL[:place])
        keys(page, "22*")
        shows(page, re.compile(rf"{MAIL}$"))
        no_violations(page)
        keys(page, "#")
        page.locator("#b-proceed, #b-no_more").first.wait_for()
        assert MAIL not in page.content()
    finally:
        demo.stop()
