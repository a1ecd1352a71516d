"""One column on its way through a pipeline, and what a format makes of a model at the end of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from roadworthy.contract import Column, Contract
from roadworthy.model.forest import Forest
from roadworthy.model.linear import Linear
from roadworthy.model.plan import Op, Step

__all__ = [
    "UNSEEN_TEXT",
    "CannotCompile",
    "Category",
    "Compiled",
    "Feature",
    "FrameColumn",
    "category_text",
    "start_features",
]

Category = bool | int | float | str

UNSEEN_TEXT = "\u2047 never seen in training"
"""Stands for a category that no vocabulary holds."""


class CannotCompile(Exception):
    """Why a model or step has no exact compiled form; the model then runs natively and the card says this.

    `within` are the names of the steps around it, from the outermost one in.

    >>> str(CannotCompile("the step PCA has no compiled form", within=("prepare", "numbers")))
    'prepare > numbers: the step PCA has no compiled form'
    """

    def __init__(self, why: str, *, within: tuple[str, ...] = ()) -> None:
        super().__init__(why)
        self.within = within

    def __str__(self) -> str:
        why = str(self.args[0])
        return f"{' > '.join(self.within)}: {why}" if self.within else why


@dataclass(frozen=True)
class FrameColumn:
    """A column as the model's own library saw it in training: its pandas dtype, and a categorical's values in order."""

    name: str
    dtype: str
    categories: tuple[Category, ...] | None = None


def category_text(value: Category) -> str:
    """A category as a contract writes it: whole numbers without a point.

    >>> category_text(3.0), category_text("N")
    ('3', 'N')
    """
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)


@dataclass(frozen=True)
class Feature:
    """One column on its way through a pipeline.

    A number carries the `steps` done so far. A category carries `texts`: what the column's codes read as by now (None
    is missing), followed by what a missing and an unseen value read as. `is_category` says that the column was a pandas
    categorical in training; its categories may be numbers. `answer` is set where it is no column but what another model
    answered, under the number that the composition gave it.

    >>> Feature("age").then(Op.SUBTRACT, 40).then(Op.DIVIDE, 10).steps
    ((<Op.SUBTRACT: 4>, (40.0,)), (<Op.DIVIDE: 6>, (10.0,)))
    """

    column: str
    steps: tuple[Step, ...] = ()
    texts: tuple[Category | None, ...] | None = None
    is_category: bool = False
    answer: int | None = None

    def then(self, op: Op, *values: float) -> Feature:
        """The same feature with one more step; CannotCompile where it is text."""
        if self.texts is not None:
            raise CannotCompile(f"{self.column} is text where a number is needed")
        return replace(self, steps=(*self.steps, (op, tuple(float(value) for value in values))))

    def look_up(self, values: Sequence[float]) -> Feature:
        """A text as a number: `values` for what the codes read as, then for a missing and for an unseen value."""
        *known, missing, unseen = (float(value) for value in values)
        return Feature(self.column, ((Op.LOOKUP, (missing, unseen, *known)),))


@dataclass(frozen=True)
class Compiled:
    """A scorer with its link, and the features as it wants them."""

    scorer: Linear | Forest
    link: str
    features: list[Feature]
    bad_is_first: bool = False


def start_features(contract: Contract, columns: Sequence[FrameColumn]) -> list[Feature]:
    """The features before any step: contract columns as the model's training frame held them."""
    found = []
    for column in columns:
        feature = _start(contract[column.name], column.categories)
        found.append(feature.then(Op.TO_FLOAT32) if column.dtype == "float32" else feature)
    return found


def _start(column: Column, categories: tuple[Category, ...] | None) -> Feature:
    """A pandas categorical reads as missing what is none of its categories."""
    if column.type == "category":
        if categories is None:
            return Feature(column.name, texts=(*(column.allowed or ()), None, UNSEEN_TEXT))
        known = {category_text(category): category for category in categories}
        texts = tuple(known.get(text) for text in column.allowed or ())
        return Feature(column.name, texts=(*texts, None, None), is_category=True)
    if categories is None:
        return Feature(column.name)
    numbers = sorted(float(category) for category in categories)
    step = (Op.MATCH, (np.nan, np.nan, *numbers, *numbers))
    return Feature(column.name, steps=(step,), is_category=True)
