"""Hits against the sanctions lists in the console: the queue, one hit, and its decision by two.

For officers of compliance alone: to anybody else there is no such page. A customer's name is shown
only when an officer asks for it with a reason, which the vault writes down first; the reasons of a
score are worked out anew then, and kept nowhere.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any, Final

import msgspec
import sqlalchemy as sa
from fastapi import Depends, FastAPI, Form, Path, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from starlette.exceptions import HTTPException

from tallystick.core import approvals
from tallystick.core.clock import Clock
from tallystick.core.identity import grants, people
from tallystick.core.identity.people import Person
from tallystick.core.store import Tx
from tallystick.kiosk.screening import hits, lists, policy, screen
from tallystick.kiosk.screening.errors import HitUnknown
from tallystick.kiosk.screening.index import build
from tallystick.kiosk.screening.model import GROUNDS, ROLE, Decision, Outcome, State
from tallystick.kiosk.screening.say import reasons
from tallystick.kiosk.screening.tables import HITS
from tallystick.web.door import require_form, require_person

WHY_CHARS_MAX: Final = 200
STATES: Final = {
    "hit": ("care", "To review"),
    "review": ("wait", "To approve"),
    "cleared": ("good", "Cleared"),
    "confirmed": ("stop", "Confirmed"),
    "gone": ("", "No longer listed"),
}
KINDS: Final = {
    "opened": "Found",
    "proposed": "Decision proposed",
    "cleared": "Cleared",
    "confirmed": "Confirmed",
    "taken_back": "Proposal taken back",
    "reopened": "Opened again",
    "gone": "The entry is no longer listed",
}
LISTS: Final = {"ofac": "OFAC SDN", "eu": "European Union", "un": "United Nations", "uk": "UK"}
NOT_HERE: Final = "There is no such page here. Check the address, or search for it."
Row = dict[str, Any]
Signed = Annotated[Person, Depends(require_person)]
Sent = Annotated[Person, Depends(require_form)]
Named = Annotated[str, Path(pattern=r"^[0-9A-HJKMNP-TV-Z]{26}$")]
Why = Annotated[str, Form(min_length=3, max_length=WHY_CHARS_MAX)]


def allowed(tx: Tx, person: Person) -> None:
    """Raise as for a page that is not there, unless the person is of compliance."""
    if ROLE not in grants.held(tx, person.id):
        raise HTTPException(404, NOT_HERE)


def everything(tx: Tx, screening: screen.Screening) -> Row:
    """Return the queue, what was decided, and the lists with their age."""
    told = screen.status(tx, screening)
    decided = hits.queue(tx, (State.CLEARED, State.CONFIRMED, State.GONE))
    return {
        "rows": [_row(row) for row in hits.queue(tx)],
        "decided": [_row(row) for row in decided],
        "status": told,
        "list_names": LISTS,
        "wanted": screening.lists.policy.lists,
    }


def _row(row: Row) -> Row:
    look, word = STATES[row["state"]]
    return row | {"look": look, "word": word, "list": LISTS.get(row["entry"].split("/")[0], "")}


def one(tx: Tx, hit: str, person: Person) -> Row | None:
    """Return one hit with its entry, its history and what this officer may do of it."""
    try:
        row = hits.find(tx, hit)
    except HitUnknown:
        return None
    entry = lists.find(tx, row["entry"], row["entry_digest"])
    decision = msgspec.json.decode(row["decision"], type=Decision) if row["decision"] else None
    maker = approvals.get(tx, row["proposal"]).maker if row["state"] == "review" else ""
    names = {known.id: known.name for known in people.people(tx)}
    return {
        "hit": _row(row),
        "entry": entry,
        "decision": decision,
        "mine": maker == person.id,
        "maker": names.get(maker, ""),
        "events": [
            {"at": e["at"], "kind": KINDS[e["kind"]], "by": names.get(e["by"], e["by"])}
            for e in row["events"]
        ],
        "clears": [g for g, o in GROUNDS.items() if o is Outcome.CLEARED],
        "confirms": [g for g, o in GROUNDS.items() if o is Outcome.CONFIRMED],
        "in_force": lists.find(tx, row["entry"]) is not None,
    }


def add(app: FastAPI, console: Any) -> None:
    """Add the pages and forms of screening to the console."""
    clock: Clock = console.door.clock
    held = policy.load()
    screening = screen.Screening(clock, lists.Lists(held))

    def drawn(
        request: Request, person: Person, name: str, make: Callable[[Tx], Row | None]
    ) -> Response:
        def checked(tx: Tx) -> Row | None:
            allowed(tx, person)
            return make(tx)

        page: Response = console.draw(request, person, name, checked)
        return page

    def step(hit: str, person: Person, act: Callable[[Tx, str], Any]) -> Response:
        with console.store.transact() as tx:
            allowed(tx, person)
            act(tx, hit)
        return RedirectResponse(f"/screening/{hit}", 303)

    @app.get("/screening", response_class=HTMLResponse)
    def queue(request: Request, person: Signed) -> Response:
        return drawn(request, person, "screening", lambda tx: everything(tx, screening))

    @app.get("/screening/{hit}", response_class=HTMLResponse)
    def one_hit(request: Request, person: Signed, hit: Named) -> Response:
        return drawn(request, person, "hit", lambda tx: _plain(one(tx, hit, person)))

    @app.post("/screening/{hit}/explain", response_class=HTMLResponse)
    def explain(request: Request, person: Sent, hit: Named, why: Why) -> Response:
        with console.store.read() as tx:
            allowed(tx, person)
        told = _explained(console, hit, person, why)
        make = lambda tx: (one(tx, hit, person) or {}) | told  # noqa: E731
        return drawn(request, person, "hit", make)

    @app.post("/screening/{hit}/propose")
    def propose(
        person: Sent,
        hit: Named,
        ground: Annotated[str, Form(max_length=40)],
        evidence: Annotated[str, Form(min_length=1, max_length=hits.EVIDENCE_LENGTH_MAX)],
    ) -> Response:
        return step(
            hit,
            person,
            lambda tx, h: hits.propose(tx, clock, held, h, ground, evidence, person.id),
        )

    @app.post("/screening/{hit}/approve")
    def approve(person: Sent, hit: Named) -> Response:
        return step(hit, person, lambda tx, h: hits.approve(tx, clock, h, person.id, "console"))

    @app.post("/screening/{hit}/take-back")
    def take_back(person: Sent, hit: Named, why: Why) -> Response:
        return step(hit, person, lambda tx, h: hits.take_back(tx, clock, h, person.id, why))

    @app.post("/screening/{hit}/reopen")
    def reopen(person: Sent, hit: Named) -> Response:
        return step(hit, person, lambda tx, h: hits.reopen(tx, clock, h, person.id))


def _plain(found: Row | None) -> Row | None:
    return None if found is None else found | {"names": (), "because": (), "asked": False}


def _explained(console: Any, hit: str, person: Person, why: str) -> Row:
    """Return the customer's names and the reasons of the score; the read is written down first."""
    with console.store.read() as tx:
        row = hits.find(tx, hit)
        entry = lists.find(tx, row["entry"], row["entry_digest"])
    roll = console.offices.roll
    subject = roll.subject(console.store, row["person"], person.id, why) if roll else None
    if subject is None or entry is None:
        return {"names": (), "because": ("The vault has no name of this person.",), "asked": True}
    found = build([entry]).screen(subject, 0)
    because = tuple(reasons(found[0])) if found else ("The names no longer meet.",)
    born = [f"{one_.first} to {one_.last}" for one_ in subject.born]
    return {"names": (*subject.names, *born), "because": because, "asked": True}


def waiting(tx: Tx) -> int:
    """Return how many hits wait for officers."""
    states = [State.HIT.value, State.REVIEW.value]
    query = sa.select(sa.func.count()).where(HITS.c.state.in_(states))
    return int(tx.execute(query).scalar_one())
