"""Who waits for a place, and which hosts there are, read from the cases and the agreements.

Whether a host is lawful for somebody is asked of the gates, once for each agreement of the sender;
only the ceilings are left to `placement`, whose question they are. The order is the day on which a
case became eligible. All who wait are asked about, or nobody is: a list cut short would pass over
somebody earlier. Language, care, family and ties are the case's own facts (`needs`).
"""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

import sqlalchemy as sa

from tallystick.core.store import Tx
from tallystick.hubs import agreements, asking, needs, queries, record
from tallystick.hubs.agreements import PLACE, TAKING, Agreement, Book
from tallystick.hubs.desk import Desk
from tallystick.hubs.gates import Fact, GateAnswer
from tallystick.hubs.law import Answer, Stage
from tallystick.hubs.model import State
from tallystick.hubs.needs import Needs
from tallystick.hubs.placement import (
    PEOPLE_MAX,
    Condition,
    Host,
    Person,
    PlacementRefused,
    said_day,
)
from tallystick.hubs.record import Case
from tallystick.hubs.tables import CASES

IN_FORCE: Final = "in-force"
EVERY_GATE: Final = "every gate passes for this host"


ANOTHER_SENDER: Final = "its agreement is with another sending state"
WHY_MAX: Final = 3
"""Gates named against one host; the others are counted."""


def waiting(tx: Tx, desk: Desk, most: int = PEOPLE_MAX) -> tuple[list[Person], list[Host]]:
    """Return the people who wait for a place today and the hosts in force, ready to be asked.

    Raise `PlacementRefused` when more than ``most`` wait.
    """
    if (many := queries.counts(tx)[State.ELIGIBLE.value]) > most:
        raise PlacementRefused(f"{many} people wait; at most {most} are asked about at once")
    today, books = desk.today(), dict[str, Book]()
    cases = [one for one in queries.in_order(tx, State.ELIGIBLE) if not record.erased(desk, one)]
    asked = [_asked(tx, desk, case) for case in cases]
    families = _families(asked)
    hosts, tied = [], dict[str, set[str]]()
    for one in agreements.listed(tx):
        ceilings = _ceilings(tx, one)
        if ceilings is None or agreements.status(tx, one) != IN_FORCE:
            continue
        tied.setdefault(one.country, set()).add(one.id)
        hosts.append(
            Host(
                id=one.id,
                name=one.name,
                ceiling_day=ceilings[0],
                left_total=max(ceilings[1] - agreements.places_taken(tx, one), 0),
                booked=_booked(tx, one),
                conditions=tuple(_conditions(tx, desk, asked, families, one, books)),
            )
        )
    return [_person(one, families, tied, today) for one in asked], hosts


@dataclass(frozen=True, slots=True)
class Asked:
    """A case that waits, with what is on record of it."""

    case: Case
    facts: Mapping[str, Fact]
    needs: Needs

    @property
    def ref(self) -> str:
        """Return the case's reference."""
        return self.case.reference


def _asked(tx: Tx, desk: Desk, case: Case) -> Asked:
    known = record.facts(tx, desk, case)
    return Asked(case, known, needs.of(known, desk.today()))


def _families(asked: Sequence[Asked]) -> dict[str, frozenset[str]]:
    """Return with whom each stays together, themselves too, as either of two has it on record."""
    found: dict[str, frozenset[str]] = {}
    for one in asked:
        group = frozenset({one.ref, *(one.needs.family or ())})
        group = group.union(*(found[ref] for ref in group if ref in found))
        found |= dict.fromkeys(group, group)
    return {one.ref: found[one.ref] for one in asked}


def _person(
    one: Asked,
    families: Mapping[str, frozenset[str]],
    tied: Mapping[str, set[str]],
    today: dt.date,
) -> Person:
    family, links = families[one.ref], one.needs.links or frozenset()
    return Person(
        ref=one.ref,
        since=one.case.moved_at.date(),
        gates_passed_on=today,
        family=min(family) if len(family) > 1 else "",
        links=frozenset(host for country in links for host in tied.get(country, ())),
    )


