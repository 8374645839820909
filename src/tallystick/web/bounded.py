"""uvicorn's HTTP with bounds: the head of a request is short, and comes in time.

uvicorn bounds neither, so that a stranger could fill the memory or hold connections for ever. An
address with a NUL in it is refused too, since PostgreSQL holds no such text. Bodies are bounded by
the application that reads them. Give the class to uvicorn's ``http`` option.
"""

from __future__ import annotations

import asyncio
from typing import Any, Final

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

HEAD_BYTES_MAX: Final = 32_768
HEAD_S_MAX: Final = 5
NUL_IN_URL: Final = b"%00"


class BoundedHttp(HttpToolsProtocol):
    """Closes a connection whose request line and headers are too long or too slow."""

    _late: asyncio.TimerHandle | None = None
    _head_bytes = 0
    _heads = 0
    _in_head = True

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Give the first request its time."""
        super().connection_made(transport)
        self._await_head()

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the timer."""
        self._head_came()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Count what is still head after the parser has seen it, and was before.

        The last part of a body ends a message, so that a head is due; it is no head itself.
        """
        due = self._in_head
        if due and self._late is None and self._idle():
            self._await_head()
        heads = self._heads
        super().data_received(data)
        if due and self._in_head and self._heads == heads:
            self._head_bytes += len(data)
            if self._head_bytes > HEAD_BYTES_MAX:
                self._refuse()

    def on_headers_complete(self) -> None:
        """Note that the head is whole; what is raised here, uvicorn answers with 400."""
        self._heads += 1
        self._head_came()
        if NUL_IN_URL in self.url:
            raise ValueError("a NUL in the address")
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        """Count the next head from nothing."""
        super().on_message_complete()
        self._in_head, self._head_bytes = True, 0

    def _idle(self) -> bool:
        cycle: Any = self.cycle
        return cycle is None or bool(cycle.response_complete)

    def _await_head(self) -> None:
        self._late = self.loop.call_later(HEAD_S_MAX, self._refuse)

    def _head_came(self) -> None:
        self._in_head = False
        if self._late is not None:
            self._late.cancel()
            self._late = None

    def _refuse(self) -> None:
        """Answer, unless an answer is under way; then close."""
        if self.transport.is_closing():
            return
        if self._idle():
            self.send_400_response("The head of this request is too long or too slow.")
        else:
            self.transport.abort()
