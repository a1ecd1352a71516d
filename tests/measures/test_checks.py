"""The border of every measure: generous in what it takes, clear in what it refuses."""

from __future__ import annotations

from array import array
from collections.abc import Callable
from decimal import Decimal
from functools import partial
from typing import Any

import numpy as np
import pandas as pd_library
import polars as pl
import pyarrow as pa
import pytest

import roadworthy.measures as measures
from roadworthy.errors import MeasureError

BAD = [1, 0, 0, 1, 0]
PD = [0.8, 0.3, 0.1, 0.4, 0.4]
WEIGHTS = [1.0, 2.0, 0.5, 1.5, 1.0]

NEED_BOTH_CLASSES: list[Callable[..., Any]] = [
    measures.ks,
    measures.auc,
    measures.gini,
    measures.h_measure,
    measures.emp,
    measures.gains_table,
]
MEASURES: list[Callable[..., Any]] = [
    *NEED_BOTH_CLASSES,
    measures.calibration,
    measures.brier,
    measures.log_loss,
    partial(measures.confusion, cut_off=0.5),
    partial(measures.classification_report, cut_off=0.5),
    measures.cut_off_table,
    lambda bad, pd, weights=None: measures.best_cut_off(bad, pd, value=[1.0] * len(PD), weights=weights),
]


@pytest.mark.parametrize("measure", MEASURES)
@pytest.mark.parametrize(
    ("bad", "pd", "weights", "named"),
    [
        ([1, 0, 2, 1, 0], PD, None, "bad is 0 or 1, and holds also 2.0"),
        ([1, 0, 0.5, 1, 0], PD, None, "bad is 0 or 1"),
        ([1, 0, None, 1, 0], PD, None, "bad is missing in 1 of 5 rows"),
        ([1, 0, float("nan"), 1, 0], PD, None, "bad is missing"),
        (["1", "0", "0", "1", "0"], PD, None, "bad holds '1', '0', '0', which are not numbers"),
        (np.array(["1", 0, 0, 1, 0], dtype=object), PD, None, "bad holds"),
        (["good", "bad"], PD, None, "bad holds"),
        ([1, 0, 0, 1], PD, None, "pd has 5 entries for 4 applications"),
        (BAD, PD[:4], None, "pd has 4 entries for 5 applications"),
        (BAD, [0.8, 0.3, 0.1, 0.4, 1.5], None, r"pd lies in 0..1, and this one goes from 0.1 to 1.5"),
        (BAD, [0.8, 0.3, -0.1, 0.4, 0.4], None, "pd lies in 0..1"),
        (BAD, [0.8, 0.3, np.nan, 0.4, 0.4], None, r"pd is missing in 1 of 5 rows \(first: 2\)"),
        (BAD, [0.8, 0.3, np.inf, 0.4, 0.4], None, "pd is infinite"),
        (BAD, [0.8, 0.3, None, 0.4, 0.4], None, "pd is missing"),
        (BAD, np.array([PD, PD]).T, None, r"pd is one array of numbers, and this one has shape \(5, 2\)"),
        (BAD, 0.5, None, "pd is one array"),
        (BAD, None, None, "pd is one array"),
        (BAD, {"pd": PD}, None, "pd is one array"),
        (BAD, [[0.1], [0.2, 0.3], 0.4, 0.5, 0.6], None, "pd is one array"),
        (BAD, np.array(PD, dtype=complex), None, "not numbers"),
        (BAD, np.array([1, 2, 3, 4, 5], dtype="datetime64[D]"), None, "not numbers"),
        (BAD, [10**400, 0, 0, 0, 0], None, "pd"),
        (BAD, np.array([0.1, 0.2, {}, 0.3, 0.4], dtype=object), None, "pd holds"),
        ([], [], None, "bad is empty"),
        (BAD, PD, [1, 1, 1, 1, -1], "weights is negative in 1 of 5 rows"),
        (BAD, PD, [0, 0, 0, 0, 0], "weights sum to 0"),
        (BAD, PD, [1e308] * 5, "weights is infinite or beyond 1e60 in 5 of 5 rows"),
        (BAD, PD, [1, 1, 1e-300, 1, 1], "weights is below 1e-60"),
        (BAD, PD, [1, 1], "weights has 2 entries"),
        (BAD, PD, [1, 1, 1, 1, np.nan], "weights is missing"),
        (BAD, PD, [1, 1, 1, 1, np.inf], "weights is infinite"),
    ],
)
def test_bad_input_names_the_argument_and_the_mend(
    measure: Callable[..., Any], bad: object, pd: object, weights: object, named: str
) -> None:
    with pytest.raises(MeasureError, match=named) as caught:
        measure(bad, pd, weights=weights)
    assert caught.value.mend


