"""Reports in the console: what is due, drafts and filings by two, and the lists that the law wants.

A report of suspicion exists for officers of compliance alone; to anybody else there is none. Who
opens a report, or a list of persons and sums, as a page or a file, is written down first. What a
page shows the command line prints, by the same functions (`kiosk.reports`).
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Final

import msgspec
from fastapi import Depends, FastAPI, Form, Path, Query, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from starlette.exceptions import HTTPException

from tallystick.core import approvals
from tallystick.core.clock import Clock
from tallystick.core.identity import grants, people
from tallystick.core.identity.people import Person, Role
from tallystick.core.store import Tx
from tallystick.kiosk.particulars import Particulars
from tallystick.kiosk.reports import filing, paper, reads, records
from tallystick.kiosk.reports.errors import ReportIncomplete, ReportUnknown
from tallystick.kiosk.reports.model import NARRATIVE_LENGTH_MAX, NEXT, ROLE, SECRET, State
from tallystick.web.console.claims import NO_NUL
from tallystick.web.door import allow, allow_form

SOON_DAYS: Final = 7
NO_STORE: Final = {"Cache-Control": "no-store"}
PDF_ROWS_MAX: Final = 2_000
"""A PDF of more rows takes longer than a page may; the CSV has them all."""
NOT_HERE: Final = "There is no such page here. Check the address, or search for it."
STATES: Final = {
    "draft": ("care", "Draft"),
    "proposed": ("wait", "Waits for another officer"),
    "filed": ("good", "Filed"),
    "dropped": ("", "Dropped"),
}
KINDS: Final = {"ctr": "Large cash", "sar": "Suspicion"}
STEPS: Final = {
    "drafted": "Drafted",
    "rewritten": "Written anew",
    "proposed": "Proposed to be filed",
    "taken_back": "Taken back",
    "filed": "Filed",
    "dropped": "Dropped",
}
FORMS: Final = {"page": "On the screen", "csv": "As CSV", "pdf": "As PDF", "narrative": "Narrative"}
LOOKING: Final = (Role.ADMIN, Role.OPERATOR, Role.AUDITOR)

Row = dict[str, Any]
Signed = Annotated[Person, Depends(allow(*LOOKING))]
Sent = Annotated[Person, Depends(allow_form(*LOOKING))]
Named = Annotated[str, Path(pattern=r"^[0-9A-HJKMNP-TV-Z]{26}$")]
As = Annotated[str, Query(alias="as", pattern="^(|csv|pdf)$")]
Why = Annotated[str, Form(min_length=3, max_length=200, pattern=NO_NUL)]


@dataclass(frozen=True, slots=True)
class Sheet:
    """A list as the law wants it: a page, a CSV and a PDF from the same rows."""

    name: str
    title: str
    says: str
    rows: Sequence[Mapping[str, Any]]
    secret: bool = False
    shown: Sequence[Mapping[str, Any]] = ()
    """The columns that fit a page; empty: the file's."""

    @property
    def lines(self) -> Sequence[Mapping[str, Any]]:
        """Return what the page shows."""
        return self.shown or self.rows


def officer(tx: Tx, person: Person) -> bool:
    """Say whether a person is of compliance."""
    return ROLE in grants.held(tx, person.id)


def everything(tx: Tx, person: Person, now: dt.datetime, every: bool) -> Row:
    """Return the reports that wait, the most urgent first, or all; and how urgent they are."""
    states = tuple(State) if every else (State.DRAFT, State.PROPOSED)
    rows = [_due(row, now) for row in filing.listed(tx, person.id, states)]
    open_ = [row for row in rows if row["open"]]
    return {
        "rows": rows,
        "every": every,
        "late": sum(row["left"] < 0 for row in open_),
        "soon": sum(0 <= row["left"] <= SOON_DAYS for row in open_),
        "proposed": sum(row["state"] == "proposed" for row in open_),
        "open": len(open_),
        "officer": officer(tx, person),
    }


def urgent(tx: Tx, person: Person, now: dt.datetime) -> int:
    """Return how many reports that this person may know of are due within a week, or overdue."""
    rows = [_due(row, now) for row in filing.listed(tx, person.id)]
    return sum(row["left"] <= SOON_DAYS for row in rows)


def _due(row: Row, now: dt.datetime) -> Row:
    look, word = STATES[row["state"]]
    more = {"look": look, "word": word, "kind_word": KINDS[row["kind"]]}
    return (
        row | more | {"left": filing.left(row, now), "open": row["state"] in ("draft", "proposed")}
    )


