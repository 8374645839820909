"""Serve a published log's folder, and nothing else that may lie beside it (C2SP tlog-tiles).

Tiles never change, so a cache may keep them for ever, the partial ones too; the checkpoint is good
for a second. Everything here is public by purpose: any page of anybody may read it. A path that is
not exactly one of the log's own is not looked for.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

from starlette.requests import Request
from starlette.responses import FileResponse, PlainTextResponse, Response
from starlette.types import Receive, Scope, Send

from tallystick.core.tlog import tiles
from tallystick.core.tlog.errors import BadText

FOR_EVER: Final = "public, max-age=31536000, immutable"
FOR_A_SECOND: Final = "public, max-age=1"
TEXT: Final = "text/plain; charset=utf-8"
BYTES: Final = "application/octet-stream"
TEXTS: Final = frozenset({"checkpoint", "checkpoint.witnessed", "log.vkey", "policy"})
KEYS: Final = "keys.json"
KINDS: Final = {
    ".json": "application/json",
    ".pdf": "application/pdf",
    ".txt": TEXT,
    ".psbt": BYTES,
    ".tlog-proof": TEXT,
}
"""What else may be published, below ``artefacts/``, by the end of its name."""
_ARTEFACT: Final = re.compile(r"artefacts(/[a-z0-9][a-z0-9_-]{0,63})*/[a-z0-9][a-z0-9_-]{0,63}\.")
OPEN_TO_ALL: Final = {
    "Access-Control-Allow-Origin": "*",
    "Cross-Origin-Resource-Policy": "cross-origin",
    "X-Content-Type-Options": "nosniff",
}


def kind_of(path: str) -> tuple[str, str] | None:
    """Return a path's content type and how long it may be cached, or None if it is not ours."""
    if path in TEXTS:
        return TEXT, FOR_A_SECOND
    if path == KEYS:
        return KINDS[".json"], FOR_A_SECOND
    for suffix, kind in KINDS.items():
        if path.endswith(suffix) and _ARTEFACT.fullmatch(path.removesuffix(suffix) + "."):
            return kind, FOR_A_SECOND
    try:
        tiles.parse(path)
    except BadText:
        return None
    return BYTES, FOR_EVER


class LogFiles:
    """The folder as an ASGI application, to be mounted under a prefix or served alone."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] == "http":
            await self._answer(Request(scope))(scope, receive, send)

    def _answer(self, request: Request) -> Response:
        if request.method not in ("GET", "HEAD"):
            return PlainTextResponse("This can only be read.", 405, {"Allow": "GET, HEAD"})
        root = request.scope.get("root_path", "")
        path = request.scope["path"].removeprefix(root).removeprefix("/")
        kind = kind_of(path)
        file = self.folder / path
        if kind is None or not file.is_file():
            return PlainTextResponse("The log has no such file.", 404, OPEN_TO_ALL)
        headers = {**OPEN_TO_ALL, "Cache-Control": kind[1], "Content-Type": kind[0]}
        return FileResponse(file, headers=headers)
