"""What the signer may sign: caps for one transaction, an hour, a day; a fee bound; a pause.

The policy is a TOML file read again whenever it changes; a file that cannot be read pauses the
signer rather than freeing it.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Final

SAMPLE: Final = """\
# The signer's own policy, in satoshis. Read again whenever this file changes.
per_transaction_sats_max = 50_000_000
hour_sats_max = 200_000_000
day_sats_max = 1_000_000_000
machine_hour_sats_max = 50_000_000
fee_sats_max = 2_000_000
paused = false
allow_list = []
"""


@dataclass(frozen=True, slots=True)
class Policy:
    """The caps in force. An empty ``allow_list`` allows every address."""

    per_transaction_sats_max: int
    hour_sats_max: int
    day_sats_max: int
    machine_hour_sats_max: int
    fee_sats_max: int
    paused: bool = False
    allow_list: tuple[str, ...] = ()


PAUSED: Final = Policy(0, 0, 0, 0, 0, paused=True)


def read(path: Path) -> tuple[Policy, str]:
    """Return the policy and, when it cannot be read, why (and then everything is paused)."""
    try:
        raw = tomllib.loads(path.read_text("utf-8"))
        wrong = set(raw) ^ {field.name for field in fields(Policy)}
        if wrong:
            return PAUSED, f"{path.name}: unknown or missing {', '.join(sorted(wrong))}"
        for name, value in raw.items():
            if name.endswith("_max") and (type(value) is not int or value < 0):
                return PAUSED, f"{path.name}: {name} must be a whole number"
        raw["allow_list"] = tuple(raw["allow_list"])
        return Policy(**raw), ""
    except (OSError, ValueError, TypeError) as error:
        return PAUSED, f"{path.name}: {error}"
