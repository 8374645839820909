"""A labelled set for name screening, made by construction: who is the same person, and who is not.

A person is invented from a table of names (``bench/names``), each with the spellings and scripts
in which it really goes about. An entry of a list is that person as an authority might write them.
A *positive* is the same person as a customer's papers might write them; a *negative* is another
person chosen to be hard: the same family, a look-alike name, a namesake born in another year.
Labels come from how a pair was made and never from a matcher. ``tune`` and ``test`` have names in
common with each other nowhere: rules were set on the one and are judged on the other.
"""

from __future__ import annotations

import datetime as dt
import random  # noqa: TID251 - repeated from the seed on purpose
import unicodedata
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import msgspec

from tallystick.kiosk.screening.entry import Alias, Born, Entry, Kind

NAMES = Path(__file__).parent / "names"
SEEDS = {"tune": 20261, "test": 77003}
POSITIVES, NEGATIVES = 1_300, 1_700
FIRST_DAY, DAYS = dt.date(1935, 1, 1), 25_000
HONORIFICS = ("Mr", "Dr.", "Sheikh", "Haji", "Prof.", "Eng.")
NAMESAKE = "a namesake born in another year"
LETTERS = "abcdefghijklmnopqrstuvwxyz"


@dataclass(frozen=True, slots=True)
class Name:
    """One name: its spellings, its own script if it has one, and other names like it."""

    culture: str
    given: bool
    spellings: tuple[str, ...]
    native: str
    others: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Person:
    """An invented person."""

    given: Name
    middle: Name | None
    family: Name
    born: dt.date


@dataclass(frozen=True, slots=True)
class Pair:
    """A customer and an entry, whether they are one person, and how the pair was made."""

    query: str
    born: Born | None
    entry: Entry
    same: bool
    made: str


def names_of(part: str) -> list[Name]:
    """Read a table of names."""
    found = []
    for line in (NAMES / f"{part}.txt").read_text("utf-8").splitlines():
        if not line.startswith("#"):
            culture, kind, spellings, native, others = (cell.strip() for cell in line.split("|"))
            told = tuple(one.strip() for one in spellings.split(","))
            like = tuple(one.strip() for one in others.split(",") if one.strip())
            found.append(Name(culture, kind == "g", told, native, like))
    return found


