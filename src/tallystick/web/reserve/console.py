"""The console of a reserve's officials: propose, see what will be signed, approve, veto.

Everything works as plain forms but the passkey itself. Pages are for every signed-in person, acts
for those whose role in the reserve lets them; the steps themselves check it again (Decision 8).
"""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any, Final

import jinja2
from fastapi import Depends, FastAPI, Form, Query, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.staticfiles import StaticFiles

from tallystick.core.errors import TallystickError
from tallystick.core.identity import grants, passkeys
from tallystick.core.identity.errors import IdentityError
from tallystick.core.identity.people import Person
from tallystick.core.money import BTC, MoneyError, parse
from tallystick.core.store import Tx
from tallystick.reserve import (
    approve,
    bundle,
    charter,
    codes,
    lots,
    move,
    queries,
    vaults,
    words,
)
from tallystick.reserve.errors import NotThisPerson, ReserveError
from tallystick.reserve.mandate import INWARD
from tallystick.reserve.office import Office
from tallystick.reserve.propose import Pay, Wanted, check_words, in_parts, propose
from tallystick.web import signin
from tallystick.web.door import Door, form_word, require_form, require_person
from tallystick.web.looks import Looks, templates
from tallystick.web.reserve import agreements, sayings, views

STATIC: Final = Path(__file__).parent / "static"
HERE: Final = Path(__file__).parent
TEMPLATES: Final = templates(HERE / "templates")
TEMPLATES.loader = jinja2.FileSystemLoader([HERE / "templates", HERE.parent / "templates"])
WORDS_MAX: Final = 300
RATE: Final = re.compile(r"[1-9][0-9]{2,6}")
PSBT_CHARS_MAX: Final = 60_000
"""What a form may carry of a signed part; larger ones go by `tallystick reserve take`."""

Signed = Annotated[Person, Depends(require_person)]
SentForm = Annotated[Person, Depends(require_form)]
Words = Annotated[str, Form(max_length=WORDS_MAX)]


class Console:
    """The pages over one office."""

    def __init__(self, office: Office, door: Door) -> None:
        self.office, self.door = office, door

    def draw(
        self,
        request: Request,
        person: Person,
        name: str,
        make: Callable[[Tx], dict[str, Any]],
        status: int = 200,
    ) -> HTMLResponse:
        """Draw a page and its frame from one snapshot."""
        with self.office.store.read() as tx:
            found = make(tx)
            around = views.frame(tx, self.office.clock.now(), person.id)
        page = TEMPLATES.get_template(f"{name}.html").render(
            **(around | found),
            page=name,
            person=person,
            form_word=form_word(request),
            says=sayings,
        )
        return HTMLResponse(page, status)

    def take_code(self, id: str, person: Person, given: str, find: Callable[[Tx], Any]) -> None:
        """Take an official's code for something that exists; a wrong one is kept, then raised."""
        problem: TallystickError | None = None
        with self.office.store.transact() as tx:
            find(tx)
            try:
                codes.enter(tx, self.office.clock, person.id, given, id)
            except TallystickError as error:
                problem = error
        if problem is not None:
            raise problem

    def act(self, step: Callable[[Tx], Any]) -> Any:
        """Run one step of an official in one transaction."""
        with self.office.store.transact() as tx:
            return step(tx)


def create_console(office: Office, door: Door) -> FastAPI:
    """Return the console as an ASGI application."""
    app = FastAPI(
        title="Tallystick reserve console",
        version="1",
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
    )
    console = Console(office, door)
    signin.install(app, door)
    _add_pages(app, console)
    _add_proposing(app, console)
    _add_deciding(app, console)
    _add_stopping(app, console)
    _add_signing(app, console)
    agreements.install(app, console)
    _add_troubles(app, console)
    app.mount("/look", Looks())
    app.mount("/reserve", StaticFiles(directory=STATIC))
    return app


