"""The public page, for anybody and without a name: prices, machines, and the check of a receipt.

A receipt carries its number, a mark and a key. Whoever holds the paper may ask whether our journal
has the mark, or whether the key opens our record of that number; the answer tells nothing about
anybody else, and a wrong key and an unknown number are one answer. The key is sent in a form's
body, so that no log of addresses ever holds it.
"""

from __future__ import annotations

import re
import threading
from pathlib import Path
from typing import Annotated, Any, Final

import sqlalchemy as sa
from fastapi import FastAPI, Form, Query, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response
from starlette.staticfiles import StaticFiles

from tallystick.core.identity.errors import TooManyAttempts
from tallystick.core.store import Store, StoreUnusable
from tallystick.kiosk import queries, quote, refund, wire
from tallystick.kiosk.errors import WrongState
from tallystick.kiosk.quote import Desk
from tallystick.web.console.kiosks import Kiosk, rows
from tallystick.web.door import Guard, Knocks
from tallystick.web.languages import LANGUAGES, Words, chosen
from tallystick.web.log_files import LogFiles
from tallystick.web.looks import Looks, templates
from tallystick.web.public import proofs

STATIC: Final = Path(__file__).parent / "static"
MARK: Final = re.compile(r"[0-9a-f]{64}")
KEY: Final = re.compile(r"[0-9a-f]{32}")
CODE: Final = re.compile(r"TALLYSTICK:([0-9A-Z-]{4,24}):([0-9A-F]{64}):([0-9A-F]{32})")
NUMBER_CHARS_MAX: Final = 200
OFFER_S: Final = 5.0
"""The price is asked for at most this often, however many people look at the page."""

TEMPLATES: Final = templates(Path(__file__).parent / "templates")
Given = Annotated[str, Form(max_length=NUMBER_CHARS_MAX)]
Found = dict[str, Any]


def tidy(text: str) -> str:
    """Return a long number as typed from paper: without spaces, in small letters."""
    return re.sub(r"\s+", "", text).lower()


class Face:
    """The page over one store, with an offer that is a few seconds old at most."""

    def __init__(self, store: Store, desk: Desk) -> None:
        self.store, self.desk = store, desk
        self.knocks = Knocks(desk.clock)
        self._offer: wire.Offer | None = None
        self._at = -OFFER_S
        self._asking = threading.Lock()

    def offer(self) -> wire.Offer:
        """Return what a purchase costs now, without a machine in mind."""
        with self._asking:
            now = self.desk.clock.monotonic_s()
            if self._offer is None or now - self._at >= OFFER_S:
                with self.store.read() as tx:
                    self._offer = quote.offer(self.desk, tx, "", "")
                self._at = now
            return self._offer

    def draw(self, status: int = 200, **found: Any) -> Response:
        """Draw the page, with an answer if one was asked for."""
        offer = self.offer()
        with self.store.read() as tx:
            machines = [one for one in rows(tx, self.desk) if one.machine.state == "active"]
            head = queries.head(tx)
        page = TEMPLATES.get_template("public.html").render(
            **({"answer": "", "number": "", "told": None, "entry": None, "stop": None} | found),
            offer=offer,
            place=self.desk.place,
            head=head,
            machines=[(one.machine.label, *now(one)) for one in machines],
            now=self.desk.clock.now(),
        )
        return HTMLResponse(page, status)

    def check(self, number: str, key: str) -> Response:
        """Answer about a mark, a number with its key, or the whole text of a receipt's code."""
        if code := CODE.fullmatch(re.sub(r"\s+", "", number).upper()):
            number, key = code[1], code[3]
        plain, salt = tidy(number), tidy(key)
        if not salt and MARK.fullmatch(plain):
            with self.store.read() as tx:
                entry = queries.committed(tx, plain)
            return self.draw(number=number, answer="found" if entry else "absent", entry=entry)
        if not KEY.fullmatch(salt) or not plain:
            return self.draw(422, number=number, answer="malformed")
        with self.store.read() as tx:
            told = queries.opened(tx, queries.as_reference(number.strip()), salt)
            held = told is not None and queries.held_back(tx, told[0]["purchase"])
        if told is None:
            return self.draw(number=number, answer="closed")
        stop = {"number": told[0]["reference"], "key": salt} if held else None
        return self.draw(number=number, answer="open", told=told[0], entry=told[1:], stop=stop)

    def stop(self, number: str, key: str) -> Response:
        """Call off a purchase that is held, at the word of whoever has its paper (requirement 10).

        All cash is owed back, the fee too; once the payout is signed, it says so.
        """
        salt = tidy(key)
        if not KEY.fullmatch(salt):
            return self.draw(422, number=number, answer="malformed")
        with self.store.read() as tx:
            told = queries.opened(tx, queries.as_reference(number.strip()), salt)
        if told is None:
            return self.draw(number=number, answer="closed")
        try:
            with self.store.transact() as tx:
                refund.call_off(
                    tx, self.desk, told[0]["purchase"], "customer", "by the paper's key"
                )
        except WrongState:
            return self.draw(409, number=number, answer="gone", told=told[0])
        return self.draw(number=number, answer="stopped", told=told[0])


