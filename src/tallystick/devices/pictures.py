"""Codes in pictures: what a camera or an uploaded picture shows, read by zxing-cpp.

The text is a stranger's: it is never trusted to be an address or a licence. A picture is bounded
in size; what holds no code gives None.
"""

from __future__ import annotations

from typing import Any, Final

import zxingcpp

PIXELS_MAX: Final = 24_000_000
FORMATS: Final[Any] = [zxingcpp.BarcodeFormat.PDF417, zxingcpp.BarcodeFormat.QRCode]


def read_code(picture: Any) -> str | None:
    """Return the text of the first code in a picture (an array of grey or RGB bytes), or None."""
    height, width = picture.shape[:2]
    if height * width > PIXELS_MAX:
        return None
    found = zxingcpp.read_barcodes(picture, formats=FORMATS)
    return bytes(found[0].bytes).decode("utf-8", "replace") if found else None
