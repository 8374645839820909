"""Customers in the console: no name without a reason, no reason without a record."""

from __future__ import annotations

import base64
import dataclasses
import json
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import httpx
import pytest
from click.testing import CliRunner

import databases
from kiosk.shop import ADDRESSES, DOCUMENT_FIRST, ONE, Shop
from serving import serve, stop_all
from tallystick.cli import main
from tallystick.core import journal
from tallystick.core.identity import people, sealing, sessions
from tallystick.core.identity.passkeys import Party
from tallystick.core.identity.people import Role
from tallystick.core.identity.tables import PASSKEYS
from tallystick.core.store import Store
from tallystick.core.vault import Vault
from tallystick.devices import sample_pictures
from tallystick.kiosk import buy, wire
from tallystick.kiosk.customers import picture, sweep
from tallystick.kiosk.customers.policy import Policy as Asking
from tallystick.kiosk.scams import guard
from tallystick.web.console.app import create_app
from tallystick.web.console.pages import Offices
from tallystick.web.door import FORM_HEADER, Door

ORIGIN = "http://localhost"
NAMES = ("SAMPLEWORTH", "D1234567", "8605550142")


class Scene(SimpleNamespace):
    """A shop with one known customer, and its console on loopback."""

    def client(self, role: Role = Role.OPERATOR) -> httpx.Client:
        now = self.shop.clock.now()
        with self.shop.store.transact() as tx:
            link = people.invite(tx, f"Ada {role}", role, now, self.shop.clock)
            person = people.spend_invite(tx, link, now).id
            key = {"id": person, "person": person, "public_key": "", "sign_count": 0, "label": ""}
            tx.execute(PASSKEYS.insert().values(made_at=now, **key))
            token = sessions.start(tx, person, person, now, self.shop.clock)
        headers = {"Origin": ORIGIN, FORM_HEADER: sessions.csrf_of(token)}
        headers["Cookie"] = f"{self.door.cookie('session')}={token}"
        return httpx.Client(base_url=self.http.base_url, headers=headers, timeout=20)


class Broken:
    """A vault whose disk is gone."""

    def __init__(self, vault: Vault) -> None:
        self.keys = vault.keys

    def sweep(self, store: Store) -> list[str]:
        raise OSError("the disk is gone")


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    folder: Path = tmp_path_factory.mktemp("customers")
    store = databases.opened(f"sqlite:///{folder}/tallystick.sqlite")
    shop = Shop(store, folder, DOCUMENT_FIRST)
    visit = shop.known(ONE)
    visit.start()
    visit.note()
    door = Door(store, shop.clock, Party("localhost", "Tallystick", (ORIGIN,)))
    offices = Offices(lambda: "", list, lambda: None)
    http = serve(create_app(store, shop.desk, door, offices))
    yield Scene(folder=folder, shop=shop, visit=visit, door=door, http=http)
    stop_all()
    store.close()


def test_pages_hold_no_name_until_somebody_says_why(scene: Scene) -> None:
    where = f"/customers/{scene.visit.customer}"
    with scene.client() as ada:
        found = ada.post("/customers", data={"number": ONE})
        assert found.headers["location"] == where
        for path in ("/customers", where, f"/purchases/{scene.visit.id}"):
            page = ada.get(path)
            assert page.status_code == 200, page.text
            assert scene.visit.customer in page.text
            assert not any(name in page.text for name in NAMES)
        assert ada.post(f"{where}/open", data={"why": " "}).status_code == 422
        opened = ada.post(f"{where}/open", data={"why": "she called about her receipt"})
        assert all(name in opened.text for name in NAMES)
        assert opened.headers["cache-control"] == "no-store"
        again = ada.get(where).text
        assert "she called about her receipt" in again
        assert "Ada operator" in again


def test_auditors_read_who_looked_and_open_nothing(scene: Scene) -> None:
    where = f"/customers/{scene.visit.customer}"
    with scene.client(Role.AUDITOR) as eve:
        assert eve.get(where).status_code == 200
        for act in ("open", "copy", "erase"):
            refused = eve.post(f"{where}/{act}", data={"why": "curiosity"})
            assert refused.status_code == 403 or "role" in refused.text
            assert not any(name in refused.text for name in NAMES)
    with scene.client(Role.OFFICIAL) as out:
        for path in (where, "/customers", "/", "/claims"):
            page = out.get(path, follow_redirects=False)
            assert page.status_code != 200, path
            assert scene.visit.customer not in page.text


