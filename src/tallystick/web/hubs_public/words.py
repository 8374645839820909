"""The person's pages in five languages: one English sentence in the code, looked up here.

What the law itself says is translated where we could, and otherwise shown in English and marked as
English, never left out.
"""

from __future__ import annotations

from typing import Final

from tallystick.web import languages
from tallystick.web.languages import LANGUAGES

__all__ = ["LANGUAGES", "Words"]

DOMAIN: Final = "hubs"


class Words(languages.Words):
    """Sentences and dates for one reader."""

    def __init__(self, code: str) -> None:
        super().__init__(DOMAIN, code)
