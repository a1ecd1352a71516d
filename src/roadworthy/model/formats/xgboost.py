"""XGBoost: the scikit-learn class and the plain Booster."""

from __future__ import annotations

import json
from typing import Any

import numpy as np

from roadworthy.model.formats.boosters import load_booster, read_trees
from roadworthy.model.formats.feature import CannotCompile, Compiled, Feature
from roadworthy.model.formats.grow import join_trees
from roadworthy.model.links import logit_float32
from roadworthy.model.plan import Op

NAMES = ("xgboost.XGBClassifier", "xgboost.XGBRFClassifier", "xgboost.Booster")


def compile_model(model: Any, features: list[Feature], bad_first: bool) -> Compiled:
    """Inputs and the running sum in float32, from the base score on, as the library predicts."""
    if any(feature.texts is not None or feature.is_category for feature in features):
        raise CannotCompile("XGBoost on categories has no compiled form yet; encode them in the pipeline")
    booster = model.get_booster() if hasattr(model, "get_booster") else model
    if booster is model:  # a Booster's DMatrix refuses infinity, and the scikit-learn class does not
        features = [feature.then(Op.REQUIRE_FLOAT32) for feature in features]
    if not np.isnan(getattr(model, "missing", np.nan)):
        raise CannotCompile(f"XGBoost with missing={model.missing} has no compiled form yet")
    best = getattr(model, "best_iteration", None) if getattr(model, "early_stopping_rounds", None) else None
    if best is not None:
        booster = booster[: best + 1]
    loaded = load_booster(booster)
    header = loaded.get_header_accessor()
    if str(header.get_field("postprocessor")) != "sigmoid":
        raise CannotCompile(f"an XGBoost objective with {header.get_field('postprocessor')} has no compiled form")
    forest = join_trees(read_trees(loaded), base=_base_margin(booster), float32_inputs=True, float32_sum=True)
    return Compiled(forest, "sigmoid_float32", features, bad_is_first=bad_first)


def known_categories(model: Any) -> dict[int, tuple[Any, ...]]:
    """The categories of the columns that were pandas categoricals in training, by position."""
    booster = model.get_booster() if hasattr(model, "get_booster") else model
    if not hasattr(booster, "get_categories") or "gbtree" not in booster.save_config():
        return {}
    columns = booster.get_categories(export_to_arrow=True).to_arrow()
    return {i: tuple(known.to_pylist()) for i, (_, known) in enumerate(columns) if known is not None}


def _base_margin(booster: Any) -> float:
    """The margin that sums start from. treelite's is computed in float64 and may be one float32 step off."""
    stored = json.loads(json.loads(booster.save_config())["learner"]["learner_model_param"]["base_score"])
    score = stored[0] if isinstance(stored, list) else stored
    return float(logit_float32(np.float32(score)))
