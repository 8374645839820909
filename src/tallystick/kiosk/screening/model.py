"""A hit's states and the one transition table, what may be decided of it, and on what grounds.

A hit that is pending or confirmed is never a permit. Grounds are chosen from a list: no words about
a person are kept here, and what supports a ground is named by its place in the vault.
"""

from __future__ import annotations

import enum
from typing import Final

import msgspec

from tallystick.core import journal

ROLE: Final = "kiosk.compliance"
"""Who proposes and approves what is decided of a hit, and files reports."""


class State(enum.StrEnum):
    """Where a hit stands."""

    HIT = "hit"
    REVIEW = "review"
    CLEARED = "cleared"
    CONFIRMED = "confirmed"
    GONE = "gone"


NEXT: Final[dict[State, frozenset[State]]] = {
    State.HIT: frozenset({State.REVIEW, State.GONE}),
    State.REVIEW: frozenset({State.HIT, State.CLEARED, State.CONFIRMED, State.GONE}),
    State.CLEARED: frozenset({State.HIT, State.GONE}),
    State.CONFIRMED: frozenset({State.HIT}),
    State.GONE: frozenset(),
}
"""A decided hit is a hit again when somebody opens it again. A confirmed one whose entry left the
list stays confirmed until people say otherwise."""

HOLDING: Final = frozenset({State.HIT, State.REVIEW, State.CONFIRMED})
"""The states in which nothing is sold to the person."""


class Outcome(enum.StrEnum):
    """What is decided of a hit."""

    CLEARED = "cleared"
    CONFIRMED = "confirmed"


GROUNDS: Final[dict[str, Outcome]] = {
    "another-date-of-birth": Outcome.CLEARED,
    "another-place-of-birth": Outcome.CLEARED,
    "another-document": Outcome.CLEARED,
    "another-photograph": Outcome.CLEARED,
    "another-person-known": Outcome.CLEARED,
    "the-same-document": Outcome.CONFIRMED,
    "the-same-name-and-date": Outcome.CONFIRMED,
    "the-authority-says-so": Outcome.CONFIRMED,
}
"""What a decision may rest on. A common name, or a long wait, is none."""


class Decision(msgspec.Struct, frozen=True):
    """What is proposed of a hit: the digest of this is what people approve.

    ``evidence`` is where what supports the ground lies: a record of the vault, a document's number
    in the operator's own files.
    """

    hit: str
    person: str
    entry: str
    entry_digest: str
    outcome: Outcome
    ground: str
    evidence: str

    @property
    def digest(self) -> str:
        """Return SHA-256 over the decision, in hex."""
        return journal.commit(b"", msgspec.to_builtins(self))
