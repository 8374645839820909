"""The machine API: what a kiosk may say to its server, each request signed (Decisions 4 and 8).

One route is one step: authenticate, take the step, answer, in one transaction, so that a nonce is
spent exactly when something happened. A machine's false sum is refused and the incident is
committed. Bodies are bounded in size and in time, and parsed strictly; whatever is wrong ends in a
problem (RFC 9457), never in a hang.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any, Final

import msgspec
import sqlalchemy as sa
from anyio import fail_after, to_thread
from fastapi import FastAPI
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from tallystick.core import journal
from tallystick.core.errors import TallystickError
from tallystick.core.identity import machines
from tallystick.core.identity.errors import IdentityError
from tallystick.core.identity.keys import public_text, read_public
from tallystick.core.store import Store, StoreUnusable, Tx
from tallystick.kiosk import buy, quote, slips, status, wire
from tallystick.kiosk.customers import identify, mail, picture
from tallystick.kiosk.errors import KioskError
from tallystick.kiosk.quote import Desk
from tallystick.kiosk.scams import guard

BODY_S_MAX: Final = 5
PICTURE_S_MAX: Final = 20
"""How long a picture may come for: 410 kB over a weak mobile line."""
NUL_IN_JSON: Final = b"\\u0000"
Step = Callable[[Tx, Desk, machines.Machine, dict[str, str], Any], Any]


class BadBody(KioskError):
    """The request's body is not what this route reads."""

    code, money, say, status = 6201, "as it was before this request", "kiosk.call_us", 422


class BodyTooLong(KioskError):
    """The request's body is longer than any of ours."""

    code, money, say, status = 6202, "as it was before this request", "kiosk.call_us", 413


class BodyTooSlow(KioskError):
    """The request's body did not come in time."""

    code, money, say, status = 6203, "as it was before this request", "kiosk.try_again", 408


class NoSuchRoute(KioskError):
    """The machine API has no such path, or not with this method."""

    code, money, say, status = 6204, "not touched", "kiosk.call_us", 404


def _offer(tx: Tx, desk: Desk, who: machines.Machine, at: dict[str, str], _: None) -> Any:
    return quote.offer(desk, tx, who.id, who.label)


def _start(
    tx: Tx, desk: Desk, who: machines.Machine, at: dict[str, str], body: wire.QuoteRequest
) -> Any:
    return buy.start(tx, desk, who.id, body, who.label)


def _renew(tx: Tx, desk: Desk, who: machines.Machine, at: dict[str, str], _: Any) -> Any:
    return buy.renew(tx, desk, who.id, at["purchase"])


def _view(tx: Tx, desk: Desk, who: machines.Machine, at: dict[str, str], _: None) -> Any:
    return buy.view(tx, desk, buy.find(tx, who.id, at["purchase"]))


def _care(
    tx: Tx, desk: Desk, who: machines.Machine, at: dict[str, str], body: wire.CareAsk
) -> wire.Care:
    journal.lock(tx)
    return guard.care(tx, desk, buy.find(tx, who.id, at["purchase"]), body)


def _on(step: Callable[..., Any]) -> Step:
    def call(tx: Tx, desk: Desk, who: machines.Machine, at: dict[str, str], body: Any) -> Any:
        return step(tx, desk, who.id, at["purchase"], body)

    return call


def _slip(step: Callable[..., wire.Slip]) -> Step:
    def call(tx: Tx, desk: Desk, who: machines.Machine, at: dict[str, str], body: Any) -> Any:
        return step(tx, desk, who.id, body)

    return call


def _status(
    tx: Tx, desk: Desk, who: machines.Machine, at: dict[str, str], body: wire.StatusReport
) -> wire.StatusReply:
    agrees = status.note_machine_status(tx, desk, who.id, body)
    offered = quote.offer(desk, tx, who.id, who.label)
    return wire.StatusReply(
        open=offered.open, closed_because=offered.closed_because, box_agrees=agrees
    )


def _key(
    tx: Tx, desk: Desk, who: machines.Machine, at: dict[str, str], body: wire.KeyRequest
) -> wire.KeyReply:
    now = desk.clock.now()
    return wire.KeyReply(key_id=machines.rotate_key(tx, who.id, body.public_key, now))


