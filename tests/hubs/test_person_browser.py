"""The pages outside in a real Chromium: read, complained and checked by keyboard alone."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect
from test_person_pages import Day

import serving
from accessibility import violations
from tallystick.hubs import findings, orders, record, statistics
from tallystick.hubs.model import Alarm

pytestmark = pytest.mark.browser
TARGET_PX_MIN = 48
TWICE = "document.documentElement.style.fontSize = '200%'"


@pytest.fixture(scope="module")
def day(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Day]:
    made = Day(tmp_path_factory.mktemp("outside-browser"))
    scene = made.scene
    for _ in range(7):
        scene.open()
    quarter = f"{scene.clock.now().year}-Q3"
    scene.step(lambda tx: statistics.publish(tx, scene.clock, quarter, "Statistician"))
    given = (made.case, "A minister", "Send them today.", scene.worker)
    scene.step(lambda tx: orders.order(tx, scene.desk, *given))
    yield made
    serving.stop_all()
    scene.store.close()


def faults(page: Page) -> list[str]:
    page.evaluate("document.querySelectorAll('details').forEach((one) => one.open = true)")
    return violations(page)


def stick_out(page: Page) -> int:
    return int(page.evaluate("document.documentElement.scrollWidth - innerWidth"))


def small_targets(page: Page) -> list[Any]:
    found: list[Any] = page.evaluate(
        """(least) => [...document.querySelectorAll("a, button, input, textarea, summary")]
        .filter((one) => one.checkVisibility() && one.type !== "hidden")
        .filter((one) => !one.classList.contains("skip"))
        .map((one) => [one.outerHTML.slice(0, 90), one.getBoundingClientRect()])
        .filter(([_, box]) => box.height < least || box.width < least)
        .map(([text, box]) => `${text} ${box.width}x${box.height}`)""",
        TARGET_PX_MIN,
    )
    return found


def tab_to(page: Page, selector: str) -> None:
    """Press Tab until something has the focus, as somebody without a mouse does."""
    for _ in range(80):
        page.keyboard.press("Tab")
        if page.evaluate("(one) => document.activeElement?.matches(one)", selector):
            return
    raise AssertionError(f"no way by keyboard to {selector}")


def test_somebody_reads_their_record_and_complains_by_keyboard_alone(
    day: Day, chromium: Browser
) -> None:
    with chromium.new_context(reduced_motion="reduce") as context:
        page = context.new_page()
        page.goto(f"{day.url}/")
        tab_to(page, "button[value=ar]")
        page.keyboard.press("Enter")
        expect(page.locator("html")).to_have_attribute("dir", "rtl")
        tab_to(page, "#reference")
        page.keyboard.type(day.reference)
        tab_to(page, "#key")
        page.keyboard.type(day.key())
        page.keyboard.press("Enter")
        page.wait_for_url("**/record")
        expect(page.locator("h1")).to_contain_text("سجلّك")
        tab_to(page, "#words")
        page.keyboard.type("لم أجد مترجمًا")
        tab_to(page, "#send")
        page.keyboard.press("Enter")
        expect(page.locator("[role=status]")).to_contain_text("أُرسلت شكواك")
        day.publisher.step()
        with page.expect_download() as got:
            page.locator("#complain ~ .history a").first.click()
        assert got.value.suggested_filename.endswith(".tlog-proof")
    told = day.scene.read(lambda tx: record.alarms(tx, day.scene.desk, Alarm.COMPLAINT.value))
    assert told[0]["content"]["note"] == "لم أجد مترجمًا"


@pytest.mark.parametrize(
    ("code", "width", "scheme"),
    [("en", 1280, "light"), ("ar", 360, "dark"), ("ur", 1280, "light")],
)
def test_axe_finds_nothing_nothing_sticks_out_and_targets_are_large(
    day: Day, chromium: Browser, code: str, width: int, scheme: Any
) -> None:
    with chromium.new_context(
        viewport={"width": width, "height": 900}, color_scheme=scheme, reduced_motion="reduce"
    ) as context:
        page = context.new_page()
        page.goto(f"{day.url}/")
        page.locator(f"button[value={code}]").click()
        for path in ("/", "/figures", "/record"):
            if path == "/record":
                page.goto(f"{day.url}/")
                page.locator("#reference").fill(day.reference)
                page.locator("#key").fill(day.key())
                page.locator("#open").click()
            else:
                page.goto(day.url + path)
            assert page.locator("html").get_attribute("lang") == code
            assert faults(page) == [], path
            assert small_targets(page) == [], path
            assert stick_out(page) <= 0, path
            page.evaluate(TWICE)
            assert stick_out(page) <= 0, f"{path} with text at 200 %"


def test_the_monitors_page_has_no_fault(day: Day, chromium: Browser) -> None:
    scene = day.scene
    monitor = scene.staff["monitor"]
    scene.step(lambda tx: findings.write(tx, scene.desk, day.case, "Noted.", monitor))
    for width, theme in ((1280, "light"), (320, "dark")):
        with day.site.context(chromium, "monitor", width, theme) as context:
            page = context.new_page()
            page.goto(f"{day.site.url}/monitor")
            expect(page.locator("h1")).to_have_text("Monitor")
            assert faults(page) == []
            assert stick_out(page) <= 0
