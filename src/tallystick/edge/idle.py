"""How long each page waits for a touch, and what becomes of silence.

A time-out asks by sight and sound, can be put off without end, and costs nobody money. Time in
which the voice speaks is no silence: who listens to a long page has not gone (Decision 10).
"""

from __future__ import annotations

import datetime as dt
from typing import Final

from tallystick.core.clock import Clock
from tallystick.edge.stage import Stage
from tallystick.edge.view import Screen

IDLE_S: Final = {
    Screen.START: 60,
    Screen.LANGUAGE: 60,
    Screen.HELP: 120,
    Screen.SCAM: 120,
    Screen.COST: 120,
    Screen.WARNING: 120,
    Screen.SCAN: 180,
    Screen.ADDRESS: 120,
    Screen.PHONE: 180,
    Screen.CODE: 240,
    Screen.DOCUMENT: 180,
    Screen.COPY: 180,
    Screen.MAIL: 300,
    Screen.PHOTO: 180,
    Screen.SOURCE: 120,
    Screen.CARE: 180,
    Screen.QUESTION: 180,
    Screen.WAITING: 180,
    Screen.SLIP: 240,
    Screen.STANDING: 180,
    Screen.CASH: 180,
    Screen.REVIEW: 180,
    Screen.SENDING: 120,
    Screen.RECEIPT: 120,
    Screen.STOPPED: 60,
    Screen.SAFE: 60,
}
"""Seconds without a touch before we ask whether anybody is still there."""
WARNED_S: Final = 60
"""Seconds to answer the question; WCAG 2.2 (2.2.1) asks for 20 at least."""
AFTER_VOICE_S: Final = 20
"""Seconds to answer that are left at least once the voice has asked."""
OVER: Final = frozenset({Screen.SENDING, Screen.RECEIPT, Screen.STOPPED, Screen.SAFE})
"""Pages on which no decision is left."""
BUYING: Final = frozenset({Screen.CASH, Screen.REVIEW})


class Silence:
    """The time since somebody did anything at the machine."""

    def __init__(self, stage: Stage, clock: Clock) -> None:
        self._stage, self._clock = stage, clock
        self._since = self._asked_at = clock.monotonic_s()

    def broken(self) -> None:
        """Take in that somebody is there: the question, if it is up, is answered."""
        self._since = self._clock.monotonic_s()
        self._stage.show(still_there=False, closes_at=None)

    def over(self, speaks_until: float) -> bool:
        """Ask when it is time; return True once the question stood its time unanswered.

        ``speaks_until``: when the voice ends, in seconds of the monotonic clock. The first page
        asks nothing: it only forgets what somebody set there.
        """
        view, now = self._stage.view, self._clock.monotonic_s()
        limit_s = IDLE_S.get(view.screen)
        if limit_s is None:
            return False
        if view.still_there:
            return now > max(self._asked_at + WARNED_S, speaks_until + AFTER_VOICE_S)
        if now - max(self._since, speaks_until) <= limit_s:
            return False
        if view.screen is Screen.START:
            self._since = now
            return True
        self._asked_at = now
        until = self._clock.now() + dt.timedelta(seconds=WARNED_S)
        self._stage.show(still_there=True, closes_at=until)
        return False
