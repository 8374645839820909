"""``tallystick demo --programme hubs``: invented people and an invented state, to try the gates on.

Four weeks are played in a few seconds, so that two cases stand ready on their day of transfer. With
``--once`` a new submission stops the one, the other goes through the door, and the exit code is 0
only if both did as the gates say and the record holds.
"""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from tallystick.cli.cell import free
from tallystick.cli.parts import Parts
from tallystick.cli.serve import database_of
from tallystick.core.clock import Clock, SystemClock

if TYPE_CHECKING:
    from tallystick.core.store import Store
    from tallystick.hubs.desk import Desk

SENDER: Final = "GB"
PORT: Final = 8740
"""Tried first, so that a browser's bookmarks hold."""
WEEKS_BACK_DAYS: Final = 24
NOTICE_DAYS: Final = 20
"""Longer than any notice, those over Christmas too."""
STOPPED, THROUGH, APPEALING, FRESH = (
    "Sample Person One",
    "Sample Person Two",
    "Sample Person Three",
    "Sample Person Four",
)


class PastClock(SystemClock):
    """The machine's clock and chance, some days back: for playing past weeks in a moment."""

    def __init__(self, days: int) -> None:
        self.days = days

    def now(self) -> dt.datetime:
        """Return the machine's time, that many days earlier."""
        return super().now() - dt.timedelta(days=self.days)


def open_desk(folder: Path, clock: Clock) -> tuple[Store, Desk]:
    """Open the folder's database and vault."""
    from tallystick.core.store import Store
    from tallystick.core.vault import Vault
    from tallystick.hubs.desk import Desk

    store = Store.open(database_of(folder, ""))
    store.migrate()
    return store, Desk(clock, Vault(folder / "vault", clock))


def prepare(folder: Path) -> dict[str, Any]:
    """Play the past weeks into a folder; return the staff's ids and the cases' references.

    A folder that was prepared before is left as it is.
    """
    kept = folder / "hubs-demo.json"
    if kept.exists():
        found: dict[str, Any] = json.loads(kept.read_text())
        return found
    from tallystick.hubs import sample, seed

    clock = PastClock(WEEKS_BACK_DAYS)
    store, desk = open_desk(folder, clock)
    with store.transact() as tx:
        sample.adopt_all(tx, desk, SENDER)
        staff = sample.staff(tx, desk)
        sample.agreement(tx, desk, SENDER, staff["caseworker"])
        seed.plant(tx, desk)
    names = (STOPPED, THROUGH, APPEALING, FRESH)
    with store.transact() as tx:
        cases = {
            name: sample.person(
                tx, desk, SENDER, name, staff["caseworker"], staff["lawyer"]
            ).reference
            for name in names
        }
    _play_weeks(store, desk, clock, staff, cases)
    store.close()
    made = {"staff": staff, "cases": cases}
    kept.write_text(json.dumps(made))
    return made


def _play_weeks(
    store: Store, desk: Desk, clock: PastClock, staff: dict[str, str], cases: dict[str, str]
) -> None:
    """Bring two cases to their day of transfer, and leave two where people wait."""
    from tallystick.hubs import cases as steps
    from tallystick.hubs import decide, sample, transfer
    from tallystick.hubs.model import Role

    worker, ready = staff["caseworker"], (cases[STOPPED], cases[THROUGH])
    transfer_day = desk.today() + dt.timedelta(WEEKS_BACK_DAYS)
    with store.transact() as tx:
        for one in ready:
            sample.complete(tx, desk, one, worker, SENDER)
            decide.propose(tx, desk, one, sample.HOST, worker)
            decide.approve(tx, desk, one, staff["official"], Role.OFFICIAL)
            decide.approve(tx, desk, one, staff["independent"], Role.INDEPENDENT)
            transfer.place(tx, desk, one, worker, transfer_day)
        due = desk.today() + dt.timedelta(60)
        steps.happen(
            tx, desk, cases[APPEALING], "appeal_lodged", worker, "The tribunal's letter", day=due
        )
    clock.days = NOTICE_DAYS
    with store.transact() as tx:
        for one in ready:
            sample.complete(tx, desk, one, worker, SENDER)
            transfer.serve_notice(
                tx, desk, one, worker, "The notice as served", names_destination_and_route=True
            )
    clock.days = 0
    with store.transact() as tx:
        for one in ready:
            sample.complete(tx, desk, one, worker, SENDER)
            transfer.eve(tx, desk, one, worker)


