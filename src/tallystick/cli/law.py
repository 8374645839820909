"""``tallystick law``: what the rulebook knows, what it says to a step, and what was adopted."""

from __future__ import annotations

import datetime as dt
import difflib
import sys
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import click
import msgspec

from tallystick.cli.serve import DATA, DATABASE, database_of

DATE = click.DateTime(["%Y-%m-%d"])
WIDTH = 22
GIVEN = ("cash", "paid_today", "customer", "fee")
ZONE = click.option("--zone", default="", help="One of the place's time zones; else its first.")
BOOKS = click.option(
    "--data",
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    help="Take in what officers adopted in this folder's books.",
)


def _day(place: Any, given: dt.datetime | None) -> dt.date:
    """Return the day asked about, or today by the place's own clock."""
    from tallystick.core.clock import SystemClock

    return given.date() if given else place.day(SystemClock().now())


def _place(code: str, zone: str, data: Path | None, database: str) -> Any:
    """Return a place in a zone, with what officers adopted if their books are named."""
    from tallystick.core import rulebook
    from tallystick.core.errors import TallystickError
    from tallystick.core.rulebook import adoptions
    from tallystick.core.store import Store

    try:
        place = rulebook.load(_code(code)).in_zone(zone)
        if data is None and not database:
            return place
        store = Store.open(database_of(data or Path(), database))
        try:
            store.migrate()
            with store.read() as tx:
                return place.adopt(adoptions.adopted(tx, place.code))
        finally:
            store.close()
    except TallystickError as error:
        raise click.ClickException(f"{error} ({error.code})") from error


def _code(given: str) -> str:
    """Return a place's code as its file has it, however its letters were typed."""
    from tallystick.core.rulebook.place import codes

    known = {code.lower(): code for code in codes()}
    if given.lower() in known:
        return known[given.lower()]
    near = difflib.get_close_matches(given.lower(), known, 3, 0.5)
    like = f" Did you mean {' or '.join(known[one] for one in near)}?" if near else ""
    raise click.ClickException(
        f"there is no law file for {given[:40]}: the place is closed (7001).{like} "
        "`tallystick law list` has them all."
    )


@click.group()
def law() -> None:
    """List, show, compare and ask the law; run its examples; adopt what is not settled."""


@law.command(name="list")
@click.option("--on", type=DATE, help="The day; today, where each place is, if left out.")
def list_places(on: dt.datetime | None) -> None:
    """List every place and whether a kiosk may sell there on a day."""
    from tallystick.core import rulebook
    from tallystick.core.rulebook.place import codes

    counts: Counter[str] = Counter()
    for code in codes():
        place = rulebook.load(code)
        said = rulebook.ask(place, "kiosk.open", {}, _day(place, on))
        counts[word(said)] += 1
        open_ = ", ".join(name.rpartition("/")[2].replace("-", " ") for name in said.missing)
        click.echo(f"{code:<{WIDTH}}{word(said):<12}{place.name}{f' ({open_})' if open_ else ''}")
    click.echo(
        f"\n{counts['open']} open, {counts['banned']} banned, {counts['unsettled']} unsettled: "
        "closed until an officer adopts the points in brackets.\n"
        "`law show CODE` has each place's provisions; `law adopt` settles a point.",
        err=True,
    )


def word(said: Any) -> str:
    """Return open, banned or unsettled for a verdict on opening."""
    return {"permit": "open", "refuse": "banned", "refer": "unsettled"}[said.answer.value]


@law.command()
@click.argument("code")
@click.option("--on", type=DATE, help="Only what binds, or may bind, on this day.")
@click.option("--known", type=DATE, help="Only what was known on this day.")
@BOOKS
@DATABASE
def show(
    code: str,
    on: dt.datetime | None,
    known: dt.datetime | None,
    data: Path | None,
    database: str,
) -> None:
    """Show a place's provisions in plain words, each with its citation and how it was read.

    What an officer adopted counts from the day of the adoption, and is open on earlier days.
    """
    from tallystick.core.rulebook.provision import READ_SAYS

    place = _place(code, "", data, database)
    place = place.as_known(known.date()) if known else place
    _head(place, _day(place, on))
    for item in place.on_day(on.date()) if on else place.provisions:
        if on and item.in_force(on.date()) is False:
            continue
        click.echo(f"\n{item.id}\n  {item.say}\n  {item.cite}; in force {force_of(item)}")
        where = f": {item.source}" if item.source else ""
        click.echo(f"  {READ_SAYS[item.read]}{where}{'' if item.settled else '; NOT SETTLED'}")
        for more in (item.words.get("text"), item.note, item.adopted):
            if more:
                click.echo(f"  {more}")
    for name, kinds in (("looked for, not found", place.not_found), ("not read", place.not_read)):
        if kinds:
            click.echo(f"\n{name}: {', '.join(kinds)}")