def test_the_copy_for_the_person(scene: Scene) -> None:
    where = f"/customers/{scene.visit.customer}"
    with scene.client() as ada:
        told = ada.post(f"{where}/copy", data={"why": "the person asks", "form": "json"})
        assert {one["kind"] for one in told.json()["records"]} == {"phone", "document"}
        assert told.json()["purchases"][0]["cash_minor"] == 10_000
        paper = ada.post(f"{where}/copy", data={"why": "the person asks", "form": "pdf"})
        assert paper.content.startswith(b"%PDF-")
        assert "attachment" in paper.headers["content-disposition"]


def test_a_picture_is_seen_on_record_alone_and_is_in_the_copy(scene: Scene) -> None:
    shop, jpeg = scene.shop, sample_pictures.card()
    shop.desk.customers = dataclasses.replace(shop.customers, policy=Asking(copy_from_minor=0))
    visit = shop.visit()
    about, (to, signature) = picture.about(visit.id, "copy"), sealing.offered(shop.desk.key)
    sealed = sealing.seal(jpeg, about, to, signature, shop.desk.key.public_key())
    assert visit.do(picture.take, wire.PictureAsk(item="copy", sealed=sealed)).said == ""
    shop.desk.customers = shop.customers
    where, shown = f"/customers/{visit.customer}", base64.b64encode(jpeg).decode()
    with scene.client() as ada:
        closed = ada.get(where).text
        assert "Picture of the card" in closed and "data:image" not in closed
        opened = ada.post(f"{where}/open", data={"why": "the card was asked about"})
        assert f'src="data:image/jpeg;base64,{shown}"' in opened.text
        assert opened.headers["cache-control"] == "no-store"
        assert "the card was asked about" in ada.get(where).text
        asked = {"why": "the person asks", "form": "json"}
        (record,) = ada.post(f"{where}/copy", data=asked).json()["records"]
        assert record["content"]["jpeg"] == shown
        paper = ada.post(f"{where}/copy", data={**asked, "form": "pdf"}).content
        assert b"/Subtype /Image" in paper or b"/DCTDecode" in paper


def test_a_run_that_failed_or_is_late_is_on_every_page_until_one_succeeds(scene: Scene) -> None:
    shop, said = scene.shop, "Personal data past its day may still be here"
    done = sweep.daily(shop.store, shop.desk)
    assert done is not None and done.trouble == ""
    assert sweep.daily(shop.store, shop.desk) is None, "once a day"
    shop.clock.advance(86_400)
    shop.desk.customers = dataclasses.replace(shop.customers, vault=Broken(shop.vault))
    assert sweep.daily(shop.store, shop.desk) is None
    assert sweep.daily(shop.store, shop.desk) is None, "not again before an hour"
    shop.desk.customers = shop.customers
    with scene.client() as ada:
        page = ada.get("/customers").text
        assert "the disk is gone" in page and "tried again every hour" in page
        assert said in ada.get("/").text
    shop.clock.advance(3_601)
    assert sweep.daily(shop.store, shop.desk) is not None
    with scene.client() as ada:
        page = ada.get("/customers").text
        assert said not in page and "by the server" in page
    with shop.store.read() as tx:
        now = shop.clock.now()
        assert sweep.late(tx, now + sweep.LATE_AFTER) == ""
        assert "The last run was" in sweep.late(tx, now + sweep.LATE_AFTER + sweep.AGAIN_AFTER)
        assert journal.verify(tx)


def test_the_number_to_call_back(scene: Scene) -> None:
    scene.shop.clock.advance(60)
    later = scene.shop.known(ONE)
    later.start()
    with scene.shop.store.transact() as tx:
        row = buy.find(tx, "K1", later.id)
        guard.care(tx, scene.shop.desk, row, wire.CareAsk())
    with scene.client() as ada:
        page = ada.post(f"/purchases/{later.id}/number", data={"why": "a hold"})
        assert "+18605550142" in page.text
        assert f'id="slip">{row["reference"]}<' in page.text
        assert "Only a reviewer lets it be sent" in page.text
        assert row["reference"] not in ada.get(f"/purchases/{scene.visit.id}").text
        assert 'id="record"' not in page.text, "it does not wait: there is no call to record"
        first = ada.post(f"/purchases/{scene.visit.id}/number", data={"why": "a hold"})
        assert "No number was shown" in first.text