def once(folder: Path, as_json: bool, kept: bool) -> int:
    """Stop one case by a new submission, and take the other through the door; return the code.

    What is said does not depend on whether the folder is kept.
    """
    from tallystick.core import journal
    from tallystick.hubs import asking, record, transfer
    from tallystick.hubs import cases as steps
    from tallystick.hubs.model import State

    made = prepare(folder)
    store, desk = open_desk(folder, SystemClock())
    staff, cases = made["staff"], made["cases"]
    with store.transact() as tx:
        stopped = steps.happen(
            tx, desk, cases[STOPPED], "submissions_made", staff["lawyer"], "Letter of today"
        )
    with store.transact() as tx:
        through = transfer.door(tx, desk, cases[THROUGH], staff["caseworker"])
    with store.read() as tx:
        entries = journal.verify(tx)
        steps_held = all(
            step.opens
            for name in (STOPPED, THROUGH)
            for step in record.history(tx, desk, record.find(tx, cases[name]))
        )
    store.close()
    against = [one for one in asking.said(stopped.answers) if one["answer"] != "pass"]
    result = {
        "stopped": {"case": stopped.case.reference, "state": stopped.case.state, "by": against},
        "through": {
            "case": through.case.reference,
            "state": through.case.state,
            "gates": len(through.answers),
        },
        "journal_entries": entries,
        "record_holds": steps_held,
    }
    _print(result, as_json)
    right = stopped.case.state is State.SUBMISSIONS and through.case.state is State.TRANSFERRED
    return 0 if right and stopped.stopped and through.permitted and steps_held else 1


def _print(result: dict[str, Any], as_json: bool) -> None:
    if as_json:
        click.echo(json.dumps(result, indent=1, default=str))
        return
    stopped, through = result["stopped"], result["through"]
    click.echo(f"{stopped['case']}  stopped on its day by a new submission: {stopped['state']}")
    for one in stopped["by"]:
        click.echo(f"    {one['answer']} {one['gate']}: {' '.join(one['why'])} {one['cite']}")
    click.echo(
        f"{through['case']}  {through['state']}: {through['gates']} gates passed at the door"
    )
    click.echo(f"The journal holds, {result['journal_entries']} entries.")


def play(parts: Parts, folder: Path, clock: Clock) -> int:
    """Serve the console until Ctrl-C, with a one-time link for each role."""
    from tallystick.core.identity import people
    from tallystick.hubs import person as own

    click.echo("Playing four weeks of an invented programme …")
    made = prepare(folder)
    port = PORT if free(PORT) else 0
    server = parts.begin(
        "hubs",
        *("tallystick.cli", "hubs", "serve", "--data", str(folder), "--port", str(port)),
    )
    origin = parts.wait(server)
    store, desk = open_desk(folder, clock)
    links = {}
    with store.transact() as tx:
        for key, person in made["staff"].items():
            token = people.invite_again(tx, person, clock.now(), clock, lost=False)
            links[key] = f"{origin}/invite/{token}"
        keys = {
            reference: own.give_key(tx, desk, reference, made["staff"]["monitor"])
            for reference in made["cases"].values()
        }
    store.close()
    click.echo("\n  One-time links, each for a role (use a private window for each):")
    for key, link in links.items():
        click.echo(f"    {key:<12} {link}")
    click.echo("\n  Cases, each with the key with which that person reads their own record:")
    for name, reference in made["cases"].items():
        click.echo(f"    {reference}  {keys[reference]}  {name}")
    click.echo(f"  Their pages, and the published figures: {(folder / 'outside.url').read_text()}")
    click.echo(
        "\n  As the lawyer, record a new submission in the first case: it stops at once."
        "\n  As the caseworker, ask at the door in the second: every gate passes."
        f"\n\n  All state is in {folder}. People and the host state are invented. Ctrl-C stops.\n"
    )
    ended = parts.watch()
    click.echo(f"{ended} ended by itself; stopping the rest.", err=True)
    return 1