@pytest.mark.parametrize("measure", NEED_BOTH_CLASSES)
@pytest.mark.parametrize(
    ("bad", "weights", "absent"),
    [([0] * 5, None, "no bad"), ([1] * 5, None, "no good"), (BAD, [0, 1, 1, 0, 1], "no bad"), ([1], None, "no good")],
)
def test_one_class_is_refused_where_the_measure_is_undefined(
    measure: Callable[..., Any], bad: list[int], weights: list[int] | None, absent: str
) -> None:
    with pytest.raises(MeasureError, match=absent):
        measure(bad, PD[: len(bad)], weights=weights)


@pytest.mark.parametrize("buckets", [0, -3, 2.5, "10", None, True, 10**9])
@pytest.mark.parametrize("measure", [measures.gains_table, measures.calibration])
def test_buckets_are_a_whole_number(measure: Callable[..., Any], buckets: object) -> None:
    with pytest.raises(MeasureError, match="buckets is a whole number"):
        measure(BAD, PD, buckets=buckets)


@pytest.mark.parametrize("cut_off", [-0.1, 1.1, float("nan"), "0.5", None, True, [0.5]])
@pytest.mark.parametrize("measure", [measures.confusion, measures.classification_report])
def test_a_cut_off_is_one_pd(measure: Callable[..., Any], cut_off: object) -> None:
    with pytest.raises(MeasureError, match="cut_off"):
        measure(BAD, PD, cut_off=cut_off)


@pytest.mark.parametrize(
    "take",
    [
        tuple,
        np.array,
        lambda values: np.array(values, dtype=object),
        lambda values: np.array(values, dtype=np.float32).astype(np.float64),
        pd_library.Series,
        lambda values: pd_library.Series(values, dtype="Float64"),
        lambda values: pd_library.Series(values, index=[9, 3, 1, 4, 0]),
        pl.Series,
        pa.array,
        lambda values: pa.chunked_array([values[:2], values[2:]]),
        lambda values: [Decimal(str(value)) for value in values],
        lambda values: np.ma.masked_array(values, mask=False),
        lambda values: memoryview(array("d", values)),
        lambda values: np.array([values, values]).T[:, 0],
    ],
)
def test_any_kind_of_array_gives_the_same_figure(take: Callable[[list[float]], Any]) -> None:
    expected = measures.brier(BAD, PD, weights=WEIGHTS).value
    found = measures.brier(take([float(each) for each in BAD]), take(PD), weights=take(WEIGHTS)).value
    assert found == pytest.approx(expected, abs=1e-7)


@pytest.mark.parametrize(
    "bad",
    [
        [True, False, False, True, False],
        np.array(BAD, dtype=np.int8),
        pl.Series([True, False, False, True, False]),
        pa.array([True, False, False, True, False]),
        pd_library.Series([True, False, False, True, False], dtype="boolean"),
    ],
)
def test_bad_may_be_true_and_false(bad: Any) -> None:
    assert measures.auc(bad, PD).value == measures.auc(BAD, PD).value


@pytest.mark.parametrize(
    "pd",
    [
        pl.Series([0.8, None, 0.1, 0.4, 0.4]),
        pa.array([0.8, None, 0.1, 0.4, 0.4]),
        pd_library.Series([0.8, None, 0.1, 0.4, 0.4], dtype="Float64"),
        np.ma.masked_array(PD, mask=[False, True, False, False, False]),
    ],
)
def test_what_a_library_marks_as_missing_is_missing(pd: Any) -> None:
    with pytest.raises(MeasureError, match=r"pd is missing in 1 of 5 rows \(first: 1\)"):
        measures.brier(BAD, pd)


def test_what_is_handed_in_is_never_written_to() -> None:
    bad, pd, weights = np.array(BAD), np.array(PD), np.array(WEIGHTS)
    for handed_in in (bad, pd, weights):
        handed_in.flags.writeable = False
    for measure in MEASURES:
        measure(bad, pd, weights=weights)
    bad, pd, weights = np.array(BAD), np.array(PD), np.array(WEIGHTS)
    for measure in MEASURES:
        measure(bad, pd, weights=weights)
    assert bad.tolist() == BAD
    assert pd.tolist() == PD
    assert weights.tolist() == WEIGHTS
    pd[0] = 0.7  # still the caller's own
