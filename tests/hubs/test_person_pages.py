"""The person's own side and the monitor's: who reads what, in which language, with what proof."""

from __future__ import annotations

import contextlib
import datetime as dt
import re
from collections.abc import Iterator
from typing import Any

import httpx
import msgspec
import pytest
import sqlalchemy as sa
from case_scene import Scene
from hub_site import Site
from markupsafe import Markup

import serving
from tallystick.core import journal
from tallystick.core.tlog import proof, receipts
from tallystick.hubs import decide, findings, orders, person, record, statistics
from tallystick.hubs.errors import CaseUnknown, NotYours
from tallystick.hubs.findings import FindingRefused
from tallystick.hubs.model import EVENTS, Alarm, State
from tallystick.hubs.person import ACCESS, VISITS, NoSuchRecord, VisitOver, WordsRefused
from tallystick.hubs.tables import ALARMS
from tallystick.web.hubs_public import app as outside
from tallystick.web.hubs_public import sayings
from tallystick.web.hubs_public.words import LANGUAGES, Words
from tallystick.web.publishing import open_publisher

WORDS = "The guard took my papers. نمی‌فهمم"


class Day:
    """A programme with one case under way, behind its console and its pages outside."""

    def __init__(self, folder: Any) -> None:
        self.scene = Scene(folder)
        self.site = Site(self.scene)
        self.case = self.scene.open("Sample Person")
        self.scene.complete(self.case)
        self.reference = self.scene.case(self.case).reference
        self.publisher = open_publisher(self.scene.store, folder, self.scene.clock)
        app = outside.create_app(self.scene.store, self.scene.desk, folder / "log")
        self.pages = serving.serve(app)
        self.url = f"http://localhost:{self.pages.base_url.port}"

    def key(self, who: str = "lawyer") -> str:
        given = (self.scene.desk, self.case, self.scene.staff[who])
        return self.scene.step(lambda tx: person.give_key(tx, *given))

    @contextlib.contextmanager
    def reader(self, language: str = "en") -> Iterator[httpx.Client]:
        """A browser of somebody who opened the record."""
        asks = {"Accept-Language": language}
        more: Any = {"headers": asks, "verify": serving.NO_TLS}
        with httpx.Client(base_url=self.url, timeout=20, **more) as client:
            sent = client.post("/enter", data={"reference": self.reference, "key": self.key()})
            assert sent.status_code == 303, sent.text
            yield client


@pytest.fixture(scope="module")
def day(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Day]:
    made = Day(tmp_path_factory.mktemp("outside"))
    yield made
    serving.stop_all()
    made.scene.store.close()


def plain(page: str) -> str:
    return Markup(page).striptags()


def word_of(page: str) -> str:
    found = re.search(r'name="form_word" value="([^"]+)"', page)
    assert found
    return found[1]


def test_the_key_opens_the_record_and_nothing_else_does(day: Day) -> None:
    scene = day.scene
    key = day.key()
    assert re.fullmatch(r"[0-9A-Z]{5}(-[0-9A-Z]{5}){3}", key)
    for typed in (key, key.lower().replace("-", " "), f" {key} "):
        token = scene.step(lambda tx, k=typed: person.enter(tx, scene.desk, day.reference, k))
        assert scene.read(lambda tx, t=token: person.visited(tx, scene.desk, t)).id == day.case
    other = scene.open("Somebody Else")
    for reference, wrong in (
        (day.reference, "A" * 20),
        (day.reference, ""),
        (scene.case(other).reference, key),
        (scene.case(other).reference, ""),
        ("TS-000-000-000", key),
        ("", ""),
    ):
        with pytest.raises(NoSuchRecord):
            scene.step(lambda tx, r=reference, w=wrong: person.enter(tx, scene.desk, r, w))


def test_a_new_key_ends_the_old_one_and_its_visits(day: Day) -> None:
    scene, old = day.scene, day.key()
    token = scene.step(lambda tx: person.enter(tx, scene.desk, day.reference, old))
    new = day.key("monitor")
    with pytest.raises(VisitOver):
        scene.read(lambda tx: person.visited(tx, scene.desk, token))
    with pytest.raises(NoSuchRecord):
        scene.step(lambda tx: person.enter(tx, scene.desk, day.reference, old))
    assert scene.step(lambda tx: person.enter(tx, scene.desk, day.reference, new))


def test_neither_key_nor_visit_is_kept_in_the_open(day: Day) -> None:
    scene, key = day.scene, day.key()
    token = scene.step(lambda tx: person.enter(tx, scene.desk, day.reference, key))
    rows = scene.read(lambda tx: [*tx.execute(sa.select(ACCESS)), *tx.execute(sa.select(VISITS))])
    assert key.replace("-", "") not in str(rows) and token not in str(rows)


