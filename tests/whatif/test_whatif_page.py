"""The page: sliders as a plain form, a table beside every chart, and its doubt on each."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import Browser, Page, expect

import serving
from accessibility import violations
from tallystick.web.languages import LANGUAGES, Words
from tallystick.web.whatif import app as page_app
from tallystick.web.whatif import sliders
from tallystick.web.whatif.app import create_app
from tallystick.whatif import answers, claims, pictures, scenario, windows

DARK = "rgb(14, 22, 27)"
"""The dark theme's paper."""
SUPPOSED = "Effect on arrivals supposed"


@pytest.fixture(scope="module")
def client() -> Iterator[httpx.Client]:
    yield serving.serve(create_app(scenario.named("seed")))
    serving.stop_all()


def charts(text: str) -> list[str]:
    return re.findall(r'<svg class="chart".*?</svg>', text, re.S)


def test_every_chart_says_what_it_supposes_and_has_its_table(client: httpx.Client) -> None:
    page = client.get("/?deterrence=20").text
    drawn = charts(page)
    assert len(drawn) == 4 and page.count("The same as a table") == 4
    hub = [one for one in drawn if "vast majority" not in one and "No hub in this" not in one]
    assert len(hub) == 3
    for one in hub:
        assert one.count(f"{SUPPOSED}: 20% fewer by small boat. Nobody has measured it.") == 2


def test_the_law_as_it_stands_and_every_doubt_are_on_the_page(client: httpx.Client) -> None:
    page = client.get("/").text
    assert "the gates let <bdi><b>0</b></bdi> of 100 pass" in page
    assert f"{SUPPOSED}: none. Nobody has measured it." in page
    assert "Figures nobody verified:" in page and ">A person" in page and "Unknown" in page
    for verdict in ("not true", "a majority, not a vast one", ">true<"):
        assert verdict in page


def test_the_page_names_the_years_used_and_the_years_held_out(client: httpx.Client) -> None:
    page = client.get("/").text
    used = page[page.index("Which years were used") :]
    for window in (windows.NOW, windows.CHECK):
        assert f"<bdi>{window.first}</bdi> to <bdi>{window.last}</bdi>" in used
    assert "Held out from that test</dt><dd>2024 and 2025" in used
    assert windows.CHECK.last < "2024Q1"


def test_the_form_alone_moves_the_answer(client: httpx.Client) -> None:
    def sent(**moved: int) -> str:
        found = re.search(
            r"People sent in 3 years</dt><dd>([^<]*)", client.get("/", params=moved).text
        )
        assert found
        return found[1]

    assert sent(places=0) == "0" and sent(gates=0) == "0"
    assert int(sent(places=5000).replace(",", "")) > int(sent(places=500).replace(",", ""))
    assert "nobody sent" in client.get("/?gates=0").text


SAID = (
    *(getattr(one, name) for one in sliders.SLIDERS for name in ("label", "hint", "say", "least")),
    *(one.most for one in sliders.SLIDERS),
    *sliders.RATES.values(),
    *answers.LIMITS,
    *(answers.NOT_KNOWN, claims.SENTENCE, page_app.BUSY, page_app.NOWHERE),
    *pictures.BRIEF.values(),
    *answers.LABEL.values(),
    *(word for words in pictures.HEADS.values() for word in words),
)
LINE = re.compile(r"<text([^>]*)>([^<]*)</text>")
WORD = re.compile(r"[A-Za-z]{3}")


def in_pictures(page: str) -> set[str]:
    """What the charts, their names and their tables say, whatever the figures are."""
    drawn = "".join(charts(page))
    tables = "".join(re.findall(r'<table class="data data--tight">.*?</table>', page, re.S))
    found = [said for _, said in LINE.findall(drawn)]
    found += re.split(r"[;.:] ", " ".join(re.findall(r'aria-label="([^"]*)"', drawn)))
    found += [re.sub(r"<[^>]+>", "", cell) for cell in re.findall(r"<t[hd].*?</t[hd]>", tables)]
    return {re.sub(r"[^A-Za-z ]+", "#", one) for one in found if WORD.search(one)}


def places(drawn: str, mirrored: bool) -> list[float]:
    """Where each line of words of a chart begins, ends or has its middle."""
    wide = float(re.findall(r'viewBox="0 0 ([0-9.]+)', drawn)[0])
    found = [float(re.findall(r' x="([-0-9.]+)"', one)[0]) for one, _ in LINE.findall(drawn)]
    return sorted(round(wide - x if mirrored else x, 1) for x in found)


