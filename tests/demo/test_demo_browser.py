"""`tallystick demo` as a person meets it: real processes, one Chromium, notes as device bytes."""

from __future__ import annotations

import json
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from accessibility import violations
from tallystick.cli.cell import PORTS

pytestmark = [pytest.mark.browser, pytest.mark.timeout(240)]
READY_S = 60
SEND_MS = 60_000
AXE = ("wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa")
FOCUSED = "document.activeElement.id"


def _free_port() -> int:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])


def _own_ports(data: Path) -> None:
    """Keep demos that start at the same moment off each other's ports."""
    kept = data / "ports.json"
    if not kept.exists():
        data.mkdir(exist_ok=True)
        kept.write_text(json.dumps({name: _free_port() for name in PORTS}))


class Demo:
    """One run of the command, until it is stopped."""

    def __init__(self, data: Path, *more: str) -> None:
        command = [sys.executable, "-m", "tallystick.cli", "demo", "--data", str(data), *more]
        command += ["--reading-percent", "0"]
        _own_ports(data)
        self.log = data.with_suffix(".log")
        with self.log.open("w") as out:
            self.process = subprocess.Popen(command, stdout=out, stderr=subprocess.STDOUT)
        end = time.monotonic() + READY_S
        while "Ctrl-C stops" not in self.said:
            assert self.process.poll() is None, self.said
            assert time.monotonic() < end, self.said
            time.sleep(0.05)
        addresses = re.findall(r"https?://\S+", self.said)
        self.bench, self.screen, self.invite, self.public = addresses[:4]
        self.console = self.invite.partition("/invite")[0]

    @property
    def said(self) -> str:
        return self.log.read_text()

    def stop(self) -> int:
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)
        return self.process.wait(30)


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    made = Demo(tmp_path_factory.mktemp("d") / "data")
    yield made
    made.stop()


@pytest.fixture
def page(chromium: Any) -> Iterator[Any]:
    made = chromium.new_page(viewport={"width": 1280, "height": 900})
    yield made
    made.context.close()


def no_violations(page: Any) -> None:
    assert violations(page, *AXE) == []


def home(demo: Demo) -> None:
    """Come back to the first page, whatever the visit before left on the screen."""
    with httpx.Client(base_url=demo.screen) as http:
        for touch in ("stop", "done"):
            seen = re.search(r'name="seen" value="([^"]*)"', http.get("/").text)
            http.post("/touch", data={"touch": touch, "seen": seen[1] if seen else ""})


def test_a_whole_purchase_by_mouse_beside_the_drawer(demo: Demo, page: Any) -> None:
    home(demo)
    page.goto(demo.bench)
    kiosk, drawer = page.frame_locator("iframe >> nth=0"), page.frame_locator("iframe >> nth=1")
    for name in ("start", "language-en", "accept_cost"):
        kiosk.locator(f"#b-{name}").click()
    kiosk.locator("#b-ack").check()
    kiosk.locator("#b-acknowledge").click()
    drawer.locator("#h-present").click()
    kiosk.locator("#b-address_yes").click()
    kiosk.locator("#b-proceed").click()
    for minor, total in ((2_000, "$20.00"), (2_000, "$40.00"), (1_000, "$50.00")):
        kiosk.get_by_text("Put in your bills").wait_for()
        page.wait_for_timeout(600)
        drawer.locator(f"#h-note-{minor}").click()
        kiosk.locator(".paidin .figure", has_text=total).wait_for()
    kiosk.locator("#b-no_more:not([aria-disabled])").click()
    kiosk.locator("#b-send").click()
    kiosk.get_by_role("heading", name="Take your receipt").wait_for(timeout=SEND_MS)
    kiosk.get_by_text("0.00055000").first.wait_for()
    kiosk.locator(".note--good", has_text="safe").first.wait_for(timeout=SEND_MS)
    paper = drawer.locator("pre")
    paper.get_by_text("$50.00").or_(paper).first.wait_for()
    kiosk.locator("#b-done").click()
    kiosk.locator("#b-start").wait_for()


def press(page: Any, target: str) -> None:
    """Reach a control by Tab alone, and press it."""
    page.wait_for_selector(f"#{target}:not([aria-disabled])")
    for _ in range(80):
        if page.evaluate(FOCUSED) == target:
            page.keyboard.press("Space" if target == "b-ack" else "Enter")
            return
        page.keyboard.press("Tab")
    raise AssertionError(f"{target} cannot be reached by Tab")


def test_a_whole_purchase_in_arabic_by_keyboard_alone(demo: Demo, page: Any) -> None:
    home(demo)
    page.goto(demo.screen)
    press(page, "b-start")
    press(page, "b-language-ar")
    page.wait_for_selector("html[lang=ar][dir=rtl]")
    no_violations(page)
    press(page, "b-accept_cost")
    press(page, "b-ack")
    press(page, "b-acknowledge")
    page.wait_for_selector("#address")
    no_violations(page)
    with httpx.Client(base_url=demo.screen) as hands:
        drawer = hands.get("/hardware/drawer").text
        address = re.search(r"bcrt1[0-9a-z]+(?=</textarea>)", drawer)
        assert address
        for _ in range(80):
            if page.evaluate(FOCUSED) == "address":
                break
            page.keyboard.press("Tab")
        page.keyboard.type(address[0])
        press(page, "b-type_address")
        press(page, "b-address_yes")
        press(page, "b-proceed")
        page.wait_for_selector(".paidin")
        page.wait_for_timeout(600)
        hands.post("/hardware/act", data={"act": "insert", "value": "2000"})
        page.wait_for_selector("#b-no_more:not([aria-disabled])", timeout=SEND_MS)
        no_violations(page)
    press(page, "b-no_more")
    press(page, "b-send")
    page.wait_for_selector("#b-reprint", timeout=SEND_MS)
    no_violations(page)
    press(page, "b-done")
    page.wait_for_selector("#b-start")


def test_the_operator_signs_in_once_and_sees_both_purchases(demo: Demo, page: Any) -> None:
    devtools = page.context.new_cdp_session(page)
    devtools.send("WebAuthn.enable")
    options = {"protocol": "ctap2", "transport": "internal", "hasResidentKey": True}
    options |= {"hasUserVerification": True, "isUserVerified": True}
    options |= {"automaticPresenceSimulation": True}
    devtools.send("WebAuthn.addVirtualAuthenticator", {"options": options})
    page.goto(demo.invite)
    page.get_by_role("button").first.click()
    page.wait_for_url("**/sign-in**")
    page.get_by_role("button").first.click()
    page.wait_for_url(f"{demo.console}/")
    page.get_by_text("Confirmed", exact=True).nth(1).wait_for(timeout=SEND_MS)
    page.goto(f"{demo.console}/books")
    page.locator("#run-audit").click()
    page.get_by_text("Nothing found").wait_for()
    page.goto(demo.public)
    page.get_by_role("heading", name="Check your receipt").wait_for()


def test_it_stops_cleanly_and_goes_on_in_the_same_folder(tmp_path: Path) -> None:
    data = tmp_path / "data"
    first = Demo(data)
    machine = (data / "kiosk" / "pairing.json").read_text()
    assert first.stop() == 0
    assert "Traceback" not in first.said
    again = Demo(data)
    assert (data / "kiosk" / "pairing.json").read_text() == machine
    assert httpx.get(again.screen).status_code == 200
    again.process.kill()
    again.process.wait()
    third = Demo(data, "--fresh")
    assert (data / "kiosk" / "pairing.json").read_text() != machine
    assert third.stop() == 0
