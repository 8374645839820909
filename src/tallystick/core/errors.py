"""The root of every error: a number never reused, where the money is, and what the customer reads.

Ranges: 1000 core, 1500 identity, 2000 devices, 3000 bitcoin, 4000 kiosk, 5000 edge, 6000 web,
7000 law. `docs/reference/errors.md` lists them all, and a test says so.
"""

from __future__ import annotations

from typing import ClassVar


class TallystickError(Exception):
    """Something went wrong, and this says what, and where the money is."""

    code: ClassVar[int] = 1000
    money: ClassVar[str] = "not touched"
    say: ClassVar[str] = ""

    def __init__(self, detail: str = "") -> None:
        super().__init__(detail or (type(self).__doc__ or "").strip().split("\n")[0])
        self.detail = str(self)
