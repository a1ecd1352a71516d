"""How well the model did on the rows it was sealed with; carried in the package for cards and gates."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypedDict

import numpy as np
from numpy.typing import NDArray

from roadworthy.measures import auc, brier, confusion, gains_table, gini, ks

__all__ = ["AtCutOff", "Evaluation", "TrueReasons", "evaluate"]


class AtCutOff(TypedDict):
    """What the confusion at one cut-off comes to, in words."""

    cut_off: float
    sentence: str


class TrueReasons(TypedDict):
    """Of `count` rows with a PD of `cut_off` or more: how many have adjusted reasons, and how many none that is true.

    At most `most` columns are stated of each.
    """

    cut_off: float
    most: int
    count: int
    adjusted: int
    none: int


class _Counted(TypedDict):
    population: str
    count: int
    failed: int
    bads: int
    bad_rate: float | None
    mean_pd: float | None


class Evaluation(_Counted, total=False):
    """The figures, of the rows that the model answered; those of discrimination only where there are bads and goods."""

    auc: float
    gini: float
    ks: float
    brier: float
    gains: dict[str, list[Any]]
    confusion: list[AtCutOff]
    true_reasons: TrueReasons


def evaluate(
    bad: NDArray[np.float64],
    pd: NDArray[np.float64],
    weights: NDArray[np.float64] | None,
    cut_offs: Sequence[float],
    population: str,
) -> Evaluation:
    """Counts, discrimination, calibration and confusion, as plain data; rows without a PD are counted, not measured."""
    known = ~np.isnan(pd)
    bad, pd = bad[known], pd[known]
    weights = None if weights is None else weights[known]
    found: Evaluation = {
        "population": population,
        "count": len(bad),
        "failed": int(np.sum(~known)),
        "bads": int(bad.sum()),
        "bad_rate": float(np.average(bad, weights=weights)) if len(bad) else None,
        "mean_pd": float(np.average(pd, weights=weights)) if len(bad) else None,
    }
    if len(np.unique(bad)) < 2:
        return found
    return {
        **found,
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
