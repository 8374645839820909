"""The hubs console in a real Chromium: one case stopped on the eve, one that goes through."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from case_scene import Scene
from hub_site import Site, plug_in
from playwright.sync_api import Browser, Page, expect

import serving
from accessibility import violations
from tallystick.core import approvals
from tallystick.core.identity import passkeys
from tallystick.core.identity.tables import PASSKEYS
from tallystick.hubs import sample, seed
from tallystick.hubs.model import State

pytestmark = pytest.mark.browser
TARGET_PX_MIN = 48


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    scene = Scene(tmp_path_factory.mktemp("browser"))
    scene.step(lambda tx: seed.plant(tx, scene.desk))
    made = Site(scene)
    yield made
    serving.stop_all()
    scene.store.close()


def faults(page: Page, *rules: str) -> list[str]:
    """What axe finds; by some rules only, where a page was asked by all of them before."""
    return violations(page, *rules)


def test_one_case_is_stopped_by_a_new_submission_and_one_goes_through(
    site: Site, chromium: Browser
) -> None:
    scene = site.scene
    stopped = scene.to_door()
    through = scene.to_review()
    scene.propose(through)
    scene.both(through)
    scene.place(through, 20)
    scene.notice(through)
    scene.wait(20)
    for one in (through, stopped):
        scene.complete(one)
    scene.eve(through)
    assert {scene.state(stopped), scene.state(through)} == {State.READY}

    with site.context(chromium, "lawyer") as context:
        page = context.new_page()
        page.goto(f"{site.url}/cases/{scene.case(stopped).reference}")
        expect(page.locator("#door")).to_have_count(0)
        page.locator("#kind").select_option("submissions_made")
        page.locator("#happened").press("Enter")
        page.get_by_label("What shows it").fill("Letter of today, page 1")
        page.get_by_label("When are the submissions expected").fill("2027-02-01")
        page.get_by_role("button", name="Record it").press("Enter")
        expect(page.locator("#last")).to_contain_text("What was under way is stopped.")
        expect(page.locator("#last")).to_contain_text("UK-04")
        expect(page.get_by_role("heading", level=1)).to_contain_text("Submissions")
        assert faults(page) == []
    assert scene.state(stopped) is State.SUBMISSIONS

    with site.context(chromium, "caseworker") as context:
        page = context.new_page()
        page.goto(f"{site.url}/cases/{scene.case(stopped).reference}")
        expect(page.locator("#door")).to_have_count(0)
        page.goto(f"{site.url}/cases/{scene.case(through).reference}")
        expect(page.locator("#answer")).to_contain_text("Every gate passes")
        page.locator("#door").press("Enter")
        expect(page.get_by_role("heading", level=1)).to_contain_text("Transferred")
        expect(page.locator(".history")).to_contain_text("every gate passed at the door")
        assert faults(page) == []
    assert scene.state(through) is State.TRANSFERRED
    scene.check(through)


def test_two_officials_approve_by_their_passkeys_over_the_same_digest(
    site: Site, chromium: Browser
) -> None:
    scene = site.scene
    one = scene.to_review()
    scene.propose(one)
    case = scene.case(one)
    for who in ("official", "independent"):
        with chromium.new_context() as context:
            page = context.new_page()
            plug_in(page)
            page.goto(site.link(who))
            page.get_by_role("button", name="Make my passkey").click()
            page.wait_for_url("**/sign-in?from=invite")
            page.get_by_role("button", name="Sign in with my passkey").click()
            page.get_by_role("link", name=case.reference).click()
            expect(page.locator("form[data-kind]")).to_contain_text(case.digest)
            expect(page.locator("#approve")).to_be_enabled()
            page.locator("#approve").press("Enter")
            said = "Still missing" if who == "official" else "officials"
            expect(page.locator("#next + .acts")).to_contain_text(said)
            expect(page.locator("#approve")).to_have_count(0)
    assert scene.state(one) is State.ELIGIBLE
    given = scene.read(lambda tx: approvals.status(tx, case.proposal, scene.clock.now())).counted
    digest = bytes.fromhex(case.digest)
    for approval in given:
        keys = scene.read(
            lambda tx, who=approval.person: tx.execute(
                PASSKEYS.select().where(PASSKEYS.c.person == who, PASSKEYS.c.public_key != "")
            ).all()
        )
        passkeys.recheck(site.door.party, keys[-1].public_key, approval.evidence, digest)
    assert len(given) == 2


PAGES = (
    "/",
    "/agreements",
    f"/agreements/{sample.HOST}",
    "/gates",
    "/open",
    "new",
    "facts",
    "fact",
    "/places",
    "eligible",
)


@pytest.mark.parametrize(("width", "theme"), [(390, "dark"), (320, "light")])
def test_axe_finds_nothing_and_each_target_is_large_enough(
    site: Site, chromium: Browser, width: int, theme: str
) -> None:
    reference = site.scene.case(site.scene.open()).reference
    waits = site.scene.to_review()
    site.scene.propose(waits)
    site.scene.both(waits)
    assert site.scene.state(waits) is State.ELIGIBLE
    inside = {
        "eligible": f"/cases/{site.scene.case(waits).reference}",
        "new": f"/cases/{reference}",
        "facts": f"/cases/{reference}/facts",
        "fact": f"/cases/{reference}/fact?name=destination.power",
    }
    rules = ("color-contrast",) if theme == "dark" else ()  # all that a theme changes
    with site.context(chromium, "caseworker", width, theme) as context:
        page = context.new_page()
        for name in PAGES:
            page.goto(site.url + inside.get(name, name))
            page.evaluate("document.querySelectorAll('details').forEach((one) => one.open = true)")
            assert faults(page, *rules) == [], name
            over = page.evaluate("document.documentElement.scrollWidth - innerWidth")
            assert over <= 0, f"{name}: {over} px stick out"
            assert page.locator(".scroll:has(.place)").count() == 0, "a place is read whole"
            assert small_targets(page) == [], name
            page.evaluate("document.documentElement.style.fontSize = '200%'")
            over = page.evaluate("document.documentElement.scrollWidth - innerWidth")
            assert over <= 0 or width == 320, f"{name}: {over} px stick out at 200 %"


def small_targets(page: Page) -> list[str]:
    found: list[str] = page.evaluate(
        """(least) => [...document.querySelectorAll("a, button, input, select, summary")]
        .filter((one) => one.checkVisibility() && one.type !== "hidden")
        .filter((one) => !one.classList.contains("skip") && one.type !== "radio")
        .map((one) => [one.outerHTML.slice(0, 90), one.getBoundingClientRect()])
        .filter(([_, box]) => box.height < least || box.width < least)
        .map(([text, box]) => `${text} ${box.width}x${box.height}`)""",
        TARGET_PX_MIN,
    )
    return found
