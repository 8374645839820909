"""How long a warning stands before one can go on from it: the eyes' time, and the ears' time too.

A slow reader has words / 175 minutes, as the server says it. Where the page is read aloud, the way
forward also waits for the end of that utterance: the machine made the sound, so it knows how long
it is. Stop never waits (Decision 10).
"""

from __future__ import annotations

from typing import Final

from tallystick.core.clock import Clock
from tallystick.edge.stage import Stage
from tallystick.edge.view import Screen, place

READING_PERCENT: Final = 100
"""How much of a slow reader's time must pass before a warning can be left forward."""
FORCED: Final = frozenset({Screen.CARE, Screen.WARNING})
"""The pages that must be read: the desk's own warning, and the law's."""
VOICE_S_MAX: Final = 12
"""How long a listener's page waits for its voice to be made; then it stands no longer for it."""
UTTERANCE_S_MAX: Final = 600


class Reading:
    """The page that must be read, and since when."""

    def __init__(self, stage: Stage, clock: Clock, percent: int = READING_PERCENT) -> None:
        self._stage, self._clock, self._percent = stage, clock, percent
        self.clear()

    def clear(self) -> None:
        """Forget the page."""
        self._place, self._needs_s = "", 0.0
        self._since = self._listening_since = self._clock.monotonic_s()
        self._heard_at: float | None = None
        self.speaks_until = self._since

    def begin(self, where: str, wait_ms: int) -> bool:
        """Take in that a page that must be read comes up; return whether it stands for a while.

        It stands at least so many milliseconds.
        """
        self._since = self._listening_since = self._clock.monotonic_s()
        self._place, self._needs_s, self._heard_at = where, wait_ms / 1_000, None
        return bool(self._percent and (wait_ms or self._stage.view.listening))

    def listens(self) -> None:
        """Somebody begins to listen: the page waits for its voice from now."""
        self._listening_since = self._clock.monotonic_s()

    def spoken(self, where: str, seconds: float) -> None:
        """The voice begins to read a page, and will take so many seconds; counted once a page."""
        end = self._clock.monotonic_s() + min(seconds, UTTERANCE_S_MAX)
        if where == place(self._stage.view):
            self.speaks_until = end
            if where == self._place and self._heard_at is None:
                self._heard_at = end
        self.refresh()

    def left_s(self) -> float:
        """Return how long the page on the screen must still stand, in seconds."""
        view = self._stage.view
        if view.screen not in FORCED:
            return 0.0
        now, share = self._clock.monotonic_s(), self._percent / 100
        left = [self._since + self._needs_s * share - now]
        if self._heard_at is not None:
            left.append(self._heard_at - now if share else 0.0)
        elif view.listening:
            left.append(self._listening_since + VOICE_S_MAX * share - now)
        return max(*left, 0.0)

    def refresh(self) -> None:
        """Let the way forward wake or sleep; nothing on the screen counts."""
        view = self._stage.view
        if view.screen is Screen.WARNING and self._place != place(view):
            self.begin(place(view), 0)
        self._stage.show(asleep=self.left_s() > 0)
