"""A log's files behind a web server: bounded in size and time, and tried again when a line breaks.

Apart from the folder's reader, which the verifier of a folder needs alone: what speaks HTTP is slow
to load, and none of it is wanted where no network is.
"""

from __future__ import annotations

from typing import Final

import httpx

from tallystick.core.tlog.errors import Unreadable
from tallystick.core.tlog.reader import Missing, bounded

FETCH_S_MAX: Final = 20
TRIES: Final = 3
"""A connection that breaks is made again so often in all."""


class HttpSource:
    """A prefix on a web server. Redirects are not followed, proxies of the environment not used."""

    def __init__(self, url: str) -> None:
        self.where = url.rstrip("/")
        self._http = httpx.Client(timeout=FETCH_S_MAX, trust_env=False)

    def get(self, path: str, bytes_max: int) -> bytes:
        """Return a file; raise `Missing` or `Unreadable`."""
        for left in reversed(range(TRIES)):
            try:
                return self._get(path, bytes_max)
            except httpx.HTTPError as error:
                if not left or not isinstance(error, httpx.TransportError):
                    raise Unreadable(f"{self.where}/{path}: {error!r}"[:300]) from error
        raise Unreadable(f"{self.where}/{path}")

    def close(self) -> None:
        """Let go of the connections."""
        self._http.close()

    def _get(self, path: str, bytes_max: int) -> bytes:
        data = b""
        with self._http.stream("GET", f"{self.where}/{path}") as reply:
            if reply.status_code in (404, 410):
                raise Missing(f"{self.where}/{path} is not there")
            if reply.status_code != httpx.codes.OK:
                raise Unreadable(f"{self.where}/{path} answers {reply.status_code}")
            for part in reply.iter_bytes():
                data += part
                if len(data) > bytes_max:
                    break
        return bounded(path, data, bytes_max)
