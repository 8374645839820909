"""``tallystick verify``: check a published log from its files alone, and say what that proves."""

from __future__ import annotations

import contextlib
import importlib
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

if TYPE_CHECKING:
    from tallystick.core.tlog.report import Report
    from tallystick.core.tlog.verify import Asked

PLUGS: Final[tuple[str, ...]] = ("tallystick.bitcoin.anchor", "tallystick.reserve.prove")
"""Modules that register checkers (`tallystick.core.tlog.checkers`) when they are imported."""
CLAIM_BYTES_MAX: Final = 1_000_000
PROGRESS_EVERY: Final = 100_000
FILE = click.Path(path_type=Path, exists=True, dir_okay=False)


@click.command()
@click.argument("where")
@click.option("--key", help="The log's verifier key, from somewhere you trust.")
@click.option("--policy", type=FILE, help="A tlog-policy: logs, witnesses and how many must agree.")
@click.option("--receipt", type=FILE, help="A .tlog-proof to check against the log.")
@click.option(
    "--last",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Keep the checkpoint here; the next time the log must continue it.",
)
@click.option("--quick", is_flag=True, help="Do not read every entry.")
@click.option("--max-age", type=int, default=0, help="Seconds: refuse older cosignatures.")
@click.option("--chain", default="", help="Where to look transactions up, such as esplora+https:…")
@click.option("--claim", type=FILE, help="A creditor's shares: are they in what a reserve owes?")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def verify(
    where: str,
    key: str | None,
    policy: Path | None,
    receipt: Path | None,
    last: Path | None,
    quick: bool,
    max_age: int,
    chain: str,
    claim: Path | None,
    as_json: bool,
) -> None:
    """Check the log at WHERE, a folder or an http(s) address.

    Exits 0 when all that was asked is proved, 1 when something is provably false, 3 when something
    could not be read, 2 when what you gave makes no sense. Nothing of the operator is trusted but
    what the report says it assumed.
    """
    from tallystick.core.clock import SystemClock
    from tallystick.core.tlog import reader
    from tallystick.core.tlog import verify as checks
    from tallystick.core.tlog.errors import LogError

    for plug in PLUGS:
        importlib.import_module(plug)
    try:
        source = reader.open_source(where)
        asked = _asked(key, policy, receipt, last, quick, max_age, chain, claim)
        with contextlib.closing(source):
            report = checks.verify(source, asked, SystemClock().now())
    except LogError as error:
        raise click.UsageError(str(error)) from error
    click.echo(checks.as_json(report).decode() if as_json else "\n".join(lines(report)))
    sys.exit(report.exit_code)


def _asked(
    key: str | None,
    policy: Path | None,
    receipt: Path | None,
    last: Path | None,
    quick: bool,
    max_age: int,
    chain: str,
    claim: Path | None,
) -> Asked:
    from tallystick.core.tlog import keys, proof
    from tallystick.core.tlog import policy as policies
    from tallystick.core.tlog.verify import Asked

    text = _text(policy, policies.POLICY_CHARS_MAX) if policy else ""
    return Asked(
        policy=policies.read(text) if policy else None,
        policy_text=text,
        key=keys.read(key) if key else None,
        last=last,
        receipt=_text(receipt, proof.PROOF_BYTES_MAX) if receipt else "",
        entries=not quick,
        age_s_max=max_age,
        settings={
            **({"chain": chain} if chain else {}),
            **({"claim": _text(claim, CLAIM_BYTES_MAX)} if claim else {}),
        },
        progress=_progress,
    )


def _text(path: Path, most: int) -> str:
    with path.open("rb") as file:
        return file.read(most + 1).decode("utf-8", "replace")


def _progress(done: int, total: int) -> None:
    if total > PROGRESS_EVERY and (done == total or done % PROGRESS_EVERY < 256):
        click.echo(f"  {done:,} of {total:,} entries", err=True)


def lines(report: Report) -> list[str]:
    """Return the report for people: what is proved, what is assumed, what was caught."""
    said = [f"The log at {report.where}"]
    if report.checkpoint:
        said += [f"  {name:<7} {value}" for name, value in report.checkpoint.items()]
    for title, found in (
        ("Proved", report.proved),
        ("Assumed", report.assumed),
        ("NOT READ", report.unread),
        ("CAUGHT", report.caught),
    ):
        said += ["", title] if found else []
        said += [f"  {line.name:<16} {line.said}" for line in found]
    verdict = {0: "All that was asked is proved.", 1: "Something is false.", 3: "Not all was read."}
    return [*said, "", verdict[report.exit_code]]
