"""The kiosk's pages over HTTP: one page, one act, one stream; on loopback only.

``GET /`` draws the engine's view, ``POST /touch`` does one thing a person can do and leads back to
``/``, ``GET /events`` says when there is something newer. Nothing else changes anything, and no
sum comes in from a page (Decision 4): an act carries what the reader had seen, and a careful act
counts only if the screen still says the same.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
import ipaddress
import os
import threading
import urllib.parse
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any, Final, Protocol

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response, StreamingResponse
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from tallystick import look
from tallystick.core.clock import Clock
from tallystick.core.errors import TallystickError
from tallystick.edge.screen import hardware as drawer
from tallystick.edge.screen import pages, who
from tallystick.edge.screen.chime import chime
from tallystick.edge.screen.hardware import Hardware, NoSuchAct
from tallystick.edge.screen.speech import NEWS, TYPED, NoVoice, Speech, seconds
from tallystick.edge.screen.words import TONGUES, Words
from tallystick.edge.view import Screen, Touch, View, place

BODY_BYTES_MAX: Final = 8_192
FIELDS_MAX: Final = 16
ADDRESS_CHARS_MAX: Final = 120
OPTION_CHARS_MAX: Final = 64
STREAMS_MAX: Final = 8
WAIT_S: Final = 1.0
THEMES: Final = frozenset({"light", "dark", "glare"})
DIGITS: Final = frozenset("0123456789")
LETTERS: Final = frozenset(who.CODES)
SOURCES: Final = frozenset(who.SOURCES)
PARTS: Final = {"news": NEWS, "typed": TYPED}
STATIC: Final = Path(__file__).parent / "static"
FONT_AGE_S: Final = 86_400

ANYWHERE: Final = frozenset(
    {
        Touch.STOP,
        Touch.QUIET,
        Touch.HELP,
        Touch.CHOOSE_LANGUAGE,
        Touch.TEXT,
        Touch.THEME,
        Touch.HIDE,
        Touch.SHOW_ADDRESS,
        Touch.LISTEN,
        Touch.HUSH,
        Touch.LOUDER,
        Touch.QUIETER,
        Touch.STILL_HERE,
    }
)
"""Acts that mean the same whatever came on the screen meanwhile."""
CAREFUL: Final = frozenset(
    {
        Touch.ACCEPT_COST,
        Touch.ACKNOWLEDGE,
        Touch.ADDRESS_YES,
        Touch.PROCEED,
        Touch.ANSWER,
        Touch.NO_MORE,
        Touch.SEND,
        Touch.ACCEPT_PRICE,
        Touch.SLIP_STOP,
        Touch.CLAIM,
        Touch.DONE,
        Touch.USE,
    }
)
"""Acts that agree to what is on the screen: they count only while it says what was seen."""


class Engine(Protocol):
    """What runs the kiosk: it alone changes the view."""

    def view(self) -> View:
        """Return the screen at this moment."""

    def wait(self, version: int, timeout_s: float) -> View:
        """Return once the view is newer than ``version``, or after ``timeout_s`` seconds."""

    def picture(self) -> bytes | None:
        """Return the picture that the customer looks at, or None."""

    def touch(self, touch: Touch, **fields: Any) -> Any:
        """Do what a person did at the screen; ignore what makes no sense there."""

    def spoken(self, where: str, seconds: float) -> None:
        """Take in that the voice begins to read the page ``where``, for so many seconds."""


class BadTouch(TallystickError):
    """The form holds something that no page of ours sends."""

    code, say, status = 5310, "kiosk.try_again", 400


class BodyTooLarge(BadTouch):
    """The form is larger than any page of ours sends."""

    code, status = 5311, 413


class NotFromHere(BadTouch):
    """The request did not come from this machine's own screen."""

    code, status = 5312, 403


class Guard:
    """Lets in only loopback names, and puts the security headers on each answer."""

    def __init__(self, app: ASGIApp, framed: bool) -> None:
        self._app = app
        self._headers = security_headers(framed)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer 403 to any other name, or pass on."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in self._headers.items():
                    headers.setdefault(name, value)
            await send(message)

        if is_loopback(Headers(scope=scope).get("host", "")):
            await self._app(scope, receive, guarded)
        else:
            refused = Response("Only this machine's own screen.", 403, media_type="text/plain")
            await refused(scope, receive, guarded)


