"""Showing who one is, in Chromium: by the law of a place, and by an operator's own rule."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from test_demo_browser import Demo, no_violations

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


def headphones(page: Any, demo: Demo, act: str) -> None:
    drawer = page.context.new_page()
    drawer.goto(f"{demo.bench}/drawer")
    drawer.locator(f"#h-{act}").click()
    drawer.close()


def test_where_the_law_asks_for_a_document(tmp_path: Path, page: Any) -> None:
    demo = Demo(tmp_path / "data", "--law", "US-CT", "--adopt-sample")
    try:
        address = to_scan(page, demo)
        page.locator("#address").fill(address)
        page.locator("#b-type_address").click()
        page.locator("#b-address_yes").click()
        page.get_by_role("heading", name="Show your driver’s licence").wait_for()
        assert "P.A. 24-146" in page.locator("main").inner_text()
        no_violations(page)
        drawer = page.context.new_page()
        drawer.goto(f"{demo.bench}/drawer")
        drawer.locator("#h-show_licence").click()
        drawer.close()
        page.locator("#b-proceed, #b-no_more").first.wait_for()
        assert "SAMPLE" not in page.content()
    finally:
        demo.stop()


def test_where_the_operator_asks_for_a_phone_by_twelve_keys(tmp_path: Path, page: Any) -> None:
    demo = Demo(tmp_path / "data", "--ask", "phone=0")
    try:
        address = to_scan(page, demo)
        page.locator("#address").fill(address)
        page.locator("#b-type_address").click()
        page.locator("#b-address_yes").click()
        page.get_by_role("heading", name="What is your phone number?").wait_for()
        no_violations(page)
        headphones(page, demo, "plug_in")
        page.locator("html[data-listening]").wait_for()
        headphones(page, demo, "pull_out")
        page.locator("html:not([data-listening])").wait_for()
        for key in "2025550149":
            page.keyboard.press(key)
            page.wait_for_timeout(60)
        page.locator(".slot .figure").filter(has_text="202 555 014 9").wait_for()
        page.keyboard.press("*")
        page.locator(".slot .figure").filter(has_text=re.compile(r"202 555 014$")).wait_for()
        page.keyboard.press("2")
        page.locator(".slot .figure").filter(has_text="202 555 014 2").wait_for()
        page.keyboard.press("#")
        page.get_by_role("heading", name="Type the code we sent you").wait_for()
        assert "2025550142" not in page.content()
        no_violations(page)
        drawer = page.context.new_page()
        drawer.goto(f"{demo.bench}/drawer")
        said = drawer.locator("#telephone").inner_text()
        drawer.close()
        code = re.search(r"\d{6}", said)
        assert code
        for key in code.group():
            page.keyboard.press(key)
            page.wait_for_timeout(60)
        page.keyboard.press("#")
        page.locator("#b-proceed, #b-no_more").first.wait_for()
    finally:
        demo.stop()
