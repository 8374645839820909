"""Nobody gets anything without a person behind the request, and nonsense ends in a calm page."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from typing import Any

import httpx
import pytest
import sqlalchemy as sa
from fastapi.routing import APIRoute
from scene import Scene
from starlette.routing import Mount

from tallystick.core import ledger
from tallystick.core.identity.people import Role
from tallystick.kiosk.tables import PURCHASES, STATUS
from tallystick.web.console import app as console
from tallystick.web.door import FORM_BYTES_MAX, FORM_HEADER

OPEN = ("/invite/", "/sign-in")
"""What a signed-out person may have: the ways in. Style and script are mounts without data."""
MOUNTS = {"/look", "/console"}
PAGE = {"Accept": "text/html"}


def every(routes: Iterable[Any]) -> Iterator[Any]:
    """Yield each route, those of included routers too."""
    for route in routes:
        inner = getattr(route, "original_router", None)
        yield from every(inner.routes) if inner is not None else [route]


def routes(scene: Scene) -> list[tuple[str, str]]:
    found = [route for route in every(scene.app.routes) if isinstance(route, APIRoute)]
    return [(method, route.path) for route in found for method in sorted(route.methods)]


def filled(path: str, scene: Scene) -> str:
    named = {"purchase": scene.named["sent"].purchase, "machine": scene.kiosks[0].machine}
    return re.sub(r"\{(\w+)\}", lambda name: named.get(name[1], "x"), path)


def test_every_route_is_known_to_this_test(day: Scene) -> None:
    rest = [route for route in every(day.app.routes) if not isinstance(route, APIRoute)]
    assert {route.path for route in rest if isinstance(route, Mount)} == MOUNTS
    assert len(rest) == len(MOUNTS)
    assert len([path for _, path in routes(day) if not path.startswith(OPEN)]) >= 14


def test_a_signed_out_person_gets_nothing(day: Scene) -> None:
    secrets = [view.reference for view in day.named.values()] + ["Kiosk 0142", "Ada Okafor"]
    with day.client(role=None) as stranger:
        for method, path in routes(day):
            if path.startswith(OPEN):
                continue
            reply = stranger.request(method, filled(path, day))
            assert reply.status_code in (303, 401, 403), (method, path, reply.status_code)
            assert not any(word in reply.text for word in secrets), (method, path)


@pytest.mark.parametrize("path", ["/openapi.json", "/docs", "/redoc", "/nowhere", "/purchases"])
def test_what_is_not_there_says_nothing_to_a_stranger(day: Scene, path: str) -> None:
    with day.client(role=None) as stranger:
        reply = stranger.get(path)
    assert (reply.status_code, reply.headers["location"]) == (303, "/sign-in")


def test_a_page_asked_for_while_signed_out_is_gone_on_to_after_sign_in(day: Scene) -> None:
    with day.client(role=None) as stranger:
        assert (
            stranger.get("/wallet", headers=PAGE).headers["location"] == "/sign-in?next=%2Fwallet"
        )


@pytest.mark.parametrize("token", ["", "x", "A" * 43, "é", "a" * 4_000])
def test_a_made_up_cookie_is_nobody(day: Scene, token: str) -> None:
    with day.client(role=None) as stranger:
        cookie = f"{day.door.cookie('session')}={token}".encode()
        reply = stranger.get("/", headers=[(b"cookie", cookie), (b"accept", b"text/html")])
    assert reply.status_code == 303 and "/sign-in" in reply.headers["location"]


@pytest.mark.parametrize(
    "path",
    [
        "/books/audit",
        "/theme",
        "/purchases/{purchase}/refunded",
        "/purchases/{purchase}/called-off",
        "/purchases/{purchase}/released",
    ],
)
@pytest.mark.parametrize("missing", ["Origin", FORM_HEADER])
def test_a_form_from_elsewhere_does_nothing(day: Scene, path: str, missing: str) -> None:
    with day.client() as client:
        del client.headers[missing]
        reply = client.post(filled(path, day), data={"theme": "dark"})
    assert reply.status_code == 403


def test_an_auditor_looks_and_cannot_refund(day: Scene) -> None:
    view = day.named["refund due"]
    with day.client(Role.AUDITOR) as auditor:
        page = auditor.get(f"/purchases/{view.purchase}").text
        assert 'id="refunded"' not in page and "An operator records here" in page
        reply = auditor.post(f"/purchases/{view.purchase}/refunded")
        assert reply.status_code == 403
        assert auditor.post("/books/audit").status_code == 303
    with day.store.read() as tx:
        query = sa.select(PURCHASES.c.state).where(PURCHASES.c.id == view.purchase)
        assert tx.execute(query).scalar_one() == "refund_due"


def test_what_waits_for_a_check_is_let_go_once_with_a_reason(scene: Scene) -> None:
    purchase = scene.buy("held", (10_000,) * 6, "finish")
    where, why = f"/purchases/{purchase}", {"why": "called back, it is hers"}
    with scene.client(Role.AUDITOR) as auditor:
        assert 'id="release"' not in auditor.get(where).text
        assert auditor.post(f"{where}/released", data=why).status_code == 403
    with scene.client(Role.OPERATOR) as operator:
        page = operator.get(where).text
        assert "The address has no history with us" in page and 'id="release"' in page
        assert operator.post(f"{where}/released", data={"why": ""}).status_code == 422
        first = operator.post(f"{where}/released", data=why)
        assert (first.status_code, first.headers["location"]) == (303, where)
        assert operator.post(f"{where}/released", data=why).status_code == 409
        after = operator.get(where).text
    assert "Let go by a person" in after and 'id="release"' not in after


def test_a_held_purchase_is_called_off_in_the_console(scene: Scene) -> None:
    purchase = scene.buy("held", (10_000,) * 6, "finish")
    with scene.client(Role.OPERATOR) as operator:
        assert operator.post(f"/purchases/{purchase}/called-off").status_code == 303
    with scene.store.read() as tx:
        owed = ledger.balance(tx, "customers:refunds")
        assert owed is not None and owed.credit.minor == 60_000


def test_a_refund_is_recorded_once_under_the_persons_name(scene: Scene) -> None:
    purchase = scene.buy("one", (2_000,), "refund")
    with scene.client(Role.OPERATOR) as operator:
        first = operator.post(f"/purchases/{purchase}/refunded")
        assert (first.status_code, first.headers["location"]) == (303, f"/purchases/{purchase}")
        again = operator.post(f"/purchases/{purchase}/refunded")
        assert again.status_code == 409 and "Nothing was changed" in again.text
        page = operator.get(f"/purchases/{purchase}").text
    assert "by Ada Okafor" in page and "Cash given back" in page
    with scene.store.read() as tx:
        held = ledger.balance(tx, "operator:cash")
        assert held is not None and held.credit.minor == 2_000
        owed = ledger.balance(tx, "customers:refunds")
        assert owed is not None and owed.credit.minor == 0


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/nowhere", 404),
        ("/purchases/none", 404),
        ("/purchases/" + "0" * 26, 404),
        ("/purchases/" + "%F0%9F%92%B0" * 50, 404),
        ("/kiosks/none", 404),
        ("/?before=" + "0" * 26, 404),
        ("/?before=yesterday", 422),
        ("/?before=-1", 422),
        ("/?state=rich", 422),
        ("/?state=PAID_IN", 422),
        ("/?kiosk=1", 422),
        ("/?q=" + "x" * (console.WORD_CHARS_MAX + 1), 422),
        ("/search?q=" + "x" * (console.WORD_CHARS_MAX + 1), 422),
        ("/purchases.csv?before=x", 422),
        ("/books/audit", 405),
    ],
)
def test_nonsense_ends_in_a_calm_page(ada: httpx.Client, path: str, status: int) -> None:
    reply = ada.get(path)
    assert reply.status_code == status
    assert "We could not do that" in reply.text and "Nothing was changed." in reply.text
    assert "Traceback" not in reply.text and "Go to the purchases" in reply.text


def test_what_was_asked_is_shown_as_text(ada: httpx.Client) -> None:
    nasty = '"><script>alert(1)</script>'
    for path in ("/", "/search"):
        assert nasty not in ada.get(path, params={"q": nasty}).text


def test_a_body_too_large_is_not_read(day: Scene) -> None:
    with day.client() as client:
        reply = client.post("/theme", content=b"x" * (FORM_BYTES_MAX + 1))
    assert reply.status_code == 413


def test_the_theme_is_kept_by_the_browser_alone(day: Scene, ada: httpx.Client) -> None:
    assert 'data-theme="light"' in ada.get("/").text
    reply = ada.post("/theme", data={"theme": "dark", "onward": "/wallet"})
    assert reply.headers["location"] == "/wallet"
    cookie = reply.headers["set-cookie"]
    assert "tallystick-theme=dark" in cookie and "SameSite=strict" in cookie
    for theme, shown in (("dark", "dark"), ("glare", "light"), ('"><b>', "light")):
        cookies = f"{ada.headers['Cookie']}; tallystick-theme={theme}"
        page = ada.get("/", headers={"Cookie": cookies}).text
        assert f'data-theme="{shown}"' in page
    assert ada.post("/theme", data={"theme": "pink"}).status_code == 422
    away = ada.post("/theme", data={"theme": "dark", "onward": "https://elsewhere.example"})
    assert away.headers["location"] == "/"


def test_no_page_has_inline_style_or_script(day: Scene, ada: httpx.Client) -> None:
    for method, path in routes(day):
        if method != "GET" or path == "/events":
            continue
        reply = ada.get(filled(path, day))
        policy = reply.headers["content-security-policy"]
        assert "unsafe" not in policy and "script-src 'self'" in policy
        if "text/html" in reply.headers["content-type"]:
            assert not re.search(r"\sstyle=|<style|\son\w+=|<script(?! src=)", reply.text), path
            assert reply.headers["cache-control"] == "no-store"


def test_news_comes_when_something_changes(scene: Scene) -> None:
    with scene.client() as client, client.stream("GET", "/events") as stream:
        assert stream.headers["content-type"].startswith("text/event-stream")
        lines = (line for line in stream.iter_lines() if line.startswith("data: "))
        first = next(lines)
        scene.buy("one", (2_000,))
        assert next(lines) != first


def test_only_so_many_pages_listen(scene: Scene) -> None:
    with scene.client() as client:
        open_ones = [client.build_request("GET", "/events") for _ in range(console.STREAMS_MAX)]
        held = [client.send(request, stream=True) for request in open_ones]
        lines = [reply.iter_lines() for reply in held]
        assert all(next(one).startswith("event: ") for one in lines)
        refused = client.get("/events")
        assert (refused.status_code, refused.headers["retry-after"]) == (503, "5")
        assert client.get("/").status_code == 200
        for reply in held:
            reply.close()


def test_when_the_books_cannot_be_read(scene: Scene) -> None:
    with scene.client() as client:
        with scene.store.transact() as tx:
            STATUS.drop(tx)
        for path in ("/", "/wallet", "/nowhere"):
            reply = client.get(path)
            assert reply.status_code == 503 and "The books are closed" in reply.text
    reply = httpx.get(scene.public_url)
    assert reply.status_code == 503 and "Our books cannot be read now" in reply.text


def test_the_document_lists_each_route_with_its_words(day: Scene) -> None:
    document = day.app.openapi()
    assert json.dumps(document)
    listed = {(m.upper(), path) for path, item in document["paths"].items() for m in item}
    ours = {one for one in routes(day) if not one[1].startswith((*OPEN, "/passkeys", "/sign"))}
    assert listed == ours - {("GET", "/events")}
    names = {one["name"] for one in document["paths"]["/"]["get"]["parameters"]}
    assert names == {"state", "kiosk", "q", "before"}
