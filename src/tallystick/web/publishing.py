"""The thread that publishes the log: a moment after something was appended, at most one second.

What it cannot do now it does a moment later; what it must not do (the rows are not a continuation
of what was signed) it says at every try, and the published files stay as they are.
"""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Final

from tallystick.core.clock import Clock
from tallystick.core.logs import logger
from tallystick.core.store import Store
from tallystick.core.tlog import ask, policy, publish
from tallystick.core.tlog.errors import LogError
from tallystick.core.tlog.keys import LogSigner
from tallystick.core.tlog.publish import Publisher

PUBLISH_EVERY_S: Final = 0.5
AGAIN_S: Final = 5.0
FOLDER: Final = "log"
LOG = logger()


def open_publisher(
    store: Store, data: Path, clock: Clock, origin: str = "", trusted: Path | None = None
) -> Publisher:
    """Return the publisher of ``data/log``, under the key ``data/log.key``.

    ``trusted`` is a tlog-policy whose witnesses are asked, those that have an address. Raises
    `OriginChanged` or `BadText`.
    """

    def renewed() -> LogSigner:
        return publish.signer_of(store, data / "log.key", origin)

    signer = renewed()
    if trusted is None:
        return Publisher(store, signer, data / FOLDER, clock, renewed=renewed)
    text = trusted.read_text("utf-8")
    asking = ask.Witnesses(store, policy.read(text), clock)
    given = (asking, text, asking.wanting, renewed)
    return Publisher(store, signer, data / FOLDER, clock, *given)


class Publishing(threading.Thread):
    """Publishes until told to stop; a fault is logged and tried again, never passed over."""

    def __init__(self, publisher: Publisher, stop: threading.Event) -> None:
        super().__init__(name="publishing", daemon=True)
        self.publisher, self.stop = publisher, stop

    def run(self) -> None:
        """Publish whatever is due, then look again."""
        while True:
            pause = self.once()
            if self.stop.wait(pause):
                self.once()
                return

    def once(self) -> float:
        """Publish if something is due; return for how many seconds to wait."""
        try:
            if self.publisher.due():
                self.publisher.step()
        except LogError as error:
            LOG.error("log", code=error.code, error=str(error))
            return AGAIN_S
        except Exception as error:
            LOG.error("log", error=repr(error))
            return AGAIN_S
        return PUBLISH_EVERY_S
