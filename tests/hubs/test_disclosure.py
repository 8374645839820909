"""An attacker with every published table of every quarter learns of no small group.

The attacker shares no code with what hides: it differences every pair of published cells, bounds
each group by linear programming over all of them together, and does both over time.
"""

from __future__ import annotations

import datetime as dt
import functools
import itertools
import json
import random  # noqa: TID251 - seeded worlds
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import sqlalchemy as sa
from click.testing import CliRunner
from scipy.optimize import linprog

from tallystick.cli import main
from tallystick.core import journal
from tallystick.core.clock import SeededClock
from tallystick.core.store import Store
from tallystick.hubs import disclosure, statistics
from tallystick.hubs.disclosure import SMALL, Atom, Cell, NotProtected, hide, revealed
from tallystick.hubs.statistics import RELEASES, STEPS, FigureWrong, QuarterRefused
from tallystick.hubs.tables import AGREEMENTS, CASES, EVENTS

QUARTERS = ("2026-Q1", "2026-Q2", "2026-Q3", "2026-Q4")
HOSTS = ("a", "b", "c", "none")
SENDERS = ("EU", "GB")


def world(seed: int) -> dict[Atom, int]:
    """Return a year of counts, most of them small, some nothing, a few large."""
    chance = random.Random(seed)
    sizes = (0, 0, 1, 1, 2, 3, 4, 6, 9, 14, 30)
    steps = ("transferred", "died")
    keys = itertools.product(QUARTERS, steps, HOSTS, SENDERS)
    return {key: chance.choice(sizes) for key in keys}


def published(atoms: dict[Atom, int]) -> tuple[list[Cell], list[Cell]]:
    """Publish four quarters one after another; return what is shown, and all cells."""
    shown: list[Cell] = []
    every: list[Cell] = []
    for number, quarter in enumerate(QUARTERS, 1):
        until = {atom: n for atom, n in atoms.items() if atom[0] in QUARTERS[:number]}
        new = [cell for cell in statistics.cells_of(quarter, until) if cell.atoms]
        hidden = hide(shown, new, until)
        every += new
        shown += [cell for cell in new if cell.key not in hidden]
    return shown, every


def by_difference(shown: list[Cell], atoms: dict[Atom, int]) -> list[str]:
    """Subtract every published cell from every other that contains it."""
    found = []
    for outer, inner in itertools.permutations(shown, 2):
        if inner.atoms < outer.atoms and 0 < outer.count - inner.count < SMALL:
            found.append(f"{outer.key} less {inner.key} is {outer.count - inner.count}")
    return found


def by_linear_programming(
    shown: list[Cell], atoms: dict[Atom, int]
) -> Iterator[tuple[Atom, float, float]]:
    """Bound each group by all published cells of all quarters at once."""
    place = {atom: number for number, atom in enumerate(sorted(atoms))}
    rows = np.zeros((len(shown), len(place)))
    for number, cell in enumerate(shown):
        rows[number, [place[atom] for atom in cell.atoms]] = 1
    counts = np.array([cell.count for cell in shown], float)
    for atom, count in atoms.items():
        if 0 < count < SMALL:
            cost = np.zeros(len(place))
            cost[place[atom]] = 1
            least = linprog(cost, A_eq=rows, b_eq=counts, method="highs")
            most = linprog(-cost, A_eq=rows, b_eq=counts, method="highs")
            assert least.status == 0 and most.status in (0, 3)
            yield atom, least.fun, np.inf if most.status == 3 else -most.fun


def given_away(shown: list[Cell], atoms: dict[Atom, int]) -> list[str]:
    told = by_difference(shown, atoms)
    for atom, least, most in by_linear_programming(shown, atoms):
        if least > 1e-6 or most < SMALL - 1e-6:
            told.append(f"{atom} is {least:.1f} to {most:.1f}")
    return told


@functools.cache
def year(seed: int) -> tuple[dict[Atom, int], list[Cell], list[Cell]]:
    """A world with what is published of it, worked out once for both sides."""
    atoms = world(seed)
    return (atoms, *published(atoms))


@pytest.mark.parametrize("seed", range(4))
def test_the_attacker_learns_of_no_small_group_from_all_tables_of_a_year(seed: int) -> None:
    atoms, shown, every = year(seed)
    assert given_away(shown, atoms) == []
    assert len(shown) > len(every) / 4, "what hides everything protects nothing worth having"


@pytest.mark.parametrize("seed", range(4))
def test_without_secondary_suppression_the_attacker_succeeds(seed: int) -> None:
    """What the rule hides beyond the small figures is what the attacker lacks."""
    atoms, _, every = year(seed)
    primary_only = [cell for cell in every if not 0 < cell.count < SMALL]
    assert given_away(primary_only, atoms)
    assert revealed(primary_only, atoms), "the rule itself sees what the attacker sees"


