"""``tallystick claims``: a victim's claim from the form to the payment, by people with names.

Each command is one step of `kiosk.scams.claims`, in one transaction and journalled.
"""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any

import click
import msgspec
import sqlalchemy as sa

from tallystick.cli.serve import DATA, DATABASE
from tallystick.cli.step import step
from tallystick.core.clock import SystemClock
from tallystick.core.money import Amount, asset
from tallystick.core.store import Tx
from tallystick.kiosk.scams import claims as steps
from tallystick.kiosk.scams import grant, intervene, lists
from tallystick.kiosk.scams.claim import EVIDENCE, Duty, Form, Ground
from tallystick.kiosk.scams.errors import ClaimUnknown
from tallystick.kiosk.scams.tables import CLAIMS
from tallystick.kiosk.tables import PURCHASES

BY = click.option("--by", required=True, help="Who does it, by name.")
DAY = click.DateTime(["%Y-%m-%d"])
SOON = dt.timedelta(days=36_500)


@click.group()
def claims() -> None:
    """File, decide and pay the claims of people who were defrauded."""


def _claim(tx: Tx, reference: str) -> str:
    found = tx.execute(sa.select(CLAIMS.c.id).where(CLAIMS.c.reference == reference)).scalar()
    if found is None:
        raise ClaimUnknown(f"no claim has the number {reference[:26]}")
    return str(found)


def _bought(tx: Tx, references: tuple[str, ...]) -> list[Any]:
    query = sa.select(PURCHASES).where(PURCHASES.c.reference.in_(references))
    rows = list(tx.execute(query).mappings())
    missing = set(references) - {row["reference"] for row in rows}
    if missing:
        raise ClaimUnknown(f"no purchase has the number {', '.join(sorted(missing))}")
    return rows


@claims.command()
@DATA
@DATABASE
@BY
@click.option("--happened", type=DAY, required=True, help="The last day of the fraud.")
@click.option("--told", type=DAY, required=True, help="The day we were first told.")
@click.option("--script", default="other", show_default=True, help="Which scam it was.")
@click.option("--statement", required=True, help="Where the person's own words are kept.")
@click.option("--noticed", type=DAY, help="The day on which the person noticed.")
@click.option("--cite", help="The law or policy that grants it; else what the rulebook knows.")
@click.option("--amount", type=click.Choice(["full", "fees", "unknown"]), help="With --cite.")
@click.option("--needs", multiple=True, type=click.Choice(EVIDENCE), help="With --cite.")
@click.option("--decide-by", type=DAY, help="The law's day for the decision.")
@click.argument("purchases", nargs=-1, required=True)
def file(data: Path, database: str, by: str, purchases: tuple[str, ...], **said: Any) -> None:
    """File a claim for purchases, by the numbers on their receipts; print its own number."""

    def act(tx: Tx) -> str:
        rows = _bought(tx, purchases)
        form = Form(
            happened_on=said["happened"].date(),
            contacted_on=said["told"].date(),
            script=said["script"],
            statement=said["statement"],
            learnt_on=said["noticed"].date() if said["noticed"] else None,
        )
        duty = _duty(tx, rows, form, said)
        first, ids = rows[0], [row["id"] for row in rows]
        record = intervene.of_purchase(tx, first["id"])
        person = record["person"] if record else ""
        claim = steps.file(tx, SystemClock(), person, first["jurisdiction"], form, duty, ids, by)
        return str(steps.find(tx, claim)["reference"])

    click.echo(step(data, database, act))


def _duty(tx: Tx, rows: list[Any], form: Form, said: dict[str, Any]) -> Duty:
    """Return what was typed where somebody cites a law, and else what the rulebook grants."""
    until = said["decide_by"]
    by = until.replace(tzinfo=dt.UTC) if until else None
    if said["cite"]:
        amount = said["amount"] or "unknown"
        return Duty(cite=said["cite"], amount=amount, evidence=said["needs"], decide_by=by)
    if said["amount"] or said["needs"]:
        raise click.UsageError("--amount and --needs go with --cite, which names their law")
    granted = grant.granted(tx, rows, form)
    return msgspec.structs.replace(granted, decide_by=by) if by else granted


