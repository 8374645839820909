"""Pictures of nobody, drawn by code: what the demonstration holds before its camera.

A card without a photograph and a figure without a face; both say that they are samples.
"""

from __future__ import annotations

import io
from pathlib import Path
from typing import Final

from PIL import Image, ImageDraw, ImageFont

SIZE: Final = (1_280, 800)
TABLE, CARD, INK, SOFT = "#6B7780", "#F4F1E6", "#14212B", "#8FA3AE"
LINES: Final = ("SAMPLE, PAT", "1 EXAMPLE STREET", "ANYTOWN CT 06103", "No. 000000001")


def card() -> bytes:
    """Return a JPEG of a made-up card on a table."""
    image = Image.new("RGB", SIZE, TABLE)
    pen = ImageDraw.Draw(image)
    pen.rounded_rectangle((180, 110, 1_100, 690), 40, CARD)
    pen.rectangle((180, 170, 1_100, 240), INK)
    pen.text((220, 180), "DRIVER LICENCE", CARD, ImageFont.load_default(44))
    _figure(pen, 350, 330, 0.5)
    for place, line in enumerate(LINES):
        pen.text((560, 290 + 70 * place), line, INK, ImageFont.load_default(40))
    pen.text((220, 620), "SAMPLE OF A DEMONSTRATION. NOBODY’S CARD.", INK, _small())
    return _jpeg(image)


def figure() -> bytes:
    """Return a JPEG of somebody without a face, before a wall."""
    image = Image.new("RGB", SIZE, "#C9D3D8")
    pen = ImageDraw.Draw(image)
    _figure(pen, 640, 280, 1.2)
    pen.text((420, 752), "Sample of a demonstration. Nobody is on it.", INK, _small())
    return _jpeg(image)


def covered() -> bytes:
    """Return a JPEG of a covered lens."""
    return _jpeg(Image.new("RGB", SIZE, "#050505"))


SAMPLES: Final = {"card": card, "figure": figure, "covered": covered}


def lay(folder: Path, name: str) -> None:
    """Put one sample before the virtual camera of this folder, in place of any other."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    draft = folder / "sample.draft"
    draft.write_bytes(SAMPLES[name]())
    draft.replace(folder / "sample.jpg")


def _small() -> ImageFont.ImageFont | ImageFont.FreeTypeFont:
    return ImageFont.load_default(26)


def _figure(pen: ImageDraw.ImageDraw, x: int, y: int, scale: float) -> None:
    head, body = 130 * scale, 250 * scale
    pen.ellipse((x - head, y - head, x + head, y + head), SOFT)
    pen.pieslice((x - body, y + head, x + body, y + head + 2 * body), 180, 360, INK)


def _jpeg(image: Image.Image) -> bytes:
    out = io.BytesIO()
    image.save(out, "JPEG", quality=80)
    return out.getvalue()
