"""Follow every feature of a fitted scikit-learn pipeline back to the one contract column it comes from.

Numbers are followed operation by operation, in scikit-learn's own arithmetic; encoders are tabulated (`tabulate.py`).
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from roadworthy.model.formats.feature import CannotCompile, Feature
from roadworthy.model.formats.tabulate import is_missing, tabulate
from roadworthy.model.plan import Op

__all__ = ["trace"]


def trace(step: Any, features: list[Feature]) -> list[Feature]:
    """The features after a fitted transformer (or 'passthrough', 'drop', None)."""
    if step is None or (isinstance(step, str) and step == "passthrough"):
        return features
    if isinstance(step, str) and step == "drop":
        return []
    name = type(step).__name__
    rule = _RULES.get(name) if type(step).__module__.startswith("sklearn.") else None
    if rule is not None:
        return list(rule(step, features))
    if hasattr(step, "get_support") and type(step).__module__.startswith("sklearn."):
        return [feature for feature, kept in zip(features, step.get_support(), strict=True) if kept]
    if features and all(feature.texts is not None for feature in features) and hasattr(step, "transform"):
        return tabulate(step, features)
    raise CannotCompile(f"the step {name} has no compiled form yet")


def _pipeline(step: Any, features: list[Feature]) -> list[Feature]:
    for _, inner in step.steps:
        features = trace(inner, features)
    return features


def _column_transformer(step: Any, features: list[Feature]) -> list[Feature]:
    by_name = dict(zip(step.feature_names_in_, features, strict=True)) if hasattr(step, "feature_names_in_") else {}
    weights = step.transformer_weights or {}
    out: list[Feature] = []
    for name, inner, chosen in step.transformers_:
        picked = _choose(chosen, features, by_name)
        if picked:  # a transformer of no columns was never fitted
            out += _weighted(trace(inner, picked), weights.get(name))
    return out


def _feature_union(step: Any, features: list[Feature]) -> list[Feature]:
    weights = step.transformer_weights or {}
    out: list[Feature] = []
    for name, inner in step.transformer_list:
        out += _weighted(trace(inner, features), weights.get(name))
    return out


def _weighted(features: list[Feature], weight: float | None) -> list[Feature]:
    return features if weight is None else [feature.then(Op.MULTIPLY, weight) for feature in features]


def _choose(chosen: Any, features: list[Feature], by_name: dict[str, Feature]) -> list[Feature]:
    if isinstance(chosen, (str, int, np.integer)):
        chosen = [chosen]
    if isinstance(chosen, slice):
        if isinstance(chosen.start, str) or isinstance(chosen.stop, str):
            names = list(by_name)
            first = names.index(chosen.start) if chosen.start is not None else 0
            last = names.index(chosen.stop) + 1 if chosen.stop is not None else len(names)
            return features[first : last : chosen.step]
        return features[chosen]
    picked = list(chosen)
    if picked and isinstance(picked[0], (bool, np.bool_)):
        return [feature for feature, kept in zip(features, picked, strict=True) if kept]
    return [by_name[item] if isinstance(item, str) else features[item] for item in picked]


def _simple_imputer(step: Any, features: list[Feature]) -> list[Feature]:
    if not is_missing(step.missing_values):
        raise CannotCompile(f"an imputer of {step.missing_values!r} has no compiled form yet")
    out: list[Feature] = []
    for feature, value in zip(features, step.statistics_, strict=True):
        if is_missing(value):
            continue  # all missing in training: scikit-learn drops the column
        if feature.texts is not None:
            out.append(replace(feature, texts=tuple(str(value) if text is None else text for text in feature.texts)))
        else:
            out.append(feature.then(Op.IMPUTE, float(value)))
    if step.indicator_ is not None:
        out += _missing_indicator(step.indicator_, features)
    return out


def _missing_indicator(step: Any, features: list[Feature]) -> list[Feature]:
    if not is_missing(step.missing_values):
        raise CannotCompile(f"an indicator of {step.missing_values!r} has no compiled form yet")
    out = []
    for feature in (features[i] for i in step.features_):
        if feature.texts is not None:
            out.append(feature.look_up([text is None for text in feature.texts]))
        else:
            out.append(feature.then(Op.IS_MISSING))
    return out


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
    return [feature.then(Op.DIVIDE, scale) for feature, scale in zip(features, step.scale_, strict=True)]


def _robust_scaler(step: Any, features: list[Feature]) -> list[Feature]:
    out = features
    if step.with_centering:
        out = [feature.then(Op.SUBTRACT, center) for feature, center in zip(out, step.center_, strict=True)]
    if step.with_scaling:
        out = [feature.then(Op.DIVIDE, scale) for feature, scale in zip(out, step.scale_, strict=True)]
    return out


def _bins(step: Any, features: list[Feature]) -> list[Feature]:
    out: list[Feature] = []
    for feature, edges, bins in zip(features, step.bin_edges_, step.n_bins_, strict=True):
        binned = feature.then(Op.REQUIRE_KNOWN).then(Op.BIN, *edges[1:-1])
        if step.encode == "ordinal":
            out.append(binned)
        else:
            out += [binned.then(Op.EQUALS, i) for i in range(bins)]
    return out


_UFUNCS = {"log": Op.LOG, "log1p": Op.LOG1P, "sqrt": Op.SQRT, "exp": Op.EXP, "absolute": Op.ABS}


def _function(step: Any, features: list[Feature]) -> list[Feature]:
    if step.func is None or getattr(getattr(step.func, "func", None), "__name__", "") == "check_array":
        return features  # the second is what HistGradientBoosting puts before its numbers
    name = getattr(step.func, "__name__", "")
    if isinstance(step.func, np.ufunc) and name in _UFUNCS and not step.kw_args:
        return [feature.then(_UFUNCS[name]) for feature in features]
    raise CannotCompile(f"the function {name or repr(step.func)} has no compiled form")


_RULES = {
    "Pipeline": _pipeline,
    "ColumnTransformer": _column_transformer,
    "FeatureUnion": _feature_union,
    "SimpleImputer": _simple_imputer,
    "MissingIndicator": _missing_indicator,
    "StandardScaler": _standard_scaler,
    "MinMaxScaler": _min_max_scaler,
    "MaxAbsScaler": _max_abs_scaler,
    "RobustScaler": _robust_scaler,
    "KBinsDiscretizer": _bins,
    "FunctionTransformer": _function,
    "OneHotEncoder": tabulate,
    "OrdinalEncoder": tabulate,
    "TargetEncoder": tabulate,
}
