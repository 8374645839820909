"""The what-if page: sliders as a plain form, answers drawn on the server, a script that only asks.

Nothing is kept about anybody and nothing can be changed, so it needs no sign-in. What an address
may ask for is bounded by the sliders; how many are worked out at once, and how many are kept, is
bounded here.
"""

from __future__ import annotations

import functools
import threading
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlencode

from fastapi import FastAPI, Request
from markupsafe import Markup
from starlette.exceptions import HTTPException
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.staticfiles import StaticFiles

from tallystick.look import charts
from tallystick.web.door import Guard
from tallystick.web.languages import LANGUAGES, Words, chosen
from tallystick.web.looks import Looks, templates
from tallystick.web.whatif.sliders import RATES, SLIDERS, scenario_of, usual, values
from tallystick.whatif import answers, claims, figures, pictures, posterior, questions
from tallystick.whatif.answers import Answers
from tallystick.whatif.errors import BadScenario
from tallystick.whatif.scenario import Scenario

STATIC: Final = Path(__file__).parent / "static"
KEPT: Final = 64
AT_ONCE: Final = 2
WAIT_S: Final = 5.0
DEFAULT_RATES: Final = "2025"
DOMAIN: Final = "whatif"
KEPT_ASKED: Final = frozenset({*(one.name for one in SLIDERS), "rates", "unverified"})
"""What of an address goes with the reader into another language."""

TEMPLATES: Final = templates(Path(__file__).parent / "templates")


PICTURES: Final = {
    "fan": pictures.in_hub,
    "tornado": pictures.moves_it,
    "flow": pictures.flow,
    "claim": pictures.claim,
}
BUSY: Final = "Many people are asking at this moment. Please try again in a few seconds."
NOWHERE: Final = "There is no such page. This is our only one."


def words_of(request: Request) -> Words:
    """Return the reader's language: in the address, else the first that the browser asks for."""
    accepted = request.headers.get("accept-language", "")
    return Words(DOMAIN, chosen(request.query_params.get("lang", ""), accepted))


def strong(value: object) -> Markup:
    """Return a value that stands out in a sentence."""
    return Markup("<b>{}</b>").format(value)


class TooBusy(Exception):
    """As many answers as may are being worked out."""


class Desk:
    """Works answers out, a few at a time, and keeps the last ones."""

    def __init__(self, base: Scenario) -> None:
        self.base = base
        self.check = posterior.load("check").made
        self._turn = threading.BoundedSemaphore(AT_ONCE)
        self._answer = functools.lru_cache(KEPT)(self._worked_out)

    def _worked_out(self, at: tuple[tuple[str, int], ...], rates: str, unverified: bool) -> Answers:
        if not self._turn.acquire(timeout=WAIT_S):
            raise TooBusy
        try:
            asked = scenario_of(self.base, dict(at), rates, unverified)
            return answers.answer(asked, deep=False)
        finally:
            self._turn.release()

    def warm(self) -> None:
        """Work out the first page before anybody asks, so that kernels are compiled."""
        self._answer(tuple(usual(self.base).items()), DEFAULT_RATES, False)

    def draw(self, name: str, request: Request, status: int = 200) -> Response:
        """Draw the page, or the part of it that answers, for the sliders in an address."""
        at = values(self.base, request.query_params)
        rates = request.query_params.get("rates", DEFAULT_RATES)
        unverified = "unverified" in request.query_params
        found = self._answer(tuple(at.items()), rates, unverified)
        return HTMLResponse(self.page(request, name, at, rates, found), status)

    def wrong(self, request: Request, said: str, status: int, **more: str) -> Response:
        """Draw the page with what went wrong, and no answer."""
        page = self.page(request, "page", usual(self.base), DEFAULT_RATES, None, said)
        return HTMLResponse(page, status, more)

    def page(self, request: Request, name: str, at: dict[str, int], rates: str,
             found: Answers | None, wrong: str = "") -> str:  # fmt: skip
        """Return a page in the reader's language; without answers where there are none."""
        words = words_of(request)
        drawn: dict[str, Any] = {}
        if found:
            drawn = {name: draw(found, words.plain) for name, draw in PICTURES.items()}
        return TEMPLATES.get_template(f"{name}.html").render(
            w=words,
            languages=LANGUAGES.values(),
            query=urlencode([(k, v) for k, v in request.query_params.items() if k in KEPT_ASKED]),
            strong=strong,
            sliders=SLIDERS,
            at=at,
            rates=rates,
            rates_known=RATES,
            found=found,
            wrong=wrong,
            sentence=claims.SENTENCE,
            not_known=answers.NOT_KNOWN,
            unverified=questions.labels(),
            check=self.check,
            spread=answers.spread_of,
            whole=questions.whole,
            percent=questions.percent,
            safe=lambda svg: Markup(  # noqa: S704 - drawn by us, words escaped
                charts.mirrored(svg) if words.language.dir == "rtl" else svg
            ),
            **drawn,
        )


def create_app(base: Scenario) -> FastAPI:
    """Return the page as an ASGI application. ``app.openapi()`` describes its routes."""
    app = FastAPI(
        title="Tallystick what if", version="1", docs_url=None, redoc_url=None, openapi_url=None
    )
    app.add_middleware(Guard)
    desk = app.state.desk = Desk(base)

    @app.get("/", response_class=HTMLResponse)
    def page(request: Request) -> Response:
        return desk.draw("page", request)

    @app.get("/answer", response_class=HTMLResponse)
    def answer(request: Request) -> Response:
        return desk.draw("answer", request)

    @app.get("/healthz")
    def health() -> Response:
        return JSONResponse({"ok": True, "figures": figures.digest()})

    @app.exception_handler(BadScenario)
    def bad(request: Request, error: BadScenario) -> Response:
        return desk.wrong(request, str(error), 422)

    @app.exception_handler(TooBusy)
    def busy(request: Request, error: TooBusy) -> Response:
        return desk.wrong(request, BUSY, 503, **{"Retry-After": "5"})

    @app.exception_handler(HTTPException)
    def not_there(request: Request, error: HTTPException) -> Response:
        return desk.wrong(request, NOWHERE, error.status_code)

    app.mount("/look", Looks())
    app.mount("/whatif", StaticFiles(directory=STATIC))
    return app
