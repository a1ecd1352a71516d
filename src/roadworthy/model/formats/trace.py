"""Follow every feature of a fitted scikit-learn pipeline back to the one contract column it comes from.

Numbers are followed operation by operation, in scikit-learn's own arithmetic; encoders are tabulated (`tabulate.py`).
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from roadworthy.model.formats.feature import CannotCompile, Feature
from roadworthy.model.formats.numbers import FUNCTION_RULE, NUMBER_RULES, require_finite
from roadworthy.model.formats.optbinning import trace_bins
from roadworthy.model.formats.tabulate import is_missing, tabulate
from roadworthy.model.plan import Op

__all__ = ["trace", "trace_within"]

_MIXES = {
    "Normalizer": "it divides each row by the row's own length",
    "PCA": "it mixes columns",
    "TruncatedSVD": "it mixes columns",
    "KNNImputer": "it fills a gap from the other columns",
    "IterativeImputer": "it fills a gap from the other columns",
    "SplineTransformer": "splines are not among the plan's operations",
}


def trace(step: Any, features: list[Feature]) -> list[Feature]:
    """The features after a fitted transformer (or 'passthrough', 'drop', None)."""
    if step is None or (isinstance(step, str) and step == "passthrough"):
        return features
    if isinstance(step, str) and step == "drop":
        return []
    name = type(step).__name__
    if type(step).__module__.startswith("sklearn."):
        if name in NUMBER_RULES:
            return NUMBER_RULES[name](step, [require_finite(feature) for feature in features])
        if name in _RULES:
            return list(_RULES[name](step, features))
        if hasattr(step, "get_support"):
            chosen = zip(features, step.get_support(), strict=True)
            return [require_finite(feature) for feature, kept in chosen if kept]
    if name == "BinningProcess" and type(step).__module__.startswith("optbinning."):
        return trace_bins(step, features)
    if features and all(feature.texts is not None for feature in features) and hasattr(step, "transform"):
        return tabulate(step, features)
    why = f": {_MIXES[name]}" if name in _MIXES else ""
    raise CannotCompile(f"the step {name} has no compiled form{why}")


def trace_within(name: str, step: Any, features: list[Feature]) -> list[Feature]:
    """The same for a step that is called `name`; where it cannot be followed, the reason says where it stands."""
    try:
        return trace(step, features)
    except CannotCompile as reason:
        raise CannotCompile(*reason.args, within=(name, *reason.within)) from None


def _pipeline(step: Any, features: list[Feature]) -> list[Feature]:
    for name, inner in step.steps:
        features = trace_within(name, inner, features)
    return features


def _column_transformer(step: Any, features: list[Feature]) -> list[Feature]:
    by_name = dict(zip(step.feature_names_in_, features, strict=True)) if hasattr(step, "feature_names_in_") else {}
    weights = step.transformer_weights or {}
    out: list[Feature] = []
    for name, inner, chosen in step.transformers_:
        picked = _choose(chosen, features, by_name)
        if picked:  # a transformer of no columns was never fitted
            out += _weighted(trace_within(name, inner, picked), weights.get(name))
    return out


def _feature_union(step: Any, features: list[Feature]) -> list[Feature]:
    weights = step.transformer_weights or {}
    out: list[Feature] = []
    for name, inner in step.transformer_list:
        out += _weighted(trace_within(name, inner, features), weights.get(name))
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
    """Where a gap is another value than NaN, the library takes no NaN."""
    gap = step.missing_values
    taken = [_take_gaps(gap, feature) for feature in features]
    out: list[Feature] = []
    for feature, value in zip(taken, step.statistics_, strict=True):
        if is_missing(value):
            continue  # all missing in training: scikit-learn drops the column
        if feature.texts is not None:
            out.append(replace(feature, texts=tuple(str(value) if text is None else text for text in feature.texts)))
        elif is_missing(gap):
            out.append(feature.then(Op.IMPUTE, float(value)))
        else:
            out.append(feature.then(Op.REPLACE, float(gap), float(value)))
    if step.indicator_ is not None:
        out += _missing_indicator(step.indicator_, features)
    return out


def _take_gaps(gap: Any, feature: Feature) -> Feature:
    if is_missing(gap):
        return feature if feature.texts is not None else require_finite(feature)
    if feature.texts is not None or isinstance(gap, str):
        raise CannotCompile(f"gaps written as {gap!r} in text have no compiled form")
    return require_finite(feature).then(Op.REQUIRE_KNOWN)


def _missing_indicator(step: Any, features: list[Feature]) -> list[Feature]:
    out = []
    for feature in (_take_gaps(step.missing_values, features[i]) for i in step.features_):
        if feature.texts is not None:
            out.append(feature.look_up([text is None for text in feature.texts]))
        elif is_missing(step.missing_values):
            out.append(feature.then(Op.IS_MISSING))
        else:
            out.append(feature.then(Op.EQUALS, float(step.missing_values)))
    return out


_RULES = {
    "Pipeline": _pipeline,
    "ColumnTransformer": _column_transformer,
    "FeatureUnion": _feature_union,
    "SimpleImputer": _simple_imputer,
    "MissingIndicator": _missing_indicator,
    "FunctionTransformer": FUNCTION_RULE,
    "OneHotEncoder": tabulate,
    "OrdinalEncoder": tabulate,
    "TargetEncoder": tabulate,
}
