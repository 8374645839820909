"""The pages by which a person registers a passkey, signs in and signs out (Decision 8).

`install` puts them into the console. They work on the rules of `core.identity`; what they add is
the browser: cookies, origins, sentences. A refused attempt is committed before it is answered, so
that a question to a passkey is never asked twice and every failure is counted.
"""

from __future__ import annotations

import urllib.parse
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any, Final, TypeVar, cast

import jinja2
import msgspec
from fastapi import APIRouter, Depends, FastAPI, Form, Request
from starlette.responses import FileResponse, HTMLResponse, RedirectResponse, Response

from tallystick.core.errors import TallystickError
from tallystick.core.identity import errors, passkeys, people, sessions
from tallystick.core.identity.errors import IdentityError, NotSignedIn
from tallystick.core.identity.passkeys import ANSWER_BYTES_MAX, CHALLENGE_TTL_S, Question
from tallystick.core.identity.people import Person, Role
from tallystick.core.store import Tx
from tallystick.kiosk.wire import Problem
from tallystick.web import door as at_door
from tallystick.web.door import (
    Door,
    DoorError,
    Guard,
    allow,
    allow_form,
    check_length,
    check_origin,
    door_of,
    form_word,
    require_form,
    require_person,
    safe_next,
    session_cookie,
)
from tallystick.web.words import gettext as _

__all__ = [
    "Door",
    "allow",
    "allow_form",
    "form_word",
    "install",
    "require_form",
    "require_person",
    "router",
]

TOKEN_CHARS_MAX: Final = 64
STATIC: Final = Path(__file__).parent / "static"

STATUS: Final[dict[type[TallystickError], int]] = {
    errors.NotSignedIn: 401,
    errors.NotAllowed: 403,
    errors.TooManyAttempts: 429,
    errors.InviteRefused: 410,
    errors.PasskeysFull: 409,
    errors.LastPasskey: 409,
    at_door.WrongOrigin: 403,
    at_door.WrongForm: 403,
    at_door.BodyTooLarge: 413,
}

T = TypeVar("T")
router = APIRouter(include_in_schema=False)
pages = jinja2.Environment(
    loader=jinja2.PackageLoader("tallystick.web"), autoescape=True, undefined=jinja2.StrictUndefined
)
pages.globals["_"] = _


def install(app: FastAPI, door: Door) -> None:
    """Put the sign-in pages, the guard and the answers to refusals into the console."""
    app.state.door = door
    app.include_router(router)
    app.add_middleware(Guard)
    app.add_exception_handler(IdentityError, _refuse)
    app.add_exception_handler(DoorError, _refuse)


def sentence(error: TallystickError) -> str:
    """Return what a person reads about a refusal: what happened and what to do."""
    match error:
        case errors.InviteRefused():
            return _("This link was used before or is too old. Ask for a new one.")
        case errors.ChallengeRefused():
            return _("That took too long. Please try again.")
        case errors.PasskeyCopied():
            return _("A copy of this passkey may be about. Ask an administrator for a new link.")
        case errors.TooManyAttempts():
            return _("There were too many tries. Wait a quarter of an hour, then try again.")
        case errors.PasskeysFull():
            return _("You have as many passkeys as you can. Remove one first.")
        case errors.LastPasskey():
            return _("This is your only passkey. Add another one before you remove it.")
        case errors.NotAllowed():
            return _("Your role does not allow this. Ask an administrator.")
        case errors.NotSignedIn():
            return _("You are signed out. Sign in to go on.")
        case DoorError():
            return _("This page is out of date. Reload it and try again.")
    return _("We could not use that passkey. Try again, or use another one.")


async def small_answer(request: Request) -> bytes:
    """Return the body of a script's request from our own page, within its limit."""
    check_origin(request)
    check_length(request, ANSWER_BYTES_MAX)
    try:
        return await request.body()
    except RuntimeError as error:  # it was read as a form: our script sends none
        raise at_door.WrongForm from error


Answer = Annotated[bytes, Depends(small_answer)]
Signed = Annotated[Person, Depends(require_person)]
SentForm = Annotated[Person, Depends(require_form)]


def knock(request: Request) -> None:
    """Count an attempt from this address; raise `TooManyAttempts`."""
    door_of(request).knocks.count(request.client.host if request.client else "")


Knock = Depends(knock)


