"""Fair comparison of interventions: arms by chance above the floor, one person always in one arm.

A trial is registered with its outcome, its looks and its reviewer before anybody is assigned. An
arm can only add to what law and policy ask; there is no arm without a warning. Assignment is an
HMAC of the person under the trial's key, so that nobody can choose it and no table of it is kept.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import hmac
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import msgspec
import sqlalchemy as sa

from tallystick.core.clock import Clock
from tallystick.core.store import Tx, insert_once
from tallystick.kiosk.scams.errors import TrialRefused
from tallystick.kiosk.scams.intervals import NORMAL
from tallystick.kiosk.scams.policy import STEPS, Step
from tallystick.kiosk.scams.tables import TRIALS

ARMS_MAX: Final = 8
LOOKS_MAX: Final = 5
KEY_BYTES_MIN: Final = 32
CONTROL: Final = "control"
OUTCOMES: Final = frozenset({"cancelled", "confirmed", "loss"})
"""What a trial may be judged by, registered before it starts."""
WORSE: Final = 0.975
"""An arm stops when its loss per person is worse with this one-sided confidence."""
LOSSES_MIN: Final = 100


class Arm(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One variant. ``step`` is the least that it does; ``script`` the warning, empty for chance."""

    name: str
    step: str = Step.WARNING.word
    script: str = ""


@dataclass(frozen=True, slots=True)
class Trial:
    """A registered trial."""

    id: str
    arms: tuple[Arm, ...]
    outcome: str
    looks: int
    looked: int
    persons_per_arm: int
    stopped_arms: frozenset[str]
    running: bool


def pseudonym(key: bytes, person: str) -> str:
    """Return the name under which a person is recorded here: a keyed hash of who they are."""
    return hmac.new(key, b"person:" + person.encode(), hashlib.sha256).hexdigest()


def assign(key: bytes, trial: Trial, person: str) -> Arm:
    """Return a person's arm, the same every time; a stopped arm's persons go to the control."""
    if len(key) < KEY_BYTES_MIN:
        raise TrialRefused(f"a trial's key has at least {KEY_BYTES_MIN} bytes")
    told = hmac.new(key, f"{trial.id}:{person}".encode(), hashlib.sha256).digest()
    arm = trial.arms[int.from_bytes(told, "big") % len(trial.arms)]
    control = trial.arms[0]
    return control if arm.name in trial.stopped_arms or not trial.running else arm


def least(floor: Step, arm: Arm) -> Step:
    """Return the step of an arm: what it adds, never below the floor of law and policy.

    Where the floor asks for nothing nothing is tried: trials are among those who are flagged.
    """
    return max(floor, STEPS[arm.step]) if floor > Step.NONE else floor


def register(
    tx: Tx,
    clock: Clock,
    trial: str,
    arms: Sequence[Arm],
    outcome: str,
    looks: int,
    persons_per_arm: int,
    reviewed_by: str,
) -> None:
    """Register a trial before it starts; raise `TrialRefused`. It cannot be changed afterwards."""
    _proper(arms, outcome, looks, persons_per_arm, reviewed_by)
    row = {
        "id": trial,
        "arms": msgspec.json.encode(list(arms)).decode(),
        "outcome": outcome,
        "looks": looks,
        "looked": 0,
        "persons_per_arm": persons_per_arm,
        "reviewed_by": reviewed_by,
        "registered_at": clock.now(),
        "stopped_at": None,
        "stopped_arms": "[]",
        "stopped_why": "",
    }
    if not insert_once(tx, TRIALS, row):
        raise TrialRefused(f"trial {trial} is registered already")


def _proper(
    arms: Sequence[Arm], outcome: str, looks: int, persons_per_arm: int, reviewed_by: str
) -> None:
    names = [arm.name for arm in arms]
    if not 2 <= len(arms) <= ARMS_MAX or len(set(names)) != len(names):
        raise TrialRefused(f"a trial has 2 to {ARMS_MAX} arms, each with its own name")
    if names[0] != CONTROL:
        raise TrialRefused("the first arm is control: what is done today")
    for arm in arms:
        if STEPS.get(arm.step, Step.NONE) < Step.WARNING:
            raise TrialRefused(f"arm {arm.name} gives no warning: no trial leaves one out")
    if outcome not in OUTCOMES:
        raise TrialRefused(f"a trial is judged by one of {', '.join(sorted(OUTCOMES))}")
    if not 1 <= looks <= LOOKS_MAX or persons_per_arm < 1:
        raise TrialRefused(f"1 to {LOOKS_MAX} looks, and a number of persons for each arm")
    if not reviewed_by.strip():
        raise TrialRefused("nobody independent has reviewed the trial")


def find(tx: Tx, trial: str) -> Trial:
    """Return a registered trial; raise `TrialRefused`."""
    row = tx.execute(sa.select(TRIALS).where(TRIALS.c.id == trial)).mappings().one_or_none()
    if row is None:
        raise TrialRefused(f"trial {trial} is not registered")
    return _trial(row)


def _trial(row: Any) -> Trial:
    return Trial(
        id=row["id"],
        arms=tuple(msgspec.json.decode(row["arms"], type=list[Arm])),
        outcome=row["outcome"],
        looks=row["looks"],
        looked=row["looked"],
        persons_per_arm=row["persons_per_arm"],
        stopped_arms=frozenset(msgspec.json.decode(row["stopped_arms"], type=list[str])),
        running=row["stopped_at"] is None,
    )


def worse(arm: Sequence[int], control: Sequence[int], looks: int) -> bool:
    """Say whether an arm loses more per person than control, one-sided at 97.5 % over all looks.

    Losses in minor units, one whole number a person. The error is shared equally over the fixed
    looks (Bonferroni); fewer than ``LOSSES_MIN`` persons on either side decide nothing.
    """
    if min(len(arm), len(control)) < LOSSES_MIN:
        return False
    gap = _mean(arm) - _mean(control)
    error = math.sqrt(_spread(arm) / len(arm) + _spread(control) / len(control))
    limit = NORMAL.inv_cdf(1 - (1 - WORSE) / looks)
    return gap > 0 and (error == 0 or gap / error > limit)


def _mean(values: Sequence[int]) -> float:
    return sum(values) / len(values)


def _spread(values: Sequence[int]) -> float:
    middle = _mean(values)
    return sum((value - middle) ** 2 for value in values) / (len(values) - 1)


def look(tx: Tx, clock: Clock, trial: str, losses: dict[str, Sequence[int]]) -> frozenset[str]:
    """Take one of the registered looks; stop the arms that do worse, and return all stopped.

    The last look ends the trial. ``losses``: each person's loss in minor units, by assigned arm.
    """
    held = find(tx, trial)
    if not held.running or held.looked >= held.looks:
        raise TrialRefused(f"trial {trial} has no look left")
    control = losses.get(CONTROL, ())
    bad = {
        arm.name for arm in held.arms[1:] if worse(losses.get(arm.name, ()), control, held.looks)
    }
    stopped = held.stopped_arms | bad
    last = held.looked + 1 == held.looks or len(stopped) == len(held.arms) - 1
    why = f"look {held.looked + 1} of {held.looks}: worse: {', '.join(sorted(bad)) or 'none'}"
    ended: dt.datetime | None = clock.now() if last else None
    changed = {"looked": held.looked + 1, "stopped_at": ended, "stopped_why": why}
    changed["stopped_arms"] = msgspec.json.encode(sorted(stopped)).decode()
    tx.execute(sa.update(TRIALS).where(TRIALS.c.id == trial).values(**changed))
    return frozenset(stopped)
