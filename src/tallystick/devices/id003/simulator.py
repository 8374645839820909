"""A simulated JCM validator: host bytes in, device bytes out, and hands that hold notes.

It is as strict as the real one: *vend valid* is repeated until it is acknowledged, a note past the
point of no return goes into the box whatever happens, and what it keeps through a power cut is only
its `Memory`. It owns no port and no thread: the process around it gives it bytes and time.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping
from typing import Any, Final

from tallystick.core.clock import Clock
from tallystick.core.money import USD, Asset
from tallystick.devices.errors import HandsRefused
from tallystick.devices.id003.codes import (
    ESCROW_FIRST,
    REASON_DENOMINATION,
    REASON_INHIBITED,
    REASONS,
    Command,
    Status,
)
from tallystick.devices.id003.faults import Faults
from tallystick.devices.id003.frames import Frame, Reader, encode
from tallystick.devices.id003.memory import BOX_NOTES_MAX, Memory, Place
from tallystick.devices.id003.table import US_NOTES, write_table

ACCEPT_BEATS: Final = 8
PULL_BEATS: Final = 2
"""From the order to stack to the point of no return."""
STACK_BEATS: Final = 6
STACKED_BEATS: Final = 1
RETURN_BEATS: Final = 6
REJECT_BEATS: Final = 5
START_BEATS: Final = 20
ESCROW_S: Final = 10.0
"""How long a note waits in escrow, or on hold, before it goes back by itself."""
FRAME_GAP_S: Final = 0.05
"""A frame that pauses this long is given up."""
TIMES_MAX: Final = 1_000
VERSION: Final = b"TALLYSTICK SIMULATED ID003 V1"

SETTINGS: Final[Mapping[int, int]] = {
    Command.SET_DENOMINATIONS: 2,
    Command.SET_SECURITY: 2,
    Command.SET_MODE: 1,
    Command.SET_INHIBIT: 1,
    Command.SET_DIRECTION: 1,
    Command.SET_OPTIONS: 2,
}
"""Settings with their number of bytes."""
SET_ABOVE_GET: Final = 0x40
"""Each setting is read by the command this much below."""
TROUBLES: Final = {
    "fill": Status.BOX_FULL,
    "open_box": Status.BOX_OPEN,
    "cheat": Status.CHEATED,
    "pause": Status.PAUSED,
    "fail": Status.FAILURE,
}
POWER_UPS: Final = {
    Place.NOWHERE: Status.POWER_UP,
    Place.ACCEPTOR: Status.POWER_UP_ACCEPTOR,
    Place.STACKER: Status.POWER_UP_STACKER,
    Place.TOLD: Status.POWER_UP_STACKER,
}
JAMS: Final = {"acceptor": Status.JAM_ACCEPTOR, "stacker": Status.JAM_STACKER}
READY: Final = {Status.IDLE, Status.INHIBITED, *TROUBLES.values()}
WAITING: Final = {Status.ESCROW, Status.HOLDING}


class SimulatedValidator:
    """One validator. ``beat_s`` is the length of a mechanical beat in seconds.

    With beats of no length it is as fast as the host polls, and each state is told at least once.
    Notes in ``hidden`` are known to it, but left out of the table that it sends.
    """

    def __init__(
        self,
        clock: Clock,
        memory: Memory | None = None,
        beat_s: float = 0.0,
        notes: Mapping[int, int] = US_NOTES,
        currency: Asset = USD,
        hidden: frozenset[int] = frozenset(),
    ) -> None:
        self._clock, self._beat_s = clock, beat_s
        self.memory = memory or Memory()
        self.faults = Faults(clock)
        self._codes = {minor: code for code, minor in notes.items()}
        told = {code: minor for code, minor in notes.items() if minor not in hidden}
        self._table = write_table(told, currency)
        self._reader = Reader()
        self._heard_at = 0.0
        self._troubles: list[Status] = []
        self._jam_at = self._stuck = ""
        self._bad_reason = 0
        self.slot_minor = 0
        self.by_hand: list[int] = []
        self.times: deque[dict[str, int]] = deque(maxlen=TIMES_MAX)
        self._power_on()

    # What is volatile, and time -----------------------------------------------------------------

    def _power_on(self) -> None:
        self._settings = {int(command): bytes(count) for command, count in SETTINGS.items()}
        self._settings[Command.SET_INHIBIT] = b"\x01"
        self._go(POWER_UPS[self.memory.place])

    def _go(self, status: Status) -> None:
        self.status, self._since, self._seen = status, self._clock.monotonic_s(), False
        if status is Status.STACKING:
            self._pulled = self.memory.place is Place.STACKER

    def _ready(self) -> None:
        trouble = self._troubles[-1:]
        inhibited = self._settings[Command.SET_INHIBIT] != b"\x00"
        self._go(trouble[0] if trouble else Status.INHIBITED if inhibited else Status.IDLE)

    def _over(self, beats: int) -> bool:
        told = self._seen or self._beat_s > 0
        return told and self._clock.monotonic_s() - self._since >= beats * self._beat_s

    def tick(self) -> None:
        """Let time do its part."""
        while self._moved():
            pass

    def _moved(self) -> bool:
        was, since = self.status, self._since
        step = _STEPS.get(self.status)
        if step is not None:
            step(self)
        return self.status is not was or self._since != since

    def _start_step(self) -> None:
        if not self._over(START_BEATS):
            return
        if self._stuck:
            self._go(JAMS[self._stuck])
        elif self.memory.place is Place.ACCEPTOR:
            self._go(Status.RETURNING)
        elif self.memory.place is Place.STACKER:
            self._go(Status.STACKING)
        elif self.memory.place is Place.TOLD:
            self._go(Status.VEND_VALID)
        else:
            self._ready()

    def _accept_step(self) -> None:
        if not self._over(ACCEPT_BEATS):
            return
        if self._jam_at == "acceptor":
            self._stick()
        elif self._reason():
            self._go(Status.REJECTING)
        else:
            self._go(Status.ESCROW)

    def _reason(self) -> int:
        """Return why the note in the acceptor is rejected, or 0."""
        code = self._codes.get(self.memory.minor)
        if self._bad_reason or code is None:
            return self._bad_reason or REASON_DENOMINATION
        refused = self._settings[Command.SET_DENOMINATIONS][0] >> (code - ESCROW_FIRST) & 1
        return REASON_INHIBITED if refused else 0

    def _stick(self) -> None:
        self._stuck, self._jam_at = self._jam_at, ""
        self._go(JAMS[self._stuck])

    def _escrow_step(self) -> None:
        if self._clock.monotonic_s() - self._since >= ESCROW_S:
            self._go(Status.RETURNING)

    def _stack_step(self) -> None:
        waited_s = self._clock.monotonic_s() - self._since
        if not self._pulled and waited_s >= PULL_BEATS * self._beat_s:
            self.memory.put(Place.STACKER, self.memory.minor)
            self._pulled = True
        if self._pulled and self._over(STACK_BEATS):
            if self._jam_at == "stacker":
                self._stick()
            else:
                self.memory.put(Place.TOLD, self.memory.minor)
                self._go(Status.VEND_VALID)

    def _stacked_step(self) -> None:
        if self._over(STACKED_BEATS):
            self._ready()

    def _return_step(self) -> None:
        if self._over(REJECT_BEATS if self.status is Status.REJECTING else RETURN_BEATS):
            self.slot_minor, self._bad_reason = self.memory.minor, 0
            self.memory.put(Place.NOWHERE, 0)
            self._ready()

    # The host -----------------------------------------------------------------------------------

    def hear(self, data: bytes) -> bytes:
        """Take bytes from the host, and return the bytes of the answers."""
        now = self._clock.monotonic_s()
        if now - self._heard_at > FRAME_GAP_S:
            self._reader.clear()
        self._heard_at = now
        replies = b""
        for frame in self._reader.feed(data):
            if self.faults.hears():
                self.tick()
                replies += self._answer(frame)
        return replies

    def _answer(self, frame: Frame) -> bytes:
        if frame.command == Command.ACK:
            self._acknowledged()
            return b""
        if frame.command == Command.STATUS:
            reply = encode(self.status, self._detail())
            if not self._seen:
                self._mark_told()
            self._seen = True
        else:
            reply = encode(*self._obey(frame))
        return self.faults.spoil(reply)

    def _detail(self) -> bytes:
        if self.status is Status.ESCROW:
            return bytes((self._codes[self.memory.minor],))
        return bytes((self._reason(),)) if self.status is Status.REJECTING else b""

    def _acknowledged(self) -> None:
        if self.status is Status.VEND_VALID:
            self.memory.put(Place.NOWHERE, 0)
            self._mark("ack_ns")
            self._go(Status.STACKED)

    def _obey(self, frame: Frame) -> tuple[int, bytes]:
        command, asleep = frame.command, self.status in POWER_UPS.values()
        if command == Command.RESET:
            self._reset()
            return Status.ACK, b""
        if command in _QUESTIONS:
            return command, _QUESTIONS[command](self)
        if command + SET_ABOVE_GET in SETTINGS:
            return command, self._settings[command + SET_ABOVE_GET]
        if asleep:
            return Status.INVALID_COMMAND, b""
        if SETTINGS.get(command) == len(frame.data):
            return self._set(command, frame.data)
        return (Status.ACK if self._order(command) else Status.INVALID_COMMAND), b""

    def _set(self, command: int, data: bytes) -> tuple[int, bytes]:
        self._settings[command] = data
        if self.status in READY:
            self._ready()
        return command, data

    def _order(self, command: int) -> bool:
        if self.status not in WAITING:
            return False
        if command == Command.HOLD:
            self._go(Status.HOLDING)
        elif command == Command.RETURN:
            self._go(Status.RETURNING)
        elif command in (Command.STACK_1, Command.STACK_2):
            self._mark("stack_ns")
            whole = not self._troubles and len(self.memory.box) < BOX_NOTES_MAX
            self._go(Status.STACKING if whole else Status.RETURNING)
        else:
            return False
        return True

    def _reset(self) -> None:
        self._settings[Command.SET_INHIBIT] = b"\x01"
        self._go(Status.INITIALISING)

    # When things were told ----------------------------------------------------------------------

    def _mark_told(self) -> None:
        if self.status is Status.ESCROW:
            self.times.append({"minor": self.memory.minor})
            self._mark("escrow_ns")
        elif self.status is Status.VEND_VALID:
            self._mark("vend_ns")

    def _mark(self, name: str) -> None:
        if self.times:
            self.times[-1].setdefault(name, int(self._clock.monotonic_s() * 1e9))

    # Hands --------------------------------------------------------------------------------------

    def insert(self, minor: int) -> str:
        """Push in a note: ``taken``, ``inhibited`` or ``busy``; what lay in the slot is taken."""
        self.tick()
        if self.status is not Status.IDLE:
            return "inhibited" if self.status is Status.INHIBITED else "busy"
        self.slot_minor = 0
        self.memory.put(Place.ACCEPTOR, minor)
        self._go(Status.ACCEPTING)
        return "taken"

    def insert_bad(self, minor: int = 100, reason: int = 0x77) -> str:
        """Push in a torn note, which is rejected for this reason (71 to 7E)."""
        if reason not in REASONS:
            raise HandsRefused(f"no reason {reason!r}")
        taken = self.insert(minor)
        self._bad_reason = reason if taken == "taken" else 0
        return taken

    def take(self) -> int:
        """Take the note that lies in the slot; return its value, or 0."""
        self.tick()
        minor, self.slot_minor = self.slot_minor, 0
        return minor

    def jam(self, at: str = "acceptor") -> None:
        """Make the note under way stick, or the next one: in the ``acceptor`` or ``stacker``."""
        if at not in JAMS:
            raise HandsRefused(f"no jam at {at!r}")
        self.tick()
        self._jam_at = at
        if self.memory.place is Place.ACCEPTOR and at == "acceptor":
            self._stick()

    def clear(self, out: bool = False) -> None:
        """Clear jams and troubles, except an open box.

        A note stuck in the acceptor comes out by hand. One in the stacker is pushed on into the
        box, or with ``out`` comes out by hand too.
        """
        stuck, self._jam_at, self._stuck = self._stuck, "", ""
        self._troubles = [held for held in self._troubles if held is Status.BOX_OPEN]
        if stuck == "acceptor" or (stuck and out):
            self._pull_out()
        if self.status in JAMS.values():
            self._go(Status.INITIALISING)
        elif self.status in READY:
            self._ready()

    def _pull_out(self) -> None:
        self.by_hand.append(self.memory.minor)
        self.memory.put(Place.NOWHERE, 0)

    def trouble(self, name: str) -> None:
        """Begin one of `TROUBLES`; a cheat pulls out the note that is being stacked."""
        self.tick()
        if name == "cheat" and self.status is Status.STACKING:
            self._pull_out()
            self._troubles.append(Status.CHEATED)
            self._go(Status.CHEATED)
            return
        if TROUBLES[name] not in self._troubles:
            self._troubles.append(TROUBLES[name])
        if self.status in READY:
            self._ready()

    def close_box(self) -> None:
        """Put the cash box back."""
        self._troubles = [held for held in self._troubles if held is not Status.BOX_OPEN]
        if self.status in READY:
            self._ready()

    def empty(self) -> list[int]:
        """Take the notes out of the cash box, and return them in their order."""
        self._troubles = [held for held in self._troubles if held is not Status.BOX_FULL]
        if self.status in READY:
            self._ready()
        return self.memory.empty()

    def power_cycle(self) -> None:
        """Cut the power and give it back; a jam is still a jam after the next reset."""
        self.tick()
        self._power_on()

    def state(self) -> dict[str, Any]:
        """Return how everything is."""
        self.tick()
        inside = self.memory.place in (Place.ACCEPTOR, Place.STACKER)
        return {
            "state": self.status.name.lower(),
            "box": list(self.memory.box),
            "escrow_minor": self.memory.minor if self.status in WAITING else 0,
            "inside_minor": self.memory.minor if inside else 0,
            "place": str(self.memory.place),
            "vend_unacked": self.memory.place is Place.TOLD,
            "slot_minor": self.slot_minor,
            "by_hand": list(self.by_hand),
            "inhibited": self._settings[Command.SET_INHIBIT] != b"\x00",
            "jammed": self.status in JAMS.values(),
            "box_open": Status.BOX_OPEN in self._troubles,
        }


Step = Callable[[SimulatedValidator], None]
_STEPS: Final[Mapping[Status, Step]] = {
    Status.INITIALISING: SimulatedValidator._start_step,
    Status.ACCEPTING: SimulatedValidator._accept_step,
    Status.ESCROW: SimulatedValidator._escrow_step,
    Status.HOLDING: SimulatedValidator._escrow_step,
    Status.STACKING: SimulatedValidator._stack_step,
    Status.STACKED: SimulatedValidator._stacked_step,
    Status.REJECTING: SimulatedValidator._return_step,
    Status.RETURNING: SimulatedValidator._return_step,
}
_QUESTIONS: Final[Mapping[int, Callable[[SimulatedValidator], bytes]]] = {
    Command.GET_VERSION: lambda device: VERSION,
    Command.GET_BOOT: lambda device: VERSION,
    Command.GET_TABLE: lambda device: device._table,
}
