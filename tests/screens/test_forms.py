"""A browser may send only small forms of ours, from this screen, about what it saw."""

from __future__ import annotations

import dataclasses
import http.client
import threading
import time
import urllib.parse
from collections.abc import Iterator

import httpx
import msgspec
import pytest

from screens.gallery import ADDRESS, BASE, CARE, HAVE, PAID, WARNING, paper, views
from screens.reading import Page
from screens.stage import HeldEngine, HeldHardware, app_for, served
from tallystick.devices import sample_pictures
from tallystick.edge.screen import app as screen
from tallystick.edge.screen import hardware, pages
from tallystick.edge.view import Screen, Touch, View


class Kiosk:
    """A served stage and a browser of few wits."""

    def __init__(self, engine: HeldEngine, url: str, hands: HeldHardware) -> None:
        self.engine, self.url, self.hands = engine, url, hands
        self.http = httpx.Client(base_url=url, timeout=10)

    def post(self, touch: str, seen: str | None = None, **fields: str) -> httpx.Response:
        now = pages.seen(self.engine.view()) if seen is None else seen
        return self.http.post("/touch", data={"touch": touch, "seen": now, **fields})

    @property
    def touched(self) -> list[Touch]:
        return [touch for touch, _ in self.engine.touched]


@pytest.fixture(scope="module")
def stage() -> Iterator[Kiosk]:
    hands = HeldHardware()
    engine, app = app_for(BASE, hands)
    with served(app) as url:
        kiosk = Kiosk(engine, url, hands)
        yield kiosk
        kiosk.http.close()


@pytest.fixture
def kiosk(stage: Kiosk) -> Kiosk:
    stage.engine.show(BASE)
    stage.engine.touched.clear()
    stage.hands.done.clear()
    return stage


def test_a_touch_reaches_the_engine_and_leads_back(kiosk: Kiosk) -> None:
    reply = kiosk.post("start")
    assert reply.status_code == 303
    assert reply.headers["location"] == "/"
    assert kiosk.touched == [Touch.START]


def test_an_unknown_touch_is_a_calm_page_and_does_nothing(kiosk: Kiosk) -> None:
    reply = kiosk.post("give_me_bitcoin")
    assert reply.status_code == 400
    assert "Nothing has changed" in reply.text
    assert kiosk.touched == []


@pytest.mark.parametrize(
    ("touch", "field", "value"),
    [
        ("language", "language", "tlh"),
        ("language", "language", ""),
        ("theme", "theme", "disco"),
        ("type_address", "address", ""),
        ("letter", "letter", "A"),
        ("letter", "letter", "ab"),
        ("letter", "letter", " "),
        ("type_address", "address", "b" * (screen.ADDRESS_CHARS_MAX + 1)),
    ],
)
def test_values_that_no_page_offers_do_nothing(
    kiosk: Kiosk, touch: str, field: str, value: str
) -> None:
    for at in (Screen.LANGUAGE, Screen.SCAN):
        kiosk.engine.change(screen=at)
        assert kiosk.post(touch, **{field: value}).status_code == 400
    assert kiosk.touched == []


def test_a_picture_is_shown_while_its_page_shows_it_and_kept_by_no_browser(kiosk: Kiosk) -> None:
    kiosk.engine.change(screen=Screen.COPY, pictured=3)
    reply = kiosk.http.get("/picture.jpg?n=3")
    assert reply.content == sample_pictures.card()
    assert reply.headers["content-type"] == "image/jpeg"
    assert reply.headers["cache-control"] == "no-store"
    for changes in ({"pictured": 0}, {"screen": Screen.START, "pictured": 3}):
        kiosk.engine.change(**changes)
        empty = kiosk.http.get("/picture.jpg?n=3")
        assert (empty.status_code, empty.content) == (204, b"")


def test_an_address_of_the_full_length_arrives_whole(kiosk: Kiosk) -> None:
    kiosk.engine.change(screen=Screen.SCAN)
    address = "b" * screen.ADDRESS_CHARS_MAX
    assert kiosk.post("type_address", address=address).status_code == 303
    assert kiosk.engine.touched == [(Touch.TYPE_ADDRESS, {"address": address})]


def raw(kiosk: Kiosk, body: bytes, **headers: str) -> int:
    host = urllib.parse.urlsplit(kiosk.url).netloc
    link = http.client.HTTPConnection(host, timeout=10)
    link.request("POST", "/touch", body, headers)
    status = link.getresponse().status
    link.close()
    return status


def test_a_form_over_the_limit_is_refused(kiosk: Kiosk) -> None:
    start = f"touch=start&seen={pages.seen(kiosk.engine.view())}&x=".encode()
    fits = start + b"x" * (screen.BODY_BYTES_MAX - len(start))
    assert raw(kiosk, fits) == 303
    assert raw(kiosk, fits + b"x") == 413
    assert kiosk.touched == [Touch.START]


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"\xff\xfe",
        b"touch=start%ff",
        b"&".join(b"a%d=1" % i for i in range(screen.FIELDS_MAX + 1)),
        b'{"touch":"start"}',
    ],
)
def test_what_is_no_form_does_nothing(kiosk: Kiosk, body: bytes) -> None:
    assert raw(kiosk, body) == 400
    assert kiosk.touched == []


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "http://evil.example"},
        {"Origin": "null"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
    ],
)
def test_another_site_cannot_touch_the_screen(kiosk: Kiosk, headers: dict[str, str]) -> None:
    body = f"touch=start&seen={pages.seen(kiosk.engine.view())}".encode()
    assert raw(kiosk, body, **headers) == 403
    assert kiosk.touched == []
    assert raw(kiosk, body, Origin=kiosk.url) == 303


