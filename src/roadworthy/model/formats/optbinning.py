"""optbinning's BinningProcess and Scorecard: every column's bins asked for their weight of evidence, then looked up."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
from numpy.typing import NDArray

from roadworthy.model.formats.feature import CannotCompile, Feature
from roadworthy.model.plan import Op

__all__ = ["binned_names", "is_scorecard", "trace_bins", "trace_scorecard"]


def binned_names(model: Any) -> list[str] | None:
    """The columns that a binning process at the front of `model` takes; None where there is none."""
    first = model.steps[0][1] if getattr(model, "steps", None) else model
    if not type(first).__module__.startswith("optbinning."):
        return None
    names = getattr(getattr(first, "binning_process_", first), "variable_names", None)
    return None if names is None else [str(name) for name in names]


def is_scorecard(estimator: Any) -> bool:
    """Whether it is a fitted Scorecard."""
    return type(estimator).__module__.startswith("optbinning.") and hasattr(estimator, "binning_process_")


def trace_scorecard(card: Any, features: list[Feature]) -> tuple[Any, list[Feature]]:
    """The scorecard's own estimator and its features; the points are a scale of its log-odds, which a policy sets."""
    asked = {"metric": None, "metric_special": card._metric_special, "metric_missing": card._metric_missing}
    return card.estimator_, trace_bins(card.binning_process_, features, **asked)


def trace_bins(process: Any, features: list[Feature], **asked: Any) -> list[Feature]:
    """One feature for each column that the process selected, constant between the column's splits."""
    names = [str(name) for name in process.variable_names]
    by_name = {feature.column: feature for feature in features}
    taken = [by_name.get(name, feature) for name, feature in zip(names, features, strict=True)]
    out: list[Feature] = []
    for name, feature in zip(names, taken, strict=True):
        if name not in process.get_support(names=True):
            continue
        place = len(out)
        if feature.texts is not None:
            keys: list[Any] = [np.nan if text is None else text for text in feature.texts]
            out.append(feature.look_up(_ask(process, names, name, keys, asked)[:, place].tolist()))
            continue
        edges = _edges(process.get_binned_variable(name), name)
        below = np.nextafter(edges[:1], -np.inf) if len(edges) else np.zeros(1)
        answers = _ask(process, names, name, [*below, *edges, np.nan], asked)[:, place]
        bins = np.arange(len(edges) + 1, dtype=np.float64)
        out.append(feature.then(Op.BIN, *edges).then(Op.MATCH, answers[-1], np.nan, *bins, *answers[:-1]))
    return out


def _edges(binned: Any, name: str) -> NDArray[np.float64]:
    """Where the answer may change: the splits, and a special code with the number after it."""
    if binned.dtype != "numerical":
        raise CannotCompile(f"{name} is binned as categories and is a number")
    codes = binned.special_codes or []
    listed = codes.values() if isinstance(codes, dict) else [codes]
    special = np.concatenate([np.zeros(0), *(np.atleast_1d(np.asarray(code, dtype=np.float64)) for code in listed)])
    return np.unique(np.concatenate([np.asarray(binned.splits, np.float64), special, np.nextafter(special, np.inf)]))


def _ask(process: Any, names: list[str], name: str, keys: list[Any], asked: dict[str, Any]) -> NDArray[np.float64]:
    """What the process makes of `keys` in the column `name`, the others being missing."""
    import pandas as pd  # only at sealing, with the libraries that need it

    text = any(isinstance(key, str) for key in keys)
    frame = pd.DataFrame({each: np.full(len(keys), np.nan) for each in names})
    frame[name] = np.array(keys, dtype=object if text else np.float64)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # an unseen category may be warned about; it is asked for here
        return np.asarray(process.transform(frame, **asked), dtype=np.float64)
