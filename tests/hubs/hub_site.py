"""The hubs console over a scene, served on loopback; who signs in, and how a browser is let in."""

from __future__ import annotations

from typing import Any

import httpx
from case_scene import Scene
from playwright.sync_api import Browser, BrowserContext, Page

import serving
from tallystick.core.identity import people, sessions
from tallystick.core.identity.passkeys import Party
from tallystick.core.identity.tables import PASSKEYS
from tallystick.web.door import Door
from tallystick.web.hubs.app import create_app


class Site:
    """One scene behind its console."""

    def __init__(self, scene: Scene) -> None:
        self.scene = scene
        party = Party("localhost", "Tallystick", ("http://localhost",))
        self.door = Door(scene.store, scene.clock, party)
        self.app = create_app(scene.store, scene.desk, self.door)
        client = serving.serve(self.app)
        self.url = f"http://localhost:{client.base_url.port}"
        object.__setattr__(self.door, "party", Party("localhost", "Tallystick", (self.url,)))

    def session(self, who: str) -> str:
        """Sign somebody of the staff in, without a passkey's ceremony."""
        return self.session_of(self.scene.staff[who])

    def session_of(self, person: str) -> str:
        clock, key = self.scene.clock, f"key-{person}"
        with self.scene.store.transact() as tx:
            if tx.execute(PASSKEYS.select().where(PASSKEYS.c.id == key)).first() is None:
                row = {"person": person, "public_key": "", "sign_count": 0, "label": "a key"}
                tx.execute(PASSKEYS.insert().values(id=key, made_at=clock.now(), **row))
            return sessions.start(tx, person, key, clock.now(), clock)

    def link(self, who: str) -> str:
        """A one-time link with which somebody makes a passkey."""
        clock = self.scene.clock
        with self.scene.store.transact() as tx:
            given = (tx, self.scene.staff[who], clock.now(), clock)
            return f"{self.url}/invite/{people.invite_again(*given, lost=False)}"

    def client(self, token: str) -> httpx.Client:
        cookies = {self.door.cookie("session"): token}
        headers = {"Accept": "text/html", "Origin": self.url}
        more: Any = {"cookies": cookies, "headers": headers, "verify": serving.NO_TLS}
        return httpx.Client(base_url=self.url, timeout=20, **more)

    def word(self, token: str) -> str:
        return sessions.csrf_of(token)

    def context(self, chromium: Browser, who: str, width: int = 1280, theme: str = "light") -> Any:
        made: BrowserContext = chromium.new_context(
            viewport={"width": width, "height": 900}, reduced_motion="reduce"
        )
        cookie = self.door.cookie
        made.add_cookies(
            [
                {"name": cookie("session"), "value": self.session(who), "url": self.url},
                {"name": cookie("theme"), "value": theme, "url": self.url},
            ]
        )
        return made


def plug_in(page: Page) -> None:
    """Give a page Chromium's own virtual authenticator, whose owner is always there."""
    devtools = page.context.new_cdp_session(page)
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
