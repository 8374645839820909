"""One person after another through exact queues, first come first served; compiled.

Each stage has a number of servers (decision makers, hearing rooms, hub places). A person waits for
the first that is free, keeps it for an exponential time, and with the stage's probability goes on
to the next one. It is the network that general simulators know, without feedback, and many times
faster; where it and they agree is tested, and how fast each is, is measured (``bench``). Unlike
the monthly kernel it knows the exact wait of each person, so it shows how a queue's published
waits lag behind what a new arrival meets, and how cohorts that are not yet decided mislead.
"""

from __future__ import annotations

import math
from typing import Any, Final

import numpy as np

from tallystick.whatif.chance import key, uniform
from tallystick.whatif.compiled import compiled

Array = Any
STAGES_MAX: Final = 8
PERSONS_MAX: Final = 20_000_000
SERVERS_MAX: Final = 100_000
WIDTH: Final = 8
"""Children of a place in the heap of servers."""
DRAW_GAP, DRAW_SERVICE, DRAW_GOES_ON = 0, 10, 30


@compiled
def arrivals(seed: int, rate: float, out: Array) -> None:
    """Fill in arrival times, with exponential gaps of mean ``1 / rate``."""
    now = 0.0
    for person in range(len(out)):
        now -= math.log(1.0 - uniform(key(seed, person, 0, 0), DRAW_GAP)) / rate
        out[person] = now


@compiled
def service_of(k: np.uint64, stage: int, mean: float) -> float:
    """Return how long the person with a key keeps a server of a stage."""
    return -mean * math.log(1.0 - uniform(k, DRAW_SERVICE + stage))


@compiled
def service(seed: int, person: int, stage: int, mean: float) -> float:
    """Return the same by seed and person."""
    return service_of(key(seed, person, 0, 0), stage, mean)


@compiled
def replace_first(heap: Array, size: int, value: float) -> None:
    """Put a later time in the place of the earliest: a heap whose places have eight children.

    Eight children lie side by side, so the earliest of them is found without a guess. What lies
    beyond ``size`` is later than any time.
    """
    at = 0
    while True:
        child = WIDTH * at + 1
        if child >= size:
            break
        best, least = child, heap[child]
        for other in range(child + 1, child + WIDTH):
            earlier = heap[other] < least
            best = other if earlier else best
            least = heap[other] if earlier else least
        if least >= value:
            break
        heap[at] = least
        at = best
    heap[at] = value


@compiled
def serve(
    seed: int,
    stage: int,
    servers: int,
    mean: float,
    goes_on: float,
    persons: Array,
    ready: Array,
    wait: Array,
    leave: Array,
    onward: Array,
) -> int:
    """Serve ``persons`` in the order of ``ready`` (ascending); return how many go on.

    ``wait`` and ``leave`` are filled in that order; ``onward`` receives the places, in that order,
    of those who go on. Units of time are the caller's own.
    """
    heap = np.full(servers + WIDTH, np.inf)
    heap[:servers] = 0.0
    count = 0
    for at in range(len(ready)):
        k = key(seed, persons[at], 0, 0)
        begins = max(ready[at], heap[0])
        ends = begins + service_of(k, stage, mean)
        replace_first(heap, servers, ends)
        wait[at] = begins - ready[at]
        leave[at] = ends
        onward[count] = at
        count += uniform(k, DRAW_GOES_ON + stage) < goes_on
    return count
