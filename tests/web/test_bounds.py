"""Bytes that no client of ours sends: each ends in an answer or a closed connection, never a hang.

One server on SQLite, raw sockets; after all of it the server still serves a machine.
"""

from __future__ import annotations

import contextlib
import re
import socket
import threading
import time
from collections.abc import Iterator

import msgspec
import pytest
from signed_machine import Machine

import databases
from network import Network
from serving import stop_all
from tallystick.core.clock import SeededClock, new_id
from tallystick.kiosk import wire
from tallystick.kiosk.customers.errors import IdentityNeeded, NotAsked
from tallystick.web.bounded import HEAD_BYTES_MAX, HEAD_S_MAX
from tallystick.web.machine_api import BODY_S_MAX

HANG_S = 3
POST = b"POST /v1/pair HTTP/1.1\r\nHost: x\r\n"
OVER = wire.BODY_BYTES_MAX + 1


@pytest.fixture(scope="module")
def machine(tmp_path_factory: pytest.TempPathFactory, network: Network) -> Iterator[Machine]:
    store = databases.opened(f"sqlite:///{tmp_path_factory.mktemp('b')}/store.sqlite")
    made = Machine(store, SeededClock(8), network)
    yield made
    stop_all()
    store.close()


class Wire:
    """One raw connection; `answer` reads until the server closes or falls silent."""

    def __init__(self, machine: Machine) -> None:
        url = machine.http.base_url
        self.socket = socket.create_connection((url.host, url.port or 80), timeout=HANG_S)

    def send(self, data: bytes) -> None:
        """Send; when the server had enough, what it said can still be read."""
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            self.socket.sendall(data)

    def drip(self, byte: bytes, seconds: float) -> None:
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            self.send(byte)
            time.sleep(0.25)

    def answer(self) -> tuple[list[int], bool]:
        """Return the statuses that came, and whether the server closed."""
        data, closed = b"", False
        try:
            while part := self.socket.recv(65_536):
                data += part
            closed = True
        except TimeoutError:
            pass
        except ConnectionResetError:
            closed = True
        self.socket.close()
        return [int(code) for code in re.findall(rb"HTTP/1\.1 (\d{3})", data)], closed


def chunked(size: int) -> bytes:
    chunk = b"400\r\n" + b"x" * 1_024 + b"\r\n"
    return POST + b"Transfer-Encoding: chunked\r\n\r\n" + chunk * (size // 1_024 + 1)


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        (b"\x00\x01\x02 garbage\r\n\r\n", 400),
        (b"GET http:// HTTP/1.1\r\n\r\n", 400),
        (b"GET /\xff HTTP/1.1\r\n\r\n", 400),
        (b"GET /v1/purchases/%00 HTTP/1.1\r\n\r\n", 400),
        (b"GET /v1/offer?q=a%00b HTTP/1.1\r\n\r\n", 400),
        (b"GET /v1/offer HTTP/9.9\r\n\r\n", 400),
        (b"POST /v1/pair HTTP/1.1\r\nContent-Length: -1\r\n\r\n", 400),
        (b"POST /v1/pair HTTP/1.1\r\nContent-Length: " + b"9" * 30 + b"\r\n\r\n", 400),
        (POST + b"Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n{}", 400),
        (POST + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n", 400),
        (b"GET /v1/offer HTTP/1.1\r\nx: " + b"y" * 10 * HEAD_BYTES_MAX, 400),
        (b"GET /" + b"y" * 10 * HEAD_BYTES_MAX, 400),
        (b"\r\n" * HEAD_BYTES_MAX, 400),
        (POST + b"Content-Length: %d\r\n\r\n" % OVER + b"x" * OVER, 413),
        (POST + b"Content-Length: 10000000000\r\n\r\n" + b"x" * 10 * OVER, 413),
        (chunked(OVER), 413),
    ],
)
def test_a_senseless_request_is_answered_and_the_connection_closed(
    machine: Machine, sent: bytes, status: int
) -> None:
    wire = Wire(machine)
    wire.send(sent)
    assert wire.answer() == ([status], True)


@pytest.mark.parametrize("kind", ["text/plain", "application/xml", "multipart/form-data", "\xff"])
def test_another_content_type_changes_nothing(machine: Machine, kind: str) -> None:
    body = b"<a/>"
    wire = Wire(machine)
    head = b"Content-Type: %s\r\nContent-Length: 4\r\n\r\n" % kind.encode("latin-1")
    wire.send(POST + head + body)
    assert wire.answer()[0] == [422]


