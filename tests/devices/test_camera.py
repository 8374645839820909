"""Cameras: one bare JPEG or a clear no, and the kernel's own layouts to the byte."""

from __future__ import annotations

import io
import os
import struct
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from PIL import Image

from tallystick.cli import main
from tallystick.core.clock import SeededClock
from tallystick.devices import camera, sample_pictures, v4l2
from tallystick.devices.errors import CameraLost, PictureTooDark, PictureUnusable

CARD = sample_pictures.card()


def jpeg(image: Image.Image, **more: Any) -> bytes:
    out = io.BytesIO()
    image.save(out, "JPEG", **more)
    return out.getvalue()


def test_a_picture_is_small_upright_and_bare_of_what_the_camera_wrote() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    exif[0x010F] = "Maker Of Cameras"
    exif.get_ifd(0x8825)[1] = "N"
    wide = Image.open(io.BytesIO(CARD)).resize((3_000, 1_875))
    raw = jpeg(wide, exif=exif, comment=b"taken at the counter")
    found = camera.developed(raw)
    assert (found.width, found.height) == (800, 1_280)
    assert len(found.jpeg) <= camera.PICTURE_BYTES_MAX
    seen = Image.open(io.BytesIO(found.jpeg))
    assert not seen.getexif() and "comment" not in seen.info
    for word in (b"Maker Of Cameras", b"Exif", b"taken at the counter"):
        assert word in raw
        assert word not in found.jpeg
    assert str(found.jpeg[:8]) not in repr(found)


def noise(side: int) -> Image.Image:
    return Image.frombytes("RGB", (side, side), SeededClock(3).random_bytes(side * side * 3))


def test_the_busiest_picture_is_made_to_fit() -> None:
    found = camera.developed(jpeg(noise(900), quality=95))
    assert len(found.jpeg) <= camera.PICTURE_BYTES_MAX
    with pytest.raises(PictureUnusable, match="smaller"):
        camera.developed(jpeg(noise(camera.SIDE_PIXELS_MAX), quality=95))


