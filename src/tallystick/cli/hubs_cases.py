"""``tallystick hubs gates | adopt | case | agreement | order | replay | again``: law and casework.

For whoever keeps the server. Approvals are not given here: an official decides in the console, by
a passkey. Heavy parts are imported when a command runs.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click
import msgspec

from tallystick.cli.hubs_are import COUNTRIES
from tallystick.cli.serve import DATA, DATABASE, database_of
from tallystick.core.errors import TallystickError

if TYPE_CHECKING:
    from tallystick.core.store import Store
    from tallystick.hubs.asking import Outcome
    from tallystick.hubs.desk import Desk
    from tallystick.hubs.family import Duty
    from tallystick.hubs.gates import GateAnswer
    from tallystick.hubs.law import FactKind, Gate, Value

DATE: Final = click.DateTime(["%Y-%m-%d"])
BY = click.option("--by", required=True, help="Who records it: a person's id.")
ON = click.option("--on", type=DATE, help="The day of the evidence or source; default: today.")
EVIDENCE = click.option("--evidence", required=True, help="What shows it.")
JSON = click.option("--json", "as_json", is_flag=True, help="Print JSON.")
SENDER = click.option("--sender", type=click.Choice(["GB", "EU"]), default="GB", show_default=True)


@contextlib.contextmanager
def opened(data: Path, database: str) -> Iterator[tuple[Store, Desk]]:
    """Open the database and the vault beside it; an error of ours ends the command in words."""
    from tallystick.core.clock import SystemClock
    from tallystick.core.store import Store
    from tallystick.core.vault import Vault
    from tallystick.hubs.desk import Desk

    data.mkdir(parents=True, exist_ok=True)
    clock, store = SystemClock(), Store.open(database_of(data, database))
    try:
        store.migrate()
        yield store, Desk(clock, Vault(data / "vault", clock))
    except TallystickError as error:
        raise click.ClickException(
            f"{error} ({error.code}; the person's case is as it was)"
        ) from error
    finally:
        store.close()


def day(given: dt.datetime | None) -> dt.date | None:
    """Return the day that an option gave."""
    return given.date() if given else None


def value_of(kind: FactKind | None, text: str) -> Value:
    """Read a value as typed: yes or no, a day, a whole number, or a word."""
    if kind is not None and kind.kind == "yes-no" and text in ("yes", "no"):
        return text == "yes"
    try:
        if kind is not None and kind.kind == "day":
            return dt.date.fromisoformat(text)
        return int(text)
    except ValueError:
        return text


def some(count: int, one: str) -> str:
    """Return ``1 gate`` or ``36 gates``."""
    return f"{count:,} {one}{'' if count == 1 else 's'}"


def plain(answers: tuple[GateAnswer, ...]) -> list[dict[str, Any]]:
    """Return answers as plain values."""
    from tallystick.hubs import asking

    return asking.said(answers)


def came_of(out: Outcome) -> str:
    """Say where a case is after a step, and which others of the family it stopped."""
    from tallystick.hubs import asking

    others = [ref for one in out.together for ref in asking.stopped_by(one)]
    also = f"; stopped with it: {', '.join(others)}" if others else ""
    return f"{out.case.state}{': what was under way is stopped' if out.stopped else ''}{also}"


def show_parted(parted: Sequence[Duty], today: dt.date) -> None:
    """Print from whom of the family a person is apart, and by when that is to be answered."""
    for one in parted:
        late = ": that day has passed" if one.late(today) else ""
        click.echo(f"apart from {one.other} since {one.since:%Y-%m-%d}; ", nl=False)
        click.echo(f"how they will be together again is due by {one.due}{late}")


def show(
    answers: tuple[GateAnswer, ...], as_json: bool, more: Mapping[str, Any] | None = None
) -> None:
    """Print answers: those that do not pass first, each with its provision; JSON has ``more``."""
    from tallystick.hubs import gates

    if as_json:
        body = {"permitted": gates.permits(answers), "gates": plain(answers), **(more or {})}
        click.echo(msgspec.json.format(msgspec.json.encode(body), indent=1).decode())
        return
    against = gates.stopping(answers)
    for one in against:
        until = f" until {one.until}" if one.until else ""
        click.echo(f"{one.answer.word:<8} {one.gate.id:<6} {one.gate.name}{until}")
        for why in one.why:
            click.echo(f"         {why}")
        click.echo(f"         {one.gate.provision.cite}")
    passed = len(answers) - len(against)
    verb = "passes" if passed == 1 else "pass"
    click.echo(
        f"{passed} of {some(len(answers), 'gate')} {verb}: {'permitted' if not against else 'no'}."
    )
    if left := [one.gate for one in against if not one.gate.verified]:
        click.echo(
            f"{some(len(left), 'gate')} not verified: `tallystick hubs gates --open` says what an "
            "officer is to read and adopt."
        )


@click.command()
@DATA
@DATABASE
@SENDER
@click.option("--on", type=DATE, help="As in force on this day; default: today.")
@click.option("--known", type=DATE, help="As known on this day; default: the same.")
@click.option("--open", "only_open", is_flag=True, help="Only those that an officer is to adopt.")
@JSON
def gates(
    data: Path,
    database: str,
    sender: str,
    on: dt.datetime | None,
    known: dt.datetime | None,
    only_open: bool,
    as_json: bool,
) -> None:
    """List a sender's gates: what each demands, its citation, and whether anybody verified it."""
    with opened(data, database) as (store, desk):
        today = day(on) or desk.today()
        with store.read() as tx:
            found = desk.law(tx, sender).at(today, day(known) or today)
    count, left = len(found), [gate for gate in found if not gate.verified]
    found = tuple(left) if only_open else found
    rows = [
        {
            "id": gate.id,
            "name": gate.name,
            "say": gate.provision.say,
            "cite": gate.provision.cite,
            "source": gate.provision.source,
            "mark": gate.mark,
            "verified": gate.verified,
            "adopted": gate.provision.adopted,
            "facts": sorted({name for test in gate.tests for name in test.facts}),
        }
        for gate in found
    ]
    if as_json:
        click.echo(msgspec.json.format(msgspec.json.encode(rows), indent=1).decode())
        return
    for row, gate in zip(rows, found, strict=True):
        state = "" if row["verified"] else "  NOT VERIFIED: unknown until an officer adopts it"
        click.echo(f"{row['id']:<6} [{row['mark']}] {row['name']}{state}\n       {row['cite']}")
        if only_open:
            click.echo(
                f"       {row['say']}\n       {row['source']} {gate.provision.note}".rstrip()
            )
    binds = "binds" if count == 1 else "bind"
    click.echo(f"{some(count, 'gate')} {binds} a transfer from {sender}. {to_adopt(sender, left)}")