def test_without_looking_at_earlier_quarters_the_year_gives_one_away() -> None:
    """Each quarter alone is safe; the year's total less three quarters is the fourth."""
    atoms: dict[Atom, int] = {}
    for quarter, people in zip(QUARTERS, (20, 20, 20, 3), strict=True):
        atoms[quarter, "transferred", "a", "GB"] = people
        atoms[quarter, "transferred", "b", "GB"] = 2 * people + 9
    blind: list[Cell] = []
    for number, quarter in enumerate(QUARTERS, 1):
        until = {atom: n for atom, n in atoms.items() if atom[0] in QUARTERS[:number]}
        for period in (quarter, *((quarter[:4],) if number == 4 else ())):
            cells = statistics.cells_of(quarter, until)
            new = [cell for cell in cells if cell.key[0] == period and cell.atoms]
            alone = {a: n for a, n in until.items() if a[0] == quarter or period == "2026"}
            blind += [c for c in new if c.key not in hide([], new, alone)]
    assert given_away(blind, atoms)
    shown, _ = published(atoms)
    assert given_away(shown, atoms) == []


def test_an_earlier_release_that_gives_one_away_is_named_and_nothing_is_published() -> None:
    atom: Atom = ("2026-Q1", "died", "a", "GB")
    leaked = Cell(("2026-Q1", "by-host", "died", "a"), frozenset({atom}), 2)
    with pytest.raises(NotProtected, match="1 small group"):
        hide([leaked], [], {atom: 2})


def test_the_fewest_cells_are_hidden() -> None:
    """One small cell of a row of four with its total: one more is enough, the smallest that is."""
    counts = {"a": 2, "b": 40, "c": 30, "d": 90}
    atoms: dict[Atom, int] = {("q", "s", host, "x"): n for host, n in counts.items()}
    cells = [Cell(("q", "t", "s", a[2]), frozenset({a}), n) for a, n in atoms.items()]
    cells.append(Cell(("q", "t", "s", "all"), frozenset(atoms), 162))
    assert len(hide([], cells, atoms)) == 2
    assert ("q", "t", "s", "a") in hide([], cells, atoms)


def test_too_many_groups_are_refused() -> None:
    many: dict[Atom, int] = {(str(n),): 0 for n in range(disclosure.ATOMS_MAX + 1)}
    with pytest.raises(NotProtected, match="at most"):
        hide([], [], many)


class Office:
    """A database with events of four quarters, as cases leave them."""

    def __init__(self, url: str) -> None:
        self.url, self.store = url, Store.open(url)
        self.store.migrate()
        self.clock = SeededClock(5, dt.datetime(2026, 1, 5, 9, tzinfo=dt.UTC))
        self.cases = 0
        with self.store.transact() as tx:
            for host in HOSTS[:3]:
                row = {"id": host, "sender": "GB", "country": "XS", "name": host}
                tx.execute(sa.insert(AGREEMENTS).values(**row, made_at=self.clock.now()))

    def case(self, host: str, sender: str, kind: str, before: str, after: str) -> None:
        """Write a case whose one event is this."""
        self.cases += 1
        one, now = f"c{self.cases}", self.clock.now()
        texts = ("identity", "caseworker", "lawyer", "proposal", "digest")
        with self.store.transact() as tx:
            row = {"id": one, "reference": one, "person": one, "state": after, "sender": sender}
            times = {"opened_at": now, "moved_at": now}
            tx.execute(
                sa.insert(CASES).values(**row, **times, host=host, **dict.fromkeys(texts, ""))
            )
            mark = journal.commit(self.clock.random_bytes(16), {"case": one})
            entry = journal.append(tx, "hubs", "case", mark, now)
            step = {"case": one, "n": 1, "at": now, "kind": kind, "before": before, "after": after}
            sealed = {"by": "x", "sealed": b"", "commitment": mark, "entry": entry.seq}
            tx.execute(sa.insert(EVENTS).values(**step, **sealed))

    def publish(self, quarter: str) -> statistics.Release:
        with self.store.transact() as tx:
            return statistics.publish(tx, self.clock, quarter, "Statistician")


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Office]:
    made = Office(f"sqlite:///{tmp_path_factory.mktemp('office')}/tallystick.sqlite")
    chance = random.Random(3)
    for _ in range(3):
        for host in HOSTS[:3]:
            for _ in range(chance.choice((1, 3, 8, 12))):
                made.case(host, chance.choice(SENDERS), "arrived", "ready", "transferred")
        made.case("a", "GB", "died", "stay", "died")
        made.case("b", "EU", "settled", "notice", "submissions")
        made.clock.advance(91 * 86_400)
    yield made
    made.store.close()


@pytest.fixture(scope="module")
def released(office: Office) -> list[statistics.Release]:
    return [office.publish(quarter) for quarter in QUARTERS[:2]]


