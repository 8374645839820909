"""Victims' claims in the console: what waits, what the law grants, and each step as one form.

Whoever is signed in is who does the step; who decides does not pay, and the steps themselves say
so (`kiosk.scams.claims`). Nothing here judges: it shows the days and the grant that the law gives.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable
from typing import Annotated, Any, Final

import msgspec
import sqlalchemy as sa
from fastapi import Depends, FastAPI, Form, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from tallystick.core.clock import Clock
from tallystick.core.identity import people
from tallystick.core.identity.people import Person, Role
from tallystick.core.store import Tx
from tallystick.kiosk.scams import claims, grant, intervene, lists
from tallystick.kiosk.scams.claim import EVIDENCE, GROUNDS, NEXT, OPEN, Ground, State
from tallystick.kiosk.scams.claim import Form as ClaimForm
from tallystick.kiosk.scams.errors import ClaimIncomplete, ClaimUnknown
from tallystick.kiosk.scams.questions import SCRIPTS
from tallystick.kiosk.scams.tables import CLAIMS
from tallystick.kiosk.tables import PURCHASES
from tallystick.web.door import allow, allow_form

REFERENCE_CHARS_MAX: Final = 26
ROWS_MAX: Final = 200
NO_NUL: Final = r"^[^\x00]*$"
"""PostgreSQL stores no NUL, and no word of ours has one."""
SUM: Final = r"[0-9]{1,12}"
STATES: Final = {
    "waiting": ("wait", "Waits for evidence"),
    "review": ("care", "To decide"),
    "upheld": ("care", "To pay"),
    "denied": ("stop", "Denied"),
    "paid": ("good", "Paid back"),
    "withdrawn": ("", "Withdrawn"),
}
KINDS: Final = {
    "filed": "Filed",
    "evidence": "Evidence came",
    "upheld": "Upheld",
    "denied": "Denied",
    "paid": "Paid back",
    "appealed": "Appealed",
    "withdrawn": "Withdrawn",
}
Signed = Annotated[Person, Depends(allow(Role.ADMIN, Role.OPERATOR, Role.AUDITOR))]
Acting = Annotated[Person, Depends(allow_form(Role.ADMIN, Role.OPERATOR))]
Words = Annotated[str, Form(min_length=3, max_length=2_000, pattern=NO_NUL)]
Row = dict[str, Any]


def everything(tx: Tx, now: dt.datetime) -> Row:
    """Return all claims: those with a step of ours to take first, the most urgent first."""
    rows = [dict(row) for row in tx.execute(sa.select(CLAIMS)).mappings()]
    for row in rows:
        row["look"], row["word"] = STATES[row["state"]]
        row["by"] = min((d for d in (row["decide_by"], row["pay_by"]) if d), default=None)
        row["ours"] = row["state"] in ("review", "upheld")
        row["late"] = bool(row["ours"] and row["by"] and row["by"] < now)
    never = dt.datetime(9999, 1, 1, tzinfo=dt.UTC)
    rows.sort(key=lambda row: (not row["ours"], row["by"] or never, row["filed_at"]))
    return {"rows": rows[:ROWS_MAX], "scripts": SCRIPTS}


def ours(tx: Tx) -> int:
    """Return how many claims wait for a decision or a payment of ours."""
    waits = CLAIMS.c.state.in_((State.REVIEW.value, State.UPHELD.value))
    return int(tx.execute(sa.select(sa.func.count()).where(waits)).scalar_one())


def one(tx: Tx, reference: str) -> Row | None:
    """Return a claim's page, or None where there is none of this number."""
    claim = _id(tx, reference)
    if claim is None:
        return None
    found = claims.find(tx, claim)
    state = State(found["state"])
    names = {one.id: one.name for one in people.people(tx)}
    ids = [item["purchase"] for item in found["items"]]
    query = sa.select(PURCHASES).where(PURCHASES.c.id.in_(ids))
    bought = {row["id"]: dict(row) for row in tx.execute(query).mappings()}
    return {
        "claim": found,
        "look": STATES[found["state"]][0],
        "word": STATES[found["state"]][1],
        "bought": bought,
        "events": [_event(row, names) for row in found["events"]],
        "decider": names.get(found["decided_by"], found["decided_by"]),
        "grounds": msgspec.json.decode(found["grounds"], type=list[Ground]),
        "may": {to.value for to in NEXT[state]} | ({"evidence"} if state in OPEN else set()),
        "evidence_kinds": EVIDENCE,
        "ground_codes": sorted(GROUNDS),
    }


def _event(row: Row, names: dict[str, str]) -> Row:
    content = msgspec.json.decode(row["content"])
    said = content.get("why") or content.get("where") or ""
    who = names.get(row["by"], row["by"])
    return {"at": row["at"], "kind": KINDS.get(row["kind"], row["kind"]), "by": who, "said": said}


def _id(tx: Tx, reference: str) -> str | None:
    number = reference[:REFERENCE_CHARS_MAX]
    found = tx.execute(sa.select(CLAIMS.c.id).where(CLAIMS.c.reference == number)).scalar()
    return None if found is None else str(found)


def _known(tx: Tx, reference: str) -> str:
    claim = _id(tx, reference)
    if claim is None:
        raise ClaimUnknown(f"no claim has the number {reference[:REFERENCE_CHARS_MAX]}")
    return claim


