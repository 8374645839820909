"""schemathesis against each interface's own OpenAPI document, over a real server: no 5xx, no hang.

Every request to the machine API is signed, so that what is fuzzed is the step behind the
signature. Of four cases one is left as it came, one is about a real purchase, and two are true in
every field but one. Another interface joins by a test of its own: its document, its way to sign
in, and `answers_well`.
"""

from __future__ import annotations

import base64
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest
import requests
from fuzzing import for_each_case, operations
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)
from signed_machine import ADDRESS, Machine

import databases
from kiosk.licence_texts import licence
from network import Network
from serving import stop_all
from tallystick.core import journal, ledger
from tallystick.core.clock import SeededClock, new_id
from tallystick.core.errors import TallystickError
from tallystick.core.identity import sealing
from tallystick.core.vault import Vault
from tallystick.devices import sample_pictures
from tallystick.kiosk.customers import picture
from tallystick.kiosk.customers.ask import Item
from tallystick.kiosk.customers.desk import CustomerDesk
from tallystick.kiosk.customers.policy import Policy
from tallystick.kiosk.customers.texts import FileTexts
from tallystick.web.machine_api import ROUTES, openapi

ANSWER_S_MAX = 60
CASES = 30
"""For each operation; a soak tries many more."""
A_DAY_S = 86_400
NEVER_REACHED = 10**11
"""In minor units: taken when it is given, and asked of nobody here."""
CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
]
OPERATIONS = operations(openapi())


class Signed(requests.auth.AuthBase):
    """Signs whatever is about to be sent, if it can be signed at all."""

    def __init__(self, machine: Machine) -> None:
        self.machine = machine

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        body = request.body or b""
        data = body.encode() if isinstance(body, str) else bytes(body)
        try:
            path = request.path_url
            request.headers.update(self.machine.signed(str(request.method), path, data))
        except TallystickError:
            pass
        return request


@pytest.fixture(scope="module")
def machine(tmp_path_factory: pytest.TempPathFactory, network: Network) -> Iterator[Machine]:
    store = databases.opened(f"sqlite:///{tmp_path_factory.mktemp('f')}/store.sqlite")
    made = Machine(store, SeededClock(9), network)
    folder = tmp_path_factory.mktemp("vault")
    texts = FileTexts(folder / "telephone.txt")
    asking = Policy(copy_from_minor=NEVER_REACHED, email_from_minor=NEVER_REACHED)
    made.desk.customers = CustomerDesk(Vault(folder, made.clock), texts, asking)
    yield made
    stop_all()
    store.close()


class Purchase:
    """A purchase under way, and what a machine could truly say of it."""

    def __init__(self, machine: Machine) -> None:
        machine.clock.advance(A_DAY_S)  # so that no daily limit is ever reached
        self.machine, self.quote = machine, machine.buy(1_000)
        self.turn, self.card = 0, sample_pictures.card()

    def truth(self, label: str) -> dict[str, Any]:
        asking = label.endswith("/notes")
        now = self.machine.now
        return {
            "purchase": new_id(self.machine.clock),
            "address": ADDRESS,
            "language": "en",
            "acknowledged": ["DEMO/warning"],
            "quote": self.quote.digest,
            "currency": self.quote.currency,
            "note": new_id(self.machine.clock) if asking else self.machine.note,
            "seq": 2 if asking else 1,
            "minor": 1_000,
            "recovered": False,
            "how": "keep",
            "phone": "2025550142",
            "text": licence(),
            "source": "wages",
            "item": Item.COPY.value,
            "sealed": self.sealed(),
            **({"address": "pat@example.org"} if label.endswith("/email") else {}),
            **{name: now[name] for name in ("notes", "cash_minor", "sats")},
        }

    def sealed(self) -> str:
        key, about = self.machine.desk.key, picture.about(self.quote.purchase, Item.COPY)
        made = sealing.seal(self.card, about, *sealing.offered(key), key.public_key())
        return base64.b64encode(made).decode()

    def put_into(self, case: Any) -> None:
        """Make a case true of this purchase: nowhere, in its path, or in all fields but one."""
        self.turn += 1
        if self.turn % 4 and "purchase" in (case.path_parameters or {}):
            case.path_parameters["purchase"] = self.quote.purchase
        if self.turn % 4 < 2 or not isinstance(case.body, dict):
            return
        fields = sorted(case.body)
        left = fields[self.turn % len(fields)] if fields and self.turn % 8 != 2 else ""
        truth = self.truth(case.operation.label)
        case.body.update({name: truth[name] for name in fields if name in truth and name != left})


def answers_well(case: Any, url: str, auth: requests.auth.AuthBase) -> int:
    """Send a case; check the answer against the document, and that it came in time."""
    reply = case.call(base_url=url, auth=auth, timeout=ANSWER_S_MAX)
    case.validate_response(reply, checks=CHECKS)
    return int(reply.status_code)


BUYING: list[Purchase] = []
DONE: Counter[str] = Counter()


@pytest.mark.parametrize("label", OPERATIONS)
def test_the_machine_api_answers_whatever_is_signed(label: str, machine: Machine) -> None:
    def one(case: Any) -> None:
        if not BUYING:
            BUYING.append(Purchase(machine))
        BUYING[0].put_into(case)
        status = answers_well(case, str(machine.http.base_url), Signed(machine))
        DONE[label] += status == 200
        if status == 200 and label.endswith(("/finish", "/close", "/notes")):
            BUYING.clear()

    for_each_case(OPERATIONS[label], one, CASES)


def test_every_route_was_reached_and_the_books_hold(machine: Machine) -> None:
    assert set(DONE) == {"POST /v1/pair", *(f"{method} {path}" for method, path, *_ in ROUTES)}
    never = {label for label, count in DONE.items() if not count}
    assert never == {"POST /v1/pair"}, "every other step was also taken, not only refused"
    with machine.store.read() as tx:
        assert ledger.trial_balance(tx).wrong == []
        assert journal.verify(tx) > 100
