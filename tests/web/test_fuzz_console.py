"""schemathesis against the console's OpenAPI document, signed in as an administrator: no 5xx.

Half of the cases name a real purchase, or a real hit of a sanctions list with a decision proposed:
the administrator is of compliance too, else screening would only ever answer that it is not there.
Nothing that a person can send with a form may change the sums, whatever it says. On both
databases, since each refuses other texts.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fuzzing import for_each_case, operations
from schemathesis.checks import not_a_server_error
from signed_machine import Machine

import databases
from network import Network
from serving import serve, stop_all
from tallystick.core import ledger
from tallystick.core.clock import SeededClock, new_id
from tallystick.core.identity import grants, people, sessions
from tallystick.core.identity.passkeys import Party
from tallystick.core.identity.tables import PASSKEYS
from tallystick.core.store import Store
from tallystick.kiosk import queries
from tallystick.kiosk.screening import hits, policy, screen
from tallystick.kiosk.screening.formats.read import published
from tallystick.kiosk.screening.index import Subject, build
from tallystick.kiosk.screening.model import GROUNDS, ROLE
from tallystick.web.bounded import BoundedHttp
from tallystick.web.console.app import create_app
from tallystick.web.console.pages import Offices
from tallystick.web.door import FORM_HEADER, Door

ANSWER_S_MAX = 60
CASES = 12
"""For each operation on each database; a soak tries many more."""
ORIGIN = "http://localhost"
NOTHING: Any = None


class Signed:
    """An administrator at the console of a store with one purchase under way."""

    def __init__(self, store: Store, network: Network) -> None:
        clock = SeededClock(11)
        self.machine, self.store = Machine(store, clock, network), store
        self.quote = self.machine.buy()
        door = Door(store, clock, Party("localhost", "Tallystick", (ORIGIN,)))
        offices = Offices(lambda: self.quote.address, list)
        self.app = create_app(store, self.machine.desk, door, offices)
        self.http = serve(self.app, http=BoundedHttp)
        token, self.person = self._begin(clock)
        self.hit = self._hit(clock)
        self.headers = {
            "Cookie": f"{door.cookie('session')}={token}",
            "Origin": ORIGIN,
            FORM_HEADER: sessions.csrf_of(token),
        }

    def _hit(self, clock: SeededClock) -> str:
        """Return a hit on somebody, with a decision that waits for another officer."""
        entry = published(Path(screen.__file__).parent / "sample.xml").entries[0]
        found = build([entry]).screen(Subject((entry.names[0].text,)), 0)
        with self.store.transact() as tx:
            grants.grant(tx, clock, self.person, ROLE)
            (hit,) = hits.open_hits(tx, clock, new_id(clock), found, "identified", "test")
            given = (policy.load(), hit, next(iter(GROUNDS)), "vault 1", self.person)
            hits.propose(tx, clock, *given)
        return hit

    def _begin(self, clock: SeededClock) -> tuple[str, str]:
        now = clock.now()
        with self.store.transact() as tx:
            invited = people.invite(tx, "Ada Okafor", people.Role.ADMIN, now, clock)
            person = people.invited(tx, invited, now).id
            key = {"id": "key", "person": person, "public_key": "", "sign_count": 0, "label": ""}
            tx.execute(PASSKEYS.insert().values(made_at=now, **key))
            return sessions.start(tx, person, "key", now, clock), person


@pytest.fixture(scope="module", params=["sqlite", "postgres"])
def signed(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, network: Network
) -> Iterator[Signed]:
    folder: Path = tmp_path_factory.mktemp("c")
    url = f"sqlite:///{folder}/store.sqlite"
    if request.param == "postgres":
        url = request.getfixturevalue("cluster").new_database()
    store = databases.opened(url)
    yield Signed(store, network)
    stop_all()
    store.close()


def document() -> dict[str, Any]:
    """Return the console's own description, which needs nothing behind it."""
    door = Door(NOTHING, SeededClock(1), Party("localhost", "Tallystick", (ORIGIN,)))
    return create_app(NOTHING, NOTHING, door, NOTHING).openapi()


OPERATIONS = operations(document())
COUNT = itertools.count()


@pytest.mark.parametrize("label", OPERATIONS)
def test_the_console_answers_whatever_is_sent(label: str, signed: Signed) -> None:
    def one(case: Any) -> None:
        real = {"purchase": signed.quote.purchase, "hit": signed.hit}
        for name in real.keys() & (case.path_parameters or {}).keys() if next(COUNT) % 2 else ():
            case.path_parameters[name] = real[name]
        reply = case.call(
            base_url=str(signed.http.base_url),
            headers=signed.headers,
            timeout=ANSWER_S_MAX,
            allow_redirects=False,
        )
        case.validate_response(reply, checks=[not_a_server_error])

    for_each_case(OPERATIONS[label], one, CASES)


NASTY = ("%00", "%ff", "%f0%9f%92%b0", "..%2f..", "'%3b--", "%25", "%5c", "x" * 4_000)


@pytest.mark.parametrize("text", NASTY)
def test_a_text_that_no_database_holds_is_no_fault_of_ours(signed: Signed, text: str) -> None:
    for path in (f"/?q={text}", f"/search?q={text}", f"/purchases/{text}", f"/?state={text}"):
        reply = signed.http.get(path, headers=signed.headers)
        assert reply.status_code < 500, path
    reply = signed.http.post(f"/purchases/{text}/refunded", headers=signed.headers)
    assert 300 <= reply.status_code < 500


@pytest.mark.parametrize("when", ["0001-01-01T00:00:00%2B23:59", "9999-12-31T23:59:59-23:59", "1"])
def test_the_ends_of_time_are_no_fault_of_ours(signed: Signed, when: str) -> None:
    assert signed.http.get(f"/?before={when}", headers=signed.headers).status_code < 500
    for name in ("cash", "transfers"):
        path = f"/reports/{name}?last={when[:10]}"
        assert signed.http.get(path, headers=signed.headers).status_code < 500, path


def test_it_was_signed_in_and_nothing_has_moved(signed: Signed) -> None:
    assert signed.http.get(f"/screening/{signed.hit}", headers=signed.headers).status_code == 200
    own = signed.http.post(f"/screening/{signed.hit}/approve", headers=signed.headers)
    assert own.status_code == 409, "who proposed it, or took it back, has not decided it"
    page = signed.http.get("/", headers=signed.headers)
    assert page.status_code == 200 and signed.quote.reference in page.text
    with signed.store.read() as tx:
        assert ledger.trial_balance(tx).wrong == []
        assert [row["cash_minor"] for row in queries.purchases(tx)] == [2_000]
