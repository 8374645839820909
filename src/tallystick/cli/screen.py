"""``tallystick screen``: sanctions lists, names against them, and the review of what was found.

Two people decide a hit: one runs ``decide``, another ``approve``. Each command is one step of
`kiosk.screening`, in one transaction and journalled.
"""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path
from typing import Any

import click

from tallystick.cli.serve import DATA, DATABASE
from tallystick.cli.step import person_of, step
from tallystick.core.clock import SystemClock
from tallystick.core.errors import TallystickError
from tallystick.core.store import Tx
from tallystick.kiosk.screening import births, hits, lists, policy, screen
from tallystick.kiosk.screening.entry import Born
from tallystick.kiosk.screening.formats.read import published
from tallystick.kiosk.screening.index import Hit, Subject
from tallystick.kiosk.screening.model import GROUNDS, State
from tallystick.kiosk.screening.say import reasons

BY = click.option("--by", required=True, help="Who does it: a person's id or name.")
AS_JSON = click.option("--json", "as_json", is_flag=True, help="Print JSON.")
POLICY = click.option(
    "--policy",
    "policy_file",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    default=policy.DEFAULT,
    help="The screening policy; default: the one that comes with this version.",
)


@click.group(name="screen")
def screen_group() -> None:
    """Take in sanctions lists, screen names against them, and review what was found."""


@screen_group.command(name="import")
@DATA
@DATABASE
@BY
@click.option("--shrinks", is_flag=True, help="Say that the list really lost many entries.")
@click.argument(
    "files", nargs=-1, required=True, type=click.Path(path_type=Path, exists=True, dir_okay=False)
)
def take_in(data: Path, database: str, by: str, shrinks: bool, files: tuple[Path, ...]) -> None:
    """Take in published lists: OFAC SDN (XML, advanced XML, CSV), EU, UN, UK. Format by content.

    Every customer is screened again against what is new or changed; a running server does it.
    """
    clock = SystemClock()
    for path in files:
        try:
            found = published(path)
        except TallystickError as error:
            raise click.ClickException(f"{error} (the lists are {error.money})") from error

        def act(tx: Tx) -> lists.Change:
            change = lists.take_in(tx, clock, found, by, shrinks=shrinks)  # noqa: B023
            screen.rescreen(tx, clock, change)
            return change

        change = step(data, database, act)
        click.echo(
            f"{path.name}: {found.format}, {len(found.entries):,} entries"
            f"{f' of {found.dated}' if found.dated else ''}; {len(change.added):,} added, "
            f"{len(change.changed):,} changed, {len(change.removed):,} removed."
        )


@screen_group.command()
@DATA
@DATABASE
@POLICY
@AS_JSON
@click.option("--born", default="", help="YYYY-MM-DD, or a year, or 'circa 1960'.")
@click.option("--points", type=click.IntRange(0, 10_000), help="Other than the policy's.")
@click.argument("names", nargs=-1, required=True)
def name(
    data: Path,
    database: str,
    policy_file: Path,
    as_json: bool,
    born: str,
    points: int | None,
    names: tuple[str, ...],
) -> None:
    """Compare a name, or several of one person, with the lists in force. Exits 2 if one is hit.

    Nothing is written down: this asks, and opens no hit.
    """
    date = births.read(born) if born else None
    if born and date is None:
        raise click.BadParameter(f"{born!r} is no date", param_hint="--born")
    screening = screen.Screening(SystemClock(), lists.Lists(policy.load(policy_file)))
    least = points if points is not None else screening.lists.policy.review_points

    def act(tx: Tx) -> list[Hit]:
        return screening.lists.current(tx)[1].screen(Subject(names, (date,) if date else ()), least)

    found = step(data, database, act)
    if as_json:
        click.echo(json.dumps([_told(hit) for hit in found], ensure_ascii=False))
    else:
        for hit in found:
            click.echo(_sentence(hit))
        if not found:
            click.echo(f"Nothing on the lists reaches {least} of 10,000 points.")
    if found:
        raise SystemExit(2)


def _told(hit: Hit) -> dict[str, Any]:
    return {
        "entry": hit.entry.key,
        "points": hit.points,
        "listed": hit.listed.text,
        "weak": hit.listed.weak,
        "born": [_born(one) for one in hit.entry.born],
        "birth": hit.said.value,
        "programmes": list(hit.entry.programmes),
        "because": reasons(hit),
    }


def _sentence(hit: Hit) -> str:
    why = "".join(f"\n    {one}" for one in reasons(hit))
    return f"{hit.points:>6}  {hit.entry.key}  {hit.listed.text}{why}"


def _born(one: Born) -> str:
    said = str(one.first) if one.first == one.last else f"{one.first} to {one.last}"
    return f"about {said}" if one.circa else said


