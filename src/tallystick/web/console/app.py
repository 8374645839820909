"""The console's routes: each page is one snapshot, each act one form, each needs a person.

Everything works without script; with it, a page that changed is put in by itself. Pages are for
every signed-in role, acts only for those who may act (Decisions 7 and 8).
"""

from __future__ import annotations

import csv
import datetime as dt
import io
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Annotated, Any, Final

import anyio
import jinja2
from fastapi import Depends, FastAPI, Query, Request
from fastapi.exceptions import RequestValidationError
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.responses import HTMLResponse, RedirectResponse, Response, StreamingResponse
from starlette.staticfiles import StaticFiles

from tallystick import look
from tallystick.core.errors import TallystickError
from tallystick.core.identity.people import Person, Role
from tallystick.core.store import Store
from tallystick.kiosk import buy, queries
from tallystick.kiosk.quote import Desk
from tallystick.web.console import pages
from tallystick.web.console.figures import FIGURES
from tallystick.web.console.pages import STATES, Offices
from tallystick.web.door import Door, allow_form, form_word, require_person
from tallystick.web.signin import install

STATIC: Final = Path(__file__).parent / "static"
STREAMS_MAX: Final = 32
LOOK_S: Final = 1.0
ID: Final = r"^[0-9A-HJKMNP-TV-Z]{26}$"
STATE: Final = r"^[a-z_]{0,20}$"
WORD_CHARS_MAX: Final = queries.SEARCH_LENGTH_MAX
CSV: Final = (
    *("reference", "made_at", "state", "machine", "currency"),
    *("cash_minor", "fee_minor", "sats", "address"),
)

Signed = Annotated[Person, Depends(require_person)]
Acting = Annotated[Person, Depends(allow_form(Role.ADMIN, Role.OPERATOR))]
Checking = Annotated[Person, Depends(allow_form(Role.ADMIN, Role.OPERATOR, Role.AUDITOR))]
State = Annotated[str, Query(pattern=STATE)]
Word = Annotated[str, Query(max_length=WORD_CHARS_MAX)]

