"""Signed notes: a text and the lines that sign it (C2SP signed-note v1.0.0, 2026-04-23).

Reading takes a note apart and judges no signature; `tallystick.core.tlog.keys` does. What is not
written exactly as the text says is refused, so that two readers never see two notes in one.
"""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass
from typing import Final

from tallystick.core.tlog.errors import BadText

NOTE_BYTES_MAX: Final = 262_144
SIGNATURES_MAX: Final = 100
"""As the Go reader; the text demands at least 16."""
DASH: Final = "— "
ID_BYTES: Final = 4


@dataclass(frozen=True, slots=True)
class Line:
    """One signature: who says it signed, the key's id, and the signature's bytes."""

    name: str
    id: bytes
    signature: bytes

    def __str__(self) -> str:
        """Return the line with its newline."""
        return f"{DASH}{self.name} {base64.b64encode(self.id + self.signature).decode()}\n"


@dataclass(frozen=True, slots=True)
class Note:
    """A text ending in a newline, and its signature lines in their order."""

    text: str
    lines: tuple[Line, ...]

    def __str__(self) -> str:
        """Return the whole note."""
        return f"{self.text}\n{''.join(map(str, self.lines))}"

    def signed(self, *more: Line) -> Note:
        """Return the note with further signatures, without repeating any."""
        return Note(self.text, self.lines + tuple(x for x in more if x not in self.lines))


def is_name(name: str) -> bool:
    """Say whether a key may be called so: no space of any kind, no plus sign, not empty."""
    return bool(name) and "+" not in name and not any(c.isspace() or c < " " for c in name)


def from_base64(text: str, strict: bool = True) -> bytes:
    """Read standard base64, if ``strict`` in its one canonical spelling; raise `BadText`."""
    try:
        data = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise BadText(f"{text[:40]!r} is not base64") from error
    if strict and base64.b64encode(data).decode() != text:
        raise BadText(f"{text[:40]!r} is not the canonical base64")
    return data


def read(data: bytes) -> Note:
    """Take a note apart; raise `BadText`."""
    if len(data) > NOTE_BYTES_MAX:
        raise BadText(f"a note has at most {NOTE_BYTES_MAX} bytes")
    try:
        whole = data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise BadText("the note is not UTF-8") from error
    if any(c < " " and c != "\n" for c in whole):
        raise BadText("the note holds a control character")
    at = whole.rfind("\n\n")
    if at < 0 or not whole.endswith("\n") or len(whole) == at + 2:
        raise BadText("the note has no signature")
    lines = whole[at + 2 : -1].split("\n")
    if len(lines) > SIGNATURES_MAX:
        raise BadText(f"the note has more than {SIGNATURES_MAX} signatures")
    return Note(whole[: at + 1], tuple(read_line(line) for line in lines))


def read_line(line: str) -> Line:
    """Read one signature line without its newline; raise `BadText`."""
    name, space, encoded = line.removeprefix(DASH).partition(" ")
    if not line.startswith(DASH) or not space or not is_name(name):
        raise BadText(f"{line[:60]!r} is no signature line")
    data = from_base64(encoded, strict=False)  # as Go reads it: the last bits may be any
    if len(data) <= ID_BYTES:
        raise BadText(f"{line[:60]!r} holds no signature")
    return Line(name, data[:ID_BYTES], data[ID_BYTES:])
