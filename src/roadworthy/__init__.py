"""Roadworthy: the car around your model.

>>> import roadworthy as rw
>>> sorted(name for name in rw.__all__ if name[0].islower())
['decide', 'load', 'measures', 'recalibrate', 'seal']
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from roadworthy.settings import place_kernels

if TYPE_CHECKING:
    from roadworthy import measures
    from roadworthy.contract import Contract
    from roadworthy.decision import Decisions, Release, Table, decide
    from roadworthy.errors import RoadworthyError
    from roadworthy.measures import Economics
    from roadworthy.model import Package, load, recalibrate, seal
    from roadworthy.policy import Policy

__version__ = "0.1.0.dev0"

__all__ = [
    "Contract",
    "Decisions",
    "Economics",
    "Package",
    "Policy",
    "Release",
    "RoadworthyError",
    "Table",
    "decide",
    "load",
    "measures",
    "recalibrate",
    "seal",
]

_ROOMS = {
    "Contract": "contract",
    "Decisions": "decision",
    "Economics": "measures",
    "Package": "model",
    "Policy": "policy",
    "Release": "decision",
    "RoadworthyError": "errors",
    "Table": "decision",
    "decide": "decision",
    "load": "model",
    "recalibrate": "model",
    "seal": "model",
}


def __getattr__(name: str) -> Any:
    """Rooms are loaded when first asked for, so that `roadworthy --help` waits for none of them."""
    if name == "measures":
        return import_module("roadworthy.measures")
    if name in _ROOMS:
        return getattr(import_module(f"roadworthy.{_ROOMS[name]}"), name)
    raise AttributeError(f"module 'roadworthy' has no attribute {name!r}")


place_kernels()
