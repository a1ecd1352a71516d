"""Gains and lift: the applications ranked and bucketed, with what was observed in each bucket (R16)."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import ArrayLike

from roadworthy.measures.buckets import By, fill_buckets
from roadworthy.measures.checks import check_outcomes
from roadworthy.measures.results import COUNT, NOT_STATED, PD, RATIO, SHARE, Floats, Ints, Table

__all__ = ["GainsTable", "gains_table"]


@dataclass(frozen=True, kw_only=True, repr=False, eq=False)
class GainsTable(Table):
    """Buckets from the riskiest down. Shares and rates are weighted; `count` is rows, `weight` and `bads` are weight.

    bucket                    1 is the riskiest; of stated edges or equal width, empty buckets are left out
    count, weight             rows in the bucket, and the weight they stand for
    score_low, score_high     lowest and highest score; None where none was given
    pd_low, pd_high, pd_mean  lowest, highest and mean PD
    bads, bad_rate            weight of bads; bads / weight
    cumulative_count_share    share of all weight in this bucket and the riskier ones
    cumulative_bads, capture  bads so far; their share of all bads
    lift, cumulative_lift     bad rate of the bucket, of all so far, over the base rate
    ks                        capture minus the share of all goods so far; its maximum is the bucketed KS, which is at
                              most the exact one of `ks`

    `rule` says how the buckets were made; `tied_rows` counts rows that share their PD (or score) with another.
    """

    bucket: Ints = field(metadata=COUNT)
    count: Ints = field(metadata=COUNT)
    weight: Floats = field(metadata=COUNT)
    score_low: Floats | None = field(default=None, metadata=RATIO)
    score_high: Floats | None = field(default=None, metadata=RATIO)
    pd_low: Floats = field(metadata=PD)
    pd_high: Floats = field(metadata=PD)
    pd_mean: Floats = field(metadata=PD)
    bads: Floats = field(metadata=COUNT)
    bad_rate: Floats = field(metadata=SHARE)
    cumulative_count_share: Floats = field(metadata=SHARE)
    cumulative_bads: Floats = field(metadata=COUNT)
    capture: Floats = field(metadata=SHARE)
    lift: Floats = field(metadata=RATIO)
    cumulative_lift: Floats = field(metadata=RATIO)
    ks: Floats = field(metadata=SHARE)
    tied_rows: int
    base_rate: float
    rule: str
    population: str

    @property
    def caption(self) -> str:
        """Size, base rate, ties and population."""
        return (
            f"Gains table: {self.count.sum():,} applications in {len(self)} buckets, base rate {self.base_rate:.2%}, "
            f"{self.tied_rows:,} rows share their {'PD' if self.score_low is None else 'score'}; {self.population}"
        )


def gains_table(
    bad: ArrayLike,
    pd: ArrayLike,
    *,
    weights: ArrayLike | None = None,
    buckets: int = 10,
    by: By = "count",
    edges: ArrayLike | None = None,
    score: ArrayLike | None = None,
    population: str = NOT_STATED,
) -> GainsTable:
    """Rank applications from the riskiest down and cut them into buckets.

    `bad` (n,) holds 0 and 1, with both present; `pd` (n,) lies in 0..1; `weights` (n,) are at least 0. The ranking goes
    by falling PD, or by rising `score` (n,) where one is given, higher being better. By "count", bucket k ends with the
    last row that fits k / `buckets` of the weight; by "width", buckets are equal parts of the range; `edges`, in PD or
    score, make the buckets between them instead, with what equals an edge above it. Equal rows stay in one bucket, so
    there may be fewer buckets than asked for, and the order of rows never matters. Rows of weight 0 are left out.
    Raises MeasureError.

    lift = bad rate / base rate; capture = cumulative bads / all bads. See Siddiqi, N. (2017), Intelligent Credit
    Scoring, Wiley, chapter on scorecard validation. doi:10.1002/9781119282396

    >>> table = gains_table([1, 1, 0, 1, 0, 0, 0, 0, 0, 0], [.9, .8, .7, .6, .5, .4, .3, .2, .1, .05], buckets=5)
    >>> table.capture.round(3).tolist()
    [0.667, 1.0, 1.0, 1.0, 1.0]
    >>> table.lift.round(3).tolist()
    [3.333, 1.667, 0.0, 0.0, 0.0]
    >>> gains_table([1, 1, 0, 0], [.9, .4, .3, .1], score=[310, 520, 580, 640], edges=[500, 600]).bads.tolist()
    [1.0, 1.0, 0.0]
    """
    outcomes = check_outcomes(bad, pd, weights, both_classes="a gains table")
    filled = fill_buckets(outcomes, buckets, by=by, edges=edges, score=score)
    base_rate = outcomes.bads / outcomes.total
    weight, bads = np.cumsum(filled.weight), np.cumsum(filled.bads)
    # Ends at exactly one, whatever the rounding on the way.
    share, capture = weight / weight[-1], bads / bads[-1]
    goods_share = (weight - bads) / (weight[-1] - bads[-1])
    bad_rate = filled.bads / filled.weight
    return GainsTable(
        bucket=filled.number,
        count=filled.count,
        weight=filled.weight,
        score_low=None if score is None else filled.key_low,
        score_high=None if score is None else filled.key_high,
        pd_low=filled.pd_low,
        pd_high=filled.pd_high,
        pd_mean=filled.pd_sum / filled.weight,
        bads=filled.bads,
        bad_rate=bad_rate,
        cumulative_count_share=share,
        cumulative_bads=bads,
        capture=capture,
        lift=bad_rate / base_rate,
        cumulative_lift=bads / weight / base_rate,
        ks=capture - goods_share,
        tied_rows=filled.tied_rows,
        base_rate=base_rate,
        rule=filled.rule,
        population=population,
    )
