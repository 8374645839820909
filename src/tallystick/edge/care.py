"""What comes between a customer and a scam at the screen: one warning, questions, the hold's page.

The server says the step and the words, never the reason. Each page says how to stop before it says
how to go on, and what was answered is sent as it was touched. Without the server's word no cash
goes in: the page waits and says so. With cash inside a customer may send; the server asks itself
at finish, and holds what was not asked (Decision 4).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from tallystick.core.clock import Clock
from tallystick.edge.outside import Outside
from tallystick.edge.reading import Reading
from tallystick.edge.stage import Stage
from tallystick.edge.view import Screen
from tallystick.kiosk import wire
from tallystick.kiosk.scams.policy import Step

PAGES: Final = frozenset({Screen.CARE, Screen.QUESTION, Screen.WAITING})
ANSWERS_MAX: Final = 16


class Care:
    """One visit's way through the pages of care; ``onward`` goes on to where it was going."""

    def __init__(
        self,
        stage: Stage,
        clock: Clock,
        out: Outside,
        onward: Callable[[Screen], None],
        refuse: Callable[[], None],
        reading: Reading,
    ) -> None:
        self._stage, self._clock, self._out = stage, clock, out
        self._onward, self._refuse = onward, refuse
        self._reading = reading
        self.clear()

    def clear(self) -> None:
        """Forget the visit."""
        self.asking = False
        self._to = Screen.CASH
        self._care = wire.Care(step=Step.NONE.word)
        self._shown: set[Screen] = set()
        self._waiting: list[wire.CareQuestion] = []
        self._answers: list[wire.CareAnswer] = []
        self._timings: dict[str, int] = {}
        self._since = 0.0

    def ask(self, purchase: str, to: Screen) -> None:
        """Ask the server before going on to ``to``; asked again while it waits, it waits."""
        if not self.asking:
            self.asking, self._to = True, to
            self._put(purchase, [])

    def _put(self, purchase: str, answers: list[wire.CareAnswer]) -> None:
        view = self._stage.view
        mode = "large-text" if view.text_percent > 100 else "screen"
        mode = "speech" if view.listening else mode
        message = wire.CareAsk(mode=mode, answers=answers, timings_ms=dict(self._timings))
        self._out.ask_care(purchase, message)

    def told(self, care: wire.Care | None) -> None:
        """Take in the server's word, or that there is none yet."""
        self.asking = False
        if care is None and self._to is Screen.REVIEW and self._stage.view.screen is Screen.CASH:
            self._onward(self._to)
        elif care is None:
            self._stage.say("kiosk.server_lost", "wait")
        elif care.step == Step.REFUSE.word:
            self._refuse()
        else:
            self._care, self._waiting = care, list(care.questions)
            self._answers = []
            self._next()

    def _next(self) -> None:
        """Put up the next page that this visit has not seen, or go on."""
        self._since = self._clock.monotonic_s()
        if self._care.warning and Screen.CARE not in self._shown:
            asleep = self._reading.begin(Screen.CARE.value, self._care.wait_ms)
            self._stage.go(Screen.CARE, care=self._care, asleep=asleep)
        elif self._waiting:
            self._stage.go(Screen.QUESTION, care=self._care, question=self._waiting[0])
        elif self._care.text and Screen.WAITING not in self._shown:
            self._stage.go(Screen.WAITING, care=self._care)
        else:
            self._onward(self._to)

    def proceed(self) -> None:
        """Go on from a page that was read."""
        screen = self._stage.view.screen
        if screen is Screen.CARE and self._reading.left_s() > 0:
            self._stage.say("kiosk.read_warning", "care")
        elif screen in (Screen.CARE, Screen.WAITING):
            self._timed(screen.value)
            self._shown.add(screen)
            self._next()

    def answer(self, purchase: str, option: str) -> None:
        """Take the answer to the question on the screen; what it does not offer does nothing."""
        asked = self._stage.view.question
        on = self._stage.view.screen is Screen.QUESTION and not self.asking
        if not on or asked is None or option not in {one.id for one in asked.options}:
            return
        self._timed(f"question-{asked.id}")
        self._answers = [*self._answers, wire.CareAnswer(question=asked.id, option=option)]
        self._waiting = [one for one in self._waiting if one.id != asked.id]
        if self._waiting:
            self._next()
        else:
            self.asking = True
            self._put(purchase, self._answers[:ANSWERS_MAX])

    def again(self, purchase: str) -> None:
        """Send the answers once more, after the server was not reached."""
        if self._stage.view.screen is Screen.QUESTION and not (self._waiting or self.asking):
            self.asking = True
            self._put(purchase, self._answers[:ANSWERS_MAX])

    def _timed(self, page: str) -> None:
        self._timings[page] = max(int((self._clock.monotonic_s() - self._since) * 1_000), 0)
