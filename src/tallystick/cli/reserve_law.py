"""``tallystick reserve mandates | mandate | ask``: what the mandates say, and to which step.

The very function that judges movements answers here, for any mandate and any day.
"""

from __future__ import annotations

import datetime as dt
import sys
from pathlib import Path
from typing import Any

import click
import msgspec

from tallystick.cli.law import DATE, force_of

WIDTH = 16


def register(group: click.Group) -> None:
    """Add these verbs to the group."""
    for command in (mandates, mandate, ask):
        group.add_command(command)


@click.command()
def mandates() -> None:
    """List every mandate that comes with this version, and how binding each is."""
    from tallystick.reserve import mandate as mandates_

    for code in mandates_.codes():
        found = mandates_.load(code)
        click.echo(f"{code:<{WIDTH}}{found.status:<15}{found.name}")


@click.command()
@click.argument("code")
@click.option("--on", type=DATE, help="Only what binds, or may bind, on this day.")
def mandate(code: str, on: dt.datetime | None) -> None:
    """Show a mandate's provisions, each with its citation and whether it was read."""
    found = _load(code, None)
    click.echo(f"{found.name} ({found.code}): {found.status}. {found.cite}. {found.note}")
    for item in found.provisions:
        if on and item.in_force(on.date()) is False:
            continue
        figures = ", ".join(f"{name} {value:,}" for name, value in item.figures.items())
        click.echo(f"\n{item.id}\n  {item.say}\n  {item.cite}; in force {force_of(item)}")
        click.echo(f"  read: {item.read}{'' if item.settled else '; NOT SETTLED'}; {item.source}")
        for more in (figures, item.note):
            if more:
                click.echo(f"  {more}")
    if found.not_read:
        click.echo(f"\nnot read: {'; '.join(found.not_read)}")


@click.command()
@click.option("--mandate", "code", required=True, help="A code, as `mandates` lists them.")
@click.option("--on", type=DATE, help="The day; today if left out.")
@click.option("--act", default="sale", show_default=True, help="What is to be done.")
@click.option("--btc", default="", help="How much leaves, such as 1.5.")
@click.option("--deposited", type=DATE, help="The day of deposit of all of it.")
@click.option("--origin", default="", help="Of all of it, or of what is taken in.")
@click.option("--final/--not-final", default=None, help="Of a forfeiture.")
@click.option("--order", is_flag=True, help="A court's final order gives it to somebody else.")
@click.option("--held", default="", help="What was held all the time, such as 400.")
@click.option("--sold", multiple=True, help="DAY=BTC that left before; may be given often.")
@click.option("--sites", type=click.IntRange(1), help="In how many places the keys are kept.")
@click.option("--facts", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.option("--adopted", type=DATE, help="As if a board had made it its charter on this day.")
@click.option("--json", "as_json", is_flag=True, help="Print the verdict as JSON.")
def ask(code: str, on: dt.datetime | None, adopted: dt.datetime | None, **given: Any) -> None:
    """Ask whether a step would be lawful on a day. Exits 0 if permitted, 1 refused, 2 referred.

    Facts come from the options or, all of them, from a JSON file. What no option says is not known,
    but for a reserve that is not frozen, and addresses that are fresh.
    """
    from tallystick.core.clock import SystemClock
    from tallystick.core.errors import TallystickError
    from tallystick.reserve import facts as facts_
    from tallystick.reserve.ask import QUESTION_OF
    from tallystick.reserve.ask import ask as judge

    found = _load(code, adopted)
    day = on.date() if on else SystemClock().now().date()
    try:
        path: Path | None = given["facts"]
        facts = facts_.read(path.read_bytes()) if path else _facts(given, day)
    except TallystickError as error:
        raise click.ClickException(str(error)) from error
    question = QUESTION_OF.get(facts.act or "", facts.act or "")
    said = judge(found, question, facts, day)
    report = report_of(code, question, facts, day, said)
    if given["as_json"]:
        click.echo(msgspec.json.format(msgspec.json.encode(report), indent=1).decode())
    else:
        _tell(report)
    sys.exit({"permit": 0, "refuse": 1, "refer": 2}[said.answer.value])


def _load(code: str, adopted: dt.datetime | None) -> Any:
    from tallystick.core.errors import TallystickError
    from tallystick.reserve import mandate as mandates_

    try:
        found = mandates_.load(code)
    except TallystickError as error:
        raise click.ClickException(str(error)) from error
    if adopted is None:
        return found
    return found.as_charter(adopted.date(), "a board", "asked on the command line")


def _sats(text: str) -> int:
    from tallystick.core.money import BTC, MoneyError, parse

    try:
        return parse(text, BTC).minor
    except MoneyError as error:
        raise click.BadParameter(str(error)) from error


def _facts(given: dict[str, Any], day: dt.date) -> Any:
    from tallystick.reserve.facts import Facts, LotFact, Sum

    sats = _sats(given["btc"]) if given["btc"] else None
    deposited = given["deposited"].date() if given["deposited"] else None
    lots = None
    if sats is not None:
        lots = (LotFact("asked", sats, deposited, given["origin"] or None, order=given["order"]),)
    held = (Sum(dt.date.min, _sats(given["held"])),) if given["held"] else None
    return Facts(
        act=given["act"],
        sats=sats,
        lots=lots,
        sold=tuple(_sold(text) for text in given["sold"]),
        held=held,
        largest_address_sats=0,
        reused_addresses=0,
        sites=given["sites"],
        frozen=False,
        origin=given["origin"] or None,
        final=given["final"],
    )


def _sold(text: str) -> Any:
    from tallystick.reserve.facts import Sum

    day, _, btc = text.partition("=")
    try:
        return Sum(dt.date.fromisoformat(day), _sats(btc))
    except ValueError as error:
        raise click.BadParameter(f"{text!r} is not DAY=BTC, such as 2050-01-31=1.5") from error


def report_of(code: str, question: str, facts: Any, on: dt.date, said: Any) -> dict[str, Any]:
    """Return a verdict and the facts it rests on as plain values."""
    from tallystick.reserve import verdicts

    return {**verdicts.plain(code, question, on, said), "facts": facts}


def _tell(report: dict[str, Any]) -> None:
    from tallystick.core.money import BTC, Amount

    click.echo(f"{report['answer'].upper()}: {report['question']} under {report['mandate']}")
    for word in ("because", "must"):
        for item in report[word]:
            click.echo(f"  {word:<8}{item['id']}: {item['say']} ({item['cite']})")
    if report["left_sats"] is not None:
        click.echo(f"  left    {Amount(report['left_sats'], BTC)}")
    for name in report["missing"]:
        click.echo(f"  unknown {name}")
