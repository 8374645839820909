"""The independent monitor's page: alarms, stays that are over, findings; and the person's key.

The monitor sees every case and changes none: to look at an alarm and to write a finding are all
that this page can do, and neither can be undone or edited.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Final

from fastapi import Depends, FastAPI, Form, Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from tallystick.core.identity.people import Person
from tallystick.core.store import Tx
from tallystick.hubs import findings, person, statistics
from tallystick.hubs.errors import NotYours
from tallystick.web.door import require_form, require_person
from tallystick.web.hubs.who import Actor, actor

if TYPE_CHECKING:
    from tallystick.web.hubs.app import HubsConsole

ID: Final = r"^[0-9A-HJKMNP-TV-Z]{26}$"
Signed = Annotated[Person, Depends(require_person)]
SentForm = Annotated[Person, Depends(require_form)]
Words = Annotated[str, Form(min_length=1, max_length=findings.WORDS_CHARS_MAX)]


def add(app: FastAPI, console: HubsConsole) -> None:
    """Add the monitor's page and its acts, and the page that gives a person their key."""
    _add_monitor(app, console)
    _add_key(app, console)


def _only_monitor(who: Actor) -> None:
    if not who.has("monitor"):
        raise NotYours("this page is the independent monitor's alone")


def _add_monitor(app: FastAPI, console: HubsConsole) -> None:
    @app.get("/monitor", response_class=HTMLResponse)
    def watch(request: Request, person: Signed) -> Response:
        def make(tx: Tx, who: Actor) -> dict[str, Any]:
            _only_monitor(who)
            seen = findings.watch(tx, console.desk)
            today = console.desk.today()
            return {"watch": seen, "releases": statistics.releases(tx), "today": today}

        return console.draw(request, person, "monitor", make)

    @app.post("/monitor/alarms/{alarm}/seen")
    def see(request: Request, person: SentForm, alarm: str) -> Response:
        with console.store.transact() as tx:
            findings.see(tx, console.desk, alarm[:26], person.id)
        return RedirectResponse("/monitor", 303)

    @app.post("/monitor/findings")
    def find(
        request: Request,
        person: SentForm,
        reference: Annotated[str, Form(min_length=1, max_length=26)],
        words: Words,
        to_person: Annotated[bool, Form()] = False,
    ) -> Response:
        with console.store.transact() as tx:
            findings.write(tx, console.desk, reference.strip(), words, person.id, to_person)
        return RedirectResponse("/monitor#findings", 303)

    @app.post("/monitor/prove")
    def prove(
        request: Request,
        person: SentForm,
        quarter: Annotated[str, Form(pattern=r"^\d{4}-Q[1-4]$")],
    ) -> Response:
        def make(tx: Tx, who: Actor) -> dict[str, Any]:
            _only_monitor(who)
            return {"quarter": quarter, "many": statistics.prove(tx, quarter)}

        return console.draw(request, person, "proved", make)


def _add_key(app: FastAPI, console: HubsConsole) -> None:
    @app.post("/cases/{reference}/key", response_class=HTMLResponse)
    def give(request: Request, person: SentForm, reference: str) -> Response:
        with console.store.transact() as tx:
            case = console.seen(tx, actor(tx, person), reference)
            key = _key(tx, console, case.id, person.id)
        return console.draw(request, person, "key", lambda tx, who: {"case": case, "key": key})


def _key(tx: Tx, console: HubsConsole, case: str, by: str) -> str:
    return person.give_key(tx, console.desk, case, by)
