"""The one view that every page draws, and those who wait for the next one."""

from __future__ import annotations

import dataclasses
import threading
from typing import Any

from tallystick.edge.view import VOLUME, Say, Screen, View

FRESH = View(version=0, screen=Screen.START)
KEPT = ("version", "offer", "server_lost", "demo", "currency", "private")
"""What stays on the screen when a visit ends; everything else is the next visitor's."""


class Stage:
    """Holds the view. Changes come from one thread at a time: the engine's lock sees to it."""

    def __init__(self, demo: bool, volume: int = VOLUME) -> None:
        self.volume = volume
        self._view = dataclasses.replace(FRESH, demo=demo, screen=Screen.CLOSED, volume=volume)
        self._newer = threading.Condition()

    @property
    def view(self) -> View:
        """Return what is on the screen."""
        return self._view

    def show(self, **changes: Any) -> None:
        """Change the screen, if anything differs; the version grows by one."""
        changed = dataclasses.replace(self._view, **changes)
        if changed == self._view:
            return
        with self._newer:
            self._view = dataclasses.replace(changed, version=self._view.version + 1)
            self._newer.notify_all()

    def go(self, screen: Screen, say: Say | None = None, **changes: Any) -> None:
        """Put up another page, without the former page's message."""
        self.show(screen=screen, say=say, still_there=False, closes_at=None, **changes)

    def say(self, key: str, kind: str, **values: int) -> None:
        """Put up a small message. Values are minor units and end with ``minor``."""
        given = tuple((name, str(value)) for name, value in values.items())
        self.show(say=Say(key, kind, given))

    def clear(self, screen: Screen) -> None:
        """Forget the visit and put up the first page."""
        kept = {name: getattr(self._view, name) for name in KEPT if name != "version"}
        fresh = {
            field.name: getattr(FRESH, field.name)
            for field in dataclasses.fields(View)
            if field.name not in ("version", "screen")
        }
        ears = {"volume": self.volume, "listening": self._view.private}
        self.show(**{**fresh, **kept, **ears, "screen": screen})

    def wait(self, version: int, timeout_s: float) -> View:
        """Return once the view is newer than ``version``, or after the time."""
        with self._newer:
            self._newer.wait_for(lambda: self._view.version > version, timeout_s)
            return self._view
