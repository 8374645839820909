"""What the operator's own side shows of a scam, before the customer is asked anything.

`detect` is pure: a `Scene` of whole numbers in, typed signals out, each with its figures and a
sentence for the console. There is no field for anybody's age, and what tells a coached customer
from an old, blind or slow one only by pace is off in the modes made for them.
"""

from __future__ import annotations

import enum
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any, ClassVar, Final, get_args

from tallystick.core.money import Amount, asset

MODES: Final = ("screen", "speech", "large-text", "extra-time")
UNHURRIED: Final = frozenset({"speech", "large-text", "extra-time"})
"""Modes in which pace says nothing: every signal of pace is off (requirement 20)."""
PERCENT: Final = 100
NOTES_MAX: Final = 1_000
"""Times of notes and pauses looked at; later ones are not needed to see a pattern."""


@dataclass(frozen=True, slots=True)
class Scene:
    """What is known of a purchase. Sums in minor units of ``currency``, times in whole seconds.

    Sums and counts run over all machines of the operator. A person not identified has no history,
    which is the stricter reading.
    """

    currency: str
    cash_minor: int
    """This purchase so far, with the note in escrow."""
    minute_of_day: int
    """Minutes since midnight on the kiosk's own wall."""
    mode: str = "screen"
    purchases_before: int = 0
    usual_minor: int = 0
    """The median of the person's earlier purchases."""
    today_minor: int = 0
    """Paid in earlier today, by this person or to this address, whichever is more."""
    limit_minor: int = 0
    """The limit that law or policy sets for the day; 0 where there is none."""
    near_limit_before: Sequence[int] = ()
    """The person's recent purchases, each in percent of the limit that held then."""
    note_times_s: Sequence[int] = ()
    pauses_s: Sequence[int] = ()
    """How long each screen so far stood without a touch."""
    address_others: int = 0
    """Other persons who paid to this address."""
    phone_others: int = 0
    """Other persons who gave this telephone number."""
    address_new: bool = True
    """Never paid to before, or first paid so lately that it has no history yet."""
    new_address_minor: int = 0
    """Paid earlier to this address, or by this person to any new one, whichever is more."""
    address_list: str = ""
    """The list that names the address: own, shared, ofac; empty for none."""
    address_stopped: bool = False
    """Somebody stopped a flagged purchase to this address, and the entry has not ended."""
    refused_s: int | None = None
    """Seconds since this person or address was last refused or held; None: never."""
    address_machines: int = 1
    """Machines that paid to this address lately, this one among them."""
    third_person: bool = False
    """The host, a clerk or the camera's count saw somebody beside the customer."""


@dataclass(frozen=True, slots=True)
class Thresholds:
    """Where a figure becomes a signal. Policy, as data; seconds, minutes and percent."""

    above_usual_percent: int
    above_usual_minor: int
    fed_fast_notes: int
    fed_fast_s: int
    near_limit_percent: int
    near_limit_count: int
    address_others: int
    phone_others: int
    address_machines: int
    repeat_s: int
    odd_from_minute: int
    odd_until_minute: int
    pause_s: int
    pause_screens: int


class Kind(enum.StrEnum):
    """The names of the signals, as policies and records write them."""

    FIRST_USE = "first-use"
    ABOVE_HISTORY = "above-history"
    FED_FAST = "fed-fast"
    NEAR_LIMIT = "near-limit"
    ADDRESS_SHARED = "address-shared"
    PHONE_SHARED = "phone-shared"
    ADDRESS_NEW = "address-new"
    ADDRESS_LISTED = "address-listed"
    ADDRESS_STOPPED = "address-stopped"
    REPEAT = "repeat-after-refusal"
    MANY_MACHINES = "many-machines"
    ODD_HOURS = "odd-hours"
    THIRD_PERSON = "third-person"
    LONG_PAUSES = "long-pauses"


PACE: Final = frozenset({Kind.FED_FAST, Kind.LONG_PAUSES})
"""Signals of pace: off in unhurried modes, and never more than a warning by themselves."""


@dataclass(frozen=True, slots=True)
class FirstUse:
    """The person has never bought here."""

    kind: ClassVar[Kind] = Kind.FIRST_USE

    def explain(self) -> str:
        """Say it for the console."""
        return "This person has not bought from us before."


@dataclass(frozen=True, slots=True)
class AboveHistory:
    """Far more than this person's usual purchase."""

    kind: ClassVar[Kind] = Kind.ABOVE_HISTORY
    today_minor: int
    usual_minor: int
    currency: str

    def explain(self) -> str:
        """Say it for the console."""
        now, usual = _sum(self.today_minor, self.currency), _sum(self.usual_minor, self.currency)
        return f"{now} today; this person's usual purchase is {usual}."