def test_the_logs_public_headers_do_not_tell_what_the_tables_hide(day: Day) -> None:
    """One header for whatever is done in a case: agreed, vetoed, looked at, died, erased."""
    scene, entries = day.scene, journal.ENTRIES.c
    before = scene.read(journal.head)[0]
    one, desk, staff = scene.to_review(), scene.desk, scene.staff
    for again in (True, False):
        scene.propose(one)
        scene.both(one)
        if again:
            scene.step(lambda tx: decide.veto(tx, desk, one, staff["official"], "no"))
    scene.happen(one, "illness")  # stops it, and takes the officials' approvals back
    scene.happen(one, "died")
    held = scene.case(one)
    scene.step(lambda tx: person.complain(tx, desk, held, "words"))
    scene.step(lambda tx: findings.write(tx, desk, one, "found", staff["monitor"]))
    desk.vault.read(scene.store, held.identity, staff["monitor"], "a look")
    desk.vault.erase(scene.store, held.person, staff["monitor"], "asked for")
    query = sa.select(entries.programme, entries.kind).where(entries.seq > before)
    headers = scene.read(lambda tx: [tuple(row) for row in tx.execute(query)])
    assert set(headers) == {journal.QUIET} and len(headers) > 20


@pytest.mark.parametrize("who", ["caseworker", "official", "independent"])
def test_nobody_who_works_on_the_case_can_make_a_key(day: Day, who: str) -> None:
    """With a key one reads what the person wrote to the monitor."""
    with pytest.raises(NotYours):
        day.key(who)


def test_a_visit_ends_by_itself(day: Day) -> None:
    scene, key = day.scene, day.key()
    token = scene.step(lambda tx: person.enter(tx, scene.desk, day.reference, key))
    scene.clock.advance(person.VISIT_S + 1)
    with pytest.raises(VisitOver):
        scene.read(lambda tx: person.visited(tx, scene.desk, token))


@pytest.mark.parametrize("code", LANGUAGES)
def test_the_record_is_in_the_persons_language_with_the_law_beside_it(day: Day, code: str) -> None:
    with day.reader(code) as client:
        page = client.get("/record").text
    w = Words(code)
    assert f'<html lang="{code}" dir="{LANGUAGES[code].dir}">' in page
    state = day.scene.state(day.case).value
    said = plain(page)
    assert w.plain(sayings.STATES[state]) in said
    assert w.plain("What you can do") in said and day.reference in said
    view = day.scene.read(lambda tx: person.view(tx, day.scene.desk, day.scene.case(day.case)))
    assert view.against, "the scene has gates that do not pass"
    for one in view.against:
        assert plain(str(Markup.escape(one.gate.provision.cite))) in said
        assert w.plain(sayings.gate(one.gate.id)) in said


@pytest.mark.parametrize("code", [code for code in LANGUAGES if code != "en"])
def test_every_sentence_is_in_every_language(code: str) -> None:
    w = Words(code)
    templates = "".join(
        path.read_text("utf-8")
        for path in sorted((outside.Path(outside.__file__).parent / "templates").glob("*.html"))
    )
    in_pages = [a or b for a, b in re.findall(r"""\bw\((?:"([^"]+)"|'([^']+)')""", templates)]
    missing = [text for text in (*in_pages, *sayings.every()) if not w.knows(text)]
    assert len(in_pages) > 60 and missing == []


def test_every_state_and_gate_of_the_law_has_a_sentence_for_the_person(day: Day) -> None:
    assert set(sayings.STATES) == {state.value for state in State}
    gates = [one.id for one in day.scene.full.gates]
    assert gates and not [name for name in gates if not sayings.gate(name)]


def complained(scene: Scene) -> int:
    quarter = f"{scene.clock.now().year}-Q4"
    counted = scene.read(lambda tx: statistics.count(tx, quarter))
    return sum(n for atom, n in counted.atoms.items() if atom[1] == "complaint")


def test_a_complaint_reaches_the_monitor_and_nobody_who_works_on_the_case(day: Day) -> None:
    scene = day.scene
    before = complained(scene)
    with day.reader() as client:
        word = word_of(client.get("/record").text)
        sent = client.post("/complain", data={"words": WORDS, "form_word": word})
        assert sent.status_code == 303
        page = client.get("/record").text
        assert "نمی‌فهمم" in page
    told = scene.read(lambda tx: record.alarms(tx, scene.desk, Alarm.COMPLAINT.value))
    assert told[0]["content"]["note"] == WORDS
    for who in ("caseworker", "official", "independent"):
        with day.site.client(day.site.session(who)) as console:
            for path in ("/", f"/cases/{day.reference}", "/monitor"):
                assert "The guard took" not in console.get(path).text
            assert console.get("/monitor").status_code == 403
    history = scene.read(lambda tx: record.history(tx, scene.desk, scene.case(day.case)))
    assert "complaint" not in {one.kind for one in history}
    with day.site.client(day.site.session("monitor")) as console:
        assert "The guard took my papers" in console.get("/monitor").text
    assert complained(scene) == before + 1, "each person counts once"


