"""Taking pictures, in a thread of its own: a slow or silent camera never holds up a note.

One picture at a time, for whoever asked last; who gives up does not hear of it. Nothing is kept
here: the picture is handed on, and gone.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable
from typing import Final

from tallystick.core.errors import TallystickError
from tallystick.core.logs import logger
from tallystick.devices.camera import Camera, Picture
from tallystick.devices.errors import CameraLost

WAITING_MAX: Final = 2
LOG: Final = logger()


class Lens(threading.Thread):
    """Takes pictures with a camera; ``told`` hears the ticket with the picture or the error."""

    def __init__(
        self,
        camera: Camera,
        told: Callable[[int, Picture | None, TallystickError | None], None],
    ) -> None:
        super().__init__(name="lens", daemon=True)
        self._camera, self._told = camera, told
        self._waiting: queue.Queue[int | None] = queue.Queue(WAITING_MAX)

    def take(self, ticket: int) -> None:
        """Take a picture soon; when too many are asked for, say that there is none."""
        try:
            self._waiting.put_nowait(ticket)
        except queue.Full:
            self._told(ticket, None, CameraLost("too many pictures are waited for"))

    def run(self) -> None:
        """Take what is asked for until stopped; a camera that fails in any way takes none."""
        while (ticket := self._waiting.get()) is not None:
            try:
                self._told(ticket, self._camera.take(), None)
            except TallystickError as error:
                self._told(ticket, None, error)
            except Exception as error:
                LOG.error("camera", error=repr(error))
                self._told(ticket, None, CameraLost(type(error).__name__))

    def stop(self) -> None:
        """End after the picture under way."""
        self._waiting.put(None)
        self.join(6)
