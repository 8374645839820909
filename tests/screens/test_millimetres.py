"""Sizes in millimetres, measured in Chromium on two screens as they are built in."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest

from screens.gallery import BASE, translated
from screens.stage import HeldHardware, app_for, served
from screens.test_browser import EACH_SCREEN, GALLERY, REACH, TALL, WIDE, Stage
from tallystick.edge.errors import ScreenTooSmall
from tallystick.edge.main import SCREEN_MM_MIN, WIDE_MM_MIN, check_screen
from tallystick.edge.screen.app import size_css

TARGET_MM, CAPITAL_MM, LARGE_CAPITAL_MM = 16, 4.8, 7.3
MEASURED = """() => {
  const seen = (e) => e.checkVisibility() && !e.closest('[inert], .sr, svg, .more');
  const pen = document.createElement('canvas').getContext('2d');
  const cap = (s) => {
    pen.font = `${s.fontWeight} 1000px ${s.fontFamily}`;
    return pen.measureText('H').actualBoundingBoxAscent / 1000 * parseFloat(s.fontSize);
  };
  const words = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  let least = Infinity, which = '';
  while (words.nextNode()) {
    const e = words.currentNode.parentElement;
    if (!/[A-Za-z0-9]/.test(words.currentNode.data) || !seen(e) || e.closest('noscript')) continue;
    const size = cap(getComputedStyle(e));
    if (size < least) { least = size; which = words.currentNode.data; }
  }
  const boxes = [...document.querySelectorAll('button, input, summary')]
    .filter((e) => e.type !== 'hidden' && seen(e))
    .map((e) => (e.closest('label') || e).getBoundingClientRect());
  return {capital: least, which, target: Math.min(...boxes.flatMap((r) => [r.width, r.height]))};
}"""
SCREENS = [(TALL, 268), (WIDE, 331), (TALL, SCREEN_MM_MIN), (WIDE, WIDE_MM_MIN)]
"""A 21.5-inch screen upright, a 15.4-inch one lying, and the least of both."""
SOME = ("start", "scan", "question", "phone", "cash", "receipt")


@pytest.mark.browser
@pytest.mark.parametrize(("size", "wide_mm"), SCREENS, ids=["21in", "15in", "tall", "wide"])
def test_buttons_have_sixteen_millimetres_and_capitals_what_the_law_asks(
    chromium: Any, size: dict[str, int], wide_mm: int
) -> None:
    engine, app = app_for(BASE, screen_mm=wide_mm)
    with served(app) as url:
        stage = Stage(engine, url, chromium, HeldHardware())
        stage.to(size)
        one_mm = size["width"] / wide_mm
        names = EACH_SCREEN.values() if wide_mm == SCREENS[0][1] else SOME
        for name in names:
            for percent, capital_mm in ((100, CAPITAL_MM), (200, LARGE_CAPITAL_MM)):
                stage.put(translated(dataclasses.replace(GALLERY[name]), "en", percent))
                found = stage.page.evaluate(MEASURED)
                assert found["capital"] / one_mm >= capital_mm - 0.01, (name, percent, found)
                assert found["target"] / one_mm >= TARGET_MM - 0.01, (name, percent, found)
                fits = stage.page.evaluate(REACH)
                assert (fits["over"], fits["cut"]) == (0, []), (name, percent)
        stage.page.close()


def test_a_screen_that_is_too_small_is_refused_and_one_not_measured_is_told() -> None:
    for wide_mm in (1, SCREEN_MM_MIN - 1):
        with pytest.raises(ScreenTooSmall, match=f"{wide_mm} mm"):
            check_screen(wide_mm)
    assert "not set" in check_screen(0)
    assert str(WIDE_MM_MIN) in check_screen(SCREEN_MM_MIN)
    assert check_screen(WIDE_MM_MIN) == ""
    assert size_css(0) == ""
