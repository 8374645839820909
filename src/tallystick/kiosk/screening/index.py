"""All names of all lists, found by their words: a person is screened against 100,000 entries.

Every listed word has keys (`alike`). A customer's words find the listed words that share one,
those find the names, and only names that could still reach the threshold are compared in full.
The bound is never below the true score, so nothing is lost that comparing every name would find
(a test compares both).
"""

from __future__ import annotations

import itertools
import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np
from numpy.typing import NDArray

from tallystick.kiosk.screening import births, match, sound
from tallystick.kiosk.screening.alike import (
    LEAST,
    alike,
    far_asks,
    far_keys,
    sure_keys,
)
from tallystick.kiosk.screening.births import Said
from tallystick.kiosk.screening.entry import Alias, Born, Entry
from tallystick.kiosk.screening.errors import NameUnusable
from tallystick.kiosk.screening.spelling import SOFT, Word, joined, words

PAIR: Final = -1
PAIR_WEIGHT_MAX: Final = 2.0
WEIGHT_LEAST: Final = 0.6
"""What the commonest word of a list tells, beside 1 for one that is there once."""
COMMON_SHARE: Final = 0.02
"""A word that is in this share of all names is as common as can be."""
NEAR_CACHED_MAX: Final = 100_000
SUBJECT_NAMES_MAX: Final = 20
EPSILON: Final = 1e-9
SINGLE_POINTS: Final = round(match.WHOLE * (match.SINGLE_MOST + match.BORN[Said.SAME_DAY]))
"""The most that one word of several gives, with the same day of birth."""
NEARLY: Final = max(match.BORN[said] for said in (Said.AGREES, Said.SWAPPED, Said.NEAR))
"""The most that two dates add which do not meet, but may be about, or mistaken."""

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Subject:
    """Who is screened: every name they gave, and when they were born if that is known."""

    names: tuple[str, ...]
    born: tuple[Born, ...] = ()


@dataclass(frozen=True, slots=True)
class Hit:
    """An entry that a subject may be, with its score in basis points and the names that gave it."""

    entry: Entry
    points: int
    mine: str
    listed: Alias
    said: Said
    met: tuple[match.Met, ...]


@dataclass(frozen=True, slots=True)
class Lookup:
    """Numbers found by a key: two sorted arrays, searched by halves."""

    keys: Ints
    numbers: Ints

    @classmethod
    def of(cls, pairs: Iterable[tuple[str, int]]) -> Lookup:
        """Build it from pairs of a key and a number."""
        held = np.fromiter(
            (value for key, number in pairs for value in (hash(key), number)), np.int64
        ).reshape(-1, 2)
        order = np.lexsort((held[:, 1], held[:, 0]))
        return cls(held[order, 0].copy(), held[order, 1].copy())

    def find(self, wanted: Iterable[str]) -> Ints:
        """Return every number under any of these keys, each once, in order.

        Two keys may share a hash; whoever asks compares the words themselves.
        """
        hashes = np.fromiter((hash(key) for key in wanted), np.int64)
        low = np.searchsorted(self.keys, hashes, "left")
        high = np.searchsorted(self.keys, hashes, "right")
        parts = [self.numbers[a:b] for a, b in zip(low, high, strict=True) if a < b]
        return np.unique(np.concatenate(parts)) if parts else np.empty(0, np.int64)


@dataclass(frozen=True, slots=True)
class Having:
    """The names that have a word like one, and which word of the vocabulary that is.

    A name may be there twice, by two words. `PAIR` in place of a word: two of its words are the
    one when written together.
    """

    names: Ints
    words: Ints


@dataclass(frozen=True, slots=True)
class Names:
    """Facts of each listed name, as arrays: who owns it, and what its words weigh."""

    owner: Ints
    strong: Ints
    initials: Ints
    total: Floats
    """The weight of the words that are neither particles nor initials."""
    hardened: NDArray[np.bool_]
    """Whether a particle is a name in it, which a customer's particle may meet."""
    first: Ints
    last: Ints
    """The first and the last day on which its entry may be born, as ordinals; 0 if not known."""


