"""LightGBM: the scikit-learn class and the plain Booster."""

from __future__ import annotations

from typing import Any

import numpy as np

from roadworthy.model.formats.boosters import load_treelite, read_trees
from roadworthy.model.formats.grow import join_trees
from roadworthy.model.formats.trace import CannotCompile, Compiled, Feature
from roadworthy.model.plan import Op

NAMES = ("lightgbm.LGBMClassifier", "lightgbm.Booster")


def compile_model(model: Any, features: list[Feature], bad_first: bool) -> Compiled:
    """float64 throughout; categories by the numbers that the library stored with the model."""
    booster = getattr(model, "booster_", model)
    loaded = load_treelite().frontend.from_lightgbm(booster)
    header = loaded.get_header_accessor()
    if str(header.get_field("postprocessor")) != "sigmoid":
        raise CannotCompile(f"a LightGBM objective with {header.get_field('postprocessor')} has no compiled form")
    if float(header.get_field("sigmoid_alpha")[0]) != 1.0:
        raise CannotCompile("a LightGBM sigmoid other than 1 has no compiled form yet")
    trees = read_trees(loaded)
    if booster.params.get("boosting", booster.params.get("boosting_type", "gbdt")) == "rf":
        raise CannotCompile("LightGBM's averaging forest has no compiled form yet")
    forest = join_trees(trees)
    return Compiled(forest, "sigmoid", _encode(features, booster.pandas_categorical or []), bad_is_first=bad_first)


def _encode(features: list[Feature], vocabularies: list[list[Any]]) -> list[Feature]:
    """Categories become their positions in the vocabulary that LightGBM saw; what it did not see is missing."""
    remaining = iter(vocabularies)
    out = []
    for feature in features:
        if feature.texts is None:
            out.append(feature)
            continue
        vocabulary = next(remaining, None)
        if vocabulary is None:
            raise CannotCompile(f"{feature.column} is text, and the model stored no categories for it")
        position = {str(value): float(i) for i, value in enumerate(vocabulary)}
        codes = [np.nan if text is None else position.get(text, np.nan) for text in feature.texts]
        *known, missing, unseen = codes
        out.append(Feature(feature.column, ((Op.LOOKUP, (missing, unseen, *known)),)))
    return out
