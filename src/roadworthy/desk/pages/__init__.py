"""The pages, one file for each thing they are about."""

from __future__ import annotations

from importlib import import_module
from pkgutil import iter_modules

__all__ = ["HANDLERS"]

HANDLERS = tuple(
    handler
    for found in sorted(iter_modules(__path__), key=lambda module: module.name)
    for handler in import_module(f"{__name__}.{found.name}").HANDLERS
)
"""Every page and every form: each file of this folder lists its own in `HANDLERS`."""
