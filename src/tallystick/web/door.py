"""Who is at the door of the console: sessions, forms, origins and how often somebody may knock.

A page that needs a person takes one of the dependencies here, and a form that changes something
takes `require_form`, so that no route can forget half of the check (Decision 8). The browser must
say that the request comes from our own page, the cookie is strict, and the form carries a word
that only this session knows.
"""

from __future__ import annotations

import hmac
import ipaddress
import re
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, cast

from fastapi import Request
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from tallystick.core.clock import Clock
from tallystick.core.errors import TallystickError
from tallystick.core.identity import sessions
from tallystick.core.identity.errors import NotAllowed, NotSignedIn, TooManyAttempts
from tallystick.core.identity.passkeys import Party
from tallystick.core.identity.people import Person, Role
from tallystick.core.store import Store

ATTEMPTS_MAX: Final = 40
ATTEMPTS_WINDOW_S: Final = 300
ADDRESSES_MAX: Final = 10_000
FORM_BYTES_MAX: Final = 65_536
NEXT_CHARS_MAX: Final = 512
FORM_WORD: Final = "form_word"
FORM_HEADER: Final = "Tallystick-Form"

_PLAIN_PATH = re.compile(r"/[A-Za-z0-9/_.~!$&'()*+,;=:@%?#-]*")

SECURITY_HEADERS: Final = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
        "font-src 'self'; connect-src 'self'; form-action 'self'; frame-ancestors 'none'; "
        "base-uri 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=(), payment=()",
    "Cache-Control": "no-store",
}
"""Set on each response that does not set its own. ``same-origin`` and not ``no-referrer``: the
latter makes browsers send ``Origin: null`` with our own forms."""


class DoorError(TallystickError):
    """The request did not come from one of our pages."""

    code, say = 6100, "signin.reload"


class WrongOrigin(DoorError):
    """The request came from another site."""

    code = 6101


class WrongForm(DoorError):
    """The form is not of this session: reload the page."""

    code = 6102


class BodyTooLarge(DoorError):
    """The body is larger than any of our forms, or its length is not given."""

    code = 6103


class Knocks:
    """How often each address tried lately: forgotten after a while, and never without bound."""

    def __init__(
        self, clock: Clock, most: int = ATTEMPTS_MAX, window_s: float = ATTEMPTS_WINDOW_S
    ) -> None:
        self._clock, self._most, self._window_s = clock, most, window_s
        self._seen: OrderedDict[str, tuple[float, int]] = OrderedDict()

    def count(self, address: str) -> None:
        """Count one attempt; raise `TooManyAttempts` over the most in a window."""
        place, now = _place(address), self._clock.monotonic_s()
        since, tries = self._seen.pop(place, (now, 0))
        if now - since >= self._window_s:
            since, tries = now, 0
        self._seen[place] = (since, tries + 1)
        while len(self._seen) > ADDRESSES_MAX:
            self._seen.popitem(last=False)
        if tries >= self._most:
            raise TooManyAttempts


def _place(address: str) -> str:
    """Return the address, or the /64 that one IPv6 customer commonly has to itself."""
    try:
        found = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return address[:64]
    return str(ipaddress.ip_network((found, 64 if found.version == 6 else 32), strict=False))


@dataclass(frozen=True, slots=True)
class Door:
    """What sign-in stands on; put it on ``app.state.door`` (`tallystick.web.signin.install`)."""

    store: Store
    clock: Clock
    party: Party
    knocks: Knocks = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "knocks", Knocks(self.clock))

    @property
    def secure(self) -> bool:
        """Say whether cookies may demand https; plain http is for loopback only."""
        return all(origin.startswith("https://") for origin in self.party.origins)

    def cookie(self, name: str) -> str:
        """Return a cookie's name: pinned to this host by its prefix where https allows it."""
        return f"__Host-tallystick-{name}" if self.secure else f"tallystick-{name}"


def door_of(request: Request) -> Door:
    """Return the door that this application was given."""
    return cast(Door, request.app.state.door)


