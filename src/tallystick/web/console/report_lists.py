"""The lists that the law wants of a kiosk's books: large cash, transfers, places, records, history.

Each is a page, a CSV and a PDF from the same rows, by the functions that `tallystick report` calls;
and what interventions did, counted and not ranked below a hundred in an arm.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Final

from fastapi import FastAPI, Form, Query, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from starlette.exceptions import HTTPException

from tallystick.core import rulebook
from tallystick.core.rulebook.duties import ANY_ZONE
from tallystick.core.rulebook.place import codes
from tallystick.core.store import Tx
from tallystick.kiosk.particulars import Particulars
from tallystick.kiosk.reports import cash, drafts, filing, paper, records
from tallystick.kiosk.reports.errors import NoSuchDuty
from tallystick.kiosk.reports.law import quarterly
from tallystick.kiosk.reports.model import Draft
from tallystick.kiosk.scams import report as scams
from tallystick.web.console.claims import NO_NUL
from tallystick.web.console.reports import NOT_HERE, As, Desk, Sent, Sheet, Signed, officer
from tallystick.web.figures import sum_of

PERIOD_DAYS: Final = 30
PERSON_CHARS_MAX: Final = 140
DAY: Final = dt.timedelta(days=1)
Day = Annotated[dt.date | None, Query()]
Row = dict[str, Any]


def period(desk: Desk, first: dt.date | None, last: dt.date | None) -> tuple[dt.date, dt.date]:
    """Return the days asked for; else the last thirty, by the place's own calendar."""
    kiosks = desk.console.desk
    end = last or kiosks.day(desk.clock.now())
    start = first or end - min(dt.timedelta(days=PERIOD_DAYS - 1), end - dt.date.min)
    drafts.period(start, end)
    return start, end


def large_cash(tx: Tx, first: dt.date, last: dt.date) -> list[Draft]:
    """Return the persons and days whose cash passes the law's threshold."""
    return drafts.ctr(cash.days(cash.moved(tx, first, last), first, last), last)


def cash_sheet(found: Sequence[Draft], who: Particulars | None, places: Mapping[str, str]) -> Sheet:
    """Return large cash in the form's fields, and what of it fits a page."""
    shown = [
        {
            "Person": one.person,
            "Day": one.first_day.isoformat(),
            "Cash in": sum_of(one.cash_in_minor, one.currency),
            "Cash out": sum_of(one.cash_out_minor, one.currency),
            "Purchases": len(one.purchases),
            "Machines": len(one.machines),
            "File by": one.due.isoformat(),
            "Law": one.cite,
        }
        for one in found
    ]
    says = "Persons and days whose cash passes the law’s threshold, over all machines together."
    rows = [paper.fields(one, who, places) for one in found]
    return Sheet("cash", "Large cash", says, rows, shown=shown)


def transfers_sheet(rows: Sequence[Row]) -> Sheet:
    """Return the transfers on record."""
    shown = [
        {
            "Purchase": row["reference"],
            "Day": row["day"],
            "Person": row["person"],
            "Cash": sum_of(row["cash_minor"], row["currency"]),
            "Keep until": row["keep_until"],
            "By": row["provision"],
        }
        for row in rows
    ]
    says = "Transfers whose records the law wants kept, and until when."
    return Sheet("transfers", "Transfers on record", says, rows, shown=shown)


def places_sheet(code: str, year: int, quarter: int, rows: Sequence[Row], cited: str) -> Sheet:
    """Return each machine with its cash in a quarter."""
    shown = [
        {
            "Kiosk": row["label"],
            "Address": row["address"],
            "State": row["state"],
            "Since": row["since"],
            "Until": row["until"] or "–",
            "Cash in": sum_of(row["cash_in_minor"], row["currency"]),
        }
        for row in rows
    ]
    title = f"Kiosk locations, {code}, quarter {quarter} of {year}"
    return Sheet("places", title, f"Wanted by {cited}.", rows, shown=shown)


