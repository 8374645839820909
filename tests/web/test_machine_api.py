"""The machine API over real HTTP: signed steps, replays, strangers, garbage. On both databases."""

import base64

import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from signed_machine import Machine

from network import Network
from tallystick.core.identity import machines
from tallystick.core.identity.keys import public_text
from tallystick.core.store import Store
from tallystick.kiosk import queries, wire
from tallystick.web.machine_api import ROUTES


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


GARBAGE = (
    b"",
    b"{",
    b"[]",
    b"{}",
    b"\xff",
    b'{"\xff":1}',
    b'{"x":1}',
    b'{"x":"\\u0000"}',
    b"\xef\xbb\xbf{}",
    b"[" * 10_000,
    b"1" * 10_000,
)


@pytest.mark.parametrize("body", GARBAGE)
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


@pytest.mark.parametrize("reason", [b"\xff", b"\xc3(", b"\\ud800", b"\\u0000"])
def test_words_that_no_database_holds_are_refused(machine: Machine, reason: bytes) -> None:
    path = f"/v1/purchases/{machine.buy().purchase}/close"
    body = b'{"how":"keep","reason":"' + reason + b'"}'
    reply = machine.http.post(path, content=body, headers=machine.signed("POST", path, body))
    assert (reply.status_code, reply.json()["code"]) == (422, 6201)


def test_what_is_not_signed_is_not_heard(machine: Machine) -> None:
    headers = machine.signed("GET", "/v1/offer", b"")
    reply = machine.http.get("/v1/offer?as=another", headers=headers)
    assert (reply.status_code, reply.json()["code"]) == (401, 1503)
    assert machine.http.get("/v1/offer", headers=headers).status_code == 200


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [("GET", "/", 404), ("GET", "/v1/pair", 405), ("PUT", "/v1/offer", 405), ("GET", "/%ff", 404)],
)
def test_a_route_that_is_not_there_is_a_problem(
    machine: Machine, method: str, path: str, status: int
) -> None:
    reply = machine.http.request(method, path)
    assert (reply.status_code, reply.json()["code"]) == (status, 6204)
    assert ("allow" in reply.headers) == (status == 405)