@screen_group.command()
@DATA
@DATABASE
@AS_JSON
@click.option("--all", "every", is_flag=True, help="Decided ones too.")
def queue(data: Path, database: str, as_json: bool, every: bool) -> None:
    """Print the hits that wait for people, the highest first. No customer's name is in it."""
    states = tuple(State) if every else (State.HIT, State.REVIEW)
    rows = step(data, database, lambda tx: hits.queue(tx, states))
    if as_json:
        keys = ("id", "person", "entry", "listed", "points", "said", "state", "why")
        told = [{key: row[key] for key in keys} | {"at": row["at"].isoformat()} for row in rows]
        click.echo(json.dumps(told, ensure_ascii=False))
        return
    for row in rows:
        click.echo(
            f"{row['id']}  {row['state']:<9} {row['points']:>6}  {row['entry']}  {row['listed']}"
        )
    if not rows:
        click.echo("No hit waits.")


@screen_group.command()
@DATA
@DATABASE
@BY
@POLICY
@click.option("--ground", type=click.Choice(list(GROUNDS)), required=True)
@click.option("--evidence", required=True, help="Where what supports it lies; no names.")
@click.argument("hit")
def decide(
    data: Path, database: str, by: str, policy_file: Path, ground: str, evidence: str, hit: str
) -> None:
    """Propose to clear or to confirm a hit, by its ground; somebody else approves it."""
    held = policy.load(policy_file)
    step(
        data,
        database,
        lambda tx: hits.propose(tx, SystemClock(), held, hit, ground, evidence, person_of(tx, by)),
    )
    click.echo(f"Proposed: {GROUNDS[ground].value}. Another officer of compliance approves it.")


@screen_group.command()
@DATA
@DATABASE
@BY
@click.argument("hit")
def approve(data: Path, database: str, by: str, hit: str) -> None:
    """Approve what another person proposed of a hit."""
    state = step(
        data,
        database,
        lambda tx: hits.approve(tx, SystemClock(), hit, person_of(tx, by), "command line"),
    )
    click.echo(f"The hit is {state}.")


@screen_group.command()
@DATA
@DATABASE
@BY
@click.argument("hit")
def reopen(data: Path, database: str, by: str, hit: str) -> None:
    """Open a decided hit again: it holds the person until it is decided anew."""
    step(data, database, lambda tx: hits.reopen(tx, SystemClock(), hit, person_of(tx, by)))
    click.echo("The hit is open again.")


@screen_group.command()
@DATA
@DATABASE
@AS_JSON
@click.argument("taking", required=False)
def changes(data: Path, database: str, as_json: bool, taking: str | None) -> None:
    """Print what a taking-in changed, entry by entry; the last one if none is named."""

    def act(tx: Tx) -> list[lists.Difference]:
        newest = sorted(lists.newest(tx).values(), key=lambda row: row["at"])
        return lists.explained(tx, taking or newest[-1]["id"]) if taking or newest else []

    found = step(data, database, act)
    if as_json:
        told = [{"entry": d.key, "name": d.name, "what": list(d.what)} for d in found]
        click.echo(json.dumps(told, ensure_ascii=False))
        return
    for one in found:
        click.echo(f"{one.key}  {one.name}: {', '.join(one.what)}")


@screen_group.command()
@DATA
@DATABASE
@click.argument("taking", required=False)
def rescreen(data: Path, database: str, taking: str | None) -> None:
    """Screen every customer again against what a taking-in brought; of the last, if none is named.

    Harmless when it was done: a match that is open or decided is not opened twice.
    """

    def act(tx: Tx) -> int:
        ids = [taking] if taking else list(lists.in_force(tx))
        for one in ids:
            screen.again(tx, SystemClock(), one)
        return len(ids)

    click.echo(f"{step(data, database, act)} enqueued; a running server does it.")


@screen_group.command()
@DATA
@DATABASE
@POLICY
@AS_JSON
def status(data: Path, database: str, policy_file: Path, as_json: bool) -> None:
    """Print the lists and their age, hits by state, who is screened. Exits 1 if a list is old."""
    screening = screen.Screening(SystemClock(), lists.Lists(policy.load(policy_file)))
    found = step(data, database, lambda tx: screen.status(tx, screening))
    if as_json:
        click.echo(json.dumps(found, default=_plain))
    else:
        for row in found["lists"]:
            dated = f", dated {row['dated']}" if row["dated"] else ""
            many = f"{row['list']:<5} {row['entries']:>7,} entries"
            click.echo(f"{many}  taken in {row['at']:%Y-%m-%d}{dated}")
        for name_ in found["stale"]:
            click.echo(f"{name_:<5} is missing, or older than the policy lets it be")
        waiting = ", ".join(f"{count} {state}" for state, count in found["hits"].items())
        click.echo(f"Hits: {waiting}.")
        click.echo(
            f"{found['persons_screened']:,} persons screened; "
            f"{found['batches_waiting']} batches wait."
        )
    if found["stale"]:
        raise SystemExit(1)


def _plain(value: object) -> str:
    return value.isoformat() if isinstance(value, dt.date | dt.datetime) else str(value)
