"""The console's routes: each page is one snapshot, each act one form, each needs a person.

Everything works without script; with it, a page that changed is put in by itself. Pages are for
the three roles of the console, acts only for those who may act (Decisions 7 and 8).
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Annotated, Any, Final

import anyio
import sqlalchemy as sa
from fastapi import Depends, FastAPI, Form, Query, Request
from fastapi.exceptions import RequestValidationError
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.responses import HTMLResponse, RedirectResponse, Response, StreamingResponse
from starlette.staticfiles import StaticFiles

from tallystick.core.errors import TallystickError
from tallystick.core.identity import grants
from tallystick.core.identity.people import Person, Role
from tallystick.core.store import Store, StoreUnusable, Tx
from tallystick.kiosk import queries, refund
from tallystick.kiosk.queries import Wanted
from tallystick.kiosk.quote import Desk
from tallystick.kiosk.scams import guard
from tallystick.kiosk.screening.model import ROLE as COMPLIANCE
from tallystick.web import theme
from tallystick.web.console import (
    books,
    claims,
    customers,
    kiosks,
    lawbook,
    pages,
    report_lists,
    reports,
    screening,
    sheet,
    wallet,
)
from tallystick.web.console.claims import NO_NUL
from tallystick.web.console.frame import frame
from tallystick.web.console.pages import PERSON, Offices
from tallystick.web.console.sayings import STATES
from tallystick.web.door import Door, allow, allow_form, form_word, require_person
from tallystick.web.looks import Looks, templates
from tallystick.web.signin import install

STATIC: Final = Path(__file__).parent / "static"
STREAMS_MAX: Final = 32
STREAM_S_MAX: Final = 60
"""A stream ends after so long; the page asks for a new one, which needs a person again."""
LOOK_S: Final = 1.0
TICK_S: Final = 30
"""A page is put in again at least this often, so that its ages and silences are true."""
FIGURE: Final = r"[0-9]{1,12}"
ID: Final = r"^[0-9A-HJKMNP-TV-Z]{26}$"
STATE: Final = rf"^(|{PERSON}|{'|'.join(STATES)})$"
WORD_CHARS_MAX: Final = queries.SEARCH_LENGTH_MAX
NOT_KNOWN: Final = "There is no such {what} here. Check the address, or search for it."

LOOKING: Final = (Role.ADMIN, Role.OPERATOR, Role.AUDITOR)
Signed = Annotated[Person, Depends(allow(*LOOKING))]
SentForm = Annotated[Person, Depends(allow_form(*LOOKING))]
Acting = Annotated[Person, Depends(allow_form(Role.ADMIN, Role.OPERATOR))]
Officer = Annotated[Person, Depends(allow_form(Role.ADMIN))]
"""Who answers for the law: adopts what is open and states that duties are met."""
State = Annotated[str, Query(pattern=STATE)]
Word = Annotated[str, Query(max_length=WORD_CHARS_MAX)]
Named = Annotated[str, Query(pattern=rf"^$|{ID}")]
Make = Callable[[Tx], dict[str, Any] | None]

TEMPLATES: Final = templates(Path(__file__).parent / "templates")


class Console:
    """The pages over one store."""

    def __init__(self, store: Store, desk: Desk, door: Door, offices: Offices) -> None:
        self.store, self.desk, self.door, self.offices = store, desk, door, offices
        self.auditor = books.Auditor(lambda: offices.audit(), door.clock)
        self._streams = 0

    def draw(
        self, request: Request, person: Person, name: str, make: Make, status: int = 200
    ) -> HTMLResponse:
        """Draw a page and its frame from one snapshot; raise a 404 when ``make`` finds nothing."""
        with self.store.read() as tx:
            found = make(tx)
            if found is None:
                raise HTTPException(404, NOT_KNOWN.format(what=name))
            around = frame(tx, self.desk)
            roles = grants.held(tx, person.id)
            due = reports.urgent(tx, person, self.door.clock.now())
        here = request.url.path + (f"?{request.url.query}" if request.url.query else "")
        page = TEMPLATES.get_template(f"{name}.html").render(
            **around,
            **found,
            page=name,
            person=person,
            compliance=COMPLIANCE in roles,
            reports_urgent=due,
            form_word=form_word(request),
            here=here,
            theme=theme.chosen(self.door, request),
        )
        return HTMLResponse(page, status)

    def version(self) -> str:
        """Return what differs when anything on a page has changed, or is due to be drawn again."""
        with self.store.read() as tx:
            tick = int(self.door.clock.now().timestamp()) // TICK_S
            return f"{queries.version(tx)}.{tick}"

    async def versions(self, request: Request) -> AsyncIterator[str]:
        """Say each new version, until the page goes or the stream has lasted long enough."""
        self._streams += 1
        try:
            last = ""
            for _ in range(int(STREAM_S_MAX / LOOK_S)):
                if await request.is_disconnected():
                    break
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

    def refunded(self, purchase: str, person: Person) -> None:
        """Record that this person gave the cash back; raise a 404 for no such purchase."""
        with self.store.transact() as tx:
            if queries.dossier(tx, purchase) is None:
                raise HTTPException(404, NOT_KNOWN.format(what="purchase"))
            refund.refunded(tx, self.desk, purchase, person.id)

    def called_off(self, purchase: str, person: Person) -> None:
        """Call off a purchase that is not signed yet; raise a 404 for no such purchase."""
        with self.store.transact() as tx:
            if queries.dossier(tx, purchase) is None:
                raise HTTPException(404, NOT_KNOWN.format(what="purchase"))
            refund.call_off(tx, self.desk, purchase, person.id, "by a person in the console")

    def adopted(
        self, code: str, subject: str, figures: dict[str, int], source: str, person: Person
    ) -> None:
        """Adopt what is open in a place, in this person's name."""
        with self.store.transact() as tx:
            lawbook.adopt(tx, self.desk, code, subject, figures, person.name, source)

    def stated(self, code: str, duty: str, evidence: str, until: dt.date, person: Person) -> None:
        """State that a duty of a place is met, in this person's name."""
        with self.store.transact() as tx:
            lawbook.state(tx, self.desk, code, duty, person.name, evidence, until)

    def released(self, purchase: str, why: str, person: Person) -> None:
        """Let a payout that waits for a person go on; raise a 404 for no such purchase."""
        with self.store.transact() as tx:
            if queries.dossier(tx, purchase) is None:
                raise HTTPException(404, NOT_KNOWN.format(what="purchase"))
            if not guard.release(tx, self.desk, purchase, person.id, why):
                raise HTTPException(409, "Nothing waits here for a person.")


