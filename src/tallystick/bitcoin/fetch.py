"""One HTTP question with an end: a deadline for the whole answer and a limit on its size.

A chain server that hangs, drips or floods must not hold a payout worker. Every failure that is not
a complete answer is `ChainUnreachable`: the outcome is unknown, and nothing is taken from it.
"""

from __future__ import annotations

import http.client
import ssl
import time
from contextlib import closing
from dataclasses import dataclass
from functools import cache
from typing import Final
from urllib.parse import urlsplit

from tallystick.bitcoin.errors import ChainUnreachable

ANSWER_BYTES_MAX: Final = 8_000_000
PIECE_BYTES: Final = 65_536
TIMEOUT_S: Final = 10.0


@dataclass(frozen=True, slots=True)
class Answer:
    """A whole HTTP answer."""

    status: int
    body: bytes

    def text(self) -> str:
        """Return the body as text; wrong bytes become question marks."""
        return self.body.decode("utf-8", "replace").strip()


@cache
def _tls() -> ssl.SSLContext:
    return ssl.create_default_context()


def _connect(url: str, timeout_s: float) -> http.client.HTTPConnection:
    parts = urlsplit(url)
    host = parts.hostname or ""
    if parts.scheme == "https":
        return http.client.HTTPSConnection(host, parts.port, timeout=timeout_s, context=_tls())
    return http.client.HTTPConnection(host, parts.port, timeout=timeout_s)


def fetch(url: str, body: bytes | None = None, timeout_s: float = TIMEOUT_S) -> Answer:
    """GET, or POST when there is a body; raise `ChainUnreachable` without a whole answer in time.

    Redirects are not followed: an answer elsewhere is no answer.
    """
    parts = urlsplit(url)
    end = time.monotonic() + timeout_s
    try:
        with closing(_connect(url, timeout_s)) as connection:
            method = "GET" if body is None else "POST"
            connection.request(method, parts.path or "/", body, {"Connection": "close"})
            reply = connection.getresponse()
            return Answer(reply.status, _read(reply, end))
    except (OSError, ValueError, http.client.HTTPException) as error:
        raise ChainUnreachable(f"{parts.scheme}://{parts.netloc}: {error!r}") from error


def _read(reply: http.client.HTTPResponse, end: float) -> bytes:
    pieces, size = [], 0
    while piece := reply.read1(PIECE_BYTES):
        pieces.append(piece)
        size += len(piece)
        if size > ANSWER_BYTES_MAX:
            raise OSError(f"an answer of more than {ANSWER_BYTES_MAX} bytes")
        if time.monotonic() > end:
            raise OSError("the answer took too long")
    if reply.length:
        raise OSError(f"the answer ended {reply.length} bytes early")
    return b"".join(pieces)