ROUTES: Final[list[tuple[str, str, type | None, type, Step]]] = [
    ("GET", "/v1/offer", None, wire.Offer, _offer),
    ("POST", "/v1/purchases", wire.QuoteRequest, wire.Quote, _start),
    ("POST", "/v1/purchases/{purchase}/quote", wire.Nothing, wire.Quote, _renew),
    ("POST", "/v1/purchases/{purchase}/notes", wire.NoteAsk, wire.NoteAnswer, _on(buy.ask_note)),
    (
        "POST",
        "/v1/purchases/{purchase}/stacked",
        wire.NoteStacked,
        wire.PurchaseView,
        _on(buy.stacked),
    ),
    (
        "POST",
        "/v1/purchases/{purchase}/returned",
        wire.NoteReturned,
        wire.PurchaseView,
        _on(buy.returned),
    ),
    (
        "POST",
        "/v1/purchases/{purchase}/finish",
        wire.FinishRequest,
        wire.PurchaseView,
        _on(buy.finish),
    ),
    (
        "POST",
        "/v1/purchases/{purchase}/close",
        wire.CloseRequest,
        wire.PurchaseView,
        _on(buy.close),
    ),
    *(
        ("POST", f"/v1/purchases/{{purchase}}/{name}", into, wire.Identity, _on(step))
        for name, into, step in (
            ("phone", wire.PhoneAsk, identify.send_code),
            ("code", wire.CodeAsk, identify.confirm),
            ("document", wire.DocumentAsk, identify.show_document),
            ("email", wire.MailAsk, mail.give),
            ("picture", wire.PictureAsk, picture.take),
            ("source", wire.SourceAsk, identify.say_source),
        )
    ),
    ("POST", "/v1/purchases/{purchase}/care", wire.CareAsk, wire.Care, _care),
    ("GET", "/v1/purchases/{purchase}", None, wire.PurchaseView, _view),
    *(
        ("POST", f"/v1/slips{path}", wire.SlipAsk, wire.Slip, _slip(step))
        for path, step in (("", slips.look), ("/stop", slips.stop), ("/claim", slips.claim))
    ),
    ("POST", "/v1/status", wire.StatusReport, wire.StatusReply, _status),
    ("POST", "/v1/key", wire.KeyRequest, wire.KeyReply, _key),
]


def problem(error: TallystickError, status: int | None = None) -> Response:
    """Answer an error in the form of RFC 9457, with where the money is."""
    if status is None:
        usual = 401 if isinstance(error, IdentityError) else 503
        status = int(getattr(error, "status", usual))
    said = wire.Problem(
        type=f"urn:tallystick:error:{error.code}",
        title=(type(error).__doc__ or "").split("\n")[0],
        status=status,
        code=error.code,
        detail=str(error)[:500],
        money=error.money,
        say=error.say,
    )
    return Response(
        msgspec.json.encode(said), status_code=status, media_type="application/problem+json"
    )


async def _body(request: Request, bytes_max: int, seconds_max: int) -> bytes:
    """Read a body of bounded length in bounded time."""
    data = bytearray()
    try:
        with fail_after(seconds_max):
            async for part in request.stream():
                data += part
                if len(data) > bytes_max:
                    raise BodyTooLong(f"more than {bytes_max} bytes")
    except TimeoutError as error:
        raise BodyTooSlow(f"not whole after {seconds_max} s") from error
    except ClientDisconnect as error:
        raise BadBody("the connection ended within the body") from error
    return bytes(data)


def _path(request: Request) -> str:
    """Return the path as it was sent, with its query: what a machine signs has none."""
    query = request.scope["query_string"]
    raw: bytes = request.scope["raw_path"] + (b"?" + query if query else b"")
    return raw.decode("latin-1")


def _parse(body: bytes, into: type | None) -> Any:
    """Read a body strictly; a NUL, which PostgreSQL does not store, is in no word of ours."""
    if into is None:
        return None
    if NUL_IN_JSON in body:
        raise BadBody("a NUL character")
    try:
        return msgspec.json.decode(body, type=into)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise BadBody(str(error)) from error