def create_app(store: Store, desk: Desk, door: Door, offices: Offices) -> FastAPI:
    """Return the console as an ASGI application. ``app.openapi()`` describes its routes."""
    app = FastAPI(
        title="Tallystick console", version="1", docs_url=None, redoc_url=None, openapi_url=None
    )
    console = Console(store, desk, door, offices)
    install(app, door)
    _add_purchases(app, console)
    _add_places(app, console)
    _add_acts(app, console)
    _add_officers(app, console)
    claims.add(app, console)
    screening.add(app, console)
    reporting = reports.Desk(console)
    report_lists.add(app, reporting)
    reports.add(app, reporting)
    customers.add(app, console)
    _add_files(app, console)
    _add_troubles(app, console)
    return app


def _add_purchases(app: FastAPI, console: Console) -> None:
    """Add the pages about purchases."""

    def list_of(state: str, kiosk: str, q: str, before: str) -> Make:
        wanted = Wanted(state, kiosk, q, before)

        def make(tx: Tx) -> dict[str, Any] | None:
            if before and queries.dossier(tx, before) is None:
                return None
            return pages.purchases(tx, console.desk, wanted)

        return make

    @app.get("/", response_class=HTMLResponse)
    def purchases(
        request: Request,
        person: Signed,
        state: State = "",
        kiosk: Named = "",
        q: Word = "",
        before: Named = "",
    ) -> Response:
        return console.draw(request, person, "purchases", list_of(state, kiosk, q, before))

    @app.get("/purchases/{purchase}", response_class=HTMLResponse)
    def purchase(request: Request, person: Signed, purchase: str) -> Response:
        def make(tx: Tx) -> dict[str, Any] | None:
            return pages.purchase(tx, console.desk, purchase[:WORD_CHARS_MAX])

        return console.draw(request, person, "purchase", make)

    @app.get("/search", response_class=HTMLResponse)
    def search(request: Request, person: Signed, q: Word = "") -> Response:
        with console.store.read() as tx:
            rows, machines = queries.find(tx, q), queries.find_machines(tx, q)
        if len(rows) == 1 and not machines:
            return RedirectResponse(f"/purchases/{rows[0]['id']}", 303)
        if len(machines) == 1 and not rows:
            return RedirectResponse(f"/kiosks/{machines[0]['id']}", 303)
        found = {"rows": rows, "machines": machines, "word": q}
        return console.draw(request, person, "search", lambda tx: found)


