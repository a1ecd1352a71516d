"""LightGBM: the scikit-learn class and the plain Booster."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from roadworthy.model.formats.boosters import load_booster, read_trees
from roadworthy.model.formats.feature import CannotCompile, Compiled, Feature, category_text
from roadworthy.model.formats.grow import TreeArrays, join_trees
from roadworthy.model.plan import Op

NAMES = ("lightgbm.LGBMClassifier", "lightgbm.Booster")
_ZERO = float(np.float32(1e-35))


def compile_model(model: Any, features: list[Feature], bad_first: bool) -> Compiled:
    """float64 throughout; categories by the numbers that the library stored with the model."""
    booster = getattr(model, "booster_", model)
    loaded = load_booster(booster)
    header = loaded.get_header_accessor()
    if str(header.get_field("postprocessor")) != "sigmoid":
        raise CannotCompile(f"a LightGBM objective with {header.get_field('postprocessor')} has no compiled form")
    if float(header.get_field("sigmoid_alpha")[0]) != 1.0:
        raise CannotCompile("a LightGBM sigmoid other than 1 has no compiled form yet")
    trees = [_off_zero(tree) for tree in read_trees(loaded)]
    if booster.params.get("boosting", booster.params.get("boosting_type", "gbdt")) == "rf":
        raise CannotCompile("LightGBM's averaging forest has no compiled form yet")
    forest = join_trees(trees)
    return Compiled(forest, "sigmoid", _encode(features, booster.pandas_categorical or []), bad_is_first=bad_first)


def _off_zero(tree: TreeArrays) -> TreeArrays:
    """The tree as its library asks it, which takes numbers up to 1e-35 for zero: its border below zero itself too."""
    below = np.nextafter(-_ZERO, -np.inf)
    return replace(tree, threshold=np.where(tree.threshold == -_ZERO, below, tree.threshold))


def known_categories(model: Any) -> dict[int, tuple[Any, ...]]:
    """The vocabularies of the columns that were pandas categoricals in training, by position."""
    booster = getattr(model, "booster_", model)
    vocabularies = booster.pandas_categorical or []
    about = booster.dump_model(num_iteration=1)["feature_infos"]
    places = [i for i, name in enumerate(booster.feature_name()) if about.get(name, {}).get("values")]
    return dict(zip(places, map(tuple, vocabularies), strict=True)) if len(places) == len(vocabularies) else {}


def _encode(features: list[Feature], vocabularies: list[list[Any]]) -> list[Feature]:
    """Categories become their positions in the vocabulary that LightGBM saw; what it did not see is missing."""
    remaining = iter(vocabularies)
    out = []
    for feature in features:
        if feature.texts is None and not feature.is_category:
            out.append(feature)
            continue
        vocabulary = next(remaining, None)
        if vocabulary is None:
            raise CannotCompile(f"{feature.column} is text, and the model stored no categories for it")
        if feature.texts is None:
            places = sorted((float(value), float(i)) for i, value in enumerate(vocabulary))
            keys, values = zip(*places, strict=True)
            out.append(feature.then(Op.MATCH, np.nan, np.nan, *keys, *values))
            continue
        position = {category_text(value): i for i, value in enumerate(vocabulary)}
        out.append(
            feature.look_up(
                [np.nan if text is None else position.get(category_text(text), np.nan) for text in feature.texts]
            )
        )
    return out
