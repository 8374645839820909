"""Made to approve: it looks like an approval to whoever stands behind, and in the public log.

The posts go straight to the console, as a page would send them or not: with no code, with the code
that freezes, and with an official's own. What the log and the published files show of each is the
same; the freeze itself becomes public later, in the words of any other.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from office_scene import FORFEIT, Scene, published
from serving import serve, stop_all
from tallystick.cli.sample_passkey import SamplePasskey, enrol
from tallystick.core import journal
from tallystick.core.identity import grants, sessions
from tallystick.core.identity.keys import b64url
from tallystick.core.identity.passkeys import Party
from tallystick.core.identity.people import Person
from tallystick.reserve import agree, approve, charter, codes, lots, queries, watch
from tallystick.reserve.errors import Frozen
from tallystick.reserve.queries import Movement
from tallystick.web.door import Door
from tallystick.web.reserve.console import create_console
from tallystick.web.reserve.public import create_public

ORIGIN = "http://localhost"
OWN, OTHER = "my own code", "the other one"


class Poster:
    """An official who posts to the console without any page, with a passkey in software."""

    def __init__(self, scene: Scene, name: str, role: str) -> None:
        party = Party("localhost", "Tallystick", (ORIGIN,))
        self.scene, self.role = scene, role
        with scene.store.transact() as tx:
            made = enrol(tx, party, scene.clock, name)
            self.person: Person = made[0]
            self.key: SamplePasskey = made[1]
            grants.grant(tx, scene.clock, self.person.id, role)
            codes.put(tx, scene.clock, self.person.id, OWN, OTHER)
        app = create_console(scene.office, Door(scene.store, scene.clock, party))
        self.browser = serve(app)
        self.enter()

    def enter(self) -> None:
        """Begin a session, as after signing in."""
        scene = self.scene
        with scene.store.transact() as tx:
            key = b64url(self.key.id)
            token = sessions.start(tx, self.person.id, key, scene.clock.now(), scene.clock)
        self.browser.cookies.set("tallystick-session", token)
        self.word = sessions.csrf_of(token)

    def post(self, path: str, body: bytes = b"{}") -> Any:
        headers = {"Origin": ORIGIN, "Tallystick-Form": self.word, "Accept": "application/json"}
        headers["Content-Type"] = "application/json"
        return self.browser.post(path, content=body, headers=headers)

    def code(self, path: str, given: str) -> int:
        form = {"given": given, "form_word": self.word}
        return int(
            self.browser.post(f"{path}/code", data=form, headers={"Origin": ORIGIN}).status_code
        )

    def approve(self, path: str) -> Any:
        begun = self.post(f"{path}/approve/begin")
        if begun.status_code != 200:
            return begun
        answer = self.key.answer(self.person, begun.text)
        return self.post(f"{path}/approve/finish?role={self.role}", answer)

    def sees(self, path: str) -> str:
        return str(self.browser.get(path).text)


def headers(scene: Scene, since: int) -> list[tuple[str, str]]:
    """Return what everybody sees of the entries after one: programme and kind."""
    with scene.store.read() as tx:
        entries = [json.loads(entry) for entry, _ in journal.read(tx, since, journal.head(tx)[0])]
    return [(one["programme"], one["kind"]) for one in entries]


def size(scene: Scene) -> int:
    with scene.store.read() as tx:
        return journal.head(tx)[0]


def opened(folder: Path) -> list[dict[str, Any]]:
    text = (folder / "artefacts" / "reserve" / "events.json").read_text()
    return [row["content"] for row in json.loads(text)["events"]]


@pytest.fixture(autouse=True)
def closing() -> Iterator[None]:
    yield
    stop_all()


@pytest.fixture
def wanted(scene: Scene) -> Movement:
    coin = scene.deposit(5_000_000, FORFEIT)
    scene.deposit(3_000_000, FORFEIT)
    return scene.propose("refresh", coins=(f"{coin[0]}:{coin[1]}",))


def test_straight_posts_under_duress_look_like_any_and_count_for_nothing(
    scene: Scene, wanted: Movement, tmp_path: Path
) -> None:
    forced, free = Poster(scene, "A", "reserve.treasurer"), Poster(scene, "B", "reserve.auditor")
    path = f"/movements/{wanted.id}"
    assert forced.approve(path).status_code == 409, "no code was given"
    assert forced.post(f"{path}/approve/finish?role=reserve.treasurer").status_code == 409
    seen, shown = [], []
    for who, code in ((forced, OTHER), (free, OWN)):
        before = size(scene)
        assert who.code(path, code) == 303
        reply = who.approve(path)
        again = who.approve(path)
        seen.append((reply.status_code, reply.json(), again.status_code, again.json()["code"]))
        shown.append(headers(scene, before))
        assert "Frozen since" not in who.sees(path) or who is free
    assert seen[0] == seen[1] and seen[0][0] == 200
    assert shown[0] == shown[1] == [journal.QUIET, ("reserve", "answered")]
    with scene.store.read() as tx:
        assert charter.charter(tx).frozen and not charter.charter(tx).told
        assert [one["person"] for one in approve.evidence_of(tx, wanted)] == [free.person.id]
    with pytest.raises(Frozen):
        scene.authorise(wanted)
    folder = published(scene, tmp_path / "log")
    kinds = [one["kind"] for one in opened(folder)]
    assert "answered" not in kinds and "frozen" not in kinds and "alarm" not in kinds
    public = serve(create_public(scene.store, scene.clock, folder)).get("/").text
    assert "is frozen" not in public and "Shown once it is authorised" in public
    assert scene.propose("release", 1_000, orders=(_first(scene),)).state == "proposed"


def _first(scene: Scene) -> tuple[str, str]:
    with scene.store.read() as tx:
        return lots.lots(tx)[1].id, "court order 7"


def test_a_freeze_is_told_later_and_in_the_words_of_any_other(
    make_scene: Any, tmp_path: Path
) -> None:
    told = []
    for number, forced in enumerate((True, False)):
        scene = make_scene()
        scene.deposit(1_000_000, FORFEIT)
        before, begun = size(scene), scene.clock.now()
        with scene.store.transact() as tx:
            codes.put(tx, scene.clock, scene.people["board"], OWN, OTHER)
            if forced:
                codes.enter(tx, scene.clock, scene.people["board"], OTHER, "m1")
            else:
                charter.freeze_by(tx, scene.clock, scene.people["board"], "a doubt about one key")
        folder = published(scene, tmp_path / f"log{number}" / "log")
        assert [one["kind"] for one in opened(folder)][-1] == ("codes_set" if forced else "frozen")
        if forced:
            scene.clock.advance(charter.DURESS_TOLD_S_MIN - 60)
            watch.look(scene.office)
            assert "frozen" not in [kind for _, kind in headers(scene, before)], "never at once"
            scene.clock.advance(charter.DURESS_TOLD_S_MAX)
            watch.look(scene.office)
            published(scene, folder)
        last = opened(folder)[-1]
        at = last.pop("at")
        assert not forced or at > (begun).isoformat()
        told.append((last, headers(scene, before)))
        text = (folder / "artefacts" / "reserve" / "events.json").read_text()
        assert "duress" not in text and "a doubt about" not in text
    assert told[0] == told[1]
    assert told[0][1] == [("reserve", kind) for kind in ("codes_set", "frozen", "freeze_reason")]
    with scene.store.read() as tx:
        reasons = charter.record.history(tx, "charter")
    assert reasons[-1]["content"]["why"] == "a doubt about one key"


def test_the_freeze_is_on_no_screen_of_who_was_made_to_but_on_all_others(
    scene: Scene, wanted: Movement
) -> None:
    forced, free = Poster(scene, "A", "reserve.treasurer"), Poster(scene, "B", "reserve.auditor")
    path = f"/movements/{wanted.id}"
    forced.code(path, OTHER)
    forced.approve(path)
    for page in ("/", "/alarms", path):
        assert "rozen by" not in forced.sees(page) and "duress" not in forced.sees(page)
    assert "Recorded. It waits for the others." in forced.sees(path)
    assert "duress" in free.sees("/alarms")
    scene.clock.advance(charter.DURESS_TOLD_S_MAX)
    watch.look(scene.office)
    forced.enter()
    assert "The reserve is frozen" in forced.sees("/alarms")
    assert "duress" not in forced.sees("/alarms") and "duress" not in forced.sees("/")


def test_an_origin_is_answered_under_duress_alike(scene: Scene) -> None:
    coin = scene.deposit(1_000_000, None)
    with scene.store.transact() as tx:
        made = lots.register(tx, scene.clock, coin, FORFEIT, scene.people["maker"])
    assert made is not None
    forced = Poster(scene, "A", "reserve.treasurer")
    path = f"/approvals/{made.id}"
    before = size(scene)
    assert forced.approve(path).status_code == 409
    forced.code(path, OTHER)
    assert forced.approve(path).status_code == 200
    assert forced.approve(path).status_code == 409
    assert headers(scene, before) == [journal.QUIET, ("reserve", "answered")]
    with scene.store.read() as tx:
        assert agree.matter(tx, made.id, scene.clock.now()).status.counted == ()
        events = charter.record.history(tx, f"coin:{coin[0]}:{coin[1]}")
    assert msgspec.json.encode(events[-1]["content"]).count(b"duress") == 1
    with scene.store.read() as tx:
        assert queries.movements(tx) == []