def _add_pages(app: FastAPI, console: Console) -> None:
    clock = console.office.clock

    def simple(path: str, name: str, make: Callable[[Tx], dict[str, Any]]) -> None:
        @app.get(path, response_class=HTMLResponse, name=name)
        def page(request: Request, person: Signed) -> Response:
            return console.draw(request, person, name, make)

    simple(
        "/", "overview", lambda tx: {**views.public(tx, clock.now()), "recent": views.recent(tx)}
    )
    simple("/movements", "movements", lambda tx: {"lines": views.lines(tx)})
    simple("/lots", "lots", lambda tx: _lots(tx, console))
    simple("/vaults", "vaults", lambda tx: _vaults(tx, console))
    simple("/alarms", "alarms", lambda tx: _alarms(tx, console))
    simple("/law", "law", lambda tx: {})

    @app.get("/movements/{id}", response_class=HTMLResponse)
    def one(request: Request, person: Signed, id: str) -> Response:
        def make(tx: Tx) -> dict[str, Any]:
            found = views.movement(tx, id[:40], clock.now(), person.id)
            needs = codes.has(tx, person.id)
            mark = codes.given(tx, person.id, found["one"].id)
            return found | {"needs_code": needs and mark is None, "seems": mark is False}

        return console.draw(request, person, "movement", make)


def _lots(tx: Tx, console: Console) -> dict[str, Any]:
    around = views.common(tx, console.office.clock.now())
    unaccepted = [
        one
        for one in lots.coins(tx)
        if any(not parcel.lot for parcel in lots.parcels(tx, (one.txid, one.vout)))
    ]
    from tallystick.reserve import agree

    waiting = agree.waiting(tx, console.office.clock.now())
    return {
        "lines": views.lot_lines(tx, around["charter"], around["today"]),
        "unaccepted": unaccepted,
        "registered": {one.proposal.subject: one.proposal.id for one in waiting if one.coin},
    }


def _vaults(tx: Tx, console: Console) -> dict[str, Any]:
    from tallystick.reserve import watch

    tip = console.office.chain.tip()
    margin = console.office.policy.refresh_margin_blocks
    found = []
    for vault in vaults.vaults(tx):
        coins = lots.coins(tx, vault.id)
        dues = [watch.refresh_due(vault, coin.height, tip, margin) for coin in coins]
        known = [due for due in dues if due is not None]
        keys = [(key, watch.last_signed(tx, key.fingerprint)) for key in vault.keys]
        found.append(
            {
                "vault": vault,
                "ledger": lots.ledger_of(tx, vault.id).value,
                "sats": sum(coin.sats for coin in coins),
                "coins": len(coins),
                "refresh_in": min(known) if known else None,
                "keys": keys,
            }
        )
    return {"found": found, "tip": tip}


def _alarms(tx: Tx, console: Console) -> dict[str, Any]:
    from tallystick.reserve import agree, record

    waiting = agree.waiting(tx, console.office.clock.now())
    thaws = [one.proposal.id for one in waiting if one.proposal.kind == "thaw" and one.true]
    ended = record.alarms(tx, ended=True)[:50]
    return {"ended": ended, "recent": views.recent(tx, 30), "thaw": thaws[:1]}


# Proposing


def _add_proposing(app: FastAPI, console: Console) -> None:
    def form(tx: Tx, person: Person, **more: Any) -> dict[str, Any]:
        given = {
            "vaults": [v for v in vaults.vaults(tx) if v.state == "active"],
            "lots": [one for one in _lots(tx, console)["lines"] if one.held],
            "acts": sayings.ACTS,
            "given": {},
            "wrong": "",
            "shown": [],
            "warning": words.WARNING,
        }
        return given | more

    @app.get("/propose", response_class=HTMLResponse)
    def blank(request: Request, person: Signed) -> Response:
        return console.draw(request, person, "propose", lambda tx: form(tx, person))

    @app.post("/propose", response_class=HTMLResponse)
    def send(
        request: Request,
        person: SentForm,
        act: Words,
        vault: Words,
        address: Words = "",
        amount: Words = "",
        lot: Words = "",
        order: Words = "",
        to_vault: Words = "",
        why: Words = "",
        seen: Words = "",
    ) -> Response:
        given = {
            "act": act, "vault": vault, "address": address, "amount": amount, "lot": lot,
            "order": order, "to_vault": to_vault, "why": why,
        }  # fmt: skip
        try:
            wanted = _wanted(given)
            if not seen:
                check_words(wanted)
                shown = _published(wanted, person)
                page = lambda tx: form(tx, person, given=given, shown=shown)  # noqa: E731
                return console.draw(request, person, "propose", page)
            inward = act in INWARD
            made = (
                in_parts(console.office, wanted, person.id)
                if inward
                else [propose(console.office, wanted, person.id)]
            )
        except (TallystickError, MoneyError) as error:
            wrong = str(error)
            page = lambda tx: form(tx, person, given=given, wrong=wrong)  # noqa: E731
            return console.draw(request, person, "propose", page, 422)
        return RedirectResponse(f"/movements/{made[0].id}" if len(made) == 1 else "/movements", 303)


