"""A witness's two addresses over HTTP: where logs hand in, and where anybody looks.

The codes and bodies are those of C2SP tlog-witness; the limits are ours. All work is in
`tallystick.core.tlog.witness`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Final

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from tallystick.core.identity.errors import TooManyAttempts
from tallystick.core.tlog.witness import REQUEST_BYTES_MAX, Answer, Witness
from tallystick.web.door import Knocks
from tallystick.web.proxies import Network, who

BODY_S_MAX: Final = 10
REQUESTS_AT_ONCE_MAX: Final = 64
"""More are answered with 503 by the server, at once."""
REQUESTS_PER_MINUTE: Final = 240
"""Of one address: a log that publishes twice a second asks 120 times."""
WINDOW_S: Final = 60
NOT_STORED: Final = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}


def reply(answer: Answer) -> Response:
    """Return an answer as bytes on the wire; 409 has exactly the type that the text gives."""
    headers = {"Content-Type": answer.type, **NOT_STORED}
    return Response(answer.body.encode(), answer.status, headers)


async def body_of(request: Request) -> bytes | Answer:
    """Read a body, or return the refusal of one that is too long or too slow."""
    data = b""
    try:
        async with asyncio.timeout(BODY_S_MAX):
            async for part in request.stream():
                data += part
                if len(data) > REQUEST_BYTES_MAX:
                    return Answer(413, "the request is too long\n")
    except TimeoutError:
        return Answer(408, "the request is too slow\n")
    return data


def create_app(
    witness: Witness,
    trusted: Sequence[Network] = (),
    per_minute: int = REQUESTS_PER_MINUTE,
) -> Starlette:
    """Return the witness as an ASGI application.

    Each address may ask so often; behind the proxies that are ``trusted``, the address is the one
    that they name.
    """
    knocks = Knocks(witness.clock, per_minute, WINDOW_S)

    def count(request: Request) -> None:
        peer = request.client.host if request.client else ""
        knocks.count(who(peer, request.headers.getlist("x-forwarded-for"), trusted))

    async def too_many(request: Request, error: Exception) -> Response:
        headers = {"Retry-After": str(WINDOW_S), **NOT_STORED}
        return PlainTextResponse("too many requests from this address\n", 429, headers)

    async def add_checkpoint(request: Request) -> Response:
        count(request)
        data = await body_of(request)
        if isinstance(data, Answer):
            return reply(data)
        return reply(await run_in_threadpool(witness.add_checkpoint, data))

    async def sign_subtree(request: Request) -> Response:
        count(request)
        data = await body_of(request)
        if isinstance(data, Answer):
            return reply(data)
        return reply(await run_in_threadpool(witness.sign_subtree, data))

    async def checkpoint(request: Request) -> Response:
        count(request)
        return reply(witness.monitored(request.path_params["log"]))

    return Starlette(
        routes=[
            Route("/add-checkpoint", add_checkpoint, methods=["POST"]),
            Route("/sign-subtree", sign_subtree, methods=["POST"]),
            Route("/{log}/checkpoint", checkpoint, methods=["GET"]),
        ],
        exception_handlers={TooManyAttempts: too_many},
    )
