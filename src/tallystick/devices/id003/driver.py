"""The driver of a JCM bill validator: asks over ID003, reports events, obeys three orders.

It decides nothing, except to give back a note whose code is in no table. Its promises: an escrow
that was reported is followed by *vend valid*, by *returned*, or by a fault that a person mends;
*vend valid* is repeated until it is acknowledged; an order whose answer was lost is repeated only
after the device said that the same note still waits (Decision 4).
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from tallystick.core.clock import Clock
from tallystick.core.money import asset
from tallystick.devices.errors import PortLost, TableUnreadable
from tallystick.devices.id003.codes import ESCROW_CODES, ESCROW_FIRST, REASONS, Command, Status
from tallystick.devices.id003.frames import Frame, Reader, encode
from tallystick.devices.id003.table import read_table
from tallystick.devices.validator import BillValidator, Event, Kind
from tallystick.devices.wire import SerialWire, Wire

REPLY_MS_MAX: Final = 200
"""How long one answer may take; the protocol's own limit is about 50."""
MISSES_MAX: Final = 3
"""Missed answers in a row after which the device is lost."""
TRIES_MAX: Final = 3
"""How often one order is sent."""
ALL_CODES: Final = (1 << ESCROW_CODES) - 1

KINDS: Final[Mapping[int, Kind]] = {
    Status.IDLE: Kind.IDLE,
    Status.ACCEPTING: Kind.ACCEPTING,
    Status.STACKING: Kind.STACKING,
    Status.VEND_VALID: Kind.VEND_VALID,
    Status.STACKED: Kind.STACKED,
    Status.REJECTING: Kind.REJECTED,
    Status.RETURNING: Kind.RETURNING,
    Status.INHIBITED: Kind.INHIBITED,
    Status.INITIALISING: Kind.STARTING,
    Status.POWER_UP: Kind.POWER_UP,
    Status.POWER_UP_ACCEPTOR: Kind.POWER_UP_ACCEPTOR,
    Status.POWER_UP_STACKER: Kind.POWER_UP_STACKER,
    Status.BOX_FULL: Kind.BOX_FULL,
    Status.BOX_OPEN: Kind.BOX_OPEN,
    Status.JAM_ACCEPTOR: Kind.JAM_ACCEPTOR,
    Status.JAM_STACKER: Kind.JAM_STACKER,
    Status.PAUSED: Kind.PAUSED,
    Status.CHEATED: Kind.CHEATED,
    Status.FAILURE: Kind.FAILURE,
}
READY: Final = {Kind.IDLE, Kind.INHIBITED}
NOTE_INSIDE: Final = {Kind.STACKING, Kind.POWER_UP_ACCEPTOR, Kind.POWER_UP_STACKER}
"""Reports of a note inside, even to a driver that has just started."""
QUIET: Final = {Status.IDLE, Status.INHIBITED, Status.INITIALISING}
TO_TELL: Final = {Status.STACKING, Status.VEND_VALID, Status.STACKED}
"""The device has something to tell: it is not reset before it was heard."""
WAITING: Final = {Status.ESCROW, Status.HOLDING}
SET_UP: Final = (
    (Command.SET_SECURITY, b"\x00\x00"),
    (Command.SET_DIRECTION, b"\x00"),
    (Command.SET_OPTIONS, b"\x00\x00"),
    (Command.SET_MODE, b"\x00"),
)