def _published(wanted: Wanted, person: Person) -> list[tuple[str, str]]:
    """Return what everybody will read of a proposal, in the order in which the page shows it."""
    found = [("What", sayings.ACTS[wanted.act]), ("Proposed by", f"{person.id} (no name)")]
    found += [("Amount", f"{pay.sats:,} sats, to {pay.address}") for pay in wanted.pays]
    found += [("Order", text) for _, text in wanted.orders]
    return [*found, ("Why", wanted.why)]


def _wanted(given: dict[str, str]) -> Wanted:
    """Read the form; raise `ReserveError` or `MoneyError` naming what is wrong."""
    act = given["act"]
    pays: tuple[Pay, ...] = ()
    if act not in INWARD:
        if not given["address"].strip():
            raise ReserveError("say to which address it goes")
        sats = parse(given["amount"], BTC).minor
        pays = (Pay(given["address"].strip(), sats),)
    orders = ((given["lot"], given["order"]),) if given["lot"] and given["order"] else ()
    to_vault = given["to_vault"] if act == "rotate" else ""
    why = given["why"].strip()
    return Wanted(act, given["vault"], pays=pays, orders=orders, why=why, to_vault=to_vault)


# Deciding


def _add_deciding(app: FastAPI, console: Console) -> None:
    clock = console.office.clock

    @app.post("/movements/{id}/code")
    def code(person: SentForm, id: str, given: Words) -> Response:
        console.take_code(id, person, given, lambda tx: queries.movement(tx, id))
        return RedirectResponse(f"/movements/{id}", 303)

    @app.post("/movements/{id}/approve/begin", dependencies=[signin.Knock])
    def begin(request: Request, person: SentForm, id: str) -> Response:
        def ask(tx: Tx) -> Any:
            found = queries.movement(tx, id)
            codes.require(tx, person.id, found.id)
            digest = bytes.fromhex(found.digest)
            given = (console.door.party, person, digest, clock.now(), clock)
            return passkeys.begin_assertion(tx, *given)

        question = signin._settle(console.door, ask)
        return signin._question(console.door, question)

    @app.post("/movements/{id}/approve/finish", dependencies=[signin.Knock])
    def finish(
        request: Request,
        person: SentForm,
        id: str,
        answer: signin.Answer,
        role: Annotated[str, Query(max_length=60)],
    ) -> Response:
        handle = signin._handle(request)

        def agree(tx: Tx) -> None:
            found = queries.movement(tx, id)
            free = codes.require(tx, person.id, found.id)
            digest = bytes.fromhex(found.digest)
            evidence = passkeys.verify_assertion(
                tx, console.door.party, person, handle, answer, digest, clock.now()
            )
            if free:
                approve.approve(tx, clock, found.id, person.id, role, found.digest, evidence)
            else:
                approve.seem_to_approve(tx, clock, found.id, person.id, role)

        signin._settle(console.door, agree)
        return signin._onward(console.door, f"/movements/{id}")