def _head(place: Any, day: dt.date) -> None:
    """Say how a place stands on a day, and what would have to be adopted there."""
    from tallystick.core import rulebook

    said = rulebook.ask(place, "kiosk.open", {}, day)
    click.echo(f"{place.name} ({place.code}, {place.currency}): {word(said)} on {day}.")
    for item in said.because if word(said) == "banned" else ():
        click.echo(f"  banned by {item.id}")
    for name in said.missing:
        click.echo(f"  to be adopted: {name}")
    for more in (place.statute, place.note):
        if more:
            click.echo(f"  {more}")
    click.echo(f"  Days are reckoned by {', '.join(place.zones) or 'UTC'}.")


def force_of(item: Any) -> str:
    """Say from when to when a provision is in force, as far as that is known."""
    first = item.since or (
        f"from {' to '.join(map(str, item.since_between))}, the day not known"
        if item.since_between
        else "from a day not known"
    )
    return f"{first}{f' until {item.until}' if item.until else ''}"


@law.command()
@click.argument("code")
@click.argument("before", type=DATE)
@click.argument("after", type=DATE)
def diff(code: str, before: dt.datetime, after: dt.datetime) -> None:
    """Show what begins (+), ends (-), becomes certain (~) or undecided (?) between two days."""
    place = _place(code, "", None, "")
    changed = False
    for item in place.provisions:
        was, now = item.in_force(before.date()), item.in_force(after.date())
        if was is now:
            continue
        changed = True
        mark = {True: "~" if was is None else "+", False: "-", None: "?"}[now]
        click.echo(f"{mark} {item.id}: {item.say}\n    {item.cite}; in force {force_of(item)}")
    if not changed:
        click.echo("Nothing changes between these days.")


@law.command()
@click.argument("code")
@click.argument("question", default="kiosk.sell")
@click.option("--cash", type=click.IntRange(0), help="This purchase, in whole units of money.")
@click.option("--paid-today", type=click.IntRange(0), help="Earlier today, in whole units.")
@click.option("--customer", type=click.Choice(["new", "existing", "unknown"]))
@click.option("--fee", type=click.IntRange(0), help="In minor units.")
@click.option("--fact", multiple=True, help="NAME=MINOR, such as paid_30_days=100000.")
@click.option("--on", type=DATE, help="The day; today by the place's own clock if left out.")
@click.option("--known", type=DATE, help="As the law was known on this day.")
@ZONE
@BOOKS
@DATABASE
@click.option("--json", "as_json", is_flag=True, help="Print the verdict as JSON.")
def ask(
    code: str,
    question: str,
    cash: int | None,
    paid_today: int | None,
    customer: str | None,
    fee: int | None,
    fact: Iterable[str],
    on: dt.datetime | None,
    known: dt.datetime | None,
    zone: str,
    data: Path | None,
    database: str,
    as_json: bool,
) -> None:
    """Ask what the law says to a step. Exits 0 if permitted, 1 if refused, 2 if referred."""
    from tallystick.core import rulebook

    place = _place(code, zone, data, database)
    day = _day(place, on)
    place = place.as_known(known.date()) if known else place
    facts = _given(fact)
    minor = {"cash": cash, "paid_today": paid_today}
    facts |= {name: value * 100 for name, value in minor.items() if value is not None}
    facts |= {n: v for n, v in (("customer", customer), ("fee", fee)) if v is not None}
    said = rulebook.ask(place, question, facts, day)
    report = verdict_of(place.code, question, facts, day, said)
    if as_json:
        click.echo(msgspec.json.format(msgspec.json.encode(report), indent=1).decode())
    else:
        _tell(report, place.currency)
    sys.exit({"permit": 0, "refuse": 1, "refer": 2}[said.answer.value])


def _given(pairs: Iterable[str]) -> dict[str, int | str]:
    facts: dict[str, int | str] = {}
    for pair in pairs:
        name, _, value = pair.partition("=")
        if not value.isdigit():
            raise click.BadParameter(f"{pair!r} is not NAME=MINOR")
        facts[name] = int(value)
    return facts


def verdict_of(code: str, question: str, facts: Any, on: dt.date, said: Any) -> dict[str, Any]:
    """Return a verdict as plain values."""

    def plain(items: Iterable[Any]) -> list[dict[str, Any]]:
        return [{"id": p.id, "kind": p.kind, "say": p.say, "cite": p.cite} for p in items]

    return {
        "place": code,
        "question": question,
        "on": on,
        "facts": facts,
        "answer": said.answer.value,
        "because": plain(said.because),
        "left_minor": said.left_minor,
        "missing": list(said.missing),
        "must": plain(said.must),
    }


def _tell(report: dict[str, Any], currency: str) -> None:
    from tallystick.core.money import Amount, asset

    about = f"{report['question']} in {report['place']} on {report['on']}"
    click.echo(f"{report['answer'].upper()}: {about}")
    for item in report["because"]:
        click.echo(f"  because {item['id']}: {item['say']} ({item['cite']})")
    for item in report["must"]:
        click.echo(f"  must    {item['id']}: {item['say']} ({item['cite']})")
    if report["left_minor"] is not None:
        click.echo(f"  left    {Amount(report['left_minor'], asset(currency))}")
    for name in report["missing"]:
        point = "adopt it: `law adopt`" if "/" in name else _how(name)
        click.echo(f"  unknown {name} ({point})")