class Maker:
    """Makes persons, entries and pairs from one table under one seed."""

    def __init__(self, part: str) -> None:
        self.chance = random.Random(SEEDS[part])
        self.given: defaultdict[str, list[Name]] = defaultdict(list)
        self.family: defaultdict[str, list[Name]] = defaultdict(list)
        for name in names_of(part):
            (self.given if name.given else self.family)[name.culture].append(name)
        for culture in set(self.given) ^ set(self.family):
            self.given.pop(culture, None)
            self.family.pop(culture, None)
        self.cultures = sorted(self.given)
        self.made = 0

    def person(self) -> Person:
        """Invent a person."""
        culture = self.chance.choice(self.cultures)
        given = self.chance.choice(self.given[culture])
        middle = None
        if self.chance.random() < 0.35 and len(self.given[culture]) > 1:
            middle = self.chance.choice([n for n in self.given[culture] if n is not given])
        family = self.chance.choice(self.family[culture])
        born = FIRST_DAY + dt.timedelta(self.chance.randrange(DAYS))
        return Person(given, middle, family, born)

    def spell(self, name: Name, usual: float = 0.6) -> str:
        """Return a spelling of a name, the usual one more often."""
        if self.chance.random() < usual:
            return name.spellings[0]
        return self.chance.choice(name.spellings)

    def written(self, person: Person, usual: float = 0.6) -> list[str]:
        """Return a person's name in its parts, first names first."""
        parts = [person.given, *([person.middle] if person.middle else []), person.family]
        return [self.spell(part, usual) for part in parts]

    def native(self, person: Person) -> str:
        """Return a name in its own script, or nothing; family first where that is the custom."""
        parts = [person.given, *([person.middle] if person.middle else []), person.family]
        if not all(part.native for part in parts):
            return ""
        told = [part.native for part in parts]
        if person.given.culture in ("chinese", "korean"):
            return told[-1] + "".join(told[:-1])
        return " ".join(told)

    def entry(self, person: Person) -> Entry:
        """Return a person as a list has them: other spellings, weak aliases, a date or none."""
        self.made += 1
        first, *_, family = parts = self.written(person)
        names = [Alias(" ".join(parts))]
        for _ in range(self.chance.choice((0, 0, 1, 1, 2))):
            names.append(Alias(" ".join(self.written(person, 0.2))))
        if self.chance.random() < 0.25 and self.native(person):
            names.append(Alias(self.native(person)))
        if self.chance.random() < 0.08:
            names.append(Alias(f"Abu {first}" if self.chance.random() < 0.5 else family, True))
        born = self.listed_date(person.born)
        number = f"{self.made:06d}"
        return Entry("made", number, Kind.PERSON, tuple(names), (born,) if born else ())

    def listed_date(self, born: dt.date) -> Born | None:
        """Return a date as a list has it: exact, a year, about, a range, none."""
        kind = self.chance.random()
        year = dt.date(born.year, 1, 1), dt.date(born.year, 12, 31)
        if kind < 0.5:
            return Born(born, born)
        if kind < 0.7:
            return Born(*year)
        if kind < 0.78:
            return Born(*year, True)
        if kind < 0.85:
            return Born(dt.date(born.year - 2, 1, 1), dt.date(born.year + 1, 12, 31))
        return None

    def asked_date(self, born: dt.date) -> Born | None:
        """Return a date as a customer's papers have it: nearly always exact, seldom mistaken."""
        kind = self.chance.random()
        if kind < 0.28:
            return None
        if kind < 0.32 and born.day <= 12:
            turned = dt.date(born.year, born.day, born.month)
            return Born(turned, turned)
        if kind < 0.34:
            late = born.replace(day=1, year=born.year + 1)
            return Born(late, late)
        return Born(born, born)

    def positive(self) -> Pair:
        """Return a pair of one person: as listed, and as their papers write them."""
        person = self.person()
        entry = self.entry(person)
        kinds = self.chance.sample(sorted(CHANGES), self.chance.choice((1, 1, 2)))
        parts = self.written(person, 0.5)
        if "own script" in kinds and self.native(person):
            return Pair(
                self.native(person), self.asked_date(person.born), entry, True, "own script"
            )
        for kind in kinds:
            parts = CHANGES[kind](self, parts)
        query = " ".join(parts)
        return Pair(query, self.asked_date(person.born), entry, True, " + ".join(sorted(kinds)))

    def negative(self) -> Pair:
        """Return a pair of two persons who are easily taken for one."""
        person = self.person()
        kind = self.chance.choice(sorted(OTHERS))
        query, born = OTHERS[kind](self, person)
        entry = self.entry(person)
        if kind == NAMESAKE:  # without a date on both sides nobody could tell two namesakes apart
            exact = Born(person.born, person.born)
            entry = msgspec.structs.replace(entry, born=(exact,))
        return Pair(query, born, entry, False, kind)

    def another(self, names: list[Name], than: Name) -> Name:
        """Return another name of the same table."""
        return self.chance.choice([name for name in names if name is not than])

    def other_date(self, born: dt.date, least_years: int, most_years: int) -> dt.date:
        """Return a date so many years away, before or after."""
        years = self.chance.randint(least_years, most_years) * self.chance.choice((-1, 1))
        return FIRST_DAY + dt.timedelta((born - FIRST_DAY).days + 365 * years + 17)


def _typo(make: Maker, parts: list[str]) -> list[str]:
    """Exchange, leave out, double or replace a letter that is not the first of a long word."""
    long = [at for at, part in enumerate(parts) if len(part) >= 5 and part.isalpha()]
    if not long:
        return parts
    at = make.chance.choice(long)
    word = parts[at]
    where = make.chance.randrange(1, len(word) - 1)
    kind = make.chance.randrange(4)
    a, b = word[where], word[where + 1]
    changed = (b + a, a, a + a + b, make.chance.choice(LETTERS) + b)[kind]
    return [*parts[:at], word[:where] + changed + word[where + 2 :], *parts[at + 1 :]]


def _initial(make: Maker, parts: list[str]) -> list[str]:
    return [f"{parts[0][0]}.", *parts[1:]] if len(parts) > 2 else parts


