"""Our scores of labelled pairs, and recall at a precision: for the bench and for the tests."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from bench.screening_pairs import Pair
from tallystick.kiosk.screening import births, match
from tallystick.kiosk.screening.index import Index, build
from tallystick.kiosk.screening.spelling import words

Scores = NDArray[np.float64]
Labels = NDArray[np.bool_]


def recall_at(scores: Scores, labels: Labels, precision: float) -> float:
    """Return the most recall that some threshold has at this precision or better."""
    order = np.argsort(-scores, kind="stable")
    found = np.cumsum(labels[order])
    share = found / np.arange(1, len(order) + 1)
    last = np.append(np.diff(scores[order]) != 0, True)
    enough = found[(share >= precision) & last]
    return float(enough.max() / labels.sum()) if len(enough) else 0.0


def our_scores(held: Sequence[Pair]) -> Scores:
    """Score each pair by itself, with the words weighed as in a list of all these entries."""
    index = build(pair.entry for pair in held)
    return np.array([_ours(index, pair) for pair in held], np.float64)


def _ours(index: Index, pair: Pair) -> int:
    said = births.best((pair.born,) if pair.born else (), pair.entry.born)
    mine, best = words(pair.query), 0
    tells = match.weights(mine, index.weigh)
    for name in pair.entry.names:
        listed = words(name.text)
        score = match.compare(mine, listed, tells, match.weights(listed, index.weigh))
        best = max(best, match.points(score.share, name.weak, said))
    return best
