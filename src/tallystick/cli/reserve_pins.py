"""``tallystick reserve pins`` and ``sign approvals``: what a holder writes down, and checks by it.

The pins are today's officials with their passkeys' public keys. A holder keeps them where the
server cannot reach, and believes no bundle whose approvals do not verify under them: a server in
false hands can then approve nothing (`reserve.bundle`).
"""

from __future__ import annotations

import urllib.parse
from pathlib import Path
from typing import Final

import click

from tallystick.cli.reserve_files import FILE, OUT, asked, opened
from tallystick.cli.serve import DATA, DATABASE

DAY_S: Final = 86_400


@click.command()
@DATA
@DATABASE
@click.option("--origin", required=True, help="The console's address as browsers see it.")
@click.option("--least", type=click.IntRange(min=2), default=2, show_default=True)
@click.option("--delay-days", type=click.IntRange(min=1), default=7, show_default=True)
@click.option("--out", type=OUT, required=True, help="The file for each holder.")
def pins(data: Path, database: str, origin: str, least: int, delay_days: int, out: Path) -> None:
    """Write today's officials and their passkeys, for the holders to keep; prints the digest.

    LEAST officials must agree to a movement; a change of pins waits DELAY-DAYS with each holder.
    """
    import msgspec

    from tallystick.core.identity import grants, people
    from tallystick.core.identity.passkeys import Party
    from tallystick.reserve import bundle
    from tallystick.reserve.charter import APPROVING

    domain = urllib.parse.urlsplit(origin).hostname
    if not domain:
        raise click.BadParameter(f"{origin} is no address", param_hint="--origin")
    with opened(data, database) as store, store.read() as tx:
        held = {
            one.id: grants.held(tx, one.id).intersection(APPROVING) for one in people.people(tx)
        }
        roles = {id: tuple(sorted(has)) for id, has in held.items() if has}
        party = Party(domain, "", (origin,))
        made = bundle.pins_of(tx, party, roles, least, delay_days * DAY_S)
    without = [one.name for one in made.officials.values() if not one.passkeys]
    if without or len(made.officials) < least:
        missing = f"without a passkey: {', '.join(without)}" if without else "too few officials"
        raise click.ClickException(f"{len(made.officials)} officials may approve; {missing}")
    out.write_bytes(msgspec.json.format(msgspec.json.encode(made)))
    for one in made.officials.values():
        click.echo(f"{one.name}: {', '.join(one.roles)}, {len(one.passkeys)} passkeys")
    click.echo(f"digest {made.digest}")


@click.command()
@click.argument("pins_file", metavar="PINS", type=FILE)
@click.argument("bundle_file", metavar="BUNDLE", type=FILE)
def approvals(pins_file: Path, bundle_file: Path) -> None:
    """Check a movement's BUNDLE against your PINS, before any key signs.

    Prints who approved it and what; exits 1, naming what is wrong, if it does not hold.
    """
    import msgspec

    from tallystick.reserve import bundle

    try:
        known = msgspec.json.decode(pins_file.read_bytes(), type=bundle.Pins)
    except msgspec.MsgspecError as error:
        raise click.ClickException(f"{pins_file.name} holds no pins: {error}") from error
    given = asked(lambda: bundle.read(bundle_file.read_bytes()))
    who = asked(lambda: bundle.check(given, known))
    names = ", ".join(known.officials[id].name for id in who)
    click.echo(f"{given.reference}, {given.act}: approved by {names}\ndigest {given.digest}")
    for which, plan in (("movement", given.stored.pay), ("cancel", given.stored.cancel)):
        click.echo(f"{which} {plan.txid}, fee {plan.fee_sats} sats, at most {plan.fee_sats_max}")
        for output in plan.outputs:
            whose = "back to us" if output.own else "OUT"
            click.echo(f"  {output.sats} sats {whose} {output.script}")


def register(group: click.Group, sign: click.Group) -> None:
    """Add these verbs to their groups."""
    group.add_command(pins)
    sign.add_command(approvals)
