"""``tallystick admin``: people and machines, by the command line on the server (Decision 8)."""

from __future__ import annotations

from pathlib import Path

import click

from tallystick.cli.serve import DATA, DATABASE, database_of


@click.group()
def admin() -> None:
    """Invite people and revoke machines. There is no web page that makes the first person."""


def origin_of(data: Path, origin: str) -> str:
    """Return the console's address: the one given, or that of the server in this folder."""
    kept = data / "console.url"
    if origin:
        return origin.rstrip("/")
    if not kept.exists():
        raise click.UsageError("start the server first, or give --origin")
    return kept.read_text().strip()


@admin.command()
@DATA
@DATABASE
@click.option("--name", default="Operator", show_default=True, help="Whom the link is for.")
@click.option(
    "--role",
    type=click.Choice(["admin", "operator", "auditor", "official"]),
    default="admin",
    show_default=True,
)
@click.option("--origin", default="", help="The console's address, if not the server's own.")
def invite(data: Path, database: str, name: str, role: str, origin: str) -> None:
    """Print a one-time link with which somebody makes their passkey."""
    from tallystick.core.clock import SystemClock
    from tallystick.core.identity import people
    from tallystick.core.store import Store

    at, clock, store = (
        origin_of(data, origin),
        SystemClock(),
        Store.open(database_of(data, database)),
    )
    store.migrate()
    with store.transact() as tx:
        token = people.invite(tx, name, people.Role(role), clock.now(), clock)
    store.close()
    click.echo(f"{at}/invite/{token}")


@admin.command(name="people")
@DATA
@DATABASE
def list_people(data: Path, database: str) -> None:
    """List who may sign in, and the roles of programmes they hold."""
    from tallystick.core.identity import grants, people
    from tallystick.core.store import Store

    store = Store.open(database_of(data, database))
    with store.read() as tx:
        for person in people.people(tx):
            keys = len(people.passkeys(tx, person.id))
            state = "removed" if person.removed_at else f"{keys} passkey{'' if keys == 1 else 's'}"
            roles = " ".join(sorted(grants.held(tx, person.id) - {person.role}))
            click.echo(f"{person.id}  {person.role:<9} {state:<11} {person.name}  {roles}".rstrip())
    store.close()


@admin.command()
@DATA
@DATABASE
@click.option("--why", default="", help="Kept with the grant, and journalled.")
@click.argument("person")
@click.argument("role")
def grant(data: Path, database: str, why: str, person: str, role: str) -> None:
    """Give a person (by id) a programme's role, such as reserve.approver."""
    from tallystick.core.clock import SystemClock
    from tallystick.core.identity import grants
    from tallystick.core.store import Store

    store = Store.open(database_of(data, database))
    store.migrate()
    with store.transact() as tx:
        grants.grant(tx, SystemClock(), person, role, why=why)
    store.close()
    click.echo(f"{person} holds {role}.")


@admin.command()
@DATA
@DATABASE
@click.option("--why", default="", help="Kept with the grant, and journalled.")
@click.argument("person")
@click.argument("role")
def ungrant(data: Path, database: str, why: str, person: str, role: str) -> None:
    """Take a programme's role from a person: approvals given under it count no longer."""
    from tallystick.core.clock import SystemClock
    from tallystick.core.identity import grants
    from tallystick.core.store import Store

    store = Store.open(database_of(data, database))
    with store.transact() as tx:
        grants.end(tx, SystemClock(), person, role, why=why)
    store.close()
    click.echo(f"{person} no longer holds {role}.")


@admin.command(name="machines")
@DATA
@DATABASE
def list_machines(data: Path, database: str) -> None:
    """List the machines, in service or not."""
    from tallystick.core.identity import machines
    from tallystick.core.store import Store

    store = Store.open(database_of(data, database))
    with store.read() as tx:
        for one in machines.machines(tx):
            click.echo(f"{one.id}  {one.state:<8} {one.label}  {one.revoked_why}".rstrip())
    store.close()


@admin.command()
@DATA
@DATABASE
@click.argument("machine")
@click.argument("time_zone", metavar="ZONE")
def zone(data: Path, database: str, machine: str, time_zone: str) -> None:
    """Reckon a machine's days by its own time zone (of its place's), such as America/Denver."""
    from tallystick.core.errors import TallystickError
    from tallystick.core.identity import machines
    from tallystick.core.store import Store

    store = Store.open(database_of(data, database))
    try:
        with store.transact() as tx:
            machines.put_in_zone(tx, machine, time_zone)
    except TallystickError as error:
        raise click.ClickException(str(error)) from error
    finally:
        store.close()
    click.echo(f"{machine} reckons its days by {time_zone}.")


@admin.command()
@DATA
@DATABASE
@click.option("--why", required=True, help="Kept with the machine, and shown.")
@click.argument("machine")
def revoke(data: Path, database: str, why: str, machine: str) -> None:
    """Put a machine out of service for good: its keys end now."""
    from tallystick.core.clock import SystemClock
    from tallystick.core.identity import machines
    from tallystick.core.store import Store

    store = Store.open(database_of(data, database))
    with store.transact() as tx:
        machines.revoke(tx, machine, SystemClock().now(), why)
    store.close()
    click.echo(f"{machine} is out of service.")
