"""Words that officials write and everybody may read for ever: bounded, and shown beforehand.

Reasons, orders and notices are published word for word beside the log, and what is committed there
cannot be taken back. So each is refused whole when it is too long, never cut, and whoever writes it
sees it as it will stand before anything is written.
"""

from __future__ import annotations

from typing import Final

from tallystick.reserve.errors import ReserveError

WHY_CHARS_MAX: Final = 300
WARNING: Final = (
    "This is published word for word, and stays for ever: name no private person, no place where "
    "a key is kept, nothing that is not everybody's business."
)


def public(text: str, what: str, chars_max: int = WHY_CHARS_MAX) -> str:
    """Return words fit to be published, without space around them; raise `ReserveError`."""
    kept = text.strip()
    if not 0 < len(kept) <= chars_max or not kept.isprintable():
        raise ReserveError(f"{what}: 1 to {chars_max} printable characters, since it is published")
    return kept
