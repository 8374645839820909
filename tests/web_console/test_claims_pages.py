"""A claim in the console, from the form to the payment, by two people; nobody else moves it."""

from __future__ import annotations

import html
import re

import httpx
import pytest
from scene import Scene

from tallystick.core import ledger
from tallystick.core.identity.people import Role
from tallystick.kiosk.buy import CUSTOMERS_REFUNDS


@pytest.fixture
def sold(scene: Scene) -> Scene:
    scene.buy("one", (5_000, 10_000), "finish")
    scene.work()
    scene.look("one")
    return scene


def form(scene: Scene) -> dict[str, str]:
    today = scene.clock.now().date().isoformat()
    number = scene.named["one"].reference
    said = {"purchases": number, "script": "police", "statement": "vault 7"}
    return said | {"happened": today, "told": today}


def words(page: str) -> str:
    return re.sub(r"\s+", " ", html.unescape(re.sub(r"<[^>]+>", " ", page)))


def owed(scene: Scene) -> int:
    with scene.store.read() as tx:
        held = ledger.balance(tx, CUSTOMERS_REFUNDS)
    return held.credit.minor if held else 0


def filed(client: httpx.Client, scene: Scene) -> str:
    done = client.post("/claims", data=form(scene))
    assert done.status_code == 303, done.text
    return done.headers["location"]


def test_upheld_by_one_person_is_paid_by_another(sold: Scene) -> None:
    bought = sold.named["one"].purchase
    with sold.client() as ada, sold.client(Role.OPERATOR) as ben:
        claim = filed(ada, sold)
        assert "Policy of the operator" in words(ada.get(claim).text)
        assert ada.post(f"{claim}/decide", data={bought: "15000"}).status_code == 303
        assert owed(sold) == 15_000
        assert "You decided this claim" in words(ada.get(claim).text)
        refused = ada.post(f"{claim}/pay")
        assert refused.status_code >= 400 and "decided this claim" in words(refused.text)
        assert owed(sold) == 15_000
        assert ben.post(f"{claim}/pay").status_code == 303 and owed(sold) == 0
        assert "Paid back" in words(ben.get("/claims").text)
        assert ben.post(f"{claim}/pay").status_code in (403, 409, 422)


def test_a_denial_needs_a_reason_that_counts_and_another_hears_the_appeal(sold: Scene) -> None:
    with sold.client() as ada, sold.client(Role.OPERATOR) as ben:
        claim = filed(ada, sold)
        said = {"words": "you said it was yours"}
        for ground in ("", "wallet-is-mine", "warning-shown", "late"):
            assert ada.post(f"{claim}/decide", data={**said, "ground": ground}).status_code in (
                403,
                409,
                422,
            )
        strange = {sold.named["one"].purchase: "all of it"}
        assert ada.post(f"{claim}/decide", data=strange).status_code == 422 and not owed(sold)
        assert ada.post(f"{claim}/decide", data={**said, "ground": "disproved"}).status_code == 303
        assert ben.post(f"{claim}/appeal", data={"why": "it was a scam"}).status_code == 303
        again = {sold.named["one"].purchase: "15000"}
        assert ada.post(f"{claim}/decide", data=again).status_code in (403, 409, 422)
        assert ben.post(f"{claim}/decide", data=again).status_code == 303
        assert owed(sold) == 15_000


def test_an_auditor_reads_and_does_nothing(sold: Scene) -> None:
    with sold.client() as ada, sold.client(Role.AUDITOR) as eve:
        claim = filed(ada, sold)
        page = eve.get(claim)
        assert (
            page.status_code == 200
            and "<form"
            not in page.text.partition("<main")[2]
            .replace('action="/theme"', "")
            .partition("</main>")[0]
        )
        assert eve.post("/claims", data=form(sold)).status_code == 403
        for act in ("evidence", "decide", "pay", "appeal", "withdraw", "block"):
            assert eve.post(f"{claim}/{act}", data={}).status_code in (403, 422)


def test_what_makes_no_sense_says_why_and_files_nothing(sold: Scene) -> None:
    with sold.client() as ada:
        for wrong in ({"purchases": "TS-000-000-000"}, {"script": "no-such"}):
            done = ada.post("/claims", data=form(sold) | wrong)
            assert done.status_code in (403, 409, 422) and "The money is" in words(done.text)
        assert ada.get("/claims/TS-000-000-000").status_code == 404
        assert ada.post("/claims/TS-000-000-000/pay").status_code in (403, 404, 409)
        assert "No claim yet" in words(ada.get("/claims").text)


def test_a_claim_blocks_its_destination_on_every_machine(sold: Scene) -> None:
    with sold.client() as ada:
        claim = filed(ada, sold)
        assert ada.post(f"{claim}/block").status_code == 303
    from tallystick.kiosk import blocked

    with sold.store.read() as tx:
        assert blocked.reason(tx, sold.named["one"].address, sold.clock.now())