def history_sheet(rows: Sequence[Row]) -> Sheet:
    """Return a person's own purchases; nothing of reports or checks is in it."""
    shown = [
        {
            "Purchase": row["reference"],
            "Started": row["made_at"].isoformat(timespec="seconds"),
            "State": row["state"].replace("_", " "),
            "Cash": sum_of(row["cash_minor"], row["currency"]),
            "Fee": sum_of(row["fee_minor"], row["currency"]),
            "Address": row["address"],
        }
        for row in rows
    ]
    says = "A person’s own purchases, to be given to them: nothing of reports or checks is in it."
    return Sheet("history", "Purchases of a person", says, rows, shown=shown)


def interventions_sheet(lines: Sequence[scams.Line]) -> Sheet:
    """Return what each intervention did, by person, as assigned."""
    rows = [
        {
            "Arm": f"{one.trial} {one.arm}".strip() or "all",
            "Least step": one.floor.replace("-", " "),
            "Shown to": one.shown,
            "Went on": one.proceeded,
            "Stopped": one.cancelled,
            "Stopped, 95 %": f"{one.cancels.low:.0%} to {one.cancels.high:.0%}",
            "Fraud confirmed": one.confirmed,
            "Fraud likely": one.probable,
            "False alarms": f"{one.false_least} to {one.false_most}",
            "Given back in scams": sum_of(one.stopped_minor, one.currency),
            "Against control": _gap(one),
            "Still needed": one.still_needed,
        }
        for one in lines
    ]
    says = (
        "Counted by person and as assigned. Confirmed frauds and false alarms settle after ninety "
        "days; fewer than a hundred in an arm are counted, not ranked."
    )
    return Sheet("interventions", "What interventions did", says, rows)


def _gap(one: scams.Line) -> str:
    gap = one.against_control
    return "not ranked" if gap is None else f"{gap.low:+.1%} to {gap.high:+.1%}"


def wanting(on: dt.date) -> list[str]:
    """Return the places whose law wants a quarterly report that we know of."""
    return [code for code in codes() if quarterly(rulebook.load(code), on)]


def add(app: FastAPI, desk: Desk) -> None:
    """Add the lists' pages."""
    _add_periods(app, desk)
    _add_drafting(app, desk)
    _add_others(app, desk)

    @app.get("/reports/places", response_class=HTMLResponse)
    def places(
        request: Request,
        person: Signed,
        law: Annotated[str, Query(pattern="^[A-Za-z-]{0,40}$")] = "",
        year: Annotated[int | None, Query(ge=drafts.YEAR_MIN, le=drafts.YEAR_MAX)] = None,
        quarter: Annotated[int | None, Query(ge=1, le=4)] = None,
        form: As = "",
    ) -> Response:
        """Each machine with its cash in a quarter, where the place's law wants that told."""
        today = desk.console.desk.day(desk.clock.now())
        before = today.replace(month=today.month - (today.month - 1) % 3, day=1) - DAY
        when = year or before.year, quarter or (before.month + 2) // 3
        code = law or desk.console.desk.place.code

        def make(tx: Tx) -> Sheet:
            try:
                rows, cited = records.locations(tx, code, *when, who=desk.who)
            except NoSuchDuty as none:
                return Sheet("places", f"Kiosk locations, {code}", f"{none.detail}.", [])
            return places_sheet(code, *when, rows, ", ".join(cited))

        asks = {"law": code, "year": when[0], "quarter": when[1], "codes": wanting(today)}
        return desk.sheet(request, person, form, make, asks=asks)


def _add_periods(app: FastAPI, desk: Desk) -> None:
    """Add the lists of a period."""

    @app.get("/reports/cash", response_class=HTMLResponse)
    def large(
        request: Request, person: Signed, first: Day = None, last: Day = None, form: As = ""
    ) -> Response:
        """Persons and days whose cash passes the law's threshold."""
        days = period(desk, first, last)
        asks = {"first": days[0], "last": days[1], "draft": True}

        def make(tx: Tx) -> Sheet:
            return cash_sheet(large_cash(tx, *days), desk.who, records.stands(tx, desk.who))

        return desk.sheet(request, person, form, make, asks=asks)

    @app.get("/reports/transfers", response_class=HTMLResponse)
    def transfers(
        request: Request, person: Signed, first: Day = None, last: Day = None, form: As = ""
    ) -> Response:
        """Transfers whose records the law wants kept."""
        days = period(desk, first, last)
        make = lambda tx: transfers_sheet(records.transfers(tx, *days))  # noqa: E731
        return desk.sheet(request, person, form, make, asks={"first": days[0], "last": days[1]})

    @app.get("/reports/history", response_class=HTMLResponse)
    def history(
        request: Request,
        person: Signed,
        who: Annotated[str, Query(max_length=PERSON_CHARS_MAX, pattern=NO_NUL)] = "",
        form: As = "",
    ) -> Response:
        """A person's own purchases."""

        def make(tx: Tx) -> Sheet:
            return history_sheet(records.history(tx, who) if who else [])

        return desk.sheet(request, person, form, make, asks={"who": who})