@pytest.mark.parametrize("host", ["evil.example", "kiosk.local:80", "10.0.0.4", "", "[", "1.2.3"])
def test_another_name_for_this_machine_is_refused(kiosk: Kiosk, host: str) -> None:
    for path in ("/", "/events", "/look/tokens.css", "/hardware"):
        assert kiosk.http.get(path, headers={"Host": host}).status_code in (400, 403)
    for path in ("/", "/look/tokens.css"):
        assert kiosk.http.get(path, headers={"Host": "localhost:1"}).status_code == 200


CAREFUL = [
    (Touch.ACCEPT_COST, dataclasses.replace(BASE, screen=Screen.COST)),
    (Touch.PROCEED, dataclasses.replace(HAVE, screen=Screen.CARE, care=CARE)),
    (
        Touch.ANSWER,
        dataclasses.replace(HAVE, screen=Screen.QUESTION, care=CARE, question=CARE.questions[0]),
    ),
    (Touch.ACKNOWLEDGE, dataclasses.replace(BASE, screen=Screen.WARNING, warning=WARNING)),
    (Touch.ADDRESS_YES, dataclasses.replace(HAVE, screen=Screen.ADDRESS)),
    (Touch.NO_MORE, dataclasses.replace(PAID, screen=Screen.CASH)),
    (Touch.SEND, dataclasses.replace(PAID, screen=Screen.REVIEW)),
    (Touch.ACCEPT_PRICE, dataclasses.replace(PAID, screen=Screen.REVIEW, price_changed=True)),
    (Touch.SLIP_STOP, dataclasses.replace(PAID, screen=Screen.STANDING, slip=paper("paid_in"))),
    (Touch.CLAIM, dataclasses.replace(PAID, screen=Screen.STANDING, slip=paper("sent"))),
    (Touch.DONE, dataclasses.replace(PAID, screen=Screen.RECEIPT)),
    (Touch.USE, dataclasses.replace(HAVE, screen=Screen.COPY, pictured=3)),
]


def test_every_careful_act_is_tried_here() -> None:
    assert {touch for touch, _ in CAREFUL} == screen.CAREFUL


@pytest.mark.parametrize(("touch", "view"), CAREFUL)
def test_a_careful_act_counts_only_for_what_was_seen(
    kiosk: Kiosk, touch: Touch, view: View
) -> None:
    kiosk.engine.show(view)
    seen = pages.seen(kiosk.engine.view())
    for change in ({"sats": view.sats + 1}, {"address": "bc1qother"}, {"cash_minor": 1}):
        kiosk.engine.show(dataclasses.replace(view, **change))
        assert kiosk.post(touch.value, seen, ack="yes").status_code == 303
    for nothing in ("", view.screen.value, f"{view.screen.value}.", "receipt.0"):
        kiosk.post(touch.value, nothing, ack="yes")
    assert kiosk.touched == []
    kiosk.engine.show(view)
    kiosk.post(touch.value, seen, ack="yes")
    assert kiosk.touched == [touch]


def test_a_new_price_between_sight_and_touch_sends_nothing(kiosk: Kiosk) -> None:
    kiosk.engine.show(dataclasses.replace(PAID, screen=Screen.REVIEW))
    seen = pages.seen(kiosk.engine.view())
    kiosk.engine.change(price_changed=True)
    kiosk.post("send", seen)
    assert kiosk.touched == []


def test_a_second_tap_meant_for_the_page_before_does_nothing(kiosk: Kiosk) -> None:
    kiosk.engine.change(screen=Screen.SCAN)
    seen = pages.seen(kiosk.engine.view())
    kiosk.post("type_address", seen, address=ADDRESS)
    kiosk.post("back", seen)
    assert kiosk.touched == [Touch.TYPE_ADDRESS]
    kiosk.post("stop", seen)
    assert kiosk.touched[-1] is Touch.STOP, "stopping counts whatever came up meanwhile"


def test_a_warning_is_not_acknowledged_without_the_box(kiosk: Kiosk) -> None:
    kiosk.engine.show(dataclasses.replace(BASE, screen=Screen.WARNING, warning=WARNING))
    kiosk.post("acknowledge")
    kiosk.post("acknowledge", ack="no")
    assert kiosk.touched == []
    kiosk.post("acknowledge", ack="yes")
    assert kiosk.touched == [Touch.ACKNOWLEDGE]


