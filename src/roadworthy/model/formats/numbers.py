"""scikit-learn's transformers of one number at a time, as the plan's operations in the library's own arithmetic."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from scipy.stats import norm

from roadworthy.model.formats.feature import CannotCompile, Feature
from roadworthy.model.plan import MOST_FACTORS, Op

__all__ = ["NUMBER_RULES", "require_finite"]

_NEAR = 1e-7  # how near to the smallest and largest training value a number counts as at it
_GROWS = frozenset(
    {
        Op.MULTIPLY, Op.DIVIDE, Op.LOG, Op.LOG1P, Op.LOG2, Op.LOG10, Op.EXP, Op.EXPM1, Op.RECIPROCAL, Op.POWER,
        Op.YEO_JOHNSON, Op.BOX_COX, Op.TO_FLOAT32,
    }
)  # fmt: skip


def require_finite(feature: Feature) -> Feature:
    """The row is refused where a step before made infinity of the number: the library checks what it takes."""
    for op, _ in reversed(feature.steps):
        if op == Op.REQUIRE_FINITE:
            break
        if op in _GROWS:
            return feature.then(Op.REQUIRE_FINITE)
    return feature


def _standard_scaler(step: Any, features: list[Feature]) -> list[Feature]:
    out = features
    if step.with_mean:
        out = [feature.then(Op.SUBTRACT, mean) for feature, mean in zip(out, step.mean_, strict=True)]
    if step.with_std:
        out = [feature.then(Op.DIVIDE, scale) for feature, scale in zip(out, step.scale_, strict=True)]
    return out


def _min_max_scaler(step: Any, features: list[Feature]) -> list[Feature]:
    out = [
        feature.then(Op.MULTIPLY, scale).then(Op.ADD, shift)
        for feature, scale, shift in zip(features, step.scale_, step.min_, strict=True)
    ]
    return [feature.then(Op.CLIP, *step.feature_range) for feature in out] if step.clip else out


def _max_abs_scaler(step: Any, features: list[Feature]) -> list[Feature]:
    out = [feature.then(Op.DIVIDE, scale) for feature, scale in zip(features, step.scale_, strict=True)]
    return [feature.then(Op.CLIP, -1.0, 1.0) for feature in out] if getattr(step, "clip", False) else out


def _robust_scaler(step: Any, features: list[Feature]) -> list[Feature]:
    out = features
    if step.with_centering:
        out = [feature.then(Op.SUBTRACT, center) for feature, center in zip(out, step.center_, strict=True)]
    if step.with_scaling:
        out = [feature.then(Op.DIVIDE, scale) for feature, scale in zip(out, step.scale_, strict=True)]
    return out


def _power(step: Any, features: list[Feature]) -> list[Feature]:
    positive = step.method == "box-cox"
    if positive:
        features = [feature.then(Op.REQUIRE_POSITIVE) for feature in features]
    op = Op.BOX_COX if positive else Op.YEO_JOHNSON
    out = [feature.then(op, power) for feature, power in zip(features, step.lambdas_, strict=True)]
    if not step.standardize:
        return out
    return _standard_scaler(step._scaler, [require_finite(feature) for feature in out])


def _quantiles(step: Any, features: list[Feature]) -> list[Feature]:
    columns = step.quantiles_.T
    if step.output_distribution == "uniform":
        return [
            feature.then(Op.QUANTILE, *known, *step.references_)
            for feature, known in zip(features, columns, strict=True)
        ]
    low, high = norm.ppf(_NEAR - np.spacing(1)), norm.ppf(1 - (_NEAR - np.spacing(1)))
    return [
        feature.then(Op.QUANTILE_NORMAL, low, high, *known, *step.references_)
        for feature, known in zip(features, columns, strict=True)
    ]


def _bins(step: Any, features: list[Feature]) -> list[Feature]:
    out: list[Feature] = []
    for feature, edges, bins in zip(features, step.bin_edges_, step.n_bins_, strict=True):
        binned = feature.then(Op.REQUIRE_KNOWN).then(Op.BIN, *edges[1:-1])
        if step.encode == "ordinal":
            out.append(binned)
        else:
            out += [binned.then(Op.EQUALS, i) for i in range(bins)]
    return out


def _binarizer(step: Any, features: list[Feature]) -> list[Feature]:
    return [feature.then(Op.REQUIRE_KNOWN).then(Op.GREATER, step.threshold) for feature in features]


def _polynomial(step: Any, features: list[Feature]) -> list[Feature]:
    """Powers of one column; a product of two belongs to no one column."""
    if (np.count_nonzero(step.powers_, axis=1) > 1).any():
        raise CannotCompile("the step PolynomialFeatures has no compiled form: it multiplies columns with each other")
    if step.powers_.max() > MOST_FACTORS:
        raise CannotCompile(f"the step PolynomialFeatures has no compiled form beyond the power {MOST_FACTORS}")
    known = [feature.then(Op.REQUIRE_KNOWN) for feature in features]
    out = []
    for powers in step.powers_:
        of = np.flatnonzero(powers)
        if not len(of):
            out.append(known[0].then(Op.MATCH, 1.0, 1.0))
        else:
            out.append(known[of[0]] if powers[of[0]] == 1 else known[of[0]].then(Op.POWER, float(powers[of[0]])))
    return out


_FUNCTIONS: dict[Any, Callable[[Feature], Feature]] = {
    np.log: lambda feature: feature.then(Op.LOG),
    np.log1p: lambda feature: feature.then(Op.LOG1P),
    np.log2: lambda feature: feature.then(Op.LOG2),
    np.log10: lambda feature: feature.then(Op.LOG10),
    np.sqrt: lambda feature: feature.then(Op.SQRT),
    np.cbrt: lambda feature: feature.then(Op.CBRT),
    np.exp: lambda feature: feature.then(Op.EXP),
    np.expm1: lambda feature: feature.then(Op.EXPM1),
    np.absolute: lambda feature: feature.then(Op.ABS),
    np.fabs: lambda feature: feature.then(Op.ABS),
    np.square: lambda feature: feature.then(Op.POWER, 2.0),
    np.negative: lambda feature: feature.then(Op.MULTIPLY, -1.0),
    np.positive: lambda feature: feature,
    np.reciprocal: lambda feature: feature.then(Op.RECIPROCAL),
    np.sign: lambda feature: feature.then(Op.SIGN),
    np.floor: lambda feature: feature.then(Op.FLOOR),
    np.ceil: lambda feature: feature.then(Op.CEIL),
    np.rint: lambda feature: feature.then(Op.RINT),
    np.tanh: lambda feature: feature.then(Op.TANH),
    np.isnan: lambda feature: feature.then(Op.IS_MISSING),
}


def _function(step: Any, features: list[Feature]) -> list[Feature]:
    if step.func is None or getattr(getattr(step.func, "func", None), "__name__", "") == "check_array":
        return features  # the second is what HistGradientBoosting puts before its numbers
    name = getattr(step.func, "__name__", "")
    if step.validate:
        features = [require_finite(feature).then(Op.REQUIRE_KNOWN) for feature in features]
    if step.func is np.clip and set(step.kw_args or {}) <= {"a_min", "a_max", "min", "max"}:
        limits = step.kw_args or {}
        low, high = limits.get("a_min", limits.get("min")), limits.get("a_max", limits.get("max"))
        if all(end is None or np.ndim(end) == 0 for end in (low, high)):
            ends = (-np.inf if low is None else float(low), np.inf if high is None else float(high))
            return [feature.then(Op.CLIP, *ends) for feature in features]
    if isinstance(step.func, np.ufunc) and step.func in _FUNCTIONS and not step.kw_args:
        return [_FUNCTIONS[step.func](feature) for feature in features]
    raise CannotCompile(f"the function {name or repr(step.func)} has no compiled form")


NUMBER_RULES: dict[str, Callable[[Any, list[Feature]], list[Feature]]] = {
    "StandardScaler": _standard_scaler,
    "MinMaxScaler": _min_max_scaler,
    "MaxAbsScaler": _max_abs_scaler,
    "RobustScaler": _robust_scaler,
    "PowerTransformer": _power,
    "QuantileTransformer": _quantiles,
    "KBinsDiscretizer": _bins,
    "Binarizer": _binarizer,
    "PolynomialFeatures": _polynomial,
}
"""Steps that check what they take: each is given finite numbers only."""

FUNCTION_RULE = _function
