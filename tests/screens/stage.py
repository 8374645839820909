"""A stage for the pages: an engine that only holds a view, and a real server on loopback."""

from __future__ import annotations

import dataclasses
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import uvicorn
from starlette.applications import Starlette

from screens.gallery import ADDRESS, HAVE, PAID, WARNING, bought
from tallystick.core.clock import SystemClock
from tallystick.devices import sample_pictures
from tallystick.edge.screen.app import create_app
from tallystick.edge.view import Screen, Touch, View

NEXT = {
    (Screen.START, Touch.START): Screen.LANGUAGE,
    (Screen.START, Touch.SCAM): Screen.SCAM,
    (Screen.SCAM, Touch.BACK): Screen.START,
    (Screen.LANGUAGE, Touch.LANGUAGE): Screen.COST,
    (Screen.COST, Touch.ACCEPT_COST): Screen.WARNING,
    (Screen.WARNING, Touch.ACKNOWLEDGE): Screen.SCAN,
    (Screen.SCAN, Touch.TYPE_ADDRESS): Screen.ADDRESS,
    (Screen.ADDRESS, Touch.ADDRESS_YES): Screen.CASH,
    (Screen.CASH, Touch.NO_MORE): Screen.REVIEW,
    (Screen.REVIEW, Touch.SEND): Screen.SENDING,
    (Screen.SENDING, Touch.RECEIPT): Screen.RECEIPT,
    (Screen.RECEIPT, Touch.DONE): Screen.START,
}
"""A straight walk through a visit: enough to show that each page's own buttons lead on."""


class HeldEngine:
    """Holds a view, tells waiters of a newer one, and remembers each touch."""

    def __init__(self, view: View) -> None:
        self._view = view
        self._newer = threading.Condition()
        self.touched: list[tuple[Touch, dict[str, Any]]] = []
        self.read_aloud: list[tuple[str, float]] = []
        self._let_go = threading.Event()
        self._let_go.set()

    def view(self) -> View:
        """Return the view."""
        return self._view

    def show(self, view: View) -> None:
        """Put up another view, one version on."""
        with self._newer:
            self._view = dataclasses.replace(view, version=self._view.version + 1)
            self._newer.notify_all()

    def change(self, **changes: Any) -> None:
        """Change a part of the view."""
        self.show(dataclasses.replace(self._view, **changes))

    def wait(self, version: int, timeout_s: float) -> View:
        """Return once the view differs, or after the time."""
        with self._newer:
            self._newer.wait_for(lambda: self._view.version != version, timeout_s)
            return self._view

    @contextmanager
    def holding_back(self) -> Iterator[None]:
        """Hold back each digit 1 that is touched, until this ends."""
        self._let_go.clear()
        try:
            yield
        finally:
            self._let_go.set()

    def picture(self) -> bytes | None:
        """Return the sample of what is on the page."""
        samples = {Screen.COPY: sample_pictures.card, Screen.PHOTO: sample_pictures.figure}
        sample = samples.get(self._view.screen)
        return sample() if sample and self._view.pictured else None

    def spoken(self, where: str, seconds: float) -> None:
        """Remember what the voice reads, and for how long."""
        self.read_aloud.append((where, seconds))

    def touch(self, touch: Touch, **fields: Any) -> None:
        """Remember the touch and take the straight walk; a digit 1 waits while it is held back."""
        if fields.get("digit") == "1":
            self._let_go.wait(30)
        self.touched.append((touch, fields))
        view = self._view
        if touch is Touch.TEXT:
            self.change(text_percent={100: 150, 150: 200}.get(view.text_percent, 100))
        elif touch in (Touch.LISTEN, Touch.HUSH):
            self.change(listening=touch is Touch.LISTEN)
        elif touch in (Touch.LOUDER, Touch.QUIETER):
            self.change(volume=view.volume + (10 if touch is Touch.LOUDER else -10))
        elif touch is Touch.THEME:
            self.change(theme=fields["theme"])
        elif touch is Touch.CHOOSE_LANGUAGE:
            self.change(screen=Screen.LANGUAGE)
        elif touch is Touch.STOP:
            self.change(screen=Screen.STOPPED)
        elif to := NEXT.get((view.screen, touch)):
            self._walk(to, fields)

    def _walk(self, to: Screen, fields: dict[str, Any]) -> None:
        given: dict[str, Any] = {"language": fields.get("language", self._view.language)}
        if to is Screen.WARNING:
            given["warning"] = WARNING
        if to in (Screen.ADDRESS, Screen.CASH):
            given |= {"address": ADDRESS, "quote": HAVE.quote, "reference": HAVE.reference}
        if to is Screen.CASH:
            sums = ("notes", "cash_minor", "fee_minor", "worth_minor", "sats", "left_minor")
            given |= {name: getattr(PAID, name) for name in sums}
        if to in (Screen.SENDING, Screen.RECEIPT):
            given["purchase"] = bought(1)
        self.change(screen=to, **given)


class HeldHardware:
    """Remembers what the drawer's hands did."""

    def __init__(self) -> None:
        self.done: list[str] = []
        self.paper = ""

    def insert(self, minor: int) -> None:
        """Remember a note."""
        self.done.append(f"insert {minor}")

    def insert_bad(self) -> None:
        """Remember a torn note."""
        self.done.append("insert_bad")

    def jam(self) -> None:
        """Remember a jam."""
        self.done.append("jam")

    def clear(self) -> None:
        """Remember its end."""
        self.done.append("clear")

    def power_cycle(self) -> None:
        """Remember a power cut."""
        self.done.append("power_cycle")

    def plug_in(self) -> None:
        """Remember headphones."""
        self.done.append("plug_in")

    def pull_out(self) -> None:
        """Remember their end."""
        self.done.append("pull_out")

    def present(self, text: str) -> None:
        """Remember a code."""
        self.done.append(f"present {text}")

    def fresh_address(self) -> str:
        """Return the sample's address."""
        return ADDRESS

    def last_print(self) -> str:
        """Return the paper."""
        return self.paper

    def state(self) -> dict[str, Any]:
        """Return a quiet machine."""
        return {"box_notes": 5, "box_minor": 8_000, "jammed": False, "link": "up"}


@contextmanager
def served(app: Starlette) -> Iterator[str]:
    """Serve an app on a free loopback port; yield its address."""
    listener = socket.create_server(("127.0.0.1", 0))
    config = uvicorn.Config(app, log_level="warning", lifespan="off", timeout_graceful_shutdown=3)
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        app.state.hang_up()
        server.should_exit = True
        thread.join(5)
        listener.close()


def app_for(
    view: View, hardware: HeldHardware | None = None, screen_mm: int = 0
) -> tuple[HeldEngine, Starlette]:
    """Return a held engine and the pages over it."""
    engine = HeldEngine(view)
    return engine, create_app(engine, SystemClock(), hardware, screen_mm=screen_mm)