def _conditions(
    tx: Tx,
    desk: Desk,
    asked: Sequence[Asked],
    families: Mapping[str, frozenset[str]],
    host: Agreement,
    books: dict[str, Book],
) -> Iterator[Condition]:
    """Give a host's conditions by number: its gates, then language, care and family."""
    against = {one.ref: _against(tx, desk, one, host, books) for one in asked}
    yield _condition(1, EVERY_GATE, against)
    held = asking.book_of(tx, host.id, desk.today(), books)
    unmet = {one.ref: needs.unmet(one.needs, held) for one in asked}
    for ref, family in families.items():
        if missing := sorted(family - families.keys()):
            said = f"stays together with {', '.join(missing)}, who waits for no place"
            unmet[ref].setdefault(needs.TOGETHER, said)
    for number, say in needs.SAY.items():
        lines = {
            ref: (needs.numbered(number, words[number]),) if number in words else ()
            for ref, words in unmet.items()
        }
        yield _condition(number, say, lines)


def _condition(number: int, say: str, against: Mapping[str, tuple[str, ...]]) -> Condition:
    lawful = frozenset(ref for ref, why in against.items() if not why)
    return Condition(number, "gates", say, lawful, dict(against))


def elsewhere(tx: Tx, sender: str) -> list[tuple[Agreement, str]]:
    """Return the sender's agreements under which nobody may be sent now, and why not.

    The second is the status, or ``no-ceiling`` for one in force that names no ceiling.
    """
    found = [(one, agreements.status(tx, one)) for one in agreements.listed(tx, sender)]
    return [
        (one, status if status != IN_FORCE else "no-ceiling")
        for one, status in found
        if status != IN_FORCE or _ceilings(tx, one) is None
    ]


def _ceilings(tx: Tx, one: Agreement) -> tuple[int, int] | None:
    found = agreements.terms(tx, one)
    day, total = (found.get(f"term.ceiling_{name}") for name in ("day", "total"))
    return (int(str(day.value)), int(str(total.value))) if day and total else None


def _against(
    tx: Tx, desk: Desk, asked: Asked, one: Agreement, books: dict[str, Book]
) -> tuple[str, ...]:
    """Return which gates do not pass for a host, in words; nothing when it is lawful."""
    if one.sender != asked.case.sender:
        return (ANOTHER_SENDER,)
    there = replace(asked.case, host=one.id)
    answers = asking.ask(tx, desk, there, Stage.ELIGIBILITY, asked.facts, books=books)
    if not answers:
        return ("no gate was asked",)
    found = [_said(answer) for answer in answers if not _passes(answer)]
    more = len(found) - WHY_MAX
    return tuple(found) if more <= 0 else (*found[:WHY_MAX], f"and {more} more")


def _said(answer: GateAnswer) -> str:
    if answer.missing:
        what = f"{answer.gate.name}: not on record"
    else:
        what = answer.why[0].rstrip(".") if answer.why else answer.gate.name
    until = f" until {said_day(answer.until)}" if answer.until else ""
    return f"{what}{until} ({answer.gate.id})"


def _passes(answer: GateAnswer) -> bool:
    """Say whether a gate passes, or only its ceiling does not."""
    rest: Sequence[Answer] = [r.answer for r in answer.reasons if r.test.fact != PLACE]
    about_place = any(reason.test.fact == PLACE for reason in answer.reasons)
    if about_place and not answer.doubt:
        return all(one is Answer.PASS for one in rest)
    return answer.answer is Answer.PASS


def _booked(tx: Tx, one: Agreement) -> dict[dt.date, int]:
    """Return for how many a day is planned."""
    states = CASES.c.state.in_([state.value for state in TAKING])
    query = sa.select(CASES.c.planned_on).where(CASES.c.host == one.id, states)
    days = tx.execute(query.where(CASES.c.planned_on.is_not(None))).scalars()
    return dict(Counter(dt.date.fromisoformat(day) for day in days))