@pytest.mark.parametrize("code", [code for code in LANGUAGES if code != "en"])
def test_every_sentence_of_the_page_is_in_every_language(client: httpx.Client, code: str) -> None:
    w = Words(page_app.DOMAIN, code)
    folder = Path(page_app.__file__).parent / "templates"
    text = "".join(path.read_text("utf-8") for path in sorted(folder.glob("*.html")))
    found = re.findall(r"""\bw\((?:"([^"]+)"|'([^']+)')""", text)
    every = [*(a or b for a, b in found), *SAID]
    plain = re.compile(r"[A-Za-z]{2}")  # a number with its sign is the same everywhere
    missing = [one for one in every if plain.search(re.sub(r"{\w+}", "", one)) and not w.knows(one)]
    assert len(found) > 50 and missing == []
    page = client.get(f"/?lang={code}&deterrence=20&places=900").text
    assert f'<html lang="{code}" dir="{w.language.dir}">' in page
    assert str(w("Run again")) in page and w.plain("{n} % fewer").format(n=20) in page
    assert "&amp;lang=fr" in page and "places=900" in page, "another language keeps the sliders"
    english = client.get("/?lang=en&deterrence=20&places=900").text
    assert len(in_pictures(english)) > 60 and not in_pictures(english) & in_pictures(page)
    mirrored = w.language.dir == "rtl"
    for here, there in zip(charts(page), charts(english), strict=True):
        assert places(here, mirrored) == places(there, False)
        turned = [said for one, said in LINE.findall(here) if 'direction="rtl"' in one]
        assert bool(turned) is mirrored is ("matrix(-1 0 0 1" in here)
    asked = client.get("/", headers={"Accept-Language": f"{code}-XX,en;q=0.5"}).text
    assert str(w("Your assumptions")) in asked


def test_sliders_left_alone_are_the_rulebooks_answer() -> None:
    base = scenario.named("seed")
    at = sliders.usual(base)
    assert sliders.scenario_of(base, at, "2025").gates == base.gates
    assert sliders.scenario_of(base, at | {"gates": 55}, "2025").gates == 0.55
    for one in sliders.SLIDERS:
        assert one.low <= at[one.name] <= one.high
        for value in (one.low, one.high):
            sliders.scenario_of(base, at | {one.name: value}, "2025")


@pytest.mark.parametrize(
    ("query", "says"),
    [
        ("places=abc", "is no whole number"),
        ("places=99999", "Hub places: 99999 is not 0 to 10000"),
        ("deterrence=-5", "is no whole number"),
        ("appeal=2", "Weeks an appeal takes: 2 is not 8 to 150"),
        ("rates=1999", "grant rates: &#39;1999&#39; is not one of"),
    ],
)
def test_what_no_slider_can_ask_is_refused_in_words(
    client: httpx.Client, query: str, says: str
) -> None:
    reply = client.get(f"/?{query}")
    assert reply.status_code == 422 and says in reply.text and not charts(reply.text)


def test_the_page_is_shut_against_other_sites(client: httpx.Client) -> None:
    reply = client.get("/answer?places=800")
    assert "default-src 'none'" in reply.headers["Content-Security-Policy"]
    assert len(charts(reply.text)) == 2 and "<html" not in reply.text
    assert client.get("/nowhere").status_code == 404
    assert client.get("/healthz").json()["ok"] is True


@pytest.fixture(scope="module")
def page(chromium: Browser, client: httpx.Client) -> Iterator[Page]:
    context = chromium.new_context(viewport={"width": 390, "height": 900})
    opened = context.new_page()
    opened.goto(str(client.base_url))
    yield opened
    context.close()


@pytest.mark.browser
def test_a_slider_moved_by_keys_brings_a_new_answer(page: Page) -> None:
    before = page.locator("#answer dd").first.inner_text()
    page.locator("#places").focus()
    for _ in range(4):
        page.keyboard.press("PageUp")
    expect(page.locator('output[for="places"]')).not_to_have_text("1,200")
    expect(page.locator("#answer dd").first).not_to_have_text(before, timeout=20_000)
    expect(page.locator("#state")).to_have_text("The answer is new.")
    assert "places=" in page.url


@pytest.mark.browser
def test_axe_finds_no_fault_and_nothing_runs_off_the_side(page: Page) -> None:
    assert violations(page) == []
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    page.emulate_media(color_scheme="dark")
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == DARK
    assert violations(page, "color-contrast") == []
    page.emulate_media(color_scheme="light")
    page.evaluate("document.documentElement.style.fontSize = '200%'")
    assert page.evaluate("document.documentElement.scrollWidth") <= 390, "text at 200 %"
    page.evaluate("document.documentElement.style.fontSize = ''")
    small = page.evaluate(
        "[...document.querySelectorAll('a[href], button, select, input, summary')]"
        ".filter(e => e.offsetParent && !e.matches('.skip'))"
        ".filter(e => (e.closest('label') || e).getBoundingClientRect().height < 48)"
        ".map(e => e.outerHTML.slice(0, 80))"
    )
    assert small == []
