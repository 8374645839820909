"""The way to the cash: language, cost, the law's warnings; and the pages beside it.

Help, the scam page and the choice of a language are beside the way: one comes back from them to
where one was. No page here can take a note.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from tallystick.edge.outside import Outside
from tallystick.edge.reading import Reading
from tallystick.edge.stage import Stage
from tallystick.edge.view import Screen, Touch

TEXTS: Final = {100: 150, 150: 200, 200: 100}
BESIDE: Final = frozenset({Screen.HELP, Screen.SCAM, Screen.LANGUAGE})


class Way:
    """One visit's way through these pages; ``forget`` ends the visit on the first page."""

    def __init__(
        self, stage: Stage, out: Outside, reading: Reading, forget: Callable[[], None]
    ) -> None:
        self._stage, self._out = stage, out
        self._reading, self._forget = reading, forget
        self.clear()

    def clear(self) -> None:
        """Forget the visit."""
        self.acknowledged: list[str] = []
        self._back_to = Screen.START

    def acts(self) -> dict[Touch, Callable[[dict[str, Any]], None]]:
        """Return what each touch of these pages does."""
        show = self._stage.show
        return {
            Touch.START: lambda _: self._begin(),
            Touch.SCAM: lambda _: self._aside(Screen.SCAM),
            Touch.HELP: lambda _: self._aside(Screen.HELP),
            Touch.BACK: lambda _: self._back(),
            Touch.CHOOSE_LANGUAGE: lambda _: self._aside(Screen.LANGUAGE),
            Touch.LANGUAGE: self._language,
            Touch.TEXT: lambda _: show(text_percent=TEXTS[self._stage.view.text_percent]),
            Touch.THEME: lambda given: show(theme=given["theme"]),
            Touch.HIDE: lambda _: show(hide_sums=not self._stage.view.hide_sums),
            Touch.SHOW_ADDRESS: lambda _: show(show_address=not self._stage.view.show_address),
            Touch.ACCEPT_COST: lambda _: self._next_warning(Screen.COST),
            Touch.ACKNOWLEDGE: lambda _: self._acknowledge(),
        }

    def _on(self, *screens: Screen) -> bool:
        return self._stage.view.screen in screens

    def _begin(self) -> None:
        if self._on(Screen.START):
            self._out.ask_offer()
            self._back_to = Screen.COST
            self._stage.go(Screen.LANGUAGE)

    def _aside(self, screen: Screen) -> None:
        """Open a page beside the way, from which one comes back."""
        if not self._on(*BESIDE):
            self._back_to = self._stage.view.screen
        self._stage.go(screen)

    def _back(self) -> None:
        if self._on(*BESIDE):
            first = self._back_to is Screen.COST and self._stage.view.offer is None
            self._stage.go(Screen.START if first else self._back_to)
        elif self._on(Screen.SCAN):
            self._stage.go(Screen.COST)
        elif self._on(Screen.WARNING, Screen.COST):
            self._stage.clear(Screen.START)
            self._forget()

    def _language(self, given: dict[str, Any]) -> None:
        if not self._on(Screen.LANGUAGE):
            return
        to = Screen.COST if self._back_to is Screen.LANGUAGE else self._back_to
        self._stage.go(to, language=given["language"])

    def _next_warning(self, screen: Screen) -> None:
        offer = self._stage.view.offer
        if offer is None or not self._on(screen):
            return
        waiting = [one for one in offer.warnings if one.id not in self.acknowledged]
        if waiting:
            self._stage.go(Screen.WARNING, warning=waiting[0])
        else:
            self._stage.go(Screen.SCAN, warning=None)

    def _acknowledge(self) -> None:
        """Go on from the law's warning, unless the voice is still reading it."""
        warning = self._stage.view.warning
        if not self._on(Screen.WARNING) or warning is None:
            return
        if self._reading.left_s() > 0:
            self._stage.say("kiosk.read_warning", "care")
            return
        self.acknowledged.append(warning.id)
        self._next_warning(Screen.WARNING)
