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
DRAW_GAP, DRAW_SERVICE, DRAW_GOES_ON = 0, 10, 30


@compiled
def arrivals(seed: int, rate: float, out: Array) -> None:
    """Fill in arrival times, with exponential gaps of mean ``1 / rate``."""
    now = 0.0
    for person in range(len(out)):
        now -= math.log(1.0 - uniform(key(seed, person, 0, 0), DRAW_GAP)) / rate
        out[person] = now


@compiled
def service(seed: int, person: int, stage: int, mean: float) -> float:
    """Return how long a person keeps a server."""
    return -mean * math.log(1.0 - uniform(key(seed, person, 0, 0), DRAW_SERVICE + stage))


@compiled
def sift_down(heap: Array, size: int) -> None:
    """Bring a heap whose root has grown into order again."""
    at, value = 0, heap[0]
    while True:
        child = 2 * at + 1
        if child >= size:
            break
        if child + 1 < size and heap[child + 1] < heap[child]:
            child += 1
        if heap[child] >= value:
            break
        heap[at] = heap[child]
        at = child
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

    ``wait`` and ``leave`` are filled by person; ``onward`` receives those who go on, in the order
    in which they were served. Units of time are the caller's own.
    """
    heap = np.zeros(servers)
    count = 0
    for at in range(len(ready)):
        person = persons[at]
        begins = max(ready[at], heap[0])
        ends = begins + service(seed, person, stage, mean)
        heap[0] = ends
        sift_down(heap, servers)
        wait[person] = begins - ready[at]
        leave[person] = ends
        if uniform(key(seed, person, 0, 0), DRAW_GOES_ON + stage) < goes_on:
            onward[count] = person
            count += 1
    return count
