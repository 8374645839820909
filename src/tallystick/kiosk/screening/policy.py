"""The operator's screening policy: a TOML file, whole or refused; what it does not say is set.

``review_points`` is the threshold; `docs/concepts/screening.md` shows what recall and precision it
has on a labelled set. A policy cannot switch screening off, nor let one person decide alone.
"""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Final

import msgspec

from tallystick.kiosk.screening.errors import PolicyUnreadable

DEFAULT: Final = Path(__file__).parent / "policy.toml"
POLICY_BYTES_MAX: Final = 20_000
POINTS_MIN, POINTS_MAX = 6_000, 9_500
"""Below, everybody is a hit; above, nobody whose papers spell them otherwise."""
LISTS: Final = frozenset({"ofac", "eu", "un", "uk"})
LIST_DAYS_MAX: Final = 90
APPROVERS_MAX: Final = 5


class ScreeningPolicy(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What the operator decides about screening."""

    review_points: int
    lists: tuple[str, ...]
    list_days_max: int
    entities: bool
    approvers: int


def load(path: Path = DEFAULT) -> ScreeningPolicy:
    """Return the policy in a file; raise `PolicyUnreadable` naming what is wrong with it."""
    try:
        body = path.read_bytes()
        if len(body) > POLICY_BYTES_MAX:
            raise PolicyUnreadable(f"{path.name} has more than {POLICY_BYTES_MAX} bytes")
        made = msgspec.convert(tomllib.loads(body.decode()), ScreeningPolicy)
    except (OSError, ValueError, msgspec.ValidationError) as error:
        raise PolicyUnreadable(f"{path.name}: {error}") from error
    wrong = {
        f"review_points is {POINTS_MIN} to {POINTS_MAX}": POINTS_MIN
        <= made.review_points
        <= POINTS_MAX,
        f"lists are of {', '.join(sorted(LISTS))}": bool(made.lists) and set(made.lists) <= LISTS,
        f"list_days_max is 1 to {LIST_DAYS_MAX}": 1 <= made.list_days_max <= LIST_DAYS_MAX,
        f"approvers are 1 to {APPROVERS_MAX}": 1 <= made.approvers <= APPROVERS_MAX,
    }
    for said, right in wrong.items():
        if not right:
            raise PolicyUnreadable(f"{path.name}: {said}")
    return made