@dataclass(slots=True)
class Index:
    """The lists as they are screened against. Build it with `build`; it never changes."""

    entries: tuple[Entry, ...]
    aliases: list[Alias]
    spelled: list[tuple[Word, ...]]
    told: list[list[float]]
    """How much each word of each name tells."""
    names: Names
    vocabulary: list[Word]
    heavy: Floats
    """The weight of each word of the vocabulary."""
    starts: Ints
    postings: Ints
    sure: Lookup
    far: Lookup
    by_pair: Lookup
    """By its consonants, a number of `pairs`."""
    pairs: list[tuple[Word, int]]
    """Two listed neighbours written as one, and the name in which they are."""
    weighed: dict[str, float]
    near: dict[Word, Having] = field(default_factory=dict)
    seen: NDArray[np.int8] = field(default_factory=lambda: np.empty(0, np.int8))

    def weigh(self, text: str) -> float:
        """Return how much a word tells: 1 if it is in at most one name, less if in many."""
        return self.weighed.get(text, 1.0)

    def screen(self, subject: Subject, least: int) -> list[Hit]:
        """Return the entries that reach ``least`` basis points, the highest first.

        One hit for an entry, by its best names. Raises `NameUnusable` for a subject without a
        name that can be screened, or with more than ``SUBJECT_NAMES_MAX``.
        """
        best: dict[int, Hit] = {}
        for name, mine in usable(subject):
            tells = match.weights(mine, self.weigh)
            for place in self.candidates(mine, subject.born, least):
                hit = self.compare(subject, name, mine, tells, place)
                owner = int(self.names.owner[place])
                if hit.points >= least and (owner not in best or hit.points > best[owner].points):
                    best[owner] = hit
        return sorted(best.values(), key=lambda hit: (-hit.points, hit.entry.key))

    def compare(
        self,
        subject: Subject,
        name: str,
        mine: Sequence[Word],
        tells: Sequence[float],
        place: int,
    ) -> Hit:
        """Compare one name of a subject with one listed name, in full."""
        entry, alias = self.entries[self.names.owner[place]], self.aliases[place]
        score = match.compare(mine, self.spelled[place], tells, self.told[place])
        said = births.best(subject.born, entry.born)
        points = match.points(score.share, alias.weak, said)
        return Hit(entry, points, name, alias, said, score.met)

    def candidates(self, mine: Sequence[Word], born: Sequence[Born], least: int) -> list[int]:
        """Return the listed names whose score cannot be ruled out, in their order."""
        strong = [at for at, word in enumerate(mine) if word.strong]
        need = min(2, len(strong)) if least > SINGLE_POINTS else 1
        found = {at: self._having(mine[at]) for at in strong}
        pairs = [self._being(joined(one, other)) for one, other in itertools.pairwise(mine)]
        enough = self._seen_enough(need, found, pairs)
        floor = least / match.WHOLE - self._born(born, enough) - EPSILON
        enough = enough[floor <= 1.0]
        if not len(enough):
            return []
        likes = {at: self._alike(mine[at], found[at], enough) for at in strong}
        found = {at: one for at, (one, _) in likes.items()}
        enough = self._seen_enough(need, found, pairs)
        if not len(enough):
            return []
        bound = self._bound(mine, likes, pairs, enough)
        floor = least / match.WHOLE - self._born(born, enough) - EPSILON
        return [int(place) for place in enough[bound >= floor]]

    def _born(self, born: Sequence[Born], places: Ints) -> Floats:
        """Return the most that the dates of birth can add for each of these names."""
        unknown, most = match.BORN[Said.UNKNOWN], match.BORN[Said.CONTRADICTS]
        if not born:
            return np.full(len(places), unknown)
        first, last = self.names.first[places], self.names.last[places]
        best = np.full(len(places), most)
        for date in born:
            gap = np.maximum(first - date.last.toordinal(), date.first.toordinal() - last)
            best = np.where(gap <= births.FAR_DAYS, np.maximum(best, NEARLY), best)
            best = np.where(gap <= 0, match.BORN[Said.SAME_DAY], best)
        return np.where(first == 0, unknown, best)

    def _seen_enough(self, need: int, found: dict[int, Having], pairs: list[Ints]) -> Ints:
        """Return the names of which so many words were found, or all where there are fewer."""
        parts = [*(one.names for one in found.values()), *pairs]
        places = np.concatenate(parts) if parts else np.empty(0, np.int64)
        seen = self.seen
        for one in found.values():
            seen[one.names] += 1
        for pair in pairs:
            seen[pair] += 2
        enough = seen[places] >= np.minimum(need, self.names.strong[places])
        seen[places] = 0
        return np.unique(places[enough])

    def _alike(self, word: Word, found: Having, places: Ints) -> tuple[Having, Floats]:
        """Keep of what was found for a word what is in these names and alike; and how alike."""
        where = np.searchsorted(places, found.names)
        inside = places[np.minimum(where, len(places) - 1)] == found.names
        names, numbers = found.names[inside], found.words[inside]
        different, back = np.unique(numbers, return_inverse=True)
        each = [1.0 if n == PAIR else alike(word, self.vocabulary[n])[0] for n in different]
        likes = np.array(each, np.float64)[back]
        like = likes >= LEAST
        return Having(names[like], numbers[like]), likes[like]

    def _bound(
        self,
        mine: Sequence[Word],
        found: dict[int, tuple[Having, Floats]],
        pairs: list[Ints],
        places: Ints,
    ) -> Floats:
        """Return a share that the true one cannot pass.

        Each word is taken to have met the one that adds most; particles and initials are taken to
        have met; where words may be written as one, nothing is ruled out. Words left over on both
        sides oppose one another with the least that a word can weigh.
        """
        size = len(places)
        tells = {at: match.weight(mine[at], self.weigh) for at in found}
        met = {at: np.zeros(size, np.bool_) for at in found}
        added, whole, met_listed = np.zeros(size), np.zeros(size), np.zeros(size)
        for at, (one, likes) in found.items():
            where = np.searchsorted(places, one.names)
            there = places[np.minimum(where, size - 1)] == one.names
            where, single = where[there], one.words[there] != PAIR
            heavy = np.where(single, self.heavy[one.words[there]], PAIR_WEIGHT_MAX)
            light = np.where(single, heavy, match.SOFT_WEIGHT)
            most, least, heaviest = np.zeros(size), np.full(size, np.inf), np.zeros(size)
            np.maximum.at(most, where, (tells[at] + heavy) * likes[there])
            np.minimum.at(least, where, tells[at] + light)
            np.maximum.at(heaviest, where, heavy)
            met[at] = most > 0
            added, whole = added + most, whole + np.where(met[at], least, 0.0)
            met_listed += heaviest
        soft = sum(word.soft for word in mine)
        loose = sum(word.initial for word in mine) + soft * self.names.hardened[places]
        free = match.SOFT_WEIGHT * len(mine) * 2 + 2.0 * (loose + self.names.initials[places])
        for at, pair in enumerate(pairs):
            inside = np.isin(places, pair) if len(pair) else met_listed < 0
            free += inside * (1.0 + tells.get(at, 0.0) + tells.get(at + 1, 0.0))
            met_listed += inside
            for end in {at, at + 1} & set(met):
                met[end] |= inside
        any_initial = self.names.initials[places] > 0
        left_mine = np.zeros(size)
        for at in found:
            if mine[at].text in SOFT:
                free += tells[at] + match.SOFT_WEIGHT
            else:
                left_mine += np.where(met[at] | any_initial, 0.0, tells[at])
        left_listed = np.maximum(0, self.names.total[places] - met_listed - loose)
        left = match.MINE_LEFT * left_mine + match.LISTED_LEFT * left_listed
        opposed = (left_mine > EPSILON) & (left_listed > EPSILON)
        left += np.where(opposed, WEIGHT_LEAST * match.OPPOSED, 0.0)
        return np.asarray((added + free) / np.maximum(whole + left + free, EPSILON))

    def _having(self, word: Word) -> Having:
        """Return the names that may have a word like this one; which really do is asked later."""
        held = self.near.get(word)
        if held is None:
            held = self._look_up(word)
            if len(self.near) < NEAR_CACHED_MAX:
                self.near[word] = held
        return held

    def _look_up(self, word: Word) -> Having:
        sure = self.sure.find(sure_keys(word))
        far = np.setdiff1d(self.far.find(far_asks(word)), sure, assume_unique=True)
        numbers = np.concatenate([sure, far])
        starts, many = self.starts[numbers], self.starts[numbers + 1] - self.starts[numbers]
        within = np.arange(int(many.sum())) - np.repeat(np.cumsum(many) - many, many)
        names = self.postings[np.repeat(starts, many) + within]
        pairs = [
            self.pairs[number][1]
            for number in self.by_pair.find([sound.thin(word.bones)])
            if match.as_one(self.pairs[number][0], word)
        ]
        return Having(
            np.concatenate([names, np.array(pairs, np.int64)]),
            np.concatenate([np.repeat(numbers, many), np.full(len(pairs), PAIR)]),
        )

    def _being(self, whole: Word) -> Ints:
        """Return the names that have two of a customer's words written as one."""
        parts = [
            self.postings[self.starts[number] : self.starts[number + 1]]
            for number in self.sure.find([sound.thin(whole.bones)])
            if match.as_one(whole, self.vocabulary[number])
        ]
        return np.concatenate(parts) if parts else np.empty(0, np.int64)


