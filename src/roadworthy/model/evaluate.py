"""How well the model did on the rows it was sealed with; carried in the package for cards and gates."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from roadworthy.measures import auc, brier, confusion, gains_table, gini, ks

__all__ = ["evaluate"]


def evaluate(
    bad: NDArray[np.float64],
    pd: NDArray[np.float64],
    weights: NDArray[np.float64] | None,
    cut_offs: Sequence[float],
    population: str,
) -> dict[str, Any]:
    """Counts, discrimination, calibration and confusion, as plain data; rows without a PD are counted, not measured."""
    known = ~np.isnan(pd)
    bad, pd = bad[known], pd[known]
    weights = None if weights is None else weights[known]
    found: dict[str, Any] = {
        "population": population,
        "count": len(bad),
        "failed": int(np.sum(~known)),
        "bads": int(bad.sum()),
        "bad_rate": float(np.average(bad, weights=weights)) if len(bad) else None,
        "mean_pd": float(np.average(pd, weights=weights)) if len(bad) else None,
    }
    if len(np.unique(bad)) < 2:
        return found
    found |= {
        "auc": float(auc(bad, pd, weights=weights)),
        "gini": float(gini(bad, pd, weights=weights)),
        "ks": float(ks(bad, pd, weights=weights)),
        "brier": float(brier(bad, pd, weights=weights)),
        "gains": gains_table(bad, pd, weights=weights).to_arrow().to_pydict(),
        "confusion": [
            {"cut_off": float(cut), "sentence": confusion(bad, pd, cut_off=cut, weights=weights).sentence}
            for cut in cut_offs
        ],
    }
    return found
