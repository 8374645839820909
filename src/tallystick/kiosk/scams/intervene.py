"""One purchase at the scam desk: assess, show, answer, end, and what followed.

The step is fixed by signals before any answer; assessing again at each note, and every answer,
can only raise it. What was shown can be shown again from the seed. Each call is a part of the
caller's transaction, and the screen learns the step and the words, never the signals.
"""

from __future__ import annotations

import enum
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import msgspec
import sqlalchemy as sa

from tallystick.core import journal
from tallystick.core.clock import Clock, new_id
from tallystick.core.store import Tx, insert_once, prepared
from tallystick.kiosk import blocked
from tallystick.kiosk.scams import history, questions, trial
from tallystick.kiosk.scams.chance import SEED_BYTES
from tallystick.kiosk.scams.errors import InterventionOver, InterventionUnknown
from tallystick.kiosk.scams.history import Who
from tallystick.kiosk.scams.policy import (
    Answer,
    Policy,
    Step,
    after_answers,
    hold_hours,
    minimum_step,
    standing,
)
from tallystick.kiosk.scams.signals import Scene, Signal, detect, figures, told
from tallystick.kiosk.scams.tables import AFTER, INTERVENTIONS

ANSWERS_MAX: Final = 32
TIMINGS_MAX: Final = 64
DETAIL_LENGTH_MAX: Final = 200

Row = dict[str, Any]


class Outcome(enum.StrEnum):
    """How an intervention ended. CANCELLED and HELPED look the same on the screen."""

    PROCEEDED = "proceeded"
    CANCELLED = "cancelled"
    HELPED = "helped"
    ABANDONED = "abandoned"
    REFUSED = "refused"


RETURNED: Final = frozenset({Outcome.CANCELLED, Outcome.HELPED, Outcome.REFUSED})
"""Endings that give the cash back: the customer's own, the silent call for help, and ours."""


class After(enum.StrEnum):
    """What became known within ninety days."""

    CLAIM_UPHELD = "claim-upheld"
    AGENCY_REPORT = "agency-report"
    LIST_HIT = "list-hit"
    """Detail: the pseudonym of an independent victim; two of them confirm a scam."""
    CALLED_BACK = "called-back"
    """The customer, called at a number enrolled before, said it was theirs to do."""
    REPEATED = "repeated"
    """Bought again to the same address, and nobody disputed it."""
    COMPLAINT = "complaint"
    LIST_LIFTED = history.LIST_LIFTED
    """The address was taken off its list on appeal: the flag ended. Detail: the appeal."""
    LATER_LOSS = "later-loss"
    """Cash lost with us afterwards by the same person, in a confirmed scam."""


@dataclass(frozen=True, slots=True)
class ScamDesk:
    """What the desk needs beside a transaction. The trial's key is a secret of the server."""

    policy: Policy
    key: bytes
    trial: str = ""


@dataclass(frozen=True, slots=True)
class Plan:
    """What comes now. Only ``signals`` is for the console alone."""

    id: str
    step: Step
    warning: questions.Warned | None
    asked: tuple[questions.Asked, ...]
    held: questions.Held | None
    hold_hours: int | None
    """None while held: a person releases, no timer does."""
    signals: tuple[Signal, ...]


def assess(
    tx: Tx, clock: Clock, desk: ScamDesk, who: Who, scene: Scene, language: str, script: str = ""
) -> Plan:
    """Fix the least step of a purchase; again at each note, when it can only rise.

    ``scene`` carries what happens at the machine (cash, pace, mode, limit, hour); its history is
    filled in here, over all machines. ``script`` is the scam that a person suspects, if any.
    """
    known = history.history_of(tx, who)
    full = history.fill(tx, who, scene, clock.now(), desk.policy, known)
    signals = detect(full, desk.policy.thresholds)
    row = of_purchase(tx, who.purchase)
    if row is not None and row["ended_at"] is not None:
        raise InterventionOver(f"intervention {row['id']} ended as {row['outcome']}")
    floor = minimum_step(signals, desk.policy)
    if row is None:
        row = _open(tx, clock, desk, who, scene, language, floor)
    stood = known.flags(who, desk.policy)
    raised = max(Step(row["raised"]), floor)
    step = max(Step(row["step"]), standing(raised, stood, desk.policy, clock.now()))
    arm = _arm(tx, row)
    step = trial.least(step, arm) if arm else step
    change = {
        "floor": max(row["floor"], int(floor)),
        "raised": int(raised),
        "step": int(step),
        "script": script or row["script"] or (arm.script if arm else ""),
        "signals": _json(_joined(row["signals"], signals)),
        "in_minor": scene.cash_minor,
        "limit_minor": scene.limit_minor,
    }
    return _plan(desk, row | _change(tx, row, change), signals)