def _add_places(app: FastAPI, console: Console) -> None:
    """Add the pages about kiosks, wallet and books."""

    @app.get("/kiosks", response_class=HTMLResponse)
    def all_kiosks(request: Request, person: Signed) -> Response:
        return console.draw(request, person, "kiosks", lambda tx: kiosks.kiosks(tx, console.desk))

    @app.get("/kiosks/{machine}", response_class=HTMLResponse)
    def kiosk(request: Request, person: Signed, machine: str) -> Response:
        return console.draw(
            request,
            person,
            "kiosk",
            lambda tx: kiosks.kiosk(tx, console.desk, machine[:WORD_CHARS_MAX]),
        )

    @app.get("/wallet", response_class=HTMLResponse)
    def hot_wallet(request: Request, person: Signed) -> Response:
        ask = console.offices
        return console.draw(
            request,
            person,
            "wallet",
            lambda tx: wallet.wallet(tx, console.desk, ask.refill, ask.signer),
        )

    @app.get("/books", response_class=HTMLResponse)
    def all_books(request: Request, person: Signed) -> Response:
        last = console.auditor.last
        return console.draw(
            request, person, "books", lambda tx: books.books(tx) | {"audited": last}
        )

    @app.get("/law", response_class=HTMLResponse)
    def all_law(request: Request, person: Signed) -> Response:
        return console.draw(request, person, "law", lambda tx: lawbook.everywhere(tx, console.desk))

    @app.get("/law/{code}", response_class=HTMLResponse)
    def law_of(request: Request, person: Signed, code: str) -> Response:
        return console.draw(
            request,
            person,
            "place",
            lambda tx: lawbook.one_place(tx, console.desk, code[:WORD_CHARS_MAX]),
        )


def _add_acts(app: FastAPI, console: Console) -> None:
    """Add the forms that change something, or cost something."""

    @app.post("/books/audit")
    def audit(request: Request, person: SentForm) -> Response:
        console.auditor.audit(person.name)
        return RedirectResponse("/books#audit", 303)

    @app.post("/purchases/{purchase}/refunded")
    def refunded(request: Request, person: Acting, purchase: str) -> Response:
        console.refunded(purchase[:WORD_CHARS_MAX], person)
        return RedirectResponse(f"/purchases/{purchase}", 303)

    @app.post("/purchases/{purchase}/called-off")
    def called_off(request: Request, person: Acting, purchase: str) -> Response:
        console.called_off(purchase[:WORD_CHARS_MAX], person)
        return RedirectResponse(f"/purchases/{purchase}", 303)

    @app.post("/purchases/{purchase}/released")
    def released(
        request: Request,
        person: Acting,
        purchase: str,
        why: Annotated[str, Form(min_length=3, max_length=200, pattern=NO_NUL)],
    ) -> Response:
        console.released(purchase[:WORD_CHARS_MAX], why, person)
        return RedirectResponse(f"/purchases/{purchase}", 303)

    theme.add(app, console.door, allow_form(*LOOKING))


