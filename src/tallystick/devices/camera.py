"""Cameras: one JPEG when asked, without anything that the camera wrote about it, and no more.

For a copy of a document or a picture of a customer where a law asks for one. What comes out is
bounded in bytes and pixels and shows something; else it is refused, and nothing is kept. No
program looks for a face in it.
"""

from __future__ import annotations

import io
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Protocol

from PIL import Image, ImageOps, ImageStat

from tallystick.core.clock import Clock
from tallystick.devices.errors import CameraLost, PictureTooDark, PictureUnusable
from tallystick.devices.v4l2 import V4l2Camera

RAW_BYTES_MAX: Final = 8 * 1024 * 1024
END_OF_IMAGE: Final = b"\xff\xd9"
ENDING_BYTES: Final = 64
"""A camera may fill its buffer up behind the marker. Looked for here, since another library may
have told the decoder to take half of a picture for a whole one."""
RAW_PIXELS_MAX: Final = 16_000_000
SIDE_PIXELS_MIN: Final = 160
SIDE_PIXELS_MAX: Final = 1_280
"""The longer side of what is kept: small print on a card is readable at 1,000 and more."""
PICTURE_BYTES_MAX: Final = 300_000
QUALITIES: Final = (85, 75, 60, 45, 30)
MEAN_MIN: Final = 20.0
SPREAD_MIN: Final = 4.0
"""Of 255, in grey: below, a lens is covered, or the light is out."""


@dataclass(frozen=True, slots=True)
class Picture:
    """One JPEG of at most `PICTURE_BYTES_MAX` bytes; its bytes are in no ``repr``."""

    jpeg: bytes
    width: int
    height: int

    def __repr__(self) -> str:
        return f"Picture({self.width}x{self.height})"


class Camera(Protocol):
    """What takes pictures."""

    def take(self) -> Picture:
        """Take one picture, within seconds.

        Raises `CameraLost`, `PictureUnusable`, `PictureTooDark`.
        """


def developed(raw: bytes) -> Picture:
    """Return what a camera gave as a picture of ours: upright, small, bare of any remark.

    Raises `PictureUnusable`, `PictureTooDark`.
    """
    if len(raw) > RAW_BYTES_MAX:
        raise PictureUnusable(f"{len(raw)} bytes, more than {RAW_BYTES_MAX}")
    if END_OF_IMAGE not in raw.rstrip(b"\0")[-ENDING_BYTES:]:
        raise PictureUnusable("not a whole JPEG")
    try:
        with Image.open(io.BytesIO(raw), formats=("JPEG",)) as seen:
            if seen.width * seen.height > RAW_PIXELS_MAX or min(seen.size) < SIDE_PIXELS_MIN:
                raise PictureUnusable(f"{seen.width} by {seen.height} pixels")
            whole = ImageOps.exif_transpose(seen).convert("RGB")
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        raise PictureUnusable("not a whole JPEG") from error
    light = ImageStat.Stat(whole.convert("L"))
    if light.mean[0] < MEAN_MIN or light.stddev[0] < SPREAD_MIN:
        raise PictureTooDark(f"mean {light.mean[0]:.0f}, spread {light.stddev[0]:.0f} of 255")
    whole.thumbnail((SIDE_PIXELS_MAX, SIDE_PIXELS_MAX))
    return _written(whole)


def _written(whole: Image.Image) -> Picture:
    """Write the pixels alone anew, as well as fits."""
    bare = Image.frombytes("RGB", whole.size, whole.tobytes())
    for quality in QUALITIES:
        out = io.BytesIO()
        bare.save(out, "JPEG", quality=quality)
        if out.tell() <= PICTURE_BYTES_MAX:
            return Picture(out.getvalue(), *bare.size)
    raise PictureUnusable(f"cannot be made smaller than {PICTURE_BYTES_MAX} bytes")


class VirtualCamera:
    """Plays a camera: sees a file, or whatever picture was put last into a folder."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def take(self) -> Picture:
        """Return the file, or the folder's newest ``.jpg``."""
        found = [self._path]
        if self._path.is_dir():
            found = sorted(self._path.glob("*.jpg"), key=lambda one: one.stat().st_mtime_ns)
        try:
            with found[-1].open("rb") as file:
                return developed(file.read(RAW_BYTES_MAX + 1))
        except (OSError, IndexError) as error:
            raise CameraLost(f"there is no picture at {self._path}") from error


class NodeCamera:
    """A camera that the kernel knows, by its node such as ``/dev/video0``."""

    def __init__(self, node: str, clock: Clock) -> None:
        self._camera = V4l2Camera(node, clock)

    def take(self) -> Picture:
        """Return a frame, once the camera has found the light."""
        return developed(self._camera.frame())


def open_camera(name: str, clock: Clock) -> Camera | None:
    """Return a camera by its name in the settings; None for an empty one.

    ``virtual:FILE-or-FOLDER`` or ``v4l2:/dev/videoN``. Raises `CameraLost` for anything else.
    """
    kind, _, where = name.partition(":")
    if not name:
        return None
    if kind == "virtual" and where:
        return VirtualCamera(Path(where))
    if kind == "v4l2" and where:
        return NodeCamera(where, clock)
    raise CameraLost(f"{name[:80]!r} is neither virtual:PATH nor v4l2:/dev/videoN")
