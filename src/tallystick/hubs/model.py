"""A case's states with the one table of what may follow, and the events that officials record.

Words are about steps, never about people: nobody is ranked, scored or labelled. What an event
changes is a handful of facts; whether a case may go on is then for the gates to say (Decision 1).
"""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from tallystick.hubs.law import Stage, Value

PROGRAMME: Final = "hubs"


class Role(enum.StrEnum):
    """What somebody may do in this programme; granted by name, journalled."""

    CASEWORKER = "hubs.caseworker"
    OFFICIAL = "hubs.official"
    INDEPENDENT = "hubs.independent"
    """Decides too, and has no part in removals."""
    MONITOR = "hubs.monitor"
    LAWYER = "hubs.lawyer"


class State(enum.StrEnum):
    """Where a case is."""

    REFUSED = "refused"
    APPEAL = "appeal"
    SUBMISSIONS = "submissions"
    REVIEW = "review"
    ELIGIBLE = "eligible"
    PLACED = "placed"
    NOTICE = "notice"
    READY = "ready"
    TRANSFERRED = "transferred"
    STAY = "stay"
    BROUGHT_BACK = "brought_back"
    OUT_OF_CONTACT = "out_of_contact"
    RELEASED = "released"
    RETURNED = "returned"
    DEPARTED = "departed"
    GRANTED = "granted"
    DIED = "died"


MEANS: Final[Mapping[State, str]] = {
    State.REFUSED: "The claim was refused; remedies against that are not at an end.",
    State.APPEAL: "An appeal, or a fresh claim with a right of appeal, is pending.",
    State.SUBMISSIONS: "Further submissions are waiting to be considered.",
    State.REVIEW: "No remedy is pending: facts are gathered and gates asked.",
    State.ELIGIBLE: "Every gate of eligibility passes, and two officials agree.",
    State.PLACED: "A place is reserved under an agreement, for a day.",
    State.NOTICE: "The notice is served, and its period runs or has run.",
    State.READY: "Every gate passed on the eve. All are asked again at the door.",
    State.TRANSFERRED: "Every gate passed at the door; the person is on the way.",
    State.STAY: "The person is in the hub.",
    State.BROUGHT_BACK: "The person was brought back.",
    State.OUT_OF_CONTACT: "Nobody can reach the person.",
    State.RELEASED: "The person was released.",
    State.RETURNED: "The person went on to another country.",
    State.DEPARTED: "The person left by their own choice. The end.",
    State.GRANTED: "The person was granted leave. The end.",
    State.DIED: "The person died. The end.",
}
REMEDIES: Final = frozenset({State.APPEAL, State.SUBMISSIONS, State.REVIEW})
"""Where a case goes by what is pending: an appeal, submissions, or nothing that bars a review."""
UNDER_WAY: Final = frozenset({State.ELIGIBLE, State.PLACED, State.NOTICE, State.READY})
"""States in which a transfer is being prepared: any of them is stopped by a gate."""
ABROAD: Final = frozenset({State.TRANSFERRED, State.STAY})
ENDS: Final = frozenset({State.GRANTED, State.DEPARTED, State.DIED})
_ALWAYS: Final = ENDS | {State.RELEASED, State.OUT_OF_CONTACT}

NEXT: Final[Mapping[State, frozenset[State]]] = {
    State.REFUSED: REMEDIES | _ALWAYS,
    State.APPEAL: REMEDIES - {State.APPEAL} | _ALWAYS,
    State.SUBMISSIONS: REMEDIES - {State.SUBMISSIONS} | _ALWAYS,
    State.REVIEW: REMEDIES - {State.REVIEW} | {State.ELIGIBLE} | _ALWAYS,
    State.ELIGIBLE: REMEDIES | {State.PLACED} | _ALWAYS,
    State.PLACED: REMEDIES | {State.NOTICE} | _ALWAYS,
    State.NOTICE: REMEDIES | {State.READY} | _ALWAYS,
    State.READY: REMEDIES | {State.TRANSFERRED} | _ALWAYS,
    State.TRANSFERRED: frozenset({State.STAY, State.BROUGHT_BACK}) | ENDS,
    State.STAY: frozenset({State.RETURNED, State.BROUGHT_BACK}) | _ALWAYS,
    State.BROUGHT_BACK: REMEDIES | _ALWAYS,
    State.OUT_OF_CONTACT: REMEDIES | {State.RELEASED} | ENDS,
    State.RELEASED: REMEDIES | ENDS,
    State.RETURNED: frozenset({State.BROUGHT_BACK, State.DIED}),
    State.DEPARTED: frozenset(),
    State.GRANTED: frozenset(),
    State.DIED: frozenset(),
}
"""The one table. `transferred` is reached from `ready` alone, and only through `transfer.door`."""

ASKED_IN: Final[Mapping[State, Stage]] = {
    State.ELIGIBLE: Stage.ELIGIBILITY,
    State.PLACED: Stage.ELIGIBILITY,
    State.NOTICE: Stage.NOTICE,
    State.READY: Stage.DOOR,
}
"""Which gates stand over a case that is being prepared: each new event asks them again at once."""


class Alarm(enum.StrEnum):
    """What the independent monitor is told of at once."""

    ORDER = "order"
    DEATH = "death"
    FORCE = "force"
    COMPLAINT = "complaint"
    AFTER_TRANSFER = "after_transfer"
    BREACH = "breach"
    PARTED = "parted"


