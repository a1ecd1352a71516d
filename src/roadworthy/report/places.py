"""Which row of a table the words speak of."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from roadworthy.measures import Calibration, GainsTable

__all__ = ["agreeing", "riskiest_tenth"]


def riskiest_tenth(table: GainsTable) -> int:
    """The bucket that ends closest to a tenth of the applications, whatever the bucket count and the ties."""
    return int(np.abs(table.cumulative_count_share - 0.1).argmin())


def agreeing(table: Calibration) -> NDArray[np.bool_]:
    """For each bucket, whether the prediction lies inside the interval of what was observed."""
    return (table.observed_low <= table.predicted) & (table.predicted <= table.observed_high)
