"""The public page, for anybody and without a name: prices, machines, and the check of a receipt.

A receipt carries a commitment. Whoever holds the paper may ask whether our journal has it; the
answer tells nothing about anybody else, and names no purchase.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated, Any, Final

import jinja2
from fastapi import FastAPI, Query, Request
from fastapi.exceptions import RequestValidationError
from markupsafe import Markup
from starlette.responses import HTMLResponse, JSONResponse, Response

from tallystick import look
from tallystick.core.identity.errors import TooManyAttempts
from tallystick.core.store import Store
from tallystick.kiosk import queries, quote
from tallystick.kiosk.quote import Desk
from tallystick.look import art
from tallystick.web.console.app import Looks
from tallystick.web.console.figures import FIGURES
from tallystick.web.console.pages import kiosk_rows
from tallystick.web.door import Guard, Knocks

COMMITMENT: Final = re.compile(r"[0-9a-f]{64}")
TEXT_CHARS_MAX: Final = 200
TEMPLATES: Final = jinja2.Environment(
    loader=jinja2.FileSystemLoader(Path(__file__).parent / "templates"),
    autoescape=True,
    undefined=jinja2.StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
TEMPLATES.globals.update(FIGURES)
Given = Annotated[str, Query(max_length=TEXT_CHARS_MAX)]


def tidy(text: str) -> str:
    """Return a commitment as typed from paper: without spaces, in small letters."""
    return re.sub(r"\s+", "", text).lower()


def create_app(store: Store, desk: Desk) -> FastAPI:
    """Return the public page as an ASGI application."""
    app = FastAPI(title="Tallystick public page", version="1", docs_url=None, redoc_url=None)
    app.add_middleware(Guard)
    knocks = Knocks(desk.clock)

    def draw(status: int = 200, **found: Any) -> Response:
        with store.read() as tx:
            offer = quote.offer(desk, tx, "", "")
            head = queries.head(tx)
            machines = [one for one in kiosk_rows(tx, desk) if one["machine"].state == "active"]
        page = TEMPLATES.get_template("public.html").render(
            offer=offer,
            head=head,
            machines=machines,
            now=desk.clock.now(),
            mark=Markup(art.mark()),  # noqa: S704 - drawn by us
            sprite=Markup(art.SPRITE),  # noqa: S704 - a file of ours
            icon=lambda name: Markup(art.icon(name)),  # noqa: S704 - drawn by us
            **found,
        )
        return HTMLResponse(page, status)

    @app.get("/", response_class=HTMLResponse)
    def page(request: Request, receipt: Given = "") -> Response:
        if not receipt:
            return draw(asked="", answer="")
        knocks.count(request.client.host if request.client else "")
        text = tidy(receipt)
        if not COMMITMENT.fullmatch(text):
            return draw(422, asked=receipt, answer="malformed")
        with store.read() as tx:
            found = queries.committed(tx, text)
        return draw(asked=receipt, answer="found" if found else "absent", entry=found)

    @app.get("/healthz")
    def health() -> Response:
        with store.read() as tx:
            entries, _ = queries.head(tx)
        return JSONResponse({"ok": True, "journal_entries": entries})

    @app.exception_handler(RequestValidationError)
    async def invalid(request: Request, error: RequestValidationError) -> Response:
        return draw(422, asked="", answer="malformed")

    @app.exception_handler(TooManyAttempts)
    async def too_many(request: Request, error: TooManyAttempts) -> Response:
        return draw(429, asked="", answer="later")

    app.mount("/look", Looks(directory=look.FOLDER))
    return app