@dataclass(frozen=True, slots=True)
class FedFast:
    """Notes follow one another without a look at the screen."""

    kind: ClassVar[Kind] = Kind.FED_FAST
    notes: int
    seconds: int

    def explain(self) -> str:
        """Say it for the console."""
        return f"{self.notes} notes within {self.seconds} seconds."


@dataclass(frozen=True, slots=True)
class NearLimit:
    """Several purchases just below a limit."""

    kind: ClassVar[Kind] = Kind.NEAR_LIMIT
    purchases: int
    percent: int

    def explain(self) -> str:
        """Say it for the console."""
        return f"{self.purchases} purchases at {self.percent} % of the limit or more."


@dataclass(frozen=True, slots=True)
class AddressShared:
    """The address was paid by other customers."""

    kind: ClassVar[Kind] = Kind.ADDRESS_SHARED
    others: int

    def explain(self) -> str:
        """Say it for the console."""
        return f"{self.others} other customers have paid to this address."


@dataclass(frozen=True, slots=True)
class PhoneShared:
    """The telephone number belongs to other customers too."""

    kind: ClassVar[Kind] = Kind.PHONE_SHARED
    others: int

    def explain(self) -> str:
        """Say it for the console."""
        return f"{self.others} other customers gave this telephone number."


@dataclass(frozen=True, slots=True)
class AddressNew:
    """The address has no history; the sum counts all that went to new addresses lately."""

    kind: ClassVar[Kind] = Kind.ADDRESS_NEW
    sum_minor: int
    currency: str

    def explain(self) -> str:
        """Say it for the console."""
        total = _sum(self.sum_minor, self.currency)
        return f"The address has no history with us; {total} is on its way to such an address."


@dataclass(frozen=True, slots=True)
class AddressListed:
    """The address is on a list of blocked destinations."""

    kind: ClassVar[Kind] = Kind.ADDRESS_LISTED
    source: str

    def explain(self) -> str:
        """Say it for the console."""
        return f"The address is on the list of blocked destinations ({self.source})."


@dataclass(frozen=True, slots=True)
class AddressStopped:
    """Another customer stopped a flagged purchase to this address."""

    kind: ClassVar[Kind] = Kind.ADDRESS_STOPPED

    def explain(self) -> str:
        """Say it for the console."""
        return "Somebody stopped a flagged purchase to this address; nobody has confirmed it yet."


@dataclass(frozen=True, slots=True)
class Repeat:
    """Here again after a refusal or a hold."""

    kind: ClassVar[Kind] = Kind.REPEAT
    minutes: int

    def explain(self) -> str:
        """Say it for the console."""
        return f"This person or address was stopped {self.minutes} minutes ago."


@dataclass(frozen=True, slots=True)
class ManyMachines:
    """One address is fed from many machines."""

    kind: ClassVar[Kind] = Kind.MANY_MACHINES
    machines: int

    def explain(self) -> str:
        """Say it for the console."""
        return f"{self.machines} machines have paid to this address lately."


@dataclass(frozen=True, slots=True)
class OddHours:
    """At an hour when few people buy."""

    kind: ClassVar[Kind] = Kind.ODD_HOURS
    minute_of_day: int

    def explain(self) -> str:
        """Say it for the console."""
        hour, minute = divmod(self.minute_of_day, 60)
        return f"It is {hour:02d}:{minute:02d} at the kiosk."


@dataclass(frozen=True, slots=True)
class ThirdPerson:
    """Somebody stands beside the customer."""

    kind: ClassVar[Kind] = Kind.THIRD_PERSON

    def explain(self) -> str:
        """Say it for the console."""
        return "Somebody else stands with the customer."


@dataclass(frozen=True, slots=True)
class LongPauses:
    """Each screen waits as for instructions."""

    kind: ClassVar[Kind] = Kind.LONG_PAUSES
    screens: int
    seconds: int

    def explain(self) -> str:
        """Say it for the console."""
        return f"{self.screens} screens stood still for {self.seconds} seconds or more."


Signal = (
    FirstUse
    | AboveHistory
    | FedFast
    | NearLimit
    | AddressShared
    | PhoneShared
    | AddressNew
    | AddressListed
    | AddressStopped
    | Repeat
    | ManyMachines
    | OddHours
    | ThirdPerson
    | LongPauses
)


CLASSES: Final[dict[str, type[Any]]] = {kind.kind.value: kind for kind in get_args(Signal)}


