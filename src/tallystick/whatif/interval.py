"""An answer as an interval: the middle, and between what 5, 8 and 19 in 20 runs lie."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np

QUANTILES: Final = (0.025, 0.1, 0.25, 0.5, 0.75, 0.9, 0.975)


@dataclass(frozen=True, slots=True)
class Interval:
    """Quantiles over runs."""

    low95: float
    low80: float
    low50: float
    middle: float
    high50: float
    high80: float
    high95: float
    mean: float

    @classmethod
    def of(cls, values: Any) -> Interval:
        """Return the interval of values over runs; those that are not numbers are left out."""
        kept = np.asarray(values, float)
        kept = kept[np.isfinite(kept)]
        if not len(kept):
            return cls(*[float("nan")] * 8)
        low95, low80, low50, middle, high50, high80, high95 = np.quantile(kept, QUANTILES).tolist()
        mean = float(kept.mean())
        return cls(low95, low80, low50, middle, high50, high80, high95, mean)
