"""The scam desk at one purchase: what the kiosk shows, what finish waits for, how it ended.

A kiosk is told the step and the words, never a signal. What it fails to ask is answered for it at
finish, by the policy's answer for the unknown: a machine that skips the questions gains nothing.
Nothing here moves money; `buy`, `refund` and `payout` do, and tell it what became of the cash.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final
from zoneinfo import ZoneInfo

import msgspec
import sqlalchemy as sa

from tallystick.core import effects, rulebook
from tallystick.core.store import Tx, prepared
from tallystick.kiosk import blocked, wire
from tallystick.kiosk.customers import people
from tallystick.kiosk.model import OPEN, Note, State
from tallystick.kiosk.quote import Desk
from tallystick.kiosk.record import event, incident
from tallystick.kiosk.reports import suspect
from tallystick.kiosk.scams import history, intervene, stops, trial
from tallystick.kiosk.scams.history import Who
from tallystick.kiosk.scams.intervene import Outcome, Plan, ScamDesk
from tallystick.kiosk.scams.policy import Answer, Step
from tallystick.kiosk.scams.signals import MODES, Scene
from tallystick.kiosk.tables import NOTES, PURCHASES

HOUR_S: Final = 3_600
UNASKED: Final = Answer("unasked", "unasked")
"""In place of what a machine did not ask: no policy names it, so it gets `unknown_answer`."""
HELD_WHY: Final = "held for a check: a person releases it, or calls it off"
NOTHING: Final = wire.Care(step=Step.NONE.word)

Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Wait:
    """What finish waits for: seconds, or a person where ``seconds`` is None; or it is refused."""

    refused: bool = False
    seconds: int | None = 0


def care(tx: Tx, desk: Desk, row: Row, ask: wire.CareAsk) -> wire.Care:
    """Assess a purchase as it stands, take in answers, and say what its screen must show now."""
    if State(row["state"]) not in OPEN:
        return NOTHING
    plan = _assessed(tx, desk, row, ask.mode, tuple(ask.timings_ms.values()))
    if ask.answers:
        given = [Answer(one.question, one.option) for one in ask.answers]
        plan = intervene.answered(tx, desk.scams, plan.id, given, ask.timings_ms)
    return _told(plan, _unanswered(tx, plan))


def at_finish(tx: Tx, desk: Desk, row: Row) -> Wait:
    """Fix the step with all the cash in; what was not asked is answered as unknown."""
    plan = _assessed(tx, desk, row, MODES[0], ())
    if plan.step is Step.QUESTIONS and _unanswered(tx, plan):
        plan = intervene.answered(tx, desk.scams, plan.id, [UNASKED], {})
    if plan.step is Step.REFUSE:
        return Wait(refused=True)
    if plan.step < Step.HOLD:
        return Wait()
    hours = plan.hold_hours
    now = desk.clock.now()
    until = None if hours is None else now + dt.timedelta(hours=hours)
    event(tx, desk.clock, row["id"], "waiting", {"until": until, "step": plan.step.word})
    return Wait(seconds=None if hours is None else hours * HOUR_S)


def ended(tx: Tx, desk: Desk, purchase: str, outcome: Outcome) -> None:
    """Record what became of the cash; a purchase that nobody assessed has nothing to end."""
    row = intervene.of_purchase(tx, purchase)
    if row is None or row["ended_at"] is not None:
        return
    cash = _cash(tx, purchase=purchase).scalar_one()
    held = cash if row["step"] >= Step.HOLD else 0
    back = outcome in intervene.RETURNED
    sent = 0 if back or outcome is Outcome.ABANDONED else cash
    intervene.ended(tx, desk.clock, row["id"], outcome, held, sent, cash if back else 0)
    if row["step"] > Step.NONE:
        kept = {
            "record": intervene.digest_of(intervene.find(tx, row["id"])),
            "outcome": outcome.value,
        }
        event(tx, desk.clock, purchase, "care", kept)
    stops.heed(tx, desk.clock, desk.scams, row, outcome, cash)
    if outcome is Outcome.HELPED:
        detail = "the customer asked for help without words; call the shop, then the customer"
        incident(tx, desk.clock, row["machine"], purchase, "HelpAsked", detail)
        suspect.help_asked(tx, desk.clock, purchase)


def release(tx: Tx, desk: Desk, purchase: str, by: str, why: str) -> bool:
    """Let a payout that waits for a person go on, no sooner than the law's own hold allows.

    Returns False when nothing waited. A listed address stops it again when it is due. Raises
    `CallNeeded` where the policy asks for a call back and none has allowed it.
    """
    from tallystick.kiosk.queries import held_until
    from tallystick.kiosk.scams import calls

    now = desk.clock.now()
    if not waits_now(tx, purchase):
        return False
    calls.check(tx, purchase)
    law = held_until(tx, purchase)
    effects.resume(tx, "payout", purchase, max(now, law) if law else now)
    event(tx, desk.clock, purchase, "released", {"by": by, "why": why})
    return True


def waits_now(tx: Tx, purchase: str) -> bool:
    """Say whether a purchase is paid in, and waits for a person for whatever reason."""
    query = sa.select(PURCHASES.c.state).where(PURCHASES.c.id == purchase)
    paid_in = tx.execute(query).scalar() == State.PAID_IN.value
    return paid_in and (waits(tx, purchase) or parked(tx, purchase))


def waits(tx: Tx, purchase: str) -> bool:
    """Say whether the desk holds this purchase, and nobody has released it."""
    from tallystick.kiosk.queries import waiting

    return waiting(tx, purchase)


def parked(tx: Tx, purchase: str) -> bool:
    """Say whether the payout of a purchase waits for a person, for whatever reason."""
    return bool(effects.parked(tx, "payout", purchase))


def park(tx: Tx, purchase: str, now: dt.datetime) -> None:
    """Let no timer send it: a person must."""
    effects.park(tx, "payout", purchase, HELD_WHY, now)


def who(tx: Tx, desk: Desk, row: Row) -> Who:
    """Return who buys: the customer where one is known, else an address stands for a person."""
    known = people.buyer(tx, row["id"])
    key, phone = desk.scams.key, ""
    person = trial.pseudonym(key, f"address:{blocked.canonical(row['address'])}")
    if known is not None and known.customer:
        person = people.pseudonym(key, known.customer)
        phone = trial.pseudonym(key, f"phone:{known.phone}") if known.phone else ""
    named = known is not None and bool(known.customer)
    return Who(row["id"], row["machine"], row["address"], person, phone, named)


@prepared
def _fed(purchase: str) -> sa.Select[Any]:
    n = NOTES.c
    query = sa.select(n.asked_at).where(n.purchase == purchase, n.state == Note.STACKED.value)
    return query.order_by(n.seq)


def scene(tx: Tx, desk: Desk, row: Row, mode: str, pauses_ms: Sequence[int]) -> Scene:
    """Return what happens at the machine, in minor units, seconds and minutes of its own day."""
    local = desk.clock.now().astimezone(ZoneInfo(desk.place.zone))
    binds = rulebook.binding(desk.place, desk.day(desk.clock.now()))
    by_day = (figure for limit, _, figure in binds.limits if limit.kind == "daily-limit")
    times = [moment.timestamp() for moment in _fed(tx, purchase=row["id"]).scalars()]
    return Scene(
        currency=row["currency"],
        cash_minor=row["cash_minor"],
        minute_of_day=local.hour * 60 + local.minute,
        mode=mode if mode in MODES else MODES[0],
        limit_minor=min(by_day, default=0),
        note_times_s=[int(moment) for moment in times],
        pauses_s=[pause // 1_000 for pause in pauses_ms],
    )


def _assessed(tx: Tx, desk: Desk, row: Row, mode: str, pauses_ms: Sequence[int]) -> Plan:
    seen = scene(tx, desk, row, mode, pauses_ms)
    return intervene.assess(tx, desk.clock, desk.scams, who(tx, desk, row), seen, row["language"])


def _unanswered(tx: Tx, plan: Plan) -> list[wire.CareQuestion]:
    """Return the questions that still wait for an answer, in the order in which they were dealt."""
    row = intervene.find(tx, plan.id)
    given = {pair[0] for pair in msgspec.json.decode(row["answers"], type=list[list[str]])}
    return [
        wire.CareQuestion(
            id=one.question,
            text=one.text,
            options=[wire.CareOption(id=o.option, text=o.text) for o in one.options],
        )
        for one in plan.asked
        if one.question not in given
    ]


def _told(plan: Plan, questions: list[wire.CareQuestion]) -> wire.Care:
    """Say what the screen may know: at a hold one text for all, whatever brought it about."""
    if plan.step is Step.NONE:
        return NOTHING
    warned, held = plan.warning, plan.held
    return wire.Care(
        step=plan.step.word,
        warning=warned.text if warned else "",
        stop=warned.stop if warned else "",
        go_on=warned.go_on if warned else "",
        wait_ms=warned.wait_ms if warned else 0,
        questions=questions,
        title=held.title if held else "",
        text=held.text if held else "",
    )


@prepared
def _cash(purchase: str) -> sa.Select[Any]:
    return sa.select(PURCHASES.c.cash_minor).where(PURCHASES.c.id == purchase)


def explained(tx: Tx, desk: ScamDesk, purchase: str) -> Row | None:
    """Return a purchase's intervention for the console: signals as sentences, answers, step."""
    row = intervene.of_purchase(tx, purchase)
    if row is None:
        return None
    off = history.lifted(tx, [row["id"]]).get(row["id"])
    return intervene.explained(desk, row) | {"lifted_at": off}
