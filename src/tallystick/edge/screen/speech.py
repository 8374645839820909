"""Reads a page aloud: the same strings as the page, spoken by a program on the machine.

Nothing leaves the kiosk (Decision 10). The text is taken from the drawn page, so that eyes and
ears cannot be told different things. Without the program the button says why it is off.
"""

from __future__ import annotations

import re
import shutil
import subprocess
from html.parser import HTMLParser
from pathlib import Path
from typing import Final

from tallystick.core.errors import TallystickError
from tallystick.edge.screen.words import Tongue

PROGRAM: Final = "espeak-ng"
WORDS_PER_MINUTE: Final = 150
TEXT_CHARS_MAX: Final = 4_000
SPEECH_S_MAX: Final = 10
BLOCKS: Final = frozenset(
    {
        "h1",
        "h2",
        "p",
        "li",
        "dt",
        "dd",
        "th",
        "td",
        "button",
        "label",
        "summary",
        "small",
        "caption",
    }
)
SILENT: Final = frozenset({"svg", "script", "style", "head", "nav", "header", "noscript"})
SPELLED: Final = frozenset({"groups", "code", "spelled"})
"""Classes of what is read letter by letter: addresses, reference numbers, digits typed."""
NOT_READ: Final = frozenset({"go-words", "numbers", "pad", "keys"})
"""Words in other tongues, which this voice cannot say; long numbers, which are on the paper; keys
that type."""
PRIVATE: Final = frozenset({"private"})
"""What is nobody else's to hear, such as what a customer types: spoken in headphones alone."""
NEWS, TYPED = "data-say", "data-typed"
"""What is read by itself when it alone changed: a message, the digits typed."""
WAV_HEADER_BYTES: Final = 44
WAV_RATE_AT: Final = 28
PAD: Final = "data-pad"
"""On a page with number keys they type, so its choices have no numbers."""
VOID: Final = frozenset({"input", "br", "meta", "link", "img"})


class NoVoice(TallystickError):
    """The speech program is not there, or did not speak in time."""

    code, say = 5301, "kiosk.try_again"


class _Heard(HTMLParser):
    """Collects what a reader sees in ``main``, or in the dialog when one is up.

    Choices are numbered as `static/live.js` numbers them, so that twelve keys are enough.
    """

    def __init__(self, inside: str, numbered: bool, private: bool) -> None:
        super().__init__()
        self._numbered = numbered
        self._not_read = NOT_READ if private else NOT_READ | PRIVATE
        self.said: list[str] = []
        self._inside = inside
        self._open: list[tuple[str, bool, bool]] = []
        self._depth = 0
        self._silent = 0
        self._spelled = 0
        self._choices = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if self._numbered and self._depth and (tag == "button" or ("type", "checkbox") in attrs):
            self._choices += 1
            self.said.append(f"{self._choices}: ")
        if tag in VOID:
            return
        given = dict(attrs)
        if self._depth or self._inside in (tag, given.get("role")) or self._inside in given:
            self._depth += 1
        classes = set((given.get("class") or "").split())
        silent = tag in SILENT or bool(classes & self._not_read)
        spelled = bool(classes & SPELLED)
        self._open.append((tag, silent, spelled))
        self._silent += silent
        self._spelled += spelled

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Ignore an element that closes itself: it holds no words."""

    def handle_endtag(self, tag: str) -> None:
        if not self._open:
            return
        tag, silent, spelled = self._open.pop()
        self._silent -= silent
        self._spelled -= spelled
        if self._depth:
            self._depth -= 1
            if tag in BLOCKS:
                self.said.append(". ")

    def handle_data(self, data: str) -> None:
        if self._depth and not self._silent and data.strip():
            self.said.append((" ".join(data.strip()) if self._spelled else data) + " ")


def text_of(page: str, private: bool = False, part: str = "") -> str:
    """Return the page's words in reading order, with a pause after each block.

    ``private``: headphones are in, so what is typed is read too. ``part``: `NEWS` or `TYPED` reads
    only that; a dialog alone is read while it is up.
    """
    whole = "alertdialog" if 'role="alertdialog"' in page else "main"
    heard = _Heard(part or whole, not part and PAD not in page, private)
    heard.feed(page)
    text = re.sub(r"\s+", " ", "".join(heard.said))
    text = re.sub(r"\s*([.?!:,؟۔])(?:\s*\.)+", r"\1", text)
    return re.sub(r"\s+([.,،۔])", r"\1", text).strip()[:TEXT_CHARS_MAX]


def seconds(sound: bytes) -> float:
    """Return how long a RIFF WAVE sound lasts, by its own bytes.

    A program that writes to a pipe cannot fill in the length beforehand, so the header's is not
    believed.
    """
    if len(sound) < WAV_HEADER_BYTES:
        return 0.0
    rate = int.from_bytes(sound[WAV_RATE_AT : WAV_RATE_AT + 4], "little")
    return (len(sound) - WAV_HEADER_BYTES) / rate if rate else 0.0


class Speech:
    """A voice made by ``program``; ``ready`` says whether there is one."""

    def __init__(self, program: str = PROGRAM, wait_s: float = SPEECH_S_MAX) -> None:
        self._path = shutil.which(program)
        self._wait_s = wait_s

    @property
    def ready(self) -> bool:
        """True when the program is installed."""
        return self._path is not None

    def wav(self, text: str, tongue: Tongue) -> bytes:
        """Return the text as RIFF WAVE sound; raise `NoVoice` when nothing can speak."""
        if self._path is None:
            raise NoVoice(f"{PROGRAM} is not installed")
        command = [str(Path(self._path)), "-v", tongue.voice, "-s", str(WORDS_PER_MINUTE)]
        try:
            done = subprocess.run(
                [*command, "--stdin", "--stdout"],
                input=text.encode(),
                capture_output=True,
                timeout=self._wait_s,
                check=True,
            )
        except (OSError, subprocess.SubprocessError) as error:
            raise NoVoice(type(error).__name__) from error
        return done.stdout
