"""``tallystick reserve vault | ceremony | sign | usb | drill``: keys, from dice to recovery.

Everything here is public or signed: no verb reads or prints a secret. Key holders use their own
devices, or ``python -m tallystick.reserve.signer`` for rehearsals.
"""

from __future__ import annotations

import json
import tempfile
from functools import partial
from pathlib import Path

import click

from tallystick.cli.reserve_files import FILE, KINDS, OUT, asked, opened, text_of
from tallystick.cli.serve import DATA, DATABASE


def register(group: click.Group) -> None:
    """Add these verbs to the group."""
    from tallystick.cli import reserve_pins
    from tallystick.cli.reserve_ceremony import ceremony
    from tallystick.cli.reserve_usb import usb
    from tallystick.cli.reserve_vault import vault

    for command in (vault, ceremony, sign, usb, drill):
        group.add_command(command)
    reserve_pins.register(group, sign)


@click.group()
def sign() -> None:
    """PSBTs over the air gap: as animated codes, back again, compared with what was approved."""


@sign.command()
@click.option("--form", type=click.Choice(["bbqr", "ur"]), default="bbqr", show_default=True)
@click.option("--out", type=OUT, help="Where the moving picture goes (SVG); else text is printed.")
@click.argument("psbt", type=FILE)
def frames(form: str, out: Path | None, psbt: Path) -> None:
    """Show a PSBT as an animated code, for a device's camera."""
    from tallystick.bitcoin import animate, bbqr, ur
    from tallystick.bitcoin import psbt as psbts

    raw = asked(lambda: psbts.read(text_of(psbt)).serialize())
    made = asked(lambda: bbqr.encode(raw) if form == "bbqr" else ur.frames(raw))
    if out:
        title = f"PSBT as {form.upper()}, {len(made)} frames"
        out.write_text(asked(lambda: animate.picture(made, title)), "utf-8")
        click.echo(f"{out} is written: {len(made)} frames.")
    else:
        click.echo("\n".join(made))


@sign.command()
@click.option("--out", type=OUT, required=True)
@click.argument("scanned", type=FILE)
def read(out: Path, scanned: Path) -> None:
    """Read a PSBT from scanned frames, one on each line, in any order."""
    from tallystick.bitcoin import bbqr, ur
    from tallystick.bitcoin import psbt as psbts

    lines = [line.strip() for line in text_of(scanned).splitlines() if line.strip()]

    def joined() -> bytes:
        if lines and lines[0].startswith("B$"):
            return bbqr.join(lines)
        reader = ur.Reader()
        for line in lines:
            if reader.take(line):
                break
        return reader.psbt()

    out.write_text(asked(lambda: psbts.read(joined()).text()))
    click.echo(f"{out} is written.")


@sign.command()
@click.argument("plan", type=FILE)
@click.argument("psbts", type=FILE, nargs=-1, required=True)
def compare(plan: Path, psbts: tuple[Path, ...]) -> None:
    """Name every difference between an approved plan and signed PSBTs. Exits 1 if there is one."""
    from tallystick.reserve import signing
    from tallystick.reserve.plan import Plan

    approved = asked(lambda: Plan.from_json(text_of(plan)))
    wrong = 0
    for path in psbts:
        text = text_of(path)
        found = asked(partial(signing.check_signed, approved, text))
        wrong += len(found)
        for one in found:
            click.echo(f"{path.name}: {one}")
        if not found:
            who = asked(partial(signing.has_signed, approved, text))
            click.echo(f"{path.name}: as approved, signed by {', '.join(who) or 'nobody'}")
    if wrong:
        raise click.exceptions.Exit(1)


@click.command()
@DATA
@DATABASE
@click.option("--vault", "name", default="", help="Rehearse the shape of this vault.")
@click.option("--kind", type=KINDS, default="recovery", show_default=True)
@click.option("--quorum", type=click.IntRange(1), default=3, show_default=True)
@click.option("--keys", type=click.IntRange(1, 15), default=5, show_default=True)
@click.option("--recovery-quorum", type=click.IntRange(0), default=2, show_default=True)
@click.option("--recovery-keys", type=click.IntRange(0, 15), default=3, show_default=True)
@click.option("--older-blocks", type=click.IntRange(0), default=52_560, show_default=True)
@click.option("--json", "as_json", is_flag=True)
def drill(data: Path, database: str, name: str, kind: str, as_json: bool, **shape: int) -> None:
    """Rehearse loss and recovery with throwaway keys on a chain of its own. Exits 1 if it fails."""
    import dataclasses

    from tallystick.core.clock import SystemClock
    from tallystick.reserve import drill as drills
    from tallystick.reserve import vaults
    from tallystick.reserve.vault import Kind

    if name:
        with opened(data, database) as store, store.read() as tx:
            like = vaults.vault(tx, name)
    else:
        like = asked(lambda: drills.shape_of(Kind(kind), **shape))

    def say(text: str) -> None:
        if not as_json:
            click.echo(text)

    with tempfile.TemporaryDirectory() as folder:
        steps = asked(lambda: drills.run(Path(folder), like, SystemClock(), say))
    if as_json:
        click.echo(json.dumps([dataclasses.asdict(step) for step in steps], indent=1))
    if not all(step.ok for step in steps):
        raise click.exceptions.Exit(1)