@router.get("/sign-in/passkey.js")
def script() -> Response:
    """Serve the one script, which is ours."""
    return FileResponse(STATIC / "passkey.js", headers={"Cache-Control": "no-cache"})


@router.get("/sign-in/bare.css")
def style() -> Response:
    """Serve the few rules that the bare shell adds to the look."""
    return FileResponse(STATIC / "bare.css", headers={"Cache-Control": "no-cache"})


@router.get("/invite/{token}", dependencies=[Knock])
def invite_page(request: Request, token: str) -> Response:
    """Show whom the link is for, and a button. Looking at a link does not spend it."""
    door = door_of(request)
    try:
        with door.store.read() as tx:
            person = people.invited(tx, token[:TOKEN_CHARS_MAX], door.clock.now())
    except errors.InviteRefused as error:
        return _page("signin/refused.html", 410, say=sentence(error))
    return _page("signin/invite.html", person=person, token=token, role=role_words(person.role))


def role_words(role: Role) -> str:
    """Return what a role may do, as a sentence."""
    return {
        Role.ADMIN: _("You can run everything here."),
        Role.OPERATOR: _("You can run the machines and help customers."),
        Role.AUDITOR: _("You can look at everything and change nothing."),
        Role.OFFICIAL: _("You can do what your offices let you, and see what belongs to them."),
    }[role]


@router.post("/invite/{token}/begin", dependencies=[Knock])
def invite_begin(request: Request, token: str, answer: Answer) -> Response:
    """Ask the invited person's browser for a passkey."""
    door = door_of(request)

    def ask(tx: Tx) -> Question:
        now = door.clock.now()
        person = people.invited(tx, token[:TOKEN_CHARS_MAX], now)
        return passkeys.begin_registration(tx, door.party, person, now, door.clock)

    return _question(door, _settle(door, ask))


@router.post("/invite/{token}/finish", dependencies=[Knock])
def invite_finish(request: Request, token: str, answer: Answer) -> Response:
    """Keep the passkey and spend the link, together."""
    door, handle, label = door_of(request), _handle(request), _device(request)

    def keep(tx: Tx) -> None:
        now = door.clock.now()
        person = people.invited(tx, token[:TOKEN_CHARS_MAX], now)
        passkeys.finish_registration(tx, door.party, person, handle, answer, label, now)
        people.spend_invite(tx, token[:TOKEN_CHARS_MAX], now)

    _settle(door, keep)
    return _onward(door, "/sign-in?from=invite")


@router.get("/sign-in")
def sign_in_page(request: Request) -> Response:
    """Show the one button that signs in."""
    given = request.query_params
    onward = safe_next(given.get("next", "/"))
    return _page("signin/sign_in.html", onward=onward, came_from=given.get("from", ""))


@router.post("/sign-in/begin", dependencies=[Knock])
def sign_in_begin(request: Request, answer: Answer) -> Response:
    """Ask the browser for any passkey of this site."""
    door = door_of(request)
    return _question(
        door,
        _settle(
            door, lambda tx: passkeys.begin_sign_in(tx, door.party, door.clock.now(), door.clock)
        ),
    )


@router.post("/sign-in/finish", dependencies=[Knock])
def sign_in_finish(request: Request, answer: Answer) -> Response:
    """Begin a session for the passkey's owner; one that this browser had before ends."""
    door, handle, before = door_of(request), _handle(request), session_cookie(request)

    def enter(tx: Tx) -> str:
        now = door.clock.now()
        signed_in = passkeys.finish_sign_in(tx, door.party, handle, answer, now, door.clock)
        sessions.end(tx, before, now, "signed in anew")
        return signed_in.cookie

    cookie = _settle(door, enter)
    response = _onward(door, safe_next(request.query_params.get("next", "/")))
    _set_cookie(door, response, "session", cookie, None)
    return response


@router.post("/sign-out")
def sign_out(request: Request, person: SentForm) -> Response:
    """End the session, on the server and in the browser."""
    door = door_of(request)
    with door.store.transact() as tx:
        sessions.end(tx, session_cookie(request), door.clock.now())
    response = RedirectResponse("/sign-in?from=out", 303)
    response.delete_cookie(door.cookie("session"), path="/", secure=door.secure, httponly=True)
    return response


@router.get("/passkeys")
def passkeys_page(request: Request, person: Signed) -> Response:
    """Show a person their own passkeys."""
    with door_of(request).store.read() as tx:
        held = people.passkeys(tx, person.id)
    return _page("signin/passkeys.html", person=person, held=held, word=form_word(request))


