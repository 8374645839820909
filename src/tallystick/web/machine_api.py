"""The machine API: what a kiosk may say to its server, each request signed (Decisions 4 and 8).

One route is one step: authenticate, take the step, answer, in one transaction, so that a nonce is
spent exactly when something happened. A machine's false sum is refused and the incident is
committed. Bodies are bounded before they are read, and parsed strictly.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any, Final

import msgspec
import sqlalchemy as sa
from anyio import to_thread
from fastapi import FastAPI
from starlette.requests import Request
from starlette.responses import Response

from tallystick.core.errors import TallystickError
from tallystick.core.identity import machines
from tallystick.core.identity.errors import IdentityError
from tallystick.core.identity.keys import public_text, read_public
from tallystick.core.store import Store, StoreUnusable, Tx
from tallystick.kiosk import buy, quote, wire
from tallystick.kiosk.errors import KioskError
from tallystick.kiosk.quote import Desk

SOFTWARE: Final = "tallystick"
Step = Callable[[Tx, Desk, machines.Machine, dict[str, str], Any], Any]


class BadBody(KioskError):
    """The request's body is not what this route reads."""

    code, money, say, status = 6201, "as it was before this request", "kiosk.call_us", 422


class BodyTooLong(KioskError):
    """The request's body is longer than any of ours."""

    code, money, say, status = 6202, "as it was before this request", "kiosk.call_us", 413


def _offer(tx: Tx, desk: Desk, who: machines.Machine, at: dict[str, str], _: None) -> Any:
    return quote.offer(desk, tx, who.id, who.label)


def _start(
    tx: Tx, desk: Desk, who: machines.Machine, at: dict[str, str], body: wire.QuoteRequest
) -> Any:
    return buy.start(tx, desk, who.id, body)


def _renew(tx: Tx, desk: Desk, who: machines.Machine, at: dict[str, str], _: Any) -> Any:
    return buy.renew(tx, desk, who.id, at["purchase"])


def _view(tx: Tx, desk: Desk, who: machines.Machine, at: dict[str, str], _: None) -> Any:
    return buy.view(tx, desk, buy.find(tx, who.id, at["purchase"]))


def _on(step: Callable[..., Any]) -> Step:
    def call(tx: Tx, desk: Desk, who: machines.Machine, at: dict[str, str], body: Any) -> Any:
        return step(tx, desk, who.id, at["purchase"], body)

    return call


def _status(
    tx: Tx, desk: Desk, who: machines.Machine, at: dict[str, str], body: wire.StatusReport
) -> wire.StatusReply:
    agrees = buy.note_machine_status(tx, desk, who.id, body)
    offered = quote.offer(desk, tx, who.id, who.label)
    return wire.StatusReply(
        open=offered.open, closed_because=offered.closed_because, box_agrees=agrees
    )


class Nothing(wire.Message, frozen=True):
    """An empty JSON object."""


ROUTES: Final[list[tuple[str, str, type | None, type, Step]]] = [
    ("GET", "/v1/offer", None, wire.Offer, _offer),
    ("POST", "/v1/purchases", wire.QuoteRequest, wire.Quote, _start),
    ("POST", "/v1/purchases/{purchase}/quote", Nothing, wire.Quote, _renew),
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
    ("GET", "/v1/purchases/{purchase}", None, wire.PurchaseView, _view),
    ("POST", "/v1/status", wire.StatusReport, wire.StatusReply, _status),
]


def problem(error: TallystickError) -> Response:
    """Answer an error in the form of RFC 9457, with where the money is."""
    status = getattr(error, "status", None)
    if status is None:
        status = 401 if isinstance(error, IdentityError) else 503
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


async def _body(request: Request) -> bytes:
    """Read a body of bounded length."""
    data = b""
    async for part in request.stream():
        data += part
        if len(data) > wire.BODY_BYTES_MAX:
            raise BodyTooLong(f"more than {wire.BODY_BYTES_MAX} bytes")
    return data


def _parse(body: bytes, into: type | None) -> Any:
    if into is None:
        return None
    try:
        return msgspec.json.decode(body, type=into)
    except msgspec.DecodeError as error:
        raise BadBody(str(error)) from error


class Api:
    """The routes' shared parts: the store and the desk, with each machine's own cap."""

    def __init__(self, store: Store, desk: Desk) -> None:
        self.store, self.desk = store, desk

    def desk_of(self, who: machines.Machine) -> Desk:
        """Return the desk with this machine's daily cap."""
        cap = min(self.desk.policy.machine_day_max_minor, who.day_cap_minor)
        return replace(self.desk, policy=replace(self.desk.policy, machine_day_max_minor=cap))

    def take(self, request: Request, body: bytes, into: type | None, step: Step) -> Response:
        """Take one step in one transaction; a lie is refused, and its record is kept."""
        try:
            parsed = None if into is None else _parse(body, into)
            with self.store.transact() as tx:
                path = request.scope["raw_path"].decode("ascii")
                now = self.desk.clock.now()
                who = machines.authenticate(tx, request.method, path, request.headers, body, now)
                try:
                    desk = self.desk_of(who)
                    found = step(tx, desk, who, dict(request.path_params), parsed)
                except buy.Lie as lie:
                    return problem(lie.error)
            return Response(msgspec.json.encode(found), media_type="application/json")
        except TallystickError as error:
            return problem(error)
        except sa.exc.DBAPIError as error:
            return problem(StoreUnusable(str(error.orig)))

    def pair(self, body: bytes) -> Response:
        """Make a machine known by its key, once, for a one-time token."""
        try:
            asked: wire.PairRequest = _parse(body, wire.PairRequest)
            with self.store.transact() as tx:
                clock = self.desk.clock
                who = machines.pair(tx, asked.token, asked.public_key, clock.now(), clock)
            key_id = machines.key_name(read_public(asked.public_key))
            server = public_text(self.desk.key.public_key())
            reply = wire.PairReply(machine=who.id, key_id=key_id, server_key=server)
            return Response(msgspec.json.encode(reply), media_type="application/json")
        except TallystickError as error:
            return problem(error)


def _endpoint(api: Api, into: type | None, step: Step) -> Callable[[Request], Any]:
    async def answer(request: Request) -> Response:
        try:
            body = await _body(request)
        except TallystickError as error:
            return problem(error)
        return await to_thread.run_sync(api.take, request, body, into, step)

    return answer


def create_app(store: Store, desk: Desk) -> FastAPI:
    """Return the machine API as an ASGI application."""
    api = Api(store, desk)
    app = FastAPI(title="Tallystick machine API", version="1", docs_url=None, redoc_url=None)

    async def pair(request: Request) -> Response:
        try:
            body = await _body(request)
        except TallystickError as error:
            return problem(error)
        return await to_thread.run_sync(api.pair, body)

    app.add_route("/v1/pair", pair, methods=["POST"])
    for method, path, into, _, step in ROUTES:
        app.add_route(path, _endpoint(api, into, step), methods=[method])
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
