"""Draws the README's pictures: real pages from the held stage, in a real Chromium, made small."""

from __future__ import annotations

import dataclasses
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))

from playwright.sync_api import sync_playwright

from screens.gallery import translated, views
from screens.stage import HeldEngine, HeldHardware, app_for, served

TALL, WIDE = (1080, 1920), (1280, 800)
TALL_SCALE, WIDE_SCALE = 0.5, 0.78125
BYTES_MAX = 1_200_000
GALLERY = views()
KIOSK = {
    "kiosk-start": ("start", "en"),
    "kiosk-cost": ("cost", "en"),
    "kiosk-cash": ("cash", "en"),
    "kiosk-receipt": ("receipt", "en"),
    "kiosk-cash-ar": ("cash", "ar"),
}


@contextmanager
def page_of(browser: Any, size: tuple[int, int], scale: float) -> Iterator[Any]:
    """Yield a page whose pictures are the screen's, made smaller."""
    viewport = {"width": size[0], "height": size[1]}
    page = browser.new_page(viewport=viewport, device_scale_factor=scale)
    yield page
    page.close()


def kiosk(browser: Any, url: str, engine: HeldEngine, folder: Path) -> None:
    """Draw the kiosk's own screens."""
    with page_of(browser, TALL, TALL_SCALE) as page:
        for name, (view, language) in KIOSK.items():
            engine.show(translated(GALLERY[view], language))
            page.goto(url)
            page.evaluate("document.fonts.ready")
            page.screenshot(path=folder / f"{name}.png")


def bench(browser: Any, url: str, engine: HeldEngine, folder: Path) -> None:
    """Draw the demo's bench: the kiosk in its frame, the customer's hands beside it."""
    engine.show(dataclasses.replace(GALLERY["cash"], demo=True))
    with page_of(browser, WIDE, WIDE_SCALE) as page:
        page.goto(f"{url}/hardware")
        page.frame_locator(".machine__screen").locator("#b-no_more").wait_for()
        page.frame_locator(".hands__frame").locator("#h-jam").wait_for()
        page.wait_for_timeout(300)
        page.screenshot(path=folder / "kiosk-bench.png")


def main(folder: Path) -> None:
    """Draw all, and say how large they are."""
    folder.mkdir(parents=True, exist_ok=True)
    engine, app = app_for(GALLERY["start"], HeldHardware())
    with served(app) as url, sync_playwright() as play:
        path = shutil.which("chromium") or "/usr/bin/chromium"
        browser = play.chromium.launch(executable_path=path, args=["--headless", "--no-sandbox"])
        kiosk(browser, url, engine, folder)
        bench(browser, url, engine, folder)
        browser.close()
    drawn = {path.name: path.stat().st_size for path in sorted(folder.glob("kiosk-*.png"))}
    for name, size in drawn.items():
        print(f"{name:24} {size:>9,} bytes")
    assert sum(drawn.values()) < BYTES_MAX, "the pictures have grown too large for a README"


if __name__ == "__main__":
    main(Path(sys.argv[1]))