def test_a_body_that_breaks_off_does_nothing(machine: Machine) -> None:
    path, purchase = "/v1/purchases", new_id(machine.clock)
    request = wire.QuoteRequest(
        purchase=purchase,
        address="bcrt1qw508d6qejxtdg4y5r3zarvary0c5xw7kygt080",
        language="en",
        acknowledged=["DEMO/warning"],
    )
    body = msgspec.json.encode(request)
    signed = machine.signed("POST", path, body)
    lines = "".join(f"{name}: {value}\r\n" for name, value in signed.items())
    head = f"POST {path} HTTP/1.1\r\nContent-Length: {len(body)}\r\n{lines}\r\n".encode()
    for length in (0, 1, len(body) // 2, len(body) - 1):
        cut = Wire(machine)
        cut.send(head + body[:length])
        cut.socket.close()
    assert machine.say(f"{path}/{purchase}").status_code == 404
    reply = machine.say(path, request, headers=signed)
    assert reply.status_code == 200, "the nonce was not spent by a request that never came whole"


def test_a_picture_comes_whole_and_one_byte_more_does_not(machine: Machine) -> None:
    """Longer than any head may be, and its last part too: it was once taken for one."""
    path = f"/v1/purchases/{new_id(machine.clock)}/picture"
    for size in (wire.PICTURE_BYTES_MAX, 60_000, 100_000):
        reply = machine.say(path, wire.PictureAsk(item="copy", sealed=bytes(size)))
        assert reply.json()["code"] in (IdentityNeeded.code, NotAsked.code), reply.text
        assert machine.say("/v1/offer").status_code == 200
    most = wire.PICTURE_BODY_BYTES_MAX
    head = b"POST %s HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n"
    for size, status in ((most, 422), (most + 1, 413)):
        raw = Wire(machine)
        raw.send(head % (path.encode(), size) + b" " * size)
        assert raw.answer()[0] == [status]


def test_garbage_behind_a_request_does_not_reach_the_next(machine: Machine) -> None:
    behind = Wire(machine)
    behind.send(b"GET /v1/offer HTTP/1.1\r\nHost: x\r\n\r\n\x00\x01garbage\r\n\r\n")
    codes, closed = behind.answer()
    assert closed and set(codes) <= {400, 401}
    many = Wire(machine)
    many.send(b"GET /v1/offer HTTP/1.1\r\nHost: x\r\n\r\n" * 500)
    codes, _ = many.answer()
    assert codes == [401] * 500


def test_an_upgrade_is_not_taken(machine: Machine) -> None:
    asked = Wire(machine)
    asked.send(b"GET /v1/offer HTTP/1.1\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n")
    assert set(asked.answer()[0]) <= {400, 401}


def test_the_slow_are_sent_away_while_others_are_served(machine: Machine) -> None:
    slow = {
        "silence": (b"", b""),
        "empty lines": (b"", b"\r\n"),
        "head": (b"GET /v1/offer HTTP/1.1\r\nx: ", b"y"),
        "body": (POST + b"Content-Length: 1000\r\n\r\n{", b" "),
        "chunks": (POST + b"Transfer-Encoding: chunked\r\n\r\n", b"1\r\n{\r\n"),
    }
    found: dict[str, tuple[list[int], bool]] = {}

    def dawdle(name: str, start: bytes, more: bytes) -> None:
        wire = Wire(machine)
        wire.send(start)
        wire.drip(more, max(BODY_S_MAX, HEAD_S_MAX) + 1)
        found[name] = wire.answer()

    threads = [threading.Thread(target=dawdle, args=(name, *said)) for name, said in slow.items()]
    for thread in threads:
        thread.start()
    began = time.monotonic()
    assert machine.say("/v1/offer").status_code == 200
    assert time.monotonic() - began < 1
    for thread in threads:
        thread.join(20)
    assert {name: closed for name, (_, closed) in found.items()} == dict.fromkeys(slow, True)
    assert all(set(codes) <= {400, 408} for codes, _ in found.values())


def test_it_still_serves(machine: Machine) -> None:
    assert machine.buy().number == 1
