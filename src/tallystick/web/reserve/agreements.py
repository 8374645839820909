"""The console's pages for what officials agree to beside movements: origins, and a thaw.

One list of what waits, and one page for each with what exactly is signed; the same passkey, the
same code, the same veto as for a movement. The steps themselves check who may (Decision 8).
"""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Annotated, Any, Final

from fastapi import Depends, FastAPI, Form, Query, Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from tallystick.core.identity import grants, passkeys
from tallystick.core.identity.people import Person
from tallystick.core.store import Tx
from tallystick.reserve import agree, charter, codes
from tallystick.web import signin
from tallystick.web.door import require_form, require_person
from tallystick.web.reserve import sayings, views

if TYPE_CHECKING:
    from tallystick.web.reserve.console import Console

WORDS_MAX: Final = 300
ID_CHARS_MAX: Final = 40

Signed = Annotated[Person, Depends(require_person)]
SentForm = Annotated[Person, Depends(require_form)]
Words = Annotated[str, Form(max_length=WORDS_MAX)]


def install(app: FastAPI, console: Console) -> None:
    """Add the pages to the console."""
    _add_pages(app, console)
    _add_agreeing(app, console)
    _add_ending(app, console)


def shown(tx: Tx, console: Console, id: str, person: Person) -> dict[str, Any]:
    """Return one matter with everything that an official must see before signing."""
    now = console.office.clock.now()
    found = agree.matter(tx, id[:ID_CHARS_MAX], now)
    held, rule = grants.held(tx, person.id), found.proposal.rule
    agreeing = {item.person for item in found.status.counted}
    mark = codes.given(tx, person.id, found.proposal.id)
    barred = agreeing | {found.proposal.maker}
    mine = sorted(held & set(rule.needs))
    counted = [(item.role, item.at) for item in found.status.counted]
    counted += [(mine[0], now)] if mine and mark is False else []
    if codes.hides(tx, person.id):
        found = dataclasses.replace(found, frozen_why=charter.FROZEN)
    return {
        "matter": found,
        "one": found.proposal,
        "status": found.status,
        "rule": rule,
        "what": views.matter_words(found),
        "agreed_by": [(sayings.ROLES.get(role, role), at) for role, at in counted],
        "roles": mine if person.id not in barred else [],
        "maker": person.id == found.proposal.maker,
        "keyholder": "reserve.keyholder" in held,
        "may_veto": bool(held & charter.VETOING),
        "needs_code": codes.has(tx, person.id) and mark is None,
        "seems": mark is False,
        "role_words": sayings.ROLES,
    }


def _add_pages(app: FastAPI, console: Console) -> None:
    @app.get("/approvals", response_class=HTMLResponse)
    def listed(request: Request, person: Signed) -> Response:
        def make(tx: Tx) -> dict[str, Any]:
            waiting = agree.waiting(tx, console.office.clock.now())
            return {
                "waiting": [(one, views.matter_words(one)) for one in waiting],
                "moves": views.waiting_lines(tx),
                "role_words": sayings.ROLES,
            }

        return console.draw(request, person, "approvals", make)

    @app.get("/approvals/{id}", response_class=HTMLResponse)
    def one(request: Request, person: Signed, id: str) -> Response:
        return console.draw(request, person, "approval", lambda tx: shown(tx, console, id, person))

    @app.post("/alarms/thaw")
    def thaw(person: SentForm) -> Response:
        clock = console.office.clock
        made = console.act(lambda tx: charter.propose_thaw(tx, clock, person.id))
        return RedirectResponse(f"/approvals/{made.id}", 303)


def _add_agreeing(app: FastAPI, console: Console) -> None:
    clock = console.office.clock

    @app.post("/approvals/{id}/code")
    def code(person: SentForm, id: str, given: Words) -> Response:
        console.take_code(id, person, given, lambda tx: agree.matter(tx, id, clock.now()))
        return RedirectResponse(f"/approvals/{id}", 303)

    @app.post("/approvals/{id}/approve/begin", dependencies=[signin.Knock])
    def begin(request: Request, person: SentForm, id: str) -> Response:
        def ask(tx: Tx) -> Any:
            found = agree.matter(tx, id, clock.now())
            codes.require(tx, person.id, id)
            digest = bytes.fromhex(found.proposal.digest)
            given = (console.door.party, person, digest, clock.now(), clock)
            return passkeys.begin_assertion(tx, *given)

        return signin._question(console.door, signin._settle(console.door, ask))

    @app.post("/approvals/{id}/approve/finish", dependencies=[signin.Knock])
    def finish(
        request: Request,
        person: SentForm,
        id: str,
        answer: signin.Answer,
        role: Annotated[str, Query(max_length=60)],
    ) -> Response:
        handle = signin._handle(request)

        def give(tx: Tx) -> None:
            found = agree.matter(tx, id, clock.now())
            free = codes.require(tx, person.id, id)
            digest = found.proposal.digest
            evidence = passkeys.verify_assertion(
                tx, console.door.party, person, handle, answer, bytes.fromhex(digest), clock.now()
            )
            if free:
                agree.agree(tx, clock, id, person.id, role, digest, evidence)
            else:
                agree.seem_to_agree(tx, clock, id, person.id, role)

        signin._settle(console.door, give)
        return signin._onward(console.door, f"/approvals/{id}")


def _add_ending(app: FastAPI, console: Console) -> None:
    clock = console.office.clock

    @app.post("/approvals/{id}/veto")
    def veto(person: SentForm, id: str, why: Words) -> Response:
        console.act(lambda tx: agree.veto(tx, clock, id, person.id, why))
        return RedirectResponse(f"/approvals/{id}", 303)

    @app.post("/approvals/{id}/do")
    def do(person: SentForm, id: str) -> Response:
        console.act(lambda tx: agree.carry_out(tx, clock, id, person.id))
        return RedirectResponse(f"/approvals/{id}", 303)
