"""The values of one column as categories: texts, numbers or whatever people hold, read as text, by Arrow."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

__all__ = ["MISSING", "encode", "holds_text", "is_missing"]

MISSING = "missing"
"""What a bin or a group is called that holds what is missing; a text that says so is missing too."""


def encode(array: NDArray[Any]) -> tuple[list[str], NDArray[np.int64]]:
    """The distinct values as texts, and for each row the number of its own; -1 where it is missing.

    Whole numbers read alike with or without a decimal point: a column turns into floats once a value of it is missing.
    """
    try:
        encoded = pa.array(array, from_pandas=True).dictionary_encode()
    except (pa.ArrowException, OverflowError):  # values of several types
        texts = [None if is_missing(value) else _text(value) for value in array.tolist()]
        encoded = pa.array(texts, type=pa.string()).dictionary_encode()
    code = np.asarray(encoded.indices.fill_null(-1)).astype(np.int64)
    return [_text(value) for value in encoded.dictionary.to_pylist()], code


def holds_text(array: NDArray[Any]) -> bool:
    """Whether any value is a text."""
    if array.dtype.kind != "O":
        return array.dtype.kind in "US"
    try:
        return bool(pa.types.is_string(pa.array(array, from_pandas=True).type))
    except (pa.ArrowException, OverflowError):  # values of several types
        return any(isinstance(value, str) for value in array)


def is_missing(value: Any) -> bool:
    """Whether `value` is None, NaN or another library's sign for what is missing."""
    return (
        value is None or type(value).__name__ in ("NAType", "NaTType") or (isinstance(value, float) and value != value)
    )


def _text(value: Any) -> str:
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)
