"""The operations of an OpenAPI document as separate tests, each with a name of its own.

schemathesis' own way to make tests gives all of them one name, of which a run on several processes
keeps only the first. ``make soak`` tries other cases, and many times as many.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

import schemathesis
from hypothesis import HealthCheck, Phase, given, seed, settings

SEED, TIMES = os.environ.get("FUZZ_SEED"), int(os.environ.get("FUZZ_TIMES", "1"))
"""A soak's seed, without which the cases are the same in every run; and how many times as many."""


def operations(document: dict[str, Any]) -> dict[str, Any]:
    """Return each operation by its label, in the document's order."""
    found = schemathesis.openapi.from_dict(document).get_all_operations()
    return {operation.ok().label: operation.ok() for operation in found}


def for_each_case(operation: Any, check: Callable[[Any], None], cases: int) -> None:
    """Check so many cases of one operation, the same ones in every run with the same seed."""

    @settings(
        max_examples=cases * TIMES,
        deadline=None,
        derandomize=SEED is None,
        database=None,
        phases=[Phase.explicit, Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=operation.as_strategy())
    def each(case: Any) -> None:
        check(case)

    (each if SEED is None else seed(int(SEED))(each))()
