"""The public page: true prices, machines as they are, and receipts that anybody may check."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator

import httpx
import pytest
import sqlalchemy as sa
from scene import Scene

from tallystick.kiosk.tables import PURCHASES
from tallystick.web.door import ATTEMPTS_MAX, FORM_BYTES_MAX
from tallystick.web.proxies import networks
from tallystick.web.server import Listener, bound


@pytest.fixture(scope="module")
def anybody(day: Scene) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=day.public_url, timeout=20) as client:
        yield client


@pytest.fixture(autouse=True)
def later(day: Scene) -> None:
    """Let earlier checks be forgotten, without moving anybody's day."""
    day.public_app.state.face.knocks._seen.clear()


def said(reply: httpx.Response) -> str:
    return re.sub(r"\s+", " ", html.unescape(re.sub(r"<[^>]+>", " ", reply.text)))


def receipt(day: Scene, name: str = "settled 2") -> dict[str, str]:
    with day.store.read() as tx:
        query = sa.select(PURCHASES).where(PURCHASES.c.id == day.named[name].purchase)
        row = tx.execute(query).mappings().one()
    return {name: str(row[name]) for name in ("reference", "commitment", "salt", "address")}


def check(client: httpx.Client, number: str, key: str = "") -> httpx.Response:
    return client.post("/check", data={"number": number, "key": key})


def test_prices_and_machines(anybody: httpx.Client) -> None:
    page = said(anybody.get("/"))
    for words in ("$80,000.00", "12%", "at least $5.00", "$1,000.00", "Sample Operator Inc"):
        assert words in page
    assert "Kiosk 0108 No word from it" in page
    assert "Kiosk 0117 Open" in page and "Kiosk 0142 Open" in page
    assert "000000" in page and "1-800-555-0142" in page and "Demonstration County" in page


def test_nothing_about_any_customer(day: Scene, anybody: httpx.Client) -> None:
    page = anybody.get("/").text
    for view in day.named.values():
        assert view.reference not in page and view.address not in page


def test_a_number_and_its_key_open_our_record(day: Scene, anybody: httpx.Client) -> None:
    paper = receipt(day)
    spoken = paper["reference"].replace("-", " ").lower()
    for number in (paper["reference"], spoken):
        reply = check(anybody, number, paper["salt"].upper())
        assert reply.status_code == 200 and "Both halves match" in reply.text
        assert "3 notes, $35.00 in, fee $5.00, 0.00037500 BTC" in said(reply)
        assert paper["address"] not in reply.text and paper["salt"] not in reply.text


def test_the_code_on_the_receipt(day: Scene, anybody: httpx.Client) -> None:
    paper = receipt(day)
    code = f"TALLYSTICK:{paper['reference']}:{paper['commitment']}:{paper['salt']}".upper()
    assert "Your key opens our record" in said(check(anybody, code))


def test_the_mark_alone(day: Scene, anybody: httpx.Client) -> None:
    mark = receipt(day)["commitment"]
    spaced = " ".join(mark[at : at + 4] for at in range(0, 64, 4)).upper()
    assert "Our journal has this mark: entry" in said(check(anybody, spaced))
    assert "Our journal does not have this mark." in said(check(anybody, "0" * 64))


def test_a_wrong_key_and_an_unknown_number_are_one_answer(
    day: Scene, anybody: httpx.Client
) -> None:
    paper = receipt(day)
    for number, key in (
        (paper["reference"], "0" * 32),
        ("TS-000-000-000", paper["salt"]),
        (receipt(day, "settled 1")["reference"], paper["salt"]),
        (receipt(day, "kept")["reference"], "0" * 32),
    ):
        reply = check(anybody, number, key)
        assert "do not open a record of ours" in said(reply)
        assert "$35.00" not in reply.text


@pytest.mark.parametrize(
    ("number", "key"),
    [("", ""), ("TS-1", ""), ("TS-1", "xyz"), ("é" * 64, ""), ("0" * 63, ""), ("a", "0" * 31)],
)
def test_what_is_no_receipt(anybody: httpx.Client, number: str, key: str) -> None:
    reply = check(anybody, number, key)
    assert reply.status_code == 422 and "Something is missing." in reply.text