def test_every_button_of_every_page_is_understood(kiosk: Kiosk) -> None:
    """Press each button of the gallery as its page stands; none may lead to the trouble page."""
    for view in views().values():
        kiosk.engine.show(view)
        for form in Page(kiosk.http.get("/").text).forms:
            for button in form.buttons:
                method = button.get("formmethod", form.method)
                if method == "get" or button.get("aria-disabled"):
                    continue
                kiosk.engine.show(view)
                value = {button["name"]: button["value"]} if button.get("name") else {}
                given = {**form.fields, **value, "ack": "yes", "address": ADDRESS}
                assert kiosk.http.post(form.action, data=given).status_code == 303, button
                assert kiosk.touched, f"{view.screen}: {button} did nothing"
                kiosk.engine.touched.clear()


def test_the_stream_tells_of_a_newer_version(kiosk: Kiosk) -> None:
    heard: list[str] = []
    with kiosk.http.stream("GET", "/events") as stream:
        assert stream.headers["content-type"].startswith("text/event-stream")
        lines = stream.iter_lines()
        heard.append(next(line for line in lines if line.startswith("data:")))
        threading.Timer(0.05, kiosk.engine.change, kwargs={"screen": Screen.LANGUAGE}).start()
        began = time.monotonic()
        heard.append(next(line for line in lines if line.startswith("data:")))
        assert time.monotonic() - began < 0.8, "told at once, not at the next heartbeat"
    now = kiosk.engine.view().version
    assert heard == [f"data: {now - 1}", f"data: {now}"]


def test_too_many_streams_are_refused_and_a_closed_one_makes_room(kiosk: Kiosk) -> None:
    host = urllib.parse.urlsplit(kiosk.url).netloc
    links = [http.client.HTTPConnection(host, timeout=10) for _ in range(screen.STREAMS_MAX)]
    for link in links:
        link.request("GET", "/events")
        assert link.getresponse().readline().startswith(b"retry")
    refused = kiosk.http.get("/events")
    assert refused.status_code == 503
    assert refused.headers["retry-after"]
    assert kiosk.http.get("/").status_code == 200, "pages still come"
    for link in links:
        link.close()
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        with kiosk.http.stream("GET", "/events") as stream:
            if stream.status_code == 200:
                return
        time.sleep(0.1)
    pytest.fail("no room again after every stream had gone")


def test_headers_keep_the_page_to_itself(kiosk: Kiosk) -> None:
    page = kiosk.http.get("/")
    policy = page.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert page.headers["cache-control"] == "no-store"
    assert page.headers["x-content-type-options"] == "nosniff"
    assert " style=" not in page.text
    assert "onclick" not in page.text


@pytest.mark.parametrize(
    "path",
    ["/look/art.py", "/look/__init__.py", "/static/../app.py", "/look/%2e%2e/core/money.py"],
)
def test_only_what_a_page_asks_for_is_served(kiosk: Kiosk, path: str) -> None:
    assert kiosk.http.get(path).status_code == 404


def test_a_kiosk_without_a_drawer_has_no_such_pages_and_no_frame() -> None:
    _, app = app_for(BASE)
    with served(app) as url:
        for path in ("/hardware", "/hardware/drawer"):
            assert httpx.get(url + path).status_code == 404
        assert httpx.post(url + "/hardware/act", data={"act": "jam"}).status_code == 404
        policy = httpx.get(url).headers["content-security-policy"]
        assert "frame-ancestors 'none'" in policy


@pytest.mark.parametrize(
    ("act", "value", "done"),
    [
        *(("insert", str(minor), f"insert {minor}") for minor in hardware.NOTES),
        ("present", ADDRESS, f"present {ADDRESS}"),
        *(
            (act, "", act)
            for act in ("insert_bad", "jam", "clear", "power_cycle", "plug_in", "pull_out")
        ),
    ],
)
def test_the_drawer_hands_over_what_was_asked(
    kiosk: Kiosk, act: str, value: str, done: str
) -> None:
    assert kiosk.http.post("/hardware/act", data={"act": act, "value": value}).status_code == 303
    assert kiosk.hands.done == [done]


@pytest.mark.parametrize(
    ("act", "value"),
    [
        ("insert", "3"),
        ("insert", "-100"),
        ("insert", "²00"),
        ("insert", ""),
        ("present", ""),
        ("present", "x" * (hardware.PRESENT_CHARS_MAX + 1)),
        ("state", ""),
        ("__init__", ""),
        ("last_print", ""),
        ("open_box", ""),
    ],
)
def test_the_drawer_does_nothing_else(kiosk: Kiosk, act: str, value: str) -> None:
    reply = kiosk.http.post("/hardware/act", data={"act": act, "value": value})
    assert reply.status_code == 400
    assert kiosk.hands.done == []


def test_two_taps_never_acknowledge_a_second_warning_unread(kiosk: Kiosk) -> None:
    first = dataclasses.replace(BASE, screen=Screen.WARNING, warning=WARNING)
    kiosk.engine.show(first)
    seen = pages.seen(kiosk.engine.view())
    second = msgspec.structs.replace(WARNING, id="second")
    kiosk.engine.show(dataclasses.replace(first, warning=second))
    kiosk.post("acknowledge", seen, ack="yes")
    assert kiosk.touched == []
