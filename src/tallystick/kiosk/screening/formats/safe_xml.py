"""XML from outside, one record at a time: no entities, no document types, nothing without bounds.

A list is megabytes and is read as a stream, so that memory holds one record. A document that
declares a type or an entity is refused before anything is expanded ("billion laughs", external
entities): no published list needs one.
"""

from __future__ import annotations

import xml.etree.ElementTree as ET
from collections import deque
from collections.abc import Collection, Iterator
from typing import Any, BinaryIO, Final, NoReturn
from xml.parsers import expat

from tallystick.kiosk.screening.errors import PublishedUnreadable

BYTES_MAX: Final = 400_000_000
DEPTH_MAX: Final = 40
RECORD_NODES_MAX: Final = 100_000
TEXT_LENGTH_MAX: Final = 200_000
CHUNK_BYTES: Final = 1 << 16


class Elements:
    """Builds the elements that are wanted, and forgets everything else."""

    def __init__(self, wanted: Collection[str]) -> None:
        self.wanted, self.done = frozenset(wanted), deque[ET.Element]()
        self.root: ET.Element | None = None
        self._stack: list[ET.Element] = []
        self._depth = self._nodes = self._chars = 0
        self.parser = expat.ParserCreate(namespace_separator="}")
        self.parser.buffer_text = True
        self.parser.StartDoctypeDeclHandler = self._doctype
        self.parser.EntityDeclHandler = self._doctype
        self.parser.StartElementHandler = self._start
        self.parser.EndElementHandler = self._end
        self.parser.CharacterDataHandler = self._text

    def _doctype(self, *said: Any) -> NoReturn:
        raise PublishedUnreadable("it declares a document type or entities of its own")

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        self._depth += 1
        if self._depth > DEPTH_MAX:
            raise PublishedUnreadable(f"it is nested more than {DEPTH_MAX} deep")
        plain = name.rpartition("}")[2]
        if self.root is None:
            self.root = ET.Element(plain, attributes)
        elif self._stack:
            self._nodes += 1
            if self._nodes > RECORD_NODES_MAX:
                raise PublishedUnreadable(f"one record has more than {RECORD_NODES_MAX} elements")
            self._stack.append(ET.SubElement(self._stack[-1], plain, attributes))
        elif plain in self.wanted:
            self._nodes = self._chars = 0
            self._stack.append(ET.Element(plain, attributes))

    def _end(self, name: str) -> None:
        self._depth -= 1
        if self._stack:
            element = self._stack.pop()
            if not self._stack:
                self.done.append(element)

    def _text(self, text: str) -> None:
        if not self._stack:
            return
        self._chars += len(text)
        if self._chars > TEXT_LENGTH_MAX:
            raise PublishedUnreadable(f"one record has more than {TEXT_LENGTH_MAX} characters")
        element = self._stack[-1]
        if len(element):
            element[-1].tail = (element[-1].tail or "") + text
        else:
            element.text = (element.text or "") + text


def records(file: BinaryIO, wanted: Collection[str]) -> Iterator[ET.Element]:
    """Yield the root without its children, then each wanted element, without namespaces.

    Raises `PublishedUnreadable` for what is not XML, declares entities or passes a limit.
    """
    made, told, size = Elements(wanted), False, 0
    while True:
        chunk = file.read(CHUNK_BYTES)
        size += len(chunk)
        if size > BYTES_MAX:
            raise PublishedUnreadable(f"it has more than {BYTES_MAX} bytes")
        try:
            made.parser.Parse(chunk, not chunk)
        except (expat.ExpatError, ValueError, LookupError) as error:
            raise PublishedUnreadable(f"it is not XML: {error}") from error
        if made.root is not None and not told:
            told = True
            yield made.root
        while made.done:
            yield made.done.popleft()
        if not chunk:
            return


def text(element: ET.Element, path: str) -> str:
    """Return an element's text, trimmed, or nothing."""
    return " ".join((element.findtext(path) or "").split())


def texts(element: ET.Element, path: str) -> list[str]:
    """Return the texts of all elements at a path that have any."""
    found = (" ".join((one.text or "").split()) for one in element.findall(path))
    return [one for one in found if one]


def joined(*parts: str) -> str:
    """Join the parts of a name that are not empty."""
    return " ".join(part for part in parts if part)