def now(kiosk: Kiosk) -> tuple[str, str]:
    """Return how a machine stands, for somebody who thinks of going there."""
    if kiosk.said.word in ("Open", "In use") or kiosk.said.word == "Box differs":
        return "Open", "good"
    return ("No word from it", "off") if kiosk.silent or not kiosk.last else ("Closed now", "care")


def create_app(store: Store, desk: Desk, log_folder: Path | None = None) -> FastAPI:
    """Return the public page as an ASGI application. ``app.openapi()`` describes its routes.

    With a folder the published log is served under ``/log``.
    """
    app = FastAPI(
        title="Tallystick public page", version="1", docs_url=None, redoc_url=None, openapi_url=None
    )
    app.add_middleware(Guard)
    face = app.state.face = Face(store, desk)
    _add_receipts(app, face)
    if log_folder is not None:
        app.mount("/log", LogFiles(log_folder))

    @app.get("/", response_class=HTMLResponse)
    def page() -> Response:
        return face.draw()

    @app.post("/check", response_class=HTMLResponse)
    def check(request: Request, number: Given = "", key: Given = "") -> Response:
        face.knocks.count(request.client.host if request.client else "")
        return face.check(number, key)

    @app.post("/stop", response_class=HTMLResponse)
    def stop(request: Request, number: Given = "", key: Given = "") -> Response:
        face.knocks.count(request.client.host if request.client else "")
        return face.stop(number, key)

    @app.get("/stop", include_in_schema=False)
    @app.get("/check", include_in_schema=False)
    def nothing_asked() -> Response:
        return RedirectResponse("/#check", 303)

    @app.get("/healthz")
    def health() -> Response:
        with store.read() as tx:
            entries, _ = queries.head(tx)
        return JSONResponse({"ok": True, "journal_entries": entries})

    _add_troubles(app, face)
    app.mount("/look", Looks())
    app.mount("/public", StaticFiles(directory=STATIC))
    return app


def _add_receipts(app: FastAPI, face: Face) -> None:
    """Hand out receipts as files, and the page that checks one in the browser alone."""

    @app.get("/receipt", response_class=HTMLResponse)
    def receipt(request: Request, lang: Annotated[str, Query(max_length=10)] = "") -> Response:
        words = Words("public", chosen(lang, request.headers.get("accept-language", "")))
        page = TEMPLATES.get_template("receipt.html").render(
            who=face.offer().operator,
            _=words.plain,
            lang=words.language.code,
            dir=words.language.dir,
            languages=LANGUAGES.values(),
        )
        return HTMLResponse(page)

    @app.get("/proof/{mark}")
    def proof_of_mark(request: Request, mark: str) -> Response:
        face.knocks.count(request.client.host if request.client else "")
        found = proofs.by_mark(face.store, mark) if MARK.fullmatch(mark) else None
        return found or face.draw(404, number=mark[:NUMBER_CHARS_MAX], answer="absent")

    @app.post("/proof")
    def proof_of_key(request: Request, number: Given = "", key: Given = "") -> Response:
        face.knocks.count(request.client.host if request.client else "")
        salt, plain = tidy(key), queries.as_reference(number.strip())
        found = proofs.by_key(face.store, plain, salt) if KEY.fullmatch(salt) else None
        return found or face.draw(404, number=number, answer="closed")


def _add_troubles(app: FastAPI, face: Face) -> None:
    """Answer what makes no sense, or cannot be answered now, with a calm page."""

    @app.exception_handler(RequestValidationError)
    def invalid(request: Request, error: RequestValidationError) -> Response:
        return face.draw(422, answer="malformed")

    @app.exception_handler(HTTPException)
    def not_there(request: Request, error: HTTPException) -> Response:
        return face.draw(error.status_code, answer="nowhere")

    @app.exception_handler(TooManyAttempts)
    def too_many(request: Request, error: TooManyAttempts) -> Response:
        return face.draw(429, answer="later")

    @app.exception_handler(StoreUnusable)
    @app.exception_handler(sa.exc.SQLAlchemyError)
    def closed(request: Request, error: Exception) -> Response:
        if request.url.path == "/healthz":
            return JSONResponse({"ok": False}, 503)
        return HTMLResponse(TEMPLATES.get_template("closed.html").render(), 503)