def _add_others(app: FastAPI, desk: Desk) -> None:
    """Add the lists that need nothing asked."""

    @app.get("/reports/retention", response_class=HTMLResponse)
    def retention(request: Request, person: Signed, form: As = "") -> Response:
        """Until when the records of each place and year are kept."""
        today = (desk.clock.now() - ANY_ZONE).date()
        says = "Records by place and year, until when they are kept, and by which law."

        def make(tx: Tx) -> Sheet:
            rows = records.retention(tx, today)
            shown: list[Mapping[str, Any]] = [
                {
                    "Place": row["jurisdiction"],
                    "Year": row["year"],
                    "Purchases": row["purchases"],
                    "Keep until": row["keep_until"],
                    "By": row["provision"] or "–",
                    "May go": "yes" if row["may_go"] else "no",
                }
                for row in rows
            ]
            return Sheet(
                "retention", "Records and how long they are kept", says, rows, False, shown
            )

        return desk.sheet(request, person, form, make, asks={})

    @app.get("/reports/interventions", response_class=HTMLResponse)
    def interventions(request: Request, person: Signed, form: As = "") -> Response:
        """What each intervention against scams did."""
        now = desk.clock.now()
        make = lambda tx: interventions_sheet(scams.interventions(tx, now))  # noqa: E731
        return desk.sheet(request, person, form, make, asks={})


def _add_drafting(app: FastAPI, desk: Desk) -> None:
    """Add what keeps drafts: of large cash in a period, and of a suspicion."""
    clock = desk.clock

    def allowed(tx: Tx, person: Any) -> None:
        if not officer(tx, person):
            raise HTTPException(404, NOT_HERE)

    @app.post("/reports/cash")
    def keep(
        person: Sent, first: Annotated[dt.date, Form()], last: Annotated[dt.date, Form()]
    ) -> Response:
        """Keep a draft for each person and day of large cash; twice is once."""
        days = period(desk, first, last)
        with desk.store.transact() as tx:
            allowed(tx, person)
            for draft in large_cash(tx, *days):
                filing.write(tx, clock, draft, person.id)
        return RedirectResponse("/reports", 303)

    @app.get("/reports/suspicion", response_class=HTMLResponse)
    def suspicion(request: Request, person: Signed) -> Response:
        """The form of a suspicion, for compliance alone."""
        days = period(desk, None, None)

        def make(tx: Tx) -> Row:
            allowed(tx, person)
            asks = {"first": days[0], "last": days[1], "activities": drafts.ACTIVITIES}
            return {"asks": asks, "officer": True}

        return desk.drawn(request, person, "suspicion", make)

    @app.post("/reports/suspicion")
    def suspect(
        person: Sent,
        who: Annotated[str, Form(min_length=3, max_length=PERSON_CHARS_MAX, pattern=NO_NUL)],
        first: Annotated[dt.date, Form()],
        last: Annotated[dt.date, Form()],
        detected: Annotated[dt.date, Form()],
        activity: Annotated[list[str], Form(max_length=len(drafts.ACTIVITIES))],
        voluntary: Annotated[str, Form(pattern="^(|yes)$")] = "",
    ) -> Response:
        """Keep a draft of suspicion about a person's cash."""
        days = period(desk, first, last)
        with desk.store.transact() as tx:
            allowed(tx, person)
            found = cash.days(cash.moved(tx, *days), *days)
            draft = drafts.sar(found, who, activity, detected, voluntary=voluntary == "yes")
            number = filing.write(tx, clock, draft, person.id)
        return RedirectResponse(f"/reports/{number}", 303)