@router.post("/passkeys/begin", dependencies=[Knock])
def passkey_begin(request: Request, person: SentForm) -> Response:
    """Ask a signed-in person's browser for another passkey."""
    door = door_of(request)
    begin = passkeys.begin_registration
    question = _settle(door, lambda tx: begin(tx, door.party, person, door.clock.now(), door.clock))
    return _question(door, question)


@router.post("/passkeys/finish", dependencies=[Knock])
def passkey_finish(request: Request, person: SentForm, answer: Answer) -> Response:
    """Keep another passkey of a signed-in person."""
    door, handle, label = door_of(request), _handle(request), _device(request)
    finish = passkeys.finish_registration
    _settle(
        door,
        lambda tx: finish(tx, door.party, person, handle, answer, label, door.clock.now()),
    )
    return _onward(door, "/passkeys")


@router.post("/passkeys/remove")
def passkey_remove(request: Request, person: SentForm, passkey: Annotated[str, Form()]) -> Response:
    """Remove one of a person's own passkeys, but not the last."""
    door = door_of(request)
    with door.store.transact() as tx:
        people.remove_passkey(tx, person.id, passkey, door.clock.now())
    return RedirectResponse("/passkeys", 303)


def _settle(door: Door, step: Callable[[Tx], T]) -> T:
    """Run a step and commit what it wrote, also when it refuses; then let the refusal go on."""
    refusal: IdentityError
    with door.store.transact() as tx:
        try:
            return step(tx)
        except IdentityError as error:
            refusal = error
    raise refusal


def _page(name: str, status: int = 200, **values: Any) -> HTMLResponse:
    return HTMLResponse(pages.get_template(name).render(**values), status)


def _question(door: Door, question: Question) -> Response:
    response = Response(question.options, media_type="application/json")
    _set_cookie(door, response, "ceremony", question.handle, CHALLENGE_TTL_S)
    return response


def _onward(door: Door, path: str) -> Response:
    body = msgspec.json.encode({"next": path})
    response = Response(body, media_type="application/json")
    response.delete_cookie(door.cookie("ceremony"), path="/", secure=door.secure, httponly=True)
    return response


def _set_cookie(door: Door, response: Response, name: str, value: str, age_s: int | None) -> None:
    response.set_cookie(
        door.cookie(name),
        value,
        max_age=age_s,
        path="/",
        secure=door.secure,
        httponly=True,
        samesite="strict",
    )


def _handle(request: Request) -> str:
    return request.cookies.get(door_of(request).cookie("ceremony"), "")[:TOKEN_CHARS_MAX]


def _device(request: Request) -> str:
    """Return a name for a new passkey: the system that the browser says it runs on."""
    agent = request.headers.get("user-agent", "")[:512]
    known = ("iPhone", "iPad", "Android", "Windows", "Mac OS X", "CrOS", "Linux")
    return next((name for name in known if name in agent), "Passkey").replace(" OS X", "")


async def _refuse(request: Request, raised: Exception) -> Response:
    """Answer a refusal: a page for a page, the sign-in page for a stranger, else a problem."""
    error = cast(TallystickError, raised)
    status = next((STATUS[kind] for kind in type(error).__mro__ if kind in STATUS), 400)
    wants_page = "text/html" in request.headers.get("accept", "")
    if isinstance(error, NotSignedIn) and wants_page:
        return RedirectResponse(_way_in(request), 303)
    if wants_page:
        return _page("signin/refused.html", status, say=sentence(error))
    problem = Problem(
        type=f"urn:tallystick:{error.code}",
        title=type(error).__name__,
        status=status,
        code=error.code,
        detail=(type(error).__doc__ or "").strip(),
        money=error.money,
        say=sentence(error),
    )
    extra = {"HX-Redirect": _way_in(request)} if isinstance(error, NotSignedIn) else {}
    body = msgspec.json.encode(problem)
    return Response(body, status, extra, media_type="application/problem+json")


def _way_in(request: Request) -> str:
    path = request.url.path + (f"?{request.url.query}" if request.url.query else "")
    onward = safe_next(path) if request.method == "GET" else "/"
    return f"/sign-in?{urllib.parse.urlencode({'next': onward})}" if onward != "/" else "/sign-in"