def security_headers(framed: bool) -> dict[str, str]:
    """Return the headers; only the demo's own bench may hold the screen in a frame."""
    ancestors = "'self'" if framed else "'none'"
    policy = (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "
        "font-src 'self'; connect-src 'self'; media-src 'self'; frame-src 'self'; "
        f"form-action 'self'; frame-ancestors {ancestors}; base-uri 'none'"
    )
    return {
        "Content-Security-Policy": policy,
        "X-Content-Type-Options": "nosniff",
        "X-Frame-Options": "SAMEORIGIN" if framed else "DENY",
        "Referrer-Policy": "same-origin",
        "Cross-Origin-Opener-Policy": "same-origin",
        "Cross-Origin-Resource-Policy": "same-origin",
        "Permissions-Policy": "camera=(), microphone=(), geolocation=(), payment=()",
        "Cache-Control": "no-store",
    }


def is_loopback(host: str) -> bool:
    """Say whether a Host header names this machine by a loopback name or address."""
    try:
        name = urllib.parse.urlsplit(f"//{host}").hostname or ""
        return name == "localhost" or ipaddress.ip_address(name).is_loopback
    except ValueError:
        return False


class Served(StaticFiles):
    """Files of a folder, but only of the kinds that a page asks for."""

    def lookup_path(self, path: str) -> tuple[str, os.stat_result | None]:
        """Find a file, or nothing for a kind we do not serve."""
        if Path(path).suffix not in look.SERVED | {".js"}:
            return "", None
        return super().lookup_path(path)

    def file_response(self, *args: Any, **kwargs: Any) -> Response:
        """Let the browser keep fonts, and ask again for the rest."""
        response = super().file_response(*args, **kwargs)
        font = str(args[0]).endswith(".woff2")
        response.headers["Cache-Control"] = f"max-age={FONT_AGE_S}" if font else "no-cache"
        return response


