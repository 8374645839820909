"""All names of all lists, found by their words: a person is screened against 100,000 entries.

Every listed word has keys (`alike.keys`). A customer's words find the listed words that share one,
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
from tallystick.kiosk.screening.alike import LEAST, alike, keys
from tallystick.kiosk.screening.births import Said
from tallystick.kiosk.screening.entry import Alias, Born, Entry
from tallystick.kiosk.screening.errors import NameUnusable
from tallystick.kiosk.screening.spelling import Word, joined, words

WEIGHT_LEAST: Final = 0.6
"""What the commonest word of a list tells, beside 1 for one that is there once."""
COMMON_SHARE: Final = 0.02
"""A word that is in this share of all names is as common as can be."""
NEAR_CACHED_MAX: Final = 100_000
SUBJECT_NAMES_MAX: Final = 20
EPSILON: Final = 1e-9

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
class Names:
    """Facts of each listed name, as arrays: who owns it, and what its words weigh."""

    owner: Ints
    strong: Ints
    initials: Ints
    total: Floats
    """The weight of the words that are neither particles nor initials."""


@dataclass(slots=True)
class Index:
    """The lists as they are screened against. Build it with `build`; it never changes."""

    entries: tuple[Entry, ...]
    aliases: list[Alias]
    spelled: list[tuple[Word, ...]]
    names: Names
    vocabulary: list[Word]
    heavy: Floats
    """The weight of each word of the vocabulary."""
    starts: Ints
    postings: Ints
    by_key: Lookup
    by_pair: Lookup
    """Two listed neighbours written as one: by their consonants, the names that have them."""
    count: Counter[str]
    near: dict[Word, tuple[Ints, Floats]] = field(default_factory=dict)
    seen: NDArray[np.int8] = field(default_factory=lambda: np.empty(0, np.int8))

    def weigh(self, text: str) -> float:
        """Return how much a word tells: 1 if it is in at most one name, less if in many."""
        return weight_of(self.count[text], len(self.spelled))

    def screen(self, subject: Subject, least: int) -> list[Hit]:
        """Return the entries that reach ``least`` basis points, the highest first.

        One hit for an entry, by its best names. Raises `NameUnusable` for a subject without a
        name that can be screened, or with more than ``SUBJECT_NAMES_MAX``.
        """
        best: dict[int, Hit] = {}
        for name, mine in usable(subject):
            for place in self.candidates(mine, least):
                hit = self.compare(subject, name, mine, place)
                owner = int(self.names.owner[place])
                if hit.points >= least and (owner not in best or hit.points > best[owner].points):
                    best[owner] = hit
        return sorted(best.values(), key=lambda hit: (-hit.points, hit.entry.key))

    def compare(self, subject: Subject, name: str, mine: Sequence[Word], place: int) -> Hit:
        """Compare one name of a subject with one listed name, in full."""
        entry, alias = self.entries[self.names.owner[place]], self.aliases[place]
        score = match.compare(mine, self.spelled[place], self.weigh)
        said = births.best(subject.born, entry.born)
        points = match.points(score.share, alias.weak, said)
        return Hit(entry, points, name, alias, said, score.met)

    def candidates(self, mine: Sequence[Word], least: int) -> list[int]:
        """Return the listed names whose score cannot be ruled out, in their order."""
        strong = [at for at, word in enumerate(mine) if not word.soft and not word.initial]
        found: list[tuple[int, Ints, Floats]] = []
        for at in strong:
            found.append((at, *self._having(mine[at])))
        pairs = []
        for at in range(len(mine) - 1):
            whole = joined(mine[at], mine[at + 1])
            pairs.append((at, self._having(whole)[0]))
        enough = self._seen_enough(len(strong), found, pairs)
        if not len(enough):
            return []
        bound = self._bound(mine, strong, found, pairs, enough)
        floor = least / match.WHOLE - match.BORN[Said.SAME_DAY] - EPSILON
        return [int(place) for place in enough[bound >= floor]]

    def _seen_enough(
        self, strong: int, found: list[tuple[int, Ints, Floats]], pairs: list[tuple[int, Ints]]
    ) -> Ints:
        """Return the names of which two words were found, or one where there is but one."""
        seen = self.seen
        for _, places, _ in found:
            seen[places] += 1
        for _, places in pairs:
            seen[places] += 2
        parts = [*(places for _, places, _ in found), *(places for _, places in pairs)]
        places = np.concatenate(parts) if parts else np.empty(0, np.int64)
        need = np.minimum(2, self.names.strong[places]) - self.names.initials[places]
        enough = seen[places] >= np.maximum(1, np.minimum(need, strong))
        seen[places] = 0
        return np.unique(places[enough])

    def _bound(
        self,
        mine: Sequence[Word],
        strong: list[int],
        found: list[tuple[int, Ints, Floats]],
        pairs: list[tuple[int, Ints]],
        places: Ints,
    ) -> Floats:
        """Return a share that the true one cannot pass.

        Every word that could meet one is taken to have met its heaviest, as if nothing were lost;
        particles and initials are taken to have met. What is left over then counts the least.
        """
        weights = {at: match.weight(mine[at], self.weigh) for at in strong}
        met_mine, met_listed = np.zeros(len(places)), np.zeros(len(places))
        met: dict[int, NDArray[np.bool_]] = {at: np.zeros(len(places), np.bool_) for at in strong}
        for at, having, heavy in found:
            at_place = np.searchsorted(places, having)
            there = (at_place < len(places)) & (
                places[np.minimum(at_place, len(places) - 1)] == having
            )
            met[at][at_place[there]] = True
            most = np.zeros(len(places))
            np.maximum.at(most, at_place[there], heavy[there])
            met_listed += most
        for at, having in pairs:
            inside = np.isin(places, having)
            for end in (at, at + 1):
                if end in met:
                    met[end] |= inside
            met_listed += inside
        for at in strong:
            met_mine += met[at] * weights[at]
        loose = sum(1 for word in mine if word.initial)
        met_listed += loose
        whole_mine = sum(weights.values())
        met_mine = np.where(self.names.initials[places] > 0, whole_mine, met_mine)
        left = match.MINE_LEFT * (whole_mine - met_mine)
        left += match.LISTED_LEFT * np.maximum(0, self.names.total[places] - met_listed)
        extra = 2 * match.SOFT_WEIGHT * len(mine) + match.INITIAL_WEIGHT * (
            2 * loose + 2 * self.names.initials[places]
        )
        met_all = met_mine + met_listed + extra
        return np.asarray(met_all / np.maximum(met_all + left, EPSILON))

    def _having(self, word: Word) -> tuple[Ints, Floats]:
        """Return the names that have a word like this one, and how heavy their word is."""
        held = self.near.get(word)
        if held is None:
            held = self._look_up(word)
            if len(self.near) < NEAR_CACHED_MAX:
                self.near[word] = held
        return held

    def _look_up(self, word: Word) -> tuple[Ints, Floats]:
        places, heavy = [], []
        for number in self.by_key.find(keys(word)):
            if alike(word, self.vocabulary[number])[0] >= LEAST:
                names = self.postings[self.starts[number] : self.starts[number + 1]]
                places.append(names)
                heavy.append(np.full(len(names), self.heavy[number]))
        pairs = self.by_pair.find([sound.thin(word.bones)]) if len(word.bones) > 1 else None
        if pairs is not None and len(pairs):
            places.append(pairs)
            heavy.append(np.full(len(pairs), 2.0))
        if not places:
            return np.empty(0, np.int64), np.empty(0)
        return np.concatenate(places), np.concatenate(heavy)


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
    count = Counter(text for name in spelled for text in {word.text for word in name})
    return _arranged(held, aliases, spelled, owners, count)


def _arranged(
    entries: tuple[Entry, ...],
    aliases: list[Alias],
    spelled: list[tuple[Word, ...]],
    owners: list[int],
    count: Counter[str],
) -> Index:
    having: defaultdict[Word, list[int]] = defaultdict(list)
    pairs: list[tuple[str, int]] = []
    for place, name in enumerate(spelled):
        for word in dict.fromkeys(name):
            if not word.soft and not word.initial:
                having[word].append(place)
        for one, other in itertools.pairwise(name):
            pairs.append((sound.thin(joined(one, other).bones), place))
    vocabulary = list(having)
    lengths = np.fromiter((len(having[word]) for word in vocabulary), np.int64, len(vocabulary))
    flat = (place for word in vocabulary for place in having[word])

    def weighed(text: str) -> float:
        return weight_of(count[text], len(spelled))

    plain = [[w for w in name if not w.soft and not w.initial] for name in spelled]
    return Index(
        entries=entries,
        aliases=aliases,
        spelled=spelled,
        names=Names(
            owner=np.array(owners, np.int64),
            strong=np.array([len(name) for name in plain], np.int64),
            initials=np.array([sum(w.initial for w in name) for name in spelled], np.int64),
            total=np.array([sum(weighed(w.text) for w in name) for name in plain]),
        ),
        vocabulary=vocabulary,
        heavy=np.array([weighed(word.text) for word in vocabulary]),
        starts=np.concatenate([[0], np.cumsum(lengths)]),
        postings=np.fromiter(flat, np.int64, int(lengths.sum())),
        by_key=Lookup.of((key, n) for n, word in enumerate(vocabulary) for key in keys(word)),
        by_pair=Lookup.of(pairs),
        count=count,
        seen=np.zeros(len(spelled), np.int8),
    )