def filed(tx: Tx, clock: Clock, numbers: str, form: ClaimForm, by: str) -> str:
    """File a claim for purchases by the numbers on their receipts; return its own number."""
    wanted = list(dict.fromkeys(numbers.replace(",", " ").split()))
    query = sa.select(PURCHASES).where(PURCHASES.c.reference.in_(wanted))
    rows = [dict(row) for row in tx.execute(query).mappings()]
    missing = sorted(set(wanted) - {row["reference"] for row in rows})
    if missing or not rows:
        raise ClaimIncomplete(f"no purchase has the number {', '.join(missing) or 'given'}")
    record = intervene.of_purchase(tx, rows[0]["id"])
    duty = grant.granted(tx, rows, form)
    place, ids = rows[0]["jurisdiction"], [row["id"] for row in rows]
    person = record["person"] if record else ""
    claim = claims.file(tx, clock, person, place, form, duty, ids, by)
    return str(claims.find(tx, claim)["reference"])


def decided(
    tx: Tx, clock: Clock, claim: str, given: dict[str, str], ground: Ground | None, by: str
) -> None:
    """Decide a claim: what each purchase gets back, in minor units by its id."""
    items = [item["purchase"] for item in claims.find(tx, claim)["items"]]
    typed = {p: given[p].strip() for p in items if given.get(p, "").strip()}
    strange = [text for text in typed.values() if not re.fullmatch(SUM, text)]
    if strange:
        raise ClaimIncomplete(f"{strange[0][:20]!r} is no sum in the smallest unit, such as 15000")
    sums = {p: int(text) for p, text in typed.items() if int(text)}
    claims.decide(tx, clock, claim, sums, [ground] if ground else [], by)


def add(app: FastAPI, console: Any) -> None:
    """Add the pages and forms of claims to the console."""
    clock: Clock = console.door.clock

    def step(reference: str, act: Callable[[Tx, str], Any]) -> Response:
        with console.store.transact() as tx:
            act(tx, _known(tx, reference))
        return RedirectResponse(f"/claims/{reference[:REFERENCE_CHARS_MAX]}", 303)

    @app.get("/claims", response_class=HTMLResponse)
    def all_claims(request: Request, person: Signed) -> Response:
        return _drawn(console, request, person, "claims", lambda tx: everything(tx, clock.now()))

    @app.get("/claims/{reference}", response_class=HTMLResponse)
    def one_claim(request: Request, person: Signed, reference: str) -> Response:
        return _drawn(console, request, person, "claim", lambda tx: one(tx, reference))

    @app.post("/claims")
    def file(
        person: Acting,
        purchases: Annotated[str, Form(min_length=3, max_length=1_000, pattern=NO_NUL)],
        script: Annotated[str, Form(max_length=40, pattern=NO_NUL)],
        statement: Annotated[str, Form(min_length=3, max_length=500, pattern=NO_NUL)],
        happened: Annotated[dt.date, Form()],
        told: Annotated[dt.date, Form()],
        noticed: Annotated[dt.date | None, Form()] = None,
    ) -> Response:
        form = ClaimForm(happened, told, script, statement, noticed)
        with console.store.transact() as tx:
            number = filed(tx, clock, purchases, form, person.id)
        return RedirectResponse(f"/claims/{number}", 303)

    @app.post("/claims/{reference}/evidence")
    def evidence(
        person: Acting,
        reference: str,
        kind: Annotated[str, Form(max_length=40, pattern=NO_NUL)],
        where: Words,
    ) -> Response:
        by = person.id
        return step(reference, lambda tx, c: claims.add_evidence(tx, clock, c, kind, where, by))

    @app.post("/claims/{reference}/decide")
    async def decide(
        request: Request,
        person: Acting,
        reference: str,
        ground: Annotated[str, Form(max_length=40, pattern=NO_NUL)] = "",
        words: Annotated[str, Form(max_length=2_000, pattern=NO_NUL)] = "",
        cite: Annotated[str, Form(max_length=500, pattern=NO_NUL)] = "",
    ) -> Response:
        given = {name: str(value) for name, value in (await request.form()).items()}
        why = Ground(ground, words, cite) if ground else None
        return await _in_thread(
            step, reference, lambda tx, c: decided(tx, clock, c, given, why, person.id)
        )

    _add_ends(app, clock, step)


def _add_ends(app: FastAPI, clock: Clock, step: Callable[..., Response]) -> None:
    """Add the forms that pay, appeal, withdraw and block."""

    @app.post("/claims/{reference}/pay")
    def pay(person: Acting, reference: str) -> Response:
        return step(reference, lambda tx, c: claims.pay(tx, clock, c, person.id))

    @app.post("/claims/{reference}/appeal")
    def appeal(person: Acting, reference: str, why: Words) -> Response:
        return step(reference, lambda tx, c: claims.appeal(tx, clock, c, why, person.id))

    @app.post("/claims/{reference}/withdraw")
    def withdraw(person: Acting, reference: str, why: Words) -> Response:
        return step(reference, lambda tx, c: claims.withdraw(tx, clock, c, why, person.id))

    @app.post("/claims/{reference}/block")
    def block(person: Acting, reference: str) -> Response:
        return step(reference, lambda tx, c: lists.from_claim(tx, clock, c, person.id))


def _drawn(
    console: Any, request: Request, person: Person, name: str, make: Callable[[Tx], Row | None]
) -> Response:
    drawn: Response = console.draw(request, person, name, make)
    return drawn


async def _in_thread(call: Callable[..., Response], *given: Any) -> Response:
    from starlette.concurrency import run_in_threadpool

    return await run_in_threadpool(call, *given)
