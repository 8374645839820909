"""Exact packing in order: each in turn gets the best level that leaves all before them theirs.

Somebody's levels are sets of slots, the best first; whoever fits no level goes without. A group
is never divided. The answer is lexicographic: no later one ever takes a slot at the cost of an
earlier one's level, whatever could be gained by it. Greedy steps are kept where they reach a level
that nothing better can beat; where they are stuck, OR-tools' CP-SAT rearranges all before or
proves that no rearrangement exists. One worker and a fixed seed: the same input, the same answer.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Final

from ortools.sat.python import cp_model

from tallystick.core.errors import TallystickError

SEED: Final = 7
QUICK_STEPS: Final = 0.05
STEPS_MAX: Final = 100.0
"""CP-SAT's deterministic time, which counts work and not seconds: a quick look, and the most."""

Slots = frozenset[int]


@dataclass(frozen=True, slots=True)
class Unit:
    """Those who are placed together: how many, and the sets of slots they could have, best first.

    ``preferred`` slots are given within the level, in order, once everybody's level is fixed: no
    preference costs anybody a level. There is no weight, and there shall be none.
    """

    size: int
    levels: tuple[Slots, ...]
    preferred: Slots = frozenset()


@dataclass(frozen=True, slots=True)
class Row:
    """A ceiling over some slots together."""

    slots: Slots
    ceiling: int


@dataclass(frozen=True, slots=True)
class Fit:
    """What one unit got: its level, counted from 0, and a slot; or neither."""

    level: int | None
    slot: int | None


class Undecided(TallystickError):
    """Whether an arrangement exists could not be decided in the steps allowed; nobody is placed."""

    code, money, say = 8720, "no money here; every case stays as it is", ""


Group = tuple[Slots, int]
"""Units that may stand for one another: the same set of slots and the same size."""


