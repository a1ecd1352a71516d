"""Batches as the pandas frames that models were trained on: the same dtypes, the same categories."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from roadworthy.contract import MISSING, UNSEEN, Batch, Contract
from roadworthy.errors import MissingExtra, SealError
from roadworthy.model.formats.feature import UNSEEN_TEXT, Category, FrameColumn, category_text

__all__ = [
    "contract_columns",
    "frame_columns",
    "make_frame",
    "training_frame",
]

_NO_CATEGORIES: Mapping[int, tuple[Category, ...]] = MappingProxyType({})


def frame_columns(X: Any, names: Sequence[str]) -> tuple[FrameColumn, ...]:
    """How the pandas frame `X` holds the columns `names`; SealError for categories that are neither text nor number."""
    return tuple(FrameColumn(name, str(X[name].dtype), _categories(X[name])) for name in names)


def _categories(column: Any) -> tuple[Category, ...] | None:
    if str(column.dtype) != "category":
        return None
    values = column.cat.categories.tolist()
    strange = [value for value in values if not isinstance(value, (bool, int, float, str))]
    if strange:
        raise SealError(
            f"the categories of {column.name} are of type {type(strange[0]).__name__}",
            mend="make them text or numbers before training",
        )
    return tuple(values)


def contract_columns(
    contract: Contract, names: Sequence[str], categories: Mapping[int, tuple[Category, ...]] = _NO_CATEGORIES
) -> tuple[FrameColumn, ...]:
    """How `training_frame` holds the columns `names`; those at the positions of `categories` as categoricals."""
    return tuple(
        FrameColumn(name, "category", categories[i])
        if i in categories
        else FrameColumn(name, "object" if contract[name].type == "category" else "float64")
        for i, name in enumerate(names)
    )


def make_frame(batch: Batch, columns: Sequence[FrameColumn]) -> Any:
    """A pandas frame of a batch as the model saw its training data."""
    pd = _pandas()
    out: dict[str, Any] = {}
    for column in columns:
        declared = batch.contract[column.name]
        values = batch.columns[column.name]
        if declared.type in ("text", "date"):
            raise SealError(
                f"the model reads {column.name}, which is {declared.type}", mend="make a number of it before training"
            )
        if column.categories is not None:
            places = _places(values, declared.allowed, column.categories)
            out[column.name] = pd.Categorical.from_codes(places, list(column.categories))
        elif declared.type == "category":
            vocabulary = np.array([*(declared.allowed or ()), UNSEEN_TEXT, np.nan], dtype=object)
            out[column.name] = vocabulary[np.where(values == MISSING, -1, np.where(values == UNSEEN, -2, values))]
        elif column.dtype == "bool":
            out[column.name] = values == 1.0
        else:
            out[column.name] = _narrow(values) if column.dtype == "float32" else values
    return pd.DataFrame(out, columns=[column.name for column in columns])


def _narrow(values: NDArray[Any]) -> NDArray[np.float32]:
    with np.errstate(over="ignore"):  # beyond float32 is infinity in the model's own frame too
        return values.astype(np.float32)


def _places(
    values: NDArray[Any], allowed: tuple[str, ...] | None, categories: tuple[Category, ...]
) -> NDArray[np.int64]:
    """Where each value stands among `categories`, -1 where it is missing or none of them."""
    if allowed is not None:
        place = {category_text(category): i for i, category in enumerate(categories)}
        known = np.array([*(place.get(text, -1) for text in allowed), -1], dtype=np.int64)
        return known[np.where(values < 0, -1, values)]
    place_of = {float(category): i for i, category in enumerate(categories) if not isinstance(category, str)}
    numbers, inverse = np.unique(values, return_inverse=True)
    return np.array([place_of.get(float(number), -1) for number in numbers], dtype=np.int64)[inverse]


def training_frame(batch: Batch, names: Sequence[str]) -> Any:
    """The columns `names` as a pandas frame to train on: numbers float64, categories text, NaN where missing.

    >>> from roadworthy.contract import Column, Contract, check_table, to_arrow
    >>> contract = Contract(name="loans", columns=(
    ...     Column(name="age", type="integer", missing=True), Column(name="region", type="category", allowed=("N", "S"))
    ... ))
    >>> batch = check_table(contract, to_arrow({"age": [41, None], "region": ["S", "N"]})).batch
    >>> training_frame(batch, ["age", "region"])
        age region
    0  41.0      S
    1   NaN      N
    """
    return make_frame(batch, contract_columns(batch.contract, names))


def _pandas() -> Any:
    try:
        import pandas as pd  # loads on use: compiled packages need none of it
    except ImportError:
        raise MissingExtra.of("pandas", "train") from None
    return pd
