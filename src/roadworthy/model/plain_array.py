"""Arrays as parts of a package: NumPy's own .npy format, read with no more trust than a stranger's file deserves."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
from numpy.typing import NDArray

from roadworthy.errors import PackageError

__all__ = ["array_bytes", "read_array"]

LARGEST_HEADER = 10_000


def array_bytes(array: NDArray[Any]) -> bytes:
    """An array as the bytes of a part; never an object's.

    >>> read_array(array_bytes(np.array([0.25, 0.5])), "pd.npy", np.float64)
    array([0.25, 0.5 ])
    """
    stream = io.BytesIO()
    np.lib.format.write_array(stream, np.ascontiguousarray(array), allow_pickle=False)
    return stream.getvalue()


def read_array(content: bytes, part: str, dtype: type[np.generic]) -> NDArray[Any]:
    """The array (n,) of `dtype` that `content` is; PackageError, which names `part`, for anything else."""
    stream = io.BytesIO(content)
    try:
        # It takes no more from the stream than there is, whatever the header says; objects would need pickle.
        array = np.lib.format.read_array(stream, allow_pickle=False, max_header_size=LARGEST_HEADER)
    except Exception as error:  # noqa: BLE001  # what NumPy raises on an odd header is of many kinds
        raise PackageError(f"{part} is not an array: {error}") from None
    if array.dtype != np.dtype(dtype) or array.ndim != 1:
        raise PackageError(f"{part} holds {array.dtype} of {array.ndim} dimensions where {np.dtype(dtype)} of 1 is due")
    if stream.read(1):
        raise PackageError(f"{part} holds more than its array")
    return np.ascontiguousarray(array)