@dataclass(frozen=True, slots=True)
class Happening:
    """Something that happens in a case: the facts that it sets, and where the case goes if so."""

    say: str
    sets: Mapping[str, Value] = field(default_factory=dict)
    to: State | None = None
    day: str = ""
    """The fact that a day given with it sets, such as when a decision is expected."""
    alarm: Alarm | None = None


EVENTS: Final[Mapping[str, Happening]] = {
    "appeal_lodged": Happening(
        "An appeal was lodged.",
        {"appeal.pending": True, "appeal.ended": False},
        day="appeal.expected",
    ),
    "appeal_remitted": Happening(
        "An appeal was sent back to the tribunal.",
        {"appeal.pending": True, "appeal.remitted": True, "appeal.ended": False},
        day="appeal.expected",
    ),
    "appeal_ended": Happening(
        "The appeal ended without being allowed; the day on which rights are exhausted is set.",
        {"appeal.pending": False, "appeal.remitted": False, "appeal.ended": True},
        day="appeal.are_date",
    ),
    "submissions_made": Happening(
        "Further submissions were made.",
        {"submissions.outstanding": True},
        day="submissions.expected",
    ),
    "submissions_refused": Happening(
        "The submissions were considered and refused, and are no fresh claim.",
        {"submissions.outstanding": False, "submissions.fresh_claim": False},
    ),
    "fresh_claim": Happening(
        "The submissions are a fresh claim, with a right of appeal.",
        {
            "submissions.outstanding": False,
            "submissions.fresh_claim": True,
            "appeal.ended": False,
        },
        day="appeal.expected",
    ),
    "injunction": Happening(
        "A court stayed or forbade the removal.", {"court.injunction": True}, day="court.expected"
    ),
    "injunction_lifted": Happening("The court lifted its order.", {"court.injunction": False}),
    "review_asked": Happening(
        "A judicial review was asked for.", {"court.review_pending": True}, day="court.expected"
    ),
    "review_ended": Happening(
        "The judicial review ended without success.", {"court.review_pending": False}
    ),
    "rule39": Happening("The Strasbourg court indicated a measure.", {"court.rule39": True}),
    "rule39_lifted": Happening("The Strasbourg court lifted it.", {"court.rule39": False}),
    "remedy_asked": Happening(
        "A court was asked to suspend the transfer.",
        {"remedy.undecided": True},
        day="remedy.expected",
    ),
    "remedy_refused": Happening("The court did not suspend it.", {"remedy.undecided": False}),
    "trafficking_referral": Happening(
        "A referral as a potential victim of trafficking was made.",
        {"trafficking.awaiting_grounds": True},
        day="trafficking.expected",
    ),
    "grounds_positive": Happening(
        "There are reasonable grounds; the recovery period begins.",
        {
            "trafficking.awaiting_grounds": False,
            "trafficking.grounds_positive": True,
            "trafficking.conclusive_pending": True,
        },
        day="trafficking.recovery_ends",
    ),
    "grounds_negative": Happening(
        "There are no reasonable grounds.",
        {"trafficking.awaiting_grounds": False, "trafficking.grounds_positive": False},
    ),
    "family_claim": Happening(
        "A claim on family or private life was made.",
        {"family.life_undecided": True},
        day="family.life_expected",
    ),
    "family_claim_refused": Happening(
        "The claim on family or private life was refused.",
        {"family.life_undecided": False, "family.life_allowed": False},
    ),
    "illness": Happening("The person fell ill.", {"health.fit_to_travel": False}),
    "health_claim": Happening(
        "A claim on health was made.", {"health.claim_undecided": True}, day="health.expected"
    ),
    "pregnancy": Happening("The person is pregnant.", {"health.pregnant": True}),
    "age_disputed": Happening("The person's age is disputed.", {"age.disputed": True}),
    "age_decided": Happening(
        "The person was found to be an adult.",
        {"age.disputed": False, "age.unaccompanied_child": False},
    ),
    "child_in_family": Happening("There is a child in the family.", {"family.with_child": True}),
    "detained": Happening("The person was detained.", {"detention.detained": True}),
    "released": Happening(
        "The person was released.", {"detention.detained": False}, State.RELEASED
    ),
    "out_of_contact": Happening("Nobody can reach the person.", to=State.OUT_OF_CONTACT),
    "back_in_contact": Happening("The person is in contact again.", to=State.REVIEW),
    "departed": Happening("The person left by their own choice.", to=State.DEPARTED),
    "granted": Happening("The person was granted leave.", to=State.GRANTED),
    "died": Happening("The person died.", to=State.DIED, alarm=Alarm.DEATH),
    "force_used": Happening("Force was used.", alarm=Alarm.FORCE),
    "complaint": Happening("The person complained.", alarm=Alarm.COMPLAINT),
    "arrived": Happening("The person arrived in the hub.", to=State.STAY),
    "returned_onward": Happening("The person went on to another country.", to=State.RETURNED),
    "brought_back": Happening("The person was brought back.", to=State.BROUGHT_BACK),
}
"""Every event that an official records by name. A single fact is recorded as `fact`."""

BY_LAWYER: Final = frozenset(
    {
        *("appeal_lodged", "submissions_made", "injunction", "review_asked", "rule39"),
        *("remedy_asked", "trafficking_referral", "family_claim", "illness", "health_claim"),
        *("pregnancy", "age_disputed", "child_in_family", "complaint"),
    }
)
"""What a person's own lawyer may put on record: each can stop a transfer, none can speed one up."""
