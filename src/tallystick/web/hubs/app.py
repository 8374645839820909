"""The hubs console's routes: each page one snapshot, each act one form, each of a person in a role.

An official approves by their passkey, over the digest of what is proposed. A refused step is an
answer, not a fault: it is on the case's page, with the gates that refused it (Decision 8).
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any, Final
from urllib.parse import quote

import sqlalchemy as sa
from fastapi import Depends, FastAPI, Query, Request
from fastapi.exceptions import RequestValidationError
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.staticfiles import StaticFiles

from tallystick.core.errors import TallystickError
from tallystick.core.identity.errors import IdentityError, NotSignedIn
from tallystick.core.identity.people import Person
from tallystick.core.store import Store, StoreUnusable, Tx
from tallystick.hubs import record
from tallystick.hubs.desk import Desk
from tallystick.hubs.errors import CaseUnknown, NotYours
from tallystick.hubs.law import SENDERS
from tallystick.hubs.model import State
from tallystick.hubs.record import Case
from tallystick.web import theme
from tallystick.web.console import app as console_app
from tallystick.web.door import Door, form_word, require_form, require_person
from tallystick.web.hubs import pages, sayings
from tallystick.web.hubs.who import Actor, actor
from tallystick.web.looks import Looks, templates
from tallystick.web.signin import install

STATIC: Final = Path(__file__).parent / "static"
REFERENCE: Final = r"^[0-9A-HJKMNP-TV-Z-]{10,26}$"
STATE: Final = rf"^(|{'|'.join(state.value for state in State)})$"
NAME: Final = r"^[a-z_.0-9]{3,60}$"
NOT_KNOWN: Final = "There is no such page here. Check the address."
STATUS: Final[dict[type[TallystickError], int]] = {CaseUnknown: 404, NotYours: 403}
NO_ROLE: Final = "You have no role in this programme. Ask an administrator."
CLOSED: Final = "The record cannot be read now. Everything is as last committed; nothing changed."

Signed = Annotated[Person, Depends(require_person)]
SentForm = Annotated[Person, Depends(require_form)]
Named = Annotated[str, Query(pattern=NAME)]
Make = Callable[[Tx, Actor], dict[str, Any] | None]

TEMPLATES: Final = templates(Path(__file__).parent / "templates")


class HubsConsole:
    """The pages over one store."""

    def __init__(self, store: Store, desk: Desk, door: Door) -> None:
        self.store, self.desk, self.door = store, desk, door

    def draw(
        self,
        request: Request,
        person: Person,
        name: str,
        make: Make,
        status: int = 200,
        **more: Any,
    ) -> HTMLResponse:
        """Draw a page from one snapshot; raise a 404 when ``make`` finds nothing."""
        with self.store.read() as tx:
            who = actor(tx, person)
            found = make(tx, who)
            if found is None:
                raise HTTPException(404, NOT_KNOWN)
        here = request.url.path + (f"?{request.url.query}" if request.url.query else "")
        page = TEMPLATES.get_template(f"{name}.html").render(
            **found,
            **more,
            page=name,
            person=person,
            who=who,
            says=sayings,
            ask_of=pages.ask_of,
            now=self.desk.clock.now(),
            form_word=form_word(request),
            here=here,
            theme=theme.chosen(self.door, request),
        )
        return HTMLResponse(page, status)

    def seen(self, tx: Tx, who: Actor, reference: str) -> Case:
        """Return a case that this person may see; one they may not is as if it were not there."""
        found = record.find(tx, reference[:26])
        if not who.may_see(found):
            raise CaseUnknown(f"there is no case {reference[:26]}")
        return found

    def step(self, person: Person, reference: str, do: Callable[[Tx, Case], object]) -> Response:
        """Take one step in a case in one transaction, and show the case."""
        with self.store.transact() as tx:
            found = self.seen(tx, actor(tx, person), reference)
            do(tx, found)
        return RedirectResponse(f"/cases/{found.reference}", 303)


def create_app(store: Store, desk: Desk, door: Door) -> FastAPI:
    """Return the hubs console as an ASGI application."""
    from tallystick.web.hubs import acts, monitor, places

    app = FastAPI(
        title="Tallystick hubs", version="1", docs_url=None, redoc_url=None, openapi_url=None
    )
    console = HubsConsole(store, desk, door)
    install(app, door)
    _add_pages(app, console)
    _add_forms(app, console)
    acts.add(app, console)
    acts.add_agreements(app, console)
    monitor.add(app, console)
    places.add(app, console)
    _add_files(app, console)
    _add_troubles(app, console)
    return app


def _add_pages(app: FastAPI, console: HubsConsole) -> None:
    """Add the pages that only show."""

    @app.get("/", response_class=HTMLResponse)
    def cases(
        request: Request,
        person: Signed,
        state: Annotated[str, Query(pattern=STATE)] = "",
        q: Annotated[str, Query(max_length=40)] = "",
    ) -> Response:
        if q.strip():
            return RedirectResponse(f"/cases/{quote(q.strip().upper(), safe='')}", 303)

        def make(tx: Tx, who: Actor) -> dict[str, Any]:
            return pages.board(tx, console.desk, who, state)

        return console.draw(request, person, "cases", make)

    @app.get("/cases/{reference}", response_class=HTMLResponse)
    def case(request: Request, person: Signed, reference: str) -> Response:
        with console.store.read() as tx:
            found = console.seen(tx, actor(tx, person), reference)
        # The vault writes down who looks, and why, before it opens anything.
        known = pages.identity(console.store, console.desk, found, person.id, "the case's page")

        def make(tx: Tx, who: Actor) -> dict[str, Any]:
            return pages.case_page(tx, console.desk, who, record.find(tx, found.id))

        return console.draw(request, person, "case", make, identity=known)

    @app.get("/agreements", response_class=HTMLResponse)
    def all_agreements(request: Request, person: Signed) -> Response:
        return console.draw(
            request, person, "agreements", lambda tx, who: pages.agreements_page(tx, console.desk)
        )

    @app.get("/agreements/{one}", response_class=HTMLResponse)
    def agreement(request: Request, person: Signed, one: str) -> Response:
        return console.draw(
            request,
            person,
            "agreement",
            lambda tx, who: pages.agreement_page(tx, console.desk, one[:41]),
        )

    @app.get("/gates", response_class=HTMLResponse)
    def gates(
        request: Request,
        person: Signed,
        sender: Annotated[str, Query(pattern=f"^({'|'.join(SENDERS)})$")] = "GB",
    ) -> Response:
        return console.draw(
            request, person, "gates", lambda tx, who: pages.gates_page(tx, console.desk, sender)
        )


def _add_forms(app: FastAPI, console: HubsConsole) -> None:
    """Add the pages with one form each."""

    @app.get("/open", response_class=HTMLResponse)
    def new(request: Request, person: Signed) -> Response:
        def make(tx: Tx, who: Actor) -> dict[str, Any]:
            if not who.has("caseworker"):
                raise NotYours("a caseworker opens a case")
            return {"senders": SENDERS}

        return console.draw(request, person, "open", make)

    @app.get("/cases/{reference}/facts", response_class=HTMLResponse)
    def facts(request: Request, person: Signed, reference: str) -> Response:
        def make(tx: Tx, who: Actor) -> dict[str, Any]:
            return pages.facts_page(tx, console.desk, console.seen(tx, who, reference))

        return console.draw(request, person, "facts", make)

    @app.get("/cases/{reference}/fact", response_class=HTMLResponse)
    def fact(request: Request, person: Signed, reference: str, name: Named) -> Response:
        def make(tx: Tx, who: Actor) -> dict[str, Any] | None:
            return pages.fact_page(console.seen(tx, who, reference), name)

        return console.draw(request, person, "fact", make)

    @app.get("/cases/{reference}/event", response_class=HTMLResponse)
    def event(request: Request, person: Signed, reference: str, kind: Named) -> Response:
        def make(tx: Tx, who: Actor) -> dict[str, Any] | None:
            return pages.event_page(who, console.seen(tx, who, reference), kind)

        return console.draw(request, person, "event", make)


def _add_files(app: FastAPI, console: HubsConsole) -> None:
    """Add what is not a page, and the choice of theme."""

    theme.add(app, console.door, require_form)
    app.mount("/look", Looks())
    app.mount("/console", StaticFiles(directory=console_app.STATIC))
    app.mount("/hubs", StaticFiles(directory=STATIC))


def _add_troubles(app: FastAPI, console: HubsConsole) -> None:
    """Answer what makes no sense with a calm page that says what and why."""

    def trouble(request: Request, status: int, said: str) -> Response:
        try:
            person = require_person(request)
            return console.draw(
                request, person, "trouble", lambda tx, who: {"said": said, "code": status}, status
            )
        except (StoreUnusable, sa.exc.SQLAlchemyError):
            return HTMLResponse(CLOSED, 503)
        except NotSignedIn:
            return RedirectResponse("/sign-in", 303)
        except IdentityError:
            return HTMLResponse(NO_ROLE, 403)

    @app.exception_handler(RequestValidationError)
    async def invalid(request: Request, error: RequestValidationError) -> Response:
        said = "A part of what was sent is not one that we use. Go back and try once more."
        return await run_in_threadpool(trouble, request, 422, said)

    @app.exception_handler(HTTPException)
    async def not_there(request: Request, error: HTTPException) -> Response:
        plain = error.detail if "." in error.detail else NOT_KNOWN
        return await run_in_threadpool(trouble, request, error.status_code, plain)

    @app.exception_handler(TallystickError)
    async def refused(request: Request, error: TallystickError) -> Response:
        status = STATUS.get(type(error), 409)
        said = f"{error.detail} ({error.code}). The person’s case is as it was."
        return await run_in_threadpool(trouble, request, status, said)