TEMPLATES: Final = jinja2.Environment(
    loader=jinja2.FileSystemLoader(Path(__file__).parent / "templates"),
    autoescape=True,
    undefined=jinja2.StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
TEMPLATES.globals.update(FIGURES)


class Console:
    """The pages over one store."""

    def __init__(self, store: Store, desk: Desk, offices: Offices) -> None:
        self.store, self.desk, self.offices = store, desk, offices
        self._streams = 0

    def draw(
        self, request: Request, person: Person | None, name: str, status: int = 200, **found: Any
    ) -> HTMLResponse:
        """Draw a page with its frame, in one snapshot with ``frame``."""
        with self.store.read() as tx:
            around = pages.frame(tx, self.desk)
        page = TEMPLATES.get_template(f"{name}.html").render(
            **around,
            **found,
            page=name,
            person=person,
            form_word=form_word(request),
            version=self.version(),
        )
        return HTMLResponse(page, status)

    def version(self) -> str:
        """Return what differs when anything on a page has changed."""
        with self.store.read() as tx:
            return queries.version(tx)

    async def versions(self, request: Request) -> AsyncIterator[str]:
        """Say each new version, until the page goes."""
        self._streams += 1
        try:
            last = ""
            while not await request.is_disconnected():
                now = await run_in_threadpool(self.version)
                yield f"event: version\ndata: {now}\n\n" if now != last else ": still here\n\n"
                last = now
                await anyio.sleep(LOOK_S)
        finally:
            self._streams -= 1

    @property
    def full(self) -> bool:
        """Say whether as many pages listen as may."""
        return self._streams >= STREAMS_MAX

    def csv(self, state: str, word: str) -> str:
        """Return the list of purchases as comma-separated values."""
        with self.store.read() as tx:
            rows = queries.purchases(tx, state, word)
        out = io.StringIO()
        writer = csv.writer(out)
        writer.writerow(CSV)
        writer.writerows([row[name] for name in CSV] for row in rows)
        return out.getvalue()

    def refunded(self, purchase: str, person: Person) -> None:
        """Record that this person gave the cash back."""
        with self.store.transact() as tx:
            buy.refunded(tx, self.desk, purchase, person.id)


def create_app(store: Store, desk: Desk, door: Door, offices: Offices) -> FastAPI:
    """Return the console as an ASGI application."""
    app = FastAPI(title="Tallystick console", version="1", docs_url=None, redoc_url=None)
    console = Console(store, desk, offices)
    install(app, door)
    _add_pages(app, console)
    _add_acts(app, console)
    _add_files(app, console)
    _add_troubles(app, console)
    return app


def _add_pages(app: FastAPI, console: Console) -> None:
    """Add the pages that change nothing."""

    @app.get("/", response_class=HTMLResponse)
    def purchases(
        request: Request,
        person: Signed,
        state: State = "",
        q: Word = "",
        before: dt.datetime | None = None,
    ) -> Response:
        before = before.replace(tzinfo=dt.UTC) if before and not before.tzinfo else before
        with console.store.read() as tx:
            found = pages.purchases(tx, console.desk, state, q, before)
        return console.draw(request, person, "purchases", **found)

    @app.get("/purchases/{purchase}", response_class=HTMLResponse)
    def purchase(request: Request, person: Signed, purchase: str) -> Response:
        with console.store.read() as tx:
            found = pages.purchase(tx, console.desk, purchase[:WORD_CHARS_MAX])
        if found is None:
            raise HTTPException(404, "There is no purchase of this name.")
        return console.draw(request, person, "purchase", **found)

    @app.get("/kiosks", response_class=HTMLResponse)
    def kiosks(request: Request, person: Signed) -> Response:
        with console.store.read() as tx:
            found = pages.kiosks(tx, console.desk)
        return console.draw(request, person, "kiosks", **found)

    @app.get("/wallet", response_class=HTMLResponse)
    def wallet(request: Request, person: Signed) -> Response:
        with console.store.read() as tx:
            found = pages.wallet(tx, console.desk, console.offices)
        return console.draw(request, person, "wallet", **found)

    @app.get("/books", response_class=HTMLResponse)
    def books(request: Request, person: Signed) -> Response:
        with console.store.read() as tx:
            found = pages.books(tx)
        return console.draw(request, person, "books", checks=None, **found)

    @app.get("/search", response_class=HTMLResponse)
    def search(request: Request, person: Signed, q: Word = "") -> Response:
        with console.store.read() as tx:
            rows = queries.find(tx, q)
        if len(rows) == 1:
            return RedirectResponse(f"/purchases/{rows[0]['id']}", 303)
        return console.draw(request, person, "search", rows=rows, word=q)


def _add_acts(app: FastAPI, console: Console) -> None:
    """Add the forms that change something, or cost something."""

    @app.post("/books/audit", response_class=HTMLResponse)
    def audit(request: Request, person: Checking) -> Response:
        checks = console.offices.audit()
        with console.store.read() as tx:
            found = pages.books(tx)
        return console.draw(request, person, "books", checks=checks, **found)

    @app.post("/purchases/{purchase}/refunded")
    def refunded(request: Request, person: Acting, purchase: str) -> Response:
        with console.store.read() as tx:
            if queries.dossier(tx, purchase) is None:
                raise HTTPException(404, "There is no purchase of this name.")
        console.refunded(purchase, person)
        return RedirectResponse(f"/purchases/{purchase}", 303)


def _add_files(app: FastAPI, console: Console) -> None:
    """Add what is not a page: the list as a file, news, style and script."""

    @app.get("/purchases.csv")
    def as_csv(person: Signed, state: State = "", q: Word = "") -> Response:
        name = 'attachment; filename="purchases.csv"'
        return Response(
            console.csv(state, q), media_type="text/csv", headers={"Content-Disposition": name}
        )

    @app.get("/events", include_in_schema=False)
    async def events(request: Request, person: Signed) -> Response:
        if console.full:
            return Response(status_code=503, headers={"Retry-After": "5"})
        return StreamingResponse(console.versions(request), media_type="text/event-stream")

    app.mount("/look", Looks(directory=look.FOLDER))
    app.mount("/console", StaticFiles(directory=STATIC))


class Looks(StaticFiles):
    """The shared look, without the Python beside it."""

    def lookup_path(self, path: str) -> tuple[str, Any]:
        """Find a file, or nothing for a kind that no page asks for."""
        if Path(path).suffix not in look.SERVED:
            return "", None
        return super().lookup_path(path)


def _add_troubles(app: FastAPI, console: Console) -> None:
    """Answer what makes no sense with a calm page that says what and why."""

    def trouble(request: Request, status: int, said: str) -> Response:
        try:
            person = require_person(request)
        except TallystickError:
            return RedirectResponse("/sign-in", 303)
        return console.draw(request, person, "trouble", status, said=said, code=status)

    @app.exception_handler(RequestValidationError)
    async def invalid(request: Request, error: RequestValidationError) -> Response:
        return await run_in_threadpool(
            trouble, request, 422, "A part of this address is not one that we use."
        )

    @app.exception_handler(HTTPException)
    async def not_there(request: Request, error: HTTPException) -> Response:
        return await run_in_threadpool(trouble, request, error.status_code, str(error.detail))

    @app.exception_handler(TallystickError)
    async def refused(request: Request, error: TallystickError) -> Response:
        said = f"{error.detail} ({error.code}). The money is {error.money}."
        return await run_in_threadpool(trouble, request, getattr(error, "status", 409), said)


__all__ = ["STATES", "create_app"]
