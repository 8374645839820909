"""Customers in the console: who looks says why, and is written down before anything is shown.

The list and a customer's page hold no personal data: ids, days, purchases, what is kept and by
which law. Opening it is a form with a reason; the answer is one page, kept by no browser. Auditors
see the record of reads and open nothing.
"""

from __future__ import annotations

from typing import Annotated, Any, Final

import sqlalchemy as sa
from fastapi import Depends, FastAPI, Form, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from tallystick.core.identity import people as officers
from tallystick.core.identity.people import Person, Role
from tallystick.core.store import Tx
from tallystick.kiosk.customers import copies, people, phone, rights, sweep
from tallystick.kiosk.customers.errors import CustomerUnknown
from tallystick.kiosk.customers.identify import of
from tallystick.kiosk.customers.tables import BUYERS, CUSTOMERS, LINKS
from tallystick.kiosk.scams import calls, guard
from tallystick.kiosk.tables import PURCHASES
from tallystick.web.console.claims import NO_NUL
from tallystick.web.door import allow, allow_form

ROWS_MAX: Final = 200
ID_CHARS_MAX: Final = 26
NO_STORE: Final = {"Cache-Control": "no-store"}
ACTS: Final = {"read": "Opened one record", "export": "Opened everything", "erase": "Erased"}

Signed = Annotated[Person, Depends(allow(Role.ADMIN, Role.OPERATOR, Role.AUDITOR))]
Acting = Annotated[Person, Depends(allow_form(Role.ADMIN, Role.OPERATOR))]
Why = Annotated[str, Form(min_length=5, max_length=200, pattern=r"^[^\r\n]*$")]
Row = dict[str, Any]


def everybody(tx: Tx) -> Row:
    """Return the newest customers, with how much they bought; nobody's name."""
    c = CUSTOMERS.c
    count = sa.select(sa.func.count()).where(BUYERS.c.customer == c.id).scalar_subquery()
    query = sa.select(CUSTOMERS, count.label("visits")).where(c.merged_into.is_(None))
    rows = tx.execute(query.order_by(c.made_at.desc()).limit(ROWS_MAX)).mappings()
    return {"rows": [dict(row) for row in rows], "run": sweep.last(tx)}


def _number(tx: Tx, purchase: str, number: str) -> Row:
    """Return the page of a call: the number, and the slip's own by which the call proves itself."""
    query = sa.select(PURCHASES.c.reference).where(PURCHASES.c.id == purchase[:ID_CHARS_MAX])
    reference = str(tx.execute(query).scalar() or "")
    return {
        "purchase": purchase[:ID_CHARS_MAX],
        "number": number,
        "reference": reference,
        "results": calls.SAID,
        "waits": guard.waits_now(tx, purchase),
        "words_most": calls.WORDS_LENGTH_MAX,
    }


def one(tx: Tx, console: Any, customer: str) -> Row | None:
    """Return a customer's page, without anything personal; None where there is none."""
    try:
        row = people.find(tx, customer[:ID_CHARS_MAX])
    except CustomerUnknown:
        return None
    names = {person.id: person.name for person in officers.people(tx)}
    vault = of(console.desk).vault
    subjects = people.subjects(tx, row["id"])
    mine = sa.and_(LINKS.c.customer == row["id"], LINKS.c.kind == people.PHONE)
    phones = tx.execute(sa.select(sa.func.count()).where(mine)).scalar_one()
    return {
        "customer": row,
        "phones": phones,
        "held": [one for subject in subjects for one in vault.held(tx, subject)],
        "accesses": [
            {"at": a.at, "act": ACTS[a.act], "who": names.get(a.who, a.who), "why": a.why}
            for subject in subjects
            for a in vault.accesses(tx, subject)
        ],
        "bought": rights.purchases(tx, row["id"]),
        "opened": None,
        "kinds": copies.KINDS,
        "labels": copies.LABELS,
    }