class Pages:
    """The routes, over one engine."""

    def __init__(
        self,
        engine: Engine,
        clock: Clock,
        hardware: Hardware | None,
        zone: dt.tzinfo | None,
        speech: Speech,
        screen_mm: int = 0,
    ) -> None:
        self._engine = engine
        self._clock = clock
        self._hardware = hardware
        self._zone = zone
        self._speech = speech
        self._screen_mm = screen_mm
        self._streams = 0
        self._ending = threading.Event()
        self._address = ""

    def view(self) -> View:
        """Return the engine's view, dated."""
        view = self._engine.view()
        return view if view.now else dataclasses.replace(view, now=self._clock.now())

    def _drawn(self) -> tuple[View, str]:
        view = self.view()
        return view, pages.draw(view, self._zone, self._speech.ready)

    async def screen(self, request: Request) -> Response:
        """Draw the screen."""
        _, page = await run_in_threadpool(self._drawn)
        return HTMLResponse(page)

    async def touch(self, request: Request) -> Response:
        """Do one act, then lead back to the screen."""
        form = await read_form(request)
        await run_in_threadpool(self._touch, form)
        return RedirectResponse("/", 303)

    def _touch(self, form: Mapping[str, str]) -> None:
        view = self._engine.view()
        touch = known_touch(form)
        fields = fields_of(touch, form)
        if stale(touch, form, view) or (touch is Touch.ACKNOWLEDGE and not agreed(form, view)):
            return
        self._engine.touch(touch, **fields)

    async def speech(self, request: Request) -> Response:
        """Read the screen aloud, or only what is new on it, or the digits typed."""
        part = PARTS.get(request.query_params.get("part", ""), "")
        try:
            sound = await run_in_threadpool(self._spoken, part)
        except NoVoice as error:
            raise HTTPException(404, str(error)) from error
        return Response(sound, media_type="audio/wav")

    def _spoken(self, part: str) -> bytes:
        view, page = self._drawn()
        text = pages.aloud(view, page, part)
        sound = self._speech.wav(text, Words(view.language, view.currency).tongue)
        if not part:
            self._engine.spoken(place(view), seconds(sound))
        return sound

    async def size(self, request: Request) -> Response:
        """Say how long a millimetre is on the screen that is built in."""
        return Response(size_css(self._screen_mm), media_type="text/css")

    async def chime(self, request: Request) -> Response:
        """Play the sound of the time-out."""
        return Response(chime(), media_type="audio/wav")

    async def picture(self, request: Request) -> Response:
        """Show the picture that was just taken, to who stands here, and to no cache.

        Where there is none, because the page has gone on, the answer is empty.
        """
        found = await run_in_threadpool(self._engine.picture)
        return Response(found, media_type="image/jpeg") if found else Response(status_code=204)

    async def events(self, request: Request) -> Response:
        """Say each new version, until the page goes."""
        if self._streams >= STREAMS_MAX:
            return Response(status_code=503, headers={"Retry-After": "5"})
        return StreamingResponse(self._versions(request), media_type="text/event-stream")

    async def _versions(self, request: Request) -> AsyncIterator[str]:
        self._streams += 1
        try:
            last = self._engine.view().version
            yield f"retry: 1000\nevent: version\ndata: {last}\n\n"
            while not (self._ending.is_set() or await request.is_disconnected()):
                view = await run_in_threadpool(self._engine.wait, last, WAIT_S)
                alive = ": still here\n\n"
                yield f"event: version\ndata: {view.version}\n\n" if view.version != last else alive
                last = view.version
        finally:
            self._streams -= 1

    def hang_up(self) -> None:
        """End every stream within `WAIT_S`; else a server that stops waits for them in vain."""
        self._ending.set()

    async def bench(self, request: Request) -> Response:
        """Draw the demo's bench."""
        return HTMLResponse(drawer.draw_frame())

    async def drawer(self, request: Request) -> Response:
        """Draw the demo's drawer."""
        return HTMLResponse(await run_in_threadpool(self._drawer))

    def _drawer(self) -> str:
        hardware = self._given()
        self._address = self._address or hardware.fresh_address()
        return drawer.draw_drawer(hardware, self.view(), self._address)

    async def act(self, request: Request) -> Response:
        """Do one act of the drawer's."""
        form = await read_form(request)
        await run_in_threadpool(self._act, form.get("act", ""), form.get("value", "").strip())
        return RedirectResponse("/hardware/drawer", 303)

    def _act(self, name: str, value: str) -> None:
        drawer.act(self._given(), name, value)
        if value == self._address:
            self._address = ""

    def _given(self) -> Hardware:
        if self._hardware is None:
            raise HTTPException(404, "no hardware drawer here")
        return self._hardware

    async def trouble(self, request: Request, error: Exception) -> Response:
        """Draw the calm page: nothing has changed."""
        if isinstance(error, HTTPException):
            status, detail = error.status_code, f"{error.status_code} {error.detail}"
        else:
            status, code = getattr(error, "status", 409), getattr(error, "code", 0)
            status, detail = (
                (400, str(error)) if isinstance(error, NoSuchAct) else (status, f"{code}")
            )
        page = await run_in_threadpool(lambda: pages.draw_trouble(self.view(), detail))
        return HTMLResponse(page, status)


def size_css(screen_mm: int) -> str:
    """Return the length of a millimetre as a style: of the picture's width, so many are on it."""
    return f":root {{ --mm: calc(100vw / {screen_mm}); }}\n" if screen_mm else ""


def known_touch(form: Mapping[str, str]) -> Touch:
    """Return the act; raise `BadTouch` for anything else."""
    try:
        return Touch(form.get("touch", ""))
    except ValueError as error:
        raise BadTouch("no such act") from error


