"""``tallystick reserve usb``: what a hardware signer on the computer is asked, through HWI."""

from __future__ import annotations

import json
from functools import partial
from pathlib import Path
from typing import Any

import click

from tallystick.cli.reserve_files import FILE, NETWORKS, OUT, asked, text_of

NETWORK = click.option("--network", type=NETWORKS, default="bitcoin", show_default=True)
HWI = click.option("--hwi", default="hwi", show_default=True, help="HWI's command.")


def _hwi(network: str, hwi: str) -> Any:
    from tallystick.reserve.usb import Hwi

    return Hwi(network, hwi)


def _write(out: Path | None, said: dict[str, Any]) -> None:
    text = json.dumps(said, indent=1)
    if out:
        out.write_text(text + "\n", "utf-8")
        click.echo(f"{out} is written.")
    else:
        click.echo(text)


@click.group()
def usb() -> None:
    """Hardware signers on USB, where HWI is installed; vaults of kind sortedmulti only.

    The air gap (`reserve sign`) stays the main way. Do this on the holder's own computer: it needs
    no database and no network.
    """


@usb.command(name="list")
@NETWORK
@HWI
def list_(network: str, hwi: str) -> None:
    """List the devices that are plugged in. Exits 1 if there is none."""
    found = asked(_hwi(network, hwi).plugged)
    for one in found:
        state = one.trouble or "ready"
        click.echo(f"{one.fingerprint or '(locked)':<9}{one.maker} {one.model}: {state}")
    if not found:
        raise click.ClickException("no device is plugged in, or this user may not reach it")


@usb.command()
@NETWORK
@HWI
@click.option("--out", type=OUT, help="Where the card goes; else it is printed.")
@click.argument("fingerprint")
def card(network: str, hwi: str, out: Path | None, fingerprint: str) -> None:
    """Read a device's key as a card for `reserve ceremony add`, which asks for its firmware."""
    _write(out, asked(partial(_hwi(network, hwi).card, fingerprint)))


@usb.command()
@NETWORK
@HWI
@click.option("--first", type=click.IntRange(0), default=0, show_default=True)
@click.option("--count", type=click.IntRange(1), default=1, show_default=True)
@click.option("--out", type=OUT, help="Where they go, for `ceremony derived` or `vault confirm`.")
@click.argument("fingerprint")
@click.argument("descriptor", type=FILE)
def addresses(
    network: str, hwi: str, out: Path | None, fingerprint: str, descriptor: Path, **which: int
) -> None:
    """Have a device derive and show a vault's addresses; its holder presses for each."""
    text = text_of(descriptor)
    _write(out, asked(partial(_hwi(network, hwi).addresses, fingerprint, text, **which)))


@usb.command()
@NETWORK
@HWI
@click.option("--out", type=OUT, required=True, help="Where the signed PSBT goes.")
@click.argument("fingerprint")
@click.argument("psbt", type=FILE)
def sign(network: str, hwi: str, out: Path, fingerprint: str, psbt: Path) -> None:
    """Have a device sign a PSBT; whatever comes back changed is refused and named.

    Check who approved first: `reserve sign approvals`. What the device shows counts, not this
    screen.
    """
    text = text_of(psbt)
    click.echo("Read outputs, amounts and fee on the device, and press there.", err=True)
    out.write_text(asked(partial(_hwi(network, hwi).sign, fingerprint, text)), "utf-8")
    click.echo(f"{out} is written, signed by {fingerprint}.")
