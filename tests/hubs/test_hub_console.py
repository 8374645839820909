"""The hubs console by HTTP: who sees what, who may do what, and what a bad request changes."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import httpx
import pytest
from case_scene import Scene
from fastapi.routing import APIRoute
from hub_site import Site

import serving
from tallystick.core.identity import people
from tallystick.hubs import agreements, record, sample
from tallystick.hubs.model import State
from tallystick.hubs.tables import CASES

STRANGER = "somebody without a role"


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    scene = Scene(tmp_path_factory.mktemp("console"))
    made = Site(scene)
    yield made
    serving.stop_all()
    scene.store.close()


@pytest.fixture(scope="module")
def clients(site: Site) -> Iterator[dict[str, httpx.Client]]:
    scene = site.scene
    with scene.store.transact() as tx:
        now = scene.clock.now()
        token = people.invite(tx, STRANGER, people.Role.OFFICIAL, now, scene.clock)
        stranger = people.invited(tx, token, now).id
    tokens = {who: site.session(who) for who in scene.staff}
    tokens[STRANGER] = site.session_of(stranger)
    made = {who: site.client(token) for who, token in tokens.items()}
    for who, client in made.items():
        client.headers["x-word"] = site.word(tokens[who])
    yield made
    for client in made.values():
        client.close()


def post(client: httpx.Client, path: str, **form: str) -> httpx.Response:
    return client.post(path, data={**form, "form_word": client.headers["x-word"]})


def test_everybody_concerned_sees_the_same_verdict(
    site: Site, clients: dict[str, httpx.Client]
) -> None:
    one = site.scene.to_review()
    reference = site.scene.case(one).reference
    site.scene.attest(one, {"risk.onward": True})
    said = set()
    for who in ("caseworker", "official", "independent", "monitor", "lawyer"):
        page = clients[who].get(f"/cases/{reference}").text
        assert "UK-08" in page and "A real risk of being sent on was found" in page
        start = page.index('id="answer"')
        said.add(page[start : page.index("</p>", start)])
    assert len(said) == 1


def test_every_look_at_a_person_is_written_down_first(
    site: Site, clients: dict[str, httpx.Client]
) -> None:
    scene = site.scene
    case = scene.case(scene.open("Someone Looked At"))
    assert "Someone Looked At" in clients["monitor"].get(f"/cases/{case.reference}").text
    looks = scene.read(lambda tx: scene.vault.accesses(tx, case.person))
    assert [(one.who, one.act) for one in looks] == [(scene.staff["monitor"], "read")]


def test_a_lawyer_sees_their_clients_alone_and_a_stranger_nothing(
    site: Site, clients: dict[str, httpx.Client]
) -> None:
    scene = site.scene
    other = scene.step(lambda tx: sample.person(tx, scene.desk, "GB", "Not A Client", scene.worker))
    hidden = clients["lawyer"].get(f"/cases/{other.reference}")
    assert hidden.status_code == 404 and "Not A Client" not in hidden.text
    assert other.reference not in clients["lawyer"].get("/").text
    for path in ("/", "/agreements", "/gates", f"/cases/{other.reference}"):
        assert clients[STRANGER].get(path).status_code == 403
        assert httpx.get(site.url + path, headers={"Accept": "text/html"}).status_code == 303
    assert clients["caseworker"].get("/cases/TS-000-000-000").status_code == 404


def test_the_monitor_and_the_lawyer_change_nothing_that_is_not_theirs(
    site: Site, clients: dict[str, httpx.Client]
) -> None:
    scene = site.scene
    one = scene.to_review()
    reference, before = scene.case(one).reference, scene.kinds(one)
    tries = {
        f"/cases/{reference}/event": {"kind": "appeal_ended", "evidence": "a paper"},
        f"/cases/{reference}/fact": {"name": "risk.direct", "value": "no", "evidence": "x"},
        f"/cases/{reference}/propose": {"host": sample.HOST},
        f"/cases/{reference}/order": {"given_by": "A minister", "words": "Send"},
        f"/cases/{reference}/door": {},
        f"/agreements/{sample.HOST}/claim": {
            "name": "agreement.status",
            "value": "ended",
            "source": "x",
        },
    }
    for who in ("monitor", "lawyer"):
        for path, form in tries.items():
            assert post(clients[who], path, **form).status_code == 403, (who, path)
    assert scene.kinds(one) == before


def test_no_form_is_taken_from_another_site_or_without_its_word(
    site: Site, clients: dict[str, httpx.Client]
) -> None:
    scene = site.scene
    reference = scene.case(scene.to_review()).reference
    posts = [
        route.path.format(reference=reference, one=sample.HOST, paper="x")
        for route in site.app.routes
        if isinstance(route, APIRoute) and "POST" in route.methods
        if route.path.startswith(("/cases", "/open", "/agreements", "/theme"))
    ]
    assert len(posts) >= 14
    for path in posts:
        assert clients["caseworker"].post(path, data={}).status_code == 403, path
        there = {"Origin": "https://elsewhere.example"}
        word = {"form_word": clients["caseworker"].headers["x-word"]}
        assert clients["caseworker"].post(path, data=word, headers=there).status_code == 403


def test_a_refused_step_is_an_answer_with_its_provision(
    site: Site, clients: dict[str, httpx.Client]
) -> None:
    scene = site.scene
    one = scene.to_review()
    reference = scene.case(one).reference
    scene.attest(one, {"age.disputed": True})
    done = post(clients["caseworker"], f"/cases/{reference}/propose", host=sample.HOST)
    assert done.status_code == 303
    page = clients["caseworker"].get(done.headers["location"]).text
    assert "The step was not taken." in page and "UK-12" in page
    assert scene.state(one) is State.REVIEW


@pytest.mark.parametrize(
    ("path", "form", "status"),
    [
        ("event", {"kind": "deported", "evidence": "x"}, 409),
        ("event", {"kind": "illness", "evidence": ""}, 422),
        ("event", {"kind": "illness", "evidence": "x", "on": "2026-02-31"}, 409),
        ("event", {"kind": "illness", "evidence": "x", "on": "yesterday"}, 422),
        ("fact", {"name": "risk.direct", "value": "maybe", "evidence": "x"}, 409),
        ("fact", {"name": "nothing.such", "value": "yes", "evidence": "x"}, 409),
        ("place", {"planned_on": "2026-12-24"}, 409),
        ("order", {"given_by": "x", "words": "y" * 2_001}, 422),
        ("papers", {"country": "Narnia", "evidence": "x"}, 422),
    ],
)
def test_what_makes_no_sense_is_named_and_changes_nothing(
    site: Site, clients: dict[str, httpx.Client], path: str, form: dict[str, str], status: int
) -> None:
    one = site.scene.open()
    before = site.scene.kinds(one)
    reference = site.scene.case(one).reference
    answer = post(clients["caseworker"], f"/cases/{reference}/{path}", **form)
    assert answer.status_code == status and "did not work" in answer.text
    assert site.scene.kinds(one) == before


def test_a_case_is_opened_and_its_facts_are_recorded_by_forms(
    site: Site, clients: dict[str, httpx.Client]
) -> None:
    worker = clients["caseworker"]
    made = post(worker, "/open", name="Form Filler", language="ar", sender="GB", contact="a desk")
    path = made.headers["location"]
    case = site.scene.case(path.rpartition("/")[2])
    fact = {"name": "destination.power", "value": "will-admit", "evidence": "the host's letter"}
    assert post(worker, f"{path}/fact", **fact).status_code == 303
    held = site.scene.read(lambda tx: record.facts(tx, site.scene.desk, case))
    assert held["destination.power"].value == "will-admit"
    assert "will-admit" in worker.get(f"{path}/facts").text
    event = {"kind": "appeal_lodged", "evidence": "a letter", "day": "2027-03-01"}
    assert post(worker, f"{path}/event", **event).status_code == 303
    assert "1 March 2027" in worker.get(path).text
    assert post(worker, f"{path}/papers", country="XS", evidence="the form").status_code == 303
    paper = re.search(rf'action="({path}/papers/[^"]+)"', worker.get(path).text)
    assert paper is not None
    sent = {"to": "sent", "evidence": "the consulate's receipt"}
    assert post(worker, paper[1], **sent).status_code == 303
    assert post(worker, paper[1], to="begun", evidence="x").status_code == 409
    assert "XS</b>: sent" in worker.get(path).text


def test_a_case_is_brought_to_the_door_by_forms(tmp_path: Path) -> None:
    scene = Scene(tmp_path)
    site = Site(scene)
    one = scene.to_review()
    path = f"/cases/{scene.case(one).reference}"

    def look() -> str:
        with site.client(site.session("caseworker")) as client:
            return client.get(path).text

    def send(name: str, **form: str) -> None:
        token = site.session("caseworker")
        assert f'action="{path}/{name}"' in look(), f"no form for {name}"
        with site.client(token) as client:
            form["form_word"] = site.word(token)
            assert client.post(f"{path}/{name}", data=form).status_code == 303

    send("propose", host=sample.HOST)
    scene.both(one)
    day = scene.desk.today() + dt.timedelta(40)
    send("place", planned_on=day.isoformat())
    send("notice", route="no", evidence="the notice")
    send("notice", route="yes", evidence="the notice, served again")
    scene.wait(40)
    scene.complete(one)
    send("eve")
    assert "counted again" in look()
    send("door")
    assert scene.state(one) is State.TRANSFERRED
    assert "By then the stay has to end." in look()
    scene.store.close()


def test_an_order_by_the_form_leaves_the_case_where_it_is(
    site: Site, clients: dict[str, httpx.Client]
) -> None:
    one = site.scene.to_review()
    case = site.scene.case(one)
    form = {"given_by": "A minister", "words": "Send this person today"}
    path = f"/cases/{case.reference}"
    assert post(clients["official"], f"{path}/order", **form).status_code == 303
    assert site.scene.case(one) == case
    assert "An order was recorded; nothing changed" in clients["monitor"].get(path).text


def test_a_claim_by_the_form_stops_what_it_concerns(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    scene = Scene(tmp_path_factory.mktemp("claim"))
    site = Site(scene)
    one = scene.to_notice()
    token = site.session("official")
    with site.client(token) as client:
        form = {"name": "agreement.status", "value": "suspended", "source": "the host's note"}
        word = {"form_word": site.word(token)}
        done = client.post(f"/agreements/{sample.HOST}/claim", data={**form, **word})
        assert done.status_code == 303
        page = client.get(f"/agreements/{sample.HOST}").text
    assert "Suspended" in page and "the host&#39;s note" in page
    assert scene.state(one) is State.REVIEW
    scene.store.close()


NASTY = (
    "",
    "x" * 60,
    "../../etc/passwd",
    "%00",
    "'; drop table hubs_cases; --",
    "\u202e\U0001f600",
    "-1",
)


def test_no_address_makes_the_server_stumble(site: Site, clients: dict[str, httpx.Client]) -> None:
    word = {"form_word": clients["caseworker"].headers["x-word"]}
    for route in site.app.routes:
        if not isinstance(route, APIRoute) or route.path == "/sign-out":
            continue
        for nasty in NASTY:
            path = re.sub(r"\{\w+\}", quote(nasty, safe="") or "%20", route.path)
            query = {"name": nasty, "kind": nasty, "state": nasty, "q": nasty, "sender": nasty}
            if "GET" in route.methods:
                answer = clients["caseworker"].get(path, params=query)
            else:
                form = dict.fromkeys(FIELDS, nasty)
                answer = clients["caseworker"].post(path, data={**form, **word})
            assert answer.status_code < 500, (route.path, nasty, answer.text[:200])


FIELDS = (
    *("name", "value", "evidence", "on", "until", "kind", "day", "note", "reason", "host"),
    *("planned_on", "route", "country", "to", "source", "given_by", "words", "stage", "start"),
    *("language", "sender", "contact", "theme", "onward"),
)


def test_a_case_in_review_names_what_stands_against_each_agreement(
    site: Site, clients: dict[str, httpx.Client]
) -> None:
    scene = site.scene
    scene.step(lambda tx: agreements.add(tx, scene.desk, "gb-other", "GB", "XZ", "Another host"))
    one = scene.to_review()
    page = clients["caseworker"].get(f"/cases/{scene.case(one).reference}").text
    part = page[page.index('id="choices"') :]
    part = part[: part.index("</section>")]
    first, second = part.index("Sample hub"), part.index("Another host")
    assert "every gate of eligibility passes" in part[first:second]
    assert "against it" in part[second:] and "SC-01" in part[second:]


def test_an_eligible_case_says_where_a_lawful_place_is_and_why_not_elsewhere(
    site: Site, clients: dict[str, httpx.Client]
) -> None:
    scene = site.scene
    one = scene.to_review()
    scene.propose(one)
    scene.both(one)
    case = scene.case(one)
    assert case.state is State.ELIGIBLE
    scene.step(lambda tx: agreements.add(tx, scene.desk, "gb-shut", "GB", "XY", "Shut host"))
    page = clients["caseworker"].get(f"/cases/{case.reference}").text
    part = page[page.index('id="places"') :]
    part = part[: part.index("</section>")]
    assert "A lawful place today" in part and "Sample hub" in part
    assert part.index("Why nowhere else") < part.index("Shut host")
    for who in ("official", "independent", "monitor", "lawyer"):
        text = clients[who].get("/places").text
        assert case.reference in text and "A lawful place today" in text
    scene.happen(one, "submissions_made")
    text = clients["monitor"].get("/places").text
    assert case.reference not in text, "a case that is stopped waits for no place"
    noticed = scene.case(scene.to_notice()).reference  # its period runs, and nothing else holds it
    text = clients["monitor"].get(f"/cases/{noticed}").text
    assert "1 gate of 59 does not pass." in text


def test_a_lawyer_reads_of_no_place_but_their_clients(
    site: Site, clients: dict[str, httpx.Client]
) -> None:
    scene = site.scene
    mine = scene.to_review()
    theirs = scene.to_review()
    for one in (mine, theirs):
        scene.propose(one)
        scene.both(one)
    scene.step(
        lambda tx: tx.execute(
            CASES.update().where(CASES.c.id == scene.case(theirs).id).values(lawyer="")
        )
    )
    assert scene.case(theirs).reference in clients["monitor"].get("/places").text
    seen = clients["lawyer"].get("/places").text
    assert scene.case(mine).reference in seen and scene.case(theirs).reference not in seen
