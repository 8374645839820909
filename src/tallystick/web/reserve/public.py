"""The reserve's public page: what is held, what binds it, who moved what, and how to check it.

Nobody signs in here and nothing can be changed. The page says nothing that the books do not say,
and the published files beside it are what `tallystick verify` reads.
"""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any, Final

import sqlalchemy as sa
from fastapi import FastAPI
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.staticfiles import StaticFiles

from tallystick.core.clock import Clock
from tallystick.core.store import Store, StoreUnusable
from tallystick.reserve.errors import NoCharter
from tallystick.web.door import Guard
from tallystick.web.log_files import LogFiles
from tallystick.web.looks import Looks, templates
from tallystick.web.reserve import views

STATIC: Final = Path(__file__).parent / "static"
TEMPLATES: Final = templates(Path(__file__).parent / "templates")
FRESH_S: Final = 5.0
"""The page is made at most this often, however many people look at it."""


class PublicFace:
    """The page over one store, a few seconds old at most."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self.store, self.clock = store, clock
        self._made: dict[str, tuple[float, str]] = {}
        self._making = threading.Lock()

    def draw(self, name: str, **more: Any) -> str:
        """Return a page, made anew when it is older than `FRESH_S`."""
        with self._making:
            now = self.clock.monotonic_s()
            at, page = self._made.get(name, (-FRESH_S, ""))
            if now - at >= FRESH_S:
                with self.store.read() as tx:
                    found = views.public(tx, self.clock.now())
                    lines = views.lines(tx, public=True) if name == "movements" else []
                template = TEMPLATES.get_template(f"public_{name}.html")
                page = template.render(**found, all_lines=lines, **more)
                self._made[name] = (now, page)
            return page


def create_public(store: Store, clock: Clock, log: Path, address: str = "") -> FastAPI:
    """Return the public page; ``log`` is the published folder, served under ``/log``."""
    app = FastAPI(
        title="Tallystick reserve", version="1", docs_url=None, redoc_url=None, openapi_url=None
    )
    app.add_middleware(Guard)
    face = PublicFace(store, clock)

    @app.get("/", response_class=HTMLResponse)
    def page() -> str:
        return face.draw("reserve", address=address)

    @app.get("/movements", response_class=HTMLResponse)
    def movements() -> str:
        return face.draw("movements", address=address)

    @app.get("/healthz")
    def health() -> Response:
        with store.read() as tx:
            found = views.common(tx, clock.now())
        return JSONResponse({"ok": True, "log_entries": found["entries"]})

    @app.exception_handler(StoreUnusable)
    @app.exception_handler(NoCharter)
    @app.exception_handler(sa.exc.SQLAlchemyError)
    def closed(request: Request, error: Exception) -> Response:
        if request.url.path == "/healthz":
            return JSONResponse({"ok": False}, 503)
        return HTMLResponse(TEMPLATES.get_template("closed.html").render(), 503)

    app.mount("/log", LogFiles(log))
    app.mount("/look", Looks())
    app.mount("/reserve", StaticFiles(directory=STATIC))
    return app
