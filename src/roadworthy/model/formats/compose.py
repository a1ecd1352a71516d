"""Models made of models: followed from the outermost one down to scorers, and back up to one probability.

A format module of such a model has `compose(model, features, bad_first, draft)` in place of `compile_model`; it adds
parts to the draft and returns the number of the one that is the probability of class 1, or of class 0 if `bad_first`.
"""

from __future__ import annotations

from types import ModuleType
from typing import Any

import numpy as np

from roadworthy.model.composed import ComposedEngine, Mean, Part, Steps, What
from roadworthy.model.curves import Curve
from roadworthy.model.engine import CompiledEngine
from roadworthy.model.formats import find_format
from roadworthy.model.formats.feature import CannotCompile, Compiled, Feature
from roadworthy.model.formats.optbinning import is_scorecard, trace_scorecard
from roadworthy.model.formats.trace import trace_within
from roadworthy.model.plan import Plan, build_plan

__all__ = ["Draft", "compile_estimator", "follow"]

_NONE = np.zeros(0)


def follow(estimator: Any, features: list[Feature]) -> tuple[Any, list[Feature]]:
    """The estimator behind pipelines, searches and frozen wrappers, and the features as it gets them."""
    while True:
        if type(estimator).__name__ == "Pipeline":
            for name, step in estimator.steps[:-1]:
                features = trace_within(name, step, features)
            estimator = estimator.steps[-1][1]
        elif type(estimator).__name__ == "FrozenEstimator":
            estimator = estimator.estimator
        elif is_scorecard(estimator):
            estimator, features = trace_scorecard(estimator, features)
        elif hasattr(estimator, "best_estimator_"):
            estimator = estimator.best_estimator_
        elif type(estimator).__name__ in ("FixedThresholdClassifier", "TunedThresholdClassifierCV"):
            estimator = estimator.estimator_  # the threshold is the policy's; the probability is as it was
        else:
            return estimator, features


def compile_estimator(
    model: Any, features: list[Feature], columns: tuple[str, ...], bad_first: bool
) -> CompiledEngine | ComposedEngine:
    """The engine of a fitted model that takes `features`; CannotCompile where it has none."""
    estimator, features = follow(model, features)
    module = find_format(estimator)
    if not _is_composed(module, estimator):
        compiled: Compiled = module.compile_model(estimator, features, bad_first)
        plan = _plan_of(compiled.features, columns)
        return CompiledEngine(plan, compiled.scorer, compiled.link, compiled.bad_is_first)
    draft = Draft()
    last = draft.probability(estimator, features, bad_first)
    return draft.engine(last, columns)


def _is_composed(module: ModuleType, estimator: Any) -> bool:
    return hasattr(module, "compose") and (not hasattr(module, "is_composed") or module.is_composed(estimator))


def _plan_of(features: list[Feature], columns: tuple[str, ...]) -> Plan:
    used = {feature.column for feature in features}
    inputs = tuple(name for name in columns if name in used)
    return build_plan(inputs, [(feature.column, feature.steps) for feature in features])


class Draft:
    """Features and parts of a composition as it grows. A part is known by a negative number until all are there."""

    def __init__(self) -> None:
        self._features: dict[Feature, int] = {}
        self._parts: list[tuple[What, tuple[int, ...]]] = []
        self._known: dict[tuple[Any, ...], int] = {}
        self._float32: set[int] = set()

    def add(self, what: What, *sources: int, float32: bool = False) -> int:
        """A part that reads `sources`; its number."""
        self._parts.append((what, sources))
        if float32:
            self._float32.add(-len(self._parts))
        return -len(self._parts)

    def curve(self, name: str, source: int, *params: float) -> int:
        """A function of one number."""
        return self.add(Curve(name, np.array(params, dtype=np.float64) if params else _NONE), source)

    def mean(self, sources: list[int], weights: list[float] | None = None, divisor: float | None = None) -> int:
        """The mean of other numbers; with no weights in float32 where all of them are."""
        given = np.ones(len(sources)) if weights is None else np.array(weights, dtype=np.float64)
        float32 = weights is None and divisor is None and all(source in self._float32 for source in sources)
        by = float(np.asarray(given).sum()) if divisor is None else divisor
        return self.add(Mean(given, by, float32), *sources, float32=float32)

    def is_float32(self, number: int) -> bool:
        """Whether the library holds this number in float32."""
        return number in self._float32

    def place(self, features: list[Feature]) -> list[int]:
        """The numbers of features: a column's, or another model's answer with the steps that were done to it."""
        return [self._place(feature) for feature in features]

    def _place(self, feature: Feature) -> int:
        if feature.texts is not None:
            raise CannotCompile(f"{feature.column} is text where a number is needed")
        if feature.answer is None:
            return self._features.setdefault(feature, len(self._features))
        if not feature.steps:
            return feature.answer
        made = (feature.answer, feature.steps)
        if made not in self._known:
            plan = build_plan(("answer",), [("answer", feature.steps)])
            self._known[made] = self.add(Steps(plan), feature.answer)
        return self._known[made]

    def score(self, compiled: Compiled) -> int:
        """A scorer's raw answer."""
        return self.add(compiled.scorer, *self.place(compiled.features))

    def probability(self, estimator: Any, features: list[Feature], bad_first: bool) -> int:
        """The probability of class 1 of a fitted classifier; of class 0 if `bad_first`."""
        estimator, features = follow(estimator, features)
        if len(getattr(estimator, "classes_", (0, 1))) != 2:
            raise CannotCompile(f"{type(estimator).__name__} within it knows {len(estimator.classes_)} classes")
        module = find_format(estimator)
        if _is_composed(module, estimator):
            return int(module.compose(estimator, features, bad_first, self))
        compiled: Compiled = module.compile_model(estimator, features, bad_first)
        margin = self.score(compiled)
        if compiled.link == "identity" and not compiled.bad_is_first:
            return margin
        narrow = compiled.link == "sigmoid_float32"
        linked = self.add(Curve(compiled.link, _NONE), margin, float32=narrow)
        if not compiled.bad_is_first:
            return linked
        return self.add(Curve("complement_float32" if narrow else "complement", _NONE), linked, float32=narrow)

    def decision(self, estimator: Any, features: list[Feature]) -> int:
        """What the classifier's `decision_function` says."""
        estimator, features = follow(estimator, features)
        module = find_format(estimator)
        if hasattr(module, "compile_decision"):
            return self.score(module.compile_decision(estimator, features))
        if not hasattr(module, "compile_model"):
            raise CannotCompile(f"the decision function of {type(estimator).__name__} has no compiled form yet")
        return self.score(module.compile_model(estimator, features, False))

    def response(self, estimator: Any, features: list[Feature]) -> tuple[int, bool]:
        """What calibrators and stacks take: the decision function where there is one, else class 1's probability."""
        if hasattr(estimator, "decision_function"):
            return self.decision(estimator, features), True
        return self.probability(estimator, features, bad_first=False), False

    def engine(self, last: int, columns: tuple[str, ...]) -> ComposedEngine:
        """What runs, `last` being the PD."""
        m = len(self._features)
        if last >= 0 or -last != len(self._parts):
            last = self.mean([last], divisor=1.0)
        parts = tuple(
            Part(what, tuple(source if source >= 0 else m - source - 1 for source in sources))
            for what, sources in self._parts
        )
        return ComposedEngine(_plan_of(list(self._features), columns), parts)