def _sum(minor: int, currency: str) -> str:
    return str(Amount(minor, asset(currency)))


def figures(signal: Signal) -> dict[str, Any]:
    """Return a signal as a record keeps it: its kind and its figures."""
    return {"kind": signal.kind.value, **asdict(signal)}


def read(kept: dict[str, Any]) -> Signal:
    """Return a signal as `figures` kept it."""
    figures_of = {name: value for name, value in kept.items() if name != "kind"}
    signal: Signal = CLASSES[kept["kind"]](**figures_of)
    return signal


def told(kept: dict[str, Any]) -> str:
    """Return a kept signal as its sentence for the console."""
    return read(kept).explain()


def detect(scene: Scene, at: Thresholds) -> tuple[Signal, ...]:
    """Return every signal of a scene, in the order of `Kind`."""
    found = (look(scene, at) for look in LOOKS)
    return tuple(s for s in found if s and not (s.kind in PACE and scene.mode in UNHURRIED))


def _first_use(scene: Scene, at: Thresholds) -> Signal | None:
    return None if scene.purchases_before else FirstUse()


def _above_history(scene: Scene, at: Thresholds) -> Signal | None:
    today = scene.cash_minor + scene.today_minor
    if not scene.purchases_before or today < at.above_usual_minor:
        return None
    if today * PERCENT < scene.usual_minor * at.above_usual_percent:
        return None
    return AboveHistory(today, scene.usual_minor, scene.currency)


def _fed_fast(scene: Scene, at: Thresholds) -> Signal | None:
    times, count = scene.note_times_s[:NOTES_MAX], at.fed_fast_notes
    spans = (last - first for first, last in zip(times, times[count - 1 :], strict=False))
    quickest = min(spans, default=None)
    if quickest is None or quickest > at.fed_fast_s:
        return None
    return FedFast(count, quickest)


def _near_limit(scene: Scene, at: Thresholds) -> Signal | None:
    shares = list(scene.near_limit_before)
    if scene.limit_minor:
        shares.append((scene.cash_minor + scene.today_minor) * PERCENT // scene.limit_minor)
    near = sum(share >= at.near_limit_percent for share in shares)
    return NearLimit(near, at.near_limit_percent) if near >= at.near_limit_count else None


def _address_shared(scene: Scene, at: Thresholds) -> Signal | None:
    many = scene.address_others >= at.address_others
    return AddressShared(scene.address_others) if many else None


def _phone_shared(scene: Scene, at: Thresholds) -> Signal | None:
    return PhoneShared(scene.phone_others) if scene.phone_others >= at.phone_others else None


def _address_new(scene: Scene, at: Thresholds) -> Signal | None:
    if not scene.address_new:
        return None
    return AddressNew(scene.cash_minor + scene.new_address_minor, scene.currency)


def _address_listed(scene: Scene, at: Thresholds) -> Signal | None:
    return AddressListed(scene.address_list) if scene.address_list else None


def _address_stopped(scene: Scene, at: Thresholds) -> Signal | None:
    return AddressStopped() if scene.address_stopped else None


def _repeat(scene: Scene, at: Thresholds) -> Signal | None:
    if scene.refused_s is None or scene.refused_s > at.repeat_s:
        return None
    return Repeat(scene.refused_s // 60)


def _many_machines(scene: Scene, at: Thresholds) -> Signal | None:
    many = scene.address_machines >= at.address_machines
    return ManyMachines(scene.address_machines) if many else None


def _odd_hours(scene: Scene, at: Thresholds) -> Signal | None:
    start, end, now = at.odd_from_minute, at.odd_until_minute, scene.minute_of_day
    inside = start <= now < end if start <= end else now >= start or now < end
    return OddHours(now) if inside else None


def _third_person(scene: Scene, at: Thresholds) -> Signal | None:
    return ThirdPerson() if scene.third_person else None


def _long_pauses(scene: Scene, at: Thresholds) -> Signal | None:
    long = [pause for pause in scene.pauses_s[:NOTES_MAX] if pause >= at.pause_s]
    return LongPauses(len(long), min(long)) if len(long) >= at.pause_screens else None


LOOKS: Final[tuple[Callable[[Scene, Thresholds], Signal | None], ...]] = (
    _first_use,
    _above_history,
    _fed_fast,
    _near_limit,
    _address_shared,
    _phone_shared,
    _address_new,
    _address_listed,
    _address_stopped,
    _repeat,
    _many_machines,
    _odd_hours,
    _third_person,
    _long_pauses,
)