def one(
    tx: Tx, report: str, person: Person, now: dt.datetime, who: Particulars | None = None
) -> Row | None:
    """Return a report's page, or None where there is none for this person."""
    try:
        row = filing.find(tx, report, person.id)
    except ReportUnknown:
        return None
    names = {known.id: known.name for known in people.people(tx)}
    state = State(row["state"])
    maker, approved = "", False
    if state is State.PROPOSED:
        maker = approvals.get(tx, row["proposal"]).maker
        stage = approvals.status(tx, row["proposal"], now).stage
        approved = stage is approvals.Stage.READY
    return {
        "report": _due(row, now),
        "fields": paper.fields(row["draft"], who, records.stands(tx, who)),
        "draft": row["draft"],
        "events": [_event(e, names) for e in row["events"]],
        "because": _because(row["events"]),
        "reads": [r | {"who": names.get(r["by"], r["by"])} for r in reads.of(tx, report)],
        "forms": FORMS,
        "officer": officer(tx, person),
        "mine": maker == person.id,
        "maker": names.get(maker, maker),
        "approved": approved,
        "may": {to.value for to in NEXT[state]},
        "secret": row["kind"] in SECRET,
        "narrative_most": NARRATIVE_LENGTH_MAX,
        "told": None,
    }


def _event(event: Row, names: dict[str, str]) -> Row:
    content = msgspec.json.decode(event["content"])
    said = content.get("why") or content.get("number") or ""
    who = names.get(event["by"], event["by"])
    return {"at": event["at"], "kind": STEPS[event["kind"]], "by": who, "said": said}


def _because(events: Sequence[Row]) -> str:
    return str(msgspec.json.decode(events[0]["content"]).get("because", "")) if events else ""


class Desk:
    """The pages' shared parts: who may look, each look written down, one form for each step."""

    def __init__(self, console: Any) -> None:
        self.console, self.store = console, console.store
        self.clock: Clock = console.door.clock

    @property
    def who(self) -> Particulars | None:
        """Return who files the reports; None where nobody has stated it."""
        found: Particulars | None = self.console.desk.policy.operator
        return found

    def looks(self, person: Person, what: str, how: str, secret: str = "") -> None:
        """Write a look down before anything is shown; ``secret``: a report that may not exist."""
        with self.store.transact() as tx:
            if secret:
                filing.find(tx, secret, person.id)
            reads.note(tx, self.clock, person.id, what, how)

    def drawn(
        self, request: Request, person: Person, name: str, make: Callable[[Tx], Row | None]
    ) -> Response:
        """Draw a page that no browser keeps."""
        page: Response = self.console.draw(request, person, name, make)
        page.headers.update(NO_STORE)
        return page

    def sheet(
        self, request: Request, person: Person, form: str, make: Callable[[Tx], Sheet], **more: Any
    ) -> Response:
        """Show a list as a page or a file, once the look is written down."""
        with self.store.read() as tx:
            made = make(tx)
        self.looks(person, made.name, form or "page")
        if form:
            return as_file(made, form)

        def rows(tx: Tx) -> Row:
            names = {known.id: known.name for known in people.people(tx)}
            seen = [r | {"who": names.get(r["by"], r["by"])} for r in reads.of(tx, made.name)]
            query = request.url.query
            return {
                "sheet": made,
                "reads": seen,
                "forms": FORMS,
                "query": f"{query}&" if query else "",
                "officer": officer(tx, person),
                **more,
            }

        return self.drawn(request, person, "sheet", rows)

    def step(self, report: str, person: Person, act: Callable[[Tx], Any]) -> Response:
        """Take one step of a report, as an officer of compliance alone may."""
        with self.store.transact() as tx:
            if not officer(tx, person):
                raise HTTPException(404, NOT_HERE)
            act(tx)
        return RedirectResponse(f"/reports/{report}", 303)


def as_file(sheet: Sheet, form: str) -> Response:
    """Return a list as CSV or PDF, to be saved."""
    name = f'attachment; filename="{sheet.name}.{form}"'
    head = {"Content-Disposition": name, **NO_STORE}
    if form == "csv":
        return Response(paper.as_csv(sheet.rows), media_type="text/csv", headers=head)
    if len(sheet.rows) > PDF_ROWS_MAX:
        raise ReportIncomplete(f"{len(sheet.rows)} rows; a PDF has {PDF_ROWS_MAX} at most, CSV all")
    made = paper.as_pdf(sheet.title, sheet.rows, sheet.secret)
    return Response(made, media_type="application/pdf", headers=head)


