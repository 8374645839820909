"""What a place must have for one person: a language, care, the family; from the case's own facts.

Facts of the case as any others: sealed under the person's key, each with its evidence, recorded by
form or command. What nobody recorded is unknown, and no place is lawful then. The same lines are
said where places are looked for, and stop a case that has a place; nothing here ranks anybody.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Final

from tallystick.core.store import Tx
from tallystick.hubs import record
from tallystick.hubs.agreements import TAKING, Book
from tallystick.hubs.errors import CaseUnknown
from tallystick.hubs.gates import Fact
from tallystick.hubs.law import codes_of, known_facts
from tallystick.hubs.model import ABROAD, State
from tallystick.hubs.record import Case

LANGUAGES: Final = "place.languages"
CARE: Final = "place.care"
FAMILY: Final = "place.family"
LINKS: Final = "place.links"
ALL: Final = (LANGUAGES, CARE, FAMILY, LINKS)
LANGUAGE, NEED, TOGETHER = 2, 3, 4
"""The numbers of the conditions; the first is that every gate passes."""
SAY: Final = {
    LANGUAGE: "an interpreter there of a language that the person understands",
    NEED: "the care that the person needs is given there",
    TOGETHER: "those who stay together go together",
}
STILL: Final = frozenset({State.ELIGIBLE, State.PLACED})
"""While a case is no further than this, those who stay together with it may still wait."""

Codes = frozenset[str] | None
"""Codes on record; nothing where nobody recorded any that counts."""


@dataclass(frozen=True, slots=True)
class Needs:
    """What is on record of one person."""

    languages: Codes
    care: Codes
    family: Codes
    """References of the cases of those who stay together with the person."""
    links: Codes
    """Countries, by ISO 3166-1, in which family or other ties are."""


def of(known: Mapping[str, Fact], today: dt.date) -> Needs:
    """Return what the facts of a case say of the person's needs today."""

    def codes(name: str) -> Codes:
        fact = known.get(name)
        if fact is None or not fact.counts(known_facts()[name], today, today):
            return None
        return codes_of(str(fact.value))

    return Needs(codes(LANGUAGES), codes(CARE), codes(FAMILY), codes(LINKS))


def given(book: Book, term: str) -> Codes:
    """Return the codes that a term of an agreement claims."""
    found = book.newest.get(term)
    return codes_of(str(found.value)) if found else None


def unmet(needs: Needs, book: Book) -> dict[int, str]:
    """Return which conditions of a host one person does not meet, by number, each in words.

    Where an agreement names no languages, its gates alone answer for interpreters.
    """
    found = {}
    spoken, cared = given(book, "term.languages"), given(book, "term.care") or frozenset()
    if needs.languages is None:
        found[LANGUAGE] = "which languages the person understands is not on record"
    elif spoken is not None and not needs.languages & spoken:
        found[LANGUAGE] = "no interpreter there of a language that the person understands"
    if needs.care is None:
        found[NEED] = "which care the person needs is not on record"
    elif lacking := sorted(needs.care - cared):
        found[NEED] = f"no {', '.join(lacking)} there, which the person needs"
    if needs.family is None:
        found[TOGETHER] = "with whom the person stays together is not on record"
    return found


def numbered(number: int, words: str) -> str:
    """Return a condition that is not met, as it is said."""
    return f"condition {number}: {words}"


def against(
    tx: Tx,
    case: Case,
    known: Mapping[str, Fact],
    book: Book,
    today: dt.date,
    also: Collection[str] = (),
) -> tuple[str, ...]:
    """Return what stands against the place that a case has, beside the gates; nothing if lawful.

    Those who stay together have a place at the same host for the same day, or are there already;
    until the notice they may still wait for it. ``also`` are those whose records name this case.
    """
    needs = of(known, today)
    family = sorted({*(needs.family or ()), *also})
    lines = [numbered(number, words) for number, words in unmet(needs, book).items()]
    lines += [line for one in family if (line := _apart(tx, case, one))]
    return tuple(f"{line[0].upper()}{line[1:]}." for line in lines)


def _apart(tx: Tx, case: Case, other: str) -> str:
    try:
        found = record.find(tx, other)
    except CaseUnknown:
        return numbered(TOGETHER, f"stays together with {other}, which is no case here")
    if found.state is State.ELIGIBLE and case.state in STILL:
        return ""
    if found.state not in TAKING or found.host != case.host:
        return numbered(TOGETHER, f"stays together with {found.reference}, who has no place there")
    if found.state not in ABROAD and found.planned_on != case.planned_on:
        return numbered(TOGETHER, f"{found.reference} goes on {found.planned_on}, another day")
    return ""
