"""The forms of the hubs console that change something: one step, one transaction, one answer.

Approving is a ceremony of its own: the official's passkey signs the digest of what is proposed,
and the signature is kept as evidence beside the approval.
"""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Annotated, Final

import msgspec
from fastapi import Depends, FastAPI, Form, Query, Request
from starlette.responses import RedirectResponse, Response

from tallystick.core.identity import passkeys
from tallystick.core.identity.errors import IdentityError
from tallystick.core.identity.people import Person
from tallystick.core.store import Tx
from tallystick.hubs import (
    agreements,
    asking,
    cases,
    clocks,
    decide,
    documents,
    law,
    orders,
    transfer,
)
from tallystick.hubs.cases import Identity
from tallystick.hubs.documents import Paper
from tallystick.hubs.errors import CaseStep, NotYours
from tallystick.hubs.law import SENDERS
from tallystick.hubs.model import Role
from tallystick.hubs.record import Case
from tallystick.hubs.working_days import Country
from tallystick.web.door import require_form
from tallystick.web.hubs.pages import read_value
from tallystick.web.hubs.who import actor
from tallystick.web.signin import Answer, Knock

if TYPE_CHECKING:
    from tallystick.web.hubs.app import HubsConsole

TEXT: Final = 500
LONG: Final = 2_000
HANDLE_CHARS_MAX: Final = 64

SentForm = Annotated[Person, Depends(require_form)]
Words = Annotated[str, Form(min_length=1, max_length=TEXT)]
Long = Annotated[str, Form(min_length=1, max_length=LONG)]
Short = Annotated[str, Form(min_length=1, max_length=120)]
Maybe = Annotated[str, Form(max_length=LONG)]
Day = Annotated[str, Form(pattern=r"^$|^\d{4}-\d{2}-\d{2}$")]
Deciding = Annotated[str, Query(pattern=r"^(official|independent)$")]


def day_of(text: str) -> dt.date | None:
    """Read a day that a form sent; raise `CaseStep` for one that is in no calendar."""
    try:
        return dt.date.fromisoformat(text) if text else None
    except ValueError as error:
        raise CaseStep(f"{text} is no day") from error


def add(app: FastAPI, console: HubsConsole) -> None:
    """Add every act on a case."""
    _add_recording(app, console)
    _add_clocks_and_orders(app, console)
    _add_steps(app, console)
    _add_deciding(app, console)
    _add_papers(app, console)


def _add_recording(app: FastAPI, console: HubsConsole) -> None:
    desk = console.desk

    @app.post("/open")
    def open_case(
        person: SentForm,
        name: Short,
        language: Annotated[str, Form(pattern=r"^[a-z]{2,3}$")],
        sender: Annotated[str, Form(pattern=f"^({'|'.join(SENDERS)})$")],
        contact: Maybe = "",
    ) -> Response:
        who = Identity(name=name, language=language, contact=contact)
        with console.store.transact() as tx:
            made = cases.open_case(tx, desk, who, sender, person.id)
        return RedirectResponse(f"/cases/{made.reference}", 303)

    @app.post("/cases/{reference}/event")
    def event(
        person: SentForm,
        reference: str,
        kind: Short,
        evidence: Words,
        on: Day = "",
        day: Day = "",
        note: Maybe = "",
    ) -> Response:
        def do(tx: Tx, case: Case) -> None:
            cases.happen(
                tx, desk, case.id, kind, person.id, evidence, day_of(on), day_of(day), note
            )

        return console.step(person, reference, do)

    @app.post("/cases/{reference}/fact")
    def fact(
        person: SentForm,
        reference: str,
        name: Short,
        value: Short,
        evidence: Words,
        on: Day = "",
        until: Day = "",
    ) -> Response:
        def do(tx: Tx, case: Case) -> None:
            read = read_value(law.known_facts().get(name), value)
            cases.attest(
                tx, desk, case.id, name, read, person.id, evidence, day_of(on), day_of(until)
            )

        return console.step(person, reference, do)


def _add_clocks_and_orders(app: FastAPI, console: HubsConsole) -> None:
    desk = console.desk

    @app.post("/cases/{reference}/clock")
    def clock(
        person: SentForm,
        reference: str,
        stage: Short,
        country: Annotated[str, Form(pattern=f"^({'|'.join(Country)})$")],
        start: Day,
        evidence: Words,
    ) -> Response:
        day = day_of(start)
        if day is None:
            raise CaseStep("say on which day time began")

        def do(tx: Tx, case: Case) -> None:
            given = (stage, Country(country), day, person.id, evidence)
            clocks.set_clock(tx, desk, case.id, *given)

        return console.step(person, reference, do)

    @app.post("/cases/{reference}/order")
    def order(person: SentForm, reference: str, given_by: Short, words: Long) -> Response:
        return console.step(
            person,
            reference,
            lambda tx, case: orders.order(tx, desk, case.id, given_by, words, person.id),
        )