def usable(subject: Subject) -> list[tuple[str, tuple[Word, ...]]]:
    """Return the names of a subject that have words; raise `NameUnusable` if none has."""
    if len(subject.names) > SUBJECT_NAMES_MAX:
        raise NameUnusable(f"at most {SUBJECT_NAMES_MAX} names of one person")
    found = []
    for name in subject.names:
        try:
            found.append((name, words(name)))
        except NameUnusable:
            continue
    if not found:
        raise NameUnusable("no name that can be screened")
    return found


def weight_of(count: int, names: int) -> float:
    """Return how much a word tells that is in ``count`` of ``names`` names, from 0.6 to 1."""
    common = max(10.0, names * COMMON_SHARE)
    if count <= 1:
        return 1.0
    share = min(1.0, math.log(count) / math.log(common))
    return 1.0 - (1.0 - WEIGHT_LEAST) * share


def build(entries: Iterable[Entry]) -> Index:
    """Build the index of some entries. A name without letters is left out: nobody can bear it."""
    held = tuple(entries)
    aliases, spelled, owners = [], [], []
    for owner, entry in enumerate(held):
        for alias in entry.names:
            try:
                spelled.append(words(alias.text))
            except NameUnusable:
                continue
            aliases.append(alias)
            owners.append(owner)
    count = Counter(word.text for name in spelled for word in dict.fromkeys(name))
    return _arranged(held, aliases, spelled, owners, count)


