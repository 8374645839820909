"""What an operator says of one machine: devices, server and screen, each with its default."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from tallystick.edge.reading import READING_PERCENT
from tallystick.edge.view import VOLUME


@dataclass(frozen=True, slots=True)
class Settings:
    """Where a machine's parts are. Every field is in ``docs/reference/settings.md``."""

    data: Path
    """The folder of the machine's key, pairing and journal."""
    validator: str
    """The serial port of the bill validator, which speaks ID003."""
    printer: str = ""
    """``escpos:PORT``, ``virtual:FOLDER``, or nothing for a machine without one."""
    scanner: str = ""
    """The serial port of the QR scanner, or nothing."""
    camera: str = ""
    """``v4l2:/dev/videoN``, ``virtual:FILE-or-FOLDER``, or nothing for a machine without one, which
    stays closed where the law asks for a picture."""
    pair: str = ""
    """The text of a pairing code; needed the first time only."""
    server: str = ""
    """The server's address, where it is no longer that of the pairing code."""
    screen_port: int = 0
    """The screen's port on loopback; 0 takes a free one."""
    hands: str = ""
    """The control socket of the device simulator: for the demo only."""
    currency: str = "USD"
    """The currency of the notes."""
    reading_percent: int = READING_PERCENT
    """How much of a warning's reading time must pass before Go on wakes. Less than 100 is for
    a customer who is played by a program."""
    screen_mm: int = 0
    """The width of the built-in screen's picture in millimetres, as it is mounted: then buttons
    have 16 mm and capitals 4.8 mm at least, 7.3 mm in larger text. 0: sizes are in pixels."""
    headphones: str = ""
    """The Linux input event node of the headphone jack, such as ``/dev/input/event3``; speech
    begins when headphones go in. Nothing for a machine without a jack that can be asked."""
    speech_volume: int = VOLUME
    """Percent of the loudspeaker's full level at which a page read aloud measures 65 dBA where a
    customer's head is; each visit ends with this level."""
