"""The published test vectors, read from tests/vectors; each file names its source."""

from __future__ import annotations

import base64
import functools
import json
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parent.parent / "vectors"


@functools.cache
def load(name: str) -> Any:
    return json.loads((FOLDER / f"{name}.json").read_text("utf-8"))


def raw(text: str) -> bytes:
    return base64.b64decode(text)