class Id003(BillValidator):
    """One validator on one port. ``currency`` is what the device's table is in."""

    def __init__(self, port: str | Path | Wire, clock: Clock, currency: str = "USD") -> None:
        self._wire = SerialWire(port, parity="E") if isinstance(port, str | Path) else port
        self._clock, self._asset = clock, asset(currency)
        self._codes: dict[int, int] = {}
        self._wanted: frozenset[int] = frozenset()
        self._reset_due = self._table_due = self._set_up_due = self._limits_due = False
        self._misses = 0
        self._told: deque[Event] = deque()
        self._last: Event | None = None
        self._waiting = self._unknown = False
        self._note: int | None = None
        self._vended_minor = 0

    @property
    def denominations(self) -> tuple[int, ...]:
        """Return the values of the device's own table, ascending, in minor units."""
        return tuple(sorted(set(self._codes.values())))

    def poll(self) -> Event | None:
        """Ask once; see `BillValidator.poll`."""
        if self._told:
            return self._tell(self._told.popleft())
        frame = self._ask(Command.STATUS)
        event = self._missed() if frame is None else self._heard(frame)
        return None if event is None else self._tell(event)

    def start(self) -> None:
        """Reset and set up, inhibited; what is not answered now is tried again at each poll."""
        self._wanted = frozenset()
        self._reset_due = self._table_due = self._set_up_due = self._limits_due = True
        frame = self._ask(Command.STATUS)
        if frame is not None:
            self._heard(frame)

    def accept(self, denominations: frozenset[int]) -> None:
        """Take these and no others; what is not answered now is tried again at each poll."""
        self._wanted, self._limits_due = denominations, True
        if not (self._reset_due or self._set_up_due):
            self._set_limits()

    def stack(self) -> None:
        """Order the note in escrow into the box; nothing happens when none was reported."""
        self._order(Command.STACK_1)

    def give_back(self) -> None:
        """Order the note in escrow back; nothing happens when none was reported."""
        self._order(Command.RETURN)

    def hold(self) -> None:
        """Keep the note in escrow for the device's own time, counted anew."""
        if self._waiting:
            self._ask(Command.HOLD)

    def acknowledge(self) -> None:
        """Confirm the last *vend valid*; the device sends no answer to this."""
        if self._last is not None and self._last.kind is Kind.VEND_VALID:
            self._send(Command.ACK)

    def close(self) -> None:
        """Inhibit, as far as the device still answers, and let go of the port."""
        if self._misses < MISSES_MAX:
            self._ask(Command.SET_INHIBIT, b"\x01")
        self._wire.close()

    def _send(self, command: int, data: bytes = b"") -> bool:
        try:
            self._wire.flush()
            self._wire.write(encode(command, data))
        except PortLost:
            return False
        return True

    def _ask(self, command: int, data: bytes = b"") -> Frame | None:
        frame = self._answer() if self._send(command, data) else None
        self._misses += 1 if frame is None else 0
        return frame

    def _answer(self) -> Frame | None:
        reader = Reader()
        until_s = self._clock.monotonic_s() + REPLY_MS_MAX / 1_000
        while (left_s := until_s - self._clock.monotonic_s()) > 0:
            try:
                data = self._wire.read(left_s)
            except PortLost:
                return None
            if not data:
                return None
            if frames := reader.feed(data):
                return frames[0]
        return None

    def _missed(self) -> Event | None:
        return Event(Kind.LOST) if self._misses >= MISSES_MAX else None

    def _tell(self, event: Event) -> Event | None:
        if event == self._last and event.kind is not Kind.VEND_VALID:
            return None
        self._last = event
        return event

    def _heard(self, frame: Frame) -> Event | None:
        """Return what a status means, and do what was waiting for such a moment."""
        self._waiting = frame.command in WAITING
        if frame.command not in KINDS and not self._waiting:
            self._misses += 1
            return self._missed()
        self._misses = 0
        event = self._event(frame)
        self._catch_up(frame.command)
        return event

    def _event(self, frame: Frame) -> Event | None:
        if frame.command == Status.ESCROW:
            return self._escrow(frame.data)
        if frame.command == Status.HOLDING:
            return self._held()
        kind = KINDS[frame.command]
        if kind is Kind.VEND_VALID:
            return self._vended()
        if kind in READY:
            self._vended_minor, self._unknown = 0, False
            return self._gone(Event(kind))
        if kind is Kind.ACCEPTING:
            return self._gone(Event(kind))
        if kind in NOTE_INSIDE or (kind is Kind.RETURNING and not self._unknown):
            self._note = self._note or 0
        return Event(kind, detail=_reason(frame.data) if kind is Kind.REJECTED else "")

    def _gone(self, event: Event) -> Event:
        """Return *returned* first when a note was inside that cannot be inside any more."""
        if self._note is None:
            return event
        minor, self._note = self._note, None
        self._told.append(event)
        return Event(Kind.RETURNED, minor, self._asset.code)

    def _vended(self) -> Event:
        if self._note is not None:
            self._vended_minor, self._note = self._note, None
        return Event(Kind.VEND_VALID, self._vended_minor, self._asset.code)

    def _escrow(self, data: bytes) -> Event | None:
        if not self._codes:
            self._read_table()
        minor = self._codes.get(data[0] if data else 0)
        if minor is None:
            self._unknown = True
            self._order(Command.RETURN)
            return Event(Kind.REJECTED, detail=f"escrow code {data[:4].hex() or 'missing'}")
        event = Event(Kind.ESCROW, minor, self._asset.code)
        if self._note is not None and self._note != minor and self._note:
            event = self._gone(event)
        self._note = minor
        return event

    def _held(self) -> Event | None:
        """A note on hold keeps its value; one that this driver never saw goes back."""
        if not self._note:
            self._note = 0
            self._order(Command.RETURN)
            return Event(Kind.RETURNING)
        return Event(Kind.ESCROW, self._note, self._asset.code)

    def _order(self, command: Command) -> None:
        if not self._waiting:
            return
        for _ in range(TRIES_MAX):
            frame = self._ask(command)
            if frame is not None and frame.command == Status.ACK:
                return
            if not self._still_waiting():
                return

    def _still_waiting(self) -> bool:
        for _ in range(TRIES_MAX):
            frame = self._ask(Command.STATUS)
            if frame is None:
                continue
            if frame.command == Status.ESCROW and self._note:
                return self._codes.get(frame.data[0] if frame.data else 0) == self._note
            return frame.command in WAITING
        return False

    def _catch_up(self, status: int) -> None:
        if self._reset_due:
            self._reset(status)
        elif status in QUIET:
            if self._table_due and not self._read_table():
                return
            if self._set_up_due:
                self._set_up_due = not all(self._set(*setting) for setting in SET_UP)
            if self._limits_due and not self._set_up_due:
                self._set_limits()

    def _reset(self, status: int) -> None:
        if status in TO_TELL or status == Status.INITIALISING:
            self._reset_due = False
            return
        if self._waiting and self._note is None:
            self._note = 0
        frame = self._ask(Command.RESET)
        self._reset_due = frame is None or frame.command != Status.ACK

    def _set(self, command: Command, data: bytes) -> bool:
        return self._ask(command, data) == Frame(command, data)

    def _set_limits(self) -> None:
        taken = [code for code, minor in self._codes.items() if minor in self._wanted]
        refused = ALL_CODES - sum(1 << (code - ESCROW_FIRST) for code in taken)
        done = self._set(Command.SET_DENOMINATIONS, bytes((refused, 0)))
        self._limits_due = not (done and self._set(Command.SET_INHIBIT, bytes((not taken,))))

    def _read_table(self) -> bool:
        frame = self._ask(Command.GET_TABLE)
        if frame is None or frame.command != Command.GET_TABLE:
            return False
        try:
            self._codes = read_table(frame.data, self._asset)
        except TableUnreadable as error:
            self._told.append(Event(Kind.FAILURE, detail=error.detail))
            return False
        self._table_due = False
        return True


def _reason(data: bytes) -> str:
    return REASONS.get(data[0], f"reason {data[0]:02X}") if data else ""
