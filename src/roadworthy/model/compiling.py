"""From a model to the engine's arrays, kept only where they are found to be the model."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from roadworthy.contract import Batch
from roadworthy.errors import PackageError
from roadworthy.model.engine import CompiledEngine
from roadworthy.model.forest import Forest
from roadworthy.model.formats import CannotCompile, find_format
from roadworthy.model.formats.feature import start_features
from roadworthy.model.formats.native import NativeEngine
from roadworthy.model.formats.trace import trace
from roadworthy.model.parity import Parity, compare, make_hard_rows
from roadworthy.model.plan import build_plan

__all__ = ["compile_model"]


def compile_model(
    native: NativeEngine, batch: Batch, own: NDArray[np.float64], cut_offs: Sequence[float]
) -> tuple[CompiledEngine | None, Parity | None, str]:
    """The compiled engine where it is the model, with the comparison; else None with the reason.

    `own` (n,) are the model's own PDs of `batch`. Compared are these rows and made-up hard ones.
    """
    try:
        engine = _compile(native, batch)
    except CannotCompile as reason:
        return None, None, str(reason)
    except (PackageError, ValueError, TypeError, KeyError, AttributeError, IndexError) as fault:
        # Some other version of a library may hold its parts otherwise. Compiling is never needed to answer right.
        return None, None, f"its parts are not laid out as known: {type(fault).__name__}: {fault}"
    hard = make_hard_rows(batch, native.inputs, _thresholds(engine))
    parity = compare(engine, (batch, hard), (own, native.pd_at_once(hard)), cut_offs=cut_offs)
    if not parity.holds:
        return None, parity, f"the compiled form differs from the model: {parity.sentence()}"
    return engine, parity, parity.sentence()


def _compile(native: NativeEngine, batch: Batch) -> CompiledEngine:
    columns = native.inputs
    features = start_features(batch.contract, native.frame)
    estimator = native.model
    while type(estimator).__name__ == "Pipeline":
        for _, step in estimator.steps[:-1]:
            features = trace(step, features)
        estimator = estimator.steps[-1][1]
    compiled = find_format(estimator).compile_model(estimator, features, native.bad_at == 0)
    used = {feature.column for feature in compiled.features}
    plan = build_plan(
        tuple(name for name in columns if name in used),
        [(feature.column, feature.steps) for feature in compiled.features],
    )
    engine = CompiledEngine(plan, compiled.scorer, compiled.link, compiled.bad_is_first)
    engine.check()
    return engine


def _thresholds(engine: CompiledEngine) -> dict[str, NDArray[np.float64]]:
    """The split points of trees on columns that reach them unchanged: the places where a last bit decides."""
    scorer = engine.scorer
    if not isinstance(scorer, Forest):
        return {}
    found: dict[str, NDArray[np.float64]] = {}
    for j, column in enumerate(engine.plan.unchanged()):
        if column is not None:
            at = (scorer.feature == j) & (scorer.category_begin < 0)
            found[column] = np.unique(np.concatenate([found.get(column, np.zeros(0)), scorer.threshold[at]]))
    return found
