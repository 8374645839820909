"""The pages outside the console: a person's own record by reference and key, and the figures.

The key comes in a form's body and never in an address. A wrong key and an unknown reference are
one answer. A visit ends after half an hour, and its cookie opens one record. The person's pages are
in five languages, work without a script, and ask no other server for anything (Decision 7).
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any, Final

import msgspec
import sqlalchemy as sa
from fastapi import FastAPI, Form, Request
from fastapi.exceptions import RequestValidationError
from markupsafe import Markup
from starlette.exceptions import HTTPException
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response
from starlette.staticfiles import StaticFiles

from tallystick.core import journal
from tallystick.core.identity import sessions
from tallystick.core.identity.errors import TooManyAttempts
from tallystick.core.store import Store, StoreUnusable
from tallystick.core.tlog import log, receipts
from tallystick.core.tlog.errors import LogForked, NotPublished
from tallystick.hubs import agreements, findings, person, statistics
from tallystick.hubs.desk import Desk
from tallystick.hubs.errors import CaseErased
from tallystick.hubs.person import NoSuchRecord, VisitOver, WordsRefused
from tallystick.hubs.statistics import ALL, HIDDEN, STEPS, QuarterRefused, Release
from tallystick.look import charts
from tallystick.web.console import app as console_app
from tallystick.web.door import Guard, Knocks
from tallystick.web.hubs_public import chart, sayings
from tallystick.web.hubs_public.words import LANGUAGES, Words
from tallystick.web.languages import chosen
from tallystick.web.log_files import LogFiles
from tallystick.web.looks import Looks, templates
from tallystick.web.public import app as kiosk_public

STATIC: Final = Path(__file__).parent / "static"
GIVEN_CHARS_MAX: Final = 80
YEAR_S: Final = 31_536_000
LANG: Final = "tallystick-language"
VISIT: Final = "tallystick-visit"
CODES: Final = "|".join(LANGUAGES)
PRIVATE: Final = {"Cache-Control": "no-store", "Referrer-Policy": "no-referrer"}

TEMPLATES: Final = templates(Path(__file__).parent / "templates")
Given = Annotated[str, Form(max_length=GIVEN_CHARS_MAX)]
Long = Annotated[str, Form(max_length=3 * person.WORDS_CHARS_MAX)]


class Outside:
    """The pages over one store. ``secure`` says that the site is reached by https."""

    def __init__(self, store: Store, desk: Desk, secure: bool) -> None:
        self.store, self.desk, self.secure = store, desk, secure
        self.knocks = Knocks(desk.clock)

    def words(self, request: Request) -> Words:
        """Return the reader's language: chosen, else the first that the browser asks for."""
        accepted = request.headers.get("accept-language", "")
        return Words(chosen(request.cookies.get(LANG, ""), accepted))

    def draw(self, request: Request, name: str, status: int = 200, **found: Any) -> Response:
        """Draw a page in the reader's language."""
        token = request.cookies.get(VISIT, "")
        page = TEMPLATES.get_template(f"{name}.html").render(
            **found,
            w=self.words(request),
            languages=LANGUAGES.values(),
            here=request.url.path,
            says=sayings,
            form_word=sessions.csrf_of(token) if token else "",
        )
        return HTMLResponse(page, status, PRIVATE)

    def sent_by_us(self, request: Request, word: str) -> str:
        """Return the visit's token if the form is from our own page; raise `VisitOver`."""
        token = request.cookies.get(VISIT, "")
        if not token or not sessions.csrf_fits(token, word):
            raise VisitOver
        return token

    def keep(self, response: Response, name: str, value: str, seconds: int) -> Response:
        """Set a cookie of ours."""
        response.set_cookie(
            name, value, max_age=seconds, secure=self.secure, httponly=True, samesite="strict"
        )
        return response


def create_app(
    store: Store, desk: Desk, folder: Path | None = None, secure: bool = False
) -> FastAPI:
    """Return the pages as an ASGI application; ``folder`` is the published log, if there is one."""
    app = FastAPI(
        title="Tallystick hubs, outside",
        version="1",
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
    )
    app.add_middleware(Guard)
    outside = app.state.outside = Outside(store, desk, secure)
    _add_record(app, outside)
    _add_forms(app, outside)
    _add_figures(app, outside)
    _add_troubles(app, outside)
    app.mount("/look", Looks())
    app.mount("/console", StaticFiles(directory=console_app.STATIC))
    app.mount("/public", StaticFiles(directory=kiosk_public.STATIC))
    app.mount("/outside", StaticFiles(directory=STATIC))
    if folder is not None:
        app.mount("/log", LogFiles(folder))
    return app


def _add_record(app: FastAPI, outside: Outside) -> None:
    """Add the pages of somebody's own record."""

    @app.get("/", response_class=HTMLResponse)
    def door(request: Request) -> Response:
        return outside.draw(request, "door", said="")

    @app.get("/record", response_class=HTMLResponse)
    def mine(request: Request, sent: bool = False) -> Response:
        with outside.store.read() as tx:
            case = person.visited(tx, outside.desk, request.cookies.get(VISIT, ""))
            view = person.view(tx, outside.desk, case)
            answers = findings.listed(tx, outside.desk, case, to_person=True)
        more: dict[str, Any] = {"sent": sent, "today": outside.desk.today()}
        return outside.draw(request, "record", view=view, answers=answers, **more)

    @app.get("/receipt/{entry}")
    def receipt(request: Request, entry: int) -> Response:
        with outside.store.read() as tx:
            case = person.visited(tx, outside.desk, request.cookies.get(VISIT, ""))
            salt, content = person.opening(tx, outside.desk, case, entry)
            try:
                text = next(journal.read(tx, entry - 1, entry))[0]
                proof = log.receipt(tx, entry, receipts.opening(text, salt, content))
            except (NotPublished, LogForked):
                return outside.draw(request, "trouble", 409, said="later")
        name = f"receipt-{entry}{receipts.SUFFIX}"
        headers = {**PRIVATE, "Content-Disposition": f'attachment; filename="{name}"'}
        return Response(str(proof), media_type="text/plain; charset=utf-8", headers=headers)


