"""Whether a lawful place exists for people whose gates all pass, and where: in order of date.

The order is the day on which the last gate of a family's last member passed, then the reference;
nothing about a person moves it, and no person is scored. A host is lawful for somebody or it is
not, by the numbered conditions of its agreement; nationality is read by the one condition that
makes a destination turn on it. Nobody later has a place at the cost of somebody earlier who could
lawfully have it, not even by using up the total while the day's ceiling keeps them waiting
(`lexicographic`). Each answer says why not, host by host. A place is an offer to a caseworker and
two officials; it moves nobody.
"""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, Literal

import msgspec

from tallystick.core.errors import TallystickError
from tallystick.hubs.lexicographic import Fit, Row, Unit, pack

PEOPLE_MAX: Final = 20_000
HOSTS_MAX: Final = 64
FAMILY_PEOPLE_MAX: Final = 40
AHEAD_DAYS_MAX: Final = 366
"""How far a first free day is looked for; beyond, no date is named."""
DAY: Final = dt.timedelta(days=1)


class PlacementRefused(TallystickError):
    """The question about places makes no sense as asked; nobody is placed."""

    code, money, say = 8721, "no money here; every case stays as it is", ""


class GatesStale(TallystickError):
    """Somebody's gates were not all passed today; nobody is placed before they are asked again."""

    code, money, say = 8722, "no money here; every case stays as it is", ""


class PlanBroken(TallystickError):
    """A plan failed its own audit, and is not given out; nobody is placed."""

    code, money, say = 8723, "no money here; every case stays as it is", ""