def _arranged(
    entries: tuple[Entry, ...],
    aliases: list[Alias],
    spelled: list[tuple[Word, ...]],
    owners: list[int],
    count: Counter[str],
) -> Index:
    having: defaultdict[Word, list[int]] = defaultdict(list)
    pairs: list[tuple[Word, int]] = []
    for place, name in enumerate(spelled):
        for word in dict.fromkeys(name):
            if word.strong:
                having[word].append(place)
        for one, other in itertools.pairwise(name):
            whole = joined(one, other)
            if len(whole.bones) > 1:
                pairs.append((whole, place))
    vocabulary = list(having)
    lengths = np.fromiter((len(having[word]) for word in vocabulary), np.int64, len(vocabulary))
    flat = (place for word in vocabulary for place in having[word])

    weighed = {text: weight_of(many, len(spelled)) for text, many in count.items()}

    plain = [[w for w in name if w.strong] for name in spelled]
    days = [_days(entry) for entry in entries]
    return Index(
        entries=entries,
        aliases=aliases,
        spelled=spelled,
        told=[match.weights(name, weighed.__getitem__) for name in spelled],
        names=Names(
            owner=np.array(owners, np.int64),
            strong=np.array([len(name) for name in plain], np.int64),
            initials=np.array([sum(w.initial for w in name) for name in spelled], np.int64),
            total=np.array([sum(weighed[w.text] for w in name) for name in plain]),
            hardened=np.array(
                [any(w.strong and w.text in SOFT for w in name) for name in spelled], np.bool_
            ),
            first=np.array([days[owner][0] for owner in owners], np.int64),
            last=np.array([days[owner][1] for owner in owners], np.int64),
        ),
        vocabulary=vocabulary,
        heavy=np.array([weighed[word.text] for word in vocabulary]),
        starts=np.concatenate([[0], np.cumsum(lengths)]),
        postings=np.fromiter(flat, np.int64, int(lengths.sum())),
        sure=Lookup.of((key, n) for n, word in enumerate(vocabulary) for key in sure_keys(word)),
        far=Lookup.of((key, n) for n, word in enumerate(vocabulary) for key in far_keys(word)),
        by_pair=Lookup.of((sound.thin(whole.bones), n) for n, (whole, _) in enumerate(pairs)),
        pairs=pairs,
        weighed=weighed,
        seen=np.zeros(len(spelled), np.int8),
    )


def _days(entry: Entry) -> tuple[int, int]:
    """Return the first and the last day on which an entry may be born, as ordinals."""
    if not entry.born:
        return 0, 0
    first = min(date.first.toordinal() for date in entry.born)
    return first, max(date.last.toordinal() for date in entry.born)
