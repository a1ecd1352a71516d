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
        version = np.lib.format.read_magic(stream)
        shape, _, found = np.lib.format.read_array_header_1_0(stream, max_header_size=LARGEST_HEADER)
    except Exception as error:  # noqa: BLE001  # what NumPy raises on an odd header is of many kinds
        raise PackageError(f"{part} is not an array: {error}") from None
    wanted = np.dtype(dtype)
    if version != (1, 0) or found != wanted or len(shape) != 1:
        raise PackageError(f"{part} holds {found} of {len(shape)} dimensions where {wanted} of 1 is due")
    start = stream.tell()
    if shape[0] * wanted.itemsize != len(content) - start:
        raise PackageError(f"{part} says it holds {shape[0]:,} numbers, and has {len(content) - start:,} bytes of them")
    return np.frombuffer(content, dtype=wanted, offset=start).copy()
