"""``tallystick report ctr | sar | due | transfers | quarterly | retention | history``.

What the law wants told, as text, JSON, CSV or PDF. Reports are filed by two people: one proposes,
another approves. A report of suspicion is shown to officers of compliance alone.
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from tallystick.cli.report import report
from tallystick.cli.serve import DATA, DATABASE
from tallystick.cli.step import person_of, step
from tallystick.core.clock import SystemClock
from tallystick.core.money import Amount, asset
from tallystick.core.rulebook.duties import ANY_ZONE
from tallystick.core.store import Tx
from tallystick.kiosk import particulars
from tallystick.kiosk.reports import cash, drafts, filing, paper, records
from tallystick.kiosk.reports.model import SECRET, State

DAY = click.DateTime(["%Y-%m-%d"])
BY = click.option("--by", required=True, help="Who asks: an officer's id or name.")
FIRST = click.option("--from", "first", type=DAY, required=True, help="The first day.")
LAST = click.option("--to", "last", type=DAY, required=True, help="The last day.")
FORMS: tuple[tuple[str, str], ...] = (("json", "JSON"), ("csv", "CSV"), ("pdf", "PDF"))


OPERATOR = click.option(
    "--operator",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="Who files, a TOML file; default: operator.toml in the data folder.",
)


def filer_of(data: Path, operator: Path | None) -> particulars.Particulars | None:
    """Return the operator's particulars; None where none are stated."""
    try:
        return particulars.find(data, operator)
    except particulars.OperatorUnreadable as error:
        raise click.ClickException(str(error)) from error


