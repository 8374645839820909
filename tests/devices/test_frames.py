from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tallystick.devices.errors import FrameTooLong
from tallystick.devices.id003.frames import DATA_BYTES_MAX, Frame, Reader, crc, encode

KNOWN = [
    (0x11, b"", "FC 05 11 27 56"),
    (0x40, b"", "FC 05 40 2B 15"),
    (0xC3, b"\x00", "FC 06 C3 00 04 D6"),
    (0x41, b"", "FC 05 41 A2 04"),
    (0x50, b"", "FC 05 50 AA 05"),
]
frames = st.builds(Frame, st.integers(0, 255), st.binary(max_size=DATA_BYTES_MAX))


@pytest.mark.parametrize(("command", "data", "known"), KNOWN)
def test_frames_are_the_known_ones(command: int, data: bytes, known: str) -> None:
    assert encode(command, data) == bytes.fromhex(known)
    assert Reader().feed(bytes.fromhex(known)) == [(command, data)]


def test_the_checksum_is_kermit() -> None:
    assert crc(b"123456789") == 0x2189


@given(st.lists(frames, max_size=5), st.integers(1, 7))
def test_frames_come_back_however_the_bytes_are_cut(sent: list[Frame], cut: int) -> None:
    wire = b"".join(encode(*frame) for frame in sent)
    reader = Reader()
    got = [f for at in range(0, len(wire), cut) for f in reader.feed(wire[at : at + cut])]
    assert got == sent


@given(st.binary(max_size=600), frames)
def test_after_any_noise_a_frame_is_found_again(noise: bytes, frame: Frame) -> None:
    reader = Reader()
    got = reader.feed(noise)
    got += [f for _ in range(600) for f in reader.feed(encode(*frame))][-1:]
    assert got[-1] == frame


@given(frames, st.data())
def test_one_wrong_bit_is_never_a_frame(frame: Frame, data: st.DataObject) -> None:
    wire = bytearray(encode(*frame))
    bit = data.draw(st.integers(0, len(wire) * 8 - 1))
    wire[bit // 8] ^= 1 << bit % 8
    assert frame not in Reader().feed(bytes(wire))


@pytest.mark.parametrize("length", [0, 4])
def test_a_length_too_short_for_a_frame_is_noise(length: int) -> None:
    assert Reader().feed(bytes((0xFC, length)) + encode(0x11)) == [(0x11, b"")]


def test_a_frame_has_a_longest_and_nothing_longer() -> None:
    whole = encode(0x8A, bytes(DATA_BYTES_MAX))
    assert len(whole) == 255
    assert Reader().feed(whole) == [(0x8A, bytes(DATA_BYTES_MAX))]
    with pytest.raises(FrameTooLong):
        encode(0x8A, bytes(DATA_BYTES_MAX + 1))


def test_a_frame_that_never_ends_can_be_forgotten() -> None:
    reader = Reader()
    assert reader.feed(bytes.fromhex("FC C8 11")) == []
    assert reader.feed(encode(0x11)) == []
    reader.clear()
    assert reader.feed(encode(0x11)) == [(0x11, b"")]
