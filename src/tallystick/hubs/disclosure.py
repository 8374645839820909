"""Which cells of published tables are hidden, so that no difference of tables reveals a person.

The smallest groups that the records tell apart are the atoms (one kind of step, one host, one
quarter). Everything published is a sum of atoms, so whoever has all tables of all times together
has a system of equations. The rule is on the atoms: wherever an atom holds one to four people, the
equations must leave it open whether nobody is in it or five. A sum that could be computed from any
tables then holds nobody small, in whatever way it was computed: if it did, its atoms would be
bounded by it. Cells are hidden until that is so, the fewest for each atom in turn, by CP-SAT; what
was published before stays as it is and counts (method: Fischetti and Salazar-Gonzalez, Management
Science 47(7), 2001, doi:10.1287/mnsc.47.7.1008.9805).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from ortools.sat.python import cp_model

from tallystick.core.errors import TallystickError

SMALL: Final = 5
"""A group of fewer than this, and of somebody, must not be told."""
SEED: Final = 7
STEPS_MAX: Final = 60.0
"""CP-SAT's deterministic time for one atom: work, not seconds. Past it more is hidden, not less."""
ATOMS_MAX: Final = 20_000
HIDE_COST: Final = 20
"""What hiding a cell costs besides its people: fewer cells first, then smaller ones."""

Atom = tuple[str, ...]
Key = tuple[str, ...]


class NotProtected(TallystickError):
    """Tables would reveal a small group whatever is hidden of the new ones; none is published."""

    code, money, say = 8740, "no money here; nothing was published", ""


@dataclass(frozen=True, slots=True)
class Cell:
    """A figure of a table: what it is called, the atoms that it counts, and the true count."""

    key: Key
    atoms: frozenset[Atom]
    count: int


def _solver(model: Any) -> tuple[Any, Any]:
    solver = cp_model.CpSolver()
    solver.parameters.num_workers = 1
    solver.parameters.random_seed = SEED
    solver.parameters.max_deterministic_time = STEPS_MAX
    return solver, solver.solve(model)


def near(cells: Sequence[Cell], target: Atom) -> list[Cell]:
    """Return the cells that have anything to do with an atom, through any others."""
    found: list[Cell] = []
    reach, rest = {target}, list(cells)
    while True:
        touching = [cell for cell in rest if not reach.isdisjoint(cell.atoms)]
        if not touching:
            return found
        rest = [cell for cell in rest if reach.isdisjoint(cell.atoms)]
        found += touching
        reach.update(*(cell.atoms for cell in touching))


class World:
    """Another assignment of people to atoms that somebody outside might suppose."""

    def __init__(self, model: Any, cells: Iterable[Cell], most: int) -> None:
        self.model, self.most = model, most
        self.people: dict[Atom, Any] = {}
        for cell in cells:
            for atom in sorted(cell.atoms):
                self.of(atom)

    def of(self, atom: Atom) -> Any:
        """Return how many this world has in an atom."""
        if atom not in self.people:
            self.people[atom] = self.model.new_int_var(0, self.most, "")
        return self.people[atom]

    def agrees(self, cell: Cell) -> Any:
        """Return the constraint that this world counts a cell as published."""
        return self.model.add(sum(self.of(atom) for atom in sorted(cell.atoms)) == cell.count)


def revealed(published: Sequence[Cell], atoms: Mapping[Atom, int]) -> list[Atom]:
    """Return the small atoms that what is published gives away."""
    return [atom for atom in small(atoms) if not _open(published, atom, _most(atoms))]


def small(atoms: Mapping[Atom, int]) -> list[Atom]:
    """Return the atoms of one to four people, the smallest first."""
    found = [atom for atom, count in atoms.items() if 0 < count < SMALL]
    return sorted(found, key=lambda atom: (atoms[atom], atom))


def _most(atoms: Mapping[Atom, int]) -> int:
    return sum(atoms.values()) + SMALL


def _open(published: Sequence[Cell], target: Atom, most: int) -> bool:
    """Say whether both nobody and `SMALL` people in an atom fit what is published."""
    linked = near(published, target)
    if not linked:
        return True  # no figure has anything to do with it
    model = cp_model.CpModel()
    for few in (True, False):
        world = World(model, linked, most)
        for cell in linked:
            world.agrees(cell)
        model.add(world.of(target) == 0 if few else world.of(target) >= SMALL)
    return _solver(model)[1] in (cp_model.OPTIMAL, cp_model.FEASIBLE)


def hide(before: Sequence[Cell], new: Sequence[Cell], atoms: Mapping[Atom, int]) -> frozenset[Key]:
    """Return the keys of the new cells that must not be shown; raise `NotProtected`.

    ``before`` are the cells shown in all earlier releases; ``atoms`` the true counts behind all.
    """
    if len(atoms) > ATOMS_MAX:
        raise NotProtected(f"{len(atoms)} atoms; at most {ATOMS_MAX} can be protected")
    most, hidden = _most(atoms), {cell.key for cell in new if 0 < cell.count < SMALL}
    for target in small(atoms):
        shown = [cell for cell in new if cell.key not in hidden]
        if not _open([*before, *shown], target, most):
            hidden |= _fewest(before, shown, target, most)
    left = [cell for cell in new if cell.key not in hidden]
    if gone := revealed([*before, *left], atoms):
        raise NotProtected(f"{len(gone)} small groups would be revealed by earlier tables alone")
    return frozenset(hidden)


def _fewest(before: Sequence[Cell], shown: Sequence[Cell], target: Atom, most: int) -> set[Key]:
    """Return the fewest and smallest cells to hide so that an atom may hold nobody or five."""
    model = cp_model.CpModel()
    linked = {cell.key for cell in near([*before, *shown], target)}
    cells = [cell for cell in shown if cell.key in linked]
    fixed = [cell for cell in before if cell.key in linked]
    hides = {cell.key: model.new_bool_var("") for cell in cells}
    for few in (True, False):
        world = World(model, [*fixed, *cells], most)
        for cell in fixed:
            world.agrees(cell)
        for cell in cells:
            world.agrees(cell).only_enforce_if(~hides[cell.key])
        model.add(world.of(target) == 0 if few else world.of(target) >= SMALL)
    costs = {cell.key: HIDE_COST + min(cell.count, HIDE_COST) for cell in cells}
    model.minimize(sum(costs[key] * flag for key, flag in hides.items()))
    solver, status = _solver(model)
    if status not in (cp_model.OPTIMAL, cp_model.FEASIBLE):
        return {cell.key for cell in cells}
    return {key for key, flag in hides.items() if solver.value(flag)}
