"""The README's pictures: drawn by one command, small, and there."""

from __future__ import annotations

import struct
import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent
KEPT = HERE.parents[1] / "docs" / "pictures"
WIDTH_PX_MAX, BYTES_MAX = 1_000, 1_200_000


@pytest.mark.browser
def test_the_pictures_are_drawn_again_and_small(tmp_path: Path) -> None:
    subprocess.run([sys.executable, HERE / "pictures.py", tmp_path], check=True, timeout=100)
    drawn = sorted(path.name for path in tmp_path.iterdir())
    assert drawn == sorted(path.name for path in KEPT.glob("kiosk-*.png"))
    for path in tmp_path.iterdir():
        width, height = struct.unpack(">II", path.read_bytes()[16:24])
        assert 0 < width <= WIDTH_PX_MAX
        assert height >= 600


def test_the_pictures_kept_here_are_small() -> None:
    assert sum(path.stat().st_size for path in KEPT.glob("*.png")) < BYTES_MAX
