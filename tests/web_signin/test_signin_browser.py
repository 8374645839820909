import pytest
from playwright.sync_api import Page, expect

from accessibility import violations
from tallystick.core.identity import people

pytestmark = [pytest.mark.browser, pytest.mark.usefixtures("authenticator")]


def register(page: Page, site) -> None:
    page.goto(f"{site.url}/invite/{site.invite()}")
    page.get_by_role("button", name="Make my passkey").click()
    page.wait_for_url("**/sign-in?from=invite")


def press_sign_in(page: Page) -> None:
    page.get_by_role("button", name="Sign in with my passkey").click()


def sign_in(page: Page) -> None:
    press_sign_in(page)
    expect(page.get_by_role("heading")).to_have_text("Console of Ada Okafor")


def test_invite_register_sign_in_sign_out(page: Page, site):
    token = site.invite()
    page.goto(f"{site.url}/invite/{token}")
    expect(page.get_by_role("heading")).to_have_text("Welcome, Ada Okafor")
    page.get_by_role("button", name="Make my passkey").click()
    page.wait_for_url("**/sign-in?from=invite")
    expect(page.get_by_text("Your passkey is ready")).to_be_visible()
    sign_in(page)
    page.goto(f"{site.url}/passkeys")
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_text("You are signed out.")).to_be_visible()
    page.goto(f"{site.url}/passkeys")
    expect(page).to_have_url(f"{site.url}/sign-in?next=%2Fpasskeys")
    press_sign_in(page)
    expect(page).to_have_url(f"{site.url}/passkeys")


def test_by_keyboard_alone(page: Page, site):
    page.goto(f"{site.url}/invite/{site.invite()}")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    page.wait_for_url("**/sign-in?from=invite")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading")).to_have_text("Console of Ada Okafor")


def test_a_link_works_once(page: Page, site):
    token = site.invite()
    page.goto(f"{site.url}/invite/{token}")
    page.get_by_role("button", name="Make my passkey").click()
    page.wait_for_url("**/sign-in?from=invite")
    answer = page.goto(f"{site.url}/invite/{token}")
    assert answer is not None
    assert answer.status == 410
    expect(page.get_by_text("was used before or is too old")).to_be_visible()


def test_a_link_that_ends_while_the_page_is_open(page: Page, site):
    page.goto(f"{site.url}/invite/{site.invite()}")
    site.clock.ahead_s = people.INVITE_TTL_S
    page.get_by_role("button", name="Make my passkey").click()
    expect(page.get_by_role("status")).to_contain_text("was used before or is too old")


@pytest.mark.parametrize("authenticator", [{"verified": False}], indirect=True)
def test_a_person_who_was_not_verified_is_refused(page: Page, site, authenticator):
    page.goto(f"{site.url}/invite/{site.invite()}")
    page.get_by_role("button", name="Make my passkey").click()
    expect(page.get_by_role("status")).to_contain_text("You can try again", timeout=60_000)


def test_an_unknown_passkey_is_refused(page: Page, site):
    register(page, site)
    with site.store.transact() as tx:
        person = people.people(tx)[0]
        people.invite_again(tx, person.id, site.clock.now(), site.clock)
    press_sign_in(page)
    expect(page.get_by_role("status")).to_contain_text("We could not use that passkey")


def test_a_server_that_is_gone(page: Page, site):
    register(page, site)
    page.route("**/sign-in/begin", lambda route: route.abort())
    press_sign_in(page)
    expect(page.get_by_role("status")).to_contain_text("could not reach the server")


def test_a_second_passkey_and_removing_the_first(page: Page, site, authenticator):
    register(page, site)
    sign_in(page)
    page.goto(f"{site.url}/passkeys")
    expect(page.get_by_role("button", name="Remove it")).to_have_count(0)
    page.get_by_role("button", name="Add a passkey").click()
    expect(page.get_by_role("status")).to_contain_text("has a passkey for you already")
    authenticator.exchange()
    page.get_by_role("button", name="Add a passkey").click()
    expect(page.get_by_role("button", name="Remove it")).to_have_count(2)
    page.get_by_role("button", name="Remove it").nth(1).click()
    expect(page.get_by_role("button", name="Remove it")).to_have_count(0)


def test_another_origin_is_refused_by_browser_and_server(page: Page, site):
    """127.0.0.1 is not localhost: the browser refuses the domain, the server the origin."""
    page.goto(f"{site.other_url}/sign-in")
    press_sign_in(page)
    expect(page.get_by_role("status")).to_contain_text("out of date")


def test_the_cookie_is_out_of_reach_of_scripts(page: Page, site):
    register(page, site)
    sign_in(page)
    assert "tallystick" not in page.evaluate("document.cookie")
    cookie = next(c for c in page.context.cookies() if c["name"] == "tallystick-session")
    assert cookie["httpOnly"]
    assert cookie["sameSite"] == "Strict"


PAGES = ["/invite/{token}", "/sign-in?from=out", "/invite/none"]


@pytest.mark.parametrize("path", PAGES)
def test_pages_obey_their_own_policy(page: Page, site, path: str):
    complaints: list[str] = []
    page.on("console", lambda message: complaints.append(message.text))
    page.goto(site.url + path.format(token=site.invite()))
    page.locator("h1").wait_for()
    assert [text for text in complaints if "Content Security" in text] == []


@pytest.mark.parametrize("path", PAGES)
@pytest.mark.parametrize("width", [1100, 320])
def test_axe_finds_nothing(page: Page, site, path: str, width: int):
    page.set_viewport_size({"width": width, "height": 800})
    page.goto(site.url + path.format(token=site.invite()))
    assert violations(page) == []
    assert page.evaluate("document.documentElement.scrollWidth") <= width
