"""The kiosk in a real Chromium: a purchase by mouse, keys and twelve keys; nothing out of reach."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from typing import Any

import httpx
import msgspec
import pytest

from accessibility import violations
from screens.gallery import ADDRESS, BASE, WARNING, translated, views
from screens.stage import HeldEngine, HeldHardware, app_for, served
from tallystick.edge.screen import hardware, pages
from tallystick.edge.screen.app import STREAMS_MAX
from tallystick.edge.view import Screen, Touch, View

pytestmark = pytest.mark.browser
GALLERY = views()
TALL, WIDE = {"width": 1080, "height": 1920}, {"width": 1280, "height": 800}
TARGET_PX = 48
EACH_SCREEN = {view.screen: name for name, view in GALLERY.items()} | {"dialog": "cash-still"}
"""One picture for each screen, and the dialog."""
AXE = ("wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice")
STEPS = (
    ("b-start", Touch.START),
    ("b-language-{code}", Touch.LANGUAGE),
    ("b-accept_cost", Touch.ACCEPT_COST),
    ("b-ack", None),
    ("b-acknowledge", Touch.ACKNOWLEDGE),
    ("address", None),
    ("b-type_address", Touch.TYPE_ADDRESS),
    ("b-address_yes", Touch.ADDRESS_YES),
    ("b-no_more", Touch.NO_MORE),
    ("b-send", Touch.SEND),
    ("b-receipt", Touch.RECEIPT),
    ("b-done", Touch.DONE),
)
WALK = [touch for _, touch in STEPS if touch]
REACH = """() => {
  const seen = (e) => e.checkVisibility() && !e.closest('[inert]') && !e.classList.contains('more');
  const small = [...document.querySelectorAll('button, input, summary, a[href], textarea')]
    .filter((e) => e.type !== 'hidden' && seen(e))
    .map((e) => [e.id || e.outerHTML, (e.closest('label') || e).getBoundingClientRect()])
    .filter(([, r]) => r.width < TARGET || r.height < TARGET)
    .map(([id, r]) => `${id} ${r.width}x${r.height}`);
  const root = document.documentElement;
  const cut = [...document.querySelectorAll('main *, .top *, .tools *, .dialog *')]
    .filter((e) => seen(e) && !e.closest('.sr') && !e.closest('svg')
      && (e.getBoundingClientRect().right > innerWidth + 1 || e.getBoundingClientRect().left < -1))
    .map((e) => e.outerHTML.slice(0, 80));
  return {small, cut, over: root.scrollWidth - innerWidth, below: root.scrollHeight - innerHeight};
}""".replace("TARGET", str(TARGET_PX))
LARGEST = """() => {
  const area = (e) => e.getBoundingClientRect().width * e.getBoundingClientRect().height;
  const here = document.querySelector('.dialog') || document.querySelector('main');
  const ways = '.do button:not(.btn--quiet), .choices button';
  const all = [...here.querySelectorAll(ways)].filter((e) => e.checkVisibility());
  const stops = all.filter((e) => ['stop', 'scam'].includes(e.value));
  const most = (found) => Math.max(0, ...found.map(area));
  const rest = all.filter((e) => !stops.includes(e));
  return {stop: Math.ceil(most(stops)), go: Math.floor(most(rest))};
}"""
FOCUSED = """() => {
  const e = document.activeElement, box = e.closest('.ack') || e, style = getComputedStyle(box);
  const r = e.getBoundingClientRect();
  const top = document.elementFromPoint(r.x + r.width / 2, r.y + r.height / 2);
  return {id: e.id || e.tagName, ring: parseFloat(style.outlineWidth) || 0,
    kind: style.outlineStyle, clear: !!top && (top === e || e.contains(top) || top.contains(e))};
}"""


SOUNDS = """(() => {
  const Real = window.Audio;
  window.sounds = [];
  window.Audio = function (url) {
    const made = new Real(url);
    window.sounds.push(made);
    return made;
  };
})()"""
"""Keeps each sound that the page plays, so that a test can see what is heard."""
HEARD = """() => window.sounds.map((s) => ({
  url: s.currentSrc || s.src, on: !s.paused && !s.ended, at: s.currentTime, volume: s.volume}))"""


class Stage:
    """A served kiosk, and one page of the browser before it."""

    def __init__(self, engine: HeldEngine, url: str, browser: Any, hands: HeldHardware) -> None:
        self.engine, self.url, self.browser, self.hands = engine, url, browser, hands
        self.page = browser.new_page(viewport=TALL, reduced_motion="reduce")
        self.page.add_init_script(SOUNDS)
        self.errors: list[str] = []
        self.page.on("pageerror", lambda error: self.errors.append(str(error)))
        self.page.on("console", self._console)
        self.page.goto(url)

    def _console(self, message: Any) -> None:
        if message.type == "error":
            self.errors.append(message.text)

    def put(self, view: View) -> None:
        """Show a view and wait until the living page has taken it in."""
        self.engine.show(view)
        self.settle()

    def settle(self) -> None:
        version = str(self.engine.view().version)
        self.page.wait_for_function(
            "v => document.documentElement.dataset.version === v", arg=version
        )

    def until(self, touches: int) -> None:
        """Wait until the engine has heard so many touches and the page shows what came of them."""
        for _ in range(500):
            if len(self.walked) >= touches:
                break
            self.page.wait_for_timeout(10)
        assert len(self.walked) == touches
        self.settle()

    def to(self, size: dict[str, int]) -> None:
        self.page.set_viewport_size(size)

    @property
    def walked(self) -> list[Touch]:
        return [touch for touch, _ in self.engine.touched]


@pytest.fixture(scope="module")
def shown(chromium: Any) -> Iterator[Stage]:
    hands = HeldHardware()
    engine, app = app_for(BASE, hands)
    with served(app) as url:
        stage = Stage(engine, url, chromium, hands)
        yield stage
        stage.page.close()


@pytest.fixture
def stage(shown: Stage) -> Iterator[Stage]:
    shown.to(TALL)
    shown.engine.show(BASE)
    shown.page.goto(shown.url)
    shown.engine.touched.clear()
    shown.hands.done.clear()
    shown.engine.read_aloud.clear()
    shown.errors.clear()
    yield shown
    assert shown.errors == []


@pytest.mark.parametrize("code", ["en", "ar"])
def test_a_whole_purchase_by_touch(stage: Stage, code: str) -> None:
    for step, touch in STEPS:
        target = stage.page.locator(f"#{step.format(code=code)}")
        target.fill(ADDRESS) if step == "address" else target.click()
        if touch:
            stage.until(WALK.index(touch) + 1)
    assert stage.walked == WALK
    assert stage.engine.touched[1] == (Touch.LANGUAGE, {"language": code})


@pytest.mark.parametrize("code", ["en", "ar"])
def test_a_whole_purchase_by_keyboard_alone(stage: Stage, code: str) -> None:
    keys = stage.page.keyboard
    for step, touch in STEPS:
        for _ in range(20):
            if stage.page.evaluate("document.activeElement.id") == step.format(code=code):
                break
            keys.press("Tab")
        if step == "address":
            keys.type(ADDRESS)
        else:
            keys.press("Space" if step == "b-ack" else "Enter")
        if touch:
            stage.until(WALK.index(touch) + 1)
    assert stage.walked == WALK


def test_a_whole_purchase_with_twelve_keys(stage: Stage) -> None:
    """The numbers are those that the voice says; the address comes from the scanner."""
    for keys, touch in (
        *(("2", Touch.START), ("1", Touch.LANGUAGE), ("1", Touch.ACCEPT_COST)),
        *(("12", Touch.ACKNOWLEDGE), ("", Touch.TYPE_ADDRESS), ("2", Touch.ADDRESS_YES)),
        *(("2", Touch.NO_MORE), ("1", Touch.SEND), ("1", Touch.RECEIPT), ("1", Touch.DONE)),
    ):
        if touch is Touch.TYPE_ADDRESS:
            stage.engine.touch(touch, address=ADDRESS)
        for key in keys:
            stage.page.keyboard.press(key)
        stage.until(WALK.index(touch) + 1)
    assert stage.walked == WALK


def test_the_other_keys_help_and_stop_and_never_type(stage: Stage) -> None:
    stage.put(dataclasses.replace(BASE, screen=Screen.SCAN))
    stage.page.locator("#address").focus()
    stage.page.keyboard.type("10*")
    assert stage.page.locator("#address").input_value() == "10*"
    assert stage.walked == []
    stage.page.locator("h1").click()
    for place, key in enumerate(("0", "Backspace", "*"), start=1):
        stage.page.keyboard.press(key)
        stage.until(place)
    assert stage.walked == [Touch.HELP, Touch.BACK, Touch.STOP]


def test_a_whole_purchase_without_script(chromium: Any) -> None:
    engine, app = app_for(BASE)
    context = chromium.new_context(viewport=WIDE, java_script_enabled=False)
    with served(app) as url:
        page = context.new_page()
        page.goto(url)
        for step, _ in STEPS:
            target = page.locator(f"#{step.format(code='en')}")
            target.fill(ADDRESS) if step == "address" else target.click()
        assert [touch for touch, _ in engine.touched] == WALK
        context.close()


@pytest.mark.parametrize("size", [TALL, WIDE], ids=["tall", "wide"])
@pytest.mark.parametrize("code", ["en", "es", "fr", "ar", "ur"])
def test_every_page_fits_and_every_target_is_large(
    stage: Stage, code: str, size: dict[str, int]
) -> None:
    stage.to(size)
    for name, view in GALLERY.items():
        stage.put(dataclasses.replace(translated(view, code), demo=True))
        found = stage.page.evaluate(REACH)
        assert found["small"] == [], name
        assert found["over"] <= 0, name
        assert found["cut"] == [], name
        assert found["below"] <= 0, f"{name} is taller than the screen"


@pytest.mark.parametrize("size", [TALL, WIDE], ids=["tall", "wide"])
def test_stop_is_as_large_as_the_way_forward(stage: Stage, size: dict[str, int]) -> None:
    stage.to(size)
    tried = set()
    for name, view in GALLERY.items():
        if pages._can_stop(view):
            for code in ("en", "ar"):
                stage.put(translated(view, code))
                found = stage.page.evaluate(LARGEST)
                assert found["stop"] >= found["go"], (name, code, found)
                assert found["stop"] > 0, name
            tried.add(view.screen)
    assert set(Screen) - tried == pages.NOTHING_TO_STOP - {Screen.SENDING}


@pytest.mark.parametrize("size", [TALL, WIDE], ids=["tall", "wide"])
@pytest.mark.parametrize("code", ["en", "ar"])
def test_doubled_text_loses_nothing(stage: Stage, code: str, size: dict[str, int]) -> None:
    stage.to(size)
    for percent in (150, 200):
        for name, view in GALLERY.items():
            stage.put(translated(view, code, percent))
            found = stage.page.evaluate(REACH)
            assert (found["small"], found["cut"], found["over"]) == ([], [], 0), name


def test_axe_finds_what_is_wrong_and_where(stage: Stage) -> None:
    stage.page.evaluate("document.querySelector('main').append(document.createElement('img'))")
    (found,) = violations(stage.page, *AXE)
    assert found == "image-alt: <img>"


@pytest.mark.parametrize("code", ["en", "ar"])
@pytest.mark.parametrize(
    ("percent", "theme"), [(100, "light"), (100, "dark"), (200, "light")], ids=str
)
def test_axe_finds_nothing(stage: Stage, code: str, percent: int, theme: str) -> None:
    stage.to(WIDE if theme == "dark" else TALL)
    for name in EACH_SCREEN.values():
        stage.put(translated(GALLERY[name], code, percent, theme))
        assert violations(stage.page, *AXE) == [], name


def test_focus_is_seen_on_every_target(stage: Stage) -> None:
    stage.to(WIDE)
    for name in EACH_SCREEN.values():
        stage.put(GALLERY[name])
        stage.page.evaluate("document.activeElement.blur()")
        many = stage.page.evaluate(
            "[...document.querySelectorAll('button, input:not([type=hidden]), summary, a[href]')]"
            ".filter((e) => !e.closest('[inert]') && e.checkVisibility({visibilityProperty: true}))"
            ".length"
        )
        for _ in range(many):
            stage.page.keyboard.press("Tab")
            found = stage.page.evaluate(FOCUSED)
            if found["id"] == "BODY":
                continue
            assert found["kind"] != "none", f"{name}: {found}"
            assert found["ring"] >= 2, f"{name}: {found}"
            assert found["clear"], f"{name}: {found} is covered"


def test_the_dialog_holds_the_focus_and_the_page_beneath_is_asleep(stage: Stage) -> None:
    stage.put(GALLERY["cash"])
    stage.put(GALLERY["cash-still"])
    focused = "document.activeElement.id"
    assert stage.page.evaluate(focused) == "b-still_here"
    reached = set()
    for _ in range(5):
        stage.page.keyboard.press("Tab")
        reached.add(stage.page.evaluate(focused))
    assert reached <= {"b-still_here", "b-finished", ""}
    stage.page.keyboard.press("1")
    stage.until(1)
    assert stage.walked == [Touch.STILL_HERE]


def test_what_was_typed_outlives_a_new_version_and_is_gone_on_the_next_page(stage: Stage) -> None:
    scan = dataclasses.replace(BASE, screen=Screen.SCAN)
    stage.put(scan)
    stage.page.locator("#address").fill("bcrt1qhalf")
    stage.put(dataclasses.replace(scan, server_lost=True))
    assert stage.page.locator("#address").input_value() == "bcrt1qhalf"
    assert stage.page.evaluate("document.activeElement.id") == "address"
    stage.put(BASE)
    stage.put(scan)
    assert stage.page.locator("#address").input_value() == ""


def test_no_warning_comes_up_ticked(stage: Stage) -> None:
    first = dataclasses.replace(BASE, screen=Screen.WARNING, warning=WARNING)
    stage.put(first)
    stage.page.locator("#b-ack").check()
    stage.put(dataclasses.replace(first, server_lost=True))
    assert stage.page.locator("#b-ack").is_checked(), "a slow line does not undo a tick"
    second = msgspec.structs.replace(WARNING, id="second")
    stage.put(dataclasses.replace(first, warning=second))
    assert not stage.page.locator("#b-ack").is_checked()


def test_a_counted_bill_is_told_to_who_cannot_see(stage: Stage) -> None:
    stage.put(GALLERY["cash-none"])
    stage.put(GALLERY["cash"])
    live = stage.page.locator("[role=status]").first
    assert live.inner_text() == "We counted your $10.00."


def test_a_page_that_found_no_stream_tries_again(chromium: Any) -> None:
    engine, app = app_for(BASE)
    with served(app) as url:
        others = [httpx.Client() for _ in range(STREAMS_MAX)]
        for other in others:
            reply = other.send(other.build_request("GET", f"{url}/events"), stream=True)
            assert reply.status_code == 200
        page = chromium.new_page(viewport=WIDE)
        with page.expect_response("**/events") as refused:
            page.goto(url)
        assert refused.value.status == 503
        for other in others:
            other.close()
        engine.change(screen=Screen.LANGUAGE)
        page.locator("#b-language-en").wait_for(timeout=10_000)
        page.close()


def test_nothing_of_the_bench_is_dead(stage: Stage) -> None:
    stage.to(WIDE)
    stage.page.goto(f"{stage.url}/hardware")
    drawer = stage.page.frame_locator(".hands__frame")
    for act in ("insert_bad", "jam", "clear", "power_cycle", "plug_in"):
        _press(stage, drawer.locator(f"#h-{act}"), act)
    for minor in hardware.NOTES:
        _press(stage, drawer.locator(f"#h-note-{minor}"), f"insert {minor}")
    _press(stage, drawer.locator("#h-present"), f"present {ADDRESS}")
    for place, text in enumerate(
        (hardware.WRONG_NETWORK, hardware.OTHER_COIN, hardware.UNREADABLE), start=1
    ):
        _press(stage, drawer.locator(f"#h-code-{place}"), f"present {text}")
    screen = stage.page.frame_locator(".machine__screen")
    screen.locator("#b-start").click()
    screen.locator("#b-language-en").click(timeout=5_000)
    for _ in range(500):
        if len(stage.walked) == 2:
            break
        stage.page.wait_for_timeout(10)
    assert stage.walked == [Touch.START, Touch.LANGUAGE]


def _press(stage: Stage, button: Any, done: str) -> None:
    stage.hands.done.clear()
    button.click()
    for _ in range(100):
        if stage.hands.done:
            break
        stage.page.wait_for_timeout(10)
    assert stage.hands.done == [done]


def test_the_bench_shows_a_whole_kiosk(stage: Stage) -> None:
    stage.page.goto(f"{stage.url}/hardware")
    for size in (WIDE, {"width": 1600, "height": 1000}, {"width": 820, "height": 1180}):
        stage.to(size)
        glass = stage.page.locator(".machine__glass").bounding_box()
        frame = stage.page.locator(".machine__screen").bounding_box()
        assert abs(glass["width"] - frame["width"]) < 2
        assert abs(glass["height"] - frame["height"]) < 2
        assert glass["y"] + glass["height"] <= size["height"]
        assert stage.page.evaluate("document.documentElement.scrollWidth") <= size["width"]
    assert violations(stage.page, *AXE) == []


@pytest.mark.parametrize(("held_ms", "told"), [(50, Touch.STOP), (3_100, Touch.QUIET)])
def test_the_star_key_held_for_three_seconds_calls_for_help_without_a_word(
    stage: Stage, held_ms: int, told: Touch
) -> None:
    stage.put(GALLERY["cash"])
    stage.page.keyboard.down("*")
    stage.page.wait_for_timeout(held_ms)
    assert stage.walked == []
    stage.page.keyboard.up("*")
    stage.until(1)
    assert stage.walked == [told]


def test_what_is_typed_arrives_in_its_order_and_stop_waits_for_nothing(stage: Stage) -> None:
    stage.put(GALLERY["phone"])
    with stage.engine.holding_back():
        for key in "12":
            stage.page.keyboard.press(key)
        stage.page.wait_for_timeout(300)
        assert stage.walked == [], "the 1 is on its way, and the 2 behind it"
    stage.until(2)
    assert [given["digit"] for _, given in stage.engine.touched] == ["1", "2"]
    with stage.engine.holding_back():
        stage.page.keyboard.press("1")
        stage.page.locator("#t-stop").click()
        stage.until(3)
        assert stage.walked[2] is Touch.STOP
    stage.until(4)


def speaking(stage: Stage, url: str) -> dict[str, Any]:
    """Wait until the page plays this sound, and return it."""
    for _ in range(600):
        on = [one for one in stage.page.evaluate(HEARD) if one["on"] and one["at"] > 0]
        if found := [one for one in on if url in one["url"]]:
            return dict(found[0])
        stage.page.wait_for_timeout(25)
    raise TimeoutError(f"{url} is not heard: {stage.page.evaluate(HEARD)}")


def quiet(stage: Stage) -> bool:
    return not any(one["on"] for one in stage.page.evaluate(HEARD))


@pytest.mark.parametrize("way", ["key", "touch"])
def test_stop_silences_the_voice_at_once_and_stops(stage: Stage, way: str) -> None:
    stage.put(GALLERY["care"])
    stage.page.keyboard.press("#")
    speaking(stage, "/speech.wav")
    assert stage.walked == [Touch.LISTEN]
    if way == "key":
        stage.page.keyboard.down("*")
    else:
        stage.page.locator("#b-leave").hover()
        stage.page.mouse.down()
    assert quiet(stage), "at once: before the key or the finger is lifted"
    assert stage.walked == [Touch.LISTEN]
    stage.page.keyboard.up("*") if way == "key" else stage.page.mouse.up()
    stage.until(2)
    assert stage.walked[1] is Touch.STOP
    assert dict(stage.engine.read_aloud)["care"] > 10, "a page before may still be read beside it"


def test_a_listener_hears_each_page_louder_or_quieter_and_typing_by_itself(stage: Stage) -> None:
    stage.put(dataclasses.replace(GALLERY["cost"], listening=True, private=True))
    assert speaking(stage, "/speech.wav")["volume"] == pytest.approx(0.6)
    stage.page.keyboard.press("+")
    stage.until(1)
    assert speaking(stage, "/speech.wav")["volume"] == pytest.approx(0.7)
    phone = dataclasses.replace(GALLERY["phone"], listening=True, private=True)
    stage.put(phone)
    speaking(stage, "/speech.wav")
    stage.put(dataclasses.replace(phone, typed="2025550"))
    assert "part=typed" in speaking(stage, "part=typed")["url"]
    stage.put(dataclasses.replace(phone, typed="2025550", listening=False, private=False))
    assert quiet(stage), "headphones out: not a word more"


def test_a_time_out_is_heard_and_then_said_to_who_listens(stage: Stage) -> None:
    stage.put(GALLERY["scan"])
    assert quiet(stage)
    stage.put(dataclasses.replace(GALLERY["scan-still"], listening=False))
    speaking(stage, "/chime.wav")
    stage.put(GALLERY["scan"])
    stage.put(GALLERY["scan-still"])
    speaking(stage, "/chime.wav")
    speaking(stage, "/speech.wav")
    stage.page.keyboard.press("*")
    stage.until(1)
    assert stage.walked == [Touch.STOP]