@pytest.mark.parametrize(
    ("raw", "error"),
    [
        (b"", PictureUnusable),
        (b"\xff\xd8 no picture", PictureUnusable),
        (CARD[: len(CARD) // 2], PictureUnusable),
        (jpeg(Image.new("RGB", (camera.SIDE_PIXELS_MIN - 1, 600), "white")), PictureUnusable),
        (jpeg(Image.new("L", (4_001, 4_000), 9)), PictureUnusable),
        (CARD + bytes(camera.RAW_BYTES_MAX), PictureUnusable),
        (sample_pictures.covered(), PictureTooDark),
        (jpeg(Image.new("RGB", (640, 480), "white")), PictureTooDark),
    ],
    ids=["empty", "text", "half", "narrow", "vast", "long", "covered", "blank"],
)
def test_what_shows_nothing_or_is_no_picture_is_refused(raw: bytes, error: type) -> None:
    with pytest.raises(error) as told:
        camera.developed(raw)
    assert "no picture was" in told.value.money


def test_a_virtual_camera_sees_what_was_laid_last(tmp_path: Path) -> None:
    lens = camera.open_camera(f"virtual:{tmp_path}", SeededClock(1))
    assert lens is not None
    with pytest.raises(CameraLost, match="no picture at"):
        lens.take()
    for name in ("card", "figure"):
        sample_pictures.lay(tmp_path, name)
        assert lens.take() == camera.developed(sample_pictures.SAMPLES[name]())
    assert camera.open_camera("", SeededClock(1)) is None
    for wrong in ("virtual:", "v4l2:", "usb:1"):
        with pytest.raises(CameraLost):
            camera.open_camera(wrong, SeededClock(1))


def test_who_mounts_a_camera_tries_it_by_command(tmp_path: Path) -> None:
    out, seen = tmp_path / "seen.jpg", tmp_path / "camera"
    command = ["edge", "--validator", "none", "--try-camera", str(out), "--camera"]
    dark = CliRunner().invoke(main, [*command, f"virtual:{seen}"])
    assert dark.exit_code == 1 and "no picture at" in dark.output and not out.exists()
    sample_pictures.lay(seen, "card")
    done = CliRunner().invoke(main, [*command, f"virtual:{seen}"])
    assert done.exit_code == 0 and "1280 by 800" in done.output
    assert out.read_bytes() == camera.developed(CARD).jpeg
    assert CliRunner().invoke(main, [*command, ""]).exit_code == 2


# From a program in C over the kernel's linux/videodev2.h on x86-64: offset and size of each field.
REQUESTS = {
    v4l2.QUERYCAP: (0, 2, 104),
    v4l2.S_FMT: (5, 3, 208),
    v4l2.REQBUFS: (8, 3, 20),
    v4l2.QUERYBUF: (9, 3, 88),
    v4l2.QBUF: (15, 3, 88),
    v4l2.DQBUF: (17, 3, 88),
    v4l2.STREAMON: (18, 1, 4),
    v4l2.STREAMOFF: (19, 1, 4),
}
CAPABILITY = {"capabilities": 84, "device_caps": 88}
FORMAT = {"type": 0, "width": 8, "height": 12, "pixelformat": 16, "field": 20}
BUFFER = {"index": 0, "type": 4, "bytesused": 8, "flags": 12, "memory": 60, "m": 64, "length": 72}


def test_the_layouts_are_those_of_the_kernels_header() -> None:
    for request, (number, direction, size) in REQUESTS.items():
        assert request == direction << 30 | size << 16 | ord("V") << 8 | number
    sizes = (v4l2.CAPABILITY.size, v4l2.FORMAT.size, v4l2.REQUEST.size, v4l2.BUFFER.size)
    assert sizes == (104, 208, 20, 88)


def get(held: bytearray, offset: int) -> int:
    return int(struct.unpack_from("=I", held, offset)[0])


def put(held: bytearray, **values: int) -> None:
    for name, value in values.items():
        struct.pack_into("=I", held, BUFFER[name], value)


class Kernel:
    """A camera's driver as a program sees it, over the header's offsets and not over our layouts.

    It is as strict as the kernel: the order of calls, the queue of buffers, the state of streaming.
    """

    def __init__(self, frames: list[bytes], **broken: int) -> None:
        self.frames, self.broken = frames, broken
        self.memory = [bytearray(200_000) for _ in range(3)]
        self.queue: list[int] = []
        self.fds: set[int] = set()
        self.streaming, self.mapped, self.calls = False, 0, list[int]()

    def system(self) -> v4l2.System:
        return v4l2.System(self.open, self.fds.remove, self.ioctl, self.map, self.ready)

    def open(self, node: str, flags: int) -> int:
        if node != "/dev/video9":
            raise FileNotFoundError(node)
        assert flags & os.O_RDWR and flags & os.O_NONBLOCK
        self.fds.add(7)
        return 7

    def map(self, fd: int, length: int, offset: int) -> Any:
        assert (fd, length, offset % 4096) == (7, 200_000, 0)
        return Mapped(self, offset // 4096)

    def ready(self, fd: int, wait_s: float) -> bool:
        assert fd in self.fds and 0 < wait_s <= v4l2.FRAME_S_MAX
        if self.broken["clock"]:
            self.clock.advance(wait_s)
        return not self.broken["clock"]

    def ioctl(self, fd: int, request: int, held: bytearray, mutate: bool) -> int:
        assert fd in self.fds and mutate
        assert len(held) == request >> 16 & 0x3FFF, "the structure has the size that is asked for"
        self.calls.append(request & 0xFF)
        return DOES[request & 0xFF](self, held)

    def cap(self, held: bytearray) -> int:
        struct.pack_into("=I", held, CAPABILITY["capabilities"], 0x84A00001)
        able = self.broken.get("able", 0x04200001)
        struct.pack_into("=I", held, CAPABILITY["device_caps"], able)
        return 0

    def format(self, held: bytearray) -> int:
        assert get(held, FORMAT["type"]) == 1
        assert (get(held, FORMAT["width"]), get(held, FORMAT["height"])) == (1_280, 720)
        assert bytes(held[16:20]) == b"MJPG"
        if self.broken.get("raw"):
            held[16:20] = b"YUYV"
        return 0

    def request(self, held: bytearray) -> int:
        assert struct.unpack_from("=II", held, 4) == (1, 1)
        if get(held, 0) == 0:
            assert not self.mapped and not self.streaming, "freed only when nothing uses them"
        struct.pack_into("=I", held, 0, min(get(held, 0), self.broken.get("buffers", 3)))
        return 0

    def query(self, held: bytearray) -> int:
        index = get(held, BUFFER["index"])
        put(held, m=4096 * index, length=200_000)
        return 0

    def enqueue(self, held: bytearray) -> int:
        index = get(held, BUFFER["index"])
        assert get(held, BUFFER["type"]) == get(held, BUFFER["memory"]) == 1
        assert index not in self.queue
        self.queue.append(index)
        return 0

    def dequeue(self, held: bytearray) -> int:
        assert self.streaming
        if not self.frames:
            self.clock.advance(0.1)
            raise BlockingIOError
        index, frame = self.queue.pop(0), self.frames.pop(0)
        self.memory[index][: len(frame)] = frame
        bad = frame == b"bad"
        put(held, index=index, bytesused=len(frame), flags=0x40 if bad else 0)
        return 0

    def on(self, held: bytearray) -> int:
        assert get(held, 0) == 1 and self.queue
        self.streaming = True
        return 0

    def off(self, held: bytearray) -> int:
        self.streaming = False
        self.queue.clear()
        return 0

    clock = SeededClock(2)


DOES = {
    0: Kernel.cap,
    5: Kernel.format,
    8: Kernel.request,
    9: Kernel.query,
    15: Kernel.enqueue,
    17: Kernel.dequeue,
    18: Kernel.on,
    19: Kernel.off,
}


class Mapped(bytearray):
    """A mapping: what the driver writes is seen, until it is closed."""

    def __init__(self, kernel: Kernel, index: int) -> None:
        super().__init__()
        self.kernel, self.index = kernel, index
        kernel.mapped += 1

    def __len__(self) -> int:
        return len(self.kernel.memory[self.index])

    def __getitem__(self, which: Any) -> Any:
        return self.kernel.memory[self.index][which]

    def close(self) -> None:
        self.kernel.mapped -= 1


def taken(kernel: Kernel, node: str = "/dev/video9") -> bytes:
    kernel.broken.setdefault("clock", 0)
    try:
        return v4l2.V4l2Camera(node, kernel.clock, kernel.system()).frame()
    finally:
        assert not kernel.fds and not kernel.mapped and not kernel.streaming, "all let go"


def test_a_frame_is_the_first_whole_one_after_the_light_was_found() -> None:
    dark = [b"dark"] * v4l2.WARM_UP_FRAMES
    kernel = Kernel([*dark, b"bad", CARD, b"later"])
    assert taken(kernel) == CARD
    assert camera.developed(CARD)
    assert kernel.frames == [b"later"]


@pytest.mark.parametrize(
    ("broken", "said"),
    [
        ({"able": 0x04000000}, "takes no pictures"),
        ({"able": 0x00000001}, "does not stream"),
        ({"raw": 1}, "YUYV"),
        ({"buffers": 0}, "no buffer"),
        ({"clock": 1}, "no whole picture in 5 s"),
        ({}, "no whole picture in 5 s"),
    ],
    ids=["output", "no-stream", "raw", "no-buffers", "silent", "empty"],
)
def test_a_camera_that_cannot_is_named_and_let_go(broken: dict[str, int], said: str) -> None:
    with pytest.raises(CameraLost, match=said):
        taken(Kernel([], **broken))


def test_a_node_that_is_none_is_named(tmp_path: Path) -> None:
    with pytest.raises(CameraLost, match="video8"):
        taken(Kernel([]), "/dev/video8")
    plain = tmp_path / "plain"
    plain.write_bytes(CARD)
    with pytest.raises(CameraLost, match="plain"):
        v4l2.V4l2Camera(str(plain), SeededClock(2)).frame()


def test_a_frame_without_its_huffman_tables_is_a_picture_too() -> None:
    """As USB cameras send them: the tables of the standard are left out (ITU-T T.81, annex K)."""
    bare, at = bytearray(CARD[:2]), 2
    while CARD[at + 1] != 0xDA:
        length = 2 + int.from_bytes(CARD[at + 2 : at + 4], "big")
        bare += b"" if CARD[at + 1] == 0xC4 else CARD[at : at + length]
        at += length
    assert len(bare + CARD[at:]) < len(CARD)
    assert camera.developed(bytes(bare + CARD[at:])) == camera.developed(CARD)
