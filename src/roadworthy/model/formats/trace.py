"""Follow every feature of a fitted scikit-learn pipeline back to the one contract column it comes from.

Numbers are followed operation by operation, in scikit-learn's own arithmetic. Text is not followed but tabulated: a
fitted encoder is run on the column's whole vocabulary, on a missing and on an unseen value, and what it answers becomes
a look-up table. So any encoder that looks at one column at a time compiles exactly, whoever wrote it.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from roadworthy.contract.schema import Contract
from roadworthy.model.forest import Forest
from roadworthy.model.linear import Linear
from roadworthy.model.plan import Op, Step

__all__ = ["CannotCompile", "Compiled", "Feature", "start_features", "trace"]

UNSEEN_TEXT = "\u2047 never seen in training"
"""Stands for a category that no vocabulary holds."""


class CannotCompile(Exception):
    """Why a model or step has no exact compiled form; the model then runs natively and the card says this."""


@dataclass(frozen=True)
class Compiled:
    """A scorer with its link, and the features as it wants them."""

    scorer: Linear | Forest
    link: str
    features: list[Feature]
    bad_is_first: bool = False


@dataclass(frozen=True)
class Feature:
    """One column on its way through a pipeline.

    A number carries the `steps` done so far. A text carries `texts`: what the column's codes read as by now, followed
    by what a missing and an unseen value read as (None is missing).
    """

    column: str
    steps: tuple[Step, ...] = ()
    texts: tuple[str | None, ...] | None = None

    @property
    def is_text(self) -> bool:
        return self.texts is not None

    def then(self, op: Op, *values: float) -> Feature:
        """The same feature with one more step."""
        if self.is_text:
            raise CannotCompile(f"{self.column} is text where a number is needed")
        return replace(self, steps=(*self.steps, (op, tuple(float(value) for value in values))))


def start_features(contract: Contract, names: Sequence[str]) -> list[Feature]:
    """The features before any step: the contract columns `names`."""
    features = []
    for name in names:
        column = contract[name]
        if column.type == "category":
            features.append(Feature(name, texts=(*(column.allowed or ()), None, UNSEEN_TEXT)))
        elif column.type in ("number", "integer", "boolean"):
            features.append(Feature(name))
        else:
            raise CannotCompile(f"{name} is of type {column.type}")
    return features


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
    if features and all(feature.is_text for feature in features) and hasattr(step, "transform"):
        return _tabulate(step, features)
    raise CannotCompile(f"the step {name} has no compiled form yet")


def _pipeline(step: Any, features: list[Feature]) -> list[Feature]:
    for _, inner in step.steps:
        features = trace(inner, features)
    return features


def _column_transformer(step: Any, features: list[Feature]) -> list[Feature]:
    by_name = dict(zip(step.feature_names_in_, features, strict=True)) if hasattr(step, "feature_names_in_") else {}
    out: list[Feature] = []
    for _, inner, chosen in step.transformers_:
        if isinstance(inner, str) and inner == "drop":
            continue
        picked = _choose(chosen, features, by_name)
        if picked:  # a transformer of no columns was never fitted
            out += trace(inner, picked)
    return out


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


def _feature_union(step: Any, features: list[Feature]) -> list[Feature]:
    if step.transformer_weights:
        raise CannotCompile("a FeatureUnion with weights has no compiled form yet")
    return [feature for _, inner in step.transformer_list for feature in trace(inner, features)]


def _is_missing(value: Any) -> bool:
    return value is None or (isinstance(value, float) and np.isnan(value))


def _simple_imputer(step: Any, features: list[Feature]) -> list[Feature]:
    if not _is_missing(step.missing_values):
        raise CannotCompile(f"an imputer of {step.missing_values!r} has no compiled form yet")
    out: list[Feature] = []
    for feature, value in zip(features, step.statistics_, strict=True):
        if _is_missing(value):
            continue  # all missing in training: scikit-learn drops the column
        if feature.texts is not None:
            out.append(replace(feature, texts=tuple(str(value) if text is None else text for text in feature.texts)))
        else:
            out.append(feature.then(Op.IMPUTE, float(value)))
    if step.indicator_ is not None:
        out += _missing_indicator(step.indicator_, features)
    return out


def _missing_indicator(step: Any, features: list[Feature]) -> list[Feature]:
    if not _is_missing(step.missing_values):
        raise CannotCompile(f"an indicator of {step.missing_values!r} has no compiled form yet")
    out = []
    for feature in (features[i] for i in step.features_):
        if feature.texts is not None:
            out.append(_look_up(feature, [float(text is None) for text in feature.texts]))
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
        binned = feature.then(Op.BIN, *edges[1:-1])
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
    raise CannotCompile(f"the function {name or step.func!r} has no compiled form")


def _encoder(step: Any, features: list[Feature]) -> list[Feature]:
    """One-hot, ordinal and target encoders: tabulated, for text over the vocabulary and for numbers over their keys."""
    return _tabulate(step, features)


def _look_up(feature: Feature, values: Sequence[float]) -> Feature:
    *known, missing, unseen = values
    return Feature(feature.column, ((Op.LOOKUP, (float(missing), float(unseen), *map(float, known))),))


def _keys(step: Any, position: int, feature: Feature) -> list[Any]:
    """The values to run through an encoder for one feature: every known one, then a missing one, then an unseen one."""
    categories = list(step.categories_[position]) if hasattr(step, "categories_") else []
    missing = next((value for value in categories if _is_missing(value)), np.nan)
    if feature.texts is not None:
        return [missing if text is None else text for text in feature.texts]
    numbers = sorted(float(value) for value in categories if not _is_missing(value))
    if not numbers:
        raise CannotCompile(f"{type(step).__name__} on the numbers of {feature.column} has no compiled form")
    return [*numbers, missing, numbers[-1] + 1.0]


def _tabulate(step: Any, features: list[Feature]) -> list[Feature]:
    """Run `step` on every value of one feature at a time, the others held still; an output follows one feature."""
    columns = [_keys(step, i, feature) for i, feature in enumerate(features)]
    still = [column[0] for column in columns]
    answers = [
        _transform(step, [[*still[:i], value, *still[i + 1 :]] for value in column], features)
        for i, column in enumerate(columns)
    ]
    base = next((answer for column in answers for answer in column if answer is not None), None)
    if base is None:
        raise CannotCompile(f"{type(step).__name__} answers nothing for any value")
    out = []
    for j in range(len(base)):
        follows = [
            i
            for i, column in enumerate(answers)
            if len({_comparable(answer[j]) for answer in column if answer is not None}) > 1
        ]
        if len(follows) > 1:
            raise CannotCompile(f"{type(step).__name__} mixes columns")
        i = follows[0] if follows else 0
        out.append(_answer_feature(features[i], columns[i], [None if a is None else a[j] for a in answers[i]]))
    return out


def _comparable(value: Any) -> Any:
    return None if _is_missing(value) else value


def _answer_feature(feature: Feature, keys: list[Any], answers: list[Any]) -> Feature:
    if any(isinstance(answer, str) for answer in answers):
        if feature.texts is None:
            raise CannotCompile(f"{feature.column} turns from a number into text")
        return replace(feature, texts=tuple(None if _is_missing(a) else str(a) for a in answers))
    values = [np.nan if answer is None else float(answer) for answer in answers]
    if feature.texts is not None:
        return _look_up(feature, values)
    known = len(keys) - 2
    return feature.then(Op.MATCH, values[-2], values[-1], *keys[:known], *values[:known])


def _transform(step: Any, rows: list[list[Any]], features: list[Feature]) -> list[list[Any] | None]:
    """What `step` answers for each row; None where it refuses the row (an unseen category, say)."""
    table: Any = np.empty((len(rows), len(features)), dtype=object if any(f.is_text for f in features) else np.float64)
    for i, row in enumerate(rows):
        table[i, :] = row
    if hasattr(step, "feature_names_in_"):
        import pandas as pd  # only at sealing, with the libraries that need it

        table = pd.DataFrame(table, columns=step.feature_names_in_)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # an unseen category may be warned about; it is asked for here
            answer = step.transform(table)
    except ValueError:
        return [None] if len(rows) == 1 else [_transform(step, [row], features)[0] for row in rows]
    dense = answer.toarray() if hasattr(answer, "toarray") else np.asarray(answer)
    return [list(row) for row in dense]


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
    "OneHotEncoder": _encoder,
    "OrdinalEncoder": _encoder,
    "TargetEncoder": _encoder,
}