def forms(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add --json, --csv and --pdf FILE."""
    command = click.option("--json", "form", flag_value="json", help="Print JSON.")(command)
    command = click.option("--csv", "form", flag_value="csv", help="Print CSV.")(command)
    return click.option(
        "--pdf", type=click.Path(path_type=Path, dir_okay=False), help="Write a PDF to this file."
    )(command)


def tell(
    title: str, rows: list[dict[str, Any]], form: str | None, pdf: Path | None, secret: bool = False
) -> None:
    """Print rows in the form asked for."""
    if pdf is not None:
        pdf.write_bytes(paper.as_pdf(title, rows, secret))
        click.echo(f"{pdf} written.")
    elif form == "json":
        click.echo(json.dumps(rows, default=str, ensure_ascii=False))
    elif form == "csv":
        click.echo(paper.as_csv(rows), nl=False)
    elif not rows:
        click.echo("Nothing to report.")
    else:
        for row in rows:
            click.echo("  ".join(f"{name} {value}" for name, value in row.items()))


def _money(minor: int, currency: str) -> str:
    return str(Amount(minor, asset(currency)))


@report.command()
@DATA
@DATABASE
@FIRST
@LAST
@OPERATOR
@forms
@click.option("--draft", is_flag=True, help="Keep the drafts, to be filed.")
@click.option("--by", default="", help="Who drafts, with --draft: an officer's id or name.")
def ctr(
    data: Path,
    database: str,
    first: dt.datetime,
    last: dt.datetime,
    form: str | None,
    pdf: Path | None,
    operator: Path | None,
    draft: bool,
    by: str,
) -> None:
    """Print the persons and days whose cash passes the law's threshold, over all machines.

    In the fields of FinCEN's currency transaction report, with the last day to file.
    """
    start, end, who = first.date(), last.date(), filer_of(data, operator)

    def act(tx: Tx) -> list[dict[str, str]]:
        drafts.period(start, end)
        found = drafts.ctr(cash.days(cash.moved(tx, start, end), start, end), end)
        if draft:
            officer = person_of(tx, by)
            for one in found:
                filing.write(tx, SystemClock(), one, officer)
        places = records.stands(tx, who)
        return [paper.fields(one, who, places) for one in found]

    rows = step(data, database, act)
    tell("Currency transaction reports", rows, form, pdf)


@report.command()
@DATA
@DATABASE
@FIRST
@LAST
@BY
@OPERATOR
@forms
@click.option("--person", required=True, help="A customer, or address:… where none is known.")
@click.option("--activity", multiple=True, required=True, type=click.Choice(drafts.ACTIVITIES))
@click.option("--detected", type=DAY, required=True, help="The day on which it was found.")
@click.option("--voluntary", is_flag=True, help="Draft one below the law's sum, which it permits.")
def sar(
    data: Path,
    database: str,
    first: dt.datetime,
    last: dt.datetime,
    by: str,
    form: str | None,
    pdf: Path | None,
    operator: Path | None,
    person: str,
    activity: tuple[str, ...],
    detected: dt.datetime,
    voluntary: bool,
) -> None:
    """Keep and print a draft of suspicion about a person's cash. Compliance only; tell nobody."""
    start, end, clock = first.date(), last.date(), SystemClock()
    who = filer_of(data, operator)

    def act(tx: Tx) -> dict[str, str]:
        officer = person_of(tx, by)
        drafts.period(start, end)
        found = cash.days(cash.moved(tx, start, end), start, end)
        made = drafts.sar(found, person, activity, detected.date(), voluntary=voluntary)
        number = filing.write(tx, clock, made, officer)
        return {"Report": number, **paper.fields(made, who, records.stands(tx, who))}

    rows = [step(data, database, act)]
    tell("Suspicious activity report: draft", rows, form, pdf, secret=True)


@report.command()
@DATA
@DATABASE
@forms
@click.option("--by", default="", help="Who asks; reports of suspicion show to compliance alone.")
@click.option("--all", "every", is_flag=True, help="Filed and dropped ones too.")
def due(
    data: Path, database: str, form: str | None, pdf: Path | None, by: str, every: bool
) -> None:
    """Print the reports that wait, the most urgent first. Exits 1 if one is overdue."""
    now = SystemClock().now()
    states = tuple(State) if every else (State.DRAFT, State.PROPOSED)

    def act(tx: Tx) -> list[dict[str, Any]]:
        return filing.listed(tx, person_of(tx, by) if by else "", states)

    found = step(data, database, act)
    rows = [
        {
            "report": row["id"],
            "kind": row["kind"],
            "state": row["state"],
            "days": f"{row['first_day']} to {row['last_day']}",
            "due": row["due"],
            "left": filing.left(row, now),
        }
        for row in found
    ]
    tell("Reports due", rows, form, pdf, any(row["kind"] in SECRET for row in found))
    if any(row["left"] < 0 and row["state"] in ("draft", "proposed") for row in rows):
        raise SystemExit(1)


@report.command()
@DATA
@DATABASE
@BY
@click.argument("report_id", metavar="REPORT")
def propose(data: Path, database: str, by: str, report_id: str) -> None:
    """Propose to file a draft as it stands; another officer approves it."""
    clock = SystemClock()
    step(data, database, lambda tx: filing.propose(tx, clock, report_id, person_of(tx, by)))
    click.echo("Proposed. Another officer of compliance approves it.")


@report.command()
@DATA
@DATABASE
@BY
@click.argument("report_id", metavar="REPORT")
def approve(data: Path, database: str, by: str, report_id: str) -> None:
    """Approve the filing that another officer proposed."""
    clock = SystemClock()
    step(data, database, lambda tx: filing.approve(tx, clock, report_id, person_of(tx, by)))
    click.echo("Approved. It may be filed now.")


@report.command()
@DATA
@DATABASE
@BY
@click.option("--number", required=True, help="The authority's number of the filing.")
@click.argument("report_id", metavar="REPORT")
def filed(data: Path, database: str, by: str, number: str, report_id: str) -> None:
    """Record that an approved report was filed; it does not change any more."""
    clock = SystemClock()
    step(data, database, lambda tx: filing.file(tx, clock, report_id, number, person_of(tx, by)))
    click.echo("Filed.")


@report.command()
@DATA
@DATABASE
@BY
@click.argument("report_id", metavar="REPORT")
@click.argument("text", type=click.File())
def narrative(data: Path, database: str, by: str, report_id: str, text: Any) -> None:
    """Put a draft's narrative, from a file or - for standard input, into the vault."""
    from tallystick.core.vault import Vault

    clock = SystemClock()
    vault = Vault(data / "vault", clock)
    told = text.read(100_000)
    step(
        data,
        database,
        lambda tx: filing.narrate(tx, clock, vault, report_id, told, person_of(tx, by)),
    )
    click.echo("The narrative is in the vault.")


@report.command()
@DATA
@DATABASE
@FIRST
@LAST
@forms
def transfers(
    data: Path,
    database: str,
    first: dt.datetime,
    last: dt.datetime,
    form: str | None,
    pdf: Path | None,
) -> None:
    """Print the transfers whose records the law wants kept, and until when."""
    rows = step(data, database, lambda tx: records.transfers(tx, first.date(), last.date()))
    tell("Transfers on record", rows, form, pdf)


@report.command()
@DATA
@DATABASE
@OPERATOR
@forms
@click.option("--law", "code", required=True, help="The place's code, such as US-OK.")
@click.argument("year", type=click.IntRange(2000, 2200))
@click.argument("quarter", type=click.IntRange(1, 4))
def quarterly(
    data: Path,
    database: str,
    form: str | None,
    pdf: Path | None,
    operator: Path | None,
    code: str,
    year: int,
    quarter: int,
) -> None:
    """Print each machine with its cash in a quarter, where the place's law wants that told."""
    who = filer_of(data, operator)
    rows, cited = step(
        data, database, lambda tx: records.locations(tx, code, year, quarter, who=who)
    )
    tell(
        f"Kiosk locations, {code}, quarter {quarter} of {year} ({', '.join(cited)})",
        rows,
        form,
        pdf,
    )


@report.command()
@DATA
@DATABASE
@forms
def retention(data: Path, database: str, form: str | None, pdf: Path | None) -> None:
    """Print until when the records of each place and year are kept, and by which law."""
    today = (SystemClock().now() - ANY_ZONE).date()
    rows = step(data, database, lambda tx: records.retention(tx, today))
    tell("Records and how long they are kept", rows, form, pdf)


@report.command()
@DATA
@DATABASE
@forms
@click.argument("person")
def history(data: Path, database: str, form: str | None, pdf: Path | None, person: str) -> None:
    """Print a person's own purchases, for them: nothing of reports or checks is in it."""
    found = step(data, database, lambda tx: records.history(tx, person))
    rows = [
        {
            "purchase": row["reference"],
            "started": row["made_at"].isoformat(timespec="seconds"),
            "state": row["state"],
            "cash": _money(row["cash_minor"], row["currency"]),
            "fee": _money(row["fee_minor"], row["currency"]),
            "bitcoin_sats": row["sats"],
            "address": row["address"],
        }
        for row in found
    ]
    tell("Your purchases", rows, form, pdf)


__all__ = ["report"]