def _add_stopping(app: FastAPI, console: Console) -> None:
    """Add vetoes, withdrawals, the end of a notice, and the freeze."""
    clock = console.office.clock

    @app.post("/movements/{id}/veto")
    def veto(person: SentForm, id: str, why: Words) -> Response:
        console.act(lambda tx: approve.veto(tx, clock, id, person.id, why))
        return RedirectResponse(f"/movements/{id}", 303)

    @app.post("/movements/{id}/withdraw")
    def withdraw(person: SentForm, id: str, why: Words) -> Response:
        console.act(lambda tx: approve.withdraw(tx, clock, id, person.id, why))
        return RedirectResponse(f"/movements/{id}", 303)

    @app.post("/movements/{id}/authorise")
    def authorise(person: SentForm, id: str) -> Response:
        console.act(lambda tx: approve.authorise(tx, clock, id, person.id))
        return RedirectResponse(f"/movements/{id}", 303)

    @app.post("/freeze")
    def freeze(person: SentForm, why: Words) -> Response:
        console.act(lambda tx: charter.freeze_by(tx, clock, person.id, why))
        return RedirectResponse("/alarms", 303)


# Signing


def _add_signing(app: FastAPI, console: Console) -> None:
    office = console.office

    @app.get("/movements/{id}/{which}.psbt")
    def psbt(person: Signed, id: str, which: str) -> Response:
        with office.store.read() as tx:
            plan = move.plan_of(queries.movement(tx, id), which)
        return _file(plan.psbt.encode(), f"{id}-{which}.psbt", "text/plain")

    @app.get("/movements/{id}/bundle.json")
    def bundled(person: Signed, id: str) -> Response:
        with office.store.read() as tx:
            body = bundle.write(bundle.bundle_of(tx, queries.movement(tx, id)))
        return _file(body, f"{id}-bundle.json", "application/json")

    @app.post("/movements/{id}/part")
    def part(
        person: SentForm,
        id: str,
        which: Words,
        signed: Annotated[str, Form(max_length=PSBT_CHARS_MAX)],
    ) -> Response:
        move.receive(office, id, which, signed)
        return RedirectResponse(f"/movements/{id}", 303)

    @app.post("/movements/{id}/bump")
    def bump(person: SentForm, id: str, rate: Words) -> Response:
        if charter.VETOING.isdisjoint(console.act(lambda tx: grants.held(tx, person.id))):
            raise NotThisPerson(f"{person.id} is no official of this reserve")
        if not RATE.fullmatch(rate):
            raise ReserveError("a fee rate is a whole number of satoshis for 1,000 virtual bytes")
        move.raise_fee(office, id, int(rate))
        return RedirectResponse(f"/movements/{id}", 303)

    @app.post("/movements/{id}/finish")
    def finish(person: SentForm, id: str) -> Response:
        move.finish(office, id)
        return RedirectResponse(f"/movements/{id}", 303)


def _file(body: bytes, name: str, kind: str) -> Response:
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return Response(body, media_type=kind, headers=headers)


def _add_troubles(app: FastAPI, console: Console) -> None:
    def trouble(request: Request, said: str, status: int) -> Response:
        try:
            person = require_person(request)
        except IdentityError:
            return RedirectResponse("/sign-in", 303)
        return console.draw(request, person, "trouble", lambda tx: {"said": said}, status)

    @app.exception_handler(TallystickError)
    def refused(request: Request, error: Exception) -> Response:
        if isinstance(error, IdentityError):
            raise error
        wants_page = "text/html" in request.headers.get("accept", "")
        if not wants_page:
            from tallystick.kiosk.wire import Problem

            return _problem(error, Problem)
        return trouble(request, str(error), 409)

    @app.exception_handler(RequestValidationError)
    def invalid(request: Request, error: Exception) -> Response:
        return trouble(request, "Something in the form is missing or too long.", 422)

    @app.exception_handler(HTTPException)
    def not_there(request: Request, error: Exception) -> Response:
        status = error.status_code if isinstance(error, HTTPException) else 500
        return trouble(request, "There is no such page here.", status)


def _problem(error: Exception, kind: Any) -> Response:
    import msgspec

    known = error if isinstance(error, TallystickError) else TallystickError(str(error))
    problem = kind(
        type=f"urn:tallystick:{known.code}",
        title=type(known).__name__,
        status=409,
        code=known.code,
        detail=(type(known).__doc__ or "").strip(),
        money=known.money,
        say=str(known),
    )
    body = msgspec.json.encode(problem)
    return Response(body, 409, media_type="application/problem+json")