def to_adopt(sender: str, left: Sequence[Gate]) -> str:
    """Say which gates an officer is to adopt before anybody can be transferred, and how."""
    if not left:
        return "Each was verified, or adopted by an officer."
    ids = list(dict.fromkeys(gate.id for gate in left))
    return (
        f"Not verified: {', '.join(ids)}.\nEach refuses until your officer has read the provision "
        f"and adopts it:\n  tallystick hubs adopt {ids[0]} --sender {sender} --by NAME --source "
        "WHERE-IT-WAS-READ\n`tallystick hubs gates --open` says what to read for each."
    )


@click.command()
def check() -> None:
    """Run the worked examples of the gates; exits 1 if one is answered otherwise."""
    from tallystick.hubs import examples

    wrong = count = 0
    for one in examples.check():
        count += 1
        if one.wrong:
            wrong += 1
            click.echo(f"FAIL  {one.say}\n      {one.wrong}")
    click.echo(f"{count} examples, {wrong} wrong")
    sys.exit(1 if wrong else 0)


@click.command()
@DATA
@DATABASE
@SENDER
@click.argument("gate")
@click.option("--by", required=True, help="The officer's name.")
@click.option("--source", required=True, help="Where the provision was read.")
def adopt(data: Path, database: str, sender: str, gate: str, by: str, source: str) -> None:
    """Adopt an unverified gate by name and with a source; it is journalled."""
    from tallystick.core.rulebook import adoptions

    with opened(data, database) as (store, desk):
        with store.transact() as tx:
            law = adoptions.record(tx, desk.clock, desk.load(sender), gate, {}, by, source)
        left = law.open_gates(desk.today())
    click.echo(f"{gate} is adopted. {to_adopt(sender, left)}")


@click.command()
@DATA
@DATABASE
@click.argument("case")
@click.option("--on", type=DATE, required=True, help="The day to ask about.")
@click.option("--host", default="", help="Of this agreement; default: the one meant on that day.")
@JSON
def replay(data: Path, database: str, case: str, on: dt.datetime, host: str, as_json: bool) -> None:
    """Say what would have refused a transfer on a day, as law and facts were known then.

    Exits 0 where every gate would have passed, and 2 where not.
    """
    from tallystick.hubs import replay as again

    with opened(data, database) as (store, desk), store.read() as tx:
        found = again.replay(tx, desk, case, on.date(), host)
    if not as_json:
        click.echo(f"Case {found.case.reference} on {found.on}: {found.state or 'not opened yet'}.")
    show(found.answers, as_json)
    sys.exit(0 if found.permitted else 2)