def _add_steps(app: FastAPI, console: HubsConsole) -> None:
    desk = console.desk

    @app.post("/cases/{reference}/propose")
    def propose(person: SentForm, reference: str, host: Short) -> Response:
        return console.step(
            person, reference, lambda tx, case: decide.propose(tx, desk, case.id, host, person.id)
        )

    @app.post("/cases/{reference}/place")
    def place(person: SentForm, reference: str, planned_on: Day) -> Response:
        day = day_of(planned_on)
        if day is None:
            raise CaseStep("say for which day a place is wanted")
        return console.step(
            person, reference, lambda tx, case: transfer.place(tx, desk, case.id, person.id, day)
        )

    @app.post("/cases/{reference}/notice")
    def notice(
        person: SentForm,
        reference: str,
        evidence: Words,
        route: Annotated[str, Form(pattern="^(yes|no)$")],
    ) -> Response:
        def do(tx: Tx, case: Case) -> None:
            transfer.serve_notice(
                tx, desk, case.id, person.id, evidence, names_destination_and_route=route == "yes"
            )

        return console.step(person, reference, do)

    @app.post("/cases/{reference}/eve")
    def eve(person: SentForm, reference: str) -> Response:
        return console.step(
            person, reference, lambda tx, case: transfer.eve(tx, desk, case.id, person.id)
        )

    @app.post("/cases/{reference}/door")
    def at_the_door(person: SentForm, reference: str) -> Response:
        return console.step(
            person, reference, lambda tx, case: transfer.door(tx, desk, case.id, person.id)
        )


def _add_deciding(app: FastAPI, console: HubsConsole) -> None:
    desk, door = console.desk, console.door

    def proposed(tx: Tx, person: Person, reference: str) -> Case:
        case = console.seen(tx, actor(tx, person), reference)
        if not case.proposal:
            raise CaseStep(f"nothing is proposed in case {case.reference}")
        return case

    @app.post("/cases/{reference}/approve/begin", dependencies=[Knock])
    def begin(person: SentForm, answer: Answer, reference: str, role: Deciding) -> Response:
        with console.store.transact() as tx:
            case = proposed(tx, person, reference)
            if f"hubs.{role}" not in actor(tx, person).roles:
                raise NotYours(f"this needs the role of {role}")
            now, digest = door.clock.now(), bytes.fromhex(case.digest)
            asked = passkeys.begin_assertion(tx, door.party, person, digest, now, door.clock)
        response = Response(asked.options, media_type="application/json")
        response.set_cookie(
            door.cookie("approval"),
            asked.handle,
            max_age=passkeys.CHALLENGE_TTL_S,
            secure=door.secure,
            httponly=True,
            samesite="strict",
        )
        return response

    @app.post("/cases/{reference}/approve/finish", dependencies=[Knock])
    def finish(
        request: Request, person: SentForm, answer: Answer, reference: str, role: Deciding
    ) -> Response:
        handle = request.cookies.get(door.cookie("approval"), "")[:HANDLE_CHARS_MAX]
        refusal: IdentityError | None = None
        with console.store.transact() as tx:
            case = proposed(tx, person, reference)
            now, digest = door.clock.now(), bytes.fromhex(case.digest)
            given = (tx, door.party, person, handle, answer, digest, now)
            try:
                signed = passkeys.verify_assertion(*given)
            except IdentityError as error:
                refusal = error  # committed all the same: a question is answered once
            else:
                decide.approve(tx, desk, case.id, person.id, Role(f"hubs.{role}"), signed)
        if refusal is not None:
            raise refusal
        body = msgspec.json.encode({"next": f"/cases/{case.reference}"})
        return Response(body, media_type="application/json")

    @app.post("/cases/{reference}/veto")
    def veto(person: SentForm, reference: str, reason: Words) -> Response:
        return console.step(
            person, reference, lambda tx, case: decide.veto(tx, desk, case.id, person.id, reason)
        )


def _add_papers(app: FastAPI, console: HubsConsole) -> None:
    desk = console.desk

    @app.post("/cases/{reference}/papers")
    def begin(
        person: SentForm,
        reference: str,
        country: Annotated[str, Form(pattern="^[A-Z]{2}$")],
        evidence: Words,
    ) -> Response:
        return console.step(
            person,
            reference,
            lambda tx, case: documents.begin(tx, desk, case.id, country, evidence, person.id),
        )

    @app.post("/cases/{reference}/papers/{paper}")
    def step(
        person: SentForm,
        reference: str,
        paper: str,
        to: Annotated[str, Form(pattern=f"^({'|'.join(Paper)})$")],
        evidence: Words,
    ) -> Response:
        return console.step(
            person,
            reference,
            lambda tx, case: documents.step(
                tx, desk, case.id, paper[:26], Paper(to), evidence, person.id
            ),
        )


def add_agreements(app: FastAPI, console: HubsConsole) -> None:
    """Add the one act on an agreement: a claim, with its source and day."""
    desk = console.desk

    @app.post("/agreements/{one}/claim")
    def claim(
        person: SentForm,
        one: str,
        name: Short,
        value: Annotated[str, Form(min_length=1, max_length=1_000)],
        source: Words,
        on: Day = "",
    ) -> Response:
        kind = law.known_facts().get(name)
        with console.store.transact() as tx:
            cases.may(tx, None, person.id, Role.CASEWORKER, Role.OFFICIAL)

            found = agreements.find(tx, one[:41])
            country = kind is not None and kind.of == "country"
            about = f"country:{found.country}" if country else found.about
            given = (name, read_value(kind, value), source, day_of(on) or desk.today())
            asking.claim(tx, desk, about, *given, person.id)
        return RedirectResponse(f"/agreements/{found.id}", 303)