def test_a_quarter_is_published_once_after_its_end_and_in_order(
    office: Office, released: list[statistics.Release]
) -> None:
    for quarter, says in (("2026-Q2", "is published"), ("2026-Q1", "cannot"), ("2027-Q4", "over")):
        with pytest.raises(QuarterRefused, match=says):
            office.publish(quarter)
    with pytest.raises(QuarterRefused, match="no quarter"):
        office.publish("2026-Q5")


def test_a_release_hides_the_death_of_one_and_tells_the_large_numbers(
    released: list[statistics.Release],
) -> None:
    figures = {one.key: one.value for one in released[0].figures}
    assert figures["2026-Q1", "by-host", "died", "all"] is None
    assert figures["2026-Q1", "by-host", "stopped", "all"] is None
    assert {row for _, _, row, _ in figures} == set(STEPS)
    assert any(value is not None and value >= SMALL for value in figures.values())
    assert "2026-Q1,by-host,died,all,c\n" in released[0].csv()


def test_every_figure_is_proved_from_the_records_and_the_journal(
    office: Office, released: list[statistics.Release]
) -> None:
    with office.store.read() as tx:
        shown = [one for one in released[1].figures if one.value is not None]
        assert statistics.prove(tx, "2026-Q2") == len(shown) > 0
        entry = journal.find(tx, released[1].commitment)
    assert entry is not None and entry[0] == released[1].entry
    salt = bytes.fromhex(released[1].salt)
    assert journal.commit(salt, released[1].content()) == released[1].commitment


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda tx: _alter(tx, 1), "does not commit"),
        (lambda tx: tx.execute(sa.delete(EVENTS).where(EVENTS.c.kind == "died")), "not those"),
        (lambda tx: _alter(tx, 0), "not what the records say|do not add up"),
    ],
    ids=["a figure altered", "records taken away", "counts altered"],
)
def test_a_figure_that_does_not_follow_is_caught(
    office: Office, released: list[statistics.Release], change: Any, says: str
) -> None:
    with office.store.engine.connect() as tx:
        tx.exec_driver_sql("BEGIN")
        change(tx)
        with pytest.raises(FigureWrong, match=says):
            statistics.prove(tx, "2026-Q1")
        tx.exec_driver_sql("ROLLBACK")


def _alter(tx: Any, figure: int) -> None:
    where = RELEASES.c.quarter == "2026-Q1"
    if figure:
        tables = tx.execute(sa.select(RELEASES.c.tables).where(where)).scalar_one()
        rows = json.loads(tables)
        next(one for one in rows if one["value"])["value"] += 1
        tx.execute(sa.update(RELEASES).where(where).values(tables=json.dumps(rows).encode()))
        return
    atoms = json.loads(tx.execute(sa.select(RELEASES.c.atoms).where(where)).scalar_one())
    next(one for one in atoms if one[-1])[-1] += 1
    tx.execute(sa.update(RELEASES).where(where).values(atoms=json.dumps(atoms).encode()))


def test_a_year_as_it_is_really_published_gives_nobody_away(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    """The fourth quarter holds three; the year's total less the others must not say so."""
    made = Office(f"sqlite:///{tmp_path_factory.mktemp('year')}/tallystick.sqlite")
    for people in (6, 7, 8, 3):
        for host in ("a", "b"):
            for _ in range(people):
                made.case(host, "GB", "arrived", "ready", "transferred")
        made.clock.advance(92 * 86_400)
    releases = [made.publish(quarter) for quarter in QUARTERS]
    with made.store.read() as tx:
        atoms = {a: n for q in QUARTERS for a, n in statistics.count(tx, q).atoms.items()}
    made.store.close()
    shown = []
    for one in releases:
        until = {atom: n for atom, n in atoms.items() if atom[0] <= one.quarter}
        keys = {figure.key for figure in one.figures if figure.value is not None}
        shown += [c for c in statistics.cells_of(one.quarter, until) if c.key in keys]
    assert sum(0 < n < SMALL for n in atoms.values()) == 2
    assert given_away(shown, atoms) == []
    year = {figure.key: figure.value for figure in releases[3].figures}
    assert year["2026", "by-host", "transferred", "a"] is None
    assert year["2026", "by-host", "transferred", "all"] == 48


def test_the_commands_publish_show_and_prove(office: Office) -> None:
    def run(*args: str) -> Any:
        more = ("--database", office.url, "--data", str(Path(office.url[10:]).parent))
        return CliRunner().invoke(main, ["hubs", "statistics", *args, *more])

    said = run("publish", "2026-Q3", "--by", "Statistician")
    assert said.exit_code == 0 and "hidden; entry" in said.output, said.output
    assert run("show", "2026-Q3").output.startswith("period,table,row,column,people\n")
    assert "follow from the records" in run("prove", "2026-Q3").output
    again = run("publish", "2026-Q3", "--by", "Statistician")
    assert again.exit_code == 1 and "8741" in again.output
    assert "not published" in run("show", "2019-Q1").output
