"""``tallystick hubs are-date | stages``: when rights of appeal end, and how that was reckoned."""

from __future__ import annotations

import datetime as dt
from typing import Any

import click
import msgspec

from tallystick.core.errors import TallystickError

DATE = click.DateTime(["%Y-%m-%d"])
COUNTRIES = ("england", "wales", "scotland", "northern-ireland")
READ = {
    "text": "its text was read",
    "summary": "read through a summary of it",
    "memory": "NOT VERIFIED: its text was not read",
}


@click.command("are-date")
@click.option("--stage", required=True, help="Such as ftt-in-country; `hubs stages` lists them.")
@click.option("--country", required=True, type=click.Choice(COUNTRIES))
@click.option("--from", "start", required=True, type=DATE, help="The day on which time began.")
@click.option("--known", type=DATE, help="With the rules as they were known on this day.")
@click.option("--json", "as_json", is_flag=True, help="Print the reckoning as JSON.")
def are_date(
    stage: str, country: str, start: dt.datetime, known: dt.datetime | None, as_json: bool
) -> None:
    """Say when a person's rights of appeal are exhausted, with every step of the reckoning."""
    from tallystick.hubs import are
    from tallystick.hubs.working_days import Country

    on = known.date() if known else None
    try:
        found = are.reckon(stage, Country(country), start.date(), on)
    except TallystickError as error:
        raise click.ClickException(f"{error} (error {error.code}; the case is held)") from error
    if as_json:
        click.echo(msgspec.json.format(msgspec.json.encode(plain(found)), indent=1).decode())
    else:
        _tell(found)


def plain(found: Any) -> dict[str, Any]:
    """Return a reckoning as plain values."""
    rule = found.rule
    return {
        "stage": found.stage,
        "title": found.title,
        "country": found.country.value,
        "from": found.start,
        "begins": rule.begins,
        "last_day_in_time": found.last_day_in_time,
        "are_date": found.are_date,
        "hold_through": found.hold_through,
        "exhausted_from": found.exhausted_from,
        "steps": [
            {
                "what": step.what,
                "day": step.day,
                "passed_over": [{"day": day.day, "name": day.name} for day in step.passed],
            }
            for step in found.steps
        ],
        "rule": {
            "cite": rule.cite,
            "source": rule.source,
            "read": rule.read,
            "in_force_from": rule.since,
            "in_force_until": rule.until,
            "note": rule.note,
        },
        "home_office_calculator": {
            "date": found.calculator_date,
            "why_not_followed": found.differs,
        },
    }


def _tell(found: Any) -> None:
    rule = found.rule
    click.echo(f"{found.title} ({found.country}), time from {found.start}: {rule.begins}")
    for step in found.steps:
        click.echo(f"  {step.day:%a} {step.day}  {step.what}")
        for over in step.passed:
            click.echo(f"      not {over.day}: {over.name}")
    click.echo(f"ARE date {found.are_date}. Held through {found.hold_through}.")
    click.echo(f"  {rule.cite}; {READ[rule.read]}; {rule.source}")
    if rule.note:
        click.echo(f"  {rule.note}")
    if found.differs:
        click.echo(f"  The Home Office's calculator says {found.calculator_date}. {found.differs}")


@click.command()
def stages() -> None:
    """List the stages of appeal, what begins their time, and their limits."""
    from tallystick.hubs import are

    for stage in are.book().stage:
        click.echo(f"{stage.id}\n  {stage.title} ({', '.join(stage.countries)})")
        for rule in stage.rule:
            limits = " or ".join(limit.said() for limit in rule.limits)
            until = f" until {rule.until}" if rule.until else ""
            click.echo(f"  from {rule.since}{until}: {limits} after {rule.begins}")
            click.echo(f"    {rule.cite}; {READ[rule.read]}")
    for gone in are.book().closed:
        click.echo(f"{gone.id}: not offered. {gone.why}")