def _add_officers(app: FastAPI, console: Console) -> None:
    """Add the forms of the compliance officer."""

    @app.post("/law/{code}/adopt")
    async def adopt(
        request: Request,
        person: Officer,
        code: str,
        subject: Annotated[str, Form(min_length=1, max_length=80, pattern=NO_NUL)],
        source: Annotated[str, Form(min_length=3, max_length=500, pattern=NO_NUL)],
    ) -> Response:
        given = dict((await request.form()).items())
        figures = {
            name: int(str(given[name]))
            for name in lawbook.FIGURE_WORDS
            if re.fullmatch(FIGURE, str(given.get(name, "")))
        }
        await run_in_threadpool(console.adopted, code[:40], subject, figures, source, person)
        return RedirectResponse(f"/law/{code[:40]}", 303)

    @app.post("/law/{code}/state")
    def state(
        request: Request,
        person: Officer,
        code: str,
        duty: Annotated[str, Form(min_length=1, max_length=120, pattern=NO_NUL)],
        evidence: Annotated[str, Form(min_length=3, max_length=500, pattern=NO_NUL)],
        until: Annotated[dt.date, Form()],
    ) -> Response:
        console.stated(code[:40], duty, evidence, until, person)
        return RedirectResponse(f"/law/{code[:40]}#duties", 303)


def _add_files(app: FastAPI, console: Console) -> None:
    """Add what is not a page: the list as a file, news, style and script."""

    @app.get("/purchases.csv")
    def as_csv(
        person: Signed, state: State = "", kiosk: Named = "", q: Word = "", before: Named = ""
    ) -> Response:
        wanted = Wanted("" if state == PERSON else state, kiosk, q, before)
        with console.store.read() as tx:
            text = sheet.purchases(tx, wanted, only_waiting=state == PERSON)
        name = 'attachment; filename="purchases.csv"'
        return Response(text, media_type="text/csv", headers={"Content-Disposition": name})

    @app.get("/events", include_in_schema=False)
    async def events(request: Request, person: Signed) -> Response:
        if console.full:
            return Response(status_code=503, headers={"Retry-After": "5"})
        return StreamingResponse(console.versions(request), media_type="text/event-stream")

    app.mount("/look", Looks())
    app.mount("/console", StaticFiles(directory=STATIC))


def _add_troubles(app: FastAPI, console: Console) -> None:
    """Answer what makes no sense with a calm page that says what and why."""

    def trouble(request: Request, status: int, said: str) -> Response:
        try:
            person = require_person(request)
            if person.role not in LOOKING:
                return _bare(status, said)
            return console.draw(
                request, person, "trouble", lambda tx: {"said": said, "code": status}, status
            )
        except (StoreUnusable, sa.exc.SQLAlchemyError):
            return _bare(503, BOOKS_CLOSED)
        except TallystickError:
            return RedirectResponse("/sign-in", 303)

    @app.exception_handler(RequestValidationError)
    async def invalid(request: Request, error: RequestValidationError) -> Response:
        said = "A part of this address is not one that we use. Go back and try once more."
        return await run_in_threadpool(trouble, request, 422, said)

    @app.exception_handler(HTTPException)
    async def not_there(request: Request, error: HTTPException) -> Response:
        plain = error.detail if "." in error.detail else NOT_KNOWN.format(what="page")
        return await run_in_threadpool(trouble, request, error.status_code, plain)

    @app.exception_handler(TallystickError)
    async def refused(request: Request, error: TallystickError) -> Response:
        said = f"{error.detail} ({error.code}). The money is {error.money}."
        return await run_in_threadpool(trouble, request, getattr(error, "status", 409), said)

    @app.exception_handler(StoreUnusable)
    @app.exception_handler(sa.exc.SQLAlchemyError)
    async def closed(request: Request, error: Exception) -> Response:
        return _bare(503, BOOKS_CLOSED)


BOOKS_CLOSED: Final = (
    "The books cannot be read now. The money is as last committed; nothing was changed. "
    "Look at the server’s log and its disk, then try again."
)


def _bare(status: int, said: str) -> HTMLResponse:
    """Answer without the frame, which needs the books."""
    return HTMLResponse(TEMPLATES.get_template("bare.html").render(said=said), status)


__all__ = ["STATES", "create_app"]
