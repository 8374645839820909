"""What a simulated validator keeps through a power cut: its cash box, and where the note lies.

One line a change, synced before it counts, so that a SIGKILL is a power cut and nothing else. A
line torn by it can only be the last one, and is cut off; damage before that raises.
"""

from __future__ import annotations

import enum
import fcntl
import json
import os
from pathlib import Path
from typing import Any, Final

from tallystick.devices.errors import StateDamaged, StateInUse

BOX_NOTES_MAX: Final = 100_000


class Place(enum.StrEnum):
    """Where the one note that is under way lies."""

    NOWHERE = "nowhere"
    ACCEPTOR = "acceptor"
    """It goes back after a power cut."""
    STACKER = "stacker"
    """Past the point of no return: it goes into the box after a power cut."""
    TOLD = "told"
    """In the box; *vend valid* was not acknowledged."""


class Memory:
    """A box, and one note; on disk when ``path`` is given."""

    def __init__(self, path: Path | None = None) -> None:
        self.box: list[int] = []
        self.place = Place.NOWHERE
        self.minor = 0
        self._path, self._file, self._lock = path, -1, -1
        if path is not None:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._own(path)
            self._replay(path)
            self._begin(path)

    def put(self, place: Place, minor: int) -> None:
        """Note where the note lies now; from the stacker to `Place.TOLD` it falls into the box."""
        if place is Place.TOLD and self.place is not Place.TOLD:
            self._write({"box": minor})
        else:
            self._write({"place": place, "minor": minor})

    def empty(self) -> list[int]:
        """Take everything out of the box, and return it; a note that was not told stays told."""
        notes = list(self.box)
        self._write({"emptied": len(notes)})
        return notes

    def close(self) -> None:
        """Let go of the file."""
        for handle in (self._file, self._lock):
            if handle >= 0:
                os.close(handle)
        self._file = self._lock = -1

    def _apply(self, line: dict[str, Any]) -> None:
        if "box" in line:
            self.box.append(int(line["box"]))
            self.place, self.minor = Place.TOLD, int(line["box"])
        elif "emptied" in line:
            self.box.clear()
        elif "whole" in line:
            self.box = [int(minor) for minor in line["whole"]]
        else:
            self.place, self.minor = Place(line["place"]), int(line["minor"])

    def _write(self, line: dict[str, Any]) -> None:
        if self._file >= 0:
            os.write(self._file, json.dumps(line).encode() + b"\n")
            os.fdatasync(self._file)
        self._apply(line)

    def _own(self, path: Path) -> None:
        self._lock = os.open(path.with_name(path.name + ".lock"), os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            os.close(self._lock)
            raise StateInUse(str(path)) from error

    def _replay(self, path: Path) -> None:
        *lines, _torn = (path.read_bytes() if path.exists() else b"").split(b"\n")
        for number, line in enumerate(lines, 1):
            try:
                self._apply(json.loads(line))
            except (ValueError, KeyError, TypeError) as error:
                raise StateDamaged(f"{path.name}, line {number}: {error}") from error

    def _begin(self, path: Path) -> None:
        """Begin a fresh file with what is so, at once or not at all."""
        draft = path.with_name(path.name + ".new")
        whole = {"whole": self.box}, {"place": self.place, "minor": self.minor}
        with draft.open("wb") as file:
            file.writelines(json.dumps(line).encode() + b"\n" for line in whole)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(path)
        self._file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CLOEXEC)