def fields_of(touch: Touch, form: Mapping[str, str]) -> dict[str, str]:
    """Return what goes with the act; raise `BadTouch` for a value that we never offer."""
    if touch is Touch.LANGUAGE:
        return {"language": _one_of(form.get("language", ""), frozenset(TONGUES), "language")}
    if touch is Touch.THEME:
        return {"theme": _one_of(form.get("theme", ""), THEMES, "theme")}
    if touch is Touch.TYPE_ADDRESS:
        text = form.get("address", "").strip()
        if not 0 < len(text) <= ADDRESS_CHARS_MAX:
            raise BadTouch(f"an address has 1 to {ADDRESS_CHARS_MAX} characters")
        return {"address": text}
    if touch is Touch.DIGIT:
        return {"digit": _one_of(form.get("digit", ""), DIGITS, "digit")}
    if touch is Touch.LETTER:
        return {"letter": _one_of(form.get("letter", ""), LETTERS, "letter")}
    if touch is Touch.SOURCE:
        return {"source": _one_of(form.get("source", ""), SOURCES, "source")}
    if touch is Touch.ANSWER:
        return {"option": form.get("option", "")[:OPTION_CHARS_MAX]}
    return {}


def _one_of(value: str, known: frozenset[str], what: str) -> str:
    if value not in known:
        raise BadTouch(f"no such {what}")
    return value


def stale(touch: Touch, form: Mapping[str, str], view: View) -> bool:
    """Say whether the reader acted on a screen that is no longer there, such as by two taps."""
    if touch in ANYWHERE:
        return False
    then, now = form.get("seen", ""), pages.seen(view)
    if touch in CAREFUL:
        return then != now
    return then.partition(".")[0] != view.screen.value


def agreed(form: Mapping[str, str], view: View) -> bool:
    """Say whether the box was ticked, where the law asks for one."""
    asked = view.screen is Screen.WARNING and view.warning is not None and view.warning.acknowledge
    return not asked or form.get("ack") == "yes"


async def read_form(request: Request) -> dict[str, str]:
    """Read a small form of ours; raise `BadTouch`, `BodyTooLarge` or `NotFromHere`."""
    from_here(request.headers)
    body = b""
    async for chunk in request.stream():
        body += chunk
        if len(body) > BODY_BYTES_MAX:
            raise BodyTooLarge(f"over {BODY_BYTES_MAX} bytes")
    try:
        pairs = urllib.parse.parse_qsl(
            body.decode("utf-8"), keep_blank_values=True, max_num_fields=FIELDS_MAX, errors="strict"
        )
    except ValueError as error:
        raise BadTouch("not a form") from error
    return dict(pairs)


def from_here(headers: Headers) -> None:
    """Raise `NotFromHere` when a browser says that another site sent this form."""
    site, origin = headers.get("sec-fetch-site", "same-origin"), headers.get("origin")
    ours = origin is None or urllib.parse.urlsplit(origin).netloc == headers.get("host")
    if site not in ("same-origin", "none") or not ours:
        raise NotFromHere


def create_app(
    engine: Engine,
    clock: Clock,
    hardware: Hardware | None = None,
    *,
    zone: dt.tzinfo | None = None,
    speech: Speech | None = None,
    screen_mm: int = 0,
) -> Starlette:
    """Build the kiosk's pages over an engine; a ``hardware`` adds the demo's drawer.

    ``zone`` is the machine's own when None; ``speech`` finds the machine's voice when None;
    ``screen_mm`` is the width of the built-in screen's picture, 0 where nobody said it. Call
    ``app.state.hang_up()`` before the server stops, so that no open stream holds it up.
    """
    held = Pages(engine, clock, hardware, zone, speech or Speech(), screen_mm)
    routes: list[Route | Mount] = [
        Route("/", held.screen),
        Route("/touch", held.touch, methods=["POST"]),
        Route("/events", held.events),
        Route("/speech.wav", held.speech),
        Route("/picture.jpg", held.picture),
        Route("/chime.wav", held.chime),
        Route("/screen.css", held.size),
        Mount("/look", Served(directory=look.FOLDER)),
        Mount("/static", Served(directory=STATIC)),
    ]
    if hardware is not None:
        routes += [
            Route("/hardware", held.bench),
            Route("/hardware/drawer", held.drawer),
            Route("/hardware/act", held.act, methods=["POST"]),
        ]
    app = Starlette(
        routes=routes,
        middleware=[Middleware(Guard, framed=hardware is not None)],
        exception_handlers={HTTPException: held.trouble, TallystickError: held.trouble},
    )
    app.state.hang_up = held.hang_up
    return app