@dataclass
class Packing:
    """The units accepted so far, with one arrangement that has room for them all."""

    rows: Sequence[Row]
    steps_max: float = STEPS_MAX
    where: dict[Group, dict[int, int]] = field(default_factory=lambda: defaultdict(dict))
    failed: list[Group] = field(default_factory=list)

    def __post_init__(self) -> None:
        for one in self.rows:
            for two in self.rows:
                meet = one.slots & two.slots
                if meet not in (frozenset(), one.slots, two.slots):
                    raise ValueError("rows are nested or apart; these cross")
        self.used = [0] * len(self.rows)
        self.rows_of: dict[int, list[int]] = defaultdict(list)
        for number, row in enumerate(self.rows):
            for slot in row.slots:
                self.rows_of[slot].append(number)

    def hopeless(self, slots: Slots, size: int) -> bool:
        """Say whether this was proved impossible, for as many or fewer in at least these slots."""
        return not slots or any(slots <= wide and size >= small for wide, small in self.failed)

    def slack(self, slot: int) -> int:
        """Return how many more a slot takes as things stand."""
        return min(self.rows[row].ceiling - self.used[row] for row in self.rows_of[slot])

    def put(self, group: Group, slot: int) -> None:
        """Put one more of a group into a slot."""
        self.where[group][slot] = self.where[group].get(slot, 0) + 1
        for row in self.rows_of[slot]:
            self.used[row] += group[1]

    def accept(self, group: Group) -> bool:
        """Take one more without moving anybody, into the emptiest slot; say whether it went."""
        slack, slot = max((self.slack(slot), -slot) for slot in group[0])
        if slack < group[1]:
            return False
        self.put(group, -slot)
        return True

    def full(self, slots: Slots, size: int) -> bool:
        """Prove without the solver that moving others cannot make room for so many.

        Grow the slots by those of everybody who stands in a row without enough room. When each
        slot lies in such a row, whoever must be in these rows is in them already, and the room
        left in all of them together may be too little. (Rows are nested or apart, so the
        outermost of them count everybody once.)
        """
        reach, new, shut = set(slots), set(slots), set[int]()
        while new:
            close = {row for slot in new for row in self.rows_of[slot] if self._room(row) < size}
            if any(close.isdisjoint(self.rows_of[slot]) for slot in new):
                return False
            inside = {slot for row in close for slot in self.rows[row].slots}
            wide = set(inside)
            for (other, _), places in self.where.items():
                if not inside.isdisjoint(places):
                    wide |= other
            new, shut = wide - reach, shut | close
            reach |= new
        outer = [r for r in shut if not any(self.rows[r].slots < self.rows[o].slots for o in shut)]
        return sum(self._room(row) for row in outer) < size

    def _room(self, row: int) -> int:
        return self.rows[row].ceiling - self.used[row]

    def shift(self, joining: Group) -> bool:
        """Take one more by a chain of moves, each into the room that the next one leaves.

        Quick, and no proof: where no chain is found an arrangement may still exist.
        """
        size = joining[1]
        came: dict[int, tuple[int, int, Group] | None] = dict.fromkeys(sorted(joining[0]))
        queue = list(came)
        for slot in queue:
            close = [row for row in self.rows_of[slot] if self._room(row) < size]
            if not close:
                return self._apply(joining, slot, came)
            inner = min(close, key=lambda row: len(self.rows[row].slots))
            for group, places in self.where.items():
                if group[1] != size or group[0] <= came.keys():
                    continue
                source = min((s for s in self.rows[inner].slots if places.get(s)), default=None)
                for target in sorted(group[0] - came.keys()) if source is not None else ():
                    came[target] = (slot, source or 0, group)
                    queue.append(target)
        return False

    def _apply(
        self, joining: Group, end: int, came: dict[int, tuple[int, int, Group] | None]
    ) -> bool:
        """Make the moves of a chain from its end; undo them if nested rows do not allow it."""
        moves: list[tuple[Group, int, int]] = []
        slot = end
        while (step := came[slot]) is not None:
            moves.append((step[2], step[1], slot))
            slot = step[0]
        self.put(joining, slot)
        for group, source, target in moves:
            self._drop(group, source)
            self.put(group, target)
        if all(self._room(row) >= 0 for row in range(len(self.rows))):
            return True
        for group, source, target in reversed(moves):
            self._drop(group, target)
            self.put(group, source)
        self._drop(joining, slot)
        return False

    def rearrange(self, joining: Group) -> bool:
        """Take one more by moving others within their levels; say whether any arrangement can.

        Those who stand near are moved first, a small question; then all, which is the proof.
        """
        rows = {row for slot in joining[0] for row in self.rows_of[slot]}
        near = {slot for row in rows for slot in self.rows[row].slots}
        close = [g for g, places in self.where.items() if not near.isdisjoint(places)]
        quick, every = min(QUICK_STEPS, self.steps_max), list(self.where)
        for movable, relaxed in ((close, 0), (every, 2), (every, 0)):
            with suppress(Undecided):
                if self._solve(joining, movable, relaxed, quick):
                    return True
                if movable is every:
                    return False
        return self._solve(joining, every, 2, self.steps_max)

    def _solve(
        self, joining: Group, movable: Sequence[Group], relaxed: int, steps_max: float
    ) -> bool:
        """Look for an arrangement in which only these groups are moved.

        With linear relaxation a proof that there is none is quick, without it finding one often is.
        """
        model, free = cp_model.CpModel(), [row.ceiling for row in self.rows]
        still = self.where.keys() - set(movable) - {joining}
        for group in still:
            for slot, many in self.where[group].items():
                for row in self.rows_of[slot]:
                    free[row] -= group[1] * many
        in_row: list[list[Any]] = [[] for _ in self.rows]
        placed = {
            group: self._vary(model, group, in_row, int(group == joining))
            for group in dict.fromkeys((*movable, joining))
        }
        for ceiling, terms in zip(free, in_row, strict=True):
            model.add(sum(terms) <= ceiling)
        solver = _ask(model, relaxed, steps_max)
        if solver is None:
            return False
        found = {g: {s: solver.value(x) for s, x in xs.items()} for g, xs in placed.items()}
        for group, xs in found.items():
            for slot, many in list(self.where[group].items()):
                for _ in range(many):
                    self._drop(group, slot)
            for slot, many in xs.items():
                for _ in range(many):
                    self.put(group, slot)
        return True

    def _vary(self, model: Any, group: Group, in_row: list[list[Any]], more: int) -> dict[int, Any]:
        (slots, size), many = group, sum(self.where[group].values()) + more
        xs = {slot: model.new_int_var(0, many, "") for slot in sorted(slots)}
        model.add(sum(xs.values()) == many)
        for slot, x in xs.items():
            model.add_hint(x, self.where[group].get(slot, 0))
            for row in self.rows_of[slot]:
                in_row[row].append(size * x)
        return xs

    def narrow(self, wide: Group, tight: Group) -> bool:
        """Move one of a group into fewer slots, if all others keep theirs; say whether it went."""
        here = self.where[wide]
        slot = min((s for s in here if s in tight[0]), default=min(here))
        self._drop(wide, slot)
        if slot in tight[0]:
            self.put(tight, slot)
            return True
        if self.accept(tight):
            return True
        if not self.full(*tight) and (self.shift(tight) or self.rearrange(tight)):
            return True
        self.put(wide, slot)
        return False

    def _drop(self, group: Group, slot: int) -> None:
        self.where[group][slot] -= 1
        if not self.where[group][slot]:
            del self.where[group][slot]
        for row in self.rows_of[slot]:
            self.used[row] -= group[1]