def session_cookie(request: Request) -> str:
    """Return the session's cookie, or an empty text."""
    return request.cookies.get(door_of(request).cookie("session"), "")


def require_person(request: Request) -> Person:
    """Return who is signed in; raise `NotSignedIn`. A dependency for pages that change nothing."""
    door, token, now = door_of(request), session_cookie(request), door_of(request).clock.now()
    if not token:
        raise NotSignedIn
    with door.store.read() as tx:
        session = sessions.find(tx, token, now)
    if session.stale:
        with door.store.transact() as tx:
            sessions.touch(tx, token, now)
    request.state.person = session.person
    return session.person


def allow(*roles: Role) -> Callable[[Request], Person]:
    """Return a dependency for pages of some roles only; it raises `NotAllowed` for the others."""

    def person_in_role(request: Request) -> Person:
        person = require_person(request)
        if person.role not in roles:
            raise NotAllowed
        return person

    return person_in_role


def allow_form(*roles: Role) -> Callable[[Request], Any]:
    """Return a dependency for forms that change something and that only some roles may send."""

    async def person_in_role_with_form(request: Request) -> Person:
        person = await require_form(request)
        if person.role not in roles:
            raise NotAllowed
        return person

    return person_in_role_with_form


async def require_form(request: Request) -> Person:
    """Return who sent this form from our own page; the dependency of every unsafe route.

    Raises `WrongOrigin`, `NotSignedIn` or `WrongForm`. The word is the form's
    field ``form_word``, or the header ``Tallystick-Form`` when a script sends something else.
    """
    check_origin(request)
    person = await run_in_threadpool(require_person, request)
    given: Any = request.headers.get(FORM_HEADER)
    if given is None:
        given = (await request.form(max_files=0, max_fields=200)).get(FORM_WORD)
    if not isinstance(given, str) or not sessions.csrf_fits(session_cookie(request), given):
        raise WrongForm
    return person


def form_word(request: Request) -> str:
    """Return the word that each form of this session carries, for the template."""
    token = session_cookie(request)
    return sessions.csrf_of(token) if token else ""


def check_origin(request: Request) -> None:
    """Raise `WrongOrigin` unless the browser says that the request is from our own page."""
    origin = request.headers.get("origin", "")
    ours = door_of(request).party.origins
    if not any(hmac.compare_digest(origin.encode(), known.encode()) for known in ours):
        raise WrongOrigin


def check_length(request: Request, most: int) -> None:
    """Raise `BodyTooLarge` unless the request names a length within the limit."""
    length = request.headers.get("content-length", "")
    if not (length.isascii() and length.isdigit() and len(length) < 10 and int(length) <= most):
        raise BodyTooLarge


def safe_next(path: str) -> str:
    """Return a path of this site to go on to; anything that may lead elsewhere becomes ``/``."""
    plain = len(path) <= NEXT_CHARS_MAX and _PLAIN_PATH.fullmatch(path) and "//" not in path
    return path if plain else "/"


class Guard:
    """Middleware around every page: no body beyond `FORM_BYTES_MAX`, and `SECURITY_HEADERS`.

    A page may set a header of its own instead. The limit stands here because a framework reads a
    form before it asks any dependency.
    """

    def __init__(self, app: ASGIApp, headers: Mapping[str, str] = SECURITY_HEADERS) -> None:
        self._app, self._headers = app, headers

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on unless its body is too large, and add to the head of the answer."""

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in self._headers.items():
                    headers.setdefault(name, value)
            await send(message)

        if scope["type"] != "http":
            await self._app(scope, receive, send)
        elif _too_large(Headers(scope=scope)):
            refusal = PlainTextResponse("The request is too large.", 413, {"Connection": "close"})
            await refusal(scope, receive, send_with_headers)
        else:
            await self._app(scope, receive, send_with_headers)


def _too_large(headers: Headers) -> bool:
    length = headers.get("content-length", "0")
    plain = length.isascii() and length.isdigit() and len(length) < 10
    return "transfer-encoding" in headers or not plain or int(length) > FORM_BYTES_MAX