def add(app: FastAPI, console: Any) -> None:
    """Add the pages and forms of customers to the console."""
    store, desk = console.store, console.desk

    def drawn(request: Request, person: Person, name: str, make: Any) -> Response:
        page: Response = console.draw(request, person, name, make)
        page.headers.update(NO_STORE)
        return page

    @app.get("/customers", response_class=HTMLResponse)
    def all_customers(request: Request, person: Signed) -> Response:
        return drawn(request, person, "customers", everybody)

    @app.post("/customers")
    def find(person: Acting, number: Annotated[str, Form(max_length=30)]) -> Response:
        """Find somebody by a number, which is in no address and no log."""
        normal = phone.normal(number, desk.place.code) or ""
        with store.read() as tx:
            link = of(desk).vault.link(people.PHONE, normal)
            customer = people.of_link(tx, people.PHONE, link)
        if not customer:
            raise CustomerUnknown("Nobody has shown this number. Look at it again.")
        return RedirectResponse(f"/customers/{customer}", 303)

    @app.get("/customers/{customer}", response_class=HTMLResponse)
    def customer_page(request: Request, person: Signed, customer: str) -> Response:
        return drawn(request, person, "customer", lambda tx: one(tx, console, customer))

    @app.post("/customers/{customer}/open", response_class=HTMLResponse)
    def open_all(request: Request, person: Acting, customer: str, why: Why) -> Response:
        told = rights.export(store, desk, customer[:ID_CHARS_MAX], person.id, why)

        def make(tx: Tx) -> Row | None:
            found = one(tx, console, customer)
            return found and found | {"opened": told["records"]}

        return drawn(request, person, "customer", make)

    @app.post("/customers/{customer}/copy")
    def copy(
        person: Acting,
        customer: str,
        why: Why,
        form: Annotated[str, Form(pattern="^(pdf|json)$")] = "pdf",
    ) -> Response:
        told = rights.export(store, desk, customer[:ID_CHARS_MAX], person.id, why)
        kind, make = copies.FORMS[form]
        name = f'attachment; filename="customer-{told["customer"]}.{form}"'
        head = {"Content-Disposition": name, **NO_STORE}
        return Response(make(told), media_type=kind, headers=head)

    @app.post("/customers/{customer}/erase")
    def erase(person: Acting, customer: str, why: Why) -> Response:
        rights.erase(store, desk, customer[:ID_CHARS_MAX], person.id, why)
        return RedirectResponse(f"/customers/{customer[:ID_CHARS_MAX]}", 303)

    _add_calls(app, console, drawn)


def _add_calls(app: FastAPI, console: Any, drawn: Any) -> None:
    """Add the call back: the number, opened on record, and what came of the call."""
    store, desk = console.store, console.desk

    @app.post("/purchases/{purchase}/number", response_class=HTMLResponse)
    def number(request: Request, person: Acting, purchase: str, why: Why) -> Response:
        """Show the number to call back about a held purchase: one shown on an earlier visit."""
        known = "".join(filter(str.isalnum, purchase[:ID_CHARS_MAX]))
        called = rights.call_back(store, desk, known, person.id, why)
        page: Response = drawn(request, person, "number", lambda tx: _number(tx, known, called))
        return page

    @app.post("/purchases/{purchase}/called")
    def called(
        person: Acting,
        purchase: str,
        slip: Annotated[str, Form(min_length=3, max_length=30, pattern=NO_NUL)],
        result: Annotated[calls.Result, Form()],
        words: Annotated[str, Form(max_length=calls.WORDS_LENGTH_MAX, pattern=NO_NUL)] = "",
    ) -> Response:
        """Record the call in the name of whoever opened the number."""
        known = "".join(filter(str.isalnum, purchase[:ID_CHARS_MAX]))
        with store.transact() as tx:
            calls.record(tx, desk, known, slip, result, words, person.id)
        return RedirectResponse(f"/purchases/{known}#calls", 303)
