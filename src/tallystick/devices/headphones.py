"""The headphone jack, as a Linux input device tells of it: in or out, by the kernel's own events.

A jack with a switch is an event node such as ``/dev/input/event3``. Each event is one
``struct input_event`` of a 64-bit kernel; the jack is the switch ``SW_HEADPHONE_INSERT``, whose
state at the start, and after events were dropped, is asked by ``EVIOCGSW``. The source is the
kernel's documentation (Documentation/input: input.rst, event-codes.rst) and its headers
``include/uapi/linux/input.h`` and ``input-event-codes.h``.

The promise: what cannot be read counts as out, so that nothing private is ever spoken on a guess
(Decision 10).
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import struct
from typing import Final

from tallystick.core.clock import Clock

EVENT: Final = struct.Struct("<qqHHi")
"""Seconds, microseconds, type, code, value: 24 bytes."""
EV_SYN, SYN_DROPPED = 0x00, 3
EV_SW, SW_HEADPHONE_INSERT = 0x05, 0x02
SWITCH_BYTES: Final = 8
EVIOCGSW: Final = 2 << 30 | SWITCH_BYTES << 16 | ord("E") << 8 | 0x1B
"""``_IOC(_IOC_READ, 'E', 0x1b, 8)``: one bit for each switch, the lowest first."""
EVENTS_MAX: Final = 64
"""Read at one look; more wait in the kernel for the next."""
LOOK_AGAIN_S: Final = 1.0
"""How often a node that is not there, or that went away, is tried again."""


class Jack:
    """The jack at an event node. ``inserted`` never waits and never raises."""

    def __init__(self, path: str, clock: Clock) -> None:
        self._path, self._clock = path, clock
        self._node = -1
        self._again = clock.monotonic_s()
        self._in = False
        self._rest = b""

    def inserted(self) -> bool:
        """Return whether headphones are in, by all events so far."""
        if self._node < 0 and self._clock.monotonic_s() >= self._again:
            self._open()
        if self._node >= 0:
            try:
                self._take(os.read(self._node, EVENT.size * EVENTS_MAX))
            except BlockingIOError:
                pass
            except OSError:
                self.close()
        return self._in

    def close(self) -> None:
        """Let go of the node; what is not read counts as out."""
        if self._node >= 0:
            with contextlib.suppress(OSError):
                os.close(self._node)
        self._node, self._in, self._rest = -1, False, b""
        self._again = self._clock.monotonic_s() + LOOK_AGAIN_S

    def _open(self) -> None:
        try:
            self._node = os.open(self._path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        except OSError:
            self._again = self._clock.monotonic_s() + LOOK_AGAIN_S
        else:
            self._in = self._asked()

    def _asked(self) -> bool:
        """Ask the kernel for the switch's state; a node that has none counts as out."""
        bits = bytearray(SWITCH_BYTES)
        try:
            fcntl.ioctl(self._node, EVIOCGSW, bits)
        except OSError:
            return False
        return bool(int.from_bytes(bits, "little") >> SW_HEADPHONE_INSERT & 1)

    def _take(self, data: bytes) -> None:
        """Take in whole events; half of one waits for its rest, and no data at all is the end."""
        if not data:
            self.close()
            return
        data = self._rest + data
        whole = len(data) - len(data) % EVENT.size
        self._rest = data[whole:]
        for _, _, kind, code, value in EVENT.iter_unpack(data[:whole]):
            if (kind, code) == (EV_SW, SW_HEADPHONE_INSERT):
                self._in = value == 1
            elif (kind, code) == (EV_SYN, SYN_DROPPED):
                self._in = self._asked()


def event(inserted: bool, at_s: int = 0) -> bytes:
    """Return the bytes of a jack's event and of the report's end, as the kernel writes them."""
    switch = EVENT.pack(at_s, 0, EV_SW, SW_HEADPHONE_INSERT, int(inserted))
    return switch + EVENT.pack(at_s, 0, EV_SYN, 0, 0)
