"""Notes, from escrow to the cash box or back to the customer; each step on disk before it is done.

The order is what counts. *Escrow* is written, then the server is asked; *stacking* is written, then
the validator is told to; *stacked* is written, then the validator's report is acknowledged. So a
*vend valid* with no note under way can only be the last one told again, and is not counted twice.
What a power cut hid is resolved by what the validator itself reports when it starts.
"""

from __future__ import annotations

from typing import Final, Protocol

from tallystick.core.clock import Clock, new_id
from tallystick.devices.validator import FAULTS, BillValidator, Event, Kind
from tallystick.edge.book import NoteLine
from tallystick.edge.errors import JournalUnwritable
from tallystick.edge.log import Log

ANSWER_S_MAX: Final = 4.0
"""How long a note waits in escrow for the server's answer, before it goes back."""
ORDER_AGAIN_S: Final = 0.5
VEND_EXPECTED_S_MAX: Final = 30.0
QUIET: Final = frozenset({Kind.IDLE, Kind.INHIBITED})
HEARD: Final = QUIET | {Kind.STACKED, Kind.ACCEPTING, Kind.ESCROW, Kind.POWER_UP}
"""Reports that prove that the last acknowledgement was heard."""


class Hearer(Protocol):
    """Who is told what became of notes."""

    def credited(self, note: NoteLine, recovered: bool) -> None:
        """Take in that a note is in the cash box, and on disk."""

    def went_back(self, note: NoteLine | None, why: str) -> None:
        """Take in that a note is with the customer again."""

    def device_changed(self) -> None:
        """Take in that the validator's state is another."""


