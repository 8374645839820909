"""Frames from a camera of the Linux kernel (V4L2): Motion-JPEG, by mapped buffers.

After ``linux/videodev2.h`` and the kernel's "Media subsystem" manual, streaming I/O with memory
mapping: ask what it can do, set the format, map some buffers, stream, take one whole frame, stop.
The layouts are those of 64-bit Linux; a test holds them against the header's own figures. The
camera is open only while a picture is taken.
"""

from __future__ import annotations

import contextlib
import fcntl
import mmap
import os
import select
import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Final

from tallystick.core.clock import Clock
from tallystick.devices.errors import CameraLost

QUERYCAP: Final = 0x80685600
S_FMT: Final = 0xC0D05605
REQBUFS: Final = 0xC0145608
QUERYBUF: Final = 0xC0585609
QBUF: Final = 0xC058560F
DQBUF: Final = 0xC0585611
STREAMON: Final = 0x40045612
STREAMOFF: Final = 0x40045613

CAPTURE: Final = 1
"""V4L2_BUF_TYPE_VIDEO_CAPTURE, and the capability's bit."""
MMAP: Final = 1
CAN_STREAM: Final = 0x04000000
HAS_DEVICE_CAPS: Final = 0x80000000
FRAME_ERROR: Final = 0x40
ANY_FIELD: Final = 0
JPEGS: Final = (b"MJPG", b"JPEG")

CAPABILITY: Final = struct.Struct("=16s32s32sIII12x")
"""driver, card, bus, version, capabilities, device_caps."""
FORMAT: Final = struct.Struct("=I4xII4sIII176x")
"""type, width, height, pixelformat, field, bytesperline, sizeimage."""
REQUEST: Final = struct.Struct("=IIIIB3x")
"""count, type, memory, capabilities, flags."""
BUFFER: Final = struct.Struct("=IIIII4x16s16sIIQIII4x")
"""index, type, bytesused, flags, field, timestamp, timecode, sequence, memory, offset, length."""

WIDTH, HEIGHT = 1_280, 720
BUFFERS: Final = 4
WARM_UP_FRAMES: Final = 8
"""Thrown away: a camera needs some frames to find the light."""
FRAME_S_MAX: Final = 5.0
FRAME_BYTES_MAX: Final = 8 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class System:
    """The calls of the kernel that are used here, so that a test can stand in for a camera."""

    open: Callable[[str, int], int] = os.open
    close: Callable[[int], None] = os.close
    ioctl: Callable[..., int] = fcntl.ioctl
    map: Callable[[int, int, int], Any] = lambda fd, length, offset: mmap.mmap(
        fd, length, offset=offset
    )
    ready: Callable[[int, float], bool] = lambda fd, wait_s: bool(
        select.select([fd], [], [], wait_s)[0]
    )


class V4l2Camera:
    """One camera node; each `frame` opens it, streams for a moment, and lets it go."""

    def __init__(self, node: str, clock: Clock, system: System | None = None) -> None:
        self._node, self._clock, self._system = node, clock, system or System()

    def frame(self) -> bytes:
        """Return one frame, a JPEG as the camera made it; raise `CameraLost`."""
        try:
            with self._opened() as fd, self._mapped(fd) as buffers, self._streaming(fd):
                return self._taken(fd, buffers)
        except (OSError, ValueError) as error:
            raise CameraLost(f"{self._node}: {error}") from error

    @contextlib.contextmanager
    def _opened(self) -> Iterator[int]:
        fd = self._system.open(self._node, os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC)
        try:
            self._check(fd)
            yield fd
        finally:
            self._system.close(fd)

    def _call(self, fd: int, request: int, layout: struct.Struct, *values: Any) -> tuple[Any, ...]:
        """Make one call with a filled structure; return what the kernel made of it."""
        held = bytearray(layout.pack(*values))
        self._system.ioctl(fd, request, held, True)
        return layout.unpack(held)

    def _check(self, fd: int) -> None:
        """See that it can stream, and have it give JPEGs; raise `CameraLost`."""
        empty = (bytes(16), bytes(32), bytes(32), 0, 0, 0)
        *_, whole, device = self._call(fd, QUERYCAP, CAPABILITY, *empty)
        able = device if whole & HAS_DEVICE_CAPS else whole
        if not (able & CAPTURE and able & CAN_STREAM):
            raise CameraLost(f"{self._node} takes no pictures, or does not stream")
        wanted = (CAPTURE, WIDTH, HEIGHT, JPEGS[0], ANY_FIELD, 0, 0)
        kind = self._call(fd, S_FMT, FORMAT, *wanted)[3]
        if kind not in JPEGS:
            raise CameraLost(f"{self._node} gives {kind!r} and no JPEG")

    @contextlib.contextmanager
    def _mapped(self, fd: int) -> Iterator[list[Any]]:
        count, *_ = self._call(fd, REQBUFS, REQUEST, BUFFERS, CAPTURE, MMAP, 0, 0)
        found: list[Any] = []
        try:
            for index in range(count):
                told = self._call(fd, QUERYBUF, BUFFER, *_buffer(index))
                offset, length = told[9], told[10]
                if not 0 < length <= FRAME_BYTES_MAX:
                    raise CameraLost(f"{self._node} has buffers of {length} bytes")
                found.append(self._system.map(fd, length, offset))
                self._call(fd, QBUF, BUFFER, *_buffer(index))
            if not found:
                raise CameraLost(f"{self._node} has no buffer")
            yield found
        finally:
            for one in found:
                one.close()
            with contextlib.suppress(OSError):
                self._call(fd, REQBUFS, REQUEST, 0, CAPTURE, MMAP, 0, 0)

    @contextlib.contextmanager
    def _streaming(self, fd: int) -> Iterator[None]:
        which = struct.Struct("=I")
        self._call(fd, STREAMON, which, CAPTURE)
        try:
            yield
        finally:
            with contextlib.suppress(OSError):
                self._call(fd, STREAMOFF, which, CAPTURE)

    def _taken(self, fd: int, buffers: list[Any]) -> bytes:
        """Return the first whole frame after the camera has found the light."""
        until, seen = self._clock.monotonic_s() + FRAME_S_MAX, 0
        while (left_s := until - self._clock.monotonic_s()) > 0:
            if not self._system.ready(fd, left_s):
                continue
            try:
                told = self._call(fd, DQBUF, BUFFER, *_buffer(0))
            except BlockingIOError:
                continue
            index, _, used, flags = told[:4]
            whole = not flags & FRAME_ERROR and 0 < used <= len(buffers[index])
            seen += 1
            if whole and seen > WARM_UP_FRAMES:
                return bytes(buffers[index][:used])
            self._call(fd, QBUF, BUFFER, *_buffer(index))
        raise CameraLost(f"{self._node} gave no whole picture in {FRAME_S_MAX:.0f} s")


def _buffer(index: int) -> tuple[Any, ...]:
    return (index, CAPTURE, 0, 0, 0, bytes(16), bytes(16), 0, MMAP, 0, 0, 0, 0)