@click.command()
@DATA
@DATABASE
@click.argument("case")
@click.option("--given-by", required=True, help="Who gave the order.")
@click.option("--words", required=True, help="What was ordered.")
@BY
def order(data: Path, database: str, case: str, given_by: str, words: str, by: str) -> None:
    """Record that a transfer was ordered. The case does not change; the monitor is told."""
    from tallystick.hubs import orders

    with opened(data, database) as (store, desk), store.transact() as tx:
        out = orders.order(tx, desk, case, given_by, words, by)
    against = sum(1 for one in out.answers if one.answer)
    refuse = f"{some(against, 'gate')} {'does' if against == 1 else 'do'} not pass"
    click.echo(f"Recorded. Case {out.case.reference} stays {out.case.state}: {refuse}.")


@click.command()
@DATA
@DATABASE
def again(data: Path, database: str) -> None:
    """Ask the gates of every case under way again; run it daily, as evidence grows old.

    Families that are apart are listed too, and the monitor is told of answers that are overdue.
    """
    from tallystick.hubs import asking, family

    with opened(data, database) as (store, desk), store.transact() as tx:
        stopped = asking.again(tx, desk)
        parted, today = family.open_duties(tx, desk), desk.today()
    for reference in stopped:
        click.echo(f"stopped  {reference}")
    for one in parted:
        late = "; that day has passed" if one.late(today) else ""
        click.echo(f"apart    {one.case} and {one.away}: an answer is due by {one.due}{late}")
    click.echo(f"{some(len(stopped), 'case')} stopped.")


@click.group()
def case() -> None:
    """A person's case: open it, record what happens, see what the gates say."""


@case.command(name="open")
@DATA
@DATABASE
@SENDER
@click.option("--name", required=True, help="Kept in the vault and nowhere else.")
@click.option("--language", default="en", show_default=True)
@click.option("--lawyer", default="", help="The lawyer's person id.")
@click.option("--by", required=True, help="The caseworker's person id.")
def open_case(
    data: Path, database: str, sender: str, name: str, language: str, lawyer: str, by: str
) -> None:
    """Open a case from the refusal on, and print its reference."""
    from tallystick.hubs import cases

    with opened(data, database) as (store, desk), store.transact() as tx:
        who = cases.Identity(name, language)
        made = cases.open_case(tx, desk, who, sender, by, lawyer)
    click.echo(made.reference)


@case.command(name="list")
@DATA
@DATABASE
@click.option("--state", default="")
def list_cases(data: Path, database: str, state: str) -> None:
    """List cases, those that moved last first. Nobody's name is read."""
    from tallystick.hubs import queries

    with opened(data, database) as (store, _), store.read() as tx:
        found = queries.listed(tx, state)
    for one in found:
        click.echo(f"{one.reference}  {one.state:<14} {one.host:<20} {one.moved_at:%Y-%m-%d %H:%M}")


@case.command(name="show")
@DATA
@DATABASE
@click.argument("reference")
@JSON
def show_case(data: Path, database: str, reference: str, as_json: bool) -> None:
    """Say where a case is and what its gates say today."""
    from tallystick.hubs import asking, family, record

    with opened(data, database) as (store, desk), store.read() as tx:
        found = record.find(tx, reference)
        answers = asking.ask(tx, desk, found)
        parted = family.standing(tx, desk, found)
    if not as_json:
        click.echo(f"Case {found.reference}: {found.state}; host {found.host or 'none'}.")
        show_parted(parted, desk.today())
    show(answers, as_json, {"parted": [{"with": d.other, "due": d.due} for d in parted]})


@case.command()
@DATA
@DATABASE
@click.argument("reference")
@click.argument("kind")
@EVIDENCE
@ON
@click.option("--day", "given_day", type=DATE, help="A day that the event asks for.")
@click.option("--note", default="")
@BY
def event(
    data: Path,
    database: str,
    reference: str,
    kind: str,
    evidence: str,
    on: dt.datetime | None,
    given_day: dt.datetime | None,
    note: str,
    by: str,
) -> None:
    """Record an event, such as submissions_made; every gate is asked again at once."""
    from tallystick.hubs import cases, family

    with opened(data, database) as (store, desk), store.transact() as tx:
        out = cases.happen(tx, desk, reference, kind, by, evidence, day(on), day(given_day), note)
        parted = family.standing(tx, desk, out.case)
    click.echo(came_of(out))
    show_parted(parted, desk.today())


