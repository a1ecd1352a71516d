"""What this program is made of: with the same build the same decision gives the same bits."""

from __future__ import annotations

import platform
from functools import cache
from importlib.metadata import PackageNotFoundError, version

import msgspec

from roadworthy import __version__

__all__ = ["describe_build"]

_LIBRARIES = (
    "numpy",
    "numba",
    "llvmlite",
    "scipy",
    "polars",
    "pyarrow",
    "msgspec",
    "scikit-learn",
    "lightgbm",
    "xgboost-cpu",
)
"""What takes part in a decision's arithmetic, or runs a model that stayed native."""


@cache
def describe_build() -> bytes:
    """The versions of Roadworthy, Python and the libraries that decide, and the machine's kind, as JSON.

    >>> msgspec.json.decode(describe_build())["roadworthy"] == __version__
    True
    """
    versions = {}
    for name in _LIBRARIES:
        try:
            versions[name] = version(name)
        except PackageNotFoundError:
            continue
    machine = f"{platform.system()} {platform.machine()}"
    described = {
        "roadworthy": __version__,
        "python": platform.python_version(),
        "machine": machine,
        "libraries": versions,
    }
    return msgspec.json.encode(described, order="deterministic")
