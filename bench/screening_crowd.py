"""A list of 100,000 invented persons, and customers to screen against it.

First names crowd as they do in life: each culture has those of the tables, which are everywhere,
and 300 more, made of syllables, which are rarer. Family names are made of syllables with the
endings of their cultures, so that there are tens of thousands. Every fifth customer is on the list,
under another spelling.
"""

from __future__ import annotations

import datetime as dt
import random  # noqa: TID251 - repeated from the seed on purpose
from dataclasses import dataclass

from bench.screening_pairs import FIRST_DAY, Name, names_of
from tallystick.kiosk.screening.entry import Alias, Born, Entry, Kind
from tallystick.kiosk.screening.index import Subject

SEED = 4_711
MORE_GIVEN = 300
ENDINGS = {
    "arabic": ("i", "awi", "an", "ali", "ouri", ""),
    "persian": ("i", "zadeh", "pour", "ian", "nejad"),
    "slavic": ("ov", "enko", "sky", "ev", "in", "uk", "ovic", "ova"),
    "chinese": ("",),
    "korean": ("",),
    "greek": ("opoulos", "idis", "akis", "ou"),
    "turkish": ("oglu", "lu", "er", "kan"),
    "german": ("mann", "er", "stein", "berg"),
    "spanish": ("ez", "ales", "eda", "osa"),
    "indian": ("ji", "al", "kar", "an", "deep"),
    "english": ("son", "ton", "ley", "man", "ford"),
    "african": ("u", "a", "wo", "ele"),
    "japanese": ("moto", "mura", "ta", "shima"),
}
ONSETS = [
    *("b", "ch", "d", "f", "g", "gh", "h", "j", "k", "kh", "l", "m", "n", "p", "q", "r", "s", "sh"),
    *("t", "th", "v", "w", "y", "z", "zh", "br", "dr", "gr", "kr", "sr", "tr", "st"),
]
VOWELS = ("a", "e", "i", "o", "u", "a", "ou", "ai")
MIDDLES = ("", "", "", "n", "r", "l", "m", "s")


@dataclass(frozen=True, slots=True)
class Listed:
    """A person on the list, by their spelled parts."""

    given: Name
    second: Name | None
    family: str
    born: dt.date


class Crowd:
    """Invents persons under one seed."""

    def __init__(self, seed: int = SEED) -> None:
        self.chance = random.Random(seed)
        self.given: dict[str, list[Name]] = {}
        for name in [*names_of("tune"), *names_of("test")]:
            if name.given and name.culture in ENDINGS:
                self.given.setdefault(name.culture, []).append(name)
        for culture, names in self.given.items():
            names += [self.more(culture) for _ in range(MORE_GIVEN)]

    def more(self, culture: str) -> Name:
        """Invent a given name, spelled in one way."""
        return Name(culture, True, (self.syllables(2).capitalize(),), "", ())

    def syllables(self, count: int) -> str:
        """Make up so many syllables."""
        return "".join(
            self.chance.choice(ONSETS) + self.chance.choice(VOWELS) + self.chance.choice(MIDDLES)
            for _ in range(count)
        )

    def family(self, culture: str) -> str:
        """Invent a family name."""
        least = 1 if culture in ("chinese", "korean") else 2
        count = self.chance.choice((least, least, least + 1)) if least > 1 else 1
        return (self.syllables(count) + self.chance.choice(ENDINGS[culture])).capitalize()

    def one_of(self, names: list[Name]) -> Name:
        """Choose a name: the first are the commonest, twenty times as common as the last."""
        return names[min(int(self.chance.expovariate(0.015)), len(names) - 1)]

    def person(self) -> Listed:
        """Invent a person."""
        culture = self.chance.choice(sorted(self.given))
        names = self.given[culture]
        second = self.one_of(names) if self.chance.random() < 0.4 else None
        born = FIRST_DAY + dt.timedelta(self.chance.randrange(25_000))
        return Listed(self.one_of(names), second, self.family(culture), born)

    def written(self, person: Listed) -> str:
        """Write a person's name in one of its spellings."""
        given = [person.given, *([person.second] if person.second else [])]
        return " ".join([*(self.chance.choice(n.spellings) for n in given), person.family])

    def entry(self, person: Listed, number: int) -> Entry:
        """List a person, under one to four names."""
        names = tuple(Alias(self.written(person)) for _ in range(self.chance.choice((1, 2, 2, 4))))
        born = (Born(person.born, person.born),) if self.chance.random() < 0.7 else ()
        return Entry("made", f"{number:07d}", Kind.PERSON, names, born)


def crowd(entries: int, customers: int, seed: int = SEED) -> tuple[list[Entry], list[Subject]]:
    """Return a list, and customers of whom every fifth is on it."""
    made = Crowd(seed)
    people = [made.person() for _ in range(entries)]
    listed = [made.entry(person, number) for number, person in enumerate(people)]
    asked = []
    for number in range(customers):
        person = made.chance.choice(people) if number % 5 == 0 else made.person()
        asked.append(Subject((made.written(person),), (Born(person.born, person.born),)))
    return listed, asked
