"""Who listens instead of reading: when the machine speaks, how loud, and what only headphones hear.

Speech begins when headphones go in or the hash key asks for it, and ends when they come out. What
a customer types, and the questions about a scam, are spoken in headphones alone. At the end of a
visit the loudness is the set one again, and so it is when the sound comes back to the loudspeaker
(Decision 10).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tallystick.edge.stage import Stage
from tallystick.edge.view import VOLUME_MAX, Touch

VOLUME_STEP, VOLUME_MIN = 10, 10
"""Percent; the quietest can still be heard, or nobody would find the way back."""


class Listening:
    """The ears of one visit; ``begun`` is called when somebody begins to listen."""

    def __init__(self, stage: Stage, begun: Callable[[], None]) -> None:
        self._stage, self._begun = stage, begun

    def acts(self) -> dict[Touch, Callable[[dict[str, Any]], None]]:
        """Return what each touch of a listener does."""
        return {
            Touch.LISTEN: lambda _: self._listen(),
            Touch.HUSH: lambda _: self._stage.show(listening=False),
            Touch.LOUDER: lambda _: self._louder(VOLUME_STEP),
            Touch.QUIETER: lambda _: self._louder(-VOLUME_STEP),
        }

    def _listen(self) -> None:
        self._begun()
        self._stage.show(listening=True)

    def _louder(self, step: int) -> None:
        volume = self._stage.view.volume + step
        self._stage.show(volume=min(max(volume, VOLUME_MIN), VOLUME_MAX))

    def jack(self, inserted: bool) -> bool:
        """Take in whether headphones are in; return whether that changed."""
        if inserted == self._stage.view.private:
            return False
        if inserted:
            self._begun()
        self._stage.show(private=inserted, listening=inserted, volume=self._stage.volume)
        return True
