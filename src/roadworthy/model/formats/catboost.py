"""CatBoost: the scikit-learn class and the plain one, from their own JSON export."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from roadworthy.model.formats.catboost_json import NOT_THERE, CatBoostTrees, Statistic, StatisticTable, read_catboost
from roadworthy.model.formats.city_hash import category_number
from roadworthy.model.formats.feature import CannotCompile, Category, Compiled, Feature, category_text
from roadworthy.model.formats.grow import join_trees
from roadworthy.model.plan import REFUSED, Op

NAMES = ("catboost.CatBoostClassifier", "catboost.CatBoost")

_HASH = 0x4906BA494954CB65  # how a category's number becomes its key in a table of statistics


def compile_model(model: Any, features: list[Feature], bad_first: bool) -> Compiled:
    """Inputs and borders in float32, the sum in float64; categories by the statistics stored for each.

    The library refuses a missing category, and takes any other text for one that it never saw.
    """
    if len(model.classes_) not in (0, 2):
        raise CannotCompile(f"CatBoost on {len(model.classes_)} classes has no compiled form")
    found = read_catboost(_export(model))
    forest = join_trees(found.trees, float32_inputs=True)
    made = [_make(features[position], what, found) for position, what in found.columns]
    asked = {position for position, _ in found.columns}
    made += [_refuse_missing(features[place]) for place in category_places(model) if place not in asked]
    return Compiled(forest, "sigmoid", made, bad_is_first=bad_first)


def category_places(model: Any) -> tuple[int, ...]:
    """The positions of the columns that the model takes as categories."""
    return tuple(int(place) for place in model.get_cat_feature_indices())


def _export(model: Any) -> bytes:
    with TemporaryDirectory() as folder:
        path = Path(folder, "model.json")
        model.save_model(str(path), format="json")
        return path.read_bytes()


def _make(feature: Feature, what: int | Statistic | None, found: CatBoostTrees) -> Feature:
    """One number that the trees split on."""
    if what is None:
        return feature.then(Op.TO_FLOAT32)
    texts = _texts(feature)
    if isinstance(what, int):
        return feature.look_up([REFUSED if text is None else float(_number(text) == what) for text in texts])
    known = _statistics(what, found.tables)
    unseen = known[NOT_THERE]
    return feature.look_up([REFUSED if text is None else known.get(_key(_number(text)), unseen) for text in texts])


def _refuse_missing(feature: Feature) -> Feature:
    """A category that no tree asks for: the library refuses the row where it is missing all the same."""
    return feature.look_up([REFUSED if text is None else 0.0 for text in _texts(feature)])


def _texts(feature: Feature) -> tuple[Category | None, ...]:
    if feature.texts is None:
        raise CannotCompile(f"{feature.column} is a category to CatBoost and a number before it")
    return feature.texts


def _number(text: Category) -> int:
    return category_number(category_text(text))


def _key(number: int) -> int:
    return _HASH * (_HASH * number) % 2**64


def _statistics(what: Statistic, tables: dict[str, StatisticTable]) -> dict[int, float]:
    """The number for each key of a category; NOT_THERE is that of one never seen."""
    table = tables.get(what.identifier)
    widths = {"Borders": 3, "BinarizedTargetMeanValue": 3, "Buckets": None, "Counter": 2, "FeatureFreq": 2}
    width = widths.get(what.ctr_type, 0)
    if table is None or width == 0 or table.hash_stride < 2 or (width is not None and table.hash_stride != width):
        raise CannotCompile(f"CatBoost's statistic {what.ctr_type} has no compiled form")
    if len(table.hash_map) % table.hash_stride:
        raise CannotCompile("its JSON export has a table of statistics that is cut off")
    counted = what.ctr_type in ("Counter", "FeatureFreq")
    known = {NOT_THERE: _value(what, 0.0, float(table.counter_denominator) if counted else 0.0)}
    for at in range(0, len(table.hash_map), table.hash_stride):
        key, *counts = table.hash_map[at : at + table.hash_stride]
        if int(key) == NOT_THERE:
            continue
        numbers = [float(count) for count in counts]
        if counted:
            known[int(key)] = _value(what, numbers[0], float(table.counter_denominator))
        elif what.ctr_type == "BinarizedTargetMeanValue":
            known[int(key)] = _value(what, numbers[0], numbers[1])
        elif what.ctr_type == "Borders":
            known[int(key)] = _value(what, numbers[1], numbers[0] + numbers[1])
        elif 0 <= what.target_border_idx < len(numbers):
            known[int(key)] = _value(what, numbers[what.target_border_idx], sum(numbers))
    return known


def _value(what: Statistic, good: float, every: float) -> float:
    f = np.float32
    with np.errstate(all="ignore"):
        share = (f(good) + f(what.prior_numerator)) / (f(every) + f(what.prior_denomerator))
        return float((share + f(what.shift)) * f(what.scale))
