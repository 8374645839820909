"""A victim's claim: its form, what the law grants, the grounds of a denial, and its states.

That a warning was shown, a box was ticked or a wallet was called one's own denies no claim, and a
window that nobody has read is never missed. The one transition table is `NEXT`.
"""

from __future__ import annotations

import datetime as dt
import enum
from collections.abc import Sequence
from typing import Final

import msgspec

from tallystick.kiosk.scams.errors import ClaimIncomplete, GroundRefused
from tallystick.kiosk.scams.questions import SCRIPTS

WORDS_LENGTH_MAX: Final = 2_000
EVIDENCE: Final = ("police report", "government agency report", "sworn statement", "other")
AMOUNTS: Final = ("full", "fees", "unknown")
PURCHASES_MAX: Final = 50


class State(enum.StrEnum):
    """Where a claim stands."""

    WAITING = "waiting"
    """For evidence that the law asks for."""
    REVIEW = "review"
    UPHELD = "upheld"
    DENIED = "denied"
    PAID = "paid"
    WITHDRAWN = "withdrawn"


NEXT: Final[dict[State, frozenset[State]]] = {
    State.WAITING: frozenset({State.REVIEW, State.DENIED, State.WITHDRAWN}),
    State.REVIEW: frozenset({State.UPHELD, State.DENIED, State.WITHDRAWN}),
    State.DENIED: frozenset({State.REVIEW}),
    State.UPHELD: frozenset({State.PAID}),
    State.PAID: frozenset(),
    State.WITHDRAWN: frozenset(),
}
OPEN: Final = frozenset({State.WAITING, State.REVIEW})


class Form(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What the statutes' forms ask for. Name and story are in the vault, under ``statement``."""

    happened_on: dt.date
    """The last occurrence of the fraud."""
    contacted_on: dt.date
    """When we were first told, in whatever way."""
    script: str
    statement: str
    learnt_on: dt.date | None = None
    evidence: dict[str, str] = {}
    """By kind, where it is: a report's number, or its place in the vault."""


class Duty(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What the law of the place grants, with its dates worked out; None: nobody has read it."""

    cite: str
    amount: str = "unknown"
    evidence: tuple[str, ...] = ()
    """Kinds of which one suffices; empty: none is asked for."""
    contact_by: dt.date | None = None
    evidence_by: dt.datetime | None = None
    decide_by: dt.datetime | None = None
    pay_hours: int | None = None
    """From the moment that all conditions are met."""


class Ground(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Why less than all is given back: a code, words for the person, and the law if it says so."""

    code: str
    words: str
    cite: str = ""


GROUNDS: Final = frozenset(
    {"not-our-purchase", "refunded-before", "late", "no-evidence", "not-covered", "disproved"}
)
NEVER: Final = frozenset(
    {
        "warning-shown",
        "wallet-is-mine",
        "attested",
        "questions-answered",
        "terms-accepted",
        "negligent",
    }
)
"""What operators have denied claims on; here they are no grounds (requirement 7)."""


def check_form(form: Form, duty: Duty) -> None:
    """Raise `ClaimIncomplete` naming the first field that is missing or cannot be."""
    if form.script not in (*SCRIPTS, "other"):
        raise ClaimIncomplete(f"{form.script[:20]!r} is no kind of scam that the form knows")
    if not form.statement.strip():
        raise ClaimIncomplete("the statement is missing")
    if form.contacted_on < form.happened_on and form.learnt_on is None:
        raise ClaimIncomplete("told before it happened, and no day on which it was noticed")
    strange = sorted(set(form.evidence) - set(EVIDENCE))
    if strange:
        raise ClaimIncomplete(f"{strange[0][:20]!r} is no kind of evidence")
    if duty.amount not in AMOUNTS or not duty.cite.strip():
        raise ClaimIncomplete("the law's grant is full, fees or unknown, and is cited")


def enough(evidence: Sequence[str], duty: Duty) -> bool:
    """Say whether the evidence meets the law's list: one of its kinds, or none asked for."""
    return not duty.evidence or bool(set(evidence) & set(duty.evidence))


def check_grounds(grounds: Sequence[Ground], form: Form, duty: Duty, now: dt.datetime) -> None:
    """Raise `GroundRefused` for a ground that is none, or that the dates do not bear out."""
    for ground in grounds:
        if ground.code in NEVER:
            raise GroundRefused(f"{ground.code!r} never denies a claim")
        if ground.code not in GROUNDS or not ground.words.strip():
            raise GroundRefused(f"{ground.code[:30]!r} is no ground, or has no words")
        if len(ground.words) > WORDS_LENGTH_MAX:
            raise GroundRefused(f"at most {WORDS_LENGTH_MAX} characters of reasons")
        if ground.code == "not-covered" and not ground.cite.strip():
            raise GroundRefused("'not-covered' cites the provision that does not cover it")
        if ground.code == "late" and not _late(form, duty):
            raise GroundRefused("no window of the law was missed; an unread one never is")
        if ground.code == "no-evidence" and not _unproved(form, duty, now):
            raise GroundRefused("the evidence is there, or may still come")


def _late(form: Form, duty: Duty) -> bool:
    return duty.contact_by is not None and form.contacted_on > duty.contact_by


def _unproved(form: Form, duty: Duty, now: dt.datetime) -> bool:
    over = duty.evidence_by is not None and now > duty.evidence_by
    return over and not enough(tuple(form.evidence), duty)