def test_too_long_too_large_and_elsewhere(anybody: httpx.Client) -> None:
    assert check(anybody, "x" * 201).status_code == 422
    assert check(anybody, "x" * (FORM_BYTES_MAX + 1)).status_code == 413
    reply = anybody.get("/nowhere")
    assert reply.status_code == 404 and "There is no such page." in reply.text
    assert anybody.get("/openapi.json").status_code == 404
    assert anybody.get("/check").headers["location"] == "/#check"
    reply = check(anybody, "<script>alert(1)</script>")
    assert "<script>alert" not in reply.text


def test_only_so_many_checks(anybody: httpx.Client) -> None:
    for _ in range(ATTEMPTS_MAX):
        assert check(anybody, "0" * 64).status_code == 200
    reply = check(anybody, "0" * 64)
    assert reply.status_code == 429 and "Too many checks from here." in reply.text
    assert anybody.get("/").status_code == 200


def test_behind_a_proxy_each_who_came_to_it_is_counted_alone(day: Scene) -> None:
    """One office behind a trusted proxy is not one client; nobody else's header is believed."""
    trusting = bound(0), networks(["127.0.0.1"])
    suspicious = bound(0), networks(["10.0.0.1"])
    for sock, trusted in (trusting, suspicious):
        face = Listener("proxied", sock, day.public_app, trusted)
        face.start()
        url = f"http://127.0.0.1:{sock.getsockname()[1]}"
        with httpx.Client(base_url=url, timeout=20) as client:

            def ask(*came: str, by: httpx.Client = client) -> int:
                headers = [("X-Forwarded-For", one) for one in came]
                return by.post("/check", data={"number": "0" * 64}, headers=headers).status_code

            assert {ask("9.9.9.1") for _ in range(ATTEMPTS_MAX)} == {200}
            if trusted == trusting[1]:
                assert ask("9.9.9.1") == 429 and ask("8.8.8.8", "9.9.9.1") == 429
            assert ask("9.9.9.2") == (200 if trusted == trusting[1] else 429)
        face.stop()
        day.public_app.state.face.knocks._seen.clear()


def test_health(day: Scene, anybody: httpx.Client) -> None:
    found = anybody.get("/healthz").json()
    assert found["ok"] is True and found["journal_entries"] > 70


def test_the_policy_forbids_inline_style_and_script(anybody: httpx.Client) -> None:
    reply = anybody.get("/")
    assert "unsafe" not in reply.headers["content-security-policy"]
    assert not re.search(r"\sstyle=|<style|\son\w+=|<script", reply.text)


def test_who_has_the_paper_stops_a_held_purchase_and_is_owed_all_of_it(scene: Scene) -> None:
    scene.buy("held", (10_000,) * 6, "finish")
    scene.work()
    paper = receipt(scene, "held")
    with httpx.Client(base_url=scene.public_url, timeout=20) as anybody:
        shown = check(anybody, paper["reference"], paper["salt"])
        assert 'id="stop"' in shown.text and "all of your cash back" in said(shown)
        wrong = {"number": paper["reference"], "key": "0" * 32}
        assert "do not open" in said(anybody.post("/stop", data=wrong))
        assert scene.look("held").state == "paid_in"
        right = {"number": paper["reference"], "key": paper["salt"]}
        done = anybody.post("/stop", data=right)
        assert "No bitcoin was sent" in said(done) and "$600.00" in said(done)
        assert scene.look("held").state == "refund_due"
        assert anybody.post("/stop", data=right).status_code == 409
    assert [line.said for line in scene.audit() if not line.ok] == []


def test_what_is_on_its_way_cannot_be_stopped_and_the_page_says_so(
    day: Scene, anybody: httpx.Client
) -> None:
    paper = receipt(day, "sent")
    assert 'id="stop"' not in check(anybody, paper["reference"], paper["salt"]).text
    done = anybody.post("/stop", data={"number": paper["reference"], "key": paper["salt"]})
    assert done.status_code == 409 and "cannot be stopped here" in said(done)
    assert day.look("sent").state == "sent"
