"""What runs in service: a batch in, PD and reasons' raw material out.

Two engines answer to one protocol. `CompiledEngine` is arrays only and needs no model library. The native one
(`formats/native.py`) holds the original model, for what cannot be compiled exactly.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar, Protocol

import numpy as np
from numpy.typing import NDArray

from roadworthy.contract.batch import Batch
from roadworthy.errors import PackageError
from roadworthy.model.forest import Forest
from roadworthy.model.linear import Linear
from roadworthy.model.links import LINKS, PLAIN, complement
from roadworthy.model.plan import Plan

__all__ = ["METHODS", "CompiledEngine", "Engine", "Explanation", "keep_probabilities"]

METHODS = {
    "reference": "exact Shapley values against one reference applicant",
    "path": "path-dependent Shapley values over the training rows (TreeSHAP)",
    "asked": "exact Shapley values against one reference applicant, the model asked in every coalition",
    "sampled": "Shapley values against one reference applicant, sampled, with their standard error",
}
"""How reasons are computed, by the name that packages, records and replies carry."""


@dataclass(frozen=True)
class Explanation:
    """Why each PD differs from the reference applicant's, by contract column.

    `columns` (k,) names; `contributions` (n, k) sum by row to `output - reference_output`, in the unit `quantity`:
    "margin" (log-odds of bad) or "pd". `method` is a key of METHODS; by "path" `reference_output` is the mean over the
    training rows, else the reference applicant's. `error` (n, k) is the standard error of a sampled method, None where
    exact. `reference_pd` is the PD of the reference applicant.
    """

    columns: tuple[str, ...]
    contributions: NDArray[np.float64]
    output: NDArray[np.float64]
    reference_output: float
    reference_pd: float
    quantity: str
    method: str
    error: NDArray[np.float64] | None = None


class Engine(Protocol):
    """What `decide` asks of a model."""

    kind: ClassVar[str]

    @property
    def inputs(self) -> tuple[str, ...]:
        """The contract columns read, in order."""
        ...

    def pd(self, batch: Batch) -> NDArray[np.float64]:
        """PD (n,) in 0..1; NaN where the model fails on a row."""
        ...

    def explain(self, batch: Batch, reference: Batch) -> Explanation:
        """Contributions of each input against `reference`, a batch of one."""
        ...


def keep_probabilities(pd: NDArray[np.float64]) -> NDArray[np.float64]:
    """`pd` (n,) with NaN for what is no probability: whatever a package's arrays come to, it refers the row.

    >>> keep_probabilities(np.array([0.25, 1.5, -0.1]))
    array([0.25,  nan,  nan])
    """
    return np.where((pd >= 0.0) & (pd <= 1.0), pd, np.nan)


@dataclass(frozen=True)
class CompiledEngine:
    """Plan, scorer and link.

    `bad_is_first` says that the library's probability is that of good; `reasons` is "reference" or, for trees, "path".
    """

    kind: ClassVar[str] = "compiled"
    plan: Plan
    scorer: Linear | Forest
    link: str
    bad_is_first: bool = False
    reasons: str = "reference"

    @property
    def inputs(self) -> tuple[str, ...]:
        """The contract columns read, in order."""
        return self.plan.inputs

    @property
    def is_exact(self) -> bool:
        """Whether every bit is the library's: linear sums differ from BLAS in the last ones."""
        return isinstance(self.scorer, Forest)

    def features(self, batch: Batch) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
        """The model's features (n, m) for a batch, and the rows (n,) that the model's library would refuse."""
        return self.plan.run(batch.matrix(self.plan.inputs))

    def _margin(self, features: NDArray[np.float64], refused: NDArray[np.bool_]) -> NDArray[np.float64]:
        margin = self.scorer.margin(features)
        margin[refused] = np.nan
        return margin

    def _probability(self, margin: NDArray[np.float64]) -> NDArray[np.float64]:
        probability = LINKS[self.link](margin)
        return keep_probabilities(complement(self.link, probability) if self.bad_is_first else probability)

    def pd(self, batch: Batch) -> NDArray[np.float64]:
        """PD (n,); NaN where the library would refuse the row."""
        return self._probability(self._margin(*self.features(batch)))

    def explain(self, batch: Batch, reference: Batch) -> Explanation:
        """Shapley values by `reasons`; NaN where a row is refused. `reference` is a batch of one.

        What is explained is the sum in float64, whatever the library's width is.
        """
        features, refused = self.features(batch)
        at_reference, base, reference_pd = self._at_reference(reference)
        k = len(self.plan.inputs)
        if self.reasons == "path" and isinstance(self.scorer, Forest):
            contributions, base = self.scorer.path_contributions(features, self.plan.origin, k)
        else:
            contributions = self.scorer.contributions(features, at_reference[0], self.plan.origin, k)
        sign = -1.0 if self.bad_is_first else 1.0
        output = self.scorer.exact(features)
        contributions[refused], output[refused] = np.nan, np.nan
        return Explanation(
            columns=self.inputs,
            contributions=sign * contributions,
            output=sign * output,
            reference_output=sign * base,
            reference_pd=reference_pd,
            quantity="pd" if self.link in PLAIN else "margin",
            method=self.reasons,
        )

    @cached_property
    def _references(self) -> dict[int, tuple[Batch, NDArray[np.float64], float, float]]:
        """By identity the reference asked about last, with its features (1, m), sum and PD: a release has one."""
        return {}

    def _at_reference(self, reference: Batch) -> tuple[NDArray[np.float64], float, float]:
        kept = self._references.get(id(reference))
        if kept is None:
            features, refused = self.features(reference)
            pd = self._probability(self._margin(features, refused))
            kept = reference, features, float(self.scorer.exact(features)[0]), float(pd[0])
            self._references.clear()
            self._references[id(reference)] = kept
        return kept[1:]

    def check(self) -> None:
        """Refuse arrays that do not fit each other."""
        self.plan.check()
        self.scorer.check(len(self.plan.outputs))
        if self.reasons not in ("reference", "path"):
            raise PackageError(f"reasons by {self.reasons!r} are unknown")
        if self.reasons == "path" and not (isinstance(self.scorer, Forest) and len(self.scorer.cover)):
            raise PackageError("path-dependent reasons are of trees that count their training rows")
