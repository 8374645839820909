"""One paired machine that signs what it says to a real server on loopback."""

from __future__ import annotations

from typing import Any

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from counter import Counter
from network import Network
from serving import serve
from tallystick.core.clock import SeededClock, new_id
from tallystick.core.identity import machines
from tallystick.core.identity.keys import public_text
from tallystick.core.identity.signatures import sign_request
from tallystick.core.store import Store
from tallystick.kiosk import wire
from tallystick.web.bounded import BoundedHttp
from tallystick.web.machine_api import create_app

ADDRESS = "bcrt1qw508d6qejxtdg4y5r3zarvary0c5xw7kygt080"


class Machine:
    """Speaks by `say`; `buy` starts a purchase and puts one note in."""

    def __init__(self, store: Store, clock: SeededClock, network: Network) -> None:
        counter = Counter(store, clock, network)
        counter.till.sync()
        self.store, self.clock, self.desk = store, clock, counter.desk
        self.http = serve(create_app(store, counter.desk), http=BoundedHttp)
        self.key = Ed25519PrivateKey.from_private_bytes(clock.random_bytes(32))
        with store.transact() as tx:
            self.token = machines.invite_machine(tx, "Kiosk 0142", clock.now(), clock)
        request = wire.PairRequest(token=self.token, public_key=public_text(self.key.public_key()))
        reply = self.http.post("/v1/pair", content=msgspec.json.encode(request))
        assert reply.status_code == 200, reply.text
        self.paired = msgspec.json.decode(reply.content, type=wire.PairReply)

    def signed(self, method: str, path: str, body: bytes) -> dict[str, str]:
        nonce = new_id(self.clock)
        now, key_id = self.clock.now(), self.paired.key_id
        return sign_request(method, path, {}, body, self.key, key_id, now, nonce)

    def say(self, path: str, message: Any = None, **more: Any) -> Any:
        method = "GET" if message is None else "POST"
        body = b"" if message is None else msgspec.json.encode(message)
        headers = more.get("headers") or self.signed(method, path, body)
        return self.http.request(method, path, content=body, headers=headers)

    def buy(self, minor: int = 2_000) -> wire.Quote:
        request = wire.QuoteRequest(
            purchase=new_id(self.clock),
            address=ADDRESS,
            language="en",
            acknowledged=["DEMO/warning"],
        )
        reply = self.say("/v1/purchases", request)
        assert reply.status_code == 200, reply.text
        quote = msgspec.json.decode(reply.content, type=wire.Quote)
        note = self.note = new_id(self.clock)
        path = f"/v1/purchases/{quote.purchase}"
        ask = wire.NoteAsk(note=note, seq=1, minor=minor, currency="USD", quote=quote.digest)
        assert self.say(f"{path}/notes", ask).json()["answer"] == "permit"
        told = wire.NoteStacked(note=note, seq=1, minor=minor, currency="USD", recovered=False)
        self.now = self.say(f"{path}/stacked", told).json()
        assert self.now["cash_minor"] == minor
        return quote