def test_the_receipt_proves_that_the_record_existed_and_what_it_said(day: Day) -> None:
    with day.reader() as client:
        word = word_of(client.get("/record").text)
        client.post("/complain", data={"words": "a second time", "form_word": word})
        page = client.get("/record").text
        entries = [int(n) for n in re.findall(r'href="/receipt/(\d+)"', page)]
        assert client.get(f"/receipt/{max(entries)}").status_code == 409, "not published yet"
        day.publisher.step()
        for entry in entries:
            given = client.get(f"/receipt/{entry}")
            assert given.status_code == 200, given.text
            held = proof.read(given.text)
            said = receipts.read_opening(held)
            assert held.check(said.entry.encode(), day.publisher.signer.key).size >= entry
            content = msgspec.json.decode(said.content)
            mark = journal.commit(bytes.fromhex(said.salt), content)
            assert mark in said.entry and content["case"] == day.case
        day_written = day.scene.clock.now().date().isoformat()
        assert day_written in said.entry
        stranger = max(entries) + 1000
        assert client.get(f"/receipt/{stranger}").status_code == 404


def test_a_stranger_gets_no_page_and_a_forged_form_does_nothing(day: Day) -> None:
    with httpx.Client(base_url=day.url, verify=serving.NO_TLS) as anybody:
        assert anybody.get("/record").status_code == 403
        assert anybody.get("/receipt/1").status_code == 403
        assert anybody.post("/complain", data={"words": "x"}).status_code == 403
        assert anybody.post("/language", data={"code": "xx"}).status_code == 422
        assert anybody.get("/figures/2019-Q1.csv").status_code == 404
        wrong = anybody.post("/enter", data={"reference": day.reference, "key": "WRONG"})
        assert wrong.status_code == 403 and "do not open a record" in wrong.text
    with day.reader() as client:
        client.get("/record")
        assert client.post("/complain", data={"words": "x", "form_word": "no"}).status_code == 403
        before = client.get("/record").headers
        assert before["cache-control"] == "no-store"


def test_guessing_is_slowed_down(day: Day) -> None:
    app = outside.create_app(day.scene.store, day.scene.desk)
    client = serving.serve(app)
    tries = [
        client.post("/enter", data={"reference": day.reference, "key": str(n)}).status_code
        for n in range(60)
    ]
    assert 429 in tries and tries[0] == 403


@pytest.mark.parametrize("words", ["", "   ", "x" * (person.WORDS_CHARS_MAX + 1)])
def test_an_empty_or_endless_complaint_is_not_sent(day: Day, words: str) -> None:
    scene = day.scene
    with pytest.raises(WordsRefused, match="at most"):
        scene.step(lambda tx: person.complain(tx, scene.desk, scene.case(day.case), words))


def test_complaints_have_a_limit(day: Day) -> None:
    scene = day.scene
    other = scene.case(scene.open("Somebody Who Writes Much"))

    def many(tx: Any) -> None:
        for n in range(person.COMPLAINTS_MAX):
            person.complain(tx, scene.desk, other, f"number {n}")

    scene.step(many)
    with pytest.raises(WordsRefused, match="200"):
        scene.step(lambda tx: person.complain(tx, scene.desk, other, "one more"))
    scene.step(lambda tx: tx.execute(sa.delete(ALARMS).where(ALARMS.c.case == other.id)))


def test_a_finding_is_the_monitors_alone_and_answers_the_person(day: Day) -> None:
    scene = day.scene
    monitor, desk = scene.staff["monitor"], scene.desk
    for who in ("caseworker", "official", "lawyer"):
        with pytest.raises(NotYours):
            scene.step(lambda tx, w=who: findings.write(tx, desk, day.case, "x", scene.staff[w]))
    with pytest.raises(FindingRefused):
        scene.step(lambda tx: findings.write(tx, desk, day.case, " ", monitor))
    kept = scene.step(lambda tx: findings.write(tx, desk, day.case, "Seen the log.", monitor))
    scene.step(lambda tx: findings.write(tx, desk, day.case, "We looked.", monitor, True))
    with day.reader() as client:
        page = client.get("/record").text
    assert "We looked." in page and "Seen the log." not in page
    assert scene.read(lambda tx: next(journal.read(tx, kept.entry - 1, kept.entry)))
    public = {name for name in dir(findings) if not name.startswith("_")}
    assert not {"edit", "delete", "change", "remove", "withdraw"} & public