@case.command()
@DATA
@DATABASE
@click.argument("reference")
@click.argument("name")
@click.argument("value")
@EVIDENCE
@ON
@BY
def fact(
    data: Path,
    database: str,
    reference: str,
    name: str,
    value: str,
    evidence: str,
    on: dt.datetime | None,
    by: str,
) -> None:
    """Record one fact with its evidence; VALUE is yes, no, a day, a number or codes."""
    from tallystick.hubs import cases, family
    from tallystick.hubs.law import known_facts

    with opened(data, database) as (store, desk), store.transact() as tx:
        read = value_of(known_facts().get(name), value)
        out = cases.attest(tx, desk, reference, name, read, by, evidence, day(on))
        parted = family.standing(tx, desk, out.case)
    click.echo(came_of(out))
    show_parted(parted, desk.today())


@case.command()
@DATA
@DATABASE
@click.argument("reference")
@click.option("--stage", required=True, help="Such as ftt-in-country; `hubs stages` lists them.")
@click.option("--country", required=True, type=click.Choice(COUNTRIES))
@click.option("--from", "start", required=True, type=DATE, help="The day on which time began.")
@EVIDENCE
@BY
def clock(
    data: Path,
    database: str,
    reference: str,
    stage: str,
    country: str,
    start: dt.datetime,
    evidence: str,
    by: str,
) -> None:
    """Reckon when a right of appeal or review ends, and record it with its rule."""
    from tallystick.hubs import clocks
    from tallystick.hubs.working_days import Country

    with opened(data, database) as (store, desk), store.transact() as tx:
        given = (stage, Country(country), start.date(), by, evidence)
        out, found = clocks.set_clock(tx, desk, reference, *given)
    click.echo(f"{clocks.fact_of(stage)} is {found.are_date}; the gate holds through that day.")
    click.echo(came_of(out))


@click.group()
def agreement() -> None:
    """Agreements with host states: claims with their sources, and what they stop."""


@agreement.command(name="list")
@DATA
@DATABASE
def list_agreements(data: Path, database: str) -> None:
    """List every agreement with its status, the source of that and its day."""
    from tallystick.hubs import agreements

    with opened(data, database) as (store, _), store.read() as tx:
        for one in agreements.listed(tx):
            found = agreements.terms(tx, one).get("agreement.status")
            said = f"{found.value}: {found.source} ({found.on})" if found else "nothing claimed"
            click.echo(f"{one.id:<20} {one.sender}  {one.name}\n    {said}")


@agreement.command(name="add")
@DATA
@DATABASE
@SENDER
@click.argument("agreement_id")
@click.argument("country")
@click.argument("name")
def add_agreement(
    data: Path, database: str, sender: str, agreement_id: str, country: str, name: str
) -> None:
    """Put an agreement on record; COUNTRY is two capitals."""
    from tallystick.hubs import agreements

    with opened(data, database) as (store, desk), store.transact() as tx:
        made = agreements.add(tx, desk, agreement_id, sender, country, name)
    click.echo(made.about)


@agreement.command()
@DATA
@DATABASE
@click.argument("about")
@click.argument("name")
@click.argument("value")
@click.option("--source", required=True)
@ON
@click.option("--until", type=DATE, help="The last day on which it counts as evidence.")
@BY
def claim(
    data: Path,
    database: str,
    about: str,
    name: str,
    value: str,
    source: str,
    on: dt.datetime | None,
    until: dt.datetime | None,
    by: str,
) -> None:
    """Record a claim about agreement:ID or country:XX; it stops every case that it concerns."""
    from tallystick.hubs import asking
    from tallystick.hubs.law import known_facts

    with opened(data, database) as (store, desk), store.transact() as tx:
        read = value_of(known_facts().get(name), value)
        source_day = day(on) or desk.today()
        given = (about, name, read, source, source_day, by, day(until))
        stopped = asking.claim(tx, desk, *given)
    click.echo(f"Recorded. {some(len(stopped), 'case')} stopped. {' '.join(stopped)}".rstrip())


@agreement.command(name="seed")
@DATA
@DATABASE
def seed_agreements(data: Path, database: str) -> None:
    """Put what was reported of agreements on record, as reports."""
    from tallystick.hubs import seed

    with opened(data, database) as (store, desk), store.transact() as tx:
        count = seed.plant(tx, desk)
    click.echo(f"{count} reports are on record.")
