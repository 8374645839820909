"""Names screened: recall at equal precision, and names per second, beside nomenklatura's matchers.

The labelled set is that of `bench.screening_pairs`, its ``test`` part: names that no rule was set
on. The peers (nomenklatura, MIT licence) get the same persons as FollowTheMoney entities in the
same run. Speed is over one list: ours by its index; logic-v2 behind nomenklatura's own blocking
index, and comparing with every entry. Seconds are of the processor, all threads together, so that
what else a machine does changes no ratio.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from followthemoney import Dataset, StatementEntity
from nomenklatura.blocker import Index as Blocker
from nomenklatura.matching import EntityResolveRegression, LogicV1, LogicV2, RegressionV1
from nomenklatura.resolver import Linker
from nomenklatura.store.memory import MemoryStore

from bench.report import Row
from bench.screening_crowd import crowd
from bench.screening_pairs import Pair, pairs
from bench.screening_scores import Labels, Scores, our_scores, recall_at
from bench.stage import Stage, rss_mib
from tallystick.kiosk.screening import policy
from tallystick.kiosk.screening.entry import Alias, Born, Entry
from tallystick.kiosk.screening.index import Index, Subject, build

PEERS: tuple[Any, ...] = (LogicV1, LogicV2, RegressionV1, EntityResolveRegression)
PRECISIONS = (0.90, 0.95, 0.98, 0.99)
PEER_THRESHOLD = 0.7
"""The threshold that nomenklatura's own tools take for a match."""
ENTRIES, CUSTOMERS, PEER_CUSTOMERS, EVERY_PAIRS = 100_000, 1_000, 100, 1_000


def measure(stage: Stage, options: argparse.Namespace) -> list[Row]:
    """Judge the labelled set, then screen against the long list."""
    return [*accuracy(pairs("test")), *speed(ENTRIES, CUSTOMERS)]


def peer_entity(number: str, names: Sequence[Alias], born: Iterable[Born]) -> StatementEntity:
    """Return a person as nomenklatura takes them; a range of years is every year of it."""
    made = StatementEntity(Dataset.make({"name": "bench"}), {"schema": "Person", "id": number})
    for at, name in enumerate(names):
        made.add("name" if not at else "weakAlias" if name.weak else "alias", name.text)
    for date in born:
        years = range(date.first.year, date.last.year + 1)
        made.add("birthDate", str(date.first) if date.first == date.last else [*map(str, years)])
    return made


def peer_scores(peer: Any, held: Sequence[Pair]) -> tuple[Scores, float]:
    """Score each pair by a matcher of nomenklatura's; also return the seconds for one."""
    config = peer.default_config()
    both = [
        (
            peer_entity(f"q{at}", (Alias(pair.query),), (pair.born,) if pair.born else ()),
            peer_entity(f"e{at}", pair.entry.names, pair.entry.born),
        )
        for at, pair in enumerate(held)
    ]
    begun = time.process_time()
    scores = np.array([peer.compare(mine, listed, config).score for mine, listed in both])
    return scores, (time.process_time() - begun) / len(held)


def accuracy(held: Sequence[Pair]) -> list[Row]:
    """Return recall at the same precisions, and at the precision of each peer's own threshold."""
    labels = np.array([pair.same for pair in held])
    ours = our_scores(held)
    how = f"{len(held)} labelled pairs, {int(labels.sum())} of one person; names of test.txt"
    aim = "above each peer's"
    rows = [Row("name screening, recall at precision 90/95/98/99 %", _line(ours, labels), aim, how)]
    for peer in PEERS:
        theirs, _ = peer_scores(peer, held)
        rows.append(Row(f"the same, nomenklatura {peer.NAME}", _line(theirs, labels), "", how))
        said = theirs >= PEER_THRESHOLD
        precision, recall = labels[said].mean(), labels[said].sum() / labels.sum()
        beside = recall_at(ours, labels, float(precision))
        told = f"{beside:.1%} beside {recall:.1%}"
        note = f"its threshold {PEER_THRESHOLD} has precision {precision:.1%}; ours at the same"
        rows.append(Row(f"recall, ours beside {peer.NAME} at its threshold", told, "", note))
    least = policy.load().review_points
    said = ours >= least
    shares = f"recall {labels[said].sum() / labels.sum():.1%}, precision {labels[said].mean():.1%}"
    rows.append(Row(f"the same at our policy's {least} points", shares, "", how))
    return rows