def add(app: FastAPI, desk: Desk) -> None:
    """Add the pages and forms of reports to the console, after the lists, whose names are fixed."""

    @app.get("/reports", response_class=HTMLResponse)
    def due(
        request: Request,
        person: Signed,
        every: Annotated[str, Query(pattern="^(|yes)$")] = "",
        form: As = "",
    ) -> Response:
        """The reports that wait, the most urgent first."""
        if form:
            return _due_file(desk, person, every == "yes", form)
        now = desk.clock.now()
        return desk.drawn(
            request, person, "reports", lambda tx: everything(tx, person, now, every == "yes")
        )

    _add_one(app, desk)
    _add_steps(app, desk)


def _due_file(desk: Desk, person: Person, every: bool, form: str) -> Response:
    with desk.store.read() as tx:
        found = everything(tx, person, desk.clock.now(), every)["rows"]
    names = ("id", "kind", "state", "first_day", "last_day", "due", "left", "number")
    rows = [{name: row[name] for name in names} for row in found]
    secret = any(row["kind"] in SECRET for row in found)
    desk.looks(person, "due", form)
    return as_file(Sheet("due", "Reports due", "", rows, secret), form)


def _add_one(app: FastAPI, desk: Desk) -> None:
    """Add one report's page, its files, and its narrative, opened with a reason."""

    @app.get("/reports/{report}", response_class=HTMLResponse)
    def one_report(request: Request, person: Signed, report: Named, form: As = "") -> Response:
        desk.looks(person, report, form or "page", secret=report)
        if not form:
            now = desk.clock.now()
            return desk.drawn(
                request, person, "report", lambda tx: one(tx, report, person, now, desk.who)
            )
        with desk.store.read() as tx:
            row = filing.find(tx, report, person.id)
            places = records.stands(tx, desk.who)
        title = f"{KINDS[row['kind']]}: report {report}"
        fields = {"Report": report, **paper.fields(row["draft"], desk.who, places)}
        return as_file(Sheet(report, title, "", [fields], row["kind"] in SECRET), form)

    @app.post("/reports/{report}/open", response_class=HTMLResponse)
    def open_narrative(request: Request, person: Sent, report: Named, why: Why) -> Response:
        """Show the narrative from the vault, which writes the reason down first."""
        desk.looks(person, report, "narrative", secret=report)
        with desk.store.read() as tx:
            if not officer(tx, person):
                raise HTTPException(404, NOT_HERE)
            record = filing.find(tx, report, person.id)["narrative"]
        vault = _vault(desk)
        told = vault.read(desk.store, record, person.id, why).content.decode() if record else ""
        now = desk.clock.now()

        def make(tx: Tx) -> Row:
            return (one(tx, report, person, now, desk.who) or {}) | {"told": told}

        return desk.drawn(request, person, "report", make)


def _vault(desk: Desk) -> Any:
    held = desk.console.desk.customers
    if held is None:
        raise ReportIncomplete("this server has no vault: it identifies nobody")
    return held.vault


def _add_steps(app: FastAPI, desk: Desk) -> None:
    """Add the steps from a draft to the filing."""
    clock = desk.clock

    @app.post("/reports/{report}/narrative")
    def narrative(
        person: Sent,
        report: Named,
        text: Annotated[str, Form(min_length=1, max_length=NARRATIVE_LENGTH_MAX, pattern=NO_NUL)],
    ) -> Response:
        vault, by = _vault(desk), person.id
        return desk.step(
            report, person, lambda tx: filing.narrate(tx, clock, vault, report, text, by)
        )

    @app.post("/reports/{report}/propose")
    def propose(person: Sent, report: Named) -> Response:
        return desk.step(report, person, lambda tx: filing.propose(tx, clock, report, person.id))

    @app.post("/reports/{report}/approve")
    def approve(person: Sent, report: Named) -> Response:
        by = person.id
        return desk.step(
            report, person, lambda tx: filing.approve(tx, clock, report, by, "console")
        )

    @app.post("/reports/{report}/filed")
    def filed(
        person: Sent,
        report: Named,
        number: Annotated[str, Form(min_length=1, max_length=60, pattern=NO_NUL)],
    ) -> Response:
        by = person.id
        return desk.step(report, person, lambda tx: filing.file(tx, clock, report, number, by))

    @app.post("/reports/{report}/take-back")
    def take_back(person: Sent, report: Named, why: Why) -> Response:
        by = person.id
        return desk.step(report, person, lambda tx: filing.take_back(tx, clock, report, by, why))

    @app.post("/reports/{report}/drop")
    def drop(person: Sent, report: Named, why: Why) -> Response:
        by = person.id
        return desk.step(report, person, lambda tx: filing.drop(tx, clock, report, by, why))
