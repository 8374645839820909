"""The console in a real Chromium: by keys alone, kept fresh, and without a fault that axe finds."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect
from scene import Scene

from accessibility import violations
from tallystick.core.identity import people

pytestmark = pytest.mark.browser
WIDTHS = (1280, 390, 320)
TARGET_PX_MIN = 44
PAGES = (
    *("purchases", "person", "nothing", "unknown", "settled", "refund due", "cancelled"),
    *("kiosks", "kiosk", "wallet", "books", "search", "found", "lost", "public"),
    *("law", "open law", "banned law", "unsettled law", "claims", "claim"),
)


def address(day: Scene, name: str) -> str:
    if name == "public":
        return day.public_url
    known = {
        "purchases": "/",
        "person": "/?state=person",
        "nothing": "/?q=TS-000-000-000",
        "kiosk": f"/kiosks/{day.kiosks[1].machine}",
        "search": "/search?q=zzzz",
        "found": "/search?q=bcrt1",
        "lost": "/nowhere",
        "open law": "/law/US-CA",
        "banned law": "/law/US-MN",
        "unsettled law": "/law/US-IL",
        "claim": f"/claims/{day.claim}",
    }
    if name in day.named or f"{name} 1" in day.named:
        view = day.named.get(name) or day.named[f"{name} 1"]
        return f"{day.url}/purchases/{view.purchase}"
    return day.url + known.get(name, f"/{name}")


def enter(context: BrowserContext, scene: Scene, theme: str = "light") -> None:
    cookie = scene.door.cookie
    context.add_cookies(
        [
            {"name": cookie("session"), "value": scene.sign_in(), "url": scene.url},
            {"name": cookie("theme"), "value": theme, "url": scene.url},
        ]
    )


@pytest.fixture(scope="module", params=WIDTHS)
def wide(request: pytest.FixtureRequest, chromium: Browser, day: Scene) -> Iterator[Page]:
    context = chromium.new_context(viewport={"width": request.param, "height": 900})
    enter(context, day)
    yield context.new_page()
    context.close()


@pytest.fixture(scope="module")
def dark(chromium: Browser, day: Scene) -> Iterator[Page]:
    context = chromium.new_context(viewport={"width": 1280, "height": 900})
    enter(context, day, "dark")
    yield context.new_page()
    context.close()


@pytest.fixture
def page(chromium: Browser) -> Iterator[Page]:
    context = chromium.new_context(viewport={"width": 1280, "height": 900})
    opened = context.new_page()
    opened.set_default_timeout(15_000)
    yield opened
    context.close()


@pytest.mark.parametrize("name", PAGES)
def test_axe_finds_nothing_and_nothing_sticks_out(wide: Page, day: Scene, name: str) -> None:
    complaints: list[str] = []
    wide.on("console", lambda message: complaints.append(message.text))
    wide.goto(address(day, name))
    assert violations(wide) == []
    over = wide.evaluate("document.documentElement.scrollWidth - innerWidth")
    assert over <= 0, f"{over} px stick out"
    assert [text for text in complaints if "Content Security" in text] == []


@pytest.mark.parametrize("name", PAGES)
def test_axe_finds_nothing_in_the_dark(dark: Page, day: Scene, name: str) -> None:
    dark.goto(address(day, name))
    wanted = "light" if name == "public" else "dark"
    assert (dark.locator("html").get_attribute("data-theme") or "light") == wanted
    assert violations(dark) == []


@pytest.mark.parametrize("name", PAGES)
def test_each_target_is_large_enough(wide: Page, day: Scene, name: str) -> None:
    """Links within a sentence may be as tall as their line; everything else is 44 px or more."""
    wide.goto(address(day, name))
    small = wide.evaluate(
        """(least) => [...document.querySelectorAll("a, button, input, select, summary")]
        .filter((one) => one.checkVisibility() && one.type !== "hidden")
        .filter((one) => !one.classList.contains("skip"))
        .map((one) => [one.outerHTML.slice(0, 90), one.getBoundingClientRect()])
        .filter(([_, box]) => box.height < least || box.width < least)
        .map(([text, box]) => `${text} ${box.width}x${box.height}`)""",
        TARGET_PX_MIN,
    )
    assert small == []


def plug(page: Page) -> None:
    """Plug Chromium's own authenticator into a page."""
    devtools = page.context.new_cdp_session(page)
    devtools.send("WebAuthn.enable")
    options = {"protocol": "ctap2", "transport": "internal", "hasResidentKey": True}
    options |= {"hasUserVerification": True, "isUserVerified": True}
    options |= {"automaticPresenceSimulation": True}
    devtools.send("WebAuthn.addVirtualAuthenticator", {"options": options})


