"""The page that says whether a lawful place exists for those who wait, where, and why not there.

It shows `placement` and decides nothing: no place is reserved by looking, and nobody is moved. A
lawyer sees the answers of their clients alone, reckoned among all who wait. Whoever may not see a
case learns nothing of it here but that a ceiling is reached.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Final

from fastapi import Depends, FastAPI, Request
from starlette.responses import HTMLResponse, Response

from tallystick.core.identity.people import Person
from tallystick.core.store import Tx
from tallystick.hubs import placement, queries, record
from tallystick.hubs.desk import Desk
from tallystick.hubs.model import State
from tallystick.hubs.record import Case
from tallystick.hubs.waiting import elsewhere, waiting
from tallystick.web.door import require_person
from tallystick.web.hubs import sayings
from tallystick.web.hubs.who import Actor

if TYPE_CHECKING:
    from tallystick.web.hubs.app import HubsConsole

PLACES_PEOPLE_MAX: Final = 400
"""Where more wait, the page would be slow: the command answers for them."""
CASE_PEOPLE_MAX: Final = 25
"""Where more wait, a case's page points to this page."""
Signed = Annotated[Person, Depends(require_person)]


def add(app: FastAPI, console: HubsConsole) -> None:
    """Add the page of places."""

    @app.get("/places", response_class=HTMLResponse)
    def places(request: Request, person: Signed) -> Response:
        return console.draw(request, person, "places", lambda tx, who: page(tx, console.desk, who))


def page(tx: Tx, desk: Desk, who: Actor) -> dict[str, Any]:
    """Return what is said to each whom this person may see, in order of date."""
    many = queries.counts(tx)[State.ELIGIBLE.value]
    if many > PLACES_PEOPLE_MAX:
        return {"rows": [], "many": many, "most": PLACES_PEOPLE_MAX, "closed": {}}
    waits = [one for one in queries.in_order(tx, State.ELIGIBLE) if who.may_see(one)]
    cases = [one for one in waits if not record.erased(desk, one)]
    rows = [{"case": one, **row} for one, row in zip(cases, _rows(tx, desk, cases), strict=True)]
    senders = sorted({one.sender for one in cases})
    closed = {sender: closed_to(tx, sender) for sender in senders}
    return {"rows": rows, "many": many, "most": PLACES_PEOPLE_MAX, "closed": closed}


def of_case(tx: Tx, desk: Desk, case: Case) -> dict[str, Any] | None:
    """Return what is said of one case's place; nothing unless it waits, and few do."""
    few = queries.counts(tx)[State.ELIGIBLE.value] <= CASE_PEOPLE_MAX
    if case.state is not State.ELIGIBLE or not few:
        return None
    return {**_rows(tx, desk, [case])[0], "closed": closed_to(tx, case.sender)}


def closed_to(tx: Tx, sender: str) -> list[tuple[str, str, str]]:
    """Return the agreements under which nobody may be sent now: id, name, and how each stands."""
    return [
        (one.id, one.name, sayings.CLOSED.get(status) or sayings.STATUSES[status].word.lower())
        for one, status in elsewhere(tx, sender)
    ]


def _rows(tx: Tx, desk: Desk, cases: list[Case]) -> list[dict[str, Any]]:
    people, hosts = waiting(tx, desk)
    found = placement.place(people, hosts, desk.today())
    names = {host.id: host.name for host in hosts}
    return [
        {
            "said": sayings.PLACES[answer.outcome.value],
            "host": (answer.host, names.get(answer.host, "")),
            "day": answer.not_before,
            "why": [(one, names[one], "; ".join(why)) for one, why in answer.reasons.items()],
        }
        for answer in (found[case.reference] for case in cases)
    ]
