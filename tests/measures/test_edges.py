"""Every public measure at the edges: a right answer or an error that names the argument, and never anything else.

One class, one row, all tied, weights of zero, of billions and of very unequal size, PDs of exactly 0 and 1, missing and
infinite values. A measure that is added and not tried here fails the first test.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields, is_dataclass
from typing import Any

import numpy as np
import pytest

from roadworthy import measures
from roadworthy.errors import MeasureError
from roadworthy.measures import Economics, Referrals
from roadworthy.measures.results import NOT_STATED, Table

Measured = Callable[[Any, Any, Any], Any]
ECONOMICS = Economics(revenue=100, funding=20, ead=1000, lgd=0.5, review=5)
SEEN = Referrals(approved=0.5, bad_rate_ratio=0.5)
DAYS = np.array("2024-01-15", dtype="datetime64[D]")


def _groups(pd: Any) -> Any:
    return np.where(np.arange(np.size(pd)) % 2, "a", "b")


def _answers(pd: Any) -> Any:
    return np.arange(np.size(pd)) % 3


def _plain(measure: Callable[..., Any], **stated: Any) -> Measured:
    return lambda bad, pd, weights: measure(bad, pd, weights=weights, **stated)


def _samples(measure: Callable[..., Any]) -> Measured:
    """Two samples of one column, of which the PDs are the one that may be at an edge."""
    return lambda _, pd, weights: measure([0.1, 0.2, 0.2, 0.7], pd, actual_weights=weights)


OF_OUTCOMES: dict[str, Measured] = {
    "auc": _plain(measures.auc, confidence=0.9),
    "average_precision": _plain(measures.average_precision, confidence=0.9),
    "best_bands": _plain(measures.best_bands, economics=ECONOMICS, referrals=SEEN, in_force=(0.2, 0.5)),
    "best_cut_off": _plain(measures.best_cut_off, economics=ECONOMICS, in_force=0.3, resamples=100),
    "bounded_cut_off_table": _plain(measures.bounded_cut_off_table, economics=ECONOMICS, resamples=100),
    "brier": _plain(measures.brier, confidence=0.9),
    "brier_decomposition": _plain(measures.brier_decomposition),
    "calibration": _plain(measures.calibration),
    "calibration_curve": _plain(measures.calibration_curve),
    "calibration_in_the_large": _plain(measures.calibration_in_the_large, confidence=0.9),
    "calibration_slope": _plain(measures.calibration_slope, confidence=0.9),
    "classification_report": _plain(measures.classification_report, cut_off=0.3),
    "compare_auc": lambda bad, pd, weights: measures.compare_auc(bad, pd, pd, weights=weights),
    "compare_brier": lambda bad, pd, weights: measures.compare_brier(bad, pd, pd, weights=weights),
    "confusion": _plain(measures.confusion, cut_off=0.3),
    "cut_off_table": _plain(
        measures.cut_off_table,
        economics=ECONOMICS,
        refer_from=0.2,
        referrals=SEEN,
        in_force=0.3,
        resamples=100,
    ),
    "decile_ks": _plain(measures.decile_ks),
    "efficient_frontier": lambda bad, pd, weights: measures.efficient_frontier(
        measures.cut_off_table(bad, pd, weights=weights, economics=ECONOMICS, resamples=100)
    ),
    "emp": _plain(measures.emp),
    "gains_table": _plain(measures.gains_table),
    "gini": _plain(measures.gini, confidence=0.9),
    "group_rates": lambda bad, pd, weights: measures.group_rates(bad, pd, _groups(pd), cut_off=0.3, weights=weights),
    "h_measure": _plain(measures.h_measure),
    "hosmer_lemeshow": _plain(measures.hosmer_lemeshow),
    "ks": _plain(measures.ks, confidence=0.9),
    "log_loss": _plain(measures.log_loss, confidence=0.9),
    "mpcs": _plain(measures.mpcs),
    "swap_set": lambda bad, pd, weights: measures.swap_set(
        bad, pd, pd, cut_offs=(0.2, 0.4), economics=ECONOMICS, weights=weights
    ),
}
OF_PDS: dict[str, Measured] = {
    "adverse_impact_ratio": lambda _, pd, weights: measures.adverse_impact_ratio(
        _groups(pd), pd, cut_off=0.3, weights=weights
    ),
    "chi_square": _samples(measures.chi_square),
    "compare_profit": lambda _, pd, weights: measures.compare_profit(pd, np.asarray(pd) + 0.1, weights=weights),
    "estimated_performance": lambda _, pd, weights: measures.estimated_performance(
        pd, cut_off=0.3, economics=ECONOMICS, weights=weights
    ),
    "jensen_shannon": _samples(measures.jensen_shannon),
    "ks_two_samples": _samples(measures.ks_two_samples),
    "psi": _samples(measures.psi),
    "standardised_mean_difference": lambda _, pd, weights: measures.standardised_mean_difference(
        _groups(pd), pd, weights=weights
    ),
    "wasserstein": _samples(measures.wasserstein),
    "csi": lambda _, pd, weights: measures.csi({"x": [0.1, 0.2, 0.7]}, {"x": pd}, actual_weights=weights),
    "weigh_by_selection": lambda _, pd, weights: measures.weigh_by_selection(
        np.maximum(np.asarray(pd, dtype=float), 0.01), weights=weights
    ),
    "spread_cut_offs": lambda _, pd, __: measures.spread_cut_offs(pd),
}
OF_BADS: dict[str, Measured] = {
    "answer_table": lambda bad, pd, weights: measures.answer_table(
        bad, _answers(pd), economics=ECONOMICS, weights=weights
    ),
    "vintages": lambda bad, pd, weights: measures.vintages(
        np.full(np.size(pd), DAYS), bad=bad, known_until="2026-01-15", weights=weights
    ),
    "reject_sensitivity": lambda bad, pd, weights: measures.reject_sensitivity(
        np.append(np.asarray(bad, dtype=float), np.nan),
        np.append(pd, 0.4),
        economics=ECONOMICS,
        weights=None if weights is None else np.append(weights, 1.0),
    ),
    "at_equal_range": lambda bad, pd, _: measures.at_equal_range(
        (np.tile(bad, 20), np.tile(pd, 20)), (np.tile(bad, 20), np.tile(pd, 20)), cut_offs=(0.9, 0.9)
    ),
}
NO_APPLICATIONS = {"cost_sensitive_cut_off", "evaluate", "join_horizons", "odd_shares", "parse_term"}
"""They take no applications: what they take is tried beside them."""
EVERY = {**OF_OUTCOMES, **OF_PDS, **OF_BADS}
every_measure = pytest.mark.parametrize("name", EVERY)

EDGES: dict[str, tuple[list[float], list[float], list[float] | None]] = {
    "one good": ([0], [0.3], None),
    "one bad": ([1], [0.3], None),
    "one of each": ([0, 1], [0.1, 0.9], None),
    "all good": ([0] * 6, [0.1, 0.2, 0.2, 0.3, 0.5, 0.9], None),
    "all bad": ([1] * 6, [0.1, 0.2, 0.2, 0.3, 0.5, 0.9], None),
    "all tied": ([0, 1, 0, 0, 1, 0], [0.3] * 6, None),
    "certain and right": ([0, 0, 0, 1, 1, 1], [0, 0, 0, 1, 1, 1], None),
    "certain and wrong": ([1, 1, 1, 0, 0, 0], [0, 0, 0, 1, 1, 1], None),
    "certain of some": ([0, 1, 0, 1, 0, 1], [0, 0.2, 0.3, 0.3, 0.7, 1], None),
    "all at zero": ([0, 1, 0, 0, 1, 0], [0.0] * 6, None),
    "all at one": ([0, 1, 0, 0, 1, 0], [1.0] * 6, None),
    "tiny": ([0, 1, 0, 0, 1, 0], [5e-324, 1e-300, 1e-16, 1 - 1e-16, 1e-9, 0.5], None),
    "one row weighs": ([0, 1, 0, 0, 1, 0], [0.1, 0.2, 0.3, 0.5, 0.6, 0.9], [0, 1, 0, 0, 0, 0]),
    "one class weighs": ([0, 1, 0, 0, 1, 0], [0.1, 0.2, 0.3, 0.5, 0.6, 0.9], [1, 0, 1, 2, 0, 1]),
    "some weigh nothing": ([0, 1, 0, 0, 1, 0], [0.1, 0.2, 0.3, 0.5, 0.6, 0.9], [1, 0, 1, 2, 1, 0]),
    "billions": ([0, 1, 0, 0, 1, 0], [0.1, 0.2, 0.3, 0.5, 0.6, 0.9], [1e9, 3e9, 5e12, 1, 7e9, 2e9]),
    "unequal": ([0, 1, 0, 0, 1, 0], [0.1, 0.2, 0.3, 0.5, 0.6, 0.9], [1e-50, 1, 1e50, 1, 1e-20, 1e20]),
}


def test_every_public_measure_is_tried() -> None:
    public = {name for name in measures.__all__ if name.islower()}
    assert public == set(EVERY) | NO_APPLICATIONS
    assert not set(EVERY) & NO_APPLICATIONS


def numbers(result: Any, path: str = "") -> dict[str, tuple[str, np.ndarray]]:
    """Every number in a result, with how it is shown, by where it stands."""
    if isinstance(result, np.ndarray):
        return {path: ("", result)} if result.dtype.kind in "fi" else {}
    if isinstance(result, float | int) and not isinstance(result, bool):
        return {path: ("", np.array([result], dtype=float))}
    found: dict[str, tuple[str, np.ndarray]] = {}
    if is_dataclass(result) and not isinstance(result, Economics | Referrals):
        for field in fields(result):
            value, shown = getattr(result, field.name), field.metadata.get("shown", "")
            for inner, (other, values) in numbers(value, f"{path}.{field.name}").items():
                found[inner] = (shown or other, values)
    return found


@every_measure
@pytest.mark.parametrize("edge", EDGES)
def test_an_edge_gives_an_answer_or_names_the_argument(name: str, edge: str) -> None:
    bad, pd, weights = EDGES[edge]
    try:
        result = EVERY[name](bad, pd, weights)
    except MeasureError as error:
        said = f"{error.where} {error.message}"
        assert any(word in said for word in ("bad", "pd", "good", "weights", "range", "group", "table", name)), said
        return
    assert repr(result)
    assert not isinstance(result, Table) or NOT_STATED in result.caption, "every table says whom it is of"
    for path, (shown, values) in numbers(result).items():
        if name not in ("log_loss", "hosmer_lemeshow"):  # infinite where a certain PD was wrong, and rightly so
            assert not np.isinf(values).any(), (path, values)
        if shown in ("share", "pd"):
            known = values[~np.isnan(values)]
            assert path == ".ks" or ((known >= -1e-12) & (known <= 1.0 + 1e-12)).all(), (path, values)


WRONG: dict[str, tuple[Any, Any, Any, str]] = {
    "a missing PD": ([0, 1, 0, 1], [0.1, 0.2, float("nan"), 0.4], None, "missing"),
    "an infinite PD": ([0, 1, 0, 1], [0.1, 0.2, float("inf"), 0.4], None, "infinite"),
    "no PD": ([], [], None, "empty"),
    "a missing weight": ([0, 1, 0, 1], [0.1, 0.2, 0.3, 0.4], [1, 1, float("nan"), 1], "weights is missing"),
    "an infinite weight": ([0, 1, 0, 1], [0.1, 0.2, 0.3, 0.4], [1, 1, float("inf"), 1], "weights is infinite"),
    "a negative weight": ([0, 1, 0, 1], [0.1, 0.2, 0.3, 0.4], [1, 1, -1, 1], "weights is negative"),
    "no weight": ([0, 1, 0, 1], [0.1, 0.2, 0.3, 0.4], [0, 0, 0, 0], "weights sum to 0"),
    "too few weights": ([0, 1, 0, 1], [0.1, 0.2, 0.3, 0.4], [1, 1], "weights has 2 entries for 4"),
}
TAKES_MISSING = ("psi", "csi", "chi_square", "jensen_shannon", "ks_two_samples", "wasserstein")
"""What is missing is a bin of its own, or left out and counted."""


@pytest.mark.parametrize(
    ("name", "wrong"),
    [
        (name, wrong)
        for name in {**OF_OUTCOMES, **OF_PDS}
        for wrong in WRONG
        if name != "spread_cut_offs" or "weight" not in wrong  # which takes none
    ],
)
def test_what_is_no_number_or_no_weight_is_refused_by_name(name: str, wrong: str) -> None:
    bad, pd, weights, said = WRONG[wrong]
    if wrong == "a missing PD" and name in TAKES_MISSING:
        assert np.isfinite(EVERY[name](bad, pd, weights).value).all()
        return
    with pytest.raises(MeasureError, match=said) as caught:
        EVERY[name](bad, pd, weights)
    assert caught.value.mend


@pytest.mark.parametrize("name", OF_OUTCOMES)
@pytest.mark.parametrize("scale", [1e-12, 1e9, 1e15])
def test_only_ratios_of_weights_matter_to_shares_and_measures(name: str, scale: float) -> None:
    generator = np.random.default_rng(5)
    pd = np.clip(generator.beta(1, 4, 120), 0.01, 0.99).round(2)
    bad, weights = generator.random(120) < pd, generator.integers(0, 4, 120).astype(float)
    one, other = (numbers(EVERY[name](bad, pd, each)) for each in (weights, weights * scale))
    assert one.keys() == other.keys()
    for path, (shown, values) in one.items():
        if shown in ("share", "pd", "ratio") or path == ".value":
            assert other[path][1] == pytest.approx(values, rel=1e-9, abs=1e-12, nan_ok=True), path