def _middle(make: Maker, parts: list[str]) -> list[str]:
    return [parts[0], parts[-1]] if len(parts) > 2 else parts


def _plain(make: Maker, parts: list[str]) -> list[str]:
    text = unicodedata.normalize("NFKD", " ".join(parts))
    plain = "".join(c for c in text if not unicodedata.combining(c))
    return plain.upper().split()


def _joined(make: Maker, parts: list[str]) -> list[str]:
    text = " ".join(parts)
    if "-" in text:
        return text.replace("-", make.chance.choice((" ", "", "–"))).split()
    return [parts[0] + parts[1].lower(), *parts[2:]] if len(parts) > 2 else parts


CHANGES: dict[str, Callable[[Maker, list[str]], list[str]]] = {
    "respelled": lambda make, parts: parts,
    "own script": lambda make, parts: parts,
    "family first": lambda make, parts: [parts[-1], *parts[:-1]],
    "family, comma": lambda make, parts: [f"{parts[-1]},", *parts[:-1]],
    "an initial": _initial,
    "middle name left out": _middle,
    "a typing mistake": _typo,
    "no accents": _plain,
    "joined or split": _joined,
    "a title": lambda make, parts: [make.chance.choice(HONORIFICS), *parts],
}
"""What papers, clerks and keyboards do to a name. Spellings vary in all of them."""


def _date(make: Maker, born: dt.date) -> Born | None:
    return Born(born, born) if make.chance.random() < 0.75 else None


def _namesake(make: Maker, person: Person) -> tuple[str, Born | None]:
    born = make.other_date(person.born, 6, 40)
    return " ".join(make.written(person)), Born(born, born)


def _relative(make: Maker, person: Person) -> tuple[str, Born | None]:
    given = make.another(make.given[person.given.culture], person.given)
    other = replace(person, given=given, middle=None)
    return " ".join(make.written(other)), _date(make, make.other_date(person.born, 1, 35))


def _like_given(make: Maker, person: Person) -> tuple[str, Born | None]:
    if not person.given.others:
        return _relative(make, person)
    _, *rest = make.written(person)
    given = make.chance.choice(person.given.others)
    return " ".join([given, *rest]), _date(make, make.other_date(person.born, 1, 35))


def _like_family(make: Maker, person: Person) -> tuple[str, Born | None]:
    *rest, _ = make.written(person)
    names = (
        person.family.others
        or make.another(make.family[person.family.culture], person.family).spellings
    )
    return " ".join([*rest, make.chance.choice(names)]), _date(
        make, make.other_date(person.born, 1, 35)
    )


def _same_given(make: Maker, person: Person) -> tuple[str, Born | None]:
    family = make.another(make.family[person.family.culture], person.family)
    other = replace(person, family=family)
    return " ".join(make.written(other)), _date(make, make.other_date(person.born, 0, 20))


def _other_middle(make: Maker, person: Person) -> tuple[str, Born | None]:
    culture = person.given.culture
    if person.middle is None or len(make.given[culture]) < 3:
        return _same_given(make, person)
    rest = [n for n in make.given[culture] if n not in (person.given, person.middle)]
    other = replace(person, given=make.chance.choice(rest))
    return " ".join(make.written(other)), _date(make, make.other_date(person.born, 1, 20))


def _stranger(make: Maker, person: Person) -> tuple[str, Born | None]:
    culture = person.given.culture
    other = Person(
        make.another(make.given[culture], person.given),
        person.middle,
        make.another(make.family[culture], person.family),
        person.born,
    )
    return " ".join(make.written(other)), _date(make, make.other_date(person.born, 0, 20))


OTHERS: dict[str, Callable[[Maker, Person], tuple[str, Born | None]]] = {
    NAMESAKE: _namesake,
    "a relative": _relative,
    "a given name that looks alike": _like_given,
    "a family name that looks alike": _like_family,
    "the same given names": _same_given,
    "the same middle and family name": _other_middle,
    "a stranger of the same culture": _stranger,
}
"""Who is taken for somebody else."""


def pairs(part: str, positives: int = POSITIVES, negatives: int = NEGATIVES) -> list[Pair]:
    """Return the labelled set of a part: ``tune`` or ``test``; always the same."""
    make = Maker(part)
    return [make.positive() for _ in range(positives)] + [make.negative() for _ in range(negatives)]