class Notes:
    """Owns the validator. ``fault`` is what is wrong with it, or None."""

    def __init__(
        self, validator: BillValidator, log: Log, clock: Clock, hearer: Hearer | None = None
    ) -> None:
        self._validator, self._log, self._clock = validator, log, clock
        self._hearer = hearer
        self.fault: Kind | None = Kind.LOST
        self.last = Kind.LOST
        self.ready = False
        self._allowed: frozenset[int] | None = None
        self._purchase, self._quote = "", ""
        self._left_over = log.book.open_note.id if log.book.open_note else ""
        self._repeatable = log.book.stacked_ever and not self._left_over
        self._expect_until: float | None = None
        self._since, self._why = 0.0, ""

    def tell(self, hearer: Hearer) -> None:
        """Say who is to be told."""
        self._hearer = hearer

    @property
    def inside(self) -> bool:
        """Say whether a note is in the machine and not yet in the box."""
        return self._log.book.open_note is not None or self.last in (
            Kind.ACCEPTING,
            Kind.RETURNING,
            Kind.STACKING,
        )

    @property
    def stuck(self) -> NoteLine | None:
        """Return the note that a fault holds."""
        return self._log.book.open_note if self.fault else None

    @property
    def denominations(self) -> frozenset[int]:
        """Return the values that the validator knows, in minor units."""
        return frozenset(self._validator.denominations)

    def accept(self, allowed: frozenset[int], purchase: str = "", quote: str = "") -> None:
        """Take these notes, for this purchase under this quote; none, to take no more."""
        self._purchase, self._quote = purchase, quote
        if self.ready and allowed != self._allowed and not self.inside:
            self._allowed = allowed
            self._validator.accept(allowed)

    def poll(self) -> None:
        """Ask the validator once, and do what its report calls for."""
        event = self._validator.poll()
        if event is not None:
            self._on(event)
        self._hurry()

    def _on(self, event: Event) -> None:
        changed, self.last = event.kind is not self.last, event.kind
        was, self.fault = self.fault, event.kind if event.kind in FAULTS else None
        if event.kind in HEARD and self._expect_until is None:
            self._repeatable = False
        if event.kind is Kind.ESCROW:
            self._escrow(event)
        elif event.kind is Kind.VEND_VALID:
            self._in_box()
        elif event.kind in (Kind.POWER_UP, Kind.POWER_UP_ACCEPTOR, Kind.POWER_UP_STACKER):
            self._power_up(event.kind)
        elif event.kind in (Kind.RETURNED, Kind.REJECTED):
            self._out(event)
        elif event.kind in QUIET:
            self._quiet(event)
        if self._hearer and (changed or was is not self.fault):
            self._hearer.device_changed()

    def _power_up(self, kind: Kind) -> None:
        """Set the device up again. A note in the stacker will be told as *vend valid*."""
        stacker = kind is Kind.POWER_UP_STACKER
        now = self._clock.monotonic_s()
        self._expect_until = now + VEND_EXPECTED_S_MAX if stacker else None
        self.ready, self._allowed = False, None
        self._validator.start()
        self.ready = True

    def _quiet(self, event: Event) -> None:
        if self._expect_until is None:
            self._out(event)
        if not self.ready:
            self._allowed = None
            self._validator.start()
            self.ready = True

    def _out(self, event: Event) -> None:
        """Whatever was in escrow is with the customer now."""
        note = self._log.book.open_note
        if note is None:
            if event.kind not in QUIET and self._hearer:
                self._hearer.went_back(None, self._why or event.detail or event.kind.value)
            self._why = "" if event.kind not in QUIET else self._why
            return
        why = self._why or event.detail or event.kind.value
        self._log.write("returned", note=note.id, reason=why[:64])
        self._left_over, self._why = "", ""
        if self._hearer:
            self._hearer.went_back(note, why)

    def _escrow(self, event: Event) -> None:
        note = self._log.book.open_note
        if note is not None and note.id != self._left_over:
            return
        allowed = self._allowed or frozenset()
        if note is not None or not self._purchase or event.minor not in allowed:
            self._give_back("not_taken" if note is None else "interrupted")
            return
        held = self._log.book.purchases[self._purchase]
        try:
            self._log.write(
                "escrow",
                note=new_id(self._clock),
                purchase=held.id,
                seq=len(held.notes) + 1,
                minor=event.minor,
                currency=event.currency,
                quote=self._quote,
            )
        except JournalUnwritable:
            self._give_back("journal")
            raise
        self._since = self._clock.monotonic_s()

    def _give_back(self, why: str) -> None:
        self._why = why
        self._since = self._clock.monotonic_s()
        self._validator.give_back()

    def permitted(self, note: str) -> None:
        """Stack the note that waits, if it is still this one and nobody gave it up."""
        held = self._log.book.open_note
        if held is None or held.id != note or held.state != "escrow" or self._why:
            return
        try:
            self._log.write("stacking", note=note)
        except JournalUnwritable:
            self._give_back("journal")
            raise
        self._since = self._clock.monotonic_s()
        self._validator.stack()

    def refused(self, note: str, why: str) -> None:
        """Give the note that waits back, because the server says so."""
        held = self._log.book.open_note
        if held is not None and held.id == note and held.state == "escrow" and not self._why:
            self._give_back(why)

    def take_back(self, why: str) -> None:
        """Give back a note in escrow, unless it is past the point of no return."""
        held = self._log.book.open_note
        if held is not None and held.state == "escrow" and not self._why:
            self._give_back(why)

    def _in_box(self) -> None:
        note = self._log.book.open_note
        if note is not None:
            recovered = note.id == self._left_over or self._expect_until is not None
            self._log.write("stacked", note=note.id, recovered=recovered)
            self._left_over, self._why = "", ""
            self._repeatable = True
            self._validator.acknowledge()
            if self._hearer:
                self._hearer.credited(note, recovered)
        elif self._repeatable:
            self._validator.acknowledge()
        else:
            self._log.write("stray")
            self._repeatable = True
            self._validator.acknowledge()
        self._expect_until = None

    def _hurry(self) -> None:
        """Give back what waits too long; order again what was not heard."""
        now = self._clock.monotonic_s()
        if self._expect_until is not None and now > self._expect_until:
            self._expect_until = None
            if self.last in QUIET:
                self._why = "not_found"
                self._out(Event(self.last))
        note = self._log.book.open_note
        if note is None or self.last is not Kind.ESCROW:
            return
        waited = now - self._since
        if note.state == "escrow" and not self._why and waited > ANSWER_S_MAX:
            self._give_back("server_lost")
        elif waited > ORDER_AGAIN_S and (self._why or note.id == self._left_over):
            self._give_back(self._why or "interrupted")
        elif waited > ORDER_AGAIN_S and note.state == "stacking":
            self._since = now
            self._validator.stack()

    def close(self) -> None:
        """Take no more notes, and let go of the device."""
        self._validator.close()
