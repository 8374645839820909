"""``tallystick pins``: what you keep of a log between two looks, and how to change it on purpose.

`tallystick verify --last FILE` keeps the log's key, your policy and what was seen. A log that shows
another key without announcing it, or fewer witnesses, is caught; what changes for a reason that you
know from elsewhere is changed here, by your own word, and written down.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click

FILE = click.Path(path_type=Path, exists=True, dir_okay=False)


@click.command()
@click.argument("kept", type=FILE)
@click.option("--key", default="", help="The log's key from now on, from somewhere you trust.")
@click.option("--policy", type=FILE, help="The policy from now on: witnesses, and how many.")
@click.option("--no-policy", is_flag=True, help="Ask for no witnesses any more.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def pins(kept: Path, key: str, policy: Path | None, no_policy: bool, as_json: bool) -> None:
    """Show what KEPT pins (the file of `verify --last`), or change it.

    What was seen stays: the log must continue it under the new key too. A key that the log itself
    announced under the old one needs no change here; `verify` follows it.
    """
    from tallystick.core.clock import SystemClock
    from tallystick.core.tlog import last
    from tallystick.core.tlog import policy as policies
    from tallystick.core.tlog.errors import LogError

    if policy and no_policy:
        raise click.UsageError("--policy and --no-policy together make no sense")
    text = None if not no_policy else ""
    if policy:
        with policy.open("rb") as file:
            text = file.read(policies.POLICY_CHARS_MAX + 1).decode("utf-8", "replace")
    try:
        found = last.load(kept)
        if found is None:
            raise click.UsageError(f"{kept} is not there")
        made = last.pinned(found, f"{SystemClock().now():%Y-%m-%d}", key, text)
        if made != found:
            last.save(kept, made)
        said = _said(made)
    except LogError as error:
        raise click.ClickException(f"{error} (error {error.code}); nothing was changed") from error
    if as_json:
        click.echo(json.dumps(said, indent=1))
    else:
        click.echo("\n".join(f"{name:<10} {value}" for name, value in said.items() if value))


def _said(kept: Any) -> dict[str, Any]:
    """Return what is pinned, as plain values."""
    from tallystick.core.tlog import policy as policies

    trusted = policies.read(kept.policy) if kept.policy else None
    seen = kept.checkpoint()
    return {
        "key": kept.vkey,
        "seen": f"{seen.size} entries, root {seen.root.hex()}",
        "witnesses": ", ".join(str(key) for key in trusted.witnesses.values()) if trusted else "",
        "quorum": trusted.quorum if trusted else "none is asked for",
        "changed": "; ".join(kept.changes),
    }