class Person(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Somebody whose gates all passed. Codes and days alone: no name, and nothing to weigh."""

    ref: str
    since: dt.date
    """The day from which every gate passed."""
    gates_passed_on: dt.date
    """The day on which the gates were last asked, and passed."""
    family: str = ""
    """The same text for those who stay together; empty for somebody alone."""
    languages: frozenset[str] = frozenset()
    care: frozenset[str] = frozenset()
    links: frozenset[str] = frozenset()
    """Hosts where family or other ties are."""
    nationality: str = ""
    protected: frozenset[str] = frozenset()
    """Grounds on which an agreement may exclude: what a host must not be asked to hold."""


Kind = Literal["language", "care", "excludes", "nationality", "link", "alone", "gates"]


class Condition(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A numbered condition of an agreement."""

    number: int
    kind: Kind
    say: str
    values: frozenset[str] = frozenset()
    against: dict[str, tuple[str, ...]] = {}
    """By reference, which gates do not pass: what is said in place of the condition's own words."""

    def allows(self, person: Person, host: str) -> bool:
        """Say whether a person may go to the host under this condition."""
        if self.kind == "language":
            return bool(person.languages & self.values)
        if self.kind == "care":
            return person.care <= self.values
        if self.kind == "excludes":
            return not person.protected & self.values
        if self.kind == "nationality":
            return person.nationality in self.values
        if self.kind == "gates":
            return person.ref in self.values
        return host in person.links if self.kind == "link" else not person.family


class Host(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A place under an agreement in force, with its ceilings by day and in total."""

    id: str
    name: str
    ceiling_day: int
    left_total: int
    booked: dict[dt.date, int] = {}
    """Arrivals already agreed, by day."""
    frees: dict[dt.date, int] = {}
    """Places of the total that become free on a day, as far as known."""
    conditions: tuple[Condition, ...] = ()
    suspended: str = ""
    """Why nobody may be sent there now; empty if the agreement stands."""

    def left_day(self, on: dt.date) -> int:
        """Return how many more may arrive on a day."""
        return max(self.ceiling_day - self.booked.get(on, 0), 0)

    def why_not(self, person: Person) -> tuple[str, ...]:
        """Return why this host is not lawful for a person; nothing if it is."""
        if self.suspended:
            return (f"suspended: {self.suspended}",)
        return tuple(
            line
            for condition in self.conditions
            if not condition.allows(person, self.id)
            for line in condition.against.get(person.ref)
            or (f"condition {condition.number}: {condition.say}",)
        )


class Outcome(StrEnum):
    """What the order of date gives somebody today."""

    PLACE = "place"
    WAITS = "waits"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class Answer:
    """What a person is told: a host and a day, or why there is none, host by host."""

    ref: str
    outcome: Outcome
    host: str
    not_before: dt.date | None
    with_link: bool
    reasons: dict[str, tuple[str, ...]]

    def said(self, names: dict[str, str]) -> str:
        """Return the answer in one line, such as ``not Kosovo: ceiling reached until 4 March``."""
        parts = [f"not {names[host]}: {'; '.join(why)}" for host, why in self.reasons.items()]
        if self.outcome is Outcome.PLACE:
            parts.insert(0, f"a lawful place in {names[self.host]}")
        elif self.outcome is Outcome.WAITS:
            parts.insert(0, "a place is kept" + _from_day(self.not_before))
        else:
            parts.insert(0, "no lawful place")
        return ". ".join(parts)


def _from_day(day: dt.date | None) -> str:
    return f", not before {said_day(day)}" if day else "; no day is known yet"


def _until(day: dt.date | None) -> str:
    return f" until {said_day(day)}" if day else ", and no day is known when it is not"


def said_day(day: dt.date) -> str:
    """Return ``4 March 2027``."""
    return f"{day.day} {day:%B %Y}"


@dataclass(frozen=True, slots=True)
class Family:
    """Those who stay together, in their order of date."""

    members: tuple[Person, ...]
    lawful: tuple[int, ...]

    @property
    def size(self) -> int:
        """Return how many they are."""
        return len(self.members)

    def tied(self, host: Host) -> bool:
        """Say whether any of them has ties there."""
        return any(host.id in person.links for person in self.members)

    @property
    def order(self) -> tuple[dt.date, str]:
        """Return when all of them had passed, then the first reference."""
        return max(p.since for p in self.members), min(p.ref for p in self.members)


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked: the families in order of date, the hosts, and the day."""

    families: tuple[Family, ...]
    hosts: tuple[Host, ...]
    on: dt.date


def place(people: Sequence[Person], hosts: Sequence[Host], on: dt.date) -> dict[str, Answer]:
    """Return an answer for each person by reference.

    Raise `PlacementRefused`, `GatesStale`, or `lexicographic.Undecided`; then nobody is placed.
    """
    _check(people, hosts, on)
    ordered = tuple(sorted(hosts, key=lambda host: host.id))
    asked = Question(tuple(_families(people, ordered)), ordered, on)
    fits = pack([_unit(family, ordered) for family in asked.families], _rows(asked))
    outlook = Outlook(asked, fits)
    outlook.audit()
    return {
        person.ref: outlook.answer(number, person)
        for number, family in enumerate(asked.families)
        for person in family.members
    }


def _check(people: Sequence[Person], hosts: Sequence[Host], on: dt.date) -> None:
    for what, many, most in (("people", len(people), PEOPLE_MAX), ("hosts", len(hosts), HOSTS_MAX)):
        if many > most:
            raise PlacementRefused(f"{many} {what}; at most {most} are placed at once")
    if len({person.ref for person in people}) != len(people):
        raise PlacementRefused("a reference is given twice")
    if len({host.id for host in hosts}) != len(hosts):
        raise PlacementRefused("a host is given twice")
    for host in hosts:
        if host.ceiling_day < 0 or host.left_total < 0:
            raise PlacementRefused(f"{host.id} has a ceiling below nothing")
    if stale := [person.ref for person in people if person.gates_passed_on != on]:
        raise GatesStale(f"the gates of {', '.join(stale[:5])} were not passed on {on}")


def _families(people: Sequence[Person], hosts: Sequence[Host]) -> list[Family]:
    together: dict[tuple[str, str], list[Person]] = defaultdict(list)
    for person in people:
        together[person.family, "" if person.family else person.ref].append(person)
    families = []
    for (name, _), members in together.items():
        if len(members) > FAMILY_PEOPLE_MAX:
            raise PlacementRefused(f"family {name} has {len(members)} members")
        lawful = tuple(
            h for h, host in enumerate(hosts) if not any(host.why_not(p) for p in members)
        )
        families.append(Family(tuple(sorted(members, key=lambda p: p.ref)), lawful))
    return sorted(families, key=lambda family: family.order)


def _rows(asked: Question) -> list[Row]:
    """Slot 2h is a place at host h today, slot 2h + 1 one of its total kept for a later day."""
    rows = []
    for h, host in enumerate(asked.hosts):
        rows.append(Row(frozenset({2 * h}), host.left_day(asked.on)))
        rows.append(Row(frozenset({2 * h, 2 * h + 1}), host.left_total))
    return rows


def _unit(family: Family, hosts: Sequence[Host]) -> Unit:
    """Return a place today, else one kept for later; then where ties are."""
    today = frozenset(2 * h for h in family.lawful)
    later = frozenset(2 * h + 1 for h in family.lawful if hosts[h].ceiling_day >= family.size)
    tied = {h for h in family.lawful if family.tied(hosts[h])}
    return Unit(family.size, (today, later), frozenset(s for s in today | later if s // 2 in tied))


class Outlook:
    """A plan with what is left after it, and the first days on which more is."""

    def __init__(self, asked: Question, fits: Sequence[Fit]) -> None:
        self.asked, self.fits = asked, fits
        self.today = [0] * len(asked.hosts)
        self.total = [0] * len(asked.hosts)
        self.ahead: dict[tuple[int, dt.date], int] = defaultdict(int)
        self.days: dict[int, dt.date | None] = {}
        for family, fit in zip(asked.families, fits, strict=True):
            if fit.slot is not None:
                self.total[fit.slot // 2] += family.size
                self.today[fit.slot // 2] += family.size if fit.level == 0 else 0
        for number, fit in enumerate(fits):
            if fit.level == 1 and fit.slot is not None:
                self.days[number] = self._queue(fit.slot // 2, asked.families[number].size)

    def _queue(self, h: int, size: int) -> dt.date | None:
        """Return the first day with room for one who waits, and take it."""
        if (day := self.first_day(h, size)) is not None:
            self.ahead[h, day] += size
        return day

    def first_day(self, h: int, size: int) -> dt.date | None:
        """Return the first later day whose ceiling has room, or None if none is near."""
        host = self.asked.hosts[h]
        if host.ceiling_day < size:
            return None
        for n in range(1, AHEAD_DAYS_MAX + 1):
            day = self.asked.on + n * DAY
            if host.left_day(day) - self.ahead[h, day] >= size:
                return day
        return None

    def freed(self, h: int, size: int) -> dt.date | None:
        """Return the day by which enough of a full total is known to become free."""
        host, free = self.asked.hosts[h], self.asked.hosts[h].left_total - self.total[h]
        for day in sorted(host.frees):
            if day > self.asked.on:
                free += host.frees[day]
                if free >= size:
                    return day
        return None

    def full(self, number: int, h: int) -> str:
        """Return why a lawful host has no room today for a family."""
        host, size = self.asked.hosts[h], self.asked.families[number].size
        if self.fits[number].slot == 2 * h + 1:
            return f"ceiling reached{_until(self.days[number])}"
        total, day = host.left_total - self.total[h], host.left_day(self.asked.on) - self.today[h]
        if size > host.ceiling_day:
            return f"{size} who stay together are more than its ceiling of {host.ceiling_day} a day"
        left = total if total < size else day
        until = self.freed(h, size) if total < size else self.first_day(h, size)
        which = "ceiling in total" if total < size else "ceiling"
        few = f"{left} left for {size} who stay together; " if left > 0 else ""
        return f"{few}{which} reached{_until(until)}"

    def answer(self, number: int, person: Person) -> Answer:
        """Return what somebody is told."""
        family, fit, hosts = self.asked.families[number], self.fits[number], self.asked.hosts
        reasons = {}
        for h, host in enumerate(hosts):
            if h not in family.lawful:
                why = {line for one in family.members for line in host.why_not(one)}
                reasons[host.id] = tuple(sorted(why, key=_by_number))
            elif fit.level != 0:
                reasons[host.id] = (self.full(number, h),)
        chosen = "" if fit.slot is None else hosts[fit.slot // 2].id
        return Answer(
            ref=person.ref,
            outcome=OUTCOMES[fit.level],
            host=chosen,
            not_before=self.asked.on if fit.level == 0 else self.days.get(number),
            with_link=bool(chosen) and family.tied(hosts[(fit.slot or 0) // 2]),
            reasons=reasons,
        )

    def audit(self) -> None:
        """Check what was promised, apart from how it was reached; raise `PlanBroken`."""
        for h, host in enumerate(self.asked.hosts):
            if self.today[h] > host.left_day(self.asked.on) or self.total[h] > host.left_total:
                raise PlanBroken(f"{host.id} would hold more than its ceiling")
        for family, fit in zip(self.asked.families, self.fits, strict=True):
            if fit.slot is not None and fit.slot // 2 not in family.lawful:
                raise PlanBroken(f"{family.order[1]} would go where the law forbids")
            for h in family.lawful if fit.level != 0 else ():
                if self._room(h, family, fit) >= family.size:
                    raise PlanBroken(f"{family.order[1]} was left out, and there is room")

    def _room(self, h: int, family: Family, fit: Fit) -> int:
        """Return how many places are free today, for one whose own may be kept there."""
        host = self.asked.hosts[h]
        kept = family.size if fit.slot == 2 * h + 1 else 0
        day = host.left_day(self.asked.on) - self.today[h]
        return min(day, host.left_total - self.total[h] + kept)


OUTCOMES: Final = {0: Outcome.PLACE, 1: Outcome.WAITS, None: Outcome.NONE}


def _by_number(line: str) -> tuple[int, str]:
    number = line.removeprefix("condition ").partition(":")[0]
    return (int(number), line) if number.isdigit() else (0, line)