@claims.command()
@DATA
@DATABASE
@BY
@click.option("--kind", type=click.Choice(EVIDENCE), required=True)
@click.option("--where", required=True, help="A report's number, or its place in the vault.")
@click.argument("claim")
def evidence(data: Path, database: str, by: str, kind: str, where: str, claim: str) -> None:
    """Add evidence to an open claim."""
    clock = SystemClock()
    step(
        data,
        database,
        lambda tx: steps.add_evidence(tx, clock, _claim(tx, claim), kind, where, by),
    )


@claims.command()
@DATA
@DATABASE
@BY
@click.option("--refund", "refunds", multiple=True, help="NUMBER=MINOR, what a purchase gets back.")
@click.option("--ground", help="Why less than all: a code, such as late or disproved.")
@click.option("--words", default="", help="The reason in words for the person.")
@click.option("--law", default="", help="The law that the reason rests on.")
@click.argument("claim")
def decide(
    data: Path,
    database: str,
    by: str,
    refunds: tuple[str, ...],
    ground: str | None,
    words: str,
    law: str,
    claim: str,
) -> None:
    """Uphold or deny a claim, with reasons; what is given back is owed from now on."""
    grounds = [Ground(ground, words, law)] if ground else []

    def act(tx: Tx) -> str:
        sums = dict(_refund(one) for one in refunds)
        ids = {row["reference"]: row["id"] for row in _bought(tx, tuple(sums))} if sums else {}
        back = {ids[number]: minor for number, minor in sums.items()}
        return str(steps.decide(tx, SystemClock(), _claim(tx, claim), back, grounds, by))

    click.echo(step(data, database, act))


def _refund(told: str) -> tuple[str, int]:
    number, _, minor = told.partition("=")
    if not (minor.isascii() and minor.isdigit()):
        raise click.BadParameter(f"{told!r} is not NUMBER=MINOR in minor units, such as AB12=5000")
    return number, int(minor)


@claims.command()
@DATA
@DATABASE
@BY
@click.argument("claim")
def pay(data: Path, database: str, by: str, claim: str) -> None:
    """Record that the refund was paid; who decided does not pay."""
    step(data, database, lambda tx: steps.pay(tx, SystemClock(), _claim(tx, claim), by))


@claims.command()
@DATA
@DATABASE
@BY
@click.option("--why", required=True)
@click.argument("claim")
def appeal(data: Path, database: str, by: str, why: str, claim: str) -> None:
    """Open a denied claim again; somebody else decides it."""
    step(data, database, lambda tx: steps.appeal(tx, SystemClock(), _claim(tx, claim), why, by))


@claims.command()
@DATA
@DATABASE
@BY
@click.option("--why", required=True)
@click.argument("claim")
def withdraw(data: Path, database: str, by: str, why: str, claim: str) -> None:
    """End an open claim at the victim's own word."""
    step(data, database, lambda tx: steps.withdraw(tx, SystemClock(), _claim(tx, claim), why, by))


@claims.command()
@DATA
@DATABASE
@BY
@click.argument("claim")
def block(data: Path, database: str, by: str, claim: str) -> None:
    """Block the claim's destinations on every machine at once."""
    count = step(
        data, database, lambda tx: lists.from_claim(tx, SystemClock(), _claim(tx, claim), by)
    )
    click.echo(f"{count} destinations are blocked.")


@claims.command()
@DATA
@DATABASE
def due(data: Path, database: str) -> None:
    """Print the claims that wait for a decision or a payment, the most urgent first."""
    now = SystemClock().now()
    rows = step(data, database, lambda tx: steps.due(tx, now + SOON))
    if not rows:
        click.echo("No claim waits.", err=True)
    for row in rows:
        by = min(day for day in (row["decide_by"], row["pay_by"]) if day is not None)
        late = "overdue" if by < now else f"{(by - now).days} days left"
        owed = Amount(row["refund_minor"], asset(row["currency"]))
        click.echo(f"{row['reference']}  {row['state']:<9} by {by:%Y-%m-%d} ({late})  {owed}")
