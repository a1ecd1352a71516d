"""A model made of models: scorers, their links, means and calibrators, one after another over the same features.

Registers 0 to m-1 are the plan's features; every part reads earlier registers and writes the next one. The last one is
the PD. What is explained is the log-odds of bad where they are a sum of parts that are explained exactly, else the PD:
exactly where it is such a sum (the Shapley values of an average are the average of the Shapley values), else by asking.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from roadworthy.contract.batch import Batch
from roadworthy.errors import PackageError
from roadworthy.model.curves import Curve
from roadworthy.model.engine import Explanation, keep_probabilities
from roadworthy.model.forest import Forest
from roadworthy.model.linear import Linear
from roadworthy.model.plan import Op, Plan
from roadworthy.model.sampling import explain_by_asking

__all__ = ["ComposedEngine", "Mean", "Part", "Started", "Steps"]

_LAST_BITS = 8 * np.finfo(np.float64).eps


@dataclass(frozen=True)
class Mean:
    """Weighted mean: the weighted numbers added one after another, then divided; in float32 where the library does.

    >>> Mean(weights=np.array([1.0, 3.0]), divisor=4.0).value(np.array([[0.1, 0.5]]))
    array([0.4])
    """

    kind: ClassVar[str] = "mean"
    weights: NDArray[np.float64]
    divisor: float
    float32: bool = False

    def value(self, inputs: NDArray[np.float64]) -> NDArray[np.float64]:
        """The mean (n,) of inputs (n, k)."""
        width = np.float32 if self.float32 else np.float64
        numbers, weights = inputs.astype(width), self.weights.astype(width)
        total = numbers[:, 0] * weights[0]
        for j in range(1, len(weights)):
            total += numbers[:, j] * weights[j]
        return np.asarray(total / width(self.divisor), dtype=np.float64)

    def check(self, width: int) -> None:
        """Refuse weights that do not fit `width` numbers."""
        if self.weights.shape != (width,) or not np.isfinite(self.weights).all():
            raise PackageError("a mean's weights do not fit what it is taken of")
        if not 0 < self.divisor < np.inf:
            raise PackageError("a mean is divided by nothing")

    def arrays(self) -> dict[str, NDArray[Any]]:
        """What is stored in a package, by name."""
        return {
            "weights": self.weights,
            "divisor": np.array([self.divisor]),
            "float32": np.array([self.float32], dtype=np.bool_),
        }


@dataclass(frozen=True)
class Started:
    """Trees whose sum starts from another model's answer: the last of the numbers that it reads."""

    kind: ClassVar[str] = "started"
    forest: Forest

    def value(self, inputs: NDArray[np.float64]) -> NDArray[np.float64]:
        """The sum (n,) for inputs (n, k)."""
        return self.forest.margin(np.ascontiguousarray(inputs[:, :-1]), inputs[:, -1])

    def check(self, width: int) -> None:
        """Refuse trees that ask for more than they are given."""
        self.forest.check(width - 1)

    def arrays(self) -> dict[str, NDArray[Any]]:
        """What is stored in a package, by name."""
        return self.forest.arrays()


@dataclass(frozen=True)
class Steps:
    """Preprocessing of one model's answer before another model takes it."""

    kind: ClassVar[str] = "steps"
    plan: Plan

    def value(self, inputs: NDArray[np.float64]) -> NDArray[np.float64]:
        """The one feature (n,); NaN where the library would refuse the row."""
        return self.plan.run(inputs)[0][:, 0]

    def factor(self) -> float | None:
        """What a change of the number is multiplied with; None where the steps are no straight line."""
        found = 1.0
        for op, begin in zip(self.plan.code, self.plan.begin, strict=True):
            if op not in (Op.ADD, Op.SUBTRACT, Op.MULTIPLY, Op.DIVIDE):
                return None
            if op == Op.MULTIPLY:
                found *= float(self.plan.params[begin])
            elif op == Op.DIVIDE:
                found /= float(self.plan.params[begin])
        return found

    def check(self, width: int) -> None:
        """Refuse a plan that is not of one number."""
        if width != 1 or len(self.plan.inputs) != 1 or len(self.plan.outputs) != 1:
            raise PackageError("the steps between two models take one number and give one")
        self.plan.check()

    def arrays(self) -> dict[str, NDArray[Any]]:
        """What is stored in a package, by name."""
        return self.plan.arrays()


What = Linear | Forest | Mean | Started | Steps | Curve


@dataclass(frozen=True)
class Part:
    """One number computed from the registers `sources`."""

    what: What
    sources: tuple[int, ...]

    def value(self, inputs: NDArray[np.float64]) -> NDArray[np.float64]:
        """The part's number (n,) for the registers that it reads (n, k)."""
        if isinstance(self.what, (Linear, Forest)):
            return self.what.margin(np.ascontiguousarray(inputs))
        if isinstance(self.what, Curve):
            return self.what.value(inputs[:, 0])
        return self.what.value(inputs)


@dataclass(frozen=True)
class ComposedEngine:
    """Plan and parts; the last part's number is the PD."""

    kind: ClassVar[str] = "compiled"
    plan: Plan
    parts: tuple[Part, ...]

    @property
    def inputs(self) -> tuple[str, ...]:
        """The contract columns read, in order."""
        return self.plan.inputs

    @property
    def is_exact(self) -> bool:
        """Whether every bit is the library's: linear sums differ from BLAS in the last ones."""
        return not any(isinstance(part.what, Linear) for part in self.parts)

    def registers(self, batch: Batch, nudge: float = 0.0) -> NDArray[np.float64]:
        """Every number (n, m + parts) on the way to the PD; NaN throughout where the library would refuse the row.

        `nudge` moves each linear sum by so many times what BLAS may differ by, up or down.
        """
        features, refused = self.plan.run(batch.matrix(self.plan.inputs))
        m = features.shape[1]
        found = np.empty((len(features), m + len(self.parts)), dtype=np.float64)
        found[:, :m] = features
        with np.errstate(all="ignore"):  # NaN and overflow run through, as they do in the library
            for i, part in enumerate(self.parts):
                inputs = found[:, part.sources]
                value = part.value(inputs)
                if nudge and isinstance(part.what, Linear):
                    size = np.abs(inputs * part.what.coefficients).sum(axis=1) + abs(part.what.intercept)
                    value = value + nudge * _LAST_BITS * size
                found[:, m + i] = value
        found[refused] = np.nan
        return found

    def pd(self, batch: Batch) -> NDArray[np.float64]:
        """PD (n,); NaN where the library would refuse the row."""
        return keep_probabilities(self.registers(batch)[:, -1])

    def explain(self, batch: Batch, reference: Batch) -> Explanation:
        """Shapley values against the reference applicant (a batch of one), of the quantity that it names."""
        from roadworthy.model.attribution import attribute  # its kernels compile only when asked for

        found = attribute(self, batch, reference)
        if found is None:
            return explain_by_asking(lambda rows, _: self.pd(rows), batch, reference, self.inputs)
        return found

    def check(self) -> None:
        """Refuse arrays that do not fit each other."""
        self.plan.check()
        if not self.parts:
            raise PackageError("a model of no parts")
        m = len(self.plan.outputs)
        for i, part in enumerate(self.parts):
            if not part.sources or min(part.sources) < 0 or max(part.sources) >= m + i:
                raise PackageError(f"part {i} of the model reads what is not there yet")
            part.what.check(len(part.sources))
