"""Who asks, behind proxies: the nearest address that is no proxy of ours.

A proxy in front writes the address of whoever came to it into ``X-Forwarded-For``, last. Only what
a proxy that we trust wrote is believed, read from the end; what stands before that anybody may have
sent. Without a trusted proxy the header is not looked at.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Sequence

from starlette.types import ASGIApp, Receive, Scope, Send

FORWARDED = b"x-forwarded-for"
Network = ipaddress.IPv4Network | ipaddress.IPv6Network


def networks(texts: Iterable[str]) -> tuple[Network, ...]:
    """Return addresses and networks as given to an option; raise `ValueError` naming a bad one."""
    return tuple(ipaddress.ip_network(text, strict=False) for text in texts)


def who(peer: str, forwarded: Sequence[str], trusted: Sequence[Network]) -> str:
    """Return the address to which a request is counted.

    ``peer`` is the other end of the connection, ``forwarded`` the values of ``X-Forwarded-For`` in
    their order.
    """
    hops = [hop.strip() for value in forwarded for hop in value.split(",")]
    while _within(peer, trusted) and hops:
        nearest = hops.pop()
        if _address(nearest) is None:
            break
        peer = nearest
    return peer


class Behind:
    """An application behind proxies: every request comes from the address that `who` says."""

    def __init__(self, app: ASGIApp, trusted: Sequence[Network]) -> None:
        self.app, self.trusted = app, trusted

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on; nothing but the address of whoever asks is changed."""
        if self.trusted and scope["type"] == "http":
            peer, port = scope.get("client") or ("", 0)
            given = [text.decode("latin-1") for name, text in scope["headers"] if name == FORWARDED]
            scope = {**scope, "client": (who(peer, given, self.trusted), port)}
        await self.app(scope, receive, send)


def _address(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(text)
    except ValueError:
        return None


def _within(text: str, trusted: Sequence[Network]) -> bool:
    found = _address(text)
    return found is not None and any(found in network for network in trusted)
