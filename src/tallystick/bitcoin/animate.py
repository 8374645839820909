"""Frames as one animated picture: SVG that moves by itself, without script (Decision 11).

A device's camera reads it from the screen. Whoever would rather have no movement takes the file.
"""

from __future__ import annotations

from collections.abc import Sequence
from io import BytesIO
from typing import Final

import segno

from tallystick.bitcoin.errors import BadFrames

FRAME_MS: Final = 250
FRAMES_MAX: Final = 400
FRAME_CHARACTERS_MAX: Final = 4_296
"""What the largest code holds in alphanumeric mode at level L (ISO/IEC 18004)."""
SIDE_PX: Final = 480
QUIET_MODULES: Final = 4


def picture(frames: Sequence[str], title: str, frame_ms: int = FRAME_MS) -> str:
    """Return an SVG that shows each frame in turn, for ever; raise `BadFrames`."""
    if not 0 < len(frames) <= FRAMES_MAX:
        raise BadFrames(f"{len(frames)} frames; from 1 to {FRAMES_MAX} can be shown")
    codes = [_code(frame) for frame in frames]
    side = max(size for size, _ in codes)
    groups = [_group(path, at, len(frames), frame_ms) for at, (_, path) in enumerate(codes)]
    name = title.replace("&", "&amp;").replace("<", "&lt;")
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" role="img" width="{SIDE_PX}" height="{SIDE_PX}"'
        f' viewBox="0 0 {side} {side}"><title>{name}</title>'
        f'<rect width="{side}" height="{side}" fill="#fff"/>{"".join(groups)}</svg>'
    )


def _code(frame: str) -> tuple[int, str]:
    """Return a code's side in modules and its path."""
    if not 0 < len(frame) <= FRAME_CHARACTERS_MAX:
        raise BadFrames(f"a frame of 1 to {FRAME_CHARACTERS_MAX} characters")
    made = segno.make(frame, error="l", micro=False, boost_error=False)
    out = BytesIO()
    made.save(out, kind="svg", xmldecl=False, svgns=False, border=QUIET_MODULES, omitsize=True)
    text = out.getvalue().decode()
    path = text[text.index("<path") : text.index("/>", text.index("<path")) + 2]
    return int(made.symbol_size(border=QUIET_MODULES)[0]), path


def _group(path: str, at: int, count: int, frame_ms: int) -> str:
    if count == 1:
        return f"<g>{path}</g>"
    shown = ";".join("inline" if other == at else "none" for other in range(count))
    first = "inline" if at == 0 else "none"
    return (
        f'<g display="{first}">{path}<animate attributeName="display" values="{shown}"'
        f' calcMode="discrete" dur="{count * frame_ms}ms" repeatCount="indefinite"/></g>'
    )