def _how(fact: str) -> str:
    """Say how a fact that was not given is given."""
    option = f"--{fact.replace('_', '-')}"
    return f"give {option if fact in GIVEN else f'--fact {fact}=…'}"


@law.command()
def check() -> None:
    """Read every file and run every worked example. Exits 1 if one differs."""
    from tallystick.core import rulebook
    from tallystick.core.rulebook.examples import check as run
    from tallystick.core.rulebook.place import codes

    places = [rulebook.load(code) for code in codes()]
    wrong = count = 0
    for done in run():
        count += 1
        if done.wrong:
            wrong += 1
            click.echo(f"FAIL  {done.place}: {done.say}\n      {done.wrong}")
    rules = sum(1 for place in places for p in place.provisions if p.id.startswith(place.code))
    click.echo(f"{len(places)} places, {rules} provisions, {count} examples, {wrong} wrong")
    sys.exit(1 if wrong else 0)


@law.command()
@DATA
@DATABASE
@click.argument("code")
@click.argument("subject")
@click.option("--figure", multiple=True, help="NAME=NUMBER, such as minor=100000 or hours=0.")
@click.option("--by", required=True, help="The compliance officer's name.")
@click.option("--source", required=True, help="Where the figure was read.")
def adopt(
    data: Path,
    database: str,
    code: str,
    subject: str,
    figure: tuple[str, ...],
    by: str,
    source: str,
) -> None:
    """Adopt what is open in a place, by name and with a source; it is journalled."""
    from tallystick.core import rulebook
    from tallystick.core.clock import SystemClock
    from tallystick.core.errors import TallystickError
    from tallystick.core.rulebook import adoptions
    from tallystick.core.store import Store

    figures = {name: int(value) for name, value in _given(figure).items()}
    clock, store = SystemClock(), Store.open(database_of(data, database))
    store.migrate()
    try:
        with store.transact() as tx:
            place = adoptions.record(
                tx, clock, _place(code, "", None, ""), subject, figures, by, source
            )
    except TallystickError as error:
        raise click.ClickException(str(error)) from error
    finally:
        store.close()
    said = rulebook.ask(place, "kiosk.open", {}, place.day(clock.now()))
    open_ = f"Still open: {', '.join(said.missing)}" if said.missing else ""
    click.echo(f"{place.code} is {word(said)}. {open_}")
    click.echo("A running server takes it up within seconds.")


@law.command()
@DATA
@DATABASE
@click.argument("code")
def duties(data: Path, database: str, code: str) -> None:
    """Show the duties that no machine can check, and who stated which as met. Exits 1 if one is
    open."""
    from tallystick.core.clock import SystemClock
    from tallystick.core.rulebook import duties as register
    from tallystick.core.store import Store

    store = Store.open(database_of(data, database))
    store.migrate()
    with store.read() as tx:
        place = _place(code, "", None, "")
        made = register.stated(tx, place.code)
    store.close()
    today = place.day(SystemClock().now())
    open_ = register.unmet(place, made, today)
    for item in register.duties_of(place, today):
        last = next((s for s in reversed(made) if s.provision == item.id and s.holds(today)), None)
        click.echo(f"{'OPEN' if item in open_ else 'met ':<5}{item.id}: {item.say} ({item.cite})")
        if last:
            click.echo(f"     until {last.until}, stated by {last.by}: {last.evidence}")
    sys.exit(1 if open_ else 0)


@law.command()
@DATA
@DATABASE
@click.argument("code")
@click.argument("duties", nargs=-1, required=True)
@click.option("--by", required=True, help="The compliance officer's name.")
@click.option("--evidence", required=True, help="A licence's number, a contract, a roster.")
@click.option("--until", type=DATE, required=True, help="The last day it holds; 400 days at most.")
def state(
    data: Path,
    database: str,
    code: str,
    duties: tuple[str, ...],
    by: str,
    evidence: str,
    until: dt.datetime,
) -> None:
    """State that duties of a place are met, by name and on evidence; it is journalled."""
    from tallystick.core.clock import SystemClock
    from tallystick.core.errors import TallystickError
    from tallystick.core.rulebook import duties as register
    from tallystick.core.store import Store

    clock, store = SystemClock(), Store.open(database_of(data, database))
    store.migrate()
    try:
        with store.transact() as tx:
            place = _place(code, "", None, "")
            register.state(tx, clock, place, duties, by, evidence, until.date())
            made = register.stated(tx, place.code)
            open_ = register.unmet(place, made, place.day(clock.now()))
    except TallystickError as error:
        raise click.ClickException(str(error)) from error
    finally:
        store.close()
    click.echo(
        f"{len(open_)} duties of {place.code} are still open. " + ", ".join(p.id for p in open_)
    )