class Api:
    """The routes' shared parts: the store and the desk, with each machine's own cap."""

    def __init__(self, store: Store, desk: Desk) -> None:
        self.store, self.desk = store, desk

    def desk_of(self, who: machines.Machine) -> Desk:
        """Return the desk with this machine's daily cap, by the calendar of its own zone."""
        cap = min(self.desk.policy.machine_day_max_minor, who.day_cap_minor)
        desk = self.desk.at(str(who.settings.get(machines.ZONE, "")))
        return replace(desk, policy=replace(desk.policy, machine_day_max_minor=cap))

    def take(self, request: Request, body: bytes, into: type | None, step: Step) -> Response:
        """Take one step in one transaction; a lie is refused, and its record is kept."""
        parsed = _parse(body, into)
        with self.store.transact() as tx:
            now, path = self.desk.clock.now(), _path(request)
            who = machines.authenticate(tx, request.method, path, request.headers, body, now)
            try:
                found = step(tx, self.desk_of(who), who, dict(request.path_params), parsed)
            except buy.Lie as lie:
                return problem(lie.error)
        return Response(msgspec.json.encode(found), media_type="application/json")

    def pair(self, request: Request, body: bytes) -> Response:
        """Make a machine known by its key, once, for a one-time token."""
        asked: wire.PairRequest = _parse(body, wire.PairRequest)
        with self.store.transact() as tx:
            clock = self.desk.clock
            who = machines.pair(tx, asked.token, asked.public_key, clock.now(), clock)
        key_id = machines.key_name(read_public(asked.public_key))
        server = public_text(self.desk.key.public_key())
        reply = wire.PairReply(machine=who.id, key_id=key_id, server_key=server)
        return Response(msgspec.json.encode(reply), media_type="application/json")


def _answering(
    call: Callable[[Request, bytes], Response],
    bytes_max: int = wire.BODY_BYTES_MAX,
    seconds_max: int = BODY_S_MAX,
) -> Callable[[Request], Any]:
    """Read the body, call in a thread, and answer whatever goes wrong as a problem."""

    async def answer(request: Request) -> Response:
        try:
            body = await _body(request, bytes_max, seconds_max)
            return await to_thread.run_sync(call, request, body)
        except (BodyTooLong, BodyTooSlow) as error:
            reply = problem(error)
            reply.headers["connection"] = "close"
            return reply
        except TallystickError as error:
            return problem(error)
        except sa.exc.SQLAlchemyError as error:
            return problem(StoreUnusable(str(getattr(error, "orig", None) or error)))

    return answer


async def _no_route(request: Request, error: Exception) -> Response:
    status = getattr(error, "status_code", NoSuchRoute.status)
    reply = problem(NoSuchRoute(request.method), status)
    reply.headers.update(getattr(error, "headers", None) or {})
    return reply


def create_app(store: Store, desk: Desk) -> FastAPI:
    """Return the machine API as an ASGI application."""
    api = Api(store, desk)
    app = FastAPI(
        title="Tallystick machine API",
        version="1",
        docs_url=None,
        redoc_url=None,
        exception_handlers={HTTPException: _no_route},
    )
    app.add_route("/v1/pair", _answering(api.pair), methods=["POST"])
    for method, path, into, _, step in ROUTES:
        take = partial(api.take, into=into, step=step)
        room = (wire.PICTURE_BODY_BYTES_MAX, PICTURE_S_MAX) if into is wire.PictureAsk else ()
        app.add_route(path, _answering(take, *room), methods=[method])
    app.openapi = openapi  # type: ignore[method-assign]
    return app


def openapi() -> dict[str, Any]:
    """Return the API's OpenAPI 3.1 description, made from the very structs that it parses."""
    rows = [("POST", "/v1/pair", wire.PairRequest, wire.PairReply), *[r[:4] for r in ROUTES]]
    used = [kind for row in rows for kind in row[2:4] if kind is not None] + [wire.Problem]
    refs, components = msgspec.json.schema_components(
        used, ref_template="#/components/schemas/{name}"
    )
    schema = dict(zip(used, refs, strict=True))
    paths: dict[str, Any] = {}
    for method, path, into, out in rows:
        said = {"application/problem+json": {"schema": schema[wire.Problem]}}
        operation: dict[str, Any] = {
            "responses": {
                "200": {
                    "description": (out.__doc__ or "").split("\n")[0],
                    "content": {"application/json": {"schema": schema[out]}},
                },
                "default": {"description": "A problem (RFC 9457)", "content": said},
            }
        }
        if into is not None:
            content = {"application/json": {"schema": schema[into]}}
            operation["requestBody"] = {"required": True, "content": content}
        if "{purchase}" in path:
            operation["parameters"] = [
                {"name": "purchase", "in": "path", "required": True, "schema": {"type": "string"}}
            ]
        paths.setdefault(path, {})[method.lower()] = operation
    return {
        "openapi": "3.1.0",
        "info": {"title": "Tallystick machine API", "version": "1"},
        "paths": paths,
        "components": {"schemas": components},
    }
