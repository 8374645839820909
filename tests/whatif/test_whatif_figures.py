"""Every figure says where it was read and how; a folder that does not is refused."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tallystick.whatif import figures, parameters, posterior, world
from tallystick.whatif.errors import BadFigures, NotCalibrated


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return Path(shutil.copytree(figures.FOLDER, tmp_path / "data"))


def test_every_figure_has_a_source_and_a_mark() -> None:
    known, tables = figures.published()
    assert len(known) > 15 and set(tables) == {"quarters", "nationalities", "claim_years"}
    for one in [*known.values(), *tables.values()]:
        assert one.source and one.say and one.mark in figures.MARKS
    for table in tables.values():
        for column in table.columns:
            assert any(column.startswith(name) for name in table.means), column
    for item in parameters.ALL:
        assert item.source and item.say and item.mark in figures.MARKS, item.name
        assert item.low <= item.usual <= item.high or item.name == "hub_places"


@pytest.mark.parametrize(
    ("file", "old", "new", "says"),
    [
        ("published.toml", 'source = "NACCOM"', 'source = ""', "further_grants has no source"),
        ("published.toml", 'mark = "M"', 'mark = "X"', "the mark 'X'"),
        ("published.toml", "value = [14378]", 'value = ["many"]', "is no number"),
        ("quarters.csv", "quarter,claims", "quarter,clams", "column clams"),
        ("quarters.csv", "2021Q1,7191", "2021Q1,-7191", "below zero"),
    ],
)
def test_a_figure_without_its_origin_is_refused(
    folder: Path, file: str, old: str, new: str, says: str
) -> None:
    text = (folder / file).read_text("utf-8")
    assert old in text
    (folder / file).write_text(text.replace(old, new), "utf-8")
    with pytest.raises(BadFigures, match=says):
        figures.read(folder)


def test_a_file_larger_than_any_of_ours_is_refused(folder: Path) -> None:
    (folder / "quarters.csv").write_text("x" * (figures.FILE_BYTES_MAX + 1))
    with pytest.raises(BadFigures, match="larger than"):
        figures.read(folder)


def test_what_was_not_published_is_not_made_up() -> None:
    table = figures.tables("quarters")
    assert table.at("2025Q4", "awaiting") == 64_426
    with pytest.raises(BadFigures, match="appeals_lodged of 2025Q3 was not published"):
        table.at("2025Q3", "appeals_lodged")


def test_published_sums_reconcile() -> None:
    table = figures.tables("quarters")
    quarters = [f"2025Q{q}" for q in range(1, 5)]
    assert sum(table.at(q, "claims") for q in quarters) == 100_625
    assert sum(table.at(q, "grants") + table.at(q, "refusals") for q in quarters) == 135_151
    outflow = sum(table.at(q, "outcomes") for q in quarters)
    change = table.at("2025Q4", "awaiting") - table.at("2024Q4", "awaiting")
    assert abs(change - (100_625 - outflow)) < 0.02 * outflow


def test_the_world_is_made_of_shares_and_rates() -> None:
    here = world.future(24)
    assert len(here.names) == 25 and here.names[-1] == world.OTHERS
    assert here.mix.sum() == pytest.approx(1) and here.factors[0].sum() == pytest.approx(1)
    assert world.boat_mix().sum() == pytest.approx(1)
    assert here.factors[4].max() <= 1, "no more by boat than come at all"
    assert here.season.mean() == pytest.approx(1)
    rates = 1 / (1 + 2.718281828 ** -here.grants[0])
    assert rates[here.names.index("Sudan")] > 0.9 > 0.1 > rates[here.names.index("India")]


def test_a_posterior_is_refused_beside_other_figures(tmp_path: Path) -> None:
    told = posterior.path_of("now").read_text("utf-8")
    assert posterior.load("now").made["draws"] == 1_000_000
    changed = tmp_path / "posterior.csv"
    changed.write_text(told.replace(figures.digest(), "0" * 64), "utf-8")
    with pytest.raises(NotCalibrated, match="figures changed"):
        posterior.load("now", changed)


def test_the_digest_names_the_tables_that_calibration_reads(folder: Path) -> None:
    assert figures.digest(folder) == figures.digest()
    (folder / "quarters.csv").write_text((folder / "quarters.csv").read_text() + "\n")
    assert figures.digest(folder) != figures.digest()