def test_a_call_is_written_down_and_lets_a_reviewer_release(scene: Scene) -> None:
    scene.shop.clock.advance(60)
    later = scene.shop.known(ONE)
    later.start(ADDRESSES[1])
    later.note()
    given = [wire.CareAnswer(question="code", option="sent")]
    with scene.shop.store.transact() as tx:
        row = buy.find(tx, "K1", later.id)
        guard.care(tx, scene.shop.desk, row, wire.CareAsk(answers=given))
    assert later.finish().waiting
    scene.shop.clock.advance(60)
    here, slip = f"/purchases/{later.id}", later.view().reference
    with scene.client() as ada, scene.client(Role.AUDITOR) as eve:
        assert 'id="call-first"' in ada.get(here).text and 'id="release"' not in ada.get(here).text
        assert ada.post(f"{here}/released", data={"why": "sounds honest"}).status_code == 409
        page = ada.post(f"{here}/number", data={"why": "a hold"}).text
        assert 'id="record"' in page and "+18605550142" in page
        said = {"slip": slip, "result": "theirs", "words": "savings of their own"}
        assert eve.post(f"{here}/called", data=said).status_code == 403
        assert ada.post(f"{here}/called", data=said | {"result": "maybe"}).status_code == 422
        assert ada.post(f"{here}/called", data=said | {"slip": "TS-000"}).status_code == 422
        assert ada.post(f"{here}/called", data=said).status_code == 303
        told = ada.get(here).text
        assert "It is theirs" in told and "savings of their own" in told
        assert "+18605550142" not in told
        assert ada.post(f"{here}/released", data={"why": "the call allows it"}).status_code == 303


def command(scene: Scene, *words: str) -> str:
    done = CliRunner().invoke(main, ["customers", *words, "--data", str(scene.folder)])
    assert done.exit_code == 0, done.output
    return done.output


def test_by_command_and_erased_at_last(scene: Scene) -> None:
    who = scene.visit.customer
    said = command(scene, "show", ONE)
    assert who in said
    assert "document" in said
    assert not any(name in said for name in NAMES)
    told = command(scene, "export", who, "--by", "Ada", "--why", "the person asks")
    assert json.loads(told)["records"][0]["content"]["number"] == "+18605550142"
    paper = scene.folder / "copy.pdf"
    command(scene, "export", who, "--by", "Ada", "--why", "a copy", "--pdf", str(paper))
    assert paper.read_bytes().startswith(b"%PDF-")
    assert "records erased" in command(scene, "erase", who, "--by", "Ada", "--why", "asked")
    with scene.client() as ada:
        page = ada.get(f"/customers/{who}").text
        assert "Data erased" in page
        assert "went with the data" in page
    with scene.shop.store.read() as tx:
        assert journal.verify(tx)
    refused = CliRunner().invoke(main, ["customers", "show", "nobody", "--data", str(scene.folder)])
    assert refused.exit_code == 1
    assert "4022" in refused.output


def test_the_keys_are_turned_and_the_runs_are_made_by_command(scene: Scene) -> None:
    kept = scene.shop.known("8605550177", DAQ="ROTATE1", DAC="ROSA").customer
    assert "people ended" in command(scene, "sweep", "--by", "Ada")
    where = ["vault", "rotate", "--by", "Ada", "--data", str(scene.folder)]
    done = CliRunner().invoke(main, where)
    assert done.exit_code == 0, done.output
    assert "under a new master key" in done.output
    told = command(scene, "export", kept, "--by", "Ada", "--why", "after the rotation")
    assert "ROTATE1" in told
    nothing = CliRunner().invoke(main, [*where[:-1], str(scene.folder / "elsewhere")])
    assert nothing.exit_code == 1 and "holds no vault; nothing was changed" in nothing.output
    assert not (scene.folder / "elsewhere").exists()