def _line(scores: Scores, labels: Labels) -> str:
    return " / ".join(f"{recall_at(scores, labels, p):.1%}" for p in PRECISIONS)


def speed(entries: int, customers: int) -> list[Row]:
    """Return names per second over one list, ours and theirs, and their ratio."""
    listed, asked = crowd(entries, customers)
    least = policy.load().review_points
    before, begun = rss_mib(_me()), time.process_time()
    index = build(listed)
    built, held = time.process_time() - begun, rss_mib(_me()) - before
    begun = time.process_time()
    hits = [index.screen(one, least) for one in asked]
    ours = len(asked) / (time.process_time() - begun)
    again = _again(index, asked, least)
    found = sum(bool(one) for one in hits[::5]) / len(hits[::5])
    how = f"{entries:,} entries, {len(index.spelled):,} names; processor seconds"
    rows = [
        Row("names screened", f"{ours:,.0f} a second", "", f"{how}; each name for the first time"),
        Row(
            "names screened again",
            f"{again:,.0f} a second",
            "",
            f"{how}; words known: re-screening",
        ),
        Row("the list's index", f"{built:.1f} s, {held:.0f} MiB", "", how),
        Row("listed customers found", f"{found:.1%}", "", "every fifth customer is on the list"),
    ]
    return rows + _beside(listed, asked[:PEER_CUSTOMERS], ours, how)


def _me() -> int:
    import os

    return os.getpid()


def _again(index: Index, asked: Sequence[Subject], least: int) -> float:
    begun = time.process_time()
    for one in asked:
        index.screen(one, least)
    return len(asked) / (time.process_time() - begun)


def _beside(listed: Sequence[Entry], asked: Sequence[Subject], ours: float, how: str) -> list[Row]:
    """Screen with nomenklatura: behind its own blocking index, and against every entry."""
    blocked, found = blocked_speed(listed, asked)
    every = _every(listed, asked)
    few = f"{how}; {len(asked)} customers in one batch, logic-v2 on up to 75 candidates of each"
    guess = f"{how}; from {EVERY_PAIRS} comparisons, times the list"
    return [
        Row("nomenklatura's index and logic-v2", f"{blocked:,.2f} names a second", "", few),
        Row("listed customers found by it", f"{found:.1%}", "", "of those in the batch"),
        Row("ours beside it", f"{ours / blocked:,.0f} times as fast", "20 times", "the same run"),
        Row("logic-v2 against every entry", f"{every:,.4f} names a second", "", guess),
        Row("ours beside that", f"{ours / every:,.0f} times as fast", "20 times", "the same run"),
    ]


def blocked_speed(listed: Sequence[Entry], asked: Sequence[Subject]) -> tuple[float, float]:
    """Return names per second by nomenklatura's blocking index, then its matcher; and recall."""
    dataset = Dataset.make({"name": "bench", "title": "bench"})
    store: Any = MemoryStore(dataset, Linker({}))
    with store.writer() as writer:
        for entry in listed:
            writer.add_entity(peer_entity(entry.id, entry.names, entry.born))
    with tempfile.TemporaryDirectory(prefix="ts-blocker-") as folder:
        view = store.default_view()
        blocker: Any = Blocker(view, Path(folder))
        blocker.build()
        mine = {
            f"q{at}": peer_entity(f"q{at}", [Alias(n) for n in one.names], one.born)
            for at, one in enumerate(asked)
        }
        config = LogicV2.default_config()
        begun, found = time.process_time(), set[str]()
        for number, candidates in blocker.match_entities(mine.values()):
            for other, _ in candidates:
                entity = view.get_entity(str(other))
                if LogicV2.compare(mine[str(number)], entity, config).score >= PEER_THRESHOLD:
                    found.add(str(number))
        seconds = time.process_time() - begun
        blocker.close()
    wanted = {f"q{at}" for at in range(0, len(asked), 5)}
    return len(asked) / seconds, len(wanted & found) / len(wanted)


def _every(listed: Sequence[Entry], asked: Sequence[Subject]) -> float:
    config = LogicV2.default_config()
    mine = peer_entity("q", [Alias(name) for name in asked[0].names], asked[0].born)
    others = [peer_entity(e.id, e.names, e.born) for e in listed[:EVERY_PAIRS]]
    times = []
    for other in others:
        begun = time.process_time()
        LogicV2.compare(mine, other, config)
        times.append(time.process_time() - begun)
    return 1 / (statistics.fmean(times) * len(listed))