def again(tx: Tx, desk: ScamDesk, intervention: str) -> Plan:
    """Return the plan as it stands, word for word as it was dealt; for a screen shown again."""
    return _plan(desk, find(tx, intervention), ())


def answered(
    tx: Tx,
    desk: ScamDesk,
    intervention: str,
    answers: Sequence[Answer],
    timings_ms: Mapping[str, int],
) -> Plan:
    """Take answers, and how long each screen stood; the step can only rise."""
    row = _open_row(tx, intervention)
    before = msgspec.json.decode(row["answers"], type=list[list[str]])
    given = [*before, *([a.question, a.option] for a in answers)][:ANSWERS_MAX]
    timings = msgspec.json.decode(row["timings"], type=dict[str, int]) | dict(timings_ms)
    raised = after_answers(Step(row["raised"]), answers, desk.policy)
    change = {
        "raised": int(raised),
        "step": max(row["step"], int(raised)),
        "answers": _json(given),
        "timings": _json(dict(list(timings.items())[:TIMINGS_MAX])),
    }
    return _plan(desk, row | _change(tx, row, change), ())


def ended(
    tx: Tx,
    clock: Clock,
    intervention: str,
    outcome: Outcome,
    held_minor: int = 0,
    sent_minor: int = 0,
    returned_minor: int = 0,
) -> None:
    """End an intervention once, with what became of the cash, in minor units."""
    row = _open_row(tx, intervention)
    change = {"outcome": outcome.value, "ended_at": clock.now(), "held_minor": held_minor}
    _change(tx, row, change | {"sent_minor": sent_minor, "returned_minor": returned_minor})


def followed(
    tx: Tx, clock: Clock, intervention: str, kind: After, detail: str = "", minor: int = 0
) -> None:
    """Record what became known later; the same thing twice is once. ``minor``: a later loss."""
    find(tx, intervention)
    row = {
        "id": new_id(clock),
        "intervention": intervention,
        "at": clock.now(),
        "kind": kind.value,
        "minor": minor,
        "detail": detail[:DETAIL_LENGTH_MAX],
    }
    insert_once(tx, AFTER, row)


@prepared
def _by_id(intervention: str) -> sa.Select[Any]:
    return sa.select(INTERVENTIONS).where(INTERVENTIONS.c.id == intervention)


@prepared
def _by_purchase(purchase: str) -> sa.Select[Any]:
    return sa.select(INTERVENTIONS).where(INTERVENTIONS.c.purchase == purchase)


@prepared
def _set(intervention: str) -> sa.Update:
    return sa.update(INTERVENTIONS).where(INTERVENTIONS.c.id == intervention)


@prepared
def _add() -> sa.Insert:
    return sa.insert(INTERVENTIONS)


def find(tx: Tx, intervention: str) -> Row:
    """Return an intervention's record; raise `InterventionUnknown`."""
    row = _by_id(tx, intervention=intervention).mappings().one_or_none()
    if row is None:
        raise InterventionUnknown(f"intervention {intervention[:26]} is not known")
    return dict(row)


def digest_of(record: Row) -> str:
    """Return the digest of an ended record: what was shown, asked, answered, and became of it.

    It is in the journal by the purchase's own event, so that no record is changed afterwards.
    """
    return hashlib.sha256(journal.canonical(record)).hexdigest()