def _add_forms(app: FastAPI, outside: Outside) -> None:
    """Add what a person sends."""

    @app.post("/enter", response_class=HTMLResponse)
    def enter(request: Request, reference: Given = "", key: Given = "") -> Response:
        outside.knocks.count(request.client.host if request.client else "")
        try:
            with outside.store.transact() as tx:
                token = person.enter(tx, outside.desk, reference, key)
        except NoSuchRecord:
            return outside.draw(request, "door", 403, said="wrong")
        onward = RedirectResponse("/record", 303)
        return outside.keep(onward, VISIT, token, person.VISIT_S)

    @app.post("/leave", response_class=HTMLResponse)
    def leave(request: Request, form_word: Given = "") -> Response:
        token = outside.sent_by_us(request, form_word)
        with outside.store.transact() as tx:
            person.leave(tx, token)
        return outside.keep(RedirectResponse("/", 303), VISIT, "", 0)

    @app.post("/complain", response_class=HTMLResponse)
    def complain(request: Request, words: Long = "", form_word: Given = "") -> Response:
        token = outside.sent_by_us(request, form_word)
        with outside.store.transact() as tx:
            case = person.visited(tx, outside.desk, token)
            person.complain(tx, outside.desk, case, words)
        return RedirectResponse("/record?sent=true#complain", 303)

    @app.post("/language")
    def language(
        code: Annotated[str, Form(pattern=f"^({CODES})$")],
        onward: Annotated[str, Form(pattern=r"^/[a-z]{0,12}$")] = "/",
    ) -> Response:
        return outside.keep(RedirectResponse(onward, 303), LANG, code, YEAR_S)


def table_of(release: Release, period: str, name: str) -> dict[str, Any]:
    """Return one table of a release: its columns, and each row's figures as shown."""
    mine = [one for one in release.figures if (one.period, one.table) == (period, name)]
    columns = [ALL, *sorted({one.column for one in mine} - {ALL})]
    shown = {(one.row, one.column): one.value for one in mine}
    rows = [
        (row, [shown.get((row, column)) for column in columns])
        for row in STEPS
        if any((row, column) in shown for column in columns)
    ]
    return {"period": period, "name": name, "columns": columns, "rows": rows}


def tables_of(release: Release) -> list[dict[str, Any]]:
    """Return every table of a release, the quarter's before the year's."""
    periods = dict.fromkeys(one.period for one in release.figures)
    return [table_of(release, one, name) for one in periods for name in ("by-host", "by-sender")]


def _add_figures(app: FastAPI, outside: Outside) -> None:
    """Add the published statistics: a page, CSV, and what opens their entry in the journal."""

    @app.get("/figures", response_class=HTMLResponse)
    def figures(request: Request, quarter: str = "") -> Response:
        with outside.store.read() as tx:
            every = statistics.releases(tx)
            hosts = {one.id: one.name for one in agreements.listed(tx)}
        chosen = next((one for one in every if quarter in ("", one.quarter)), None)
        if chosen is None and quarter:
            raise HTTPException(404)
        tables, drawn = tables_of(chosen) if chosen else [], ""
        if chosen:
            words = outside.words(request)
            said = words.plain("People in {quarter}").format(quarter=chosen.quarter)
            drawn = chart.bars(chart.rows_of(chosen), said, words.plain)
            if words.language.dir == "rtl":
                drawn = Markup(charts.mirrored(drawn))  # noqa: S704 - drawn by us, words escaped
        more: dict[str, Any] = {"every": every, "chosen": chosen, "tables": tables}
        more |= {"drawn": drawn, "hosts": hosts}
        return outside.draw(request, "figures", hidden=HIDDEN, **more)

    @app.get("/figures/{quarter}.csv")
    def as_csv(quarter: str) -> Response:
        with outside.store.read() as tx:
            text = statistics.release(tx, quarter).csv()
        return Response(text, media_type="text/csv; charset=utf-8")

    @app.get("/figures/{quarter}.json")
    def as_json(quarter: str) -> Response:
        """Give the figures with the salt and content that open the journal's entry."""
        with outside.store.read() as tx:
            made = statistics.release(tx, quarter)
        plain = json.loads(msgspec.json.encode(made))
        return JSONResponse({**plain, "content": made.content()})


def _add_troubles(app: FastAPI, outside: Outside) -> None:
    """Answer what makes no sense, or cannot be answered now, with a calm page."""

    def say(kind: type[Exception], status: int, said: str) -> None:
        @app.exception_handler(kind)
        def trouble(request: Request, error: Exception) -> Response:
            return outside.draw(request, "trouble", status, said=said)

    say(RequestValidationError, 422, "malformed")
    say(HTTPException, 404, "nowhere")
    say(QuarterRefused, 404, "nowhere")
    say(NoSuchRecord, 404, "nowhere")
    say(VisitOver, 403, "over")
    say(WordsRefused, 422, "words")
    say(CaseErased, 410, "erased")
    say(TooManyAttempts, 429, "many")
    say(StoreUnusable, 503, "closed")
    say(sa.exc.SQLAlchemyError, 503, "closed")
