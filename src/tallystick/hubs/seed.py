"""What was reported of agreements, put on record as reports with their sources and days.

Used by the demonstration and by whoever wants a board to begin with; nothing here is claimed to be
a fact of the state, and none of it lets a gate pass.
"""

from __future__ import annotations

import tomllib
from importlib.resources import files
from typing import Any, Final

from tallystick.core.store import Tx
from tallystick.hubs import agreements, asking
from tallystick.hubs.desk import Desk

BY: Final = "seed"


def reports() -> list[dict[str, Any]]:
    """Return the agreements of `seed.toml` with the claims about each."""
    text = files("tallystick.hubs").joinpath("seed.toml").read_text("utf-8")
    found: list[dict[str, Any]] = tomllib.loads(text)["agreement"]
    return found


def plant(tx: Tx, desk: Desk) -> int:
    """Put every report on record; return how many claims there are. Raises `AgreementThere`."""
    count = 0
    for one in reports():
        made = agreements.add(tx, desk, one["id"], one["sender"], one["country"], one["name"])
        for claim in one["claim"]:
            given = (claim["name"], claim["value"], claim["source"], claim["on"])
            asking.claim(tx, desk, made.about, *given, BY)
            count += 1
    return count
