"""What every bill validator does, whatever bytes it speaks: report events, and obey three orders.

A driver is polled by the one thread that owns it. It never decides: the edge process stacks or
returns. The promise that counts is `acknowledge`: a validator repeats *vend valid* until it is
acknowledged, and the edge acknowledges only what is on its own disk (Decision 4), so that a power
cut between the two is told again and not lost.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import Protocol


class Kind(enum.StrEnum):
    """What a validator can report."""

    IDLE = "idle"
    """Ready for a note."""
    INHIBITED = "inhibited"
    """Takes no notes, because it was told so."""
    ACCEPTING = "accepting"
    """A note is on its way in; not known yet."""
    ESCROW = "escrow"
    """A known note waits for `stack` or `give_back`; ``minor`` is its value."""
    STACKING = "stacking"
    VEND_VALID = "vend_valid"
    """The note is in the cash box. Repeated until `acknowledge`."""
    STACKED = "stacked"
    """The stacking is over; the acknowledgement was heard."""
    REJECTED = "rejected"
    """An unknown note went back by itself; ``detail`` is the device's reason."""
    RETURNING = "returning"
    RETURNED = "returned"
    """The note that was in escrow is back with the customer."""
    POWER_UP = "power_up"
    """The device started anew with nothing inside."""
    POWER_UP_ACCEPTOR = "power_up_acceptor"
    """The device started anew with a note in the acceptor: it was not stacked, and is given back
    on reset."""
    POWER_UP_STACKER = "power_up_stacker"
    """The device started anew with a note past the point of no return: it will be stacked on
    reset, and told as *vend valid*."""
    STARTING = "starting"
    BOX_FULL = "box_full"
    BOX_OPEN = "box_open"
    JAM_ACCEPTOR = "jam_acceptor"
    JAM_STACKER = "jam_stacker"
    PAUSED = "paused"
    """A second note was pushed in behind the first; take it back."""
    CHEATED = "cheated"
    FAILURE = "failure"
    LOST = "lost"
    """No answer, or only broken ones, for longer than the driver's limit."""


@dataclass(frozen=True, slots=True)
class Event:
    """One report. ``minor`` in minor units of ``currency``, 0 where no note's value is known."""

    kind: Kind
    minor: int = 0
    currency: str = ""
    detail: str = ""


FAULTS = frozenset(
    {
        Kind.BOX_FULL,
        Kind.BOX_OPEN,
        Kind.JAM_ACCEPTOR,
        Kind.JAM_STACKER,
        Kind.CHEATED,
        Kind.FAILURE,
        Kind.LOST,
    }
)
"""Reports after which the machine takes no cash until a person, or the device, has mended it."""


class BillValidator(Protocol):
    """One bill validator. Every method is called by the one thread that owns it, and returns
    within the driver's own reply limit; none raises for a silent device, which is `Kind.LOST`."""

    @property
    def denominations(self) -> tuple[int, ...]:
        """Return the values that the device itself reported, ascending, in minor units."""

    def poll(self) -> Event | None:
        """Ask once; return the state when it differs from the last one returned, else None.

        `Kind.VEND_VALID` is returned at every poll until `acknowledge`. Power-up states are
        returned before the driver resets the device: `start` does that.
        """

    def start(self) -> None:
        """Reset and set up the device, inhibited; call it after a power-up report, or at first."""

    def accept(self, denominations: frozenset[int]) -> None:
        """Take these notes, in minor units, and no others; an empty set inhibits the device."""

    def stack(self) -> None:
        """Put the note in escrow into the cash box."""

    def give_back(self) -> None:
        """Give the note in escrow back."""

    def hold(self) -> None:
        """Keep the note in escrow a while longer; to be repeated within the device's time."""

    def acknowledge(self) -> None:
        """Confirm *vend valid*: the note is on disk."""

    def close(self) -> None:
        """Inhibit the device where it still answers, and let go of the port."""
