"""What the signer may sign: caps for one transaction, an hour, a day; fee bounds; a pause.

The policy is a TOML file read again whenever a request comes; a file that cannot be read, or that
holds a word nobody knows, pauses the signer rather than freeing it.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, Final

SAMPLE: Final = """\
# The signer's own policy, in satoshis. Read again for each request: no restart is needed.
# A file that cannot be read pauses the signer.
per_transaction_sats_max = 50_000_000
hour_sats_max = 200_000_000
day_sats_max = 1_000_000_000
fee_sats_max = 2_000_000

# Without these lines there is no such cap.
machine_hour_sats_max = 50_000_000
fee_rate_sat_per_kvb_max = 1_000_000

# A pause set here cannot be lifted through the socket.
paused = false

# Where coins may go. An empty list means anywhere.
allow_list = []
"""
POLICY_BYTES_MAX: Final = 100_000
REQUIRED: Final = {"per_transaction_sats_max", "hour_sats_max", "day_sats_max", "fee_sats_max"}


@dataclass(frozen=True, slots=True)
class Policy:
    """The caps in force, in satoshis; None is no cap. An empty ``allow_list`` allows all."""

    per_transaction_sats_max: int
    hour_sats_max: int
    day_sats_max: int
    fee_sats_max: int
    machine_hour_sats_max: int | None = None
    fee_rate_sat_per_kvb_max: int | None = None
    paused: bool = False
    allow_list: tuple[str, ...] = ()


PAUSED: Final = Policy(0, 0, 0, 0, paused=True)


def read(path: Path) -> tuple[Policy, str]:
    """Return the policy and, when it cannot be read, why (and then everything is paused)."""
    try:
        with path.open("rb") as file:
            raw = tomllib.loads(file.read(POLICY_BYTES_MAX).decode("utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        return PAUSED, f"{path.name}: {error}"
    wrong = _wrong(raw)
    if wrong:
        return PAUSED, f"{path.name}: {wrong}"
    return Policy(**(raw | {"allow_list": tuple(raw.get("allow_list", ()))})), ""


def _wrong(raw: dict[str, Any]) -> str:
    """Say what is wrong with the file's contents, or nothing."""
    known = {field.name for field in fields(Policy)}
    odd = sorted((set(raw) - known) | (REQUIRED - set(raw)))
    if odd:
        return f"unknown or missing: {', '.join(odd)[:200]}"
    for name, value in raw.items():
        if name.endswith("_max") and (type(value) is not int or value < 0):
            return f"{name} must be a whole number"
    if type(raw.get("paused", False)) is not bool:
        return "paused must be true or false"
    listed = raw.get("allow_list", [])
    if not isinstance(listed, list) or not all(isinstance(item, str) for item in listed):
        return "allow_list must be a list of addresses"
    return ""
