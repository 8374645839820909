"""The sound that asks whether somebody is still there: two soft tones, computed here.

A time-out is seen and heard also by who listens to nothing (Decision 10). The sound is made by the
formula of a tone that swells and dies away; no recording is copied.
"""

from __future__ import annotations

import functools
import io
import math
import struct
import wave
from typing import Final

RATE_HZ: Final = 16_000
TONES_HZ: Final = (660, 880)
"""A fifth of a scale apart or more, and low enough for ears that lost the high tones."""
TONE_S: Final = 0.35
PEAK: Final = 0.6
"""Of the full level, before the machine's own loudness."""
FULL: Final = 32_767


@functools.cache
def chime() -> bytes:
    """Return the sound as RIFF WAVE: 16 bits, one channel, `RATE_HZ`."""
    made = io.BytesIO()
    with wave.open(made, "wb") as out:
        out.setparams((1, 2, RATE_HZ, 0, "NONE", ""))
        out.writeframes(b"".join(_tone(hertz) for hertz in TONES_HZ))
    return made.getvalue()


def _tone(hertz: int) -> bytes:
    samples = int(RATE_HZ * TONE_S)
    return b"".join(
        struct.pack("<h", int(FULL * PEAK * _swell(at / samples) * _wave(hertz, at)))
        for at in range(samples)
    )


def _wave(hertz: int, at: int) -> float:
    return math.sin(2 * math.pi * hertz * at / RATE_HZ)


def _swell(part: float) -> float:
    """Return how loud the tone is when so much of it is over: quick up, slow down, no click."""
    return math.sin(math.pi * math.sqrt(part))
