import datetime as dt
import socket
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import uvicorn
from fastapi import Depends, FastAPI
from playwright.sync_api import Browser, BrowserContext, Page
from starlette.responses import HTMLResponse
from starlette.staticfiles import StaticFiles

import databases
from tallystick import look
from tallystick.core.clock import SystemClock
from tallystick.core.identity import people
from tallystick.core.identity.passkeys import Party
from tallystick.core.identity.people import Person, Role
from tallystick.core.store import Store
from tallystick.web import signin
from tallystick.web.door import Door

LOOK = look.FOLDER


class ShiftingClock(SystemClock):
    """The machine's clock, moved forward by the tests that wait."""

    def __init__(self) -> None:
        self.ahead_s = 0.0

    def now(self) -> dt.datetime:
        return super().now() + dt.timedelta(seconds=self.ahead_s)

    def monotonic_s(self) -> float:
        return super().monotonic_s() + self.ahead_s


@dataclass
class Site:
    """A running console with nothing in it but its door."""

    url: str
    other_url: str
    store: Store
    clock: ShiftingClock
    door: Door

    def invite(self, name: str = "Ada Okafor", role: Role = Role.ADMIN) -> str:
        with self.store.transact() as tx:
            return people.invite(tx, name, role, self.clock.now(), self.clock)


def application(door: Door, look: Path = LOOK) -> FastAPI:
    app = FastAPI()
    signin.install(app, door)
    if look.is_dir():
        app.mount("/look", StaticFiles(directory=look))

    @app.get("/")
    def home(person: Person = Depends(signin.require_person)) -> HTMLResponse:
        return HTMLResponse(f"<h1>Console of {person.name}</h1><a href='/passkeys'>keys</a>")

    @app.get("/admins")
    def admins(person: Person = Depends(signin.allow(Role.ADMIN))) -> HTMLResponse:
        return HTMLResponse("<h1>Admins</h1>")

    @app.post("/change")
    def change(person: Person = Depends(signin.allow_form(Role.ADMIN))) -> HTMLResponse:
        return HTMLResponse("<h1>Changed</h1>")

    return app


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    store, clock = databases.opened(f"sqlite:///{tmp_path}/door.db"), ShiftingClock()
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    port = listener.getsockname()[1]
    url = f"http://localhost:{port}"
    door = Door(store, clock, Party("localhost", "Tallystick", (url,)))
    config = uvicorn.Config(application(door), log_level="warning", lifespan="off")
    server = uvicorn.Server(config)
    running = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
    running.start()
    while not server.started:
        time.sleep(0.01)
    yield Site(url, f"http://127.0.0.1:{port}", store, clock, door)
    server.should_exit = True
    running.join(timeout=10)
    listener.close()
    store.close()


@pytest.fixture
def context(chromium: Browser) -> Iterator[BrowserContext]:
    made = chromium.new_context(viewport={"width": 1100, "height": 800})
    yield made
    made.close()


@pytest.fixture
def page(context: BrowserContext) -> Page:
    opened = context.new_page()
    opened.set_default_timeout(15_000)
    return opened


@pytest.fixture
def authenticator(page: Page, request) -> "Authenticator":
    return Authenticator(page, **getattr(request, "param", {}))


class Authenticator:
    """Chromium's own virtual authenticator, plugged into a page."""

    def __init__(self, page: Page, verified: bool = True) -> None:
        self._devtools = page.context.new_cdp_session(page)
        self._devtools.send("WebAuthn.enable")
        options = {
            "protocol": "ctap2",
            "transport": "internal",
            "hasResidentKey": True,
            "hasUserVerification": True,
            "isUserVerified": verified,
            "automaticPresenceSimulation": True,
        }
        self._plug(options)

    def _plug(self, options: dict) -> None:
        self._options = options
        made = self._devtools.send("WebAuthn.addVirtualAuthenticator", {"options": options})
        self._named = {"authenticatorId": made["authenticatorId"]}

    def exchange(self) -> None:
        """Take it out and plug an empty one in: another device."""
        self._devtools.send("WebAuthn.removeVirtualAuthenticator", self._named)
        self._plug(self._options)
