"""Trained models as the engine's arrays. One file a format; adding one touches no other file.

A format module has `NAMES`, the full class names it compiles, and `compile_model(model, features, bad_first)` that
returns a `Compiled`; one for models made of models has `compose` instead, or for some of them (`compose.py`). It may
have `compile_decision(model, features)`, a `Compiled` of the decision function, and `known_categories(model)`, the
categories that the model saw in training, by the position of their column. `trace.py` walks the preprocessing in front.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Iterator
from types import ModuleType
from typing import Any

from roadworthy.model.formats.feature import CannotCompile, Compiled, Feature

__all__ = ["CannotCompile", "Compiled", "Feature", "class_name", "find_format", "list_formats"]


def list_formats() -> Iterator[ModuleType]:
    """Every format module in this folder."""
    for found in pkgutil.iter_modules(__path__):
        module = importlib.import_module(f"{__name__}.{found.name}")
        if hasattr(module, "NAMES"):
            yield module


def class_name(model: Any) -> str:
    """`package.Class` of a model: the top package, so that private modules may move."""
    kind = type(model)
    return f"{kind.__module__.partition('.')[0]}.{kind.__qualname__}"


def find_format(model: Any) -> ModuleType:
    """The module that compiles `model`; CannotCompile where none does."""
    name = class_name(model)
    for module in list_formats():
        if name in module.NAMES:
            return module
    raise CannotCompile(f"{name} has no compiled form yet")