def test_the_monitor_sees_orders_deaths_force_and_stays_that_are_over(day: Day) -> None:
    scene, desk = day.scene, day.scene.desk
    one = scene.open("Person Three")
    given = (day.case, "A minister", "Send them today.", scene.worker)
    scene.step(lambda tx: orders.order(tx, desk, *given))
    scene.happen(one, "force_used")
    scene.happen(one, "died")
    with day.site.client(day.site.session("monitor")) as console:
        page = console.get("/monitor").text
        said = plain(page)
        for words in ("An order was given", "A person died", "Force was used", "Send them today."):
            assert words in said
        assert 'id="late">0<' in page
        word = day.site.word(console.cookies[day.site.door.cookie("session")])
        alarm = re.search(r"/monitor/alarms/([0-9A-Z]{26})/seen", page)
        assert alarm
        sent = {"form_word": word}
        seen = console.post(f"/monitor/alarms/{alarm[1]}/seen", data=sent)
        assert seen.status_code == 303
        again = console.get("/monitor").text
        assert f"/monitor/alarms/{alarm[1]}/seen" not in again
        assert plain(again).count("Send them today.") == said.count("Send them today.")
        finding = {**sent, "reference": day.reference, "words": "Noted.", "to_person": "true"}
        assert console.post("/monitor/findings", data=finding).status_code == 303
        assert "Noted." in console.get("/monitor").text
    with pytest.raises(NotYours):
        scene.step(lambda tx: findings.see(tx, desk, alarm[1], scene.worker))
    with pytest.raises(CaseUnknown):
        scene.step(lambda tx: findings.see(tx, desk, "0" * 26, scene.staff["monitor"]))


def test_a_stay_beyond_its_limit_is_an_alarm_of_the_monitors(day: Day) -> None:
    scene = day.scene
    one = scene.case(scene.open("Person Four"))
    late = scene.desk.today() - dt.timedelta(1)
    from tallystick.hubs.tables import CASES

    where = CASES.c.id == one.id
    over = {"state": "stay", "leave_by": late.isoformat()}
    scene.step(lambda tx: tx.execute(sa.update(CASES).where(where).values(**over)))
    with day.site.client(day.site.session("monitor")) as console:
        page = console.get("/monitor").text
    assert 'id="late">1<' in page and one.reference in page
    scene.step(lambda tx: tx.execute(sa.update(CASES).where(where).values(state="review")))


def test_the_figures_are_a_page_and_files_and_the_monitor_proves_them(day: Day) -> None:
    scene = day.scene
    with httpx.Client(base_url=day.url, verify=serving.NO_TLS) as anybody:
        assert "No quarter has been published yet" in anybody.get("/figures").text
    scene.clock.advance(60 * 86_400)
    now = scene.clock.now()
    quarter = f"{now.year - 1}-Q4" if now.month < 4 else f"{now.year}-Q{(now.month - 1) // 3}"
    scene.step(lambda tx: statistics.publish(tx, scene.clock, quarter, "Statistician"))
    with httpx.Client(base_url=day.url, verify=serving.NO_TLS) as anybody:
        page = anybody.get("/figures").text
        text = anybody.get(f"/figures/{quarter}.csv").text
        read = anybody.get("/figures", headers={"Accept-Language": "fr"}).text
        told = anybody.get(f"/figures/{quarter}.json").json()
    assert "<svg" in page and ">c</abbr>" in page and "hidden" in plain(page)
    assert f"{quarter},by-host,died,all,c\n" in text
    heads = [plain(one) for one in re.findall(r'<th scope="col"[^>]*>(.*?)</th>', page)]
    assert {"People", "All", "United Kingdom", "No host yet", scene.host.name} == set(heads)
    assert "Force was used against them" in page and "brought_back" not in page
    assert "Par pays d’accueil" in read and "Personnes au" in read and "caché" in read
    assert set(sayings.FIGURES) == set(statistics.STEPS)
    assert journal.commit(bytes.fromhex(told["salt"]), told["content"]) == told["commitment"]
    with day.site.client(day.site.session("monitor")) as console:
        sent = {"form_word": day.site.word(console.cookies[day.site.door.cookie("session")])}
        proved = console.post("/monitor/prove", data={**sent, "quarter": quarter})
    assert proved.status_code == 200 and "follow from the records" in plain(proved.text)


def test_each_event_of_the_model_has_words_for_the_person() -> None:
    assert set(EVENTS) <= set(sayings.STEPS), "nobody reads the code's own names"
    w = Words("ar")
    assert w("Until {day}", day="<b>") == Markup("حتى <bdi>&lt;b&gt;</bdi>")
