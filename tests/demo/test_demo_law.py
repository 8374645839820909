"""`tallystick demo --law`: limits, fees, warnings and receipts follow the place, in Chromium."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from test_demo_browser import Demo, no_violations

pytestmark = [pytest.mark.browser, pytest.mark.timeout(240)]
IRREVERSIBLE = "TRANSACTIONS IN VIRTUAL CURRENCY ARE IRREVERSIBLE"

OPEN = [
    # place, the fee in words, the day's most, what its law has the screen say
    ("US-CA", "12%", "$1,000", ""),
    ("US-ME", "3%", "$1,000", ""),
    ("US-AR", "12%", "$2,000", IRREVERSIBLE),
    ("US-RI", "12%", "$2,000", "CRIMINALS IMPERSONATING THE GOVERNMENT"),
    ("US-LA", "12%", "$3,000", ""),
]


@pytest.fixture
def page(chromium: Any) -> Any:
    made = chromium.new_page(viewport={"width": 1080, "height": 1920})
    yield made
    made.context.close()


@pytest.mark.parametrize(("code", "fee", "most", "words"), OPEN, ids=[one[0] for one in OPEN])
def test_the_screen_follows_the_law_of_the_place(
    tmp_path: Path, page: Any, code: str, fee: str, most: str, words: str
) -> None:
    demo = Demo(tmp_path / "data", "--law", code)
    try:
        page.goto(demo.screen)
        page.locator("#b-start").click()
        page.locator("#b-language-en").click()
        page.get_by_role("heading", name="What it costs").wait_for()
        main = page.locator("main").inner_text()
        assert f"Our fee is {fee} of the cash" in main
        assert f"$10 to {most}" in main
        no_violations(page)
        page.locator("#b-accept_cost").click()
        page.get_by_role("heading", name="Stop. This could be a scam.").wait_for()
        law = page.locator(".law")
        assert (law.count() == 1) is bool(words)
        assert words in (law.inner_text() if words else "")
        no_violations(page)
    finally:
        demo.stop()


def test_a_banned_place_is_closed_and_cites_the_ban(tmp_path: Path, page: Any) -> None:
    demo = Demo(tmp_path / "data", "--law", "US-MN")
    try:
        assert "Minnesota is closed" in demo.said and "53B.751" in demo.said
        page.goto(demo.screen)
        page.get_by_role("heading", name="This machine is closed for now").wait_for()
        assert "53B.751" in page.locator("#why").inner_text()
        assert page.locator("#b-start").count() == 0
        no_violations(page)
    finally:
        demo.stop()


def test_an_unsettled_place_says_why_and_opens_once_adopted(tmp_path: Path, page: Any) -> None:
    data = tmp_path / "data"
    demo = Demo(data, "--law", "US-IL")
    try:
        assert "--adopt-sample" in demo.said
        page.goto(demo.screen)
        why = page.locator("#why").inner_text()
        assert "Illinois is not settled" in why and "new customer" in why
        no_violations(page)
    finally:
        demo.stop()
    demo = Demo(data, "--law", "US-IL", "--adopt-sample")
    try:
        assert "Adopted as a sample, not law: US-IL hold" in demo.said
        page.goto(demo.screen)
        page.locator("#b-start").wait_for(timeout=20_000)
        assert "$2,500" in page.locator("main").inner_text()
    finally:
        demo.stop()


def once(*more: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "tallystick.cli", "demo", "--once", *more]
    return subprocess.run(command, capture_output=True, text=True, timeout=120)


def test_the_receipt_and_the_fee_follow_the_law() -> None:
    maine = once("--law", "US-ME", "--cash", "100,100")
    assert maine.returncode == 0, maine.stdout + maine.stderr
    assert re.search(r"fee\s+6\.00 USD", maine.stdout)
    assert "gets a refund: full, with charges" in re.sub(r"\s+", " ", maine.stdout)
    demo = once("--law", "DEMO", "--cash", "100,100")
    assert re.search(r"fee\s+24\.00 USD", demo.stdout) and "refund" not in demo.stdout


def test_maryland_sells_to_who_gives_all_that_its_law_asks() -> None:
    done = once("--law", "US-MD")
    assert done.returncode == 0, done.stdout + done.stderr
    assert re.search(r"arrived\s+True", done.stdout)


def test_a_closed_place_sells_nothing_and_says_so() -> None:
    done = once("--law", "US-TN")
    assert done.returncode == 2 and "Tennessee is closed" in done.stderr
    unknown = once("--law", "US-ZZ")
    assert unknown.returncode == 2 and "no law file for US-ZZ" in unknown.stderr
