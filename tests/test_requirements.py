"""The page of demands against scams and for access names tests that exist, and hides no gap."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from reference_requirements import DEMANDS, Demand

HERE = Path(__file__).parent


def names_of(path: Path) -> set[str]:
    tree = ast.parse(path.read_text("utf-8"))
    return {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}


@pytest.mark.parametrize("demand", DEMANDS, ids=range(1, len(DEMANDS) + 1))
def test_each_test_that_holds_a_demand_exists(demand: Demand) -> None:
    for named in demand.tests:
        file, _, name = named.partition("::")
        assert name in names_of(HERE / file), f"{named} is gone: what holds the demand now?"


def test_none_of_the_thirty_is_left_out_and_each_gap_is_said() -> None:
    assert len(DEMANDS) == 30
    assert all(one.tests or one.missing for one in DEMANDS)
