"""The look that all faces share: tokens, style sheets, fonts, the mark, drawings and charts.

Nothing here asks the network for anything: fonts are vendored with their licences (Decision 7),
drawings are SVG text made by pure functions (Decision 11). ``FOLDER`` is what a face serves under
``/look``.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

FOLDER: Final = Path(__file__).parent
SERVED: Final = frozenset({".css", ".woff2", ".svg"})
"""Suffixes that a face may serve from ``FOLDER``; the Python beside them stays private."""
