"""Kernels: how loops over rows are compiled. Where they are kept is a matter of the environment, and in `settings`."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

__all__ = ["KEPT_IN", "njit"]

KEPT_IN = "NUMBA_CACHE_DIR"
"""The variable by which Numba is told where."""


def njit(**options: Any) -> Callable[[Callable[..., Any]], Any]:
    """Numba's `njit`, which compiles without keeping what nowhere can be kept; it warns of that once.

    >>> njit(nogil=True)(lambda x: x + 1)(1)
    2
    """
    import numba

    def compile_kernel(function: Callable[..., Any]) -> Any:
        try:
            return numba.njit(**options)(function)
        except RuntimeError:  # no directory that it knows of can be written
            warnings.warn(
                f"compiled kernels cannot be kept, so that every start compiles them anew: let {KEPT_IN} name a "
                "directory that can be written",
                stacklevel=1,  # of this line, so that Python says it once and not of every kernel
            )
            return numba.njit(**{**options, "cache": False})(function)

    return compile_kernel
