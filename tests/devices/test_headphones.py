"""The headphone jack by the kernel's own bytes, through a FIFO in the place of the event node."""

from __future__ import annotations

import os
import struct
from collections.abc import Iterator
from pathlib import Path

import pytest

from tallystick.core.clock import SeededClock
from tallystick.devices.headphones import EVENTS_MAX, LOOK_AGAIN_S, SYN_DROPPED, Jack, event

IN = struct.pack("<qqHHi", 1, 2, 5, 2, 1)
OUT = struct.pack("<qqHHi", 1, 2, 5, 2, 0)
"""By the kernel's headers: EV_SW is 5, SW_HEADPHONE_INSERT is 2, 24 bytes in all."""


class Node:
    """An event node, whose other end the test writes to."""

    def __init__(self, path: Path) -> None:
        self.path, self.clock = path, SeededClock(1)
        os.mkfifo(path)
        self.end = os.open(path, os.O_RDWR | os.O_NONBLOCK)
        self.jack = Jack(str(path), self.clock)

    def says(self, data: bytes) -> bool:
        os.write(self.end, data)
        return self.jack.inserted()


@pytest.fixture
def node(tmp_path: Path) -> Iterator[Node]:
    made = Node(tmp_path / "event3")
    yield made
    made.jack.close()
    os.close(made.end)


def test_in_and_out_by_the_kernels_bytes(node: Node) -> None:
    assert not node.jack.inserted()
    assert len(IN) == 24
    assert node.says(IN)
    assert node.jack.inserted(), "no news is no change"
    assert not node.says(OUT)
    assert node.says(event(inserted=True))
    assert not node.says(event(inserted=False))


def test_other_switches_and_keys_say_nothing_of_the_jack(node: Node) -> None:
    node.says(IN)
    for kind, code in ((5, 4), (5, 0), (1, 2), (3, 2), (0, 0)):
        assert node.says(struct.pack("<qqHHi", 0, 0, kind, code, 0))


def test_half_an_event_waits_for_its_rest(node: Node) -> None:
    assert not node.says(IN[:10])
    assert node.says(IN[10:])


def test_dropped_events_and_a_node_that_cannot_say_count_as_out(node: Node) -> None:
    node.says(IN)
    assert not node.says(struct.pack("<qqHHi", 0, 0, 0, SYN_DROPPED, 0))


def test_a_flood_is_read_in_bounded_parts_and_ends_right(node: Node) -> None:
    os.write(node.end, (IN + OUT) * EVENTS_MAX)
    node.jack.inserted()
    node.jack.inserted()
    assert not node.jack.inserted()


def test_a_node_that_goes_away_counts_as_out_and_is_found_again(node: Node) -> None:
    node.says(IN)
    os.close(node.end)
    assert not node.jack.inserted()
    node.end = os.open(node.path, os.O_RDWR | os.O_NONBLOCK)
    assert not node.says(IN), "not tried again at once"
    node.clock.advance(LOOK_AGAIN_S + 0.1)
    assert node.jack.inserted()


def test_no_node_is_no_headphones_and_no_error(tmp_path: Path) -> None:
    jack = Jack(str(tmp_path / "nothing"), SeededClock(1))
    assert not jack.inserted()
    assert not Jack(str(tmp_path), SeededClock(1)).inserted()