def of_purchase(tx: Tx, purchase: str) -> Row | None:
    """Return the intervention of a purchase, or None where it was never assessed."""
    row = _by_purchase(tx, purchase=purchase).mappings().one_or_none()
    return None if row is None else dict(row)


def _open_row(tx: Tx, intervention: str) -> Row:
    row = find(tx, intervention)
    if row["ended_at"] is not None:
        raise InterventionOver(f"intervention {intervention} ended as {row['outcome']}")
    return row


def _change(tx: Tx, row: Row, change: Row) -> Row:
    _set(tx, change, intervention=row["id"])
    return change


def _open(
    tx: Tx, clock: Clock, desk: ScamDesk, who: Who, scene: Scene, language: str, floor: Step
) -> Row:
    """Write the row before anything is shown: seed and arm are drawn once."""
    arm = ""
    if desk.trial:
        arm = trial.assign(desk.key, trial.find(tx, desk.trial), who.person or who.purchase).name
    seed = clock.random_bytes(SEED_BYTES)
    zero = dict.fromkeys(("in_minor", "held_minor", "sent_minor", "returned_minor"), 0)
    row: Row = {
        "id": new_id(clock),
        "purchase": who.purchase,
        "person": who.person,
        "phone": who.phone,
        "machine": who.machine,
        "address": blocked.canonical(who.address),
        "at": clock.now(),
        "currency": scene.currency,
        "mode": scene.mode,
        "language": language,
        "trial": desk.trial,
        "arm": arm,
        "seed": seed.hex(),
        "policy": desk.policy.digest,
        "floor_first": int(floor),
        "floor": int(floor),
        "raised": int(floor),
        "step": int(floor),
        "script": "",
        "signals": "[]",
        "answers": "[]",
        "timings": "{}",
        "limit_minor": scene.limit_minor,
        "outcome": "",
        "ended_at": None,
        **zero,
    }
    bank = questions.load(language, desk.policy)
    row["wording"] = _json([asked.told() for asked in questions.deal(bank, seed)])
    _add(tx, row)
    return row


def _arm(tx: Tx, row: Row) -> trial.Arm | None:
    if not row["trial"]:
        return None
    arms = {arm.name: arm for arm in trial.find(tx, row["trial"]).arms}
    return arms[row["arm"]]


def explained(desk: ScamDesk, row: Row) -> Row:
    """Return a record in words for the console: step, signals as sentences, what was answered."""
    bank = {question.id: question for question in questions.load("en", desk.policy).questions}
    answers = []
    for question, option in msgspec.json.decode(row["answers"], type=list[list[str]]):
        asked = bank.get(question)
        texts = asked.options.get(option, ()) if asked else ()
        answers.append((asked.wordings[0] if asked else "Not asked", texts[0] if texts else option))
    return {
        **row,
        "step": Step(row["step"]).word,
        "floor": Step(row["floor"]).word,
        "signals": [told(s) for s in msgspec.json.decode(row["signals"], type=list[Row])],
        "answers": answers,
    }


def _joined(before: str, signals: Sequence[Signal]) -> list[Row]:
    """Keep one entry for each kind of signal, with its latest figures; none is forgotten."""
    kinds: dict[str, Row] = {s["kind"]: s for s in msgspec.json.decode(before, type=list[Row])}
    return list((kinds | {s.kind.value: figures(s) for s in signals}).values())


def _plan(desk: ScamDesk, row: Row, signals: tuple[Signal, ...]) -> Plan:
    """Say what the step shows: stopping comes before asking, and one hold looks like another."""
    step, seed = Step(row["step"]), bytes.fromhex(row["seed"])
    bank = questions.load(row["language"], desk.policy)
    stops = step >= Step.HOLD
    return Plan(
        id=row["id"],
        step=step,
        warning=questions.warn(bank, seed, row["script"]) if step > Step.NONE else None,
        asked=questions.deal(bank, seed) if step is Step.QUESTIONS else (),
        held=questions.held(bank) if stops else None,
        hold_hours=hold_hours(desk.policy, row["script"]) if step is Step.HOLD else None,
        signals=signals,
    )


def _json(value: Any) -> str:
    return msgspec.json.encode(value).decode()
