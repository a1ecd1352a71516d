"""Exact Shapley values of a composed model, where it is a sum of parts that are explained exactly."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from roadworthy.contract.batch import Batch
from roadworthy.model.composed import ComposedEngine, Mean, Steps
from roadworthy.model.curves import Curve
from roadworthy.model.engine import Explanation
from roadworthy.model.forest import Forest
from roadworthy.model.linear import Linear

__all__ = ["attribute", "find_line"]

Values = NDArray[np.float64]


def attribute(engine: ComposedEngine, batch: Batch, reference: Batch) -> Explanation | None:
    """The explanation; None where neither the log-odds of bad nor the PD is such a sum."""
    exact = _Exact(engine, batch, reference)
    last = exact.m + len(engine.parts) - 1
    straight = find_line(engine, last)
    if straight is not None and (contributions := exact.of(straight[0])) is not None:
        register, slope, shift = straight
        return exact.explanation(slope * contributions, register, slope, shift, "margin")
    contributions = exact.of(last)
    return None if contributions is None else exact.explanation(contributions, last, 1.0, 0.0, "pd")


def find_line(engine: ComposedEngine, register: int) -> tuple[int, float, float] | None:
    """(source, a, b) where the log-odds of `register` are a x + b of the register `source`; None where they are not."""
    m = len(engine.plan.outputs)
    if register < m:
        return None
    part = engine.parts[register - m]
    if isinstance(part.what, Mean) and len(part.sources) == 1 and part.what.weights[0] == part.what.divisor:
        return find_line(engine, part.sources[0])
    if not isinstance(part.what, Curve):
        return None
    if part.what.name.startswith("complement"):
        inner = find_line(engine, part.sources[0])
        return None if inner is None else (inner[0], -inner[1], -inner[2])
    line = part.what.log_odds()
    return None if line is None else (part.sources[0], *line)


class _Exact:
    """The Shapley values of each register that has exact ones."""

    def __init__(self, engine: ComposedEngine, batch: Batch, reference: Batch) -> None:
        self.engine, self.m = engine, len(engine.plan.outputs)
        self.now, self.then = engine.registers(batch), engine.registers(reference)
        self.k = len(engine.inputs)

    def of(self, register: int) -> Values | None:
        """Shapley values (n, k) of a register; None where they are not exact."""
        if register < self.m:
            out = np.zeros((len(self.now), self.k))
            out[:, self.engine.plan.origin[register]] = self.now[:, register] - self.then[0, register]
            return out
        part = self.engine.parts[register - self.m]
        what, sources = part.what, part.sources
        if isinstance(what, Linear):
            return self._linear(what, sources)
        if isinstance(what, Forest):
            return self._forest(what, sources)
        if isinstance(what, Mean):
            return self._sum(what.weights / what.divisor, sources)
        if isinstance(what, Steps):
            factor = what.factor()
            return None if factor is None else self._sum(np.array([factor]), sources)
        if isinstance(what, Curve) and what.name.startswith("complement"):
            return self._sum(np.array([-1.0]), sources)
        return None

    def _forest(self, forest: Forest, sources: tuple[int, ...]) -> Values | None:
        if max(sources) >= self.m:
            return None
        chosen = list(sources)
        features, reference = np.ascontiguousarray(self.now[:, chosen]), self.then[0, chosen]
        return forest.contributions(features, reference, self.engine.plan.origin[chosen], self.k)

    def _linear(self, linear: Linear, sources: tuple[int, ...]) -> Values | None:
        """Features at once, other models' answers one by one."""
        own = np.array([place for place, source in enumerate(sources) if source < self.m], dtype=np.int64)
        chosen = np.array(sources)[own]
        out = Linear(linear.coefficients[own], 0.0).contributions(
            self.now[:, chosen], self.then[0, chosen], self.engine.plan.origin[chosen], self.k
        )
        others = [place for place, source in enumerate(sources) if source >= self.m]
        added = self._sum(linear.coefficients[others], tuple(sources[place] for place in others))
        return None if added is None else out + added

    def _sum(self, factors: Values, sources: tuple[int, ...]) -> Values | None:
        out = np.zeros((len(self.now), self.k))
        for factor, source in zip(factors, sources, strict=True):
            found = self.of(source)
            if found is None:
                return None
            out += factor * found
        return out

    def explanation(
        self, contributions: Values, register: int, slope: float, shift: float, quantity: str
    ) -> Explanation:
        contributions[np.isnan(self.now[:, -1])] = np.nan
        return Explanation(
            columns=self.engine.inputs,
            contributions=contributions,
            output=slope * self.now[:, register] + shift,
            reference_output=float(slope * self.then[0, register] + shift),
            reference_pd=float(self.then[0, -1]),
            quantity=quantity,
            method="reference",
        )