def tab_to(page: Page, wanted: str, most: int = 60) -> None:
    """Press Tab until the element in focus has this id or these words."""
    for _ in range(most):
        page.keyboard.press("Tab")
        held = page.evaluate("[document.activeElement.id, document.activeElement.innerText || '']")
        if wanted in (held[0], held[1].strip()):
            return
    raise AssertionError(f"no key leads to {wanted}")


def test_by_keys_alone_from_the_link_to_a_search(day: Scene, page: Page) -> None:
    plug(page)
    with day.store.transact() as tx:
        now = day.clock.now()
        token = people.invite(tx, "Grace Owusu", people.Role.OPERATOR, now, day.clock)
    page.goto(f"{day.url}/invite/{token}")
    tab_to(page, "Make my passkey")
    page.keyboard.press("Enter")
    page.wait_for_url("**/sign-in?from=invite")
    tab_to(page, "Sign in with my passkey")
    page.keyboard.press("Enter")
    page.wait_for_url(f"{day.url}/")
    expect(page.get_by_role("heading", level=1)).to_have_text("Purchases")
    tab_to(page, "Skip to the page")
    page.keyboard.press("Enter")
    tab_to(page, day.named["refund due"].reference)
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_contain_text("Purchase TS-")
    tab_to(page, "find")
    page.keyboard.type("kiosk 0142")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_contain_text("Kiosk 0142")
    tab_to(page, "sign-out")
    page.keyboard.press("Enter")
    expect(page.get_by_text("You are signed out.")).to_be_visible()
    page.goto(f"{day.url}/wallet")
    expect(page).to_have_url(re.compile("/sign-in"))


def test_a_note_is_seen_without_a_hand(scene: Scene, page: Page) -> None:
    enter(page.context, scene)
    page.goto(scene.url)
    expect(page.get_by_text("No purchase yet")).to_be_visible()
    counter = scene.kiosks[2]
    quote = counter.start(scene.network.wallet.next_address())
    line = page.locator("#list").get_by_role("row").nth(1)
    expect(line).to_contain_text("Quoted")
    counter.insert(quote, 2_000)
    expect(line).to_contain_text("$20.00")
    expect(page.locator("#today")).to_have_text("$20.00")


def test_what_is_in_use_is_left_alone(scene: Scene, page: Page) -> None:
    scene.buy("one", (2_000,))
    enter(page.context, scene)
    page.goto(scene.url)
    link = page.get_by_role("link", name=scene.named["one"].reference)
    link.focus()
    scene.buy("two", (500,))
    expect(page.get_by_role("link", name=scene.named["two"].reference)).to_be_visible()
    expect(page.get_by_role("link", name=scene.named["one"].reference)).to_be_focused()
    page.get_by_label("Exactly this number").fill("TS-")
    scene.buy("three", (500,))
    page.wait_for_timeout(1_500)
    expect(page.get_by_label("Exactly this number")).to_have_value("TS-")
    expect(page.get_by_role("link", name=scene.named["three"].reference)).to_have_count(0)


def test_everything_works_without_script(chromium: Browser, scene: Scene) -> None:
    purchase = scene.buy("one", (2_000,), "refund")
    context = chromium.new_context(java_script_enabled=False)
    enter(context, scene)
    page = context.new_page()
    page.goto(scene.url)
    page.get_by_label("State").select_option(label="Cash back due")
    page.get_by_role("button", name="Show").click()
    page.get_by_role("link", name=scene.named["one"].reference).click()
    assert page.url.endswith(purchase)
    page.get_by_role("button", name="I gave $20.00 back").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("Cash given back")
    page.get_by_role("button", name="Dark screen").click()
    assert page.url.endswith(purchase)
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")
    page.get_by_role("link", name="Books and audit").click()
    page.get_by_role("button", name="Run the audit now").click()
    expect(page.locator("#audit")).to_contain_text("Nothing found")
    context.close()


def test_a_receipt_is_checked_by_hand(day: Scene, page: Page) -> None:
    view = day.named["settled 1"]
    page.goto(day.public_url)
    page.get_by_label("Your number, or the mark").fill(view.reference)
    page.get_by_label("Key to the mark").fill(view.salt)
    page.get_by_role("button", name="Check it").click()
    expect(page.get_by_role("status")).to_contain_text("Both halves match.")
    expect(page.get_by_role("status")).to_contain_text("$30.00 in, fee $5.00")
    assert view.salt not in page.content() and view.salt not in page.url
    assert violations(page) == []
