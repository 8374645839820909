"""The reserve in a real Chromium: proposed, refused, approved by passkey, signed, proved."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import uvicorn
from playwright.sync_api import Browser, BrowserContext, Page, expect

import databases
from accessibility import violations
from office_scene import DAY_S, FORFEIT, GIFT, THEIRS, Scene, prove, published
from tallystick.core import approvals
from tallystick.core.approvals.errors import NotApproved
from tallystick.core.identity import people
from tallystick.core.identity.passkeys import Party
from tallystick.reserve import agree, charter, codes, lots, move, queries, watch
from tallystick.reserve.model import State
from tallystick.web.door import Door
from tallystick.web.reserve.console import create_console
from tallystick.web.reserve.public import create_public

pytestmark = pytest.mark.browser
WIDTHS = (1280, 390)
CONSOLE = (
    "",
    "movements",
    "lots",
    "vaults",
    "alarms",
    "law",
    "propose",
    "movement",
    "refused",
    "approvals",
    "origin",
)


class Site:
    """Console and public page of a scene, each on a port of its own."""

    def __init__(self, scene: Scene, log: Path) -> None:
        self.scene, self.log = scene, log
        self._running: list[tuple[uvicorn.Server, threading.Thread, socket.socket]] = []
        listener = self._listener()
        self.url = f"http://localhost:{listener.getsockname()[1]}"
        party = Party("localhost", "Tallystick", (self.url,))
        self.door = Door(scene.store, scene.clock, party)
        self._serve(create_console(scene.office, self.door), listener)
        listener = self._listener()
        self.public = f"http://127.0.0.1:{listener.getsockname()[1]}"
        self._serve(create_public(scene.store, scene.clock, log, self.public), listener)

    def restart(self) -> None:
        """Stop the console, and serve it anew where it was: nothing in memory is left."""
        self.stop()
        listener = self._listener(int(self.url.rpartition(":")[2]))
        self._running = []
        self._serve(create_console(self.scene.office, self.door), listener)

    def _listener(self, port: int = 0) -> socket.socket:
        listener = socket.socket()
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(("127.0.0.1", port))
        return listener

    def _serve(self, app: Any, listener: socket.socket) -> None:
        server = uvicorn.Server(uvicorn.Config(app, log_level="error", lifespan="off"))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
        thread.start()
        while not server.started:
            time.sleep(0.01)
        self._running.append((server, thread, listener))

    def invite(self, name: str) -> str:
        scene = self.scene
        with scene.store.transact() as tx:
            token = people.invite_again(
                tx, scene.people[name], scene.clock.now(), scene.clock, lost=False
            )
        return f"{self.url}/invite/{token}"

    def stop(self) -> None:
        for server, thread, listener in self._running:
            server.should_exit = True
            thread.join(10)
            listener.close()


class Official:
    """One official at a browser of their own, with a passkey in it."""

    def __init__(self, browser: Browser, site: Site, name: str, width: int = 1280) -> None:
        self.site, self.name = site, name
        self.context: BrowserContext = browser.new_context(viewport={"width": width, "height": 900})
        self.page: Page = self.context.new_page()
        self.page.set_default_timeout(20_000)
        devtools = self.context.new_cdp_session(self.page)
        devtools.send("WebAuthn.enable")
        options = {
            "protocol": "ctap2",
            "transport": "internal",
            "hasResidentKey": True,
            "hasUserVerification": True,
            "isUserVerified": True,
            "automaticPresenceSimulation": True,
        }
        devtools.send("WebAuthn.addVirtualAuthenticator", {"options": options})
        self.page.goto(site.invite(name))
        self.page.get_by_role("button", name="Make my passkey").click()
        self.page.wait_for_url("**/sign-in?from=invite")
        self.enter()

    def enter(self) -> None:
        self.page.goto(f"{self.site.url}/sign-in")
        self.page.get_by_role("button", name="Sign in with my passkey").click()
        expect(self.page.get_by_role("heading", level=1)).to_contain_text("BTC")

    def open(self, path: str) -> Page:
        self.page.goto(f"{self.site.url}{path}")
        return self.page


@pytest.fixture
def site(make_scene: Any, tmp_path: Path) -> Iterator[Site]:
    made = Site(make_scene(), tmp_path / "log")
    yield made
    made.stop()


def propose(page: Page, act: str, amount: str = "", lot: str = "", order: str = "") -> None:
    page.get_by_label("What is to be done").select_option(act)
    if amount:
        page.get_by_label("To which address").fill(THEIRS)
        page.get_by_label("How much, in BTC").fill(amount)
    if lot:
        page.get_by_label("which lot").select_option(lot)
        page.get_by_label("final order").fill(order)
    page.get_by_label("Why, for the public notice").fill("as the order says")
    page.get_by_role("button", name="See what will be published").click()
    expect(page.locator("#published")).to_contain_text("as the order says")
    page.get_by_role("button", name="Ask the law and propose").click()
    page.wait_for_url("**/movements/*")


def test_the_whole_scene_in_a_browser(chromium: Browser, site: Site) -> None:
    """Unlawful refused with its provision; lawful approved, signed, mined, proved, published."""
    scene = site.scene
    scene.deposit(500_000_000, FORFEIT)
    with scene.store.read() as tx:
        lot = lots.lots(tx)[0].id
    maker = Official(chromium, site, "maker")
    propose(maker.open("/propose"), "sale", "1.5")
    expect(maker.page.locator("main")).to_contain_text("Refused by law")
    expect(maker.page.locator("main")).to_contain_text("Demonstration Code § 9-101")
    propose(maker.open("/propose"), "release", "1.5", lot, "court order 7")
    path = "/movements/" + maker.page.url.rpartition("/")[2]
    expect(maker.page.locator("main")).to_contain_text("You proposed it")
    expect(maker.page.locator("#what")).to_contain_text(THEIRS)
    with scene.store.read() as tx:
        made = queries.movements(tx, (State.PROPOSED,))[0]
    expect(maker.page.locator("#digest")).to_have_text(made.digest)
    for name in ("treasurer", "auditor"):
        official = Official(chromium, site, name)
        official.open(path).get_by_role("button", name="Approve as").click()
        expect(official.page.locator("#approve")).to_have_count(0)
        official.context.close()
    with scene.store.read() as tx:
        from tallystick.reserve import approve

        evidence = approve.evidence_of(tx, queries.movement(tx, made.id))
    assert len(evidence) == 2 and all('"signature"' in one["evidence"] for one in evidence)
    maker.page.goto(site.public)
    expect(maker.page.locator("main")).to_contain_text("Public notice")
    scene.clock.advance(15 * DAY_S)
    maker.enter()
    maker.open(path).get_by_role("button", name="Let the key holders sign").click()
    for which in ("pay", "cancel"):
        plan = move.plan_of(scene.now(made), which)
        for one in scene.signers[:3]:
            page = maker.open(path)
            page.get_by_label("Which one").select_option(which)
            signed = one.sign(plan.psbt, one.show(plan.psbt)["digest"])
            page.get_by_label("Signed PSBT").fill(signed)
            page.get_by_role("button", name="Hand it in").click()
    maker.page.get_by_role("button", name="Combine, store and send").click()
    scene.run()
    scene.chain.mine()
    scene.run()
    expect(maker.open(path).locator("main")).to_contain_text("In a block, and in the books")
    prove(scene)
    folder = published(scene, site.log)
    scene.clock.advance(10)
    page = maker.open("/")
    page.goto(site.public)
    expect(page.locator("h1")).to_contain_text("bitcoin")
    expect(page.locator("#check")).to_contain_text("Proof published")
    expect(page.locator("#moves")).to_contain_text("Treasurer, Auditor; keys 1, 2, 3")
    expect(page.locator("#moves")).to_contain_text("Refused by law")
    from tallystick.core.tlog import reader
    from tallystick.core.tlog import verify as checks
    from tallystick.core.tlog.verify import Asked

    answer = page.request.get(f"{site.public}/log/checkpoint")
    assert answer.text() == (folder / "checkpoint").read_text()
    asked = Asked(settings={"chain": scene.chain.url})
    report = checks.verify(reader.open_source(str(folder)), asked, scene.clock.now())
    assert report.exit_code == 0 and any(line.name == "reserve" for line in report.proved)
    assert any("every event is published" in line.said for line in report.assumed)
    assert not any("older proofs" in line.said for line in report.assumed)
    maker.context.close()


def test_the_other_code_seems_to_approve_and_freezes(chromium: Browser, site: Site) -> None:
    scene = site.scene
    scene.deposit(5_000_000, FORFEIT)
    made = scene.propose("refresh")
    with scene.store.transact() as tx:
        codes.put(tx, scene.clock, scene.people["treasurer"], "my own code", "the other one")
    official = Official(chromium, site, "treasurer")
    page = official.open(f"/movements/{made.id}")
    page.get_by_label("Your own code").fill("the other one")
    page.get_by_role("button", name="Give your code").click()
    expect(page.locator("main")).to_contain_text("Recorded. It waits for the others.")
    with scene.store.read() as tx:
        from tallystick.reserve import approve

        assert charter.charter(tx).frozen
        assert approve.evidence_of(tx, queries.movement(tx, made.id)) == []
    site.restart()
    page.reload()
    for path in (f"/movements/{made.id}", "/", "/alarms"):
        official.open(path)
        expect(page.locator("body")).not_to_contain_text("Frozen since")
        expect(page.locator(".alerts")).to_have_count(0)
    official.open(f"/movements/{made.id}")
    expect(page.locator("main")).to_contain_text("Recorded. It waits for the others.")
    official.context.close()


def test_an_origin_and_a_thaw_are_approved_by_passkey(chromium: Browser, site: Site) -> None:
    """What waits is listed; who proposed it agrees to nothing; the delay holds; it is done once."""
    scene, who = site.scene, site.scene.people
    coin = scene.deposit(5_000_000, None)
    with scene.store.transact() as tx:
        made = lots.register(tx, scene.clock, coin, FORFEIT, who["treasurer"])
    assert made is not None
    treasurer, auditor = (Official(chromium, site, name) for name in ("treasurer", "auditor"))
    path = f"/approvals/{made.id}"
    expect(treasurer.open(path).locator("main")).to_contain_text("You proposed it")
    auditor.open("/approvals").get_by_role("link", name="Take in").click()
    expect(auditor.page.locator("#what")).to_contain_text("26-0118")
    expect(auditor.page.locator("#digest")).to_have_text(made.digest)
    auditor.page.get_by_role("button", name="Approve as Auditor").click()
    auditor.page.get_by_role("button", name="Make the lot").click()
    expect(auditor.page.locator("main")).to_contain_text("Done.")
    with scene.store.read() as tx:
        assert [one.sats for one in lots.lots(tx)] == [5_000_000]
        (given,) = approvals.status(tx, made.id, scene.clock.now()).counted
        assert '"signature"' in given.evidence
    with scene.store.transact() as tx:
        charter.freeze_by(tx, scene.clock, who["board"], "a doubt")
    board = Official(chromium, site, "board")
    board.open("/alarms").get_by_role("button", name="Propose to thaw it").click()
    board.page.wait_for_url("**/approvals/*")
    path = "/approvals/" + board.page.url.rpartition("/")[2]
    for one in (treasurer, auditor):
        one.open(path).get_by_role("button", name="Approve as").click()
        expect(one.page.locator("#approve")).to_have_count(0)
    expect(auditor.page.locator("main")).to_contain_text("The delay ends")
    expect(auditor.page.locator("#do")).to_have_count(0)
    with scene.store.transact() as tx, pytest.raises(NotApproved):
        agree.carry_out(tx, scene.clock, path.rpartition("/")[2], who["auditor"])
    scene.clock.advance(DAY_S + 60)
    auditor.enter()
    auditor.open(path).get_by_role("button", name="Thaw the reserve").click()
    expect(auditor.page.locator("main")).to_contain_text("Done.")
    with scene.store.read() as tx:
        assert not charter.charter(tx).frozen
    for one in (treasurer, auditor, board):
        one.context.close()


@pytest.fixture(scope="module")
def shown(
    tmp_path_factory: pytest.TempPathFactory, reserve_chain: Any, chromium: Browser
) -> Iterator[tuple[Site, Official, dict[str, str]]]:
    """A reserve with something on every page, looked at and not changed."""
    from reserve_scene import devices

    folder = tmp_path_factory.mktemp("shown")
    store = databases.opened(f"sqlite:///{folder}/s.sqlite")
    scene = Scene(folder, store, reserve_chain, devices(folder / "signers", 8, 700))
    scene.deposit(400_000_000, FORFEIT)
    scene.deposit(150_000_000, GIFT)
    named = {"refused": scene.propose("sale", 50_000_000).id}
    prove(scene)
    with store.read() as tx:
        lot = next(one.id for one in lots.lots(tx) if one.origin.kind == "forfeiture")
    named["movement"] = scene.propose("release", 50_000_000, orders=((lot, "court order 7"),)).id
    scene.clock.advance(101 * DAY_S)
    watch.look(scene.office)
    named["movement"] = scene.propose("release", 50_000_000, orders=((lot, "court order 7"),)).id
    coin = scene.deposit(70_000_000, None)
    with store.transact() as tx:
        origin = lots.register(tx, scene.clock, coin, GIFT, scene.people["maker"])
    assert origin is not None
    named["origin"] = origin.id
    made = Site(scene, published(scene, folder / "log"))
    official = Official(chromium, made, "treasurer")
    yield made, official, named
    official.context.close()
    made.stop()
    store.close()


def faults(page: Page) -> list[str]:
    return violations(page)


def small(page: Page) -> list[str]:
    found: list[str] = page.evaluate(
        """() => [...document.querySelectorAll("a, button, input:not([type=hidden]), select,"
        + " summary")].filter(e => { const b = e.getBoundingClientRect();
          const inline = e.matches("p a, td a, th a, dd a, .skip, li a:not(nav a)");
          return b.width && !inline && b.height < 44 }).map(e => e.outerHTML.slice(0, 90))"""
    )
    return found


def look_at(page: Page, url: str) -> None:
    complaints: list[str] = []
    page.on("console", lambda message: complaints.append(message.text))
    page.goto(url)
    assert faults(page) == []
    over = page.evaluate("document.documentElement.scrollWidth - innerWidth")
    assert over <= 0, f"{over} px stick out"
    assert small(page) == []
    assert [text for text in complaints if "Content Security" in text] == []


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("name", CONSOLE)
def test_no_page_of_the_console_has_a_fault(
    shown: tuple[Site, Official, dict[str, str]], name: str, width: int
) -> None:
    site, official, named = shown
    official.page.set_viewport_size({"width": width, "height": 900})
    path = f"movements/{named[name]}" if name in named else name
    path = f"approvals/{named[name]}" if name == "origin" else path
    look_at(official.page, f"{site.url}/{path}")


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("name", ["", "movements"])
def test_no_public_page_has_a_fault(
    shown: tuple[Site, Official, dict[str, str]], name: str, width: int
) -> None:
    site, official, _ = shown
    official.page.set_viewport_size({"width": width, "height": 900})
    look_at(official.page, f"{site.public}/{name}")


@pytest.mark.parametrize("width", WIDTHS)
def test_who_prefers_the_dark_gets_it_without_a_fault(
    shown: tuple[Site, Official, dict[str, str]], width: int
) -> None:
    site, official, named = shown
    page = official.page
    page.set_viewport_size({"width": width, "height": 900})
    page.emulate_media(color_scheme="dark")
    for url in (site.public, f"{site.url}/movements/{named['movement']}"):
        look_at(page, url)
        ground = page.evaluate("getComputedStyle(document.body).backgroundColor")
        assert ground == "rgb(14, 22, 27)"
    page.emulate_media(color_scheme="light")


def test_what_is_wrong_is_said_and_nothing_is_changed(
    shown: tuple[Site, Official, dict[str, str]],
) -> None:
    site, official, named = shown
    official.page.set_viewport_size({"width": 1280, "height": 900})
    page = official.open("/propose")
    page.get_by_label("What is to be done").select_option("sale")
    page.get_by_label("To which address").fill("bc1qnowhere")
    page.get_by_label("How much, in BTC").fill("1,5")
    page.get_by_label("Why, for the public notice").fill("a try")
    page.get_by_role("button", name="See what will be published").click()
    expect(page.get_by_role("alert")).to_contain_text("Nothing was proposed.")
    page = official.open(f"/movements/{named['movement']}")
    page.locator("#veto").get_by_label("Why").fill("only a test")
    assert official.open("/nowhere").locator("h1").inner_text() == "We could not do that"
    answer = official.page.request.post(f"{site.url}/freeze", form={"why": "from elsewhere"})
    assert answer.status == 403


def test_a_stranger_sees_no_page_of_the_console(
    shown: tuple[Site, Official, dict[str, str]], chromium: Browser
) -> None:
    site, _, named = shown
    context = chromium.new_context()
    page = context.new_page()
    for path in ("", "lots", f"movements/{named['movement']}", "propose"):
        page.goto(f"{site.url}/{path}")
        assert "/sign-in" in page.url
    context.close()
