"""The machine API over real HTTP: signed steps, replays, strangers, garbage. On both databases."""

from collections.abc import Iterator
from typing import Any

import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from counter import Counter
from network import Network
from serving import serve, stop_all
from tallystick.core.clock import SeededClock, new_id
from tallystick.core.identity import machines
from tallystick.core.identity.keys import public_text
from tallystick.core.identity.signatures import sign_request
from tallystick.core.store import Store
from tallystick.kiosk import queries, wire
from tallystick.web.machine_api import ROUTES, create_app

ADDRESS = "bcrt1qw508d6qejxtdg4y5r3zarvary0c5xw7kygt080"


@pytest.fixture(scope="module")
def network(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Network]:
    made = Network(tmp_path_factory.mktemp("n"))
    made.fund()
    yield made
    made.stop()


class Machine:
    """One paired machine."""

    def __init__(self, store: Store, clock: SeededClock, network: Network) -> None:
        counter = Counter(store, clock, network)
        counter.till.sync()
        self.store, self.clock, self.desk = store, clock, counter.desk
        self.http = serve(create_app(store, counter.desk))
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
        note = new_id(self.clock)
        path = f"/v1/purchases/{quote.purchase}"
        ask = wire.NoteAsk(note=note, seq=1, minor=minor, currency="USD", quote=quote.digest)
        assert self.say(f"{path}/notes", ask).json()["answer"] == "permit"
        told = wire.NoteStacked(note=note, seq=1, minor=minor, currency="USD", recovered=False)
        assert self.say(f"{path}/stacked", told).json()["cash_minor"] == minor
        return quote


@pytest.fixture
def machine(store: Store, clock: SeededClock, network: Network) -> Machine:
    return Machine(store, clock, network)


@pytest.fixture(autouse=True)
def served() -> Iterator[None]:
    yield
    stop_all()


def test_a_purchase_over_the_wire(machine: Machine) -> None:
    offer = machine.say("/v1/offer").json()
    assert offer["open"]
    assert offer["warnings"][0]["id"] == "DEMO/warning"
    quote = machine.buy()
    path = f"/v1/purchases/{quote.purchase}"
    finish = wire.FinishRequest(quote=quote.digest, notes=1, cash_minor=2_000, sats=18_750)
    paid = machine.say(f"{path}/finish", finish).json()
    assert (paid["state"], paid["fee_minor"], paid["sats"]) == ("paid_in", 500, 18_750)
    assert machine.say(path).json()["state"] == "paid_in"
    server = machine.desk.key.public_key()
    signature = quote.signature + "=" * (-len(quote.signature) % 4)
    import base64

    server.verify(base64.urlsafe_b64decode(signature), bytes.fromhex(quote.digest))


def test_a_lie_is_refused_and_its_record_survives(machine: Machine, store: Store) -> None:
    quote = machine.buy()
    finish = wire.FinishRequest(quote=quote.digest, notes=1, cash_minor=2_000, sats=10**8)
    reply = machine.say(f"/v1/purchases/{quote.purchase}/finish", finish)
    assert (reply.status_code, reply.json()["code"]) == (409, 4005)
    assert "safe" in reply.json()["money"]
    with store.read() as tx:
        assert [row["kind"] for row in queries.incidents(tx)] == ["NotOurSum"]


def test_a_replayed_request_is_refused_and_changes_nothing(machine: Machine) -> None:
    quote = machine.buy()
    path = f"/v1/purchases/{quote.purchase}/close"
    body = wire.CloseRequest(how="keep", reason="timeout")
    headers = machine.signed("POST", path, msgspec.json.encode(body))
    assert machine.say(path, body, headers=headers).json()["state"] == "kept"
    assert machine.say(path, body, headers=headers).status_code == 401
    assert machine.say(path, body).json()["state"] == "kept", "signed anew: idempotent"


def test_strangers_the_revoked_and_the_altered_are_refused(machine: Machine, store: Store) -> None:
    body = msgspec.json.encode(wire.CloseRequest(how="keep", reason="x"))
    assert machine.http.get("/v1/offer").status_code == 401
    headers = machine.signed("POST", "/v1/status", body)
    for path, content in (("/v1/status", body + b" "), ("/v1/purchases", body)):
        assert machine.http.post(path, content=content, headers=headers).status_code in (401, 422)
    with store.transact() as tx:
        machines.revoke(tx, machine.paired.machine, machine.clock.now(), "stolen")
    assert machine.say("/v1/offer").status_code == 401


def test_another_machines_purchase_is_unknown(machine: Machine, network: Network) -> None:
    quote = machine.buy()
    other = Machine(machine.store, machine.clock, network)
    assert other.say(f"/v1/purchases/{quote.purchase}").status_code == 404


def test_a_pairing_token_serves_one_key(machine: Machine) -> None:
    key = public_text(Ed25519PrivateKey.from_private_bytes(bytes([9]) * 32).public_key())
    request = wire.PairRequest(token=machine.token, public_key=key)
    reply = machine.http.post("/v1/pair", content=msgspec.json.encode(request))
    assert reply.status_code == 401


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"{}", b"\xff", b'{"x":1}', b"1" * 10_000])
def test_garbage_is_refused_on_every_route(machine: Machine, body: bytes) -> None:
    for method, path, into, _, _ in ROUTES:
        if into is None or (body == b"{}" and path.endswith("/quote")):
            continue
        full = path.replace("{purchase}", "0" * 26)
        headers = machine.signed(method, full, body) if body else {}
        reply = machine.http.post(full, content=body, headers=headers)
        assert reply.status_code in (401, 404, 422), (path, reply.text)
        assert reply.headers["content-type"] == "application/problem+json"


def test_an_oversize_body_is_cut_off(machine: Machine) -> None:
    reply = machine.http.post("/v1/pair", content=b"x" * (wire.BODY_BYTES_MAX + 1))
    assert reply.status_code == 413
