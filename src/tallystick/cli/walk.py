"""A customer walks through one purchase at the screen, by its own forms and real device bytes.

Nothing is read from the machine that a customer could not see: the page says which screen is up,
and each touch sends what that page's own form would.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

import httpx

from tallystick.core.clock import Clock
from tallystick.core.errors import TallystickError
from tallystick.devices import sample_pictures
from tallystick.devices.id003.control import Hands
from tallystick.edge.telephone import SAMPLE_LICENCE, TELEPHONE

STEP_S_MAX: Final = 30.0
OPEN_S_MAX: Final = 2.0
OVER: Final = ("sending", "receipt", "stopped", "safe")
CARE: Final = ("care", "question", "waiting")
HONEST: Final = ("nearest", "wallet", "nobody")
"""What somebody answers who came alone to buy for a wallet of their own."""
WHO: Final = ("phone", "texted", "document", "copy", "mail", "photo", "source")
MAIL: Final = "pat.sample@example.org"
BEFORE: Final = {"copy": "card", "photo": "figure"}
NUMBER: Final = "2025550142"
CODE: Final = re.compile(r"\b\d{6}\b")
LOOK_EVERY_S: Final = 0.01
SEEN: Final = re.compile(r'name="seen" value="(([a-z]+)\.[^"]*)"')
SCREEN: Final = re.compile(r'data-screen="([a-z]+)')


class NotReached(TallystickError):
    """The screen did not come to the page that was due; it says where it is instead."""

    code, money, say = 6303, "as the screen says", ""


class Walk:
    """One customer at one screen. ``refused`` lists the notes that came back, in minor units."""

    def __init__(
        self, screen: str, hands: Hands, clock: Clock, pocket: Path, open_s: float = OPEN_S_MAX
    ) -> None:
        self._http = httpx.Client(base_url=screen, timeout=10, trust_env=False)
        self._hands, self._clock, self._open_s = hands, clock, open_s
        self._pocket = pocket
        self.refused: list[int] = []
        self.shown, self._seen = "", ""

    def look(self) -> str:
        """Read the page and return the screen's name."""
        page = self._http.get("/").text
        seen, screen = SEEN.search(page), SCREEN.search(page)
        self._seen = seen[1] if seen else ""
        self.shown = screen[1] if screen else ""
        return self.shown

    def reach(self, *screens: str) -> None:
        """Wait for one of these pages; raise `NotReached`."""
        until = self._clock.monotonic_s() + STEP_S_MAX
        while self.look() not in screens:
            if self._clock.monotonic_s() > until:
                raise NotReached(f"{self.shown!r}, where {' or '.join(screens)} was due")
            self._clock.sleep(LOOK_EVERY_S)

    def touch(self, touch: str, **fields: str) -> None:
        """Send the page's form."""
        self.look()
        form = {"touch": touch, "seen": self._seen, **fields}
        answer = self._http.post("/touch", data=form)
        if answer.status_code != httpx.codes.SEE_OTHER:
            raise NotReached(f"{touch} was answered with {answer.status_code}")

    def to_cash(self, address: str) -> None:
        """Go from the first page to the one that takes cash."""
        self.reach("start", *OVER)
        if self.shown in OVER:
            self.touch("done")
            self.reach("start")
        self.touch("start")
        self.reach("language")
        self.touch("language", language="en")
        self.reach("cost")
        self.touch("accept_cost")
        self.reach("warning", "scan")
        while self.shown == "warning":
            self.touch("acknowledge", ack="yes")
            self.look()
        self.reach("scan")
        self._hands.present(address)
        self.reach("address")
        self.touch("address_yes")
        self.through_identity()
        self.through_care("cash")

    def through_identity(self) -> None:
        """Show what is asked: a number and its code, a card, where the money is from."""
        self.reach("cash", *CARE, *WHO)
        while self.shown in WHO:
            before = self.shown
            if before == "phone":
                self._type(NUMBER)
            elif before == "texted":
                self._type(self._code())
            elif before == "document":
                self._hands.present(SAMPLE_LICENCE)
            elif before == "mail":
                for letter in MAIL:
                    self.touch("letter", letter=letter)
                self.touch("enter")
            elif before in BEFORE:
                self._be_pictured(BEFORE[before])
            else:
                self.touch("source", source="wages")
            until = self._clock.monotonic_s() + STEP_S_MAX
            while self.look() == before:
                if self._clock.monotonic_s() > until:
                    raise NotReached(f"{before!r} did not go on")
                self._clock.sleep(LOOK_EVERY_S)
            self.reach("cash", *CARE, *WHO)

    def _be_pictured(self, sample: str) -> None:
        """Hold a sample before the machine's camera, have it taken, and agree to it."""
        sample_pictures.lay(self._pocket.parent / "camera", sample)
        self.touch("take")
        until = self._clock.monotonic_s() + STEP_S_MAX
        while 'value="use"' not in self._http.get("/").text:
            if self._clock.monotonic_s() > until:
                raise NotReached("no picture came on the screen")
            self._clock.sleep(LOOK_EVERY_S)
        self.touch("use")

    def _type(self, digits: str) -> None:
        for digit in digits:
            self.touch("digit", digit=digit)
        self.touch("enter")

    def _code(self) -> str:
        found = CODE.search((self._pocket / TELEPHONE).read_text("utf-8"))
        if found is None:
            raise NotReached("no code came to the telephone")
        return found.group()

    def through_care(self, to: str) -> None:
        """Read what comes between, answer as somebody whom nobody sent, and reach ``to``."""
        self.reach(to, *CARE)
        while self.shown in CARE:
            before = self._seen
            page = self._http.get("/").text
            honest = [word for word in HONEST if f'name="option" value="{word}"' in page]
            if self.shown == "question":
                self.touch("answer", option=honest[0])
            else:
                self.touch("proceed")
            until = self._clock.monotonic_s() + STEP_S_MAX
            while self.look() in CARE and self._seen == before:
                if self._clock.monotonic_s() > until:
                    raise NotReached(f"{self.shown!r} did not go on")
                self._clock.sleep(LOOK_EVERY_S)
            self.reach(to, *CARE)

    def insert(self, minor: int) -> None:
        """Put in one note, and wait until it is in the box or back."""
        before = len(self._hands.state()["box"])
        if not self._put_in(minor):
            self.refused.append(minor)
            return
        until = self._clock.monotonic_s() + STEP_S_MAX
        while self._clock.monotonic_s() < until:
            state = self._hands.state()
            if len(state["box"]) > before and not state["vend_unacked"]:
                return
            if len(state["box"]) == before and not state["inside_minor"]:
                self.refused.append(minor)
                return
            self.look()
            self._clock.sleep(LOOK_EVERY_S)
        raise NotReached(f"a note of {minor} is neither in the box nor back")

    def _put_in(self, minor: int) -> bool:
        """Push the note in as soon as the slot opens; False when it stays closed."""
        until = self._clock.monotonic_s() + self._open_s
        while self._hands.insert(minor) != "taken":
            if self._clock.monotonic_s() > until:
                return False
            self.look()
            self._clock.sleep(LOOK_EVERY_S)
        return True

    def send(self) -> None:
        """Say that there are no more notes, and send."""
        until = self._clock.monotonic_s() + STEP_S_MAX
        while self.look() == "cash" and self._clock.monotonic_s() < until:
            self.touch("no_more")
        self.through_care("review")
        self.touch("send")
        self.reach("sending", "receipt")

    def close(self) -> None:
        """Walk away with the receipt."""
        self.touch("done")
        self.hang_up()

    def hang_up(self) -> None:
        """Let go of the screen."""
        self._http.close()
