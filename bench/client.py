"""A machine that signs and sends as fast as it can: one connection, no waiting between steps."""

from __future__ import annotations

import http.client
from typing import Any

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from tallystick.core.clock import SystemClock, new_id
from tallystick.core.identity import machines
from tallystick.core.identity.keys import public_text
from tallystick.core.identity.signatures import sign_request
from tallystick.core.store import Store
from tallystick.kiosk import wire

NOTES = (500, 500, 500)
DAY_CAP_MINOR = 10**9


class Machine:
    """One paired machine; `buy` makes a whole purchase."""

    def __init__(self, host: str, port: int, store: Store, label: str) -> None:
        self.clock = SystemClock()
        self.key = Ed25519PrivateKey.generate()
        self.key_id = machines.key_name(self.key.public_key())
        self.http = http.client.HTTPConnection(host, port, timeout=60)
        with store.transact() as tx:
            token = machines.invite_machine(
                tx, label, self.clock.now(), self.clock, day_cap_minor=DAY_CAP_MINOR
            )
        self._send(
            "/v1/pair", wire.PairRequest(token=token, public_key=public_text(self.key.public_key()))
        )

    def _send(self, path: str, message: wire.Message, signed: bool = False) -> Any:
        body = msgspec.json.encode(message)
        headers: dict[str, str] = {}
        if signed:
            now, nonce = self.clock.now(), new_id(self.clock)
            headers = sign_request("POST", path, {}, body, self.key, self.key_id, now, nonce)
        self.http.request("POST", path, body, headers)
        reply = self.http.getresponse()
        found = msgspec.json.decode(reply.read())
        assert reply.status == 200, (path, found)
        return found

    def say(self, path: str, message: wire.Message) -> Any:
        """Sign and send one step."""
        return self._send(path, message, signed=True)

    def fill(self, address: str) -> tuple[str, wire.FinishRequest]:
        """Get a quote and put the notes in; return the path and what is left to say."""
        purchase = new_id(self.clock)
        request = wire.QuoteRequest(
            purchase=purchase, address=address, language="en", acknowledged=["DEMO/warning"]
        )
        quote, path = self.say("/v1/purchases", request), f"/v1/purchases/{purchase}"
        view: Any = None
        for seq, minor in enumerate(NOTES, 1):
            note = new_id(self.clock)
            ask = wire.NoteAsk(
                note=note, seq=seq, minor=minor, currency="USD", quote=quote["digest"]
            )
            answer = self.say(f"{path}/notes", ask)
            assert answer["answer"] == "permit", answer
            told = wire.NoteStacked(
                note=note, seq=seq, minor=minor, currency="USD", recovered=False
            )
            view = self.say(f"{path}/stacked", told)
        return path, wire.FinishRequest(
            quote=quote["digest"],
            notes=view["notes"],
            cash_minor=view["cash_minor"],
            sats=view["sats"],
        )

    def buy(self, address: str) -> None:
        """Make one whole purchase: eight signed requests, the payout's intent stored."""
        path, finish = self.fill(address)
        assert self.say(f"{path}/finish", finish)["state"] == "paid_in"