def _ask(model: Any, relaxed: int, steps_max: float) -> Any:
    """Return the solver with an arrangement, None if there is none; or raise `Undecided`."""
    solver = cp_model.CpSolver()
    solver.parameters.num_workers = 1
    solver.parameters.random_seed = SEED
    solver.parameters.cp_model_probing_level = 0
    solver.parameters.linearization_level = relaxed
    solver.parameters.max_deterministic_time = steps_max
    status = solver.solve(model)
    if status not in (cp_model.OPTIMAL, cp_model.INFEASIBLE):
        raise Undecided
    return solver if status == cp_model.OPTIMAL else None


def pack(units: Sequence[Unit], rows: Sequence[Row], steps_max: float = STEPS_MAX) -> list[Fit]:
    """Return what each unit gets, in order. Exact; deterministic; or raise `Undecided`."""
    packing = Packing(rows, steps_max)
    levels = [_take(packing, unit) for unit in units]
    groups: list[Group | None] = [
        None if level is None else (unit.levels[level], unit.size)
        for unit, level in zip(units, levels, strict=True)
    ]
    _prefer(packing, units, groups)
    return _hand_out(levels, groups, packing)


def _take(packing: Packing, unit: Unit) -> int | None:
    """Take a unit at the best level that leaves all before it theirs; return the level."""
    for level, slots in enumerate(unit.levels):
        group = (slots, unit.size)
        if packing.hopeless(slots, unit.size):
            continue
        if packing.accept(group):
            return level
        if not packing.full(*group) and (packing.shift(group) or packing.rearrange(group)):
            return level
        packing.failed.append(group)
    return None


def _prefer(packing: Packing, units: Sequence[Unit], groups: list[Group | None]) -> None:
    """Narrow each in order to the slots they prefer, where that takes nobody's level."""
    in_vain: set[tuple[Group, Group]] = set()
    for number, (unit, wide) in enumerate(zip(units, groups, strict=True)):
        if wide is None or not (slots := unit.preferred & wide[0]) or slots == wide[0]:
            continue
        tight = (slots, unit.size)
        if (wide, tight) in in_vain:
            continue
        if packing.narrow(wide, tight):
            groups[number] = tight
        else:
            in_vain.add((wide, tight))


def _hand_out(
    levels: Sequence[int | None], groups: Sequence[Group | None], packing: Packing
) -> list[Fit]:
    """Give each group's slots to its units in their order."""
    left = {group: dict(sorted(slots.items())) for group, slots in packing.where.items()}
    fits = []
    for level, group in zip(levels, groups, strict=True):
        if group is None:
            fits.append(Fit(None, None))
            continue
        slots = left[group]
        slot = next(iter(slots))
        slots[slot] -= 1
        if not slots[slot]:
            del slots[slot]
        fits.append(Fit(level, slot))
    return fits
